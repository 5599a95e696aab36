//! Reports: what people and machines read. They read data and decide nothing.

mod diagnostic;
mod diff_json;
mod rule;
mod trace_jsonl;
mod visible;

pub use diagnostic::{Colour, render_problems};
pub use diff_json::{DIFF_SCHEMA, DiffDocument, WrittenChange, WrittenEnd, WrittenStructure, regions};
pub use rule::{QuotedRule, WrittenTranslation, reject_with};
pub use trace_jsonl::{WrittenStep, WrittenTrace};
pub use visible::visible;

/// A document as JSON, two spaces deep, with a final line break.
pub fn json_text(document: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}
