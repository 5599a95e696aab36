//! Matches on addresses: iprange and addrtype (`net/netfilter/xt_iprange.c`, `xt_addrtype.c`).

use super::opaque::condition;
use super::{MatchSpec, Reader, Scope};
use crate::dialect::iptables::addresses;
use crate::dialect::iptables::options::{Given, Parsed, Use, flag, value};
use crate::packet::{Family, Field, Ranges};
use crate::ruleset::{Match, OpaqueKind};
use std::net::IpAddr;

/// The modules of this file.
pub const MATCHES: &[MatchSpec] = &[
    MatchSpec::new("iprange", &[value("src-range").not(), value("dst-range").not()], Reader::Exact(iprange), ""),
    MatchSpec::new(
        "addrtype",
        &[value("src-type").not(), value("dst-type").not(), flag("limit-iface-in"), flag("limit-iface-out")],
        Reader::Partly(addrtype),
        "exact where the device's addresses are known (`addresses` in `device.toml`); MULTICAST always",
    ),
];

fn iprange(used: &Use<'_>, scope: &Scope<'_>) -> Parsed<Match> {
    if used.given.is_empty() {
        return Err(used.wrong("`iprange` has no range").help("give `--src-range` or `--dst-range`"));
    }
    let parts = used.given.iter().map(|given| {
        let field = if given.spec.name == "src-range" { Field::Src } else { Field::Dst };
        let (first, last) = addresses::ends(given, given.text(), scope.family)?;
        let values = Ranges::range(first, last);
        let hit = if values.is_empty() { Match::Never } else { Match::ranges(field, values) };
        Ok(hit.negated_if(given.negate))
    });
    Ok(Match::all(parts.collect::<Parsed<Vec<_>>>()?))
}

fn addrtype(used: &Use<'_>, scope: &Scope<'_>) -> Parsed<Match> {
    let limit = if used.has("limit-iface-in") {
        Some("limit-iface-in")
    } else {
        used.has("limit-iface-out").then_some("limit-iface-out")
    };
    let mut parts = Vec::new();
    for given in used.given.iter().filter(|g| g.spec.takes == 1) {
        let side = Side { field: if given.spec.name == "src-type" { Field::Src } else { Field::Dst }, limit, scope };
        parts.push(side.types(given)?.negated_if(given.negate));
    }
    if parts.is_empty() {
        return Err(used.wrong("`addrtype` has no type").help("give `--src-type` or `--dst-type`"));
    }
    Ok(Match::all(parts))
}

/// One side of an addrtype match.
struct Side<'a> {
    field: Field,
    limit: Option<&'static str>,
    scope: &'a Scope<'a>,
}

const TYPES: [&str; 12] = [
    "UNSPEC",
    "UNICAST",
    "LOCAL",
    "BROADCAST",
    "ANYCAST",
    "MULTICAST",
    "BLACKHOLE",
    "UNREACHABLE",
    "PROHIBIT",
    "THROW",
    "NAT",
    "XRESOLVE",
];

/// Types that the kernel refuses for IPv6 (`addrtype_mt_checkentry_v1`).
const V4_TYPES: [&str; 4] = ["BROADCAST", "BLACKHOLE", "PROHIBIT", "UNREACHABLE"];

