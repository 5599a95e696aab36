//! Checks about the inventory as a whole: one file a check. They look at the proposal's snapshots, once in a run.

mod contradiction;
mod overlap;
mod stale;
mod uncovered;
mod unknown;
mod unused;

pub use overlap::{Overlap, overlaps};
pub use uncovered::{Uncovered, uncovered};
pub use unknown::{Unknown, unknown};
pub use unused::{records, unused};

use super::CheckInput;
use super::estate::EstateCheck;
use crate::finding::{Code, Finding, Location};
use crate::inventory::Inventory;
use crate::packet::{Family, Ranges};
use crate::ruleset::Span;

/// Every check.
pub(super) const CHECKS: &[EstateCheck] =
    &[stale::CHECK, contradiction::CHECK, uncovered::CHECK, unknown::CHECK, overlap::CHECK, unused::CHECK];

/// Every finding about the inventory.
pub fn survey(input: &CheckInput<'_>) -> Vec<Finding> {
    CHECKS.iter().flat_map(|check| (check.run)(input)).collect()
}

fn at(code: &'static Code, inventory: &Inventory, span: Span, message: String) -> Finding {
    Finding::at(code, Location::of(span, &inventory.sources).first_line(), message)
}

/// Ranges in a sentence, the first few of them.
fn ranges_text(family: Family, ranges: &Ranges) -> String {
    const SHOWN: usize = 3;
    let texts: Vec<String> =
        ranges.as_slice().iter().take(SHOWN).map(|r| format!("`{}`", super::words::range_text(family, *r))).collect();
    match ranges.as_slice().len().saturating_sub(SHOWN) {
        0 => texts.join(", "),
        more => format!("{} and {more} more ranges", texts.join(", ")),
    }
}
