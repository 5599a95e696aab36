//! What git holds as evidence: commits as bytes, branches of them, versions of the policy. Nothing of it is believed yet.

use super::entry::EntryKind;
use std::sync::Arc;

/// A commit as its object's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawCommit {
    /// 40 hexadecimal digits.
    pub id: String,
    /// The object's content, without git's `commit SIZE NUL` head.
    pub bytes: Arc<[u8]>,
}

/// A branch of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Full name on the remote: `refs/heads/fwgate/changes/CHG-2042`.
    pub name: String,
    /// From the fixed root commit (left out) to the head, first parents, oldest first.
    pub commits: Vec<RawCommit>,
    /// Whether the walk stopped at a bound or did not end at the fixed root commit: false then, and `commits` is what was
    /// read up to there.
    pub is_whole: bool,
}

impl Branch {
    /// The id of the commit that the branch points to; `None` for a branch that is its root commit.
    pub fn head(&self) -> Option<&str> {
        self.commits.last().map(|commit| commit.id.as_str())
    }
}

/// The bytes of a policy at one commit of the protected branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// The oldest commit on the protected branch's first-parent line from which on it had these bytes.
    pub commit: String,
    /// Paths and bytes, sorted by path: `fwgate.toml` and everything under `policies/` that is a regular file.
    pub files: Vec<(String, Vec<u8>)>,
    /// What stands at such a path and is no regular file, sorted by path.
    pub irregular: Vec<(String, EntryKind)>,
}
