//! A place in the walk: stage, stack of chains with the rules that can still touch the cell, and what has changed.

use crate::ruleset::env::Env;
use crate::ruleset::interpret::{Decision, Outcome, Place};
use crate::ruleset::model::ChainId;
use smallvec::SmallVec;
use std::rc::Rc;

/// A chain on the stack: the rules that may still touch the cell, by index, and how many are behind.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The chain.
    pub chain: ChainId,
    pub(super) rules: Rc<[u32]>,
    pub(super) at: u32,
    /// The first rule of the chain that is not behind, left out or not.
    pub(super) from: u32,
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
    pub(super) step: u16,
    /// In a nat chain with packets of a connection that may have been translated before: what has changed behind the
    /// chain, which only the first packet has passed.
    pub(super) before: Option<Rc<Env>>,
    /// What has changed.
    pub env: Rc<Env>,
    pub(super) accepted: Option<((bool, bool, bool), Place)>,
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

/// Goes past the rule at hand.
pub(super) fn next(cursor: &mut Cursor) {
    if let Some(frame) = cursor.frames.last_mut() {
        frame.from = frame.ahead().first().map_or(frame.from, |r| r + 1);
        frame.at += 1;
    }
    cursor.step = 0;
}

/// Ends the walk against the packets.
pub(super) fn end(cursor: &mut Cursor, decision: Decision, place: Place) {
    cursor.frames.clear();
    cursor.leaf = Some(Leaf { outcome: Outcome { decision, translation: None }, place });
}
