//! Every way in which packets can end: the walk of a cell in which header fields cut the cell and opaque
//! conditions branch the walk.
//!
//! The parts that come out are disjoint in header fields alone. For each part the walk knows every end, and as a
//! boolean function of the conditions when it comes to that end. Branches that stand at the same place again (a
//! condition in front of a chain that returns) go on as one, so conditions that do not matter cost nothing.

use super::guards::{Guard, Guards};
use crate::packet::{Cell, Cond};
use crate::ruleset::{Cursor, Cut, Explored, Hull, Leaf, Place, Walker, split};
use smallvec::SmallVec;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// One end of a part's packets.
#[derive(Clone, Debug)]
pub struct Way {
    /// The end.
    pub leaf: Leaf,
    /// In which worlds they come to it.
    pub guard: Guard,
}

/// A condition that was met on the way.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Which one.
    pub cond: Cond,
    /// The rule that asks.
    pub place: Place,
    /// Index of the stage in the walker.
    pub stage: usize,
    /// In which worlds the packets come here.
    pub guard: Guard,
}

/// Packets that all end alike in every world.
#[derive(Clone, Debug)]
pub struct Part {
    /// The packets.
    pub cell: Cell,
    /// Their ends; the guards exclude each other and cover every world.
    pub ways: Vec<Way>,
    /// The conditions met, in the order of the walk.
    pub asked: Vec<Asked>,
}

impl Part {
    /// The end in the world in which no condition holds.
    pub fn plain_end(&self, guards: &Guards) -> Option<&Leaf> {
        self.ways.iter().find(|w| guards.holds(w.guard, |_| false)).map(|w| &w.leaf)
    }

    /// The conditions that change `what` of the end.
    pub fn depends_on<K: PartialEq>(&self, guards: &mut Guards, what: impl Fn(&Leaf) -> K) -> BTreeSet<Cond> {
        let mut classes: Vec<(K, Guard)> = Vec::new();
        for way in &self.ways {
            let key = what(&way.leaf);
            match classes.iter_mut().find(|(k, _)| *k == key) {
                Some((_, guard)) => *guard = guards.or(*guard, way.guard),
                None => classes.push((key, way.guard)),
            }
        }
        classes.iter().flat_map(|(_, guard)| guards.support(*guard)).collect()
    }

    /// The first rule on the way, where no condition holds before it, that asks one of these conditions.
    pub fn first_asking(&self, guards: &Guards, conds: &BTreeSet<Cond>) -> Option<&Asked> {
        self.asked.iter().find(|a| conds.contains(&a.cond) && guards.holds(a.guard, |_| false))
    }
}

/// More combinations of opaque conditions than the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {limit} combinations of opaque conditions")]
pub struct TooManyConditions {
    /// The bound.
    pub limit: usize,
}

/// The walk of one program with branches for conditions.
pub struct Ways<'w, 'a> {
    walker: &'w Walker<'a>,
    /// The functions in the guards of all parts.
    pub guards: Guards,
    limit: usize,
}

/// One walk among those of a cell.
struct Branch {
    conds: SmallVec<[(Cond, bool); 4]>,
    guard: Guard,
    cursor: Cursor,
    /// Where the cursor stands, and what has been asked there: forgetting those would ask them again for ever.
    here: (Option<Spot>, SmallVec<[Cond; 2]>),
    stopped: Option<Cut>,
}

type Spot = (usize, usize, u32, u32);

struct Task {
    part: Part,
    branches: Vec<Branch>,
}

impl<'w, 'a> Ways<'w, 'a> {
    /// At most `limit` combinations of conditions are followed.
    pub fn new(walker: &'w Walker<'a>, limit: usize) -> Ways<'w, 'a> {
        Ways { walker, guards: Guards::default(), limit }
    }

    /// Walks every packet of `cell` to its ends and shows `visit` each part. Visits at most `bound` cells.
    ///
    /// # Errors
    /// More combinations of conditions than the limit.
    pub fn run(
        &mut self,
        cell: Cell,
        bound: u64,
        mut visit: impl FnMut(&mut Guards, &Part) -> ControlFlow<()>,
    ) -> Result<Explored, TooManyConditions> {
        let mut work = vec![self.begin(cell)];
        let mut cells = 0u64;
        while let Some(mut task) = work.pop() {
            cells += 1;
            if cells > bound {
                return Ok(Explored::Bounded);
            }
            match self.settle(&mut task)? {
                None => {
                    if visit(&mut self.guards, &task.part).is_break() {
                        return Ok(Explored::Stopped);
                    }
                }
                Some(cut) => {
                    let pieces = split(&task.part.cell, &cut, self.walker.space);
                    work.extend(pieces.into_iter().rev().map(|piece| self.narrowed(&task, piece)));
                }
            }
        }
        Ok(Explored::Completely)
    }

    fn begin(&self, cell: Cell) -> Task {
        let first = Branch {
            conds: SmallVec::from_slice(cell.conds()),
            guard: Guard::ALWAYS,
            cursor: self.walker.start(),
            here: (None, SmallVec::new()),
            stopped: None,
        };
        Task { part: Part { cell, ways: Vec::new(), asked: Vec::new() }, branches: vec![first] }
    }

