//! `fwgate policy`: whether a policy makes sense, who can approve what by it, and whether it is in force.

use super::answer::Format;
use super::exit::{Exit, PASSED, REFUSED};
use super::failure::Failure;
use super::gate::{GateArguments, Session, closed_branches, now};
use super::input::{Reader, Surroundings};
use super::rulesets::is_ruleset;
use super::screen::Screen;
use crate::gate::push::route::isolation;
use crate::gate::{
    BranchVoices, Chain, LEDGER_BRANCH, Ledger, Reason, Root, Roster, Voices, judge_chain, missing_voices,
    policy_digest, read_version,
};
use crate::policy::Policy;
use crate::report::{PolicyDocument, PolicyView, json_text, policy_human};
use crate::vcs::{EvidenceSource, PolicyVersion, Repository};
use clap::{Args, Subcommand};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The arguments of `fwgate policy`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  fwgate policy verify .\n  fwgate policy change CHG-7 --root root.toml")]
pub struct Arguments {
    /// What to do with it.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done with a policy.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check a policy, and say in words who can approve what by it
    Verify(VerifyArguments),
    /// Say how far a change of the policy has come: whose voices are there, and which are missing
    #[command(after_help = "Example:\n  fwgate policy change CHG-7 --root root.toml")]
    Change(GateArguments),
}

/// The arguments of `fwgate policy verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fwgate policy verify                      the protected branch's\n  fwgate policy verify .                    that of the working tree\n  \
                  fwgate policy verify --root root.toml     whether it is in force, by the records that were fetched"
)]
pub struct VerifyArguments {
    /// A policy file, or a folder with `fwgate.toml`; inside a repository, the protected branch's where it is not given
    #[arg(value_name = "FILE|DIR", conflicts_with_all = ["policy_ref", "root"])]
    pub policy: Option<OsString>,
    /// The protected branch
    #[arg(long, value_name = "REF", conflicts_with = "root")]
    pub policy_ref: Option<String>,
    /// The root file: judge the whole chain of versions
    #[arg(long, value_name = "FILE")]
    pub root: Option<OsString>,
    /// How to answer
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    pub format: Format,
}

/// What was found.
struct Verified {
    origin: String,
    policy: Option<Policy>,
    chain: Option<Chain>,
    reasons: Vec<Reason>,
}

/// Runs what the arguments name.
///
/// # Errors
/// A policy, root or repository that cannot be read at all.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let arguments = match &arguments.command {
        Command::Verify(arguments) => arguments,
        Command::Change(arguments) => return change(arguments, screen),
    };
    let mut verified = verify(arguments)?;
    // Which devices there are, a policy does not say: what staging shares with them, `fwgate stage` says.
    verified.reasons.extend(verified.policy.iter().flat_map(|policy| isolation(policy, &[])));
    let view = PolicyView {
        origin: &verified.origin,
        policy: verified.policy.as_ref(),
        chain: verified.chain.as_ref(),
        reasons: &verified.reasons,
    };
    let text = match arguments.format {
        Format::Human => policy_human(&view),
        Format::Json => json_text(&PolicyDocument::of(&view))?,
    };
    screen.answer(&text)?;
    Ok(if verified.reasons.is_empty() { PASSED } else { REFUSED })
}

/// Whose voices a change of the policy has, by the quorum of the version in force and by its own.
fn change(arguments: &GateArguments, screen: &Screen) -> Result<Exit, Failure> {
    let id = &arguments.change;
    let session = Session::open(arguments)?;
    let gathered = session.gather(id, now());
    let none = || {
        Failure::new(format!("{id} was never announced")).help(format!("the author signs it: `fwgate change new {id}`"))
    };
    let announced = gathered.announced.as_ref().ok_or_else(none)?;
    let repo = &session.repository;
    let version = repo
        .commit_id(&announced.head)
        .and_then(|head| repo.policy_at(head))
        .map_err(super::input::InputError::from)?;
    let digest = policy_digest(&version);
    let unread = |reasons: Vec<Reason>| {
        let failure = |r: &Reason| Failure::new(format!("{} [{}]", r.message, r.code)).help(r.fix.clone());
        Failure::Several(reasons.iter().map(failure).collect())
    };
    let (proposed, _) = read_version(&version).map_err(unread)?;
    let is_change = |b: &&crate::vcs::Branch| b.name.starts_with("refs/heads/fwgate/changes/");
    let branches = gathered.branches.values().filter(is_change);
    let voices = BranchVoices::new(branches, &gathered.ledger, gathered.now);
    let is_in_force = gathered.chain.versions.iter().any(|v| v.digest == digest);
    let before = gathered.chain.versions.iter().rfind(|v| v.version < proposed.version).map(|v| &v.policy);
    let number = proposed.version;
    let mut out = format!(
        "{id}: version {number} of the policy ({digest}), {}\n",
        if is_in_force { "in force" } else { "not in force" }
    );
    let mut lacks = false;
    for by in before.into_iter().chain([&proposed]) {
        let said: BTreeSet<String> = voices
            .of(by)
            .into_iter()
            .filter(|v| v.version == number && v.policy == digest && !v.is_author)
            .map(|v| format!("{} as {}", v.person, v.role))
            .collect();
        let said = if said.is_empty() { "nobody".to_owned() } else { said.into_iter().collect::<Vec<_>>().join(", ") };
        let missing = missing_voices(by, number, digest, &voices);
        lacks |= missing.is_some();
        out += &format!(
            "  quorum of version {}: {said}; {}\n",
            by.version,
            missing.unwrap_or_else(|| "complete".to_owned())
        );
    }
    out += &match (is_in_force, lacks) {
        (true, _) => String::new(),
        (false, true) => format!("next: `fwgate change approve {id} --role ROLE`\n"),
        (false, false) => "next: merge it; it is in force once its bytes are on the protected branch\n".to_owned(),
    };
    screen.answer(&out)?;
    Ok(if is_in_force || !lacks { PASSED } else { REFUSED })
}

