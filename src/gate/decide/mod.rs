//! The decision: everything that stands against a change at one instant, where it stands, and what it still needs.
//!
//! Each part only ever adds reasons, so that nothing that is wrong can make up for something else that is wrong.

mod content;
mod past;
mod staging;
mod state;
mod timing;
mod urgent;

pub use past::{Past, judge_past};

use super::calendar::calendar;
use super::case::{Dossier, Progress};
use super::decision::Decision;
use super::quorum::{Bench, Count, Parties, holds, rejections, withdrawal};
use super::reason::{Reason, ReasonCode};
use super::terms::terms;
use crate::policy::{ChangeClass, Policy, Right, Template};
use std::collections::BTreeSet;

/// Decides about one change.
pub fn decide(case: &Dossier<'_>) -> Decision {
    let mut reasons: Vec<Reason> = case.chain.reasons.clone();
    reasons.extend(case.obstacles.iter().cloned());
    reasons.extend(case.testimony.refusals.iter().cloned());
    let mut decision = match case.chain.policy() {
        Some(policy) => by_policy(case, policy),
        None => state::undecided(case, ChangeClass::Normal),
    };
    if case.chain.in_force().is_none() && reasons.is_empty() {
        let message = "no version of the policy is in force";
        reasons.push(Reason::new(ReasonCode::PolicyMissing, message, "`fwgate policy verify` says why"));
    }
    decision.reasons.extend(reasons);
    end(case, &mut decision);
    decision.reasons.sort();
    decision.reasons.dedup();
    decision.notes.extend(case.chain.notes.iter().cloned());
    decision.notes.extend(ignored_notes(case));
    let mut seen = BTreeSet::new();
    decision.notes.retain(|note| seen.insert(note.clone()));
    decision
}

/// A change that devices run already lacks nothing any more: what stands against it is that it is over.
fn end(case: &Dossier<'_>, decision: &mut Decision) {
    let is_pushed = matches!(case.progress, Progress::Applied | Progress::Closed);
    if !is_pushed || !decision.reasons.iter().any(|r| r.code == ReasonCode::EmptyChange) {
        return;
    }
    decision.reasons.retain(|r| r.code != ReasonCode::EmptyChange && !is_lack(r.code));
    decision.missing.clear();
    let message = format!("{} was applied, and its devices run it", case.id);
    decision.reasons.push(Reason::new(
        ReasonCode::EmptyChange,
        message,
        "nothing is left to do; another change has another id",
    ));
}

/// Whether a code says that something is not there yet, or not any more.
fn is_lack(code: ReasonCode) -> bool {
    use ReasonCode::{
        ApprovalExpired, ApprovalMissing, ApprovalStale, LeadTime, NotScheduled, NotStaged, NotVetted, OutsideWindow,
    };
    matches!(
        code,
        ApprovalExpired
            | ApprovalMissing
            | ApprovalStale
            | LeadTime
            | NotScheduled
            | NotStaged
            | NotVetted
            | OutsideWindow
    )
}

/// Whether a person may roll back: one with the right to operate, at any time. The ledger may be unreachable, windows
/// closed and reviews overdue.
///
/// # Errors
/// ROLE_MISSING.
pub fn may_roll_back(policy: &Policy, person: &str) -> Result<(), Reason> {
    let roles = policy.persons.iter().filter(|p| p.id.value == person).flat_map(|p| &p.roles);
    match policy.rights.has(Right::Operate, roles.map(|r| r.value.as_str())) {
        true => Ok(()),
        false => {
            let message = format!("`{person}` may not roll back");
            Err(Reason::new(ReasonCode::RoleMissing, message, "a person with the role `operator` does it"))
        }
    }
}

fn by_policy(case: &Dossier<'_>, policy: &Policy) -> Decision {
    let class = content::class_of(case);
    if class == ChangeClass::Policy {
        return of_policy_change(case, policy);
    }
    let template = template_of(case, policy);
    let Some(terms) = terms(policy, class, template) else {
        let mut decision = state::undecided(case, class);
        decision.reasons.push(no_terms(class));
        decision.reasons.extend(content::reasons(case, policy));
        return decision;
    };
    let parties = Parties::of(case, policy);
    let bench = Bench::new(case, policy, &terms, &parties);
    let mut found = Found { count: bench.count(), ..Found::default() };
    found.reasons.extend(announcement_reason(case, &parties));
    found.reasons.extend(content::reasons(case, policy));
    found.reasons.extend(content::class_reasons(case, &bench, template));
    found.staging = staging::judge(&bench);
    if class == ChangeClass::Emergency {
        urgent::judge(&bench, &mut found);
    }
    found.stop(&bench);
    found.timing = timing::judge(&bench, &calendar(policy).0);
    found.reasons.extend(fleet_reasons(case, class));
    found.reasons.extend(taken_back_reason(case));
    state::conclude(&bench, found)
}

/// What the parts of a decision found.
#[derive(Default)]
struct Found {
    count: Count,
    staging: staging::Staged,
    timing: timing::Timing,
    /// Rejections, holds, a withdrawal.
    stops: Vec<Reason>,
    reasons: Vec<Reason>,
    notes: Vec<String>,
    /// The end of an emergency.
    until: Option<super::Instant>,
}

