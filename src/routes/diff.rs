//! What a change of routes does: every destination, of every packet that rules tell apart, whose way changes; exactly those.

use super::canonical::{canonical_direction as direction, canonical_forwarding};
use super::compose::{Side, Stretch, borders, zones};
use super::lookup::{Act, Flow, Outcome, Step, route_in, route_of, steps};
use super::map::whole;
use super::model::{Route, Routing, Table, View};
use super::zone::Zone;
use crate::packet::{Family, Ranges};
use crate::ruleset::Span;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

/// Most zones into which rules cut the packets of a family.
pub(super) const MOST_ZONES: usize = 20_000;
/// Most pieces that are laid over each other.
const MOST_PIECES: usize = 50_000_000;

/// What a change of routing does.
#[derive(Clone, Debug, Default)]
pub struct RoutingDiff {
    /// By family, table, and smallest destination.
    pub changes: Vec<RouteChange>,
    /// Families of which one side gives routes and the other does not: nothing of them is compared. The flag says whether it
    /// is the new side that gives them.
    pub one_sided: Vec<(Family, bool)>,
}

impl RoutingDiff {
    /// Whether every packet goes where it went, as far as both sides say.
    pub fn is_equivalent(&self) -> bool {
        self.changes.is_empty() && self.one_sided.is_empty()
    }
}

/// Packets whose way changes alike.
#[derive(Clone, Debug)]
pub struct RouteChange {
    /// Their family.
    pub family: Family,
    /// The table, where no rule asks it, so that it was compared by itself; `None` for what the rules make of all tables.
    pub table: Option<Table>,
    /// What kind of change it is.
    pub kind: RouteChangeKind,
    /// What became of them.
    pub old: Outcome,
    /// What becomes of them.
    pub new: Outcome,
    /// Which they are, disjoint; never empty. The first holds the smallest destination.
    pub regions: Vec<RouteRegion>,
    /// One of them.
    pub witness: Flow,
}

/// Destinations, of the packets of a zone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteRegion {
    /// The destinations.
    pub to: Ranges,
    /// What else must hold; says nothing of the destination.
    pub zone: Zone,
}

impl RouteRegion {
    /// One of its packets: to a host rather than to the first address of a network.
    pub fn witness(&self, family: Family) -> Flow {
        let &(first, last) = self.to.as_slice().first().unwrap_or(&(0, 0));
        Flow::of_zone(&self.zone, family, if last - first >= 2 { first + 1 } else { first })
    }
}

/// What a change of a way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteChangeKind {
    /// There was a route, and there is none.
    Lost,
    /// There was none, and there is one.
    Gained,
    /// Packets went on, and are discarded.
    Blackholed,
    /// Packets were discarded, and go on.
    Restored,
    /// A more specific route, or a route of another table, takes them over, and sends them elsewhere.
    Captured,
    /// They go elsewhere.
    Rerouted,
    /// They go the same way, with another source address, limit or share; or they are refused otherwise.
    Altered,
}

impl RouteChangeKind {
    /// Every kind, the worst first.
    pub const ALL: [RouteChangeKind; 7] = [
        RouteChangeKind::Lost,
        RouteChangeKind::Blackholed,
        RouteChangeKind::Captured,
        RouteChangeKind::Rerouted,
        RouteChangeKind::Restored,
        RouteChangeKind::Gained,
        RouteChangeKind::Altered,
    ];

    /// The name in machine formats.
    pub fn name(self) -> &'static str {
        match self {
            RouteChangeKind::Lost => "lost",
            RouteChangeKind::Gained => "gained",
            RouteChangeKind::Blackholed => "blackholed",
            RouteChangeKind::Restored => "restored",
            RouteChangeKind::Captured => "captured",
            RouteChangeKind::Rerouted => "rerouted",
            RouteChangeKind::Altered => "altered",
        }
    }
}

/// Why there is no comparison.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disagreement {
    /// The comparison and the plain reading give different answers for one packet.
    #[error("the comparison of routes contradicts the plain lookup for {flow}: {said} against {is}")]
    Replay {
        /// The packet, in words.
        flow: String,
        /// What the comparison says.
        said: String,
        /// What the lookup says.
        is: String,
    },
    /// The rules cut the packets into too many zones, or the tables into too many pieces.
    #[error("the policy rules for {family} tell too many kinds of packets apart to be compared (the bound is {bound})")]
    TooMany {
        /// The family.
        family: Family,
        /// The bound.
        bound: usize,
    },
}

/// Compares two routings over every destination.
///
/// # Errors
/// A bound; a contradiction of the plain lookup, which is a bug.
pub fn diff_routing(old: &Routing, new: &Routing) -> Result<RoutingDiff, Disagreement> {
    let mut out = RoutingDiff::default();
    for family in Family::ALL {
        match (old.gives(family), new.gives(family)) {
            (false, false) => {}
            (true, true) => out.changes.extend(compare(old, new, family)?),
            (_, is_new) => out.one_sided.push((family, is_new)),
        }
    }
    Ok(out)
}

