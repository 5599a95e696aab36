//! Rules that cannot matter: never matched because of a union of earlier rules, or matched without effect, and
//! chains that no packet enters.
//!
//! Every rule is looked for in every context (hook and family) in which its chain can be called, from the very
//! beginning of the path, so a rule behind a call whose guard excludes it is found too. What is reported is
//! certain; what the bounds leave open is listed as such.

use super::seek::{Aim, Plain, Sought, Target, asked_for, samples, seek, set_fields};
use crate::packet::{Cell, Family, Field};
use crate::ruleset::{
    ChainId, Cursor, Effect, Hook, Hull, Identities, Move, Place, Program, Rule, Ruleset, Ruling, Side, Space, Stage,
    Step, Test, Verdict, Walker, split,
};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

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
        for hook in Hook::ALL.into_iter().filter(|h| !ruleset.missing_hooks.contains(h)) {
            survey.context(hook, family);
        }
    }
    survey.result()
}

/// What is known of a rule so far.
#[derive(Clone, Debug, Default)]
struct Known {
    /// Some packet matches it.
    live: bool,
    /// A search was given up.
    open: bool,
    why: Option<WhyDead>,
    takers: BTreeSet<Place>,
    effect: Option<KnownEffect>,
}

#[derive(Clone, Debug)]
enum KnownEffect {
    Some,
    Open,
    /// None so far; what followed.
    None(BTreeSet<Place>),
}

struct Survey<'a> {
    ruleset: &'a Ruleset,
    bounds: ShadowBounds,
    left: u64,
    rules: BTreeMap<Place, Known>,
}

/// One hook and family.
struct Context<'c, 'a> {
    space: &'c Space,
    program: &'c Program<'a>,
    walker: Walker<'c>,
    fields: Vec<Field>,
    /// Fields that rules set.
    set: Vec<Field>,
    /// Some rule asks whether a connection was translated: a chain cannot be judged apart from its callers.
    translated: bool,
}

