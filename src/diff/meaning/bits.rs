//! Values under masks that are no prefixes: decided bit by bit, and then written as pieces all the same where those are not
//! too many, so that the way in which a mask was written leaves no trace.

use super::build::{Builder, MAX_PIECES};
use super::diagram::{NodeId, Piece, UNCHANGED, push_piece};
use super::{MeaningError, diagram};
use crate::packet::Cube;
use rustc_hash::FxHashMap;

/// An item, and whether its ranges hold every value of the part that is looked at.
type State = (u32, bool);

/// What decides a subtree: how many bits are left, where it begins if that matters, and the items.
type Key = (u32, Option<u128>, Vec<State>);

impl Builder<'_> {
    /// The node of a level some of whose items have masks.
    pub(super) fn by_bits(&mut self, at: usize, active: &[u32]) -> Result<NodeId, MeaningError> {
        let width = self.levels[at].width().ok_or(MeaningError::TooLarge)?;
        let states = active.iter().map(|i| (*i, self.items.levels[at][*i as usize].slot.ranges.is_none())).collect();
        let mut known = FxHashMap::default();
        let tree = self.subtree(at, width, 0, states, &mut known)?;
        match self.flat(at as u16, tree, width)? {
            Some(pieces) => self.of_pieces(at, pieces),
            None => Ok(tree),
        }
    }

    /// The reduced tree of the values from `lo` on that differ from it in the last `left` bits.
    fn subtree(
        &mut self,
        at: usize,
        left: u32,
        lo: u128,
        states: Vec<State>,
        known: &mut FxHashMap<Key, NodeId>,
    ) -> Result<NodeId, MeaningError> {
        let below = below(left);
        let states = self.still_possible(at, states, lo, below);
        if states.is_empty() {
            return Ok(UNCHANGED);
        }
        let is_settled = |(item, covered): &State| *covered && self.cube(at, *item).mask & below == 0;
        if states.iter().all(is_settled) {
            let next = self.next(at, states.iter().map(|(item, _)| *item));
            return self.node(at + 1, next);
        }
        let from = states.iter().any(|(_, covered)| !covered).then_some(lo);
        let key = (left, from, states);
        if let Some(node) = known.get(&key) {
            return Ok(*node);
        }
        self.spend(key.2.len())?;
        let bit = 1u128 << (left - 1);
        let half = |this: &Self, set: bool| -> Vec<State> {
            let fits = |cube: Cube| cube.mask & bit == 0 || (cube.value & bit != 0) == set;
            key.2.iter().copied().filter(|(item, _)| fits(this.cube(at, *item))).collect()
        };
        let (zero, one) = (half(self, false), half(self, true));
        let zero = self.subtree(at, left - 1, lo, zero, known)?;
        let one = self.subtree(at, left - 1, lo | bit, one, known)?;
        let node = self.diagram.bit(at as u16, left - 1, [zero, one]);
        known.insert(key, node);
        Ok(node)
    }

    /// The items whose ranges meet a part of the values.
    fn still_possible(&self, at: usize, states: Vec<State>, lo: u128, below: u128) -> Vec<State> {
        let part = crate::packet::Ranges::range(lo, lo | below);
        let ranges = |item: u32| self.items.levels[at].get(item as usize).and_then(|i| i.slot.ranges.as_ref());
        let state = |(item, covered): State| match ranges(item) {
            Some(ranges) if !covered && !ranges.meets(&part) => None,
            Some(ranges) if !covered => Some((item, part.is_subset(ranges))),
            _ => Some((item, true)),
        };
        states.into_iter().filter_map(state).collect()
    }

    fn cube(&self, at: usize, item: u32) -> Cube {
        let slot = self.items.levels[at].get(item as usize).map(|i| &i.slot);
        slot.and_then(|s| s.bits).unwrap_or(Cube::new(0, 0))
    }

    /// The pieces of a tree; `None` where they are too many.
    fn flat(&mut self, level: u16, tree: NodeId, width: u32) -> Result<Option<Vec<Piece>>, MeaningError> {
        let mut pieces = Vec::new();
        let mut open = vec![(tree, 0u128, width)];
        while let Some((node, lo, left)) = open.pop() {
            self.spend(0)?;
            match self.diagram.nodes.get(node as usize) {
                Some(diagram::Node::Bit { level: own, bit, children: [zero, one] }) if *own == level => {
                    // Bits that decide nothing stand between: both halves of each are the same.
                    let children = if *bit + 1 == left { [*zero, *one] } else { [node, node] };
                    open.push((children[1], lo | 1 << (left - 1), left - 1));
                    open.push((children[0], lo, left - 1));
                }
                _ => push_piece(&mut pieces, lo, lo | below(left), node),
            }
            if pieces.len() > MAX_PIECES {
                return Ok(None);
            }
        }
        Ok(Some(pieces))
    }

    /// The tree of pieces that are too many.
    pub(super) fn bits_of_pieces(&mut self, at: usize, pieces: &[Piece]) -> Result<NodeId, MeaningError> {
        let width = self.levels[at].width().ok_or(MeaningError::TooLarge)?;
        self.halves(at as u16, width, 0, pieces)
    }

    fn halves(&mut self, level: u16, left: u32, lo: u128, pieces: &[Piece]) -> Result<NodeId, MeaningError> {
        self.spend(0)?;
        let hi = lo | below(left);
        match pieces {
            [] => return Ok(UNCHANGED),
            [(from, to, child)] if *from <= lo && hi <= *to => return Ok(*child),
            _ => {}
        }
        let middle = lo | 1 << (left - 1);
        let first = &pieces[..pieces.partition_point(|p| p.0 < middle)];
        let second = &pieces[pieces.partition_point(|p| p.1 < middle)..];
        let children = [self.halves(level, left - 1, lo, first)?, self.halves(level, left - 1, middle, second)?];
        Ok(self.diagram.bit(level, left - 1, children))
    }
}

/// All ones in so many bits.
fn below(bits: u32) -> u128 {
    if bits >= 128 { u128::MAX } else { (1 << bits) - 1 }
}
