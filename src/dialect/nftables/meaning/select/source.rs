//! How values of a selector become conditions on the packet.

use super::Selector;
use crate::dialect::conditions::condition;
use crate::dialect::nftables::meaning::bits::{Operators, Wanted, before, blocks};
use crate::dialect::nftables::meaning::known::whole;
use crate::dialect::nftables::meaning::types::Type;
use crate::dialect::nftables::meaning::value::{self, Value};
use crate::packet::{ByteSet, Cube, Family, Field, IfacePattern, IfaceSide, Ranges, Values};
use crate::ruleset::{Match, Negate, OpaqueKind};

/// Where values are read.
#[derive(Clone, Debug)]
pub enum Source {
    /// In a field of the packet.
    Field(Field),
    /// An interface.
    Interface(IfaceSide),
    /// Only these values occur, each under its condition.
    Only(Vec<(u128, Match)>),
    /// These values occur under their conditions; every other by a condition of its own.
    Some(Vec<(u128, Match)>, OpaqueKind),
    /// These bits are set under their conditions; others by conditions of their own.
    Flags(Vec<(u32, Match)>),
    /// A port, wherever the packet has a layer-4 header.
    Port(Field),
    /// The first next-header value of IPv6.
    NextHeader,
    /// The offset field of IPv4, with its flags.
    FragmentOffset,
    /// The length of what follows the IPv6 header.
    PayloadLength,
    /// By conditions.
    Condition(OpaqueKind),
}

/// The protocols whose headers begin with two ports.
pub const WITH_PORTS: [u8; 5] = [6, 17, 33, 132, 136];
/// The most conditions that one comparison becomes.
const MOST_CONDITIONS: usize = 64;

impl Selector {
    /// The packets, among those that the guards leave, for which the selector's operators and these take its value
    /// into one of these values.
    pub fn among(&self, more: &Operators, values: &[Value]) -> Match {
        let operators = &[self.operators.as_slice(), more].concat();
        if let (Source::Interface(side), []) = (&self.source, operators.as_slice()) {
            return Match::any(values.iter().map(|v| interface(*side, v)));
        }
        let numbers: Ranges = values.iter().filter_map(range).collect();
        let texts = values.iter().filter_map(|v| match v {
            Value::Range(..) => None,
            Value::Interface(pattern) => Some(pattern.text()),
            Value::Text(text) => Some(text.clone()),
        });
        let by_text = texts.map(|text| self.by_name(&text));
        let by_number = if numbers.is_empty() { Match::Never } else { self.numbers(operators, numbers) };
        Match::any(std::iter::once(by_number).chain(by_text))
    }

    fn numbers(&self, operators: &Operators, numbers: Ranges) -> Match {
        match (&self.source, before(operators, self.kind, numbers.clone())) {
            (Source::Condition(_), Wanted::Ranges(wanted)) if operators.is_empty() => self.each(&wanted),
            (Source::Condition(_), _) | (_, Wanted::Other) => self.by_name(&self.operation(operators, &numbers)),
            (Source::Flags(flags), Wanted::Ranges(exact)) => match exact.as_slice() {
                // All bits are compared, also those that no condition knows.
                [(0, _)] if exact.is_full(self.kind.max()) => Match::Always,
                _ => self.bits(flags, &[], &exact),
            },
            (Source::Flags(flags), Wanted::Cubes(cubes)) => self.bits(flags, &cubes, &numbers),
            (_, wanted) => self.holds(&wanted),
        }
    }

    /// One condition for each range, so that equal values have equal names in every rule and dialect.
    fn each(&self, wanted: &Ranges) -> Match {
        if wanted.is_full(self.kind.max()) {
            return Match::Always;
        }
        if wanted.as_slice().len() > MOST_CONDITIONS {
            return self.by_name(&value::text(self.kind, wanted));
        }
        let one = |&(lo, hi): &(u128, u128)| self.by_name(&value::text(self.kind, &Ranges::range(lo, hi)));
        Match::any(wanted.as_slice().iter().map(one))
    }

    /// A condition of the selector's own name.
    pub fn by_name(&self, value: &str) -> Match {
        let kind = match &self.source {
            Source::Condition(kind) | Source::Some(_, kind) => *kind,
            _ => OpaqueKind::Pure,
        };
        let space = if value.is_empty() || self.words.ends_with(' ') { "" } else { " " };
        condition(format!("{}{space}{value}", self.words), kind)
    }

