//! Which records lead to an address, directly or by aliases, and how long the world would believe them.

use crate::names::{Data, Length, Name, Record, RecordType, Zone, Zones, reverse_name};
use crate::packet::Ranges;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The records of zones by what they lead to.
pub(super) struct Pointers<'z> {
    pub zones: &'z Zones,
    by_address: BTreeMap<IpAddr, Vec<(&'z Zone, &'z Record)>>,
    /// Records by the host that they send to.
    by_target: BTreeMap<&'z Name, Vec<(&'z Zone, &'z Record)>>,
}

/// What leads to one address.
pub(super) struct Leading<'z> {
    /// Its address records.
    pub records: Vec<&'z Record>,
    /// Records that send to the owners of those, by aliases or directly.
    pub referring: Vec<&'z Record>,
    /// Its reverse records.
    pub reverse: Vec<&'z Record>,
    /// The longest time to live among all of them, in seconds.
    pub ttl: u32,
    /// The longest time for which a failed lookup of them is remembered, in seconds.
    pub negative: u32,
    /// The longest time after which secondary servers look for a new zone, in seconds.
    pub refresh: u32,
}

/// Something that clients want of an address: a protocol and a port, or anything but ICMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wanted {
    Anything,
    Port(u8, u16),
}

impl<'z> Pointers<'z> {
    pub fn of(zones: &'z Zones) -> Pointers<'z> {
        let mut out = Pointers { zones, by_address: BTreeMap::new(), by_target: BTreeMap::new() };
        for zone in &zones.zones {
            for record in zone.records() {
                if let Some(address) = record.address() {
                    out.by_address.entry(address).or_default().push((zone, record));
                }
                if let Some(target) = record.target().filter(|_| record.kind != RecordType::PTR) {
                    out.by_target.entry(target).or_default().push((zone, record));
                }
            }
        }
        out
    }

    /// Every address that a record points at.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.by_address.keys().copied()
    }

    /// Whether a record points at it.
    pub fn has(&self, address: IpAddr) -> bool {
        self.by_address.contains_key(&address)
    }

    /// What leads to an address.
    pub fn leading(&self, address: IpAddr) -> Leading<'z> {
        let direct = self.by_address.get(&address).cloned().unwrap_or_default();
        let mut referring: Vec<(&Zone, &Record)> = Vec::new();
        let mut open: Vec<&Name> = direct.iter().map(|(_, r)| &r.owner).collect();
        let mut seen: BTreeSet<&Name> = open.iter().copied().collect();
        while let Some(host) = open.pop() {
            for (zone, record) in self.by_target.get(host).into_iter().flatten() {
                referring.push((zone, record));
                if record.kind == RecordType::CNAME && seen.insert(&record.owner) {
                    open.push(&record.owner);
                }
            }
        }
        let name = reverse_name(address);
        let reverse: Vec<(&Zone, &Record)> = self
            .zones
            .zones
            .iter()
            .filter(|z| name.is_within(&z.apex))
            .flat_map(|z| z.of(&name, RecordType::PTR).map(move |r| (z, r)))
            .collect();
        let all = || direct.iter().chain(&referring).chain(&reverse);
        let records = |of: &[(&'z Zone, &'z Record)]| of.iter().map(|(_, r)| *r).collect();
        Leading {
            ttl: all().map(|(_, r)| r.ttl).max().unwrap_or_default(),
            negative: all().map(|(z, _)| z.negative_ttl()).max().unwrap_or_default(),
            refresh: all().filter_map(|(z, _)| z.soa()).map(|soa| soa.refresh).max().unwrap_or_default(),
            records: records(&direct),
            referring: records(&referring),
            reverse: records(&reverse),
        }
    }

    /// What clients want of which addresses: mail of mail servers, names of name servers, the ports of services.
    pub fn wanted(&self) -> BTreeMap<Wanted, Vec<IpAddr>> {
        let mut out: BTreeMap<Wanted, Vec<IpAddr>> = BTreeMap::new();
        for address in self.addresses() {
            out.entry(Wanted::Anything).or_default().push(address);
            for record in self.leading(address).referring {
                for wanted in ports(record) {
                    out.entry(wanted).or_default().push(address);
                }
            }
        }
        out
    }
}

fn ports(record: &Record) -> Vec<Wanted> {
    match &record.data {
        Data::Mx { .. } => vec![Wanted::Port(6, 25)],
        Data::Ns(_) => vec![Wanted::Port(6, 53), Wanted::Port(17, 53)],
        Data::Srv { port, .. } => {
            let labels: Vec<&[u8]> = record.owner.labels().take(2).collect();
            match labels.get(1).copied() {
                Some(b"_tcp") => vec![Wanted::Port(6, *port)],
                Some(b"_udp") => vec![Wanted::Port(17, *port)],
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

impl Leading<'_> {
    /// Who points there, in a sentence: the first owner, and how many more.
    pub fn who(&self) -> String {
        let owners: BTreeSet<&Name> = self.records.iter().chain(&self.referring).map(|r| &r.owner).collect();
        let first = self.records.first().map(|r| &r.owner).or(owners.first().copied());
        let Some(first) = first else { return "no name".to_owned() };
        match owners.len().saturating_sub(1) {
            0 => format!("`{first}`"),
            1 => format!("`{first}` and 1 more name"),
            more => format!("`{first}` and {more} more names"),
        }
    }

    /// `points` or `point`.
    pub fn points(&self) -> &'static str {
        let owners: BTreeSet<&Name> = self.records.iter().chain(&self.referring).map(|r| &r.owner).collect();
        if owners.len() == 1 { "points" } else { "point" }
    }

    /// How long a mistake would live on.
    pub fn lives(&self) -> String {
        format!(
            "after it is mended, resolvers may keep the records for {} and a failed lookup for {}",
            Length(u64::from(self.ttl)),
            Length(u64::from(self.negative))
        )
    }
}

impl Wanted {
    /// As a sentence writes it.
    pub fn text(self) -> String {
        match self {
            Wanted::Anything => "anything but ICMP".to_owned(),
            Wanted::Port(6, port) => format!("tcp/{port}"),
            Wanted::Port(17, port) => format!("udp/{port}"),
            Wanted::Port(protocol, port) => format!("{protocol}/{port}"),
        }
    }
}

/// Every protocol but the family's ICMP.
pub(super) fn not_icmp(family: crate::packet::Family) -> Ranges {
    let icmp = if family == crate::packet::Family::V4 { 1 } else { 58 };
    Ranges::one(icmp).complement(255)
}
