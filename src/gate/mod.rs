//! The gate: whether a change may go to production now, computed from evidence at every call and stored nowhere.
//!
//! The edge gathers [`Evidence`] (raw commits, policy files, trees, one clock reading) and this floor judges it; nothing
//! here reads a file, a process or a clock. Whatever is missing or wrong becomes a [`Reason`], all of them at once, each
//! with its code and the command that mends it; a permit exists only where there is none.
//!
//! ```text
//!  raw commits ─► commit (strict parse) ─► signature (roster key, namespace) ─► record (closed grammar)
//!                                                                                 │
//!  root ─► policy chain ─► roster, quorum, calendar ──────────────────────────────┼─► decide ─► reasons, state
//!  ledger (witnesses, claims, receipts, what is in force) ─────────────────────────┘
//!  baseline x proposal x policy ─► analysis (check, content digest, meaning digest) ┘
//! ```

mod analysis;
mod content;
mod decision;
mod edits;
mod evidence;
mod instant;
mod pair;
mod reason;
mod record;
mod says;

pub use analysis::{Case, Library, analyse, read_request, targets};
pub use content::{Target, content_digest, device_digest, files_digest, policy_digest, sha256};
pub use decision::{Decision, Missing, State};
pub use edits::edits_digest;
pub use evidence::{Analysis, Branch, DeviceBytes, Evidence, Extent, PolicyVersion, RawCommit};
pub use instant::Instant;
pub use pair::{Planned, Terms, beside};
pub use reason::{Reason, ReasonCode};
pub use record::{
    Adopt, Approve, Change, Claim, Digest, Emergency, Finish, Hold, LedgerEntry, OverrideReject, PolicyRecord,
    Quarantine, Receipt, ReceiptKind, Record, Reissue, Reject, Result as DeviceResult, ResultKind, Review, Revoke,
    Schedule, Scope, Stage, Withdraw, Witness,
};
pub use says::{Said, Subject, says};
