//! `fwgate audit`: the log and the root, and nothing else, say who decided what on which evidence.

use super::exit::{Exit, PASSED, REFUSED};
use super::failure::Failure;
use super::gate::{RootArguments, Session, now};
use super::output::{check_writable, write_atomically};
use super::screen::Screen;
use crate::gate::audit::{Archive, Audit, Fault, audit, sample};
use crate::gate::{
    Branch, Instant, LEDGER_BRANCH, LOG_BRANCH, LogEntry, OrdinaryCommit, PolicyVersion, Reason, ReasonCode,
};
use crate::report::{AuditDocument, Sampled, audit_csv, audit_markdown, json_text};
use crate::vcs::{CommitId, EvidenceSource, Repository, VcsError};
use clap::{Args, Subcommand, ValueEnum};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The arguments of `fwgate audit`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Exit codes: 0 every chain holds and every change was right then, 1 not, 2 no verdict.\n\nExamples:\n  \
                  fwgate audit --root root.toml\n  fwgate audit --root root.toml --since 2026-01-01 --format csv --out 2026.csv\n  \
                  fwgate audit --root root.toml --compromised SHA256:...=2026-03-01T00:00:00Z\n  \
                  fwgate audit sample --root root.toml --n 25 --seed 2026-Q4"
)]
pub struct Arguments {
    /// A part of it.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What is audited, and how it is written.
    #[command(flatten)]
    pub whole: WholeArguments,
}

/// Parts of an audit.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// So many changes, the same ones for the same seed
    Sample(SampleArguments),
}

/// The arguments of `fwgate audit sample`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fwgate audit sample --root root.toml --n 25 --seed 2026-Q4")]
pub struct SampleArguments {
    /// What is audited, and how it is written.
    #[command(flatten)]
    pub whole: WholeArguments,
    /// How many
    #[arg(long, value_name = "N")]
    pub n: usize,
    /// What decides which: any text, chosen by the auditor
    #[arg(long, value_name = "SEED")]
    pub seed: String,
}

/// What is audited, and how it is written.
#[derive(Debug, Args)]
pub struct WholeArguments {
    /// Where trust comes from
    #[command(flatten)]
    pub root: RootArguments,
    /// How to write it
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    pub format: Format,
    /// Only changes that were decided from then on: `2026-01-01` or `2026-01-01T00:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub since: Option<Instant>,
    /// Where to write it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Changes that have not come to an end as well
    #[arg(long)]
    pub open: bool,
    /// Ask no remote: by what was fetched
    #[arg(long)]
    pub offline: bool,
    /// A key that somebody else may have had, and since when
    #[arg(long, value_name = "SHA256:...=TIME", value_parser = parse_compromised)]
    pub compromised: Vec<(String, Instant)>,
}

/// How an audit is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Markdown,
    /// One document, `fwgate.audit/1`
    Json,
    /// One row a change
    Csv,
}

fn parse_time(text: &str) -> Result<Instant, String> {
    let day = format!("{text}T00:00:00Z");
    let read = Instant::read(text).or_else(|| Instant::read(&day));
    read.ok_or_else(|| "write `2026-01-01` or `2026-01-01T00:00:00Z`".to_owned())
}

fn parse_compromised(text: &str) -> Result<(String, Instant), String> {
    let form = || "write the fingerprint, `=`, and the time: `SHA256:...=2026-03-01T00:00:00Z`".to_owned();
    let (key, since) = text
        .rsplit_once('=')
        .filter(|(key, _)| key.starts_with("SHA256:") || key.starts_with("OPENPGP:"))
        .ok_or_else(form)?;
    Ok((key.to_owned(), parse_time(since)?))
}

/// Audits.
///
/// # Errors
/// No repository, no root, objects that cannot be read, a file that cannot be written.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let (whole, sampling) = match &arguments.command {
        Some(Command::Sample(sample)) => (&sample.whole, Some(sample)),
        None => (&arguments.whole, None),
    };
    if let Some(path) = &whole.out {
        check_writable(path)?;
    }
    let mut found = audited(whole)?;
    if let Some(since) = whole.since {
        found.changes.retain(|c| Instant::read(&c.judged).is_none_or(|at| at >= since));
    }
    if !whole.open {
        found.changes.retain(|c| c.closed.is_some());
    }
    found.is_sound = found.broken.is_empty() && found.changes.iter().all(|c| c.is_right);
    let is_sound = found.is_sound;
    let sampled = sampling.map(|s| Sampled { n: s.n, seed: s.seed.clone(), of: found.changes.len() });
    if let Some(s) = &sampled {
        found.changes = sample(found.changes, s.n, &s.seed);
    }
    let text = match whole.format {
        Format::Json => json_text(&AuditDocument::of(&found, sampled.as_ref()))?,
        Format::Csv => audit_csv(&found),
        Format::Markdown => audit_markdown(&found, sampled.as_ref()),
    };
    match &whole.out {
        Some(path) => write_atomically(path, text.as_bytes())?,
        None => screen.answer(&text)?,
    }
    Ok(if is_sound { PASSED } else { REFUSED })
}

