//! Checks: baseline, proposal, policy and change request in, findings out. Pure; one file a check, one registry
//! line each.
//!
//! Devices with equal rulesets on both sides make one *scene*; each of its filters is compiled once and answers
//! every question of every check. Requirements are *demands* (cells that must pass), prohibitions are cells of
//! which nothing may pass, and both are walks of the engine with another stopping rule. Whatever is shown was
//! judged by the plain interpreter first.

mod address_space;
mod closed_range;
mod concession;
mod conversation;
mod device;
mod estate;
mod family_missing;
mod intent_met;
mod interfaces;
pub mod inventory;
mod known;
mod lab;
mod lint;
mod marks;
mod names;
mod opened_to_any;
mod order_unknown;
mod outside_intent;
mod prohibition;
mod proposal;
mod question;
mod reach;
mod report;
mod requirement;
mod routes;
mod scene;
mod tally;
mod translation;
mod undeclared;
mod unmatched;
mod verdict;
mod view;
mod words;

pub use device::Device;
pub use estate::{Estate, Goes, Known};
pub use known::excuse_known;
pub use lab::outside_lab;
pub use lint::{Lint, lint};
pub use proposal::{FirstPolicy, ProposalError, first_policy};
pub use report::{
    AssumptionUsed, CheckError, CheckReport, FilterEffect, NotApplicable, RequirementCounts, RouteEffect, Standing,
    WaiverState, WaiverUse,
};

use crate::diff::Bounds;
use crate::finding::{Code, Finding};
use crate::packet::IfacePattern;
use crate::policy::{ChangeRequest, Date, DeviceSelection, Policy};
use estate::told;
use scene::{Filters, Pair, Scene, named_interfaces};
use std::collections::BTreeMap;
use std::rc::Rc;
use tally::Tally;
use view::View;

/// Everything that a check run is about.
#[derive(Clone, Copy, Debug)]
pub struct CheckInput<'a> {
    /// What is in force.
    pub baseline: &'a [Device],
    /// What is proposed.
    pub proposed: &'a [Device],
    /// What must hold.
    pub policy: &'a Policy,
    /// What the author declares, where there is a change request.
    pub change: Option<&'a ChangeRequest>,
    /// What is known beside the devices.
    pub estate: Estate<'a>,
    /// When walks give up.
    pub bounds: Bounds,
    /// The day on which waivers are judged, in UTC.
    pub today: Date,
}

/// One check.
struct Check {
    /// The codes of its findings.
    codes: &'static [&'static Code],
    /// Judges one scene.
    on_scene: fn(&View<'_, '_>, &mut Tally) -> Result<(), CheckError>,
}

/// Every check.
const CHECKS: &[Check] = &[
    requirement::CHECK,
    prohibition::CHECK,
    unmatched::CHECK,
    outside_intent::CHECK,
    intent_met::CHECK,
    closed_range::CHECK,
    opened_to_any::CHECK,
    family_missing::CHECK,
    order_unknown::CHECK,
];

/// The codes that checks can report.
pub fn codes() -> impl Iterator<Item = &'static Code> {
    let on_scenes = CHECKS.iter().chain(names::ON_SCENES).flat_map(|c| c.codes);
    let of_estate = inventory::CHECKS.iter().chain(names::CHECKS).flat_map(|c| c.codes);
    let excuses = concession::CODES.iter().chain(known::CODES);
    let of_routes = routes::CHECKS.iter().flat_map(|c| c.codes).chain(lab::CODES);
    on_scenes.chain(of_estate).chain(excuses).chain(of_routes).copied()
}

/// Judges a change.
///
/// # Errors
/// A side without devices, two devices of one name, and an analysis that the interpreter contradicts: then there
/// is no verdict.
pub fn run(input: &CheckInput<'_>) -> Result<CheckReport, CheckError> {
    match names::resolved(input) {
        Some(policy) => judge(&CheckInput { policy: &policy, ..*input }),
        None => judge(input),
    }
}

/// Judges a change by a policy whose hosts have been looked up.
fn judge(input: &CheckInput<'_>) -> Result<CheckReport, CheckError> {
    let pairs = pairs(input)?;
    let scenes = scenes(input, &pairs);
    let patterns = patterns(input);
    let mut tally = Tally::default();
    let mut report = CheckReport { complete: true, devices: pairs.len(), ..CheckReport::default() };
    for scene in &scenes {
        judge_scene(scene, &patterns, &mut tally, &mut report)?;
    }
    routes::judge(input, &pairs, &mut tally, &mut report)?;
    unmatched::conclude(input, &mut tally);
    intent_met::conclude(input, &mut tally);
    tally.findings.extend(told(inventory::CHECKS, input, "`fwgate inventory` lists all of them"));
    names::conclude(input, &mut tally);
    tally.findings.extend(told(names::CHECKS, input, "mend these first"));
    report.rules = input.proposed.iter().map(|d| d.ruleset.rule_count()).sum();
    report.complete &= !tally.is_bounded;
    report.requirements = RequirementCounts::of(tally.requirements.into_values());
    report.assumptions = tally.assumptions.into_iter().collect();
    report.not_applicable = tally.not_applicable.into_iter().collect();
    report.findings = tally.findings;
    lab::conclude(input, &pairs, &mut report);
    concession::weigh(input.policy, &mut report.findings);
    report.waivers = concession::waive(input, &pairs, &mut report.findings);
    report.findings.sort_by_cached_key(order);
    report.effects.sort_by(|a, b| (&a.device, a.hook.name(), a.family).cmp(&(&b.device, b.hook.name(), b.family)));
    Ok(report)
}

