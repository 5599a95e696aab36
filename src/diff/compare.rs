//! The walk of all packets through two programs at once, down to the parts that end differently.
//!
//! A cell is done when both walks stand at the same place of shared rules and no unshared rule ahead can touch
//! it, or when both have ended. Otherwise it is cut, along the first unshared rule where that helps, else along
//! the first rule that one of the walks cannot decide.

use super::delta::{Deltas, Unshared, merged_stages, same_call};
use crate::packet::{Cell, Field, Relation, Values};
use crate::ruleset::{
    Answer, Cursor, Cut, Env, Hull, Leaf, Move, Program, Side, Space, Stage, Test, Walker, cut_out, split,
};
use smallvec::SmallVec;
use std::ops::ControlFlow;
use std::rc::Rc;

/// How far a comparison came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Every packet was compared.
    Complete,
    /// The bound of cells was reached, or the visitor stopped.
    Bounded,
}

/// The comparison of two programs over one space.
pub struct Comparison<'a> {
    space: &'a Space,
    old: Walker<'a>,
    new: Walker<'a>,
    deltas: Deltas<'a>,
    /// What the chains of each merged stage do not share.
    stages: Vec<Rc<[Unshared]>>,
    /// Fields that rules of later stages may see changed.
    volatile: Vec<Field>,
}

struct Task {
    cell: Cell,
    old: Cursor,
    new: Cursor,
    live: Live,
}

/// The unshared rules that may touch a cell, by stage and place in the stage's list, ascending. Where there is none,
/// both programs are the same list of rules for the cell's packets, wherever the walks stand.
type Live = Rc<[(u32, u32)]>;

/// The most unshared rules whose boxes the walk begins in, and the most parts that they may fall into on average:
/// beyond that it begins with the whole space.
const MOST_BOXES: usize = 4096;
const PARTS: usize = 16;

/// What comparing two walks that have not ended gives.
enum Standing {
    /// No packet of the cell can end differently any more.
    Same,
    /// Cutting here brings the unshared rule nearer.
    Cut(Cut),
    /// An unshared rule covers the cell: the rules in front of it must be settled first.
    Differs,
}

