//! Standard output and standard error: the answer goes to the one, everything else to the other.

use super::failure::Failure;
use crate::report::{Colour, inert};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::Mutex;

/// Where a command writes.
#[derive(Debug)]
pub struct Screen {
    /// Colours of the answer.
    pub colour: Colour,
    /// Colours of what goes to standard error.
    pub error_colour: Colour,
    /// Whether a person reads the answer as it comes.
    pub is_terminal: bool,
    /// Whether nobody wants words: the exit code is the answer.
    is_quiet: bool,
    /// The words that nobody wanted.
    withheld: Mutex<String>,
}

impl Screen {
    /// The streams of this process. Colours only on a terminal, and not under `NO_COLOR` (<https://no-color.org>)
    /// or `TERM=dumb`.
    pub fn of_process() -> Screen {
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let plain = set("NO_COLOR") || std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        let colour = |terminal: bool| if terminal && !plain { Colour::Always } else { Colour::Never };
        let is_terminal = io::stdout().is_terminal();
        Screen {
            colour: colour(is_terminal),
            error_colour: colour(io::stderr().is_terminal()),
            is_terminal,
            is_quiet: false,
            withheld: Mutex::default(),
        }
    }

    /// The same, on which words for people are withheld where they are not wanted.
    #[must_use]
    pub fn quiet(self, is_quiet: bool) -> Screen {
        Screen { is_quiet, ..self }
    }

    /// Whether nobody wants words.
    pub fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// Tells on standard error what was withheld: where there is no verdict, it says why, and that is an error.
    pub fn tell_withheld(&self) {
        if let Ok(words) = self.withheld.lock() {
            self.aside(&words);
        }
    }

    /// Writes the whole answer, unless nobody wants words. In it no line is a command to the runner of a job. A reader that has gone away is no error: the
    /// verdict stands, and the exit code still carries it.
    ///
    /// # Errors
    /// Anything else that keeps the answer from being written.
    pub fn answer(&self, text: &str) -> Result<(), Failure> {
        if self.withholds(text) { Ok(()) } else { self.show(text) }
    }

    /// Writes what a person has to see before anything goes on, whether words are wanted or not.
    ///
    /// # Errors
    /// As `answer`.
    pub fn show(&self, text: &str) -> Result<(), Failure> {
        self.commands(&inert(text))
    }

    fn withholds(&self, text: &str) -> bool {
        if let Some(mut words) = self.withheld.lock().ok().filter(|_| self.is_quiet) {
            words.push_str(text);
        }
        self.is_quiet
    }

    /// Writes an answer that the runner of a job is to obey.
    ///
    /// # Errors
    /// As `answer`.
    pub fn commands(&self, text: &str) -> Result<(), Failure> {
        let written = io::stdout().write_all(text.as_bytes()).or_else(|e| unwritten(&e));
        match written.and_then(|()| io::stdout().flush().or_else(|e| unwritten(&e))) {
            Err(Failure::Unheard) => Ok(()),
            other => other,
        }
    }

    /// Writes a piece of an answer that comes bit by bit.
    ///
    /// # Errors
    /// `Unheard` where the reader has gone away: the rest need not be computed.
    pub fn piece(&self, text: &str) -> Result<(), Failure> {
        if self.is_quiet {
            return Ok(());
        }
        io::stdout().write_all(inert(text).as_bytes()).or_else(|e| unwritten(&e))
    }

    /// Says on standard error what may help, or how far it is, unless nobody wants words.
    pub fn hint(&self, text: &str) {
        if !self.is_quiet {
            self.aside(text);
        }
    }

    /// Says on standard error what must be known and is not the answer. Where standard error is closed, nobody wants to know.
    pub fn aside(&self, text: &str) {
        let _ = io::stderr().write_all(inert(text).as_bytes());
    }

    /// Tells why there is no answer.
    pub fn fail(&self, failure: &Failure) {
        self.aside(&failure.text(self.error_colour));
    }
}

fn unwritten(error: &io::Error) -> Result<(), Failure> {
    match error.kind() {
        ErrorKind::BrokenPipe => Err(Failure::Unheard),
        kind => Err(Failure::new(format!("the answer cannot be written to standard output: {kind}"))),
    }
}
