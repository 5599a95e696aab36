//! A repository with its root: what the remote has, and what is read out of commits.

use super::reading::KnownChange;
use super::world::change_of;
use super::{GateArguments, RootArguments};
use crate::cli::failure::Failure;
use crate::cli::input::{InputError, Reader, Surroundings};
use crate::cli::rulesets::is_ruleset;
use crate::fleet::tree::Beside;
use crate::gate::{Proven, Reason, ReasonCode, Record, Root, inventory_of};
use crate::inventory::Inventory;
use crate::policy::Policy;
use crate::vcs::{Branch, CommitId, EvidenceSource, RawCommit, Remote, RemoteError, Repository, VcsError};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// A repository with the root that somebody gave, before anything is asked.
pub struct Session {
    /// Where the process stands.
    pub surroundings: Surroundings,
    /// The repository.
    pub repository: Repository,
    /// The bytes of the root file, or why there is none.
    pub root_bytes: Result<Vec<u8>, Reason>,
    /// What it says, where it can be read.
    pub root: Option<Root>,
    devices: String,
    /// Changes as they were read last, by id: evidence is fetched and judged at every call, and what depends on nothing that has
    /// changed is not computed again.
    pub(super) known: RefCell<BTreeMap<String, KnownChange>>,
    /// Signatures that were verified.
    pub(super) proven: Proven,
    pub(super) branches_read: Cell<usize>,
}

/// How much work a session did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Objects of the repository that were read, each time that one was.
    pub objects: usize,
    /// Signatures that were verified.
    pub signatures: usize,
    /// Branches of changes that were read for the last answer.
    pub branches: usize,
    /// States of all files that were listed, each time that one was.
    pub listings: usize,
    /// How often objects were asked of the remote.
    pub transfers: usize,
}

impl Session {
    /// Opens the repository around the working directory.
    ///
    /// # Errors
    /// There is none, or it cannot be opened.
    pub fn open(arguments: &GateArguments) -> Result<Session, Failure> {
        Session::open_root(&arguments.root)
    }

    /// The same for a command that is about no single change.
    ///
    /// # Errors
    /// There is none, or it cannot be opened.
    pub fn open_root(arguments: &RootArguments) -> Result<Session, Failure> {
        Session::open_at(Surroundings::of_process()?, arguments)
    }

    /// The same for a process that stands somewhere else.
    ///
    /// # Errors
    /// There is none, or it cannot be opened.
    pub fn open_at(surroundings: Surroundings, arguments: &RootArguments) -> Result<Session, Failure> {
        let found = Repository::discover(&surroundings.cwd).map_err(InputError::from)?;
        let repository =
            found.ok_or_else(|| Failure::new("this is no git repository").help("run this inside the repository"))?;
        let root_bytes = arguments.root_bytes(&surroundings, repository.root());
        let root = root_bytes.as_ref().ok().and_then(|bytes| Root::read(bytes).ok());
        Ok(Session {
            surroundings,
            repository,
            root_bytes,
            root,
            devices: arguments.devices.clone(),
            known: RefCell::default(),
            proven: Proven::default(),
            branches_read: Cell::default(),
        })
    }

