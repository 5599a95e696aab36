//! Changes of routes, for machines: the key `routes` of `fwgate.diff/1`.

use super::rule::QuotedRule;
use crate::packet::{Family, address_texts};
use crate::routes::{Flow, Outcome, RouteChange, RouteRegion, Routing, outcome_words};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Packets whose way changes alike.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenRouteChange {
    /// The device.
    pub device: String,
    /// 4 or 6.
    pub family: u8,
    /// The table, where no rule asks it, so that it was compared by itself.
    pub table: Option<String>,
    /// `lost`, `gained`, `blackholed`, `restored`, `captured`, `rerouted` or `altered`.
    pub effect: &'static str,
    /// Which packets, disjoint.
    pub regions: Vec<WrittenRouteRegion>,
    /// One of them.
    pub witness: Value,
    /// What became of them.
    pub old: WrittenWay,
    /// What becomes of them.
    pub new: WrittenWay,
}

/// Destinations, of packets for which more may have to hold.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenRouteRegion {
    /// The destinations: prefixes, addresses, `first-last`.
    pub to: Vec<String>,
    /// What else must hold, by the names of `ip rule`.
    pub when: BTreeMap<&'static str, String>,
}

/// What becomes of packets.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenWay {
    /// In the words of `ip route`: `via 10.0.0.1 dev eth0`, `blackhole`, `no route`.
    pub way: String,
    /// The routes or the rule that decide, as they are written; none where nothing does.
    pub lines: Vec<QuotedRule>,
}

impl WrittenRouteChange {
    /// A change of a device.
    pub fn of(device: &str, old: &Routing, new: &Routing, change: &RouteChange) -> WrittenRouteChange {
        WrittenRouteChange {
            device: device.to_owned(),
            family: change.family.number(),
            table: change.table.as_ref().map(ToString::to_string),
            effect: change.kind.name(),
            regions: change.regions.iter().map(|r| WrittenRouteRegion::of(r, change.family)).collect(),
            witness: witness(&change.witness),
            old: WrittenWay::of(old, &change.old, change.family),
            new: WrittenWay::of(new, &change.new, change.family),
        }
    }
}

impl WrittenRouteRegion {
    fn of(region: &RouteRegion, family: Family) -> WrittenRouteRegion {
        let when = region.zone.texts(family).into_iter().collect();
        WrittenRouteRegion { to: address_texts(&region.to, family), when }
    }
}

impl WrittenWay {
    /// What a side does.
    pub fn of(routing: &Routing, outcome: &Outcome, family: Family) -> WrittenWay {
        let spans = match outcome {
            Outcome::Found { routes, .. } => {
                routes.iter().filter_map(|at| routing.routes.get(*at)).map(|r| r.span).collect()
            }
            Outcome::Ended { priority, .. } => {
                let rules = routing.rules.get(&family).into_iter().flatten();
                rules.filter(|r| r.priority == *priority).map(|r| r.span).take(1).collect()
            }
            Outcome::Nowhere | Outcome::Domain => Vec::new(),
        };
        let line = |span: crate::ruleset::Span| QuotedRule {
            file: routing.sources.name(span).to_owned(),
            line: span.line,
            text: routing.sources.text(span).to_owned(),
        };
        WrittenWay { way: outcome_words(routing, outcome), lines: spans.into_iter().map(line).collect() }
    }
}

/// The packet as `ip route get` would be asked about it: only what is not the default.
fn witness(flow: &Flow) -> Value {
    let address = |value| address_texts(&crate::packet::Ranges::one(value), flow.family);
    let host = |value| address(value).concat().split('/').next().unwrap_or_default().to_owned();
    let mut out = Map::new();
    out.insert("family".to_owned(), json!(flow.family.number()));
    out.insert("to".to_owned(), json!(host(flow.to)));
    if flow.from != 0 {
        out.insert("from".to_owned(), json!(host(flow.from)));
    }
    for (key, name) in [("iif", &flow.iif), ("oif", &flow.oif)] {
        if let Some(name) = name {
            out.insert(key.to_owned(), json!(name));
        }
    }
    for (key, number) in [
        ("fwmark", u64::from(flow.fwmark)),
        ("tos", u64::from(flow.tos)),
        ("ipproto", u64::from(flow.ipproto)),
        ("sport", u64::from(flow.sport)),
        ("dport", u64::from(flow.dport)),
        ("uid", u64::from(flow.uid)),
        ("tun_id", flow.tun_id),
    ] {
        if number != 0 {
            out.insert(key.to_owned(), json!(number));
        }
    }
    if flow.domain {
        out.insert("l3mdev".to_owned(), json!(true));
    }
    Value::Object(out)
}
