//! Routes and rules as words of `ip`, in an order in which a kernel takes them, each with the place of the line that it brings about.
//!
//! A line of text stays as it is written, but for what the kernel only tells (states of links and hardware, ages, counters, next-hop
//! objects whose next hops stand beside them) and who made the route, which every host names by a table of its own. JSON is written out
//! of what was read.

use super::model::{Action, NextHop, Route, RouteType, Routing, Rule, Table};
use super::recognise::{Kind, recognise};
use super::zone::{Dimension, address_text};
use crate::packet::{Family, address_texts};
use crate::ruleset::{SourceId, Span};
use std::collections::BTreeSet;

/// One route or rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadLine {
    /// The family.
    pub family: Family,
    /// The table of a route, or the one that a rule asks.
    pub table: Option<Table>,
    /// What stands behind `ip route append` or `ip rule add`.
    pub words: String,
    /// Where it is written.
    pub span: Span,
}

/// The routes: this host's own addresses first, then what is on a link, then what needs a gateway, each in the order of the
/// files. Routes whose every way is dead are left out, since every lookup passes them by.
pub fn route_lines(routing: &Routing) -> Vec<LoadLine> {
    let json = json_sources(routing);
    let mut found: Vec<(u8, LoadLine)> = Vec::new();
    for route in routing.routes.iter().filter(|r| !r.is_dead()) {
        let words = match json.contains(&route.span.source) {
            true => Some(written(route)),
            false => text_of(routing, route.span).map(loadable),
        };
        let Some(words) = words else { continue };
        let (family, table, span) = (route.family(), Some(route.table.clone()), route.span);
        found.push((rank(route), LoadLine { family, table, words, span }));
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, line)| line).collect()
}

/// The rules of every family of which some file gives them, in the order in which they are asked.
pub fn rule_lines(routing: &Routing) -> Vec<LoadLine> {
    let json = json_sources(routing);
    let mut out = Vec::new();
    for (family, rules) in routing.rules.iter().filter(|(family, _)| routing.ruled.contains(family)) {
        for rule in rules {
            let words = match json.contains(&rule.span.source) {
                true => Some(written_rule(rule, *family)),
                false => text_of(routing, rule.span).and_then(loadable_rule),
            };
            let table = match &rule.action {
                Action::Lookup { table, .. } => Some(table.clone()),
                _ => None,
            };
            out.extend(words.map(|words| LoadLine { family: *family, table, words, span: rule.span }));
        }
    }
    out
}

fn json_sources(routing: &Routing) -> BTreeSet<SourceId> {
    let mut out = BTreeSet::new();
    let spans = routing.routes.iter().map(|r| r.span).chain(routing.rules.values().flatten().map(|r| r.span));
    for source in spans.map(|s| s.source).collect::<BTreeSet<_>>() {
        let kind = routing.sources.get(source).and_then(|s| recognise(&s.text));
        if matches!(kind, Some(Kind::RoutesJson | Kind::RulesJson)) {
            out.insert(source);
        }
    }
    out
}

fn text_of(routing: &Routing, span: Span) -> Option<&str> {
    routing.sources.get(span.source).and_then(|s| s.text.get(span.start as usize..span.end as usize))
}

fn rank(route: &Route) -> u8 {
    match () {
        () if route.kind == RouteType::Local && route.to.length == route.family().bits() => 0,
        () if route.kind == RouteType::Local => 1,
        () if route.hops.iter().all(|hop| hop.via.is_none()) => 2,
        () => 3,
    }
}

/// Words that the kernel tells and nobody sets.
const TOLD: &[&str] = &[
    "linkdown",
    "offload",
    "trap",
    "rt_offload",
    "rt_trap",
    "rt_offload_failed",
    "offload_failed",
    "pervasive",
    "notify",
    "unresolved",
    "\\",
];
/// The same with a value.
const TOLD_VALUES: &[&str] = &["expires", "age", "tsage", "error", "users", "used", "ipid", "ts", "nhid", "proto"];

/// A route's lines as words of `ip route`.
fn loadable(text: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    // Where the words of the next hop begin that are being read.
    let mut hop = None;
    let mut is_dead = false;
    for line in text.lines().filter(|l| !l.trim_start().starts_with("nh_info ")) {
        let mut words = line.split_whitespace().take_while(|w| *w != "nh_info");
        while let Some(word) = words.next() {
            match word {
                "nexthop" => {
                    forget_dead(&mut out, hop, &mut is_dead);
                    hop = Some(out.len());
                    out.push(word);
                }
                "dead" => is_dead = true,
                _ if TOLD.contains(&word) => {}
                _ if TOLD_VALUES.contains(&word) => drop(words.next()),
                _ => out.push(word),
            }
        }
    }
    forget_dead(&mut out, hop, &mut is_dead);
    out.join(" ")
}