fn compare(old: &Routing, new: &Routing, family: Family) -> Result<Vec<RouteChange>, Disagreement> {
    let (before, after) = (steps(old, family), steps(new, family));
    let edited = edited(old, new, family);
    let mut changes = Vec::new();
    let pair = Pair { old, new, family };
    let domain = if before == after { edited.clone() } else { whole(family) };
    changes.extend(pair.changes(&before, &after, &domain, None)?);
    let asked: BTreeSet<&Table> = before.iter().chain(&after).flat_map(tables_of).collect();
    let mine = old.routes.iter().chain(&new.routes).filter(|r| r.family() == family);
    let unasked: BTreeSet<&Table> = mine.map(|r| &r.table).filter(|t| !asked.contains(t)).collect();
    for table in unasked {
        let view = View { family, tables: vec![table.clone()] };
        let act = Act::Ask { view, at_most: None, realms: None };
        let steps = vec![Step { priority: 0, zone: Zone::whole(), inverted: false, act }];
        changes.extend(pair.changes(&steps, &steps, &edited, Some(table))?);
    }
    Ok(changes)
}

fn tables_of(step: &Step) -> &[Table] {
    match &step.act {
        Act::Ask { view, .. } => &view.tables,
        _ => &[],
    }
}

/// The destinations of every prefix whose routes, in their order, are not the same on both sides. Nothing else can change
/// where the rules are the same.
fn edited(old: &Routing, new: &Routing, family: Family) -> Ranges {
    type Entries<'r> = HashMap<(&'r Table, u128, u32), Vec<Route>>;
    fn entries(routing: &Routing, family: Family) -> Entries<'_> {
        let mut out: Entries<'_> = HashMap::new();
        for route in routing.routes.iter().filter(|r| r.family() == family) {
            out.entry((&route.table, route.to.address, route.to.length))
                .or_default()
                .push(Route { span: Span::default(), ..route.clone() });
        }
        out
    }
    let (before, after) = (entries(old, family), entries(new, family));
    let differs = |key: &(&Table, u128, u32)| before.get(key) != after.get(key);
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).copied().filter(|k| differs(k)).collect();
    let bounds = |(_, address, length)| super::Prefix { family, address, length }.bounds();
    Ranges::from_unsorted(keys.into_iter().map(bounds).collect())
}

struct Pair<'a> {
    old: &'a Routing,
    new: &'a Routing,
    family: Family,
}

/// What becomes of packets before and after.
type Outcomes = (Rc<Outcome>, Rc<Outcome>);

