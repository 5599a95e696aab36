//! Folders and files of the disk, within bounds.
//!
//! Whatever a name says is ignored is not opened: dot-files, `*.md`, and folders that begin with a dot. The
//! executable bit is not judged here: some file systems set it on every file; in git it is.

use super::contents::Contents;
use super::error::InputError;
use super::included::Named;
use crate::dialect::nftables::includes::part_matches;
use crate::fleet::tree::is_ignored_name;
use crate::vcs::{Entry, EntryKind, Limits, VcsError};
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What becomes of symbolic links within a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    /// They are links, as in git.
    None,
    /// A link to a file of the same folder is that file.
    WithinFolder,
}

/// What a folder holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// In order of path, with `/`, from the folder.
    pub(super) entries: Vec<Entry>,
    /// Folders that hold nothing.
    pub(super) empty_folders: Vec<String>,
}

/// Reads all files of a folder; `shown` is its name in errors.
pub(super) fn read(
    root: &Path,
    shown: &str,
    limits: &Limits,
    links: Links,
    contents: &Contents,
) -> Result<Found, InputError> {
    let inside = root.canonicalize().map_err(|e| InputError::unreadable(root, shown, &e))?;
    let left = limits.total_bytes;
    let (found, buffer) = (Found::default(), Vec::new());
    let mut walk = Walk { root, shown, inside, limits, links, contents, left, buffer, found };
    walk.folder("", limits.depth)?;
    walk.found.entries.sort_by(|a, b| a.path.cmp(&b.path));
    walk.found.empty_folders.sort();
    if let Some(odd) = walk.found.entries.iter().find(|e| e.kind != EntryKind::File && !is_ignored_name(&e.path)) {
        return Err(VcsError::NotRegular { path: walk.shown(&odd.path), kind: odd.kind }.into());
    }
    Ok(walk.found)
}

/// Reads one file that the user named: a file, or a pipe of the shell.
pub(super) fn read_given_file(path: &Path, shown: &str, limits: &Limits) -> Result<Vec<u8>, InputError> {
    let file = File::open(path).map_err(|e| InputError::unreadable(path, shown, &e))?;
    let mut bytes = Vec::new();
    read_bounded(&file, shown, limits.file_bytes, &mut bytes)?;
    Ok(bytes)
}

/// The files of a folder that a pattern without `.` and `..` names, in order. Links that leave the folder are not followed.
pub(super) fn matching(root: &Path, pattern: &str, limits: &Limits) -> Result<Vec<Named>, InputError> {
    let unreadable = |e: &std::io::Error| InputError::unreadable(root, &root.to_string_lossy(), e);
    let inside = root.canonicalize().map_err(|e| unreadable(&e))?;
    let mut found: Vec<Named> = vec![(String::new(), root.to_owned())];
    for part in pattern.split('/') {
        let mut next = Vec::new();
        for (name, path) in found {
            next.extend(parts_of(&name, &path, part).into_iter().filter(|(_, p)| is_inside(p, &inside)));
            if next.len() > limits.files {
                return Err(too_large(
                    format!("the number of files of `{pattern}`"),
                    format!("{} files", limits.files),
                ));
            }
        }
        found = next;
    }
    found.retain(|(_, path)| path.is_file());
    found.sort();
    Ok(found)
}

/// What lies directly in a folder and matches one part of a pattern.
fn parts_of(name: &str, folder: &Path, part: &str) -> Vec<Named> {
    let inner = |file: &str| if name.is_empty() { file.to_owned() } else { format!("{name}/{file}") };
    if !part.contains(['*', '?', '[']) {
        return vec![(inner(part), folder.join(part))];
    }
    let Ok(items) = fs::read_dir(folder) else { return Vec::new() };
    let names = items.flatten().filter_map(|item| item.file_name().into_string().ok());
    names.filter(|file| part_matches(part, file)).map(|file| (inner(&file), folder.join(&file))).collect()
}

fn is_inside(path: &Path, inside: &Path) -> bool {
    path.canonicalize().is_ok_and(|target| target.starts_with(inside))
}

