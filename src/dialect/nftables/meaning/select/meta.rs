//! `meta`: what stands around a packet (`net/netfilter/nft_meta.c`).

use super::{Reading, Selector, Source, Teaches};
use crate::dialect::conditions::condition;
use crate::dialect::nftables::meaning::Parsed;
use crate::dialect::nftables::meaning::known::{Known, Packets};
use crate::dialect::nftables::meaning::types::Type;
use crate::dialect::{Problem, nearest};
use crate::packet::{Family, Field, IfacePattern, IfaceSide};
use crate::ruleset::{Match, Negate, OpaqueKind, Span};

/// Every key with how it is read.
pub static META: &[(&str, Reading, &str)] = &[
    ("iif", Reading::Exact, "by the interface's name"),
    ("iifname", Reading::Exact, "`eth*` is every name that begins so"),
    ("oif", Reading::Exact, "by the interface's name"),
    ("oifname", Reading::Exact, ""),
    ("l4proto", Reading::Exact, "after extension headers"),
    ("nfproto", Reading::Exact, ""),
    ("protocol", Reading::Partly, "other types than IP by condition"),
    ("mark", Reading::Exact, "bit by bit"),
    ("length", Reading::Exact, ""),
    ("pkttype", Reading::Exact, ""),
    ("iiftype", Reading::Partly, "`ether`: every interface but `lo`"),
    ("oiftype", Reading::Partly, ""),
    ("skuid", Reading::Condition, "as `owner` of iptables"),
    ("skgid", Reading::Condition, "as `owner` of iptables"),
    ("cpu", Reading::Condition, ""),
    ("iifgroup", Reading::Condition, "as `devgroup` of iptables"),
    ("oifgroup", Reading::Condition, "as `devgroup` of iptables"),
    ("cgroup", Reading::Condition, ""),
    ("rtclassid", Reading::Condition, "as `realm` of iptables"),
    ("priority", Reading::Condition, ""),
    ("ipsec", Reading::Condition, "as `policy` of iptables"),
    ("iifkind", Reading::Condition, ""),
    ("oifkind", Reading::Condition, ""),
    ("sdif", Reading::Condition, ""),
    ("sdifname", Reading::Condition, ""),
    ("ibrname", Reading::Condition, "bridge"),
    ("obrname", Reading::Condition, "bridge"),
    ("ibrpvid", Reading::Condition, "bridge"),
    ("ibrvproto", Reading::Condition, "bridge"),
    ("secmark", Reading::Condition, ""),
    ("nftrace", Reading::Condition, ""),
    ("broute", Reading::Condition, "bridge"),
    ("time", Reading::EachRule, ""),
    ("day", Reading::EachRule, ""),
    ("hour", Reading::EachRule, ""),
    ("random", Reading::EachRule, ""),
];

const PURE: OpaqueKind = OpaqueKind::Pure;

/// What a key reads.
pub fn select(key: &str, span: Span, known: &mut Known) -> Parsed<Selector> {
    let simple = |kind, source| Ok(Selector::new(kind, source, format!("meta: {key}")));
    let named = |kind, words: &str| Ok(Selector::new(kind, Source::Condition(PURE), words));
    match key {
        "iif" => simple(Type::InterfaceIndex, Source::Interface(IfaceSide::In)),
        "iifname" => simple(Type::InterfaceName, Source::Interface(IfaceSide::In)),
        "oif" => simple(Type::InterfaceIndex, Source::Interface(IfaceSide::Out)),
        "oifname" => simple(Type::InterfaceName, Source::Interface(IfaceSide::Out)),
        "l4proto" => simple(Type::Protocol, Source::Field(Field::Proto))
            .map(|s| s.teaching(Teaches::Protocol).guarded(known.packets.are_ip())),
        "nfproto" => nfproto(span, known),
        "protocol" => Ok(ether_type(known)),
        "mark" => simple(Type::Mark, Source::Field(Field::Mark)),
        "length" => simple(Type::Integer(32), Source::Field(Field::Length)),
        "pkttype" => simple(Type::PacketType, Source::Field(Field::PktType)),
        "iiftype" => Ok(interface_type(IfaceSide::In, key)),
        "oiftype" => Ok(interface_type(IfaceSide::Out, key)),
        "skuid" => owner(Type::User, "uid-owner"),
        "skgid" => owner(Type::Group, "gid-owner"),
        "cpu" => named(Type::Integer(32), "cpu:"),
        "iifgroup" => present(IfaceSide::In, named(Type::DeviceGroup, "devgroup: src-group")),
        "oifgroup" => present(IfaceSide::Out, named(Type::DeviceGroup, "devgroup: dst-group")),
        "cgroup" => named(Type::Integer(32), "cgroup:"),
        "rtclassid" => named(Type::Realm, "realm:"),
        "priority" => named(Type::ClassId, "meta: priority"),
        "ipsec" | "secpath" => {
            let holds = condition("policy: dir in pol ipsec", PURE);
            simple(Type::Boolean, Source::Only(yes_or_no(holds)))
        }
        "iifkind" | "oifkind" | "ibrname" | "obrname" | "sdifname" => named(Type::Text, &format!("meta: {key}")),
        "ibriport" | "ibridgename" => named(Type::Text, "meta: ibrname"),
        "ibrvproto" => named(Type::EtherType, "meta: ibrvproto"),
        "sdif" => named(Type::InterfaceIndex, "meta: sdif"),
        "ibrpvid" | "secmark" => named(Type::Integer(32), &format!("meta: {key}")),
        "nftrace" | "broute" => named(Type::Integer(1), &format!("meta: {key}")),
        "time" => clock(Type::Time, key),
        "day" => clock(Type::Day, key),
        "hour" => clock(Type::Hour, key),
        "random" => clock(Type::Integer(32), key),
        _ => {
            let near = nearest(key, META.iter().map(|(name, ..)| *name)).map(|n| format!("did you mean `{n}`?"));
            Err(Problem::new(span, format!("there is no `meta {key}`")).help_if(near))
        }
    }
}

