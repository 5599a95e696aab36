//! A view as a map: every destination of a domain to the routes that win for it, in disjoint ranges.

use super::lookup::{only_one, rank};
use super::model::{Routing, View};
use super::zone::{Dimension, Zone};
use crate::packet::{Family, Ranges};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Destinations for which the same routes win.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub first: u128,
    pub last: u128,
    pub routes: Rc<[usize]>,
}

/// The map of a view for the packets of a zone, over the destinations of a domain. Routes for some sources or types of
/// service count where the zone lies in them; zones are cut so that no route is for a part of one.
pub(super) fn map(routing: &Routing, members: &[usize], view: &View, zone: &Zone, domain: &Ranges) -> Vec<Segment> {
    let mut prefixes: BTreeMap<(u128, u32), Vec<usize>> = BTreeMap::new();
    for &at in members {
        let route = &routing.routes[at];
        if !route.is_dead() && is_for(routing, at, zone) && route.to.ranges().meets(domain) {
            prefixes.entry((route.to.address, route.to.length)).or_default().push(at);
        }
    }
    let mut open: Vec<(u128, Rc<[usize]>)> = Vec::new();
    let mut sweep = Sweep { at: 0, out: Vec::new() };
    for ((first, length), routes) in prefixes {
        let winners: Rc<[usize]> = best(routing, view, routes).into();
        let last = crate::routes::Prefix { family: view.family, address: first, length }.bounds().1;
        sweep.close(&mut open, Some(first));
        if let Some((_, above)) = open.last() {
            sweep.emit(first.wrapping_sub(1), above.clone(), first > sweep.at);
        }
        sweep.at = first;
        open.push((last, winners));
    }
    sweep.close(&mut open, None);
    sweep.out
}

/// Whether a route is for the packets of a zone, which lies within what the route is for or apart from it.
fn is_for(routing: &Routing, at: usize, zone: &Zone) -> bool {
    let meets = |needed: Option<Zone>| needed.is_none_or(|needed| zone.meet(&needed).is_some());
    meets(source_zone(routing, at)) && meets(service_zone(routing, at))
}

/// The zone of the sources that a route is for.
pub(super) fn source_zone(routing: &Routing, at: usize) -> Option<Zone> {
    let from = routing.routes[at].from?;
    Some(Zone::whole().with(Dimension::From, super::zone::Part::Ranges(from.ranges())))
}

/// The zone of the type of service that a route is for.
pub(super) fn service_zone(routing: &Routing, at: usize) -> Option<Zone> {
    let tos = Some(routing.routes[at].tos).filter(|tos| *tos != 0)?;
    Some(Zone::whole().with(Dimension::Tos, super::zone::Part::Ranges(Ranges::one(u128::from(tos)))))
}

/// The routes of one prefix that win.
fn best(routing: &Routing, view: &View, mut routes: Vec<usize>) -> Vec<usize> {
    routes.sort_by_key(|at| (rank(routing, view, *at), *at));
    let first = routes.first().map(|at| rank(routing, view, *at));
    routes.retain(|at| Some(rank(routing, view, *at)) == first);
    only_one(view.family, routes)
}

/// Walks over prefixes in order of their first address, wider ones before those that they hold.
struct Sweep {
    /// The first destination for which nothing is said yet.
    at: u128,
    out: Vec<Segment>,
}

impl Sweep {
    /// Ends the prefixes that end before an address; all of them where there is none.
    fn close(&mut self, open: &mut Vec<(u128, Rc<[usize]>)>, before: Option<u128>) {
        while let Some((last, routes)) = open.last().cloned() {
            if before.is_some_and(|first| last >= first) {
                return;
            }
            open.pop();
            let is_left = self.at <= last;
            self.emit(last, routes, is_left);
            // Behind the last address of the family nothing is left: every prefix that is still open ends there too.
            self.at = last.checked_add(1).unwrap_or(last);
            if last == u128::MAX {
                open.clear();
            }
        }
    }

    fn emit(&mut self, last: u128, routes: Rc<[usize]>, is_there: bool) {
        if is_there && self.at <= last {
            self.out.push(Segment { first: self.at, last, routes });
        }
    }
}

/// Every destination of a family.
pub(super) fn whole(family: Family) -> Ranges {
    Ranges::range(0, family.max_address())
}
