//! The walk of all packets of a cell through one program, as far as they go together.
//!
//! A *cursor* is a place in the walk: stage, stack of chains with the rules that can still touch the cell,
//! and what the rules passed so far have changed. `Walker::advance` skips rules that miss the cell, applies
//! rules that cover it, and stops at the first rule that does neither, with the cut that would settle it.
//! Chains are entered only there, never unfolded.

use super::env::{Answer, Cut, Env, Reader, Recorded};
use super::environment::is_rerouted_away;
use super::hull::Hull;
use super::interpret::{
    Decision, Outcome, Place, is_destination_hook, is_settled, routing_after_dnat, translated_connection,
};
use super::model::*;
use super::program::{Ends, Line, Move, Program, Ruling, Stage, Ways};
use super::space::Space;
use crate::packet::{Cell, Field, InterfaceClasses, Ranges, State, Values};
use smallvec::SmallVec;
use std::rc::Rc;
use std::sync::Arc;

/// A chain on the stack: the rules that may still touch the cell, by index, and how many are behind.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The chain.
    pub chain: ChainId,
    rules: Rc<[u32]>,
    at: u32,
    /// The first rule of the chain that is not behind, left out or not.
    from: u32,
    /// The last of the rules covers the cell and ends the walk, and none leads back to the caller: nothing
    /// behind them is reached.
    pub closed: bool,
}

impl Frame {
    /// The rules that are still ahead.
    pub fn ahead(&self) -> &[u32] {
        &self.rules[self.at as usize..]
    }
}

/// The end of a walk: what becomes of the cell's packets, and by which rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Leaf {
    /// What becomes of them.
    pub outcome: Outcome,
    /// What decided.
    pub place: Place,
}

/// A place in the walk.
#[derive(Clone, Debug)]
pub struct Cursor {
    /// Index in the walker's stages.
    pub stage: usize,
    /// Whether the stage's base chain has been entered.
    pub entered: bool,
    /// The stack, the innermost chain last.
    pub frames: SmallVec<[Frame; 3]>,
    /// How many steps of the current rule are behind.
    step: u16,
    /// In a nat chain with packets of a connection that may have been translated before: what has changed behind the
    /// chain, which only the first packet has passed.
    before: Option<Rc<Env>>,
    /// What has changed.
    pub env: Rc<Env>,
    accepted: Option<((bool, bool, bool), Place)>,
    /// Set when the walk has ended.
    pub leaf: Option<Leaf>,
}

impl Cursor {
    /// Whether two cursors of aligned programs have the same past as far as it matters ahead.
    pub fn same_past(&self, other: &Cursor) -> bool {
        self.stage == other.stage
            && self.entered == other.entered
            && self.step == other.step
            && self.before == other.before
            && self.frames.len() == other.frames.len()
            && (Rc::ptr_eq(&self.env, &other.env) || self.env == other.env)
    }

    /// Whether two cursors of one walker, for the same packets, go on alike under the same conditions.
    pub fn same_future(&self, other: &Cursor) -> bool {
        let next = |f: &Frame| (f.chain, f.ahead().first().copied());
        self.same_past(other)
            && self.accepted == other.accepted
            && self.frames.iter().map(next).eq(other.frames.iter().map(next))
    }

