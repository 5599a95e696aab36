//! Arguments to configuration trees: files, folders and `rev:NAME[:PATH]`.
//!
//! Everything that is read from outside comes through here: working directory and environment are handed in, sizes are
//! bounded, links out of a folder are not followed, and names in reports are relative to what the user named.

mod beside;
mod check;
mod contents;
mod disk;
mod error;
mod folder;
mod gate;
mod herd;
mod included;
mod revision;
mod uncommitted;

pub use check::{CheckArguments, Judged, PolicyInput, PolicySource, Side};
pub use error::InputError;
pub use gate::{ChangeTrees, PinnedChange, bytes_of, reasons};
pub use herd::Herd;

use crate::dialect::InputFile;
use crate::fleet::tree::{Beside, ConfigTree, DeviceInput, Grouping, TreeFile, is_ignored_name, stem};
use crate::vcs::{self, Entry, Limits, Repository, Tree, VcsError};
use contents::Contents;
use folder::{Found, Links};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Where the process stands, handed in once.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The working directory, absolute.
    pub cwd: PathBuf,
    /// Whether this is a CI job (`CI=true`).
    pub ci: bool,
}

impl Surroundings {
    /// Those of this process.
    ///
    /// # Errors
    /// The working directory does not exist any more.
    pub fn of_process() -> Result<Surroundings, InputError> {
        let cwd = std::env::current_dir().map_err(|e| InputError::unreadable(Path::new("."), ".", &e))?;
        let ci = std::env::var_os("CI").is_some_and(|v| v == "true" || v == "1");
        Ok(Surroundings { cwd, ci })
    }
}

/// Reads trees and devices.
#[derive(Clone)]
pub struct Reader<'a> {
    surroundings: &'a Surroundings,
    is_ruleset: &'a dyn Fn(&InputFile) -> bool,
    limits: Limits,
    devices: String,
    beside: Beside,
    contents: Contents,
}

impl<'a> Reader<'a> {
    /// A reader; `is_ruleset` says, by content, whether some dialect could read a file.
    pub fn new(surroundings: &'a Surroundings, is_ruleset: &'a dyn Fn(&InputFile) -> bool) -> Reader<'a> {
        let (limits, beside, contents) = (Limits::default(), Beside::default(), Contents::default());
        Reader { surroundings, is_ruleset, limits, devices: "devices".to_owned(), beside, contents }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Reader<'a> {
        self.limits = limits;
        self
    }

    /// The same with another folder for a repository's devices (`--devices PATH`); `.` is the repository's root.
    ///
    /// # Errors
    /// A path that leaves the repository.
    pub fn with_devices(mut self, path: &str) -> Result<Reader<'a>, InputError> {
        let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
        if path.starts_with('/') || parts.contains(&"..") {
            return Err(InputError::OutsideRepository { path: path.to_owned() });
        }
        self.devices = parts.join("/");
        Ok(self)
    }

    /// The tree that a file, a folder or `rev:NAME[:PATH]` is.
    ///
    /// # Errors
    /// Nothing there, not readable, beyond a bound, or no tree that can be judged.
    pub fn tree(&self, given: &OsStr) -> Result<ConfigTree, InputError> {
        let tree = match revision_of(given) {
            Some((name, path)) => self.tree_at(&self.repository(given)?, name, path, Grouping::ByStem)?,
            None => self.tree_on_disk(given)?,
        };
        Ok(tree.accepted()?)
    }

    /// The one device that several files are together (`trace RULESET...`); a single folder is a device with
    /// all its files.
    ///
    /// # Errors
    /// As [`Reader::tree`]; a tree with more than one device.
    pub fn device(&self, given: &[OsString]) -> Result<DeviceInput, InputError> {
        let tree = match given {
            [one] if revision_of(one).is_some() || self.path(one).is_dir() => self.device_folder(one)?,
            several => self.device_of_files(several)?,
        };
        let count = tree.devices.len();
        let mut devices = tree.accepted()?.devices.into_iter();
        match (devices.next(), devices.next()) {
            (Some(device), None) => Ok(device),
            _ => Err(InputError::NotOneDevice { count }),
        }
    }

    fn device_folder(&self, given: &OsStr) -> Result<ConfigTree, InputError> {
        match revision_of(given) {
            Some((name, path)) => self.tree_at(&self.repository(given)?, name, path, Grouping::OneDevice),
            None => self.folder_on_disk(given, Grouping::OneDevice),
        }
    }

    fn device_of_files(&self, given: &[OsString]) -> Result<ConfigTree, InputError> {
        let mut files = Vec::new();
        for one in given {
            files.push(self.one_file(one)?);
        }
        shorten_names(&mut files);
        let includes = self.includes_of(given, &mut files)?;
        let name = files.first().map_or_else(String::new, |f| stem(&f.name).to_owned());
        Ok(ConfigTree::of_device(&name, files).with_includes(includes))
    }

    /// One file by its name as given.
    fn one_file(&self, given: &OsStr) -> Result<InputFile, InputError> {
        let name = given.to_string_lossy().into_owned();
        if let Some((revision, path)) = revision_of(given) {
            let repo = self.repository(given)?;
            let commit = repo.resolve(revision)?.commit;
            let path = path.unwrap_or("");
            let entries = self.entries(&repo, &repo.tree(commit)?, path)?;
            vcs::refuse_irregular(&entries)?;
            return match entries.into_iter().find(|e| e.path == path) {
                Some(entry) => Ok(InputFile { name: entry.path, bytes: entry.bytes }),
                None => Err(vcs::VcsError::NoSuchPath { path: path.to_owned(), revision: revision.to_owned() }.into()),
            };
        }
        let bytes = folder::read_given_file(&self.path(given), &name, &self.limits)?;
        Ok(InputFile { name, bytes: self.contents.hold(&bytes) })
    }

    /// What stands at or below a path of a state of the repository.
    fn entries(&self, repo: &Repository, files: &Tree, path: &str) -> Result<Vec<Entry>, VcsError> {
        self.contents.forget_unused();
        let mut entries = repo.entries(files, path, &self.limits)?;
        entries.iter_mut().for_each(|entry| entry.bytes = self.contents.share(std::mem::take(&mut entry.bytes)));
        Ok(entries)
    }

    /// What a folder of the disk holds.
    fn folder(&self, path: &Path, shown: &str, links: Links) -> Result<Found, InputError> {
        self.contents.forget_unused();
        folder::read(path, shown, &self.limits, links, &self.contents)
    }

    fn tree_on_disk(&self, given: &OsStr) -> Result<ConfigTree, InputError> {
        if self.path(given).is_dir() {
            self.folder_on_disk(given, Grouping::ByStem)
        } else {
            self.device_of_files(&[given.to_owned()])
        }
    }

    fn repository(&self, given: &OsStr) -> Result<Repository, InputError> {
        let found = Repository::discover(&self.surroundings.cwd)?;
        found.ok_or_else(|| InputError::NoRepository { given: given.to_string_lossy().into_owned() })
    }

    fn path(&self, given: &OsStr) -> PathBuf {
        self.surroundings.cwd.join(given)
    }
}

