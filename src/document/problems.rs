//! The list into which readers put what they did not understand, so that they can go on and one run shows
//! every mistake.

use crate::ruleset::{Problem, Sources, Span, Unreadable};
use std::cell::RefCell;

/// Problems found so far. Readers share it, so it can be written to through a shared reference.
#[derive(Debug, Default)]
pub(crate) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// Notes a problem and what to do about it.
    pub fn report(&self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        let problem = Problem { span, message: message.into(), help: Some(help.into()) };
        self.0.borrow_mut().push(problem);
    }

    /// Notes a problem that needs no advice, or has it where there is some.
    pub fn note(&self, span: Span, message: impl Into<String>, help: Option<String>) {
        let problem = Problem { span, message: message.into(), help };
        self.0.borrow_mut().push(problem);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// All of them, in the order in which they were found.
    pub fn into_inner(self) -> Vec<Problem> {
        self.0.into_inner()
    }

    /// `value` where there were no problems, else all of them in order of place, each once.
    pub fn settle<T>(self, sources: Sources, value: T) -> Result<T, Unreadable> {
        let mut problems = self.0.into_inner();
        if problems.is_empty() {
            return Ok(value);
        }
        problems.sort_by_key(|p| (p.span.source, p.span.start, p.span.end));
        problems.dedup();
        Err(Unreadable { sources, problems })
    }
}
