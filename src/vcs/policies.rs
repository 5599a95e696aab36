//! Versions of the policy along the protected branch's first parents: told apart by the ids of tree entries, so that ten
//! thousand commits with few policies cost ten thousand small reads.

use super::branch::too_large;
use super::entry::{Entry, EntryKind};
use super::error::VcsError;
use super::evidence::PolicyVersion;
use super::store::{CommitId, Repository};
use super::tree::Limits;
use git2::Oid;

/// How many commits of the protected branch are looked at.
const MAX_LINE: usize = 1_000_000;

/// How many versions of a policy are read.
const MAX_VERSIONS: usize = 10_000;

/// What a commit holds at the policy's two paths, by the entries of its root tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark {
    file: Option<(i32, Oid)>,
    folder: Option<(i32, Oid)>,
}

impl Repository {
    /// Every run of commits with one policy on the first-parent line that ends at `tip`, oldest first. A policy that comes back is
    /// listed again; a run without any policy is listed with no files, but for one at the very beginning.
    ///
    /// # Errors
    /// Objects that cannot be read, bounds that are passed.
    pub fn policy_versions(&self, tip: CommitId) -> Result<Vec<PolicyVersion>, VcsError> {
        let mut runs: Vec<(CommitId, Mark)> = Vec::new();
        let (mut at, mut count) = (Some(tip), 0_usize);
        while let Some(id) = at {
            let head = self.commit(id)?;
            let mark = self.mark(head.tree)?;
            match runs.last_mut() {
                Some(last) if last.1 == mark => last.0 = id,
                _ => runs.push((id, mark)),
            }
            count += 1;
            if count > MAX_LINE || runs.len() > MAX_VERSIONS {
                return Err(too_large("the number of versions of the policy", MAX_VERSIONS));
            }
            at = head.parents.first().copied();
        }
        if runs.len() > 1 && runs.last().is_some_and(|(_, mark)| *mark == Mark::default()) {
            runs.pop();
        }
        runs.into_iter().rev().map(|(id, _)| self.policy_at(id)).collect()
    }

    /// The policy of one commit.
    ///
    /// # Errors
    /// Objects that cannot be read, bounds that are passed.
    pub fn policy_at(&self, commit: CommitId) -> Result<PolicyVersion, VcsError> {
        let (tree, limits) = (self.tree(commit)?, Limits::default());
        let mut entries = self.entries(&tree, "fwgate.toml", &limits)?;
        entries.extend(self.entries(&tree, "policies", &limits)?);
        let (regular, irregular): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|e| e.kind == EntryKind::File);
        Ok(PolicyVersion {
            commit: commit.to_string(),
            files: regular.into_iter().map(|e| (e.path, e.bytes.to_vec())).collect(),
            irregular: irregular.into_iter().map(|e| (e.path, e.kind)).collect(),
        })
    }

    fn mark(&self, tree: Oid) -> Result<Mark, VcsError> {
        let missing = |e: git2::Error| VcsError::MissingObject { id: tree.to_string(), reason: e.message().to_owned() };
        let tree = self.git.find_tree(tree).map_err(missing)?;
        let held = |name: &str| tree.get_name(name).map(|entry| (entry.filemode_raw(), entry.id()));
        Ok(Mark { file: held("fwgate.toml"), folder: held("policies") })
    }
}
