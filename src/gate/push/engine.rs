//! A run: the claim, the devices in order, what becomes of the earlier ones when it stops, and the end.

use super::super::permit::{Permit, VerifiedPermit};
use super::super::reason::{Reason, ReasonCode};
use super::super::record::{Claim, Digest, Finish, LedgerEntry, Result as DeviceResult, ResultKind};
use super::device::{Step, push_device, take_back};
use super::report::{DeviceEnd, DeviceReport, PushReport, Running};
use super::spending::{Spending, last_result, other_run};
use super::{Clock, Gate, Ledger, LedgerTrouble, LedgerView, Port, Receipts};
use crate::gate::State;
use std::time::Duration;

/// When devices do what they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Before the program ends, under a timer.
    Immediate,
    /// Some time later: read back again and again until the deadline.
    Eventual {
        /// How long a device has.
        deadline: Duration,
        /// How long to wait between two readings.
        every: Duration,
    },
}

/// What becomes of devices that have got the change when the run stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenStopped {
    /// They keep it.
    Leave,
    /// They get the baseline back.
    RollBack,
}

/// What a run is to do.
#[derive(Clone, Debug)]
pub struct Orders<'a> {
    /// The permit.
    pub permit: &'a VerifiedPermit,
    /// Who pushes.
    pub holder: &'a str,
    /// The run: 32 hexadecimal digits.
    pub run: &'a str,
    /// When devices do what they are told.
    pub mode: Mode,
    /// What becomes of devices that have got the change when the run stops.
    pub when_stopped: WhenStopped,
    /// How long the claim holds without being renewed.
    pub lease: Duration,
    /// The devices of the permit in the order in which they are pushed; absent ones follow by name.
    pub order: &'a [String],
    /// The commit that holds each device's baseline.
    pub baseline_heads: &'a [(String, String)],
}

impl Orders<'_> {
    pub(super) fn permit(&self) -> &Permit {
        self.permit.permit()
    }

    fn devices(&self) -> Vec<String> {
        let names = || self.permit().devices.iter().map(|d| d.name.clone());
        let ordered = self.order.iter().filter(|o| names().any(|n| n == **o)).cloned();
        let mut out: Vec<String> = ordered.collect();
        let rest: Vec<String> = names().filter(|n| !out.contains(n)).collect();
        out.extend(rest);
        out
    }

    pub(super) fn digests(&self, device: &str) -> (Digest, Digest) {
        let found = self.permit().devices.iter().find(|d| d.name == device);
        found.map_or((Digest([0; 32]), Digest([0; 32])), |d| (d.proposal, d.rollback))
    }

    fn baseline_head(&self, device: &str) -> String {
        let found = self.baseline_heads.iter().find(|(name, _)| name == device);
        found.map_or_else(|| self.permit().head.clone(), |(_, head)| head.clone())
    }
}

/// Everything that a run needs of the world.
pub struct World<'w> {
    /// The evidence.
    pub gate: &'w mut dyn Gate,
    /// The ledger.
    pub ledger: &'w mut dyn Ledger,
    /// The devices.
    pub port: &'w mut dyn Port,
    /// The receipts.
    pub receipts: &'w mut dyn Receipts,
    /// The time.
    pub clock: &'w mut dyn Clock,
}

/// So often an entry is tried again when somebody else was first.
const ATTEMPTS: usize = 5;

/// Pushes the permitted bytes to the permitted devices, or says why not.
pub fn push(orders: &Orders<'_>, world: &mut World<'_>) -> PushReport {
    let mut reasons = before_anything(orders, world);
    if reasons.is_empty() {
        reasons.extend(Run { orders, world }.claim().err());
    }
    if !reasons.is_empty() {
        return PushReport::refused(reasons);
    }
    let mut run = Run { orders, world };
    let mut report = run.devices();
    run.stopped(&mut report);
    report.conclude();
    run.finish(&mut report);
    report
}

