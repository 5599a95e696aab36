//! Numbers for what rules and chains mean, so that two programs of one comparison can be held side by side.

use super::program::Ways;
use super::steps::Move;
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// Numbers for meanings, shared by the programs of one comparison.
#[derive(Debug, Default)]
pub struct Identities {
    lines: FxHashMap<Arc<[Move]>, u32>,
    blocks: FxHashMap<Vec<u32>, u32>,
    rejects: Vec<Arc<str>>,
    /// How many rules were given a number of their own, where rules that look at fragments get one.
    lone: Option<u32>,
}

impl Identities {
    /// Numbers for programs of which one sees fragments and the other does not: no two rules that look at them mean the
    /// same.
    pub fn apart_by_fragments() -> Identities {
        Identities { lone: Some(0), ..Identities::default() }
    }

    /// Whether lines of one program serve in another one.
    pub(super) fn is_shared(&self) -> bool {
        self.lone.is_none()
    }

    /// Makes room for so many more rules.
    pub(super) fn reserve(&mut self, rules: usize) {
        self.lines.reserve(rules);
    }

    /// The number of a prepared rule, and its steps as every rule of that meaning has them.
    pub(super) fn line(&mut self, moves: Arc<[Move]>) -> (u32, Arc<[Move]>) {
        if let Some(lone) = &mut self.lone
            && moves.iter().any(Move::reads_fragment)
        {
            *lone += 1;
            return (u32::MAX - *lone, moves);
        }
        let next = self.lines.len() as u32;
        match self.lines.entry(moves) {
            Entry::Occupied(known) => (*known.get(), known.key().clone()),
            Entry::Vacant(new) => {
                let moves = new.key().clone();
                new.insert(next);
                (next, moves)
            }
        }
    }

    /// The number of a prepared chain with these lines.
    pub(super) fn block(&mut self, lines: Vec<u32>) -> u32 {
        let next = self.blocks.len() as u32;
        *self.blocks.entry(lines).or_insert(next)
    }

    /// Each of the first kinds of reject is a way of its own.
    pub(super) fn reject(&mut self, kind: &Arc<str>) -> Ways {
        let at = self.rejects.iter().position(|k| k == kind).unwrap_or_else(|| {
            self.rejects.push(kind.clone());
            self.rejects.len() - 1
        });
        if at < 12 { Ways::reject(at) } else { Ways::OTHER }
    }
}
