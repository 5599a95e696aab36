//! What `fwgate check` judges where its arguments do not say: baseline, proposal and policy.
//!
//! In a git repository: at a terminal, what the author did (merge base to working tree); in CI, what the merge will
//! do (the protected branch's tip to the merge of head onto it). The policy is the protected branch's, always, so
//! that a proposal cannot change its judge.

use super::error::InputError;
use super::folder::Links;
use super::{Reader, Strictness, plain, relative, revision_of};
use crate::fleet::tree::{Beside, ConfigTree, TreeFile};
use crate::policy::{PolicyFiles, read_policy};
use crate::vcs::{Condition, Repository, Revision, VcsError, merge_onto};
use std::ffi::OsStr;

/// The arguments of `fwgate check` that say what is judged.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckArguments<'a> {
    /// `--baseline DIR|REV`, or `merge-base`.
    pub baseline: Option<&'a OsStr>,
    /// `--proposed DIR|REV`.
    pub proposed: Option<&'a OsStr>,
    /// `--policy FILE|DIR`.
    pub policy: Option<&'a OsStr>,
    /// `--policy-ref REF`.
    pub policy_ref: Option<&'a str>,
    /// `--merged`: as in CI.
    pub merged: bool,
}

/// What is judged.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What is in force.
    pub baseline: Side,
    /// What is proposed.
    pub proposed: Side,
    /// What must hold.
    pub policy: PolicyInput,
}

/// One side of the comparison.
#[derive(Clone, Debug)]
pub struct Side {
    /// Its devices.
    pub tree: ConfigTree,
    /// What it is, in words, for the report.
    pub words: String,
}

/// The policy's files, unread.
#[derive(Clone, Debug)]
pub struct PolicyInput {
    /// With paths from the repository's root, or from the folder that was given; in order.
    pub files: Vec<TreeFile>,
    /// Where they come from.
    pub source: PolicySource,
}

/// Where a policy comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicySource {
    /// The protected branch.
    Protected(Revision),
    /// A file or folder that somebody named: no permit rests on it.
    Unprotected,
    /// Nowhere: outside a repository, and none was given.
    Absent,
}

impl Reader<'_> {
    /// What `fwgate check` judges.
    ///
    /// # Errors
    /// Anything that cannot be read, a protected branch that cannot be told, a merge that conflicts, an empty tree.
    pub fn judged(&self, arguments: &CheckArguments<'_>) -> Result<Judged, InputError> {
        let repo = Repository::discover(&self.surroundings.cwd)?;
        let policy = Choosing { reader: self, arguments, repo: repo.as_ref() }.policy();
        let reader = self.clone().with_beside(policy.as_ref().map(beside).unwrap_or_default());
        let choosing = Choosing { reader: &reader, arguments, repo: repo.as_ref() };
        let baseline = choosing.baseline()?;
        let proposed = choosing.proposed()?;
        Ok(Judged { baseline, proposed, policy: policy? })
    }

    /// One side and the policy that counts for it: what `arguments` propose.
    ///
    /// # Errors
    /// As [`Reader::judged`].
    pub fn surveyed(&self, arguments: &CheckArguments<'_>) -> Result<(Side, PolicyInput), InputError> {
        let repo = Repository::discover(&self.surroundings.cwd)?;
        let policy = Choosing { reader: self, arguments, repo: repo.as_ref() }.policy()?;
        let reader = self.clone().with_beside(beside(&policy));
        let side = Choosing { reader: &reader, arguments, repo: repo.as_ref() }.proposed()?;
        Ok((side, policy))
    }

    /// One file that somebody named, with the path that was given.
    ///
    /// # Errors
    /// Nothing there, not readable, beyond a bound.
    pub fn named_file(&self, given: &OsStr) -> Result<TreeFile, InputError> {
        let file = self.one_file(given)?;
        Ok(TreeFile { path: file.name, bytes: file.bytes })
    }

    /// The files of a policy that somebody named: one file, or every `.toml` and `.json` file of a folder.
    ///
    /// # Errors
    /// Nothing there, not readable, beyond a bound.
    pub fn policy_files(&self, given: &OsStr) -> Result<Vec<TreeFile>, InputError> {
        let path = self.path(given);
        if !path.is_dir() {
            let file = self.one_file(given)?;
            return Ok(vec![TreeFile { path: file.name, bytes: file.bytes }]);
        }
        let found = self.folder(&path, &given.to_string_lossy(), Links::WithinFolder)?;
        let files = plain(found, Strictness::AdHoc)?.0;
        Ok(files.into_iter().filter(|f| f.path.ends_with(".toml") || f.path.ends_with(".json")).collect())
    }
}

/// Where the policy says that zones and snapshots stand. One that cannot be read says nothing; whoever judges by it refuses.
fn beside(policy: &PolicyInput) -> Beside {
    let text = |f: &TreeFile| Some((f.path.clone(), std::str::from_utf8(&f.bytes).ok()?.to_owned()));
    let texts = policy.files.iter().filter_map(text);
    let files = match policy.source {
        PolicySource::Protected(_) => PolicyFiles::of_repository(texts),
        _ => PolicyFiles { main: texts.collect(), ..PolicyFiles::default() },
    };
    read_policy(&files).map(|policy| Beside::of(&policy)).unwrap_or_default()
}

