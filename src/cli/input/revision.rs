//! Trees in git: the devices of a revision or of a merge, and what stands at a path of a revision.

use super::{InputError, Reader, Strictness, relative, roles_above, roles_beside, shorten_names, split_roles};
use crate::dialect::InputFile;
use crate::fleet::Naming;
use crate::fleet::tree::{ConfigTree, Grouping, TreeInput, stem};
use crate::vcs::{self, Repository, Tree, VcsError};
use std::path::Path;

impl Reader<'_> {
    /// The devices of a revision, or what stands at `path` there.
    pub(super) fn tree_at(
        &self,
        repo: &Repository,
        name: &str,
        path: Option<&str>,
        grouping: Grouping,
    ) -> Result<ConfigTree, InputError> {
        let found = repo.resolve(name)?;
        let files = repo.tree(found.commit)?;
        match path.map(|p| p.trim_matches('/')) {
            Some(path) if path != self.devices => self.tree_at_path(repo, &files, (name, path), grouping),
            _ => self.repository_tree(repo, &files, name),
        }
    }

    /// The repository's devices in a state of its files, accepted or not.
    ///
    /// # Errors
    /// There is no folder of devices, or files that cannot be read.
    pub fn devices_of(&self, repo: &Repository, files: &Tree) -> Result<ConfigTree, InputError> {
        self.repository_tree(repo, files, "the protected branch")
    }

    /// The repository's devices in a state of its files.
    pub(super) fn repository_tree(
        &self,
        repo: &Repository,
        files: &Tree,
        revision: &str,
    ) -> Result<ConfigTree, InputError> {
        let roles_path = self.roles_path();
        let mut kept = vec![&*self.devices, &roles_path, "changes", "policies", "fwgate.toml"];
        kept.extend(self.beside.paths());
        vcs::refuse_twins(&files.paths().collect::<Vec<_>>(), &kept)?;
        let devices = self.entries(repo, files, &self.devices)?;
        if devices.is_empty() {
            let path = format!("{}/", self.devices);
            return Err(VcsError::NoSuchPath { path, revision: revision.to_owned() }.into());
        }
        let roles = self.entries(repo, files, &self.roles_path())?;
        let mut input = self.repository_input();
        input.files = relative(devices, &self.devices, Strictness::Repository)?;
        input.roles = relative(roles, &self.roles_path(), Strictness::Repository)?;
        input.beside = self.beside_of(repo, files)?;
        Ok(ConfigTree::of_folder(input, self.is_ruleset))
    }

    pub(super) fn tree_at_path(
        &self,
        repo: &Repository,
        files: &Tree,
        (revision, path): (&str, &str),
        grouping: Grouping,
    ) -> Result<ConfigTree, InputError> {
        let entries = self.entries(repo, files, path)?;
        if entries.is_empty() {
            return Err(VcsError::NoSuchPath { path: path.to_owned(), revision: revision.to_owned() }.into());
        }
        if entries.iter().all(|e| e.path == path) {
            vcs::refuse_irregular(&entries)?;
            let mut one: Vec<_> = entries.into_iter().map(|e| InputFile { name: e.path, bytes: e.bytes }).collect();
            shorten_names(&mut one);
            return Ok(ConfigTree::of_device(stem(path), one));
        }
        let mut input = TreeInput::new(path.rsplit('/').next().unwrap_or(path));
        let (roles, files_of_tree) = split_roles(relative(entries, path, Strictness::AdHoc)?);
        (input.beside, input.files) = self.beside.split(files_of_tree, self.is_ruleset);
        input.roles = roles;
        input.grouping = grouping;
        let beside = roles_beside(Path::new(path)).or_else(|| roles_above(Path::new(path), grouping));
        if let Some(roles) = beside.filter(|_| input.roles.is_empty()) {
            let roles = roles.to_string_lossy().into_owned();
            input.roles = relative(self.entries(repo, files, &roles)?, &roles, Strictness::AdHoc)?;
        }
        Ok(ConfigTree::of_folder(input, self.is_ruleset))
    }

    pub(super) fn repository_input(&self) -> TreeInput {
        let mut input = TreeInput::new(&self.devices);
        input.naming = Naming::Repository;
        input.shown_under = if self.devices.is_empty() { String::new() } else { format!("{}/", self.devices) };
        input
    }

    /// `roles/` stands beside the folder of the devices.
    pub(super) fn roles_path(&self) -> String {
        match self.devices.rsplit_once('/') {
            Some((above, _)) => format!("{above}/roles"),
            None => "roles".to_owned(),
        }
    }
}
