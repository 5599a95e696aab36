//! Where a rule stood before it was written in this format: files that are not at hand, with the lines that are quoted.

use super::Reader;
use crate::document::Node;
use crate::ruleset::{SourceId, Sources, Span};
use std::collections::HashMap;

/// The quoted files.
pub struct Places {
    first: usize,
    files: Vec<(String, String)>,
    by_name: HashMap<String, usize>,
}

impl Places {
    /// None so far; `first` sources are known already.
    pub fn new(first: usize) -> Places {
        Places { first, files: Vec::new(), by_name: HashMap::new() }
    }

    /// `{"file": "rules.v4", "line": 41, "text": "-A FORWARD -j DROP"}`.
    pub fn read(&mut self, node: &Node, reader: &Reader<'_>) -> Option<Span> {
        let mut fields = reader.fields(node, "a source")?;
        let file = fields.need_text("file");
        fields.need("line");
        let line = fields.get("line").and_then(|n| reader.number(n, u128::from(u32::MAX)));
        let text = fields.text("text").map_or_else(String::new, |t| t.value);
        fields.finish();
        Some(self.quote(&file?.value, line? as u32, &text))
    }

    fn quote(&mut self, file: &str, line: u32, text: &str) -> Span {
        let next = self.files.len();
        let at = *self.by_name.entry(file.to_owned()).or_insert(next);
        if at == next {
            self.files.push((file.to_owned(), String::new()));
        }
        let (mut start, mut end) = (0, 0);
        if let Some((_, quoted)) = self.files.get_mut(at) {
            start = quoted.len() as u32;
            *quoted += text;
            end = quoted.len() as u32;
            quoted.push('\n');
        }
        Span { source: SourceId((self.first + at) as u32), line, start, end }
    }

    /// Adds the quoted files to those that were read.
    pub fn register(self, sources: &mut Sources) {
        for (name, text) in self.files {
            sources.add(name, text);
        }
    }
}
