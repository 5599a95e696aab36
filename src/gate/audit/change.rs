//! One change: everything that was signed about it, and whether it was right when it went.

use super::model::{AuditedChange, AuditedPermit, AuditedReceipt, AuditedRecord, AuditedResult, DeviceDigest};
use super::{Believed, Fault, chain_broken, fault};
use crate::check::CheckReport;
use crate::gate::adoption::adoptions;
use crate::gate::believed::{Believed as Signed, TOLERANCE, Testimony, read_branch};
use crate::gate::case::{Dossier, Progress};
use crate::gate::decide::{Past, judge_past};
use crate::gate::evidence::{Analysis, Extent};
use crate::gate::instant::Instant;
use crate::gate::ledger::{Ledger, PermitHistory};
use crate::gate::log::{Attachment, Merge, Outcome};
use crate::gate::permit::{PermitFile, PermitRoster, VerifiedPermit};
use crate::gate::reason::{Reason, ReasonCode};
use crate::gate::record::{Change, Claim, Digest, LedgerEntry, Receipt, ReceiptKind, Record, ResultKind};
use crate::gate::roster::Roster;
use crate::gate::standing::debt;
use crate::policy::{ChangeClass, Policy};
use crate::vcs::Branch;

/// Audits one change.
pub(super) fn audited(believed: &Believed<'_>, id: &str) -> AuditedChange {
    let mut out = AuditedChange { change: id.to_owned(), outcome: "open".to_owned(), ..AuditedChange::default() };
    let merge = believed.log.last_of(id);
    let spent = spent(believed, id);
    let claim = spent.as_ref().and_then(|s| s.claims.last());
    let at = claim.map(|c| c.at).or(merge.map(|m| m.said.at)).unwrap_or(believed.archive.now);
    out.judged = at.to_string();
    if let Some(merge) = merge {
        out.outcome = merge.said.outcome.name().to_owned();
        out.class = merge.said.class.name().to_owned();
        out.closed = Some(merge.said.at.to_string());
        out.merge = Some(merge.commit.clone());
    }
    out.policy = version(believed, merge, claim);
    let Some((policy, roster)) = out.policy.and_then(|v| believed.rules(v)) else {
        out.faults
            .push(fault(&chain_broken(format!("no version of the policy is known that was in force when {id} went"))));
        return out;
    };
    let Some(branch) = believed.archive.changes.get(id) else { return out };
    // The branch is as the log brought it, so that witnesses of what came on it later say nothing about it.
    let ledger = merge.map_or_else(|| believed.ledger.clone(), |merge| believed.ledger.until(&merge.entry));
    let (spent, roster) = (spent.as_ref(), &roster);
    let case = Case { believed, ledger, merge, spent, claim, at, policy, roster, branch };
    case.fill(&mut out);
    out.is_right = out.faults.is_empty();
    out
}

/// What became of the permit that was claimed last, with what operators brought back afterwards, as far as the log goes.
fn spent(believed: &Believed<'_>, id: &str) -> Option<PermitHistory> {
    let own = believed.ledger.permits().into_values().filter(|p| p.claims.last().is_some_and(|c| c.change == id));
    let (mut back, pushed): (Vec<_>, Vec<_>) = own.partition(|p| p.claims.last().is_some_and(Claim::is_operators));
    let mut last = pushed.into_iter().max_by_key(|p| p.place)?;
    back.sort_by_key(|p| p.place);
    let merged = believed.log.last_of(id).map(|merge| &merge.entry);
    let until = merged.and_then(|entry| believed.ledger.entries.iter().position(|e| e.commit == *entry));
    let told = last.place..=until.unwrap_or(usize::MAX);
    back.into_iter().filter(|p| told.contains(&p.place)).for_each(|p| last.results.extend(p.results));
    Some(last)
}

