//! The list that is gone through before a maintenance: every reason of the gate under the check to which it belongs.
//!
//! A check passes, fails, waits for nothing but the time, or could not be made. What only time mends is told by asking the gate
//! twice: as of now, and as of the beginning of the change's window.

use super::decision::Decision;
use super::reason::{Reason, ReasonCode};

/// One check of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// Root, clone, remote, ledger, witnesses.
    Evidence,
    /// The policy in force and its chain.
    Policy,
    /// The change itself: files, checks, class.
    Change,
    /// Approvals.
    Quorum,
    /// Staging and vetting.
    Vetting,
    /// Rejections, holds, a withdrawal.
    Holds,
    /// Window and lead time.
    Window,
    /// Freezes.
    Freeze,
    /// Other changes.
    Conflicts,
    /// The rest of the fleet, and overdue reviews.
    Fleet,
    /// A safe transport for every device, and its programs.
    Transports,
    /// Every device runs its baseline.
    Baseline,
    /// The way back was tried.
    Rollback,
    /// The probes reach what they should.
    Probes,
    /// The keys of the machines.
    Keys,
}

/// The checks in the order of the list, each with its name and what it says.
pub const CHECKS: [(Check, &str, &str); 15] = [
    (Check::Evidence, "evidence", "fetched, whole, and as fresh as the last witness"),
    (Check::Policy, "policy", "in force by root and quorums"),
    (Check::Change, "change", "judged, and nothing against what it does"),
    (Check::Quorum, "quorum", "everybody who must has approved"),
    (Check::Vetting, "vetting", "staged and vetted as its class demands"),
    (Check::Holds, "holds", "nobody rejected, held or withdrew it"),
    (Check::Window, "window", "open"),
    (Check::Freeze, "freeze", "none binds it"),
    (Check::Conflicts, "conflicts", "no other change stands in its way"),
    (Check::Fleet, "fleet", "converged, and no review is overdue"),
    (Check::Transports, "transports", "safe, and their programs are installed"),
    (Check::Baseline, "baseline", "every device runs it, by meaning"),
    (Check::Rollback, "rollback", "understood, equal to the baseline, and loaded by a kernel"),
    (Check::Probes, "probes", "reach what they should"),
    (Check::Keys, "keys", "of the machines are at hand"),
];

impl Check {
    /// As machines read it.
    pub fn name(self) -> &'static str {
        CHECKS.iter().find(|(check, _, _)| *check == self).map_or("", |(_, name, _)| name)
    }

    /// What a passed check says.
    pub fn words(self) -> &'static str {
        CHECKS.iter().find(|(check, _, _)| *check == self).map_or("", |(_, _, words)| words)
    }
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tick {
    /// Nothing is wrong.
    Passed,
    /// Nothing is wrong but the time.
    Waits,
    /// Something is wrong.
    Failed,
    /// It could not be made.
    Unknown,
}

impl Tick {
    /// As machines read it.
    pub fn name(self) -> &'static str {
        match self {
            Tick::Passed => "passed",
            Tick::Waits => "waits",
            Tick::Failed => "failed",
            Tick::Unknown => "unknown",
        }
    }
}

/// One check with everything that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Which.
    pub check: Check,
    /// How it came out.
    pub tick: Tick,
    /// What was found out, a line each.
    pub says: Vec<String>,
    /// What stands against it, each with the command that mends it.
    pub reasons: Vec<Reason>,
}

impl Item {
    /// A check against which these reasons stand; what it says where there are none.
    pub fn of(check: Check, says: Vec<String>, reasons: Vec<Reason>) -> Item {
        let tick = match () {
            () if reasons.iter().any(|r| r.code.is_no_verdict()) => Tick::Unknown,
            () if reasons.is_empty() => Tick::Passed,
            () => Tick::Failed,
        };
        Item { check, tick, says, reasons }
    }
}

/// The whole list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preflight {
    /// The checks, in order.
    pub items: Vec<Item>,
}

impl Preflight {
    /// The worst that came out.
    pub fn tick(&self) -> Tick {
        self.items.iter().map(|item| item.tick).max().unwrap_or(Tick::Unknown)
    }
}

/// The checks that the gate itself makes: by its decision now, and by that at the beginning of the window.
pub fn of_decisions(now: &Decision, then: &Decision) -> Vec<Item> {
    let of_gate = CHECKS.iter().map(|(check, _, _)| *check).filter(|check| *check <= Check::Fleet);
    of_gate.map(|check| of_gate_check(check, now, then)).collect()
}

fn of_gate_check(check: Check, now: &Decision, then: &Decision) -> Item {
    let own = |decision: &Decision| -> Vec<Reason> {
        decision.reasons.iter().filter(|r| check_of(r.code) == check).cloned().collect()
    };
    let (today, later) = (own(now), own(then));
    let mut item = Item::of(check, Vec::new(), later.clone());
    if item.tick == Tick::Passed && !today.is_empty() {
        let is_time = matches!(check, Check::Window | Check::Freeze | Check::Quorum);
        item = match is_time {
            true => Item { tick: Tick::Waits, ..Item::of(check, Vec::new(), today) },
            false => Item::of(check, Vec::new(), today),
        };
    }
    item
}

