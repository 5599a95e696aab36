//! The commits between a base and a head, and what in them a look at both ends does not show: merges that bring something of
//! their own, and things that came and went.

use super::branch::too_large;
use super::error::VcsError;
use super::evidence::RawCommit;
use super::merge::remerge;
use super::store::{CommitId, Repository};
use super::tree::Tree;
use std::collections::BTreeSet;
use std::fmt;

/// How many commits a range may have.
const MAX_RANGE: usize = 5_000;

/// The commits of a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// Ancestors of the head, itself included, that are none of the base; parents before children.
    pub commits: Vec<RawCommit>,
    /// What both ends do not show, in the order of the commits.
    pub flaws: Vec<RangeFlaw>,
}

/// Something in a range that a look at its ends does not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeFlaw {
    /// A merge of more than two commits.
    Octopus {
        /// The merge.
        commit: String,
        /// How many.
        parents: usize,
    },
    /// A merge whose tree is not what its parents give.
    EvilMerge {
        /// The merge.
        commit: String,
        /// Where it differs, in order.
        paths: Vec<String>,
    },
    /// A commit that changes a path which the whole range leaves as it was.
    Passing {
        /// The commit.
        commit: String,
        /// The paths, in order.
        paths: Vec<String>,
    },
}

impl RangeFlaw {
    /// The code of the threat list.
    pub fn code(&self) -> &'static str {
        match self {
            RangeFlaw::Octopus { .. } => "MERGE_UNSUPPORTED",
            RangeFlaw::EvilMerge { .. } => "EVIL_MERGE",
            RangeFlaw::Passing { .. } => "COMMIT_GRAPH",
        }
    }

    /// How to mend it.
    pub fn help(&self) -> &'static str {
        match self {
            RangeFlaw::Octopus { .. } => "merge two at a time, or rebase onto the protected branch",
            RangeFlaw::EvilMerge { .. } => {
                "rebase onto the protected branch, so that the resolution is a change like any other"
            }
            RangeFlaw::Passing { .. } => "squash the commits, so that nothing but the result can ever be pushed",
        }
    }
}

impl fmt::Display for RangeFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |paths: &[String]| paths.iter().take(5).map(|p| format!("`{p}`")).collect::<Vec<_>>().join(", ");
        let short = |commit: &str| commit.chars().take(12).collect::<String>();
        match self {
            RangeFlaw::Octopus { commit, parents } => write!(f, "{} merges {parents} commits at once", short(commit)),
            RangeFlaw::EvilMerge { commit, paths } => {
                write!(f, "the merge {} holds what neither parent gives in {}", short(commit), listed(paths))
            }
            RangeFlaw::Passing { commit, paths } => {
                write!(f, "{} changes {}, which the whole range leaves as it was", short(commit), listed(paths))
            }
        }
    }
}

impl Repository {
    /// The commits after `base` up to `head`, with what both ends do not show. `watched` says which paths matter where something
    /// comes and goes; merges are judged in all paths.
    ///
    /// # Errors
    /// Objects that cannot be read; more than 5,000 commits.
    pub fn range(&self, base: CommitId, head: CommitId, watched: &dyn Fn(&str) -> bool) -> Result<Range, VcsError> {
        let order = self.between(base, head)?;
        let ends = Ends { base: self.tree(base)?, head: self.tree(head)?, watched };
        let mut range = Range::default();
        for id in order {
            range.commits.push(self.raw_commit(&id.to_string())?);
            range.flaws.extend(self.flaw_of(id, &ends)?);
        }
        Ok(range)
    }

    /// The commits after `since` up to `upto` that bring one of these paths to something that none of their parents has there;
    /// those that leave all of them as they are at `since` bring nothing.
    ///
    /// # Errors
    /// Objects that cannot be read; more than 5,000 commits.
    pub fn bringing(
        &self,
        since: CommitId,
        upto: CommitId,
        paths: &BTreeSet<String>,
    ) -> Result<Vec<RawCommit>, VcsError> {
        let origin = self.tree(since)?;
        let mut out = Vec::new();
        for id in self.between(since, upto)? {
            let own = self.tree(id)?;
            if paths.iter().all(|path| own.leaves.get(path) == origin.leaves.get(path)) {
                continue;
            }
            let commit = self.commit(id)?;
            let parents = commit.parents.iter().map(|parent| self.tree(*parent)).collect::<Result<Vec<_>, _>>()?;
            let is_new = |path: &&String| parents.iter().all(|p| p.leaves.get(*path) != own.leaves.get(*path));
            if paths.iter().any(|path| is_new(&path)) {
                out.push(self.raw_commit(&id.to_string())?);
            }
        }
        Ok(out)
    }

