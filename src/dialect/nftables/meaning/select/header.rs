//! Header fields by name and by position: what each asks for before it can be read, and which field of the packet it
//! is (`nft(8)`, PAYLOAD EXPRESSIONS; `net/netfilter/nft_payload.c`).

use super::meta::{ether_type, frame};
use super::source::WITH_PORTS;
use super::{Reading, Selector, Source, Teaches};
use crate::dialect::nftables::meaning::Parsed;
use crate::dialect::nftables::meaning::known::{ETHER_ARP, Known, Packets, ether_type_is, whole};
use crate::dialect::nftables::meaning::types::Type;
use crate::dialect::{Problem, nearest};
use crate::packet::{Family, Field};
use crate::ruleset::{Match, OpaqueKind, Span};

/// One field of a header.
#[derive(Debug)]
pub struct Payload {
    /// The header: `ip`, `tcp`, ...
    pub header: &'static str,
    /// The field: `saddr`, `dport`, ...
    pub field: &'static str,
    /// The type of its values.
    pub kind: Type,
    /// Its offset in the header, in bits.
    pub at: u32,
    /// Where it is read.
    pub part: Part,
}

/// Where a header field is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// In a field of the packet.
    Is(Field),
    /// It has this value in every packet.
    Always(u128),
    /// The protocol of IPv4.
    Protocol,
    /// The first next header of IPv6.
    NextHeader,
    /// IPv4's fragment offset with its flags.
    FragmentOffset,
    /// IPv6's payload length.
    PayloadLength,
    /// A port of a layer 4 that is not named.
    AnyPort(Field),
    /// The type of the frame.
    EtherType,
    /// By condition.
    Condition,
}

impl Payload {
    /// How far the field is read exactly.
    pub fn reading(&self) -> Reading {
        match self.part {
            Part::Condition => Reading::Condition,
            Part::AnyPort(_) | Part::EtherType | Part::FragmentOffset => Reading::Partly,
            _ => Reading::Exact,
        }
    }
}

const fn of(header: &'static str, field: &'static str, kind: Type, at: u32, part: Part) -> Payload {
    Payload { header, field, kind, at, part }
}

const fn number(header: &'static str, field: &'static str, at: u32, bits: u32) -> Payload {
    of(header, field, Type::Integer(bits), at, Part::Condition)
}

const fn port(header: &'static str, field: &'static str, at: u32) -> Payload {
    let read = if at == 0 { Field::Sport } else { Field::Dport };
    of(header, field, Type::Service, at, Part::Is(read))
}

