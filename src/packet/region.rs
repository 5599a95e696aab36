//! A cell in words: ranges, prefixes and names that a person reads and a machine parses.

use super::{
    ByteSet, Cell, Cond, Family, Field, Fragment, InterfaceClasses, Ranges, Shape, State, Values, tcp_flags_text,
};
use ipnet::{Ipv4Subnets, Ipv6Subnets};
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A box of packets as the machine contract writes it: `None` is any value, lists are unions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Default, Hash, PartialOrd, Ord)]
pub struct Region {
    /// Prefixes or `first-last`.
    pub src: Option<Vec<String>>,
    /// Prefixes or `first-last`.
    pub dst: Option<Vec<String>>,
    /// Protocol numbers or `first-last`.
    pub proto: Option<Vec<String>>,
    /// Ports or `first-last`.
    pub sport: Option<Vec<String>>,
    /// Ports or `first-last`.
    pub dport: Option<Vec<String>>,
    /// ICMP types or `first-last`.
    pub icmp_type: Option<Vec<String>>,
    /// ICMP codes or `first-last`.
    pub icmp_code: Option<Vec<String>>,
    /// Disjoint `value/mask` in flag names.
    pub tcp_flags: Option<Vec<String>>,
    /// `[A..., "!", B...]`: the interfaces in A (all, where A is empty) except those in B.
    pub iif: Option<Vec<String>>,
    /// As `iif`.
    pub oif: Option<Vec<String>>,
    /// Conntrack states.
    pub state: Option<Vec<String>>,
    /// A conjunction of opaque conditions, `!` in front for false.
    pub conditions: Vec<String>,
    /// Further restricted fields by name.
    pub more: BTreeMap<String, Vec<String>>,
}

/// What is needed to put a cell into words: the family, what is possible at all, and names.
pub struct RegionNames<'a> {
    /// The family of the cells.
    pub family: Family,
    /// The cell of all packets that can occur at the hook; its restrictions are not repeated.
    pub possible: &'a Cell,
    /// The interface classes in use.
    pub interfaces: &'a InterfaceClasses,
    /// Names of the opaque conditions.
    pub cond_name: &'a dyn Fn(Cond) -> String,
}

