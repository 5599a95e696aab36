//! FW703: records that point at nothing a filter lets through, or no device that does has a route to.

use super::blocked::{has_zones, start};
use super::pointers::{Pointers, Wanted};
use super::{address, at, of_family};
use crate::check::address_space::OwnSpace;
use crate::check::reach::reach_along;
use crate::check::report::CheckError;
use crate::check::routes::carried;
use crate::check::scene::Scene;
use crate::check::tally::Tally;
use crate::check::view::View;
use crate::check::{Check, CheckInput};
use crate::finding::{Finding, RECORD_BLOCKED, RECORD_UNREACHABLE};
use crate::packet::{Family, Field, Ranges};
use crate::ruleset::{Hook, Side};

/// The registry line.
pub(super) const CHECK: Check = Check { codes: &[&RECORD_UNREACHABLE], on_scene: run };

/// Most records that are told one by one.
const MOST: usize = 20;

/// Notes to which of the zones' addresses something passes here.
fn run(view: &View<'_, '_>, tally: &mut Tally) -> Result<(), CheckError> {
    let (scene, Some(zones)) = (view.scene, view.scene.input.estate.proposed.zones) else { return Ok(()) };
    if zones.is_empty() || scene.pairs.iter().all(|p| p.new.is_none()) {
        return Ok(());
    }
    let pointers = Pointers::of(zones);
    let own = scene.ruleset(Side::New).facts.addresses.as_ref();
    for (hook, family) in [Hook::Forward, Hook::Input].into_iter().flat_map(|h| Family::ALL.map(|f| (h, f))) {
        if !scene.has_filter(Side::New, hook, family) {
            continue;
        }
        let all = of_family(pointers.addresses(), family);
        let asked = match (hook, own) {
            (Hook::Input, Some(own)) => all.intersect(&of_family(own.iter().map(|net| net.addr()), family)),
            (Hook::Input, None) => continue,
            _ => all,
        };
        let asked = asked.subtract(&tally.names.reached_of(family));
        let filter = view.filter(hook, family);
        let Some(start) = start(filter, Wanted::Anything).filter(|_| !asked.is_empty()) else { continue };
        let reach = reach_along(scene, filter, start, Field::Dst, &asked);
        tally.is_bounded |= reach.is_bounded;
        let (passes, there) = (&reach.addresses, led_to(scene, hook, family, &reach.addresses)?);
        tally.names.note(family, &asked, &there, &passes.subtract(&there));
    }
    Ok(())
}

/// Of the addresses to which the filter of a scene lets something pass, those to which some device with it leads: a device that has
/// no route there is none that anybody comes through.
fn led_to(scene: &Scene<'_>, hook: Hook, family: Family, passes: &Ranges) -> Result<Ranges, CheckError> {
    if hook == Hook::Input {
        return Ok(passes.clone());
    }
    let mut out = Ranges::empty();
    for device in scene.pairs.iter().filter_map(|pair| pair.new) {
        out = out.union(&carried(&device.routing, family, passes)?);
    }
    Ok(out)
}

/// What no filter lets through, of one's own space.
pub(super) fn conclude(input: &CheckInput<'_>, tally: &mut Tally) {
    let Some(zones) = input.estate.proposed.zones.filter(|_| has_zones(input)) else { return };
    let pointers = Pointers::of(zones);
    let mut found = Vec::new();
    for family in Family::ALL {
        let lost = tally.names.asked_of(family).subtract(&tally.names.reached_of(family));
        let own: Ranges = lost.intersect(OwnSpace::of(input, family).addresses());
        for one in own.as_slice().iter().flat_map(|(lo, hi)| *lo..=*hi) {
            let address = address(family, one);
            let leading = pointers.leading(address);
            let Some(record) = leading.records.first() else { continue };
            let place = super::place(zones, record);
            let is_told = |f: &Finding| f.code == &RECORD_BLOCKED && f.location.as_ref() == Some(&place);
            if tally.findings.iter().any(is_told) {
                continue;
            }
            let (why, help) = match tally.names.unrouted_of(family).contains(one) {
                true => (
                    "no device has a route that lets anything but ICMP pass",
                    "add the route, let it pass where one is, or take the record out",
                ),
                false => ("no filter lets anything but ICMP pass", "let it pass, or take the record out"),
            };
            let message = format!("{} {} at `{address}`, to which {why}", leading.who(), leading.points());
            found.push(at(&RECORD_UNREACHABLE, zones, record, message).helped_by(help));
        }
    }
    let more = found.len().saturating_sub(MOST);
    tally.findings.extend(found.into_iter().take(MOST));
    if more > 0 {
        let message = format!("{more} more records point at what no filter lets anything but ICMP pass to");
        tally.findings.push(Finding::without_place(&RECORD_UNREACHABLE, message).helped_by("mend these first"));
    }
}
