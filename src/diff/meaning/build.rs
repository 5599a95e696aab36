//! Items to a diagram: a node for every set of items that is still possible.

use super::diagram::{Diagram, Node, NodeId, Piece, UNCHANGED, push_piece};
use super::item::Items;
use super::level::Level;
use super::{Function, MeaningBounds, MeaningError, interfaces};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Most pieces of one node; where a function has more, the bits of the value are decided one by one.
pub(super) const MAX_PIECES: usize = 1 << 16;

/// Whether one packet may have several ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// Never: the parts of an effect are disjoint.
    One,
    /// Yes: conditions that tell them apart were left out.
    Several,
}

/// Builds the diagram of a function.
pub(super) struct Builder<'a> {
    pub function: &'a Function<'a>,
    pub levels: &'a [Level],
    pub diagram: Diagram,
    pub items: Items,
    known: Vec<FxHashMap<Box<[u32]>, NodeId>>,
    ends: Ends,
    steps: u64,
}

impl<'a> Builder<'a> {
    /// Nothing is built yet.
    pub fn new(function: &'a Function<'a>, levels: &'a [Level], ends: Ends, bounds: MeaningBounds) -> Builder<'a> {
        let items = Items::new(function, levels);
        let known = vec![FxHashMap::default(); levels.len()];
        Builder { function, levels, diagram: Diagram::new(), items, known, ends, steps: bounds.steps }
    }

    /// The root of the diagram.
    ///
    /// # Errors
    /// The bound; parts that overlap where they may not.
    pub fn root(&mut self) -> Result<NodeId, MeaningError> {
        let roots = std::mem::take(&mut self.items.roots);
        self.node(0, roots)
    }

    /// The node of a level for these items, which are ascending and each once.
    pub fn node(&mut self, at: usize, active: Vec<u32>) -> Result<NodeId, MeaningError> {
        if active.is_empty() {
            return Ok(UNCHANGED);
        }
        let Some(known) = self.known.get(at) else { return self.end(active) };
        if let Some(id) = known.get(active.as_slice()) {
            return Ok(*id);
        }
        self.spend(active.len())?;
        let items = self.items.levels.get(at).map_or(&[][..], Vec::as_slice);
        let slots = || active.iter().filter_map(|i| items.get(*i as usize)).map(|i| &i.slot);
        let id = if slots().all(|s| s.is_any()) {
            let next = self.next(at, active.iter().copied());
            self.node(at + 1, next)?
        } else if slots().any(|s| s.bits.is_some()) {
            self.by_bits(at, &active)?
        } else {
            let pieces = self.sweep(at, &active)?;
            self.of_pieces(at, pieces)?
        };
        self.known[at].insert(active.into(), id);
        Ok(id)
    }

    /// Counts work.
    pub fn spend(&mut self, items: usize) -> Result<(), MeaningError> {
        self.steps = self.steps.checked_sub(items as u64 + 1).ok_or(MeaningError::TooLarge)?;
        Ok(())
    }

    /// The items of the next level behind these.
    pub fn next(&self, at: usize, active: impl Iterator<Item = u32>) -> Vec<u32> {
        let mut out: Vec<u32> = active.filter_map(|i| self.items.levels[at].get(i as usize)).map(|i| i.next).collect();
        out.sort_unstable();
        out.dedup();
        out
    }

    fn end(&mut self, ends: Vec<u32>) -> Result<NodeId, MeaningError> {
        match (ends.len(), self.ends) {
            (2.., Ends::One) => Err(MeaningError::Overlap),
            _ => Ok(self.diagram.add(Node::Ends(ends))),
        }
    }

    /// Goes along the values of a level and builds a child for each stretch on which the same items are possible.
    fn sweep(&mut self, at: usize, active: &[u32]) -> Result<Vec<Piece>, MeaningError> {
        let (first, last) = self.levels[at].domain;
        let mut current: BTreeMap<u32, u32> = BTreeMap::new();
        let mut turns: Vec<(u128, Turn, u32)> = Vec::new();
        for item in active.iter().filter_map(|i| self.items.levels[at].get(*i as usize)) {
            match &item.slot.ranges {
                None => *current.entry(item.next).or_default() += 1,
                Some(ranges) => turns.extend(ranges.as_slice().iter().flat_map(|&(lo, hi)| {
                    let end = hi.checked_add(1).map(|after| (after, Turn::Ends, item.next));
                    [Some((lo, Turn::Begins, item.next)), end].into_iter().flatten()
                })),
            }
        }
        turns.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = first;
        let mut rest = turns.iter().peekable();
        loop {
            while let Some((_, turn, next)) = rest.next_if(|(at, _, _)| *at <= from) {
                count(&mut current, *turn, *next);
            }
            let to = rest.peek().map_or(last, |(at, _, _)| (*at - 1).min(last));
            self.spend(current.len())?;
            let child = self.node(at + 1, current.keys().copied().collect())?;
            push_piece(&mut pieces, from, to, child);
            if to >= last {
                return Ok(pieces);
            }
            from = to + 1;
        }
    }

    /// The node of a level whose values have these children.
    pub fn of_pieces(&mut self, at: usize, pieces: Vec<Piece>) -> Result<NodeId, MeaningError> {
        let level = &self.levels[at];
        let number = at as u16;
        if level.interface().is_some() {
            let classes = &self.function.space.interfaces;
            return Ok(interfaces::node(&mut self.diagram, number, level.domain, &pieces, classes));
        }
        match pieces.as_slice() {
            [] => Ok(UNCHANGED),
            [(lo, hi, child)] if (*lo, *hi) == level.domain => Ok(*child),
            _ if pieces.len() <= MAX_PIECES => Ok(self.diagram.add(Node::Values { level: number, pieces })),
            _ => self.bits_of_pieces(at, &pieces),
        }
    }
}

/// What happens to an item at a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Begins,
    Ends,
}

fn count(current: &mut BTreeMap<u32, u32>, turn: Turn, item: u32) {
    let held = current.entry(item).or_default();
    match turn {
        Turn::Begins => *held += 1,
        Turn::Ends => *held = held.saturating_sub(1),
    }
    if *held == 0 {
        current.remove(&item);
    }
}
