//! `fwgate init --root FILE` where the policy is there already: the root is written for what it says now, as long as nothing
//! has been signed by it.

use super::{Arguments, FIRST, check_policy, next, refuse_inside, root_of, version_of};
use crate::cli::exit::{Exit, PASSED};
use crate::cli::failure::Failure;
use crate::cli::failure::system_words;
use crate::cli::input::{InputError, Surroundings};
use crate::cli::output::write_atomically;
use crate::cli::screen::Screen;
use crate::gate::{LEDGER_BRANCH, Root, read_version};
use crate::policy::Policy;
use crate::vcs::{EvidenceSource, PolicyVersion, Repository};
use std::path::Path;

/// Writes the root for the policy of the working tree.
///
/// # Errors
/// There is no policy, it is not valid or not the first version, its ledger has begun; a root of another repository.
pub(super) fn again(
    arguments: &Arguments,
    surroundings: &Surroundings,
    repository: &Repository,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let path = surroundings.cwd.join(arguments.root_file());
    refuse_inside(&path, repository.root())?;
    let version = present_version(repository.root())?;
    check_policy(&version)?;
    let policy = read_version(&version).map(|(policy, _)| policy).unwrap_or_default();
    let before = root_before(&path)?;
    refuse_begun(arguments, repository, &policy, before.as_ref())?;
    let root = renewed(arguments, &version, &policy, before.as_ref())?;
    let shown = arguments.root_file().display();
    if before.as_ref() == Some(&root) {
        screen.answer(&format!("{shown} names the policy as it is: version {} ({})\n", policy.version, root.policy))?;
        return Ok(PASSED);
    }
    write_atomically(&path, root.to_string().as_bytes())?;
    let number = policy.version;
    screen.answer(&match before {
        Some(old) => format!(
            "wrote {shown} again: version {number} of the policy is {}, no longer {}\n",
            root.policy, old.policy
        ),
        None => format!("wrote {shown}, the root: version {number} of the policy ({})\n", root.policy),
    })?;
    screen.hint(&format!("next:\n{}", next(&root, arguments.root_file())));
    Ok(PASSED)
}

/// The policy of the working tree.
pub(super) fn present_version(folder: &Path) -> Result<PolicyVersion, Failure> {
    let path = folder.join(FIRST);
    let unread = |e: std::io::Error| {
        let failure = Failure::new(format!("`fwgate.toml` cannot be read: {}", system_words(e.kind())));
        failure.help("`fwgate init --two` or `--four` writes a first policy")
    };
    version_of(folder, FIRST, &std::fs::read_to_string(path).map_err(unread)?)
}

/// The root that an earlier call wrote there.
fn root_before(path: &Path) -> Result<Option<Root>, Failure> {
    let none = |why: String| {
        let failure = Failure::new(format!("`{}` is there and no root file: {why}", path.display()));
        failure.help("name another file with `--root`")
    };
    match std::fs::read(path) {
        Ok(bytes) => Root::read(&bytes).map(Some).map_err(|flaw| none(flaw.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(none(error.kind().to_string())),
    }
}

/// A policy by which something was signed changes by its own rules, not by another root.
fn refuse_begun(
    arguments: &Arguments,
    repository: &Repository,
    policy: &Policy,
    before: Option<&Root>,
) -> Result<(), Failure> {
    const LATER: &str = "change it as policy says: `version` + 1, and `fwgate change new` with `class = \"policy\"`; after a lost quorum, \
                         `--lost-quorum` and a new file";
    if arguments.lost_quorum {
        let failure = || Failure::new(format!("`{}` is there already", arguments.root_file().display()));
        return before
            .map_or(Ok(()), |_| Err(failure().help("the root after a lost quorum is a new file; keep the old one")));
    }
    if policy.version != 1 {
        return Err(Failure::new(format!("the policy is at version {}, and a root names the first", policy.version))
            .help(LATER));
    }
    for source in [EvidenceSource::Fetched, EvidenceSource::Tracking("origin".to_owned()), EvidenceSource::Bare] {
        if repository.remote_branch(&source, LEDGER_BRANCH).map_err(InputError::from)?.is_some() {
            return Err(
                Failure::new("the ledger of this repository has begun, so that its root stays as it is").help(LATER)
            );
        }
    }
    Ok(())
}

/// What the arguments say, else the policy, else the root that was there.
fn renewed(
    arguments: &Arguments,
    version: &PolicyVersion,
    policy: &Policy,
    before: Option<&Root>,
) -> Result<Root, Failure> {
    let given = arguments.repository.clone().or_else(|| policy.repository.clone());
    let repository = given.or_else(|| before.map(|r| r.repository.clone()));
    let repository = repository
        .ok_or_else(|| Failure::new("nothing says the id of the repository").help("give `--repository ID`"))?;
    if let Some(other) = before.filter(|r| r.repository != repository) {
        let failure = Failure::new(format!(
            "`{}` is the root of `{}`, not of `{repository}`",
            arguments.root_file().display(),
            other.repository
        ));
        return Err(failure.help("name another file with `--root`"));
    }
    let remote = arguments.remote.clone().or_else(|| before.map(|r| r.remote.clone()));
    let remote = remote
        .ok_or_else(|| Failure::new("nothing says which remote keeps the evidence").help("give `--remote URL`"))?;
    let protected = arguments.protected.clone().or_else(|| before.map(|r| r.protected.clone()));
    let all = Arguments { remote: Some(remote), protected, ..arguments.clone() };
    let keys = policy.persons.iter().flat_map(|p| &p.keys).map(|k| k.text.value.as_str());
    let mut root = root_of(&all, repository, version, keys)?;
    root.signers.sort();
    root.signers.dedup();
    Ok(root)
}