fn forget_dead(out: &mut Vec<&str>, hop: Option<usize>, is_dead: &mut bool) {
    if let Some(from) = hop.filter(|_| *is_dead) {
        out.truncate(from);
    }
    *is_dead = false;
}

/// A rule's line as words of `ip rule`.
fn loadable_rule(text: &str) -> Option<String> {
    let (priority, rest) = text.split_once(':')?;
    let mut out = format!("pref {}", priority.trim());
    let mut words = rest.split_whitespace().peekable();
    while let Some(word) = words.next() {
        match word {
            "[detached]" | "[unresolved]" => {}
            "proto" => drop(words.next()),
            "goto" if words.next_if_eq(&"none").is_some() => out += " nop",
            "lookup" if words.next_if_eq(&"[l3mdev-table]").is_some() => out += " l3mdev",
            _ => out += &format!(" {word}"),
        }
    }
    Some(out)
}

/// A route out of what was read.
fn written(route: &Route) -> String {
    let family = route.family();
    let mut out = format!("{} {}", route.kind.name(), route.to);
    if let Some(from) = route.from {
        out += &format!(" from {from}");
    }
    if route.tos != 0 {
        out += &format!(" tos {:#x}", route.tos);
    }
    out += &format!(" table {}", route.table);
    if route.metric != 0 {
        out += &format!(" metric {}", route.metric);
    }
    if let Some(source) = route.source {
        out += &format!(" src {}", address_text(family, source));
    }
    for (name, value) in &route.options {
        out += &format!(" {name} {value}");
    }
    // Several next hops are the last words of a route.
    let alive: Vec<String> = route.hops.iter().filter(|hop| !hop.is_dead).map(|hop| hop_words(hop, family)).collect();
    out + &match alive.as_slice() {
        [one] => one.clone(),
        several => several.iter().map(|hop| format!(" nexthop{hop}")).collect(),
    }
}

/// A next hop with a blank in front of every word.
fn hop_words(hop: &NextHop, family: Family) -> String {
    let via = |(of, address): (Family, u128)| {
        let inet6 = if of == family { "" } else { "inet6 " };
        format!(" via {inet6}{}", address_text(of, address))
    };
    let words = [
        hop.encap.as_ref().map(|encap| format!(" encap {encap}")),
        hop.via.map(via),
        hop.dev.as_ref().map(|dev| format!(" dev {dev}")),
        (hop.weight != 1).then(|| format!(" weight {}", hop.weight)),
        hop.onlink.then(|| " onlink".to_owned()),
    ];
    words.into_iter().flatten().collect()
}