    /// Whether this cursor still has more rules of one program ahead than another: what is called comes before
    /// what follows the call.
    pub fn is_behind(&self, other: &Cursor) -> bool {
        let next = |f: &Frame| f.ahead().first().copied().unwrap_or(u32::MAX);
        let stages = (self.stage, self.entered).cmp(&(other.stage, other.entered));
        let frames = || {
            let pairs = self.frames.iter().zip(&other.frames);
            pairs.map(|(a, b)| next(a).cmp(&next(b))).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        };
        stages.then_with(frames).then_with(|| other.frames.len().cmp(&self.frames.len())).is_lt()
    }
}

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
            let lines = &self.program.block(frame.chain).lines;
            let begun = depth + 1 == cursor.frames.len() && cursor.step > 0;
            let ahead = frame.ahead();
            let sure = begun.then(|| ahead.first().copied()).flatten();
            let (kept, closed) = reachable(lines, ahead.iter().copied(), &seen, sure);
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
        let lines = &self.program.block(chain).lines;
        let (kept, closed) = reachable(lines, 0..lines.len() as u32, &seen, None);
        cursor.frames.push(Frame { chain, rules: Rc::from(kept.as_slice()), at: 0, from: 0, closed });
    }

    /// Takes the steps of one rule. `None`: the cursor has moved on.
    fn rule(
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

    fn policy(&self, cursor: &mut Cursor, stage: &'a Stage) {
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
    fn finish(&self, cursor: &mut Cursor) {
        let translation = cursor.env.translation.as_deref().map(|t| Arc::new(t.clone()));
        let place = cursor.accepted.as_ref().map_or(Place::NoChain, |(_, place)| *place);
        cursor.leaf = Some(Leaf { outcome: Outcome { decision: Decision::Accept, translation }, place });
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

fn next(cursor: &mut Cursor) {
    if let Some(frame) = cursor.frames.last_mut() {
        frame.from = frame.ahead().first().map_or(frame.from, |r| r + 1);
        frame.at += 1;
    }
    cursor.step = 0;
}

fn end(cursor: &mut Cursor, decision: Decision, place: Place) {
    cursor.frames.clear();
    cursor.leaf = Some(Leaf { outcome: Outcome { decision, translation: None }, place });
}

/// The rules that packets within `seen` can reach and be touched by, and whether the last one stops them all.
/// Behind a rule that changes what rules see, every rule stays.
/// `sure` is the rule being taken: it stays whatever its hull says.
fn reachable(
    lines: &[Line],
    rules: impl Iterator<Item = u32>,
    seen: &Hull,
    sure: Option<u32>,
) -> (SmallVec<[u32; 64]>, bool) {
    let mut kept = SmallVec::new();
    let (mut leaves, mut shifted) = (false, false);
    for index in rules {
        let line = &lines[index as usize];
        if shifted {
            kept.push(index);
            continue;
        }
        if !line.hull.meets(seen) && Some(index) != sure {
            continue;
        }
        kept.push(index);
        leaves |= line.leaves;
        shifted |= line.shifts;
        if !shifted && line.exact && line.ends != Ends::Nothing && Some(index) != sure && line.hull.covers(seen) {
            return (kept, line.ends == Ends::Walk && !leaves);
        }
    }
    (kept, false)
}

/// The pieces of a cell cut in two or more: first those on the near side of the cut.
pub fn split(cell: &Cell, cut: &Cut, space: &Space) -> SmallVec<[Cell; 4]> {
    let mut out = SmallVec::new();
    match cut {
        Cut::Cond(cond) => {
            out.push(cell.with_cond(*cond, true));
            out.push(cell.with_cond(*cond, false));
        }
        Cut::Field(field, values) => {
            out.extend(cell.meet(*field, values, space.family));
            out.extend(around(cell, *field, values, space));
        }
        Cut::Box(sides) => {
            let mut inside = Some(cell.clone());
            for (field, values) in sides {
                let Some(rest) = inside.take() else { break };
                out.extend(around(&rest, *field, values, space));
                inside = rest.meet(*field, values, space.family);
            }
            out.extend(inside);
        }
    }
    out
}

/// The pieces of a cell whose field is not among the values.
fn around(cell: &Cell, field: Field, values: &Values, space: &Space) -> SmallVec<[Cell; 2]> {
    cell.minus(field, values, space.family).into_iter().flat_map(|rest| pieces(rest, field, values, space)).collect()
}

/// What is left around one range of addresses falls in two: smaller hulls leave out more rules.
fn pieces(rest: Cell, field: Field, values: &Values, space: &Space) -> SmallVec<[Cell; 2]> {
    let apart = matches!(field, Field::Src | Field::Dst);
    let one_range = values.as_ranges().is_some_and(|r| r.as_slice().len() == 1);
    if let Some([a, b]) = rest.get(field).and_then(Values::as_ranges).map(Ranges::as_slice)
        && apart
        && one_range
    {
        let part = |&(lo, hi): &(u128, u128)| rest.meet(field, &Values::Ranges(Ranges::range(lo, hi)), space.family);
        return [part(a), part(b)].into_iter().flatten().collect();
    }
    SmallVec::from_iter([rest])
}
