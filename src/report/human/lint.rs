//! What a ruleset shows by itself, for people.

use super::finding::{finding_human, severities};
use super::paint::Paint;
use super::{Sign, counted, place_words, rule_words};
use crate::finding::{Finding, Location};
use crate::report::{Colour, ConditionsDocument, visible};
use std::fmt::Write;

/// All findings, the answer first.
pub fn lint_human(findings: &[Finding], open: &[Location], rules: usize, colour: Colour) -> String {
    let paint = Paint(colour);
    let scope = counted(rules, "rule");
    let mut out = match findings.len() {
        0 => paint.signed(Sign::Equal, &format!("nothing to remark ({scope})")),
        n => paint.bold(&format!("{}: {} ({scope})", counted(n, "finding"), severities(findings))),
    } + "\n";
    for finding in findings {
        let _ = write!(out, "\n{}", finding_human(finding, colour));
    }
    if !open.is_empty() {
        let text = "the search was given up, so these may still be superfluous:";
        let _ = writeln!(out, "\n{}: {text}", counted(open.len(), "open rule"));
        for location in open.iter().take(20) {
            let _ = writeln!(out, "  {}:{}  {}", visible(&location.file), location.line, visible(&location.text));
        }
        if open.len() > 20 {
            let _ = writeln!(out, "  and {} more", open.len() - 20);
        }
    }
    out
}

/// Every opaque condition, with the rules that ask it.
pub fn conditions_human(document: &ConditionsDocument, colour: Colour) -> String {
    let paint = Paint(colour);
    let mut out = match document.conditions.len() {
        0 => paint.signed(Sign::Equal, "no opaque condition: every verdict follows from the packet alone"),
        n => paint.bold(&counted(n, "opaque condition")),
    } + "\n";
    for condition in &document.conditions {
        let _ = writeln!(out, "\n{} {}", visible(&condition.name), paint.faint(&format!("({})", condition.kind)));
        for rule in &condition.rules {
            let _ = writeln!(out, "  {}  {}", paint.faint(&place_words(rule)), rule_words(rule));
        }
    }
    out
}