struct Walk<'a> {
    root: &'a Path,
    shown: &'a str,
    inside: PathBuf,
    limits: &'a Limits,
    links: Links,
    contents: &'a Contents,
    left: u64,
    buffer: Vec<u8>,
    found: Found,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &str, depth: usize) -> Result<(), InputError> {
        let path = self.root.join(folder);
        let shown = self.shown(folder);
        if depth == 0 {
            return Err(too_large(format!("the depth of `{shown}`"), format!("{} folders", self.limits.depth)));
        }
        let mut empty = true;
        for item in fs::read_dir(&path).map_err(|e| InputError::unreadable(&path, &shown, &e))? {
            let item = item.map_err(|e| InputError::unreadable(&path, &shown, &e))?;
            empty = false;
            let name = item.file_name();
            let Some(name) = name.to_str() else {
                return Err(InputError::NotUtf8 { path: format!("{shown}/{}", name.to_string_lossy()) });
            };
            let inner = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            self.item(inner, &item.path(), depth)?;
        }
        if empty && !folder.is_empty() {
            self.found.empty_folders.push(folder.to_owned());
        }
        Ok(())
    }

    fn item(&mut self, inner: String, path: &Path, depth: usize) -> Result<(), InputError> {
        let shown = self.shown(&inner);
        let kind = path.symlink_metadata().map_err(|e| InputError::unreadable(path, &shown, &e))?;
        match (kind.is_dir(), is_ignored_name(&inner)) {
            (true, _) if inner.rsplit('/').next().is_some_and(|n| n.starts_with('.')) => self.ignored(inner + "/"),
            (true, _) => self.folder(&inner, depth - 1),
            (false, true) => self.ignored(inner),
            (false, false) => self.file(inner, &shown, path, &kind),
        }
    }

    fn file(&mut self, inner: String, shown: &str, path: &Path, kind: &Metadata) -> Result<(), InputError> {
        match self.openable(path, kind) {
            Ok(target) => {
                let file = File::open(&target).map_err(|e| InputError::unreadable(path, shown, &e))?;
                read_bounded(&file, shown, self.limits.file_bytes.min(self.left), &mut self.buffer)?;
                self.left -= self.buffer.len() as u64;
                self.push(Entry::of_file(inner, EntryKind::File, self.contents.hold(&self.buffer)))
            }
            Err(kind) => self.push(Entry { path: inner, kind, bytes: Arc::default() }),
        }
    }

    /// What a name says is ignored; it is listed and not opened.
    fn ignored(&mut self, inner: String) -> Result<(), InputError> {
        self.push(Entry { path: inner, kind: EntryKind::File, bytes: Arc::default() })
    }

    fn shown(&self, inner: &str) -> String {
        match (self.shown, inner) {
            (folder, "") => folder.to_owned(),
            ("." | "", inner) => inner.to_owned(),
            (folder, inner) => format!("{}/{inner}", folder.trim_end_matches('/')),
        }
    }

    /// The file to open, or what the path is instead of one.
    fn openable(&self, path: &Path, kind: &Metadata) -> Result<PathBuf, EntryKind> {
        if kind.is_file() {
            return Ok(path.to_owned());
        }
        if !kind.is_symlink() {
            return Err(EntryKind::Other);
        }
        let target = path.canonicalize().ok().filter(|t| t.starts_with(&self.inside) && t.is_file());
        target.filter(|_| self.links == Links::WithinFolder).ok_or(EntryKind::Symlink)
    }

    fn push(&mut self, entry: Entry) -> Result<(), InputError> {
        self.found.entries.push(entry);
        if self.found.entries.len() <= self.limits.files {
            return Ok(());
        }
        let what = format!("the number of files in `{}`", self.shown);
        Err(too_large(what, format!("{} files", self.limits.files)))
    }
}

/// Reads a file into a buffer, in the place of what it held.
fn read_bounded(file: &File, shown: &str, bound: u64, bytes: &mut Vec<u8>) -> Result<(), InputError> {
    bytes.clear();
    let read = file.take(bound.saturating_add(1)).read_to_end(bytes);
    read.map_err(|e| InputError::Unreadable { path: shown.to_owned(), reason: e.kind().to_string() })?;
    match bytes.len() as u64 > bound {
        true => Err(too_large(format!("the size of `{shown}`"), format!("{bound} bytes"))),
        false => Ok(()),
    }
}

fn too_large(what: String, bound: String) -> InputError {
    InputError::TooLarge { what, bound }
}
