//! `fwgate change show`: one page for an approver.

use crate::cli::exit::{Exit, NO_VERDICT, PASSED, REFUSED};
use crate::cli::failure::Failure;
use crate::cli::gate::{GateArguments, Gathered, Session, now};
use crate::cli::screen::Screen;
use crate::dialect::nearest;
use crate::diff::DevicePair;
use crate::gate::Library;
use crate::report::{ChangeDocument, ChangePage, Colour, FilterView, change_human, json_text};
use clap::{Args, ValueEnum};

/// The arguments of `fwgate change show`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fwgate change show CHG-2042 --root root.toml\n  fwgate change show CHG-2042 --root root.toml --offline --format json"
)]
pub struct Arguments {
    /// The change and the root.
    #[command(flatten)]
    pub gate: GateArguments,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Use what was fetched last, without asking the remote
    #[arg(long)]
    pub offline: bool,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// One document, `fwgate.change-state/1`
    Json,
}

/// Shows it. 0 where nothing stands against a permit, 1 where something does, 2 where there is no verdict.
///
/// # Errors
/// No repository.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open(&arguments.gate)?;
    let id = arguments.gate.change.as_str();
    let gathered = if arguments.offline { session.judge(id, now(), Vec::new()) } else { session.gather(id, now()) };
    let text = match arguments.format {
        Format::Human => page(id, &gathered, screen.colour),
        Format::Json => json_text(&ChangeDocument::of(id, &page_of(&gathered, &[])))?,
    };
    screen.answer(&text)?;
    neighbour(id, &gathered).iter().for_each(|near| screen.aside(&format!("did you mean `{near}`?\n")));
    let reasons = &gathered.decision.reasons;
    Ok(match () {
        () if reasons.is_empty() => PASSED,
        () if reasons.iter().any(|r| r.code.is_no_verdict()) => NO_VERDICT,
        () => REFUSED,
    })
}

/// The change that may have been meant, where nobody has announced one of this id.
fn neighbour<'g>(id: &str, gathered: &'g Gathered) -> Option<&'g str> {
    let known: Vec<&str> =
        gathered.branches.keys().filter_map(|b| b.strip_prefix("refs/heads/fwgate/changes/")).collect();
    if known.contains(&id) { None } else { nearest(id, known) }
}

/// The page for people.
pub fn page(id: &str, gathered: &Gathered, colour: Colour) -> String {
    let mut library = Library::default();
    let devices =
        |bytes: &[crate::gate::DeviceBytes], library: &mut Library| library.devices(bytes).unwrap_or_default();
    let (old, new) = match &gathered.trees {
        Some(trees) => (devices(&trees.baseline, &mut library), devices(&trees.proposal, &mut library)),
        None => (Vec::new(), Vec::new()),
    };
    let ruleset = |side: &'_ [crate::check::Device], name: &str| side.iter().position(|d| d.name == name);
    let effects = gathered.analysis.iter().flat_map(|a| &a.report.effects);
    let views: Vec<FilterView<'_>> = effects
        .map(|effect| FilterView {
            pair: DevicePair {
                name: &effect.device,
                old: ruleset(&old, &effect.device).map(|at| old[at].ruleset.as_ref()),
                new: ruleset(&new, &effect.device).map(|at| new[at].ruleset.as_ref()),
            },
            hook: effect.hook,
            family: effect.family,
            name: &effect.filter,
            diff: &effect.diff,
        })
        .collect();
    change_human(id, &page_of(gathered, &views), colour)
}

fn page_of<'a>(gathered: &'a Gathered, effects: &'a [FilterView<'a>]) -> ChangePage<'a> {
    ChangePage {
        now: gathered.now,
        decision: &gathered.decision,
        announced: gathered.announced.as_ref(),
        request: gathered.request.as_ref(),
        analysis: gathered.analysis.as_deref(),
        testimony: &gathered.testimony,
        assumed: gathered.trees.as_ref().map(|t| t.assumed.as_slice()).unwrap_or_default(),
        effects,
    }
}
