//! The plain reading: one packet, asked of every rule and route in turn. It is what the fast comparison is tested against, and
//! what the kernel is compared with.

use super::model::{Action, RouteType, Routing, Rule, Table, View};
use super::zone::{Dimension, Zone};
use crate::packet::Family;
use std::cmp::Reverse;

/// What a lookup sees of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The family.
    pub family: Family,
    /// The destination.
    pub to: u128,
    /// The source; 0 while the host has chosen none.
    pub from: u128,
    /// The interface by which it came; `None` for one that no rule names.
    pub iif: Option<String>,
    /// The interface that the sender is bound to.
    pub oif: Option<String>,
    /// The firewall mark.
    pub fwmark: u32,
    /// The type of service.
    pub tos: u8,
    /// The protocol.
    pub ipproto: u8,
    /// The source port.
    pub sport: u16,
    /// The destination port.
    pub dport: u16,
    /// The user of the sender.
    pub uid: u32,
    /// The id of the tunnel.
    pub tun_id: u64,
    /// Whether it belongs to a virtual routing domain.
    pub domain: bool,
}

impl Flow {
    /// A packet of which only the destination is said.
    pub fn to(family: Family, to: u128) -> Flow {
        Flow {
            family,
            to,
            from: 0,
            iif: None,
            oif: None,
            fwmark: 0,
            tos: 0,
            ipproto: 0,
            sport: 0,
            dport: 0,
            uid: 0,
            tun_id: 0,
            domain: false,
        }
    }

    /// A packet of a zone with this destination.
    pub(super) fn of_zone(zone: &Zone, family: Family, to: u128) -> Flow {
        let number = |dimension| zone.some_number(dimension);
        Flow {
            from: number(Dimension::From),
            iif: zone.some_interface(Dimension::Iif),
            oif: zone.some_interface(Dimension::Oif),
            fwmark: number(Dimension::Fwmark) as u32,
            tos: number(Dimension::Tos) as u8,
            ipproto: number(Dimension::Ipproto) as u8,
            sport: number(Dimension::Sport) as u16,
            dport: number(Dimension::Dport) as u16,
            uid: number(Dimension::Uid) as u32,
            tun_id: number(Dimension::TunId) as u64,
            domain: number(Dimension::Domain) == 1,
            ..Flow::to(family, to)
        }
    }

    /// Whether the packet is in a zone.
    pub fn is_in(&self, zone: &Zone) -> bool {
        let number = |dimension| match dimension {
            Dimension::To => self.to,
            Dimension::From => self.from,
            Dimension::Fwmark => u128::from(self.fwmark),
            Dimension::Tos => u128::from(self.tos),
            Dimension::Ipproto => u128::from(self.ipproto),
            Dimension::Sport => u128::from(self.sport),
            Dimension::Dport => u128::from(self.dport),
            Dimension::Uid => u128::from(self.uid),
            Dimension::TunId => u128::from(self.tun_id),
            Dimension::Domain => u128::from(self.domain),
            Dimension::Iif | Dimension::Oif => 0,
        };
        zone.admits(number, |dimension| if dimension == Dimension::Iif { self.iif.clone() } else { self.oif.clone() })
    }
}

/// What a lookup comes to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// A route; several where the kernel may take any of them (IPv6 routes of equal metric).
    Found {
        /// Their places among the routes of the device, ascending.
        routes: Vec<usize>,
        /// The realms that the rule gives.
        realms: Option<String>,
    },
    /// A rule ends it.
    Ended {
        /// The rule's priority.
        priority: u32,
        /// How.
        kind: RouteType,
    },
    /// There is no route.
    Nowhere,
    /// The table of the packet's virtual routing domain is asked.
    Domain,
}

/// One thing that a lookup does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub priority: u32,
    pub zone: Zone,
    pub inverted: bool,
    pub act: Act,
}

/// What a step does with the packets of its zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Ask {
        view: View,
        at_most: Option<u32>,
        realms: Option<String>,
    },
    /// Goes on with the step of this number.
    Goto(usize),
    Nop,
    End(RouteType),
    Domain,
}

