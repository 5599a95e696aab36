//! The walk of a cell through one program to all its ends.

use super::hull::Hull;
use super::interpret::Decision;
use super::model::Translation;
use super::walk::{Cursor, Leaf, Walker, split};
use super::{Cut, Place};
use crate::packet::{Cell, Cond};
use std::ops::ControlFlow;

/// How an exploration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explored {
    /// Every packet of the cell has come to its end.
    Completely,
    /// The visitor had seen enough.
    Stopped,
    /// The bound of cells was reached first.
    Bounded,
}

/// Packets that end together, and what has happened to them on the way.
pub struct End<'a> {
    /// The packets.
    pub cell: &'a Cell,
    /// Their end.
    pub leaf: &'a Leaf,
    /// What has been translated of the connection that they set up, even where they are refused afterwards.
    pub translation: Option<&'a Translation>,
    /// Whether a rule exempted them from conntrack.
    pub untracked: bool,
}

impl End<'_> {
    /// Whether they pass.
    pub fn passes(&self) -> bool {
        self.leaf.outcome.decision == Decision::Accept
    }

    /// What decided.
    pub fn place(&self) -> Place {
        self.leaf.place
    }
}

/// Which packets of a cell are to be walked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All.
    All,
    /// Those of this cell, which lies inside.
    Only(Box<Cell>),
    /// None.
    Nothing,
}

/// What steers an exploration.
pub trait Guide {
    /// What an opaque condition is taken to be, where that is known. Asked when a rule needs it.
    fn settle(&mut self, _: Cond) -> Option<bool> {
        None
    }

    /// From which of these packets something is still to be learnt.
    fn wants(&mut self, _: &Cell) -> Wanted {
        Wanted::All
    }

    /// Sees an end.
    fn visit(&mut self, end: End<'_>) -> ControlFlow<()>;
}

/// Walks every packet of `cell` through the walker's program and shows `visit` each part with its end. Visits
/// at most `bound` cells.
pub fn explore(
    walker: &Walker<'_>,
    cell: Cell,
    bound: u64,
    visit: impl FnMut(&Cell, &Leaf) -> ControlFlow<()>,
) -> Explored {
    struct Plain<F>(F);
    impl<F: FnMut(&Cell, &Leaf) -> ControlFlow<()>> Guide for Plain<F> {
        fn visit(&mut self, end: End<'_>) -> ControlFlow<()> {
            (self.0)(end.cell, end.leaf)
        }
    }
    explore_by(walker, cell, bound, &mut Plain(visit))
}

/// Walks the packets of `cell` as `guide` says. Visits at most `bound` cells.
pub fn explore_by(walker: &Walker<'_>, cell: Cell, bound: u64, guide: &mut impl Guide) -> Explored {
    let mut work: Vec<(Cell, Cursor)> = vec![(cell, walker.start())];
    let mut cells = 0u64;
    while let Some((cell, cursor)) = work.pop() {
        let (cell, mut cursor) = match guide.wants(&cell) {
            Wanted::All => (cell, cursor),
            Wanted::Nothing => continue,
            Wanted::Only(part) => {
                let trimmed = walker.trim(&cursor, &Hull::of_cell(&part, walker.space.family));
                (*part, trimmed)
            }
        };
        cells += 1;
        if cells > bound {
            return Explored::Bounded;
        }
        let hull = Hull::of_cell(&cell, walker.space.family);
        match walker.advance(&cell, &hull, &mut cursor) {
            None => {
                if show(&cell, &cursor, guide).is_break() {
                    return Explored::Stopped;
                }
            }
            Some(cut) => {
                for part in parts(&cell, &cut, walker, guide) {
                    let hull = Hull::of_cell(&part, walker.space.family);
                    let trimmed = walker.trim(&cursor, &hull);
                    work.push((part, trimmed));
                }
            }
        }
    }
    Explored::Completely
}

fn show(cell: &Cell, cursor: &Cursor, guide: &mut impl Guide) -> ControlFlow<()> {
    let Some(leaf) = &cursor.leaf else { return ControlFlow::Continue(()) };
    let env = &cursor.env;
    guide.visit(End { cell, leaf, translation: env.translation.as_deref(), untracked: env.untracked })
}

/// The pieces of a cell, the packets that the rule at hand matches last: they are walked first, since they come to
/// an end, and what they teach may spare the others.
fn parts(cell: &Cell, cut: &Cut, walker: &Walker<'_>, guide: &mut impl Guide) -> Vec<Cell> {
    if let Cut::Cond(cond) = cut
        && let Some(value) = guide.settle(*cond)
    {
        return vec![cell.with_cond(*cond, value)];
    }
    let mut parts = split(cell, cut, walker.space);
    if !matches!(cut, Cut::Box(_)) {
        parts.reverse();
    }
    parts.into_vec()
}