    /// The remote that the root names.
    ///
    /// # Errors
    /// There is no root, or its remote is no address.
    pub fn remote(&self) -> Result<Remote<'_>, Reason> {
        let root = self.root.as_ref().ok_or_else(|| match &self.root_bytes {
            Err(reason) => reason.clone(),
            Ok(bytes) => root_flaw(bytes),
        })?;
        Remote::new(&self.repository, &root.remote).map_err(|e| of_remote(&e))
    }
    /// How much was done so far.
    pub fn effort(&self) -> Effort {
        Effort {
            objects: self.repository.reads(),
            signatures: self.proven.count(),
            branches: self.branches_read.get(),
            listings: self.repository.listings(),
            transfers: self.repository.transfers(),
        }
    }

    /// What the working tree holds otherwise than these files of a commit; see [`Reader::uncommitted`].
    ///
    /// # Errors
    /// As that.
    pub fn uncommitted(&self, committed: &crate::vcs::Tree, further: &[String]) -> Result<Vec<String>, InputError> {
        self.reader()?.uncommitted(&self.repository, committed, further)
    }

    /// The devices of a state of the repository's files.
    ///
    /// # Errors
    /// There are none, or some cannot be read.
    pub fn devices_at(&self, files: &crate::vcs::Tree) -> Result<crate::fleet::tree::ConfigTree, InputError> {
        Ok(self.reader()?.devices_of(&self.repository, files)?.accepted()?)
    }

    /// The inventory of a state of the repository's files, where the policy names one; what it says of devices completes their
    /// `device.toml`.
    ///
    /// # Errors
    /// Snapshots that cannot be read or are not understood.
    pub fn inventory_at(&self, policy: &Policy, files: &crate::vcs::Tree) -> Result<Option<Inventory>, Failure> {
        let reader = self.reader()?.with_beside(Beside::of(policy));
        Ok(inventory_of(policy, &reader.beside_of(&self.repository, files)?)?)
    }

    pub(super) fn reader(&self) -> Result<Reader<'_>, InputError> {
        Reader::new(&self.surroundings, &is_ruleset).with_devices(&self.devices)
    }

    pub(super) fn fetch(&self) -> Vec<Reason> {
        let Some(root) = &self.root else { return Vec::new() };
        let fetched = match self.remote() {
            Ok(remote) => remote.fetch(&root.protected).map_err(|e| of_remote(&e)),
            Err(reason) => Err(reason),
        };
        match fetched {
            Ok(fetched) => {
                self.fetch_pinned();
                fetched.rewritten.iter().map(|(branch, lost)| rewritten(branch, lost)).collect()
            }
            Err(reason) => vec![reason],
        }
    }

    /// Brings commits that announcements pin and that are not here: approvers need no checkout of the author's branch. What cannot be
    /// had is missed later, by name.
    fn fetch_pinned(&self) {
        let (Ok(remote), Ok(branches)) = (self.remote(), self.repository.evidence(&EvidenceSource::Fetched)) else {
            return;
        };
        let changes = branches.values().filter(|b| change_of(&b.name).is_some());
        let looked_at = |b: &'_ Branch| {
            let recent = || b.commits.iter().rev().take(MOST_LOOKED_AT);
            let announced = recent().find_map(pinned_by).into_iter().flatten();
            announced.chain(recent().filter_map(adopted_by)).collect::<Vec<String>>()
        };
        let is_missing = |id: &String| self.repository.commit_id(id).is_err();
        let missing: BTreeSet<String> = changes.flat_map(looked_at).filter(is_missing).take(MOST_FETCHED).collect();
        if !missing.is_empty() {
            let _ = remote.fetch_pinned(&missing);
        }
    }

    /// The protected branch along first parents, newest first, as far as bytes are looked for there.
    pub fn protected_line(&self, tip: Option<CommitId>) -> Vec<String> {
        let line = tip.and_then(|tip| self.repository.first_parents_of(tip, MOST_SOUGHT).ok());
        line.unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    pub(super) fn conditions(&self) -> Vec<Reason> {
        match self.repository.conditions() {
            Ok(all) => all.iter().map(|c| Reason::new(code(c.code()), c.to_string(), c.help())).collect(),
            Err(error) => vec![of_vcs(&error)],
        }
    }

    /// The protected branch's tip, as it was fetched last.
    pub(super) fn tip(&self, obstacles: &mut Vec<Reason>) -> Option<CommitId> {
        let name = &self.root.as_ref()?.protected;
        self.said(self.repository.remote_branch(&EvidenceSource::Fetched, name), obstacles).flatten()
    }

    pub(super) fn said<T>(&self, result: Result<T, VcsError>, obstacles: &mut Vec<Reason>) -> Option<T> {
        result.map_err(|error| obstacles.push(of_vcs(&error))).ok()
    }
}

/// How many commits of a branch are looked at for its latest announcement.
const MOST_LOOKED_AT: usize = 200;

/// How many commits of the protected branch are searched for bytes whose own commit is gone.
const MOST_SOUGHT: usize = 100;

/// How many pinned commits one call fetches.
const MOST_FETCHED: usize = 100;

/// The commits that a commit of evidence would pin, whoever signed it.
fn pinned_by(commit: &RawCommit) -> Option<[String; 2]> {
    match said_by(commit)? {
        Record::Change(change) => Some([change.base, change.head]),
        _ => None,
    }
}

/// The commit that holds what a commit of evidence would make a baseline, whoever signed it.
fn adopted_by(commit: &RawCommit) -> Option<String> {
    match said_by(commit)? {
        Record::Adopt(adopt) => Some(adopt.head),
        _ => None,
    }
}

fn said_by(commit: &RawCommit) -> Option<Record> {
    let text = std::str::from_utf8(&commit.bytes).ok()?;
    Record::read(text.split_once("\n\n")?.1).ok()
}

pub(super) fn code(name: &str) -> ReasonCode {
    ReasonCode::ALL.iter().copied().find(|c| c.name() == name).unwrap_or(ReasonCode::HistoryUnverifiable)
}

pub(super) fn of_vcs(error: &VcsError) -> Reason {
    let fix = error.help().unwrap_or_else(|| "mend the repository, and ask again".to_owned());
    Reason::new(code(error.permit_code()), error.to_string(), fix)
}

/// What a remote that gave or took nothing means for a permit.
pub fn of_remote(error: &RemoteError) -> Reason {
    let fix = error.help().unwrap_or_else(|| "fetch and try again".to_owned());
    Reason::new(error.code().map_or(ReasonCode::LedgerUnreachable, code), error.to_string(), fix)
}

fn rewritten(branch: &str, lost: &str) -> Reason {
    let is_ledger = branch == crate::gate::LEDGER_BRANCH;
    let code = if is_ledger { ReasonCode::LedgerFork } else { ReasonCode::HistoryRewritten };
    let short = lost.get(..12).unwrap_or(lost);
    let message = format!("`{branch}` does not hold {short} any more, which was there before");
    Reason::new(code, message, format!("let whoever has {short} push it again, and find out who took it away"))
}

fn root_flaw(bytes: &[u8]) -> Reason {
    let message = Root::read(bytes).err().map_or_else(String::new, |flaw| flaw.message);
    Reason::new(ReasonCode::RootMissing, message, "`fwgate init --root FILE` makes one")
}
