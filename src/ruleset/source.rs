//! Where a piece of a ruleset was read: files and spans, for locations and quotes in reports.

use std::sync::Arc;

/// The number of a source file within its `Sources`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SourceId(pub u32);

/// One file that was read.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name as reports show it, relative to what the user named.
    pub name: Arc<str>,
    /// Its text; bytes that are not UTF-8 have been refused before.
    pub text: Arc<str>,
}

/// A place in a source: bytes `start..end`, and the 1-based line of `start`. Line 0 says that no text
/// declares the thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    /// The file.
    pub source: SourceId,
    /// The 1-based line, or 0.
    pub line: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// The files of one device.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Adds a file.
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> SourceId {
        self.0.push(Source { name: name.into(), text: text.into() });
        SourceId(self.0.len() as u32 - 1)
    }

    /// The same texts under other names; names that are not given stay.
    pub fn named(&self, names: &[Arc<str>]) -> Sources {
        let mut out = self.clone();
        out.0.iter_mut().zip(names).for_each(|(source, name)| source.name = name.clone());
        out
    }

    /// Whether the files have the same names.
    pub fn same_names(&self, other: &Sources) -> bool {
        self.iter().map(|s| &s.name).eq(other.iter().map(|s| &s.name))
    }

    /// The file of an id.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.0.get(id.0 as usize)
    }

    /// All files.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }

    /// The text of a span, without surrounding blanks.
    pub fn text(&self, span: Span) -> &str {
        self.get(span.source).and_then(|s| s.text.get(span.start as usize..span.end as usize)).map_or("", str::trim)
    }

    /// Whether a place is a sentence of the dialect about what its devices do by themselves: a text that is no line of
    /// a file.
    pub fn is_built_in(&self, span: Span) -> bool {
        span.line == 0 && !self.text(span).is_empty()
    }

    /// The name of a span's file.
    pub fn name(&self, span: Span) -> &str {
        self.get(span.source).map_or("", |s| &s.name)
    }
}
