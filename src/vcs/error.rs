//! What can go wrong while evidence is read out of git, with the codes that the workflow's threat list names.

use super::entry::EntryKind;
use super::history::Condition;

/// Why git gave no evidence. Every one of these is a refusal for the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VcsError {
    /// There is a `.git`, and it cannot be opened.
    #[error("the git repository at `{path}` cannot be opened: {reason}")]
    Unopenable {
        /// The folder that holds `.git`.
        path: String,
        /// In git's words.
        reason: String,
    },
    /// It belongs to another user.
    #[error("the git repository at `{path}` belongs to another user")]
    ForeignOwner {
        /// The folder that holds `.git`.
        path: String,
    },
    /// No such revision.
    #[error("`{name}` is no branch, tag or commit of this repository")]
    UnknownRevision {
        /// As the user wrote it.
        name: String,
        /// The nearest names that exist.
        near: Option<String>,
    },
    /// A revision in a form that is not understood.
    #[error("`{name}` is no form of a revision that is understood")]
    RevisionForm {
        /// As the user wrote it.
        name: String,
    },
    /// Something else that git would take for the protected branch.
    #[error("{} has a name that git takes for `{name}`", quoted(refs))]
    Shadowed {
        /// The protected branch.
        name: String,
        /// Full names of what shadows it.
        refs: Vec<String>,
        /// The address of the remote that has them; `None` where they are in this repository.
        remote: Option<String>,
    },
    /// Several things go by this name.
    #[error("`{name}` names several things: {}", quoted(refs))]
    AmbiguousName {
        /// As the user wrote it.
        name: String,
        /// Their full names.
        refs: Vec<String>,
    },
    /// The protected branch is named by something that is no branch.
    #[error("`{name}` is no branch, and the protected ref must be one")]
    NotABranch {
        /// As the user wrote it.
        name: String,
    },
    /// The protected branch cannot be told.
    #[error("which branch is protected cannot be told")]
    NoProtectedBranch {
        /// What the repository has.
        seen: Vec<String>,
    },
    /// An object is missing or is not what it should be.
    #[error("the object {id} cannot be read: {reason}")]
    MissingObject {
        /// Its id.
        id: String,
        /// In git's words.
        reason: String,
    },
    /// History is not what the commits say.
    #[error("{0}")]
    History(Condition),
    /// Two commits with nothing in common.
    #[error("`{ours}` and `{theirs}` have no commit in common")]
    NoMergeBase {
        /// One of them.
        ours: String,
        /// The other.
        theirs: String,
    },
    /// A merge that people must do.
    #[error("merging `{theirs}` onto `{ours}` conflicts in {}", quoted(paths))]
    Conflict {
        /// What is merged onto.
        ours: String,
        /// What is merged.
        theirs: String,
        /// The paths, in order.
        paths: Vec<String>,
    },
    /// A path that is something else than a plain file.
    #[error("`{path}` is {kind}, not a regular file")]
    NotRegular {
        /// The path.
        path: String,
        /// What it is.
        kind: EntryKind,
    },
    /// Two paths that are one on some systems.
    #[error("`{one}` and `{other}` are the same path on systems that ignore case or normalise names")]
    Collision {
        /// The first in order.
        one: String,
        /// The other.
        other: String,
    },
    /// A path that no checkout could hold, or that leaves the tree.
    #[error("`{path}` is no valid path: {reason}")]
    InvalidPath {
        /// The path, escaped.
        path: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// No such path at that revision.
    #[error("`{path}` does not exist at `{revision}`")]
    NoSuchPath {
        /// The path.
        path: String,
        /// The revision.
        revision: String,
    },
    /// A branch of this name leaves no room for the branches of evidence.
    #[error("`{name}` is a branch, so no branch of evidence can be below it")]
    EvidenceBlocked {
        /// Its full name on the remote.
        name: String,
    },
    /// Beyond a bound.
    #[error("{what} is beyond the bound of {bound}")]
    TooLarge {
        /// What.
        what: String,
        /// The bound, in words.
        bound: String,
    },
    /// Something else that git said.
    #[error("git: {0}")]
    Git(String),
}