impl RegionNames<'_> {
    /// The cell as regions: one for each of its `parts`.
    pub fn regions(&self, cell: &Cell) -> Vec<Region> {
        self.parts(cell).iter().map(|part| self.region(part)).collect()
    }

    /// The cell cut into disjoint cells that one region can say each: an interface set may need more than one list,
    /// and where a layer-4 field is restricted, protocols whose layer-4 headers differ in shape stand apart.
    pub fn parts(&self, cell: &Cell) -> Vec<Cell> {
        let mut out = self.one_shape_each(cell);
        for field in [Field::Iif, Field::Oif, Field::PhysIn, Field::PhysOut] {
            out = out.into_iter().flat_map(|part| self.one_list_each(field, part)).collect();
        }
        out
    }

    fn one_shape_each(&self, cell: &Cell) -> Vec<Cell> {
        if !cell.fields().iter().any(|(f, v)| f.is_layer4() && !self.says_nothing(*f, v)) {
            return vec![cell.clone()];
        }
        let shapes = [Shape::Tcp, Shape::Ports, Shape::Icmp, Shape::Opaque];
        let of_shape = |shape| {
            let numbers = (0..=255u8).filter(|p| Shape::of(self.family, *p) == shape);
            let protocols = Values::Ranges(Ranges::from_values(numbers.map(u128::from)));
            cell.meet(Field::Proto, &protocols, self.family)
        };
        shapes.into_iter().filter_map(of_shape).collect()
    }

    fn one_list_each(&self, field: Field, cell: Cell) -> Vec<Cell> {
        let Some(set) = cell.get(field).and_then(Values::as_ranges) else { return vec![cell] };
        let all = self.interfaces.all();
        let possible = self.possible.get(field).and_then(Values::as_ranges).unwrap_or(&all);
        let parts = self.interfaces.parts(set, possible);
        parts.into_iter().map(|part| cell.with(field, Values::Ranges(part))).collect()
    }

    /// One of the `parts` in words.
    pub fn region(&self, part: &Cell) -> Region {
        let mut region = Region::default();
        for (field, values) in part.fields() {
            if self.says_nothing(*field, values) {
                continue;
            }
            let list = || self.interface_lists(*field, values).unwrap_or_default().into_iter().flatten().collect();
            match field {
                Field::Iif => region.iif = Some(list()),
                Field::Oif => region.oif = Some(list()),
                Field::PhysIn | Field::PhysOut => {
                    region.more.insert(field.name().into(), list());
                }
                _ => self.put(&mut region, *field, values),
            }
        }
        region.conditions = part.conds().iter().map(|(c, v)| self.literal(*c, *v)).collect();
        region
    }

    fn literal(&self, cond: Cond, value: bool) -> String {
        let name = (self.cond_name)(cond);
        if value { name } else { format!("!{name}") }
    }

    fn says_nothing(&self, field: Field, values: &Values) -> bool {
        values.is_full(field, self.family) || self.possible.get(field).is_some_and(|p| p.overlap_is_inside(values))
    }

    fn interface_lists(&self, field: Field, values: &Values) -> Option<Vec<Vec<String>>> {
        let all = self.interfaces.all();
        let possible = self.possible.get(field).and_then(Values::as_ranges).unwrap_or(&all);
        self.interfaces.describe(values.as_ranges()?, possible)
    }

    fn put(&self, region: &mut Region, field: Field, values: &Values) {
        let text = self.texts(field, values);
        match field {
            Field::Src => region.src = Some(text),
            Field::Dst => region.dst = Some(text),
            Field::Proto => region.proto = Some(text),
            Field::Sport => region.sport = Some(text),
            Field::Dport => region.dport = Some(text),
            Field::IcmpType => region.icmp_type = Some(text),
            Field::IcmpCode => region.icmp_code = Some(text),
            Field::TcpFlags => region.tcp_flags = Some(text),
            Field::State => region.state = Some(text),
            _ => {
                region.more.insert(field.name().into(), text);
            }
        }
    }

    /// The values as the contract writes them.
    pub fn texts(&self, field: Field, values: &Values) -> Vec<String> {
        match values {
            Values::Flags(flags) => flag_texts(*flags),
            Values::Cube(c) if matches!(field, Field::SrcBits | Field::DstBits) => {
                vec![format!("{}/{}", address(self.family, c.value), address(self.family, c.mask))]
            }
            Values::Cube(c) => vec![format!("{:#x}/{:#x}", c.value, c.mask)],
            Values::Ranges(r) => match field {
                Field::Src | Field::Dst => address_texts(r, self.family),
                Field::State => names(r, |v| State::from_value(v).map(State::name)),
                Field::Fragment => {
                    names(r, |v| Fragment::ALL.into_iter().find(|f| *f as u128 == v).map(Fragment::name))
                }
                Field::PktType => {
                    names(r, |v| ["unicast", "broadcast", "multicast", "otherhost"].get(v as usize).copied())
                }
                Field::Profile => names(r, |v| ["domain", "private", "public"].get(v as usize).copied()),
                _ => r.as_slice().iter().map(|&(lo, hi)| range_text(lo, hi)).collect(),
            },
        }
    }
}

impl Values {
    fn overlap_is_inside(&self, other: &Values) -> bool {
        self.overlap(other) == super::values::Overlap::Inside
    }
}

fn names(ranges: &Ranges, name: impl Fn(u128) -> Option<&'static str>) -> Vec<String> {
    ranges
        .as_slice()
        .iter()
        .flat_map(|&(lo, hi)| lo..=hi)
        .map(|v| name(v).map_or_else(|| v.to_string(), str::to_owned))
        .collect()
}

fn range_text(lo: u128, hi: u128) -> String {
    if lo == hi { lo.to_string() } else { format!("{lo}-{hi}") }
}

