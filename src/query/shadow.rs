//! Rules that cannot matter: never matched because of a union of earlier rules, or matched without effect, and
//! chains that no packet enters.
//!
//! Every rule is looked for in every context (hook and family) in which its chain can be called, from the very
//! beginning of the path, so a rule behind a call whose guard excludes it is found too. What is reported is
//! certain; what the bounds leave open is listed as such.

use super::hunt::{Context, Known, KnownEffect, asks_translated};
use super::seek::{Target, set_fields};
use crate::packet::{Family, Field};
use crate::ruleset::{
    ChainId, Effect, Hook, Identities, Move, Place, Program, Rule, Ruleset, Ruling, Side, Space, Step, Verdict, Walker,
};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// Why a rule never matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WhyDead {
    /// Its own conditions exclude each other.
    Contradiction,
    /// Earlier rules of its chain, and what they call, take every packet that it asks for.
    Covered,
    /// The packets that it asks for never come to its chain, or come from callers that leave nothing.
    NotCalled,
}

/// A rule that no packet matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadRule {
    /// The rule.
    pub place: Place,
    /// Why.
    pub why: WhyDead,
    /// The rules and policies that take its packets, in order of place; at most sixteen.
    pub taken_by: Vec<Place>,
}

/// A rule that matches packets and could be removed without any difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleRule {
    /// The rule.
    pub place: Place,
    /// What decides its packets in the same way without it; at most sixteen.
    pub followed_by: Vec<Place>,
}

/// A chain that no packet enters. Its rules are not listed one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusedChain {
    /// The chain.
    pub chain: ChainId,
    /// The rules that call it and are never matched, or stand in such a chain; empty where nothing calls it.
    pub callers: Vec<Place>,
}

/// The result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shadows {
    /// Rules that never match, in order of place.
    pub dead: Vec<DeadRule>,
    /// Rules without effect, in order of place. Each can go; two of them may need each other.
    pub idle: Vec<IdleRule>,
    /// Chains that are never entered.
    pub unused: Vec<UnusedChain>,
    /// Rules for which the bounds left open whether they match.
    pub open: Vec<Place>,
    /// Rules that match, for which the bounds left open whether they have an effect.
    pub open_effect: Vec<Place>,
}

impl Shadows {
    /// Whether nothing was left open.
    pub fn is_complete(&self) -> bool {
        self.open.is_empty() && self.open_effect.is_empty()
    }
}

/// When a search is given up.
#[derive(Clone, Copy, Debug)]
pub struct ShadowBounds {
    /// Most cells for one rule at one hook and family.
    pub rule: u64,
    /// Most cells in all.
    pub total: u64,
}

impl Default for ShadowBounds {
    fn default() -> ShadowBounds {
        ShadowBounds { rule: 5_000, total: 500_000 }
    }
}

const MOST_NAMED: usize = 16;

/// Looks for rules and chains that cannot matter.
pub fn shadows(ruleset: &Ruleset, bounds: ShadowBounds) -> Shadows {
    let mut survey = Survey { ruleset, bounds, left: bounds.total, rules: BTreeMap::new() };
    for family in Family::ALL.into_iter().filter(|f| ruleset.families.contains(*f)) {
        for hook in Hook::of(&[ruleset]).into_iter().filter(|h| !ruleset.missing_hooks.contains(h)) {
            survey.context(hook, family);
        }
    }
    survey.result()
}

struct Survey<'a> {
    ruleset: &'a Ruleset,
    bounds: ShadowBounds,
    left: u64,
    rules: BTreeMap<Place, Known>,
}

