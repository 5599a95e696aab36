//! The page of a check: the verdict, the effect, the findings, what must hold, and what it all rests on.

use super::{Evidence, Mood, Page, Section, effect, facts, finding, holds, prose, tile, zones};
use crate::check::{CheckReport, RequirementCounts};
use crate::diff::EffectKind;
use crate::finding::{Finding, Severity};
use crate::report::FilterView;
use crate::report::check_json::is_refused;
use crate::report::format::CheckView;
use crate::report::human::{
    RouteLine, RouteView, counted, effect_word, footing, headline_of_check, out_of_contact, route_lines, sign,
};
use crate::report::markup::escaped;

/// The page.
pub(super) fn check(view: &CheckView<'_>) -> String {
    let refused = is_refused(view.report, view.frame);
    let evidence = Evidence {
        report: view.report,
        effects: view.effects,
        pairs: view.pairs,
        policy: Some(view.policy),
        most_regions: view.most_regions,
    };
    let answer = headline_of_check(view.report, view.frame);
    Page {
        title: format!("{} - fwgate check", if refused { "Refused" } else { "Passed" }),
        mood: if refused { Mood::Bad } else { Mood::Good },
        answer: capital(&answer),
        under: under(view),
        sections: sections(&evidence)
            .into_iter()
            .chain([Section::new("grounds", "What it rests on", None, grounds(view))])
            .collect(),
    }
    .text()
}

/// The parts that every page about findings has.
pub(super) fn sections(evidence: &Evidence<'_>) -> Vec<Section> {
    let changes = evidence.effects.iter().map(|f| f.diff.changes.len()).sum();
    let findings = &evidence.report.findings;
    let of_report = evidence
        .report
        .routes
        .iter()
        .flat_map(|r| route_lines(&RouteView { device: &r.device, old: &r.old, new: &r.new, diff: &r.diff }));
    vec![
        Section::new("zones", "Who reaches whom", None, zones::zones(evidence)),
        Section::new("findings", "Findings", Some(findings.len()), finding::findings(findings, Some(evidence))),
        Section::new("effect", "What changes", Some(changes), effect::effects(evidence)),
        Section::new("routes", "Routes", None, routes(of_report)),
        Section::new("holds", "What must hold", None, holds::holds(evidence)),
    ]
}

/// What changes about routes; nothing where nothing does.
pub(super) fn routes(lines: impl Iterator<Item = RouteLine>) -> String {
    let line = |l: RouteLine| {
        let place = l.place.map(|(file, number)| format!(" <code>{}:{number}</code>", escaped(&file)));
        format!("<li><b>{}</b> {}{}</li>", escaped(&l.device), prose(&l.text), place.unwrap_or_default())
    };
    let lines: String = lines.map(line).collect();
    if lines.is_empty() { lines } else { format!("<ul class=\"grounds\">{lines}</ul>\n") }
}

/// Counts at a glance, and who loses contact.
pub(super) fn glance(report: &CheckReport, effects: &[FilterView<'_>]) -> String {
    let mut tiles = severity_tiles(&report.findings);
    tiles.extend(effect_tiles(effects));
    let lost: String =
        out_of_contact(report).iter().map(|l| format!("<p class=\"alarm\">{}</p>\n", prose(l))).collect();
    format!("{lost}<ul class=\"tiles\" aria-label=\"At a glance\">{}</ul>\n", tiles.concat())
}

/// How many findings are how grave.
pub(super) fn severity_tiles(findings: &[Finding]) -> Vec<String> {
    let of = |severity: Severity| findings.iter().filter(|f| f.severity == severity).count();
    vec![
        tile("error", "\u{2715}", of(Severity::Error), "errors"),
        tile("warning", "!", of(Severity::Warning), "warnings"),
        tile("note", "i", of(Severity::Note), "notes"),
    ]
}

/// How many changes are of which kind.
pub(super) fn effect_tiles(effects: &[FilterView<'_>]) -> Vec<String> {
    let of = |kind: EffectKind| effects.iter().flat_map(|f| &f.diff.changes).filter(|c| c.effect == kind).count();
    let tile = |kind: EffectKind| tile(kind.name(), &sign(kind).mark().to_string(), of(kind), effect_word(kind));
    EffectKind::ALL.map(tile).to_vec()
}

fn under(view: &CheckView<'_>) -> String {
    let held = standings(&view.report.requirements);
    let policy = view.frame.policy.words();
    glance(view.report, view.effects)
        + &facts([
            ("Proposed", escaped(&view.frame.proposed)),
            ("Against", escaped(&view.frame.baseline)),
            ("Policy", escaped(&policy)),
            ("Judged", format!("{}, {}", counted(view.report.devices, "device"), counted(view.report.rules, "rule"))),
            ("Requirements", held),
        ])
}

/// `41 held, 1 lost`; nothing where nothing is required.
pub(super) fn standings(counts: &RequirementCounts) -> String {
    let RequirementCounts { held, depends, missing, lost, unmatched } = *counts;
    let all = [(held, "held"), (lost, "lost"), (missing, "missing"), (depends, "depending"), (unmatched, "unmatched")];
    let all: Vec<String> = all.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    all.join(", ")
}

fn grounds(view: &CheckView<'_>) -> String {
    let lines: String =
        footing(view.report, view.frame).lines().map(|line| format!("<li>{}</li>", prose(line))).collect();
    format!("<ul class=\"grounds\">{lines}</ul>\n")
        + &facts([("Evidence", format!("<code>{}</code>", view.frame.digest))])
}

/// The sentence with a capital letter.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
