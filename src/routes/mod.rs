//! Routes: what `ip route` and `ip rule` print, read exactly, asked for one destination, and compared over all of them.
//!
//! A device's *routing* is its tables of routes and the rules that say which table is asked for which packet. Meaning comes
//! from ip-route(8), ip-rule(8) and the kernel (`net/core/fib_rules.c`, `net/ipv4/fib_trie.c`, `net/ipv6/ip6_fib.c`), and is
//! compared with the kernel in `tests/kernel/routes.rs`.
//!
//! `route_of` is the plain reading: one packet, every rule and route in turn. `diff_routing` is the fast one: tables become
//! maps of disjoint ranges, rules become disjoint zones, and the maps are laid over each other. Every witness of a difference
//! is asked of the plain reading before it is shown.

mod canonical;
mod compose;
mod diff;
mod load;
mod lookup;
mod map;
mod meaning;
mod mentions;
mod model;
mod prefix;
mod read;
mod recognise;
mod survey;
mod words;
mod zone;

pub use canonical::{canonical_direction, canonical_forwarding};
pub use diff::{Disagreement, RouteChange, RouteChangeKind, RouteRegion, RoutingDiff, diff_routing};
pub use load::{LoadLine, route_lines, rule_lines};
pub use lookup::{Flow, Outcome, route_of};
pub use meaning::{canonical_routes, canonical_says};
pub use mentions::route_mentions;
pub use model::{Action, NextHop, Route, RouteType, Routing, Rule, Table, View};
pub use prefix::Prefix;
pub use read::{read_routing, read_whole};
pub use recognise::{Kind, is_routing, recognise, split_routes};
pub use survey::{Way, survey};
pub use words::{change_words, flow_words, outcome_words, region_words};
pub use zone::{Dimension, Marks, Part, Zone};
