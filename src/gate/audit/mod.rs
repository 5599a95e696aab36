//! The audit: who decided what on which evidence, and whether it was right then, by the log and the root alone.
//!
//! Two questions have two instants. Whether something may go now is asked of the present; whether it was right is asked of the
//! instant of the ledger's entry and of the version of the policy in force there. A key that expired since then takes nothing
//! back, one that somebody else had since then taints what it signed from then on.

mod change;
mod control;
mod model;
mod taint;

pub use control::{CONTROLS, Control, controls_table};
pub use model::{
    Audit, AuditedChange, AuditedPermit, AuditedPolicy, AuditedReceipt, AuditedRecord, AuditedResult, DeviceDigest,
    Fault, Taint, Voice,
};

use super::chain::{Chain, Voices, judge_chain};
use super::instant::Instant;
use super::ledger::Ledger;
use super::log::{Log, Merge, carried_policies};
use super::proven::Proven;
use super::reason::{Reason, ReasonCode};
use super::record::{Digest, LedgerEntry};
use super::root::Root;
use super::roster::{Roster, Standing};
use super::validity::read_version;
use super::voices::BranchVoices;
use crate::policy::Policy;
use crate::vcs::Branch;
use std::collections::{BTreeMap, BTreeSet};

/// What the log and its parents hold, unbelieved.
#[derive(Clone, Copy, Debug)]
pub struct Archive<'a> {
    /// The bytes of the root file.
    pub root: &'a [u8],
    /// The log.
    pub log: &'a Branch,
    /// The ledger as far as the log or anything else brings it.
    pub ledger: &'a Branch,
    /// The branches of changes by id: at the head of their last merge, and open ones where they are asked for.
    pub changes: &'a BTreeMap<String, Branch>,
    /// Versions of the protected branch, oldest first, where they are at hand and changes are asked for that the log does not
    /// have; else those that the log carries are the versions.
    pub versions: &'a [crate::vcs::PolicyVersion],
    /// Keys by fingerprint that somebody else may have had, since when.
    pub compromised: &'a BTreeMap<String, Instant>,
    /// The one clock reading.
    pub now: Instant,
}

/// Audits everything.
pub fn audit(archive: &Archive<'_>) -> Audit {
    let believed = Believed::of(archive);
    let mut broken = believed.broken();
    let changes: Vec<AuditedChange> = believed.ids().iter().map(|id| change::audited(&believed, id)).collect();
    broken.sort();
    broken.dedup();
    let mut out = Audit {
        repository: believed.root.as_ref().map(|r| r.repository.clone()).unwrap_or_default(),
        at: archive.now.to_string(),
        is_sound: broken.is_empty() && changes.iter().all(|c| c.is_right),
        broken: broken.iter().map(fault).collect(),
        merges: believed.log.merges.len(),
        entries: believed.ledger.entries.len(),
        policies: believed.policies(),
        changes,
        tainted: Vec::new(),
        notes: believed.chain.notes.clone(),
    };
    out.tainted = taint::tainted(&believed, &out.changes);
    out
}

/// So many changes, the same ones for the same seed: those whose SHA-256 over `SEED LF ID` is least.
pub fn sample(changes: Vec<AuditedChange>, count: usize, seed: &str) -> Vec<AuditedChange> {
    let rank = |c: &AuditedChange| Digest::of(format!("{seed}\n{}", c.change).as_bytes());
    let mut ranked: Vec<(Digest, AuditedChange)> = changes.into_iter().map(|c| (rank(&c), c)).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.truncate(count);
    ranked.sort_by(|(_, a), (_, b)| a.change.cmp(&b.change));
    ranked.into_iter().map(|(_, change)| change).collect()
}

fn fault(reason: &Reason) -> Fault {
    Fault { code: reason.code.name().to_owned(), message: reason.message.clone() }
}

/// The archive with the chains as far as they are believed.
struct Believed<'a> {
    archive: &'a Archive<'a>,
    root: Option<Root>,
    chain: Chain,
    roster: Roster,
    ledger: Ledger,
    log: Log,
}

