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

mod adoption;
mod analysis;
pub mod audit;
mod believed;
mod calendar;
mod case;
mod chain;
mod claims;
mod commit;
mod content;
mod contribution;
mod cores;
mod decide;
mod decision;
mod edits;
mod estate;
mod evidence;
pub mod fleet;
mod grammar;
mod instant;
mod ledger;
mod log;
mod matching;
mod operator;
mod pair;
mod permit;
mod preflight;
mod proven;
pub mod push;
mod quorum;
mod reason;
mod record;
mod root;
mod roster;
mod says;
mod seal;
pub mod signature;
mod stable;
mod stand_in;
mod standing;
mod terms;
mod validity;
pub mod vetting;
mod voices;

pub use crate::vcs::{Branch, PolicyVersion, RawCommit};
pub use adoption::{Confined, adoptions, quarantined, quarantines, with_adoptions};
pub use analysis::{
    BesideDevices, Case, Library, Passing, analyse, analyse_within, read_request, targets, unsafe_passing,
};
pub use believed::{Believed, Ignored, MAX_COMMITS, TOLERANCE, Testimony, looks_like_approval, read_branch};
pub use calendar::{Booking, Calendar, Period, Slot, SlotSource, calendar, instant_of, slot, wished};
pub use case::{Debt, Dossier, Neighbour, Progress, TargetDevice, Unconverged};
pub use chain::{Chain, Pending, PolicyVoice, VersionInForce, Voices, judge_chain, judge_pending, missing_voices};
pub use claims::{FAR_REACHING, claims};
pub use commit::{EMPTY_TREE, EvidenceCommit, Identity, Malformed, OrdinaryCommit, Seal};
pub use content::{Target, content_digest, device_digest, files_digest, policy_digest, sha256};
pub use contribution::{Contribution, contributions};
pub use decide::{decide, may_roll_back};
pub use decision::{Decision, Missing, State};
pub use edits::{change_edits, edits_digest};
pub use estate::{EstateSide, inventory_of, with_hosts};
pub use evidence::{Analysis, DeviceBytes, Evidence, Extent};
pub use grammar::{Flaw, MAX_TEXT};
pub use instant::Instant;
pub use ledger::{Entry, InForce, LEDGER_BRANCH, LOG_BRANCH, Ledger, PermitHistory, Sighting};
pub use log::{Attachment, Log, LogEntry, Merge, Outcome, carried_policies, merge_payload};
pub use operator::{operator, signer};
pub use pair::{Clash, ClashKind, Planned, Terms, beside, clashes};
pub use permit::{
    Expected, PERMIT_NAMESPACE, Permit, PermitFile, PermitRoster, PermitTrust, PermittedDevice, VerifiedPermit,
    untrusted,
};
pub use preflight::{CHECKS, Check, Item, Preflight, Tick, of_decisions};
pub use proven::Proven;
pub use quorum::Counted;
pub use reason::{Reason, ReasonCode};
pub use record::{
    Adopt, Approve, Change, Claim, Digest, Emergency, Finish, Hold, LedgerEntry, OverrideReject, PolicyRecord,
    Quarantine, Receipt, ReceiptKind, Record, Reissue, Reject, Result as DeviceResult, ResultKind, Review, Revoke,
    Schedule, Scope, Stage, Withdraw, Witness,
};
pub use root::{Root, RootFlaw};
pub use roster::{Holder, Owner, Roster, Standing};
pub use says::{Said, Subject, says};
pub use seal::{seal_of_machine, whose_key};
pub use stable::{Stable, stable};
pub use stand_in::renamed;
pub use standing::{debt, in_force_for, progress, taken_back, unconverged};
pub use terms::{ClassTerms, terms};
pub use validity::{faults, may_author, read_version, revoked_keys};
pub use voices::BranchVoices;
