//! The calendar: at which instants policy lets changes go.
//!
//! Zones come from the database that is compiled in. A window opens on each of its days at `from` and closes at `to`, on the
//! next day where that is not later. Where clocks jump over one of both, the instant of the jump stands for it, so that a
//! window wholly within the jump does not open that day: nobody would be there at a time that no clock shows. A time that
//! occurs twice means its first occurrence, for both ends: the window opens once, for as long as it is written, and
//! closes rather too early than too late. The end of a freeze is the other way round: the second occurrence, so that the freeze
//! lasts rather too long. A freeze whose ends clocks jump over is refused: it is a mistake, since a date was written by hand.

mod period;
mod slot;
mod zone;

pub use period::Period;
pub use slot::{Booking, Slot, SlotSource, slot};

use super::case::TargetDevice;
use super::instant::Instant;
use super::reason::{Reason, ReasonCode};
use crate::policy::{ChangeClass, Date, Freeze, Policy, Weekday, Window, WindowWish, ZonedTime};
use period::{intersect, unite};
use std::collections::BTreeSet;
use zone::{Fold, Zone};

/// How far ahead openings are looked for, in days.
const HORIZON: u32 = 400;
const DAY: i64 = 86_400;

/// Windows and freezes of a policy with their zones.
#[derive(Clone, Debug, Default)]
pub struct Calendar {
    windows: Vec<(Window, Zone)>,
    freezes: Vec<(Freeze, Period)>,
}

/// Reads the calendar of a policy, with what is wrong with it (SCHEDULE_INVALID); wrong entries are left out.
pub fn calendar(policy: &Policy) -> (Calendar, Vec<Reason>) {
    let mut out = Calendar::default();
    let mut reasons = Vec::new();
    for window in &policy.windows {
        match read_window(window) {
            Ok(zone) => out.windows.push((window.clone(), zone)),
            Err(message) => reasons.push(invalid(format!("window of `fwgate.toml`: {message}"))),
        }
    }
    for freeze in &policy.freezes {
        match period_of(&freeze.from, &freeze.to, Fold::Second) {
            Ok(period) => out.freezes.push((freeze.clone(), period)),
            Err(message) => reasons.push(invalid(format!("freeze `{}`: {message}", freeze.reason))),
        }
    }
    (out, reasons)
}

/// The instant of a time with its zone; of a local time that exists twice, the first.
///
/// # Errors
/// In words, why there is none: an unknown zone, a local time that clocks jump over, an offset that the zone does not have then.
pub fn instant_of(time: &crate::policy::ZonedTime) -> Result<Instant, String> {
    zone::instant(time, Fold::First)
}

/// The period that the author of a change asks for.
///
/// # Errors
/// SCHEDULE_INVALID: a zone that does not exist, a time that clocks jump over, an end that is not behind the start.
pub fn wished(wish: &WindowWish) -> Result<Period, Reason> {
    period_of(&wish.start, &wish.end, Fold::First).map_err(|message| {
        let fix = "correct `[window]` of the change file; it is part of no digest, so that approvals stay";
        Reason::new(ReasonCode::ScheduleInvalid, format!("the change's window: {message}"), fix)
    })
}

fn read_window(window: &Window) -> Result<Zone, String> {
    if window.days.is_empty() || window.devices.entries.as_ref().is_some_and(Vec::is_empty) {
        return Err("it never opens: it has no day or no device".to_owned());
    }
    Zone::named(&window.zone).ok_or_else(|| format!("there is no time zone `{}`", window.zone))
}

fn period_of(start: &ZonedTime, end: &ZonedTime, end_fold: Fold) -> Result<Period, String> {
    let period = Period { start: zone::instant(start, Fold::First)?, end: zone::instant(end, end_fold)? };
    if period.end <= period.start {
        return Err(format!("it ends (`{}`) before it begins (`{}`)", end.text, start.text));
    }
    Ok(period)
}

fn invalid(message: String) -> Reason {
    Reason::new(
        ReasonCode::ScheduleInvalid,
        message,
        "correct it in a change of the policy: `fwgate policy verify` shows all",
    )
}

impl Calendar {
    /// Whether policy has any window at all.
    pub fn has_windows(&self) -> bool {
        !self.windows.is_empty()
    }

    /// When changes of all these devices may go, as far as windows say, from an instant on for so many days (400 at most);
    /// sorted, disjoint, windows that touch joined.
    pub fn openings(&self, targets: &[TargetDevice], from: Instant, days: u32) -> Vec<Period> {
        let lists: BTreeSet<Vec<usize>> = targets.iter().map(|t| self.windows_of(t)).collect();
        let ahead = Period { start: from, end: Instant(from.0.saturating_add(i64::from(days.min(HORIZON)) * DAY)) };
        let open = |windows: &Vec<usize>| {
            let all = windows.iter().filter_map(|at| self.windows.get(*at)).flat_map(|w| opening_days(w, ahead));
            unite(all.collect())
        };
        let mut lists = lists.iter().map(open);
        let Some(first) = lists.next() else { return Vec::new() };
        intersect(&lists.fold(first, |all, one| intersect(&all, &one)), &[ahead])
    }

    /// The opening in which an instant lies.
    pub fn opening_at(&self, targets: &[TargetDevice], at: Instant) -> Option<Period> {
        let around = self.openings(targets, Instant(at.0.saturating_sub(9 * DAY)), 18);
        around.into_iter().find(|p| p.contains(at))
    }

