//! `fwgate change list`: every change that has a branch of evidence, with its state.

use crate::cli::exit::{Exit, PASSED};
use crate::cli::failure::Failure;
use crate::cli::gate::{RootArguments, Session, now};
use crate::cli::screen::Screen;
use crate::report::visible;
use clap::Args;

/// The arguments of `fwgate change list`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fwgate change list --root root.toml")]
pub struct Arguments {
    /// The root.
    #[command(flatten)]
    pub root: RootArguments,
}

/// Lists them, one line each.
///
/// # Errors
/// No repository, no root, a remote that cannot be reached.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open_root(&arguments.root)?;
    session.refresh()?;
    let mut out = String::new();
    for (id, state, says) in session.all_changes(now()) {
        out += &format!("{id:<12} {state:<12} {}\n", visible(&says));
    }
    screen.answer(if out.is_empty() { "no change has been announced\n" } else { &out })?;
    Ok(PASSED)
}
