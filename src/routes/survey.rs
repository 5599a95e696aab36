//! Where one device sends packets, over a domain of destinations.

use super::compose::{Side, borders, zones};
use super::diff::{Disagreement, MOST_ZONES, RouteRegion};
use super::lookup::{Flow, Outcome, steps};
use super::model::Routing;
use super::zone::{Dimension, Zone};
use crate::packet::{Family, Ranges};
use std::collections::BTreeMap;

/// Packets that one outcome awaits.
#[derive(Clone, Debug)]
pub struct Way {
    /// Their destinations.
    pub to: Ranges,
    /// What else they are; says nothing of the destination.
    pub zone: Zone,
    /// What becomes of them.
    pub outcome: Outcome,
}

impl Way {
    /// One of the packets.
    pub fn witness(&self, family: Family) -> Flow {
        RouteRegion { to: self.to.clone(), zone: self.zone.clone() }.witness(family)
    }
}

/// What becomes of every packet to a domain: disjoint, and the whole of it.
///
/// # Errors
/// A bound.
pub fn survey(routing: &Routing, family: Family, domain: &Ranges) -> Result<Vec<Way>, Disagreement> {
    let steps = steps(routing, family);
    let borders = borders(routing, &steps, family);
    let zones = zones(&borders, family, MOST_ZONES).ok_or(Disagreement::TooMany { family, bound: MOST_ZONES })?;
    let mut side = Side::new(routing, &steps, family, domain);
    let mut found: BTreeMap<(Outcome, Zone), Vec<(u128, u128)>> = BTreeMap::new();
    for zone in &zones {
        let rest = zone.without(Dimension::To);
        for stretch in side.stretches(zone).iter() {
            let own = Ranges::range(stretch.first, stretch.last);
            let own = zone.destinations().map_or(own.clone(), |to| to.intersect(&own));
            let key = ((*stretch.outcome).clone(), rest.clone());
            if !own.is_empty() {
                found.entry(key).or_default().extend(own.as_slice());
            }
        }
    }
    let way = |((outcome, zone), ranges)| Way { to: Ranges::from_unsorted(ranges), zone, outcome };
    Ok(found.into_iter().map(way).collect())
}
