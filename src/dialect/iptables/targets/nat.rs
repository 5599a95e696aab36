//! Targets that translate: DNAT, SNAT, MASQUERADE, REDIRECT, NETMAP, SNPT, DNPT (`net/netfilter/xt_nat.c`,
//! `xt_MASQUERADE.c`, `xt_REDIRECT.c`, `xt_NETMAP.c`, `net/ipv6/netfilter/ip6t_NPT.c`).

use super::{Action, Kind, TargetSpec};
use crate::dialect::addrtype::redirect_targets;
use crate::dialect::iptables::addresses;
use crate::dialect::iptables::matches::Scope;
use crate::dialect::iptables::numbers::{need_protocol, port};
use crate::dialect::iptables::options::{Given, Parsed, Use, flag, value};
use crate::packet::{Family, Field, Ranges};
use crate::ruleset::{Effect, NfHook, Rewrite, Step, Translation, Verdict};
use std::sync::Arc;

const INCOMING: &[NfHook] = &[NfHook::Prerouting, NfHook::Output];
const OUTGOING: &[NfHook] = &[NfHook::Postrouting, NfHook::Input];

/// The targets of this file.
pub const TARGETS: &[TargetSpec] = &[
    TargetSpec::new(
        "DNAT",
        Kind::Translation,
        &[value("to-destination").or(&["to"]), flag("random"), flag("persistent")],
        |u, _| to_range(u, "to-destination"),
        "",
    )
    .in_tables(&["nat"])
    .at_hooks(INCOMING),
    TargetSpec::new(
        "SNAT",
        Kind::Translation,
        &[value("to-source").or(&["to"]), flag("random"), flag("random-fully"), flag("persistent")],
        |u, _| to_range(u, "to-source"),
        "",
    )
    .in_tables(&["nat"])
    .at_hooks(OUTGOING),
    TargetSpec::new(
        "MASQUERADE",
        Kind::Translation,
        &[value("to-ports"), flag("random"), flag("random-fully")],
        |u, _| masquerade(u),
        "the new source is that of the outgoing interface",
    )
    .in_tables(&["nat"])
    .at_hooks(&[NfHook::Postrouting]),
    TargetSpec::new(
        "REDIRECT",
        Kind::Translation,
        &[value("to-ports"), flag("random")],
        redirect,
        "the new destination is an address of the device",
    )
    .in_tables(&["nat"])
    .at_hooks(INCOMING),
    TargetSpec::new(
        "NETMAP",
        Kind::Translation,
        &[value("to")],
        |u, _| netmap(u),
        "destination in PREROUTING and OUTPUT, source in POSTROUTING and INPUT",
    )
    .in_tables(&["nat"]),
    TargetSpec::new(
        "SNPT",
        Kind::Translation,
        &[value("src-pfx"), value("dst-pfx")],
        |u, _| prefix(u, Field::Src),
        "the rule goes on; the new address is any of the new prefix",
    )
    .only(Family::V6)
    .in_tables(&["mangle"])
    .at_hooks(OUTGOING),
    TargetSpec::new(
        "DNPT",
        Kind::Translation,
        &[value("src-pfx"), value("dst-pfx")],
        |u, _| prefix(u, Field::Dst),
        "the rule goes on; the new address is any of the new prefix",
    )
    .only(Family::V6)
    .in_tables(&["mangle"])
    .at_hooks(INCOMING),
];

fn translate(mut translation: Translation, used: &Use<'_>, more: &[&str]) -> Action {
    let flags = used.given.iter().filter(|g| g.spec.takes == 0).map(|g| Arc::from(g.spec.name));
    translation.options.extend(flags.chain(more.iter().map(|m| Arc::from(*m))));
    translation.options.sort();
    Action::of(vec![Step::Then(Verdict::Translate(Arc::new(translation)))])
}

fn to_range(used: &Use<'_>, option: &str) -> Parsed<Action> {
    let given =
        used.get(option).ok_or_else(|| used.wrong("the new address is missing").help(format!("give `--{option}`")))?;
    let target = NatTarget::parse(given, used.family)?;
    if target.ports.is_some() {
        need_ports(used)?;
    }
    let mut out = Translation::default();
    let source = option == "to-source";
    *(if source { &mut out.src } else { &mut out.dst }) = target.addresses.map(Rewrite::To);
    *(if source { &mut out.sport } else { &mut out.dport }) = target.ports.map(Rewrite::To);
    if let Some(base) = target.base {
        out.options.push(format!("base-port {base}").into());
    }
    Ok(translate(out, used, &[]))
}

fn need_ports(used: &Use<'_>) -> Parsed<()> {
    need_protocol(used, "a translation of ports", &[6, 17, 132, 33, 136, used.family.icmp()]).map(|_| ())
}

