//! Old sins: findings that a file lists are told and do not fail; what the file lists and nobody found is told as well.

use super::report::CheckReport;
use crate::finding::{Code, Finding, KNOWN_FINDING_GONE, Location, Severity, fingerprints};
use crate::policy::{KnownFindings, Policy};
use std::collections::BTreeSet;

/// The codes of findings about files of known findings.
pub(super) const CODES: &[&Code] = &[&KNOWN_FINDING_GONE];

/// Marks the findings that the file lists: they stay, as notes. A code that nothing excuses is not excused by this either.
pub fn excuse_known(report: &mut CheckReport, known: &KnownFindings, policy: &Policy) {
    let mut met: BTreeSet<usize> = BTreeSet::new();
    let prints = fingerprints(&report.findings);
    for (finding, print) in report.findings.iter_mut().zip(&prints) {
        let listed = known.entries.iter().position(|e| e.fingerprint == *print && e.code == finding.code);
        if let Some(at) = listed.filter(|_| finding.code.is_excusable()) {
            met.insert(at);
            excuse(finding);
        }
    }
    let gone = known.entries.iter().enumerate().filter(|(at, _)| !met.contains(at));
    report.findings.extend(gone.map(|(_, entry)| {
        let message = format!("a known finding of `{}` does not occur any more: {}", entry.code.name, entry.message);
        let location = Location::of(entry.span, &known.sources).first_line();
        let finding = Finding::at(&KNOWN_FINDING_GONE, location, message.trim_end_matches([':', ' ']));
        let finding = finding.helped_by("write the file again with `--write-known`");
        Finding { severity: policy.severity_of(finding.code), ..finding }
    }));
}

/// A waiver says more than a list; where both tolerate a finding, the waiver is what is told.
fn excuse(finding: &mut Finding) {
    if finding.waived.is_none() {
        finding.known = Some(finding.severity);
        finding.severity = Severity::Note;
    }
}