impl VcsError {
    /// The stable code of the threat list, where it has one.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            VcsError::AmbiguousName { .. } | VcsError::Shadowed { .. } => Some("REF_AMBIGUOUS"),
            VcsError::MissingObject { .. } | VcsError::NoMergeBase { .. } => Some("HISTORY_UNVERIFIABLE"),
            VcsError::History(condition) => Some(condition.code()),
            VcsError::NotRegular { .. } => Some("PATH_NOT_REGULAR"),
            VcsError::Collision { .. } => Some("PATH_COLLISION"),
            VcsError::InvalidPath { .. } => Some("PATH_INVALID"),
            VcsError::EvidenceBlocked { .. } => Some("EVIDENCE_UNAVAILABLE"),
            _ => None,
        }
    }

    /// The code under which it stands against a permit: every one does.
    pub fn permit_code(&self) -> &'static str {
        match self {
            VcsError::TooLarge { .. } => "LIMIT_EXCEEDED",
            other => other.code().unwrap_or("HISTORY_UNVERIFIABLE"),
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            VcsError::Unopenable { .. } | VcsError::Git(_) | VcsError::TooLarge { .. } => return None,
            VcsError::ForeignOwner { path } => {
                return Some(format!("if you trust it: `git config --global --add safe.directory {path}`"));
            }
            VcsError::UnknownRevision { near, .. } => {
                return Some(near.as_ref().map_or_else(
                    || "`git branch -a` and `git tag` list the names; a fetch may be needed first".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                ));
            }
            VcsError::RevisionForm { .. } => {
                "write a branch, a tag, `HEAD` or a commit id, with `~N` or `^N` behind it"
            }
            VcsError::AmbiguousName { .. } => "write the full name that you mean",
            VcsError::Shadowed { refs, remote, .. } => {
                let take = |name: &String| match remote {
                    Some(url) => format!("`git push {url} :{name}`"),
                    None => format!("`git update-ref -d {name}`"),
                };
                let all: Vec<String> = refs.iter().map(take).collect();
                return Some(format!("{} takes it away; find out who made it", all.join(", ")));
            }
            VcsError::NotABranch { .. } => "name it in full, for example `refs/remotes/origin/main`",
            VcsError::NoProtectedBranch { seen } => return Some(protected_advice(seen)),
            VcsError::MissingObject { .. } => "`git fsck` says more; `git fetch --refetch` brings missing objects",
            VcsError::History(condition) => condition.help(),
            VcsError::NoMergeBase { .. } => "rebase onto the protected branch, or give `--baseline` and `--proposed`",
            VcsError::Conflict { .. } => "merge the protected branch into yours, resolve there, and run this again",
            VcsError::NotRegular { kind, .. } => kind.help(),
            VcsError::Collision { .. } => "rename one of them",
            VcsError::InvalidPath { .. } => "rename it",
            VcsError::EvidenceBlocked { name } => {
                return Some(format!(
                    "delete it on the remote: `git push REMOTE :{name}`, and protect `fwgate/**` there"
                ));
            }
            // Folders are asked for with a slash: that of the devices.
            VcsError::NoSuchPath { path, .. } if path.ends_with('/') => {
                "`--devices PATH` names the folder of the devices, where it is called otherwise"
            }
            VcsError::NoSuchPath { .. } => "`git ls-tree -r --name-only REVISION` lists the paths",
        };
        Some(text.to_owned())
    }
}

impl From<git2::Error> for VcsError {
    fn from(error: git2::Error) -> VcsError {
        VcsError::Git(error.message().to_owned())
    }
}

/// At most ten names in backticks, and how many more.
fn quoted(names: &[String]) -> String {
    let mut out: Vec<String> = names.iter().take(10).map(|n| format!("`{n}`")).collect();
    if names.len() > out.len() {
        out.push(format!("{} more", names.len() - out.len()));
    }
    out.join(", ")
}

fn protected_advice(seen: &[String]) -> String {
    let advice = "give `--policy-ref refs/remotes/origin/BRANCH`, or run `git remote set-head origin --auto`";
    match seen {
        [] => "nothing is committed here yet: commit the rulesets as they are, to the branch that will be protected"
            .to_owned(),
        seen => format!("{advice}; the repository has {}", quoted(seen)),
    }
}
