//! A repository in the middle of something: a server that is being pushed to, an index that is about to be committed.

use super::branch::evidence_root;
use super::error::VcsError;
use super::store::{CommitId, Repository};
use super::tree::{Leaf, Tree};
use std::path::Path;

impl Repository {
    /// Lets objects be read that a push has brought and nobody has accepted yet. Git keeps them in a folder within the server's
    /// own objects until the hook has passed.
    ///
    /// # Errors
    /// A folder that is not within this repository's objects, or is not there.
    pub fn open_quarantine(&self, folder: &Path) -> Result<(), VcsError> {
        let outside =
            || VcsError::Git(format!("the quarantine `{}` lies outside of the server's repository", folder.display()));
        let objects = self.git.commondir().join("objects").canonicalize().map_err(|_| outside())?;
        let real = folder.canonicalize().map_err(|_| outside())?;
        if real == objects || !real.starts_with(&objects) {
            return Err(outside());
        }
        let path = real.to_str().ok_or_else(outside)?;
        self.git.odb()?.add_disk_alternate(path).map_err(VcsError::from)
    }

    /// The files of the index, as the next commit would have them; `file` is git's index file, within the repository.
    ///
    /// # Errors
    /// An index that cannot be read, lies elsewhere, or holds conflicts; a path that is not UTF-8.
    pub fn staged(&self, file: Option<&Path>) -> Result<Tree, VcsError> {
        let own = self.git.path().join("index");
        let file = file.unwrap_or(&own);
        let outside = || VcsError::Git(format!("the index `{}` lies outside of the repository", file.display()));
        let around = self.git.commondir().canonicalize().map_err(|_| outside())?;
        let folder = file.parent().and_then(|p| p.canonicalize().ok()).ok_or_else(outside)?;
        if !folder.starts_with(&around) {
            return Err(outside());
        }
        let index = git2::Index::open(file)?;
        let mut out = Tree::default();
        for entry in index.iter() {
            if (entry.flags >> 12) & 3 != 0 {
                return Err(VcsError::Git("the index holds conflicts that are not resolved".to_owned()));
            }
            let path = String::from_utf8(entry.path);
            let path = path.map_err(|_| VcsError::Git("a path of the index is not UTF-8".to_owned()))?;
            let mode = i32::try_from(entry.mode).unwrap_or_default();
            out.leaves.insert(path, Leaf { mode, id: entry.id });
        }
        Ok(out)
    }

    /// Whether a commit is the fixed one with which every branch of evidence begins.
    ///
    /// # Errors
    /// Its id cannot be computed.
    pub fn is_evidence_root(&self, commit: CommitId) -> Result<bool, VcsError> {
        Ok(commit == evidence_root()?)
    }

    /// Commits from `new` along first parents down to `old`, which is left out; newest first. At most 10,000.
    ///
    /// # Errors
    /// A commit that cannot be read, or too many of them.
    pub fn first_parents(
        &self,
        old: Option<CommitId>,
        new: CommitId,
    ) -> Result<Vec<(CommitId, Option<CommitId>)>, VcsError> {
        let mut out = Vec::new();
        let mut at = Some(new);
        while let Some(id) = at.filter(|id| Some(*id) != old) {
            let parent = self.commit(id)?.parents.first().copied();
            out.push((id, parent));
            if out.len() > 10_000 {
                return Err(super::branch::too_large("the number of commits of one push", 10_000));
            }
            at = parent;
        }
        Ok(out)
    }

    /// A commit and those before it along first parents, newest first, at most so many.
    ///
    /// # Errors
    /// A commit that cannot be read.
    pub fn first_parents_of(&self, tip: CommitId, most: usize) -> Result<Vec<CommitId>, VcsError> {
        let mut out = Vec::new();
        let mut at = Some(tip);
        while let Some(id) = at.filter(|_| out.len() < most) {
            out.push(id);
            at = self.commit(id)?.parents.first().copied();
        }
        Ok(out)
    }
}
