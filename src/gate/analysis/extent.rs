//! What the effect of a change is like: whether it only closes, stays in the lab, touches a range that needs more eyes.

use super::checked;
use super::read::Read;
use crate::check::{CheckInput, CheckReport, RouteEffect};
use crate::diff::EffectKind;
use crate::gate::content::Target;
use crate::gate::evidence::Extent;
use crate::gate::reason::Reason;
use crate::packet::{Field, Ranges, Values};
use crate::policy::Policy;
use crate::routes::RouteChangeKind;
use std::collections::BTreeSet;

/// Everything that the extent is computed from.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub input: &'a CheckInput<'a>,
    pub report: &'a CheckReport,
    pub targets: &'a [Target],
    pub before: &'a [Read],
    pub after: &'a [Read],
    /// The devices at the beginning of the author's range.
    pub origin: &'a [Read],
}

/// What the effect is like.
///
/// # Errors
/// A bound.
pub(super) fn extent(seen: &Seen<'_>) -> Result<Extent, Vec<Reason>> {
    Ok(Extent {
        closes_only: closes_only(seen),
        outside_lab: outside_lab(seen),
        touches: touches(seen),
        codes: codes(seen)?,
        relabelled: relabelled(seen),
    })
}

fn find<'a>(side: &'a [Read], name: &str) -> Option<&'a Read> {
    side.iter().find(|r| r.device.name == name)
}

fn closes_only(seen: &Seen<'_>) -> bool {
    let kinds = seen.report.effects.iter().flat_map(|e| &e.diff.changes).map(|c| c.effect);
    let mut refusals = kinds.map(|k| matches!(k, EffectKind::Closed | EffectKind::Refusal));
    // What is not compared may open anything.
    let is_compared = |target: &Target| match (find(seen.before, &target.device), find(seen.after, &target.device)) {
        (Some(old), Some(new)) => old.device.ruleset.families == new.device.ruleset.families,
        _ => true,
    };
    // A route that is gone or discards lets nothing pass; every other change of a way may bring packets where they were not.
    let closes = |k: RouteChangeKind| matches!(k, RouteChangeKind::Lost | RouteChangeKind::Blackholed);
    let routes_close = |r: &RouteEffect| r.diff.one_sided.is_empty() && r.diff.changes.iter().all(|c| closes(c.kind));
    refusals.all(|closes| closes) && seen.targets.iter().all(is_compared) && seen.report.routes.iter().all(routes_close)
}

fn outside_lab(seen: &Seen<'_>) -> Option<String> {
    let Some(lab) = &seen.input.policy.lab else { return Some("the policy has no lab".to_owned()) };
    let is_in = |target: &&Target| {
        // The baseline says what a device is; a new one is in the lab by its name only.
        let roles = find(seen.before, &target.device).map(|r| r.device.roles.clone()).unwrap_or_default();
        lab.devices.selects(&target.device, &roles)
    };
    if let Some(target) = seen.targets.iter().find(|t| !is_in(t)) {
        return Some(format!("device `{}` is none of the lab's", target.device));
    }
    crate::check::outside_lab(lab, seen.report)
}

/// The named ranges that hold an end of some changed packet.
fn touches(seen: &Seen<'_>) -> BTreeSet<String> {
    let ranges = seen.input.policy.names.ranges();
    let mut out = BTreeSet::new();
    for change in seen.report.routes.iter().flat_map(|r| &r.diff.changes) {
        let to = change.regions.iter().fold(Ranges::empty(), |all, r| all.union(&r.to));
        let met = ranges.iter().filter(|(_, set)| set.of(change.family).meets(&to)).map(|(name, _)| name.clone());
        out.extend(met);
    }
    for effect in &seen.report.effects {
        for cell in effect.diff.changes.iter().flat_map(|c| &c.cells) {
            let meets = |addresses: &Ranges| {
                let values = Values::Ranges(addresses.clone());
                [Field::Src, Field::Dst].into_iter().any(|f| cell.meet(f, &values, effect.family).is_some())
            };
            let new = ranges.iter().filter(|(name, _)| !out.contains(*name));
            let met: Vec<String> =
                new.filter(|(_, set)| meets(set.of(effect.family))).map(|(name, _)| name.clone()).collect();
            out.extend(met);
        }
    }
    out
}

/// What the checks find in the effect by itself, as if nobody had declared anything, with what they find in the change.
fn codes(seen: &Seen<'_>) -> Result<BTreeSet<&'static str>, Vec<Reason>> {
    let policy =
        Policy { names: seen.input.policy.names.clone(), version: seen.input.policy.version, ..Policy::default() };
    let undeclared = checked(&CheckInput { policy: &policy, change: None, ..*seen.input })?;
    Ok(undeclared.findings.iter().chain(&seen.report.findings).map(|f| f.code.id).collect())
}

/// Devices that stay and are labelled otherwise.
fn relabelled(seen: &Seen<'_>) -> BTreeSet<String> {
    let differs = |old: &&Read| {
        let same = |new: &Read| {
            let from = |r: &Read| r.facts.from.iter().map(|f| f.value.clone()).collect::<Vec<_>>();
            let groups = old.facts.groups == new.facts.groups;
            let role = old.facts.role == new.facts.role && from(old) == from(new);
            old.facts.environment == new.facts.environment && role && groups
        };
        find(seen.after, &old.device.name).is_some_and(|new| !same(new))
    };
    seen.origin.iter().filter(differs).map(|r| r.device.name.clone()).collect()
}
