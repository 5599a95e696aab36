//! What it means that a packet is in a set: one field match for sets of one dimension, ordered entries for others.

use super::types::Dimension;
use super::{Directions, Elements, Nomatch, Part, Set, Sets, Side, Tuple};
use crate::packet::{Cube, Family, Field, IfacePattern, IfaceSide, Ranges, Shape, Values};
use crate::ruleset::{Entry, Lookup, Match, Negate, Opaque, OpaqueKind};
use std::sync::Arc;

/// The packets of `family` that are in `set` as a rule asks for it.
pub fn of(sets: &Sets, set: &Set, family: Family, directions: &Directions, nomatch: Nomatch) -> Result<Match, String> {
    if set.family.is_some_and(|f| f != family) {
        return Err(format!("the set `{}` is of the other family", set.name));
    }
    Ok(member(sets, set, family, directions, nomatch))
}

/// The same for members of lists, where the kernel skips sets that do not fit (`ip_set_test`).
fn member(sets: &Sets, set: &Set, family: Family, directions: &Directions, nomatch: Nomatch) -> Match {
    let fits = set.family.is_none_or(|f| f == family) && directions.len() >= set.kind.dimensions.len();
    if !fits {
        return Match::Never;
    }
    // A list asks each of its members the same; a set without `nomatch` entries knows nothing of them.
    let keeps = set.kind.has_nomatch() || matches!(set.elements, Elements::Names(_));
    let nomatch = if keeps { nomatch } else { Nomatch::Excluded };
    let listed = match &set.elements {
        Elements::Line { yes, no } => line(set, directions, yes, no, nomatch),
        Elements::Tuples(tuples) => lookup(set, family, directions, tuples, nomatch),
        Elements::Names(names) => {
            let members = names.iter().filter_map(|n| sets.get(n));
            Match::any(members.map(|m| member(sets, m, family, directions, nomatch)))
        }
    };
    if !sets.changes(set) {
        return listed;
    }
    let elsewhere = listed_at_all(set, family, directions).negated_if(Negate::Yes);
    Match::any([listed, Match::all([elsewhere, unknown(set, directions)])])
}

/// Keys that the set names, whether they are in or marked `nomatch`: about these nothing is unknown.
fn listed_at_all(set: &Set, family: Family, directions: &Directions) -> Match {
    match &set.elements {
        Elements::Line { yes, no } => {
            let all: Vec<(u128, u128)> = yes.iter().chain(no).copied().collect();
            line(set, directions, &all, &[], Nomatch::Excluded)
        }
        Elements::Tuples(tuples) => {
            let all: Vec<Tuple> = tuples.iter().map(|t| Tuple { nomatch: false, ..t.clone() }).collect();
            lookup(set, family, directions, &all, Nomatch::Excluded)
        }
        Elements::Names(_) => Match::Never,
    }
}

fn unknown(set: &Set, directions: &Directions) -> Match {
    let sides: Vec<&str> = directions
        .iter()
        .take(set.kind.dimensions.len())
        .map(|d| if *d == Side::Source { "src" } else { "dst" })
        .collect();
    let name = format!("set: {} {}", set.name, sides.join(","));
    Match::Opaque(Opaque { name: name.into(), kind: OpaqueKind::PerRule })
}

/// A set of one dimension.
fn line(set: &Set, directions: &Directions, yes: &[(u128, u128)], no: &[(u128, u128)], nomatch: Nomatch) -> Match {
    let values = if no.is_empty() && nomatch == Nomatch::Excluded {
        Ranges::from_unsorted(yes.to_vec())
    } else {
        by_prefix(yes, no, nomatch)
    };
    let source = directions.first() == Some(&Side::Source);
    if values.is_empty() {
        return Match::Never;
    }
    match set.kind.dimensions {
        [Dimension::Port] => {
            let field = if source { Field::Sport } else { Field::Dport };
            Match::layer4(&[6, 17], Match::ranges(field, values))
        }
        [Dimension::Mac] => Match::ranges(if source { Field::Mac } else { Field::MacDst }, values),
        _ => Match::ranges(if source { Field::Src } else { Field::Dst }, values),
    }
}

/// The values whose most specific network is in: from the largest networks to the smallest, each replaces what
/// larger ones said.
fn by_prefix(yes: &[(u128, u128)], no: &[(u128, u128)], nomatch: Nomatch) -> Ranges {
    let mut all: Vec<(u128, bool, (u128, u128))> = Vec::with_capacity(yes.len() + no.len());
    let excluded = nomatch == Nomatch::Excluded;
    all.extend(yes.iter().map(|r| (r.1 - r.0, excluded, *r)));
    all.extend(no.iter().map(|r| (r.1 - r.0, !excluded, *r)));
    all.sort_unstable_by_key(|(size, _, range)| (std::cmp::Reverse(*size), *range));
    let mut out = Ranges::empty();
    for level in all.chunk_by(|a, b| a.0 == b.0) {
        let of = |member: bool| level.iter().filter(|e| e.1 == member).map(|e| e.2).collect::<Ranges>();
        out = out.union(&of(true)).subtract(&of(false));
    }
    out
}

