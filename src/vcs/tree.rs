//! The files of one state of a repository: of a commit, or of a merge that nobody has committed.

use super::collision::{check_shown, entry_name};
use super::entry::{Entry, EntryKind};
use super::error::VcsError;
use super::store::{CommitId, Item, Repository, count};
use git2::Oid;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// How much is read before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of all files together.
    pub total_bytes: u64,
    /// Files of one configuration tree: 10,000 devices with 20 files each. Two trees of 190,000 small files are read and compared in
    /// 8 s of CPU and 240 MiB (`docs/performance.md`), so that the bytes are what binds.
    pub files: usize,
    /// Folders within folders.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { file_bytes: 256 << 20, total_bytes: 1 << 30, files: 200_000, depth: 64 }
    }
}

/// Paths with what they hold, without their bytes yet.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    pub(super) leaves: BTreeMap<String, Leaf>,
    /// Contents that a merge made and no object of the repository holds.
    pub(super) made: HashMap<Oid, Vec<u8>>,
}

/// What a path of a tree holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Leaf {
    pub(super) mode: i32,
    pub(super) id: Oid,
}

impl Tree {
    /// Whether no path stands here.
    pub fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    /// All paths, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.leaves.keys().map(String::as_str)
    }

    /// Paths that hold something else in the other state, or stand in one of the two only, in order.
    pub fn differing(&self, other: &Tree) -> Vec<String> {
        let changed = self.leaves.iter().filter(|(path, leaf)| other.leaves.get(*path) != Some(leaf));
        let added = other.leaves.keys().filter(|path| !self.leaves.contains_key(*path));
        let mut out: Vec<String> = changed.map(|(path, _)| path).chain(added).cloned().collect();
        out.sort();
        out
    }

    /// Folders directly below `folder` that hold the same things under the same names are alike: the tree with only the first of
    /// each kind, and for every folder there, which one stands for it.
    pub fn alike(&self, folder: &str) -> (Tree, BTreeMap<String, String>) {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut held: BTreeMap<&str, Vec<(&str, Leaf)>> = BTreeMap::new();
        for (path, leaf) in self.under(folder).filter(|(path, _)| path.starts_with(&prefix)) {
            let Some((name, inner)) = path[prefix.len()..].split_once('/') else { continue };
            held.entry(name).or_default().push((inner, *leaf));
        }
        let mut firsts: HashMap<Vec<(&str, Leaf)>, &str> = HashMap::new();
        let mut alike = BTreeMap::new();
        for (name, leaves) in held {
            let first = *firsts.entry(leaves).or_insert(name);
            alike.insert(name.to_owned(), first.to_owned());
        }
        let is_dropped = |path: &str| {
            let name = path.strip_prefix(&prefix).and_then(|rest| rest.split_once('/')).map(|(name, _)| name);
            name.is_some_and(|name| alike.get(name).is_some_and(|first| first != name))
        };
        let leaves = self.leaves.iter().filter(|(path, _)| !is_dropped(path)).map(|(p, l)| (p.clone(), *l)).collect();
        let few = Tree { leaves, made: self.made.clone() };
        (few, alike)
    }

    /// What the paths that are wanted hold, as lines that are equal if and only if it is the same.
    pub fn contents(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let wanted = self.leaves.iter().filter(|(path, _)| is_wanted(path));
        wanted.map(|(path, leaf)| format!("{} {:o} {path}", leaf.id, leaf.mode)).collect()
    }

    /// The leaves at or below `prefix` (all of them where it is empty).
    fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a String, &'a Leaf)> {
        let from = self.leaves.range(prefix.to_owned()..);
        let near = from.take_while(move |(path, _)| path.starts_with(prefix));
        near.filter(move |(path, _)| {
            prefix.is_empty() || path.len() == prefix.len() || path.as_bytes().get(prefix.len()) == Some(&b'/')
        })
    }
}

impl Repository {
    /// The files of a commit.
    ///
    /// # Errors
    /// An object that cannot be read, a name that no path can have, one name twice in a folder, folders too deep.
    pub fn tree(&self, commit: CommitId) -> Result<Tree, VcsError> {
        count(&self.known.effort.trees);
        let mut out = Tree::default();
        self.collect(self.commit(commit)?.tree, "", Limits::default().depth, &mut out)?;
        Ok(out)
    }