impl<'a> Believed<'a> {
    fn of(archive: &'a Archive<'a>) -> Believed<'a> {
        let carried = carried_policies(archive.log);
        let versions = if archive.versions.is_empty() { carried } else { archive.versions.to_vec() };
        let read: Vec<Policy> = versions.iter().filter_map(|v| read_version(v).ok()).map(|(p, _)| p).collect();
        let proven = Proven::default();
        let every = Roster::of_versions(&read.iter().collect::<Vec<_>>()).proving(&proven);
        let first = Ledger::read(Some(archive.ledger), &every, archive.now);
        let voices = BranchVoices::new(archive.changes.values(), &first, archive.now).proving(&proven);
        let chain = judge_chain(Some(archive.root), &versions, &voices, None);
        let roster = Roster::of_versions(&chain.versions.iter().map(|v| &v.policy).collect::<Vec<_>>());
        let roster = roster.proving(&proven);
        let ledger = Ledger::read(Some(archive.ledger), &roster, archive.now);
        let log = Log::read(Some(archive.log), &roster);
        Believed { archive, root: Root::read(archive.root).ok(), chain, roster, ledger, log }
    }

    /// The changes of the log in the order of their last merge, then those that are open.
    fn ids(&self) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for merge in &self.log.merges {
            out.retain(|id| *id != merge.said.change);
            out.push(merge.said.change.clone());
        }
        let open = self.archive.changes.keys().filter(|id| self.log.last_of(id).is_none());
        out.extend(open.cloned());
        out
    }

    fn broken(&self) -> Vec<Reason> {
        let mut out = self.chain.reasons.clone();
        out.extend(self.log.refusals.iter().cloned());
        // That the last key of a ledger has expired since then takes nothing back.
        let since = [ReasonCode::KeyExpired, ReasonCode::KeyRevoked, ReasonCode::SignerUnknown];
        out.extend(self.ledger.refusals.iter().filter(|r| !since.contains(&r.code)).cloned());
        out.extend(self.untimely_keys());
        out.extend(self.log.merges.iter().filter_map(|m| self.unanchored(m)));
        let heads = self.ledger.witnesses().flat_map(|w| &w.heads);
        out.extend(Log::lost(self.archive.log, heads));
        out
    }

    /// Entries of the ledger by keys that did not count when they were written.
    fn untimely_keys(&self) -> Option<Reason> {
        let holders: BTreeMap<&str, _> = self.roster.holders().map(|h| (h.key.fingerprint(), h)).collect();
        let is_bad = |e: &&super::ledger::Entry| {
            let standing = holders.get(e.key.as_str()).map(|h| h.standing(e.said.at()));
            matches!(standing, Some(Standing::Expired | Standing::NotYetValid))
        };
        let bad = self.ledger.entries.iter().find(is_bad)?;
        Some(chain_broken(format!(
            "the ledger's entry {} is signed by a key that did not count then",
            short(&bad.commit)
        )))
    }

    /// A merge whose parents are not what they should be.
    fn unanchored(&self, merge: &Merge) -> Option<Reason> {
        let place = format!("the log's merge {}", short(&merge.commit));
        let has_entry = self.ledger.entries.iter().any(|e| e.commit == merge.entry);
        let branch = self.archive.changes.get(&merge.said.change);
        let has_head = branch.is_some_and(|b| b.is_whole && b.commits.iter().any(|c| c.id == merge.head));
        match (has_entry, has_head) {
            (false, _) => Some(chain_broken(format!("{place} names an entry that the ledger does not have"))),
            (_, false) => Some(chain_broken(format!("{place} does not bring the branch of {}", merge.said.change))),
            (true, true) => None,
        }
    }

    fn policies(&self) -> Vec<AuditedPolicy> {
        let voices = BranchVoices::new(self.archive.changes.values(), &self.ledger, self.archive.now);
        let voices = voices.proving(self.roster.proven());
        let mut before: Option<&Policy> = None;
        let mut out = Vec::new();
        for version in &self.chain.versions {
            let mut found: BTreeSet<Voice> = BTreeSet::new();
            for by in before.into_iter().flat_map(|before| [before, &version.policy]) {
                let said =
                    voices.of(by).into_iter().filter(|v| v.version == version.version && v.policy == version.digest);
                found.extend(said.filter(|v| !v.is_author).map(|v| Voice { person: v.person, role: v.role }));
            }
            let digest = version.digest.to_string();
            out.push(AuditedPolicy { version: version.version, digest, voices: found.into_iter().collect() });
            before = Some(&version.policy);
        }
        out
    }

    /// The version in force at the entry of the ledger with this place, by the last witness up to it.
    fn version_at(&self, place: usize) -> Option<u64> {
        let upto = self.ledger.entries.iter().take(place + 1).rev();
        upto.filter_map(|e| if let LedgerEntry::Witness(w) = &e.said { Some(w.policy) } else { None }).next()
    }

    /// The policy of a version, and the roster of then.
    fn rules(&self, version: u64) -> Option<(&Policy, Roster)> {
        let upto: Vec<&Policy> =
            self.chain.versions.iter().filter(|v| v.version <= version).map(|v| &v.policy).collect();
        let last = upto.last().copied()?;
        Some((last, Roster::of_versions(&upto).proving(self.roster.proven())))
    }
}

fn chain_broken(message: String) -> Reason {
    Reason::new(ReasonCode::AuditChainBroken, message, "put the log back from a clone that has it")
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