struct Choosing<'a> {
    reader: &'a Reader<'a>,
    arguments: &'a CheckArguments<'a>,
    repo: Option<&'a Repository>,
}

impl Choosing<'_> {
    fn merged(&self) -> bool {
        self.arguments.merged || self.reader.surroundings.ci
    }

    fn baseline(&self) -> Result<Side, InputError> {
        match self.arguments.baseline {
            Some(given) if given != "merge-base" => self.given(given),
            Some(_) => self.merge_base(),
            None if self.merged() => self.tip(),
            None => self.merge_base(),
        }
    }

    fn proposed(&self) -> Result<Side, InputError> {
        match self.arguments.proposed {
            Some(given) => self.given(given),
            None if !self.merged() => self.working_tree(),
            None if self.arguments.baseline.is_some_and(|b| b == "merge-base") => self.head(),
            None => self.merge(),
        }
    }

    /// A folder, a file, or a revision with or without `rev:`.
    fn given(&self, given: &OsStr) -> Result<Side, InputError> {
        let words = given.to_string_lossy().into_owned();
        let as_path = || Ok(Side { tree: self.reader.tree(given)?, words: words.clone() });
        let (Some(repo), Some(name), None) = (self.repo, given.to_str(), revision_of(given)) else { return as_path() };
        let exists = self.reader.path(given).symlink_metadata().is_ok();
        match repo.resolve(name) {
            Err(VcsError::UnknownRevision { .. } | VcsError::RevisionForm { .. }) => as_path(),
            _ if exists => Err(InputError::PathOrRevision { name: words }),
            Ok(found) => self.state(repo, &found, words),
            Err(error) => Err(error.into()),
        }
    }

    fn merge_base(&self) -> Result<Side, InputError> {
        let repo = self.repository()?;
        refuse_shallow(repo)?;
        let (protected, head) = (self.protected(repo)?, repo.head()?);
        let commit = repo.merge_base(protected.commit, head.commit)?;
        let words = format!("{} (merge base of {} and {})", commit.short(), head.name, protected.name);
        self.state(repo, &Revision { commit, name: commit.to_string() }, words)
    }

    fn tip(&self) -> Result<Side, InputError> {
        let repo = self.repository()?;
        let protected = self.protected(repo)?;
        let words = format!("{} (tip of {})", protected.commit.short(), protected.name);
        self.state(repo, &protected, words)
    }

    fn head(&self) -> Result<Side, InputError> {
        let repo = self.repository()?;
        let head = repo.head()?;
        let words = format!("{} ({}, not merged: the author's part only)", head.commit.short(), head.name);
        self.state(repo, &head, words)
    }

    fn working_tree(&self) -> Result<Side, InputError> {
        let tree = self.reader.working_tree(self.repository()?)?.accepted()?;
        Ok(Side { tree, words: "the working tree".to_owned() })
    }

    fn merge(&self) -> Result<Side, InputError> {
        let repo = self.repository()?;
        refuse_shallow(repo)?;
        let (protected, head) = (self.protected(repo)?, repo.head()?);
        let files = merge_onto(repo, protected.commit, head.commit)?;
        let words = format!("{} ({}) merged onto {}", head.commit.short(), head.name, protected.name);
        Ok(Side { tree: self.reader.repository_tree(repo, &files, &words)?.accepted()?, words })
    }

    fn state(&self, repo: &Repository, at: &Revision, words: String) -> Result<Side, InputError> {
        let tree = self.reader.repository_tree(repo, &repo.tree(at.commit)?, &at.name)?.accepted()?;
        Ok(Side { tree, words })
    }

    fn policy(&self) -> Result<PolicyInput, InputError> {
        match (self.arguments.policy, self.repo) {
            (Some(given), _) => {
                Ok(PolicyInput { files: self.reader.policy_files(given)?, source: PolicySource::Unprotected })
            }
            (None, Some(repo)) => self.protected_policy(repo),
            (None, None) => Ok(PolicyInput { files: Vec::new(), source: PolicySource::Absent }),
        }
    }

    fn protected_policy(&self, repo: &Repository) -> Result<PolicyInput, InputError> {
        let protected = self.protected(repo)?;
        let tree = repo.tree(protected.commit)?;
        let limits = &self.reader.limits;
        let mut entries = repo.entries(&tree, "fwgate.toml", limits)?;
        entries.extend(repo.entries(&tree, "policies", limits)?);
        crate::vcs::refuse_irregular(&entries)?;
        let files = relative(entries, "", Strictness::Repository)?;
        Ok(PolicyInput { files, source: PolicySource::Protected(protected) })
    }

    fn protected(&self, repo: &Repository) -> Result<Revision, InputError> {
        Ok(repo.protected_branch(self.arguments.policy_ref)?)
    }

    fn repository(&self) -> Result<&Repository, InputError> {
        self.repo.ok_or(InputError::NoDefaults)
    }
}

/// A merge base needs all history.
fn refuse_shallow(repo: &Repository) -> Result<(), VcsError> {
    match repo.conditions()?.into_iter().find(|c| *c == Condition::Shallow) {
        Some(condition) => Err(VcsError::History(condition)),
        None => Ok(()),
    }
}
