//! The routes and policy rules of a device, as they are loaded in a namespace.

use crate::packet::Family;
use crate::routes::{Dimension, LoadLine, Part, RouteType, Routing, Rule, Table, route_lines, rule_lines};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is brought about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteJob {
    /// The interfaces that routes and rules name.
    pub interfaces: Vec<String>,
    /// Addresses that must be the device's own before its routes can be loaded, each with an interface.
    pub addresses: Vec<(IpAddr, String)>,
    /// Tables that are emptied first, by family (4 or 6): those that the files give.
    pub emptied: Vec<(u8, String)>,
    /// Families of which some file gives rules.
    pub ruled: Vec<u8>,
    /// What is loaded, in order.
    pub lines: Vec<RouteLine>,
    /// Tables by the names that the device has for them, and the numbers that stand for them here.
    pub tables: Vec<(String, u32)>,
}

/// One route or rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteLine {
    /// 4 or 6.
    pub family: u8,
    /// The words of `ip`.
    pub words: String,
    /// File and line, as reports show them.
    pub place: String,
}

/// The first number that stands for a table with a name.
const FIRST_NUMBER: u32 = 1_660_000_000;

impl RouteJob {
    /// What loads the routes of a device; `addresses` are its own, as its facts say.
    pub fn of(routing: &Routing, addresses: &[IpAddr]) -> RouteJob {
        let tables = named_tables(routing);
        let numbered = |line: &LoadLine, verb: &str| {
            let words = line.table.as_ref().map_or(line.words.clone(), |table| {
                let number = tables.iter().find(|(name, _)| *name == table.0);
                number.map_or(line.words.clone(), |(name, number)| with_number(&line.words, name, *number))
            });
            let file = routing.sources.get(line.span.source).map(|s| s.name.to_string()).unwrap_or_default();
            let place = format!("{file}:{}", line.span.line);
            RouteLine { family: line.family.number(), words: format!("{verb} {words}"), place }
        };
        let routes = route_lines(routing);
        let mut lines: Vec<RouteLine> = routes.iter().map(|line| numbered(line, "route append")).collect();
        // The rules that every host starts with are there.
        let is_special = |family: Family| !Rule::are_defaults(&routing.rules_of(family), family);
        let rules = rule_lines(routing).into_iter().filter(|line| is_special(line.family));
        lines.extend(rules.map(|line| numbered(&line, "rule add")));
        RouteJob {
            interfaces: interfaces(routing),
            addresses: own_addresses(routing, addresses),
            emptied: emptied(routing),
            ruled: routing.ruled.iter().map(|family| family.number()).collect(),
            lines,
            tables,
        }
    }
}

/// Tables that have a name on the device, which says nothing here.
fn named_tables(routing: &Routing) -> Vec<(String, u32)> {
    let of_rules = rule_lines(routing).into_iter().filter_map(|line| line.table);
    let all: BTreeSet<Table> = routing.routes.iter().map(|r| r.table.clone()).chain(of_rules).collect();
    let named = all.into_iter().filter(|t| !t.is_standing() && t.0.parse::<u32>().is_err());
    named.map(|t| t.0).zip(FIRST_NUMBER..).collect()
}

fn with_number(words: &str, name: &str, number: u32) -> String {
    let mut is_next = false;
    let one = |word: &str| {
        let out = if is_next && word == name { number.to_string() } else { word.to_owned() };
        is_next = matches!(word, "table" | "lookup");
        out
    };
    words.split(' ').map(one).collect::<Vec<_>>().join(" ")
}

/// What `ip -j` printed, with the names of tables that the device has.
pub(super) fn with_names(text: &str, tables: &[(String, u32)]) -> String {
    let back = |text: String, (name, number): &(String, u32)| {
        text.replace(&format!("\"table\":\"{number}\""), &format!("\"table\":\"{name}\""))
    };
    tables.iter().fold(text.to_owned(), back)
}

fn interfaces(routing: &Routing) -> Vec<String> {
    let of_routes = routing.routes.iter().flat_map(|r| &r.hops).filter_map(|hop| hop.dev.clone());
    let mut out: BTreeSet<String> = of_routes.collect();
    for rule in routing.rules.values().flatten() {
        for dimension in [Dimension::Iif, Dimension::Oif] {
            if let Some(Part::Only(names) | Part::But(names)) = rule.zone.get(dimension) {
                out.extend(names.iter().cloned());
            }
        }
    }
    out.remove("lo");
    out.into_iter().collect()
}

fn emptied(routing: &Routing) -> Vec<(u8, String)> {
    let mut out = Vec::new();
    for family in &routing.families {
        let gives_local = routing.routes.iter().any(|r| r.family() == *family && r.table == Table::local());
        out.push((family.number(), Table::main().0));
        out.extend(gives_local.then(|| (family.number(), Table::local().0)));
    }
    out
}

/// Addresses by which routes send, those that the files call local, and those that the facts give.
fn own_addresses(routing: &Routing, known: &[IpAddr]) -> Vec<(IpAddr, String)> {
    let mut out: BTreeSet<(IpAddr, String)> = BTreeSet::new();
    for route in &routing.routes {
        let dev = route.hops.iter().find_map(|hop| hop.dev.clone()).unwrap_or_else(|| "lo".to_owned());
        out.extend(route.source.map(|s| (address(route.family(), s), dev.clone())));
        if route.kind == RouteType::Local && route.to.length == route.family().bits() {
            out.insert((address(route.family(), route.to.address), dev));
        }
    }
    let taken: BTreeSet<IpAddr> = out.iter().map(|(address, _)| *address).collect();
    out.extend(known.iter().filter(|a| !taken.contains(a)).map(|a| (*a, "lo".to_owned())));
    out.retain(|(address, _)| !address.is_loopback() && !address.is_unspecified());
    out.into_iter().collect()
}

fn address(family: Family, value: u128) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::from(value as u32).into(),
        Family::V6 => Ipv6Addr::from(value).into(),
    }
}
