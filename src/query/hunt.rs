//! The hunt for one rule at one hook and family: a packet that matches it, and one to which it makes a difference.

use super::seek::{Aim, Plain, Sought, Target, asked_for, samples, seek};
use super::shadow::WhyDead;
use crate::packet::{Cell, Field};
use crate::ruleset::{Cursor, Cut, Hull, Place, Program, Space, Stage, Test, Walker, split};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// What is known of a rule so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Some packet matches it.
    pub(super) live: bool,
    /// A search was given up.
    pub(super) open: bool,
    /// Why it is dead, if it is.
    pub(super) why: Option<WhyDead>,
    /// What takes its packets.
    pub(super) takers: BTreeSet<Place>,
    /// Whether it makes a difference, where that was asked.
    pub(super) effect: Option<KnownEffect>,
}

#[derive(Clone, Debug)]
pub(super) enum KnownEffect {
    /// Some packet ends otherwise without the rule.
    Some,
    /// A search was given up.
    Open,
    /// None so far; what followed.
    None(BTreeSet<Place>),
}

/// One hook and family.
pub(super) struct Context<'c, 'a> {
    pub(super) space: &'c Space,
    pub(super) program: &'c Program<'a>,
    pub(super) walker: Walker<'c>,
    pub(super) fields: Vec<Field>,
    /// Fields that rules set.
    pub(super) set: Vec<Field>,
    /// Some rule asks whether a connection was translated: a chain cannot be judged apart from its callers.
    pub(super) translated: bool,
}

impl Context<'_, '_> {
    /// Looks for packets that match a rule and, where that is asked, for one to which it makes a difference.
    pub(super) fn look(&self, target: Target, stages: &[usize], judged: bool, known: &mut Known, left: &mut u64) {
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
        self.walker.skip(&mut without, &Hull::of_cell(cell, self.space.family));
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
    fn pass(&self, target: Target, cell: &Cell, hull: &Hull, cursor: &mut Cursor) -> Option<Cut> {
        loop {
            let cut = self.walker.advance_until(cell, hull, cursor, |chain, line| (chain, line) == target);
            if cut.is_some() || cursor.leaf.is_some() {
                return cut;
            }
            self.walker.skip(cursor, hull);
        }
    }
}

enum Difference {
    Yes,
    No(BTreeSet<Place>),
    Bounded,
}

/// Whether a test asks for a translation of the connection.
pub(super) fn asks_translated(test: &Test) -> bool {
    match test {
        Test::Translated(_) => true,
        Test::All(inner) | Test::Any(inner) => inner.iter().any(asks_translated),
        Test::Not(inner) => asks_translated(inner),
        _ => false,
    }
}
