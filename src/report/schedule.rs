//! `fwgate.schedule/1`: what is on its way and when, for machines, and the same for people as a grid of weeks.

use super::human::{packet_words, region_words};
use super::visible;
use crate::gate::{Clash, Instant, Period};
use crate::packet::{Region, packet_to_json};
use crate::policy::Date;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write;

/// The name of the format.
pub const SCHEDULE_SCHEMA: &str = "fwgate.schedule/1";

/// Width of a column of the grid.
const COLUMN: usize = 13;
/// Most changes whose rows are shown in one week.
const MOST_ROWS: usize = 60;

/// One day of the grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleDay {
    /// The date.
    pub date: Date,
    /// The day of the week: `Mon`.
    pub name: &'static str,
    /// From its midnight to the next one, in the zone of the calendar.
    pub period: Period,
    /// The windows of policy that meet it.
    pub windows: Vec<Period>,
    /// The freezes that meet it, with their reasons.
    pub freezes: Vec<(String, Period)>,
}

/// One change that is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRow {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its class.
    pub class: &'static str,
    /// Its state.
    pub state: &'static str,
    /// The devices that it touches.
    pub devices: Vec<String>,
    /// Its window.
    pub window: Option<Period>,
    /// When a witness first saw it announced.
    pub announced: Option<Instant>,
    /// When its lead time is over.
    pub ready: Option<Instant>,
    /// Whether its quorum is met.
    pub is_approved: bool,
    /// What it does, in words.
    pub says: String,
}

/// The whole document.
#[derive(Debug, Serialize)]
pub struct ScheduleDocument<'a> {
    schema: &'static str,
    at: String,
    zone: &'a str,
    days: Vec<WrittenDay<'a>>,
    changes: Vec<WrittenRow<'a>>,
    conflicts: Vec<WrittenClash<'a>>,
}

#[derive(Debug, Serialize)]
struct WrittenDay<'a> {
    date: String,
    windows: Vec<[String; 2]>,
    freezes: Vec<WrittenFreeze<'a>>,
}

#[derive(Debug, Serialize)]
struct WrittenFreeze<'a> {
    reason: &'a str,
    period: [String; 2],
}

#[derive(Debug, Serialize)]
struct WrittenRow<'a> {
    id: &'a str,
    title: &'a str,
    class: &'static str,
    state: &'static str,
    devices: &'a [String],
    window: Option<[String; 2]>,
    announced: Option<String>,
    ready: Option<String>,
    approved: bool,
    says: &'a str,
}

#[derive(Debug, Serialize)]
struct WrittenClash<'a> {
    changes: &'a [String; 2],
    kind: &'static str,
    devices: &'a [String],
    message: &'a str,
    fix: &'a str,
    region: Option<&'a Region>,
    witness: Option<Value>,
    both: Option<[String; 2]>,
}

fn ends(period: Period) -> [String; 2] {
    [period.start.to_string(), period.end.to_string()]
}

impl<'a> ScheduleDocument<'a> {
    /// What is on its way, and what stands in each other's way.
    pub fn of(
        at: Instant,
        zone: &'a str,
        days: &'a [ScheduleDay],
        rows: &'a [ScheduleRow],
        clashes: &'a [Clash],
    ) -> ScheduleDocument<'a> {
        let freeze = |(reason, at): &'a (String, Period)| WrittenFreeze { reason, period: ends(*at) };
        let day = |day: &'a ScheduleDay| WrittenDay {
            date: day.date.to_string(),
            windows: day.windows.iter().copied().map(ends).collect(),
            freezes: day.freezes.iter().map(freeze).collect(),
        };
        ScheduleDocument {
            schema: SCHEDULE_SCHEMA,
            at: at.to_string(),
            zone,
            days: days.iter().map(day).collect(),
            changes: rows.iter().map(written_row).collect(),
            conflicts: clashes.iter().map(written_clash).collect(),
        }
    }
}

fn written_row(row: &ScheduleRow) -> WrittenRow<'_> {
    WrittenRow {
        id: &row.id,
        title: &row.title,
        class: row.class,
        state: row.state,
        devices: &row.devices,
        window: row.window.map(ends),
        announced: row.announced.map(|at| at.to_string()),
        ready: row.ready.map(|at| at.to_string()),
        approved: row.is_approved,
        says: &row.says,
    }
}

fn written_clash(clash: &Clash) -> WrittenClash<'_> {
    WrittenClash {
        changes: &clash.changes,
        kind: clash.kind.name(),
        devices: &clash.devices,
        message: &clash.message,
        fix: &clash.fix,
        region: clash.region.as_ref(),
        witness: clash.witness.as_ref().map(packet_to_json),
        both: clash.both.map(ends),
    }
}

