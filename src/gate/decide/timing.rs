//! Whether a change may go at this instant: lead time, window, freezes, and other changes at the same time.

use super::super::calendar::{Booking, Calendar, Period, Slot, SlotSource, slot, wished};
use super::super::case::{Neighbour, Progress};
use super::super::instant::Instant;
use super::super::quorum::Bench;
use super::super::reason::{Reason, ReasonCode};
use super::super::record::Record;
use super::super::roster::Standing;
use crate::policy::{ChangeClass, Right, duration_words};

/// What the calendar says.
#[derive(Default)]
pub(super) struct Timing {
    /// The window of the change.
    pub window: Option<Period>,
    /// Whether a freeze binds it now.
    pub is_frozen: bool,
    pub reasons: Vec<Reason>,
    pub notes: Vec<String>,
}

/// Judges the time of a change.
pub(super) fn judge(bench: &Bench<'_>, calendar: &Calendar) -> Timing {
    let case = bench.case;
    let mut out = Timing::default();
    frozen(bench, calendar, &mut out);
    if bench.terms.class == ChangeClass::Emergency {
        return out;
    }
    let wish = case.request.and_then(|r| r.window.as_ref()).map(wished);
    let wish = match wish {
        Some(Err(reason)) => {
            out.reasons.push(reason);
            None
        }
        other => other.and_then(Result::ok),
    };
    let record = schedule(bench, &mut out);
    let booking = Booking {
        targets: case.targets,
        announced: announced(bench),
        lead_time: bench.terms.lead_time,
        wish,
        record,
        now: case.now,
    };
    let slot = slot(calendar, &booking);
    out.window = slot.period;
    lead_time(bench, calendar, &slot, &mut out);
    window(bench, calendar, &slot, &mut out);
    neighbours(bench, &mut out);
    out
}

/// When what would be pushed was first witnessed to be announced: the earliest announcement of this content, or of this
/// meaning where approvals are carried over.
fn announced(bench: &Bench<'_>) -> Option<Instant> {
    let is_same = |change: &super::super::record::Change| {
        bench.case.analysis.is_some_and(|analysis| {
            change.content == analysis.content || bench.terms.carry_over && change.meaning == analysis.meaning
        })
    };
    let latest = bench.parties.latest.map(|(b, _)| b.witnessed);
    let same = bench.parties.announcements.iter().filter(|(b, c)| b.standing == Standing::Good && is_same(c));
    match same.filter_map(|(b, _)| b.witnessed).min() {
        Some(first) => Some(first),
        None => latest.flatten(),
    }
}

/// The last schedule record of a person with the right.
fn schedule(bench: &Bench<'_>, out: &mut Timing) -> Option<(Period, Option<Instant>)> {
    let mut found = None;
    for record in &bench.case.testimony.records {
        let Record::Schedule(schedule) = &record.said else { continue };
        let by = &record.by;
        let roles = bench.roles.get(by).into_iter().flatten().map(String::as_str);
        let has_right = record.standing == Standing::Good && bench.policy.rights.has(Right::Schedule, roles);
        match has_right {
            true => found = Some((Period { start: schedule.start, end: schedule.end }, record.witnessed)),
            false => out.notes.push(format!("the schedule of `{by}` does not count: they have no right to schedule")),
        }
    }
    if let Some((period, _)) = found.filter(|(p, _)| p.end <= p.start) {
        let message = format!("the schedule record ends at {} and begins at {}", period.end, period.start);
        out.reasons.push(Reason::new(ReasonCode::ScheduleInvalid, message, schedule_command(bench)));
    }
    found
}

fn schedule_command(bench: &Bench<'_>) -> String {
    format!(
        "a person who may schedule signs another window: `fwgate change schedule {} --start TIME --end TIME`",
        bench.case.id
    )
}

fn lead_time(bench: &Bench<'_>, calendar: &Calendar, slot: &Slot, out: &mut Timing) {
    let case = bench.case;
    let lead = duration_words(bench.terms.lead_time);
    let is_record = slot.source == SlotSource::Record;
    let is_too_early = |ready: Instant| is_record && slot.period.is_some_and(|p| p.start < ready);
    let message = match slot.ready {
        None => {
            format!("its lead time of {lead} begins when the ledger witnesses the announcement, which it has not yet")
        }
        Some(ready) if is_too_early(ready) => {
            format!("it was scheduled too late: its window may begin at {ready} at the earliest")
        }
        Some(ready) if case.now < ready => {
            format!("its lead time of {lead} ends at {ready}{}", in_zone(calendar, ready))
        }
        Some(_) => return,
    };
    let fix = match slot.ready {
        None => "let the job on the protected branch run: `fwgate ledger witness`".to_owned(),
        Some(ready) if is_too_early(ready) => schedule_command(bench),
        Some(ready) => format!("wait until {ready}"),
    };
    out.reasons.push(Reason::new(ReasonCode::LeadTime, message, fix));
}

