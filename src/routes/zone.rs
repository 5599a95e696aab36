//! Zones: boxes in the space of everything beside the destination that a rule can look at.
//!
//! The dimensions are what a lookup sees. They are taken to be independent of each other, so that a rule can be told apart
//! from another even where no real packet would.

use super::prefix::address;
use crate::packet::{Cube, Family, Ranges, address_texts};
use std::collections::{BTreeMap, BTreeSet};

/// What a rule can look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// The destination address.
    To,
    /// The source address; all zero while a host has not chosen its own yet.
    From,
    /// The interface that the packet came in by; `lo` for packets of this host.
    Iif,
    /// The interface that the sender is bound to.
    Oif,
    /// The firewall mark.
    Fwmark,
    /// The type of service, 0..=255.
    Tos,
    /// The protocol number, 0..=255.
    Ipproto,
    /// The source port.
    Sport,
    /// The destination port.
    Dport,
    /// The user of the sender.
    Uid,
    /// The id of the tunnel.
    TunId,
    /// Whether the packet belongs to a virtual routing domain: 1 if so.
    Domain,
}

impl Dimension {
    /// Every dimension.
    pub const ALL: [Dimension; 12] = [
        Dimension::To,
        Dimension::From,
        Dimension::Iif,
        Dimension::Oif,
        Dimension::Fwmark,
        Dimension::Tos,
        Dimension::Ipproto,
        Dimension::Sport,
        Dimension::Dport,
        Dimension::Uid,
        Dimension::TunId,
        Dimension::Domain,
    ];

    /// The name in `ip rule`.
    pub fn name(self) -> &'static str {
        match self {
            Dimension::To => "to",
            Dimension::From => "from",
            Dimension::Iif => "iif",
            Dimension::Oif => "oif",
            Dimension::Fwmark => "fwmark",
            Dimension::Tos => "tos",
            Dimension::Ipproto => "ipproto",
            Dimension::Sport => "sport",
            Dimension::Dport => "dport",
            Dimension::Uid => "uid",
            Dimension::TunId => "tun_id",
            Dimension::Domain => "l3mdev",
        }
    }

    /// The largest value.
    pub(super) fn max(self, family: Family) -> u128 {
        match self {
            Dimension::To | Dimension::From => family.max_address(),
            Dimension::Iif | Dimension::Oif => 0,
            Dimension::Fwmark | Dimension::Uid => u128::from(u32::MAX),
            Dimension::Tos | Dimension::Ipproto => 255,
            Dimension::Sport | Dimension::Dport => 65535,
            Dimension::TunId => u128::from(u64::MAX),
            Dimension::Domain => 1,
        }
    }
}

/// The values of one dimension.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Numbers.
    Ranges(Ranges),
    /// Marks whose bits under a mask have a value.
    Marks(Marks),
    /// These interfaces.
    Only(BTreeSet<String>),
    /// Every interface but these.
    But(BTreeSet<String>),
}

/// Marks whose bits under `mask` are `value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Marks {
    /// The bits.
    pub value: u32,
    /// Which bits count.
    pub mask: u32,
}

impl Marks {
    fn cube(self) -> Cube {
        Cube::new(u128::from(self.value), u128::from(self.mask))
    }

    fn of(cube: Cube) -> Marks {
        Marks { value: cube.value as u32, mask: cube.mask as u32 }
    }
}

impl Part {
    /// One interface.
    pub fn interface(name: &str) -> Part {
        Part::Only(BTreeSet::from([name.to_owned()]))
    }

    /// The values in both; `None` where there are none.
    fn meet(&self, other: &Part) -> Option<Part> {
        use Part::{But, Marks as Bits, Only};
        let some = |names: BTreeSet<String>| (!names.is_empty()).then_some(Only(names));
        match (self, other) {
            (Part::Ranges(a), Part::Ranges(b)) => Some(a.intersect(b)).filter(|r| !r.is_empty()).map(Part::Ranges),
            (Bits(a), Bits(b)) => a.cube().intersect(b.cube()).map(|cube| Bits(Marks::of(cube))),
            (Only(a), Only(b)) => some(a & b),
            (Only(a), But(b)) | (But(b), Only(a)) => some(a - b),
            (But(a), But(b)) => Some(But(a | b)),
            _ => None,
        }
    }