impl Survey<'_> {
    fn context(&mut self, hook: Hook, family: Family) {
        let space = Space::new(hook, family, &[self.ruleset], &[], FxHashMap::default());
        let program = Program::new(self.ruleset, Side::Old, &space, &mut Identities::default());
        let mut fields = program.read_fields();
        fields.extend([Field::Src, Field::Dst, Field::Proto, Field::State]);
        fields.sort_unstable();
        fields.dedup();
        let moves = program.blocks.iter().flat_map(|b| &b.lines).flat_map(|l| &l.moves);
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
            if !entered.contains(&chain) {
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

impl Context<'_, '_> {
    /// Looks for packets that match a rule and, where that is asked, for one to which it makes a difference.
    fn look(&self, target: Target, stages: &[usize], judged: bool, known: &mut Known, left: &mut u64) {
        let Some(cell) = asked_for(self.program, self.space, target, Plain::Path) else { return };
        let Some(stage) = stages.first().copied().and_then(|s| self.program.stages.get(s)) else { return };
        let Some(in_chain) = asked_for(self.program, self.space, target, Plain::Stage(stage, &self.set)) else {
            return;
        };
        let aim = match stages {
            [only] => Some(Aim::new(self.program, target, *only, &self.set)),
            _ => None,
        };
        let aim = aim.as_ref();
        let mut followed = BTreeSet::new();
        let mut matched = false;
        let mut differs = false;
        let mut open = false;
        let mut visit = |cell: &Cell, cursor: &Cursor, left: &mut u64| {
            matched = true;
            if !judged {
                return ControlFlow::Break(());
            }
            match self.difference(target, cell, cursor, left) {
                Difference::Yes => differs = true,
                Difference::No(places) => {
                    followed.extend(places);
                    return ControlFlow::Continue(());
                }
                Difference::Bounded => open = true,
            }
            ControlFlow::Break(())
        };
        let mut ended = Sought::Bounded;
        for sample in samples(&in_chain, self.space, &self.fields) {
            ended = seek(&self.walker, target, aim, sample, self.walker.start(), left, &mut visit);
            if ended == Sought::Stopped {
                break;
            }
        }
        if ended != Sought::Stopped {
            ended = seek(&self.walker, target, aim, cell, self.walker.start(), left, &mut visit);
        }
        known.live |= matched;
        if judged && matched {
            known.effect = Some(match (known.effect.take(), differs, open || ended == Sought::Bounded) {
                (_, true, _) | (Some(KnownEffect::Some), ..) => KnownEffect::Some,
                (_, false, true) | (Some(KnownEffect::Open), ..) => KnownEffect::Open,
                (Some(KnownEffect::None(before)), ..) => KnownEffect::None(&before | &followed),
                (None, ..) => KnownEffect::None(followed),
            });
        }
        match ended {
            Sought::Exhausted { takers, .. } if !matched => self.explain(target, stage, in_chain, takers, known, left),
            Sought::Bounded if !matched => self.apart(target, stage, in_chain, known, left),
            Sought::Bounded => known.open |= judged && !differs,
            _ => {}
        }
    }

    /// Why a rule is dead: within its own chain, if that is enough.
    fn explain(
        &self,
        target: Target,
        stage: &Stage,
        cell: Cell,
        takers: BTreeSet<Place>,
        known: &mut Known,
        left: &mut u64,
    ) {
        let (why, by) = match self.within_chain(target, stage, cell, left) {
            Sought::Exhausted { takers, .. } if takers.is_empty() => (WhyDead::Contradiction, takers),
            Sought::Exhausted { takers, .. } => (WhyDead::Covered, takers),
            _ => (WhyDead::NotCalled, takers),
        };
        known.why = known.why.max(Some(why));
        known.takers.extend(by);
    }

    /// The whole path was too long: the chain alone may be enough to say that nothing gets to the rule.
    fn apart(&self, target: Target, stage: &Stage, cell: Cell, known: &mut Known, left: &mut u64) {
        *left = (*left).max(200);
        match self.within_chain(target, stage, cell, left) {
            Sought::Exhausted { takers, .. } if !self.translated => {
                known.why =
                    known.why.max(Some(if takers.is_empty() { WhyDead::Contradiction } else { WhyDead::Covered }));
                known.takers.extend(takers);
            }
            _ => known.open = true,
        }
        *left = 0;
    }

    /// The search in the rule's own chain, entered by anything.
    fn within_chain(&self, target: Target, stage: &Stage, cell: Cell, left: &mut u64) -> Sought {
        let walker = Walker { space: self.space, program: self.program, stages: vec![Some(stage)] };
        let start = walker.start_in(0, target.0, &cell);
        seek(&walker, target, None, cell, start, left, |_, _, _| ControlFlow::Break(()))
    }

    /// Follows packets that match the target to their ends, with it and without it.
    fn difference(&self, target: Target, cell: &Cell, cursor: &Cursor, left: &mut u64) -> Difference {
        let mut without = cursor.clone();
        self.walker.skip(&mut without);
        let mut work = vec![(cell.clone(), cursor.clone(), without)];
        let mut followed = BTreeSet::new();
        while let Some((cell, mut with, mut without)) = work.pop() {
            let Some(rest) = left.checked_sub(1) else { return Difference::Bounded };
            *left = rest;
            let hull = Hull::of_cell(&cell, self.space.family);
            let cut =
                self.walker.advance(&cell, &hull, &mut with).or_else(|| self.pass(target, &cell, &hull, &mut without));
            let Some(cut) = cut else {
                match (&with.leaf, &without.leaf) {
                    (Some(a), Some(b)) if a.outcome == b.outcome => {
                        followed.insert(b.place);
                        continue;
                    }
                    _ => return Difference::Yes,
                }
            };
            for part in split(&cell, &cut, self.space) {
                let hull = Hull::of_cell(&part, self.space.family);
                let (a, b) = (self.walker.trim(&with, &hull), self.walker.trim(&without, &hull));
                work.push((part, a, b));
            }
        }
        Difference::No(followed)
    }

    /// Advances as if the target were not there.
    fn pass(&self, target: Target, cell: &Cell, hull: &Hull, cursor: &mut Cursor) -> Option<crate::ruleset::Cut> {
        loop {
            let cut = self.walker.advance_until(cell, hull, cursor, |chain, line| (chain, line) == target);
            if cut.is_some() || cursor.leaf.is_some() {
                return cut;
            }
            self.walker.skip(cursor);
        }
    }
}

enum Difference {
    Yes,
    No(BTreeSet<Place>),
    Bounded,
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

fn asks_translated(test: &Test) -> bool {
    match test {
        Test::Translated(_) => true,
        Test::All(inner) | Test::Any(inner) => inner.iter().any(asks_translated),
        Test::Not(inner) => asks_translated(inner),
        _ => false,
    }
}