/// What stands against the run before the ledger is asked.
fn before_anything(orders: &Orders<'_>, world: &mut World<'_>) -> Vec<Reason> {
    let permit = orders.permit();
    let mut reasons = world.gate.objections();
    reasons.extend(permit.untimely(world.clock.now()));
    if permit.holder != orders.holder {
        let message = format!("the permit belongs to `{}`, and `{}` presents it", permit.holder, orders.holder);
        let fix = format!("fwgate permit {} --holder {}", permit.change, orders.holder);
        reasons.push(Reason::new(ReasonCode::PermitWrongHolder, message, fix));
    }
    reasons.sort();
    reasons.dedup();
    reasons
}

/// One run that is going on.
pub(super) struct Run<'r, 'w> {
    pub orders: &'r Orders<'r>,
    pub world: &'r mut World<'w>,
}

impl Run<'_, '_> {
    /// Claims the permit in the ledger, or renews this run's claim.
    pub fn claim(&mut self) -> Result<(), Reason> {
        self.append(|run, view| {
            let now = run.world.clock.now();
            let permit = run.orders.permit();
            let devices: Vec<&str> = permit.devices.iter().map(|d| d.name.as_str()).collect();
            let spending = Spending::of(&view.entries, &permit.nonce);
            let objection = spending.objection(run.orders.run, run.orders.holder, now);
            if let Some(reason) = objection.or_else(|| other_run(&view.entries, &permit.nonce, &devices, now)) {
                return Err(reason);
            }
            Ok(LedgerEntry::Claim(Claim {
                previous: None,
                at: now,
                change: permit.change.clone(),
                permit: run.orders.permit.digest(),
                nonce: permit.nonce.clone(),
                holder: run.orders.holder.to_owned(),
                run: run.orders.run.to_owned(),
                lease: now.after(run.orders.lease),
                devices: devices.into_iter().map(str::to_owned).collect(),
            }))
        })
    }

    /// Writes what became of a device; refuses where the claim is not this run's any more.
    pub fn result(&mut self, device: &str, result: ResultKind, receipt: Option<Digest>) -> Result<(), Reason> {
        let (proposal, rollback) = self.orders.digests(device);
        let (bytes, head) = match result {
            ResultKind::Applied => (proposal, self.orders.permit().head.clone()),
            _ => (rollback, self.orders.baseline_head(device)),
        };
        self.append(|run, view| {
            run.still_ours(view)?;
            Ok(LedgerEntry::Result(DeviceResult {
                previous: None,
                at: run.world.clock.now(),
                change: run.orders.permit().change.clone(),
                nonce: run.orders.permit().nonce.clone(),
                run: run.orders.run.to_owned(),
                device: device.to_owned(),
                result,
                bytes,
                head: head.clone(),
                receipt,
            }))
        })
    }

    fn still_ours(&self, view: &LedgerView) -> Result<(), Reason> {
        match Spending::of(&view.entries, &self.orders.permit().nonce) {
            Spending::Claimed(claim) if claim.run == self.orders.run => Ok(()),
            Spending::Finished => Err(Reason::new(
                ReasonCode::PermitSpent,
                "another run has finished this permit",
                "look at `fwgate fleet status`",
            )),
            _ => Err(Reason::new(
                ReasonCode::PermitClaimed,
                "another run has taken the claim over",
                "let that run go on",
            )),
        }
    }

    /// Appends what `entry` makes of the ledger as it stands; made anew where somebody else was first.
    fn append(&mut self, entry: impl Fn(&mut Self, &LedgerView) -> Result<LedgerEntry, Reason>) -> Result<(), Reason> {
        for _ in 0..ATTEMPTS {
            let view = match self.world.ledger.view() {
                Ok(view) => view,
                Err(LedgerTrouble::Moved) => continue,
                Err(LedgerTrouble::Refused(reason)) => return Err(reason),
            };
            let made = entry(self, &view)?;
            match self.world.ledger.append(&view.head, made) {
                Ok(()) => return Ok(()),
                Err(LedgerTrouble::Moved) => {}
                Err(LedgerTrouble::Refused(reason)) => return Err(reason),
            }
        }
        let message = format!("the ledger moved {ATTEMPTS} times while an entry was appended");
        Err(Reason::new(ReasonCode::LedgerUnreachable, message, "try again"))
    }

