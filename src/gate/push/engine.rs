//! A run against the ledger: the claim and its renewal, results, the end. What happens between them is [`super::course`].

use super::super::permit::{Permit, VerifiedPermit};
use super::super::reason::{Reason, ReasonCode};
use super::super::record::{Claim, Digest, Finish, LedgerEntry, Result as DeviceResult, ResultKind};
use super::flight::Flight;
use super::report::{DeviceReport, PushReport, Running};
use super::spending::{Spending, last_result, other_run};
use super::wave::Batch;
use super::{Clock, Gate, Ledger, LedgerTrouble, LedgerView, Port, Receipts, Watch};
use crate::gate::{Instant, State};
use crate::policy::Unreachable;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// When a device does what it is told.
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
    /// Those of the wave that did not come to its end get the baseline back.
    RollBackWave,
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
    /// When devices do what they are told; immediately where it is not said.
    pub modes: &'a BTreeMap<String, Mode>,
    /// What becomes of devices that have got the change when the run stops.
    pub when_stopped: WhenStopped,
    /// What becomes of the run when a device cannot be read.
    pub unreachable: Unreachable,
    /// How long the claim holds without being renewed.
    pub lease: Duration,
    /// The waves. Devices that the permit does not name are left out; those that no wave names follow one by one.
    pub waves: &'a [Batch],
    /// The commit that holds each device's baseline.
    pub baseline_heads: &'a [(String, String)],
}

impl Orders<'_> {
    pub(super) fn permit(&self) -> &Permit {
        self.permit.permit()
    }

    /// The waves as far as the permit goes.
    fn waves(&self) -> Vec<Batch> {
        let mut left: BTreeSet<&str> = self.permit().devices.iter().map(|d| d.name.as_str()).collect();
        let mut out: Vec<Batch> = Vec::new();
        for wave in self.waves {
            let devices = wave.devices.iter().filter(|d| left.remove(d.as_str())).cloned();
            out.push(Batch { devices: devices.collect(), ..*wave });
        }
        let alone = |name: &str| Batch { devices: vec![name.to_owned()], parallel: 1, wait: Duration::ZERO };
        out.extend(left.into_iter().map(alone));
        out.retain(|wave| !wave.devices.is_empty());
        out
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
    /// Whoever looks on.
    pub watch: &'w mut dyn Watch,
}

/// So often an entry is tried again when somebody else was first.
const ATTEMPTS: usize = 5;
/// The claim is renewed once this part of its lease has passed.
const RENEWAL: u32 = 4;

/// Pushes the permitted bytes to the permitted devices, or says why not.
pub fn push(orders: &Orders<'_>, world: &mut World<'_>) -> PushReport {
    let mut reasons = before_anything(orders, world);
    let mut run = Run::new(orders, world);
    if reasons.is_empty() {
        reasons.extend(run.claim().err());
    }
    if !reasons.is_empty() {
        return PushReport::refused(reasons);
    }
    run.course();
    let mut report = PushReport { state: State::Pushing, reasons: run.reasons.clone(), devices: run.reports.clone() };
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
    pub waves: Vec<Batch>,
    /// Why no further device is begun or applied.
    pub is_stopped: bool,
    /// Everything that speaks against this having been a whole push.
    pub reasons: Vec<Reason>,
    /// The devices, wave after wave.
    pub reports: Vec<DeviceReport>,
    /// Devices on their way.
    pub flights: Vec<Flight>,
    /// Where each device stands in the reports.
    pub places: BTreeMap<String, usize>,
    digests: BTreeMap<String, (Digest, Digest)>,
    claimed: Option<Instant>,
}

impl<'r, 'w> Run<'r, 'w> {
    fn new(orders: &'r Orders<'r>, world: &'r mut World<'w>) -> Run<'r, 'w> {
        let waves = orders.waves();
        let devices = orders.permit().devices.iter();
        let digests = devices.map(|d| (d.name.clone(), (d.proposal, d.rollback))).collect();
        let (flights, reasons) = (Vec::new(), Vec::new());
        let places = BTreeMap::new();
        let reports = Vec::new();
        Run { orders, world, waves, is_stopped: false, reasons, reports, flights, places, digests, claimed: None }
    }
}

impl Run<'_, '_> {
    /// The bytes that a device gets, and those that it goes back to.
    pub fn digests(&self, device: &str) -> (Digest, Digest) {
        self.digests.get(device).copied().unwrap_or((Digest([0; 32]), Digest([0; 32])))
    }

    pub fn mode(&self, device: &str) -> Mode {
        self.orders.modes.get(device).copied().unwrap_or(Mode::Immediate)
    }

    fn baseline_head(&self, device: &str) -> String {
        let found = self.orders.baseline_heads.iter().find(|(name, _)| name == device);
        found.map_or_else(|| self.orders.permit().head.clone(), |(_, head)| head.clone())
    }

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
        })?;
        self.claimed = Some(self.world.clock.now());
        Ok(())
    }

    /// Renews the claim where a part of its lease has passed.
    pub fn renew(&mut self) -> Result<(), Reason> {
        let due = self.claimed.map(|at| at.after(self.orders.lease / RENEWAL));
        if due.is_some_and(|due| self.world.clock.now() < due) { Ok(()) } else { self.claim() }
    }

    /// Writes what became of a device; refuses where the claim is not this run's any more.
    pub fn result(&mut self, device: &str, result: ResultKind, receipt: Option<Digest>) -> Result<(), Reason> {
        let (proposal, rollback) = self.digests(device);
        let (bytes, head) = match result {
            ResultKind::Applied => (proposal, self.orders.permit().head.clone()),
            _ => (rollback, self.baseline_head(device)),
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

    /// The devices before this run comes to them. What an earlier run wrote of one is a record, not a reading: it may have
    /// died, or rolled back without the ledger.
    pub fn as_recorded(&mut self) {
        let view = self.world.ledger.view();
        let waves = std::mem::take(&mut self.waves);
        for (at, wave) in waves.iter().enumerate() {
            for name in &wave.devices {
                let mut device = DeviceReport::new(name, at + 1);
                let unknown = match view.as_ref().map(|view| self.last_result(view, name)) {
                    Ok(None | Some(ResultKind::RolledBack)) => None,
                    Ok(Some(ResultKind::Applied)) => Some("the ledger says that an earlier run applied it"),
                    Ok(Some(_)) => Some("the ledger says that an earlier run began it"),
                    Err(_) => Some("the ledger could not be asked about it"),
                };
                if let Some(words) = unknown {
                    device.running = Running::Unknown;
                    device.words.push(words.to_owned());
                }
                self.places.insert(name.clone(), self.reports.len());
                self.reports.push(device);
            }
        }
        self.waves = waves;
    }

    fn last_result(&self, view: &LedgerView, device: &str) -> Option<ResultKind> {
        last_result(&view.entries, self.orders.permit(), device, self.digests(device).0)
    }

    /// What an earlier run of the permit wrote of a device last.
    pub fn earlier(&mut self, device: &str) -> Result<Option<ResultKind>, Reason> {
        match self.world.ledger.view() {
            Ok(view) => self.still_ours(&view).map(|()| self.last_result(&view, device)),
            Err(LedgerTrouble::Refused(reason)) => Err(reason),
            Err(LedgerTrouble::Moved) => {
                Err(Reason::new(ReasonCode::LedgerUnreachable, "the ledger moved while it was read", "try again"))
            }
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