/// How entries are judged: as a repository's own, or as a folder that somebody named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strictness {
    Repository,
    AdHoc,
}

impl Strictness {
    fn links(self) -> Links {
        match self {
            Strictness::Repository => Links::None,
            Strictness::AdHoc => Links::WithinFolder,
        }
    }
}

/// `rev:NAME[:PATH]`, apart.
fn revision_of(given: &OsStr) -> Option<(&str, Option<&str>)> {
    let rest = given.to_str()?.strip_prefix("rev:")?;
    Some(rest.split_once(':').map_or((rest, None), |(name, path)| (name, Some(path))))
}

/// The files of entries, where all that count are plain.
fn plain(found: Found, strictness: Strictness) -> Result<(Vec<TreeFile>, Vec<String>), InputError> {
    Ok((relative(found.entries, "", strictness)?, found.empty_folders))
}

/// The files of entries, with paths from `folder`.
fn relative(entries: Vec<Entry>, folder: &str, strictness: Strictness) -> Result<Vec<TreeFile>, InputError> {
    let cut = |path: &str| path.strip_prefix(folder).map_or(path, |rest| rest.trim_start_matches('/')).to_owned();
    vcs::refuse_irregular(entries.iter().filter(|e| !is_ignored_name(&cut(&e.path))))?;
    if strictness == Strictness::Repository {
        vcs::collisions(entries.iter().map(|e| e.path.as_str()))?;
    }
    Ok(entries.into_iter().map(|e| TreeFile { path: cut(&e.path), bytes: e.bytes }).collect())
}

/// Files of `roles/NAME/` within a folder, and the others.
fn split_roles(files: Vec<TreeFile>) -> (Vec<TreeFile>, Vec<TreeFile>) {
    let (roles, rest): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|f| f.path.strip_prefix("roles/").is_some_and(|rest| rest.contains('/')));
    let cut = |f: TreeFile| TreeFile { path: f.path["roles/".len()..].to_owned(), bytes: f.bytes };
    (roles.into_iter().map(cut).collect(), rest)
}

/// Where roles stand beside a folder that is laid out as in a repository: `devices`, or one device in it.
fn roles_beside(folder: &Path) -> Option<PathBuf> {
    let devices = folder.ancestors().take(2).find(|f| f.ends_with("devices"))?;
    Some(devices.with_file_name("roles"))
}

/// Where roles stand beside one device of any tree.
fn roles_above(folder: &Path, grouping: Grouping) -> Option<PathBuf> {
    (grouping == Grouping::OneDevice).then(|| folder.with_file_name("roles"))
}

/// File names instead of paths, where they differ.
fn shorten_names(files: &mut [InputFile]) {
    let short: Vec<String> = files.iter().map(|f| name_of(Path::new(&f.name))).collect();
    let distinct: std::collections::BTreeSet<&String> = short.iter().collect();
    if distinct.len() == files.len() {
        for (file, name) in files.iter_mut().zip(short) {
            file.name = name;
        }
    }
}

fn name_of(path: &Path) -> String {
    let name = path.canonicalize().ok().and_then(|p| p.file_name().map(OsStr::to_owned));
    let given = path.file_name().map(OsStr::to_owned);
    given.or(name).map_or_else(|| ".".to_owned(), |n| n.to_string_lossy().into_owned())
}
