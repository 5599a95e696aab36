//! `fwgate change close`: folds a change that came to an end into the log, with the records, the permit and the versions of the
//! policy that an audit needs.

use crate::cli::exit::{Exit, PASSED, REFUSED};
use crate::cli::failure::Failure;
use crate::cli::failure::system_words;
use crate::cli::gate::{GateArguments, Gathered, MachineKeys, Session, append_by_machine, machine_of, need_key, now};
use crate::cli::ledger::{Begins, listed, witness};
use crate::cli::screen::Screen;
use crate::gate::{
    Attachment, Digest, Instant, LOG_BRANCH, LedgerEntry, LogEntry, Outcome, Progress, Reason, ReasonCode, Record,
    State, VersionInForce, adoptions, claims, progress, sha256,
};
use crate::policy::{ChangeClass, Purpose};
use crate::vcs::{Branch, CommitId};
use clap::Args;
use std::path::{Path, PathBuf};

/// How often a log that moved is tried again.
const TRIES: usize = 3;
/// Largest message of a merge.
const MAX_MESSAGE: usize = 15 << 20;

/// The arguments of `fwgate change close`.
#[derive(Debug, Args)]
#[command(
    after_help = "`fwgate push` closes what it has pushed by itself; this is for what ends in another way, or after a review.\n\n\
                  Example:\n  fwgate change close CHG-2042 --root root.toml --key-ledger ledger.key --permit CHG-2042.permit"
)]
pub struct Arguments {
    /// The change and the root.
    #[command(flatten)]
    pub gate: GateArguments,
    /// Key of the machine that keeps the ledger (or FWGATE_KEY_LEDGER)
    #[arg(long, value_name = "FILE")]
    pub key_ledger: Option<PathBuf>,
    /// The permit that was spent
    #[arg(long, value_name = "FILE", conflicts_with = "without_permit")]
    pub permit: Option<PathBuf>,
    /// Close it although the permit is lost: the log keeps only its digest
    #[arg(long)]
    pub without_permit: bool,
}

/// The permit to be kept.
#[derive(Clone, Copy, Debug)]
pub enum Spent<'a> {
    /// Its file.
    File(&'a str),
    /// Nobody has it any more.
    Lost,
    /// It must be in the log already, or there was none.
    Kept,
}

/// What was folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The change.
    pub change: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The merge.
    pub merge: CommitId,
}

/// Folds a change into the log.
///
/// # Errors
/// No repository, no key, a permit that cannot be read.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let keys = MachineKeys { key_ledger: arguments.key_ledger.clone(), ..MachineKeys::default() }.or_environment();
    let key = need_key(keys.key_ledger.as_ref(), "--key-ledger", "FWGATE_KEY_LEDGER")?;
    let session = Session::open(&arguments.gate)?;
    let text = arguments.permit.as_deref().map(read_permit).transpose()?;
    let spent = match &text {
        Some(text) => Spent::File(text),
        None if arguments.without_permit => Spent::Lost,
        None => Spent::Kept,
    };
    match fold(&session, &arguments.gate.change, key, spent, now()) {
        Ok(all) => {
            let line = |f: &Folded| format!("{}: {}, in the log ({})\n", f.change, f.outcome.name(), f.merge.short());
            screen.answer(&all.iter().map(line).collect::<String>())?;
            Ok(PASSED)
        }
        Err(reasons) => {
            screen.answer(&listed(&reasons))?;
            Ok(REFUSED)
        }
    }
}

fn read_permit(path: &Path) -> Result<String, Failure> {
    let failure = |e: std::io::Error| {
        Failure::new(format!("the permit `{}` cannot be read: {}", path.display(), system_words(e.kind())))
    };
    let length = std::fs::metadata(path).map_err(failure)?.len();
    match length > 4 << 20 {
        true => Err(Failure::new(format!("the permit `{}` has {length} bytes", path.display()))),
        false => std::fs::read_to_string(path).map_err(failure),
    }
}

