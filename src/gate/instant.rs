//! One point in time, as evidence writes it.

use crate::policy::Date;
use std::fmt;
use std::time::Duration;

/// Whole seconds since 1970-01-01T00:00:00Z, leap seconds not counted; ordered by time. Written as `2026-12-06T00:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

impl Instant {
    /// The latest instant that can be written: the end of the year 9999.
    pub const LAST: Instant = Instant(253_402_300_799);

    /// The instant that a text of exactly this form names (RFC 3339, UTC, no fraction); `None` for every other text.
    pub fn read(text: &str) -> Option<Instant> {
        if text.len() != 20 || !text.ends_with('Z') {
            return None;
        }
        let at: jiff::Timestamp = text.parse().ok()?;
        Some(Instant(at.as_second())).filter(|i| i.to_string() == text)
    }

    /// The day in UTC on which it lies.
    pub fn date(self) -> Date {
        Date::of_unix_seconds(u64::try_from(self.0).unwrap_or_default())
    }

    /// This much later, at most [`Instant::LAST`].
    pub fn after(self, wait: Duration) -> Instant {
        let seconds = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX);
        Instant(self.0.saturating_add(seconds).min(Instant::LAST.0))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(at) => write!(f, "{at}"),
            Err(_) => write!(f, "@{}", self.0),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_and_no_other() {
        assert_eq!(Instant::read("1970-01-02T00:00:00Z"), Some(Instant(86_400)));
        assert_eq!(Instant(86_400).to_string(), "1970-01-02T00:00:00Z");
        for bad in
            ["1970-01-02 00:00:00Z", "1970-01-02T00:00:00+00:00", "1970-01-02T00:00:60Z", "1970-01-02T00:00:00.0Z", ""]
        {
            assert_eq!(Instant::read(bad), None, "{bad}");
        }
        assert_eq!(Instant(0).after(Duration::from_secs(u64::MAX)), Instant::LAST);
    }
}
