//! Arguments that several commands share: the files of one device, the hook, the family, and names out of a policy.

use super::failure::Failure;
use super::input::{Reader, Surroundings};
use super::rulesets::{ReadDevice, is_ruleset, parse_dialect, read_one, read_policy_at};
use crate::packet::Family;
use crate::query::Addresses;
use crate::ruleset::{Hook, Ruleset};
use clap::{Args, ValueEnum};
use std::collections::BTreeMap;
use std::ffi::OsString;

/// The files of one device.
#[derive(Debug, Args)]
pub struct DeviceArguments {
    /// The files of one device (filter dumps and their `ipset save`), its folder, or `rev:NAME:PATH`
    #[arg(value_name = "RULESET", required = true)]
    pub rulesets: Vec<OsString>,
    /// Read the files as this dialect, where `device.toml` does not say
    #[arg(long, value_name = "NAME", value_parser = parse_dialect)]
    pub dialect: Option<String>,
}

impl DeviceArguments {
    /// The device, read.
    ///
    /// # Errors
    /// Files that cannot be read or are not understood.
    pub fn read(&self) -> Result<ReadDevice, Failure> {
        let surroundings = Surroundings::of_process()?;
        let reader = Reader::new(&surroundings, &is_ruleset);
        let device = read_one(&reader.device(&self.rulesets)?, self.dialect.as_deref())?;
        match Family::ALL.into_iter().all(|f| !device.ruleset.families.contains(f)) && !device.routing.is_empty() {
            true => Err(Failure::new("the files give routes, and no ruleset").help("`fwgate diff` compares routes")),
            false => Ok(device),
        }
    }
}

/// A hook by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HookName {
    /// Packets to this host
    Input,
    /// Packets through this host
    Forward,
    /// Packets from this host
    Output,
    /// Frames out of a bridge to this host
    BridgeInput,
    /// Frames from one port of a bridge to another
    BridgeForward,
    /// Frames from this host into a bridge
    BridgeOutput,
    /// ARP to this host
    ArpInput,
    /// ARP from this host
    ArpOutput,
}

impl HookName {
    /// The hook.
    pub fn hook(self) -> Hook {
        match self {
            HookName::Input => Hook::Input,
            HookName::Forward => Hook::Forward,
            HookName::Output => Hook::Output,
            HookName::BridgeInput => Hook::BridgeInput,
            HookName::BridgeForward => Hook::BridgeForward,
            HookName::BridgeOutput => Hook::BridgeOutput,
            HookName::ArpInput => Hook::ArpInput,
            HookName::ArpOutput => Hook::ArpOutput,
        }
    }
}

/// Which family is asked about.
#[derive(Debug, Args)]
pub struct FamilyArgument {
    /// Only this family: 4 or 6
    #[arg(long, value_name = "4|6", value_parser = parse_family)]
    pub family: Option<Family>,
}

impl FamilyArgument {
    /// The families that the ruleset gives and the argument leaves.
    ///
    /// # Errors
    /// Where that is none: an answer about nothing would be no answer.
    pub fn of(&self, ruleset: &Ruleset) -> Result<Vec<Family>, Failure> {
        let wanted = |f: &Family| ruleset.families.contains(*f) && self.family.is_none_or(|one| one == *f);
        let found: Vec<Family> = Family::ALL.into_iter().filter(wanted).collect();
        match (found.is_empty(), self.family) {
            (false, _) => Ok(found),
            (true, Some(family)) => Err(Failure::new(format!("the files give no ruleset for {family}"))),
            (true, None) => Err(Failure::new("the files give no ruleset")),
        }
    }
}

fn parse_family(text: &str) -> Result<Family, String> {
    match text {
        "4" => Ok(Family::V4),
        "6" => Ok(Family::V6),
        _ => Err("the families are 4 and 6".to_owned()),
    }
}

/// Names for address sets.
#[derive(Debug, Args)]
pub struct NamesArgument {
    /// Take the names of address sets from the `[ranges]` of this policy
    #[arg(long, value_name = "FILE|DIR")]
    pub policy: Option<OsString>,
}

impl NamesArgument {
    /// The named address sets; none where no policy was given.
    ///
    /// # Errors
    /// A policy that cannot be read or is not understood.
    pub fn read(&self) -> Result<BTreeMap<String, Addresses>, Failure> {
        let Some(given) = &self.policy else { return Ok(BTreeMap::new()) };
        let policy = read_policy_at(given)?;
        let addresses = |set: &crate::policy::AddressSet| Addresses { v4: set.v4.clone(), v6: set.v6.clone() };
        Ok(policy.names.ranges().iter().map(|(name, set)| (name.clone(), addresses(set))).collect())
    }
}

/// Refuses a hook that the dialect does not have.
///
/// # Errors
/// Where it does not.
pub fn check_hook(ruleset: &Ruleset, hook: Hook) -> Result<(), Failure> {
    if ruleset.missing_hooks.contains(&hook) {
        return Err(Failure::new(format!("this dialect has no {hook} filter")));
    }
    Ok(())
}
