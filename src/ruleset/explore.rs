//! The walk of a cell through one program to all its ends.

use super::hull::Hull;
use super::walk::{Cursor, Leaf, Walker, split};
use crate::packet::Cell;
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

/// Walks every packet of `cell` through the walker's program and shows `visit` each part with its end. Visits
/// at most `bound` cells.
pub fn explore(
    walker: &Walker<'_>,
    cell: Cell,
    bound: u64,
    mut visit: impl FnMut(&Cell, &Leaf) -> ControlFlow<()>,
) -> Explored {
    let mut work: Vec<(Cell, Cursor)> = vec![(cell, walker.start())];
    let mut cells = 0u64;
    while let Some((cell, mut cursor)) = work.pop() {
        cells += 1;
        if cells > bound {
            return Explored::Bounded;
        }
        let hull = Hull::of_cell(&cell, walker.space.family);
        match walker.advance(&cell, &hull, &mut cursor) {
            None => {
                if let Some(leaf) = &cursor.leaf
                    && visit(&cell, leaf).is_break()
                {
                    return Explored::Stopped;
                }
            }
            Some(cut) => {
                for part in split(&cell, &cut, walker.space).into_iter().rev() {
                    let hull = Hull::of_cell(&part, walker.space.family);
                    let trimmed = walker.trim(&cursor, &hull);
                    work.push((part, trimmed));
                }
            }
        }
    }
    Explored::Completely
}
