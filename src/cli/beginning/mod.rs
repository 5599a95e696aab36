//! `fwgate init` without persons: where somebody with a repository of rulesets begins.
//!
//! It finds the devices, reads them, proposes what must hold, proves that it does, and writes the policy and the workflow.
//! It demands nothing of anybody yet: the gate comes with persons and keys (`init.rs`).

mod found;
mod workflow;

pub use workflow::{Forge, UNCHOSEN, parse_action};

use super::exit::{Exit, PASSED};
use super::failure::{Failure, REPORT};
use super::gate::now;
use super::input::{InputError, Reader, Surroundings};
use super::output;
use super::progress::Progress;
use super::rulesets::{is_ruleset, read_sides};
use super::screen::Screen;
use crate::check::{Device, FirstPolicy, ProposalError, first_policy};
use crate::fleet::tree::{ConfigTree, DeviceInput};
use crate::policy::Date;
use crate::vcs::Repository;
use clap::Args;
use found::dialect_of;
use std::fmt::Write as _;
use std::path::Path;

/// What a beginning without persons can be told.
#[derive(Clone, Debug, Args)]
pub struct BeginningArguments {
    /// The folder of the devices in the repository; it is looked for where it is not given
    #[arg(long, value_name = "PATH", conflicts_with = "root")]
    pub devices: Option<String>,
    /// For which forge the workflow is written
    #[arg(long, value_enum, value_name = "FORGE", default_value_t = Forge::Github)]
    pub forge: Forge,
    /// The action that the workflow runs, `OWNER/REPOSITORY@COMMIT`, with the full hash of a commit that you trust
    #[arg(long, value_name = "ACTION", value_parser = parse_action)]
    pub action: Option<String>,
}

/// Finds, proposes, writes.
///
/// # Errors
/// No repository, no devices, rulesets that are not understood, files that are there already.
pub fn run(arguments: &BeginningArguments, screen: &Screen) -> Result<Exit, Failure> {
    let surroundings = Surroundings::of_process()?;
    let repository = Repository::discover(&surroundings.cwd).map_err(InputError::from)?;
    let none =
        || Failure::new("there is no git repository here").help("run `git init` first, or change into the repository");
    let repository = repository.ok_or_else(none)?;
    refuse_beginnings(repository.root())?;
    let devices = match &arguments.devices {
        Some(path) => path.clone(),
        None => found::devices_folder(repository.root(), screen)?,
    };
    let reader = Reader::new(&surroundings, &is_ruleset).with_devices(&devices)?;
    let tree = reader.working_tree(&repository)?.accepted().map_err(InputError::from)?;
    let progress = Progress::begin("reading", screen);
    let ready = read_sides(&tree, &tree, None)?;
    progress.now("asking what passes between internal ranges, and proving it");
    let first = first_policy(&ready.baseline, today()).map_err(unproposed)?;
    drop(progress);
    let workflow = arguments.forge.workflow(&devices, arguments.action.as_deref());
    // The policy last: where it is there, the beginning is over.
    if let Some((path, text)) = &workflow {
        write_new(repository.root(), path, text)?;
    }
    write_new(repository.root(), "fwgate.toml", &first.text)?;
    let mut answer = told(&devices, &tree, &ready.baseline);
    answer += &written(&first, workflow.as_ref().map(|(path, _)| *path));
    screen.answer(&answer)?;
    screen.hint(&next(arguments, &devices));
    Ok(PASSED)
}

/// A second beginning would write over what people have decided since.
fn refuse_beginnings(root: &Path) -> Result<(), Failure> {
    match root.join("fwgate.toml").symlink_metadata() {
        Err(_) => Ok(()),
        Ok(_) => Err(Failure::new("`fwgate.toml` is there already")
            .help("`fwgate check` judges by the one on the protected branch; `fwgate init` writes over nothing")),
    }
}

fn today() -> Date {
    Date::of_unix_seconds(u64::try_from(now().0).unwrap_or_default())
}

fn unproposed(error: ProposalError) -> Failure {
    match error {
        ProposalError::Check(error) => Failure::from(error),
        ProposalError::Unreadable(_) => Failure::new(error.to_string()).help(REPORT),
    }
}

fn write_new(root: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let path = root.join(name);
    let failure = |reason: String| {
        let failure = Failure::new(format!("`{name}` cannot be written: {reason}"));
        failure.help("`fwgate init` writes over nothing")
    };
    path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(|e| failure(e.kind().to_string()))?;
    output::write_new(&path, text.as_bytes()).map_err(|e| failure(e.reason))
}

/// One line a device.
fn told(devices: &str, tree: &ConfigTree, read: &[Device]) -> String {
    let count = read.len();
    let noun = if count == 1 { "device" } else { "devices" };
    let mut out = format!("found {count} {noun} in {}/\n", devices.trim_end_matches('/'));
    let width = read.iter().map(|d| d.name.len()).max().unwrap_or_default();
    for device in read {
        let input = tree.devices.iter().find(|d| d.name == device.name);
        let families = [(device.ruleset.families.v4, "IPv4"), (device.ruleset.families.v6, "IPv6")];
        let families: Vec<&str> = families.into_iter().filter(|(has, _)| *has).map(|(_, name)| name).collect();
        let _ = writeln!(
            out,
            "  {:<width$}  {}, {}, {} rules",
            device.name,
            input.map_or("", dialect),
            families.join(" and "),
            device.ruleset.rule_count()
        );
    }
    out
}

/// What `device.toml` says, else what the content of its first file looks like.
fn dialect(device: &DeviceInput) -> &str {
    match &device.facts.dialect {
        Some(said) => &said.value,
        None => device.files.iter().find_map(dialect_of).unwrap_or("unknown"),
    }
}

fn written(first: &FirstPolicy, workflow: Option<&str>) -> String {
    let mut out = format!(
        "wrote fwgate.toml: {} ranges, {} requirements, each proved to hold on these rulesets\n",
        first.ranges, first.requirements
    );
    if first.left_out > 0 {
        let _ =
            writeln!(out, "  {} more pass in one direction or under conditions only, and are left out", first.left_out);
    }
    for filter in &first.too_rich {
        let _ = writeln!(out, "  nothing is proposed for {filter}: it tells too many packets apart");
    }
    if let Some(path) = workflow {
        let _ = writeln!(out, "wrote {path}");
    }
    out
}

fn next(arguments: &BeginningArguments, devices: &str) -> String {
    let given = if devices == "devices" { String::new() } else { format!(" --devices {devices}") };
    let mut out = format!(
        "next:\n  read fwgate.toml: it says what is, and you say what ought to be\n  \
         commit, and push to the protected branch; then edit a ruleset, and run `fwgate check{given}`\n"
    );
    if arguments.forge == Forge::Github && arguments.action.is_none() {
        out += "  put the action that you trust, with the hash of its commit, into the workflow\n";
    }
    out + "  `fwgate doctor` says what is missing here\n  \
     `fwgate init --two ...` puts persons, approvals and permits beside it\n"
}
