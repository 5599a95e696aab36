//! The three-way merge of two commits, from blobs, in memory.
//!
//! libgit2's merge of trees asks attributes (`merge=union`, `binary`) and so depends on files of the repository,
//! the user and the system. Here paths are merged by their contents' ids, and two different edits of one plain
//! file by `git_merge_file`, which is given three byte strings and knows of no repository. Renames are not
//! followed: a device's name is its folder, so a rename on one side and an edit on the other is for people to
//! resolve.

use super::error::VcsError;
use super::store::{CommitId, Repository};
use super::tree::{Leaf, Limits, Tree};
use git2::{MergeFileInput, MergeFileOptions, ObjectType, Oid};
use std::collections::BTreeSet;

/// Merge bases of merge bases are followed this far.
const MAX_CROSSINGS: usize = 16;

/// What `theirs` becomes when it is merged onto `ours`, the tip of the protected branch.
///
/// # Errors
/// A conflict, with all its paths; commits that have nothing in common; objects that cannot be read.
pub fn merge_onto(repo: &Repository, ours: CommitId, theirs: CommitId) -> Result<Tree, VcsError> {
    let merged = merge_commits(repo, ours, theirs, MAX_CROSSINGS)?;
    if merged.conflicts.is_empty() {
        return Ok(merged.tree);
    }
    let paths = merged.conflicts.into_iter().collect();
    Err(VcsError::Conflict { ours: ours.short(), theirs: theirs.short(), paths })
}

/// What merging two commits gives, with the paths that conflict.
pub(super) fn remerge(
    repo: &Repository,
    ours: CommitId,
    theirs: CommitId,
) -> Result<(Tree, BTreeSet<String>), VcsError> {
    let merged = merge_commits(repo, ours, theirs, MAX_CROSSINGS)?;
    Ok((merged.tree, merged.conflicts))
}

/// A merge with the paths that could not be merged; they hold nothing that equals anything.
struct Merged {
    tree: Tree,
    conflicts: BTreeSet<String>,
}

fn merge_commits(repo: &Repository, ours: CommitId, theirs: CommitId, depth: usize) -> Result<Merged, VcsError> {
    let bases = repo.merge_bases(ours, theirs)?;
    let base = match bases.as_slice() {
        [] => return Err(VcsError::NoMergeBase { ours: ours.short(), theirs: theirs.short() }),
        [base] => repo.tree(*base)?,
        [one, other] if depth > 0 => merge_commits(repo, *one, *other, depth - 1)?.tree,
        several => agreed(repo, several)?,
    };
    Threeway { repo, base, ours: repo.tree(ours)?, theirs: repo.tree(theirs)? }.merge()
}

/// A base of more than two bases: what all of them hold, and elsewhere nothing that equals anything.
fn agreed(repo: &Repository, bases: &[CommitId]) -> Result<Tree, VcsError> {
    let trees = bases.iter().map(|b| repo.tree(*b)).collect::<Result<Vec<_>, _>>()?;
    let mut out = Tree::default();
    for path in trees.iter().flat_map(|t| t.leaves.keys()) {
        let mut held = trees.iter().map(|t| t.leaves.get(path));
        let first = held.next().flatten();
        let same = held.all(|leaf| leaf == first);
        out.leaves.insert(path.clone(), first.copied().filter(|_| same).unwrap_or(UNKNOWN));
    }
    Ok(out)
}

/// A content that equals none.
const UNKNOWN: Leaf = Leaf { mode: 0, id: Oid::ZERO_SHA1 };

struct Threeway<'a> {
    repo: &'a Repository,
    base: Tree,
    ours: Tree,
    theirs: Tree,
}