fn verify(arguments: &VerifyArguments) -> Result<Verified, Failure> {
    let surroundings = Surroundings::of_process()?;
    if let Some(given) = &arguments.policy {
        return Ok(single(&given.to_string_lossy(), &given_version(&surroundings, given)?));
    }
    let none =
        || Failure::new("there is no git repository here").help("name a policy file or a folder with `fwgate.toml`");
    let repo = Repository::discover(&surroundings.cwd).map_err(super::input::InputError::from)?.ok_or_else(none)?;
    match &arguments.root {
        Some(root) => by_root(&surroundings, &repo, root),
        None => {
            let tip = repo.protected_branch(arguments.policy_ref.as_deref()).map_err(super::input::InputError::from)?;
            let version = repo.policy_at(tip.commit).map_err(super::input::InputError::from)?;
            Ok(single(&tip.name, &version))
        }
    }
}

fn single(origin: &str, version: &PolicyVersion) -> Verified {
    let (policy, reasons) = match read_version(version) {
        Ok((policy, reasons)) => (Some(policy), reasons),
        Err(reasons) => (None, reasons),
    };
    Verified { origin: origin.to_owned(), policy, chain: None, reasons }
}

/// A policy outside of git: one file, or `fwgate.toml` and `policies/` of a folder.
fn given_version(surroundings: &Surroundings, given: &OsStr) -> Result<PolicyVersion, Failure> {
    let reader = Reader::new(surroundings, &is_ruleset);
    let path = surroundings.cwd.join(given);
    let mut files = Vec::new();
    if path.is_dir() {
        let file = Path::new(given).join("fwgate.toml");
        files.push(("fwgate.toml".to_owned(), reader.named_file(file.as_os_str())?.bytes));
        let folder = Path::new(given).join("policies");
        if surroundings.cwd.join(&folder).is_dir() {
            let inner = reader.policy_files(folder.as_os_str())?;
            files.extend(inner.into_iter().map(|f| (format!("policies/{}", f.path), f.bytes)));
        }
    } else {
        files.push(("fwgate.toml".to_owned(), reader.named_file(given)?.bytes));
    }
    let files = files.into_iter().map(|(path, bytes)| (path, bytes.to_vec())).collect();
    Ok(PolicyVersion { commit: String::new(), files, irregular: Vec::new() })
}

/// The chain of the root's protected branch, by the evidence that was fetched.
fn by_root(surroundings: &Surroundings, repo: &Repository, root: &OsStr) -> Result<Verified, Failure> {
    let bytes = Reader::new(surroundings, &is_ruleset).named_file(root)?.bytes;
    let read = Root::read(&bytes).map_err(|flaw| {
        Failure::new(flaw.to_string())
            .help("`fwgate init --root FILE` writes a root file, and nobody writes one by hand")
    })?;
    let (source, tip) = protected_tip(repo, &read.protected)?;
    let versions = repo.policy_versions(tip).map_err(super::input::InputError::from)?;
    let branches = repo.evidence(&source).map_err(super::input::InputError::from)?;
    let policies: Vec<Policy> =
        versions.iter().filter_map(|v| read_version(v).ok()).map(|(policy, _)| policy).collect();
    let (now, roster) = (now(), Roster::of_versions(&policies.iter().collect::<Vec<_>>()));
    let ledger = Ledger::read(branches.get(LEDGER_BRANCH), &roster, now);
    let kept = closed_branches(repo, &branches).map_err(super::input::InputError::from)?;
    let open = branches.values().filter(|b| b.name.starts_with("refs/heads/fwgate/changes/"));
    let voices = BranchVoices::new(open.chain(&kept), &ledger, now);
    let witnessed = ledger.last_witness().map(|w| (w.policy, w.at));
    let chain = judge_chain(Some(&bytes), &versions, &voices, witnessed);
    let reasons = chain.reasons.clone();
    Ok(Verified { origin: read.repository, policy: chain.policy().cloned(), chain: Some(chain), reasons })
}

/// The protected branch as fwgate fetched it, else as git did, else the repository's own.
fn protected_tip(repo: &Repository, branch: &str) -> Result<(EvidenceSource, crate::vcs::CommitId), Failure> {
    for source in [EvidenceSource::Fetched, EvidenceSource::Tracking("origin".to_owned()), EvidenceSource::Bare] {
        if let Some(tip) = repo.remote_branch(&source, branch).map_err(super::input::InputError::from)? {
            return Ok((source, tip));
        }
    }
    let failure = Failure::new(format!("there is no branch `{branch}`, which the root names"));
    Err(failure.help("fetch the root's remote: `git fetch origin`"))
}