fn clock(kind: Type, key: &str) -> Parsed<Selector> {
    let words = if key == "random" { "meta: random".to_owned() } else { format!("time: {key}") };
    Ok(Selector::new(kind, Source::Condition(OpaqueKind::PerRule), words))
}

/// Without a socket there is no owner, and no comparison holds.
fn owner(kind: Type, option: &str) -> Parsed<Selector> {
    let exists = condition("owner: socket-exists", PURE);
    Ok(Selector::new(kind, Source::Condition(PURE), format!("owner: {option}")).guarded(exists))
}

fn present(side: IfaceSide, selector: Parsed<Selector>) -> Parsed<Selector> {
    selector.map(|s| s.guarded(Match::Present(side)))
}

/// The two values of a condition.
pub fn yes_or_no(holds: Match) -> Vec<(u128, Match)> {
    vec![(0, holds.clone().negated_if(Negate::Yes)), (1, holds)]
}

/// The kernel knows `lo` as a loopback interface and is taken to have Ethernet interfaces beside it.
fn interface_type(side: IfaceSide, key: &str) -> Selector {
    let loopback = Match::Interface(side, IfacePattern::exact("lo"));
    let table = vec![(1, loopback.clone().negated_if(Negate::Yes)), (772, loopback)];
    let selector = Selector::new(Type::InterfaceType, Source::Some(table, PURE), format!("meta: {key}"));
    selector.guarded(Match::Present(side))
}

fn nfproto(span: Span, known: &Known) -> Parsed<Selector> {
    let table = match known.packets {
        Packets::Of(_) => {
            return Err(Problem::new(span, "`meta nfproto` is of no use in a table of one family")
                .help("nft takes it only in inet tables"));
        }
        Packets::Both => vec![(2, Match::Family(Family::V4)), (10, Match::Family(Family::V6))],
        Packets::Frames => vec![(7, Match::Always)],
        Packets::Device => vec![(5, Match::Always)],
        Packets::Arp => vec![(3, Match::Always)],
    };
    Ok(Selector::new(Type::NfProtocol, Source::Only(table), "meta: nfproto").teaching(Teaches::Family))
}

/// The Ethernet type of a packet (`meta protocol`), and of a frame (`ether type`).
pub fn ether_type(known: &Known) -> Selector {
    let v4 = (0x0800, Match::Family(Family::V4));
    let v6 = (0x86dd, Match::Family(Family::V6));
    let source = match known.packets {
        Packets::Of(Family::V4) => Source::Only(vec![(0x0800, Match::Always)]),
        Packets::Of(Family::V6) => Source::Only(vec![(0x86dd, Match::Always)]),
        Packets::Both => Source::Only(vec![v4, v6]),
        Packets::Device => Source::Field(Field::EtherType),
        Packets::Frames => Source::Some(vec![v4, v6, (0x0806, frame("arp")), (0x8100, frame("vlan"))], PURE),
        Packets::Arp => Source::Only(vec![(0x0806, Match::Always)]),
    };
    Selector::new(Type::EtherType, source, "ether type:").teaching(Teaches::EtherType)
}

/// The condition that a frame holds neither IPv4 nor IPv6 but this.
pub fn frame(what: &str) -> Match {
    condition(format!("ether type: {what}"), PURE)
}
