//! What a run did, device by device.

use super::super::decision::State;
use super::super::reason::Reason;
use super::super::record::Digest;

/// What a device runs at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Running {
    /// What it ran before.
    Baseline,
    /// What the permit names.
    Proposal,
    /// Something else than both, which was there before the run.
    Other,
    /// It was not read back since something was done to it, or reads as neither then; a timer that nobody stopped brings the
    /// baseline back.
    Unknown,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceEnd {
    /// Not begun.
    Untouched,
    /// Read back, probed, confirmed; with a receipt or without.
    Applied,
    /// Brought back to the baseline and read back.
    RolledBack,
    /// Neither is certain: somebody has to look.
    Failed,
}

/// One device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceReport {
    /// Its name.
    pub device: String,
    /// Its wave, from 1.
    pub wave: usize,
    /// How it went.
    pub end: DeviceEnd,
    /// What it runs.
    pub running: Running,
    /// Its receipt.
    pub receipt: Option<Digest>,
    /// What happened, in words, in order.
    pub words: Vec<String>,
}

impl DeviceReport {
    pub(super) fn new(device: &str, wave: usize) -> DeviceReport {
        let (end, running) = (DeviceEnd::Untouched, Running::Baseline);
        DeviceReport { device: device.to_owned(), wave, end, running, receipt: None, words: Vec::new() }
    }
}

/// A whole run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushReport {
    /// Where the change stands now.
    pub state: State,
    /// Why the run was refused or stopped.
    pub reasons: Vec<Reason>,
    /// The devices of the permit, wave after wave.
    pub devices: Vec<DeviceReport>,
}

impl PushReport {
    /// A run that was refused before it touched anything.
    pub(super) fn refused(reasons: Vec<Reason>) -> PushReport {
        PushReport { state: State::Permitted, reasons, devices: Vec::new() }
    }

    /// APPLIED only where every device has its receipt.
    pub(super) fn conclude(&mut self) {
        let is_applied = |d: &DeviceReport| d.end == DeviceEnd::Applied && d.receipt.is_some();
        let has_moved = |d: &DeviceReport| d.running != Running::Baseline || d.end == DeviceEnd::Failed;
        self.state = match () {
            () if self.devices.iter().all(is_applied) => State::Applied,
            () if self.devices.iter().any(has_moved) => State::Partial,
            () if self.touched_something() => State::RolledBack,
            () => State::Permitted,
        };
    }

    /// Whether anything was done to a device.
    pub fn touched_something(&self) -> bool {
        self.devices.iter().any(|d| d.end != DeviceEnd::Untouched)
    }
}
