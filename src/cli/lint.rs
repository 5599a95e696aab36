//! `fwgate lint`: what a ruleset shows by itself.

use super::answer::Format;
use super::exit::{Exit, PASSED, REFUSED};
use super::failure::Failure;
use super::input::{Reader, Surroundings};
use super::rulesets::{ReadDevice, is_ruleset, parse_dialect, read_one, read_tree};
use super::screen::Screen;
use crate::check::{Lint, lint};
use crate::finding::{Finding, Location, Severity};
use crate::query::{ShadowBounds, conditions};
use crate::report::{ConditionsDocument, LintDocument, conditions_human, json_text, lint_human};
use clap::{Args, ValueEnum};
use std::ffi::OsString;

/// The arguments of `fwgate lint`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fwgate lint rules.v4 rules.v6 ipset\n  fwgate lint --tree devices/ --fail-on warning\n  \
                  fwgate lint rules.v4 --conditions\n\n`fwgate explain FW301` explains a finding."
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
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
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
/// Input that cannot be read or is not understood.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let devices = read(arguments)?;
    if arguments.conditions {
        return list_conditions(arguments, &devices, screen);
    }
    let mut findings: Vec<Finding> = Vec::new();
    let mut open: Vec<Location> = Vec::new();
    for device in &devices {
        let found: Lint = lint(&device.name, &device.ruleset, ShadowBounds::default());
        findings.extend(found.findings);
        open.extend(found.open);
    }
    let rules = devices.iter().map(|d| d.ruleset.rule_count()).sum();
    let text = match arguments.format {
        Format::Json => json_text(&LintDocument::of(&findings, &open))?,
        Format::Human => lint_human(&findings, &open, rules, screen.colour),
    };
    screen.answer(&text)?;
    Ok(if arguments.fail_on.refuses(&findings) { REFUSED } else { PASSED })
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

fn list_conditions(arguments: &Arguments, devices: &[ReadDevice], screen: &Screen) -> Result<Exit, Failure> {
    let documents = devices.iter().map(|d| ConditionsDocument::of(&d.name, &d.ruleset, &conditions(&d.ruleset)));
    let document = ConditionsDocument::joined(documents);
    let text = match arguments.format {
        Format::Json => json_text(&document)?,
        Format::Human => conditions_human(&document, screen.colour),
    };
    screen.answer(&text)?;
    Ok(PASSED)
}
