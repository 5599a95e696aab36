//! The native format `fwgate.ruleset/1`: the model itself as JSON, for what has no dialect yet, and to see any ruleset
//! as the model sees it.
//!
//! Reading what was written gives the ruleset back, step by step; `docs/dialects/native.md` describes the format,
//! `schemas/ruleset.json` its shape.

mod mentions;
mod read;
mod words;
mod write;

pub use mentions::mentions;
pub use write::write;

use super::{Dialect, Draft, ReadOptions, Text};

/// The entry of the registry.
pub const DIALECT: Dialect =
    Dialect { name: "native", also: &[], reads: "rulesets in fwgate's own JSON", recognises, read: read_all };

/// A JSON object whose `schema` is of this format, whatever its number.
fn recognises(text: &str) -> bool {
    let names_schema = |rest: &str| {
        let value = rest.trim_start().strip_prefix(':').map(str::trim_start);
        value.is_some_and(|v| v.starts_with("\"fwgate.ruleset/"))
    };
    text.trim_start().starts_with('{') && text.split("\"schema\"").skip(1).any(names_schema)
}

fn read_all(texts: &[Text], _: &ReadOptions, draft: &mut Draft) {
    for text in texts {
        read::read(text, draft);
    }
}
