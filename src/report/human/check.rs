//! The verdict about a change, for people: the verdict, what was judged, the findings, the effect, and what it all
//! rests on.

use super::counted;
use super::diff::{Most, filter_human};
use super::finding::{finding_human, severities};
use super::paint::Paint;
use crate::check::{CheckReport, RequirementCounts, WaiverState};
use crate::finding::RANGE_LOST;
use crate::report::check_json::{CheckFrame, is_refused};
use crate::report::{Colour, FilterView, visible};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Most changes of one filter that a verdict shows; the diff shows all of them.
const MOST_CHANGES: usize = 4;

/// The whole report. `effects` are the filters on which the change has an effect, in order.
pub fn check_human(
    report: &CheckReport,
    frame: &CheckFrame,
    effects: &[FilterView<'_>],
    most_regions: usize,
    colour: Colour,
) -> String {
    let paint = Paint(colour);
    let mut out = headline(report, frame, paint);
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
    out += &out_of_contact(report, paint);
    for finding in &report.findings {
        let _ = write!(out, "\n{}", finding_human(finding, colour));
    }
    if !effects.is_empty() {
        let _ = writeln!(out, "\n{}", paint.bold("What the change does:"));
        let most = Most { changes: MOST_CHANGES, regions: most_regions };
        effects.iter().for_each(|f| out += &filter_human(f, most, colour));
    }
    out + &footing(report, frame)
}

/// The verdict in one line.
fn headline(report: &CheckReport, frame: &CheckFrame, paint: Paint) -> String {
    let refused = is_refused(report, frame);
    let counts = severities(&report.findings);
    let line = match (refused, frame.is_unchanged, counts.is_empty()) {
        (true, ..) => format!("refused: {counts}"),
        (false, true, _) => "passed: no firewall change".to_owned(),
        (false, false, true) => "passed: nothing speaks against the change".to_owned(),
        (false, false, false) => format!("passed, with {counts}"),
    };
    paint.verdict(refused, &line) + "\n"
}

/// The ranges that lose contact, each with the devices that no longer talk with it: what a long report is about.
fn out_of_contact(report: &CheckReport, paint: Paint) -> String {
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
        paint.bold(&visible(&format!("loses contact: {range}, with {}{more}", named.join(", ")))) + "\n"
    };
    lost.iter().take(MOST).map(line).collect()
}

/// Counts, and what the verdict rests on.
fn footing(report: &CheckReport, frame: &CheckFrame) -> String {
    let mut out = format!("\n{}, {}", counted(report.devices, "device"), counted(report.rules, "rule"));
    if !frame.is_unchanged {
        out += &requirements(&report.requirements);
    }
    out.push('\n');
    if let Some(assumption) = frame.policy.assumption() {
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
        let place = format!("{}:{}", waiver.location.file, waiver.location.line);
        let told = match waiver.state {
            WaiverState::Used(n) => format!("tolerates {}", counted(n, "finding")),
            WaiverState::Expired(n) => format!("is over, and would tolerate {}", counted(n, "finding")),
            WaiverState::Unused => "has nothing left to tolerate".to_owned(),
        };
        let _ = writeln!(out, "waiver {} {told}", visible(&place));
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