impl Threeway<'_> {
    fn merge(self) -> Result<Merged, VcsError> {
        let mut out = Merged { tree: Tree::default(), conflicts: BTreeSet::new() };
        let paths: BTreeSet<&String> = self.ours.leaves.keys().chain(self.theirs.leaves.keys()).collect();
        for path in paths {
            match self.path(path, &mut out.tree)? {
                Outcome::Holds(leaf) => drop(out.tree.leaves.insert(path.clone(), leaf)),
                Outcome::Gone => {}
                Outcome::Conflict => {
                    out.tree.leaves.insert(path.clone(), UNKNOWN);
                    out.conflicts.insert(path.clone());
                }
            }
        }
        out.conflicts.extend(files_that_are_folders(&out.tree));
        Ok(out)
    }

    fn path(&self, path: &str, into: &mut Tree) -> Result<Outcome, VcsError> {
        let [base, ours, theirs] = [&self.base, &self.ours, &self.theirs].map(|t| t.leaves.get(path).copied());
        Ok(match (base, ours, theirs) {
            _ if ours == theirs || theirs == base => Outcome::of(ours),
            _ if ours == base => Outcome::of(theirs),
            (Some(base), Some(ours), Some(theirs)) => self.leaf(base, ours, theirs, into)?,
            _ => Outcome::Conflict,
        })
    }

    /// Both sides changed the path: mode and content are merged one by one.
    fn leaf(&self, base: Leaf, ours: Leaf, theirs: Leaf, into: &mut Tree) -> Result<Outcome, VcsError> {
        let plain = |leaf: Leaf| matches!(leaf.mode, 0o100_644 | 0o100_664 | 0o100_755);
        if ![base, ours, theirs].into_iter().all(plain) {
            return Ok(Outcome::Conflict);
        }
        let Some(mode) = pick(base.mode, ours.mode, theirs.mode) else { return Ok(Outcome::Conflict) };
        if let Some(id) = pick(base.id, ours.id, theirs.id) {
            return Ok(Outcome::Holds(Leaf { mode, id }));
        }
        let Some(bytes) = self.text(base.id, ours.id, theirs.id)? else { return Ok(Outcome::Conflict) };
        let id = Oid::hash_object(ObjectType::Blob, &bytes)?;
        into.made.insert(id, bytes);
        Ok(Outcome::Holds(Leaf { mode, id }))
    }

    /// The lines of two edits put together; `None` where they touch, or where a side is binary.
    fn text(&self, base: Oid, ours: Oid, theirs: Oid) -> Result<Option<Vec<u8>>, VcsError> {
        let bound = Limits::default().file_bytes;
        let base = self.repo.content(&self.base, base, bound)?;
        let ours = self.repo.content(&self.ours, ours, bound)?;
        let theirs = self.repo.content(&self.theirs, theirs, bound)?;
        merge_texts(&base, &ours, &theirs)
    }
}

/// The lines of two edits of one text put together, as git does it; `None` where they touch, or where a side is binary.
///
/// # Errors
/// Only where memory ends.
pub fn merge_texts(base: &[u8], ours: &[u8], theirs: &[u8]) -> Result<Option<Vec<u8>>, VcsError> {
    let sides = [base, ours, theirs];
    if sides.into_iter().any(|bytes| bytes.contains(&0)) {
        return Ok(None);
    }
    // Making an empty configuration starts libgit2, which merging does not.
    git2::Config::new()?;
    let [base, ours, theirs] = sides.map(|bytes| {
        let mut input = MergeFileInput::new();
        input.content(bytes);
        input
    });
    let merged = git2::merge_file(&base, &ours, &theirs, Some(&mut MergeFileOptions::new()))?;
    Ok(merged.is_automergeable().then(|| merged.content().to_vec()))
}

/// What a merge says about one path.
enum Outcome {
    Holds(Leaf),
    Gone,
    Conflict,
}

impl Outcome {
    fn of(leaf: Option<Leaf>) -> Outcome {
        leaf.map_or(Outcome::Gone, Outcome::Holds)
    }
}

/// The side that changed, where at most one did or both did the same.
fn pick<T: PartialEq>(base: T, ours: T, theirs: T) -> Option<T> {
    match () {
        () if ours == theirs || theirs == base => Some(ours),
        () if ours == base => Some(theirs),
        () => None,
    }
}

/// Paths that one side made a file and the other a folder.
fn files_that_are_folders(tree: &Tree) -> Vec<String> {
    let folders = tree.leaves.keys().flat_map(|path| path.match_indices('/').map(|(at, _)| &path[..at]));
    let both: BTreeSet<&str> = folders.filter(|folder| tree.leaves.contains_key(*folder)).collect();
    both.into_iter().map(str::to_owned).collect()
}
