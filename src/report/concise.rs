//! Concise: one line for each finding or change, in the form that editors and `grep` understand.

use super::format::{CheckView, DiffView, Format, LintView};
use super::human::{RouteLine, change_words, headline_of_check, headline_of_diff, headline_of_lint, place_words};
use super::visible;
use crate::finding::Finding;
use std::fmt::Write;

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "concise",
    about: "One line each: `file:line: error[FW101] message`",
    is_commands: false,
    check: |view| Ok(check(view)),
    diff: |view| Ok(diff(view)),
    lint: |view| Ok(lint(view)),
    change: None,
};

fn check(view: &CheckView<'_>) -> String {
    headline_of_check(view.report, view.frame) + "\n" + &lines(&view.report.findings)
}

fn lint(view: &LintView<'_>) -> String {
    let mut out = headline_of_lint(view) + "\n" + &lines(view.findings);
    for open in view.open {
        let line = format!("{}:{}: open: the search was given up; it may be superfluous", open.file, open.line.max(1));
        let _ = writeln!(out, "{}", visible(&line));
    }
    out
}

/// One line each, the gravest first.
fn lines(findings: &[Finding]) -> String {
    let mut findings: Vec<&Finding> = findings.iter().collect();
    findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
    findings.into_iter().map(line).collect()
}

fn line(finding: &Finding) -> String {
    let place = finding_place(finding);
    let excuse = match (&finding.waived, finding.known) {
        (Some(waived), _) => format!(" (waived until {})", waived.expires),
        (None, Some(_)) => " (known)".to_owned(),
        (None, None) => String::new(),
    };
    let line = format!("{place}: {}[{}] {}{excuse}", finding.severity, finding.code.id, finding.message);
    visible(&line).into_owned() + "\n"
}

/// `file:line`, else the device, else what the finding is about.
fn finding_place(finding: &Finding) -> String {
    let file = finding.location.as_ref().filter(|l| !l.file.is_empty());
    match (file, &finding.device) {
        (Some(l), _) => format!("{}:{}", l.file, l.line.max(1)),
        (None, Some(device)) => device.clone(),
        (None, None) => finding.requirement.clone().unwrap_or_else(|| "policy".to_owned()),
    }
}

fn diff(view: &DiffView<'_>) -> String {
    let mut out = headline_of_diff(view) + "\n";
    for filter in view.filters() {
        for change in &filter.diff.changes {
            let [old, new] = filter.ends(change);
            let place = [&new.rule, &old.rule].map(place_words).into_iter().find(|p| !p.is_empty());
            let place = place.unwrap_or_else(|| visible(filter.pair.name).into_owned());
            let about = format!("{} {} {}", visible(filter.pair.name), visible(filter.name), filter.family);
            let _ = writeln!(out, "{place}: {} [{about}]", change_words(&filter, change));
        }
    }
    for RouteLine { device, place, text, .. } in view.route_lines() {
        let place = place.map_or_else(|| device.clone(), |(file, line)| format!("{file}:{line}"));
        let _ = writeln!(out, "{}: {text} [{} routes]", visible(&place), visible(&device));
    }
    for (device, one) in view.diffs.iter().flat_map(|d| d.structure.iter().map(move |s| (&d.device, s))) {
        let _ = writeln!(out, "{}: {}", visible(device), visible(&one.message));
    }
    out
}
