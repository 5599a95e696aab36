//! A renumbering in its order, for people.

use super::counted;
use super::paint::Paint;
use crate::names::Length;
use crate::report::plan_json::PlanDocument;
use crate::report::{Colour, visible};
use std::fmt::Write;

/// The whole plan.
pub fn renumbering_human(plan: &PlanDocument, colour: Colour) -> String {
    let paint = Paint(colour);
    let last = plan.steps.last().map(|s| s.earliest.as_str()).unwrap_or_default();
    let length = |seconds: u32| Length(u64::from(seconds));
    let head = format!("{}: the old address may go on {last} at the earliest", counted(plan.records.len(), "record"));
    let mut out = paint.bold(&head) + "\n";
    for record in &plan.records {
        let moved = match (&record.old, &record.new) {
            (Some(old), Some(new)) => format!("{old} -> {new}"),
            (Some(old), None) => format!("{old} goes"),
            _ => "reverse".to_owned(),
        };
        let place = format!("{}:{}", record.location.file, record.location.line);
        let line = format!("  {} {} {moved}  (kept for {}, {place})", record.owner, record.kind, length(record.ttl));
        let _ = writeln!(out, "{}", visible(&line));
    }
    for (at, step) in plan.steps.iter().enumerate() {
        let _ = writeln!(out, "\n{}. {}  {}", at + 1, paint.bold(&step.earliest), visible(&step.what));
        let _ = writeln!(out, "   {}", paint.faint(&visible(&step.why)));
    }
    let _ = writeln!(
        out,
        "\nRaise the serial of {} with every step. A failed lookup is remembered for {}. A secondary that cannot reach its\n\
         primary asks again every {} and gives the old zone for up to {}: make sure that all of them have each step before the next.",
        visible(&plan.zones.join(", ")),
        length(plan.negative_ttl),
        length(plan.retry),
        length(plan.expire)
    );
    out
}
