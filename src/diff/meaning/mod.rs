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
mod parts;
mod write;

use super::effect::{Change, EffectKind, FilterDiff};
use crate::packet::Cell;
use crate::ruleset::Space;
use std::collections::BTreeMap;
use std::sync::Arc;

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

/// What a change means on one filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meaning {
    /// The lines that `docs/meaning.md` defines; empty where no packet changes.
    pub text: String,
    /// The changed packets by what becomes of them, in disjoint cells that depend on the meaning only; `None` where they would
    /// be too many.
    pub parts: Option<Vec<(EffectKind, Cell)>>,
    /// The conditions of the parts, by number.
    pub conditions: Vec<Arc<str>>,
}

/// The meaning of an effect.
///
/// # Errors
/// An effect that is not complete, or too large for the bounds.
pub fn canonical_meaning(diff: &FilterDiff, bounds: MeaningBounds) -> Result<Meaning, MeaningError> {
    if !diff.complete {
        return Err(MeaningError::Incomplete);
    }
    let change = |c: &Change| (outcome::pair(&c.old.outcome, &c.new.outcome), c.effect);
    let ends: BTreeMap<String, EffectKind> = diff.changes.iter().map(change).collect();
    let kinds: Vec<EffectKind> = ends.values().copied().collect();
    let ends: Vec<String> = ends.into_keys().collect();
    let number = |text: String| ends.binary_search(&text).unwrap_or(0) as u32;
    let parts = diff.changes.iter().flat_map(|c| {
        let end = number(change(c).0);
        c.cells.iter().map(move |cell| Part { cell, end })
    });
    let function = Function { space: &diff.space, parts: parts.collect(), ends: ends.clone() };
    let settled = conditions::settled(&function, bounds)?;
    let kind = |end: u32| kinds.get(end as usize).copied().unwrap_or(EffectKind::Opened);
    let parts = settled.parts.map(|parts| parts.into_iter().map(|(cell, end)| (kind(end), cell)).collect());
    Ok(Meaning { text: settled.text, parts, conditions: settled.conditions })
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