impl<'a> Comparison<'a> {
    /// Prepares a comparison; nothing is walked yet.
    pub fn new(space: &'a Space, old: &'a Program<'a>, new: &'a Program<'a>) -> Comparison<'a> {
        let (left, right) = merged_stages(old, new);
        let mut deltas = Deltas::new(old, new);
        let stages = left.iter().zip(&right).map(|(a, b)| stage_delta(&mut deltas, *a, *b)).collect();
        let mut volatile: Vec<Field> = old.rewritten.iter().chain(&new.rewritten).copied().collect();
        if old.untracks || new.untracks {
            volatile.push(Field::State);
        }
        volatile.extend([Field::Mark, Field::ConnMark]);
        let walker = |program, stages| Walker { space, program, stages };
        Comparison { space, old: walker(old, left), new: walker(new, right), deltas, stages, volatile }
    }

    /// Whether nothing at all differs.
    pub fn is_trivial(&self) -> bool {
        self.stages.iter().all(|s| s.is_empty())
    }

    /// Compares every packet of `cell` and shows `visit` each part that ends differently. Visits at most `bound`
    /// cells.
    pub fn run(
        &mut self,
        cell: Cell,
        bound: u64,
        mut visit: impl FnMut(&Cell, &Leaf, &Leaf) -> ControlFlow<()>,
    ) -> Extent {
        let live = self.live_within(&self.unshared(), &Hull::of_cell(&cell, self.space.family));
        let mut work = Vec::new();
        for cell in self.touched(cell, &live).into_iter().rev() {
            let live = self.live_within(&live, &Hull::of_cell(&cell, self.space.family));
            work.push(Box::new(Task { cell, old: self.old.start(), new: self.new.start(), live }));
        }
        let mut cells = 0u64;
        while let Some(mut task) = work.pop() {
            cells += 1;
            if cells > bound {
                return Extent::Bounded;
            }
            let Some(cut) = self.settle(&mut task) else {
                if let (Some(old), Some(new)) = (&task.old.leaf, &task.new.leaf)
                    && old.outcome != new.outcome
                    && visit(&task.cell, old, new).is_break()
                {
                    return Extent::Bounded;
                }
                continue;
            };
            for part in split(&task.cell, &cut, self.space).into_iter().rev() {
                let hull = Hull::of_cell(&part, self.space.family);
                let live = self.live_within(&task.live, &hull);
                if live.is_empty() {
                    continue;
                }
                let (old, new) = (self.old.trim(&task.old, &hull), self.new.trim(&task.new, &hull));
                work.push(Box::new(Task { cell: part, old, new, live }));
            }
        }
        Extent::Complete
    }

    /// `None` where the cell is done, else where to cut it.
    fn settle(&mut self, task: &mut Task) -> Option<Cut> {
        let hull = Hull::of_cell(&task.cell, self.space.family);
        let old_cut = self.old.advance(&task.cell, &hull, &mut task.old);
        let new_cut = self.new.advance(&task.cell, &hull, &mut task.new);
        match (old_cut, new_cut) {
            (None, None) => None,
            (Some(a), Some(b)) => match self.standing(task, &hull) {
                Standing::Same => None,
                Standing::Cut(cut) => Some(cut),
                Standing::Differs => Some(if task.old.stage <= task.new.stage { a } else { b }),
            },
            (Some(cut), None) | (None, Some(cut)) => Some(cut),
        }
    }

    /// Every unshared rule of every stage.
    fn unshared(&self) -> Live {
        let of_stage = |(stage, list): (usize, &Rc<[Unshared]>)| {
            let stage = stage as u32;
            (0..list.len() as u32).map(move |at| (stage, at)).collect::<Vec<_>>()
        };
        self.stages.iter().enumerate().flat_map(of_stage).collect()
    }

    /// The packets of a cell that unshared rules may touch, as disjoint cells: the box of the widest rule, then what those
    /// of narrower ones have besides. The walk begins in each of them, where few rules are left, instead of coming to
    /// them from the whole space.
    fn touched(&self, cell: Cell, live: &Live) -> Vec<Cell> {
        if live.len() > MOST_BOXES {
            return vec![cell];
        }
        let mut boxes: Vec<Hull> = live.iter().map(|(stage, at)| self.box_of(*stage, *at)).collect();
        boxes.sort_by_key(|b| std::cmp::Reverse(b.extent()));
        let mut out: Vec<Cell> = Vec::new();
        for (at, own) in boxes.iter().enumerate() {
            let mut parts: Vec<Cell> = own
                .sides(self.space.family)
                .try_fold(cell.clone(), |cell, (field, values)| cell.meet(field, &values, self.space.family))
                .into_iter()
                .collect();
            for wider in boxes.iter().take(at).filter(|b| b.meets(own)) {
                parts = self.without(parts, wider);
            }
            out.extend(parts);
            if out.len() > MOST_BOXES + PARTS * live.len() {
                return vec![cell];
            }
        }
        out
    }

    /// The parts of cells outside of a box.
    fn without(&self, cells: Vec<Cell>, hull: &Hull) -> Vec<Cell> {
        let family = self.space.family;
        let sides: Vec<(Field, Values)> = hull.sides(family).collect();
        let mut out = Vec::with_capacity(cells.len());
        for cell in cells {
            if Hull::of_cell(&cell, family).meets(hull) {
                cut_out(&cell, &sides, self.space, &mut out);
            } else {
                out.push(cell);
            }
        }
        out
    }

    /// Where packets are on arrival that an unshared rule may touch, as far as no rule changes what it looks at.
    fn box_of(&self, stage: u32, at: u32) -> Hull {
        let mut hull = self.stages[stage as usize][at as usize].hull;
        self.volatile.iter().for_each(|field| hull.widen(*field));
        hull.of_header()
    }

    /// Those of `live` that may touch packets within a hull.
    fn live_within(&self, live: &Live, hull: &Hull) -> Live {
        let mut seen: Option<(u32, Option<Hull>)> = None;
        let mut kept: SmallVec<[(u32, u32); 16]> = SmallVec::new();
        for &(stage, at) in live.iter() {
            let known = seen.filter(|(of, _)| *of == stage).map(|(_, hull)| hull);
            let here = known.unwrap_or_else(|| self.widened(&Env::default(), hull, stage as usize));
            seen = Some((stage, here));
            if here.is_none_or(|hull| self.stages[stage as usize][at as usize].hull.meets(&hull)) {
                kept.push((stage, at));
            }
        }
        if kept.len() == live.len() { live.clone() } else { Rc::from(kept.as_slice()) }
    }

    fn standing(&mut self, task: &Task, hull: &Hull) -> Standing {
        if !task.old.same_past(&task.new) {
            return Standing::Differs;
        }
        for depth in (0..task.old.frames.len()).rev() {
            match self.frames(task, hull, depth) {
                Standing::Same if task.old.frames[depth].closed && task.new.frames[depth].closed => {
                    return self.later(task, hull);
                }
                Standing::Same => {}
                other => return other,
            }
        }
        if !self.same_policies(task) {
            return Standing::Differs;
        }
        self.later(task, hull)
    }

    fn same_policies(&self, task: &Task) -> bool {
        let drops = |stages: &[Option<&Stage>]| stages[task.old.stage].is_some_and(|s| s.drops);
        drops(&self.old.stages) == drops(&self.new.stages)
    }

    /// Compares what later stages have ahead.
    fn later(&self, task: &Task, hull: &Hull) -> Standing {
        let from = if task.old.entered { task.old.stage + 1 } else { task.old.stage };
        for later in from..self.stages.len() {
            if let Some(unshared) = self.ahead(later, task, hull) {
                let unshared = unshared.clone();
                return self.towards(task, later, &unshared);
            }
        }
        Standing::Same
    }

    /// Compares what two frames of the same depth still have ahead, rule by rule.
    fn frames(&mut self, task: &Task, hull: &Hull, depth: usize) -> Standing {
        let (a, b) = (&task.old.frames[depth], &task.new.frames[depth]);
        let (left, right) = (a.ahead(), b.ahead());
        let (mut i, mut j) = (0, 0);
        loop {
            let x = left.get(i).map(|r| self.old.program.line(a.chain, *r));
            let y = right.get(j).map(|r| self.new.program.line(b.chain, *r));
            match (x, y) {
                (None, None) => return Standing::Same,
                (Some(x), Some(y)) if x.id == y.id => {
                    i += 1;
                    j += 1;
                    continue;
                }
                _ => {}
            }
            if x.is_some_and(|x| self.misses(&task.cell, &x.moves)) {
                i += 1;
                continue;
            }
            if y.is_some_and(|y| self.misses(&task.cell, &y.moves)) {
                j += 1;
                continue;
            }
            if let (Some(x), Some(y)) = (x, y)
                && let Some((from, to)) = same_call(x, y)
            {
                let inner = self.deltas.of(Some(from), Some(to));
                let seen = self.widened(&task.old.env, hull, task.old.stage);
                match inner.iter().find(|u| seen.is_none_or(|s| u.hull.meets(&s))) {
                    None => {
                        i += 1;
                        j += 1;
                        continue;
                    }
                    Some(unshared) => {
                        let unshared = unshared.clone();
                        return match self.guard(task, Side::Old, &x.moves) {
                            Answer::Cut(cut) => Standing::Cut(cut),
                            _ => self.towards(task, task.old.stage, &unshared),
                        };
                    }
                }
            }
            // Whatever the shared rules in front let through: if all of it ends in one way, it ends the same.
            let (left_ways, right_ways) = (self.old.ways(&task.old, depth, i), self.new.ways(&task.new, depth, j));
            if left_ways == right_ways && left_ways.is_single() {
                return Standing::Same;
            }
            for (side, line) in [(Side::Old, x), (Side::New, y)] {
                if let Some(line) = line
                    && let Answer::Cut(cut) = self.guard(task, side, &line.moves)
                {
                    return Standing::Cut(cut);
                }
            }
            return Standing::Differs;
        }
    }

    /// Cuts towards an unshared rule, where that is possible before the walk stands there.
    fn towards(&self, task: &Task, stage: usize, unshared: &Unshared) -> Standing {
        let (walker, cursor) = match unshared.side {
            Side::Old => (&self.old, &task.old),
            Side::New => (&self.new, &task.new),
        };
        let stage = walker.stages[stage].or(walker.stages[cursor.stage]);
        let Some(stage) = stage else { return Standing::Differs };
        let Some(line) = walker.program.block(unshared.chain).lines.get(unshared.line as usize) else {
            return Standing::Differs;
        };
        let reader = walker.reader(&task.cell, &cursor.env, stage);
        for step in line.moves.iter() {
            let Move::If(test) = step else { break };
            if let Answer::Cut(cut) = reader.answer(test) {
                return Standing::Cut(cut);
            }
        }
        Standing::Differs
    }

    fn guard(&self, task: &Task, side: Side, moves: &[Move]) -> Answer {
        let (walker, cursor) = match side {
            Side::Old => (&self.old, &task.old),
            Side::New => (&self.new, &task.new),
        };
        let Some(Some(stage)) = walker.stages.get(cursor.stage) else { return Answer::Yes };
        let reader = walker.reader(&task.cell, &cursor.env, stage);
        for step in moves {
            let Move::If(test) = step else { break };
            match reader.answer(test) {
                Answer::Yes => {}
                other => return other,
            }
        }
        Answer::Yes
    }

    /// Whether a rule certainly misses the cell, whatever happens on the way to it.
    fn misses(&self, cell: &Cell, moves: &[Move]) -> bool {
        moves.iter().map_while(|m| if let Move::If(t) = m { Some(t) } else { None }).any(|t| self.test_misses(cell, t))
    }

    fn test_misses(&self, cell: &Cell, test: &Test) -> bool {
        match test {
            Test::In(field, values) => self.is_stable(*field) && self.outside(cell, *field, values),
            Test::All(all) => all.iter().any(|t| self.test_misses(cell, t)),
            _ => false,
        }
    }

    fn outside(&self, cell: &Cell, field: Field, values: &Values) -> bool {
        cell.relation(field, values, self.space.family) == Relation::Missed
    }

    /// Fields that every rule sees as the cell says.
    fn is_stable(&self, field: Field) -> bool {
        !self.volatile.contains(&field)
            && !field.is_interface()
            && !matches!(field, Field::State | Field::Fragment | Field::SrcBits | Field::DstBits)
    }

    /// The first unshared rule of a later stage that can touch the cell.
    fn ahead(&self, stage: usize, task: &Task, hull: &Hull) -> Option<&Unshared> {
        let first = task.live.partition_point(|(of, _)| (*of as usize) < stage);
        let mut live = task.live[first..].iter().take_while(|(of, _)| *of as usize == stage).peekable();
        live.peek()?;
        let seen = self.widened(&task.old.env, hull, stage);
        live.map(|(_, at)| &self.stages[stage][*at as usize]).find(|u| seen.is_none_or(|s| u.hull.meets(&s)))
    }

    /// What rules of a stage may see of the cell after everything in between; `None` is anything.
    fn widened(&self, env: &Env, hull: &Hull, stage: usize) -> Option<Hull> {
        let (walker, stage) = match (self.old.stages[stage], self.new.stages[stage]) {
            (Some(a), Some(b)) if a.view == b.view => (&self.old, a),
            (Some(a), None) => (&self.old, a),
            (None, Some(b)) => (&self.new, b),
            _ => return None,
        };
        let mut wide = *hull;
        for field in &self.volatile {
            wide.widen(*field);
        }
        let mut seen = walker.seen(&wide, env, stage);
        // A rule in between may take packets from conntrack, so that the state is not the one that stands here.
        if self.volatile.contains(&Field::State) {
            seen.widen(Field::State);
        }
        // Only one side may put fragments together.
        if self.old.program.ruleset.conntrack != self.new.program.ruleset.conntrack {
            seen.widen(Field::Fragment);
        }
        Some(seen)
    }
}

/// What the chains of a merged stage do not share. A policy that differs touches every packet.
fn stage_delta(deltas: &mut Deltas<'_>, old: Option<&Stage>, new: Option<&Stage>) -> Rc<[Unshared]> {
    let chains = (old.map(|s| s.chain), new.map(|s| s.chain));
    let mut found: Vec<Unshared> = deltas.of(chains.0, chains.1).to_vec();
    let drops = |s: Option<&Stage>| s.is_some_and(|s| s.drops);
    if drops(old) != drops(new) {
        let (side, chain) = match (old, new) {
            (Some(s), _) => (Side::Old, s.chain),
            (_, Some(s)) => (Side::New, s.chain),
            _ => return found.into(),
        };
        found.push(Unshared { hull: Hull::WHOLE, side, chain, line: u32::MAX });
    }
    found.into()
}
