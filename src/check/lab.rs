//! FW761: a change of class test whose effect leaves the lab. One packet or one destination outside is enough.

use super::CheckInput;
use super::report::{CheckReport, FilterEffect, RouteEffect};
use super::routes::place_of;
use super::scene::Pair;
use crate::finding::{Code, Finding, TEST_OUTSIDE_LAB};
use crate::packet::{Cell, Field, Packet, Values, packet_to_json, witness};
use crate::policy::{ChangeClass, Lab};
use crate::routes::{RouteChange, RouteRegion, flow_words, outcome_words};

/// The codes of its findings.
pub(super) const CODES: &[&Code] = &[&TEST_OUTSIDE_LAB];

/// Judges a change of class test.
pub(super) fn conclude(input: &CheckInput<'_>, pairs: &[Pair<'_>], report: &mut CheckReport) {
    if input.change.is_none_or(|change| change.class != ChangeClass::Test) {
        return;
    }
    let found = match &input.policy.lab {
        None => Some(without_place("the policy has no [lab] in which a test could take place".to_owned())),
        Some(lab) => pairs
            .iter()
            .find(|pair| is_changed(pair, report) && !is_of_lab(pair, lab))
            .map(|pair| without_place(format!("a test changes the device `{}`, which is none of the lab's", pair.name)))
            .or_else(|| reaching_out(lab, report)),
    };
    let help = "narrow the change to `ranges`, `routes` and `devices` of [lab], or make it a change of class `normal`";
    report.findings.extend(found.map(|finding| finding.helped_by(help)));
}

fn without_place(message: String) -> Finding {
    Finding::without_place(&TEST_OUTSIDE_LAB, message)
}

/// The finding about an effect that leaves the lab; of a route, at the line that decides.
fn reaching_out(lab: &Lab, report: &CheckReport) -> Option<Finding> {
    let message = |what: String| format!("a test reaches outside the lab: {what}");
    if let Some(what) = report.effects.iter().find_map(|effect| packet_outside(effect, lab)) {
        return Some(without_place(message(what)));
    }
    report.routes.iter().find_map(|effect| {
        let (what, change) = destination_outside(effect, lab)?;
        let place = change
            .and_then(|c| place_of(&effect.new, &c.new, c.family).or_else(|| place_of(&effect.old, &c.old, c.family)));
        let found = match place {
            Some(place) => Finding::at(&TEST_OUTSIDE_LAB, place, message(what)),
            None => without_place(message(what)),
        };
        Some(found.on_device(&effect.device))
    })
}

/// The baseline says what a device is; a new one is in the lab by its name only.
fn is_of_lab(pair: &Pair<'_>, lab: &Lab) -> bool {
    lab.devices.selects(pair.name, pair.old.map_or(&[][..], |d| &d.roles))
}

fn is_changed(pair: &Pair<'_>, report: &CheckReport) -> bool {
    let has_effect = report.effects.iter().any(|e| e.device == pair.name);
    has_effect
        || report.routes.iter().any(|e| e.device == pair.name)
        || match (pair.old, pair.new) {
            (Some(old), Some(new)) => !super::device::is_same(&old.ruleset, &new.ruleset),
            _ => true,
        }
}

/// One packet or one destination of an effect that is not in the lab, in words; `None` where the whole effect lies in it.
pub fn outside_lab(lab: &Lab, report: &CheckReport) -> Option<String> {
    let packet = report.effects.iter().find_map(|effect| packet_outside(effect, lab));
    packet.or_else(|| report.routes.iter().find_map(|effect| destination_outside(effect, lab).map(|(what, _)| what)))
}

/// A changed packet whose source or destination is outside the lab's ranges, in words.
fn packet_outside(effect: &FilterEffect, lab: &Lab) -> Option<String> {
    if lab.ranges.is_empty() {
        return None;
    }
    let family = effect.family;
    let inside = Values::Ranges(lab.ranges.of(family).clone());
    let outside = |cell: &Cell, field| cell.minus(field, &inside, family).into_iter().next();
    let cells = effect.diff.changes.iter().flat_map(|c| &c.cells);
    let mut found = cells.filter_map(|cell| outside(cell, Field::Src).or_else(|| outside(cell, Field::Dst)));
    let packet = witness(&found.next()?, family, &effect.diff.space.interfaces);
    Some(format!("{} at {}: {}", effect.device, effect.hook, packet_words(&packet)))
}

/// A destination outside the lab whose way changes, in words; a family whose routes could not be compared is outside.
fn destination_outside<'e>(effect: &'e RouteEffect, lab: &Lab) -> Option<(String, Option<&'e RouteChange>)> {
    let device = &effect.device;
    if let Some((family, _)) = effect.diff.one_sided.first() {
        return Some((format!("{device}: the routes for {family}, of which only one side gives any"), None));
    }
    if lab.routes.is_empty() && lab.ranges.is_empty() {
        return None;
    }
    effect.diff.changes.iter().find_map(|change| {
        let inside = lab.routes.of(change.family);
        let outside = |r: &RouteRegion| RouteRegion { to: r.to.subtract(inside), zone: r.zone.clone() };
        let region = change.regions.iter().map(outside).find(|r| !r.to.is_empty())?;
        let flow = flow_words(&region.witness(change.family));
        let (was, is) = (outcome_words(&effect.old, &change.old), outcome_words(&effect.new, &change.new));
        Some((format!("{device}: destination {flow} goes {is}, and went {was}"), Some(change)))
    })
}

fn packet_words(packet: &Packet) -> String {
    let json = packet_to_json(packet);
    let text = |key: &str| json.get(key).map(|v| v.to_string().trim_matches('"').to_owned()).unwrap_or_default();
    let port = json.get("dport").map(|p| format!("/{p}")).unwrap_or_default();
    format!("a packet {}{port} from {} to {}", text("proto"), text("src"), text("dst"))
}