    fn operation(&self, operators: &Operators, numbers: &Ranges) -> String {
        let signs = operators.iter().map(|(op, with)| {
            let sign = match op {
                crate::dialect::nftables::syntax::BinaryOp::And => "&",
                crate::dialect::nftables::syntax::BinaryOp::Or => "|",
                crate::dialect::nftables::syntax::BinaryOp::Xor => "^",
                crate::dialect::nftables::syntax::BinaryOp::ShiftLeft => "<<",
                crate::dialect::nftables::syntax::BinaryOp::ShiftRight => ">>",
            };
            format!("{sign} {with:#x} ")
        });
        format!("{}== {}", signs.collect::<String>(), value::text(self.kind, numbers))
    }

    fn holds(&self, wanted: &Wanted) -> Match {
        match (&self.source, wanted) {
            (Source::Field(field), Wanted::Ranges(ranges)) => in_field(*field, self.kind, ranges),
            (Source::Field(field), Wanted::Cubes(cubes)) => {
                Match::any(cubes.iter().map(|cube| self.cube(*field, *cube)))
            }
            (Source::Port(field), Wanted::Ranges(ranges)) => self.port(*field, ranges),
            (Source::Only(table), _) => {
                Match::any(table.iter().filter(|(v, _)| hits(wanted, *v)).map(|(_, m)| m.clone()))
            }
            (Source::Some(table, _), Wanted::Ranges(ranges)) => self.some(table, ranges),
            (Source::NextHeader, Wanted::Ranges(ranges)) => next_header(ranges),
            (Source::PayloadLength, Wanted::Ranges(ranges)) => {
                let shifted = ranges.as_slice().iter().map(|&(lo, hi)| (lo + 40, hi + 40));
                in_field(Field::Length, Type::Integer(17), &shifted.collect())
            }
            (Source::FragmentOffset, Wanted::Ranges(ranges)) => self.fragment(ranges),
            _ => self.by_name(&format!("{wanted:?}")),
        }
    }

    fn some(&self, table: &[(u128, Match)], ranges: &Ranges) -> Match {
        if ranges.is_full(self.kind.max()) {
            return Match::Always;
        }
        let listed = Ranges::from_values(table.iter().map(|(v, _)| *v));
        let hit = table.iter().filter(|(v, _)| ranges.contains(*v)).map(|(_, m)| m.clone());
        let others = ranges.subtract(&listed);
        let others = if others.is_empty() { Match::Never } else { self.each(&others) };
        Match::any(hit.chain([others]))
    }

    /// What masked values ask of single bits. Bits that no condition knows are asked for together.
    fn bits(&self, flags: &[(u32, Match)], cubes: &[Cube], numbers: &Ranges) -> Match {
        let known: u128 = flags.iter().fold(0, |bits, (at, _)| bits | 1 << at);
        if cubes.is_empty() || cubes.iter().any(|c| c.mask & !known != 0) {
            return self.by_name(&format!("== {}", value::text(self.kind, numbers)));
        }
        let bit = |cube: Cube, (at, m): &(u32, Match)| {
            let is_set = cube.value >> at & 1 == 1;
            m.clone().negated_if(if is_set { Negate::No } else { Negate::Yes })
        };
        let one = |cube: &Cube| {
            let asked = flags.iter().filter(|(at, _)| cube.mask >> at & 1 == 1);
            Match::all(asked.map(|flag| bit(*cube, flag)))
        };
        Match::any(cubes.iter().map(one))
    }

    fn cube(&self, field: Field, cube: Cube) -> Match {
        let host = self.kind.max() & !cube.mask;
        let network = host & host.wrapping_add(1) == 0;
        match field {
            Field::Mark | Field::ConnMark if cube.mask == 0 => Match::Always,
            Field::Mark | Field::ConnMark => Match::Field(field, Values::Cube(cube)),
            _ if network => in_field(field, self.kind, &Ranges::range(cube.value, cube.value | host)),
            Field::Src => Match::Field(Field::SrcBits, Values::Cube(cube)),
            Field::Dst => Match::Field(Field::DstBits, Values::Cube(cube)),
            _ => self.by_name(&format!("& {:#x} == {:#x}", cube.mask, cube.value)),
        }
    }

    /// The bytes where ports are: of protocols that have none they are something else.
    fn port(&self, field: Field, ranges: &Ranges) -> Match {
        let ports = Match::all([Match::protocols(WITH_PORTS), in_field(field, self.kind, ranges)]);
        let others = Match::protocols(WITH_PORTS).negated_if(Negate::Yes);
        Match::all([whole(), Match::any([ports, Match::all([others, self.each(ranges)])])])
    }

