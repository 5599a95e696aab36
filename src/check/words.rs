//! Packets, rules and places as findings put them into sentences.

use super::scene::Filter;
use crate::diff::{ReplayMismatch, replay};
use crate::finding::{Location, excerpt};
use crate::packet::{Cell, Cond, Family, Field, Packet, Shape, protocol_name, witness};
use crate::ruleset::{Decision, Leaf, Place, Side};
use ipnet::{Ipv4Subnets, Ipv6Subnets};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One realistic packet of a cell, judged by the plain interpreter on the sides whose end is known.
///
/// # Errors
/// Where the interpreter judges otherwise: then nothing can be shown.
pub(super) fn shown_packet(filter: &Filter<'_>, cell: &Cell, ends: &[(Side, &Leaf)]) -> Result<Packet, ReplayMismatch> {
    let packet = witness(cell, filter.space.family, &filter.space.interfaces);
    for (side, leaf) in ends {
        let program = filter.program(*side);
        replay(program.ruleset, Some(filter.screen(*side)), program.side, &filter.space, cell, &packet, leaf)?;
    }
    Ok(packet)
}

/// From whom to whom about what: `` `10.1.2.3` to `10.9.0.1` on `tcp/443` ``.
pub(super) fn packet_text(packet: &Packet) -> String {
    let end = |field| address(packet.family, packet.get(field));
    format!("`{}` to `{}` on `{}`", end(Field::Src), end(Field::Dst), service_text(packet))
}

fn service_text(packet: &Packet) -> String {
    let name = protocol_name(packet.proto()).map_or_else(|| format!("proto/{}", packet.proto()), str::to_owned);
    match packet.shape() {
        Shape::Tcp | Shape::Ports => format!("{name}/{}", packet.get(Field::Dport)),
        Shape::Icmp => format!("{name}/{}", packet.get(Field::IcmpType)),
        Shape::Opaque => name,
    }
}

/// `is dropped`, `is rejected`, `passes`.
pub(super) fn fate(decision: &Decision) -> &'static str {
    match decision {
        Decision::Accept => "passes",
        Decision::Drop => "is dropped",
        Decision::Reject(_) => "is rejected",
    }
}

/// What decided, quoted with its place.
pub(super) fn culprit(filter: &Filter<'_>, side: Side, place: Place) -> String {
    match filter.location(side, place) {
        Some(Location { file, line, text }) if line > 0 => format!("`{}` ({file}:{line})", excerpt(&text)),
        Some(Location { text, .. }) if !text.is_empty() => format!("`{text}`"),
        Some(Location { file, .. }) => format!("a policy that no line of {file} gives"),
        None => "the lack of any chain at this hook".into(),
    }
}

/// How to let a packet pass that is stopped at a place of the proposal: in front of it, or, where order means nothing, by
/// a rule of its own or by changing the one that blocks.
pub(super) fn remedy(filter: &Filter<'_>, place: Place) -> String {
    let now = culprit(filter, Side::New, place);
    let ruleset = filter.program(Side::New).ruleset;
    let blocks = matches!(place, Place::Rule(chain, _) if ruleset.chain(chain).span.line > 0);
    match (ruleset.unordered, blocks) {
        (false, _) => format!("let it pass in front of {now}"),
        (true, true) => format!("take it out of {now}"),
        (true, false) => format!("allow it by a rule, since {now} decides what no rule does"),
    }
}

/// Names of conditions, `!` in front of those that are false.
pub(super) fn condition_names(filter: &Filter<'_>, conds: &[(Cond, bool)]) -> Vec<String> {
    let name = |(cond, value): &(Cond, bool)| {
        let name = filter.space.cond_name(*cond);
        if *value { name.to_string() } else { format!("!{name}") }
    };
    conds.iter().map(name).collect()
}

/// A range of addresses: a prefix where it is one, a bare address where it is only one.
pub(super) fn range_text(family: Family, (lo, hi): (u128, u128)) -> String {
    match (address(family, lo), address(family, hi)) {
        (a, _) if lo == hi => a.to_string(),
        (IpAddr::V4(a), IpAddr::V4(b)) => whole(Ipv4Subnets::new(a, b, 0), a, b),
        (IpAddr::V6(a), IpAddr::V6(b)) => whole(Ipv6Subnets::new(a, b, 0), a, b),
        (a, b) => format!("{a}-{b}"),
    }
}

fn whole<N: std::fmt::Display, A: std::fmt::Display>(mut nets: impl Iterator<Item = N>, a: A, b: A) -> String {
    match (nets.next(), nets.next()) {
        (Some(net), None) => net.to_string(),
        _ => format!("{a}-{b}"),
    }
}

fn address(family: Family, value: u128) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::from(value as u32)),
        Family::V6 => IpAddr::V6(Ipv6Addr::from(value)),
    }
}
