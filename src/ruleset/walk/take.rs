//! The steps of one rule, taken by all packets of a cell: conditions, changes, verdicts, translations.

use super::Walker;
use super::cursor::{Cursor, Frame, Leaf, end, next};
use super::reach::reachable;
use crate::packet::{Cell, Field, Ranges};
use crate::ruleset::env::Recorded;
use crate::ruleset::environment::is_rerouted_away;
use crate::ruleset::hull::Hull;
use crate::ruleset::interpret::{Decision, Outcome, Place, is_settled, routing_after_dnat, translated_connection};
use crate::ruleset::model::*;
use crate::ruleset::program::{Line, Stage};
use crate::ruleset::reading::{Answer, Cut};
use crate::ruleset::steps::{Move, Ruling};
use std::rc::Rc;
use std::sync::Arc;

impl<'a> Walker<'a> {
    /// Takes the steps of one rule. `None`: the cursor has moved on.
    pub(super) fn rule(
        &self,
        cell: &Cell,
        hull: &Hull,
        cursor: &mut Cursor,
        stage: &'a Stage,
        chain: ChainId,
        line: &'a Line,
    ) -> Option<Cut> {
        while let Some(step) = line.moves.get(cursor.step as usize) {
            match step {
                Move::If(test) => match self.reader(cell, &cursor.env, stage).answer(test) {
                    Answer::Yes => cursor.step += 1,
                    Answer::No => break,
                    Answer::Cut(cut) => return Some(cut),
                },
                Move::Set(effect) => {
                    if let Some(cut) = self.set(cell, hull, cursor, stage, effect) {
                        return Some(cut);
                    }
                    cursor.step += 1;
                }
                Move::Then(ruling) => return self.rule_on(cell, hull, cursor, stage, chain, line, ruling),
                Move::Choose(entries) => {
                    for (test, ruling) in entries.iter() {
                        match self.reader(cell, &cursor.env, stage).answer(test) {
                            Answer::No => {}
                            Answer::Cut(cut) => return Some(cut),
                            Answer::Yes => return self.rule_on(cell, hull, cursor, stage, chain, line, ruling),
                        }
                    }
                    break;
                }
            }
        }
        next(cursor);
        None
    }

    fn set(&self, cell: &Cell, hull: &Hull, cursor: &mut Cursor, stage: &'a Stage, effect: &Effect) -> Option<Cut> {
        let env = match effect {
            Effect::Untrack => match self.reader(cell, &cursor.env, stage).state_in(&Ranges::range(0, 2)) {
                Answer::Yes => return None,
                Answer::No => cursor.env.untracked(),
                Answer::Cut(cut) => return Some(cut),
            },
            Effect::Mark { field, keep, take, xor } => {
                if *field == Field::ConnMark || *take != 0 {
                    match self.reader(cell, &cursor.env, stage).state_in(&Ranges::range(0, 2)) {
                        Answer::Yes => {}
                        Answer::No => return None,
                        Answer::Cut(cut) => return Some(cut),
                    }
                }
                cursor.env.with_mark(*field, *keep, *take, *xor)
            }
            Effect::Rewrite(field, rewrite) => cursor.env.with_rewrite(*field, rewrite),
        };
        cursor.env = Rc::new(env);
        // Rules that were left out because of what the cell said may see the packets now.
        let seen = self.seen(hull, &cursor.env, stage);
        let depth = cursor.frames.len();
        for (at, frame) in cursor.frames.iter_mut().enumerate() {
            let lines = &self.program.block(frame.chain).lines;
            let current = (at + 1 == depth).then(|| frame.ahead().first().copied()).flatten();
            let from = current.unwrap_or(frame.from);
            let (kept, closed) = reachable(lines, from..lines.len() as u32, &seen, current);
            *frame = Frame { chain: frame.chain, rules: Rc::from(kept.as_slice()), at: 0, from, closed };
        }
        None
    }

