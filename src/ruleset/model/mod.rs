//! The dialect-neutral ruleset: what every dialect is read into and everything else is computed from.
//!
//! The model is close to netfilter's own: base chains hang on hooks at priorities, rules are steps that are
//! taken one after the other, chains call chains. Windows profiles and vendor lists lower into it.

mod hook;
mod rule;
mod verdict;
mod whole;

pub use hook::*;
pub use rule::*;
pub use verdict::*;
pub use whole::*;
