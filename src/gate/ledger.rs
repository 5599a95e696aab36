//! The ledger: what the gate remembers that no clone can fake. A chain of entries, each naming the bytes of the one before,
//! signed by one machine.

use super::believed::{Signed, Stranger, read_strictly, signer};
use super::commit::OrdinaryCommit;
use super::cores::on_all_cores;
use super::instant::Instant;
use super::log::{LogEntry, Outcome};
use super::reason::{Reason, ReasonCode};
use super::record::{Claim, Digest, Finish, LedgerEntry, Result as DeviceResult, ResultKind, Witness};
use super::roster::{Owner, Roster, Standing};
use crate::policy::Purpose;
use crate::vcs::{Branch, RawCommit};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Full name of the ledger's branch on the remote.
pub const LEDGER_BRANCH: &str = "refs/heads/fwgate/ledger";

/// Full name of the log's branch on the remote.
pub const LOG_BRANCH: &str = "refs/heads/fwgate/log";

/// When witnesses saw a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// The first witness whose heads have it.
    pub first: Option<Instant>,
    /// The last witness before that, or the last of all where none has it.
    pub last_without: Option<Instant>,
}

/// An entry that the ledger machine signed, in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it says.
    pub said: LedgerEntry,
    /// The commit's id.
    pub commit: String,
    /// SHA-256 of the raw commit, which the next entry names.
    pub digest: Digest,
    /// The fingerprint of the key that signed it.
    pub key: String,
}

/// What runs on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// The device.
    pub device: String,
    /// Digest of the device's bytes.
    pub bytes: Digest,
    /// The commit that holds them.
    pub head: String,
    /// The change that brought them.
    pub change: String,
    /// Whether they were applied or rolled back to.
    pub result: ResultKind,
    /// The receipt.
    pub receipt: Option<Digest>,
    /// Since when.
    pub at: Instant,
}

/// What became of a permit. One that the ledger does not name is unspent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermitHistory {
    /// The claims, oldest first; the last is the one that holds.
    pub claims: Vec<Claim>,
    /// The latest result of each device.
    pub results: BTreeMap<String, DeviceResult>,
    /// The end, where there is one.
    pub finish: Option<Finish>,
    /// Where the ledger has the last claim, counted in entries. Instants are whole seconds, so they order nothing.
    pub place: usize,
}

impl PermitHistory {
    /// Whether a run may still be working on it at this instant.
    pub fn is_claimed(&self, now: Instant) -> bool {
        self.finish.is_none() && self.claims.last().is_some_and(|claim| now <= claim.lease)
    }
}

/// The ledger as far as it is whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The entries, oldest first, up to the first that breaks the chain.
    pub entries: Vec<Entry>,
    /// What is wrong with it.
    pub refusals: Vec<Reason>,
}

impl Ledger {
    /// Reads the ledger's branch at the gate's instant; `None` where the remote has none.
    pub fn read(branch: Option<&Branch>, roster: &Roster, now: Instant) -> Ledger {
        let mut ledger = Ledger::default();
        let Some(branch) = branch else {
            ledger.fork("there is no ledger".to_owned());
            return ledger;
        };
        if !branch.is_whole {
            ledger.fork("the ledger does not begin at the fixed root commit of evidence".to_owned());
            return ledger;
        }
        let mut last_standing = Standing::Good;
        let read = on_all_cores(&branch.commits, |raw| read_entry(raw, roster, now));
        for (raw, read) in branch.commits.iter().zip(read) {
            match read.and_then(|(entry, standing)| Ok((follows(raw, entry, ledger.entries.last())?, standing))) {
                Ok((entry, standing)) => {
                    last_standing = standing;
                    ledger.entries.push(entry);
                }
                Err(reason) => {
                    ledger.refusals.push(reason);
                    break;
                }
            }
        }
        ledger.check_end(last_standing, now);
        ledger
    }

    /// The ledger as it was when this entry was its last; all of it where it has no such entry.
    pub fn until(&self, commit: &str) -> Ledger {
        let place = self.entries.iter().position(|entry| entry.commit == commit);
        let end = place.map_or(self.entries.len(), |at| at + 1);
        let entries = self.entries.iter().take(end).cloned().collect();
        Ledger { entries, refusals: self.refusals.clone() }
    }

