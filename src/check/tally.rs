//! What the checks have found so far, and what they rested on.

use super::report::{AssumptionUsed, NotApplicable, Standing};
use super::scene::{Filter, Pair, Scene};
use crate::finding::{Finding, Location};
use crate::packet::{Cond, Family, Ranges};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Collects over all scenes.
#[derive(Default)]
pub(super) struct Tally {
    pub findings: Vec<Finding>,
    /// The worst standing of each requirement, by id.
    pub requirements: BTreeMap<String, Standing>,
    pub assumptions: BTreeSet<AssumptionUsed>,
    pub not_applicable: BTreeSet<NotApplicable>,
    /// Whether some walk reached its bound.
    pub is_bounded: bool,
    /// What filters said of the addresses of zones.
    pub names: OfNames,
    /// What flows have been judged on, for the checks that ask whether they were judged at all.
    pub reached: BTreeSet<Reached>,
}

/// That a flow was judged on some device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reached {
    /// The baseline has a filter for this requirement or prohibition.
    Baseline(String),
    /// The proposal has.
    Proposal(String),
    /// A device of this side is selected by this requirement or prohibition.
    BaselineDevice(String),
    /// As above, of the proposal.
    ProposalDevice(String),
    /// The intent of this number has been judged on some filter.
    Intent(usize),
    /// The intent of this number was not yet in force on some filter.
    IntentIsNews(usize),
    /// Some route that the declared change of routes of this number is about changes.
    Reroute(usize),
}

impl Tally {
    /// Adds a finding for each of these devices.
    pub fn report<'a>(&mut self, pairs: impl Iterator<Item = &'a Pair<'a>>, finding: &Finding) {
        self.findings.extend(pairs.map(|p| p.told(finding)));
    }

    /// Notes how a requirement stands somewhere.
    pub fn stands(&mut self, id: &str, standing: Standing) {
        let own = self.requirements.entry(id.to_owned()).or_insert(standing);
        *own = (*own).max(standing);
    }

    /// Notes assumptions that a verdict met.
    pub fn assume(&mut self, scene: &Scene<'_>, filter: &Filter<'_>, assumed: &BTreeSet<(Cond, bool)>) {
        for (cond, holds) in assumed {
            let condition = filter.space.cond_name(*cond);
            let Some(assumption) = scene.assumption(&condition) else { continue };
            let location = Location::of(assumption.span, &scene.input.policy.sources).first_line();
            self.assumptions.extend(scene.pairs.iter().map(|p| AssumptionUsed {
                device: p.name.to_owned(),
                condition: condition.to_string(),
                holds: *holds,
                reason: assumption.reason.clone(),
                location: location.clone(),
            }));
        }
    }
}

/// What filters said of the addresses of zones, over all scenes.
#[derive(Default)]
pub(super) struct OfNames {
    /// Servers about which some filter was asked.
    pub judged: BTreeSet<IpAddr>,
    /// Addresses by family.
    reach: BTreeMap<Family, Reach>,
}

/// Addresses of zones, of one family.
#[derive(Clone)]
struct Reach {
    /// Those that some filter was asked about.
    asked: Ranges,
    /// Those to which one lets something pass, on a device that leads there.
    reached: Ranges,
    /// Those to which one lets something pass on devices that lead nowhere near.
    unrouted: Ranges,
}

impl OfNames {
    /// Notes the answer of a filter: what it was asked, to what of it something comes, and to what its devices have no route.
    pub fn note(&mut self, family: Family, asked: &Ranges, reached: &Ranges, unrouted: &Ranges) {
        let own = self.of(family);
        let [asked, reached, unrouted] =
            [(own.asked, asked), (own.reached, reached), (own.unrouted, unrouted)].map(|(own, more)| own.union(more));
        self.reach.insert(family, Reach { asked, reached, unrouted });
    }

    fn of(&self, family: Family) -> Reach {
        let nothing = || Reach { asked: Ranges::empty(), reached: Ranges::empty(), unrouted: Ranges::empty() };
        self.reach.get(&family).cloned().unwrap_or_else(nothing)
    }

    /// The addresses that filters were asked about.
    pub fn asked_of(&self, family: Family) -> Ranges {
        self.of(family).asked
    }

    /// The addresses to which some filter lets something pass.
    pub fn reached_of(&self, family: Family) -> Ranges {
        self.of(family).reached
    }

    /// Those of them that some filter lets through on devices without a route there.
    pub fn unrouted_of(&self, family: Family) -> Ranges {
        self.of(family).unrouted
    }
}
