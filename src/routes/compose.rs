//! Tables laid over each other as the rules ask them: for every zone of packets a map of all destinations.

use super::lookup::{Act, Outcome, Step, counts};
use super::map::{Segment, map, service_zone, source_zone};
use super::model::{Routing, View};
use super::zone::Zone;
use crate::packet::{Family, Ranges};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Destinations with one outcome.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    pub first: u128,
    pub last: u128,
    pub outcome: Rc<Outcome>,
}

/// Cuts everything beside the destination, and destinations where rules name them, into disjoint zones, such that each zone
/// lies in or apart from each of `borders`; `None` where there are more than `most`.
pub(super) fn zones(borders: &BTreeSet<Zone>, family: Family, most: usize) -> Option<Vec<Zone>> {
    let mut zones = vec![Zone::whole()];
    for border in borders {
        let mut next = Vec::with_capacity(zones.len());
        for zone in &zones {
            match zone.meet(border) {
                Some(inside) => {
                    next.extend(zone.minus(border, family));
                    next.push(inside);
                }
                None => next.push(zone.clone()),
            }
        }
        if next.len() > most {
            return None;
        }
        zones = next;
    }
    Some(zones)
}

/// Where zones must be cut for what a side does.
pub(super) fn borders(routing: &Routing, steps: &[Step], family: Family) -> BTreeSet<Zone> {
    let rules = steps.iter().map(|s| s.zone.clone()).filter(|zone| !zone.is_whole());
    rules.chain(specials(routing, family)).collect()
}

/// The zones of routes that are for some packets only.
fn specials(routing: &Routing, family: Family) -> BTreeSet<Zone> {
    let own = (0..routing.routes.len()).filter(|at| routing.routes[*at].family() == family);
    own.flat_map(|at| [source_zone(routing, at), service_zone(routing, at)]).flatten().collect()
}

/// One side, asked for one zone after another.
pub(super) struct Side<'a> {
    routing: &'a Routing,
    steps: &'a [Step],
    specials: Vec<Zone>,
    /// The destinations that matter.
    domain: &'a Ranges,
    members: BTreeMap<View, Vec<usize>>,
    maps: BTreeMap<(View, Vec<bool>), Rc<Vec<Segment>>>,
    known: BTreeMap<(Vec<bool>, Vec<bool>), Rc<Vec<Stretch>>>,
}

impl<'a> Side<'a> {
    pub fn new(routing: &'a Routing, steps: &'a [Step], family: Family, domain: &'a Ranges) -> Side<'a> {
        let specials = specials(routing, family).into_iter().collect();
        let (members, maps, known) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Side { routing, steps, specials, domain, members, maps, known }
    }

    /// What becomes of the packets of a zone, for every destination of the domain, in order.
    pub fn stretches(&mut self, zone: &Zone) -> Rc<Vec<Stretch>> {
        let is_in = |border: &Zone| zone.meet(border).is_some();
        let matched: Vec<bool> = self.steps.iter().map(|s| is_in(&s.zone) != s.inverted).collect();
        let special: Vec<bool> = self.specials.iter().map(is_in).collect();
        if let Some(known) = self.known.get(&(matched.clone(), special.clone())) {
            return known.clone();
        }
        let found = Rc::new(self.walk(zone, &matched, &special));
        self.known.insert((matched, special), found.clone());
        found
    }

    fn walk(&mut self, zone: &Zone, matched: &[bool], special: &[bool]) -> Vec<Stretch> {
        let mut rest: Vec<(u128, u128)> = self.domain.as_slice().to_vec();
        let mut out = Vec::new();
        let end = |rest: &mut Vec<(u128, u128)>, outcome: Outcome, out: &mut Vec<Stretch>| {
            let outcome = Rc::new(outcome);
            out.extend(rest.drain(..).map(|(first, last)| Stretch { first, last, outcome: outcome.clone() }));
        };
        let mut at = 0;
        while let Some(step) = self.steps.get(at) {
            at += 1;
            if rest.is_empty() {
                break;
            }
            if !matched.get(at - 1).copied().unwrap_or(false) {
                continue;
            }
            match &step.act {
                Act::Nop => {}
                Act::Goto(to) => at = (*to).max(at),
                Act::End(kind) => end(&mut rest, Outcome::Ended { priority: step.priority, kind: *kind }, &mut out),
                Act::Domain => end(&mut rest, Outcome::Domain, &mut out),
                Act::Ask { view, at_most, realms } => {
                    let map = self.map(view, zone, special);
                    rest = self.asked(&map, &rest, *at_most, realms.as_ref(), &mut out);
                }
            }
        }
        end(&mut rest, Outcome::Nowhere, &mut out);
        out.sort_unstable_by_key(|s| s.first);
        out
    }

    /// Takes out of `rest` what a map decides, and gives what is left.
    fn asked(
        &self,
        map: &[Segment],
        rest: &[(u128, u128)],
        at_most: Option<u32>,
        realms: Option<&String>,
        out: &mut Vec<Stretch>,
    ) -> Vec<(u128, u128)> {
        let mut left = Vec::new();
        for &(first, last) in rest {
            let mut next = Some(first);
            let start = map.partition_point(|s| s.last < first);
            for segment in map[start..].iter().take_while(|s| s.first <= last) {
                if !counts(self.routing, &segment.routes, at_most) {
                    continue;
                }
                let (from, to) = (segment.first.max(first), segment.last.min(last));
                if let Some(open) = next.filter(|open| *open < from) {
                    left.push((open, from - 1));
                }
                let outcome = Outcome::Found { routes: segment.routes.to_vec(), realms: realms.cloned() };
                out.push(Stretch { first: from, last: to, outcome: Rc::new(outcome) });
                next = to.checked_add(1);
            }
            if let Some(open) = next.filter(|open| *open <= last) {
                left.push((open, last));
            }
        }
        left
    }

    fn map(&mut self, view: &View, zone: &Zone, special: &[bool]) -> Rc<Vec<Segment>> {
        let key = (view.clone(), special.to_vec());
        if let Some(known) = self.maps.get(&key) {
            return known.clone();
        }
        let routing = self.routing;
        let members = self.members.entry(view.clone()).or_insert_with(|| routing.routes_in(view));
        let found = Rc::new(map(routing, members, view, zone, self.domain));
        self.maps.insert(key, found.clone());
        found
    }
}