    /// The values of this one that are not in the other, disjoint.
    fn minus(&self, other: &Part) -> Vec<Part> {
        use Part::{But, Marks as Bits, Only};
        let inside = |rest: &Part| self.meet(rest).into_iter().collect();
        match (self, other) {
            (Part::Ranges(a), Part::Ranges(b)) => {
                let rest = a.subtract(b);
                if rest.is_empty() { Vec::new() } else { vec![Part::Ranges(rest)] }
            }
            (Bits(a), Bits(b)) => a.cube().subtract(b.cube()).into_iter().map(|c| Bits(Marks::of(c))).collect(),
            (_, Only(names)) => inside(&But(names.clone())),
            (_, But(names)) => inside(&Only(names.clone())),
            _ => vec![self.clone()],
        }
    }

    /// Every value.
    fn whole(dimension: Dimension, family: Family) -> Part {
        match dimension {
            Dimension::Iif | Dimension::Oif => Part::But(BTreeSet::new()),
            Dimension::Fwmark => Part::Marks(Marks { value: 0, mask: 0 }),
            other => Part::Ranges(Ranges::range(0, other.max(family))),
        }
    }

    fn has_number(&self, value: u128) -> bool {
        match self {
            Part::Ranges(ranges) => ranges.contains(value),
            Part::Marks(marks) => marks.cube().contains(value),
            Part::Only(_) | Part::But(_) => false,
        }
    }

    pub(super) fn has_interface(&self, name: Option<&str>) -> bool {
        match self {
            Part::Only(names) => name.is_some_and(|name| names.contains(name)),
            Part::But(names) => name.is_none_or(|name| !names.contains(name)),
            Part::Ranges(_) | Part::Marks(_) => false,
        }
    }

    /// Some value: the smallest that is not zero where there is one.
    fn number(&self) -> u128 {
        match self {
            Part::Ranges(ranges) => ranges.first().unwrap_or(0),
            Part::Marks(marks) => u128::from(marks.value),
            Part::Only(_) | Part::But(_) => 0,
        }
    }

    /// Some interface: of those that are named, the first; `None` for one that no rule names.
    fn interface_name(&self) -> Option<String> {
        match self {
            Part::Only(names) => names.first().cloned(),
            _ => None,
        }
    }

    pub(super) fn text(&self, dimension: Dimension, family: Family) -> String {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'@');
        let quoted = |name: &String| if name.bytes().all(plain) { name.clone() } else { format!("{name:?}") };
        let listed = |names: &BTreeSet<String>| names.iter().map(quoted).collect::<Vec<_>>().join(", ");
        match self {
            Part::Ranges(ranges) if matches!(dimension, Dimension::To | Dimension::From) => {
                address_texts(ranges, family).join(", ")
            }
            Part::Ranges(ranges) if dimension == Dimension::Domain => match ranges.contains(1) {
                true => "yes".to_owned(),
                false => "no".to_owned(),
            },
            Part::Ranges(ranges) => {
                let span = |&(lo, hi): &(u128, u128)| if lo == hi { lo.to_string() } else { format!("{lo}-{hi}") };
                ranges.as_slice().iter().map(span).collect::<Vec<_>>().join(", ")
            }
            Part::Marks(Marks { value, mask: u32::MAX }) => format!("{value:#x}"),
            Part::Marks(Marks { value, mask }) => format!("{value:#x}/{mask:#x}"),
            Part::Only(names) => listed(names),
            Part::But(names) => format!("any but {}", listed(names)),
        }
    }
}

/// A box: dimensions that are not in it are free.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Zone(BTreeMap<Dimension, Part>);

impl Zone {
    /// Everything.
    pub fn whole() -> Zone {
        Zone::default()
    }

    /// Whether nothing is restricted.
    pub fn is_whole(&self) -> bool {
        self.0.is_empty()
    }

    /// This zone with a dimension restricted.
    #[must_use]
    pub fn with(mut self, dimension: Dimension, part: Part) -> Zone {
        self.0.insert(dimension, part);
        self
    }

