//! Matches below IP: mac, physdev, pkttype (`net/netfilter/xt_mac.c`, `xt_physdev.c`, `xt_pkttype.c`).

use super::{MatchSpec, Reader, Scope};
use crate::dialect::iptables::interfaces::pattern;
use crate::dialect::iptables::options::{Given, Parsed, Use, flag, value};
pub use crate::dialect::numbers::parse_mac;
use crate::packet::{Field, IfacePattern, IfaceSide, Ranges};
use crate::ruleset::{Match, Negate, NfHook};

/// The modules of this file.
pub const MATCHES: &[MatchSpec] = &[
    MatchSpec::new(
        "mac",
        &[value("mac-source").not()],
        Reader::Exact(mac),
        "packets are taken as Ethernet frames, but for those of `lo`",
    )
    .at_hooks(&[NfHook::Prerouting, NfHook::Input, NfHook::Forward]),
    MatchSpec::new(
        "physdev",
        &[
            value("physdev-in").not(),
            value("physdev-out").not(),
            flag("physdev-is-in").not(),
            flag("physdev-is-out").not(),
            flag("physdev-is-bridged").not(),
        ],
        Reader::Exact(physdev),
        "",
    ),
    MatchSpec::new("pkttype", &[value("pkt-type").not()], Reader::Exact(pkttype), ""),
];

/// `lo` is no Ethernet interface: of its packets the match never holds, negated or not (`mac_mt`).
fn mac(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    let given =
        used.get("mac-source").ok_or_else(|| used.wrong("the address is missing").help("give `--mac-source`"))?;
    let value = parse_mac(given.text()).ok_or_else(|| {
        given.wrong(format!("`{}` is no MAC address", given.text())).help("write six bytes in hexadecimal")
    })?;
    let ethernet = Match::Interface(IfaceSide::In, IfacePattern::exact("lo")).negated_if(Negate::Yes);
    Ok(Match::all([ethernet, Match::ranges(Field::Mac, Ranges::one(value)).negated_if(given.negate)]))
}

/// Without a bridge port, plain options fail and negated ones hold; `! --physdev-out` of a packet that came over a
/// bridge but has no port to go out by fails, too.
fn physdev(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    if used.given.is_empty() {
        return Err(used.wrong("`physdev` has no condition").help("give for example `--physdev-in`"));
    }
    Ok(Match::all(used.given.iter().map(bridge_port).collect::<Parsed<Vec<_>>>()?))
}

fn bridge_port(given: &Given<'_>) -> Parsed<Match> {
    let in_port = Match::Present(IfaceSide::PhysIn);
    let out_port = Match::Present(IfaceSide::PhysOut);
    Ok(match given.spec.name {
        "physdev-in" => Match::Interface(IfaceSide::PhysIn, pattern(given)?).negated_if(given.negate),
        "physdev-out" => {
            let named = Match::Interface(IfaceSide::PhysOut, pattern(given)?);
            if given.negate == Negate::No {
                Match::all([out_port, named])
            } else {
                let no_bridge = in_port.negated_if(Negate::Yes);
                Match::all([named.negated_if(Negate::Yes), Match::any([out_port, no_bridge])])
            }
        }
        "physdev-is-in" => in_port.negated_if(given.negate),
        _ => out_port.negated_if(given.negate),
    })
}

fn pkttype(used: &Use<'_>, _: &Scope<'_>) -> Parsed<Match> {
    let given = used.get("pkt-type").ok_or_else(|| used.wrong("the type is missing").help("give `--pkt-type`"))?;
    let value = match given.text().to_ascii_lowercase().as_str() {
        "unicast" | "host" => 0,
        "broadcast" | "bcast" => 1,
        "multicast" | "mcast" => 2,
        "otherhost" => 3,
        other => {
            return Err(given
                .wrong(format!("there is no packet type `{other}`"))
                .help("the types are unicast, broadcast, multicast and otherhost"));
        }
    };
    Ok(Match::ranges(Field::PktType, Ranges::one(value)).negated_if(given.negate))
}