fn version(believed: &Believed<'_>, merge: Option<&Merge>, claim: Option<&Claim>) -> Option<u64> {
    let is_claim = |said: &LedgerEntry| matches!(said, LedgerEntry::Claim(c) if Some(c) == claim);
    let place = believed.ledger.entries.iter().position(|e| is_claim(&e.said));
    let latest = || believed.chain.in_force().map(|v| v.version);
    place.and_then(|at| believed.version_at(at)).or(merge.map(|m| m.said.version)).or_else(latest)
}

struct Case<'a> {
    believed: &'a Believed<'a>,
    /// As far as it tells of the branch.
    ledger: Ledger,
    merge: Option<&'a Merge>,
    spent: Option<&'a PermitHistory>,
    claim: Option<&'a Claim>,
    at: Instant,
    policy: &'a Policy,
    roster: &'a Roster,
    branch: &'a Branch,
}

impl Case<'_> {
    fn fill(&self, out: &mut AuditedChange) {
        let end = self.merge.map_or(self.believed.archive.now, |m| m.said.at);
        let (_, latest) = self.merge.and_then(|m| self.believed.rules(m.said.version)).unzip();
        let all = read_branch(self.branch, latest.as_ref().unwrap_or(self.roster), &self.ledger, end);
        let then = self.then();
        let (permit, mut faults) = self.permit();
        faults.extend(then.refusals.iter().map(fault));
        let past = self.judged(&then, permit.as_ref());
        if self.is_push() {
            faults.extend(past.reasons.iter().map(fault));
            faults.extend(self.unreceipted(&all));
            faults.extend(self.unpermitted(permit.as_ref(), &past));
        } else {
            faults.extend(self.of_end());
        }
        faults.extend(self.owed(&all));
        faults.sort();
        faults.dedup();
        out.faults = faults;
        out.notes = past.notes.clone();
        self.tell(out, &all, &past, permit.as_ref());
    }

    fn is_push(&self) -> bool {
        self.claim.is_some()
    }

    /// The branch as it was: what is dated later was not there.
    fn then(&self) -> Testimony {
        let mut out = read_branch(self.branch, self.roster, &self.ledger, self.at);
        let latest = self.at.after(TOLERANCE);
        out.records.retain(|r| r.at <= latest && r.witnessed.is_none_or(|w| w <= latest || !self.is_push()));
        out.receipts.retain(|r| r.at <= latest);
        out
    }

    fn judged(&self, then: &Testimony, permit: Option<&VerifiedPermit>) -> Past {
        let Some(class) = self.class(then) else { return Past::default() };
        let analysis = announced(then).map(|a| analysis(a, permit));
        let id = then.change.clone();
        let (targets, empty) = (Vec::new(), Vec::new());
        let dossier = Dossier {
            id: &id,
            now: self.at,
            chain: &self.believed.chain,
            obstacles: &[],
            request: None,
            testimony: then,
            analysis: analysis.as_ref(),
            pending: None,
            targets: &targets,
            paths: &empty,
            contributors: &[],
            edits: None,
            holds: &[],
            ids: &[],
            neighbours: &[],
            progress: Progress::None,
            taken_back: None,
            restores: true,
            unconverged: &[],
            debts: &[],
        };
        let template = self.merge.and_then(|m| m.said.template.as_deref());
        judge_past(&dossier, self.policy, class, template)
    }

    /// The class that the log names; of an open change, that of most changes.
    fn class(&self, then: &Testimony) -> Option<ChangeClass> {
        let is_urgent = then.records.iter().any(|r| matches!(r.said, Record::Emergency(_)));
        let open = if is_urgent { ChangeClass::Emergency } else { ChangeClass::Normal };
        Some(self.merge.map_or(open, |m| m.said.class)).filter(|c| *c != ChangeClass::Policy)
    }

    /// The permit that the log carries, believed at the instant at which it was given.
    fn permit(&self) -> (Option<VerifiedPermit>, Vec<Fault>) {
        let Some(claim) = self.claim else { return (None, Vec::new()) };
        let is = |a: &&Attachment| matches!(a, Attachment::Permit(t) if Digest::of(t.as_bytes()) == claim.permit);
        let mut carried = self.believed.log.merges.iter().flat_map(|m| &m.said.attached);
        let Some(Attachment::Permit(text)) = carried.find(is) else { return (None, Vec::new()) };
        let read = PermitFile::read(text.as_bytes()).and_then(|file| {
            let trust = PermitRoster { roster: self.roster, now: file.permit.issued };
            file.verify(&trust)
        });
        match read {
            Ok(permit) => (Some(permit), Vec::new()),
            Err(reason) => (None, vec![fault(&reason)]),
        }
    }

    /// What the permit says otherwise than the ledger and the approvals.
    fn unpermitted(&self, permit: Option<&VerifiedPermit>, past: &Past) -> Vec<Fault> {
        let (Some(claim), Some(permit)) = (self.claim, permit.map(VerifiedPermit::permit)) else { return Vec::new() };
        let repository = self.believed.root.as_ref().map(|r| r.repository.as_str());
        let same = [
            ("change", permit.change == claim.change),
            ("nonce", permit.nonce == claim.nonce),
            ("holder", permit.holder == claim.holder),
            ("repository", repository == Some(permit.repository.as_str())),
            ("devices", permit.devices.iter().map(|d| &d.name).eq(claim.devices.iter())),
            ("approvals", past.counted.iter().all(|c| permit.approvals.contains(&c.record))),
        ];
        let other = same.into_iter().filter(|(_, is_same)| !is_same);
        let mismatch = |(what, _)| Fault {
            code: ReasonCode::PermitMismatch.name().to_owned(),
            message: format!("the permit names another {what} than the ledger and the records"),
        };
        other.map(mismatch).chain(permit.untimely(claim.at).iter().map(fault)).collect()
    }

    /// Devices whose result has no receipt of the machine.
    fn unreceipted(&self, all: &Testimony) -> Vec<Fault> {
        let results = self.spent.iter().flat_map(|s| s.results.values());
        let wanted = results.filter(|r| matches!(r.result, ResultKind::Applied | ResultKind::RolledBack));
        let has = |r: &&crate::gate::record::Result| {
            let kind = if r.result == ResultKind::Applied { ReceiptKind::Applied } else { ReceiptKind::RolledBack };
            all.receipts.iter().any(|receipt| {
                let names = receipt.said.devices.iter().any(|(d, bytes)| *d == r.device && *bytes == r.bytes);
                Some(receipt.digest) == r.receipt && receipt.said.kind == kind && names
            })
        };
        let missing = |r: &crate::gate::record::Result| Fault {
            code: ReasonCode::ReceiptMismatch.name().to_owned(),
            message: format!("no receipt of the machine is there for what the ledger says of `{}`", r.device),
        };
        wanted.filter(|r| !has(r)).map(missing).collect()
    }

    /// What the log says of a change that was never pushed, where it is not so.
    fn of_end(&self) -> Vec<Fault> {
        let Some(merge) = self.merge else { return Vec::new() };
        let id = &merge.said.change;
        let wrong = match merge.said.outcome {
            Outcome::Applied | Outcome::RolledBack | Outcome::Partial | Outcome::ReviewDue => {
                "the ledger knows no push of it"
            }
            Outcome::InForce if !self.puts_in_force() => "no version of the policy is in force by its records",
            Outcome::Adopted if self.adopted().is_empty() => "no quorum adopted anything by its records",
            _ => return Vec::new(),
        };
        let message = format!("the log says that {id} is {}, and {wrong}", merge.said.outcome.name());
        vec![fault(&Reason::new(ReasonCode::AuditChainBroken, message, ""))]
    }

    /// The devices whose baseline a quorum adopted there.
    fn adopted(&self) -> Vec<String> {
        let testimony = read_branch(self.branch, self.roster, &self.ledger, self.at);
        adoptions(&testimony, self.policy, self.at).into_iter().map(|known| known.device).collect()
    }

    fn puts_in_force(&self) -> bool {
        let testimony = read_branch(self.branch, &self.believed.roster, &self.ledger, self.at);
        testimony.records.iter().any(|r| match &r.said {
            Record::Policy(said) => {
                self.believed.chain.versions.iter().any(|v| v.version == said.version && v.digest == said.policy)
            }
            _ => false,
        })
    }

    /// The review of an emergency that is past due.
    fn owed(&self, all: &Testimony) -> Option<Fault> {
        let results = self.believed.ledger.results().filter(|r| r.change == all.change);
        let applied = results.filter(|r| r.result == ResultKind::Applied).map(|r| r.at).max()?;
        let debt = debt(all, self.policy, applied).filter(|d| d.due <= self.believed.archive.now)?;
        let message = format!("the review of the emergency {} was due at {}", debt.change, debt.due);
        Some(fault(&Reason::new(ReasonCode::ReviewOverdue, message, "")))
    }

    fn tell(&self, out: &mut AuditedChange, all: &Testimony, past: &Past, permit: Option<&VerifiedPermit>) {
        let is_counted = |r: &Signed<Record>| past.counted.iter().any(|c| c.record == r.digest && c.person == r.by);
        out.records = all.records.iter().map(|r| record(r, is_counted(r))).collect();
        out.receipts = all.receipts.iter().map(receipt).collect();
        let changes = all.records.iter().filter(|r| matches!(r.said, Record::Change(_)));
        out.authors = changes.map(|r| r.by.clone()).collect();
        out.authors.dedup();
        if let Some(last) = announced(all) {
            out.contributors = last.contributors.clone();
            out.says = Some(last.says.clone());
            out.content = Some(permit.map_or(last.content, |p| p.permit().content).to_string());
            out.meaning = Some(last.meaning.to_string());
            out.devices = last.devices.clone();
        }
        if self.merge.is_some_and(|m| m.said.outcome == Outcome::Adopted) {
            out.devices = self.adopted();
        }
        out.permit = self.claim.map(|claim| written_permit(claim, permit));
        if self.claim.is_some() && permit.is_none() {
            out.notes.push("the log does not carry the permit, only its digest".to_owned());
        }
        let results = self.spent.iter().flat_map(|s| s.results.values());
        out.results = results.map(result).collect();
        if self.branch.commits.last().map(|c| &c.id) != self.merge.map(|m| &m.head) && self.merge.is_some() {
            out.notes.push("its branch has records that are not in the log yet".to_owned());
        }
    }
}

