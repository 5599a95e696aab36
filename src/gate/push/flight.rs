//! One device on its way: from the reading before to the receipt, or back.

use super::super::reason::{Reason, ReasonCode};
use super::super::record::{Receipt, ReceiptKind, ResultKind};
use super::engine::{Mode, Run};
use super::report::{DeviceEnd, DeviceReport, Running};
use super::{Done, Event, Seen, Task, Trouble};
use crate::gate::Instant;
use crate::policy::Unreachable;

/// Where a device stands.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    /// Its place in the reports.
    pub place: usize,
    /// What it is waiting for.
    phase: Phase,
    /// When it is to be looked at again; `None` while a task is going on.
    pub look: Option<Instant>,
}

#[derive(Clone, Debug)]
enum Phase {
    /// The reading before; and what an earlier run wrote of the device last.
    Before(Option<ResultKind>),
    /// `apply`, begun at this instant.
    Applying(Instant),
    /// The reading that shows the proposal; since when it is waited for.
    Arriving { begun: Instant, since: Instant },
    /// `probe`.
    Probing(Instant, Seen),
    /// `confirm`.
    Confirming(Seen),
    /// `rollback`.
    Returning,
    /// The reading that shows the baseline; since when it is waited for, and whether `rollback` succeeded.
    Returned { since: Instant, was_told: bool },
}

impl Run<'_, '_> {
    /// Begins a device, unless something stands against it now or nobody knows what an earlier run did.
    pub fn launch(&mut self, place: usize) {
        let Some(name) = self.reports.get(place).map(|d| d.device.clone()) else { return };
        let now = self.world.clock.now();
        let mut reasons = self.world.gate.objections();
        reasons.extend(self.orders.permit().untimely(now));
        if !reasons.is_empty() {
            return self.stop(reasons);
        }
        match self.renew().and_then(|()| self.earlier(&name)) {
            Ok(earlier) => self.fly(place, Phase::Before(earlier)),
            Err(reason) => self.stop([reason]),
        }
    }

    fn fly(&mut self, place: usize, phase: Phase) {
        self.flights.push(Flight { place, phase, look: None });
        self.read(place);
    }

    /// Brings a device back to its baseline.
    pub fn take_back(&mut self, place: usize) {
        self.flights.push(Flight { place, phase: Phase::Returning, look: None });
        self.begin(place, Task::RollBack);
    }

    /// Reads a device with a nonce of its own.
    pub fn read(&mut self, place: usize) {
        if let Some(flight) = self.flights.iter_mut().find(|f| f.place == place) {
            flight.look = None;
        }
        match self.world.clock.nonce() {
            Ok(nonce) => self.begin(place, Task::Read { nonce }),
            Err(Trouble(why)) => {
                let name = self.reports.get(place).map(|d| d.device.clone()).unwrap_or_default();
                let message = format!("no read-back of `{name}` can be proved fresh: {why}");
                let fix = "mend the system's source of random bytes";
                self.land(&name, Done::Seen(Err(Reason::new(ReasonCode::ReadbackInvalid, message, fix))));
            }
        }
    }

    /// What came of a task.
    pub fn land(&mut self, device: &str, done: Done) {
        let Some(place) = self.places.get(device).copied() else { return };
        let Some(at) = self.flights.iter().position(|f| f.place == place) else { return };
        let flight = self.flights.remove(at);
        match (flight.phase, done) {
            (Phase::Before(earlier), Done::Seen(seen)) => self.before(place, earlier, seen),
            (Phase::Applying(begun), Done::Step(step)) => self.applied(place, begun, step),
            (Phase::Arriving { begun, since }, Done::Seen(seen)) => self.arrived(place, begun, since, seen),
            (Phase::Probing(begun, after), Done::Step(step)) => self.probed(place, begun, after, step),
            (Phase::Confirming(after), Done::Step(step)) => self.confirmed(place, &after, step),
            (Phase::Returning, Done::Step(step)) => self.returned(place, step),
            (Phase::Returned { since, was_told }, Done::Seen(seen)) => self.back(place, (since, was_told), seen),
            (_, done) => {
                self.failed(place, format!("the transport answered something else than it was asked: {done:?}"))
            }
        }
        let has_ended = !self.flights.iter().any(|f| f.place == place);
        if let Some(device) = self.reports.get(place).filter(|_| has_ended) {
            self.world.watch.note(Event::Device(device));
        }
    }

    fn stay(&mut self, place: usize, phase: Phase, task: Task) {
        self.flights.push(Flight { place, phase, look: None });
        self.begin(place, task);
    }