    /// What a dimension is restricted to.
    pub fn get(&self, dimension: Dimension) -> Option<&Part> {
        self.0.get(&dimension)
    }

    /// This zone with a dimension free.
    pub fn without(&self, dimension: Dimension) -> Zone {
        let mut out = self.clone();
        out.0.remove(&dimension);
        out
    }

    /// The destinations, where they are restricted.
    pub fn destinations(&self) -> Option<&Ranges> {
        match self.get(Dimension::To) {
            Some(Part::Ranges(ranges)) => Some(ranges),
            _ => None,
        }
    }

    /// What is in both; `None` where nothing is.
    pub fn meet(&self, other: &Zone) -> Option<Zone> {
        let mut out = self.clone();
        for (dimension, part) in &other.0 {
            let both = match out.0.get(dimension) {
                Some(own) => own.meet(part)?,
                None => part.clone(),
            };
            out.0.insert(*dimension, both);
        }
        Some(out)
    }

    /// Disjoint zones of what is in this one and not in the other.
    pub fn minus(&self, other: &Zone, family: Family) -> Vec<Zone> {
        if self.meet(other).is_none() {
            return vec![self.clone()];
        }
        let (mut out, mut kept) = (Vec::new(), self.clone());
        for (dimension, part) in &other.0 {
            let own = kept.0.get(dimension).cloned().unwrap_or_else(|| Part::whole(*dimension, family));
            out.extend(own.minus(part).into_iter().map(|rest| kept.clone().with(*dimension, rest)));
            match own.meet(part) {
                Some(both) => kept = kept.with(*dimension, both),
                None => return out,
            }
        }
        out
    }

    /// Whether a packet is in it, by what it says of every dimension.
    pub(super) fn admits(
        &self,
        number: impl Fn(Dimension) -> u128,
        interface: impl Fn(Dimension) -> Option<String>,
    ) -> bool {
        self.0.iter().all(|(dimension, part)| match dimension {
            Dimension::Iif | Dimension::Oif => part.has_interface(interface(*dimension).as_deref()),
            other => part.has_number(number(*other)),
        })
    }

    /// Some value of a dimension.
    pub(super) fn some_number(&self, dimension: Dimension) -> u128 {
        self.get(dimension).map_or(0, Part::number)
    }

    /// Some interface of a dimension.
    pub(super) fn some_interface(&self, dimension: Dimension) -> Option<String> {
        self.get(dimension).and_then(Part::interface_name)
    }

    /// Every restriction but that of the destination, as name and text.
    pub fn texts(&self, family: Family) -> Vec<(&'static str, String)> {
        let others = self.0.iter().filter(|(dimension, _)| **dimension != Dimension::To);
        others.map(|(dimension, part)| (dimension.name(), part.text(*dimension, family))).collect()
    }
}

/// An address as a text.
pub(super) fn address_text(family: Family, value: u128) -> String {
    address(family, value).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn ports(lo: u128, hi: u128) -> Part {
        Part::Ranges(Ranges::range(lo, hi))
    }

    #[test]
    fn what_is_left_and_what_is_shared_make_the_whole() {
        let one = Zone::whole().with(Dimension::Dport, ports(80, 90)).with(Dimension::Iif, Part::interface("eth0"));
        let other = Zone::whole()
            .with(Dimension::Dport, ports(85, 99))
            .with(Dimension::Fwmark, Part::Marks(Marks { value: 1, mask: 3 }));
        let shared = one.meet(&other).unwrap();
        let rest = one.minus(&other, Family::V4);
        for port in [79, 80, 84, 85, 90, 91] {
            for mark in 0..8 {
                for name in ["eth0", "eth1"] {
                    let is_in = |zone: &Zone| {
                        zone.admits(|d| if d == Dimension::Dport { port } else { mark }, |_| Some(name.to_owned()))
                    };
                    let parts = rest.iter().chain([&shared]).filter(|z| is_in(z)).count();
                    assert_eq!(parts, usize::from(is_in(&one)), "{port} {mark} {name}");
                }
            }
        }
    }
}
