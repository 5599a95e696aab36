//! When changes may go: windows and freezes, as they are written. Whether an instant lies inside one is not
//! decided here.

use super::class::ChangeClass;
use super::instant::{TimeOfDay, ZonedTime, read_time, read_zone, read_zoned};
use super::selector::DeviceSelection;
use crate::document::{Fields, Spanned};
use crate::ruleset::Span;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// A time of the week at which changes may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The days on which it begins.
    pub days: Vec<Weekday>,
    /// When it begins.
    pub from: TimeOfDay,
    /// When it ends; on the next day where that is not later than `from`.
    pub to: TimeOfDay,
    /// The zone of both.
    pub zone: String,
    /// The devices that it is for.
    pub devices: DeviceSelection,
    /// Where it is written.
    pub span: Span,
}

impl Window {
    /// Whether it ends on the day after it began.
    pub fn ends_next_day(&self) -> bool {
        self.to <= self.from
    }
}

/// A time in which changes may not go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// When it begins.
    pub from: ZonedTime,
    /// When it ends.
    pub to: ZonedTime,
    /// Why.
    pub reason: String,
    /// The classes of change that may go all the same.
    pub allow: Vec<ChangeClass>,
    /// The devices that it is for.
    pub devices: DeviceSelection,
    /// Where it is written.
    pub span: Span,
}

/// Reads one `[[window]]`.
pub(super) fn read_window(mut fields: Fields<'_>) -> Option<Window> {
    let span = fields.span;
    let problems = fields.problems();
    let texts = fields.need_texts("days");
    let day = |text: &Spanned<String>| {
        crate::document::parsed_text(text, |t| crate::document::choose("day", t, &WEEKDAYS), problems)
    };
    let days: Vec<Weekday> = texts.iter().filter_map(day).map(|d| d.value).collect();
    let clock = |fields: &mut Fields<'_>, key| {
        fields.need(key);
        fields.parsed(key, read_time).map(|t| t.value)
    };
    let (from, to) = (clock(&mut fields, "from"), clock(&mut fields, "to"));
    fields.need("zone");
    let zone = fields.parsed("zone", read_zone);
    let devices = DeviceSelection::read(&mut fields);
    fields.finish();
    Some(Window { days, from: from?, to: to?, zone: zone?.value, devices, span })
}

/// Reads one `[[freeze]]`.
pub(super) fn read_freeze(mut fields: Fields<'_>) -> Option<Freeze> {
    let span = fields.span;
    let problems = fields.problems();
    let instant = |fields: &mut Fields<'_>, key| {
        fields.need(key);
        fields.parsed(key, read_zoned).map(|t| t.value)
    };
    let (from, to) = (instant(&mut fields, "from"), instant(&mut fields, "to"));
    let reason = fields.need_text("reason");
    let class = |text: &Spanned<String>| crate::document::parsed_text(text, ChangeClass::read, problems);
    let allow = fields.texts("allow").unwrap_or_default().iter().filter_map(class).map(|c| c.value).collect();
    let devices = DeviceSelection::read(&mut fields);
    fields.finish();
    Some(Freeze { from: from?, to: to?, reason: reason?.value, allow, devices, span })
}
