//! What a ruleset shows by itself, for people.

use super::finding::{finding_human, severities};
use super::paint::Paint;
use super::{Sign, counted, place_words, rule_words};
use crate::finding::Location;
use crate::report::format::LintView;
use crate::report::{Colour, ConditionsDocument, visible};
use std::fmt::Write;

/// Most rules that are listed as left open.
const MOST_OPEN: usize = 20;

/// All findings, the answer first.
pub fn lint_human(view: &LintView<'_>) -> String {
    let paint = Paint(view.colour);
    let headline = headline_of_lint(view);
    let mut out = match view.findings {
        [] => paint.signed(Sign::Equal, &headline),
        _ => paint.bold(&headline),
    } + "\n";
    for finding in view.findings {
        let _ = write!(out, "\n{}", finding_human(finding, view.colour));
    }
    let lines = open_rules(view);
    if let Some((first, rest)) = lines.split_first() {
        let _ = writeln!(out, "\n{first}:");
        rest.iter().for_each(|line| out += &format!("  {line}\n"));
    }
    out
}

/// The answer in one line.
pub fn headline_of_lint(view: &LintView<'_>) -> String {
    let scope = counted(view.rules(), "rule");
    match view.findings {
        [] => format!("nothing to remark ({scope})"),
        some => format!("{}: {} ({scope})", counted(some.len(), "finding"), severities(some)),
    }
}

/// What the bounds left open: how many rules, then the first of them; nothing where nothing is open.
pub fn open_rules(view: &LintView<'_>) -> Vec<String> {
    let open = view.open;
    if open.is_empty() {
        return Vec::new();
    }
    let head =
        format!("{}: the search was given up, so these may still be superfluous", counted(open.len(), "open rule"));
    let line = |l: &Location| format!("{}:{}  {}", visible(&l.file), l.line, visible(&l.text));
    let more = open.len().saturating_sub(MOST_OPEN);
    let more = (more > 0).then(|| format!("and {more} more"));
    [head].into_iter().chain(open.iter().take(MOST_OPEN).map(line)).chain(more).collect()
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
