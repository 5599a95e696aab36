//! Baseline x proposal to effect: which packets end differently, and which rules are responsible.

mod align;
mod compare;
mod delta;
mod effect;

pub use align::pair_rules;
pub use compare::{Comparison, Extent};
pub use effect::{
    Bounds, Change, EffectKind, FilterDiff, ProgramDiff, ReplayMismatch, diff_filter, diff_programs, replay,
};
