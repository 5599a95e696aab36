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
pub use unused::unused;

use super::CheckInput;
use crate::finding::{Code, Finding, Location};
use crate::inventory::Inventory;
use crate::packet::{Family, Ranges};
use crate::ruleset::Span;

/// A check that is made once in a run.
pub(super) struct EstateCheck {
    /// The codes of its findings.
    pub codes: &'static [&'static Code],
    /// Judges.
    pub run: fn(&CheckInput<'_>) -> Vec<Finding>,
}

/// Every check.
pub(super) const CHECKS: &[EstateCheck] =
    &[stale::CHECK, contradiction::CHECK, uncovered::CHECK, unknown::CHECK, overlap::CHECK, unused::CHECK];

/// Most findings of one code; a list that is wrong as a whole is told by its first rows.
const MOST: usize = 20;

/// Every finding about the inventory.
pub fn survey(input: &CheckInput<'_>) -> Vec<Finding> {
    CHECKS.iter().flat_map(|check| (check.run)(input)).collect()
}

/// The findings that a verdict about a change tells, with one that counts the rest of each kind.
pub(super) fn told(input: &CheckInput<'_>) -> Vec<Finding> {
    let mut out = Vec::new();
    for check in CHECKS {
        let found = (check.run)(input);
        let more = found.len().saturating_sub(MOST);
        let code = found.first().map(|f| f.code);
        out.extend(found.into_iter().take(MOST));
        if let Some(code) = code.filter(|_| more > 0) {
            let message = format!("{more} more findings of this kind");
            out.push(Finding::without_place(code, message).helped_by("`fwgate inventory` lists all of them"));
        }
    }
    out
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
