//! What persons say about devices instead of a push: that what one runs becomes its baseline, or that it blocks nobody for a
//! while.

use super::believed::{Believed, Testimony};
use super::instant::Instant;
use super::ledger::InForce;
use super::matching::fill;
use super::record::{Adopt, Record, ResultKind};
use super::roster::Standing;
use super::terms::terms;
use super::validity::roles_of;
use crate::policy::{ChangeClass, Policy, Right};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The longest quarantine.
const QUARANTINE: Duration = Duration::from_secs(14 * 86_400);

/// The baselines that `adopt` records of one change's branch make: those that the quorum of class normal signed, each for the
/// same device and bytes. Whoever signed first is the author and counts to no quorum.
pub fn adoptions(testimony: &Testimony, policy: &Policy, now: Instant) -> Vec<InForce> {
    let Some(terms) = terms(policy, ChangeClass::Normal, None) else { return Vec::new() };
    let seats = terms.seats(&terms.quorums(&BTreeSet::new(), &BTreeSet::new()));
    let roles = roles_of(policy);
    let mut voices: BTreeMap<(&str, super::record::Digest), Vec<(&Believed<Record>, &Adopt)>> = BTreeMap::new();
    for record in testimony.records.iter().filter(|r| r.standing == Standing::Good && !testimony.is_taken_back(r)) {
        let Record::Adopt(adopt) = &record.said else { continue };
        if roles.get(&record.by).is_some_and(|own| own.contains(&adopt.role)) {
            voices.entry((&adopt.device, adopt.bytes)).or_default().push((record, adopt));
        }
    }
    let mut out = Vec::new();
    for group in voices.values() {
        let Some((author, _)) = group.first() else { continue };
        let mut persons: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (record, adopt) in group.iter().filter(|(r, _)| r.by != author.by) {
            persons.entry(record.by.clone()).or_default().insert(adopt.role.clone());
            if !seats.is_empty() && fill(&seats, &persons).len() == seats.len() {
                out.push(baseline(adopt, since(record, now)));
                break;
            }
        }
    }
    out
}

/// Since when what a record completed is in force: its own time, which cannot be before the last witness that did not see it, and is
/// never later than the first that did. A push between the two is later than the record, and what it applied is in force.
fn since(record: &Believed<Record>, now: Instant) -> Instant {
    record.at.min(record.witnessed.unwrap_or(now))
}

fn baseline(adopt: &Adopt, at: Instant) -> InForce {
    InForce {
        device: adopt.device.clone(),
        bytes: adopt.bytes,
        head: adopt.head.clone(),
        change: adopt.change.clone(),
        result: ResultKind::Applied,
        receipt: None,
        at,
    }
}

/// What is in force with adoptions taken into account: of each device, the latest.
pub fn with_adoptions(mut pushed: BTreeMap<String, InForce>, adopted: &[InForce]) -> BTreeMap<String, InForce> {
    for baseline in adopted {
        let is_older = pushed.get(&baseline.device).is_none_or(|known| known.at < baseline.at);
        if is_older {
            pushed.insert(baseline.device.clone(), baseline.clone());
        }
    }
    pushed
}

/// Devices that a person with the right to operate put into quarantine, and which are in it now.
pub fn quarantined<'t>(
    testimonies: impl Iterator<Item = &'t Testimony>,
    policy: Option<&Policy>,
    now: Instant,
) -> BTreeSet<String> {
    quarantines(testimonies, policy, now).into_keys().collect()
}

/// A device in quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confined {
    /// Until when: 14 days, or what the policy says, from its record's first witness at most.
    pub until: Instant,
    /// Why.
    pub reason: String,
    /// Who put it there.
    pub by: String,
}

/// The same with until when and why; of several quarantines of one device, the one that lasts longest.
pub fn quarantines<'t>(
    testimonies: impl Iterator<Item = &'t Testimony>,
    policy: Option<&Policy>,
    now: Instant,
) -> BTreeMap<String, Confined> {
    let Some(policy) = policy else { return BTreeMap::new() };
    let roles = roles_of(policy);
    let most = policy.push.quarantine.unwrap_or(QUARANTINE).min(QUARANTINE);
    let may =
        |by: &str| roles.get(by).is_some_and(|own| policy.rights.has(Right::Operate, own.iter().map(String::as_str)));
    let mut out: BTreeMap<String, Confined> = BTreeMap::new();
    for testimony in testimonies {
        for record in &testimony.records {
            let Record::Quarantine(said) = &record.said else { continue };
            if record.standing != Standing::Good || !may(&record.by) || testimony.is_taken_back(record) {
                continue;
            }
            let until = said.until.min(record.witnessed.unwrap_or(record.at).min(record.at).after(most));
            if now < until && out.get(&said.device).is_none_or(|known| known.until < until) {
                let (reason, by) = (said.reason.clone(), record.by.clone());
                out.insert(said.device.clone(), Confined { until, reason, by });
            }
        }
    }
    out
}
