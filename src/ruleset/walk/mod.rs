//! The walk of all packets of a cell through one program, as far as they go together.
//!
//! A *cursor* is a place in the walk: stage, stack of chains with the rules that can still touch the cell,
//! and what the rules passed so far have changed. `Walker::advance` skips rules that miss the cell, applies
//! rules that cover it, and stops at the first rule that does neither, with the cut that would settle it.
//! Chains are entered only there, never unfolded.

mod cursor;
mod cut;
mod reach;
mod take;

pub use cursor::{Cursor, Leaf};
pub use cut::{cut_out, split};

use super::env::Env;
use super::hull::Hull;
use super::interpret::is_destination_hook;
use super::model::*;
use super::program::{Program, Stage, Ways};
use super::reading::{Answer, Cut, Reader};
use super::space::Space;
use crate::packet::{Cell, Field, InterfaceClasses, Ranges, State, Values};
use cursor::{Frame, next};
use reach::reachable;
use smallvec::SmallVec;
use std::rc::Rc;

/// Walks the cells of one space through one program.
pub struct Walker<'a> {
    /// The space.
    pub space: &'a Space,
    /// The program.
    pub program: &'a Program<'a>,
    /// Its stages, with gaps where only the other program of a comparison has one.
    pub stages: Vec<Option<&'a Stage>>,
}

