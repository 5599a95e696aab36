//! The JSON of libnftables (`libnftables-json(5)`), from text to the syntax tree.

use super::syntax::Command;
use crate::dialect::{Draft, Text};

/// Whether a text looks like the JSON of libnftables: an object with `nftables`.
pub fn recognises(text: &str) -> bool {
    let _ = text;
    false
}

/// Reads a listing or a list of commands. Problems are noted in the draft.
pub fn parse(text: &Text, draft: &mut Draft) -> Vec<Command> {
    let _ = (text, draft);
    Vec::new()
}
