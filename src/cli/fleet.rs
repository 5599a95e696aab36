//! `fwgate fleet status`: where every device stands, by the ledger and the protected branch.

use super::answer::Format;
use super::exit::{Exit, NO_VERDICT, PASSED, REFUSED};
use super::failure::Failure;
use super::gate::{RootArguments, Session, now};
use super::ledger::listed;
use super::screen::Screen;
use crate::finding::Severity;
use crate::gate::fleet::{FleetEvidence, fleet_findings, fleet_status};
use crate::report::{FleetDocument, fleet_human, json_text};
use clap::{Args, Subcommand};

/// The arguments of `fwgate fleet`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fwgate fleet status --root root.toml")]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked of a fleet.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say what is in force on every device since when, and which have not converged
    Status(StatusArguments),
}

/// The arguments of `fwgate fleet status`.
#[derive(Debug, Args)]
#[command(
    after_help = "By the ledger, the protected branch and adoptions; no device is asked (`fwgate drift` asks them).\n\
                  Exit codes: 0 every device has converged, or waits for a push; 1 some device has no receipt after a push; 2 no verdict.\n\n\
                  Examples:\n  fwgate fleet status --root root.toml\n  fwgate fleet status --root root.toml --format json"
)]
pub struct StatusArguments {
    /// Where trust comes from
    #[command(flatten)]
    pub root: RootArguments,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Runs what the arguments name.
///
/// # Errors
/// No repository; devices that cannot be read.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let Command::Status(arguments) = &arguments.command;
    let session = Session::open_root(&arguments.root)?;
    let survey = session.survey(now());
    let reasons = survey.unanswered();
    if !reasons.is_empty() {
        arguments.format.tell_unanswered(&format!("no verdict\n{}", listed(&reasons)), screen)?;
        return Ok(NO_VERDICT);
    }
    let main = session.main_devices(&survey)?.devices;
    let quarantines = session.quarantines(&survey);
    let fleet = fleet_status(&FleetEvidence {
        main: &main,
        ledger: &survey.ledger,
        in_force: &survey.in_force,
        quarantines: &quarantines,
        now: survey.now,
    });
    let findings = fleet_findings(&fleet);
    screen.answer(&match arguments.format {
        Format::Human => fleet_human(&fleet, &findings, screen.colour),
        Format::Json => json_text(&FleetDocument::of(&fleet, &findings, survey.now))?,
    })?;
    let is_refused = findings.iter().any(|f| f.severity >= Severity::Error);
    Ok(if is_refused { REFUSED } else { PASSED })
}
