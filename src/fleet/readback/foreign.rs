//! Chains of other programs that can decide before rules of one's own.

use super::owned::Boundary;
use crate::packet::Family;
use crate::ruleset::{Base, ChainId, Hook, Ruleset, Step, Verdict};
use std::collections::BTreeSet;

/// A chain of another program that can decide first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Foreign {
    /// Its name: `filter/DOCKER-USER`.
    pub chain: String,
    /// The chain of one's own whose rules, or some of them, come only after it.
    pub before: String,
}

/// The foreign chains that can decide before rules of one's own.
pub(super) fn deciding_first(ruleset: &Ruleset, boundary: &Boundary) -> Vec<Foreign> {
    let mut out = BTreeSet::new();
    for hook in Hook::ALL {
        for family in Family::ALL {
            out.extend(bases_in_front(ruleset, boundary, &ruleset.path(hook, family)));
        }
    }
    for (at, chain) in ruleset.chains.iter().enumerate().filter(|(_, c)| !boundary.is_foreign(c)) {
        out.extend(calls_in_front(ruleset, boundary, ChainId(at as u32), &chain.name));
    }
    out.into_iter().collect()
}

/// Foreign base chains in front of one's own: there only what ends the walk, or changes the packet, decides.
fn bases_in_front(ruleset: &Ruleset, boundary: &Boundary, path: &[&Base]) -> Vec<Foreign> {
    let is_foreign = |base: &Base| boundary.is_foreign(ruleset.chain(base.chain));
    let Some(last_own) = path.iter().rposition(|base| !is_foreign(base)) else { return Vec::new() };
    let own = |from: usize| path.iter().skip(from).find(|base| !is_foreign(base));
    let in_front = path.iter().enumerate().take(last_own).filter(|(_, base)| is_foreign(base));
    let decides = |base: &Base| base.policy != Verdict::Accept || can(ruleset, base.chain, ends_walk);
    let told = |(at, base): (usize, &&Base)| {
        let before = ruleset.chain(own(at)?.chain).name.to_string();
        decides(base).then(|| Foreign { chain: ruleset.chain(base.chain).name.to_string(), before })
    };
    in_front.filter_map(told).collect()
}

/// Foreign chains that a chain of one's own calls in front of rules of its own.
fn calls_in_front(ruleset: &Ruleset, boundary: &Boundary, id: ChainId, name: &str) -> Vec<Foreign> {
    let rules = &ruleset.chain(id).rules;
    let Some(last_own) = rules.iter().rposition(|rule| !boundary.calls_foreign(ruleset, rule)) else {
        return Vec::new();
    };
    let callees = rules.iter().take(last_own).flat_map(|rule| rule.callees());
    let foreign = callees.filter(|c| boundary.is_foreign(ruleset.chain(*c)) && can(ruleset, *c, decides));
    foreign.map(|c| Foreign { chain: ruleset.chain(c).name.to_string(), before: name.to_owned() }).collect()
}

/// Whether a chain, or one that it calls, holds such a step. Dialects have refused loops.
fn can(ruleset: &Ruleset, chain: ChainId, what: fn(&Step) -> bool) -> bool {
    let mut seen = BTreeSet::from([chain]);
    let mut open = vec![chain];
    while let Some(at) = open.pop() {
        for rule in &ruleset.chain(at).rules {
            if rule.steps.iter().any(what) {
                return true;
            }
            open.extend(rule.callees().into_iter().filter(|c| seen.insert(*c)));
        }
    }
    false
}

/// A step that ends the base chain, or the walk, or changes what later rules see.
fn decides(step: &Step) -> bool {
    let verdict = |v: &Verdict| !matches!(v, Verdict::Continue | Verdict::Return | Verdict::Jump(_) | Verdict::Goto(_));
    match step {
        Step::If(_) => false,
        Step::Set(_) => true,
        Step::Then(v) => verdict(v),
        Step::Choose(entries) => entries.iter().any(|(_, v)| verdict(v)),
    }
}

/// A step that ends the walk, or changes what later base chains see.
fn ends_walk(step: &Step) -> bool {
    let accepts = |v: &Verdict| matches!(v, Verdict::Accept);
    match step {
        Step::Then(v) if accepts(v) => false,
        Step::Choose(entries) => entries.iter().any(|(_, v)| !accepts(v) && decides(&Step::Then(v.clone()))),
        other => decides(other),
    }
}
