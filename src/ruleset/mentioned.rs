//! What the rules of a ruleset name: interfaces, fields, addresses, whatever they say about them.

use super::model::*;
use crate::packet::{Family, Field, IfacePattern, Ranges, Values};
use rustc_hash::FxHashSet;

/// What some rules name.
#[derive(Clone, Debug)]
pub(super) struct Mentioned {
    /// Each once, in the order in which they come up.
    interfaces: Vec<IfacePattern>,
    fields: [bool; Field::COUNT],
    /// Whether a rule has a condition that each rule has for itself.
    pub has_per_rule: bool,
}

impl Mentioned {
    /// Looks through all rules.
    pub fn by(chains: &[Chain]) -> Mentioned {
        let (mut interfaces, mut fields) = (Vec::new(), [false; Field::COUNT]);
        matches(chains).for_each(|m| {
            m.interface_patterns(&mut interfaces);
            m.fields(&mut fields);
        });
        let mut seen = FxHashSet::default();
        let interfaces = interfaces.into_iter().filter(|pattern| seen.insert(*pattern)).cloned().collect();
        let has_per_rule =
            chains.iter().flat_map(|c| &c.rules).flat_map(Rule::opaques).any(|o| o.kind == OpaqueKind::PerRule);
        Mentioned { interfaces, fields, has_per_rule }
    }

    /// Whether a rule looks at a field.
    pub fn reads(&self, field: Field) -> bool {
        self.fields[field as usize]
    }
}

impl Ruleset {
    /// Every interface pattern in any rule, each once.
    pub fn interface_patterns(&self) -> impl Iterator<Item = &IfacePattern> {
        self.chains.mentioned().interfaces.iter()
    }

    /// Every address of a family that some rule names as source or destination, whether to match it or to leave it out.
    pub fn named_addresses(&self, family: Family) -> Ranges {
        if !self.families.contains(family) {
            return Ranges::empty();
        }
        let mut found = Vec::new();
        matches(&self.chains).for_each(|m| m.addresses(&mut found));
        let is_of_family = |(lo, hi): &(u128, u128)| {
            (*hi <= Family::V4.max_address()) == (family == Family::V4) && (*lo, *hi) != (0, family.max_address())
        };
        found.into_iter().filter(is_of_family).collect()
    }
}

fn matches(chains: &[Chain]) -> impl Iterator<Item = &Match> {
    chains.iter().flat_map(|c| &c.rules).flat_map(|r| &r.steps).flat_map(|step| {
        let (one, several): (Option<&Match>, &[(Match, Verdict)]) = match step {
            Step::If(m) => (Some(m), &[]),
            Step::Choose(entries) => (None, entries),
            Step::Set(_) | Step::Then(_) => (None, &[]),
        };
        one.into_iter().chain(several.iter().map(|(m, _)| m))
    })
}

impl Match {
    fn fields(&self, found: &mut [bool; Field::COUNT]) {
        match self {
            Match::Field(field, _) => found[*field as usize] = true,
            Match::Lookup(lookup) => {
                lookup.entries.iter().flat_map(|e| &e.fields).for_each(|(field, _)| found[*field as usize] = true);
            }
            Match::All(inner) | Match::Any(inner) => inner.iter().for_each(|m| m.fields(found)),
            Match::Not(inner) => inner.fields(found),
            _ => {}
        }
    }

    fn addresses(&self, found: &mut Vec<(u128, u128)>) {
        let mut add = |field: &Field, values: &Values| {
            let ranges = values.as_ranges().filter(|_| matches!(field, Field::Src | Field::Dst));
            found.extend(ranges.iter().flat_map(|r| r.as_slice()).copied());
        };
        match self {
            Match::Field(field, values) => add(field, values),
            Match::Lookup(lookup) => lookup.entries.iter().flat_map(|e| &e.fields).for_each(|(f, v)| add(f, v)),
            Match::All(inner) | Match::Any(inner) => inner.iter().for_each(|m| m.addresses(found)),
            Match::Not(inner) => inner.addresses(found),
            _ => {}
        }
    }

    fn interface_patterns<'a>(&'a self, found: &mut Vec<&'a IfacePattern>) {
        match self {
            Match::Interface(_, pattern) => found.push(pattern),
            Match::Lookup(lookup) => {
                found.extend(lookup.entries.iter().flat_map(|e| &e.interfaces).map(|(_, p)| p));
            }
            Match::All(inner) | Match::Any(inner) => inner.iter().for_each(|m| m.interface_patterns(found)),
            Match::Not(inner) => inner.interface_patterns(found),
            _ => {}
        }
    }
}
