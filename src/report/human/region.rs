//! Regions in words, in columns: who, to whom, what, and under which further circumstances.

use crate::packet::{Family, Ranges, Region, address_texts, protocol_name};
use crate::report::visible;
use std::net::IpAddr;

/// Most entries of a list that are shown.
const MOST_ENTRIES: usize = 6;

/// The lines of regions, with columns of equal width. Neighbours that differ in protocol alone share a line.
pub fn region_lines(regions: &[Region], most: usize) -> (Vec<String>, usize) {
    let (rows, more) = region_rows(regions, most);
    let width = |column: usize| rows.iter().map(|r| r[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let line = |r: &[String; 4]| {
        let cells = (0..3).map(|i| format!("{:<1$}", r[i], widths[i]));
        let start = cells.collect::<Vec<_>>().join("  ");
        format!("{start}  {}", r[3]).trim_end().to_owned()
    };
    (rows.iter().map(line).collect(), more)
}

/// The rows of regions: who, to whom, which service, and under which further circumstances; and how many there are beyond
/// `most`.
pub fn region_rows(regions: &[Region], most: usize) -> (Vec<[String; 4]>, usize) {
    let joined = join_protocols(regions);
    (joined.iter().take(most).map(row).collect(), joined.len().saturating_sub(most))
}

/// One region in one line.
pub fn region_words(region: &Region) -> String {
    row(region).into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn join_protocols(regions: &[Region]) -> Vec<Region> {
    let mut out: Vec<Region> = Vec::new();
    for region in regions {
        let same = |other: &&mut Region| {
            let without = |r: &Region| Region { proto: None, ..r.clone() };
            other.proto.is_some() && region.proto.is_some() && without(other) == without(region)
        };
        match out.last_mut().filter(same) {
            Some(last) => last.proto.iter_mut().for_each(|all| all.extend(region.proto.iter().flatten().cloned())),
            None => out.push(region.clone()),
        }
    }
    out
}

/// Source, destination, service, and the rest.
fn row(region: &Region) -> [String; 4] {
    let address = |values: &Option<Vec<String>>| values.as_ref().map_or_else(|| "any".to_owned(), |v| addresses(v));
    [
        format!("from {}", address(&region.src)),
        format!("to {}", address(&region.dst)),
        service(region),
        circumstances(region),
    ]
}

/// Addresses, by what is left out where that is shorter.
fn addresses(values: &[String]) -> String {
    match left_out(values) {
        Some(rest) if rest.len() < values.len() => format!("any but {}", list(&rest)),
        _ => list(values),
    }
}

/// The addresses of the family that are not in the list, where it can be read.
fn left_out(values: &[String]) -> Option<Vec<String>> {
    let ranges: Vec<(Family, u128, u128)> = values.iter().map(|v| range(v)).collect::<Option<_>>()?;
    let (family, ..) = *ranges.first()?;
    let rest = Ranges::from_unsorted(ranges.iter().map(|(_, lo, hi)| (*lo, *hi)).collect());
    let rest = rest.complement(family.max_address());
    Some(address_texts(&rest, family))
}

fn range(text: &str) -> Option<(Family, u128, u128)> {
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (first.parse().ok()?, last.parse().ok()?),
        None => text.parse::<ipnet::IpNet>().ok().map(|net| (net.network(), net.broadcast()))?,
    };
    match (first, last) {
        (IpAddr::V4(a), IpAddr::V4(b)) => Some((Family::V4, u32::from(a).into(), u32::from(b).into())),
        (IpAddr::V6(a), IpAddr::V6(b)) => Some((Family::V6, a.into(), b.into())),
        _ => None,
    }
}

fn service(region: &Region) -> String {
    let protocols = match &region.proto {
        None => "any protocol".to_owned(),
        Some(all) => list(&all.iter().map(|p| protocol(p)).collect::<Vec<_>>()),
    };
    let mut out = vec![protocols];
    let mut put = |word: &str, values: &Option<Vec<String>>| {
        out.extend(values.iter().map(|v| format!("{word} {}", list(v))));
    };
    put("from port", &region.sport);
    put("to port", &region.dport);
    put("type", &region.icmp_type);
    put("code", &region.icmp_code);
    put("flags", &region.tcp_flags);
    visible(&out.join(" ")).into_owned()
}

fn protocol(text: &str) -> String {
    let name = |part: &str| part.parse().ok().and_then(protocol_name).map_or_else(|| part.to_owned(), str::to_owned);
    match text.split_once('-') {
        Some((first, last)) => format!("protocols {first}-{last}"),
        None if text.parse().ok().and_then(protocol_name).is_none() => format!("protocol {text}"),
        None => name(text),
    }
}

fn circumstances(region: &Region) -> String {
    let mut out = Vec::new();
    for (word, values) in [("in by", &region.iif), ("out by", &region.oif)] {
        out.extend(values.iter().map(|v| format!("{word} {}", interfaces(v))));
    }
    out.extend(region.state.iter().map(|v| list(v)));
    out.extend(region.more.iter().map(|(field, values)| format!("{field} {}", list(values))));
    out.extend(region.conditions.iter().map(|c| match c.strip_prefix('!') {
        Some(name) => format!("where `{name}` does not hold"),
        None => format!("where `{c}` holds"),
    }));
    visible(&out.join("; ")).into_owned()
}

/// `[A..., "!", B...]` in words.
fn interfaces(values: &[String]) -> String {
    let sign = values.iter().position(|v| v == "!").unwrap_or(values.len());
    let (include, except) = (&values[..sign], values.get(sign + 1..).unwrap_or_default());
    match (include, except) {
        (all, []) => list(all),
        ([], but) => format!("any but {}", list(but)),
        (all, but) => format!("{} but {}", list(all), list(but)),
    }
}

fn list(values: &[String]) -> String {
    let shown = values.iter().take(MOST_ENTRIES).cloned().collect::<Vec<_>>().join(", ");
    let text = match values.len().saturating_sub(MOST_ENTRIES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    };
    visible(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(|v| (*v).to_owned()).collect()
    }

    #[test]
    fn the_shorter_way_to_say_addresses_is_taken() {
        let but_one = texts(&["0.0.0.0-192.0.2.0", "192.0.2.2-255.255.255.255"]);
        assert_eq!(addresses(&but_one), "any but 192.0.2.1/32");
        assert_eq!(addresses(&texts(&["10.0.0.0/8", "192.168.0.0/16"])), "10.0.0.0/8, 192.168.0.0/16");
        assert_eq!(
            addresses(&texts(&[
                "::-2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
                "2001:db9::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
            ])),
            "any but 2001:db8::/32"
        );
    }

    #[test]
    fn interfaces_are_said_in_words() {
        assert_eq!(interfaces(&texts(&["!", "lo"])), "any but lo");
        assert_eq!(interfaces(&texts(&["eth+", "!", "eth0"])), "eth+ but eth0");
    }
}
