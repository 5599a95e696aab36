//! `fwgate names`: zones, and what a renumbering needs.

use super::answer::Format;
use super::check::{now, read_the_policy};
use super::exit::{Exit, PASSED};
use super::failure::Failure;
use super::input::{CheckArguments, Reader, Surroundings};
use super::rulesets::is_ruleset;
use super::screen::Screen;
use crate::fleet::tree::ConfigTree;
use crate::gate::EstateSide;
use crate::names::{Plan, Renumbering, Zones};
use crate::policy::{LOWERED_TTL, zoned};
use crate::report::{PlanDocument, json_text, renumbering_human};
use clap::{Args, Subcommand};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::IpAddr;

/// The arguments of `fwgate names`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  fwgate names plan --renumber 192.0.2.10=198.51.100.10")]
pub struct Arguments {
    /// What to do
    #[command(subcommand)]
    pub command: NamesCommand,
}

/// What can be done with names.
#[derive(Debug, Subcommand)]
pub enum NamesCommand {
    /// Plan a renumbering: the order, and the earliest time at which each step is safe
    Plan(PlanArguments),
}

/// The arguments of `fwgate names plan`.
#[derive(Debug, Args)]
#[command(
    after_help = "Without --renumber, the addresses are those that records of the baseline point at and records of the same name in the \
                  proposal do not, and those that devices give up.\n\nExamples:\n  fwgate names plan --renumber 192.0.2.10=198.51.100.10\n  \
                  fwgate names plan --baseline old/ --proposed new/ --start 2026-12-01T09:00:00Z --format json"
)]
pub struct PlanArguments {
    /// What is in force: a folder or a revision
    #[arg(long, value_name = "DIR|REV")]
    pub baseline: Option<OsString>,
    /// What is proposed: a folder or a revision
    #[arg(long, value_name = "DIR|REV")]
    pub proposed: Option<OsString>,
    /// An address and what takes its place; may be given several times
    #[arg(long, value_name = "OLD=NEW", value_parser = parse_renumbering)]
    pub renumber: Vec<Renumbering>,
    /// When the first step is taken; now, where it is not given
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,
    /// The policy, instead of the protected branch's
    #[arg(long, value_name = "FILE|DIR")]
    pub policy: Option<OsString>,
    /// The protected branch
    #[arg(long, value_name = "REF")]
    pub policy_ref: Option<String>,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// The folder of the devices in a repository
    #[arg(long, value_name = "PATH", default_value = "devices")]
    pub devices: String,
}

/// Runs a subcommand.
///
/// # Errors
/// Input that cannot be read or is not understood.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    match &arguments.command {
        NamesCommand::Plan(arguments) => plan(arguments, screen),
    }
}

fn plan(arguments: &PlanArguments, screen: &Screen) -> Result<Exit, Failure> {
    let start = start(arguments)?;
    let surroundings = Surroundings::of_process()?;
    let reader = Reader::new(&surroundings, &is_ruleset).with_devices(&arguments.devices)?;
    let mut judged = reader.judged(&CheckArguments {
        baseline: arguments.baseline.as_deref(),
        proposed: arguments.proposed.as_deref().or(arguments.baseline.as_deref()),
        policy: arguments.policy.as_deref(),
        policy_ref: arguments.policy_ref.as_deref(),
        ..CheckArguments::default()
    })?;
    let policy = read_the_policy(&judged.policy)?;
    let old = EstateSide::read(&policy, &mut judged.baseline.tree)?;
    let new = EstateSide::read(&policy, &mut judged.proposed.tree)?;
    let zones = old
        .zones
        .ok_or_else(|| Failure::new("the baseline has no zones").help("master files stand in the folder `zones/` beside `devices/`; `[names] zones = \"PATH\"` of the policy names another one"))?;
    let renumberings = match arguments.renumber.is_empty() {
        false => arguments.renumber.clone(),
        true => proposed_renumberings(&zones, new.zones.as_ref(), (&judged.baseline.tree, &judged.proposed.tree)),
    };
    let lowered = policy.name_service.as_ref().map_or(LOWERED_TTL, |s| s.lowered_ttl);
    let plan = Plan::of(&zones, &renumberings, lowered, start).ok_or_else(|| nothing(&renumberings))?;
    let document = PlanDocument::of(&plan, &zones);
    let text = match arguments.format {
        Format::Json => json_text(&document)?,
        Format::Human => renumbering_human(&document, screen.colour),
    };
    screen.answer(&text)?;
    Ok(PASSED)
}

fn nothing(renumberings: &[Renumbering]) -> Failure {
    match renumberings {
        [] => Failure::new("the proposal renumbers nothing")
            .help("name the addresses: `--renumber 192.0.2.10=198.51.100.10`"),
        some => {
            let old: Vec<String> = some.iter().map(|r| format!("`{}`", r.old)).collect();
            Failure::new(format!("no record points at {}", old.join(", ")))
                .help("then nothing has to wait: take the address away when the change may go")
        }
    }
}

fn start(arguments: &PlanArguments) -> Result<i64, Failure> {
    let Some(text) = &arguments.start else { return Ok(i64::try_from(now()).unwrap_or(i64::MAX)) };
    let seconds = zoned(text).ok().and_then(|time| time.seconds());
    seconds.ok_or_else(|| {
        Failure::new(format!("`{text}` is no time"))
            .help("write `2026-12-01T22:00:00[America/Toronto]`, or end it with `Z`")
    })
}

fn parse_renumbering(text: &str) -> Result<Renumbering, String> {
    let (old, new) = text.split_once('=').ok_or("write OLD=NEW, or OLD= for an address that only goes")?;
    let address = |text: &str| text.parse::<IpAddr>().map_err(|_| format!("`{text}` is no address"));
    let new = if new.is_empty() { None } else { Some(address(new)?) };
    Ok(Renumbering { old: address(old)?, new })
}

/// What a proposal renumbers: records that move, and addresses that devices give up.
fn proposed_renumberings(old: &Zones, new: Option<&Zones>, trees: (&ConfigTree, &ConfigTree)) -> Vec<Renumbering> {
    let mut out: BTreeMap<IpAddr, Option<IpAddr>> = BTreeMap::new();
    for zone in &old.zones {
        for record in zone.records() {
            let Some(address) = record.address() else { continue };
            let twin = new.into_iter().flat_map(|z| &z.zones).find(|z| z.view == zone.view && z.apex == zone.apex);
            let Some(twin) = twin else { continue };
            let now: Vec<IpAddr> = twin.of(&record.owner, record.kind).filter_map(|r| r.address()).collect();
            if !now.contains(&address) {
                let before: Vec<IpAddr> = zone.of(&record.owner, record.kind).filter_map(|r| r.address()).collect();
                let fresh = now.into_iter().find(|a| !before.contains(a));
                let own = out.entry(address).or_insert(fresh);
                *own = own.or(fresh);
            }
        }
    }
    let addresses = |tree: &ConfigTree| -> Vec<IpAddr> {
        tree.devices.iter().flat_map(|d| d.facts.addresses.iter().flatten().map(|net| net.addr())).collect()
    };
    let (before, after) = (addresses(trees.0), addresses(trees.1));
    for gone in before.into_iter().filter(|a| !after.contains(a)) {
        out.entry(gone).or_insert(None);
    }
    out.into_iter().map(|(old, new)| Renumbering { old, new }).collect()
}