impl Pair<'_> {
    fn changes(
        &self,
        before: &[Step],
        after: &[Step],
        domain: &Ranges,
        table: Option<&Table>,
    ) -> Result<Vec<RouteChange>, Disagreement> {
        if domain.is_empty() {
            return Ok(Vec::new());
        }
        let mut all = borders(self.old, before, self.family);
        all.extend(borders(self.new, after, self.family));
        let too_many = |bound| Disagreement::TooMany { family: self.family, bound };
        let zones = zones(&all, self.family, MOST_ZONES).ok_or_else(|| too_many(MOST_ZONES))?;
        let mut old = Side::new(self.old, before, self.family, domain);
        let mut new = Side::new(self.new, after, self.family, domain);
        let mut found: BTreeMap<Outcomes, BTreeMap<Zone, Vec<(u128, u128)>>> = BTreeMap::new();
        let mut pieces = 0;
        for zone in &zones {
            let (was, is) = (old.stretches(zone), new.stretches(zone));
            pieces += was.len() + is.len();
            if pieces > MOST_PIECES {
                return Err(too_many(MOST_PIECES));
            }
            let to = zone.destinations().cloned();
            let rest = zone.without(super::zone::Dimension::To);
            for (range, outcomes) in self.differences(&was, &is) {
                let parts = match &to {
                    Some(to) => to.intersect(&Ranges::range(range.0, range.1)).as_slice().to_vec(),
                    None => vec![range],
                };
                if !parts.is_empty() {
                    found.entry(outcomes).or_default().entry(rest.clone()).or_default().extend(parts);
                }
            }
        }
        let mut changes = Vec::new();
        for ((was, is), zones) in found {
            changes.push(self.change(&was, &is, zones, table)?);
        }
        changes.sort_by_key(|c| c.regions.first().and_then(|r| r.to.first()));
        Ok(changes)
    }

    /// Where two rows of stretches over the same destinations differ in what they do.
    fn differences(&self, was: &[Stretch], is: &[Stretch]) -> Vec<((u128, u128), Outcomes)> {
        let mut out: Vec<((u128, u128), Outcomes)> = Vec::new();
        let mut same: HashMap<(*const Outcome, *const Outcome), bool> = HashMap::new();
        let (mut i, mut j) = (0, 0);
        while let (Some(a), Some(b)) = (was.get(i), is.get(j)) {
            let (first, last) = (a.first.max(b.first), a.last.min(b.last));
            if first <= last {
                let key = (Rc::as_ptr(&a.outcome), Rc::as_ptr(&b.outcome));
                let is_same = *same.entry(key).or_insert_with(|| self.does_the_same(&a.outcome, &b.outcome));
                if !is_same {
                    out.push(((first, last), (a.outcome.clone(), b.outcome.clone())));
                }
            }
            match a.last.cmp(&b.last) {
                std::cmp::Ordering::Less => i += 1,
                std::cmp::Ordering::Greater => j += 1,
                std::cmp::Ordering::Equal => (i, j) = (i + 1, j + 1),
            }
        }
        out
    }

    fn does_the_same(&self, was: &Outcome, is: &Outcome) -> bool {
        canonical_forwarding(self.old, was) == canonical_forwarding(self.new, is)
    }

    fn change(
        &self,
        was: &Outcome,
        is: &Outcome,
        zones: BTreeMap<Zone, Vec<(u128, u128)>>,
        table: Option<&Table>,
    ) -> Result<RouteChange, Disagreement> {
        let region = |(zone, ranges)| RouteRegion { to: Ranges::from_unsorted(ranges), zone };
        let mut regions: Vec<RouteRegion> = zones.into_iter().map(region).collect();
        regions.sort_by(|a, b| (a.to.first(), &a.zone).cmp(&(b.to.first(), &b.zone)));
        let witness = regions.first().map(|r| r.witness(self.family)).unwrap_or_else(|| Flow::to(self.family, 0));
        self.replay(was, is, &witness, table)?;
        let kind = self.kind(was, is);
        let (old, new) = (was.clone(), is.clone());
        Ok(RouteChange { family: self.family, table: table.cloned(), kind, old, new, regions, witness })
    }

    /// Asks the plain lookup for the witness.
    fn replay(&self, was: &Outcome, is: &Outcome, flow: &Flow, table: Option<&Table>) -> Result<(), Disagreement> {
        for (routing, said) in [(self.old, was), (self.new, is)] {
            let found = match table {
                Some(table) => route_in(routing, &View { family: self.family, tables: vec![table.clone()] }, flow),
                None => route_of(routing, flow),
            };
            let (said, found) = (canonical_forwarding(routing, said), canonical_forwarding(routing, &found));
            if said != found {
                return Err(Disagreement::Replay { flow: super::flow_words(flow), said, is: found });
            }
        }
        Ok(())
    }

    /// Whether another table decides than before.
    fn is_elsewhere(&self, was: &Outcome, is: &Outcome) -> bool {
        let table = |routing: &Routing, outcome: &Outcome| match outcome {
            Outcome::Found { routes, .. } => {
                routes.first().and_then(|at| routing.routes.get(*at)).map(|r| r.table.clone())
            }
            _ => None,
        };
        table(self.old, was) != table(self.new, is)
    }

    fn kind(&self, was: &Outcome, is: &Outcome) -> RouteChangeKind {
        let (old, new) = (Fate::of(self.old, was), Fate::of(self.new, is));
        match (old, new) {
            (Fate::Nowhere, Fate::Nowhere) => RouteChangeKind::Altered,
            (_, Fate::Nowhere) => RouteChangeKind::Lost,
            (Fate::Nowhere, _) => RouteChangeKind::Gained,
            (Fate::Discarded, Fate::Discarded) => RouteChangeKind::Altered,
            (_, Fate::Discarded) => RouteChangeKind::Blackholed,
            (Fate::Discarded, _) => RouteChangeKind::Restored,
            (Fate::Carried(before), Fate::Carried(after)) => match () {
                () if direction(self.old, was) == direction(self.new, is) => RouteChangeKind::Altered,
                () if after > before || self.is_elsewhere(was, is) => RouteChangeKind::Captured,
                () => RouteChangeKind::Rerouted,
            },
        }
    }
}

/// What becomes of packets, coarsely.
enum Fate {
    Nowhere,
    Discarded,
    /// By a route of this prefix length.
    Carried(u32),
}

impl Fate {
    fn of(routing: &Routing, outcome: &Outcome) -> Fate {
        match outcome {
            Outcome::Nowhere => Fate::Nowhere,
            Outcome::Ended { .. } => Fate::Discarded,
            Outcome::Domain => Fate::Carried(0),
            Outcome::Found { routes, .. } => match routes.first().and_then(|at| routing.routes.get(*at)) {
                Some(route) if route.kind.discards() => Fate::Discarded,
                Some(route) => Fate::Carried(route.to.length),
                None => Fate::Nowhere,
            },
        }
    }
}
