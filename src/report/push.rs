//! `fwgate.push/1`, and the same for people: what a push would do, or did, device by device.

use super::{WrittenReason, visible};
use crate::gate::push::wave::Batch;
use crate::gate::push::{DeviceEnd, DeviceReport, PushReport, Running};
use crate::gate::{Reason, State};
use crate::policy::OnStop;
use serde::Serialize;

/// A plan, a refusal or a run.
#[derive(Clone, Debug, Serialize)]
pub struct PushDocument {
    /// `fwgate.push/1`.
    pub schema: &'static str,
    /// The change.
    pub change: String,
    /// Where it stands, as in `fwgate.permit/1`; `null` for a plan.
    pub state: Option<&'static str>,
    /// Whether this is what would be done, and nothing was.
    pub plan: bool,
    /// Why the run was refused or stopped.
    pub reasons: Vec<WrittenReason>,
    /// The devices, wave after wave; none where the run was refused.
    pub devices: Vec<WrittenPush>,
}

/// One device of a push.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenPush {
    /// Its name.
    pub device: String,
    /// Its wave, from 1.
    pub wave: usize,
    /// `applied`, `rolled-back`, `failed`, `untouched`; `null` for a plan.
    pub end: Option<&'static str>,
    /// `baseline`, `proposal`, `unknown`; `null` for a plan.
    pub running: Option<&'static str>,
    /// The digest of its receipt.
    pub receipt: Option<String>,
    /// What happened, in order.
    pub words: Vec<String>,
}

impl PushDocument {
    /// What a run did.
    pub fn of(change: &str, report: &PushReport) -> PushDocument {
        let devices = report.devices.iter().map(WrittenPush::of).collect();
        PushDocument { devices, ..PushDocument::refused(change, report.state, &report.reasons) }
    }

    /// A run that did nothing.
    pub fn refused(change: &str, state: State, reasons: &[Reason]) -> PushDocument {
        PushDocument {
            schema: "fwgate.push/1",
            change: change.to_owned(),
            state: Some(state.name()),
            plan: false,
            reasons: reasons.iter().map(WrittenReason::from).collect(),
            devices: Vec::new(),
        }
    }

    /// What a run would do.
    pub fn of_plan(change: &str, waves: &[Batch]) -> PushDocument {
        let planned = |device: &String, wave: usize| WrittenPush {
            device: device.clone(),
            wave: wave + 1,
            end: None,
            running: None,
            receipt: None,
            words: Vec::new(),
        };
        let all = waves.iter().enumerate().flat_map(|(at, wave)| wave.devices.iter().map(move |d| planned(d, at)));
        let empty = PushDocument::refused(change, State::Draft, &[]);
        PushDocument { state: None, plan: true, devices: all.collect(), ..empty }
    }
}

impl WrittenPush {
    fn of(device: &DeviceReport) -> WrittenPush {
        let end = match device.end {
            DeviceEnd::Applied => "applied",
            DeviceEnd::RolledBack => "rolled-back",
            DeviceEnd::Failed => "failed",
            DeviceEnd::Untouched => "untouched",
        };
        let running = match device.running {
            Running::Baseline => "baseline",
            Running::Proposal => "proposal",
            Running::Other => "other",
            Running::Unknown => "unknown",
        };
        WrittenPush {
            device: device.device.clone(),
            wave: device.wave,
            end: Some(end),
            running: Some(running),
            receipt: device.receipt.map(|r| r.to_string()),
            words: device.words.clone(),
        }
    }
}

/// What a run did, for people. Many devices that came to the same end are one line.
pub fn push_human(change: &str, report: &PushReport) -> String {
    let untouched = if report.touched_something() { "" } else { ", nothing was pushed" };
    let mut out = format!("{change}: {}{untouched}\n", report.state.name());
    for device in &report.devices {
        let (sign, end) = match device.end {
            DeviceEnd::Applied => ('+', "applied"),
            DeviceEnd::RolledBack => ('=', "rolled back"),
            DeviceEnd::Failed => ('!', "failed"),
            DeviceEnd::Untouched => ('~', "not begun"),
        };
        let running = match device.running {
            Running::Baseline => "the baseline",
            Running::Proposal => "the proposal",
            Running::Other => "neither its baseline nor the proposal",
            Running::Unknown => "nobody knows what",
        };
        out += &format!("{sign} {}: {end}, runs {running}\n", visible(&device.device));
        device.words.iter().for_each(|word| out += &format!("    {}\n", visible(word)));
        out += &device.receipt.map(|r| format!("    receipt {r}\n")).unwrap_or_default();
    }
    for reason in &report.reasons {
        out += &format!("- {}: {}\n  = help: {}\n", reason.code, visible(&reason.message), visible(&reason.fix));
    }
    out
}

/// How many devices of a wave a plan names.
const NAMED: usize = 8;

/// What a run would do, for people.
pub fn plan_human(change: &str, waves: &[Batch], on_stop: OnStop) -> String {
    let count: usize = waves.iter().map(|w| w.devices.len()).sum();
    let mut out = format!("{change}: {} in {}\n", number(count, "device"), number(waves.len(), "wave"));
    for (at, wave) in waves.iter().enumerate() {
        let size = wave.devices.len();
        let names: Vec<_> = wave.devices.iter().take(NAMED).map(|d| visible(d)).collect();
        let more = if size > NAMED { format!(" and {} more", size - NAMED) } else { String::new() };
        let at_a_time = wave.parallel.min(size);
        out += &format!(
            "wave {}: {}, {at_a_time} at a time: {}{more}\n",
            at + 1,
            number(size, "device"),
            names.join(", ")
        );
        if !wave.wait.is_zero() && at + 1 < waves.len() {
            out += &format!("  then waits {} s\n", wave.wait.as_secs());
        }
    }
    out + match on_stop {
        OnStop::Leave => "where it stops, devices that have the change keep it\n",
        OnStop::RollBack => "where it stops, all devices that have the change get the baseline back\n",
        OnStop::RollBackWave => "where it stops, the devices of that wave get the baseline back\n",
    }
}

fn number(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