    fn before(&mut self, place: usize, earlier: Option<ResultKind>, seen: Result<Seen, Reason>) {
        let before = match seen {
            Ok(before) => before,
            Err(reason) => return self.unread(place, earlier, reason),
        };
        let name = self.name(place);
        if earlier == Some(ResultKind::Applied) && before.is_proposal {
            self.say(place, "an earlier run of this permit has applied it".to_owned());
            return self.receipt(place, &before);
        }
        let may_begin = before.is_baseline || (earlier.is_some() && before.is_proposal);
        if !may_begin {
            self.with(place, |device| device.running = Running::Other);
            let message = format!("`{name}` does not run its baseline: {}", before.differs);
            let fix = format!("look at it, then make what it runs the baseline (fwgate adopt {name}) or restore it");
            return self.stop([Reason::new(ReasonCode::Drift, message, fix)]);
        }
        // The reading may have taken its time.
        let untimely = self.orders.permit().untimely(self.world.clock.now());
        if self.is_stopped || !untimely.is_empty() {
            return self.stop(untimely);
        }
        match self.result(&name, ResultKind::Started, None) {
            Err(reason) => self.stop([reason]),
            Ok(()) => {
                let (begun, timer) = (self.world.clock.now(), self.orders.permit().confirm);
                self.stay(place, Phase::Applying(begun), Task::Apply { timer });
            }
        }
    }

    /// Nothing was begun by this run; what an earlier one began is not certain.
    fn unread(&mut self, place: usize, earlier: Option<ResultKind>, reason: Reason) {
        let was_begun = matches!(earlier, Some(ResultKind::Started | ResultKind::Failed | ResultKind::Applied));
        self.with(place, |device| {
            if was_begun {
                (device.end, device.running) = (DeviceEnd::Failed, Running::Unknown);
            }
            device.words.push(reason.message.clone());
        });
        match self.orders.unreachable {
            Unreachable::GoOn if !was_begun => self.reasons.push(reason),
            _ => self.stop([reason]),
        }
    }

    fn applied(&mut self, place: usize, begun: Instant, step: Result<(), Trouble>) {
        match step {
            Ok(()) => {
                let since = self.world.clock.now();
                self.fly(place, Phase::Arriving { begun, since });
            }
            Err(trouble) => self.failed_step(place, "applied", trouble),
        }
    }

    fn arrived(&mut self, place: usize, begun: Instant, since: Instant, seen: Result<Seen, Reason>) {
        let is_there = seen.as_ref().is_ok_and(|s| s.is_proposal);
        if !is_there && self.looks_again(place, Phase::Arriving { begun, since }, since) {
            return;
        }
        match seen {
            Ok(after) if after.is_proposal => self.stay(place, Phase::Probing(begun, after), Task::Probe),
            Ok(other) => {
                let reason = not_arrived(&self.name(place), &other, &self.orders.permit().change);
                self.fail(place, reason);
            }
            Err(reason) => self.fail(place, reason),
        }
    }

    /// A device that takes its time is looked at again until its deadline.
    fn looks_again(&mut self, place: usize, phase: Phase, since: Instant) -> bool {
        let Mode::Eventual { deadline, every } = self.mode(&self.name(place)) else { return false };
        let now = self.world.clock.now();
        if now >= since.after(deadline) {
            return false;
        }
        self.flights.push(Flight { place, phase, look: Some(now.after(every)) });
        true
    }

    fn probed(&mut self, place: usize, begun: Instant, after: Seen, step: Result<(), Trouble>) {
        if let Err(trouble) = step {
            return self.failed_step(place, "reached as it should be", trouble);
        }
        if self.mode(&self.name(place)) != Mode::Immediate {
            return self.receipt(place, &after);
        }
        if self.world.clock.now() >= begun.after(self.orders.permit().confirm) {
            return self.failed_step(place, "confirmed", Trouble("its timer ran out first".to_owned()));
        }
        self.stay(place, Phase::Confirming(after), Task::Confirm);
    }

    fn confirmed(&mut self, place: usize, after: &Seen, step: Result<(), Trouble>) {
        match step {
            Ok(()) => self.receipt(place, after),
            Err(trouble) => self.failed_step(place, "confirmed", trouble),
        }
    }

    fn failed_step(&mut self, place: usize, step: &str, Trouble(why): Trouble) {
        self.failed(place, format!("`{}` could not be {step}: {why}", self.name(place)));
    }

    fn failed(&mut self, place: usize, message: String) {
        let fix = how_on("mend the cause", &self.orders.permit().change);
        self.fail(place, Reason::new(ReasonCode::NotConverged, message, fix));
    }

    /// A device on which something was begun and went wrong goes back, and nothing further is begun.
    fn fail(&mut self, place: usize, reason: Reason) {
        self.say(place, reason.message.clone());
        self.stop([reason]);
        self.take_back(place);
    }

