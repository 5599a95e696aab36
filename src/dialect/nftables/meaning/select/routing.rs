//! Questions to the routing tables, to sockets, and to numbers made on the spot (`net/netfilter/nft_fib.c`,
//! `nft_rt.c`, `nft_socket.c`, `nft_numgen.c`, `nft_hash.c`).

use super::meta::yes_or_no;
use super::{Selector, Source};
use crate::dialect::Problem;
use crate::dialect::addrtype::{ADDRESS_TYPES, AddressTypes};
use crate::dialect::conditions::condition;
use crate::dialect::nftables::meaning::Parsed;
use crate::dialect::nftables::meaning::known::{Known, Packets};
use crate::dialect::nftables::meaning::types::Type;
use crate::packet::{Family, Field};
use crate::ruleset::{DeviceFacts, Match, OpaqueKind, Span};

const PURE: OpaqueKind = OpaqueKind::Pure;

/// `fib FLAGS RESULT`.
pub fn fib(flags: &[String], result: &str, span: Span, known: &mut Known, facts: &DeviceFacts) -> Parsed<Selector> {
    let has = |flag: &str| flags.iter().any(|f| f == flag);
    if has("saddr") == has("daddr") {
        return Err(Problem::new(span, "`fib` asks for exactly one of `saddr` and `daddr`"));
    }
    if matches!(known.packets, Packets::Frames | Packets::Arp) {
        return Err(Problem::new(span, "`fib` cannot be asked at this hook").help("the kernel refuses the rule"));
    }
    match result {
        "type" => Ok(address_type(has("saddr"), flags, known, facts)),
        "oif" | "oifname" | "check" => Ok(route(result, flags)),
        _ => {
            Err(Problem::new(span, format!("`fib` has no result `{result}`"))
                .help("ask for `oif`, `oifname` or `type`"))
        }
    }
}

/// The type of an address, as `addrtype` of iptables knows it; numbers are those of the routing tables.
fn address_type(source: bool, flags: &[String], known: &Known, facts: &DeviceFacts) -> Selector {
    let field = if source { Field::Src } else { Field::Dst };
    let limit = flags.iter().find_map(|f| match f.as_str() {
        "iif" => Some("limit-iface-in"),
        "oif" => Some("limit-iface-out"),
        _ => None,
    });
    let of = |family: Family, name: &str| AddressTypes { field, family, limit, facts }.of(name);
    let one = |name: &str| match known.family {
        Some(family) => of(family, name),
        None => Match::any(Family::ALL.map(|family| Match::all([known.packets.of_family(family), of(family, name)]))),
    };
    let table = ADDRESS_TYPES.iter().enumerate().map(|(n, name)| (n as u128, one(name)));
    Selector::new(Type::AddressType, Source::Only(table.collect()), format!("fib: {} type", flags.join(" ")))
}

/// Whether there is a route back is what `rpfilter` of iptables asks, too.
fn route(result: &str, flags: &[String]) -> Selector {
    let has = |flag: &str| flags.iter().any(|f| f == flag);
    let mut words = String::from("rpfilter:");
    for (is_given, word) in [(!has("iif"), " loose"), (has("mark"), " validmark")] {
        words += if is_given { word } else { "" };
    }
    let exists = if has("saddr") && !has("oif") { words } else { format!("fib: {} exists", flags.join(" ")) };
    let holds = condition(exists, PURE);
    let names = format!("fib: {} {result}", flags.join(" "));
    match result {
        "check" => Selector::new(Type::Boolean, Source::Only(yes_or_no(holds)), names),
        "oifname" => Selector::new(Type::InterfaceName, Source::Some(yes_or_no(holds), PURE), names),
        // An interface index of 0 says that there is none.
        _ => {
            let missing = yes_or_no(holds).swap_remove(0);
            Selector::new(Type::InterfaceIndex, Source::Some(vec![missing], PURE), names)
        }
    }
}

/// `rt`, `socket`, `numgen`, ...: pure functions of the packet but for numbers that count or are drawn.
pub fn other(words: &[String], span: Span, known: &mut Known) -> Parsed<Selector> {
    let all: Vec<&str> = words.iter().map(String::as_str).collect();
    let text = all.join(" ");
    let by = |kind, name: String| Selector::new(kind, Source::Condition(PURE), name);
    Ok(match all.as_slice() {
        ["rt", "classid"] => by(Type::Realm, "realm:".to_owned()),
        ["rt", "ipsec"] => {
            let holds = condition("policy: dir out pol ipsec", PURE);
            Selector::new(Type::Boolean, Source::Only(yes_or_no(holds)), "rt: ipsec")
        }
        ["rt", "mtu"] => by(Type::Integer(16), "rt: mtu".to_owned()),
        ["rt", "ip", "nexthop"] => {
            let guard = known.need_family(Family::V4, span)?;
            by(Type::Ipv4, "rt: nexthop".to_owned()).guarded(guard)
        }
        ["rt", "ip6", "nexthop"] => {
            let guard = known.need_family(Family::V6, span)?;
            by(Type::Ipv6, "rt: nexthop".to_owned()).guarded(guard)
        }
        ["rt", "nexthop"] => {
            let family = known.family.ok_or_else(|| {
                Problem::new(span, "`rt nexthop` does not say of which family")
                    .help("write `rt ip nexthop` or `rt ip6 nexthop`")
            })?;
            let kind = if family == Family::V6 { Type::Ipv6 } else { Type::Ipv4 };
            by(kind, "rt: nexthop".to_owned())
        }
        ["socket", "transparent" | "wildcard"] => {
            let holds = condition(format!("socket: {}", all.last().unwrap_or(&"")), PURE);
            let found = condition("socket:", PURE);
            Selector::new(Type::Integer(1), Source::Only(yes_or_no(holds)), text).guarded(found)
        }
        ["socket", "mark"] => by(Type::Mark, "socket: mark".to_owned()),
        ["socket", ..] => by(Type::Cgroup, text.replacen("socket ", "socket: ", 1)),
        ["osf", ..] => by(Type::Text, "osf: genre".to_owned()),
        ["numgen", ..] => Selector::new(Type::Integer(32), Source::Condition(OpaqueKind::PerRule), colon(&text)),
        ["jhash" | "symhash" | "ipsec" | "tunnel" | "xfrm", ..] => by(kind_of(&all), colon(&text)),
        _ => return Err(Problem::new(span, format!("`{text}` is no expression that can be read"))),
    })
}

fn colon(text: &str) -> String {
    text.replacen(' ', ": ", 1)
}

fn kind_of(words: &[&str]) -> Type {
    match words.last() {
        Some(&("saddr" | "daddr")) if words.contains(&"ip6") => Type::Ipv6,
        Some(&("saddr" | "daddr")) => Type::Ipv4,
        _ => Type::Integer(32),
    }
}
