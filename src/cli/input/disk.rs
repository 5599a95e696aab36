//! Trees on the disk: a folder that somebody named, and a repository's working tree.

use super::folder::Links;
use super::{InputError, Reader, Strictness, name_of, plain, roles_above, roles_beside, split_roles};
use crate::fleet::tree::{ConfigTree, Grouping, TreeFile, TreeInput};
use crate::vcs::{EntryKind, Repository, VcsError};
use std::ffi::OsStr;
use std::path::Path;

impl Reader<'_> {
    /// A folder as a tree, or as one device.
    pub(super) fn folder_on_disk(&self, given: &OsStr, grouping: Grouping) -> Result<ConfigTree, InputError> {
        let (path, shown) = (self.path(given), given.to_string_lossy());
        let found = self.folder(&path, &shown, Links::WithinFolder)?;
        let (files, empty_folders) = plain(found, Strictness::AdHoc)?;
        let mut input = TreeInput::new(&name_of(&path));
        let (roles, files) = split_roles(files);
        (input.beside, input.files) = self.beside.split(files, self.is_ruleset);
        input.roles = roles;
        input.empty_folders = empty_folders;
        input.grouping = grouping;
        let whole = path.canonicalize().map_err(|e| InputError::unreadable(&path, &shown, &e))?;
        let beside = roles_beside(&whole).or_else(|| roles_above(&whole, grouping).filter(|roles| roles.is_dir()));
        if let Some(roles) = beside.filter(|_| input.roles.is_empty()) {
            input.roles = self.roles_on_disk(&roles, Strictness::AdHoc)?;
        }
        if let Some(root) = whole.parent().filter(|_| input.beside.is_empty() && whole.ends_with("devices")) {
            input.beside = self.beside_on_disk(root, Strictness::AdHoc)?;
        }
        Ok(ConfigTree::of_folder(input, self.is_ruleset))
    }

    fn roles_on_disk(&self, path: &Path, strictness: Strictness) -> Result<Vec<TreeFile>, InputError> {
        match path.symlink_metadata() {
            Ok(kind) if kind.is_dir() => Ok(plain(self.folder(path, "roles", strictness.links())?, strictness)?.0),
            Ok(_) => Err(VcsError::NotRegular { path: "roles".to_owned(), kind: EntryKind::Symlink }.into()),
            Err(_) => Ok(Vec::new()),
        }
    }

    /// The repository's devices in its working tree.
    ///
    /// # Errors
    /// As [`Reader::tree`]; links on the way to them.
    pub fn working_tree(&self, repo: &Repository) -> Result<ConfigTree, InputError> {
        let path = repo.root().join(&self.devices);
        self.refuse_links_on_the_way(repo)?;
        let found = self.folder(&path, &self.devices, Links::None)?;
        let (files, empty_folders) = plain(found, Strictness::Repository)?;
        let roles = self.roles_on_disk(&repo.root().join(self.roles_path()), Strictness::Repository)?;
        let mut input = self.repository_input();
        input.beside = self.beside_on_disk(&repo.root().join(self.above_devices()), Strictness::Repository)?;
        (input.files, input.roles, input.empty_folders) = (files, roles, empty_folders);
        Ok(ConfigTree::of_folder(input, self.is_ruleset))
    }

    fn refuse_links_on_the_way(&self, repo: &Repository) -> Result<(), InputError> {
        let mut at = repo.root().to_owned();
        for part in self.devices.split('/').filter(|p| !p.is_empty()) {
            at.push(part);
            if at.symlink_metadata().is_ok_and(|m| m.is_symlink()) {
                return Err(VcsError::NotRegular { path: self.devices.clone(), kind: EntryKind::Symlink }.into());
            }
        }
        Ok(())
    }
}
