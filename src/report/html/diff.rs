//! The page of a diff: the effect alone.

use super::check::{capital, effect_tiles};
use super::{Evidence, Mood, Page, Section, effect, facts, prose, zones};
use crate::check::CheckReport;
use crate::report::FilterView;
use crate::report::format::DiffView;
use crate::report::human::{counted, headline_of_diff};
use crate::report::markup::escaped;

/// The page.
pub(super) fn diff(view: &DiffView<'_>) -> String {
    let effects: Vec<FilterView<'_>> = view.filters().collect();
    let report = CheckReport::default();
    let most_regions = view.most_regions;
    let evidence = Evidence { report: &report, effects: &effects, pairs: view.pairs, policy: None, most_regions };
    let changes = effects.iter().map(|f| f.diff.changes.len()).sum();
    let headline = headline_of_diff(view);
    let answer = headline.trim_start_matches("= ");
    let mood = if view.is_equivalent() { Mood::Good } else { Mood::Neutral };
    let tiles = format!("<ul class=\"tiles\" aria-label=\"At a glance\">{}</ul>\n", effect_tiles(&effects).concat());
    Page {
        title: "Effect of a change - fwgate diff".to_owned(),
        mood,
        answer: capital(answer),
        under: tiles
            + &facts([
                ("Compared", counted(view.pairs.len(), "device")),
                ("Filters", counted(effects.len(), "filter")),
                (
                    "Complete",
                    if view.is_complete() { "every packet".to_owned() } else { "no: the bound was reached".to_owned() },
                ),
            ]),
        sections: vec![
            Section::new("zones", "Who reaches whom", None, zones::zones(&evidence)),
            Section::new("effect", "What changes", Some(changes), effect::effects(&evidence)),
            Section::new("routes", "Routes", None, super::check::routes(view.route_lines())),
            Section::new("structure", "Devices, chains and sets", None, structure(view)),
            Section::new("text", "Edited lines", None, texts(view)),
        ],
    }
    .text()
}

fn structure(view: &DiffView<'_>) -> String {
    let lines = view.diffs.iter().flat_map(|d| d.structure.iter().map(move |s| (&d.device, s)));
    let lines: String =
        lines.map(|(device, s)| format!("<li><b>{}</b> {}</li>", escaped(device), prose(&s.message))).collect();
    if lines.is_empty() { lines } else { format!("<ul class=\"grounds\">{lines}</ul>\n") }
}

fn texts(view: &DiffView<'_>) -> String {
    let shown = view.pairs.iter().zip(&view.texts).filter(|(_, text)| !text.is_empty());
    let block = |(pair, text): (&crate::diff::DevicePair<'_>, &String)| {
        let lines: Vec<String> = text.lines().map(escaped).collect();
        let label = format!("Edited lines of {}", pair.name);
        let body = super::scrolling(&label, &format!("<pre>{}</pre>", lines.join("\n")));
        format!("<h3>{}</h3>\n{body}", escaped(pair.name))
    };
    shown.map(block).collect()
}
