//! The verdict about a change, for people: the verdict, what was judged, the findings, the effect, and what it all
//! rests on.

use super::counted;
use super::diff::{Most, filter_human};
use super::finding::{finding_human, severities};
use super::paint::Paint;
use super::routes::{RouteView, routes_human};
use crate::check::{CheckReport, RequirementCounts, RouteEffect, WaiverState};
use crate::finding::{Finding, RANGE_LOST};
use crate::report::check_json::{CheckFrame, is_refused};
use crate::report::format::CheckView;
use crate::report::{next_human, visible};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Most changes of one filter that a verdict shows; the diff shows all of them.
const MOST_CHANGES: usize = 4;

/// The whole report.
pub fn check_human(view: &CheckView<'_>) -> String {
    let CheckView { report, frame, effects, most_regions, colour, .. } = *view;
    let paint = Paint(colour);
    let mut out = paint.verdict(is_refused(report, frame), &headline_of_check(report, frame)) + "\n";
    let _ = writeln!(
        out,
        "{}",
        paint.faint(&visible(&format!(
            "judged: {} against {}; policy: {}",
            frame.proposed,
            frame.baseline,
            frame.policy.words()
        )))
    );
    for line in out_of_contact(report) {
        let _ = writeln!(out, "{}", paint.bold(&line));
    }
    // The gravest first: they are what the first line is about.
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|f| Reverse(f.severity));
    for finding in findings {
        let _ = write!(out, "\n{}", finding_human(finding, colour));
    }
    if !effects.is_empty() || !report.routes.is_empty() {
        let _ = writeln!(out, "\n{}", paint.bold("What the change does:"));
        let most = Most { changes: MOST_CHANGES, regions: most_regions };
        effects.iter().for_each(|f| out += &filter_human(f, most, colour));
        for RouteEffect { device, old, new, diff } in &report.routes {
            out += &routes_human(&RouteView { device, old, new, diff }, MOST_CHANGES, colour);
        }
    }
    out + "\n" + &footing(report, frame) + &next_human(&frame.next)
}

/// The verdict in one line.
pub fn headline_of_check(report: &CheckReport, frame: &CheckFrame) -> String {
    let counts = severities(&report.findings);
    let by = if frame.fail_on.is_none() { " (nothing fails: --fail-on never)" } else { "" };
    match (is_refused(report, frame), frame.is_unchanged, counts.is_empty()) {
        (true, ..) => format!("refused: {counts}"),
        (false, true, _) => format!("passed: no firewall change{by}"),
        (false, false, true) => format!("passed: nothing speaks against the change{by}"),
        (false, false, false) => format!("passed, with {counts}{by}"),
    }
}

/// The ranges that lose contact, each with the devices that no longer talk with it: what a long report is about.
pub fn out_of_contact(report: &CheckReport) -> Vec<String> {
    const MOST: usize = 6;
    let mut lost: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for finding in report.findings.iter().filter(|f| f.code.id == RANGE_LOST.id && f.waived.is_none()) {
        if let Some((range, device)) = finding.range.as_deref().zip(finding.device.as_deref()) {
            lost.entry(range).or_default().insert(device);
        }
    }
    let line = |(range, devices): (&&str, &BTreeSet<&str>)| {
        let named: Vec<&str> = devices.iter().take(MOST).copied().collect();
        let more = devices.len().saturating_sub(named.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        visible(&format!("loses contact: {range}, with {}{more}", named.join(", "))).into_owned()
    };
    lost.iter().take(MOST).map(line).collect()
}

/// Counts, and what the verdict rests on.
pub fn footing(report: &CheckReport, frame: &CheckFrame) -> String {
    let mut out = format!("{}, {}", counted(report.devices, "device"), counted(report.rules, "rule"));
    if !frame.is_unchanged {
        out += &requirements(&report.requirements);
    }
    out.push('\n');
    for assumption in frame.assumptions() {
        let _ = writeln!(out, "assumed: {}", visible(&assumption));
    }
    for used in &report.assumptions {
        let holds = if used.holds { "holds" } else { "does not hold" };
        let text = format!("assumed: `{}` {holds} on {}: {}", used.condition, used.device, used.reason);
        let _ = writeln!(out, "{} ({}:{})", visible(&text), visible(&used.location.file), used.location.line);
    }
    for not in &report.not_applicable {
        let text = format!("not applicable: `{}` on {}, which has no {} filter", not.requirement, not.device, not.hook);
        let _ = writeln!(out, "{}", visible(&text));
    }
    for waiver in &report.waivers {
        // Those that are over or superfluous are findings.
        let place = format!("{}:{}", waiver.location.file, waiver.location.line);
        if let WaiverState::Used(n) = waiver.state {
            let _ = writeln!(out, "waiver {} tolerates {}", visible(&place), counted(n, "finding"));
        }
    }
    let known = report.findings.iter().filter(|f| f.known.is_some()).count();
    if known > 0 {
        let _ = writeln!(out, "known before: {}", counted(known, "finding"));
    }
    out
}

fn requirements(counts: &RequirementCounts) -> String {
    let RequirementCounts { held, depends, missing, lost, unmatched } = *counts;
    if held + depends + missing + lost + unmatched == 0 {
        return String::new();
    }
    let mut out = format!(", {} held", counted(held, "requirement"));
    for (n, word) in [(lost, "lost"), (missing, "missing"), (depends, "depending"), (unmatched, "unmatched")] {
        if n > 0 {
            let _ = write!(out, ", {n} {word}");
        }
    }
    out
}
