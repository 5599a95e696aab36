//! This repository: whether its history is whole, where trust comes from, whether the evidence was fetched, and whether the
//! beginnings were finished.

use super::{Diagnosis, Look, Place, lacks, note, well};
use crate::cli::beginning::UNCHOSEN;
use crate::cli::gate::RootArguments;
use crate::gate::Root;
use crate::vcs::Repository;
use std::path::Path;

/// What is looked at, in order.
pub(super) const CHECKS: &[Look] = &[repository, protected, devices, policy, root, evidence, workflow];

fn repository(place: &Place<'_>) -> Vec<Diagnosis> {
    let Some(repository) = place.repository else {
        let mend = "change into the repository of your rulesets, or `git init` one";
        return vec![note("repository", "this is no git repository, so `check` needs --baseline and --proposed", mend)];
    };
    let flaws = repository.conditions().unwrap_or_default();
    let told = flaws.iter().map(|flaw| lacks("history", flaw.to_string(), flaw.help()));
    let told: Vec<Diagnosis> = told.collect();
    if told.is_empty() { vec![well("history", "the history of this clone is complete")] } else { told }
}

fn protected(place: &Place<'_>) -> Vec<Diagnosis> {
    let Some(repository) = place.repository else { return Vec::new() };
    vec![match repository.protected_branch(None) {
        Ok(found) => well("protected-branch", format!("the protected branch is `{}`", found.name)),
        Err(error) => {
            let mend = "git remote set-head origin --auto; or give `--policy-ref REF` to `check`";
            lacks("protected-branch", format!("the protected branch cannot be told: {error}"), mend)
        }
    }]
}

fn devices(place: &Place<'_>) -> Vec<Diagnosis> {
    let Some(repository) = place.repository else { return Vec::new() };
    let folder = &place.arguments.devices;
    vec![match repository.root().join(folder).is_dir() {
        true => well("devices", format!("the devices are in `{folder}`")),
        false => note(
            "devices",
            format!("there is no folder `{folder}`"),
            "`fwgate init` looks for the devices; `--devices PATH` names them",
        ),
    }]
}

fn policy(place: &Place<'_>) -> Vec<Diagnosis> {
    let Some(repository) = place.repository else { return Vec::new() };
    let Ok(tip) = repository.protected_branch(None) else { return Vec::new() };
    let version = repository.policy_at(tip.commit);
    vec![match version {
        Ok(version) if !version.files.is_empty() => well("policy", format!("`{}` has a policy", tip.name)),
        Ok(_) => lacks(
            "policy",
            format!("`{}` has no policy, so nothing must hold", tip.name),
            "`fwgate init`, then commit fwgate.toml to the protected branch",
        ),
        Err(error) => {
            lacks("policy", format!("the policy of `{}` cannot be read: {error}", tip.name), "`fwgate policy verify`")
        }
    }]
}

fn root(place: &Place<'_>) -> Vec<Diagnosis> {
    let Some(repository) = place.repository else { return Vec::new() };
    match found_root(place, repository) {
        Ok(Some(root)) => vec![well("root", format!("the root names `{}` at `{}`", root.repository, root.remote))],
        Ok(None) => vec![note(
            "root",
            "no root of trust was given, so there is no permit; checks work without",
            "`fwgate init --two ...` makes one; then `--root FILE`, or FWGATE_ROOT",
        )],
        Err(why) => vec![lacks("root", why, "keep the root outside of the repository, and name it by `--root FILE`")],
    }
}

/// The root, where one was given.
fn found_root(place: &Place<'_>, repository: &Repository) -> Result<Option<Root>, String> {
    if place.arguments.root.is_none() && std::env::var_os("FWGATE_ROOT").is_none() {
        return Ok(None);
    }
    let arguments = RootArguments { root: place.arguments.root.clone(), devices: place.arguments.devices.clone() };
    let bytes = arguments.root_bytes(place.surroundings, repository.root()).map_err(|reason| reason.message)?;
    Root::read(&bytes).map(Some).map_err(|flaw| flaw.to_string())
}

fn evidence(place: &Place<'_>) -> Vec<Diagnosis> {
    let Some(repository) = place.repository else { return Vec::new() };
    let names = repository.evidence_names().unwrap_or_default();
    let has = |name: &str| names.iter().any(|n| n.ends_with(name));
    let is_asked = place.arguments.root.is_some() || std::env::var_os("FWGATE_ROOT").is_some();
    match (has("fwgate/ledger") && has("fwgate/log"), is_asked) {
        (true, _) => vec![well("evidence", format!("{} branches of evidence were fetched", names.len()))],
        (false, false) => Vec::new(),
        (false, true) => vec![lacks(
            "evidence",
            "the ledger and the log were not fetched here",
            "git fetch origin '+refs/heads/fwgate/*:refs/remotes/origin/fwgate/*'; where the remote has none, `fwgate ledger init`",
        )],
    }
}

/// A workflow that still names no action fails; better to hear it before the first pull request.
fn workflow(place: &Place<'_>) -> Vec<Diagnosis> {
    let Some(repository) = place.repository else { return Vec::new() };
    let folder = repository.root().join(".github/workflows");
    let mut unfinished: Vec<String> =
        texts(&folder).filter(|(_, text)| text.contains(UNCHOSEN)).map(|(name, _)| name).collect();
    if unfinished.is_empty() {
        return Vec::new();
    }
    unfinished.sort();
    let name = if unfinished.len() == 1 { "names" } else { "name" };
    vec![lacks(
        "workflow",
        format!("{} {name} no action that exists", unfinished.join(", ")),
        format!("replace `{UNCHOSEN}` by the repository of fwgate and the hash of the commit that you trust"),
    )]
}

fn texts(folder: &Path) -> impl Iterator<Item = (String, String)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|e| Some((e.file_name().into_string().ok()?, std::fs::read_to_string(e.path()).ok()?)))
}