    /// The entries at or below `prefix`, in order of path, with raw bytes and paths from the repository's root. Where a
    /// folder on the way to `prefix` is a link or a submodule, that is the one entry.
    ///
    /// # Errors
    /// A bound that is passed, an object that cannot be read, a path that cannot be shown.
    pub fn entries(&self, tree: &Tree, prefix: &str, limits: &Limits) -> Result<Vec<Entry>, VcsError> {
        let prefix = prefix.trim_matches('/');
        let on_the_way = prefix.match_indices('/').map(|(at, _)| &prefix[..at]);
        let blocked = on_the_way.filter_map(|path| tree.leaves.get_key_value(path));
        let found: Vec<_> = blocked.chain(tree.under(prefix)).collect();
        if found.len() > limits.files {
            return Err(too_large(
                &format!("the number of files ({})", found.len()),
                &format!("{} files", limits.files),
            ));
        }
        let mut left = limits.total_bytes;
        let mut contents = FxHashMap::default();
        let mut out = Vec::with_capacity(found.len());
        for (path, leaf) in found {
            check_shown(path)?;
            let entry = self.entry(tree, path, *leaf, limits.file_bytes, &mut contents)?;
            let size = entry.bytes.len() as u64;
            left = left
                .checked_sub(size)
                .ok_or_else(|| too_large("the size of all files", &format!("{} bytes", limits.total_bytes)))?;
            out.push(entry);
        }
        Ok(out)
    }

    /// The bytes of a content, wherever it is held.
    pub(super) fn content(&self, tree: &Tree, id: Oid, bound: u64) -> Result<Arc<[u8]>, VcsError> {
        match tree.made.get(&id) {
            Some(bytes) => Ok(bytes.as_slice().into()),
            None => self.file(id, bound),
        }
    }

    /// One entry; `contents` are those that were read already.
    fn entry(
        &self,
        tree: &Tree,
        path: &str,
        leaf: Leaf,
        bound: u64,
        contents: &mut FxHashMap<Oid, Arc<[u8]>>,
    ) -> Result<Entry, VcsError> {
        let kind = kind_of(leaf.mode);
        let bytes = match (kind, contents.get(&leaf.id)) {
            (EntryKind::Submodule | EntryKind::Other, _) => Arc::default(),
            (_, Some(known)) => known.clone(),
            (_, None) => {
                let read = self.content(tree, leaf.id, bound).map_err(|error| match error {
                    VcsError::TooLarge { bound, .. } => VcsError::TooLarge { what: format!("`{path}`"), bound },
                    other => other,
                })?;
                contents.entry(leaf.id).or_insert(read).clone()
            }
        };
        Ok(Entry::of_file(path.to_owned(), kind, bytes))
    }

    fn collect(&self, id: Oid, folder: &str, depth: usize, out: &mut Tree) -> Result<(), VcsError> {
        if depth == 0 {
            return Err(too_large(&format!("the depth of `{folder}`"), "64 folders"));
        }
        for item in self.folder(id, folder)?.iter() {
            let path = format!("{folder}{}", item.name);
            match item.mode {
                0o040_000 => self.collect(item.id, &format!("{path}/"), depth - 1, out)?,
                mode => drop(out.leaves.insert(path, Leaf { mode, id: item.id })),
            }
        }
        Ok(())
    }

    /// What stands directly in a folder, which is called `folder` where it is read first.
    fn folder(&self, id: Oid, folder: &str) -> Result<Arc<[Item]>, VcsError> {
        if let Some(items) = self.known.folders.borrow().get(&id) {
            return Ok(items.clone());
        }
        let missing = |e: git2::Error| VcsError::MissingObject { id: id.to_string(), reason: e.message().to_owned() };
        let tree = self.git.find_tree(id).map_err(missing)?;
        let mut seen = BTreeSet::new();
        let mut items = Vec::with_capacity(tree.len());
        for item in tree.iter() {
            let name = entry_name(folder, item.name_bytes())?;
            if !seen.insert(name.clone()) {
                let path = format!("{folder}{name}");
                return Err(VcsError::Collision { one: path.clone(), other: path });
            }
            items.push(Item { name, mode: item.filemode_raw(), id: item.id() });
        }
        let items: Arc<[Item]> = items.into();
        self.known.folders.borrow_mut().insert(id, items.clone());
        Ok(items)
    }
}

/// `git-fast-import(1)` lists the modes; 0o100664 is what early versions of git wrote for plain files.
fn kind_of(mode: i32) -> EntryKind {
    match mode {
        0o100_644 | 0o100_664 => EntryKind::File,
        0o100_755 => EntryKind::Executable,
        0o120_000 => EntryKind::Symlink,
        0o160_000 => EntryKind::Submodule,
        _ => EntryKind::Other,
    }
}

fn too_large(what: &str, bound: &str) -> VcsError {
    VcsError::TooLarge { what: what.to_owned(), bound: bound.to_owned() }
}
