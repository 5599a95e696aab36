//! Targets that change header fields which later rules see: TTL, HL, DSCP, TOS, ECN
//! (`net/netfilter/xt_HL.c`, `xt_DSCP.c`, `net/ipv4/netfilter/ipt_ECN.c`).

use super::{Action, Kind, TargetSpec};
use crate::dialect::iptables::matches::{dscp_class, tos_value};
use crate::dialect::iptables::numbers::{need_protocol, number};
use crate::dialect::iptables::options::{Given, Parsed, Use, flag, value};
use crate::packet::{Family, Field, Ranges};
use crate::ruleset::{Effect, Match, Rewrite, Step};

/// The targets of this file.
pub const TARGETS: &[TargetSpec] = &[
    TargetSpec::new(
        "TTL",
        Kind::Effect,
        &[value("ttl-set"), value("ttl-dec"), value("ttl-inc")],
        |u, _| hop_limit(u),
        "",
    )
    .only(Family::V4)
    .in_tables(&["mangle"]),
    TargetSpec::new("HL", Kind::Effect, &[value("hl-set"), value("hl-dec"), value("hl-inc")], |u, _| hop_limit(u), "")
        .only(Family::V6)
        .in_tables(&["mangle"]),
    TargetSpec::new("DSCP", Kind::Effect, &[value("set-dscp"), value("set-dscp-class")], |u, _| dscp(u), "")
        .in_tables(&["mangle"]),
    TargetSpec::new(
        "TOS",
        Kind::Effect,
        &[value("set-tos"), value("and-tos"), value("or-tos"), value("xor-tos")],
        |u, _| tos(u),
        "over the bits of DSCP and ECN",
    )
    .in_tables(&["mangle"]),
    TargetSpec::new(
        "ECN",
        Kind::Effect,
        &[flag("ecn-tcp-remove"), value("ecn-tcp-cwr"), value("ecn-tcp-ece"), value("ecn-ip-ect")],
        |u, _| ecn(u),
        "",
    )
    .only(Family::V4)
    .in_tables(&["mangle"]),
];

fn one_option<'u, 'r>(used: &'u Use<'r>) -> Parsed<&'u Given<'r>> {
    match used.given.as_slice() {
        [given] => Ok(given),
        _ => Err(used.wrong("this target takes exactly one option")),
    }
}

fn set(field: Field, how: Rewrite) -> Step {
    Step::Set(Effect::Rewrite(field, how))
}

fn hop_limit(used: &Use<'_>) -> Parsed<Action> {
    let given = one_option(used)?;
    let n = number(given, given.text(), 255)?;
    let how = match given.spec.name {
        "ttl-inc" | "hl-inc" => Rewrite::Add(n as i16),
        "ttl-dec" | "hl-dec" => Rewrite::Add(-(n as i16)),
        _ => Rewrite::To(Ranges::one(n.into())),
    };
    Ok(Action::of(vec![set(Field::Ttl, how)]))
}

fn dscp(used: &Use<'_>) -> Parsed<Action> {
    let given = one_option(used)?;
    let value = match given.spec.name {
        "set-dscp" => number(given, given.text(), 63)?,
        _ => u64::from(dscp_class(given)?),
    };
    Ok(Action::of(vec![set(Field::Dscp, Rewrite::To(Ranges::one(value.into())))]))
}

/// `(tos & keep) ^ xor`, over the two fields that share the byte.
fn tos(used: &Use<'_>) -> Parsed<Action> {
    let given = one_option(used)?;
    let (value, mask) = match given.spec.name {
        "set-tos" => tos_value(given, 0x3f)?,
        name => {
            let bits = number(given, given.text(), 255)? as u8;
            match name {
                "and-tos" => (0, !bits),
                "or-tos" => (bits, bits),
                _ => (bits, 0),
            }
        }
    };
    let part = |field, shift: u8, max: u8| {
        let keep = u128::from((!mask >> shift) & max);
        let xor = u128::from((value >> shift) & max);
        (keep != u128::from(max) || xor != 0).then(|| set(field, Rewrite::Masked { keep, xor }))
    };
    Ok(Action::of(part(Field::Dscp, 2, 63).into_iter().chain(part(Field::Ecn, 0, 3)).collect()))
}

/// Bits of the IP header first, then those of the TCP header, which later fragments lack.
fn ecn(used: &Use<'_>) -> Parsed<Action> {
    let mut steps = Vec::new();
    if let Some(given) = used.get("ecn-ip-ect") {
        let value = number(given, given.text(), 3)?;
        steps.push(set(Field::Ecn, Rewrite::To(Ranges::one(value.into()))));
    }
    let (mut keep, mut xor) = (0xffu128, 0u128);
    for given in used.given.iter().filter(|g| g.spec.name.starts_with("ecn-tcp")) {
        need_protocol(used, "ECN", &[6])?;
        let bits = match given.spec.name {
            "ecn-tcp-ece" => 0x40,
            "ecn-tcp-cwr" => 0x80,
            _ => 0xc0,
        };
        let on = given.spec.takes == 1 && number(given, given.text(), 1)? == 1;
        keep &= !bits;
        xor |= if on { bits } else { 0 };
    }
    if keep != 0xff {
        steps.push(Step::If(Match::layer4(&[6], Match::Always)));
        steps.push(set(Field::TcpFlags, Rewrite::Masked { keep, xor }));
    }
    Ok(Action::of(steps))
}
