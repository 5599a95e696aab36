//! Branches of evidence: where their references are, and the walk from a head to the fixed root commit.

use super::error::VcsError;
use super::evidence::{Branch, RawCommit};
use super::store::{CommitId, Repository};
use git2::{ObjectType, Oid};
use std::collections::BTreeMap;

/// How many commits the branch of one change may have.
pub const MAX_CHANGE_COMMITS: usize = 5_000;

/// How many commits the ledger and the log may have: one every ten minutes for twenty years.
const MAX_CHAIN_COMMITS: usize = 1_050_000;

/// How many branches of evidence are read.
const MAX_BRANCHES: usize = 20_000;

/// More bytes than any commit of evidence has.
const MAX_COMMIT: u64 = 1 << 20;

/// The same for a merge of the log, which carries a permit and a policy.
const MAX_MERGE: u64 = 16 << 20;

/// The bytes of the commit with which every branch of evidence begins.
pub const EVIDENCE_ROOT: &[u8] = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\
author fwgate <fwgate@localhost> 0 +0000\ncommitter fwgate <fwgate@localhost> 0 +0000\n\nfwgate evidence\n";

/// Where a repository keeps the remote's branches. Only full names under it are looked at: no short name, no tag and no stale
/// local branch has a part in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvidenceSource {
    /// What fwgate itself fetched from the root's remote: `refs/fwgate/remote/`.
    Fetched,
    /// What `git fetch` brought from a remote of this name: `refs/remotes/NAME/`.
    Tracking(String),
    /// The repository is the remote itself: `refs/heads/`.
    Bare,
}

impl EvidenceSource {
    /// The full name under which a branch of the remote (`refs/heads/main`) is kept.
    pub fn local_name(&self, branch: &str) -> String {
        format!("{}{}", self.prefix(), branch.strip_prefix("refs/heads/").unwrap_or(branch))
    }

    fn prefix(&self) -> String {
        match self {
            EvidenceSource::Fetched => "refs/fwgate/remote/".to_owned(),
            EvidenceSource::Tracking(remote) => format!("refs/remotes/{remote}/"),
            EvidenceSource::Bare => "refs/heads/".to_owned(),
        }
    }
}

impl Repository {
    /// The full names of everything that was fetched of evidence, by fwgate or by git, of whatever remote.
    ///
    /// # Errors
    /// References that cannot be listed.
    pub fn evidence_names(&self) -> Result<Vec<String>, VcsError> {
        let mut names = self.reference_names("refs/remotes/*/fwgate/*")?;
        names.extend(self.reference_names("refs/fwgate/remote/fwgate/*")?);
        Ok(names)
    }

    /// All branches under `refs/heads/fwgate/` of the remote, by their full names there.
    ///
    /// # Errors
    /// References or objects that cannot be read; too many branches; a branch that stands where a folder of branches should be.
    pub fn evidence(&self, source: &EvidenceSource) -> Result<BTreeMap<String, Branch>, VcsError> {
        self.refuse_blocked(source)?;
        let prefix = source.prefix();
        let names = self.reference_names(&format!("{prefix}fwgate/*"))?;
        if names.len() > MAX_BRANCHES {
            return Err(too_large("the number of branches of evidence", MAX_BRANCHES));
        }
        let mut out = BTreeMap::new();
        for local in names {
            let Some(rest) = local.strip_prefix(&prefix) else { continue };
            let name = format!("refs/heads/{rest}");
            if let Some(head) = self.exact(&local)? {
                out.insert(name.clone(), self.evidence_branch(&name, head)?);
            }
        }
        Ok(out)
    }

    /// One branch of evidence from its head to the fixed root commit, along first parents. A commit that cannot be read, or has
    /// more than 1 MiB, ends the walk: whoever can push one spoils that branch and no other.
    ///
    /// # Errors
    /// The id of the fixed root commit cannot be computed.
    pub fn evidence_branch(&self, name: &str, head: CommitId) -> Result<Branch, VcsError> {
        let root = evidence_root()?;
        let bound = if name.starts_with("refs/heads/fwgate/changes/") { MAX_CHANGE_COMMITS } else { MAX_CHAIN_COMMITS };
        let most = if name == "refs/heads/fwgate/log" { MAX_MERGE } else { MAX_COMMIT };
        let (mut commits, mut at, mut is_whole) = (Vec::new(), Some(head), false);
        while let Some(id) = at.filter(|_| commits.len() < bound) {
            if id == root {
                is_whole = true;
                break;
            }
            let Ok((bytes, commit)) = self.evidence_commit(id, most) else { break };
            commits.push(RawCommit { id: id.to_string(), bytes });
            at = commit.parents.first().copied();
        }
        commits.reverse();
        Ok(Branch { name: name.to_owned(), commits, is_whole })
    }

    /// The commit of a branch of the remote, `refs/heads/main`; `None` where there is none.
    ///
    /// # Errors
    /// A reference that cannot be read.
    pub fn remote_branch(&self, source: &EvidenceSource, branch: &str) -> Result<Option<CommitId>, VcsError> {
        self.exact(&source.local_name(branch))
    }

    /// The bytes of any commit, at most 16 MiB.
    ///
    /// # Errors
    /// An id of another form, an object that is missing or no commit.
    pub fn raw_commit(&self, id: &str) -> Result<RawCommit, VcsError> {
        let commit = self.commit_id(id)?;
        Ok(RawCommit { id: id.to_owned(), bytes: self.object(commit.0, ObjectType::Commit, 16 << 20)?.into() })
    }

    /// The commit with this id of 40 digits, which must exist.
    ///
    /// # Errors
    /// An id of another form, an object that is missing or no commit.
    pub fn commit_id(&self, id: &str) -> Result<CommitId, VcsError> {
        let missing =
            || VcsError::MissingObject { id: id.to_owned(), reason: "it is no commit of this repository".to_owned() };
        let oid = Oid::from_str(id).ok().filter(|_| id.len() == 40).ok_or_else(missing)?;
        self.commit(CommitId(oid)).map(|_| CommitId(oid))
    }

    /// The commit that exactly this reference points to, through no symbolic reference and no tag.
    pub(super) fn exact(&self, full: &str) -> Result<Option<CommitId>, VcsError> {
        match self.git.find_reference(full) {
            Ok(reference) => Ok(reference.target().map(CommitId)),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A branch `fwgate` or `fwgate/changes` leaves no room for branches below it.
    fn refuse_blocked(&self, source: &EvidenceSource) -> Result<(), VcsError> {
        for branch in ["refs/heads/fwgate", "refs/heads/fwgate/changes"] {
            if self.exact(&source.local_name(branch))?.is_some() {
                return Err(VcsError::EvidenceBlocked { name: branch.to_owned() });
            }
        }
        Ok(())
    }
}

/// The id of the fixed root commit.
pub(super) fn evidence_root() -> Result<CommitId, VcsError> {
    Ok(CommitId(Oid::hash_object(ObjectType::Commit, EVIDENCE_ROOT)?))
}

pub(super) fn too_large(what: &str, bound: usize) -> VcsError {
    VcsError::TooLarge { what: what.to_owned(), bound: bound.to_string() }
}
