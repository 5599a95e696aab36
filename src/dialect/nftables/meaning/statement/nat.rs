//! `dnat`, `snat`, `masquerade`, `redirect` (`net/netfilter/nft_nat.c`, `nft_masq.c`, `nft_redir.c`).

use super::{End, map};
use crate::dialect::Problem;
use crate::dialect::addrtype::redirect_targets;
use crate::dialect::nftables::meaning::Parsed;
use crate::dialect::nftables::meaning::rule::Reader;
use crate::dialect::nftables::meaning::types::Type;
use crate::dialect::nftables::meaning::value::{self, Value};
use crate::dialect::nftables::syntax::{Expr, ExprKind, NatKind, NatSpec};
use crate::packet::{Family, Ranges};
use crate::ruleset::{Match, NfHook, Rewrite, Span, Translation, Verdict};
use std::sync::Arc;

const INCOMING: &[NfHook] = &[NfHook::Prerouting, NfHook::Output];
const OUTGOING: &[NfHook] = &[NfHook::Postrouting, NfHook::Input];

/// A new address and a new port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Target {
    address: Option<Rewrite>,
    port: Option<Rewrite>,
}

/// Translates the connection.
///
/// # Errors
/// Addresses and ports that are not understood or that nft refuses.
pub fn read<'s>(reader: &mut Reader<'s, '_>, nat: &'s NatSpec, span: Span) -> Parsed<End> {
    reader.tracks = true;
    match nat.kind {
        NatKind::Dnat => reader.place_nat("dnat", INCOMING, span),
        NatKind::Redirect => reader.place_nat("redirect", INCOMING, span),
        NatKind::Snat => reader.place_nat("snat", OUTGOING, span),
        NatKind::Masquerade => reader.place_nat("masquerade", &[NfHook::Postrouting], span),
    }
    let family = family(reader, nat, span)?;
    let targets = targets(reader, nat, family, span)?;
    let of = |target: Target, family| Verdict::Translate(Arc::new(translation(nat, target, family, reader)));
    let entries: Vec<(Match, Verdict)> = match (nat.kind, family) {
        (NatKind::Redirect, None) => {
            let both = |(m, t): (Match, Target)| {
                let one = |f| (Match::all([Match::Family(f), m.clone()]), of(t.clone(), f));
                Family::ALL.map(one)
            };
            targets.into_iter().flat_map(both).collect()
        }
        (_, family) => targets.into_iter().map(|(m, t)| (m, of(t, family.unwrap_or(Family::V4)))).collect(),
    };
    match entries.as_slice() {
        [(Match::Always, verdict)] => reader.decide(verdict.clone()),
        _ => reader.choose(entries),
    }
    Ok(End::Decides)
}

/// The family of the addresses, where there are any.
fn family(reader: &mut Reader<'_, '_>, nat: &NatSpec, span: Span) -> Parsed<Option<Family>> {
    let said = match nat.family.as_deref() {
        Some("ip6") => Some(Family::V6),
        Some(_) => Some(Family::V4),
        None => reader.known.family,
    };
    match (said, &nat.address) {
        (None, Some(_)) => Err(Problem::new(span, "it is not said of which family the new address is")
            .help("write `dnat ip to ...` or `dnat ip6 to ...`, as nft demands in inet tables")),
        (None, None) => Ok(None),
        (Some(family), _) => {
            let guard = reader.known.need_family(family, span)?;
            reader.only_if(guard);
            Ok(Some(family))
        }
    }
}

