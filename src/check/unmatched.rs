//! FW106: a requirement or prohibition that nothing was checked for. A check that checks nothing always passes.

use super::report::{CheckError, NotApplicable, Standing};
use super::scene::{Pair, Scene};
use super::tally::{Reached, Tally};
use super::view::View;
use super::{Check, CheckInput};
use crate::document::nearest;
use crate::finding::{Finding, Location, REQUIREMENT_UNMATCHED, Severity};
use crate::policy::{DeviceSelection, DeviceSelector, FlowRule};
use crate::ruleset::Side;

/// The registry line.
pub(super) const CHECK: Check = Check { codes: &[&REQUIREMENT_UNMATCHED], on_scene: note };

/// Every requirement and prohibition.
fn rules<'p>(input: &'p CheckInput<'_>) -> impl Iterator<Item = &'p FlowRule> {
    input.policy.requirements.iter().chain(&input.policy.prohibitions)
}

/// Notes which sides of a scene have something to judge for which rule.
fn note(view: &View<'_, '_>, tally: &mut Tally) -> Result<(), CheckError> {
    let scene = view.scene;
    for rule in rules(scene.input) {
        for pair in scene.pairs.iter().filter(|p| p.is_selected(&rule.place.devices)) {
            for (side, is_there) in [(Side::Old, pair.old.is_some()), (Side::New, pair.new.is_some())] {
                if is_there {
                    note_side(scene, rule, side, tally);
                }
            }
            if pair.new.is_some() && !has_filter(scene, rule, Side::New) {
                lacks(scene, rule, pair, tally);
            }
        }
    }
    Ok(())
}

fn note_side(scene: &Scene<'_>, rule: &FlowRule, side: Side, tally: &mut Tally) {
    let id = rule.id.clone();
    let (device, filter) = match side {
        Side::Old => (Reached::BaselineDevice(id.clone()), Reached::Baseline(id)),
        Side::New => (Reached::ProposalDevice(id.clone()), Reached::Proposal(id)),
    };
    tally.reached.insert(device);
    if has_filter(scene, rule, side) {
        tally.reached.insert(filter);
    }
}

fn has_filter(scene: &Scene<'_>, rule: &FlowRule, side: Side) -> bool {
    rule.flows.iter().any(|f| scene.has_filter(side, rule.place.hook, f.family))
}

/// A device without the hook: an error where the rule names it, else listed.
fn lacks(scene: &Scene<'_>, rule: &FlowRule, pair: &Pair<'_>, tally: &mut Tally) {
    if rule.flows.is_empty() {
        return;
    }
    if names(&rule.place.devices, pair.name) {
        let message = format!("`{}` names the device `{}`, which has no filter for it", rule.id, pair.name);
        let help = format!("the device has no chain at {} for the families of the flow", rule.place.hook);
        tally.findings.push(finding(scene.input, rule, message, &help).on_device(pair.name));
    } else {
        let (device, requirement) = (pair.name.to_owned(), rule.id.clone());
        tally.not_applicable.insert(NotApplicable { device, requirement, hook: rule.place.hook });
    }
}

/// Whether a selection names the device itself, without a glob.
fn names(devices: &DeviceSelection, device: &str) -> bool {
    let entries = devices.entries.iter().flatten();
    entries.into_iter().any(|e| matches!(&e.value, DeviceSelector::Name(name) if name == device))
}

/// Judges, once every scene was noted, what nothing was checked for.
pub(super) fn conclude(input: &CheckInput<'_>, tally: &mut Tally) {
    for rule in rules(input) {
        let found = unmatched(input, rule, tally);
        let is_requirement = input.policy.requirements.iter().any(|r| r.id == rule.id);
        if found.as_ref().is_some_and(|f| f.severity == Severity::Error) && is_requirement {
            tally.stands(&rule.id, Standing::Unmatched);
        }
        tally.findings.extend(found);
    }
}

fn unmatched(input: &CheckInput<'_>, rule: &FlowRule, tally: &Tally) -> Option<Finding> {
    let id = &rule.id;
    let has = |reached: Reached| tally.reached.contains(&reached);
    if rule.flows.is_empty() {
        let help = "source, destination and service have no family in common, or one of them is empty";
        return Some(finding(input, rule, format!("`{id}` selects no packet"), help));
    }
    if !has(Reached::ProposalDevice(id.clone())) {
        let near = nearest_device(input, &rule.place.devices)
            .map(|near| format!("did you mean `{near}`? "))
            .unwrap_or_default();
        let help = format!("{near}correct `devices`, or take the entry out of the policy");
        return Some(finding(input, rule, format!("`{id}` selects no device of the proposal"), &help));
    }
    if !has(Reached::Proposal(id.clone())) {
        let message = format!(
            "`{id}` selects no filter: no selected device of the proposal judges packets at {}",
            rule.place.hook
        );
        return Some(finding(input, rule, message, "correct `devices` or `hook`, or take the entry out of the policy"));
    }
    if !has(Reached::Baseline(id.clone())) {
        let message = format!("`{id}` selects no filter of the baseline, so that there is nothing to compare with");
        let help = "this ends by itself once the change is in force; the proposal was judged";
        return Some(finding(input, rule, message, help).weighing(Severity::Warning));
    }
    None
}

/// The device that a misspelt name of a selection may have meant.
fn nearest_device<'a>(input: &CheckInput<'a>, devices: &DeviceSelection) -> Option<&'a str> {
    let mut names = devices.entries.iter().flatten().filter_map(|e| match &e.value {
        DeviceSelector::Name(name) => Some(name.as_str()),
        _ => None,
    });
    let known = || input.proposed.iter().map(|d| d.name.as_str());
    names.find_map(|name| nearest(name, known()))
}

fn finding(input: &CheckInput<'_>, rule: &FlowRule, message: String, help: &str) -> Finding {
    let location = Location::of(rule.span, &input.policy.sources).first_line();
    Finding::at(&REQUIREMENT_UNMATCHED, location, message).of_requirement(&rule.id).helped_by(help)
}