fn announced(testimony: &Testimony) -> Option<&Change> {
    testimony.records.iter().rev().find_map(|r| if let Record::Change(change) = &r.said { Some(change) } else { None })
}

/// What the gate computed then, as it was signed: the permit's content and devices, the announcement's meaning and words.
fn analysis(announced: &Change, permit: Option<&VerifiedPermit>) -> Analysis {
    let devices = permit.map(|p| p.permit().devices.as_slice()).unwrap_or_default();
    Analysis {
        report: CheckReport::default(),
        is_refused: false,
        content: permit.map_or(announced.content, |p| p.permit().content),
        meaning: announced.meaning,
        says: announced.says.clone(),
        devices: devices.iter().map(|d| (d.name.clone(), d.proposal)).collect(),
        rollback: devices.iter().map(|d| (d.name.clone(), d.rollback)).collect(),
        extent: Extent::default(),
    }
}

fn record(r: &Signed<Record>, counted: bool) -> AuditedRecord {
    let about = about(&r.said);
    AuditedRecord {
        kind: r.said.kind().to_owned(),
        person: r.by.clone(),
        role: about.role,
        key: r.key.clone(),
        dated: r.at.to_string(),
        witnessed: r.witnessed.map(|w| w.to_string()),
        content: about.content.map(|d| d.to_string()),
        meaning: about.meaning.map(|d| d.to_string()),
        vetting: about.vetting.map(|d| d.to_string()),
        says: about.says,
        record: r.digest.to_string(),
        commit: r.commit.clone(),
        counted,
    }
}

