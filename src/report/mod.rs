//! Reports: what people and machines read. They read data and decide nothing.

mod diagnostic;
mod diff_json;
mod human;
mod rule;
mod trace_jsonl;
mod visible;

pub use diagnostic::{Colour, render_problems};
pub use diff_json::{DIFF_SCHEMA, DiffDocument, WrittenChange, WrittenEnd, WrittenStructure, regions};
pub use human::{DiffView, diff_human, packet_words, trace_human};
pub use rule::{QuotedRule, WrittenTranslation, reject_with};
pub use trace_jsonl::{WrittenStep, WrittenTrace};
pub use visible::visible;

/// A document as JSON, two spaces deep, with a final line break.
///
/// # Errors
/// Never for the documents of this module; a caller must not take an error for an empty answer.
pub fn json_text(document: &impl serde::Serialize) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(document)? + "\n")
}
