//! The JSON of libnftables (`libnftables-json(5)`), from text to the syntax tree.
//!
//! The document is an array of items: a listing has one for each object, a script one for each command. Every item keeps its
//! place in the text, and what it holds is read into the same tree as the language of `nft`.

mod commands;
mod expressions;
mod mentions;
mod objects;
mod selectors;
mod sets;
mod statements;
mod value;

pub use mentions::mentions;

use super::syntax::Command;
use crate::dialect::{Draft, Problem, Text};
use crate::ruleset::Span;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use value::Item;

/// The most problems of one reading, after which the rest of the text is not read.
const MAX_PROBLEMS: usize = 1000;

#[derive(Deserialize)]
struct Document<'t> {
    #[serde(borrow)]
    nftables: Vec<&'t RawValue>,
}

/// Whether a text looks like the JSON of libnftables: an object that begins with `nftables`.
pub fn recognises(text: &str) -> bool {
    let inner = text.trim_start().strip_prefix('{').map(str::trim_start);
    let rest = inner.and_then(|t| t.strip_prefix("\"nftables\"")).map(str::trim_start);
    rest.is_some_and(|t| t.starts_with(':'))
}

/// Reads a listing or a list of commands. Problems are noted in the draft.
pub fn parse(text: &Text, draft: &mut Draft) -> Vec<Command> {
    let mut out = Vec::new();
    let document: Document<'_> = match serde_json::from_str(&text.text) {
        Ok(document) => document,
        Err(error) => {
            draft.refuse(unreadable(text, &error));
            return out;
        }
    };
    let mut places = Places { text, at: 0, line: 1 };
    let mut problems = 0;
    for raw in document.nftables {
        let item = Item { span: places.span(raw.get()) };
        let read = item.value(raw.get()).and_then(|value: Value| item.command(&value, &mut out));
        if let Err(problem) = read {
            draft.refuse(problem);
            problems += 1;
            if problems >= MAX_PROBLEMS {
                break;
            }
        }
    }
    out
}

/// The places of items, in order.
struct Places<'t> {
    text: &'t Text,
    at: usize,
    line: u32,
}

impl Places<'_> {
    /// The place of an item, which is a piece of the text behind the items before it.
    fn span(&mut self, piece: &str) -> Span {
        let whole: &str = &self.text.text;
        let offset = (piece.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
        let start = offset.clamp(self.at, whole.len());
        let passed = whole.as_bytes().get(self.at..start).unwrap_or(&[]);
        self.line += passed.iter().filter(|b| **b == b'\n').count() as u32;
        self.at = start;
        let end = (start + piece.len()).min(whole.len());
        Span { source: self.text.id, line: self.line, start: start as u32, end: end as u32 }
    }
}

fn unreadable(text: &Text, error: &serde_json::Error) -> Problem {
    let line = error.line().max(1);
    let before: usize = text.text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let at = (before + error.column().saturating_sub(1)).min(text.text.len()) as u32;
    let span = Span { source: text.id, line: line as u32, start: at, end: at };
    let reason = error.to_string();
    let reason = reason.split(" at line ").next().unwrap_or("").to_owned();
    Problem::new(span, format!("this is no JSON of nftables: {reason}"))
        .help("the document is `{\"nftables\": [ ... ]}`, as `nft -j list ruleset` prints it")
}
