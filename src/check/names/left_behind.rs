//! FW701: addresses that a change removes or renumbers while a record still points at them; FW720: addresses that go in the same
//! change as the record, before the world has forgotten it.

use super::pointers::Pointers;
use super::{at, of_family};
use crate::check::estate::{EstateCheck, Goes};
use crate::check::{CheckInput, Device};
use crate::finding::{Finding, RECORD_LEFT_BEHIND, RENUMBERED_TOO_EARLY, Severity};
use crate::inventory::{Inventory, PrefixStatus};
use crate::names::{Length, Zones, earliest_removal};
use crate::packet::{Family, Ranges};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The registry line.
pub(super) const CHECK: EstateCheck = EstateCheck { codes: &[&RECORD_LEFT_BEHIND, &RENUMBERED_TOO_EARLY], run };

fn run(input: &CheckInput<'_>) -> Vec<Finding> {
    let empty = Zones::default();
    let after = Pointers::of(input.estate.proposed.zones.unwrap_or(&empty));
    let before = Pointers::of(input.estate.baseline.zones.unwrap_or(&empty));
    let gone = gone(input, &before, &after);
    let finding = |(address, why): (&IpAddr, &String)| {
        if !after.has(*address) && after.leading(*address).reverse.is_empty() {
            return too_early(input, &before, *address);
        }
        let leading = after.leading(*address);
        let (record, message) = match leading.records.first().or(leading.referring.first()) {
            Some(record) => {
                let (who, points, lives) = (leading.who(), leading.points(), leading.lives());
                (*record, format!("{why}, and {who} still {points} at it; {lives}"))
            }
            None => {
                let record = *leading.reverse.first()?;
                (record, format!("{why}, and its reverse record `{}` is still there", record.owner))
            }
        };
        let help = "change the record first, wait until it is forgotten, then take the address away: `fwgate names plan` says when";
        Some(at(&RECORD_LEFT_BEHIND, after.zones, record, message).helped_by(help))
    };
    gone.iter().filter_map(finding).collect()
}

/// Addresses with records that the change takes away from a device or off the inventory, with a word about it.
fn gone(input: &CheckInput<'_>, before: &Pointers<'_>, after: &Pointers<'_>) -> BTreeMap<IpAddr, String> {
    let mut out = BTreeMap::new();
    let owners = owners(input.baseline);
    let kept = owners_of(input.proposed);
    for (address, device) in owners.into_iter().filter(|(address, _)| !kept.contains_key(address)) {
        out.insert(address, format!("`{device}` gives up `{address}`"));
    }
    let (Some(old), Some(new)) = (input.estate.baseline.inventory, input.estate.proposed.inventory) else { return out };
    for family in Family::ALL {
        let lost = listed(old, family).subtract(&listed(new, family));
        let named = before.addresses().chain(after.addresses());
        for address in named.filter(|a| of_family([*a], family).meets(&lost)) {
            out.entry(address).or_insert_with(|| format!("the inventory gives up the range of `{address}`"));
        }
    }
    out
}

fn owners(devices: &[Device]) -> BTreeMap<IpAddr, &str> {
    owners_of(devices)
}

fn owners_of(devices: &[Device]) -> BTreeMap<IpAddr, &str> {
    let own = |d: &'_ Device| d.ruleset.facts.addresses.clone().unwrap_or_default();
    devices.iter().flat_map(|d| own(d).into_iter().map(move |net| (net.addr(), d.name.as_str()))).collect()
}

fn listed(inventory: &Inventory, family: Family) -> Ranges {
    let used = inventory.prefixes.iter().filter(|p| p.family() == family && p.status != PrefixStatus::Deprecated);
    used.flat_map(|p| p.ranges().as_slice().to_vec()).collect()
}

/// An address that the baseline's records point at, the proposal's do not, and that the proposal takes away: it may go when
/// secondary servers have the new zone and resolvers have forgotten the old record. A change that goes later is fine.
pub(super) fn too_early(input: &CheckInput<'_>, before: &Pointers<'_>, address: IpAddr) -> Option<Finding> {
    let leading = before.leading(address);
    let record = *leading.records.first()?;
    let now = input.estate.now?;
    let wait = u64::from(leading.refresh) + u64::from(leading.ttl);
    let earliest = earliest_removal(now, leading.refresh, leading.ttl);
    let window = begins(input);
    if window.is_some_and(|start| start >= earliest) {
        return None;
    }
    let at_least =
        jiff::Timestamp::from_second(earliest).map_or_else(|_| String::new(), |t| format!(", not before {t}"));
    let message = format!(
        "the change takes `{address}` away together with its record `{}`: secondary servers and resolvers may give the old address for {} more{at_least}",
        record.owner,
        Length(wait),
    );
    let severity = if window.is_some() { Severity::Error } else { Severity::Warning };
    let help = "change the record in a change of its own, and take the address away in a later one";
    Some(at(&RENUMBERED_TOO_EARLY, before.zones, record, message).weighing(severity).helped_by(help))
}

/// When the change goes at the earliest, where that is known.
fn begins(input: &CheckInput<'_>) -> Option<i64> {
    match input.estate.goes {
        Goes::AsWished => input.change.and_then(|c| c.window.as_ref()).and_then(|w| w.start.seconds()),
        Goes::Unknown => None,
        Goes::From(start) => Some(start),
    }
}