fn audited(arguments: &WholeArguments) -> Result<Audit, Failure> {
    let session = Session::open_root(&arguments.root)?;
    let root = session.root_bytes.as_ref();
    let root = root.map_err(|r| Failure::new(format!("{} [{}]", r.message, r.code)).help(r.fix.clone()))?;
    let protected = session.root.as_ref().map(|r| r.protected.clone()).unwrap_or_default();
    let asked = if arguments.offline { None } else { Some(session.ask()) };
    let (unreachable, rewritten): (Vec<Reason>, Vec<Reason>) =
        asked.iter().flatten().cloned().partition(|r| r.code == ReasonCode::LedgerUnreachable);
    let is_fresh = asked.is_some() && unreachable.is_empty();
    let source = if is_fresh { EvidenceSource::Fetched } else { source(&session.repository)? };
    let gathering = Gathering { repository: &session.repository, source };
    let held = gathering.held(arguments.open, &protected).map_err(super::input::InputError::from)?;
    let mut found = audit(&Archive {
        root,
        log: &held.log,
        ledger: &held.ledger,
        changes: &held.changes,
        versions: &held.versions,
        compromised: &arguments.compromised.iter().cloned().collect(),
        now: now(),
    });
    found.notes.extend(unreachable.iter().map(|r| format!("the remote could not be asked: {}", r.message)));
    found.broken.extend(rewritten.iter().map(lost));
    Ok(found)
}

/// A branch that lost what was seen of it: of the log, a broken chain.
fn lost(reason: &Reason) -> Fault {
    let is_log = reason.message.contains(&format!("`{LOG_BRANCH}`"));
    let code = if is_log { ReasonCode::AuditChainBroken } else { reason.code };
    Fault { code: code.name().to_owned(), message: reason.message.clone() }
}

/// Where the log is: as fwgate fetched it, else as git did, else in the repository itself.
fn source(repository: &Repository) -> Result<EvidenceSource, Failure> {
    for source in [EvidenceSource::Fetched, EvidenceSource::Tracking("origin".to_owned()), EvidenceSource::Bare] {
        let log = repository.remote_branch(&source, LOG_BRANCH).map_err(super::input::InputError::from)?;
        if log.is_some() {
            return Ok(source);
        }
    }
    Ok(EvidenceSource::Fetched)
}

struct Gathering<'a> {
    repository: &'a Repository,
    source: EvidenceSource,
}

/// The objects of an archive.
struct Held {
    log: Branch,
    ledger: Branch,
    changes: BTreeMap<String, Branch>,
    versions: Vec<PolicyVersion>,
}

impl Gathering<'_> {
    fn held(&self, with_open: bool, protected: &str) -> Result<Held, VcsError> {
        let log = self.branch(LOG_BRANCH)?;
        let merges: Vec<OrdinaryCommit> = log.commits.iter().map(|raw| OrdinaryCommit::read(&raw.bytes)).collect();
        let mut changes = BTreeMap::new();
        for merge in merges.iter().rev() {
            let (Some(said), Some(head)) = (LogEntry::read(&merge.message), merge.parents.get(1)) else { continue };
            if let Entry::Vacant(place) = changes.entry(said.change.clone()) {
                let name = format!("refs/heads/fwgate/changes/{}", said.change);
                place.insert(self.repository.evidence_branch(&name, self.repository.commit_id(head)?)?);
            }
        }
        let entries = merges.iter().rev().filter_map(|m| m.parents.get(2));
        let ledger = self.ledger(entries)?;
        let mut versions = Vec::new();
        if with_open || merges.is_empty() {
            for branch in self.repository.evidence(&self.source)?.into_values() {
                let Some(id) = branch.name.strip_prefix("refs/heads/fwgate/changes/").map(str::to_owned) else {
                    continue;
                };
                changes.entry(id).or_insert(branch);
            }
            if let Some(tip) = self.repository.remote_branch(&self.source, protected)? {
                versions = self.repository.policy_versions(tip)?;
            }
        }
        Ok(Held { log, ledger, changes, versions })
    }

    fn branch(&self, name: &str) -> Result<Branch, VcsError> {
        match self.repository.remote_branch(&self.source, name)? {
            Some(head) => self.repository.evidence_branch(name, head),
            None => Ok(Branch { name: name.to_owned(), commits: Vec::new(), is_whole: true }),
        }
    }

    /// The ledger: its branch, where that has every entry that the log names, else the longest that the log brings.
    fn ledger<'m>(&self, entries: impl Iterator<Item = &'m String>) -> Result<Branch, VcsError> {
        let mut longest = self.branch(LEDGER_BRANCH)?;
        let mut known: BTreeSet<String> = longest.commits.iter().map(|c| c.id.clone()).collect();
        for entry in entries {
            if known.contains(entry) {
                continue;
            }
            let head: CommitId = self.repository.commit_id(entry)?;
            let other = self.repository.evidence_branch(LEDGER_BRANCH, head)?;
            if other.commits.len() > longest.commits.len() {
                known = other.commits.iter().map(|c| c.id.clone()).collect();
                longest = other;
            }
        }
        Ok(longest)
    }
}
