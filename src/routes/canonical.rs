//! What routes do, as text: equal for equal doing, whatever order, metric, protocol or spelling brought it about.

use super::lookup::Outcome;
use super::model::{NextHop, Route, Routing};
use super::zone::address_text;
use std::collections::{BTreeMap, BTreeSet};

/// What an outcome does to packets: types, next hops with their shares, source addresses and whatever else the routes fix.
pub fn canonical_forwarding(routing: &Routing, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Nowhere => "none".to_owned(),
        Outcome::Domain => "table of the domain".to_owned(),
        Outcome::Ended { kind, .. } => kind.name().to_owned(),
        Outcome::Found { routes, realms } => {
            let routes: Vec<&Route> = routes.iter().filter_map(|at| routing.routes.get(*at)).collect();
            let realms = realms.as_ref().map(|r| format!(" with realms {r}")).unwrap_or_default();
            found(&routes) + &realms
        }
    }
}

/// The part of a forwarding that says where packets go: types and next hops.
pub fn canonical_direction(routing: &Routing, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Found { routes, .. } => {
            let routes = routes.iter().filter_map(|at| routing.routes.get(*at));
            let all: BTreeSet<String> = routes.map(|r| format!("{} {}", r.kind.name(), hops(&ways(r)))).collect();
            all.into_iter().collect::<Vec<_>>().join(" or ")
        }
        other => canonical_forwarding(routing, other),
    }
}

/// Routes that the kernel may take alike, with equal attributes, are one route with several next hops.
fn found(routes: &[&Route]) -> String {
    let mut alike: BTreeMap<String, BTreeSet<NextHop>> = BTreeMap::new();
    for route in routes {
        alike.entry(attributes(route)).or_default().extend(ways(route));
    }
    let text = |(attributes, ways): (&String, &BTreeSet<NextHop>)| {
        let hops = hops(&ways.iter().cloned().collect::<Vec<_>>());
        [attributes.split_once('|').map_or("", |a| a.0), &hops, attributes.split_once('|').map_or("", |a| a.1)]
            .into_iter()
            .filter(|t| !t.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    };
    alike.iter().map(text).collect::<Vec<_>>().join(" or ")
}

/// The type, and behind a bar everything that is not a next hop.
fn attributes(route: &Route) -> String {
    let source = route.source.map(|s| format!("src {}", address_text(route.family(), s)));
    let options = route.options.iter().map(|(name, value)| format!("{name} {value}"));
    // Discards have no use for either.
    let all: Vec<String> = source.into_iter().chain(options).filter(|_| !route.kind.discards()).collect();
    format!("{}|{}", route.kind.name(), all.join(" "))
}

/// The next hops that count, sorted; a share is nothing where there is only one.
fn ways(route: &Route) -> Vec<NextHop> {
    if route.kind.discards() {
        return Vec::new();
    }
    let mut ways: Vec<NextHop> = route.hops.iter().filter(|hop| !hop.is_dead).cloned().collect();
    ways.sort();
    if let [one] = ways.as_mut_slice() {
        one.weight = 1;
    }
    ways
}

/// A name: quoted where it could be taken for something else.
fn name(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'@');
    if text.bytes().all(plain) { text.to_owned() } else { format!("{text:?}") }
}

fn hops(ways: &[NextHop]) -> String {
    let text = |hop: &NextHop| {
        let words = [
            hop.encap.as_ref().map(|e| format!("encap {e}")),
            hop.via.map(|(family, value)| format!("via {}", address_text(family, value))),
            hop.dev.as_ref().map(|d| format!("dev {}", name(d))),
            (hop.weight != 1).then(|| format!("weight {}", hop.weight)),
            hop.onlink.then(|| "onlink".to_owned()),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    ways.iter().map(text).collect::<Vec<_>>().join(", ")
}
