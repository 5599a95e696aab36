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

mod believed;
mod commit;
mod contribution;
mod decision;
mod evidence;
mod grammar;
mod instant;
mod ledger;
mod reason;
mod record;
mod roster;
pub mod signature;

pub use crate::vcs::{Branch, PolicyVersion, RawCommit};
pub use believed::{Believed, Ignored, MAX_COMMITS, TOLERANCE, Testimony, looks_like_approval, read_branch};
pub use commit::{EMPTY_TREE, EvidenceCommit, Identity, Malformed, OrdinaryCommit, Seal};
pub use contribution::{Contribution, contributions};
pub use decision::{Decision, Missing, State};
pub use evidence::{Analysis, DeviceBytes, Evidence};
pub use grammar::{Flaw, MAX_TEXT};
pub use instant::Instant;
pub use ledger::{Entry, InForce, LEDGER_BRANCH, LOG_BRANCH, Ledger, PermitHistory, Sighting};
pub use reason::{Reason, ReasonCode};
pub use record::{
    Adopt, Approve, Change, Claim, Digest, Emergency, Finish, Hold, LedgerEntry, OverrideReject, PolicyRecord,
    Quarantine, Receipt, ReceiptKind, Record, Reissue, Reject, Result as DeviceResult, ResultKind, Review, Revoke,
    Schedule, Scope, Stage, Withdraw, Witness,
};
pub use roster::{Holder, Owner, Roster, Standing};
