//! Words that stand for addresses or ports which only the machine knows: what they are called in each form, and
//! what the device's facts say about them.

use super::values::{Read, Wrong};
use crate::dialect::nearest;
use crate::packet::{Family, Field, Ranges};
use crate::ruleset::{DeviceFacts, Match, Opaque, OpaqueKind};

/// One keyword.
#[derive(Debug)]
pub struct Keyword {
    /// Its token in rule strings, and its name in `device.toml`.
    pub name: &'static str,
    /// Other tokens for it: of rule strings, PowerShell and `netsh`.
    pub also: &'static [&'static str],
    /// What it stands for, in words.
    pub says: &'static str,
}

/// Keywords for remote addresses ([MS-GPFAS] 2.2.2.13, [MS-FASP] 2.2.21; PowerShell and netsh names from their
/// reference pages).
pub const ADDRESSES: &[Keyword] = &[
    Keyword { name: "LocalSubnet", also: &[], says: "the subnets of the device; from `addresses` where not given" },
    Keyword { name: "DNS", also: &[], says: "its DNS servers" },
    Keyword { name: "DHCP", also: &[], says: "its DHCP servers" },
    Keyword { name: "WINS", also: &[], says: "its WINS servers" },
    Keyword { name: "DefaultGateway", also: &[], says: "its default gateways" },
    Keyword { name: "IntrAnet", also: &[], says: "the private network as Windows sees it" },
    Keyword { name: "RmtIntrAnet", also: &["IntranetRemoteAccess"], says: "the private network over remote access" },
    Keyword { name: "IntErnet", also: &[], says: "everything else" },
    Keyword { name: "Ply2Renders", also: &["PlayToDevice"], says: "devices that play media" },
    Keyword { name: "CaptivePortal", also: &[], says: "the portal of the network" },
];

/// Keywords for ports ([MS-GPFAS] 2.2.2.3, [MS-FASP] 2.2.14).
pub const PORTS: &[Keyword] = &[
    Keyword { name: "RPC", also: &[], says: "dynamic RPC ports in use" },
    Keyword { name: "RPC-EPMap", also: &["RPCEPMap"], says: "the endpoint mapper" },
    Keyword { name: "Teredo", also: &[], says: "the Teredo port" },
    Keyword { name: "IPHTTPSIn", also: &["IPTLSIn", "IPHTTPS"], says: "incoming IP over HTTPS" },
    Keyword { name: "IPHTTPSOut", also: &["IPTLSOut"], says: "outgoing IP over HTTPS" },
    Keyword { name: "DHCP", also: &[], says: "DHCP" },
    Keyword { name: "Ply2Disc", also: &["PlayToDiscovery"], says: "discovery of media devices" },
    Keyword { name: "mDNS", also: &[], says: "multicast DNS" },
    Keyword { name: "CortanaOut", also: &[], says: "outgoing traffic of Cortana" },
    Keyword { name: "TcpCDPSvc", also: &["ProximalTcpCdp"], says: "connected devices" },
];

/// The keyword of a table with this name.
///
/// # Errors
/// A word that is none, with the nearest one.
pub fn find(table: &'static [Keyword], text: &str) -> Read<&'static Keyword> {
    let names = |k: &Keyword| [k.name].into_iter().chain(k.also.iter().copied()).any(|n| n.eq_ignore_ascii_case(text));
    table.iter().find(|k| names(k)).ok_or_else(|| {
        let near = nearest(text, table.iter().map(|k| k.name)).map(|n| format!("did you mean `{n}`? "));
        let known: Vec<&str> = table.iter().map(|k| k.name).collect();
        Wrong::new(format!("unknown keyword `{text}`")).help(format!(
            "{}the keywords are: {}",
            near.unwrap_or_default(),
            known.join(", ")
        ))
    })
}

/// The packets of `family` whose `field` is one of the addresses that a keyword stands for.
pub fn address_match(keyword: &Keyword, family: Family, field: Field, facts: &DeviceFacts) -> Match {
    let known = facts.keywords.get(&keyword.name.to_ascii_lowercase()).map(|fact| match family {
        Family::V4 => fact.v4.clone(),
        Family::V6 => fact.v6.clone(),
    });
    let known = known.or_else(|| (keyword.name == "LocalSubnet").then(|| local_subnets(facts, family)).flatten());
    known.map_or_else(|| pure("address keyword", keyword.name), |addresses| Match::ranges(field, addresses))
}

/// The subnets of the device's own addresses, and for IPv6 the link itself, whose prefix every interface has
/// (RFC 4291 section 2.5.6). `None` where no address of the family says how long its prefix is.
fn local_subnets(facts: &DeviceFacts, family: Family) -> Option<Ranges> {
    let own = facts.addresses.as_ref()?.iter().filter(|n| (n.max_prefix_len() == 32) == (family == Family::V4));
    let nets: Vec<_> = own.filter(|n| n.prefix_len() < n.max_prefix_len()).collect();
    let ends = nets.iter().map(|n| (super::values::number_of(n.network()), super::values::number_of(n.broadcast())));
    let link = (0xfe80_u128 << 112, (0xfe80_u128 << 112) | u128::from(u64::MAX));
    let link = (family == Family::V6).then_some(link);
    (!nets.is_empty()).then(|| Ranges::from_unsorted(ends.chain(link).collect()))
}

/// The packets whose port `field` is one that a keyword stands for.
pub fn port_match(keyword: &Keyword, field: Field, facts: &DeviceFacts) -> Match {
    match facts.keywords.get(&keyword.name.to_ascii_lowercase()) {
        Some(fact) if !fact.ports.is_empty() => Match::ranges(field, fact.ports.clone()),
        _ => pure("port keyword", keyword.name),
    }
}

/// A condition that is a function of the packet: one boolean for each name.
pub fn pure(module: &str, value: &str) -> Match {
    Match::Opaque(Opaque { name: format!("{module}: {value}").into(), kind: OpaqueKind::Pure })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_found_in_any_case_and_none_stands_for_two() {
        assert_eq!(find(PORTS, "rpc-epmap").unwrap().name, "RPC-EPMap");
        assert_eq!(find(ADDRESSES, "PlayToDevice").unwrap().name, "Ply2Renders");
        assert!(find(ADDRESSES, "LocalSubnets").unwrap_err().help.unwrap().starts_with("did you mean `LocalSubnet`?"));
        for table in [ADDRESSES, PORTS] {
            let all: Vec<String> = table
                .iter()
                .flat_map(|k| [k.name].into_iter().chain(k.also.iter().copied()))
                .map(str::to_ascii_lowercase)
                .collect();
            let distinct: std::collections::BTreeSet<&String> = all.iter().collect();
            assert_eq!(distinct.len(), all.len());
        }
    }

    #[test]
    fn the_local_subnet_follows_from_the_addresses_where_they_have_prefixes() {
        let facts = |addresses: &[&str]| DeviceFacts {
            addresses: Some(addresses.iter().map(|a| a.parse().unwrap()).collect()),
            ..DeviceFacts::default()
        };
        let known = facts(&["10.1.2.3/24", "2001:db8::7/64"]);
        assert_eq!(local_subnets(&known, Family::V4).unwrap(), Ranges::range(0x0a01_0200, 0x0a01_02ff));
        assert!(local_subnets(&known, Family::V6).unwrap().contains(0xfe80_u128 << 112));
        assert_eq!(local_subnets(&facts(&["10.1.2.3/32"]), Family::V4), None);
        assert_eq!(local_subnets(&facts(&["10.1.2.3/24"]), Family::V6), None);
    }
}
