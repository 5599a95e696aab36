//! The dialect-neutral ruleset: model, source spans, the plain interpreter, and the exact walk over packet sets.

mod model;
mod problem;
mod source;

pub use model::*;
pub use problem::{Problem, Unreadable};
pub use source::{Source, SourceId, Sources, Span};