impl<'a> Walker<'a> {
    /// A walker over the program's own stages.
    pub fn new(space: &'a Space, program: &'a Program<'a>) -> Walker<'a> {
        Walker { space, program, stages: program.stages.iter().map(Some).collect() }
    }

    /// The beginning of the walk.
    pub fn start(&self) -> Cursor {
        Cursor {
            stage: 0,
            entered: false,
            frames: SmallVec::new(),
            step: 0,
            before: None,
            env: Rc::default(),
            accepted: None,
            leaf: None,
        }
    }

    /// The beginning of a walk inside one chain of a stage: for questions about what reaches a rule.
    pub fn start_in(&self, stage: usize, chain: ChainId, cell: &Cell) -> Cursor {
        let mut cursor = self.start();
        cursor.stage = stage;
        cursor.entered = true;
        cursor.env = Rc::new(Env::inside_a_stage());
        self.call(&mut cursor, chain, &Hull::of_cell(cell, self.space.family));
        cursor
    }

    /// The rule at which the cursor stands, where it stands at one.
    pub fn standing_at(&self, cursor: &Cursor) -> Option<(ChainId, u32)> {
        let frame = cursor.frames.last()?;
        frame.ahead().first().map(|r| (frame.chain, *r))
    }

    /// Goes past the rule at which the cursor stands, as if it were not there: what it hid is in sight again.
    pub fn skip(&self, cursor: &mut Cursor, hull: &Hull) {
        next(cursor);
        let Some(Some(stage)) = self.stages.get(cursor.stage) else { return };
        let seen = self.seen(hull, &cursor.env, stage);
        if let Some(frame) = cursor.frames.last_mut() {
            let lines = &self.program.block(frame.chain).lines;
            let (kept, closed) = reachable(lines, frame.from..lines.len() as u32, &seen, None);
            *frame = Frame { rules: Rc::from(kept.as_slice()), at: 0, closed, ..*frame };
        }
    }

    /// Goes on until the walk ends (`None`) or a rule needs the cell cut.
    pub fn advance(&self, cell: &Cell, hull: &Hull, cursor: &mut Cursor) -> Option<Cut> {
        self.advance_until(cell, hull, cursor, |_, _| false)
    }

    /// As `advance`, but stops also in front of a rule for which `stop` is true.
    pub fn advance_until(
        &self,
        cell: &Cell,
        hull: &Hull,
        cursor: &mut Cursor,
        stop: impl Fn(ChainId, u32) -> bool,
    ) -> Option<Cut> {
        while cursor.leaf.is_none() {
            let Some(stage) = self.stages.get(cursor.stage) else {
                self.finish(cursor);
                return None;
            };
            let Some(stage) = *stage else {
                cursor.stage += 1;
                continue;
            };
            if stage.view.one_hop_on && self.space.counts_hops && !cursor.env.one_hop_on {
                cursor.env = Rc::new(cursor.env.routed());
            }
            if !cursor.entered
                && let Some(cut) = self.enter(cell, hull, cursor, stage)
            {
                return Some(cut);
            }
            if !cursor.entered {
                continue;
            }
            let Some(frame) = cursor.frames.last() else {
                self.policy(cursor, stage);
                continue;
            };
            match frame.ahead().first() {
                None => {
                    cursor.frames.pop();
                }
                Some(&index) => {
                    let chain = frame.chain;
                    if stop(chain, index) {
                        return None;
                    }
                    let line = self.program.line(chain, index);
                    if let Some(cut) = self.rule(cell, hull, cursor, stage, chain, line) {
                        return Some(cut);
                    }
                }
            }
        }
        None
    }

    /// The cursor for a smaller cell: rules that cannot touch it are left out.
    pub fn trim(&self, cursor: &Cursor, hull: &Hull) -> Cursor {
        let mut out = cursor.clone();
        let Some(Some(stage)) = self.stages.get(cursor.stage) else { return out };
        let seen = self.seen(hull, &cursor.env, stage);
        for (depth, frame) in out.frames.iter_mut().enumerate() {
            let block = self.program.block(frame.chain);
            let lines = &block.lines;
            let begun = depth + 1 == cursor.frames.len() && cursor.step > 0;
            let ahead = frame.ahead();
            let sure = begun.then(|| ahead.first().copied()).flatten();
            let (kept, closed) = match block.near_among(ahead, &seen).filter(|_| sure.is_none()) {
                Some(near) => reachable(lines, near.into_iter(), &seen, None),
                None => reachable(lines, ahead.iter().copied(), &seen, sure),
            };
            if kept.len() != ahead.len() || frame.at != 0 {
                frame.rules = Rc::from(kept.as_slice());
                frame.at = 0;
            }
            frame.closed = closed;
        }
        out
    }

    /// The ends that the packets at a cursor can come to from the rule at `from` of the frame at `depth` on.
    pub fn ways(&self, cursor: &Cursor, depth: usize, from: usize) -> Ways {
        let mut out = if cursor.before.is_some() { Ways::OTHER } else { Ways::default() };
        let mut skip = from;
        for frame in cursor.frames[..=depth].iter().rev() {
            let block = self.program.block(frame.chain);
            let ahead = frame.ahead().iter().skip(skip);
            out = ahead.fold(out, |w, r| w.or(block.lines[*r as usize].ways));
            if out.has(Ways::OTHER) {
                return out;
            }
            if frame.closed {
                return self.ways_behind(cursor.stage, out);
            }
            skip = 0;
        }
        let drops = self.stages.get(cursor.stage).copied().flatten().is_some_and(|s| s.drops);
        self.ways_behind(cursor.stage, out.or(if drops { Ways::DROP } else { Ways::ACCEPT }))
    }

    /// What passes a stage meets the stages behind it.
    fn ways_behind(&self, stage: usize, ways: Ways) -> Ways {
        if !ways.has(Ways::ACCEPT) {
            return ways;
        }
        let later = self.stages.iter().skip(stage + 1).flatten();
        later.fold(ways, |w, s| {
            // Not every packet comes into a nat chain.
            let passes = !s.drops || s.kind == BaseKind::Nat;
            let policy = if s.drops { Ways::DROP } else { Ways::ACCEPT };
            w.or(self.program.block(s.chain).ways).or(policy).or(if passes { Ways::ACCEPT } else { policy })
        })
    }

    /// What rules of a stage see of a hull.
    pub fn seen(&self, hull: &Hull, env: &Env, stage: &Stage) -> Hull {
        let mut seen = *hull;
        for field in [Field::Src, Field::Dst, Field::Sport, Field::Dport] {
            if env.rewrites(field) {
                seen.widen(field);
            }
        }
        let none = Values::Ranges(Ranges::one(InterfaceClasses::NONE));
        for (field, sees) in [(Field::Iif, stage.view.sees_in), (Field::Oif, stage.view.sees_out)] {
            if !sees {
                seen.widen(field);
                seen.narrow(field, &none, self.space.family);
            }
        }
        if self.program.ruleset.conntrack && !stage.view.before_defrag {
            seen.widen(Field::Fragment);
            seen.narrow(Field::Fragment, &Values::Ranges(Ranges::one(0)), self.space.family);
        }
        let fixed = if env.untracked {
            Some(State::Untracked)
        } else if stage.view.before_conntrack {
            Some(State::Invalid)
        } else {
            None
        };
        if let Some(state) = fixed {
            seen.widen(Field::State);
            seen.narrow(Field::State, &Values::Ranges(Ranges::one(state.value())), self.space.family);
        }
        seen
    }

    /// A reader of tests at a stage.
    pub fn reader<'r>(&'r self, cell: &'r Cell, env: &'r Env, stage: &'r Stage) -> Reader<'r> {
        Reader {
            space: self.space,
            side: self.program.side,
            reassembles: self.program.ruleset.conntrack && !stage.view.before_defrag,
            stage,
            env,
            cell,
        }
    }

    /// Enters a stage's base chain, or passes a nat stage that does not see the packets.
    fn enter(&self, cell: &Cell, hull: &Hull, cursor: &mut Cursor, stage: &'a Stage) -> Option<Cut> {
        cursor.before = None;
        if stage.kind == BaseKind::Nat {
            let seen = self.seen(hull, &cursor.env, stage);
            let lines = &self.program.block(stage.chain).lines;
            if !stage.drops && !lines.iter().any(|l| l.hull.meets(&seen)) {
                cursor.stage += 1;
                return None;
            }
            match self.passes_nat(cell, &cursor.env, stage) {
                NatPass::Sees => {}
                NatPass::Replays => cursor.before = Some(cursor.env.clone()),
                NatPass::Skips => {
                    cursor.stage += 1;
                    return None;
                }
                NatPass::Cut(cut) => return Some(cut),
            }
        }
        cursor.entered = true;
        self.call(cursor, stage.chain, hull);
        None
    }

    fn passes_nat(&self, cell: &Cell, env: &Env, stage: &Stage) -> NatPass {
        let reader = self.reader(cell, env, stage);
        let is = |state: State| reader.state_in(&Ranges::one(state.value()));
        match is(State::New) {
            Answer::Yes => return NatPass::Sees,
            Answer::Cut(cut) => return NatPass::Cut(cut),
            Answer::No => {}
        }
        match is(State::Established) {
            Answer::Yes if is_destination_hook(stage.hook) => return NatPass::Replays,
            Answer::Yes => return NatPass::Skips,
            Answer::Cut(cut) => return NatPass::Cut(cut),
            Answer::No => {}
        }
        match is(State::Related) {
            Answer::No => NatPass::Skips,
            Answer::Cut(cut) => NatPass::Cut(cut),
            Answer::Yes => {
                let icmp = Values::one(Field::Proto, u128::from(self.space.family.icmp()));
                match reader.arrival(Field::Proto, &icmp) {
                    Answer::Yes => NatPass::Skips,
                    Answer::No => NatPass::Sees,
                    Answer::Cut(cut) => NatPass::Cut(cut),
                }
            }
        }
    }

    /// Calls a chain with the rules that can touch the cell.
    fn call(&self, cursor: &mut Cursor, chain: ChainId, hull: &Hull) {
        let Some(Some(stage)) = self.stages.get(cursor.stage) else { return };
        let seen = self.seen(hull, &cursor.env, stage);
        let (kept, closed) = self.program.block(chain).reachable(&seen);
        cursor.frames.push(Frame { chain, rules: Rc::from(kept.as_slice()), at: 0, from: 0, closed });
    }
}

enum NatPass {
    /// The packets set up a connection.
    Sees,
    /// Their connection may have been translated when it was set up.
    Replays,
    /// They pass by.
    Skips,
    Cut(Cut),
}