    /// The freezes that bind a change of this class to any of these devices at some instant of a period.
    pub fn freezes_in(&self, targets: &[TargetDevice], class: ChangeClass, period: Period) -> Vec<(&Freeze, Period)> {
        let binds = |freeze: &Freeze| {
            !freeze.allow.contains(&class)
                && (targets.is_empty() || targets.iter().any(|t| freeze.devices.selects(&t.device, &t.roles)))
        };
        let frozen = |(freeze, at): &&(Freeze, Period)| at.meets(period) && binds(freeze);
        self.freezes.iter().filter(frozen).map(|(freeze, at)| (freeze, *at)).collect()
    }

    /// An instant as clocks of the first window's zone show it, for reports.
    pub fn shown(&self, at: Instant) -> String {
        self.windows.first().and_then(|(_, zone)| zone.shown(at)).unwrap_or_else(|| at.to_string())
    }

    /// The name of the zone in which reports show instants: that of the first window, else UTC.
    pub fn zone_name(&self) -> &str {
        self.windows.first().map_or("UTC", |(window, _)| window.zone.as_str())
    }

    /// A day from its midnight to the next one, in the zone of reports.
    pub fn day(&self, date: Date) -> Option<Period> {
        let zone = self.windows.first().map(|(_, zone)| zone.clone()).or_else(|| Zone::named("UTC"))?;
        let midnight = crate::policy::TimeOfDay { hour: 0, minute: 0, second: 0 };
        Some(Period { start: zone.opening(date, midnight)?, end: zone.opening(next_day(date)?, midnight)? })
    }

    /// The days of whole weeks, from the Monday on that is not behind an instant: date, name of the day, and the day itself.
    pub fn week_days(&self, from: Instant, weeks: u32) -> Vec<(Date, &'static str, Period)> {
        let zone = self.windows.first().map(|(_, zone)| zone.clone()).or_else(|| Zone::named("UTC"));
        let Some(today) = zone.and_then(|zone| zone.date(from)) else { return Vec::new() };
        let back = civil(today).map_or(0, |d| d.weekday().to_monday_zero_offset());
        let monday = civil(today).and_then(|d| d.checked_sub(jiff::Span::new().days(i64::from(back))).ok());
        let first = monday.and_then(date_of);
        let dates = std::iter::successors(first, |date| next_day(*date)).take(usize::try_from(weeks).unwrap_or(1) * 7);
        dates.filter_map(|date| Some((date, day_name(date), self.day(date)?))).collect()
    }

    /// When any window of policy is open in a period; sorted, disjoint, windows that touch joined.
    pub fn all_openings(&self, ahead: Period) -> Vec<Period> {
        unite(self.windows.iter().flat_map(|window| opening_days(window, ahead)).collect())
    }

    /// Every freeze that meets a period.
    pub fn all_freezes(&self, ahead: Period) -> Vec<(&Freeze, Period)> {
        self.freezes.iter().filter(|(_, at)| at.meets(ahead)).map(|(freeze, at)| (freeze, *at)).collect()
    }

    fn windows_of(&self, target: &TargetDevice) -> Vec<usize> {
        let selects = |(_, (w, _)): &(usize, &(Window, Zone))| w.devices.selects(&target.device, &target.roles);
        self.windows.iter().enumerate().filter(selects).map(|(at, _)| at).collect()
    }
}

/// Every opening of a window that meets a period.
fn opening_days(window: &(Window, Zone), ahead: Period) -> Vec<Period> {
    let (window, zone) = window;
    let first = zone.date(Instant(ahead.start.0.saturating_sub(2 * DAY)));
    let days = usize::try_from((ahead.end.0 - ahead.start.0) / DAY + 5).unwrap_or_default();
    let dates = std::iter::successors(first, |date| next_day(*date)).take(days);
    let open = dates.filter(|d| window.days.contains(&weekday(*d)));
    open.filter_map(|date| opening_on(window, zone, date)).filter(|p| p.meets(ahead)).collect()
}

fn opening_on(window: &Window, zone: &Zone, date: Date) -> Option<Period> {
    let last = if window.ends_next_day() { next_day(date)? } else { date };
    Some(Period { start: zone.opening(date, window.from)?, end: zone.opening(last, window.to)? })
}

fn civil(date: Date) -> Option<jiff::civil::Date> {
    let (month, day) = (i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?);
    jiff::civil::Date::new(i16::try_from(date.year).ok()?, month, day).ok()
}

fn next_day(date: Date) -> Option<Date> {
    date_of(civil(date)?.tomorrow().ok()?)
}

fn date_of(date: jiff::civil::Date) -> Option<Date> {
    let year = u16::try_from(date.year()).ok()?;
    Some(Date { year, month: u8::try_from(date.month()).ok()?, day: u8::try_from(date.day()).ok()? })
}

/// The day of the week, as grids head their columns.
fn day_name(date: Date) -> &'static str {
    match weekday(date) {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    }
}

fn weekday(date: Date) -> Weekday {
    match civil(date).map(|d| d.weekday()) {
        Some(jiff::civil::Weekday::Tuesday) => Weekday::Tuesday,
        Some(jiff::civil::Weekday::Wednesday) => Weekday::Wednesday,
        Some(jiff::civil::Weekday::Thursday) => Weekday::Thursday,
        Some(jiff::civil::Weekday::Friday) => Weekday::Friday,
        Some(jiff::civil::Weekday::Saturday) => Weekday::Saturday,
        Some(jiff::civil::Weekday::Sunday) => Weekday::Sunday,
        _ => Weekday::Monday,
    }
}
