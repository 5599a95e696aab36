//! The ruleset while it is being read: the sources, what was understood so far, and what was not.

use super::{InputFile, Problem, Unreadable, decode};
use crate::ruleset::{DeviceFacts, Ruleset, SourceId, Span, Verdict};
use std::sync::Arc;

/// The largest file that is read, in bytes: a million long rules.
const MAX_FILE: usize = 256 << 20;
/// The most problems that one run reports.
const MAX_PROBLEMS: usize = 500;

/// One decoded file.
#[derive(Clone, Debug)]
pub struct Text {
    /// Its number among the sources.
    pub id: SourceId,
    /// Its name as reports show it.
    pub name: Arc<str>,
    /// Its text.
    pub text: Arc<str>,
}

impl Text {
    /// The place of its first byte.
    pub fn start(&self) -> Span {
        Span { source: self.id, line: 1, start: 0, end: self.text.lines().next().map_or(0, |l| l.len() as u32) }
    }
}

/// A ruleset and the problems found on the way to it.
#[derive(Debug, Default)]
pub struct Draft {
    /// What was understood.
    pub ruleset: Ruleset,
    problems: Vec<Problem>,
    dropped: usize,
}

impl Draft {
    /// An empty draft.
    pub fn new(facts: DeviceFacts) -> Draft {
        Draft { ruleset: Ruleset { facts, ..Ruleset::default() }, ..Draft::default() }
    }

    /// Decodes all files and registers them as sources, in order.
    pub fn decode(&mut self, files: &[InputFile]) -> Vec<Text> {
        files.iter().map(|file| self.decode_one(file)).collect()
    }

    /// Notes a problem.
    pub fn refuse(&mut self, problem: Problem) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.dropped += 1;
        }
    }

    /// Whether there is no problem so far.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// Whether nothing that was read could stop a packet: no rule, no policy but accept.
    pub fn decides_nothing(&self) -> bool {
        self.ruleset.rule_count() == 0 && self.ruleset.bases.iter().all(|b| b.policy == Verdict::Accept)
    }

    /// The ruleset, or all problems in order of place.
    ///
    /// # Errors
    /// Where there is any problem.
    pub fn finish(mut self) -> Result<Ruleset, Unreadable> {
        if self.problems.is_empty() {
            return Ok(self.ruleset);
        }
        self.problems.sort_by_key(|p| (p.span.source, p.span.start, p.span.end));
        self.problems.dedup();
        if self.dropped > 0 {
            let last = self.problems.last().map_or_else(Span::default, |p| p.span);
            self.problems.push(Problem::new(last, format!("{} further problems are not shown", self.dropped)));
        }
        Err(Unreadable { sources: self.ruleset.sources, problems: self.problems })
    }

    fn decode_one(&mut self, file: &InputFile) -> Text {
        let name: Arc<str> = file.name.as_str().into();
        if file.bytes.len() > MAX_FILE {
            let text = self.register(name, "");
            let message = format!("the file is larger than {} MiB", MAX_FILE >> 20);
            self.refuse(Problem::new(text.start(), message).help("split it by device"));
            return text;
        }
        match decode(&file.bytes) {
            Ok(text) => self.register(name, &text),
            Err(undecoded) => {
                let line = undecoded.before.bytes().filter(|b| *b == b'\n').count() as u32 + 1;
                let at = undecoded.before.len() as u32;
                let text = self.register(name, &undecoded.before);
                let span = Span { source: text.id, line, start: at, end: at };
                self.refuse(Problem::new(span, undecoded.message).help(undecoded.help));
                text
            }
        }
    }

    fn register(&mut self, name: Arc<str>, text: &str) -> Text {
        let text: Arc<str> = text.into();
        let id = self.ruleset.sources.add(name.clone(), text.clone());
        Text { id, name, text }
    }
}
