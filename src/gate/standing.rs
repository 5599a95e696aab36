//! What the ledger says about changes and devices, in the words of a decision: how far a change has come, which devices
//! have not converged, which reviews are owed.

use super::believed::{Believed, Testimony};
use super::case::{Debt, Progress, Unconverged};
use super::instant::Instant;
use super::ledger::{Entry, InForce, Ledger, PermitHistory, in_force};
use super::matching::fill;
use super::record::{Claim, Digest, LedgerEntry, Record, Result as DeviceResult, ResultKind};
use super::roster::Standing;
use super::terms::terms;
use super::validity::roles_of;
use crate::policy::{ChangeClass, Policy};
use std::collections::{BTreeMap, BTreeSet};

/// How far a change has come at an instant, by its last permit that the ledger knows. Permits that nobody has claimed, and the
/// log, are not in the ledger: [`Progress::Permitted`] and [`Progress::Closed`] are for the caller to tell. An operator who
/// brings back what the change itself had applied leaves it where it was.
pub fn progress(ledger: &Ledger, change: &str, now: Instant) -> Progress {
    let applied = applied(ledger, change);
    // A run that ended before it touched anything leaves the change where it was.
    let counts = |p: &PermitHistory| p.is_claimed(now) || p.finish.is_some() || !p.results.is_empty();
    let own = ledger.runs(change).into_iter().filter(|p| counts(p) && !is_restoring(p, &applied));
    let last = own.max_by_key(|p| p.place);
    last.map_or(Progress::None, |permit| of_permit(&permit, now))
}

/// What is in force as a change finds it: without what its own runs have done since the last one that came to an end on every device.
/// Otherwise its content would be another after each device.
pub fn in_force_for(ledger: &Ledger, change: &str) -> BTreeMap<String, InForce> {
    let is_end = |p: &PermitHistory| matches!(of_finished(p), Some(Progress::Applied | Progress::RolledBack));
    let permits = ledger.permits();
    let ends = |entry: &Entry| match &entry.said {
        LedgerEntry::Finish(finish) => finish.change == change && permits.get(&finish.nonce).is_some_and(is_end),
        _ => false,
    };
    let settled = ledger.entries.iter().rposition(ends);
    let counts = |at: usize, result: &DeviceResult| result.change != change || settled.is_some_and(|end| at < end);
    let mut out = BTreeMap::new();
    for (at, entry) in ledger.entries.iter().enumerate() {
        if let LedgerEntry::Result(result) = &entry.said
            && matches!(result.result, ResultKind::Applied | ResultKind::RolledBack)
            && counts(at, result)
        {
            out.insert(result.device.clone(), in_force(result));
        }
    }
    out
}

/// What a change has applied, as devices and bytes.
fn applied(ledger: &Ledger, change: &str) -> BTreeSet<(String, Digest)> {
    let own = ledger.results().filter(|r| r.change == change && r.result == ResultKind::Applied);
    own.map(|r| (r.device.clone(), r.bytes)).collect()
}

/// Whether an operator brought back nothing but what the change itself had applied.
fn is_restoring(permit: &PermitHistory, applied: &BTreeSet<(String, Digest)>) -> bool {
    let mut results = permit.results.values();
    let is_operators = permit.claims.last().is_some_and(Claim::is_operators);
    is_operators && !permit.results.is_empty() && results.all(|r| applied.contains(&(r.device.clone(), r.bytes)))
}

fn of_permit(permit: &PermitHistory, now: Instant) -> Progress {
    match of_finished(permit) {
        Some(progress) => progress,
        None if permit.is_claimed(now) => Progress::Pushing,
        None if permit.results.is_empty() => Progress::None,
        None => Progress::Partial,
    }
}

/// Where a run left the change that came to its end.
fn of_finished(permit: &PermitHistory) -> Option<Progress> {
    let finished = permit.finish.as_ref()?.state.as_str();
    let wanted = permit.claims.last().map(|c| c.devices.as_slice()).unwrap_or_default();
    let all =
        |kind| !wanted.is_empty() && wanted.iter().all(|d| permit.results.get(d).is_some_and(|r| r.result == kind));
    Some(match finished {
        "applied" if all(ResultKind::Applied) => Progress::Applied,
        "rolled-back" if all(ResultKind::RolledBack) => Progress::RolledBack,
        _ => Progress::Partial,
    })
}

