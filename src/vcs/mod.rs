//! Evidence out of git: commits, trees and merges, read from objects in this process.
//!
//! Architecture invariant: nothing that a repository contains or configures is ever executed or obeyed by
//! reading it. Four decisions make that so:
//!
//! - Reading is of objects and references only. There is no index, no working tree, no checkout, no diff driver and
//!   no child process, so hooks, filters, `core.fsmonitor` and `diff.external` have no caller.
//! - A repository is opened as bare, by the `.git` found above the working directory and never by a folder that
//!   only looks like a bare repository; right after opening, its configuration is replaced by an empty one.
//!   (libgit2's switch for the search path of user and system configuration is `unsafe` in git2, and this crate
//!   forbids unsafe code. During opening libgit2 reads configuration files for the object format and for
//!   `safe.directory`; that is parsing, and both can only make it refuse.)
//! - A blob's bytes are the object's bytes. `.gitattributes` is a file like any other.
//! - Parents are read from the commit objects themselves, so replace refs, grafts and commit-graph files change
//!   no answer; `Repository::conditions` reports them for those who must refuse.
//!
//! Three programs are started, for what only they can do: `git` to ask, fetch from and append to the root's remote (in a
//! scratch repository of ours, `remote.rs`), and `ssh-keygen` or `gpg` to let a person sign (`sign/`). Each runs in a
//! folder of ours, with the variables of [`KEPT`] and no others (`program.rs`).
//!
//! | of the environment survives | because |
//! |---|---|
//! | `PATH`, `HOME`, `XDG_*`, `GNUPGHOME` and their kin on Windows | the user's own programs, settings and keys |
//! | `SSH_AUTH_SOCK`, `SSH_ASKPASS`, `SSH_SK_PROVIDER`, `GPG_TTY`, `DISPLAY`, `TERM` | agents, hardware and the asking for a PIN |
//! | proxies, `SSL_CERT_FILE`, `SSL_CERT_DIR` | the way to the remote |
//!
//! No `GIT_*` variable does: credentials come from the agent of SSH or from `credential.helper` in the configuration of the
//! user or the system.

mod branch;
mod collision;
mod crash;
mod entry;
mod error;
mod evidence;
mod history;
mod kept;
mod merge;
mod policies;
mod program;
mod range;
mod remote;
mod revision;
mod server;
mod shadow;
mod sign;
mod store;
mod tree;
mod write;

pub use branch::{EVIDENCE_ROOT, EvidenceSource, MAX_CHANGE_COMMITS};
pub(crate) use collision::is_unseen;
pub use collision::{collisions, refuse_twins};
pub use crash::crash_point;
pub use entry::{Entry, EntryKind, refuse_irregular};
pub use error::VcsError;
pub use evidence::{Branch, PolicyVersion, RawCommit};
pub use history::Condition;
pub use merge::{merge_onto, merge_texts};
pub use program::{KEPT, ProgramError};
pub use range::{Range, RangeFlaw};
pub use remote::{Fetched, Remote, RemoteError};
pub use revision::Revision;
pub use sign::{Signer, SignerFlags, SigningError, public_key_of, sign_by_machine};
pub use store::{CommitId, Repository};
pub use tree::{Limits, Tree};
pub use write::EvidenceDraft;