fn judge_scene(
    scene: &Scene<'_>,
    patterns: &[IfacePattern],
    tally: &mut Tally,
    report: &mut CheckReport,
) -> Result<(), CheckError> {
    let filters = Filters::compare(scene, patterns, scene.input.bounds)?;
    report.complete &= filters.compared().all(|f| f.is_complete);
    let view = View { scene, filters: &filters, patterns };
    for check in CHECKS.iter().chain(names::ON_SCENES) {
        (check.on_scene)(&view, tally)?;
    }
    for (name, diff) in filters.into_effects() {
        let (hook, family, diff) = (diff.space.hook, diff.space.family, Rc::new(diff));
        report.effects.extend(scene.pairs.iter().map(|p| FilterEffect {
            device: p.name.to_owned(),
            hook,
            family,
            filter: name.clone(),
            diff: diff.clone(),
        }));
    }
    Ok(())
}

/// The devices of both sides by name.
fn pairs<'a>(input: &CheckInput<'a>) -> Result<Vec<Pair<'a>>, CheckError> {
    let old = by_name(input.baseline, "baseline")?;
    let new = by_name(input.proposed, "proposal")?;
    let mut names: Vec<&str> = old.keys().chain(new.keys()).copied().collect();
    names.sort_unstable();
    names.dedup();
    let pair = |name: &'a str| {
        let (old, new) = (old.get(name).copied(), new.get(name).copied());
        let mut roles: Vec<String> = old.iter().chain(&new).flat_map(|d| d.roles.iter().cloned()).collect();
        roles.sort();
        roles.dedup();
        Pair { name, roles, old, new, marks: None }
    };
    Ok(names.into_iter().map(pair).collect())
}

fn by_name<'a>(devices: &'a [Device], side: &'static str) -> Result<BTreeMap<&'a str, &'a Device>, CheckError> {
    let mut out = BTreeMap::new();
    for device in devices {
        if out.insert(device.name.as_str(), device).is_some() {
            return Err(CheckError::SameName { side, name: device.name.clone() });
        }
    }
    if out.is_empty() { Err(CheckError::NoDevice(side)) } else { Ok(out) }
}

/// Devices with the same rulesets on both sides together, whatever their files are called.
fn scenes<'a>(input: &'a CheckInput<'a>, pairs: &[Pair<'a>]) -> Vec<Scene<'a>> {
    let mut scenes: Vec<Scene<'a>> = Vec::new();
    let mut known: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for pair in pairs {
        let identity = |d: Option<&Device>| d.map_or(0, |d| d.ruleset.chains.identity());
        let like = known.entry((identity(pair.old), identity(pair.new))).or_default();
        match like.iter().find(|at| scenes[**at].admits(pair)) {
            Some(at) => scenes[*at].pairs.push(pair.clone()),
            None => {
                like.push(scenes.len());
                scenes.push(Scene::new(input, pair.clone()));
            }
        }
    }
    scenes.iter_mut().for_each(Scene::mark);
    scenes
}

/// Every interface that some flow names.
fn patterns(input: &CheckInput<'_>) -> Vec<IfacePattern> {
    let policy = input.policy;
    let rules = policy.requirements.iter().chain(&policy.prohibitions).map(|r| &r.place);
    let intents = input.change.into_iter().flat_map(|c| &c.intents).map(|i| &i.place);
    let names = policy.name_service.iter().map(|s| &s.place);
    named_interfaces(rules.chain(intents).chain(names))
}

/// Devices of a scene that exist in the proposal and that a part of the policy selects.
fn selected<'s>(scene: &'s Scene<'s>, by: &DeviceSelection) -> Vec<&'s Pair<'s>> {
    scene.pairs.iter().filter(|p| p.new.is_some() && p.is_selected(by)).collect()
}

/// The policy of a run with the addresses of the hosts that it names; `None` where it names none.
pub fn with_hosts(input: &CheckInput<'_>) -> Option<Policy> {
    names::resolved(input)
}

/// The findings about the inventory of the proposal, weighed by the policy.
pub fn inventory_findings(input: &CheckInput<'_>) -> Vec<Finding> {
    let mut findings = inventory::survey(input);
    concession::weigh(input.policy, &mut findings);
    findings.sort_by_cached_key(order);
    findings
}

/// The order of findings in reports.
fn order(finding: &Finding) -> impl Ord + use<> {
    let place = finding.location.clone();
    (
        (finding.device.clone(), finding.hook.map(|h| h.name()), finding.family, finding.code.id),
        (finding.requirement.clone(), finding.direction.map(|d| d.name()), place),
        finding.message.clone(),
    )
}

#[cfg(test)]
mod tests {
    use super::codes;

    #[test]
    fn every_code_about_policies_and_effects_has_a_check() {
        let missing: Vec<&str> = crate::finding::all_codes()
            .filter(|code| ["FW1", "FW2", "FW41", "FW7"].iter().any(|family| code.id.starts_with(family)))
            .filter(|code| !codes().any(|c| c == *code))
            .map(|code| code.id)
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
