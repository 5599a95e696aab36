//! The page of a lint: what rulesets show by themselves, without anything to compare them with.

use super::check::{capital, severity_tiles};
use super::{Mood, Page, Section, facts, finding};
use crate::report::format::LintView;
use crate::report::human::{counted, headline_of_lint, open_rules};
use crate::report::markup::escaped;

/// The page.
pub(super) fn lint(view: &LintView<'_>) -> String {
    let tiles = severity_tiles(view.findings).concat();
    let tiles = match tiles.is_empty() {
        true => tiles,
        false => format!("<ul class=\"tiles\" aria-label=\"At a glance\">{tiles}</ul>\n"),
    };
    Page {
        title: "What the rulesets show - fwgate lint".to_owned(),
        mood: mood(view),
        answer: capital(&headline_of_lint(view)),
        under: tiles
            + &facts([
                ("Looked at", format!("{}, {}", counted(view.pairs.len(), "device"), counted(view.rules(), "rule"))),
                ("Complete", if view.open.is_empty() { "every rule" } else { "no: the bound was reached" }.to_owned()),
            ]),
        sections: vec![
            Section::new("findings", "Findings", Some(view.findings.len()), finding::findings(view.findings, None)),
            Section::new("open", "Left open", Some(view.open.len()), open(view)),
        ],
    }
    .text()
}

fn mood(view: &LintView<'_>) -> Mood {
    match (view.fails(), view.findings) {
        (true, _) => Mood::Bad,
        (false, []) => Mood::Good,
        (false, _) => Mood::Neutral,
    }
}

/// The rules that the bounds left open; nothing where they left none.
fn open(view: &LintView<'_>) -> String {
    let lines: String = open_rules(view).iter().map(|line| format!("<li>{}</li>", escaped(line))).collect();
    if lines.is_empty() { lines } else { format!("<ul class=\"grounds\">{lines}</ul>\n") }
}
