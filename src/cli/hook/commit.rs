//! `fwgate hook pre-commit`: the staged devices are read, and held against the protected branch's policy beside HEAD's.

use super::CommitArguments;
use crate::check::{CheckInput, run as judge};
use crate::cli::estate::Estates;
use crate::cli::exit::{Exit, PASSED, REFUSED};
use crate::cli::failure::Failure;
use crate::cli::gate::now;
use crate::cli::input::{InputError, Reader, Surroundings};
use crate::cli::rulesets::{is_ruleset, read_sides};
use crate::cli::screen::Screen;
use crate::diff::Bounds;
use crate::finding::{Finding, Severity};
use crate::fleet::tree::{Beside, ConfigTree};
use crate::gate::read_version;
use crate::policy::{Date, Policy};
use crate::report::visible;
use crate::vcs::{Repository, Tree};
use std::path::PathBuf;

/// Judges what is staged.
pub(super) fn pre_commit(arguments: &CommitArguments, screen: &Screen) -> Result<Exit, Failure> {
    let surroundings = Surroundings::of_process()?;
    let repository = Repository::discover(&surroundings.cwd).map_err(InputError::from)?;
    let repository = repository.ok_or_else(|| Failure::new("this is no git repository"))?;
    let index = std::env::var_os("GIT_INDEX_FILE").map(|file| surroundings.cwd.join(PathBuf::from(file)));
    let staged = repository.staged(index.as_deref()).map_err(InputError::from)?;
    let reader = Reader::new(&surroundings, &is_ruleset).with_devices(&arguments.devices)?;
    if !has_devices(&staged, &arguments.devices) {
        return Ok(PASSED);
    }
    let (policy, note) = policy(&repository, arguments);
    let reader = reader.with_beside(Beside::of(&policy));
    let mut proposed = reader.devices_of(&repository, &staged)?.accepted().map_err(InputError::from)?;
    let before = before(&repository, &reader, &arguments.devices)?;
    let mut baseline = before.unwrap_or_else(|| proposed.clone());
    let estates = Estates::read(&policy, &mut baseline, &mut proposed)?;
    let ready = read_sides(&baseline, &proposed, None)?;
    note.iter().for_each(|note| screen.hint(&format!("note: {note}\n")));
    let today = Date::of_unix_seconds(u64::try_from(now().0).unwrap_or_default());
    let report = judge(&CheckInput {
        baseline: &ready.baseline,
        proposed: &ready.proposed,
        policy: &policy,
        change: None,
        estate: estates.at(now().0),
        bounds: Bounds::default(),
        today,
    })?;
    let errors: Vec<&Finding> = report.findings.iter().filter(|f| f.severity == Severity::Error).collect();
    screen.answer(&errors.iter().map(|f| told(f)).collect::<String>())?;
    Ok(if errors.is_empty() { PASSED } else { REFUSED })
}

fn has_devices(tree: &Tree, devices: &str) -> bool {
    let folder = format!("{}/", devices.trim_end_matches('/'));
    tree.paths().any(|path| path.starts_with(&folder))
}

/// The devices of HEAD; `None` before the first commit, and where it has none or none that can be read.
fn before(repository: &Repository, reader: &Reader<'_>, devices: &str) -> Result<Option<ConfigTree>, Failure> {
    let Ok(head) = repository.resolve("HEAD") else { return Ok(None) };
    let tree = repository.tree(head.commit).map_err(InputError::from)?;
    if !has_devices(&tree, devices) {
        return Ok(None);
    }
    Ok(reader.devices_of(repository, &tree).ok().and_then(|t| t.accepted().ok()))
}

/// The protected branch's policy; without one nothing must hold, which is told.
fn policy(repository: &Repository, arguments: &CommitArguments) -> (Policy, Option<String>) {
    let tip = repository.protected_branch(arguments.policy_ref.as_deref());
    let version = tip.and_then(|tip| repository.policy_at(tip.commit));
    match version {
        Err(error) => (Policy::default(), Some(format!("no policy was asked: {error}"))),
        Ok(version) if version.files.is_empty() => (Policy::default(), None),
        Ok(version) => match read_version(&version) {
            Ok((policy, _)) => (policy, None),
            Err(_) => (Policy::default(), Some("the policy cannot be read: `fwgate policy verify`".to_owned())),
        },
    }
}

fn told(finding: &Finding) -> String {
    let device = finding.device.as_ref().map(|d| format!("{d}: ")).unwrap_or_default();
    let place = finding.location.as_ref().map(|l| format!(" ({}:{})", l.file, l.line)).unwrap_or_default();
    let help = finding.help.clone().unwrap_or_else(|| format!("`fwgate explain {}` says more", finding.code.id));
    let message = visible(&finding.message);
    format!("- {} {}: {device}{message}{place}\n  = help: {}\n", finding.code.id, finding.code.name, visible(&help))
}
