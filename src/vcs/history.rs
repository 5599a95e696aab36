//! History as the commits themselves tell it: ancestry, merge bases, and what makes a clone's history unfit as
//! evidence.

use super::error::VcsError;
use super::store::{CommitId, Repository};
use rustc_hash::FxHashSet;
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

/// Beyond this many commits a walk is refused.
const MAX_COMMITS: usize = 5_000_000;

/// Something about a clone that lets history appear other than it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Replace refs: git shows other objects than those that are named.
    Replaced(Vec<String>),
    /// A graft file: git shows other parents than those that are named.
    Grafted,
    /// A shallow clone: history ends early.
    Shallow,
    /// A partial clone: objects are fetched when somebody asks for them.
    Partial,
}

impl Condition {
    /// The code of the threat list.
    pub fn code(&self) -> &'static str {
        match self {
            Condition::Replaced(_) => "REPLACE_REFS_PRESENT",
            Condition::Grafted | Condition::Shallow | Condition::Partial => "HISTORY_INCOMPLETE",
        }
    }

    /// How to mend it.
    pub fn help(&self) -> &'static str {
        match self {
            Condition::Replaced(_) => "`git replace -d NAME` removes one",
            Condition::Grafted => "remove `.git/info/grafts`",
            Condition::Shallow => "`git fetch --unshallow`; in a CI job, check out the full history (`fetch-depth: 0`)",
            Condition::Partial => "clone again without `--filter`",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Replaced(names) => {
                write!(
                    f,
                    "the repository has {} replace ref(s), the first `{}`",
                    names.len(),
                    names.first().map_or("", |n| n)
                )
            }
            Condition::Grafted => f.write_str("the repository has a graft file, so its history may be another"),
            Condition::Shallow => f.write_str("the repository is a shallow clone, so its history is not complete"),
            Condition::Partial => f.write_str("the repository is a partial clone, so objects may be missing"),
        }
    }
}

impl Repository {
    /// Everything about this clone that lets history appear other than it is. Answers of this module do not
    /// depend on replace refs and grafts; whoever else looks at the repository sees other ones.
    ///
    /// # Errors
    /// References that cannot be listed.
    pub fn conditions(&self) -> Result<Vec<Condition>, VcsError> {
        let mut out = Vec::new();
        let replaced = self.reference_names("refs/replace/*")?;
        if !replaced.is_empty() {
            out.push(Condition::Replaced(replaced));
        }
        let common = self.git.commondir();
        if has_lines(&common.join("info/grafts")) {
            out.push(Condition::Grafted);
        }
        if has_lines(&common.join("shallow")) {
            out.push(Condition::Shallow);
        }
        if has_promises(&common.join("objects/pack")) {
            out.push(Condition::Partial);
        }
        Ok(out)
    }

    /// Refuses a clone whose history is not what the commits say.
    ///
    /// # Errors
    /// The first of the conditions.
    pub fn require_full_history(&self) -> Result<(), VcsError> {
        match self.conditions()?.into_iter().next() {
            Some(condition) => Err(VcsError::History(condition)),
            None => Ok(()),
        }
    }

    /// The best common ancestors of two commits, in the order of their ids; several after criss-cross merges.
    ///
    /// # Errors
    /// A commit that cannot be read; a history beyond the bound.
    pub fn merge_bases(&self, one: CommitId, other: CommitId) -> Result<Vec<CommitId>, VcsError> {
        let (left, right) = (self.ancestors(one)?, self.ancestors(other)?);
        // All that an ancestor shares with its descendant are its own ancestors, so that it is the best itself.
        for (older, newer) in [(one, &right), (other, &left)] {
            if newer.contains(&older) {
                return Ok(vec![older]);
            }
        }
        let common: BTreeSet<CommitId> = left.intersection(&right).copied().collect();
        let mut best = common.clone();
        for id in &common {
            for parent in &self.commit(*id)?.parents {
                best.remove(parent);
            }
        }
        Ok(best.into_iter().collect())
    }

    /// The one best common ancestor.
    ///
    /// # Errors
    /// As [`Repository::merge_bases`]; no common ancestor, or several.
    pub fn merge_base(&self, one: CommitId, other: CommitId) -> Result<CommitId, VcsError> {
        match self.merge_bases(one, other)?.as_slice() {
            [base] => Ok(*base),
            [] => Err(VcsError::NoMergeBase { ours: one.short(), theirs: other.short() }),
            several => Err(VcsError::AmbiguousName {
                name: "merge-base".to_owned(),
                refs: several.iter().map(ToString::to_string).collect(),
            }),
        }
    }

    /// Whether `old` is `new` or one of its ancestors.
    ///
    /// # Errors
    /// A commit on the way that cannot be read.
    pub fn descends_from(&self, new: CommitId, old: CommitId) -> Result<bool, VcsError> {
        Ok(self.ancestors(new)?.contains(&old))
    }

    /// When a commit says that it was made, in seconds since 1970.
    ///
    /// # Errors
    /// A commit that cannot be read.
    pub fn committed_at(&self, commit: CommitId) -> Result<i64, VcsError> {
        Ok(self.git.find_commit(commit.0)?.time().seconds())
    }

    /// The commit and all its ancestors.
    pub(super) fn ancestors(&self, from: CommitId) -> Result<FxHashSet<CommitId>, VcsError> {
        let mut seen = FxHashSet::from_iter([from]);
        let mut open = vec![from];
        while let Some(id) = open.pop() {
            for parent in &self.commit(id)?.parents {
                if seen.insert(*parent) {
                    open.push(*parent);
                }
            }
            if seen.len() > MAX_COMMITS {
                return Err(VcsError::TooLarge {
                    what: "the history".to_owned(),
                    bound: format!("{MAX_COMMITS} commits"),
                });
            }
        }
        Ok(seen)
    }
}

/// Whether a file exists that says something; one that cannot be read might.
fn has_lines(path: &Path) -> bool {
    match fs::read(path) {
        Ok(bytes) => bytes.split(|b| *b == b'\n').any(|l| !l.trim_ascii().is_empty() && !l.starts_with(b"#")),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

/// Whether a pack says that somebody else holds objects it names.
fn has_promises(packs: &Path) -> bool {
    fs::read_dir(packs)
        .is_ok_and(|mut dir| dir.any(|e| e.is_ok_and(|e| e.path().extension().is_some_and(|x| x == "promisor"))))
}