#[derive(Default)]
struct About {
    role: Option<String>,
    content: Option<Digest>,
    meaning: Option<Digest>,
    vetting: Option<Digest>,
    says: Option<String>,
}

fn about(record: &Record) -> About {
    let because = |says: &str| About { says: Some(says.to_owned()), ..About::default() };
    match record {
        Record::Change(r) => About { content: Some(r.content), meaning: Some(r.meaning), ..because(&r.says) },
        Record::Approve(r) => About {
            role: Some(r.role.clone()),
            content: Some(r.content),
            meaning: Some(r.meaning),
            vetting: r.vetting,
            ..because(&r.says)
        },
        Record::Reject(r) => because(&r.reason),
        Record::Revoke(r) => because(&format!("takes back {}: {}", r.record, r.reason)),
        Record::Schedule(r) => because(&format!("{} to {}", r.start, r.end)),
        Record::Hold(r) => because(&format!("until {}: {}", r.until, r.reason)),
        Record::Withdraw(r) => because(&r.reason),
        Record::OverrideReject(r) => {
            About { role: Some(r.role.clone()), ..because(&format!("lifts {}: {}", r.record, r.reason)) }
        }
        Record::Policy(r) => About {
            role: Some(r.role.clone()),
            ..because(&format!("version {} of the policy, {}", r.version, r.policy))
        },
        Record::Emergency(r) => {
            About { content: Some(r.content), ..because(&format!("until {}: {}", r.until, r.reason)) }
        }
        Record::Review(r) => About { role: Some(r.role.clone()), content: Some(r.content), ..because(&r.reason) },
        Record::Adopt(r) => {
            About { role: Some(r.role.clone()), ..because(&format!("{} runs {}: {}", r.device, r.bytes, r.reason)) }
        }
        Record::Quarantine(r) => because(&format!("{} until {}: {}", r.device, r.until, r.reason)),
        Record::Reissue(r) => because(&format!("becomes {}: {}", r.becomes, r.reason)),
    }
}

