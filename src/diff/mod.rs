//! Baseline x proposal to effect: which packets end differently, and which rules are responsible.

mod align;
mod compare;
mod delta;
mod device;
mod effect;
mod meaning;
mod structure;
mod text;

pub use align::pair_rules;
pub use compare::{Comparison, Extent};
pub use device::{ComparedFilter, DeviceDiff, DevicePair, diff_device, filter_name, principal_chain};
pub use effect::{
    Bounds, Change, EffectKind, FilterDiff, ProgramDiff, ReplayMismatch, diff_filter, diff_programs, replay,
};
pub use meaning::{Meaning, MeaningBounds, MeaningError, canonical_meaning};
pub use structure::{Container, Fate, StructureChange};
pub use text::text_diff;