impl Found {
    fn stop(&mut self, bench: &Bench<'_>) {
        let (rejected, ignored_rejections) = rejections(bench);
        let (held, ignored_holds) = holds(bench);
        let (withdrawn, ignored_withdrawals) = withdrawal(bench);
        self.stops.extend(rejected.into_iter().chain(held).chain(withdrawn));
        self.notes.extend(ignored_rejections.into_iter().chain(ignored_holds).chain(ignored_withdrawals));
    }
}

fn template_of<'a>(case: &Dossier<'_>, policy: &'a Policy) -> Option<&'a Template> {
    let name = case.request?.template.as_ref()?;
    policy.templates.iter().find(|t| t.id.value == *name)
}

fn no_terms(class: ChangeClass) -> Reason {
    let fix = "choose another class in the change file, or give this one to the policy in a change of it";
    match class {
        ChangeClass::Standard => {
            let message = "the change names no template of the policy";
            Reason::new(
                ReasonCode::TemplateBounds,
                message,
                "write `template = \"ID\"` into the change file, or `class = \"normal\"`",
            )
        }
        ChangeClass::Emergency => Reason::new(ReasonCode::EmergencyInvalid, "the policy has no [class.emergency]", fix),
        other => Reason::new(
            ReasonCode::ApprovalMissing,
            format!("the policy does not say who approves class `{}`", other.name()),
            fix,
        ),
    }
}

fn announcement_reason(case: &Dossier<'_>, parties: &Parties<'_>) -> Option<Reason> {
    let id = case.id;
    let message = format!(
        "nobody of the roster has announced {id}, so that its author is unknown and nobody's approval can count"
    );
    let reason =
        Reason::new(ReasonCode::ApprovalMissing, message, format!("the author signs it: `fwgate change new {id}`"));
    parties.latest.is_none().then_some(reason)
}

/// What was taken back did not hold, whatever was approved: it goes again only when it is said anew.
fn taken_back_reason(case: &Dossier<'_>) -> Option<Reason> {
    let (id, at) = (case.id, case.taken_back?);
    let message = format!("{id} was rolled back at {at}, and what was approved before that is used up");
    let fix = format!(
        "the protected branch still holds it: revert it there, or say it anew with `fwgate change reissue {id} --becomes ID --reason TEXT`"
    );
    Some(Reason::new(ReasonCode::ApprovalStale, message, fix).detail("rolled-back"))
}

/// What stands in the way elsewhere in the fleet.
fn fleet_reasons(case: &Dossier<'_>, class: ChangeClass) -> Vec<Reason> {
    let mut out = Vec::new();
    let is_emergency = class == ChangeClass::Emergency;
    let touches = |device: &str| case.targets.iter().any(|t| t.device == device);
    let converges = is_emergency && case.unconverged.iter().all(|u| touches(&u.device));
    for open in case.unconverged.iter().filter(|u| u.change != case.id && !converges) {
        let message = format!("`{}` has no receipt after the push of {}", open.device, open.change);
        let fix = format!(
            "`fwgate push {}` or `fwgate rollback {}`, or `fwgate quarantine {}`",
            open.change, open.device, open.device
        );
        out.push(Reason::new(ReasonCode::NotConverged, message, fix));
    }
    let of_others = case.debts.iter().filter(|d| d.change != case.id);
    for debt in of_others.filter(|d| d.due <= case.now && !is_emergency) {
        let message = format!("the review of the emergency {} was due at {}", debt.change, debt.due);
        out.push(Reason::new(ReasonCode::ReviewOverdue, message, format!("`fwgate change review {}`", debt.change)));
    }
    out
}

/// A change of the policy: both quorums by `policy` records, and nothing to push.
fn of_policy_change(case: &Dossier<'_>, policy: &Policy) -> Decision {
    let mut decision = state::undecided(case, ChangeClass::Policy);
    decision.reasons.extend(content::reasons(case, policy));
    let Some(pending) = case.pending else {
        let message =
            "a change of the policy, or of facts by which devices are judged, comes with a new version of the policy";
        let fix = "add 1 to `version` in `fwgate.toml`";
        decision.reasons.push(Reason::new(ReasonCode::PolicyChangeMixed, message, fix));
        return decision;
    };
    decision.reasons.extend(pending.faults.iter().cloned());
    decision
        .reasons
        .extend(pending.lacks.iter().map(|lack| Reason { code: ReasonCode::ApprovalMissing, ..lack.clone() }));
    let terms = terms(policy, ChangeClass::Policy, None);
    let parties = Parties::of(case, policy);
    decision.reasons.extend(announcement_reason(case, &parties));
    if let Some(terms) = &terms {
        let mut found = Found::default();
        found.stop(&Bench::new(case, policy, terms, &parties));
        decision.reasons.extend(found.stops);
        decision.notes.extend(found.notes);
    }
    decision.state = state::of_policy_change(case, &decision.reasons);
    decision
}

/// Commits on the branch that are no evidence.
fn ignored_notes(case: &Dossier<'_>) -> Vec<String> {
    let listed = &case.testimony.ignored;
    let mut out: Vec<String> =
        listed.iter().flat_map(|i| &i.reasons).map(|r| format!("{} ({})", r.message, r.code)).collect();
    let more = case.testimony.ignored_count.saturating_sub(listed.len());
    out.extend((more > 0).then(|| format!("{more} more commits on its branch are no evidence")));
    out
}

/// Whether nothing of a change has been permitted yet.
fn is_ahead(progress: Progress) -> bool {
    progress == Progress::None
}
