//! FW415: ranges of the inventory that nothing speaks of.

use super::at;
use crate::check::estate::EstateCheck;
use crate::check::{CheckInput, Device};
use crate::finding::{Finding, RANGE_UNUSED};
use crate::inventory::{Inventory, Prefix};
use crate::packet::{Family, Ranges};
use crate::policy::Policy;
use std::net::IpAddr;

/// The registry line.
pub(super) const CHECK: EstateCheck = EstateCheck { codes: &[&RANGE_UNUSED], run };

/// The active ranges of which no rule, no policy, no device and no record has an address, in the order of the file.
pub fn unused<'a>(
    policy: &Policy,
    devices: &[Device],
    records: &[IpAddr],
    inventory: &'a Inventory,
) -> Vec<&'a Prefix> {
    let spoken = Family::ALL.map(|family| (family, spoken_of(policy, devices, records, family)));
    let is_unused = |p: &&Prefix| {
        p.status.is_used() && spoken.iter().any(|(family, all)| *family == p.family() && !all.meets(&p.ranges()))
    };
    inventory.prefixes.iter().filter(is_unused).collect()
}

fn spoken_of(policy: &Policy, devices: &[Device], records: &[IpAddr], family: Family) -> Ranges {
    let mut all: Vec<(u128, u128)> = Vec::new();
    let mut add = |ranges: &Ranges| {
        if !ranges.is_full(family.max_address()) {
            all.extend_from_slice(ranges.as_slice());
        }
    };
    policy.names.ranges().values().for_each(|set| add(set.of(family)));
    let flows = policy.requirements.iter().chain(&policy.prohibitions).flat_map(|r| &r.flows);
    flows.filter(|f| f.family == family).for_each(|f| [&f.src, &f.dst].into_iter().for_each(&mut add));
    for device in devices {
        add(&device.ruleset.named_addresses(family));
        let networks = device.interfaces.iter().flatten().filter_map(|i| i.networks.as_ref());
        networks.for_each(|set| add(set.of(family)));
        let own = device.ruleset.facts.addresses.iter().flatten().filter_map(|net| number(net.addr(), family));
        add(&Ranges::from_values(own));
    }
    add(&Ranges::from_values(records.iter().filter_map(|a| number(*a, family))));
    all.into_iter().collect()
}

/// The addresses of all records.
pub fn records(input: &CheckInput<'_>) -> Vec<IpAddr> {
    let zones = input.estate.proposed.zones.into_iter().flat_map(|z| &z.zones);
    zones.flat_map(|z| z.records()).filter_map(|r| r.address()).collect()
}

fn number(address: IpAddr, family: Family) -> Option<u128> {
    match (address, family) {
        (IpAddr::V4(v4), Family::V4) => Some(u128::from(u32::from(v4))),
        (IpAddr::V6(v6), Family::V6) => Some(u128::from(v6)),
        _ => None,
    }
}

fn run(input: &CheckInput<'_>) -> Vec<Finding> {
    let Some(inventory) = input.estate.proposed.inventory else { return Vec::new() };
    let finding = |prefix: &&Prefix| {
        let message = format!("no rule, no policy, no device and no record speaks of the range `{}`", prefix.net);
        at(&RANGE_UNUSED, inventory, prefix.span, message)
            .about_range(prefix.net.to_string())
            .helped_by("give it up, or write down who may talk with it")
    };
    unused(input.policy, input.proposed, &records(input), inventory).iter().map(finding).collect()
}