/// Every header field.
pub static PAYLOADS: &[Payload] = &[
    of("ether", "daddr", Type::Ether, 0, Part::Is(Field::MacDst)),
    of("ether", "saddr", Type::Ether, 48, Part::Is(Field::Mac)),
    of("ether", "type", Type::EtherType, 96, Part::EtherType),
    number("vlan", "pcp", 112, 3),
    number("vlan", "dei", 115, 1),
    number("vlan", "cfi", 115, 1),
    of("vlan", "id", Type::Integer(12), 116, Part::Is(Field::VlanId)),
    of("vlan", "type", Type::EtherType, 128, Part::EtherType),
    number("arp", "htype", 0, 16),
    of("arp", "ptype", Type::EtherType, 16, Part::Condition),
    number("arp", "hlen", 32, 8),
    number("arp", "plen", 40, 8),
    of("arp", "operation", Type::ArpOperation, 48, Part::Condition),
    of("arp", "saddr ether", Type::Ether, 64, Part::Condition),
    of("arp", "saddr ip", Type::Ipv4, 112, Part::Is(Field::Src)),
    of("arp", "daddr ether", Type::Ether, 144, Part::Condition),
    of("arp", "daddr ip", Type::Ipv4, 192, Part::Is(Field::Dst)),
    of("ip", "version", Type::Integer(4), 0, Part::Always(4)),
    number("ip", "hdrlength", 4, 4),
    of("ip", "dscp", Type::Dscp, 8, Part::Is(Field::Dscp)),
    of("ip", "ecn", Type::Ecn, 14, Part::Is(Field::Ecn)),
    of("ip", "length", Type::Integer(16), 16, Part::Is(Field::Length)),
    of("ip", "id", Type::Integer(16), 32, Part::Is(Field::IpId)),
    of("ip", "frag-off", Type::Integer(16), 48, Part::FragmentOffset),
    of("ip", "ttl", Type::Integer(8), 64, Part::Is(Field::Ttl)),
    of("ip", "protocol", Type::Protocol, 72, Part::Protocol),
    number("ip", "checksum", 80, 16),
    of("ip", "saddr", Type::Ipv4, 96, Part::Is(Field::Src)),
    of("ip", "daddr", Type::Ipv4, 128, Part::Is(Field::Dst)),
    of("ip6", "version", Type::Integer(4), 0, Part::Always(6)),
    of("ip6", "dscp", Type::Dscp, 4, Part::Is(Field::Dscp)),
    of("ip6", "ecn", Type::Ecn, 10, Part::Is(Field::Ecn)),
    of("ip6", "flowlabel", Type::Integer(20), 12, Part::Is(Field::FlowLabel)),
    of("ip6", "length", Type::Integer(16), 32, Part::PayloadLength),
    of("ip6", "nexthdr", Type::Protocol, 48, Part::NextHeader),
    of("ip6", "hoplimit", Type::Integer(8), 56, Part::Is(Field::Ttl)),
    of("ip6", "saddr", Type::Ipv6, 64, Part::Is(Field::Src)),
    of("ip6", "daddr", Type::Ipv6, 192, Part::Is(Field::Dst)),
    port("tcp", "sport", 0),
    port("tcp", "dport", 16),
    number("tcp", "sequence", 32, 32),
    number("tcp", "ackseq", 64, 32),
    number("tcp", "doff", 96, 4),
    number("tcp", "reserved", 100, 4),
    of("tcp", "flags", Type::TcpFlag, 104, Part::Is(Field::TcpFlags)),
    number("tcp", "window", 112, 16),
    number("tcp", "checksum", 128, 16),
    number("tcp", "urgptr", 144, 16),
    port("udp", "sport", 0),
    port("udp", "dport", 16),
    number("udp", "length", 32, 16),
    number("udp", "checksum", 48, 16),
    port("udplite", "sport", 0),
    port("udplite", "dport", 16),
    number("udplite", "csumcov", 32, 16),
    number("udplite", "checksum", 48, 16),
    port("sctp", "sport", 0),
    port("sctp", "dport", 16),
    number("sctp", "vtag", 32, 32),
    number("sctp", "checksum", 64, 32),
    port("dccp", "sport", 0),
    port("dccp", "dport", 16),
    of("dccp", "type", Type::DccpType, 67, Part::Condition),
    of("th", "sport", Type::Service, 0, Part::AnyPort(Field::Sport)),
    of("th", "dport", Type::Service, 16, Part::AnyPort(Field::Dport)),
    of("icmp", "type", Type::IcmpType, 0, Part::Is(Field::IcmpType)),
    of("icmp", "code", Type::IcmpCode, 8, Part::Is(Field::IcmpCode)),
    number("icmp", "checksum", 16, 16),
    number("icmp", "id", 32, 16),
    number("icmp", "sequence", 48, 16),
    number("icmp", "gateway", 32, 32),
    number("icmp", "mtu", 48, 16),
    of("icmpv6", "type", Type::Icmpv6Type, 0, Part::Is(Field::IcmpType)),
    of("icmpv6", "code", Type::Icmpv6Code, 8, Part::Is(Field::IcmpCode)),
    number("icmpv6", "checksum", 16, 16),
    number("icmpv6", "parameter-problem", 32, 32),
    number("icmpv6", "packet-too-big", 32, 32),
    number("icmpv6", "mtu", 32, 32),
    number("icmpv6", "id", 32, 16),
    number("icmpv6", "sequence", 48, 16),
    number("icmpv6", "max-delay", 32, 16),
    of("icmpv6", "taddr", Type::Ipv6, 64, Part::Condition),
    of("icmpv6", "daddr", Type::Ipv6, 192, Part::Condition),
    of("igmp", "type", Type::IgmpType, 0, Part::Condition),
    number("igmp", "mrt", 8, 8),
    number("igmp", "checksum", 16, 16),
    of("igmp", "group", Type::Ipv4, 32, Part::Condition),
    of("ah", "nexthdr", Type::Protocol, 0, Part::Condition),
    number("ah", "hdrlength", 8, 8),
    number("ah", "reserved", 16, 16),
    of("ah", "spi", Type::Integer(32), 32, Part::Is(Field::AhSpi)),
    number("ah", "sequence", 64, 32),
    of("esp", "spi", Type::Integer(32), 0, Part::Is(Field::EspSpi)),
    number("esp", "sequence", 32, 32),
    of("comp", "nexthdr", Type::Protocol, 0, Part::Condition),
    number("comp", "flags", 8, 8),
    number("comp", "cpi", 16, 16),
    number("gre", "flags", 0, 5),
    number("gre", "version", 13, 3),
    of("gre", "protocol", Type::EtherType, 16, Part::Condition),
];