/// Folds a change into the log, and before it what is not there yet and in force by records alone: versions of the policy, and what a quorum
/// adopted.
///
/// # Errors
/// The change has not come to an end, the permit is missing or another one, the log is broken or cannot be appended to.
pub fn fold(
    session: &Session,
    id: &str,
    key: &Path,
    spent: Spent<'_>,
    now: Instant,
) -> Result<Vec<Folded>, Vec<Reason>> {
    let mut out = Vec::new();
    for _ in 0..TRIES {
        let gathered = session.gather(id, now);
        let outcome = outcome(&gathered, id)?;
        refuse_broken(&gathered)?;
        let mut gathered = gathered;
        for unfolded in [unfolded_policies, unfolded_adoptions] {
            let others = unfolded(&gathered, id, outcome);
            for other in &others {
                out.extend(fold(session, other, key, Spent::Kept, now)?);
            }
            gathered = if others.is_empty() { gathered } else { session.gather(id, now) };
        }
        let Some(entry) = ending(&gathered, id, outcome) else {
            witness(session, key, Begins::Never, now)?;
            continue;
        };
        let folding = Folding { session, gathered: &gathered, id, outcome, spent };
        if let Some(merge) = folding.merge(&entry, key)? {
            out.push(Folded { change: id.to_owned(), outcome, merge });
            return Ok(out);
        }
    }
    Err(vec![Reason::new(ReasonCode::EvidenceUnavailable, format!("the log moved {TRIES} times"), "try again")])
}

/// How the change ended.
fn outcome(gathered: &Gathered, id: &str) -> Result<Outcome, Vec<Reason>> {
    let owes = gathered.decision.state == State::ReviewDue;
    let pushed = match progress(&gathered.ledger, id, gathered.now) {
        Progress::Applied if owes => Some(Outcome::ReviewDue),
        Progress::Applied => Some(Outcome::Applied),
        Progress::RolledBack => Some(Outcome::RolledBack),
        Progress::Partial => Some(Outcome::Partial),
        _ => None,
    };
    let said = || match gathered.decision.state {
        State::Withdrawn => Some(Outcome::Withdrawn),
        State::Rejected => Some(Outcome::Rejected),
        _ => version_of(gathered, id).map(|_| Outcome::InForce),
    };
    let branch = branch_of(gathered, id);
    let has_adopted = branch.is_some_and(|branch| adopts(gathered, branch));
    let said = || if has_adopted { Some(Outcome::Adopted) } else { said() };
    let state = gathered.decision.state.name();
    let has_all = gathered.log.has_all(&gathered.ledger, id);
    let has_said_more = has_adopted && branch.is_some_and(|branch| !gathered.log.has_branch(branch));
    let is_same = gathered.log.last_of(id).is_some_and(|m| Some(m.said.outcome) == pushed);
    if has_all && !has_said_more && (gathered.log.is_closed(id) || is_same) {
        let message = format!("{id} is in the log already");
        return Err(vec![Reason::new(ReasonCode::EmptyChange, message, "nothing is left to do")]);
    }
    pushed.or_else(said).ok_or_else(|| {
        let message = format!("{id} is {state}, which is no end");
        vec![Reason::new(ReasonCode::NotConverged, message, format!("`fwgate change show {id}` says what is next"))]
    })
}

/// The digest of the permit that was claimed last; an operator takes a change back without one.
fn claimed(gathered: &Gathered, id: &str) -> Option<Digest> {
    gathered.ledger.entries.iter().rev().find_map(|e| match &e.said {
        LedgerEntry::Claim(claim) if claim.change == id && !claim.is_operators() => Some(claim.permit),
        _ => None,
    })
}

/// The version of the policy that records on a change's branch put in force.
fn version_of<'g>(gathered: &'g Gathered, id: &str) -> Option<&'g VersionInForce> {
    let branch = branch_of(gathered, id)?;
    let testimony = crate::gate::read_branch(branch, &gathered.roster, &gathered.ledger, gathered.now);
    let said = testimony.records.iter().filter_map(|r| if let Record::Policy(p) = &r.said { Some(p) } else { None });
    let of = |p: &crate::gate::PolicyRecord| {
        let mut versions = gathered.chain.versions.iter().skip(1);
        versions.find(|v| v.version == p.version && v.digest == p.policy)
    };
    said.filter_map(of).max_by_key(|v| v.version)
}