    fn returned(&mut self, place: usize, step: Result<(), Trouble>) {
        let (since, was_told) = (self.world.clock.now(), step.is_ok());
        if let Err(Trouble(why)) = step {
            self.say(place, format!("the rollback failed: {why}"));
        }
        self.fly(place, Phase::Returned { since, was_told });
    }

    fn back(&mut self, place: usize, (since, was_told): (Instant, bool), seen: Result<Seen, Reason>) {
        let is_back = seen.as_ref().is_ok_and(|s| s.is_baseline);
        if !is_back && self.looks_again(place, Phase::Returned { since, was_told }, since) {
            return;
        }
        // What takes its time may still be on its way to a device that shows the baseline.
        let is_sure = was_told || self.mode(&self.name(place)) == Mode::Immediate;
        match seen {
            Ok(seen) if seen.is_baseline && is_sure => self.note_rolled_back(place, &seen),
            Ok(seen) if seen.is_baseline => self.lost(place, "nobody knows what is still on its way to it"),
            Ok(seen) => self.lost(place, &seen.differs),
            Err(reason) => self.lost(place, &reason.message),
        }
    }

    fn note_rolled_back(&mut self, place: usize, seen: &Seen) {
        self.with(place, |device| {
            (device.end, device.running, device.receipt) = (DeviceEnd::RolledBack, Running::Baseline, None);
            device.words.push("it runs the baseline again".to_owned());
        });
        let kept = self.keep(ReceiptKind::RolledBack, place, seen);
        let receipt = self.reports.get(place).and_then(|d| d.receipt);
        let written = kept.and_then(|()| self.result(&self.name(place), ResultKind::RolledBack, receipt));
        if let Err(reason) = written {
            self.stop([reason]);
        }
    }

    fn lost(&mut self, place: usize, why: &str) {
        self.with(place, |device| {
            (device.end, device.running) = (DeviceEnd::Failed, Running::Unknown);
            device.words.push(format!("it could not be brought back: {why}"));
        });
        let name = self.name(place);
        let message = format!("`{name}` could not be brought back to its baseline: {why}");
        let fix = format!("look at it, then `fwgate push {} --rollback`", self.orders.permit().change);
        let written = self.result(&name, ResultKind::Failed, None).err();
        self.stop([written.unwrap_or_else(|| Reason::new(ReasonCode::NotConverged, message, fix))]);
    }

    /// A device without a receipt is applied, and the change is PARTIAL.
    fn receipt(&mut self, place: usize, after: &Seen) {
        self.with(place, |device| (device.end, device.running) = (DeviceEnd::Applied, Running::Proposal));
        let kept = self.keep(ReceiptKind::Applied, place, after);
        let receipt = self.reports.get(place).and_then(|d| d.receipt);
        let written = kept.and_then(|()| self.result(&self.name(place), ResultKind::Applied, receipt));
        if let Err(reason) = written {
            self.stop([reason]);
        }
    }

    fn keep(&mut self, kind: ReceiptKind, place: usize, seen: &Seen) -> Result<(), Reason> {
        let name = self.name(place);
        let (proposal, rollback) = self.digests(&name);
        let bytes = if kind == ReceiptKind::Applied { proposal } else { rollback };
        let permit = self.orders.permit();
        let receipt = Receipt {
            kind,
            change: permit.change.clone(),
            content: permit.content,
            devices: vec![(name.clone(), bytes)],
            on: seen.identity.clone(),
            flows: 0,
            head: permit.head.clone(),
            at: self.world.clock.now(),
        };
        match self.world.receipts.keep(receipt) {
            Ok(digest) => {
                self.with(place, |device| device.receipt = Some(digest));
                Ok(())
            }
            Err(Trouble(why)) => {
                let message = format!("the receipt of `{name}` could not be kept: {why}");
                self.say(place, message.clone());
                let fix = "push again with the same permit once its lease has run out, or with a new one";
                Err(Reason::new(ReasonCode::NotConverged, message, fix))
            }
        }
    }

    fn name(&self, place: usize) -> String {
        self.reports.get(place).map(|d| d.device.clone()).unwrap_or_default()
    }

    fn with(&mut self, place: usize, change: impl FnOnce(&mut DeviceReport)) {
        if let Some(device) = self.reports.get_mut(place) {
            change(device);
        }
    }
}

fn not_arrived(device: &str, seen: &Seen, change: &str) -> Reason {
    let what = if seen.is_baseline { "it still runs the baseline" } else { &seen.differs };
    let message = format!("`{device}` does not run what was applied: {what}");
    Reason::new(ReasonCode::NotConverged, message, how_on("find out what the device made of it", change))
}

/// What comes next: the same approvals where a part of the change stays, others where all of it was taken back.
fn how_on(first: &str, change: &str) -> String {
    format!("{first}; `fwgate change show {change}` says how the change goes on")
}