/// The protocols whose header a name is of.
fn protocols(header: &str) -> &'static [u8] {
    match header {
        "tcp" => &[6],
        "udp" => &[17],
        "udplite" => &[136],
        "sctp" => &[132],
        "dccp" => &[33],
        "icmp" => &[1],
        "icmpv6" => &[58],
        "igmp" => &[2],
        "ah" => &[51],
        "esp" => &[50],
        "comp" => &[108],
        "gre" => &[47],
        _ => &[],
    }
}

/// The header field of these names.
pub fn payload(header: &str, field: &str) -> Option<&'static Payload> {
    PAYLOADS.iter().find(|p| p.header == header && p.field == field)
}

/// What a header field reads.
pub fn select(header: &str, field: &str, span: Span, known: &mut Known) -> Parsed<Selector> {
    let Some(found) = payload(header, field) else {
        if matches!(header, "vxlan" | "geneve" | "gretap") {
            return tunnelled(header, field, span, known);
        }
        return Err(unknown(header, field, span));
    };
    let guard = requirement(found, span, known)?;
    Ok(reading(found, known).guarded(guard))
}

/// What must be so that the header is there.
fn requirement(found: &Payload, span: Span, known: &mut Known) -> Parsed<Match> {
    Ok(match found.header {
        "ip" => known.need_family(Family::V4, span)?,
        "ip6" => known.need_family(Family::V6, span)?,
        "ether" => known.need_ethernet(),
        "vlan" if known.packets == Packets::Frames => frame("vlan"),
        "vlan" => Match::all([known.need_ethernet(), frame("vlan")]),
        "arp" => arp(span, known)?,
        "th" => known.packets.are_ip(),
        "icmp" => icmp(found, Family::V4, span, known)?,
        "icmpv6" => icmp(found, Family::V6, span, known)?,
        header => known.need_protocols(protocols(header), span)?,
    })
}

fn arp(span: Span, known: &Known) -> Parsed<Match> {
    match known.packets {
        Packets::Arp => Ok(Match::Always),
        Packets::Frames => Ok(frame("arp")),
        Packets::Device => Ok(ether_type_is(&[ETHER_ARP])),
        _ => {
            Err(Problem::new(span, "conflicting protocols: there is no ARP in an IP table")
                .help("nft refuses the rule"))
        }
    }
}

/// ICMP's message is of the family's own protocol; in the other family nothing is known of it but the number. Some
/// fields are of some types only.
fn icmp(found: &Payload, family: Family, span: Span, known: &mut Known) -> Parsed<Match> {
    let of_family = match known.family {
        None if !known.packets.is_arp() => known.need_family(family, span)?,
        _ => Match::Always,
    };
    let message = known.need_protocols(&[family.icmp()], span)?;
    let types: &[u128] = match (found.header, found.field) {
        ("icmp", "id" | "sequence") => &[0, 8],
        ("icmp", "gateway") => &[5],
        ("icmp", "mtu") => &[3],
        ("icmpv6", "id" | "sequence") => &[128, 129],
        ("icmpv6", "packet-too-big" | "mtu") => &[2],
        ("icmpv6", "parameter-problem") => &[4],
        ("icmpv6", "max-delay") => &[130],
        _ => &[],
    };
    let of_type = match types {
        [] => Match::Always,
        _ if known.family != Some(family) => Match::Always,
        types => Match::ranges(Field::IcmpType, crate::packet::Ranges::from_values(types.iter().copied())),
    };
    Ok(Match::all([of_family, message, of_type]))
}