/// When a change was taken back: by its own run, on every device; or by an operator, on any device that it was the last to touch.
/// Bytes of the change itself that an operator brings back are no such end.
pub fn taken_back(ledger: &Ledger, change: &str) -> Option<Instant> {
    let whole = ledger.runs(change).into_iter().filter(|p| p.finish.as_ref().is_some_and(|f| f.state == "rolled-back"));
    let applied = applied(ledger, change);
    let is_other = |r: &DeviceResult| !applied.contains(&(r.device.clone(), r.bytes));
    let by_run = whole.filter(|p| !is_restoring(p, &applied)).filter_map(|p| p.finish.map(|f| f.at));
    let operators = ledger.operators();
    let mut touched: BTreeMap<&str, &str> = BTreeMap::new();
    let mut by_operator = None;
    for result in ledger.results() {
        let (device, kind) = (result.device.as_str(), result.result);
        match operators.contains(result.nonce.as_str()) {
            true if kind == ResultKind::RolledBack && touched.get(device) == Some(&change) && is_other(result) => {
                by_operator = Some(result.at);
            }
            false if matches!(kind, ResultKind::Started | ResultKind::Applied) => {
                touched.insert(device, &result.change);
            }
            _ => {}
        }
    }
    by_run.chain(by_operator).max()
}

/// Devices that a push left where nobody can say that the change is on them or gone from them, those in quarantine left out:
///
/// - whose last result is neither `applied` nor `rolled-back` and which no run is working on;
/// - which a run claimed and never came to, while another device of the same run has the change.
pub fn unconverged(ledger: &Ledger, quarantined: &BTreeSet<String>, now: Instant) -> Vec<Unconverged> {
    let permits = ledger.permits();
    let last = last_results(ledger);
    let is_running = |nonce: &str| permits.get(nonce).is_some_and(|p| p.is_claimed(now));
    let is_open =
        |r: &DeviceResult| !matches!(r.result, ResultKind::Applied | ResultKind::RolledBack) && !is_running(&r.nonce);
    let begun = last.values().filter(|r| is_open(r)).map(|r| (r.device.clone(), r.change.clone()));
    let mut open: BTreeMap<String, String> = left_out(ledger, &permits, now).into_iter().collect();
    open.extend(begun);
    let blocking = open.into_iter().filter(|(device, _)| !quarantined.contains(device));
    blocking.map(|(device, change)| Unconverged { device, change }).collect()
}

/// The last result of every device.
pub(super) fn last_results(ledger: &Ledger) -> BTreeMap<&str, &DeviceResult> {
    ledger.results().map(|result| (result.device.as_str(), result)).collect()
}

/// Devices of runs that are over and never came to them, with the change that is on others.
fn left_out(ledger: &Ledger, permits: &BTreeMap<String, PermitHistory>, now: Instant) -> Vec<(String, String)> {
    let last: BTreeMap<&str, (usize, &DeviceResult)> =
        ledger.placed_results().map(|(place, result)| (result.device.as_str(), (place, result))).collect();
    let mut out = Vec::new();
    for permit in permits.values().filter(|p| !p.is_claimed(now)) {
        let Some(claim) = permit.claims.last() else { continue };
        let has_it = |r: &DeviceResult| r.nonce == claim.nonce && r.result == ResultKind::Applied;
        if !last.values().any(|(_, r)| has_it(r)) {
            continue;
        }
        let is_later = |device: &String| last.get(device.as_str()).is_some_and(|(place, _)| *place > permit.place);
        let never = claim.devices.iter().filter(|d| !permit.results.contains_key(*d) && !is_later(d));
        out.extend(never.map(|device| (device.clone(), claim.change.clone())));
    }
    out
}

