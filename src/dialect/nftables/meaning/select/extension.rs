//! IPv6 extension headers, and options of IP, TCP, SCTP and DCCP (`net/netfilter/nft_exthdr.c`).

use super::meta::yes_or_no;
use super::{Selector, Source};
use crate::dialect::Problem;
use crate::dialect::conditions::condition;
use crate::dialect::nftables::meaning::Parsed;
use crate::dialect::nftables::meaning::known::{Known, whole};
use crate::dialect::nftables::meaning::types::Type;
use crate::packet::{Family, Field, Ranges};
use crate::ruleset::{Match, OpaqueKind, Span};

const PURE: OpaqueKind = OpaqueKind::Pure;

/// An extension header, by its presence or by a field of it.
pub fn header(header: &str, field: Option<&str>, span: Span, known: &mut Known) -> Parsed<Selector> {
    let family = known.need_family(Family::V6, span)?;
    let present = match header {
        "hbh" => there(Field::ExtHop),
        "dst" => there(Field::ExtDst),
        "rt" | "rt0" | "rt2" | "rt4" | "srh" => there(Field::ExtRouting),
        "frag" => there(Field::ExtFragment),
        "auth" | "ah" => there(Field::ExtAuth),
        "mh" => Match::layer4(&[135], Match::Always),
        _ => return Err(Problem::new(span, format!("there is no extension header `{header}`"))),
    };
    let Some(field) = field else {
        let source = Source::Only(yes_or_no(present));
        return Ok(Selector::new(Type::Boolean, source, format!("exthdr: {header}")).guarded(family));
    };
    let by = |kind, source| Selector::new(kind, source, format!("{header}: {field}"));
    let selector = match (header, field) {
        ("rt", "type") => by(Type::Integer(8), Source::Field(Field::RoutingType)),
        ("rt", "seg-left") => by(Type::Integer(8), Source::Field(Field::SegmentsLeft)),
        ("mh", "type") => by(Type::MobilityType, Source::Field(Field::MobilityType)),
        ("frag", "more-fragments") => by(Type::Integer(1), Source::Only(yes_or_no(condition("frag: fragmore", PURE)))),
        ("frag", "frag-off") => {
            let table = vec![(0, Match::ranges(Field::Fragment, Ranges::range(0, 1)))];
            by(Type::Integer(13), Source::Some(table, PURE))
        }
        ("frag", "id") => by(Type::Integer(32), Source::Condition(PURE)),
        (_, "nexthdr") => by(Type::Protocol, Source::Condition(PURE)),
        ("srh", "tag" | "checksum") | ("mh", "checksum") => by(Type::Integer(16), Source::Condition(PURE)),
        ("auth" | "ah", "spi") => by(Type::Integer(32), Source::Field(Field::AhSpi)),
        _ if field.starts_with("addr") || field.starts_with("sid") => by(Type::Ipv6, Source::Condition(PURE)),
        _ => by(Type::Integer(32), Source::Condition(PURE)),
    };
    Ok(selector.guarded(family).guarded(present))
}

fn there(field: Field) -> Match {
    Match::ranges(field, Ranges::one(1))
}

/// The kinds of TCP options (IANA registry).
const TCP_OPTIONS: [(&str, u32); 16] = [
    ("eol", 0),
    ("nop", 1),
    ("noop", 1),
    ("maxseg", 2),
    ("mss", 2),
    ("window", 3),
    ("sack-perm", 4),
    ("sack-permitted", 4),
    ("sack", 5),
    ("sack0", 5),
    ("sack1", 5),
    ("sack2", 5),
    ("sack3", 5),
    ("timestamp", 8),
    ("md5sig", 19),
    ("fastopen", 34),
];

/// An option, by its presence or by a field of it.
pub fn option(protocol: &str, name: &str, field: Option<&str>, span: Span, known: &mut Known) -> Parsed<Selector> {
    let guard = match protocol {
        "tcp" => known.need_protocols(&[6], span)?,
        "sctp" => known.need_protocols(&[132], span)?,
        "dccp" => known.need_protocols(&[33], span)?,
        _ => known.need_family(Family::V4, span)?,
    };
    let number = TCP_OPTIONS.iter().find(|(n, _)| *n == name).map(|(_, kind)| kind.to_string());
    let number = number.unwrap_or_else(|| name.to_owned());
    let selector = match (protocol, name, field) {
        ("tcp", _, None) => exists(format!("tcp: tcp-option {number}")),
        ("tcp", "maxseg" | "mss", Some("size")) => Selector::new(Type::Service, Source::Condition(PURE), "tcpmss: mss"),
        (_, _, None) => exists(format!("{protocol}: option {name}")),
        (_, _, Some(field)) => {
            let words = format!("{protocol}: option {name} {field}");
            Selector::new(Type::Integer(128), Source::Condition(PURE), words)
        }
    };
    Ok(selector.guarded(guard).guarded(if protocol == "ip" { Match::Always } else { whole() }))
}

fn exists(name: String) -> Selector {
    Selector::new(Type::Boolean, Source::Only(yes_or_no(condition(name.clone(), PURE))), name)
}
