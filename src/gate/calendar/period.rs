//! Stretches of time and lists of them.

use crate::gate::Instant;
use std::fmt;

/// From its start to its end, the end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    /// The first instant.
    pub start: Instant,
    /// The first instant that is not in it any more.
    pub end: Instant,
}

impl Period {
    /// Whether an instant lies in it.
    pub fn contains(self, at: Instant) -> bool {
        self.start <= at && at < self.end
    }

    /// Whether two share an instant.
    pub fn meets(self, other: Period) -> bool {
        self.start.max(other.start) < self.end.min(other.end)
    }

    /// Whether it lies wholly in another.
    pub fn is_within(self, other: Period) -> bool {
        other.start <= self.start && self.end <= other.end
    }

    fn common(self, other: Period) -> Option<Period> {
        let both = Period { start: self.start.max(other.start), end: self.end.min(other.end) };
        (both.start < both.end).then_some(both)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.start, self.end)
    }
}

/// Sorted, disjoint and not empty, those that touch joined.
pub(super) fn unite(mut periods: Vec<Period>) -> Vec<Period> {
    periods.retain(|p| p.start < p.end);
    periods.sort();
    let mut out: Vec<Period> = Vec::new();
    for period in periods {
        match out.last_mut() {
            Some(last) if period.start <= last.end => last.end = last.end.max(period.end),
            _ => out.push(period),
        }
    }
    out
}

/// What two united lists share, united.
pub(super) fn intersect(one: &[Period], other: &[Period]) -> Vec<Period> {
    unite(one.iter().flat_map(|a| other.iter().filter_map(|b| a.common(*b))).collect())
}
