//! What a check sees: a scene and its filters.

use super::scene::{Filter, Filters, Scene};
use crate::packet::{Family, IfacePattern};
use crate::ruleset::Hook;

/// A scene with its compiled filters.
pub(super) struct View<'v, 's> {
    pub scene: &'s Scene<'s>,
    pub filters: &'v Filters<'s>,
    /// Interfaces that flows name.
    pub patterns: &'v [IfacePattern],
}

impl<'v, 's> View<'v, 's> {
    /// One filter, compiled now if nobody has asked before.
    pub fn filter(&self, hook: Hook, family: Family) -> &'v Filter<'s> {
        self.filters.get(self.scene, self.patterns, hook, family)
    }
}