    fn rule_on(
        &self,
        cell: &Cell,
        hull: &Hull,
        cursor: &mut Cursor,
        stage: &'a Stage,
        chain: ChainId,
        line: &Line,
        ruling: &Ruling,
    ) -> Option<Cut> {
        let place = Place::Rule(chain, line.origin);
        let verdict = match ruling {
            Ruling::Plain(verdict) => verdict,
            Ruling::Ask(_) if cursor.before.is_some() => {
                self.accept(cursor, stage, place);
                return None;
            }
            Ruling::Ask(cond) => {
                match self.reader(cell, &cursor.env, stage).cond(*cond) {
                    Answer::Yes => self.accept(cursor, stage, place),
                    Answer::No => end(cursor, Decision::Drop, place),
                    Answer::Cut(cut) => return Some(cut),
                }
                return None;
            }
        };
        match verdict {
            Verdict::Accept => self.accept(cursor, stage, place),
            Verdict::Drop => self.refuse(cursor, stage, Decision::Drop, place),
            Verdict::Reject(kind) => self.refuse(cursor, stage, Decision::Reject(kind.clone()), place),
            Verdict::Jump(to) => {
                next(cursor);
                self.call(cursor, *to, hull);
            }
            Verdict::Goto(to) => {
                cursor.frames.pop();
                cursor.step = 0;
                self.call(cursor, *to, hull);
            }
            Verdict::Return => {
                cursor.frames.pop();
                cursor.step = 0;
            }
            Verdict::Continue | Verdict::Ask(_) => next(cursor),
            Verdict::Translate(t) => return self.translate(cell, cursor, stage, place, t),
        }
        None
    }

    fn translate(
        &self,
        cell: &Cell,
        cursor: &mut Cursor,
        stage: &'a Stage,
        place: Place,
        translation: &Arc<Translation>,
    ) -> Option<Cut> {
        let ask = |opaque: &Opaque| {
            let cond = self.space.cond(self.program.side, Place::NoChain, opaque);
            self.reader(cell, &cursor.env, stage).cond(cond)
        };
        if cursor.before.is_some() {
            match ask(&translated_connection(TranslatedSide::Destination)) {
                Answer::Cut(cut) => return Some(cut),
                Answer::No => {
                    self.accept(cursor, stage, place);
                    return None;
                }
                Answer::Yes => {}
            }
        } else if cursor.env.translation.as_ref().is_some_and(|t| is_settled(t, stage.hook)) {
            self.accept(cursor, stage, place);
            return None;
        }
        let base = &self.program.ruleset.bases[stage.base as usize];
        if is_rerouted_away(self.program.ruleset, self.space.hook, base, translation) {
            match ask(&routing_after_dnat()) {
                Answer::Cut(cut) => return Some(cut),
                Answer::No => {
                    end(cursor, Decision::Drop, place);
                    return None;
                }
                Answer::Yes => {}
            }
        }
        let recorded = if cursor.before.is_some() { Recorded::No } else { Recorded::Yes };
        let env = cursor.before.take().unwrap_or_else(|| cursor.env.clone());
        cursor.env = Rc::new(env.with_translation(translation, recorded));
        self.accept(cursor, stage, place);
        None
    }

    pub(super) fn policy(&self, cursor: &mut Cursor, stage: &'a Stage) {
        let place = Place::Policy(stage.base);
        if stage.drops { self.refuse(cursor, stage, Decision::Drop, place) } else { self.accept(cursor, stage, place) }
    }

    /// Ends the walk against the packets; those of a connection that exists have passed its nat chains before.
    fn refuse(&self, cursor: &mut Cursor, stage: &Stage, decision: Decision, place: Place) {
        if cursor.before.is_some() { self.accept(cursor, stage, place) } else { end(cursor, decision, place) }
    }

    /// Ends a stage in the packets' favour.
    fn accept(&self, cursor: &mut Cursor, stage: &Stage, place: Place) {
        if cursor.accepted.as_ref().is_none_or(|(rank, _)| stage.rank >= *rank) {
            cursor.accepted = Some((stage.rank, place));
        }
        if let Some(before) = cursor.before.take() {
            cursor.env = before;
        }
        cursor.frames.clear();
        cursor.step = 0;
        cursor.entered = false;
        cursor.stage += 1;
    }

    /// Ends the walk in the packets' favour.
    pub(super) fn finish(&self, cursor: &mut Cursor) {
        let translation = cursor.env.translation.as_deref().map(|t| Arc::new(t.clone()));
        let place = cursor.accepted.as_ref().map_or(Place::NoChain, |(_, place)| *place);
        cursor.leaf = Some(Leaf { outcome: Outcome { decision: Decision::Accept, translation }, place });
    }
}
