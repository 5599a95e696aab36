//! Matches on addresses: iprange and addrtype (`net/netfilter/xt_iprange.c`, `xt_addrtype.c`).

use super::{MatchSpec, Reader, Scope};
use crate::dialect::addrtype::{ADDRESS_TYPES, AddressTypes};
use crate::dialect::iptables::addresses;
use crate::dialect::iptables::options::{Given, Parsed, Use, flag, value};
use crate::packet::{Family, Field, Ranges};
use crate::ruleset::Match;

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
        let field = if given.spec.name == "src-type" { Field::Src } else { Field::Dst };
        let side = AddressTypes { field, family: scope.family, limit, facts: scope.facts };
        parts.push(types(&side, given)?.negated_if(given.negate));
    }
    if parts.is_empty() {
        return Err(used.wrong("`addrtype` has no type").help("give `--src-type` or `--dst-type`"));
    }
    Ok(Match::all(parts))
}

/// Types that the kernel refuses for IPv6 (`addrtype_mt_checkentry_v1`).
const V4_TYPES: [&str; 4] = ["BROADCAST", "BLACKHOLE", "PROHIBIT", "UNREACHABLE"];

/// The types that an option lists.
fn types(side: &AddressTypes<'_>, given: &Given<'_>) -> Parsed<Match> {
    let mut out = Vec::new();
    for name in given.text().split(',') {
        let upper = name.to_ascii_uppercase();
        if !ADDRESS_TYPES.contains(&upper.as_str()) {
            return Err(crate::dialect::Problem::new(given.part(name), format!("there is no address type `{name}`"))
                .help(format!("the types are {}", ADDRESS_TYPES.join(" "))));
        }
        if side.family == Family::V6 && V4_TYPES.contains(&upper.as_str()) {
            return Err(crate::dialect::Problem::new(given.part(name), format!("IPv6 has no address type `{name}`")));
        }
        out.push(side.of(&upper));
    }
    // IPv6 asks for all types of the list, IPv4 for one (`match_type6`, `match_type`).
    Ok(if side.family == Family::V6 { Match::all(out) } else { Match::any(out) })
}