fn branch_of<'g>(gathered: &'g Gathered, id: &str) -> Option<&'g Branch> {
    gathered.branches.get(&format!("refs/heads/fwgate/changes/{id}"))
}

/// Whether a quorum adopted something on a branch.
fn adopts(gathered: &Gathered, branch: &Branch) -> bool {
    let Some(policy) = gathered.policy().filter(|_| claims(branch, &["adopt"])) else { return false };
    let testimony = crate::gate::read_branch(branch, &gathered.roster, &gathered.ledger, gathered.now);
    !adoptions(&testimony, policy, gathered.now).is_empty()
}

/// Branches on which a quorum adopted something that the log does not have, before a change that was pushed or given up.
fn unfolded_adoptions(gathered: &Gathered, id: &str, outcome: Outcome) -> Vec<String> {
    if matches!(outcome, Outcome::InForce | Outcome::Adopted) {
        return Vec::new();
    }
    let id_of = |branch: &Branch| branch.name.strip_prefix("refs/heads/fwgate/changes/").map(str::to_owned);
    let open = gathered.branches.values().filter(|branch| !gathered.log.has_branch(branch) && adopts(gathered, branch));
    open.filter_map(id_of).filter(|other| other != id).collect()
}

fn refuse_broken(gathered: &Gathered) -> Result<(), Vec<Reason>> {
    let mut all = gathered.log.refusals.clone();
    all.extend(gathered.ledger.refusals.iter().cloned());
    if gathered.chain.in_force().is_none() {
        all.extend(gathered.chain.reasons.iter().cloned());
    }
    if all.is_empty() { Ok(()) } else { Err(all) }
}

/// Changes that brought versions of the policy which the log does not carry, oldest version first.
fn unfolded_policies(gathered: &Gathered, id: &str, outcome: Outcome) -> Vec<String> {
    let upto = limit(gathered, id, outcome);
    let ids = gathered.branches.keys().filter_map(|name| name.strip_prefix("refs/heads/fwgate/changes/"));
    let others = ids.filter(|other| *other != id && !gathered.log.is_closed(other));
    let mut found: Vec<(u64, String)> = others
        .filter_map(|other| version_of(gathered, other).map(|v| (v.version, other.to_owned())))
        .filter(|(version, _)| *version < upto || (*version == upto && outcome != Outcome::InForce))
        .collect();
    found.sort();
    found.into_iter().map(|(_, other)| other).collect()
}

/// The last version of the policy that the merge is about.
fn limit(gathered: &Gathered, id: &str, outcome: Outcome) -> u64 {
    let own = version_of(gathered, id).filter(|_| outcome == Outcome::InForce);
    own.or(gathered.chain.in_force()).map_or(0, |v| v.version)
}

/// The entry of the ledger that ended the change: the last witness that saw its head, else the end of its push.
fn ending(gathered: &Gathered, id: &str, outcome: Outcome) -> Option<String> {
    let name = format!("refs/heads/fwgate/changes/{id}");
    let head = gathered.branches.get(&name)?.head()?;
    let is_pushed = matches!(outcome, Outcome::Applied | Outcome::RolledBack | Outcome::Partial | Outcome::ReviewDue);
    let ends = |said: &LedgerEntry| match said {
        LedgerEntry::Witness(w) => w.heads.iter().any(|(n, h)| *n == name && h == head),
        LedgerEntry::Finish(f) => is_pushed && f.change == id,
        LedgerEntry::Result(r) => outcome == Outcome::Partial && r.change == id,
        LedgerEntry::Claim(_) => false,
    };
    gathered.ledger.entries.iter().rev().find(|e| ends(&e.said)).map(|e| e.commit.clone())
}

struct Folding<'a> {
    session: &'a Session,
    gathered: &'a Gathered,
    id: &'a str,
    outcome: Outcome,
    spent: Spent<'a>,
}