fn receipt(r: &Signed<Receipt>) -> AuditedReceipt {
    let device = |(device, bytes): &(String, Digest)| DeviceDigest { device: device.clone(), bytes: bytes.to_string() };
    AuditedReceipt {
        kind: r.said.kind.name().to_owned(),
        machine: r.by.clone(),
        key: r.key.clone(),
        devices: r.said.devices.iter().map(device).collect(),
        on: r.said.on.clone(),
        flows: r.said.flows,
        at: r.said.at.to_string(),
        receipt: r.digest.to_string(),
    }
}

fn written_permit(claim: &Claim, permit: Option<&VerifiedPermit>) -> AuditedPermit {
    let said = permit.map(VerifiedPermit::permit);
    AuditedPermit {
        permit: claim.permit.to_string(),
        machine: permit.map(|p| p.machine().to_owned()),
        holder: claim.holder.clone(),
        window: said.map(|p| [p.window.0.to_string(), p.window.1.to_string()]),
        issued: said.map(|p| p.issued.to_string()),
        expires: said.map(|p| p.expires.to_string()),
        claimed: claim.at.to_string(),
        run: claim.run.clone(),
    }
}

fn result(r: &crate::gate::record::Result) -> AuditedResult {
    AuditedResult {
        device: r.device.clone(),
        result: r.result.name().to_owned(),
        bytes: r.bytes.to_string(),
        receipt: r.receipt.map(|d| d.to_string()),
        at: r.at.to_string(),
    }
}
