//! FW711 and FW713: name servers and resolvers that stand in one network.

use super::{address, at, number};
use crate::check::CheckInput;
use crate::check::estate::EstateCheck;
use crate::finding::{Finding, Location, NAME_SERVERS_TOGETHER, RESOLVERS_TOGETHER};
use crate::names::{Name, RecordType, Zone, Zones};
use crate::packet::Family;
use crate::policy::AddressSet;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The registry line.
pub(super) const CHECK: EstateCheck = EstateCheck { codes: &[&NAME_SERVERS_TOGETHER, &RESOLVERS_TOGETHER], run };

fn run(input: &CheckInput<'_>) -> Vec<Finding> {
    let Some(service) = input.policy.name_service.as_ref().filter(|s| !s.clients.is_empty()) else { return Vec::new() };
    let zones = input.estate.proposed.zones;
    let mut out: Vec<Finding> =
        zones.iter().flat_map(|all| all.zones.iter().filter_map(|zone| of_zone(input, all, zone))).collect();
    if !service.resolvers.is_empty() {
        let networks: BTreeSet<String> = singles(&service.resolvers).map(|a| network(input, a)).collect();
        out.extend(too_few(&networks).map(|where_| {
            let location = Location::of(service.span, &input.policy.sources).first_line();
            let message = format!("all resolvers of the clients {where_}");
            Finding::at(&RESOLVERS_TOGETHER, location, message).helped_by("run another one in another network")
        }));
    }
    out
}

fn of_zone(input: &CheckInput<'_>, zones: &Zones, zone: &Zone) -> Option<Finding> {
    let hosts: Vec<&Name> = zone.of(&zone.apex, RecordType::NS).filter_map(|r| r.target()).collect();
    let mut networks = BTreeSet::new();
    for host in hosts {
        let addresses = addresses(zones, zone, host);
        if addresses.is_empty() {
            // A server elsewhere is in another network than ours.
            networks.insert(format!("the servers of `{host}`"));
        }
        networks.extend(addresses.into_iter().map(|a| network(input, a)));
    }
    let where_ = too_few(&networks)?;
    let record = zone.of(&zone.apex, RecordType::NS).next()?;
    let message = format!("all name servers of `{}` {where_}", zone.apex);
    Some(at(&NAME_SERVERS_TOGETHER, zones, record, message).helped_by("add one in another network"))
}

/// The addresses of a name server, by the zones of its view.
pub(super) fn addresses(zones: &Zones, zone: &Zone, host: &Name) -> Vec<IpAddr> {
    let of = |kind| zones.answer(&zone.view, host, kind).addresses();
    [of(RecordType::A), of(RecordType::AAAA)].concat()
}

/// The addresses of a set, one by one; at most a thousand.
pub(super) fn singles(set: &AddressSet) -> impl Iterator<Item = IpAddr> + '_ {
    let of = |family: Family| {
        let values = set.of(family).as_slice().iter().flat_map(|(lo, hi)| *lo..=*hi);
        values.take(1000).map(move |n| address(family, n))
    };
    of(Family::V4).chain(of(Family::V6))
}

/// What counts as one network: the site of the inventory, else 24 bits of IPv4 and 48 of IPv6.
fn network(input: &CheckInput<'_>, address: IpAddr) -> String {
    let (family, value) = number(address);
    let site = input.estate.holder(family, (value, value)).and_then(|(_, prefix)| prefix.site.clone());
    let length = if family == Family::V4 { 24 } else { 48 };
    let net = ipnet::IpNet::new(address, length).map(|net| net.trunc().to_string()).unwrap_or_default();
    site.map_or_else(|| format!("the network `{net}`"), |site| format!("the site `{site}`"))
}

fn too_few(networks: &BTreeSet<String>) -> Option<String> {
    match networks.len() {
        0 => Some("have no address".to_owned()),
        1 => networks.first().map(|one| format!("stand in {one}")),
        _ => None,
    }
}
