//! What lies in the working tree and is in no commit yet.

use super::folder::{self, Links};
use super::{InputError, Reader};
use crate::fleet::tree::is_ignored_name;
use crate::vcs::{Repository, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where a policy stands.
const POLICY: [&str; 2] = ["fwgate.toml", "policies"];

impl Reader<'_> {
    /// Files of devices, roles and policy, and the further ones that are named, that hold something else in the working tree than
    /// in a commit, or stand in one of the two only; in order.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub fn uncommitted(
        &self,
        repo: &Repository,
        committed: &Tree,
        further: &[String],
    ) -> Result<Vec<String>, InputError> {
        let own = [self.devices.clone(), self.roles_path()];
        let places = own.iter().chain(further).map(String::as_str).chain(POLICY);
        self.differing(repo, committed, places)
    }

    /// Whether the policy of the working tree is another one than that of a commit.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub fn has_another_policy(&self, repo: &Repository, committed: &Tree) -> Result<bool, InputError> {
        Ok(!self.differing(repo, committed, POLICY.into_iter())?.is_empty())
    }

    /// Files at or below places that hold something else in the working tree than in a commit, or stand in one of the two only.
    fn differing<'p>(
        &self,
        repo: &Repository,
        committed: &Tree,
        places: impl Iterator<Item = &'p str>,
    ) -> Result<Vec<String>, InputError> {
        let mut out = BTreeSet::new();
        for place in places {
            let there = self.on_disk(repo, place)?;
            let kept = repo.entries(committed, place, &self.limits)?;
            let kept: BTreeMap<String, Arc<[u8]>> = kept.into_iter().map(|e| (e.path, e.bytes)).collect();
            let paths = there.keys().chain(kept.keys()).filter(|path| !is_ignored_name(path));
            out.extend(paths.filter(|path| there.get(*path) != kept.get(*path)).cloned());
        }
        Ok(out.into_iter().collect())
    }

    /// The files at or below a place, by their paths from the repository's root.
    fn on_disk(&self, repo: &Repository, place: &str) -> Result<BTreeMap<String, Arc<[u8]>>, InputError> {
        let path = repo.root().join(place);
        if path.is_dir() {
            let found = folder::read(&path, place, &self.limits, Links::None, &self.contents)?;
            return Ok(found.entries.into_iter().map(|e| (format!("{place}/{}", e.path), e.bytes)).collect());
        }
        match path.is_file() {
            true => Ok([(place.to_owned(), folder::read_given_file(&path, place, &self.limits)?.into())].into()),
            false => Ok(BTreeMap::new()),
        }
    }
}