/// A set of several dimensions: entries from the most specific networks to the least, so that the first that
/// matches decides, as in `mtype_test_cidrs`.
fn lookup(set: &Set, family: Family, directions: &Directions, tuples: &[Tuple], nomatch: Nomatch) -> Match {
    let mut order: Vec<&Tuple> = tuples.iter().collect();
    order.sort_by_cached_key(|t| specificity(set, t));
    let mut entries = Vec::with_capacity(order.len());
    for (at, tuple) in order.iter().enumerate() {
        let mut tuple_entries = entries_of(set, family, directions, tuple, nomatch);
        entries.append(&mut tuple_entries);
        if set.kind.dimensions.contains(&Dimension::Iface) {
            let last_of_network = order.get(at + 1).is_none_or(|next| next.parts.first() != tuple.parts.first());
            entries.extend(last_of_network.then(|| blocker(directions, tuple)).flatten());
        }
    }
    let listed = Match::Lookup(Arc::new(Lookup { name: set.name.clone(), entries }));
    let first_seen = first_packet_fills(set, directions, tuples);
    Match::any([listed, first_seen])
}

/// Sizes of the networks of a tuple, and the networks themselves so that equal ones stand together.
fn specificity(set: &Set, tuple: &Tuple) -> Vec<(u128, u128)> {
    let parts = set.kind.dimensions.iter().zip(&tuple.parts);
    parts
        .filter_map(|(d, p)| match (d, p) {
            (Dimension::Net, Part::Addresses(first, last)) => Some((last - first, *first)),
            _ => None,
        })
        .collect()
}

/// Once a network is in a set with any interface, the kernel looks at no larger one (`multi` in
/// `ip_set_hash_netiface.c`).
fn blocker(directions: &Directions, tuple: &Tuple) -> Option<Entry> {
    let Some(Part::Addresses(first, last)) = tuple.parts.first() else {
        return None;
    };
    let field = address_field(directions.first());
    Some(Entry { fields: vec![(field, Ranges::range(*first, *last).into())], interfaces: Vec::new(), member: false })
}

fn address_field(side: Option<&Side>) -> Field {
    if side == Some(&Side::Source) { Field::Src } else { Field::Dst }
}

/// The entries of one element; none where no packet of the family can match it.
fn entries_of(set: &Set, family: Family, directions: &Directions, tuple: &Tuple, nomatch: Nomatch) -> Vec<Entry> {
    let mut entry =
        Entry { fields: Vec::new(), interfaces: Vec::new(), member: tuple.nomatch == (nomatch == Nomatch::Returned) };
    for (part, side) in tuple.parts.iter().zip(directions) {
        let source = *side == Side::Source;
        match part {
            Part::Addresses(first, last) => {
                push(&mut entry, address_field(Some(side)), Ranges::range(*first, *last).into());
            }
            Part::Ports { protocol, first, last } => {
                let Some(fields) = port_fields(family, source, *protocol, *first, *last) else {
                    return Vec::new();
                };
                fields.into_iter().for_each(|(field, values)| push(&mut entry, field, values));
            }
            Part::Mac(Some(mac)) => {
                push(&mut entry, if source { Field::Mac } else { Field::MacDst }, Ranges::one(*mac).into());
            }
            Part::Mac(None) => return Vec::new(),
            Part::Mark(mark) => {
                let cube = Cube::new((*mark).into(), set.mark_mask.into());
                push(&mut entry, Field::Mark, Values::Cube(cube));
            }
            Part::Interface { name, wildcard } => {
                let pattern = if *wildcard { IfacePattern::prefix(name) } else { IfacePattern::exact(name) };
                entry.interfaces.push((if source { IfaceSide::In } else { IfaceSide::Out }, pattern));
            }
        }
    }
    vec![entry]
}

/// Adds a condition; a second one on the same field narrows the first.
fn push(entry: &mut Entry, field: Field, values: Values) {
    match entry.fields.iter_mut().find(|(f, _)| *f == field) {
        Some((_, before)) => {
            *before = before.intersect(&values).unwrap_or_else(|| Values::Ranges(Ranges::empty()));
        }
        None => entry.fields.push((field, values)),
    }
}

/// The layer-4 conditions of a protocol with a port; protocols without ports are stored with port 0
/// (`ip_set_getport.c`).
fn port_fields(family: Family, source: bool, protocol: u8, first: u16, last: u16) -> Option<Vec<(Field, Values)>> {
    let mut out = vec![(Field::Proto, Ranges::one(protocol.into()).into())];
    let whole = (Field::Fragment, Ranges::range(0, 1).into());
    match Shape::of(family, protocol) {
        Shape::Tcp | Shape::Ports if protocol != 33 => {
            let field = if source { Field::Sport } else { Field::Dport };
            out.extend([whole, (field, Ranges::range(first.into(), last.into()).into())]);
        }
        Shape::Icmp => {
            let (kind, code) = (first >> 8, first & 0xff);
            out.push(whole);
            out.push((Field::IcmpType, Ranges::one(kind.into()).into()));
            out.push((Field::IcmpCode, Ranges::one(code.into()).into()));
        }
        _ if first != 0 => return None,
        _ => {}
    }
    Some(out)
}

/// Elements without a MAC address take that of the first packet that asks, and match it; what later packets meet is
/// not known.
fn first_packet_fills(set: &Set, directions: &Directions, tuples: &[Tuple]) -> Match {
    let open = tuples.iter().filter(|t| t.parts.contains(&Part::Mac(None))).filter_map(|t| match t.parts.first() {
        Some(Part::Addresses(first, last)) => Some((*first, *last)),
        _ => None,
    });
    let open: Ranges = open.collect();
    if open.is_empty() {
        return Match::Never;
    }
    Match::all([Match::ranges(address_field(directions.first()), open), unknown(set, directions)])
}
