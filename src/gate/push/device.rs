//! One device: from the reading before to the receipt, or back.

use super::super::reason::{Reason, ReasonCode};
use super::super::record::{Receipt, ReceiptKind, ResultKind};
use super::engine::{Mode, Run};
use super::report::{DeviceEnd, DeviceReport, Running};
use super::{Seen, Trouble};

/// How the run goes on after a device.
pub(super) enum Step {
    /// With the next one.
    Done,
    /// Not at all.
    Stop(Vec<Reason>),
}

/// Pushes one device. `earlier` is what an earlier run of the permit wrote of it last.
pub(super) fn push_device(run: &mut Run<'_, '_>, device: &mut DeviceReport, earlier: Option<ResultKind>) -> Step {
    let before = match run.read(device) {
        Ok(before) => before,
        Err(reason) => return run.before_failed(device, earlier, reason),
    };
    if earlier == Some(ResultKind::Applied) && before.is_proposal {
        device.words.push("an earlier run of this permit has applied it".to_owned());
        return run.receipt(device, &before);
    }
    let may_begin = before.is_baseline || (earlier.is_some() && before.is_proposal);
    if !may_begin {
        device.running = Running::Unknown;
        let message = format!("`{}` does not run its baseline: {}", device.device, before.differs);
        let fix =
            format!("look at it, then make what it runs the baseline (fwgate adopt {0}) or restore it", device.device);
        return Step::Stop(vec![Reason::new(ReasonCode::Drift, message, fix)]);
    }
    if let Err(reason) = run.result(&device.device, ResultKind::Started, None) {
        return Step::Stop(vec![reason]);
    }
    match run.change(device) {
        Ok(after) => run.receipt(device, &after),
        Err(reason) => {
            device.words.push(reason.message.clone());
            let mut reasons = vec![reason];
            reasons.extend(take_back(run, device));
            Step::Stop(reasons)
        }
    }
}

/// Brings a device back to its baseline and reads it back; what stands against believing that it worked.
pub(super) fn take_back(run: &mut Run<'_, '_>, device: &mut DeviceReport) -> Option<Reason> {
    let told = run.world.port.roll_back(&device.device);
    if let Err(Trouble(why)) = &told {
        device.words.push(format!("the rollback failed: {why}"));
    }
    match run.awaited(device, |seen| seen.is_baseline) {
        Ok(seen) if seen.is_baseline => {
            (device.end, device.running) = (DeviceEnd::RolledBack, Running::Baseline);
            device.words.push("it runs the baseline again".to_owned());
            run.note_rolled_back(device, &seen)
        }
        other => {
            let why = other.map_or_else(|reason| reason.message, |seen| seen.differs);
            (device.end, device.running) = (DeviceEnd::Failed, Running::Unknown);
            device.words.push(format!("it could not be brought back: {why}"));
            let written = run.result(&device.device, ResultKind::Failed, None).err();
            let message = format!("`{}` could not be brought back to its baseline: {why}", device.device);
            let fix = format!("look at it, then `fwgate push {} --rollback`", run.orders.permit().change);
            written.or_else(|| Some(Reason::new(ReasonCode::NotConverged, message, fix)))
        }
    }
}

impl Run<'_, '_> {
    fn read(&mut self, device: &DeviceReport) -> Result<Seen, Reason> {
        let nonce = self.world.clock.nonce().map_err(|Trouble(why)| {
            let message = format!("no read-back of `{}` can be proved fresh: {why}", device.device);
            Reason::new(ReasonCode::ReadbackInvalid, message, "mend the system's source of random bytes")
        })?;
        self.world.port.read(&device.device, &nonce)
    }

    /// Nothing was begun by this run; what an earlier one began is not certain.
    fn before_failed(&self, device: &mut DeviceReport, earlier: Option<ResultKind>, reason: Reason) -> Step {
        if matches!(earlier, Some(ResultKind::Started | ResultKind::Failed | ResultKind::Applied)) {
            (device.end, device.running) = (DeviceEnd::Failed, Running::Unknown);
        }
        device.words.push(reason.message.clone());
        Step::Stop(vec![reason])
    }

