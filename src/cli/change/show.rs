//! `fwgate change show`: one page for an approver.

use crate::check::Device;
use crate::cli::exit::{Exit, NO_VERDICT, PASSED, REFUSED};
use crate::cli::failure::Failure;
use crate::cli::gate::{GateArguments, Gathered, Session, now};
use crate::cli::reporting::{ChangeReportArguments, pages};
use crate::cli::screen::Screen;
use crate::diff::DevicePair;
use crate::gate::{DeviceBytes, Library};
use crate::inventory::Inventory;
use crate::report::{ChangePage, Colour, FilterView, Format, change_human};
use clap::Args;

/// The arguments of `fwgate change show`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fwgate change show CHG-2042 --root root.toml\n  fwgate change show CHG-2042 --root root.toml --offline --format json"
)]
pub struct Arguments {
    /// The change and the root.
    #[command(flatten)]
    pub gate: GateArguments,
    /// The formats
    #[command(flatten)]
    pub reporting: ChangeReportArguments,
    /// Use what was fetched last, without asking the remote
    #[arg(long)]
    pub offline: bool,
}

/// Shows it. 0 where nothing stands against a permit, 1 where something does, 2 where there is no verdict.
///
/// # Errors
/// No repository.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    arguments.reporting.outlets().probe()?;
    let session = Session::open(&arguments.gate)?;
    let id = arguments.gate.change.as_str();
    let gathered = if arguments.offline { session.judge(id, now(), Vec::new()) } else { session.gather(id, now()) };
    let sides = Sides::of(&gathered);
    let write = |format: &Format, colour| sides.with_page(id, &gathered, colour, |page| pages(format)(page));
    arguments.reporting.outlets().write(screen, write)?;
    let reasons = &gathered.decision.reasons;
    Ok(match () {
        () if reasons.is_empty() => PASSED,
        () if reasons.iter().any(|r| r.code.is_no_verdict()) => NO_VERDICT,
        () => REFUSED,
    })
}

/// The page for people.
pub fn page(id: &str, gathered: &Gathered, colour: Colour) -> String {
    Sides::of(gathered).with_page(id, gathered, colour, change_human)
}

/// The devices of both sides, read.
struct Sides {
    old: Vec<Device>,
    new: Vec<Device>,
}

impl Sides {
    fn of(gathered: &Gathered) -> Sides {
        let mut library = Library::default();
        let mut devices = |bytes: &[DeviceBytes], inventory: &Option<Inventory>| {
            let mut devices = library.devices(bytes, inventory.as_ref()).unwrap_or_default();
            devices.sort_by(|a, b| a.name.cmp(&b.name));
            devices
        };
        let [old, new] = gathered.inventories();
        match &gathered.trees {
            Some(trees) => Sides { old: devices(&trees.baseline, &old), new: devices(&trees.proposal, &new) },
            None => Sides { old: Vec::new(), new: Vec::new() },
        }
    }

    /// What `write` makes of the page.
    fn with_page<T>(
        &self,
        id: &str,
        gathered: &Gathered,
        colour: Colour,
        write: impl FnOnce(&ChangePage<'_>) -> T,
    ) -> T {
        let pairs = crate::cli::rulesets::pairs(&self.old, &self.new);
        let effects = gathered.analysis.iter().flat_map(|a| &a.report.effects);
        let effects: Vec<FilterView<'_>> = effects
            .map(|effect| FilterView {
                pair: pair(&pairs, &effect.device),
                hook: effect.hook,
                family: effect.family,
                name: &effect.filter,
                diff: &effect.diff,
            })
            .collect();
        write(&ChangePage {
            id,
            now: gathered.now,
            decision: &gathered.decision,
            announced: gathered.announced.as_ref(),
            request: gathered.request.as_ref(),
            analysis: gathered.analysis.as_deref(),
            testimony: &gathered.testimony,
            assumed: gathered.trees.as_ref().map(|t| t.assumed.as_slice()).unwrap_or_default(),
            effects: &effects,
            pairs: &pairs,
            policy: gathered.policy(),
            colour,
        })
    }
}

fn pair<'a>(pairs: &[DevicePair<'a>], name: &'a str) -> DevicePair<'a> {
    pairs.iter().find(|p| p.name == name).copied().unwrap_or(DevicePair { name, old: None, new: None })
}
