//! What a check run gives: findings, and everything that a report says beside them.

use crate::diff::{FilterDiff, ReplayMismatch};
use crate::finding::{Finding, Location};
use crate::packet::Family;
use crate::routes::{Disagreement, Routing, RoutingDiff};
use crate::ruleset::Hook;
use std::rc::Rc;
use std::sync::Arc;

/// The result of a check run.
#[derive(Debug, Default)]
pub struct CheckReport {
    /// Every finding, by device, hook, family, code and place. Waived ones are among them, as notes.
    pub findings: Vec<Finding>,
    /// The effect of the change on every filter that it has one on.
    pub effects: Vec<FilterEffect>,
    /// The effect of the change on the routes of every device that it has one on.
    pub routes: Vec<RouteEffect>,
    /// How many devices were judged, on either side.
    pub devices: usize,
    /// How many rules the proposal has, on all devices.
    pub rules: usize,
    /// How the requirements of the policy stand.
    pub requirements: RequirementCounts,
    /// Conditions that the policy fixes and that some verdict met.
    pub assumptions: Vec<AssumptionUsed>,
    /// Requirements and prohibitions that devices cannot have, because they lack the hook.
    pub not_applicable: Vec<NotApplicable>,
    /// What became of the policy's waivers.
    pub waivers: Vec<WaiverUse>,
    /// Whether every packet was compared and judged. Otherwise there is no verdict.
    pub complete: bool,
}

/// The effect of the change on one filter.
#[derive(Clone, Debug)]
pub struct FilterEffect {
    /// The device.
    pub device: String,
    /// The hook.
    pub hook: Hook,
    /// The family.
    pub family: Family,
    /// The filter's display name: `filter/FORWARD`.
    pub filter: String,
    /// The effect; devices with equal rulesets share it.
    pub diff: Rc<FilterDiff>,
}

/// The effect of the change on the routes of one device.
#[derive(Clone, Debug)]
pub struct RouteEffect {
    /// The device.
    pub device: String,
    /// Its routes before; empty where no file gave any.
    pub old: Arc<Routing>,
    /// Its routes after.
    pub new: Arc<Routing>,
    /// What changes.
    pub diff: Rc<RoutingDiff>,
}

/// How a requirement stands, over all devices: the worst counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It holds.
    Held,
    /// It holds under conditions.
    Depends,
    /// It holds neither before nor after.
    Missing,
    /// The change breaks it.
    Lost,
    /// It was judged nowhere.
    Unmatched,
}

/// How many requirements stand how; prohibitions are not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct RequirementCounts {
    pub held: usize,
    pub depends: usize,
    pub missing: usize,
    pub lost: usize,
    pub unmatched: usize,
}

impl RequirementCounts {
    pub(super) fn of(standings: impl Iterator<Item = Standing>) -> RequirementCounts {
        let mut out = RequirementCounts::default();
        for standing in standings {
            *match standing {
                Standing::Held => &mut out.held,
                Standing::Depends => &mut out.depends,
                Standing::Missing => &mut out.missing,
                Standing::Lost => &mut out.lost,
                Standing::Unmatched => &mut out.unmatched,
            } += 1;
        }
        out
    }
}

/// A condition that the policy fixes and that some verdict met.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AssumptionUsed {
    /// The device.
    pub device: String,
    /// The condition's canonical name.
    pub condition: String,
    /// What it was taken to be.
    pub holds: bool,
    /// Why, in the words of the policy.
    pub reason: String,
    /// Where the policy says so.
    pub location: Location,
}

/// A requirement or prohibition that a selected device cannot have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotApplicable {
    /// The device.
    pub device: String,
    /// The id of the requirement or prohibition.
    pub requirement: String,
    /// The hook that the device lacks.
    pub hook: Hook,
}

/// What became of a waiver.
#[derive(Clone, Debug)]
pub struct WaiverUse {
    /// Where the policy says it.
    pub location: Location,
    /// What became of it.
    pub state: WaiverState,
}

/// What became of a waiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaiverState {
    /// It tolerates so many findings.
    Used(usize),
    /// It would tolerate so many findings, but its last day is over.
    Expired(usize),
    /// Nothing is left for it to tolerate.
    Unused,
}

/// Why there is no verdict.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CheckError {
    /// The engine contradicts the interpreter.
    #[error(transparent)]
    Replay(#[from] ReplayMismatch),
    /// The comparison of routes contradicts the plain lookup, or is beyond a bound.
    #[error(transparent)]
    Routes(#[from] Disagreement),
    /// One side has no device: nothing would be proved.
    #[error("the {0} has no device")]
    NoDevice(&'static str),
    /// Two devices of one side have the same name.
    #[error("two devices of the {side} have the name `{name}`")]
    SameName {
        /// Which side.
        side: &'static str,
        /// The name.
        name: String,
    },
}