/// An address as text.
pub(super) fn address(family: Family, value: u128) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::from(value as u32)),
        Family::V6 => IpAddr::V6(Ipv6Addr::from(value)),
    }
}

/// The addresses as reports write them: each maximal range as one prefix where it is exactly one, else `first-last`.
pub fn address_texts(ranges: &Ranges, family: Family) -> Vec<String> {
    let text = |&(lo, hi): &(u128, u128)| match (address(family, lo), address(family, hi)) {
        (IpAddr::V4(a), IpAddr::V4(b)) => single(Ipv4Subnets::new(a, b, 0), a, b),
        (IpAddr::V6(a), IpAddr::V6(b)) => single(Ipv6Subnets::new(a, b, 0), a, b),
        (a, b) => format!("{a}-{b}"),
    };
    ranges.as_slice().iter().map(text).collect()
}

fn single<N: std::fmt::Display, A: std::fmt::Display>(mut nets: impl Iterator<Item = N>, a: A, b: A) -> String {
    match (nets.next(), nets.next()) {
        (Some(net), None) => net.to_string(),
        _ => format!("{a}-{b}"),
    }
}

/// Disjoint `value/mask` pairs that make up the set, in flag names.
pub fn flag_texts(flags: ByteSet) -> Vec<String> {
    let mut cubes = Vec::new();
    cover(flags, 0, 0, &mut cubes);
    cubes.into_iter().map(|(value, mask)| format!("{}/{}", tcp_flags_text(value), tcp_flags_text(mask))).collect()
}

fn cover(flags: ByteSet, value: u8, mask: u8, out: &mut Vec<(u8, u8)>) {
    let part = ByteSet::masked(value, mask);
    let inside = flags.intersect(part);
    if inside.is_empty() {
        return;
    }
    if inside == part {
        out.push((value, mask));
        return;
    }
    let free = (0..8u8).map(|i| 1u8 << i).filter(|b| mask & b == 0);
    // Split on the bit that leaves a half settled, if one does; the lowest bit that matters otherwise.
    let half = |bit: u8, set: u8| flags.intersect(ByteSet::masked(value | set, mask | bit));
    let settled = |bit: u8| {
        let (zero, one) = (half(bit, 0), half(bit, bit));
        let whole = |h: ByteSet| h.is_empty() || h.len() * 2 == part.len();
        (whole(zero) || whole(one), zero.len() != one.len() || !mirrors(zero, one, bit))
    };
    let bits: Vec<u8> = free.collect();
    let best = bits.iter().copied().find(|b| settled(*b).0).or_else(|| bits.iter().copied().find(|b| settled(*b).1));
    if let Some(bit) = best.or_else(|| bits.first().copied()) {
        cover(flags, value, mask | bit, out);
        cover(flags, value | bit, mask | bit, out);
    }
}

/// Whether the bit makes no difference: both halves hold the same values but for it.
fn mirrors(zero: ByteSet, one: ByteSet, bit: u8) -> bool {
    zero.iter().all(|v| one.contains(v | bit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_cubes_are_disjoint_and_exact() {
        let syn = ByteSet::masked(super::super::TCP_SYN, 0x17);
        assert_eq!(flag_texts(syn), ["syn/fin|syn|rst|ack"]);
        let mixed = ByteSet::from_fn(|v| v % 7 == 0 || v & 0x12 == 0x12);
        let mut cubes = Vec::new();
        cover(mixed, 0, 0, &mut cubes);
        for v in 0..=255u8 {
            let hits = cubes.iter().filter(|(value, mask)| v & mask == *value).count();
            assert_eq!(hits, usize::from(mixed.contains(v)), "{v}");
        }
    }

    #[test]
    fn a_range_that_is_one_prefix_is_written_as_one() {
        let r = Ranges::from_unsorted(vec![(0x0a000000, 0x0affffff), (0x0b000001, 0x0b000003)]);
        assert_eq!(address_texts(&r, Family::V4), ["10.0.0.0/8", "11.0.0.1-11.0.0.3"]);
    }
}