    /// The last witness.
    pub fn last_witness(&self) -> Option<&Witness> {
        self.witnesses().last()
    }

    /// All witnesses, oldest first.
    pub fn witnesses(&self) -> impl Iterator<Item = &Witness> {
        self.entries.iter().filter_map(|entry| match &entry.said {
            LedgerEntry::Witness(witness) => Some(witness),
            _ => None,
        })
    }

    /// For each commit of a branch, which witnesses saw it. A head that the branch does not have shows nothing.
    pub fn sightings(&self, branch: &Branch) -> Vec<Sighting> {
        let places: BTreeMap<&str, usize> =
            branch.commits.iter().enumerate().map(|(at, commit)| (commit.id.as_str(), at)).collect();
        let mut out = vec![Sighting::default(); branch.commits.len()];
        let mut seen = 0;
        for witness in self.witnesses() {
            let head = witness.heads.iter().find(|(name, _)| *name == branch.name).map(|(_, id)| id.as_str());
            let upto = head.and_then(|id| places.get(id)).map_or(seen, |at| seen.max(at + 1));
            for (at, sighting) in out.iter_mut().enumerate().skip(seen) {
                match at < upto {
                    true => sighting.first = Some(witness.at),
                    false => sighting.last_without = Some(witness.at),
                }
            }
            seen = upto;
        }
        out
    }

    /// What is in force on each device that the ledger knows: its last result `applied` or `rolled-back`.
    pub fn in_force(&self) -> BTreeMap<String, InForce> {
        self.in_force_but(None)
    }

    /// The same as if one change had never been pushed.
    pub fn in_force_but(&self, change: Option<&str>) -> BTreeMap<String, InForce> {
        let mut out = BTreeMap::new();
        for result in self.results().filter(|r| Some(r.change.as_str()) != change) {
            if matches!(result.result, ResultKind::Applied | ResultKind::RolledBack) {
                out.insert(result.device.clone(), in_force(result));
            }
        }
        out
    }

    /// What became of each permit, by its nonce.
    pub fn permits(&self) -> BTreeMap<String, PermitHistory> {
        self.permits_with(|_| true)
    }

    /// The permits that were last claimed for a change.
    pub(super) fn runs(&self, change: &str) -> Vec<PermitHistory> {
        let claims = self.entries.iter().filter_map(|entry| match &entry.said {
            LedgerEntry::Claim(claim) if claim.change == change => Some(claim.nonce.as_str()),
            _ => None,
        });
        let own: BTreeSet<&str> = claims.collect();
        let permits = self.permits_with(|nonce| own.contains(nonce)).into_values();
        permits.filter(|p| p.claims.last().is_some_and(|c| c.change == change)).collect()
    }

    /// The nonces that an operator claimed last.
    pub(super) fn operators(&self) -> BTreeSet<&str> {
        let mut last: BTreeMap<&str, &Claim> = BTreeMap::new();
        for entry in &self.entries {
            if let LedgerEntry::Claim(claim) = &entry.said {
                last.insert(&claim.nonce, claim);
            }
        }
        last.retain(|_, claim| claim.is_operators());
        last.into_keys().collect()
    }

    /// What became of the permits of some nonces.
    fn permits_with(&self, is_wanted: impl Fn(&str) -> bool) -> BTreeMap<String, PermitHistory> {
        let mut out: BTreeMap<String, PermitHistory> = BTreeMap::new();
        for (place, entry) in self.entries.iter().enumerate() {
            match &entry.said {
                LedgerEntry::Witness(_) => {}
                LedgerEntry::Claim(Claim { nonce, .. })
                | LedgerEntry::Result(DeviceResult { nonce, .. })
                | LedgerEntry::Finish(Finish { nonce, .. })
                    if !is_wanted(nonce) => {}
                LedgerEntry::Claim(claim) => {
                    let permit = of_nonce(&mut out, &claim.nonce);
                    permit.claims.push(claim.clone());
                    permit.place = place;
                }
                LedgerEntry::Result(result) => {
                    of_nonce(&mut out, &result.nonce).results.insert(result.device.clone(), result.clone());
                }
                LedgerEntry::Finish(finish) => of_nonce(&mut out, &finish.nonce).finish = Some(finish.clone()),
            }
        }
        out
    }