fn reading(found: &Payload, known: &Known) -> Selector {
    let words = format!("{}: {}", found.header, found.field);
    let by = |source| Selector::new(found.kind, source, words.clone());
    let condition = Source::Condition(OpaqueKind::Pure);
    match found.part {
        // The message of the other family's ICMP, and the addresses of ARP in a frame of a bridge.
        Part::Is(Field::IcmpType | Field::IcmpCode) if !own_icmp(found, known) => by(condition),
        Part::Is(Field::Src | Field::Dst) if found.header == "arp" && known.packets == Packets::Frames => by(condition),
        Part::Is(field) => by(Source::Field(field)),
        Part::Always(value) => by(Source::Only(vec![(value, Match::Always)])),
        Part::Protocol => by(Source::Field(Field::Proto)).teaching(Teaches::Protocol),
        Part::NextHeader => by(Source::NextHeader).teaching(Teaches::Protocol),
        Part::FragmentOffset => by(Source::FragmentOffset),
        Part::PayloadLength => by(Source::PayloadLength),
        Part::AnyPort(field) => {
            let has_ports = known.protocols.as_ref().is_some_and(|p| p.iter().all(|p| WITH_PORTS.contains(p)));
            match has_ports {
                true => by(Source::Field(field)).guarded(whole()),
                false => by(Source::Port(field)),
            }
        }
        Part::EtherType => Selector { kind: found.kind, ..ether_type(known) },
        Part::Condition if found.header == "dccp" => Selector::new(found.kind, condition, "dccp: dccp-types"),
        Part::Condition => by(condition),
    }
}

fn own_icmp(found: &Payload, known: &Known) -> bool {
    let family = if found.header == "icmp" { Family::V4 } else { Family::V6 };
    known.family == Some(family)
}

/// Headers inside of UDP tunnels (`vxlan vni`, `vxlan ip saddr`).
fn tunnelled(header: &str, field: &str, span: Span, known: &mut Known) -> Parsed<Selector> {
    let outer = if header == "gretap" { 47 } else { 17 };
    let guard = known.need_protocols(&[outer], span)?;
    let kind = field.split_once(' ').and_then(|(inner, field)| payload(inner, field)).map(|p| p.kind);
    let kind = kind.unwrap_or(Type::Integer(24));
    Ok(Selector::new(kind, Source::Condition(OpaqueKind::Pure), format!("{header}: {field}")).guarded(guard))
}

/// Bits at an offset: a field of the packet where they are exactly one, else a condition.
pub fn select_raw(base: &str, offset: u32, length: u32, span: Span, known: &mut Known) -> Parsed<Selector> {
    if length == 0 || length > 128 {
        return Err(Problem::new(span, format!("{length} bits cannot be read at once")).help("nft takes 1 to 128"));
    }
    if let Some(found) = aligned(base, offset, length, known) {
        let selector = reading(found, known);
        let header = if base == "th" { whole() } else { Match::Always };
        let kind = Type::Integer(length);
        return Ok(Selector { kind, ..selector }.guarded(header));
    }
    let words = format!("payload: {base} {offset} {length}");
    let header = if base == "th" { whole() } else { Match::Always };
    Ok(Selector::new(Type::Integer(length), Source::Condition(OpaqueKind::Pure), words).guarded(header))
}

/// The field that lies there in every packet that is left.
fn aligned(base: &str, offset: u32, length: u32, known: &Known) -> Option<&'static Payload> {
    let headers: Vec<&str> = match (base, known.family, known.protocols.as_deref()) {
        ("nh", Some(Family::V4), _) if !known.packets.is_arp() => vec!["ip"],
        ("nh", Some(Family::V6), _) => vec!["ip6"],
        ("nh", ..) if known.packets.is_arp() => vec!["arp"],
        ("th", family, Some(protocols)) if !protocols.is_empty() => {
            let of = |p: &u8| match p {
                6 => Some("tcp"),
                17 => Some("udp"),
                33 => Some("dccp"),
                132 => Some("sctp"),
                136 => Some("udplite"),
                1 if family == Some(Family::V4) => Some("icmp"),
                58 if family == Some(Family::V6) => Some("icmpv6"),
                _ => None,
            };
            protocols.iter().map(of).collect::<Option<Vec<_>>>()?
        }
        ("th", ..) => vec!["th"],
        _ => return None,
    };
    let at = |header: &&str| PAYLOADS.iter().find(|p| p.header == *header && p.at == offset && p.kind.bits() == length);
    let mut found = headers.iter().map(at).collect::<Option<Vec<_>>>()?.into_iter();
    let first = found.next()?;
    found.all(|other| other.part == first.part).then_some(first)
}

fn unknown(header: &str, field: &str, span: Span) -> Problem {
    let of_header = PAYLOADS.iter().filter(|p| p.header == header).map(|p| p.field);
    let near = nearest(field, of_header).map(|n| format!("did you mean `{header} {n}`?"));
    Problem::new(span, format!("there is no header field `{header} {field}`")).help_if(near)
}