/// What a device does with every packet of a family, step by step.
pub(super) fn steps(routing: &Routing, family: Family) -> Vec<Step> {
    let rules = routing.rules_of(family);
    let view = |tables| View { family, tables };
    let ask = |view| Act::Ask { view, at_most: None, realms: None };
    if family == Family::V4 && Rule::are_defaults(&rules, family) {
        let step = |priority, tables| Step { priority, zone: Zone::whole(), inverted: false, act: ask(view(tables)) };
        return vec![step(0, vec![Table::local(), Table::main()]), step(32767, vec![Table::named("default")])];
    }
    let act = |rule: &Rule| match &rule.action {
        Action::Lookup { table, at_most, realms } => {
            Act::Ask { view: view(vec![table.clone()]), at_most: *at_most, realms: realms.clone() }
        }
        Action::Goto(to) => rules.iter().position(|r| r.priority == *to).map_or(Act::Nop, Act::Goto),
        Action::Nop => Act::Nop,
        Action::End(kind) => Act::End(*kind),
        Action::Domain => Act::Domain,
    };
    let step = |r: &Rule| Step { priority: r.priority, zone: r.zone.clone(), inverted: r.inverted, act: act(r) };
    rules.iter().map(step).collect()
}

/// What becomes of a packet.
pub fn route_of(routing: &Routing, flow: &Flow) -> Outcome {
    let steps = steps(routing, flow.family);
    let mut at = 0;
    while let Some(step) = steps.get(at) {
        at += 1;
        if flow.is_in(&step.zone) == step.inverted {
            continue;
        }
        match &step.act {
            Act::Nop => {}
            // The kernel takes targets behind the rule only, so that this ends.
            Act::Goto(to) => at = (*to).max(at),
            Act::End(kind) => return Outcome::Ended { priority: step.priority, kind: *kind },
            Act::Domain => return Outcome::Domain,
            Act::Ask { view, at_most, realms } => {
                let routes = found(routing, view, flow);
                if counts(routing, &routes, *at_most) {
                    return Outcome::Found { routes, realms: realms.clone() };
                }
            }
        }
    }
    Outcome::Nowhere
}

/// What one view gives for a packet, without rules.
pub(super) fn route_in(routing: &Routing, view: &View, flow: &Flow) -> Outcome {
    match found(routing, view, flow) {
        routes if counts(routing, &routes, None) => Outcome::Found { routes, realms: None },
        _ => Outcome::Nowhere,
    }
}

/// Whether what a table gives ends the lookup: a `throw` does not, and a route that is suppressed does not
/// (`fib4_rule_suppress`; only lookups that succeed are suppressed, so that discards never are).
pub(super) fn counts(routing: &Routing, routes: &[usize], at_most: Option<u32>) -> bool {
    let Some(first) = routes.first().and_then(|at| routing.routes.get(*at)) else { return false };
    match first.kind {
        RouteType::Throw => false,
        kind if kind.discards() => true,
        _ => at_most.is_none_or(|length| first.to.length > length),
    }
}

/// The routes of a view that win for a packet.
fn found(routing: &Routing, view: &View, flow: &Flow) -> Vec<usize> {
    let is_meant = |at: &usize| {
        let route = &routing.routes[*at];
        let by_source = route.from.is_none_or(|from| from.contains(flow.from));
        !route.is_dead() && route.to.contains(flow.to) && by_source && (route.tos == 0 || route.tos == flow.tos)
    };
    let mut all: Vec<usize> = routing.routes_in(view).into_iter().filter(is_meant).collect();
    all.sort_by_key(|at| (Reverse(routing.routes[*at].to.length), rank(routing, view, *at), *at));
    let Some(best) = all.first().map(|at| (routing.routes[*at].to, rank(routing, view, *at))) else {
        return Vec::new();
    };
    all.retain(|at| (routing.routes[*at].to, rank(routing, view, *at)) == best);
    only_one(view.family, all)
}

/// Which of the routes of one prefix comes first: the narrowest source, the first table of the view, the type of service (its
/// routes stand before those for all), the lowest metric (`fib_insert_alias`, `rt6_select`).
pub(super) fn rank(routing: &Routing, view: &View, at: usize) -> (Reverse<u32>, usize, Reverse<u8>, u32) {
    let route = &routing.routes[at];
    let table = view.tables.iter().position(|t| *t == route.table).unwrap_or(usize::MAX);
    (Reverse(route.from.map_or(0, |f| f.length)), table, Reverse(route.tos), route.metric)
}

/// Of equal IPv4 routes the first counts; of equal IPv6 routes any may.
pub(super) fn only_one(family: Family, mut routes: Vec<usize>) -> Vec<usize> {
    if family == Family::V4 {
        routes.truncate(1);
    }
    routes
}