    /// All results of devices, oldest first.
    pub fn results(&self) -> impl Iterator<Item = &DeviceResult> {
        self.placed_results().map(|(_, result)| result)
    }

    /// All results of devices, oldest first, each with its place as in [`PermitHistory::place`].
    pub fn placed_results(&self) -> impl Iterator<Item = (usize, &DeviceResult)> {
        self.entries.iter().enumerate().filter_map(|(place, entry)| match &entry.said {
            LedgerEntry::Result(result) => Some((place, result)),
            _ => None,
        })
    }

    /// Holds the witnessed heads against the branches as they are now: each must have its last witnessed head, unless the log
    /// keeps it.
    pub fn check_heads(&self, branches: &BTreeMap<String, Branch>) -> Vec<Reason> {
        let kept = kept_by_log(branches.get(LOG_BRANCH));
        let mut last: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, id) in self.witnesses().flat_map(|witness| &witness.heads) {
            last.insert(name, id);
        }
        let mut out: Vec<Reason> = Vec::new();
        for (name, head) in last {
            let branch = branches.get(name);
            let is_there = branch.is_some_and(|branch| branch.commits.iter().rev().any(|commit| commit.id == head));
            let is_flooded = branch.is_some_and(|branch| !branch.is_whole);
            if !is_there && !is_flooded && !kept.contains(head) {
                out.extend(self.rewritten(name, head, branch));
            }
        }
        out.extend(self.check_log(branches.get(LOG_BRANCH)));
        out
    }

    /// A branch that lacks its witnessed head was rewritten, or what was fetched is old; often both can be.
    fn rewritten(&self, name: &str, head: &str, branch: Option<&Branch>) -> Vec<Reason> {
        let short = head.get(..12).unwrap_or(head);
        let message = match branch {
            None => format!("`{name}` is gone; a witness saw it at {short}"),
            Some(_) => format!("`{name}` does not hold {short}, where a witness saw it"),
        };
        let fix = format!("let whoever has {short} push it again to `{name}`, and find out who took it away");
        let mut out = vec![Reason::new(ReasonCode::HistoryRewritten, message.clone(), fix)];
        if self.may_be_old(branch) {
            let fix = "fetch again from the remote that the root names";
            out.push(Reason::new(ReasonCode::EvidenceStale, message, fix));
        }
        out
    }

    /// Whether nothing on the branch is newer than the last witness by its own date.
    fn may_be_old(&self, branch: Option<&Branch>) -> bool {
        let dated = |raw: &RawCommit| OrdinaryCommit::read(&raw.bytes).committer.map(|committer| committer.at);
        let newest = branch.and_then(|branch| branch.commits.last()).and_then(dated);
        newest <= self.last_witness().map(|witness| witness.at)
    }

    /// The log's merges name the ledger entries that finished changes; each must still be there.
    fn check_log(&self, log: Option<&Branch>) -> Option<Reason> {
        let named = |raw: &RawCommit| OrdinaryCommit::parents(&raw.bytes).into_iter().nth(2);
        let here: HashSet<&str> = self.entries.iter().map(|entry| entry.commit.as_str()).collect();
        let missing = log?.commits.iter().filter_map(named).find(|id| !here.contains(id.as_str()))?;
        Some(fork(format!("the log names the entry {missing}, which the ledger does not have")))
    }

    /// The last entry must be signed by a key that counts now, and the gate's clock must not be behind it.
    fn check_end(&mut self, standing: Standing, now: Instant) {
        let Some(last) = self.entries.last() else {
            if self.refusals.is_empty() {
                self.fork("the ledger is empty".to_owned());
            }
            return;
        };
        let at = last.said.at();
        if at > now {
            let message = format!("the gate's clock says {now}, and the ledger was written at {at}");
            self.refusals.push(Reason::new(ReasonCode::ClockSkew, message, "set the clock of this machine"));
        }
        if let Some(code) = standing.code() {
            let message = "the last entry of the ledger is signed by a key that does not count now";
            self.refusals.push(Reason::new(code, message, "let the ledger machine of the policy append a witness"));
        }
    }

    fn fork(&mut self, message: String) {
        self.refusals.push(fork(message));
    }
}