    /// Follows all branches until they have ended (`None`) or one needs the cell cut.
    fn settle(&mut self, task: &mut Task) -> Result<Option<Cut>, TooManyConditions> {
        let hull = Hull::of_cell(&task.part.cell, self.walker.space.family);
        let mut combinations = 0;
        while let Some(branch) = furthest_behind(&mut task.branches) {
            if let Some(Cut::Cond(cond)) = branch.stopped {
                self.fork(task, branch, cond);
            } else if let Some(cut) = self.follow(task, branch, &hull) {
                return Ok(Some(cut));
            }
            combinations += 1;
            if combinations > 2 * self.limit || self.guards.size() > 16 * self.limit {
                return Err(TooManyConditions { limit: self.limit });
            }
        }
        Ok(None)
    }

    /// Advances one branch to its end or to a condition, where it may meet another; or gives back the cut that
    /// the cell needs.
    fn follow(&mut self, task: &mut Task, mut branch: Branch, hull: &Hull) -> Option<Cut> {
        let with_conds;
        let cell = if branch.conds.is_empty() {
            &task.part.cell
        } else {
            with_conds = branch.conds.iter().fold(task.part.cell.clone(), |c, (cond, v)| c.with_cond(*cond, *v));
            &with_conds
        };
        match self.walker.advance(cell, hull, &mut branch.cursor) {
            None => self.ended(task, branch),
            Some(cut @ (Cut::Field(..) | Cut::Box(..))) => {
                task.branches.push(branch);
                return Some(cut);
            }
            Some(cut) => {
                branch.stopped = Some(cut);
                self.join(task, branch);
            }
        }
        None
    }

    fn ended(&mut self, task: &mut Task, branch: Branch) {
        let Some(leaf) = branch.cursor.leaf else { return };
        match task.part.ways.iter_mut().find(|w| w.leaf == leaf) {
            Some(way) => way.guard = self.guards.or(way.guard, branch.guard),
            None => task.part.ways.push(Way { leaf, guard: branch.guard }),
        }
    }

    /// Puts a stopped branch beside the others, or makes it one with another that stands at the same place.
    fn join(&mut self, task: &mut Task, mut branch: Branch) {
        let spot = self.spot(&branch.cursor);
        if branch.here.0 != spot {
            branch.here = (spot, SmallVec::new());
        }
        for other in &mut task.branches {
            if other.stopped == branch.stopped && may_join(other, &branch) {
                other.guard = self.guards.or(other.guard, branch.guard);
                other.conds.retain(|c| branch.conds.contains(c));
                return;
            }
        }
        task.branches.push(branch);
    }

    /// Follows both values of a condition, except one that the branch excludes.
    fn fork(&mut self, task: &mut Task, branch: Branch, cond: Cond) {
        let spot = self.spot(&branch.cursor);
        let place = self.walker.standing_at(&branch.cursor);
        let place = place.map_or(Place::NoChain, |(chain, line)| self.walker.program.place(chain, line));
        task.part.asked.push(Asked { cond, place, stage: branch.cursor.stage, guard: branch.guard });
        for value in [true, false] {
            let literal = self.guards.literal(cond, value);
            let guard = self.guards.and(branch.guard, literal);
            if guard == Guard::NEVER {
                continue;
            }
            let mut conds = branch.conds.clone();
            conds.push((cond, value));
            let mut here = if branch.here.0 == spot { branch.here.1.clone() } else { SmallVec::new() };
            here.push(cond);
            let cursor = branch.cursor.clone();
            task.branches.push(Branch { conds, guard, cursor, here: (spot, here), stopped: None });
        }
    }

    fn spot(&self, cursor: &Cursor) -> Option<Spot> {
        let (chain, line) = self.walker.standing_at(cursor)?;
        Some((cursor.stage, cursor.frames.len(), chain.0, line))
    }

    /// The same branches for fewer packets.
    fn narrowed(&self, task: &Task, piece: Cell) -> Task {
        let hull = Hull::of_cell(&piece, self.walker.space.family);
        let narrow = |b: &Branch| Branch {
            conds: b.conds.clone(),
            guard: b.guard,
            cursor: self.walker.trim(&b.cursor, &hull),
            here: b.here.clone(),
            stopped: None,
        };
        let branches = task.branches.iter().map(narrow).collect();
        Task { part: Part { cell: piece, ..task.part.clone() }, branches }
    }
}

/// Takes out the branch that has most ahead, so that the others can be met; running ones before stopped ones.
fn furthest_behind(branches: &mut Vec<Branch>) -> Option<Branch> {
    if let Some(at) = branches.iter().position(|b| b.stopped.is_none()) {
        return Some(branches.swap_remove(at));
    }
    let mut best = 0;
    for at in 1..branches.len() {
        if branches[at].cursor.is_behind(&branches[best].cursor) {
            best = at;
        }
    }
    (!branches.is_empty()).then(|| branches.swap_remove(best))
}

/// Whether two branches that stand at the same place differ only in conditions that were asked before it.
fn may_join(a: &Branch, b: &Branch) -> bool {
    let settled_here = |own: &Branch, other: &Branch| {
        own.conds.iter().any(|c| !other.conds.contains(c) && (own.here.1.contains(&c.0) || other.here.1.contains(&c.0)))
    };
    a.cursor.same_future(&b.cursor) && !settled_here(a, b) && !settled_here(b, a)
}
