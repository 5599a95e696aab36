//! Zones and snapshots of the inventory: files that stand beside the devices, found on the disk or in git.

use super::folder::{self, Links};
use super::{InputError, Reader, Strictness, plain, relative};
use crate::fleet::tree::{Beside, TreeFile, is_ignored_name};
use crate::vcs::{EntryKind, Repository, Tree, VcsError};
use std::path::Path;

impl Reader<'_> {
    /// The same reader, with zones and snapshots where a policy says.
    #[must_use]
    pub fn with_beside(mut self, beside: Beside) -> Self {
        self.beside = beside;
        self
    }

    /// Those below a folder of the disk.
    pub(super) fn beside_on_disk(&self, root: &Path, strictness: Strictness) -> Result<Vec<TreeFile>, InputError> {
        let mut out = Vec::new();
        for path in &self.beside.folders {
            match root.join(path).symlink_metadata() {
                Ok(kind) if kind.is_dir() => {
                    let found = self.folder(&root.join(path), path, strictness.links())?;
                    let files = plain(found, strictness)?.0.into_iter();
                    out.extend(files.map(|f| TreeFile { path: format!("{path}/{}", f.path), bytes: f.bytes }));
                }
                Ok(kind) if kind.is_symlink() && strictness.links() == Links::None => return Err(is_link(path)),
                _ => {}
            }
        }
        for path in &self.beside.files {
            match root.join(path).symlink_metadata() {
                Ok(kind) if kind.is_symlink() && strictness.links() == Links::None => return Err(is_link(path)),
                Ok(_) => {
                    let bytes = folder::read_given_file(&root.join(path), path, &self.limits)?;
                    out.push(TreeFile { path: path.clone(), bytes: self.contents.hold(&bytes) });
                }
                Err(_) => {}
            }
        }
        Ok(self.counting(out))
    }

    /// Those of a state of a repository, beside its devices.
    ///
    /// # Errors
    /// Files that cannot be read, or are none.
    pub fn beside_of(&self, repo: &Repository, files: &Tree) -> Result<Vec<TreeFile>, InputError> {
        self.beside_in(repo, files, self.above_devices())
    }

    /// Those of a state of a repository.
    pub(super) fn beside_in(&self, repo: &Repository, files: &Tree, root: &str) -> Result<Vec<TreeFile>, InputError> {
        let mut out = Vec::new();
        for path in self.beside.paths() {
            let path = if root.is_empty() { path.to_owned() } else { format!("{root}/{path}") };
            let entries = self.entries(repo, files, &path)?;
            out.extend(relative(entries, root, Strictness::Repository)?);
        }
        Ok(self.counting(out))
    }

    /// The folder that holds the devices' one, from the repository's root.
    pub(super) fn above_devices(&self) -> &str {
        self.devices.rsplit_once('/').map_or("", |(above, _)| above)
    }

    fn counting(&self, mut files: Vec<TreeFile>) -> Vec<TreeFile> {
        files.retain(|f| !is_ignored_name(&f.path) && self.beside.holds(&f.path));
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        files
    }
}

fn is_link(path: &str) -> InputError {
    VcsError::NotRegular { path: path.to_owned(), kind: EntryKind::Symlink }.into()
}
