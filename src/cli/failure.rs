//! Why a command has no answer, and how that is told on standard error.

use super::input::InputError;
use super::output::OutputError;
use crate::check::CheckError;
use crate::diff::ReplayMismatch;
use crate::fleet::tree::TreeProblem;
use crate::query::TraceError;
use crate::report::{Colour, render_problems, visible};
use crate::routes::Disagreement;
use crate::ruleset::Unreadable;
use std::fmt::Write;

/// Why there is no answer. Every one of these is exit code 2.
#[derive(Debug)]
pub enum Failure {
    /// One sentence, and what to do.
    Said {
        /// The sentence: lower case, input in backticks.
        message: String,
        /// What to do about it.
        help: Option<String>,
    },
    /// An argument could not be read.
    Input(InputError),
    /// Files were not understood.
    Unreadable(Box<Unreadable>),
    /// Several of them, in order.
    Several(Vec<Failure>),
    /// Nobody listens on standard output any more.
    Unheard,
}

impl Failure {
    /// A failure without advice.
    pub fn new(message: impl Into<String>) -> Failure {
        Failure::Said { message: message.into(), help: None }
    }

    /// The same with advice, where it takes any.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Failure {
        match self {
            Failure::Said { message, .. } => Failure::Said { message, help: Some(help.into()) },
            other => other,
        }
    }

    /// The failure as standard error shows it.
    pub fn text(&self, colour: Colour) -> String {
        match self {
            Failure::Said { message, help } => said(message, None, help.as_deref(), colour),
            Failure::Input(InputError::Unfit(tree)) => {
                let texts: Vec<String> = tree.problems.iter().map(|p| unfit(p, colour)).collect();
                texts.join("\n")
            }
            Failure::Input(error) => said(&with_code(error), None, error.help().as_deref(), colour),
            Failure::Unreadable(unreadable) => render_problems(&unreadable.problems, &unreadable.sources, colour),
            Failure::Several(all) => {
                // Both sides of a comparison may hold the same file with the same flaw.
                let mut texts: Vec<String> = Vec::new();
                for text in all.iter().map(|f| f.text(colour)) {
                    if !texts.contains(&text) {
                        texts.push(text);
                    }
                }
                texts.join("\n")
            }
            Failure::Unheard => String::new(),
        }
    }
}

fn with_code(error: &InputError) -> String {
    error.code().map_or_else(|| error.to_string(), |code| format!("{error} [{code}]"))
}

fn unfit(problem: &TreeProblem, colour: Colour) -> String {
    let place = match (&*problem.path, problem.line) {
        ("", _) => None,
        (path, Some(line)) => Some(format!("{path}:{line}")),
        (path, None) => Some(path.to_owned()),
    };
    said(&problem.message, place.as_deref(), problem.help.as_deref(), colour)
}

/// In the form of `render_problems`, for what has no text to quote.
fn said(message: &str, place: Option<&str>, help: Option<&str>, colour: Colour) -> String {
    let (error, blue, reset) = match colour {
        Colour::Always => ("\u{1b}[1m\u{1b}[91merror\u{1b}[0m\u{1b}[1m", "\u{1b}[1m\u{1b}[94m", "\u{1b}[0m"),
        Colour::Never => ("error", "", ""),
    };
    let mut out = format!("{error}: {}{reset}\n", visible(message));
    if let Some(place) = place {
        let _ = writeln!(out, " {blue}-->{reset} {}", visible(place));
    }
    if let Some(help) = help {
        let _ = writeln!(out, "  {blue}={reset} help: {}", visible(help));
    }
    out
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Failure {
        Failure::Input(error)
    }
}

impl From<Unreadable> for Failure {
    fn from(unreadable: Unreadable) -> Failure {
        Failure::Unreadable(Box::new(unreadable))
    }
}

impl From<ReplayMismatch> for Failure {
    fn from(error: ReplayMismatch) -> Failure {
        Failure::new(error.to_string()).help(REPORT)
    }
}

impl From<Disagreement> for Failure {
    fn from(error: Disagreement) -> Failure {
        let failure = Failure::new(error.to_string());
        match error {
            Disagreement::Replay { .. } => failure.help(REPORT),
            Disagreement::TooMany { .. } => failure.help("fewer policy rules need less"),
        }
    }
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Failure {
        match error {
            CheckError::Replay(error) => Failure::from(error),
            CheckError::Routes(error) => Failure::from(error),
            other => Failure::new(other.to_string()),
        }
    }
}

impl From<TraceError> for Failure {
    fn from(error: TraceError) -> Failure {
        Failure::new(error.to_string())
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Failure {
        Failure::new(error.to_string()).help(error.help())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Failure {
        Failure::new(format!("internal error: the answer cannot be written as JSON: {error}")).help(REPORT)
    }
}

/// What the system said, in the words of somebody who looks for a file.
pub fn system_words(kind: std::io::ErrorKind) -> String {
    match kind {
        std::io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        std::io::ErrorKind::NotADirectory => "something on the way to it is no folder".to_owned(),
        kind => kind.to_string(),
    }
}

/// What to do about an error of fwgate itself.
pub const REPORT: &str =
    "this is a bug in fwgate; please report it with the input that causes it, and treat the change as refused";