/// The review that an emergency owes after it was applied at `applied`: until `review` records of the quorum of class normal,
/// without the makers of the change, say that it was looked at. A review of what had not been pushed yet is none, and whoever takes
/// theirs back has not looked.
pub fn debt(testimony: &Testimony, policy: &Policy, applied: Instant) -> Option<Debt> {
    let declared = testimony.records.iter().any(|r| matches!(r.said, Record::Emergency(_)));
    let due = applied.after(terms(policy, ChangeClass::Emergency, None)?.review_due);
    let normal = terms(policy, ChangeClass::Normal, None)?;
    let seats = normal.seats(&normal.quorums(&BTreeSet::new(), &BTreeSet::new()));
    let roles = roles_of(policy);
    let makers: BTreeSet<&str> =
        testimony.records.iter().filter(|r| matches!(r.said, Record::Change(_))).map(|r| r.by.as_str()).collect();
    let mut persons: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let counts = |r: &&Believed<Record>| {
        let is_afterwards = r.at.min(r.witnessed.unwrap_or(r.at)) >= applied;
        is_afterwards && r.standing == Standing::Good && !makers.contains(r.by.as_str()) && !testimony.is_taken_back(r)
    };
    for record in testimony.records.iter().filter(counts) {
        let Record::Review(review) = &record.said else { continue };
        if roles.get(&record.by).is_some_and(|roles| roles.contains(&review.role)) {
            persons.entry(record.by.clone()).or_default().insert(review.role.clone());
        }
    }
    let is_paid = !seats.is_empty() && fill(&seats, &persons).len() == seats.len();
    (declared && !is_paid).then(|| Debt { change: testimony.change.clone(), due })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::LedgerEntry;
    use crate::gate::ledger::Entry;

    const NOW: Instant = Instant(1_000);

    fn entry(said: LedgerEntry) -> Entry {
        Entry { said, commit: String::new(), digest: Digest([0; 32]), key: String::new() }
    }

    /// A run of one second: claimed, the device done, finished.
    fn run(nonce: &str, permit: Digest, kind: ResultKind, state: &str, bytes: u8) -> Vec<Entry> {
        let (change, nonce, run) = ("CHG-1".to_owned(), nonce.to_owned(), nonce.to_owned());
        let claim = Claim {
            previous: None,
            at: NOW,
            change: change.clone(),
            permit,
            nonce: nonce.clone(),
            holder: String::new(),
            run: run.clone(),
            lease: NOW,
            devices: vec!["edge1".to_owned()],
        };
        let result = DeviceResult {
            previous: None,
            at: NOW,
            change: change.clone(),
            nonce: nonce.clone(),
            run: run.clone(),
            device: "edge1".to_owned(),
            result: kind,
            bytes: Digest([bytes; 32]),
            head: String::new(),
            receipt: None,
        };
        let finish =
            crate::gate::record::Finish { previous: None, at: NOW, change, nonce, run, state: state.to_owned() };
        [LedgerEntry::Claim(claim), LedgerEntry::Result(result), LedgerEntry::Finish(finish)].map(entry).to_vec()
    }

    /// Nonces are random and instants are whole seconds: the order of the ledger alone tells what came last.
    #[test]
    fn what_happens_within_one_second_is_ordered_by_the_ledger() {
        for (pushed, operated) in [("a", "b"), ("b", "a")] {
            let push = run(pushed, Digest([1; 32]), ResultKind::Applied, "applied", 1);
            let back = run(operated, Claim::NO_PERMIT, ResultKind::RolledBack, "rolled-back", 0);
            let again = run("0", Digest([2; 32]), ResultKind::Applied, "applied", 1);
            let mut ledger = Ledger { entries: [push, back].concat(), refusals: Vec::new() };
            assert_eq!(progress(&ledger, "CHG-1", NOW), Progress::RolledBack, "{pushed} before {operated}");
            ledger.entries.extend(again);
            assert_eq!(progress(&ledger, "CHG-1", NOW), Progress::Applied);
        }
    }

    /// A result of the same second that the ledger has before a claim is no work of that run.
    #[test]
    fn a_device_that_a_run_never_came_to_is_open_in_the_same_second_too() {
        let mut ledger =
            Ledger { entries: run("z", Digest([1; 32]), ResultKind::Applied, "applied", 1), refusals: Vec::new() };
        let mut second = run("a", Digest([2; 32]), ResultKind::Applied, "partial", 2);
        let [Entry { said: LedgerEntry::Claim(claim), .. }, Entry { said: LedgerEntry::Result(result), .. }, _] =
            second.as_mut_slice()
        else {
            return assert!(second.is_empty(), "a run has three entries");
        };
        claim.devices.push("edge2".to_owned());
        result.device = "edge2".to_owned();
        ledger.entries.extend(second);
        let open: Vec<String> = unconverged(&ledger, &BTreeSet::new(), NOW.after(std::time::Duration::from_secs(1)))
            .into_iter()
            .map(|u| u.device)
            .collect();
        assert_eq!(open, ["edge1"]);
    }
}