/// `ADDRESS[-ADDRESS][:PORT[-PORT[/BASE]]]`, IPv6 addresses in brackets where ports follow.
#[derive(Debug, Default, PartialEq, Eq)]
struct NatTarget {
    addresses: Option<Ranges>,
    ports: Option<Ranges>,
    base: Option<u64>,
}

impl NatTarget {
    fn parse(given: &Given<'_>, family: Family) -> Parsed<NatTarget> {
        let text = given.text();
        let (addresses, ports) = match family {
            Family::V4 => text.split_once(':').map_or((text, None), |(a, p)| (a, Some(p))),
            Family::V6 => split_brackets(text),
        };
        let mut out = NatTarget::default();
        if !addresses.is_empty() {
            let (first, last) = addresses::span(given, addresses, family)?;
            out.addresses = Some(Ranges::range(first, last));
        }
        if let Some(ports) = ports.filter(|p| !p.is_empty()) {
            let (ports, base) = ports.split_once('/').map_or((ports, None), |(p, b)| (p, Some(b)));
            out.ports = Some(port_span(given, ports)?);
            out.base = base.map(|b| port(given, b)).transpose()?;
        }
        if out.addresses.is_none() && out.ports.is_none() {
            return Err(given.wrong("neither an address nor a port is given"));
        }
        Ok(out)
    }
}

/// `[ADDRESS]:PORT` or `ADDRESS`; `:PORT` alone where what follows the colon is a number.
fn split_brackets(text: &str) -> (&str, Option<&str>) {
    if let Some((inner, rest)) = text.strip_prefix('[').and_then(|t| t.rsplit_once(']')) {
        return (inner, rest.strip_prefix(':'));
    }
    match text.strip_prefix(':') {
        Some(port) if !port.contains(':') => ("", Some(port)),
        _ => (text, None),
    }
}

fn port_span(given: &Given<'_>, text: &str) -> Parsed<Ranges> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (port(given, first)?, port(given, last)?);
    if first > last {
        return Err(crate::dialect::Problem::new(
            given.part(text),
            format!("the range `{text}` ends before it begins"),
        ));
    }
    Ok(Ranges::range(first.into(), last.into()))
}

fn ports_option(used: &Use<'_>) -> Parsed<Option<Rewrite>> {
    let Some(given) = used.get("to-ports") else {
        return Ok(None);
    };
    need_ports(used)?;
    let (ports, _) = given.text().split_once('/').unwrap_or((given.text(), ""));
    port_span(given, ports).map(|p| Some(Rewrite::To(p)))
}

fn masquerade(used: &Use<'_>) -> Parsed<Action> {
    let out = Translation { sport: ports_option(used)?, ..Translation::default() };
    Ok(translate(out, used, &["masquerade"]))
}

/// The new destination is the first address of the incoming interface, or the loopback address for packets of the
/// device itself.
fn redirect(used: &Use<'_>, scope: &Scope<'_>) -> Parsed<Action> {
    let dst = redirect_targets(scope.facts, scope.family);
    let out = Translation { dst: Some(Rewrite::To(dst)), dport: ports_option(used)?, ..Translation::default() };
    Ok(translate(out, used, &["redirect"]))
}

/// Read as a translation of the destination; `calls` turns it where the chain is called from outgoing hooks.
fn netmap(used: &Use<'_>) -> Parsed<Action> {
    let given = used.get("to").ok_or_else(|| used.wrong("the new network is missing").help("give `--to NETWORK`"))?;
    let net = addresses::network(given, given.text(), used.family)?;
    let host = used.family.max_address() & !net.mask;
    let out = Translation { dst: Some(Rewrite::Prefix { base: net.value, host }), ..Translation::default() };
    Ok(translate(out, used, &[]))
}

/// The prefix is exchanged and 16 bits behind it are adjusted so that checksums stay valid, so the new address is
/// one of the new prefix. The rule goes on.
fn prefix(used: &Use<'_>, field: Field) -> Parsed<Action> {
    let one = |name: &str| {
        let given = used.get(name).ok_or_else(|| used.wrong("a prefix is missing").help(format!("give `--{name}`")))?;
        let net = addresses::network(given, given.text(), Family::V6)?;
        let range = net.range(Family::V6).filter(|_| net.mask.count_ones() <= 64);
        range.map(|_| net).ok_or_else(|| given.wrong(format!("`{}` is no prefix of at most 64 bits", given.text())))
    };
    let (from, to) = (one("src-pfx")?, one("dst-pfx")?);
    let longest = from.mask.max(to.mask);
    let values = Ranges::range(to.value, to.value | !longest);
    Ok(Action::of(vec![Step::Set(Effect::Rewrite(field, Rewrite::To(values)))]))
}
