//! What the ledger says about changes and devices, in the words of a decision: how far a change has come, which devices
//! have not converged, which reviews are owed.

use super::believed::Testimony;
use super::case::{Debt, Progress, Unconverged};
use super::instant::Instant;
use super::ledger::{Ledger, PermitHistory};
use super::matching::fill;
use super::record::{Record, Result as DeviceResult, ResultKind};
use super::roster::Standing;
use super::terms::terms;
use super::validity::roles_of;
use crate::policy::{ChangeClass, Policy};
use std::collections::{BTreeMap, BTreeSet};

/// How far a change has come at an instant, by its last permit that the ledger knows. Permits that nobody has claimed, and the
/// log, are not in the ledger: [`Progress::Permitted`] and [`Progress::Closed`] are for the caller to tell.
pub fn progress(ledger: &Ledger, change: &str, now: Instant) -> Progress {
    let permits = ledger.permits();
    let own = permits.values().filter(|p| p.claims.last().is_some_and(|c| c.change == change));
    let last = own.max_by_key(|p| p.claims.last().map(|c| c.at));
    last.map_or(Progress::None, |permit| of_permit(permit, now))
}

fn of_permit(permit: &PermitHistory, now: Instant) -> Progress {
    let finished = permit.finish.as_ref().map(|f| f.state.as_str());
    let wanted = permit.claims.last().map(|c| c.devices.as_slice()).unwrap_or_default();
    let all =
        |kind| !wanted.is_empty() && wanted.iter().all(|d| permit.results.get(d).is_some_and(|r| r.result == kind));
    match finished {
        Some("applied") if all(ResultKind::Applied) => Progress::Applied,
        Some("rolled-back") if all(ResultKind::RolledBack) => Progress::RolledBack,
        Some(_) => Progress::Partial,
        None if permit.is_claimed(now) => Progress::Pushing,
        None if permit.results.is_empty() => Progress::None,
        None => Progress::Partial,
    }
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
    let mut open: BTreeMap<String, String> = left_out(&permits, &last, now).into_iter().collect();
    open.extend(begun);
    let blocking = open.into_iter().filter(|(device, _)| !quarantined.contains(device));
    blocking.map(|(device, change)| Unconverged { device, change }).collect()
}

/// The last result of every device.
pub(super) fn last_results(ledger: &Ledger) -> BTreeMap<&str, &DeviceResult> {
    ledger.results().map(|result| (result.device.as_str(), result)).collect()
}

/// Devices of runs that are over and never came to them, with the change that is on others.
fn left_out(
    permits: &BTreeMap<String, PermitHistory>,
    last: &BTreeMap<&str, &DeviceResult>,
    now: Instant,
) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for permit in permits.values().filter(|p| !p.is_claimed(now)) {
        let Some(claim) = permit.claims.last() else { continue };
        let has_it = |r: &DeviceResult| r.nonce == claim.nonce && r.result == ResultKind::Applied;
        if !last.values().any(|r| has_it(r)) {
            continue;
        }
        let is_later = |device: &String| last.get(device.as_str()).is_some_and(|r| r.at >= claim.at);
        let never = claim.devices.iter().filter(|d| !permit.results.contains_key(*d) && !is_later(d));
        out.extend(never.map(|device| (device.clone(), claim.change.clone())));
    }
    out
}

/// The review that an emergency owes after it was applied at `applied`: until `review` records of the quorum of class normal,
/// without the makers of the change, say that it was looked at.
pub fn debt(testimony: &Testimony, policy: &Policy, applied: Instant) -> Option<Debt> {
    let declared = testimony.records.iter().any(|r| matches!(r.said, Record::Emergency(_)));
    let due = applied.after(terms(policy, ChangeClass::Emergency, None)?.review_due);
    let normal = terms(policy, ChangeClass::Normal, None)?;
    let seats = normal.seats(&normal.quorums(&BTreeSet::new(), &BTreeSet::new()));
    let roles = roles_of(policy);
    let makers: BTreeSet<&str> =
        testimony.records.iter().filter(|r| matches!(r.said, Record::Change(_))).map(|r| r.by.as_str()).collect();
    let mut persons: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for record in testimony.records.iter().filter(|r| r.standing == Standing::Good && !makers.contains(r.by.as_str())) {
        let Record::Review(review) = &record.said else { continue };
        if roles.get(&record.by).is_some_and(|roles| roles.contains(&review.role)) {
            persons.entry(record.by.clone()).or_default().insert(review.role.clone());
        }
    }
    let is_paid = !seats.is_empty() && fill(&seats, &persons).len() == seats.len();
    (declared && !is_paid).then(|| Debt { change: testimony.change.clone(), due })
}
