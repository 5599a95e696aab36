//! Targets that decide: accept, drop, reject, return, and those that ask something outside
//! (`net/ipv4/netfilter/ipt_REJECT.c`, `net/netfilter/xt_NFQUEUE.c`, `xt_TPROXY.c`, `ipt_SYNPROXY.c`).

use super::{Action, Kind, TargetSpec};
use crate::dialect::iptables::numbers::{masked, need_protocol, number, range};
use crate::dialect::iptables::options::{Parsed, Use, flag, value};
use crate::dialect::nearest;
use crate::packet::{Family, Field};
use crate::ruleset::{Effect, Negate, NfHook, Opaque, OpaqueKind, Step, Verdict};

/// The targets of this file.
pub const TARGETS: &[TargetSpec] = &[
    plain("ACCEPT", |_, _| Ok(then(Verdict::Accept)), "ends its table only"),
    plain("DROP", |_, _| Ok(then(Verdict::Drop)), "").in_tables(&["raw", "mangle", "filter", "security"]),
    plain("RETURN", |_, _| Ok(then(Verdict::Return)), "in a built-in chain: the policy"),
    TargetSpec::new("REJECT", Kind::Verdict, &[value("reject-with")], |u, _| reject(u), "")
        .in_tables(&["filter"])
        .at_hooks(&[NfHook::Input, NfHook::Forward, NfHook::Output]),
    TargetSpec::new("QUEUE", Kind::Asks, &[], |_, _| Ok(ask("nfqueue 0".to_owned())), "the same as NFQUEUE 0"),
    TargetSpec::new(
        "NFQUEUE",
        Kind::Asks,
        &[value("queue-num"), value("queue-balance"), flag("queue-bypass"), flag("queue-cpu-fanout")],
        |u, _| nfqueue(u),
        "condition `nfqueue N`",
    ),
    TargetSpec::new(
        "TPROXY",
        Kind::Asks,
        &[value("on-port"), value("on-ip"), value("tproxy-mark")],
        |u, _| tproxy(u),
        "condition `tproxy PORT`; sets the mark",
    )
    .in_tables(&["mangle"])
    .at_hooks(&[NfHook::Prerouting]),
    TargetSpec::new(
        "SYNPROXY",
        Kind::Asks,
        &[value("mss"), value("wscale"), flag("sack-perm"), flag("timestamp"), flag("ecn")],
        |u, _| synproxy(u),
        "condition `synproxy`",
    )
    .at_hooks(&[NfHook::Input, NfHook::Forward])
    .tracking(),
];

const fn plain(
    name: &'static str,
    read: fn(&Use<'_>, &crate::dialect::iptables::matches::Scope<'_>) -> Parsed<Action>,
    says: &'static str,
) -> TargetSpec {
    TargetSpec::new(name, Kind::Verdict, &[], read, says)
}

fn then(verdict: Verdict) -> Action {
    Action::of(vec![Step::Then(verdict)])
}

fn ask(name: String) -> Action {
    then(Verdict::Ask(Opaque { name: name.into(), kind: OpaqueKind::Pure }))
}

/// Kinds of refusal with their short names (`iptables-extensions(8)`, REJECT).
const KINDS4: &[(&str, &str)] = &[
    ("icmp-net-unreachable", "net-unreach"),
    ("icmp-host-unreachable", "host-unreach"),
    ("icmp-proto-unreachable", "proto-unreach"),
    ("icmp-port-unreachable", "port-unreach"),
    ("icmp-net-prohibited", "net-prohib"),
    ("icmp-host-prohibited", "host-prohib"),
    ("tcp-reset", "tcp-rst"),
    ("icmp-admin-prohibited", "admin-prohib"),
];

/// The same for IPv6.
const KINDS6: &[(&str, &str)] = &[
    ("icmp6-no-route", "no-route"),
    ("icmp6-adm-prohibited", "adm-prohibited"),
    ("icmp6-addr-unreachable", "addr-unreach"),
    ("icmp6-port-unreachable", "port-unreach"),
    ("tcp-reset", "tcp-reset"),
    ("icmp6-policy-fail", "policy-fail"),
    ("icmp6-reject-route", "reject-route"),
];

fn reject(used: &Use<'_>) -> Parsed<Action> {
    let kinds = if used.family == Family::V4 { KINDS4 } else { KINDS6 };
    let Some(given) = used.get("reject-with") else {
        let usual = if used.family == Family::V4 { "icmp-port-unreachable" } else { "icmp6-port-unreachable" };
        return Ok(then(Verdict::Reject(usual.into())));
    };
    let text = given.text().to_ascii_lowercase();
    let known =
        kinds.iter().find(|(name, short)| !text.is_empty() && (name.starts_with(&text) || short.starts_with(&text)));
    let Some((kind, _)) = known else {
        let near = nearest(&text, kinds.iter().map(|(name, _)| *name)).map(|n| format!("did you mean `{n}`? "));
        let names: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
        return Err(given.wrong(format!("there is no kind of refusal `{}`", given.text())).help(format!(
            "{}the kinds are {}",
            near.unwrap_or_default(),
            names.join(" ")
        )));
    };
    if *kind == "tcp-reset" && used.only_protocol() != Some(6) {
        return Err(given.wrong("`tcp-reset` answers TCP only").help("the kernel wants `-p tcp` in the same rule"));
    }
    Ok(then(Verdict::Reject((*kind).into())))
}

fn nfqueue(used: &Use<'_>) -> Parsed<Action> {
    if let Some(given) = used.get("queue-balance") {
        let (first, last) = range(given, given.text(), 65_535)?;
        return Ok(ask(format!("nfqueue {first}:{last}")));
    }
    let queue = used.get("queue-num").map_or(Ok(0), |g| number(g, g.text(), 65_535))?;
    Ok(ask(format!("nfqueue {queue}")))
}

/// Where a socket takes the packet, the mark is set and the packet accepted; else it is dropped.
fn tproxy(used: &Use<'_>) -> Parsed<Action> {
    if !used.protocol.is_some_and(|p| p.negate == Negate::No && [6, 17].contains(&p.number)) {
        need_protocol(used, "TPROXY", &[6, 17])?;
    }
    let port = used.get("on-port").ok_or_else(|| used.wrong("the port is missing").help("give `--on-port`"))?;
    let number = number(port, port.text(), 65_535)?;
    let mut steps = Vec::new();
    if let Some(given) = used.get("tproxy-mark") {
        let mark = masked(given)?;
        steps.push(Step::Set(Effect::Mark { field: Field::Mark, keep: !mark.mask, take: 0, xor: mark.value }));
    }
    let address = used.get("on-ip").map(|g| format!("{} ", g.text())).unwrap_or_default();
    steps.extend(ask(format!("tproxy {address}{number}")).steps);
    Ok(Action::of(steps))
}

fn synproxy(used: &Use<'_>) -> Parsed<Action> {
    need_protocol(used, "SYNPROXY", &[6])?;
    Ok(ask("synproxy".to_owned()))
}
