//! The push: one device after the other, each under a timer of its own, with every step written to the ledger first.
//!
//! A state machine over what it needs of the world ([`Port`], [`Ledger`], [`Receipts`], [`Gate`], [`Clock`]); nothing here starts
//! a program or reads a clock, so that tests put a fault at every step. What holds however a run ends:
//!
//! - Nothing is applied without a permit whose signature was verified, which nobody has spent, and which this run has
//!   claimed in the ledger; and never while the gate has anything against the change.
//! - A device that was begun ends at the proposal, read back and confirmed, or at the baseline, by its timer or by the
//!   rollback; the report says which, or that nobody knows.
//!
//! ```text
//!  claim ─► for each device: gate ─► read back (baseline?) ─► `started` ─► apply ─► read back ─► probe ─► confirm ─► receipt
//!              │                       │ DRIFT                   │           └──────┴── any failure ──┴─► roll back ─► read back
//!              └─ PERMIT_SPENT, PERMIT_CLAIMED                   └─ lost the claim: stop                             └─ `rolled-back`
//! ```

mod device;
mod engine;
mod report;
pub mod route;
mod spending;

pub use engine::{Mode, Orders, WhenStopped, World, push};
pub use report::{DeviceEnd, DeviceReport, PushReport, Running};
pub use spending::Spending;

use super::instant::Instant;
use super::reason::Reason;
use super::record::{Digest, LedgerEntry, Receipt};
use std::time::Duration;

/// What went wrong with one step, in one lower-case sentence; text of programs in it is escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble(pub String);

/// What a device runs, as far as the gate cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// It means what the baseline means.
    pub is_baseline: bool,
    /// It means what the proposal means.
    pub is_proposal: bool,
    /// What differs from both, in words.
    pub differs: String,
    /// Who answered: a host key, a serial number, a name.
    pub identity: String,
}

/// The way to the devices: the production transports of policy.
pub trait Port {
    /// What the device runs now, read with a nonce that was never used before.
    ///
    /// # Errors
    /// READBACK_INVALID where it is empty, not understood, another host's, or an echo; LIMIT_EXCEEDED beyond a bound.
    fn read(&mut self, device: &str, nonce: &str) -> Result<Seen, Reason>;

    /// Hands the proposal to the device, which takes it back by itself after `timer` unless it is confirmed.
    ///
    /// # Errors
    /// The program failed; the device may run either.
    fn apply(&mut self, device: &str, timer: Duration) -> Result<(), Trouble>;

    /// Looks from elsewhere whether the device is reached as it should be.
    ///
    /// # Errors
    /// It is not.
    fn probe(&mut self, device: &str) -> Result<(), Trouble>;

    /// Stops the device's timer.
    ///
    /// # Errors
    /// The program failed; the timer may be running or not.
    fn confirm(&mut self, device: &str) -> Result<(), Trouble>;

    /// Hands the bytes of the baseline to the device.
    ///
    /// # Errors
    /// The program failed; the device may run either.
    fn roll_back(&mut self, device: &str) -> Result<(), Trouble>;
}

/// The ledger as it stands on the remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerView {
    /// What the next entry has to be appended to.
    pub head: String,
    /// All entries that count, oldest first.
    pub entries: Vec<LedgerEntry>,
}

/// Why the ledger did not take an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerTrouble {
    /// Somebody else appended first.
    Moved,
    /// It cannot be reached, or does not stand up to its last witness; the reason says which.
    Refused(Reason),
}

/// The ledger on the root's remote.
pub trait Ledger {
    /// The ledger, fetched and verified.
    ///
    /// # Errors
    /// LEDGER_UNREACHABLE, LEDGER_FORK and what else speaks against it.
    fn view(&mut self) -> Result<LedgerView, LedgerTrouble>;

    /// Appends an entry if and only if the head is still the one of a view. `previous` is filled in by the ledger.
    ///
    /// # Errors
    /// The head moved, or the remote cannot be reached.
    fn append(&mut self, head: &str, entry: LedgerEntry) -> Result<(), LedgerTrouble>;
}

/// Where receipts are signed and kept.
pub trait Receipts {
    /// Signs a receipt in the production namespace and puts it on the change's branch; its digest.
    ///
    /// # Errors
    /// It could not be signed or pushed.
    fn keep(&mut self, receipt: Receipt) -> Result<Digest, Trouble>;
}

/// All evidence, fetched and evaluated again.
pub trait Gate {
    /// Everything that stands against the change now; empty where it may go.
    fn objections(&mut self) -> Vec<Reason>;
}

/// Time.
pub trait Clock {
    /// Now.
    fn now(&mut self) -> Instant;

    /// Waits.
    fn wait(&mut self, duration: Duration);

    /// 32 hexadecimal digits that nobody could have known before.
    ///
    /// # Errors
    /// There are no random bytes.
    fn nonce(&mut self) -> Result<String, Trouble>;
}

#[cfg(test)]
mod model;