/// The check to which a reason belongs.
fn check_of(code: ReasonCode) -> Check {
    use ReasonCode as R;
    match code {
        R::RootMissing
        | R::HistoryUnverifiable
        | R::HistoryIncomplete
        | R::ReplaceRefsPresent
        | R::HistoryRewritten
        | R::LedgerFork
        | R::LedgerUnreachable
        | R::EvidenceStale
        | R::EvidenceUnavailable
        | R::RefAmbiguous
        | R::ClockSkew
        | R::AuditChainBroken
        | R::TimeNotMonotonic
        | R::CommitMalformed => Check::Evidence,
        R::PolicyMissing
        | R::PolicyInvalid
        | R::PolicyRollback
        | R::PolicyVersionGap
        | R::PolicyUnauthorised
        | R::RevocationUnavailable => Check::Policy,
        R::UnparsedInput
        | R::LimitExceeded
        | R::PolicyChangeMixed
        | R::EmptyChange
        | R::ChangeIdConflict
        | R::PathInvalid
        | R::PathNotRegular
        | R::PathCollision
        | R::EvilMerge
        | R::MergeUnsupported
        | R::CommitGraph
        | R::CheckRefused
        | R::EmergencyInvalid
        | R::TemplateBounds
        | R::OutsideLab => Check::Change,
        R::KeyTypeRefused
        | R::BadNamespace
        | R::KeyExpired
        | R::KeyRevoked
        | R::SignerUnknown
        | R::RecordMismatch
        | R::NotYetValid
        | R::NotAnApproval
        | R::ApprovalMissing
        | R::RoleMissing
        | R::ApprovalStale
        | R::ApprovalExpired
        | R::SelfApproval
        | R::ContributorApproval
        | R::DuplicatePrincipal
        | R::WrongTarget
        | R::WrongStage
        | R::WrongContext => Check::Quorum,
        R::NotStaged | R::NotVetted | R::ReceiptMismatch | R::ReceiptUntrusted | R::StageNotIsolated => Check::Vetting,
        R::Rejected | R::Withdrawn | R::Held => Check::Holds,
        R::NotScheduled | R::LeadTime | R::ScheduleInvalid | R::OutsideWindow => Check::Window,
        R::Frozen => Check::Freeze,
        R::Conflict | R::ProofStale => Check::Conflicts,
        R::NotConverged | R::ReviewOverdue => Check::Fleet,
        R::UnsafePushMode | R::TransportUnsafe => Check::Transports,
        R::Drift | R::ReadbackInvalid => Check::Baseline,
        R::NoRollback => Check::Rollback,
        R::PermitSpent
        | R::PermitClaimed
        | R::PermitExpired
        | R::PermitMismatch
        | R::PermitUntrusted
        | R::PermitWrongHolder => Check::Keys,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Instant, State};
    use crate::policy::ChangeClass;

    fn decision(codes: &[ReasonCode]) -> Decision {
        Decision {
            reasons: codes.iter().map(|code| Reason::new(*code, code.name(), "mend it")).collect(),
            state: State::Approved,
            missing: Vec::new(),
            notes: Vec::new(),
            class: ChangeClass::Normal,
            counted: Vec::new(),
            vetting: Vec::new(),
            window: None,
            permit_until: Instant(0),
        }
    }

    fn tick(check: Check, now: &[ReasonCode], then: &[ReasonCode]) -> Tick {
        let items = of_decisions(&decision(now), &decision(then));
        items.iter().find(|item| item.check == check).map_or(Tick::Unknown, |item| item.tick)
    }

    #[test]
    fn only_time_is_waited_for() {
        let closed = [ReasonCode::OutsideWindow];
        assert_eq!(tick(Check::Window, &closed, &[]), Tick::Waits);
        assert_eq!(tick(Check::Window, &closed, &closed), Tick::Failed);
        assert_eq!(tick(Check::Holds, &[ReasonCode::Held], &[]), Tick::Failed, "a hold may be made longer");
        assert_eq!(
            tick(Check::Quorum, &[], &[ReasonCode::ApprovalExpired]),
            Tick::Failed,
            "it expires before the window"
        );
        assert_eq!(tick(Check::Change, &[], &[ReasonCode::LimitExceeded]), Tick::Unknown);
        assert_eq!(tick(Check::Freeze, &[], &[]), Tick::Passed);
    }

    #[test]
    fn every_check_is_in_the_list_once_and_in_order() {
        assert!(CHECKS.windows(2).all(|w| w[0].0 < w[1].0));
        for code in ReasonCode::ALL {
            assert!(CHECKS.iter().any(|(check, _, _)| *check == check_of(*code)), "{code}");
        }
    }
}
