//! What a check of routes sees: one device with its routing on both sides, and what changes.

use crate::check::CheckInput;
use crate::check::report::CheckError;
use crate::check::scene::Pair;
use crate::finding::{Finding, Location};
use crate::packet::{Family, Ranges, address_texts};
use crate::policy::{AddressSet, RouteIntent};
use crate::routes::{Outcome, Route, RouteChange, RouteRegion, Routing, RoutingDiff, Way, survey};

/// One device.
pub(super) struct RouteScene<'a> {
    pub input: &'a CheckInput<'a>,
    pub pair: &'a Pair<'a>,
    pub old: &'a Routing,
    pub new: &'a Routing,
    pub diff: &'a RoutingDiff,
}

impl RouteScene<'_> {
    /// The declared changes of routes that are about the device, with their numbers.
    pub fn intents(&self) -> impl Iterator<Item = (usize, &RouteIntent)> {
        let change = self.input.change.filter(|change| self.pair.is_selected(&change.devices));
        let all = change.into_iter().flat_map(|change| change.reroutes.iter().enumerate());
        all.filter(|(_, intent)| self.pair.is_selected(&intent.devices))
    }

    /// The regions of a change that nobody declared.
    pub fn undeclared(&self, change: &RouteChange) -> Vec<RouteRegion> {
        let declared = self
            .intents()
            .filter(|(_, i)| goes(self.new, &change.new, i.to.of(change.family), &i.via, &i.dev, change.family));
        let declared = declared.fold(Ranges::empty(), |all, (_, i)| all.union(i.to.of(change.family)));
        let rest = |r: &RouteRegion| RouteRegion { to: r.to.subtract(&declared), zone: r.zone.clone() };
        change.regions.iter().map(rest).filter(|r| !r.to.is_empty()).collect()
    }

    /// Addresses that count as production: private ones, and those of named ranges, without those of the lab.
    pub fn production(&self, family: Family) -> Ranges {
        let policy = self.input.policy;
        let named = policy.names.ranges().values().fold(Ranges::empty(), |all, set| all.union(set.of(family)));
        let lab = policy.lab.as_ref().map(|lab| lab.ranges.union(&lab.routes)).unwrap_or_default();
        named.union(&crate::check::address_space::private(family)).subtract(lab.of(family))
    }

    /// The named ranges that hold some of these addresses: `` `dallas` and `toronto` ``.
    pub fn names(&self, to: &Ranges, family: Family) -> String {
        const MOST: usize = 4;
        let meets = |(_, set): &(&String, &AddressSet)| {
            set.of(family).meets(to) && !set.of(family).is_full(family.max_address())
        };
        let mut names: Vec<String> =
            self.input.policy.names.ranges().iter().filter(meets).map(|(name, _)| format!("`{name}`")).collect();
        if names.len() > MOST {
            let more = names.len() - MOST;
            names.truncate(MOST);
            names.push(format!("{more} more"));
        }
        match names.split_last() {
            None => String::new(),
            Some((only, [])) => only.clone(),
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        }
    }

    /// The place that is to blame for a change: the route or rule that decides now, or the one that decided.
    pub fn place(&self, change: &RouteChange) -> Option<Location> {
        place_of(self.new, &change.new, change.family).or_else(|| place_of(self.old, &change.old, change.family))
    }

    /// A finding about a change, on this device.
    pub fn finding(&self, code: &'static crate::finding::Code, change: &RouteChange, message: String) -> Finding {
        let found = match self.place(change) {
            Some(place) => Finding::at(code, place, message),
            None => Finding::without_place(code, message),
        };
        let found = found.on_device(self.pair.name);
        Finding { family: Some(change.family), ..found }
    }
}

/// Where an outcome is written; nowhere for what no text says.
pub(in crate::check) fn place_of(routing: &Routing, outcome: &Outcome, family: Family) -> Option<Location> {
    let span = match outcome {
        Outcome::Found { routes, .. } => routes.first().and_then(|at| routing.routes.get(*at)).map(|route| route.span),
        Outcome::Ended { priority, .. } => {
            routing.rules.get(&family).and_then(|rules| rules.iter().find(|r| r.priority == *priority)).map(|r| r.span)
        }
        Outcome::Nowhere | Outcome::Domain => None,
    }?;
    (span.line > 0).then(|| Location::of(span, &routing.sources).first_line())
}

/// Whether an outcome leads where a policy or a declaration says: every next hop through one of the gateways and by one of the
/// interfaces. A list without an entry demands nothing; gateways of the other family count for IPv4 only where the
/// destinations have no IPv6.
pub(super) fn goes(
    routing: &Routing,
    outcome: &Outcome,
    _to: &Ranges,
    via: &[(Family, u128)],
    dev: &[String],
    family: Family,
) -> bool {
    let via: Vec<_> = via.iter().filter(|(of, _)| *of == family || !via.iter().any(|(f, _)| *f == family)).collect();
    if via.is_empty() && dev.is_empty() {
        return true;
    }
    let Outcome::Found { routes, .. } = outcome else { return false };
    let leads = |route: &Route| {
        let mut alive = route.hops.iter().filter(|hop| !hop.is_dead).peekable();
        let is_carried = route.kind == crate::routes::RouteType::Unicast && alive.peek().is_some();
        is_carried
            && alive.all(|hop| {
                let by_gateway = via.is_empty() || hop.via.is_some_and(|v| via.iter().any(|w| **w == v));
                let by_interface = dev.is_empty() || hop.dev.as_ref().is_some_and(|d| dev.contains(d));
                by_gateway && by_interface
            })
    };
    routes.iter().filter_map(|at| routing.routes.get(*at)).all(leads)
}

/// The first range of a way's destinations, and how many more there are.
pub(super) fn way_range(way: &Way, family: Family) -> String {
    let texts = address_texts(&way.to, family);
    let first = texts.first().cloned().unwrap_or_default();
    match texts.len() {
        0 | 1 => first,
        more => format!("{first} and {} more ranges", more - 1),
    }
}

/// Whether packets go on, or are the device's own.
pub(super) fn is_carried(routing: &Routing, outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Found { routes, .. } => {
            routes.iter().filter_map(|at| routing.routes.get(*at)).all(|r| !r.kind.discards())
        }
        Outcome::Domain => true,
        Outcome::Ended { .. } | Outcome::Nowhere => false,
    }
}

/// The addresses of a domain to which a device carries some packet; all of them where no file gives its routes.
///
/// # Errors
/// A bound.
pub fn carried(routing: &Routing, family: Family, domain: &Ranges) -> Result<Ranges, CheckError> {
    if !routing.gives(family) {
        return Ok(domain.clone());
    }
    let ways = survey(routing, family, domain)?;
    let carried = ways.iter().filter(|way| is_carried(routing, &way.outcome));
    Ok(carried.fold(Ranges::empty(), |all, way| all.union(&way.to)))
}