    /// Offsets by the position of the fragment; the flag against fragmenting is free.
    fn fragment(&self, ranges: &Ranges) -> Match {
        let flags = [0u128, 0x4000, 0x8000, 0xc000];
        let first = flags.map(|f| f | 0x2000);
        let later = Ranges::from_unsorted((0..8).map(|f| (f << 13 | 1, f << 13 | 0x1fff)).collect());
        let parts = [Ranges::from_values(flags), Ranges::from_values(first), later];
        let one = |(at, possible): (usize, &Ranges)| {
            let here = Match::ranges(Field::Fragment, Ranges::one(at as u128));
            match (possible.is_subset(ranges), possible.meets(ranges)) {
                (true, _) => here,
                (_, false) => Match::Never,
                _ => Match::all([here, self.by_name(&value::text(self.kind, ranges))]),
            }
        };
        Match::any(parts.iter().enumerate().map(one))
    }
}

fn range(value: &Value) -> Option<(u128, u128)> {
    match value {
        Value::Range(lo, hi) => Some((*lo, *hi)),
        _ => None,
    }
}

fn hits(wanted: &Wanted, value: u128) -> bool {
    match wanted {
        Wanted::Ranges(ranges) => ranges.contains(value),
        Wanted::Cubes(cubes) => cubes.iter().any(|c| c.contains(value)),
        Wanted::Other => false,
    }
}

/// The interface of an index is known by name in listings; 1 is the loopback interface, 0 none at all.
fn interface(side: IfaceSide, value: &Value) -> Match {
    match value {
        Value::Interface(pattern) => Match::Interface(side, pattern.clone()),
        Value::Range(0, 0) => Match::Present(side).negated_if(Negate::Yes),
        Value::Range(1, 1) => Match::Interface(side, IfacePattern::exact("lo")),
        Value::Range(first, last) => {
            let word = if side == IfaceSide::In { "iif" } else { "oif" };
            Match::all([Match::Present(side), condition(format!("{word}: index {first}-{last}"), OpaqueKind::Pure)])
        }
        Value::Text(text) => condition(format!("interface: {text}"), OpaqueKind::Pure),
    }
}

/// The field has one of these values.
pub fn in_field(field: Field, kind: Type, ranges: &Ranges) -> Match {
    if ranges.is_empty() {
        return Match::Never;
    }
    if ranges.is_full(kind.max()) {
        return Match::Always;
    }
    match field {
        Field::TcpFlags => Match::Field(field, Values::Flags(ByteSet::from_fn(|v| ranges.contains(u128::from(v))))),
        Field::Mark | Field::ConnMark => {
            let cubes = ranges.as_slice().iter().flat_map(|&(lo, hi)| blocks(lo, hi, 32));
            Match::any(cubes.map(|cube| Match::Field(field, Values::Cube(cube))))
        }
        _ => Match::ranges(field, ranges.intersect(&Ranges::range(0, field.max(Family::V6)))),
    }
}

/// One range of a selector as a condition on one field: `Some(None)` where it says nothing, `None` where it takes more
/// than that.
pub fn source_entry(selector: &Selector, lo: u128, hi: u128) -> Option<Option<(Field, Values)>> {
    if !selector.operators.is_empty() {
        return None;
    }
    let ranges = Ranges::range(lo, hi);
    let field = match &selector.source {
        Source::Field(field) | Source::Port(field) => *field,
        Source::Only(table) => {
            let mut hit = table.iter().filter(|(v, _)| ranges.contains(*v));
            return matches!((hit.next(), hit.next()), (Some((_, Match::Always)), None)).then_some(None);
        }
        _ => return None,
    };
    match in_field(field, selector.kind, &ranges) {
        Match::Field(field, values) => Some(Some((field, values))),
        Match::Always => Some(None),
        _ => None,
    }
}

/// The extension headers that can stand in front of the protocol (`ipv6_ext_hdr`).
const EXTENSIONS: [u128; 6] = [0, 43, 44, 51, 59, 60];

/// A next header is the packet's protocol where no extension header stands first.
fn next_header(ranges: &Ranges) -> Match {
    let direct = Match::ranges(Field::NextHeader, Ranges::one(256));
    let extension = ranges.intersect(&Ranges::from_values(EXTENSIONS));
    Match::any([
        in_field(Field::NextHeader, Type::Integer(9), &extension),
        Match::all([direct, in_field(Field::Proto, Type::Protocol, ranges)]),
    ])
}
