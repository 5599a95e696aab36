//! Local times as instants: what a time means that does not exist, or exists twice.
//!
//! The database is the one that is compiled in; neither the system's nor `TZ` is ever asked.

use crate::gate::Instant;
use crate::policy::{Date, TimeOfDay, ZonedTime};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

/// Which of two instants a local time means that occurs twice, when clocks are set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fold {
    /// The first.
    First,
    /// The second.
    Second,
}

/// A zone of the IANA database.
#[derive(Clone, Debug)]
pub(super) struct Zone(TimeZone);

/// What a local time is in a zone.
pub(super) enum Local {
    /// It exists.
    At(Timestamp),
    /// Clocks jump over it at this instant.
    Skipped(Timestamp),
}

impl Zone {
    /// The zone of exactly this name.
    pub fn named(name: &str) -> Option<Zone> {
        let zone = TimeZoneDatabase::bundled().get(name).ok()?;
        (zone.iana_name() == Some(name)).then_some(Zone(zone))
    }

    /// The instant of a local time of a window: one that is skipped means the instant of the jump, one that occurs twice the
    /// first. `None` beyond the years of evidence.
    pub fn opening(&self, date: Date, time: TimeOfDay) -> Option<Instant> {
        match self.local(civil(date, time)?, Fold::First)? {
            Local::At(at) | Local::Skipped(at) => Some(Instant(at.as_second())),
        }
    }

    /// The date that clocks show at an instant.
    pub fn date(&self, at: Instant) -> Option<Date> {
        let date = self.0.to_datetime(Timestamp::from_second(at.0).ok()?).date();
        let (year, month, day) = (u16::try_from(date.year()).ok()?, date.month(), date.day());
        Some(Date { year, month: u8::try_from(month).ok()?, day: u8::try_from(day).ok()? })
    }

    /// The time that clocks show at an instant, for reports: `2026-12-01 22:00 America/Toronto`.
    pub fn shown(&self, at: Instant) -> Option<String> {
        let local = self.0.to_datetime(Timestamp::from_second(at.0).ok()?);
        Some(format!("{} {:02}:{:02} {}", local.date(), local.hour(), local.minute(), self.0.iana_name()?))
    }

    fn local(&self, civil: DateTime, fold: Fold) -> Option<Local> {
        let offset = match self.0.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Fold { before, after } => {
                if fold == Fold::First {
                    before
                } else {
                    after
                }
            }
            AmbiguousOffset::Gap { before, .. } => {
                let late = before.to_timestamp(civil).ok()?.checked_add(SignedDuration::from_secs(1)).ok()?;
                return Some(Local::Skipped(self.0.preceding(late).next()?.timestamp()));
            }
        };
        Some(Local::At(offset.to_timestamp(civil).ok()?))
    }
}

/// The instant of a time with its zone. One that occurs twice and has no offset means the occurrence that `fold` says.
///
/// # Errors
/// In words: an unknown zone, a time that clocks jump over, an offset that the zone does not have then.
pub(super) fn instant(time: &ZonedTime, fold: Fold) -> Result<Instant, String> {
    let beyond = || format!("`{}` is no time that evidence can have", time.text);
    let civil = civil(time.date, time.time).ok_or_else(beyond)?;
    let fixed = match time.offset {
        Some(minutes) => {
            let offset = Offset::from_seconds(i32::from(minutes) * 60).map_err(|_| beyond())?;
            Some(offset.to_timestamp(civil).map_err(|_| beyond())?)
        }
        None => None,
    };
    let at = match (&time.zone, fixed) {
        (None, Some(at)) => at,
        (None, None) => return Err(beyond()),
        (Some(name), fixed) => in_zone(time, name, civil, fixed, fold)?,
    };
    Ok(Instant(at.as_second()))
}

fn in_zone(
    time: &ZonedTime,
    name: &str,
    civil: DateTime,
    fixed: Option<Timestamp>,
    fold: Fold,
) -> Result<Timestamp, String> {
    let zone = Zone::named(name).ok_or_else(|| format!("there is no time zone `{name}`"))?;
    match fixed {
        Some(at) if zone.0.to_datetime(at) == civil => Ok(at),
        Some(_) => Err(format!("`{}` has an offset that `{name}` does not have then", time.text)),
        None => match zone.local(civil, fold) {
            Some(Local::At(at)) => Ok(at),
            Some(Local::Skipped(_)) => Err(format!("`{}` does not exist: clocks jump over it", time.text)),
            None => Err(format!("`{}` is no time that evidence can have", time.text)),
        },
    }
}

fn civil(date: Date, time: TimeOfDay) -> Option<DateTime> {
    let year = i16::try_from(date.year).ok()?;
    let (month, day) = (i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?);
    let (hour, minute) = (i8::try_from(time.hour).ok()?, i8::try_from(time.minute).ok()?);
    DateTime::new(year, month, day, hour, minute, i8::try_from(time.second).ok()?, 0).ok()
}
