//! What files that somebody named include: files of the folder that each lies in, and of no other.

use super::error::InputError;
use super::folder::{self, read_given_file};
use super::{Reader, revision_of};
use crate::dialect::InputFile;
use crate::dialect::nftables::includes::{absolute, matching};
use crate::fleet::tree::reached;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Reader<'_> {
    /// The files that `files` include; of `files` those are removed that another one of them includes.
    pub(super) fn includes_of(
        &self,
        given: &[OsString],
        files: &mut Vec<InputFile>,
    ) -> Result<Vec<InputFile>, InputError> {
        let mut all: BTreeMap<String, InputFile> = BTreeMap::new();
        for (given, file) in given.iter().zip(files.iter()) {
            let found = match revision_of(given) {
                Some((revision, path)) => self.included_at(given, revision, path.unwrap_or(""), file)?,
                None => self.included_on_disk(&self.path(given), file)?,
            };
            all.extend(found.into_iter().filter(|f| f.name != file.name).map(|f| (f.name.clone(), f)));
        }
        let is_own = |file: &InputFile| all.get(&file.name).is_none_or(|included| included.bytes != file.bytes);
        if files.iter().any(is_own) {
            files.retain(is_own);
        }
        Ok(all.into_values().collect())
    }

    fn included_on_disk(&self, path: &Path, file: &InputFile) -> Result<Vec<InputFile>, InputError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        reached(file, |pattern| {
            // Names that leave the folder are refused by whoever reads the script, with their place.
            let Some(pattern) = absolute("", pattern) else { return Ok(Vec::new()) };
            let mut found = Vec::new();
            for (name, path) in folder::matching(folder, &pattern, &self.limits)? {
                let bytes = read_given_file(&path, &name, &self.limits)?;
                found.push(InputFile { name: beside(&file.name, &name), bytes: bytes.into() });
            }
            Ok(found)
        })
    }

    fn included_at(
        &self,
        given: &OsString,
        revision: &str,
        path: &str,
        file: &InputFile,
    ) -> Result<Vec<InputFile>, InputError> {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut entries: Option<Vec<(String, Arc<[u8]>)>> = None;
        reached(file, |pattern| {
            let Some(pattern) = absolute("", pattern) else { return Ok(Vec::new()) };
            if entries.is_none() {
                entries = Some(self.files_below(given, revision, folder)?);
            }
            let files = entries.as_deref().unwrap_or(&[]);
            let names = matching(files.iter().map(|(name, _)| name.as_str()), "", &pattern).unwrap_or_default();
            let chosen = files.iter().filter(|(name, _)| names.contains(&name.as_str()));
            Ok(chosen.map(|(name, bytes)| InputFile { name: beside(&file.name, name), bytes: bytes.clone() }).collect())
        })
    }

    /// The plain files of a folder of a revision, with names from the folder.
    fn files_below(
        &self,
        given: &OsString,
        revision: &str,
        folder: &str,
    ) -> Result<Vec<(String, Arc<[u8]>)>, InputError> {
        let repo = self.repository(given)?;
        let tree = repo.tree(repo.resolve(revision)?.commit)?;
        let entries = self.entries(&repo, &tree, folder)?.into_iter();
        let plain = entries.filter(|entry| entry.kind == crate::vcs::EntryKind::File);
        let cut = |path: &str| path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/').to_owned();
        Ok(plain.map(|entry| (cut(&entry.path), entry.bytes)).collect())
    }
}

/// The name of a file beside another one, as reports show it.
fn beside(shown: &str, name: &str) -> String {
    shown.rsplit_once('/').map_or_else(|| name.to_owned(), |(folder, _)| format!("{folder}/{name}"))
}

/// A file of a folder, with its name from there.
pub(super) type Named = (String, PathBuf);
