//! How a command answers that has two ways of it: words for people, and one document for programs. (Reports of a change have more:
//! `reporting`.)

use clap::ValueEnum;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// One JSON document; `fwgate schema` has its description
    Json,
}
