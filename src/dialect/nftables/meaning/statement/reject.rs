//! `reject`: what it answers, in the words of iptables, so that both dialects refuse alike
//! (`net/netfilter/nft_reject_inet.c`).

use super::End;
use crate::dialect::nftables::meaning::Parsed;
use crate::dialect::nftables::meaning::known::Packets;
use crate::dialect::nftables::meaning::rule::Reader;
use crate::dialect::{Problem, nearest};
use crate::packet::Family;
use crate::ruleset::{Match, NfHook, Span, Verdict};

/// Kinds of ICMP with the names of iptables.
const ICMP: [(&str, &str); 7] = [
    ("net-unreachable", "icmp-net-unreachable"),
    ("host-unreachable", "icmp-host-unreachable"),
    ("prot-unreachable", "icmp-proto-unreachable"),
    ("port-unreachable", "icmp-port-unreachable"),
    ("net-prohibited", "icmp-net-prohibited"),
    ("host-prohibited", "icmp-host-prohibited"),
    ("admin-prohibited", "icmp-admin-prohibited"),
];

/// The same for ICMPv6.
const ICMPV6: [(&str, &str); 6] = [
    ("no-route", "icmp6-no-route"),
    ("admin-prohibited", "icmp6-adm-prohibited"),
    ("addr-unreachable", "icmp6-addr-unreachable"),
    ("port-unreachable", "icmp6-port-unreachable"),
    ("policy-fail", "icmp6-policy-fail"),
    ("reject-route", "icmp6-reject-route"),
];

/// Kinds that each family has (`nft_reject_icmp_code`, `nft_reject_icmpv6_code`).
const ICMPX: [(&str, &str, &str); 4] = [
    ("no-route", "icmp-net-unreachable", "icmp6-no-route"),
    ("port-unreachable", "icmp-port-unreachable", "icmp6-port-unreachable"),
    ("host-unreachable", "icmp-host-unreachable", "icmp6-addr-unreachable"),
    ("admin-prohibited", "icmp-admin-prohibited", "icmp6-adm-prohibited"),
];

const HOOKS: &[NfHook] = &[
    NfHook::Prerouting,
    NfHook::Input,
    NfHook::Forward,
    NfHook::Output,
    NfHook::Ingress,
    NfHook::BridgePrerouting,
    NfHook::BridgeInput,
];

/// Refuses the packet.
///
/// # Errors
/// Kinds that do not exist or do not fit the family.
pub fn read(reader: &mut Reader<'_, '_>, words: &[String], span: Span) -> Parsed<End> {
    if reader.scope.packets == Packets::Arp {
        return Err(Problem::new(span, "nobody answers ARP with a refusal").help("nft refuses the rule; use `drop`"));
    }
    reader.place("reject", HOOKS, span);
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|w| *w != "type").collect();
    match words.as_slice() {
        [] => usual(reader),
        ["tcp", "reset"] => {
            let guard = reader.known.need_protocols(&[6], span)?;
            reader.only_if(guard);
            reader.decide(Verdict::Reject("tcp-reset".into()));
        }
        ["icmp", kind] => one(reader, Family::V4, &ICMP, kind, span)?,
        ["icmpv6", kind] => one(reader, Family::V6, &ICMPV6, kind, span)?,
        ["icmpx", kind] => either(reader, kind, span)?,
        other => {
            let message = format!("there is no kind of refusal `{}`", other.join(" "));
            return Err(Problem::new(span, message).help("the kinds are `icmp`, `icmpv6`, `icmpx` and `tcp reset`"));
        }
    }
    Ok(End::Decides)
}

/// Without a kind the port is unreachable.
fn usual(reader: &mut Reader<'_, '_>) {
    decide_by_family(reader, "icmp-port-unreachable", "icmp6-port-unreachable");
}

fn decide_by_family(reader: &mut Reader<'_, '_>, v4: &str, v6: &str) {
    let of = |kind: &str| Verdict::Reject(kind.into());
    match reader.known.family {
        Some(Family::V4) => reader.decide(of(v4)),
        Some(Family::V6) => reader.decide(of(v6)),
        None => {
            // What is neither IPv4 nor IPv6 gets no answer (`nft_reject_bridge.c`, `nft_reject_netdev.c`).
            let packets = reader.scope.packets;
            let mut entries = vec![(packets.of_family(Family::V4), of(v4)), (packets.of_family(Family::V6), of(v6))];
            if packets == Packets::Device {
                entries.push((Match::Always, Verdict::Drop));
            }
            reader.choose(entries);
        }
    }
}

fn one(reader: &mut Reader<'_, '_>, family: Family, kinds: &[(&str, &str)], kind: &str, span: Span) -> Parsed<()> {
    let guard = reader.known.need_family(family, span)?;
    let known = by_name_or_code(kinds, kind, family).ok_or_else(|| {
        let near = nearest(kind, kinds.iter().map(|(name, _)| *name)).map(|n| format!("did you mean `{n}`?"));
        Problem::new(span, format!("there is no kind of refusal `{kind}`")).help_if(near)
    })?;
    reader.only_if(guard);
    reader.decide(Verdict::Reject(known.into()));
    Ok(())
}

fn by_name_or_code<'k>(kinds: &[(&str, &'k str)], kind: &str, family: Family) -> Option<&'k str> {
    let codes: &[&str] = match family {
        Family::V4 => &["0", "1", "2", "3", "9", "10", "13"],
        Family::V6 => &["0", "1", "3", "4", "5", "6"],
    };
    let at = codes.iter().position(|c| *c == kind).or_else(|| kinds.iter().position(|(name, _)| *name == kind));
    at.and_then(|at| kinds.get(at)).map(|(_, spelled)| *spelled)
}

fn either(reader: &mut Reader<'_, '_>, kind: &str, span: Span) -> Parsed<()> {
    if matches!(reader.scope.packets, Packets::Of(_)) {
        return Err(Problem::new(span, "`icmpx` is for tables of both families")
            .help("nft refuses it here; write `icmp` or `icmpv6`"));
    }
    let found = ICMPX.iter().enumerate().find(|(code, (name, ..))| *name == kind || code.to_string() == kind);
    let (_, (_, v4, v6)) = found.ok_or_else(|| {
        let near = nearest(kind, ICMPX.iter().map(|(name, ..)| *name)).map(|n| format!("did you mean `{n}`?"));
        Problem::new(span, format!("there is no kind of refusal `{kind}`")).help_if(near)
    })?;
    decide_by_family(reader, v4, v6);
    Ok(())
}
