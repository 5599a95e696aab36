//! Dates, times and durations as policies write them: checked for sense, never compared with a clock here.

use super::roster::KEY_KIND_HELP;
use crate::document::Wrong;
use crate::ruleset::Problem;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use std::fmt;
use std::time::Duration;

/// A day of the Gregorian calendar; ordered by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// 1970 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to the length of the month.
    pub day: u8,
}

/// A time of day; ordered by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

/// A wall-clock time with what was said about its zone (RFC 9557): `2026-12-18T00:00:00[America/Toronto]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ZonedTime {
    /// The day.
    pub date: Date,
    /// The time of day.
    pub time: TimeOfDay,
    /// Offset from UTC in minutes, where it is written (`Z`, `-05:00`).
    pub offset: Option<i16>,
    /// The name of the zone, where it is written; whether it exists is not checked here.
    pub zone: Option<String>,
    /// As it was written.
    pub text: String,
}

impl Date {
    /// The day in UTC of a number of seconds since 1970, within the years that a date can have.
    pub fn of_unix_seconds(seconds: u64) -> Date {
        // Days are counted from 1 March of the year 0, in eras of 400 years (RFC 3339 calls it the proleptic calendar).
        let days = (seconds / 86_400).min(2_932_896) + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        Date { year: year as u16, month: month as u8, day: day as u8 }
    }
}

impl ZonedTime {
    /// Seconds since 1970, by the time zones that are compiled in; `None` where the zone is none of them. A time that clocks
    /// skip, or show twice, is taken as its offset before that.
    pub fn seconds(&self) -> Option<i64> {
        let (year, month, day) =
            (self.date.year.cast_signed(), self.date.month.cast_signed(), self.date.day.cast_signed());
        let TimeOfDay { hour, minute, second } = self.time;
        let date = jiff::civil::Date::new(year, month, day).ok()?;
        let local = date.at(hour.cast_signed(), minute.cast_signed(), second.cast_signed(), 0);
        let zone = match (self.offset, &self.zone) {
            (Some(minutes), _) => TimeZone::fixed(Offset::from_seconds(i32::from(minutes) * 60).ok()?),
            (None, Some(name)) => TimeZoneDatabase::bundled().get(name).ok()?,
            (None, None) => return None,
        };
        zone.to_timestamp(local).ok().map(|at| at.as_second())
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}:{:02}", self.hour, self.minute, self.second)
    }
}

/// The advice about times of day.
const TIME_HELP: &str = "write hours and minutes as `22:00`; midnight is `00:00`";
/// The advice about times with a zone.
const ZONED_HELP: &str =
    "write `2026-12-18T22:00:00[America/Toronto]`, or end it with an offset such as `Z` or `-05:00`";
/// The advice about zones.
const ZONE_HELP: &str = "write a name of the IANA database such as `America/Toronto`";

/// What a problem of a policy or change request is about, where a code of its own is about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// A time that does not exist or is not understood.
    Time,
    /// A kind of key that is never accepted.
    KeyKind,
}

/// What a problem is about, told by its advice.
pub fn subject_of(problem: &Problem) -> Option<Topic> {
    match problem.help.as_deref()? {
        TIME_HELP | ZONED_HELP | ZONE_HELP => Some(Topic::Time),
        KEY_KIND_HELP => Some(Topic::KeyKind),
        _ => None,
    }
}

/// `2026-12-31`.
pub(super) fn read_date(text: &str) -> Result<Date, Wrong> {
    let wrong = || Wrong::new(format!("`{text}` is no date"), "write the year, month and day as `2026-12-31`");
    let mut parts = text.split('-');
    let (year, month, day) = (number(parts.next(), 4), number(parts.next(), 2), number(parts.next(), 2));
    let date = year.zip(month).zip(day).map(|((y, m), d)| Date { year: y, month: m as u8, day: d as u8 });
    date.filter(|d| parts.next().is_none() && is_day(*d)).ok_or_else(wrong)
}

/// `22:00` or `22:00:00`.
pub(super) fn read_time(text: &str) -> Result<TimeOfDay, Wrong> {
    let wrong = || Wrong::new(format!("`{text}` is no time of day"), TIME_HELP);
    let mut parts = text.split(':');
    let (hour, minute) = (number(parts.next(), 2), number(parts.next(), 2));
    let second = parts.next().map_or(Some(0), |s| number(Some(s), 2));
    let time = hour.zip(minute).zip(second).filter(|((h, m), s)| *h < 24 && *m < 60 && *s < 60);
    let time = time.map(|((h, m), s)| TimeOfDay { hour: h as u8, minute: m as u8, second: s as u8 });
    time.filter(|_| parts.next().is_none()).ok_or_else(wrong)
}

/// The time that a text such as `2026-12-18T00:00:00[America/Toronto]` names.
///
/// # Errors
/// In words, why it names none.
pub fn zoned(text: &str) -> Result<ZonedTime, String> {
    read_zoned(text).map_err(|wrong| wrong.message)
}