fn window(bench: &Bench<'_>, calendar: &Calendar, slot: &Slot, out: &mut Timing) {
    let now = bench.case.now;
    let outside = |message: String, fix: String| Reason::new(ReasonCode::OutsideWindow, message, fix);
    if slot.is_outside_policy {
        let what = if slot.source == SlotSource::Record { "schedule record" } else { "change file" };
        let message = format!("the window of its {what} is in no window of policy");
        match slot.source {
            SlotSource::Record => out.reasons.push(outside(message, schedule_command(bench))),
            _ => out.notes.push(format!("{message}; the next window of policy counts")),
        }
    }
    match slot.period {
        None if slot.ready.is_none() && calendar.has_windows() => {}
        None => {
            let message = "no window is known for its devices".to_owned();
            out.reasons.push(Reason::new(ReasonCode::NotScheduled, message, schedule_command(bench)));
        }
        Some(period) if period.contains(now) => {}
        Some(period) if period.end <= now => {
            out.reasons.push(outside(format!("its window ended at {}", period.end), schedule_command(bench)));
        }
        Some(period) => {
            let message = format!("its window is {period}{}", in_zone(calendar, period.start));
            out.reasons.push(outside(message, format!("wait until {}, or {}", period.start, schedule_command(bench))));
        }
    }
}

/// The same instant by the clocks of the policy's zone, where that is another one.
fn in_zone(calendar: &Calendar, at: Instant) -> String {
    let shown = calendar.shown(at);
    if shown.ends_with(" UTC") || shown == at.to_string() { String::new() } else { format!(" ({shown})") }
}

fn frozen(bench: &Bench<'_>, calendar: &Calendar, out: &mut Timing) {
    let case = bench.case;
    let moment = Period { start: case.now, end: Instant(case.now.0.saturating_add(1)) };
    for (freeze, period) in calendar.freezes_in(case.targets, bench.terms.class, moment) {
        out.is_frozen = true;
        let message = format!("frozen until {}{}: {}", period.end, in_zone(calendar, period.end), freeze.reason);
        let fix = match freeze.allow.iter().map(|c| c.name()).collect::<Vec<_>>() {
            allowed if allowed.is_empty() => format!("wait until {}", period.end),
            allowed => format!("wait until {}; it allows class {}", period.end, allowed.join(", ")),
        };
        out.reasons.push(Reason::new(ReasonCode::Frozen, message, fix));
    }
}

/// Other changes that are on their way. Of two that conflict, the one goes that goes first; a proof that does not hold beside
/// the other one stands against both.
fn neighbours(bench: &Bench<'_>, out: &mut Timing) {
    for other in bench.case.neighbours.iter().filter(|n| is_in_the_way(n)) {
        let first = goes_first(bench, other);
        let counts = |reason: &&Reason| first || reason.code != ReasonCode::Conflict;
        out.reasons.extend(other.beside.iter().filter(counts).cloned());
        let waiting = other.beside.iter().filter(|r| !counts(r));
        out.notes.extend(waiting.map(|r| format!("{}; this one goes first ({})", r.message, r.code)));
        let shared: Vec<&str> = bench
            .case
            .targets
            .iter()
            .filter(|t| other.devices.contains(&t.device))
            .map(|t| t.device.as_str())
            .collect();
        if is_running(other) && !shared.is_empty() {
            let message = format!("{} is being pushed to {}", other.id, shared.join(", "));
            let reason = Reason::new(ReasonCode::Conflict, message, format!("wait until {} is done", other.id));
            out.reasons.push(reason.detail("running"));
        }
    }
}

fn is_in_the_way(other: &Neighbour) -> bool {
    other.is_approved && !matches!(other.progress, Progress::Applied | Progress::Closed | Progress::RolledBack)
        || is_running(other)
}

fn is_running(other: &Neighbour) -> bool {
    matches!(other.progress, Progress::Permitted | Progress::Pushing | Progress::Confirming)
}

/// Of two, the one goes first that is on its way already, then the one that was announced first, then the one with the lesser id.
fn goes_first(bench: &Bench<'_>, other: &Neighbour) -> bool {
    let own = announced(bench).unwrap_or(Instant::LAST);
    let theirs = other.announced.unwrap_or(Instant::LAST);
    is_running(other) || (theirs, other.id.as_str()) < (own, bench.case.id)
}
