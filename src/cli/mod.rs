//! The command line: the edge where files, the environment and the terminal are touched.
//!
//! One file a command. A command reads its arguments through `input`, asks the floors below, and hands one answer
//! to `screen`. It returns an `Exit`, or a `Failure`, which is exit code 2.

pub mod adopt;
pub mod answer;
mod arguments;
pub mod audit;
pub mod beginning;
pub mod bundle;
pub mod change;
pub mod check;
pub mod completions;
pub mod convert;
pub mod demo;
pub mod device;
pub mod diff;
pub mod doctor;
pub mod drift;
pub mod estate;
pub mod exit;
pub mod explain;
pub mod failure;
pub mod fleet;
pub mod gate;
pub mod hook;
pub mod init;
pub mod input;
pub mod inventory;
pub mod ledger;
pub mod lint;
pub mod man;
pub mod matrix;
pub mod names;
pub mod output;
pub mod permit;
pub mod policy;
pub mod preflight;
pub mod progress;
pub mod push;
pub mod query;
pub mod reporting;
pub mod rollback;
pub mod rulesets;
pub mod schedule;
pub mod schema;
pub mod screen;
pub mod stage;
pub mod stand_in;
pub mod trace;
pub mod vet;

pub use arguments::{Command, CommandLine, command};

use clap::error::{ContextKind, ContextValue};
use clap::{ArgMatches, FromArgMatches};
use exit::{Exit, NO_VERDICT, PASSED};
use failure::{Failure, REPORT};
use screen::Screen;
use std::ffi::OsString;
use std::panic::PanicHookInfo;

/// Runs the command that the arguments name. The first argument is the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let read = command().try_get_matches_from(arguments);
    let read = read.and_then(|given| Ok((CommandLine::from_arg_matches(&given)?, given)));
    let (line, given) = match read {
        Ok(read) => read,
        Err(error) => return usage(error),
    };
    let screen = Screen::of_process().quiet(line.quiet && answers_in_words(&given) && !line.command.is_document());
    match line.command.run(&screen) {
        Ok(exit) => {
            if exit == NO_VERDICT {
                screen.tell_withheld();
            }
            exit
        }
        Err(failure) => {
            screen.fail(&failure);
            NO_VERDICT
        }
    }
}

/// Whether no format of a document was asked for by its name.
fn answers_in_words(given: &ArgMatches) -> bool {
    match given.subcommand() {
        Some((_, below)) => answers_in_words(below),
        None => match given.try_get_raw("format") {
            Ok(Some(mut format)) => format.next().is_some_and(|name| name == "human"),
            Ok(None) => false,
            Err(_) => true,
        },
    }
}

impl Command {
    /// Whether the answer is the document that was asked for: nobody asks for it in order not to see it.
    fn is_document(&self) -> bool {
        match self {
            Command::Convert(_) | Command::Explain(_) | Command::Schema(_) | Command::Completions(_) => true,
            Command::Man(arguments) => arguments.out.is_none(),
            Command::Demo(_) | Command::InsideNamespace => true,
            _ => false,
        }
    }

    fn run(&self, screen: &Screen) -> Result<Exit, Failure> {
        match self {
            Command::Change(arguments) => change::run(arguments, screen),
            Command::Check(arguments) => check::run(arguments, screen),
            Command::Diff(arguments) => diff::run(arguments, screen),
            Command::Trace(arguments) => trace::run(arguments, screen),
            Command::Lint(arguments) => lint::run(arguments, screen),
            Command::Query(arguments) => query::run(arguments, screen),
            Command::Matrix(arguments) => matrix::run(arguments, screen),
            Command::Convert(arguments) => convert::run(arguments, screen),
            Command::Explain(arguments) => explain::run(arguments, screen),
            Command::Inventory(arguments) => inventory::run(arguments, screen),
            Command::Names(arguments) => names::run(arguments, screen),
            Command::Init(arguments) => init::run(arguments, screen),
            Command::Policy(arguments) => policy::run(arguments, screen),
            Command::Adopt(arguments) => adopt::run(arguments, screen),
            Command::Quarantine(arguments) => adopt::quarantine(arguments, screen),
            Command::Hook(arguments) => hook::run(arguments, screen),
            Command::Ledger(arguments) => ledger::run(arguments, screen),
            Command::Audit(arguments) => audit::run(arguments, screen),
            Command::Bundle(arguments) => bundle::run(arguments, screen),
            Command::Stage(arguments) => stage::run(arguments, screen),
            Command::Vet(arguments) => vet::run(arguments, screen),
            Command::Preflight(arguments) => preflight::run(arguments, screen),
            Command::Permit(arguments) => permit::run(arguments, screen),
            Command::Push(arguments) => push::run(arguments, screen),
            Command::Fleet(arguments) => fleet::run(arguments, screen),
            Command::Drift(arguments) => drift::run(arguments, screen),
            Command::Rollback(arguments) => rollback::run(arguments, screen),
            Command::Doctor(arguments) => doctor::run(arguments, screen),
            Command::Demo(arguments) => demo::run(arguments, screen),
            Command::Schedule(arguments) => schedule::run(arguments, screen),
            Command::Schema(arguments) => schema::run(arguments, screen),
            Command::Completions(arguments) => completions::run(arguments, screen),
            Command::Man(arguments) => man::run(arguments, screen),
            Command::InsideNamespace => inside_namespace(screen),
        }
    }
}

/// The other end of `fleet::namespace::vet`.
#[cfg(target_os = "linux")]
fn inside_namespace(screen: &Screen) -> Result<Exit, Failure> {
    let answer = crate::fleet::namespace::work(std::io::BufReader::new(std::io::stdin()))?;
    screen.answer(&format!("{answer}\n"))?;
    Ok(PASSED)
}

#[cfg(not(target_os = "linux"))]
fn inside_namespace(_: &Screen) -> Result<Exit, Failure> {
    Err(Failure::new("namespaces are Linux's"))
}

/// Help and version are answers; everything else is bad usage.
fn usage(mut error: clap::Error) -> Exit {
    // The likeliest of several commands comes first; clap puts it last.
    if let Some(ContextValue::Strings(mut near)) = error.remove(ContextKind::SuggestedSubcommand) {
        near.reverse();
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(near));
    }
    let written = error.print();
    if error.use_stderr() || written.is_err() { NO_VERDICT } else { PASSED }
}

/// Says on standard error that a panic is a bug, and where it happened.
pub fn tell_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let reason = text.unwrap_or("no reason given");
    let failure = Failure::new(format!("internal error{place}: {reason}")).help(REPORT);
    Screen::of_process().fail(&failure);
}
