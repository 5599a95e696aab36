//! A configuration document as a tree in which every key and value knows its place, whether it was written
//! in TOML or in JSON, so that each error can quote the text it is about.

mod fields;
mod json;
mod nearest;
mod problems;
mod scan;
mod toml;

pub(crate) use fields::{Fields, Wrong, choose, parsed_text, texts_of};
pub(crate) use nearest::did_you_mean;
pub use nearest::nearest;
pub(crate) use problems::Problems;
pub use scan::{Json, JsonValue, Member, read_json};

use crate::ruleset::{SourceId, Span};
use std::ops::Range;

/// Largest document, in bytes. A policy of ten thousand requirements has about 3 MiB.
pub const MAX_BYTES: usize = 16 << 20;

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// The place of the value in its file.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// A value at a place.
    pub fn new(value: T, span: Span) -> Spanned<T> {
        Spanned { value, span }
    }
}

/// One value of a document.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub span: Span,
    pub value: Value,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    /// A TOML date or time, as its canonical text.
    Date(String),
    /// A number with a fraction, which no key takes.
    Float,
    /// JSON's null, which no key takes.
    Null,
    Array(Vec<Node>),
    Table(Table),
}

impl Value {
    /// The kind of value, with its article, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) => "a text",
            Value::Integer(_) => "a number",
            Value::Boolean(_) => "a boolean",
            Value::Date(_) => "a date",
            Value::Float => "a number with a fraction",
            Value::Null => "null",
            Value::Array(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

/// Keys and values in order of appearance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub entries: Vec<Entry>,
}

/// One key and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub key: Spanned<String>,
    pub node: Node,
}

/// Reads a JSON document of at most `max` bytes. `None` where it breaks the grammar, which is reported.
pub(crate) fn parse_json(source: SourceId, text: &str, max: usize, problems: &Problems) -> Option<Node> {
    parsed(source, text, max, json::parse, problems)
}

/// Reads a document: JSON where the name ends in `.json`, TOML otherwise. `None` where it breaks the grammar,
/// which is reported: what could be recovered would only give rise to further, misleading problems.
pub(crate) fn parse(source: SourceId, name: &str, text: &str, problems: &Problems) -> Option<Node> {
    let read = if name.ends_with(".json") { json::parse } else { toml::parse };
    parsed(source, text, MAX_BYTES, read, problems)
}

fn parsed(
    source: SourceId,
    text: &str,
    max: usize,
    read: fn(&str, &Places, &Problems) -> Node,
    problems: &Problems,
) -> Option<Node> {
    let places = Places::new(source, text);
    let before = problems.count();
    if text.len() > max {
        let help = format!("the limit is {max} bytes; split the file");
        problems.report(places.span(0..0), format!("the file has {} bytes", text.len()), help);
        return None;
    }
    let node = read(text, &places, problems);
    (problems.count() == before).then_some(node)
}

/// Turns byte ranges of one file into spans with lines.
pub(crate) struct Places {
    source: SourceId,
    line_starts: Vec<u32>,
}

impl Places {
    fn new(source: SourceId, text: &str) -> Places {
        let after_breaks = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at as u32 + 1);
        Places { source, line_starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    fn span(&self, range: Range<usize>) -> Span {
        let (start, end) = (range.start as u32, range.end as u32);
        let line = self.line_starts.partition_point(|s| *s <= start) as u32;
        Span { source: self.source, line, start, end }
    }
}