/// New addresses and ports, with the packets that get them.
fn targets<'s>(
    reader: &mut Reader<'s, '_>,
    nat: &'s NatSpec,
    family: Option<Family>,
    span: Span,
) -> Parsed<Vec<(Match, Target)>> {
    let kind = if family == Some(Family::V6) { Type::Ipv6 } else { Type::Ipv4 };
    let netmap = nat.flags.iter().any(|f| f == "prefix" || f == "netmap");
    let as_address = |expr: &Expr| address(expr, kind, netmap).map(|a| Target { address: Some(a), port: None });
    let addresses = match &nat.address {
        None => vec![(Match::Always, Target::default())],
        Some(Expr { kind: ExprKind::Map(key, data), .. }) => {
            let asked = map::ask(reader, key, data)?;
            if asked.changes {
                return Err(Problem::new(data.span, "where a map that changes at run time sends packets is not known")
                    .help("give the map without `dynamic` and `timeout`"));
            }
            map::values(reader, &asked, |expr| match &expr.kind {
                ExprKind::Concat(parts) => both(parts, kind, netmap, expr.span),
                _ => as_address(expr),
            })?
        }
        Some(Expr { kind: ExprKind::Concat(parts), span }) => vec![(Match::Always, both(parts, kind, netmap, *span)?)],
        Some(expr) => vec![(Match::Always, as_address(expr)?)],
    };
    let ports = match &nat.port {
        None => vec![(Match::Always, None)],
        Some(Expr { kind: ExprKind::Map(key, data), .. }) => {
            let asked = map::ask(reader, key, data)?;
            map::values(reader, &asked, |expr| ports(expr).map(Some))?
        }
        Some(expr) => vec![(Match::Always, Some(ports(expr)?))],
    };
    let with_ports = nat.port.is_some() || addresses.iter().any(|(_, t)| t.port.is_some());
    if with_ports && reader.known.protocols.is_none() {
        return Err(Problem::new(span, "a translation of ports needs a transport protocol")
            .help("nft wants a match such as `meta l4proto tcp` before it in the same rule"));
    }
    let pair = |(m, target): &(Match, Target)| {
        let joined = |(n, port): &(Match, Option<Rewrite>)| {
            let port = port.clone().or_else(|| target.port.clone());
            (Match::all([m.clone(), n.clone()]), Target { address: target.address.clone(), port })
        };
        ports.iter().map(joined).collect::<Vec<_>>()
    };
    Ok(addresses.iter().flat_map(pair).collect())
}

fn both(parts: &[Expr], kind: Type, netmap: bool, span: Span) -> Parsed<Target> {
    match parts {
        [first, second] => Ok(Target { address: Some(address(first, kind, netmap)?), port: Some(ports(second)?) }),
        _ => Err(Problem::new(span, "expected is an address and a port").help("write `address . port`")),
    }
}

fn address(expr: &Expr, kind: Type, netmap: bool) -> Parsed<Rewrite> {
    match value::read(kind, expr)? {
        Value::Range(lo, hi) if netmap => Ok(Rewrite::Prefix { base: lo, host: lo ^ hi }),
        Value::Range(lo, hi) => Ok(Rewrite::To(Ranges::range(lo, hi))),
        _ => Err(Problem::new(expr.span, "this is no address")),
    }
}

fn ports(expr: &Expr) -> Parsed<Rewrite> {
    match value::read(Type::Service, expr)? {
        Value::Range(lo, hi) => Ok(Rewrite::To(Ranges::range(lo, hi))),
        _ => Err(Problem::new(expr.span, "this is no port")),
    }
}

/// The translation in the words that iptables shares.
fn translation(nat: &NatSpec, target: Target, family: Family, reader: &Reader<'_, '_>) -> Translation {
    let mut out = Translation::default();
    match nat.kind {
        NatKind::Dnat => (out.dst, out.dport) = (target.address, target.port),
        NatKind::Snat => (out.src, out.sport) = (target.address, target.port),
        NatKind::Masquerade => {
            out.sport = target.port;
            out.options.push("masquerade".into());
        }
        NatKind::Redirect => {
            out.dst = Some(Rewrite::To(redirect_targets(reader.scope.facts, family)));
            out.dport = target.port;
            out.options.push("redirect".into());
        }
    }
    let spelled = |flag: &String| match flag.as_str() {
        "fully-random" => Some(Arc::from("random-fully")),
        "random" | "persistent" => Some(Arc::from(flag.as_str())),
        _ => None,
    };
    out.options.extend(nat.flags.iter().filter_map(spelled));
    out.options.sort();
    out
}
