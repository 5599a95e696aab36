//! `fwgate bundle`: spare hardware that is loaded before it is needed.

mod create;
mod diff;
mod document;
mod list;
mod record;
mod sealed;
mod stock;
mod verify;

pub use super::answer::Format;
use super::exit::Exit;
use super::failure::Failure;
use super::screen::Screen;
use clap::{Args, Subcommand};
use std::ffi::OsString;

/// The arguments of `fwgate bundle`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fwgate bundle list --root root.toml")]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done with bundles.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the latest stable configuration of a device, of a role, or for a spare, as a signed archive
    Create(create::Arguments),
    /// Check a bundle, and that what a spare runs means the same
    Verify(verify::Arguments),
    /// List the spares, and which of them carry an out-of-date bundle
    List(list::Arguments),
    /// Show what a bundle does otherwise than another one
    Diff(diff::Arguments),
    /// Note in the repository which bundle a spare carries
    Record(record::Arguments),
}

/// Where configurations and the policy come from.
#[derive(Debug, Clone, Args)]
pub struct SourceArguments {
    /// Where trust comes from
    #[command(flatten)]
    pub root: super::gate::RootArguments,
    /// A tree of devices instead of what the ledger says is in force; for local use
    #[arg(long, value_name = "DIR", requires = "policy")]
    pub tree: Option<OsString>,
    /// A policy instead of that in force: its spares, its machines' keys; for local use
    #[arg(long, value_name = "FILE")]
    pub policy: Option<OsString>,
}

/// Lines as a terminal may show them.
fn shown(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", crate::report::visible(line))).collect()
}

/// Runs what the arguments name.
///
/// # Errors
/// As the single commands say.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    match &arguments.command {
        Command::Create(arguments) => create::run(arguments, screen),
        Command::Verify(arguments) => verify::run(arguments, screen),
        Command::List(arguments) => list::run(arguments, screen),
        Command::Diff(arguments) => diff::run(arguments, screen),
        Command::Record(arguments) => record::run(arguments, screen),
    }
}