impl Folding<'_> {
    /// The merge, on the remote; `None` where the log moved.
    fn merge(&self, entry: &str, key: &Path) -> Result<Option<CommitId>, Vec<Reason>> {
        let said = self.entry()?;
        let text = said.text();
        if text.len() > MAX_MESSAGE {
            let message = format!("the merge would have {} bytes", text.len());
            return Err(vec![Reason::new(ReasonCode::LimitExceeded, message, "keep the policy smaller")]);
        }
        let repo = &self.session.repository;
        let unknown = |e: crate::vcs::VcsError| vec![unwritten(&e.to_string())];
        let name = format!("refs/heads/fwgate/changes/{}", self.id);
        let head = self.gathered.branches.get(&name).and_then(|b| b.head()).unwrap_or_default();
        let log = match self.gathered.log.merges.last() {
            Some(last) => repo.commit_id(&last.commit).map_err(unknown)?,
            None => repo.store_evidence_root().map_err(unknown)?,
        };
        let parents = vec![log, repo.commit_id(head).map_err(unknown)?, repo.commit_id(entry).map_err(unknown)?];
        let own = machine_of(&self.gathered.roster, Purpose::Ledger, key, self.gathered.now);
        let merged =
            own.and_then(|_| append_by_machine(self.session, LOG_BRANCH, Some(parents), (said.at, &text), key));
        merged.map_err(|reason| vec![reason])
    }

    fn entry(&self) -> Result<LogEntry, Vec<Reason>> {
        let gathered = self.gathered;
        let upto = limit(gathered, self.id, self.outcome);
        let versions: Vec<&VersionInForce> = gathered.chain.versions.iter().filter(|v| v.version <= upto).collect();
        let Some(last) = versions.last() else { return Err(gathered.chain.reasons.clone()) };
        let claimed = claimed(gathered, self.id);
        let mut attached: Vec<Attachment> = self.permit(claimed)?.map(Attachment::Permit).into_iter().collect();
        for version in versions.iter().filter(|v| !gathered.log.carries(v.version)) {
            attached.extend(self.files(version)?);
        }
        let is_policy = self.outcome == Outcome::InForce;
        Ok(LogEntry {
            previous: gathered.log.merges.last().map(|m| m.digest),
            at: gathered.now,
            change: self.id.to_owned(),
            outcome: self.outcome,
            class: if is_policy { ChangeClass::Policy } else { gathered.decision.class },
            template: gathered.request.as_ref().and_then(|r| r.template.clone()),
            version: last.version,
            policy: last.digest,
            permit: claimed,
            attached,
        })
    }

    /// The permit's file, where the log needs it.
    fn permit(&self, claimed: Option<Digest>) -> Result<Option<String>, Vec<Reason>> {
        let Some(claimed) = claimed.filter(|permit| !self.gathered.log.carries_permit(*permit)) else {
            return Ok(None);
        };
        let fix = "give the file with `--permit FILE`; where it is lost, `--without-permit`";
        match self.spent {
            Spent::File(text) if sha256(text.as_bytes()) == claimed => Ok(Some(text.to_owned())),
            Spent::Lost => Ok(None),
            Spent::File(_) => {
                let message = format!("this is not the permit that {} spent ({claimed})", self.id);
                Err(vec![Reason::new(ReasonCode::PermitMismatch, message, fix)])
            }
            Spent::Kept => {
                let message = format!("the permit that {} spent ({claimed}) is not at hand", self.id);
                Err(vec![Reason::new(ReasonCode::PermitMismatch, message, fix)])
            }
        }
    }

    fn files(&self, version: &VersionInForce) -> Result<Vec<Attachment>, Vec<Reason>> {
        let repo = &self.session.repository;
        let found = repo.commit_id(&version.commit).and_then(|commit| repo.policy_at(commit));
        let found = found.map_err(|e| vec![unwritten(&e.to_string())])?;
        let text = |(path, bytes): (String, Vec<u8>)| match String::from_utf8(bytes) {
            Ok(text) => Ok(Attachment::Policy { version: version.version, path, text }),
            Err(_) => Err(vec![unwritten(&format!("`{path}` is not UTF-8"))]),
        };
        found.files.into_iter().map(text).collect()
    }
}

fn unwritten(message: &str) -> Reason {
    Reason::new(ReasonCode::EvidenceUnavailable, message, "fetch, and try again")
}
