//! Checks about names: what zones say beside what devices do. One file a check.

mod blocked;
mod dangling;
mod host_unknown;
mod left_behind;
mod pointers;
mod redundancy;
mod reverse;
mod servers;
mod unreachable;

use super::estate::EstateCheck;
use super::tally::Tally;
use super::{Check, CheckInput};
use crate::finding::{Finding, Location};
use crate::names::{Record, Zones};
use crate::packet::{Family, Ranges};
use crate::policy::Policy;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The checks that are made once in a run.
pub(super) const CHECKS: &[EstateCheck] =
    &[host_unknown::CHECK, left_behind::CHECK, dangling::CHECK, reverse::CHECK, redundancy::CHECK];

/// The checks that are made in every scene.
pub(super) const ON_SCENES: &[Check] = &[blocked::CHECK, unreachable::CHECK, servers::CHECK];

/// What only all scenes together say.
pub(super) fn conclude(input: &CheckInput<'_>, tally: &mut Tally) {
    unreachable::conclude(input, tally);
    servers::conclude(input, tally);
}

/// The policy with the addresses that the zones of both sides give for its hosts; `None` where it names none.
pub(super) fn resolved(input: &CheckInput<'_>) -> Option<Policy> {
    if !input.policy.names_hosts() {
        return None;
    }
    let zones = [input.estate.baseline.zones, input.estate.proposed.zones];
    let look_up =
        |host: &crate::names::Name| zones.into_iter().flatten().flat_map(|z| z.addresses(host).addresses).collect();
    Some(input.policy.with_hosts(&look_up))
}

/// The number of an address in its family.
pub(super) fn number(address: IpAddr) -> (Family, u128) {
    match address {
        IpAddr::V4(v4) => (Family::V4, u128::from(u32::from(v4))),
        IpAddr::V6(v6) => (Family::V6, u128::from(v6)),
    }
}

fn address(family: Family, number: u128) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::from(u32::try_from(number).unwrap_or_default())),
        Family::V6 => IpAddr::V6(Ipv6Addr::from(number)),
    }
}

/// The addresses of one family.
fn of_family(addresses: impl IntoIterator<Item = IpAddr>, family: Family) -> Ranges {
    Ranges::from_values(addresses.into_iter().map(number).filter(|(own, _)| *own == family).map(|(_, n)| n))
}

fn place(zones: &Zones, record: &Record) -> Location {
    Location::of(record.span, &zones.sources).first_line()
}

/// A finding about a record.
fn at(code: &'static crate::finding::Code, zones: &Zones, record: &Record, message: String) -> Finding {
    Finding::at(code, place(zones, record), message)
}

/// Whether the zones of the baseline say the same, so that the change did not bring it about.
fn was_before(input: &CheckInput<'_>, record: &Record) -> bool {
    let before = input.estate.baseline.zones;
    before.is_some_and(|z| z.zones.iter().any(|z| z.of(&record.owner, record.kind).any(|r| r.data == record.data)))
}