    /// The commits of a range before its head, each with where it left the base's history: the base itself where no commit of the
    /// range is a merge.
    ///
    /// # Errors
    /// Objects that cannot be read, no common history; more than 5,000 commits.
    pub fn passed(&self, base: CommitId, head: CommitId) -> Result<Vec<(CommitId, CommitId)>, VcsError> {
        let order = self.between(base, head)?;
        let mut is_line = true;
        for id in &order {
            is_line &= self.commit(*id)?.parents.len() == 1;
        }
        let before_head = order.into_iter().filter(|id| *id != head);
        before_head.map(|id| Ok((if is_line { base } else { self.merge_base(base, id)? }, id))).collect()
    }

    /// The commits of a range, parents before children.
    fn between(&self, base: CommitId, head: CommitId) -> Result<Vec<CommitId>, VcsError> {
        let mut done = self.ancestors(base)?;
        let (mut out, mut open) = (Vec::new(), vec![(head, Visit::Enter)]);
        while let Some((id, visit)) = open.pop() {
            match visit {
                Visit::Leave => out.push(id),
                Visit::Enter if !done.insert(id) => {}
                Visit::Enter => {
                    open.push((id, Visit::Leave));
                    open.extend(self.commit(id)?.parents.iter().rev().map(|parent| (*parent, Visit::Enter)));
                }
            }
            if out.len() > MAX_RANGE {
                return Err(too_large("the number of commits of the change", MAX_RANGE));
            }
        }
        Ok(out)
    }

    fn flaw_of(&self, id: CommitId, ends: &Ends<'_>) -> Result<Option<RangeFlaw>, VcsError> {
        let head = self.commit(id)?;
        let commit = id.to_string();
        match head.parents.as_slice() {
            [] | [_] => {
                let before = head.parents.first().map_or_else(|| Ok(Tree::default()), |parent| self.tree(*parent))?;
                let paths = ends.passing(&before, &self.tree(id)?);
                Ok((!paths.is_empty()).then_some(RangeFlaw::Passing { commit, paths }))
            }
            [ours, theirs] => {
                let paths = self.evil_paths(id, *ours, *theirs)?;
                Ok((!paths.is_empty()).then_some(RangeFlaw::EvilMerge { commit, paths }))
            }
            several => Ok(Some(RangeFlaw::Octopus { commit, parents: several.len() })),
        }
    }

    /// Where a merge differs from what merging its parents gives. A conflict may be resolved by taking one side.
    fn evil_paths(&self, merge: CommitId, ours: CommitId, theirs: CommitId) -> Result<Vec<String>, VcsError> {
        let (tree, conflicts) = match remerge(self, ours, theirs) {
            Err(VcsError::NoMergeBase { .. }) => (Tree::default(), BTreeSet::new()),
            other => other?,
        };
        let (actual, one, other) = (self.tree(merge)?, self.tree(ours)?, self.tree(theirs)?);
        let paths: BTreeSet<&String> = actual.leaves.keys().chain(tree.leaves.keys()).collect();
        let is_evil = |path: &String| {
            let held = actual.leaves.get(path);
            let sides = [one.leaves.get(path), other.leaves.get(path)];
            if conflicts.contains(path) { !sides.contains(&held) } else { held != tree.leaves.get(path) }
        };
        Ok(paths.into_iter().filter(|path| is_evil(path)).cloned().collect())
    }
}

enum Visit {
    Enter,
    Leave,
}

/// Both ends of a range.
struct Ends<'a> {
    base: Tree,
    head: Tree,
    watched: &'a dyn Fn(&str) -> bool,
}

impl Ends<'_> {
    /// Watched paths that a commit changes to something that neither end has, and that both ends have alike.
    fn passing(&self, before: &Tree, after: &Tree) -> Vec<String> {
        let paths: BTreeSet<&String> = before.leaves.keys().chain(after.leaves.keys()).collect();
        let comes_and_goes = |path: &&String| {
            let [base, head, before, after] = [&self.base, &self.head, before, after].map(|t| t.leaves.get(*path));
            base == head && before != after && after != base
        };
        paths.into_iter().filter(|path| (self.watched)(path)).filter(comes_and_goes).cloned().collect()
    }
}