impl Side<'_> {
    fn types(&self, given: &Given<'_>) -> Parsed<Match> {
        let mut out = Vec::new();
        for name in given.text().split(',') {
            let upper = name.to_ascii_uppercase();
            if !TYPES.contains(&upper.as_str()) {
                return Err(crate::dialect::Problem::new(
                    given.part(name),
                    format!("there is no address type `{name}`"),
                )
                .help(format!("the types are {}", TYPES.join(" "))));
            }
            if self.scope.family == Family::V6 && V4_TYPES.contains(&upper.as_str()) {
                return Err(crate::dialect::Problem::new(
                    given.part(name),
                    format!("IPv6 has no address type `{name}`"),
                ));
            }
            out.push(match self.scope.family {
                Family::V4 => self.v4(&upper),
                Family::V6 => self.v6(&upper),
            });
        }
        // IPv6 asks for all types of the list, IPv4 for one (`match_type6`, `match_type`).
        Ok(if self.scope.family == Family::V6 { Match::all(out) } else { Match::any(out) })
    }

    fn v4(&self, name: &str) -> Match {
        let multicast = Ranges::range(0xe000_0000, 0xefff_ffff);
        let limited = Ranges::range(0, 0x00ff_ffff).union(&Ranges::one(0xffff_ffff));
        match (name, self.local(), self.broadcasts()) {
            ("MULTICAST", ..) => self.within(multicast),
            ("LOCAL", Some(local), _) => self.within(local),
            ("BROADCAST", _, Some(subnets)) => self.within(limited.union(&subnets)),
            ("UNICAST", Some(local), Some(subnets)) => {
                let others = multicast.union(&limited).union(&local).union(&subnets);
                self.within(others.complement(Family::V4.max_address()))
            }
            ("BROADCAST", ..) => {
                let elsewhere = self.within(multicast.complement(Family::V4.max_address()));
                Match::any([self.within(limited), Match::all([elsewhere, self.opaque(name)])])
            }
            ("UNICAST", ..) => {
                let possible = multicast.union(&limited).complement(Family::V4.max_address());
                Match::all([
                    self.within(possible),
                    Match::Not(Box::new(self.opaque("LOCAL"))),
                    Match::Not(Box::new(self.opaque("BROADCAST"))),
                ])
            }
            _ => {
                let possible = multicast.union(&limited).complement(Family::V4.max_address());
                Match::all([self.within(possible), self.opaque(name)])
            }
        }
    }

    fn v6(&self, name: &str) -> Match {
        let multicast = Ranges::range(0xff << 120, u128::MAX);
        match (name, self.local()) {
            ("MULTICAST", _) => self.within(multicast),
            ("UNICAST", _) => {
                let mapped = Ranges::range(0xffff_0000_0000, 0xffff_ffff_ffff);
                self.within(multicast.union(&mapped).union(&Ranges::one(0)).complement(u128::MAX))
            }
            ("UNSPEC", _) => self.within(Ranges::one(0)),
            ("LOCAL", Some(local)) => self.within(local),
            _ => self.opaque(name),
        }
    }

    fn within(&self, ranges: Ranges) -> Match {
        Match::ranges(self.field, ranges)
    }

    fn opaque(&self, name: &str) -> Match {
        let side = if self.field == Field::Src { "src-type" } else { "dst-type" };
        let limit = self.limit.map(|l| format!(" {l}")).unwrap_or_default();
        condition(format!("addrtype: {side} {name}{limit}"), OpaqueKind::Pure)
    }

    /// The device's own addresses with the loopback range; unknown where nobody gave them, or where only those of
    /// one interface count.
    fn local(&self) -> Option<Ranges> {
        let own = self.own()?.map(|net| (address(net.addr()), address(net.addr())));
        let loopback = match self.scope.family {
            Family::V4 => (0x7f00_0000, 0x7fff_fffe),
            Family::V6 => (1, 1),
        };
        Some(own.chain([loopback]).collect())
    }

    /// The last addresses of the device's subnets: `fib_add_ifaddr` makes them broadcast below /31.
    fn broadcasts(&self) -> Option<Ranges> {
        let own = self.own()?.filter(|net| net.prefix_len() < 31).map(|net| address(net.broadcast()));
        Some(Ranges::from_values(own.chain([0x7fff_ffff])))
    }

    fn own(&self) -> Option<impl Iterator<Item = &ipnet::IpNet>> {
        let family = self.scope.family;
        let nets = self.scope.facts.addresses.as_ref().filter(|_| self.limit.is_none())?;
        Some(nets.iter().filter(move |n| n.addr().is_ipv4() == (family == Family::V4)))
    }
}

fn address(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(a) => u32::from(a).into(),
        IpAddr::V6(a) => a.into(),
    }
}
