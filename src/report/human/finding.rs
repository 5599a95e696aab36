//! Findings for people, in the manner of cargo and rustc: what was found, where, the packet, and what to do.

use super::packet_words;
use super::paint::Paint;
use crate::finding::{Finding, Severity, excerpt};
use crate::report::{Colour, visible};
use std::fmt::Write;

/// One finding.
pub fn finding_human(finding: &Finding, colour: Colour) -> String {
    let paint = Paint(colour);
    let head = format!("{}[{}]", finding.severity, finding.code.id);
    let mut out = format!("{}: {}\n", paint.severity(finding.severity, &head), paint.bold(&visible(&finding.message)));
    let where_ = place_of(finding);
    if !where_.is_empty() {
        let _ = writeln!(out, "  {} {}", paint.faint("-->"), visible(&where_));
    }
    if let Some(location) = &finding.location {
        let lines = location.text.lines().filter(|l| !l.trim().is_empty()).take(4);
        for line in lines {
            let _ = writeln!(out, "   {} {}", paint.faint("|"), visible(&excerpt(line.trim_end())));
        }
    }
    let mut note = |word: &str, text: &str| {
        let _ = writeln!(out, "   {} {word}: {}", paint.faint("="), visible(text));
    };
    note_all(finding, &mut note);
    out
}

fn note_all(finding: &Finding, note: &mut dyn FnMut(&str, &str)) {
    if let Some(requirement) = &finding.requirement {
        note("policy", requirement);
    }
    if let Some(packet) = &finding.witness {
        let direction = finding.direction.map(|d| format!(" ({d})")).unwrap_or_default();
        note(&format!("packet{direction}"), &packet_words(packet));
    }
    for condition in &finding.conditions {
        match condition.strip_prefix('!') {
            Some(name) => note("where", &format!("`{name}` does not hold")),
            None => note("where", &format!("`{condition}` holds")),
        }
    }
    if let Some(waived) = &finding.waived {
        note("waived", &format!("{} ({}, until {})", waived.reason, waived.owner, waived.expires));
    }
    if let Some(severity) = finding.known {
        note("known", &format!("listed in the file of known findings; otherwise {severity}"));
    }
    if let Some(help) = &finding.help {
        note("help", help);
    }
}

/// Where: file and line, else device and filter.
pub fn place_of(finding: &Finding) -> String {
    let location = finding.location.as_ref().filter(|l| !l.file.is_empty());
    let file = location.map(|l| if l.line == 0 { l.file.clone() } else { format!("{}:{}", l.file, l.line) });
    let hook = finding.hook.map(|h| h.name().to_owned());
    let family = finding.family.map(|f| f.to_string());
    let filter = finding.filter.clone().filter(|f| !f.is_empty()).or(hook);
    let rest: Vec<String> = finding.device.clone().into_iter().chain(filter).chain(family).collect();
    match (file, rest.join(" ")) {
        (Some(file), rest) if rest.is_empty() => file,
        (Some(file), rest) => format!("{file} ({rest})"),
        (None, rest) => rest,
    }
}

/// `2 errors, 1 warning`; nothing where there is no finding.
pub fn severities(findings: &[Finding]) -> String {
    let count = |severity: Severity| {
        let n = findings.iter().filter(|f| f.severity == severity).count();
        (n > 0).then(|| super::counted(n, severity.name()))
    };
    Severity::ALL.into_iter().rev().filter_map(count).collect::<Vec<_>>().join(", ")
}