    fn devices(&mut self) -> PushReport {
        let mut report = PushReport { state: State::Pushing, reasons: Vec::new(), devices: Vec::new() };
        let names = self.orders.devices();
        report.devices = names.iter().map(|n| self.as_recorded(n)).collect();
        for at in 0..names.len() {
            let Some(device) = report.devices.get_mut(at) else { break };
            match self.one(device) {
                Step::Done => {}
                Step::Stop(reasons) => {
                    report.reasons = reasons;
                    break;
                }
            }
        }
        report
    }

    /// A device before this run came to it. What an earlier run wrote of it is a record, not a reading: it may have
    /// died, or rolled back without the ledger.
    fn as_recorded(&mut self, name: &str) -> DeviceReport {
        let mut device = DeviceReport::new(name);
        let (running, words) = match self.earlier(name) {
            Ok(None | Some(ResultKind::RolledBack)) => return device,
            Ok(Some(ResultKind::Applied)) => (Running::Unknown, "the ledger says that an earlier run applied it"),
            Ok(Some(_)) => (Running::Unknown, "the ledger says that an earlier run began it"),
            Err(_) => (Running::Unknown, "the ledger could not be asked about it"),
        };
        device.running = running;
        device.words.push(words.to_owned());
        device
    }

    /// One device, unless something stands against it now or an earlier run of this permit has done it.
    fn one(&mut self, device: &mut DeviceReport) -> Step {
        let now = self.world.clock.now();
        let mut reasons = self.world.gate.objections();
        reasons.extend(self.orders.permit().untimely(now));
        if !reasons.is_empty() {
            return Step::Stop(reasons);
        }
        if let Err(reason) = self.claim() {
            return Step::Stop(vec![reason]);
        }
        match self.earlier(&device.device) {
            Err(reason) => Step::Stop(vec![reason]),
            Ok(earlier) => push_device(self, device, earlier),
        }
    }

    fn earlier(&mut self, device: &str) -> Result<Option<ResultKind>, Reason> {
        match self.world.ledger.view() {
            Ok(view) => Ok(last_result(&view.entries, self.orders.permit(), device)),
            Err(LedgerTrouble::Refused(reason)) => Err(reason),
            Err(LedgerTrouble::Moved) => {
                Err(Reason::new(ReasonCode::LedgerUnreachable, "the ledger moved while it was read", "try again"))
            }
        }
    }

    /// Policy says what becomes of devices that have got the change when a run stops.
    fn stopped(&mut self, report: &mut PushReport) {
        if report.reasons.is_empty() || self.orders.when_stopped == WhenStopped::Leave {
            return;
        }
        for device in report.devices.iter_mut().filter(|d| d.end == DeviceEnd::Applied) {
            device.words.push("the run stopped, and policy says to roll back".to_owned());
            let reason = take_back(self, device);
            report.reasons.extend(reason);
        }
    }

    /// A run that touched nothing leaves the permit to its holder; any other one has spent it.
    fn finish(&mut self, report: &mut PushReport) {
        let state = match report.state {
            State::Applied => "applied",
            State::RolledBack => "rolled-back",
            State::Partial => "partial",
            _ => return,
        };
        let written = self.append(|run, view| {
            run.still_ours(view)?;
            let permit = run.orders.permit();
            Ok(LedgerEntry::Finish(Finish {
                previous: None,
                at: run.world.clock.now(),
                change: permit.change.clone(),
                nonce: permit.nonce.clone(),
                run: run.orders.run.to_owned(),
                state: state.to_owned(),
            }))
        });
        report.reasons.extend(written.err());
    }
}