fn fork(message: String) -> Reason {
    let fix = "put the ledger back as it was from a clone that has it; a new one begins with `fwgate ledger init`";
    Reason::new(ReasonCode::LedgerFork, message, fix)
}

pub(super) fn in_force(result: &DeviceResult) -> InForce {
    InForce {
        device: result.device.clone(),
        bytes: result.bytes,
        head: result.head.clone(),
        change: result.change.clone(),
        result: result.result,
        receipt: result.receipt,
        at: result.at,
    }
}

fn of_nonce<'a>(all: &'a mut BTreeMap<String, PermitHistory>, nonce: &str) -> &'a mut PermitHistory {
    let unspent = || PermitHistory { claims: Vec::new(), results: BTreeMap::new(), finish: None, place: 0 };
    all.entry(nonce.to_owned()).or_insert_with(unspent)
}

/// The heads of closed changes: second parents of the log's merges. An emergency that owes its review is not closed: with its branch
/// the debt would go.
fn kept_by_log(log: Option<&Branch>) -> HashSet<String> {
    let commits = log.map_or(&[][..], |log| log.commits.as_slice());
    let closed = commits.iter().filter(|raw| !owes_review(raw));
    closed.filter_map(|raw| OrdinaryCommit::parents(&raw.bytes).into_iter().nth(1)).collect()
}

/// Whether a merge of the log leaves a review owed. Most do not have the word, and are not read further.
fn owes_review(raw: &RawCommit) -> bool {
    let word = Outcome::ReviewDue.name().as_bytes();
    let said = || LogEntry::read(&OrdinaryCommit::read(&raw.bytes).message);
    raw.bytes.windows(word.len()).any(|part| part == word) && said().is_some_and(|s| s.outcome == Outcome::ReviewDue)
}

fn place(raw: &RawCommit) -> String {
    format!("the ledger's entry {}", raw.id.get(..12).unwrap_or(&raw.id))
}

/// One entry by itself, with the standing of its key.
fn read_entry(raw: &RawCommit, roster: &Roster, now: Instant) -> Result<(Entry, Standing), Reason> {
    let place = place(raw);
    let broken = |why: &str| fork(format!("{place} {why}"));
    let loose = OrdinaryCommit::read(&raw.bytes);
    let by = signer(&loose.seals, roster).map_err(|stranger| not_the_machine(&place, &stranger))?;
    check_machine(&place, &by)?;
    let commit = read_strictly(raw, &by).map_err(|unread| broken(&format!("is malformed: {unread}")))?;
    let said = LedgerEntry::read(&commit.message).map_err(|flaw| broken(&format!("is malformed: {flaw}")))?;
    let standing = by.standing(now);
    let key = by.key;
    Ok((Entry { said, commit: raw.id.clone(), digest: Digest::of(&raw.bytes), key }, standing))
}

/// The entry, where it follows the one before.
fn follows(raw: &RawCommit, entry: Entry, before: Option<&Entry>) -> Result<Entry, Reason> {
    let wrong = match before {
        _ if entry.said.previous() != before.map(|b| b.digest) => "does not name the entry before it",
        None if !matches!(entry.said, LedgerEntry::Witness(_)) => "is the first and no witness",
        Some(before) if entry.said.at() < before.said.at() => "is older than the entry before it",
        _ => return Ok(entry),
    };
    Err(fork(format!("{} {wrong}", place(raw))))
}

fn not_the_machine(place: &str, stranger: &Stranger) -> Reason {
    match stranger {
        Stranger::Kind(kind) => fork(format!("{place} is not signed as it must be: {kind}")),
        _ => fork(format!("{place} is not signed by the ledger machine")),
    }
}

fn check_machine(place: &str, by: &Signed<'_>) -> Result<(), Reason> {
    let is_ledger = matches!(by.holder.owner, Owner::Machine(_, Purpose::Ledger));
    match is_ledger {
        true if by.namespace == Purpose::Ledger.namespace() => Ok(()),
        true => Err(Reason::new(
            ReasonCode::BadNamespace,
            format!("{place} is signed in the namespace `{}`", by.namespace.escape_debug()),
            format!("sign entries in the namespace `{}`", Purpose::Ledger.namespace()),
        )),
        false => Err(fork(format!("{place} is signed by `{}`, which is not the ledger machine", by.holder.owner.id()))),
    }
}
