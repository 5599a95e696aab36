//! Matches on ICMP and ICMPv6 types and codes (`net/netfilter/xt_tcpudp.c`, `icmp_type_code_match`).

use super::{MatchSpec, Reader};
use crate::dialect::iptables::numbers::{need_protocol, number};
use crate::dialect::iptables::options::{Given, Parsed, Use, value};
use crate::packet::{Family, Field, Ranges, icmp_type_by_name};
use crate::ruleset::Match;

/// The modules of this file.
pub const MATCHES: &[MatchSpec] = &[
    MatchSpec::new(
        "icmp",
        &[value("icmp-type").not()],
        Reader::Exact(|u, _| icmp(u, "icmp")),
        "type 255 and `any` mean every type",
    )
    .only(Family::V4),
    MatchSpec::new("icmp6", &[value("icmpv6-type").not()], Reader::Exact(|u, _| icmp(u, "icmp6")), "")
        .or(&["icmpv6", "ipv6-icmp"])
        .only(Family::V6),
];

fn icmp(used: &Use<'_>, name: &str) -> Parsed<Match> {
    let protocol = need_protocol(used, name, &[used.family.icmp()])?;
    let inner = used.given.iter().map(|g| kind(g, used.family)).collect::<Parsed<Vec<_>>>()?;
    Ok(Match::layer4(&[protocol], Match::all(inner)))
}

/// `TYPE`, `TYPE/CODE` or a name.
fn kind(given: &Given<'_>, family: Family) -> Parsed<Match> {
    let text = given.text();
    let any = family == Family::V4 && text.eq_ignore_ascii_case("any");
    let (kind, code) = match (any, icmp_type_by_name(family, text)) {
        (true, _) => (255, None),
        (_, Some((kind, code))) => (u64::from(kind), code.map(u64::from)),
        _ => by_number(given, text)?,
    };
    if family == Family::V4 && kind == 255 {
        return Ok(Match::Always.negated_if(given.negate));
    }
    let kind = Match::ranges(Field::IcmpType, Ranges::one(kind.into()));
    let code = code.map_or(Match::Always, |c| Match::ranges(Field::IcmpCode, Ranges::one(c.into())));
    Ok(Match::all([kind, code]).negated_if(given.negate))
}

fn by_number(given: &Given<'_>, text: &str) -> Parsed<(u64, Option<u64>)> {
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(given
            .wrong(format!("there is no ICMP type `{text}`"))
            .help("types are names such as `echo-request`, numbers, or `type/code`"));
    }
    match text.split_once('/') {
        Some((kind, code)) => Ok((number(given, kind, 255)?, Some(number(given, code, 255)?))),
        None => Ok((number(given, text, 255)?, None)),
    }
}
