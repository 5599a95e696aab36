//! The window of one change: by its `schedule` record, else by its file's wish, else the next one of policy.

use super::{Calendar, HORIZON, Period};
use crate::gate::Instant;
use crate::gate::case::TargetDevice;
use std::time::Duration;

/// What the window of a change is computed from.
#[derive(Clone, Copy, Debug)]
pub struct Booking<'a> {
    /// The devices.
    pub targets: &'a [TargetDevice],
    /// When the ledger first witnessed the record that announced the change as it is; `None` where it has not.
    pub announced: Option<Instant>,
    /// The shortest time between announcement and window.
    pub lead_time: Duration,
    /// What the change file asks for.
    pub wish: Option<Period>,
    /// What the schedule record that counts says, and when the ledger first witnessed it.
    pub record: Option<(Period, Option<Instant>)>,
    /// The instant of the decision.
    pub now: Instant,
}

/// Who said when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotSource {
    /// The schedule record.
    Record,
    /// The change file.
    Wish,
    /// Policy's next window.
    Policy,
}

/// The window of a change, as far as it can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The window; `None` where there is none.
    pub period: Option<Period>,
    /// Who said so.
    pub source: SlotSource,
    /// From when on the lead time is kept; `None` while the ledger has not witnessed what it counts from.
    pub ready: Option<Instant>,
    /// Whether a record or wish lies in no window of policy.
    pub is_outside_policy: bool,
}

/// Computes the window of a change at an instant.
pub fn slot(calendar: &Calendar, booking: &Booking<'_>) -> Slot {
    match booking.record {
        Some((period, witnessed)) => by_record(calendar, booking, period, witnessed),
        None => by_itself(calendar, booking),
    }
}

fn by_record(calendar: &Calendar, booking: &Booking<'_>, period: Period, witnessed: Option<Instant>) -> Slot {
    let announced = booking.announced.zip(witnessed).map(|(one, other)| one.max(other));
    Slot {
        period: Some(period),
        source: SlotSource::Record,
        ready: ready(announced, booking),
        is_outside_policy: !is_open(calendar, booking, period),
    }
}

fn by_itself(calendar: &Calendar, booking: &Booking<'_>) -> Slot {
    let ready = ready(booking.announced, booking);
    let outside = booking.wish.is_some_and(|wish| !is_open(calendar, booking, wish));
    let kept = |wish: &Period| !outside && wish.end > booking.now && ready.is_some_and(|ready| ready <= wish.start);
    if let Some(wish) = booking.wish.filter(kept) {
        return Slot { period: Some(wish), source: SlotSource::Wish, ready, is_outside_policy: false };
    }
    let next = ready.and_then(|ready| next_opening(calendar, booking, ready));
    Slot { period: next, source: SlotSource::Policy, ready, is_outside_policy: outside }
}

/// The opening in which `now` lies or the next one, what lies before `ready` cut off.
fn next_opening(calendar: &Calendar, booking: &Booking<'_>, ready: Instant) -> Option<Period> {
    let from = Instant(booking.now.0.saturating_sub(9 * super::DAY));
    let openings = calendar.openings(booking.targets, from, HORIZON);
    let cut = |p: Period| Period { start: p.start.max(ready), ..p };
    openings.into_iter().map(cut).find(|p| p.start < p.end && p.end > booking.now)
}

/// When the lead time is over. Without one nothing has to be announced.
fn ready(announced: Option<Instant>, booking: &Booking<'_>) -> Option<Instant> {
    match booking.lead_time.is_zero() {
        true => Some(Instant(i64::MIN)),
        false => announced.map(|at| at.after(booking.lead_time)),
    }
}

/// Whether a period lies in one opening of policy. A policy without windows leaves the time to records and wishes.
fn is_open(calendar: &Calendar, booking: &Booking<'_>, period: Period) -> bool {
    let from = Instant(period.start.0.saturating_sub(9 * super::DAY));
    !calendar.has_windows() || calendar.openings(booking.targets, from, 40).iter().any(|open| period.is_within(*open))
}
