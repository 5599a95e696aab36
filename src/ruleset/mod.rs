//! The dialect-neutral ruleset: model, source spans, the plain interpreter, and the exact walk over packet sets.

mod environment;
mod interpret;
mod model;
mod source;

pub use environment::{StageView, local_addresses, stage_view};
pub use interpret::{Ask, Decision, Judgement, Outcome, PathStep, Place, interpret, judged_at};
pub use model::*;
pub use source::{Source, SourceId, Sources, Span};
