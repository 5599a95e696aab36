//! Voices for versions of the policy, out of the branches of changes.

use super::believed::{Believed, Testimony, read_branch};
use super::chain::{PolicyVoice, Voices};
use super::claims::claims;
use super::instant::Instant;
use super::ledger::Ledger;
use super::proven::Proven;
use super::record::Record;
use super::roster::{Roster, Standing};
use super::validity::revoked_keys;
use crate::policy::Policy;
use crate::vcs::Branch;
use std::collections::BTreeSet;

/// The `policy` records on branches of evidence, believed with whatever roster is asked for. A key must have counted when
/// the ledger first witnessed the record (now, where it has not): that it expired later takes no version out of force.
#[derive(Clone, Debug)]
pub struct BranchVoices<'a> {
    branches: Vec<&'a Branch>,
    ledger: &'a Ledger,
    now: Instant,
    proven: Proven,
}

impl Voices for BranchVoices<'_> {
    fn of(&self, policy: &Policy) -> Vec<PolicyVoice> {
        let (mut roster, _) = Roster::read(&policy.persons, &policy.machines);
        roster.revoke(&revoked_keys(policy));
        let roster = roster.proving(&self.proven);
        let of_branch = |branch: &&Branch| {
            let testimony = read_branch(branch, &roster, self.ledger, self.now);
            self.voices(policy, &roster, &testimony)
        };
        self.branches.iter().flat_map(of_branch).collect()
    }
}

impl<'a> BranchVoices<'a> {
    /// The voices on branches of changes, open ones and those that the log keeps, by the ledger at the gate's instant.
    pub fn new(branches: impl IntoIterator<Item = &'a Branch>, ledger: &'a Ledger, now: Instant) -> BranchVoices<'a> {
        let branches = branches.into_iter().filter(|branch| claims(branch, &["policy"])).collect();
        BranchVoices { branches, ledger, now, proven: Proven::default() }
    }

    /// The same, verifying no signature that others who share `proven` have verified.
    pub fn proving(self, proven: &Proven) -> BranchVoices<'a> {
        BranchVoices { proven: proven.clone(), ..self }
    }

    fn voices(&self, policy: &Policy, roster: &Roster, testimony: &Testimony) -> Vec<PolicyVoice> {
        let makers = makers(policy, testimony);
        let voice = |record: &Believed<Record>| {
            let Record::Policy(said) = &record.said else { return None };
            let is_author = makers.contains(record.by.as_str());
            self.counted(roster, record).then(|| PolicyVoice {
                change: testimony.change.clone(),
                version: said.version,
                policy: said.policy,
                role: said.role.clone(),
                person: record.by.clone(),
                is_author,
            })
        };
        let taken_back: BTreeSet<_> = testimony.records.iter().filter_map(taken_back).collect();
        let stands = |r: &&Believed<Record>| !taken_back.contains(&(r.by.as_str(), r.digest));
        testimony.records.iter().filter(stands).filter_map(voice).collect()
    }

    fn counted(&self, roster: &Roster, record: &Believed<Record>) -> bool {
        let holder = roster.holder_of_key(&record.key);
        let when = record.witnessed.unwrap_or(self.now);
        holder.is_some_and(|h| h.standing_of(&record.key, when) == Standing::Good)
            && record.standing != Standing::NotYetValid
    }
}

fn taken_back(record: &Believed<Record>) -> Option<(&str, super::record::Digest)> {
    match &record.said {
        Record::Revoke(revoke) => Some((record.by.as_str(), revoke.record)),
        _ => None,
    }
}

/// Authors and contributors of a change, as persons of this policy.
fn makers<'t>(policy: &'t Policy, testimony: &'t Testimony) -> BTreeSet<&'t str> {
    let mut out = BTreeSet::new();
    for record in &testimony.records {
        let Record::Change(change) = &record.said else { continue };
        out.insert(record.by.as_str());
        let is = |p: &&crate::policy::Person| {
            change
                .contributors
                .iter()
                .any(|name| p.id.value == *name || p.emails.iter().any(|e| e.value.eq_ignore_ascii_case(name)))
        };
        out.extend(policy.persons.iter().filter(is).map(|p| p.id.value.as_str()));
    }
    out
}
