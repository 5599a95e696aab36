//! What a reader did not understand: the one form in which every reader, of rulesets and of policies alike,
//! reports it, so that one renderer shows all of them.

use super::source::{Sources, Span};

/// One thing that a reader did not understand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub span: Span,
    /// What, in one sentence, lower case, user input in backticks.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Problem {
    /// A problem without advice.
    pub fn new(span: Span, message: impl Into<String>) -> Problem {
        Problem { span, message: message.into(), help: None }
    }

    /// The same problem with advice.
    pub fn help(self, help: impl Into<String>) -> Problem {
        Problem { help: Some(help.into()), ..self }
    }

    /// The same problem, with advice where there is any.
    pub fn help_if(self, help: Option<String>) -> Problem {
        Problem { help: help.or(self.help), ..self }
    }
}

/// Why files could not be read: every problem found in one run, in order of place.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{} problem(s) in the input", problems.len())]
pub struct Unreadable {
    /// The files, for quoting.
    pub sources: Sources,
    /// The problems; never empty.
    pub problems: Vec<Problem>,
}
