//! `fwgate inventory`: the inventory beside policy, devices and rules.

use super::answer::Format;
use super::check::{now, read_the_policy};
use super::estate::Estates;
use super::exit::{Exit, PASSED, REFUSED};
use super::failure::Failure;
use super::input::{CheckArguments, Reader, Surroundings};
use super::lint::FailOn;
use super::rulesets::{is_ruleset, parse_dialect, read_sides};
use super::screen::Screen;
use crate::check::{CheckInput, inventory_findings, with_hosts};
use crate::diff::Bounds;
use crate::policy::Date;
use crate::report::{InventoryDocument, inventory_human, json_text};
use clap::Args;
use std::ffi::OsString;

/// The arguments of `fwgate inventory`.
#[derive(Debug, Args)]
#[command(
    after_help = "The policy's [inventory] names the snapshots: CSV or JSON, as NetBox exports them.\n\nExamples:\n  fwgate inventory\n  \
                  fwgate inventory proposed/ --policy policy.toml --ranges\n  fwgate inventory --format json"
)]
pub struct Arguments {
    /// A folder or a revision; in a repository, without it, the working tree
    #[arg(value_name = "DIR|REV")]
    pub tree: Option<OsString>,
    /// The policy, instead of the protected branch's
    #[arg(long, value_name = "FILE|DIR")]
    pub policy: Option<OsString>,
    /// The protected branch
    #[arg(long, value_name = "REF")]
    pub policy_ref: Option<String>,
    /// List every range with the requirements that name it
    #[arg(long)]
    pub ranges: bool,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Exit with 1 where a finding weighs at least this
    #[arg(long, value_enum, default_value_t = FailOn::Error)]
    pub fail_on: FailOn,
    /// Read the files as this dialect, where `device.toml` does not say
    #[arg(long, value_name = "NAME", value_parser = parse_dialect)]
    pub dialect: Option<String>,
    /// The folder of the devices in a repository
    #[arg(long, value_name = "PATH", default_value = "devices")]
    pub devices: String,
}

/// Looks at the inventory.
///
/// # Errors
/// Input that cannot be read or is not understood; a policy that names no inventory.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let surroundings = Surroundings::of_process()?;
    let reader = Reader::new(&surroundings, &is_ruleset).with_devices(&arguments.devices)?;
    let (mut side, policy) = reader.surveyed(&CheckArguments {
        proposed: arguments.tree.as_deref(),
        policy: arguments.policy.as_deref(),
        policy_ref: arguments.policy_ref.as_deref(),
        ..CheckArguments::default()
    })?;
    let policy = read_the_policy(&policy)?;
    if policy.inventory.is_none() {
        let help =
            "write `[inventory]` with `prefixes = \"inventory/prefixes.csv\"`, as NetBox exports prefixes: CSV or JSON";
        return Err(Failure::new("the policy names no inventory").help(help));
    }
    let mut same = side.tree.clone();
    let estates = Estates::read(&policy, &mut same, &mut side.tree)?;
    let ready = read_sides(&side.tree, &side.tree, arguments.dialect.as_deref())?;
    let now = now();
    let input = CheckInput {
        baseline: &ready.proposed,
        proposed: &ready.proposed,
        policy: &policy,
        change: None,
        estate: estates.at(i64::try_from(now).unwrap_or(i64::MAX)),
        bounds: Bounds::default(),
        today: Date::of_unix_seconds(now),
    };
    let resolved = with_hosts(&input);
    let input = CheckInput { policy: resolved.as_ref().unwrap_or(&policy), ..input };
    let findings = inventory_findings(&input);
    let is_refused = arguments.fail_on.refuses(&findings);
    let document = InventoryDocument::of(&input, &side.words, &findings);
    let text = match arguments.format {
        Format::Json => json_text(&document)?,
        Format::Human => inventory_human(&document, &findings, arguments.ranges, screen.colour),
    };
    screen.answer(&text)?;
    Ok(if is_refused { REFUSED } else { PASSED })
}
