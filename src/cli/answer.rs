//! How a command answers that has two ways of it: words for people, and one document for programs. (Reports of a change have more:
//! `reporting`.)

use super::failure::Failure;
use super::screen::Screen;
use clap::ValueEnum;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// One JSON document; `fwgate schema` has its description
    Json,
}

impl Format {
    /// Tells why there is no answer: people as the answer (or, where they want no words, on standard error in the end), programs on standard error, because they wait for
    /// a document and get none.
    ///
    /// # Errors
    /// As [`Screen::answer`].
    pub fn tell_unanswered(self, why: &str, screen: &Screen) -> Result<(), Failure> {
        match self {
            Format::Human => screen.answer(why),
            Format::Json => {
                screen.aside(why);
                Ok(())
            }
        }
    }
}
