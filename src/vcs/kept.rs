//! References of ours in the user's repository: what was fetched, and how far each branch was ever seen.
//!
//! A process that dies while it writes one leaves a lock file, and nobody would ever take it away. A lock is held only while a line is
//! written: one that stays the same for much longer is nobody's.

use super::error::VcsError;
use super::store::{CommitId, Repository};
use git2::{ErrorCode, Reference};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How often a reference that is locked is tried again.
const TRIES: u32 = 40;
/// How long is waited between two tries.
const PAUSE: Duration = Duration::from_millis(25);

impl Repository {
    /// Lets a reference of ours point to a commit, whatever it pointed to.
    pub(super) fn keep_reference(&self, name: &str, commit: CommitId) -> Result<(), VcsError> {
        self.unlocked(name, || self.git.reference(name, commit.0, true, "").map(drop))
    }

    /// Takes a reference of ours away.
    pub(super) fn drop_reference(&self, name: &str) -> Result<(), VcsError> {
        self.unlocked(name, || self.git.find_reference(name).and_then(|mut r: Reference<'_>| r.delete()))
    }

    fn unlocked(&self, name: &str, write: impl Fn() -> Result<(), git2::Error>) -> Result<(), VcsError> {
        let lock = self.git.commondir().join(format!("{name}.lock"));
        let before = age(&lock);
        for _ in 0..TRIES {
            match write() {
                Err(error) if error.code() == ErrorCode::Locked => std::thread::sleep(PAUSE),
                done => return Ok(done?),
            }
        }
        if before.is_some() && before == age(&lock) {
            let _ = std::fs::remove_file(&lock);
        }
        Ok(write()?)
    }
}

/// When a file was written.
fn age(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|facts| facts.modified()).ok()
}
