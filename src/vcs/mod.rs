//! Evidence out of git: commits, trees and merges, read from objects in this process.
//!
//! Architecture invariant: nothing that a repository contains or configures is ever executed or obeyed by
//! reading it. Four decisions make that so:
//!
//! - Only objects and references are read. There is no index, no working tree, no checkout, no diff driver, no
//!   remote and no child process, so hooks, filters, `core.fsmonitor` and `diff.external` have no caller.
//! - A repository is opened as bare, by the `.git` found above the working directory and never by a folder that
//!   only looks like a bare repository; right after opening, its configuration is replaced by an empty one.
//!   (libgit2's switch for the search path of user and system configuration is `unsafe` in git2, and this crate
//!   forbids unsafe code. During opening libgit2 reads configuration files for the object format and for
//!   `safe.directory`; that is parsing, and both can only make it refuse.)
//! - A blob's bytes are the object's bytes. `.gitattributes` is a file like any other.
//! - Parents are read from the commit objects themselves, so replace refs, grafts and commit-graph files change
//!   no answer; `Repository::conditions` reports them for those who must refuse.

mod collision;
mod entry;
mod error;
mod history;
mod merge;
mod revision;
mod store;
mod tree;

pub use collision::collisions;
pub(crate) use collision::is_unseen;
pub use entry::{Entry, EntryKind, refuse_irregular};
pub use error::VcsError;
pub use history::Condition;
pub use merge::{merge_onto, merge_texts};
pub use revision::Revision;
pub use store::{CommitId, Repository};
pub use tree::{Limits, Tree};