/// The same for people: the answer, a grid for each week, the changes, and what stands in each other's way.
pub fn schedule_human(zone: &str, days: &[ScheduleDay], rows: &[ScheduleRow], clashes: &[Clash]) -> String {
    let mut out =
        format!("{}, {}\n", counted(rows.len(), "change", "changes"), counted(clashes.len(), "conflict", "conflicts"));
    for week in days.chunks(7) {
        grid(zone, week, rows, clashes, &mut out);
    }
    if !rows.is_empty() {
        out.push_str("\nchanges\n");
    }
    rows.iter().for_each(|row| tell_row(row, &mut out));
    if !clashes.is_empty() {
        out.push_str("\nconflicts\n");
    }
    clashes.iter().for_each(|clash| tell_clash(clash, &mut out));
    out
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Seven days side by side: windows and freezes of policy, then each change that may go in one of them.
fn grid(zone: &str, week: &[ScheduleDay], rows: &[ScheduleRow], clashes: &[Clash], out: &mut String) {
    let Some((first, last)) = week.first().zip(week.last()) else { return };
    let shown = Period { start: first.period.start, end: last.period.end };
    let _ = writeln!(out, "\nweek of {} ({zone})", first.date);
    line(out, "", week.iter().map(|day| format!("{} {:02}", day.name, day.date.day)));
    line(out, "window", week.iter().map(|day| times(&day.windows, day)));
    if week.iter().any(|day| !day.freezes.is_empty()) {
        let cell = |day: &ScheduleDay| times(&day.freezes.iter().map(|(_, at)| *at).collect::<Vec<_>>(), day);
        line(out, "freeze", week.iter().map(cell));
    }
    let own: Vec<&ScheduleRow> = rows.iter().filter(|r| r.window.is_some_and(|w| w.meets(shown))).collect();
    for row in own.iter().take(MOST_ROWS) {
        let is_in_the_way = clashes.iter().any(|c| c.changes.contains(&row.id));
        let name = format!("{}{}", row.id, if is_in_the_way { " !" } else { "" });
        let windows: Vec<Period> = row.window.into_iter().collect();
        line(out, &name, week.iter().map(|day| times(&windows, day)));
    }
    if own.len() > MOST_ROWS {
        let _ = writeln!(out, "  and {} more", own.len() - MOST_ROWS);
    }
}

fn line(out: &mut String, name: &str, cells: impl Iterator<Item = String>) {
    let cells: String = cells.map(|cell| format!("{cell:<COLUMN$}")).collect();
    let text = format!("  {:<14}{cells}", visible(name));
    let _ = writeln!(out, "{}", text.trim_end());
}

/// The parts of periods that lie in a day, by its clock: `22:00-`, `-02:00`, `all day`.
fn times(periods: &[Period], day: &ScheduleDay) -> String {
    let part = |period: &Period| {
        if !period.meets(day.period) {
            return None;
        }
        let starts = (period.start > day.period.start).then(|| clock(period.start, day));
        let ends = (period.end < day.period.end).then(|| clock(period.end, day));
        Some(match (starts, ends) {
            (None, None) => "all day".to_owned(),
            (starts, ends) => format!("{}-{}", starts.unwrap_or_default(), ends.unwrap_or_default()),
        })
    };
    let parts: Vec<String> = periods.iter().filter_map(part).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join(",") }
}

/// Hours and minutes since midnight; on a day on which clocks change this counts hours that passed.
fn clock(at: Instant, day: &ScheduleDay) -> String {
    let minutes = (at.0 - day.period.start.0) / 60;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn tell_row(row: &ScheduleRow, out: &mut String) {
    let window = row.window.map_or("no window yet".to_owned(), |w| w.to_string());
    let _ = writeln!(out, "  {} {} {}: {window}", visible(&row.id), row.state, visible(&row.devices.join(", ")));
    let lead = match (row.announced, row.ready) {
        (Some(announced), Some(ready)) => format!("announced {announced}, lead time over {ready}"),
        _ => "no witness has seen its announcement yet".to_owned(),
    };
    let approved = if row.is_approved { "approved" } else { "not approved yet" };
    let _ = writeln!(out, "    {}; {approved}; {lead}", visible(&row.title));
}

fn tell_clash(clash: &Clash, out: &mut String) {
    let _ = writeln!(out, "! {}", visible(&clash.message));
    if let Some(region) = &clash.region {
        let _ = writeln!(out, "    {}", visible(&region_words(region)));
    }
    if let Some(packet) = &clash.witness {
        let _ = writeln!(out, "    such as {}", packet_words(packet));
    }
    if let Some(both) = clash.both {
        let _ = writeln!(out, "    both may go from {} to {}", both.start, both.end);
    }
    let _ = writeln!(out, "  = help: {}", visible(&clash.fix));
}
