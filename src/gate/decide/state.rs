//! Where a change stands, and the decision as a whole.

use super::super::case::{Dossier, Progress};
use super::super::decision::{Decision, State};
use super::super::quorum::Bench;
use super::super::reason::{Reason, ReasonCode};
use super::Found;
use crate::policy::ChangeClass;

/// A decision without a quorum, a window or a proof.
pub(super) fn undecided(case: &Dossier<'_>, class: ChangeClass) -> Decision {
    Decision {
        reasons: Vec::new(),
        state: by_progress(case.progress).unwrap_or(State::Draft),
        missing: Vec::new(),
        notes: Vec::new(),
        class,
        counted: Vec::new(),
        vetting: Vec::new(),
        window: None,
        permit_until: case.now,
    }
}

/// Puts together what was found.
pub(super) fn conclude(bench: &Bench<'_>, found: Found) -> Decision {
    let case = bench.case;
    let state = state(bench, &found);
    let Found { count, staging, timing, stops, reasons, notes, until } = found;
    let ends = [Some(case.now.after(bench.terms.permit_lifetime)), timing.window.map(|w| w.end), until];
    let strangers = bench.parties.strangers.iter().map(|s| format!("`{s}` contributed and is nobody of the policy"));
    Decision {
        reasons: [count.reasons, staging.reasons, timing.reasons, stops, reasons].concat(),
        state,
        missing: count.missing,
        notes: [count.notes, staging.notes, timing.notes, notes, strangers.collect()].concat(),
        class: bench.terms.class,
        counted: count.counted,
        vetting: staging.receipts,
        window: timing.window,
        permit_until: ends.into_iter().flatten().min().unwrap_or(case.now),
    }
}

fn state(bench: &Bench<'_>, found: &Found) -> State {
    let has = |reasons: &[Reason], code| reasons.iter().any(|r| r.code == code);
    // Before an announcement nobody knows who may not approve.
    let is_approved = found.count.missing.is_empty() && bench.parties.latest.is_some();
    let owes = bench.case.debts.iter().any(|d| d.change == bench.case.id);
    match () {
        () if owes && bench.case.progress >= Progress::Applied => State::ReviewDue,
        () if !super::is_ahead(bench.case.progress) => by_progress(bench.case.progress).unwrap_or(State::Draft),
        () if has(&found.stops, ReasonCode::Withdrawn) => State::Withdrawn,
        () if has(&found.stops, ReasonCode::Rejected) => State::Rejected,
        () if has(&found.stops, ReasonCode::Held) => State::Held,
        () if is_approved && found.timing.is_frozen => State::Frozen,
        () if is_approved && found.staging.is_vetted && found.timing.window.is_some() => State::Scheduled,
        () if is_approved && found.staging.is_vetted => State::Approved,
        () if !is_approved && found.count.is_stale => State::Stale,
        () if !is_approved && found.count.is_expired => State::Expired,
        () if found.staging.is_vetted && bench.terms.is_vetted() => State::Vetted,
        () if found.staging.is_begun => State::Staged,
        () => State::Draft,
    }
}

fn by_progress(progress: Progress) -> Option<State> {
    match progress {
        Progress::None => None,
        Progress::Permitted => Some(State::Permitted),
        Progress::Pushing => Some(State::Pushing),
        Progress::Confirming => Some(State::Confirming),
        Progress::Applied => Some(State::Applied),
        Progress::Partial => Some(State::Partial),
        Progress::RolledBack => Some(State::RolledBack),
        Progress::Closed => Some(State::Closed),
    }
}

/// A change of the policy is DRAFT or APPROVED, unless somebody stopped it; the version's records put it in force.
pub(super) fn of_policy_change(case: &Dossier<'_>, reasons: &[Reason]) -> State {
    let has = |code| reasons.iter().any(|r| r.code == code);
    match () {
        () if case.progress == Progress::Closed => State::Closed,
        () if has(ReasonCode::Withdrawn) => State::Withdrawn,
        () if has(ReasonCode::Rejected) => State::Rejected,
        () if has(ReasonCode::Held) => State::Held,
        () if reasons.is_empty() => State::Approved,
        () => State::Draft,
    }
}
