//! What the merge may do next: a merge applies nothing, and whether its change may be pushed is for the gate to say. Advice: it
//! changes no verdict and no exit code.

use super::Arguments;
use crate::cli::gate::{Gathered, RootArguments, Session, now};
use crate::cli::input::{Judged, Surroundings, bytes_of};
use crate::gate::ReasonCode;
use crate::policy::is_change_id;
use crate::report::NextStep;
use crate::vcs::{Repository, VcsError};
use std::collections::BTreeSet;

/// What the changes may do whose files the merge brings; nothing where no merge is judged.
pub fn next_steps(arguments: &Arguments, surroundings: &Surroundings, judged: &Judged) -> Vec<NextStep> {
    let is_merge = (arguments.merged || surroundings.ci) && arguments.proposed.is_none();
    let repository = Repository::discover(&surroundings.cwd).ok().flatten().filter(|_| is_merge);
    let Some(repository) = repository else { return Vec::new() };
    let ids = brought(arguments, &repository).unwrap_or_default();
    if ids.is_empty() {
        return Vec::new();
    }
    let asked = ask(arguments, surroundings, &repository);
    let step = |id: String| match &asked {
        Ok(session) => step(&id, &session.gather(&id, now()), judged),
        Err(why) => NextStep::unasked(&id, why),
    };
    ids.into_iter().map(step).collect()
}

/// The ids of the changes whose files differ between the merge base and HEAD, and are there in the end.
fn brought(arguments: &Arguments, repository: &Repository) -> Result<BTreeSet<String>, VcsError> {
    let protected = repository.protected_branch(arguments.policy_ref.as_deref())?;
    let head = repository.head()?;
    let base = repository.merge_base(protected.commit, head.commit)?;
    let after = repository.tree(head.commit)?;
    let changed = repository.tree(base)?.differing(&after);
    let there: BTreeSet<&str> = after.paths().collect();
    let id = |path: &String| {
        let name = path.strip_prefix("changes/")?;
        let id = name.strip_suffix(".toml").or(name.strip_suffix(".json"))?;
        (is_change_id(id) && there.contains(path.as_str())).then(|| id.to_owned())
    };
    Ok(changed.iter().filter_map(id).collect())
}

/// The gate, or why it cannot be asked.
fn ask(arguments: &Arguments, surroundings: &Surroundings, repository: &Repository) -> Result<Session, String> {
    let root = RootArguments { root: arguments.root.clone(), devices: arguments.devices.clone() };
    root.root_bytes(surroundings, repository.root()).map_err(|reason| format!("{}; {}", reason.message, reason.fix))?;
    Session::open_root(&root).map_err(|failure| failure.text(crate::report::Colour::Never))
}

fn step(id: &str, gathered: &Gathered, judged: &Judged) -> NextStep {
    let decision = &gathered.decision;
    let unreachable = decision.reasons.iter().find(|r| {
        matches!(r.code, ReasonCode::LedgerUnreachable | ReasonCode::EvidenceUnavailable | ReasonCode::RootMissing)
    });
    if let Some(reason) = unreachable {
        return NextStep::unasked(id, &format!("{}; {}", reason.message, reason.fix));
    }
    NextStep {
        change: id.to_owned(),
        state: Some(decision.state.name()),
        may_push: decision.is_granted() && is_same(gathered, judged),
        is_other: gathered.announced.is_some() && !is_same(gathered, judged),
        unasked: None,
        reasons: decision.reasons.clone(),
    }
}

/// Whether what was announced is what is judged here.
fn is_same(gathered: &Gathered, judged: &Judged) -> bool {
    let here: Vec<_> = judged.proposed.tree.devices.iter().map(bytes_of).collect();
    gathered.trees.as_ref().is_some_and(|trees| trees.proposal == here)
}
