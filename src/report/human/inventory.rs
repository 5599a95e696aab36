//! The inventory beside policy and rules, for people.

use super::finding::{finding_human, severities};
use super::paint::Paint;
use super::{Sign, counted};
use crate::finding::Finding;
use crate::report::inventory_json::{InventoryDocument, WrittenRange};
use crate::report::{Colour, visible};
use std::fmt::Write;

/// The whole report; `with_ranges` lists every range.
pub fn inventory_human(
    document: &InventoryDocument,
    findings: &[Finding],
    with_ranges: bool,
    colour: Colour,
) -> String {
    let paint = Paint(colour);
    let sizes = format!("{}, {}", counted(document.ranges.len(), "range"), counted(document.devices, "device"));
    let mut out = match findings.is_empty() {
        true => paint.signed(Sign::Equal, &format!("{sizes}: nothing speaks against the inventory")),
        false => paint.bold(&format!("{sizes}: {}", severities(findings))),
    } + "\n";
    for snapshot in &document.snapshots {
        let taken = snapshot.taken.and_then(|at| jiff::Timestamp::from_second(at).ok());
        let taken = taken.map_or_else(|| "at an unknown time".to_owned(), |at| at.to_string());
        let line = format!("{}: {}, taken {taken}", snapshot.path, counted(snapshot.rows, "row"));
        let _ = writeln!(out, "{}", paint.faint(&visible(&line)));
    }
    for finding in findings {
        let _ = write!(out, "\n{}", finding_human(finding, colour));
    }
    if with_ranges {
        out.push('\n');
        document.ranges.iter().for_each(|range| out += &range_line(range));
    }
    out
}

fn range_line(range: &WrittenRange) -> String {
    let named = if range.named_by.is_empty() { "nobody".to_owned() } else { range.named_by.join(", ") };
    let site = range.site.as_deref().unwrap_or("-");
    let covered = range.covered.map_or("-", |c| c);
    let line = format!("{:<20} {:<10} {:<16} {:<5} named by {named}", range.prefix, range.status, site, covered);
    visible(&line).into_owned() + "\n"
}
