//! Branches of changes that the log keeps: once a change is closed its branch may go, and what was signed on it stays.

use crate::gate::{LOG_BRANCH, LogEntry, OrdinaryCommit};
use crate::vcs::{Branch, Repository, VcsError};
use std::collections::BTreeMap;

/// The branches of closed changes that are not there any more, at the head that their last merge into the log brought. Who
/// signed the merges is not asked: the records on a branch speak for themselves.
///
/// # Errors
/// Objects that cannot be read.
pub fn closed_branches(repository: &Repository, branches: &BTreeMap<String, Branch>) -> Result<Vec<Branch>, VcsError> {
    let mut heads: BTreeMap<String, String> = BTreeMap::new();
    for raw in branches.get(LOG_BRANCH).into_iter().flat_map(|log| &log.commits) {
        let merge = OrdinaryCommit::read(&raw.bytes);
        let (Some(said), Some(head)) = (LogEntry::read(&merge.message), merge.parents.get(1)) else { continue };
        heads.insert(format!("refs/heads/fwgate/changes/{}", said.change), head.clone());
    }
    heads.retain(|name, _| !branches.contains_key(name));
    let kept = |(name, head): (&String, &String)| {
        repository.commit_id(head).and_then(|head| repository.evidence_branch(name, head))
    };
    heads.iter().map(kept).collect()
}
