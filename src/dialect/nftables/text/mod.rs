//! The language of `nft`, from text to the syntax tree.
//!
//! `lexer` cuts tokens, `parser` moves over them and recovers behind what it does not understand, `session` holds what all
//! files of one reading share: variables, includes, the commands so far. The other files each read one part of the language,
//! by the grammar of nftables (`parser_bison.y`) and `nft(8)`.

mod chain;
mod commands;
mod conntrack;
mod effects;
mod elements;
mod expressions;
mod lexer;
mod limits;
mod literal;
mod nat;
mod objects;
mod parser;
mod places;
mod recognise;
mod rule;
mod selectors;
mod session;
mod set;
mod statements;
mod table;
mod variables;

pub use places::{definitions, names_behind};
pub use recognise::{include_statements, included, recognises};
pub use statements::{any_of, changed};

use super::includes::Includes;
use super::syntax::Command;
use crate::dialect::{Draft, Problem, Text};
use crate::ruleset::Span;
use session::Session;

/// Reads a script or listing; what it includes is spliced in. Problems are noted in the draft.
pub fn parse(text: &Text, includes: &Includes, draft: &mut Draft) -> Vec<Command> {
    if let Some(problem) = carriage_return(text) {
        draft.refuse(problem);
        return Vec::new();
    }
    let mut session = Session::new(text, includes, draft);
    parser::Parser::new(text, &mut session).script();
    session.out
}

/// The first line end of Windows, which no version of nft reads.
fn carriage_return(text: &Text) -> Option<Problem> {
    let at = text.text.find("\r\n")?;
    let line = text.text[..at].bytes().filter(|b| *b == b'\n').count() as u32 + 1;
    let span = Span { source: text.id, line, start: at as u32, end: at as u32 };
    let problem = Problem::new(span, "the line ends with a carriage return");
    Some(problem.help("nft reads no files with the line ends of Windows; convert them, `dos2unix` does"))
}
