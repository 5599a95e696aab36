//! The push: wave after wave, each device under a timer of its own, with every step written to the ledger first.
//!
//! A state machine over what it needs of the world ([`Port`], [`Ledger`], [`Receipts`], [`Gate`], [`Clock`], [`Watch`]); nothing here
//! starts a program, a thread or a clock, so that tests put a fault at every step and let devices end in every order. What holds
//! however a run ends:
//!
//! - Nothing is applied without a permit whose signature was verified, which nobody has spent, and which this run has
//!   claimed in the ledger; and never while the gate has anything against the change.
//! - A device that was begun ends at the proposal, read back and confirmed, or at the baseline, by its timer or by the
//!   rollback; the report says which, or that nobody knows.
//! - Once anything has gone wrong no further device is applied; those that have been come to their end.
//!
//! ```text
//!  claim ─► for each device: gate ─► read back (baseline?) ─► `started` ─► apply ─► read back ─► probe ─► confirm ─► receipt
//!              │                       │ DRIFT                   │           └──────┴── any failure ──┴─► roll back ─► read back
//!              └─ PERMIT_SPENT, PERMIT_CLAIMED                   └─ lost the claim: stop                             └─ `rolled-back`
//! ```
//!
//! As many devices of a wave as policy allows are on their way at the same time: the port works on them, and this machine waits
//! for whichever is ready first. Gate, ledger and receipts are asked by the machine alone, one after the other.

mod course;
mod engine;
mod flight;
mod report;
pub mod route;
mod spending;
pub mod wave;

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

/// One thing to do with a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Say what the device runs now, read with a nonce that was never used before.
    Read {
        /// 32 hexadecimal digits.
        nonce: String,
    },
    /// Hand the proposal to the device, which takes it back by itself after `timer` unless it is confirmed.
    Apply {
        /// How long the device waits for the confirmation.
        timer: Duration,
    },
    /// Look from elsewhere whether the device is reached as it should be.
    Probe,
    /// Stop the device's timer.
    Confirm,
    /// Hand the bytes of the baseline to the device; stops its timer, too.
    RollBack,
}

/// What came of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// Of a reading. READBACK_INVALID where it is empty, not understood, another host's, or an echo; LIMIT_EXCEEDED beyond a bound.
    Seen(Result<Seen, Reason>),
    /// Of any other task. Where its program failed, the device may run either, its timer may be running or not.
    Step(Result<(), Trouble>),
}

/// The way to the devices: the production transports of policy. A device has at most one task at a time.
pub trait Port {
    /// Begins a task and returns at once.
    fn begin(&mut self, device: &str, task: Task);

    /// The next task that ends; `None` where none did within `patience`, or where none is going on.
    fn next(&mut self, patience: Option<Duration>) -> Option<(String, Done)>;
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

/// What happens in a run, as it happens.
#[derive(Clone, Copy, Debug)]
pub enum Event<'e> {
    /// A wave begins: its number from 1, how many there are, its devices.
    Wave(usize, usize, &'e wave::Batch),
    /// A device has come to its end, or to none.
    Device(&'e DeviceReport),
    /// The run waits before the next wave.
    Wait(Duration),
}

/// Whoever looks on.
pub trait Watch {
    /// Takes note.
    fn note(&mut self, event: Event<'_>);
}

#[cfg(test)]
mod model;