/// `2026-12-18T00:00:00[America/Toronto]`, or with an offset, or both.
pub(super) fn read_zoned(text: &str) -> Result<ZonedTime, Wrong> {
    let wrong = || Wrong::new(format!("`{text}` is no time with a zone"), ZONED_HELP);
    let (clock, zone) = match text.split_once('[') {
        Some((clock, zone)) => (clock, Some(zone.strip_suffix(']').ok_or_else(wrong)?)),
        None => (text, None),
    };
    let (date, clock) = clock.split_once('T').ok_or_else(wrong)?;
    let (clock, offset) = split_offset(clock);
    let offset = offset.map(|o| read_offset(o).ok_or_else(wrong)).transpose()?;
    let time = read_time(clock).ok().filter(|_| clock.len() == 8).ok_or_else(wrong)?;
    if offset.is_none() && zone.is_none() {
        return Err(Wrong::new(format!("`{text}` does not say its zone"), ZONED_HELP));
    }
    let zone = zone.map(read_zone).transpose()?;
    let date = read_date(date).map_err(|no_date| Wrong::new(no_date.message, ZONED_HELP))?;
    Ok(ZonedTime { date, time, offset, zone, text: text.to_owned() })
}

/// The name of a time zone of the IANA database, by its form only.
pub(super) fn read_zone(text: &str) -> Result<String, Wrong> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-' | b'+');
    let good = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.len() <= 64
        && text.bytes().all(allowed)
        && text.split('/').all(|part| !part.is_empty());
    let wrong = || Wrong::new(format!("`{text}` is no time zone"), ZONE_HELP);
    good.then(|| text.to_owned()).ok_or_else(wrong)
}

/// The date that a text says: `2026-12-31`.
pub fn date(text: &str) -> Option<Date> {
    read_date(text).ok()
}

/// The length of time that a text such as `90s`, `30m`, `4h`, `14d` or `2w` names; `None` for every other text.
pub fn duration(text: &str) -> Option<Duration> {
    read_duration(text).ok()
}

/// A length of time in the largest unit that it is a whole number of: `4h`, `14d`, `90s`; `none` where it is nothing.
pub fn duration_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => "none".to_owned(),
        _ if seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        _ if seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

/// `90s`, `30m`, `4h`, `14d`, `2w`.
pub(super) fn read_duration(text: &str) -> Result<Duration, Wrong> {
    let help = "write a number and a unit: `90s`, `30m`, `4h`, `14d` or `2w`";
    let wrong = || Wrong::new(format!("`{text}` is no duration"), help);
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86_400,
        Some('w') => 604_800,
        _ => return Err(wrong()),
    };
    let digits = &text[..text.len() - 1];
    let count = digits.parse::<u32>().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()));
    count.map(|c| Duration::from_secs(u64::from(c) * unit)).ok_or_else(wrong)
}

fn number(text: Option<&str>, digits: usize) -> Option<u16> {
    let text = text.filter(|t| t.len() == digits && t.bytes().all(|b| b.is_ascii_digit()))?;
    text.parse().ok()
}

fn is_day(date: Date) -> bool {
    let divides = |by| date.year.is_multiple_of(by);
    let leap = divides(4) && (!divides(100) || divides(400));
    let length = match date.month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    date.year >= 1970 && (1..=length).contains(&date.day)
}

fn split_offset(clock: &str) -> (&str, Option<&str>) {
    match clock.find(['Z', '+', '-']) {
        Some(at) => (&clock[..at], Some(&clock[at..])),
        None => (clock, None),
    }
}

/// Minutes from UTC of `Z` or `+hh:mm`.
fn read_offset(text: &str) -> Option<i16> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (number(Some(hours), 2)?, number(Some(minutes), 2)?);
    (hours < 24 && minutes < 60).then(|| sign * (hours * 60 + minutes) as i16)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_days_of_the_calendar() {
        let day = |seconds| Date::of_unix_seconds(seconds).to_string();
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(951_782_400), "2000-02-29");
        assert_eq!(day(951_868_800), "2000-03-01");
        assert_eq!(day(1_798_761_599), "2026-12-31");
        assert_eq!(day(u64::MAX), "9999-12-31");
    }

    #[test]
    fn times_with_zones_are_read_in_all_forms() {
        let plain = read_zoned("2026-12-18T00:00:00[America/Toronto]").unwrap();
        assert_eq!((plain.offset, plain.zone.as_deref()), (None, Some("America/Toronto")));
        assert_eq!(read_zoned("2026-12-18T00:00:00Z").unwrap().offset, Some(0));
        assert_eq!(read_zoned("2026-12-18T00:00:00-05:00[America/Toronto]").unwrap().offset, Some(-300));
        for bad in [
            "2026-12-18T00:00:00",
            "2026-12-18",
            "2026-13-18T00:00:00Z",
            "2026-12-18T00:00[Europe/Oslo]",
            "2026-12-18T00:00:00[",
            "2026-12-18T00:00:00[x y]",
        ] {
            assert!(read_zoned(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn dates_know_the_calendar_and_durations_their_units() {
        assert!(read_date("2028-02-29").is_ok());
        assert!(read_date("2026-02-29").is_err());
        assert!(read_date("2026-2-09").is_err());
        assert_eq!(read_duration("14d").unwrap(), Duration::from_secs(14 * 86_400));
        assert!(read_duration("4 hours").is_err());
        assert!(read_duration("").is_err());
        assert!(read_duration("4é").is_err());
        assert!(read_time("24:00").is_err());
    }
}
