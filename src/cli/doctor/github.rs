//! An export of GitHub's rulesets and settings, held against what the gate rests on.
//!
//! The forge is not trusted with a verdict: signatures are. But it keeps the evidence, and these rules keep anybody from
//! rewriting it, from writing the ledger, or from making a branch whose name blocks the others.
//!
//! Source: the REST API's `GET /repos/{owner}/{repo}/rulesets/{ruleset_id}` and `GET /repos/{owner}/{repo}`. Patterns of
//! branch names are Ruby's `File.fnmatch` with `FNM_PATHNAME`: `*` stops at `/`, and `**/` is any number of folders, so that
//! `fwgate/**` does not reach `fwgate/changes/ID`.

mod pattern;
mod rules;

use super::{Diagnosis, lacks, note, well};
use crate::cli::failure::Failure;
use crate::fleet::tree::TreeFile;
use pattern::matches;
use rules::{Actor, Export, Ruleset};

/// What must never happen to a branch, and why.
struct Demand {
    id: &'static str,
    /// The rule's type.
    rule: &'static str,
    branches: &'static [&'static str],
    /// Who may pass over it.
    pass: Pass,
    /// As it should be.
    what: &'static str,
    /// As it is where it is not so.
    wrong: &'static str,
    why: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Nobody,
    DeployIdentity,
}

const EVIDENCE: &[&str] = &["fwgate/ledger", "fwgate/log", "fwgate/changes/CHG-1"];
const LEDGER: &[&str] = &["fwgate/ledger", "fwgate/log"];
const NAMES: &[&str] = &["fwgate", "fwgate/changes"];
/// Stands for the protected branch, whose name is an argument.
const PROTECTED: &[&str] = &["~"];

const DEMANDS: &[Demand] = &[
    Demand {
        id: "protected-no-deletion",
        rule: "deletion",
        branches: PROTECTED,
        pass: Pass::Nobody,
        what: "the protected branch cannot be deleted",
        wrong: "the protected branch can be deleted",
        why: "the policy is what it says",
    },
    Demand {
        id: "protected-no-force-push",
        rule: "non_fast_forward",
        branches: PROTECTED,
        pass: Pass::Nobody,
        what: "the protected branch cannot be rewritten",
        wrong: "the protected branch can be rewritten",
        why: "the policy chain is its history",
    },
    Demand {
        id: "evidence-no-deletion",
        rule: "deletion",
        branches: EVIDENCE,
        pass: Pass::Nobody,
        what: "no branch `fwgate/**` can be deleted, so none is deleted by itself after a merge",
        wrong: "a branch `fwgate/**` can be deleted, by hand or by itself after a merge",
        why: "a deleted branch takes rejections and holds with it",
    },
    Demand {
        id: "evidence-no-force-push",
        rule: "non_fast_forward",
        branches: EVIDENCE,
        pass: Pass::Nobody,
        what: "no branch `fwgate/**` can be rewritten",
        wrong: "a branch `fwgate/**` can be rewritten",
        why: "evidence only grows",
    },
    Demand {
        id: "ledger-only-by-deployer",
        rule: "update",
        branches: LEDGER,
        pass: Pass::DeployIdentity,
        what: "`fwgate/ledger` and `fwgate/log` are written by the deploy identity alone",
        wrong: "`fwgate/ledger` and `fwgate/log` are not the deploy identity's alone to write",
        why: "anybody else could stop every change by pushing there",
    },
    Demand {
        id: "ledger-made-once",
        rule: "creation",
        branches: LEDGER,
        pass: Pass::DeployIdentity,
        what: "`fwgate/ledger` and `fwgate/log` are made by the deploy identity alone, once, by `fwgate ledger init`",
        wrong: "`fwgate/ledger` and `fwgate/log` are not the deploy identity's alone to make",
        why: "whoever makes them first would begin the memory of the gate",
    },
    Demand {
        id: "names-not-made",
        rule: "creation",
        branches: NAMES,
        pass: Pass::Nobody,
        what: "no branch `fwgate` or `fwgate/changes` can be made",
        wrong: "a branch `fwgate` or `fwgate/changes` can be made",
        why: "in git a branch of that name makes every branch below it impossible",
    },
];

/// Judges an export.
///
/// # Errors
/// A file that is no answer of the API, or that holds the list of rulesets without their rules.
pub(super) fn judge(files: &[TreeFile], branch: &str) -> Result<Vec<Diagnosis>, Failure> {
    let export = Export::read(files)?;
    let mut out: Vec<Diagnosis> = DEMANDS.iter().map(|demand| held(demand, &export, branch)).collect();
    out.push(auto_delete(&export));
    out.push(advice(&export, branch, "pull_request", "protected-by-pull-request"));
    out.push(advice(&export, branch, "required_status_checks", "protected-by-check"));
    Ok(out)
}

