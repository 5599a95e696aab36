//! `[push]`: in which order and how many at a time devices get a change, and what becomes of them when a push stops.

use super::instant::read_duration;
use super::selector::DeviceSelection;
use crate::document::{Fields, Node, Problems, Value, Wrong};
use crate::ruleset::Span;
use std::time::Duration;

/// What becomes of the devices that have got the change when a push stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OnStop {
    /// They keep it; the change is PARTIAL.
    #[default]
    Leave,
    /// They get the baseline back.
    RollBack,
    /// Those of the wave that failed get the baseline back; earlier waves keep the change.
    RollBackWave,
}

const ON_STOP: [(&str, OnStop); 3] =
    [("leave", OnStop::Leave), ("roll-back", OnStop::RollBack), ("roll-back-wave", OnStop::RollBackWave)];

/// What a run does about a device that cannot be read before anything was done to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unreachable {
    /// It stops.
    #[default]
    Stop,
    /// It goes on with the others; the change ends PARTIAL, and the device blocks the next one.
    GoOn,
}

const UNREACHABLE: [(&str, Unreachable); 2] = [("stop", Unreachable::Stop), ("go-on", Unreachable::GoOn)];

/// `[push]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushRule {
    /// What becomes of devices that have got the change when a push stops.
    pub on_stop: OnStop,
    /// What a run does about devices that cannot be read.
    pub unreachable: Unreachable,
    /// The waves in order; empty for one device after the other.
    pub waves: Vec<Wave>,
    /// How many devices of a wave are worked on at the same time, where the wave does not say; 1 where nobody does.
    pub parallel: Option<u32>,
    /// How long the claim of a run holds without being renewed: so long nobody else can go on with a run that died.
    pub lease: Option<Duration>,
    /// How long a device may be in quarantine, where policy wants less than the 14 days that are the most.
    pub quarantine: Option<Duration>,
}

/// Some devices that get a change together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wave {
    /// Which.
    pub pick: WavePick,
    /// How many of them are worked on at the same time.
    pub parallel: Option<u32>,
    /// How long the run waits behind it before the next wave begins.
    pub wait: Option<Duration>,
    /// Where it is written.
    pub span: Span,
}

/// Which of the devices that no earlier wave has make a wave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WavePick {
    /// The next so many, 1 or more. As the last of all waves, it stands for all further ones.
    Count(u32),
    /// So many that, with those of earlier waves, this share of the change's devices has it: 1 to 100, rounded up.
    Percent(u32),
    /// All that are selected.
    Devices(DeviceSelection),
}

/// Most devices at the same time.
const MOST_PARALLEL: i64 = 256;

/// Reads `[push]`.
pub(super) fn read_push(mut fields: Fields<'_>) -> PushRule {
    let rule = PushRule {
        on_stop: fields.one_of("on_stop", &ON_STOP).map(|s| s.value).unwrap_or_default(),
        unreachable: fields.one_of("unreachable", &UNREACHABLE).map(|s| s.value).unwrap_or_default(),
        waves: read_waves(&mut fields),
        parallel: read_number(&mut fields, "parallel", MOST_PARALLEL),
        lease: fields.parsed("lease", read_duration).map(|l| l.value),
        quarantine: fields.parsed("quarantine", read_quarantine).map(|q| q.value),
    };
    fields.finish();
    rule
}

fn read_quarantine(text: &str) -> Result<Duration, Wrong> {
    let most = Duration::from_secs(14 * 86_400);
    let help = "a device may be in quarantine for 14 days at most";
    let wrong = || Wrong::new(format!("`{text}` is too long for a quarantine"), help);
    read_duration(text).and_then(|wait| if wait <= most { Ok(wait) } else { Err(wrong()) })
}

/// A whole number from 1 to `most`.
fn read_number(fields: &mut Fields<'_>, key: &'static str, most: i64) -> Option<u32> {
    let number = fields.integer(key)?;
    let fits = u32::try_from(number.value).ok().filter(|n| (1..=most).contains(&i64::from(*n)));
    if fits.is_none() {
        let message = format!("`{key}` is {} instead of a number from 1 to {most}", number.value);
        fields.problems().note(number.span, message, None);
    }
    fits
}

fn read_waves(fields: &mut Fields<'_>) -> Vec<Wave> {
    let problems = fields.problems();
    let Some(node) = fields.get("waves") else { return Vec::new() };
    let Value::Array(items) = &node.value else {
        problems.note(node.span, format!("`waves` is {} instead of a list of waves", node.value.kind()), None);
        return Vec::new();
    };
    let waves: Vec<Wave> = items.iter().filter_map(|item| read_wave(item, problems)).collect();
    check_shares(&waves, problems);
    waves
}

/// A number of devices, or a table.
fn read_wave(node: &Node, problems: &Problems) -> Option<Wave> {
    let span = node.span;
    match &node.value {
        Value::Integer(number) => {
            let count = u32::try_from(*number).ok().filter(|n| *n > 0);
            if count.is_none() {
                problems.note(span, "a wave is a number of devices, 1 or more", None);
            }
            Some(Wave { pick: WavePick::Count(count?), parallel: None, wait: None, span })
        }
        Value::Table(_) => read_table(Fields::of(node, "a wave", problems)?),
        other => {
            let help = "write a number of devices, `{ devices = [...] }` or `{ percent = 10 }`";
            problems.report(span, format!("a wave is {} instead of a table", other.kind()), help);
            None
        }
    }
}

fn read_table(mut fields: Fields<'_>) -> Option<Wave> {
    let span = fields.span;
    let count = read_number(&mut fields, "count", i64::from(u32::MAX)).map(WavePick::Count);
    let percent = read_number(&mut fields, "percent", 100).map(WavePick::Percent);
    let selection = DeviceSelection::read(&mut fields);
    let devices = selection.entries.is_some().then_some(WavePick::Devices(selection));
    let (parallel, wait) = (read_number(&mut fields, "parallel", MOST_PARALLEL), fields.parsed("wait", read_duration));
    let problems = fields.problems();
    fields.finish();
    let mut picks = [count, percent, devices].into_iter().flatten();
    let (pick, more) = (picks.next(), picks.next());
    if pick.is_none() || more.is_some() {
        let help = "give `devices`, `percent` or `count`";
        problems.report(span, "a wave says in exactly one way which devices it has", help);
    }
    Some(Wave { pick: pick?, parallel, wait: wait.map(|w| w.value), span })
}

/// Shares are of all devices, so that a smaller one behind a larger one is an empty wave.
fn check_shares(waves: &[Wave], problems: &Problems) {
    let mut last = 0;
    for wave in waves {
        let WavePick::Percent(share) = wave.pick else { continue };
        if share <= last {
            let help = "each `percent` is of all devices of the change, those of earlier waves included";
            problems.report(wave.span, format!("{share} % behind {last} % is an empty wave"), help);
        }
        last = last.max(share);
    }
}