impl Survey<'_> {
    fn context(&mut self, hook: Hook, family: Family) {
        let space = Space::new(hook, family, &[self.ruleset], &[], FxHashMap::default());
        let program = Program::new(self.ruleset, Side::Old, &space, &mut Identities::default());
        let mut fields = program.read_fields();
        fields.extend([Field::Src, Field::Dst, Field::Proto, Field::State]);
        fields.sort_unstable();
        fields.dedup();
        let moves = program.blocks.iter().flat_map(|b| &b.lines).flat_map(|l| l.moves.iter());
        let translated = moves.into_iter().any(|m| matches!(m, Move::If(t) if asks_translated(t)));
        let walker = Walker::new(&space, &program);
        let context =
            Context { space: &space, program: &program, walker, fields, set: set_fields(&program), translated };
        for (chain, stages) in chains_of(&program) {
            for line in 0..program.block(chain).lines.len() as u32 {
                self.rule(&context, (chain, line), &stages);
            }
        }
    }

    fn rule(&mut self, context: &Context<'_, '_>, target: Target, stages: &[usize]) {
        let place = context.program.place(target.0, target.1);
        let mut known = self.rules.remove(&place).unwrap_or_default();
        let judged = removable(self.ruleset, context.program, target);
        let settled = known.live && (!judged || matches!(known.effect, Some(KnownEffect::Some | KnownEffect::Open)));
        if !settled {
            let budget = self.bounds.rule.min(self.left);
            let mut left = budget;
            context.look(target, stages, judged, &mut known, &mut left);
            self.left -= budget - left;
        }
        self.rules.insert(place, known);
    }

    fn result(self) -> Shadows {
        let entered = self.entered();
        let mut out = Shadows::default();
        for (place, rule) in self.ruleset.rules() {
            let Place::Rule(chain, _) = place else { continue };
            // What a device does by itself, and defaults, nobody can take out.
            let sources = &self.ruleset.sources;
            let is_written = ![rule.span, self.ruleset.chain(chain).span].iter().any(|s| sources.is_built_in(*s));
            if !entered.contains(&chain) || !is_written {
                continue;
            }
            let Some(known) = self.rules.get(&place) else {
                if is_effective(rule) {
                    out.dead.push(DeadRule { place, why: WhyDead::Contradiction, taken_by: Vec::new() });
                }
                continue;
            };
            match (known.live, known.open) {
                (false, true) => out.open.push(place),
                (false, false) => {
                    let taken_by = known.takers.iter().copied().take(MOST_NAMED).collect();
                    out.dead.push(DeadRule { place, why: known.why.unwrap_or(WhyDead::Contradiction), taken_by });
                }
                (true, open) => match &known.effect {
                    Some(KnownEffect::None(followed)) if !open => {
                        let followed_by = followed.iter().copied().take(MOST_NAMED).collect();
                        out.idle.push(IdleRule { place, followed_by });
                    }
                    Some(KnownEffect::Open | KnownEffect::None(_)) => out.open_effect.push(place),
                    _ => {}
                },
            }
        }
        out.unused = self.unused(&entered);
        out
    }

    /// Chains that some packet may enter: base chains, and what rules call that are not dead.
    fn entered(&self) -> BTreeSet<ChainId> {
        let mut found = BTreeSet::new();
        let given = |b: &&crate::ruleset::Base| Family::ALL.into_iter().any(|f| b.families.contains(f));
        let mut work: Vec<ChainId> = self.ruleset.bases.iter().filter(given).map(|b| b.chain).collect();
        while let Some(chain) = work.pop() {
            if !found.insert(chain) {
                continue;
            }
            for (at, rule) in self.ruleset.chain(chain).rules.iter().enumerate() {
                let known = self.rules.get(&Place::Rule(chain, at as u32));
                if known.is_some_and(|k| k.live || k.open) {
                    work.extend(rule.callees());
                }
            }
        }
        found
    }

    fn unused(&self, entered: &BTreeSet<ChainId>) -> Vec<UnusedChain> {
        let mut callers: BTreeMap<ChainId, Vec<Place>> = BTreeMap::new();
        for (place, rule) in self.ruleset.rules() {
            for callee in rule.callees() {
                callers.entry(callee).or_default().push(place);
            }
        }
        let all = (0..self.ruleset.chains.len() as u32).map(ChainId).filter(|c| !entered.contains(c));
        all.map(|chain| UnusedChain { chain, callers: callers.remove(&chain).unwrap_or_default() }).collect()
    }
}

/// The chains that stages can call, each with the stages that can.
fn chains_of(program: &Program<'_>) -> BTreeMap<ChainId, Vec<usize>> {
    let mut found: BTreeMap<ChainId, Vec<usize>> = BTreeMap::new();
    for (at, stage) in program.stages.iter().enumerate() {
        let mut work = vec![stage.chain];
        while let Some(chain) = work.pop() {
            let stages = found.entry(chain).or_default();
            if stages.last() == Some(&at) {
                continue;
            }
            stages.push(at);
            let lines = &program.block(chain).lines;
            let rules = &program.ruleset.chain(chain).rules;
            work.extend(lines.iter().filter_map(|l| rules.get(l.origin as usize)).flat_map(Rule::callees));
        }
    }
    found
}

/// Whether a rule does something to packets at all.
fn is_effective(rule: &Rule) -> bool {
    rule.steps.iter().any(|s| match s {
        Step::If(_) | Step::Then(Verdict::Continue) => false,
        Step::Set(_) | Step::Then(_) | Step::Choose(_) => true,
    })
}

/// Whether it makes sense to ask for a rule's effect: what it changes besides the verdict (marks, that others
/// look at; logging in a chain that it calls) is not part of the outcome.
fn removable(ruleset: &Ruleset, program: &Program<'_>, (chain, line): Target) -> bool {
    let line = program.line(chain, line);
    let Some(rule) = ruleset.chain(chain).rules.get(line.origin as usize) else { return false };
    let sets = |rule: &Rule| {
        rule.steps.iter().any(|s| matches!(s, Step::Set(Effect::Mark { .. } | Effect::Rewrite(..) | Effect::Untrack)))
    };
    let mut work = rule.callees();
    let mut seen = BTreeSet::new();
    while let Some(callee) = work.pop() {
        if seen.insert(callee) {
            let rules = &ruleset.chain(callee).rules;
            if rules.iter().any(|r| !is_effective(r) || sets(r)) {
                return false;
            }
            work.extend(rules.iter().flat_map(Rule::callees));
        }
    }
    let decides = |m: &Move| match m {
        Move::Then(Ruling::Plain(Verdict::Continue)) => false,
        Move::Then(_) | Move::Choose(_) => true,
        _ => false,
    };
    !sets(rule) && line.moves.iter().any(decides)
}