/// A rule out of what was read.
fn written_rule(rule: &Rule, family: Family) -> String {
    let mut out = format!("pref {}", rule.priority);
    if rule.inverted {
        out += " not";
    }
    let prefix = |dimension: Dimension| match rule.zone.get(dimension) {
        Some(super::zone::Part::Ranges(ranges)) => address_texts(ranges, family).join(","),
        _ => "all".to_owned(),
    };
    out += &format!(" from {}", prefix(Dimension::From));
    if rule.zone.get(Dimension::To).is_some() {
        out += &format!(" to {}", prefix(Dimension::To));
    }
    for (name, text) in rule.zone.texts(family) {
        match name {
            "from" | "l3mdev" => {}
            "uid" if !text.contains('-') => out += &format!(" uidrange {text}-{text}"),
            "uid" => out += &format!(" uidrange {text}"),
            "tos" => out += &format!(" tos {:#x}", text.parse::<u8>().unwrap_or_default()),
            name => out += &format!(" {name} {text}"),
        }
    }
    out + &match &rule.action {
        Action::Lookup { table, at_most, realms } => {
            let at_most = at_most.map(|n| format!(" suppress_prefixlength {n}")).unwrap_or_default();
            let realms = realms.as_ref().map(|r| format!(" realms {r}")).unwrap_or_default();
            format!(" lookup {table}{at_most}{realms}")
        }
        Action::Goto(to) => format!(" goto {to}"),
        Action::Nop => " nop".to_owned(),
        Action::End(kind) => format!(" {}", kind.name()),
        Action::Domain => " l3mdev".to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::read::read_routing;
    use super::*;
    use crate::dialect::InputFile;

    fn read(name: &str, text: &str) -> Routing {
        read_routing(&[InputFile { name: name.into(), bytes: text.as_bytes().into() }]).unwrap()
    }

    fn words(lines: Vec<LoadLine>) -> Vec<String> {
        lines.into_iter().map(|l| l.words).collect()
    }

    #[test]
    fn a_line_stays_as_it_is_but_for_what_is_only_told() {
        let text = "default via 10.0.0.1 dev eth0 proto static metric 100 linkdown \n\
                    10.5.0.0/16 proto bird metric 32 \n\tnexthop via 10.0.0.2 dev eth0 weight 2 \n\tnexthop via 10.0.0.3 dev eth1 weight 1 dead linkdown \n\
                    10.6.0.0/16 via 10.0.0.4 dev eth1 dead linkdown \n\
                    2001:db8::/32 nhid 7 via fe80::1 dev eth0 metric 1024 expires 1799sec pref medium\n\
                    local 10.0.0.9 dev eth0 table local proto kernel scope host src 10.0.0.9 \n\
                    blackhole 10.7.0.0/16 \n";
        assert_eq!(
            words(route_lines(&read("routes", text))),
            [
                "local 10.0.0.9 dev eth0 table local scope host src 10.0.0.9",
                "blackhole 10.7.0.0/16",
                "default via 10.0.0.1 dev eth0 metric 100",
                "10.5.0.0/16 metric 32 nexthop via 10.0.0.2 dev eth0 weight 2",
                "2001:db8::/32 via fe80::1 dev eth0 metric 1024 pref medium",
            ]
        );
        let rules = "0:\tfrom all lookup local\n7:\tnot from 10.0.0.0/8 iif eth9 [detached] lookup main suppress_prefixlength 0 proto static\n\
                     8:\tfrom all goto none\n";
        assert_eq!(
            words(rule_lines(&read("rules", rules))),
            [
                "pref 0 from all lookup local",
                "pref 7 not from 10.0.0.0/8 iif eth9 lookup main suppress_prefixlength 0",
                "pref 8 from all nop",
            ]
        );
    }

    #[test]
    fn json_is_written_as_the_text_form_would_say_it() {
        let json = "[{\"dst\":\"default\",\"gateway\":\"10.0.0.1\",\"dev\":\"eth0\",\"metric\":100,\"flags\":[\"linkdown\"]},\
                    {\"type\":\"blackhole\",\"dst\":\"10.7.0.0/16\",\"table\":\"vpn\",\"flags\":[]},\
                    {\"dst\":\"10.5.0.0/16\",\"flags\":[],\"nexthops\":[{\"gateway\":\"10.0.0.2\",\"dev\":\"eth0\",\"weight\":2,\"flags\":[]},\
                    {\"gateway\":\"10.0.0.3\",\"dev\":\"eth1\",\"weight\":1,\"flags\":[]}]}]";
        assert_eq!(
            words(route_lines(&read("routes.json", json))),
            [
                "blackhole 10.7.0.0/16 table vpn",
                "unicast default table main metric 100 via 10.0.0.1 dev eth0",
                "unicast 10.5.0.0/16 table main nexthop via 10.0.0.2 dev eth0 weight 2 nexthop via 10.0.0.3 dev eth1",
            ]
        );
        let rules = "[{\"priority\":5,\"src\":\"all\",\"dst\":\"10.9.0.0\",\"dstlen\":16,\"fwmark\":\"0x1\",\"fwmask\":\"0xff\",\"table\":\"100\"}]";
        let mut routing = read("rule.v4.json", "[{\"priority\":0,\"src\":\"all\",\"table\":\"local\"}]");
        let file = |name: &str, text: &str| InputFile { name: name.into(), bytes: text.as_bytes().into() };
        routing.rules = read_routing(&[file("rule.v4.json", rules), file("routes", "10.0.0.0/8 dev eth0 table 100\n")])
            .unwrap()
            .rules;
        let all = &routing.rules[&Family::V4];
        assert_eq!(written_rule(&all[0], Family::V4), "pref 5 from all to 10.9.0.0/16 fwmark 0x1/0xff lookup 100");
    }
}