/// Every branch of a demand must have an active rule over which nobody passes who should not.
fn held(demand: &Demand, export: &Export, branch: &str) -> Diagnosis {
    let named = |name: &&'static str| if *name == "~" { branch.to_owned() } else { (*name).to_owned() };
    let troubles: Vec<String> =
        demand.branches.iter().map(named).filter_map(|name| trouble(demand, export, branch, &name)).collect();
    match troubles.first() {
        None => well(demand.id, demand.what),
        Some(first) => lacks(demand.id, format!("{}: {first}; {}", demand.wrong, demand.why), mend(demand)),
    }
}

fn mend(demand: &Demand) -> String {
    let file = match (demand.branches, demand.pass) {
        (PROTECTED, _) => "protected-branch",
        (_, Pass::DeployIdentity) => "ledger",
        (NAMES, _) => "names",
        _ => "evidence",
    };
    super::files::apply(file)
}

/// Why a branch is not protected as demanded; `None` where some ruleset does it.
fn trouble(demand: &Demand, export: &Export, branch: &str, name: &str) -> Option<String> {
    let full = format!("refs/heads/{name}");
    let covering: Vec<&Ruleset> = export
        .rulesets
        .iter()
        .filter(|r| r.target == "branch" && r.has(demand.rule) && covers(r, &full, name == branch))
        .collect();
    if covering.is_empty() {
        return Some(format!("no ruleset has the rule `{}` for `{name}`", demand.rule));
    }
    let troubles: Vec<Option<String>> = covering.iter().map(|r| unfit(demand.pass, r)).collect();
    if troubles.iter().any(Option::is_none) { None } else { troubles.into_iter().flatten().next() }
}

/// Why a ruleset does not count.
fn unfit(pass: Pass, ruleset: &Ruleset) -> Option<String> {
    let name = &ruleset.name;
    if ruleset.enforcement != "active" {
        return Some(format!("the ruleset `{name}` is `{}`, not `active`", ruleset.enforcement));
    }
    let Some(actors) = &ruleset.bypass_actors else {
        return Some(format!(
            "the export of `{name}` does not say who may pass over it: export it as an administrator"
        ));
    };
    let machine = |actor: &Actor| ["DeployKey", "Integration"].contains(&actor.actor_type.as_str());
    match pass {
        Pass::Nobody if !actors.is_empty() => {
            Some(format!("`{}` may pass over the ruleset `{name}`", actors[0].actor_type))
        }
        Pass::DeployIdentity if actors.is_empty() => {
            Some(format!("nobody passes over `{name}`, so the ledger cannot be written"))
        }
        Pass::DeployIdentity => actors
            .iter()
            .find(|actor| !machine(actor))
            .map(|actor| format!("`{}` may pass over the ruleset `{name}`, too", actor.actor_type)),
        Pass::Nobody => None,
    }
}

fn covers(ruleset: &Ruleset, full: &str, is_protected: bool) -> bool {
    let any = |patterns: &[String]| {
        patterns.iter().any(|pattern| match pattern.as_str() {
            "~ALL" => true,
            "~DEFAULT_BRANCH" => is_protected,
            pattern => matches(pattern, full),
        })
    };
    any(&ruleset.include) && !any(&ruleset.exclude)
}

fn auto_delete(export: &Export) -> Diagnosis {
    let mend = "gh api --method PATCH repos/OWNER/REPO -F delete_branch_on_merge=false";
    match export.deletes_after_merge {
        Some(false) => well("no-auto-delete", "branches are not deleted by themselves after a merge"),
        Some(true) => lacks("no-auto-delete", "branches are deleted by themselves after a merge", mend),
        None => note(
            "no-auto-delete",
            "the export does not say whether branches are deleted after a merge",
            "gh api repos/OWNER/REPO > repository.json, and `--github repository.json`",
        ),
    }
}

/// What helps people and is no guard: the guard is `fwgate push`.
fn advice(export: &Export, branch: &str, rule: &str, id: &'static str) -> Diagnosis {
    let full = format!("refs/heads/{branch}");
    let has = export.rulesets.iter().any(|r| r.enforcement == "active" && r.has(rule) && covers(r, &full, true));
    match has {
        true => well(id, format!("`{branch}` has the rule `{rule}`")),
        false => note(id, format!("`{branch}` lacks the rule `{rule}`"), super::files::apply("protected-branch")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