    /// Apply, read back, probe, confirm.
    fn change(&mut self, device: &DeviceReport) -> Result<Seen, Reason> {
        let name = device.device.clone();
        let failed = |step: &str, Trouble(why): Trouble| {
            let message = format!("`{name}` could not be {step}: {why}");
            Reason::new(ReasonCode::NotConverged, message, "mend the cause, then push again with a new permit")
        };
        let timer = self.orders.permit().confirm;
        let begun = self.world.clock.now();
        self.world.port.apply(&device.device, timer).map_err(|t| failed("applied", t))?;
        let after = self.awaited(device, |seen| seen.is_proposal)?;
        if !after.is_proposal {
            return Err(not_arrived(device, &after));
        }
        self.world.port.probe(&device.device).map_err(|t| failed("reached as it should be", t))?;
        if self.orders.mode == Mode::Immediate {
            if self.world.clock.now() >= begun.after(timer) {
                let why = Trouble("its timer ran out first".to_owned());
                return Err(failed("confirmed", why));
            }
            self.world.port.confirm(&device.device).map_err(|t| failed("confirmed", t))?;
        }
        Ok(after)
    }

    /// A reading: the first one that shows what is wanted, or the last one before an eventual device's deadline.
    fn awaited(&mut self, device: &DeviceReport, is_wanted: fn(&Seen) -> bool) -> Result<Seen, Reason> {
        let begun = self.world.clock.now();
        loop {
            let seen = self.read(device);
            let Mode::Eventual { deadline, every } = self.orders.mode else { return seen };
            if seen.as_ref().is_ok_and(is_wanted) || self.world.clock.now() >= begun.after(deadline) {
                return seen;
            }
            self.world.clock.wait(every);
        }
    }

    /// A device without a receipt is applied, and the change is PARTIAL.
    fn receipt(&mut self, device: &mut DeviceReport, after: &Seen) -> Step {
        (device.end, device.running) = (DeviceEnd::Applied, Running::Proposal);
        let kept = self.keep(ReceiptKind::Applied, device, after);
        match kept {
            Err(reason) => Step::Stop(vec![reason]),
            Ok(()) => match self.result(&device.device, ResultKind::Applied, device.receipt) {
                Err(reason) => Step::Stop(vec![reason]),
                Ok(()) => Step::Done,
            },
        }
    }

    fn note_rolled_back(&mut self, device: &mut DeviceReport, seen: &Seen) -> Option<Reason> {
        device.receipt = None;
        let kept = self.keep(ReceiptKind::RolledBack, device, seen).err();
        kept.or_else(|| self.result(&device.device, ResultKind::RolledBack, device.receipt).err())
    }

    fn keep(&mut self, kind: ReceiptKind, device: &mut DeviceReport, seen: &Seen) -> Result<(), Reason> {
        let (proposal, rollback) = self.orders.digests(&device.device);
        let bytes = if kind == ReceiptKind::Applied { proposal } else { rollback };
        let permit = self.orders.permit();
        let receipt = Receipt {
            kind,
            change: permit.change.clone(),
            content: permit.content,
            devices: vec![(device.device.clone(), bytes)],
            on: seen.identity.clone(),
            flows: 0,
            head: permit.head.clone(),
            at: self.world.clock.now(),
        };
        match self.world.receipts.keep(receipt) {
            Ok(digest) => {
                device.receipt = Some(digest);
                Ok(())
            }
            Err(Trouble(why)) => {
                let message = format!("the receipt of `{}` could not be kept: {why}", device.device);
                device.words.push(message.clone());
                let fix = "push again with the same permit once its lease has run out, or with a new one";
                Err(Reason::new(ReasonCode::NotConverged, message, fix))
            }
        }
    }
}

fn not_arrived(device: &DeviceReport, seen: &Seen) -> Reason {
    let what = if seen.is_baseline { "it still runs the baseline" } else { &seen.differs };
    let message = format!("`{}` does not run what was applied: {what}", device.device);
    let fix = "find out what the device made of it, then push again with a new permit";
    Reason::new(ReasonCode::NotConverged, message, fix)
}
