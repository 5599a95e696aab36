//! `fwgate convert`: a ruleset in another format.

use super::device::DeviceArguments;
use super::exit::{Exit, PASSED};
use super::failure::Failure;
use super::screen::Screen;
use crate::dialect::native;
use clap::{Args, ValueEnum};

/// The arguments of `fwgate convert`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fwgate convert rules.v4 ipset --to native > device.json\n  fwgate convert devices/edge1 --to native\n\n\
                  `fwgate schema ruleset` describes the native format; it reads back as the same ruleset."
)]
pub struct Arguments {
    /// The device
    #[command(flatten)]
    pub device: DeviceArguments,
    /// The format to write
    #[arg(long, value_enum)]
    pub to: Target,
}

/// Formats that rulesets are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// fwgate's own JSON, `fwgate.ruleset/1`: the ruleset as it was understood
    Native,
}

/// Prints the ruleset.
///
/// # Errors
/// Files that cannot be read or are not understood.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let device = arguments.device.read()?;
    let text = match arguments.to {
        Target::Native => native::write(&device.ruleset),
    };
    screen.answer(&text)?;
    Ok(PASSED)
}
