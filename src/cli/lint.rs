//! `fwgate lint`: what a ruleset shows by itself.

use super::exit::{Exit, PASSED, REFUSED};
use super::failure::Failure;
use super::input::{Reader, Surroundings};
use super::progress::Progress;
use super::reporting::{Outlets, ReportArguments};
use super::rulesets::{ReadDevice, is_ruleset, parse_dialect, read_one, read_tree};
use super::screen::Screen;
use crate::check::{Lint, lint};
use crate::diff::DevicePair;
use crate::finding::{Finding, Location, Severity};
use crate::query::{ShadowBounds, conditions};
use crate::report::{ConditionsDocument, LintView, conditions_human, json_text, lint_markdown, visible};
use clap::{Args, ValueEnum};
use std::ffi::OsString;

/// The arguments of `fwgate lint`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fwgate lint rules.v4 rules.v6 ipset\n  fwgate lint --tree devices/ --fail-on warning\n  \
                  fwgate lint --tree devices/ --format github --report sarif=lint.sarif\n  fwgate lint rules.v4 --conditions\n\n`fwgate explain FW301` explains a finding."
)]
pub struct Arguments {
    /// The files of one device, or its folder
    #[arg(value_name = "RULESET", required_unless_present = "tree", conflicts_with = "tree")]
    pub rulesets: Vec<OsString>,
    /// Every device of a tree instead
    #[arg(long, value_name = "DIR|rev:NAME")]
    pub tree: Option<OsString>,
    /// List the opaque conditions by their canonical names instead
    #[arg(long)]
    pub conditions: bool,
    /// How to write it, and where to.
    #[command(flatten)]
    pub reporting: ReportArguments,
    /// Exit with 1 where a finding weighs at least this
    #[arg(long, value_enum, default_value_t = FailOn::Error)]
    pub fail_on: FailOn,
    /// Read the files as this dialect, where `device.toml` does not say
    #[arg(long, value_name = "NAME", value_parser = parse_dialect)]
    pub dialect: Option<String>,
}

/// The mildest severity that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Errors only
    Error,
    /// Warnings too
    Warning,
    /// Everything
    Note,
    /// Nothing: report only
    Never,
}

impl FailOn {
    /// The severity; `None` where nothing fails.
    pub fn severity(self) -> Option<Severity> {
        match self {
            FailOn::Error => Some(Severity::Error),
            FailOn::Warning => Some(Severity::Warning),
            FailOn::Note => Some(Severity::Note),
            FailOn::Never => None,
        }
    }

    /// Whether one of these findings fails.
    pub fn refuses(self, findings: &[Finding]) -> bool {
        self.severity().is_some_and(|least| findings.iter().any(|f| f.severity >= least))
    }
}

/// Looks at every device.
///
/// # Errors
/// Input that cannot be read or is not understood; a report that cannot be written.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let outlets = arguments.reporting.outlets();
    outlets.probe()?;
    if arguments.conditions {
        return list_conditions(arguments, screen);
    }
    let progress = Progress::begin("reading", screen);
    let devices = read(arguments)?;
    let mut findings: Vec<Finding> = Vec::new();
    let mut open: Vec<Location> = Vec::new();
    for (at, device) in devices.iter().enumerate() {
        progress.now(&format!("looking at {} ({} of {})", visible(&device.name), at + 1, devices.len()));
        let found: Lint = lint(&device.name, &device.ruleset, ShadowBounds::default());
        findings.extend(found.findings);
        open.extend(found.open);
    }
    drop(progress);
    let pairs: Vec<DevicePair<'_>> =
        devices.iter().map(|d| DevicePair { name: &d.name, old: None, new: Some(&d.ruleset) }).collect();
    let view = LintView {
        pairs: &pairs,
        findings: &findings,
        open: &open,
        fail_on: arguments.fail_on.severity(),
        colour: screen.colour,
    };
    tell(&outlets, view, screen)?;
    Ok(if view.fails() { REFUSED } else { PASSED })
}

fn tell(outlets: &Outlets<'_>, view: LintView<'_>, screen: &Screen) -> Result<(), Failure> {
    outlets.summarise(|limit| lint_markdown(&view, limit))?;
    outlets.write(screen, |format, colour| (format.lint)(&LintView { colour, ..view }))
}

fn read(arguments: &Arguments) -> Result<Vec<ReadDevice>, Failure> {
    let surroundings = Surroundings::of_process()?;
    let reader = Reader::new(&surroundings, &is_ruleset);
    let dialect = arguments.dialect.as_deref();
    match &arguments.tree {
        Some(tree) => read_tree(&reader.tree(tree)?, dialect),
        None => Ok(vec![read_one(&reader.device(&arguments.rulesets)?, dialect)?]),
    }
}

/// Conditions are no findings: they are told to people, or as one document.
fn list_conditions(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let name = arguments.reporting.format.name;
    if !["human", "json"].contains(&name) || !arguments.reporting.reports.is_empty() {
        let failure = Failure::new("a list of conditions is no report: it is told to people, or as one JSON document");
        return Err(failure.help("`--conditions` takes `--format human` or `--format json`, and no `--report`"));
    }
    let devices = read(arguments)?;
    let documents = devices.iter().map(|d| ConditionsDocument::of(&d.name, &d.ruleset, &conditions(&d.ruleset)));
    let document = ConditionsDocument::joined(documents);
    let text = match name {
        "json" => json_text(&document)?,
        _ => conditions_human(&document, screen.colour),
    };
    screen.answer(&text)?;
    Ok(PASSED)
}
