//! `fwgate schema`: the JSON Schemas of what fwgate reads and writes.

use super::exit::{Exit, PASSED};
use super::failure::Failure;
use super::screen::Screen;
use crate::dialect::nearest;
use clap::Args;

/// Every schema: its name, what it describes, its text.
pub const SCHEMAS: &[(&str, &str, &str)] = &[
    ("check", "output of `fwgate check --format json`", include_str!("../../schemas/check.json")),
    ("check-line", "one line of `fwgate check --format jsonl`", include_str!("../../schemas/check-line.json")),
    ("known", "a file of known findings", include_str!("../../schemas/known.json")),
    ("diff", "output of `fwgate diff --format json`", include_str!("../../schemas/diff.json")),
    ("diff-line", "one line of `fwgate diff --format jsonl`", include_str!("../../schemas/diff-line.json")),
    ("trace", "one line of `fwgate trace --format jsonl`", include_str!("../../schemas/trace.json")),
    ("packet", "one line of the input of `fwgate trace`", include_str!("../../schemas/packet.json")),
    ("lint", "output of `fwgate lint --format json`", include_str!("../../schemas/lint.json")),
    ("lint-line", "one line of `fwgate lint --format jsonl`", include_str!("../../schemas/lint-line.json")),
    ("conditions", "output of `fwgate lint --conditions --format json`", include_str!("../../schemas/conditions.json")),
    ("query", "output of `fwgate query --format json`", include_str!("../../schemas/query.json")),
    ("matrix", "output of `fwgate matrix --format json`", include_str!("../../schemas/matrix.json")),
    ("inventory", "output of `fwgate inventory --format json`", include_str!("../../schemas/inventory.json")),
    ("names-plan", "output of `fwgate names plan --format json`", include_str!("../../schemas/names-plan.json")),
    ("ruleset", "a ruleset in fwgate's own format", include_str!("../../schemas/ruleset.json")),
    ("change-state", "output of `fwgate change show --format json`", include_str!("../../schemas/change-state.json")),
    (
        "vetting",
        "output of `fwgate vet --format json` and `fwgate stage --format json`",
        include_str!("../../schemas/vetting.json"),
    ),
    (
        "rollback",
        "output of `fwgate rollback --format json` and `fwgate push --rollback --format json`",
        include_str!("../../schemas/rollback.json"),
    ),
    ("permit", "output of `fwgate permit --format json`", include_str!("../../schemas/permit.json")),
    ("schedule", "output of `fwgate schedule --format json`", include_str!("../../schemas/schedule.json")),
    ("preflight", "output of `fwgate preflight --format json`", include_str!("../../schemas/preflight.json")),
    ("bundle", "the manifest of a bundle for spare hardware", include_str!("../../schemas/bundle.json")),
    (
        "bundle-verdict",
        "output of `fwgate bundle verify` and `record`, and of `create` where it refuses, with `--format json`",
        include_str!("../../schemas/bundle-verdict.json"),
    ),
    ("spares", "output of `fwgate bundle list --format json`", include_str!("../../schemas/spares.json")),
    ("audit", "output of `fwgate audit --format json`", include_str!("../../schemas/audit.json")),
    ("push", "output of `fwgate push --format json`", include_str!("../../schemas/push.json")),
    ("fleet", "output of `fwgate fleet status --format json`", include_str!("../../schemas/fleet.json")),
    ("drift", "output of `fwgate drift --format json`", include_str!("../../schemas/drift.json")),
    ("doctor", "output of `fwgate doctor --format json`", include_str!("../../schemas/doctor.json")),
    ("policy", "a policy file", include_str!("../../schemas/policy.json")),
    ("change", "a change request", include_str!("../../schemas/change.json")),
    (
        "policy-verdict",
        "output of `fwgate policy verify --format json`",
        include_str!("../../schemas/policy-verdict.json"),
    ),
];

/// The arguments of `fwgate schema`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  fwgate schema\n  fwgate schema diff > diff.schema.json")]
pub struct Arguments {
    /// The name of a schema; without it, all names are listed
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

/// Prints one schema, or the list.
///
/// # Errors
/// A name that no schema has.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let text = match &arguments.name {
        Some(name) => schema(name)?.to_owned(),
        None => SCHEMAS.iter().map(|(name, about, _)| format!("{name:<16} {about}\n")).collect(),
    };
    screen.answer(&text)?;
    Ok(PASSED)
}

/// The schema of this name; `fwgate.diff/1` names the same as `diff`.
fn schema(name: &str) -> Result<&'static str, Failure> {
    let short = name.strip_prefix("fwgate.").unwrap_or(name);
    let short = short.strip_suffix("/1").unwrap_or(short);
    if let Some((_, _, text)) = SCHEMAS.iter().find(|(known, _, _)| *known == short) {
        return Ok(text);
    }
    let failure = Failure::new(format!("there is no schema `{name}`"));
    Err(match nearest(short, SCHEMAS.iter().map(|(known, _, _)| *known)) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure.help("`fwgate schema` lists all of them"),
    })
}
