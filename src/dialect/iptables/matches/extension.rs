//! Matches on IPsec and IPv6 extension headers: ah, esp, frag, rt, hbh, dst, mh (`net/ipv6/netfilter/ip6t_*.c`,
//! `net/netfilter/xt_esp.c`).

use super::opaque::condition;
use super::{MatchSpec, Reader, Scope};
use crate::dialect::iptables::numbers::{need_protocol, number, range, range_match};
use crate::dialect::iptables::options::{Given, Parsed, Use, flag, value};
use crate::packet::{Family, Field, Ranges};
use crate::ruleset::{Match, OpaqueKind};

const SPI: u64 = u32::MAX as u64;

/// The modules of this file.
pub const MATCHES: &[MatchSpec] = &[
    MatchSpec::new("ah", &[value("ahspi").not()], Reader::Exact(ah4), "").only(Family::V4),
    MatchSpec::new(
        "ah",
        &[value("ahspi").not(), value("ahlen").not(), flag("ahres")],
        Reader::Partly(ah6),
        "exact but for `--ahlen` and `--ahres`",
    )
    .only(Family::V6),
    MatchSpec::new("esp", &[value("espspi").not()], Reader::Exact(esp), ""),
    MatchSpec::new(
        "frag",
        &[
            value("fragid").not(),
            value("fraglen").not(),
            flag("fragres"),
            flag("fragfirst"),
            flag("fragmore"),
            flag("fraglast"),
        ],
        Reader::Partly(frag),
        "presence and `--fragfirst` exact",
    )
    .only(Family::V6),
    MatchSpec::new(
        "rt",
        &[
            value("rt-type").not(),
            value("rt-segsleft").not(),
            value("rt-len").not(),
            flag("rt-0-res"),
            value("rt-0-addrs"),
            flag("rt-0-not-strict"),
        ],
        Reader::Partly(rt),
        "presence, `--rt-type` and `--rt-segsleft` exact",
    )
    .only(Family::V6),
    MatchSpec::new(
        "hbh",
        &[value("hbh-len").not(), value("hbh-opts")],
        Reader::Partly(|u, _| options_header(u, "hbh", Field::ExtHop)),
        "presence exact",
    )
    .only(Family::V6),
    MatchSpec::new(
        "dst",
        &[value("dst-len").not(), value("dst-opts")],
        Reader::Partly(|u, _| options_header(u, "dst", Field::ExtDst)),
        "presence exact",
    )
    .only(Family::V6),
    MatchSpec::new("mh", &[value("mh-type").not()], Reader::Exact(mh), "").only(Family::V6),
];

fn present(field: Field) -> Match {
    Match::ranges(field, Ranges::one(1))
}

/// An option that no field can express.
fn opaque(module: &str, given: &Given<'_>) -> Match {
    let value = if given.spec.takes == 0 { String::new() } else { format!(" {}", given.text()) };
    condition(format!("{module}: {}{value}", given.spec.name), OpaqueKind::Pure).negated_if(given.negate)
}

fn all(first: Match, used: &Use<'_>, read: impl Fn(&Given<'_>) -> Parsed<Match>) -> Parsed<Match> {
    let others = used.given.iter().map(read).collect::<Parsed<Vec<_>>>()?;
    Ok(Match::all(std::iter::once(first).chain(others)))
}

/// In IPv4 the authentication header is the packet's protocol; later fragments have none.
fn ah4(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    need_protocol(used, "ah", &[51])?;
    all(Match::layer4(&[51], Match::Always), used, |g| range_match(g, Field::AhSpi, SPI))
}

/// In IPv6 it is an extension header anywhere before the upper layer.
fn ah6(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    all(present(Field::ExtAuth), used, |g| match g.spec.name {
        "ahspi" => range_match(g, Field::AhSpi, SPI),
        _ => Ok(opaque("ah", g)),
    })
}

fn esp(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    need_protocol(used, "esp", &[50])?;
    all(Match::layer4(&[50], Match::Always), used, |g| range_match(g, Field::EspSpi, SPI))
}

fn frag(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    all(present(Field::ExtFragment), used, |g| {
        Ok(match g.spec.name {
            "fragfirst" => Match::ranges(Field::Fragment, Ranges::range(0, 1)),
            "fragid" => {
                let (first, last) = range(g, g.text(), SPI)?;
                condition(format!("frag: fragid {first}:{last}"), OpaqueKind::Pure).negated_if(g.negate)
            }
            "fragmore" => condition("frag: fragmore", OpaqueKind::Pure),
            "fraglast" => Match::Not(Box::new(condition("frag: fragmore", OpaqueKind::Pure))),
            _ => opaque("frag", g),
        })
    })
}

fn rt(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    all(present(Field::ExtRouting), used, |g| match g.spec.name {
        "rt-type" => {
            let kind = number(g, g.text(), 255)?;
            Ok(Match::ranges(Field::RoutingType, Ranges::one(kind.into())).negated_if(g.negate))
        }
        "rt-segsleft" => range_match(g, Field::SegmentsLeft, 255),
        _ => Ok(opaque("rt", g)),
    })
}

fn options_header(used: &Use<'_>, module: &str, field: Field) -> Parsed<Match> {
    all(present(field), used, |g| Ok(opaque(module, g)))
}

fn mh(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    need_protocol(used, "mh", &[135])?;
    all(Match::layer4(&[135], Match::Always), used, |g| {
        let (first, last) = mobility_types(g)?;
        Ok(Match::ranges(Field::MobilityType, Ranges::range(first.into(), last.into())).negated_if(g.negate))
    })
}

/// `TYPE` or `FIRST:LAST`, by number or by name (RFC 6275, RFC 5568).
fn mobility_types(given: &Given<'_>) -> Parsed<(u64, u64)> {
    const NAMES: [&[&str]; 11] = [
        &["binding-refresh-request", "brr"],
        &["home-test-init", "hoti"],
        &["careof-test-init", "coti"],
        &["home-test", "hot"],
        &["careof-test", "cot"],
        &["binding-update", "bu"],
        &["binding-acknowledgement", "ba"],
        &["binding-error", "be"],
        &["fast-binding-update", "fbu"],
        &["fast-binding-acknowledgement", "fback"],
        &["fast-neighbor-advertisement", "fna"],
    ];
    let one = |text: &str| {
        let lower = text.to_ascii_lowercase();
        let named = NAMES.iter().position(|names| names.contains(&lower.as_str())).map(|n| n as u64);
        named.map_or_else(|| number(given, text, 255), Ok)
    };
    match given.text().split_once(':') {
        None => one(given.text()).map(|n| (n, n)),
        Some((first, last)) => {
            let first = if first.is_empty() { 0 } else { one(first)? };
            Ok((first, if last.is_empty() { 255 } else { one(last)? }))
        }
    }
}
