//! The meaning of a change on one filter: a text that is the same for every way of writing the same difference, and another
//! for every other difference. `docs/meaning.md` defines it without saying how it is computed.
//!
//! The text is a reduced ordered decision diagram of the function from packets to (outcome before, outcome after), where
//! the two differ. It is built out of the disjoint cells of an effect, and how they were cut leaves no trace in it:
//! a node lists maximal intervals, equal nodes are one, and a node that decides nothing does not exist.
//!
//! Cells become chains of *items*, one for each level, that share equal tails. A node of a level is built from the set
//! of items that are still possible; equal sets give equal nodes, so the cost follows the difference.

mod bits;
mod build;
mod conditions;
mod diagram;
mod interfaces;
mod item;
mod level;
mod outcome;
mod write;

use super::effect::FilterDiff;
use crate::packet::Cell;
use crate::ruleset::Space;
use std::collections::BTreeSet;

/// When the computation of a meaning gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeaningBounds {
    /// Most items looked at, over all nodes.
    pub steps: u64,
}

impl Default for MeaningBounds {
    fn default() -> MeaningBounds {
        MeaningBounds { steps: 100_000_000 }
    }
}

/// Why an effect has no meaning text. Without one nothing is equal to anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeaningError {
    /// The effect itself is not complete.
    #[error("not every packet was compared, so the effect has no meaning digest")]
    Incomplete,
    /// The bound was reached.
    #[error("the effect is too large for a meaning digest")]
    TooLarge,
    /// Two cells of the effect hold the same packet.
    #[error("internal error: two regions of the effect share a packet (this is a bug in fwgate)")]
    Overlap,
}

/// The meaning of an effect, in the lines that `docs/meaning.md` defines; empty where no packet changes.
///
/// # Errors
/// An effect that is not complete, or too large for the bounds.
pub fn meaning(diff: &FilterDiff, bounds: MeaningBounds) -> Result<String, MeaningError> {
    if !diff.complete {
        return Err(MeaningError::Incomplete);
    }
    let change = |c: &super::effect::Change| outcome::pair(&c.old.outcome, &c.new.outcome);
    let ends: BTreeSet<String> = diff.changes.iter().map(change).collect();
    let ends: Vec<String> = ends.into_iter().collect();
    let number = |text: String| ends.binary_search(&text).unwrap_or(0) as u32;
    let parts = diff.changes.iter().flat_map(|c| {
        let end = number(change(c));
        c.cells.iter().map(move |cell| Part { cell, end })
    });
    let function = Function { space: &diff.space, parts: parts.collect(), ends };
    conditions::settled(&function, bounds)
}

/// A function from packets to ends: what no part holds stays as it was.
struct Function<'a> {
    space: &'a Space,
    parts: Vec<Part<'a>>,
    /// The ends as texts, in order.
    ends: Vec<String>,
}

/// Packets with the same end.
#[derive(Clone, Copy)]
struct Part<'a> {
    cell: &'a Cell,
    /// Index among the ends.
    end: u32,
}

#[cfg(test)]
mod tests;
