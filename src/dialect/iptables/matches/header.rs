//! Matches on the IP header: length, ttl, hl, dscp, tos, ecn (`net/netfilter/xt_length.c`, `xt_hl.c`,
//! `xt_dscp.c`, `xt_ecn.c`).

use super::{MatchSpec, Reader, Scope};
use crate::dialect::iptables::numbers::{need_protocol, number, range_ends};
use crate::dialect::iptables::options::{Given, Parsed, Use, flag, value};
use crate::dialect::{Problem, nearest};
use crate::packet::{ByteSet, Family, Field, Ranges, TCP_CWR, TCP_ECE, Values};
use crate::ruleset::{Match, Negate};

/// The modules of this file.
pub const MATCHES: &[MatchSpec] = &[
    MatchSpec::new("length", &[value("length").not()], Reader::Exact(length), ""),
    MatchSpec::new(
        "ttl",
        &[value("ttl-eq").or(&["ttl"]).not(), value("ttl-lt"), value("ttl-gt")],
        Reader::Exact(|u, _| ttl(u)),
        "",
    )
    .only(Family::V4),
    MatchSpec::new(
        "hl",
        &[value("hl-eq").or(&["hl"]).not(), value("hl-lt"), value("hl-gt")],
        Reader::Exact(|u, _| ttl(u)),
        "",
    )
    .only(Family::V6),
    MatchSpec::new("dscp", &[value("dscp").not(), value("dscp-class").not()], Reader::Exact(dscp), ""),
    MatchSpec::new("tos", &[value("tos").not()], Reader::Exact(tos), "over the bits of DSCP and ECN"),
    MatchSpec::new(
        "ecn",
        &[flag("ecn-tcp-cwr").not(), flag("ecn-tcp-ece").not(), value("ecn-ip-ect").not()],
        Reader::Exact(ecn),
        "",
    ),
];

/// The value of the one option that a module must have.
fn required<'u, 'r>(used: &'u Use<'r>) -> Parsed<&'u Given<'r>> {
    match used.given.as_slice() {
        [given] => Ok(given),
        _ => Err(used.wrong("this match takes exactly one option")),
    }
}

fn length(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    let given = required(used)?;
    let (first, last) = range_ends(given, given.text(), 65_535)?;
    Ok(field(Field::Length, Ranges::range(first.into(), last.into())).negated_if(given.negate))
}

fn ttl(used: &Use<'_>) -> Parsed<Match> {
    let given = required(used)?;
    let n = u128::from(number(given, given.text(), 255)?);
    let values = match given.spec.name {
        "ttl-lt" | "hl-lt" => n.checked_sub(1).map_or_else(Ranges::empty, |last| Ranges::range(0, last)),
        "ttl-gt" | "hl-gt" => Ranges::range(n + 1, 255),
        _ => Ranges::one(n),
    };
    Ok(field(Field::Ttl, values).negated_if(given.negate))
}

/// A field match, or `Never` where there is no value.
fn field(field: Field, values: Ranges) -> Match {
    if values.is_empty() { Match::Never } else { Match::ranges(field, values) }
}

fn dscp(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    let given = required(used)?;
    let value = match given.spec.name {
        "dscp" => number(given, given.text(), 63)?,
        _ => u64::from(dscp_class(given)?),
    };
    Ok(Match::ranges(Field::Dscp, Ranges::one(value.into())).negated_if(given.negate))
}

/// The code point of a class name (RFC 2474, 2597, 3246).
pub fn dscp_class(given: &Given<'_>) -> Parsed<u8> {
    let upper = given.text().to_ascii_uppercase();
    let known = CLASSES.iter().find(|(name, _)| *name == upper).map(|(_, value)| *value);
    known.ok_or_else(|| {
        let near = nearest(&upper, CLASSES.iter().map(|(name, _)| *name)).map(|n| format!("did you mean `{n}`? "));
        Problem::new(given.value_span(), format!("there is no DSCP class `{}`", given.text()))
            .help(format!("{}classes are CS0 to CS7, BE, AF11 to AF43 and EF", near.unwrap_or_default()))
    })
}

const CLASSES: &[(&str, u8)] = &[
    ("CS0", 0),
    ("CS1", 8),
    ("CS2", 16),
    ("CS3", 24),
    ("CS4", 32),
    ("CS5", 40),
    ("CS6", 48),
    ("CS7", 56),
    ("BE", 0),
    ("AF11", 10),
    ("AF12", 12),
    ("AF13", 14),
    ("AF21", 18),
    ("AF22", 20),
    ("AF23", 22),
    ("AF31", 26),
    ("AF32", 28),
    ("AF33", 30),
    ("AF41", 34),
    ("AF42", 36),
    ("AF43", 38),
    ("EF", 46),
];

fn tos(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    let given = required(used)?;
    let (value, mask) = tos_value(given, 0x3f)?;
    if value & !mask != 0 {
        return Ok(Match::Never.negated_if(given.negate));
    }
    let keep = |shift: u8, max: u8| {
        let hit = move |v: &u8| (v << shift) & mask & (max << shift) == value & (max << shift);
        Ranges::from_values((0..=max).filter(hit).map(u128::from))
    };
    let part = |on, values: Ranges, max| if values.is_full(max) { Match::Always } else { Match::ranges(on, values) };
    let dscp = part(Field::Dscp, keep(2, 63), 63);
    let ecn = part(Field::Ecn, keep(0, 3), 3);
    Ok(Match::all([dscp, ecn]).negated_if(given.negate))
}

/// `VALUE`, `VALUE/MASK`, or a name of RFC 1349, which stands under the mask `by_name`.
pub fn tos_value(given: &Given<'_>, by_name: u8) -> Parsed<(u8, u8)> {
    const NAMES: [(&str, u8); 5] = [
        ("minimize-delay", 0x10),
        ("maximize-throughput", 0x08),
        ("maximize-reliability", 0x04),
        ("minimize-cost", 0x02),
        ("normal-service", 0x00),
    ];
    let text = given.text();
    if let Some((_, value)) = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return Ok((*value, by_name));
    }
    let (value, mask) = text.split_once('/').unwrap_or((text, "255"));
    let mask = if text.contains('/') { number(given, mask, 255)? } else { 255 };
    Ok((number(given, value, 255)? as u8, mask as u8))
}

fn ecn(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    let mut parts = Vec::new();
    for given in &used.given {
        let bit = match given.spec.name {
            "ecn-tcp-ece" => TCP_ECE,
            "ecn-tcp-cwr" => TCP_CWR,
            _ => {
                let value = number(given, given.text(), 3)?;
                parts.push(Match::ranges(Field::Ecn, Ranges::one(value.into())).negated_if(given.negate));
                continue;
            }
        };
        need_protocol(used, "ecn", &[6])?;
        let set = if given.negate == Negate::Yes { 0 } else { bit };
        parts.push(Match::layer4(&[6], Match::Field(Field::TcpFlags, Values::Flags(ByteSet::masked(set, bit)))));
    }
    if parts.is_empty() {
        return Err(used.wrong("`ecn` has no condition").help("give for example `--ecn-ip-ect 0`"));
    }
    Ok(Match::all(parts))
}
