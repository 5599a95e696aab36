//! `fwgate preflight`: everything that can be looked at before a maintenance without changing anything, in one list, with the command
//! that would mend each.
//!
//! The gate is asked twice: as of now, and as of the beginning of the change's window, so that an approval that expires in between
//! is seen in time. Devices are read, never written to: of a transport only `read`, `identity` and `probe` are started.

mod keys;
mod live;
mod rehearsal;

use super::answer::Format;
use super::exit::{Exit, NO_VERDICT, PASSED, REFUSED};
use super::failure::Failure;
use super::gate::{GateArguments, Gathered, MachineKeys, Session, now};
use super::screen::Screen;
use crate::gate::{Check, Item, Preflight, Tick, of_decisions};
use crate::report::{PreflightDocument, json_text, preflight_human};
use clap::Args;

/// The arguments of `fwgate preflight`.
#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is changed: of a device's transport only `read`, `identity` and `probe` are started, and the way back is loaded in a \
                  namespace of its own.\n\nExit codes: 0 ready, or ready as soon as its window opens; 1 something fails; 2 something could not be \
                  checked.\n\nExample:\n  fwgate preflight CHG-2042 --root root.toml --key-permit permit.key --key-ledger ledger.key --key-production receipts.key"
)]
pub struct Arguments {
    /// The change, and where trust comes from
    #[command(flatten)]
    pub gate: GateArguments,
    /// Keys of machines
    #[command(flatten)]
    pub keys: MachineKeys,
    /// Leave the devices alone: the checks that need them fail as not made
    #[arg(long)]
    pub offline: bool,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Goes through the list.
///
/// # Errors
/// There is no repository, or no random bytes.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(&arguments.gate)?;
    let id = &arguments.gate.change;
    let now = now();
    let gathered = session.gather(id, now);
    let window = gathered.decision.window.filter(|w| w.start > now);
    let then = window.map(|w| session.judge(id, w.start, Vec::new()));
    let mut items = of_decisions(&gathered.decision, then.as_ref().map_or(&gathered.decision, |g| &g.decision));
    items.iter_mut().for_each(|item| match unfounded(item, &session, &gathered) {
        Some(why) => *item = Item { tick: Tick::Unknown, ..Item::of(item.check, vec![why.to_owned()], Vec::new()) },
        None => say(item, &gathered),
    });
    items.extend(match arguments.offline {
        true => live::not_made(),
        false => live::checks(&gathered)?,
    });
    items.push(keys::check(&gathered, &arguments.keys.or_environment()));
    let list = Preflight { items };
    let window = gathered.decision.window.map(|w| [w.start.to_string(), w.end.to_string()]);
    let text = match arguments.format {
        Format::Json => json_text(&PreflightDocument::of(id, gathered.decision.state, window, now, &list))?,
        Format::Human => preflight_human(id, gathered.decision.state, window, &list),
    };
    screen.answer(&text)?;
    Ok(match list.tick() {
        Tick::Passed | Tick::Waits => PASSED,
        Tick::Failed => REFUSED,
        Tick::Unknown => NO_VERDICT,
    })
}

/// Why nothing speaks against a change although nothing was looked at: a check that was not made is no check that passed.
fn unfounded(item: &Item, session: &Session, gathered: &Gathered) -> Option<&'static str> {
    let of_change = [Check::Change, Check::Quorum, Check::Vetting, Check::Holds, Check::Window, Check::Conflicts];
    match item.tick {
        Tick::Passed if item.check == Check::Evidence => None,
        Tick::Passed if session.root_bytes.is_err() => Some("not made: without a root nothing is evidence"),
        Tick::Passed if gathered.policy().is_none() => Some("not made: no policy is in force"),
        Tick::Passed if gathered.announced.is_none() && of_change.contains(&item.check) => {
            Some("not made: nobody who counts has announced the change")
        }
        _ => None,
    }
}

/// What a check found where nothing speaks against it.
fn say(item: &mut Item, gathered: &Gathered) {
    let decision = &gathered.decision;
    match item.check {
        Check::Evidence => {
            item.says.extend(gathered.ledger.last_witness().map(|w| format!("last witness at {}", w.at)));
        }
        Check::Policy => item.says.extend(gathered.policy().map(|p| format!("version {}", p.version))),
        Check::Change => item.says.extend(gathered.analysis.as_ref().map(|a| a.says.clone())),
        Check::Quorum => {
            let by = decision.counted.iter().map(|c| format!("{} as {}", c.person, c.role));
            item.says.extend(by);
        }
        Check::Window => item.says.extend(decision.window.map(|w| w.to_string())),
        _ => {}
    }
}
