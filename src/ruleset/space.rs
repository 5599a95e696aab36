//! The space that the programs of one comparison share: family, hook, interface classes, opaque conditions.

use super::conditions::{Occurrence, number_occurrences};
use super::interpret::Place;
use super::model::*;
use crate::packet::{Cell, Cond, Family, Field, IfacePattern, IfaceSide, InterfaceClasses, Ranges, Values};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::sync::Arc;

/// Which of the rulesets of a comparison something belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The baseline, or the only one.
    Old,
    /// The proposal.
    New,
}

/// The packet space of one filter (hook and family) as a set of rulesets divides it.
#[derive(Debug)]
pub struct Space {
    /// Where packets are judged.
    pub hook: Hook,
    /// Their family.
    pub family: Family,
    /// The interface classes that any of the rulesets tells apart.
    pub interfaces: InterfaceClasses,
    /// Whether some rule can tell what routing makes of a TTL. Where none can, walks do not keep count.
    pub counts_hops: bool,
    /// Whether some rule looks at the Ethernet type.
    reads_ether_type: bool,
    conds: RefCell<Conds>,
    /// Rules of the proposal that are unchanged rules of the baseline: their conditions are the same booleans.
    paired: FxHashMap<Place, Place>,
}

#[derive(Debug, Default)]
struct Conds {
    names: Vec<Arc<str>>,
    /// What each stands for, without its number.
    opaques: Vec<Opaque>,
    pure: FxHashMap<Arc<str>, Cond>,
    per_rule: FxHashMap<Occurrence, Cond>,
    numbers: FxHashMap<Occurrence, u32>,
}

impl Space {
    /// The space of one hook and family for these rulesets. `paired` maps rules of the proposal to the same rules
    /// of the baseline; `more` are interface names that queries will use beside those of the rules.
    pub fn new(
        hook: Hook,
        family: Family,
        rulesets: &[&Ruleset],
        more: &[IfacePattern],
        paired: FxHashMap<Place, Place>,
    ) -> Space {
        let mut patterns: Vec<IfacePattern> = more.to_vec();
        patterns.push(IfacePattern::exact("lo"));
        for ruleset in rulesets {
            patterns.extend(ruleset.interface_patterns().cloned());
            patterns.extend(ruleset.facts.interfaces.iter().flatten().map(IfacePattern::exact));
        }
        let interfaces = InterfaceClasses::new(&patterns);
        let numbers = number_occurrences(rulesets, &paired);
        let conds = RefCell::new(Conds { numbers, ..Conds::default() });
        let counts_hops = hook == Hook::Forward && rulesets.iter().any(|r| r.chains.mentioned().reads(Field::Ttl));
        let reads_ether_type = rulesets.iter().any(|r| r.chains.mentioned().reads(Field::EtherType));
        Space { hook, family, interfaces, counts_hops, reads_ether_type, conds, paired }
    }

    /// Every packet that can be judged at the hook: interfaces that the hook does not have are `none`.
    pub fn possible(&self) -> Cell {
        let present = Values::Ranges(self.interfaces.present());
        let absent = Values::Ranges(Ranges::one(InterfaceClasses::NONE));
        let (iif, oif) = match self.hook.lacks() {
            Some(IfaceSide::In) => (absent, present),
            Some(_) => (present, absent),
            None => (present.clone(), present),
        };
        let cell = Cell::whole().with(Field::Iif, iif).with(Field::Oif, oif);
        match self.ether_type() {
            Some(value) if self.reads_ether_type => cell.with(Field::EtherType, Values::one(Field::EtherType, value)),
            _ => cell,
        }
    }

    /// The Ethernet type of every frame that holds the packets of the hook.
    fn ether_type(&self) -> Option<u128> {
        self.hook.ether_type(self.family)
    }

    /// The values of the interface field that a pattern matches.
    pub fn interface_values(&self, pattern: &IfacePattern) -> Values {
        Values::Ranges(self.interfaces.matching(pattern))
    }

    /// The boolean of a condition that stands in the rule at `place`.
    pub fn cond(&self, side: Side, place: Place, opaque: &Opaque) -> Cond {
        let mut conds = self.conds.borrow_mut();
        match opaque.kind {
            OpaqueKind::Pure => {
                if let Some(cond) = conds.pure.get(&opaque.name) {
                    return *cond;
                }
                let cond = conds.add(opaque.name.clone(), opaque);
                conds.pure.insert(opaque.name.clone(), cond);
                cond
            }
            OpaqueKind::PerRule => {
                let key = match (side, self.paired.get(&place)) {
                    (Side::New, Some(old)) => (Side::Old, *old, opaque.name.clone()),
                    _ => (side, place, opaque.name.clone()),
                };
                if let Some(cond) = conds.per_rule.get(&key) {
                    return *cond;
                }
                let nth = conds.numbers.get(&key).copied().unwrap_or(0);
                let name = format!("{} #{nth}", opaque.name);
                let cond = conds.add(name.into(), opaque);
                conds.per_rule.insert(key, cond);
                cond
            }
        }
    }

    /// The canonical name of a condition.
    pub fn cond_name(&self, cond: Cond) -> Arc<str> {
        self.conds.borrow().names.get(cond.0 as usize).cloned().unwrap_or_else(|| "?".into())
    }

    /// What a condition stands for, without the number of its occurrence; `None` for one that was never met.
    pub fn opaque(&self, cond: Cond) -> Option<Opaque> {
        self.conds.borrow().opaques.get(cond.0 as usize).cloned()
    }

    /// All conditions met so far, in order.
    pub fn conds(&self) -> Vec<(Cond, Arc<str>)> {
        self.conds.borrow().names.iter().enumerate().map(|(i, n)| (Cond(i as u32), n.clone())).collect()
    }
}

impl Conds {
    fn add(&mut self, name: Arc<str>, opaque: &Opaque) -> Cond {
        self.names.push(name);
        self.opaques.push(opaque.clone());
        Cond(self.names.len() as u32 - 1)
    }
}
