//! `fwgate change`: a change and its life. One file a step; each step is one signed record on the change's branch, and
//! nothing else is remembered.

mod announce;
mod approve;
pub mod close;
mod list;
mod pen;
mod say;
mod show;
mod uncommitted;

pub use pen::{Pen, SigningArguments, Written, of_remote};

use super::exit::Exit;
use super::failure::Failure;
use super::screen::Screen;
use clap::{Args, Subcommand};

/// The arguments of `fwgate change`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples, on an ordinary day:\n  fwgate change new CHG-2042                      the author announces it\n  \
                  fwgate change approve CHG-2042 --role network   each approver, after a look\n  fwgate push CHG-2042                            in its window"
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done with a change.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Announce what HEAD proposes, or write the change file to begin with
    New(announce::Arguments),
    /// One page: what it does, what was checked, who signed, what is missing
    Show(show::Arguments),
    /// Every change with its state
    List(list::Arguments),
    /// Sign exactly this effect, after a look at it
    Approve(approve::Arguments),
    /// Say no: the change stays where it is until the rejection is taken back or lifted by a quorum
    Reject(say::RejectArguments),
    /// Take back your own approval, rejection or hold
    Revoke(say::RevokeArguments),
    /// One voice of the quorum that lifts a rejection
    OverrideReject(say::OverrideArguments),
    /// Move the window
    Schedule(say::ScheduleArguments),
    /// Stop it, also in the middle of a push
    Hold(say::HoldArguments),
    /// Give it up; by the author
    Withdraw(say::WithdrawArguments),
    /// Declare an emergency
    Emergency(say::EmergencyArguments),
    /// Review an emergency afterwards
    Review(say::ReviewArguments),
    /// Go on under another id
    Reissue(say::ReissueArguments),
    /// Fold a change that came to an end into the log
    Close(close::Arguments),
}

/// Does it.
///
/// # Errors
/// No repository, no root, nothing that can be signed or reached.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    match &arguments.command {
        Command::New(arguments) => announce::run(arguments, screen),
        Command::Show(arguments) => show::run(arguments, screen),
        Command::List(arguments) => list::run(arguments, screen),
        Command::Approve(arguments) => approve::run(arguments, screen),
        Command::Reject(arguments) => say::reject(arguments, screen),
        Command::Revoke(arguments) => say::revoke(arguments, screen),
        Command::OverrideReject(arguments) => say::override_reject(arguments, screen),
        Command::Schedule(arguments) => say::schedule(arguments, screen),
        Command::Hold(arguments) => say::hold(arguments, screen),
        Command::Withdraw(arguments) => say::withdraw(arguments, screen),
        Command::Emergency(arguments) => say::emergency(arguments, screen),
        Command::Review(arguments) => say::review(arguments, screen),
        Command::Reissue(arguments) => say::reissue(arguments, screen),
        Command::Close(arguments) => close::run(arguments, screen),
    }
}
