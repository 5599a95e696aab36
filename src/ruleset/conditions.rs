//! The opaque conditions of rules, and the numbers of those that each rule has for itself.
//!
//! The numbers follow the order of chains and rules of the whole ruleset, not the hook that somebody asks about,
//! so that one condition has one name in every trace, comparison and listing.

use super::interpret::Place;
use super::model::*;
use super::space::Side;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// What a condition of one rule is known by.
pub(super) type Occurrence = (Side, Place, Arc<str>);

impl Rule {
    /// The opaque conditions of the rule, in the order in which they stand.
    pub fn opaques(&self) -> Vec<&Opaque> {
        let mut found = Vec::new();
        for step in &self.steps {
            match step {
                Step::If(condition) => condition.opaques(&mut found),
                Step::Then(Verdict::Ask(opaque)) => found.push(opaque),
                Step::Choose(entries) => entries.iter().for_each(|(condition, verdict)| {
                    condition.opaques(&mut found);
                    if let Verdict::Ask(opaque) = verdict {
                        found.push(opaque);
                    }
                }),
                Step::Set(_) | Step::Then(_) => {}
            }
        }
        found
    }
}

impl Match {
    fn opaques<'a>(&'a self, found: &mut Vec<&'a Opaque>) {
        match self {
            Match::Opaque(opaque) => found.push(opaque),
            Match::All(inner) | Match::Any(inner) => inner.iter().for_each(|m| m.opaques(found)),
            Match::Not(inner) => inner.opaques(found),
            _ => {}
        }
    }
}

/// The number of every condition that a rule has for itself, counted by name: those of the baseline in the order
/// of its rules, then those of the proposal that are not the baseline's.
pub(super) fn number_occurrences(
    rulesets: &[&Ruleset],
    paired: &FxHashMap<Place, Place>,
) -> FxHashMap<Occurrence, u32> {
    let mut numbers = FxHashMap::default();
    let mut counts: FxHashMap<Arc<str>, u32> = FxHashMap::default();
    for (ruleset, side) in rulesets.iter().zip([Side::Old, Side::New]).filter(|(r, _)| r.has_per_rule()) {
        for (place, rule) in ruleset.rules() {
            if side == Side::New && paired.contains_key(&place) {
                continue;
            }
            for opaque in rule.opaques().into_iter().filter(|o| o.kind == OpaqueKind::PerRule) {
                numbers.entry((side, place, opaque.name.clone())).or_insert_with(|| {
                    let count = counts.entry(opaque.name.clone()).or_default();
                    *count += 1;
                    *count
                });
            }
        }
    }
    numbers
}

impl Ruleset {
    /// Whether some rule has a condition that each rule has for itself.
    pub fn has_per_rule(&self) -> bool {
        self.chains.mentioned().has_per_rule
    }

    /// Every rule with its place, chain by chain.
    pub fn rules(&self) -> impl Iterator<Item = (Place, &Rule)> {
        self.chains.iter().enumerate().flat_map(|(chain, c)| {
            c.rules.iter().enumerate().map(move |(at, rule)| (Place::Rule(ChainId(chain as u32), at as u32), rule))
        })
    }
}
