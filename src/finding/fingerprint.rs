//! Fingerprints: what makes a finding of today the finding of yesterday, though lines have moved, messages are worded
//! otherwise and another packet serves as the witness.

use super::Finding;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The fingerprint of each finding: 32 hexadecimal digits, no two alike. Findings that nothing tells apart are numbered in
/// their order.
pub fn fingerprints(findings: &[Finding]) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut numbered = |finding: &Finding| {
        let subject = subject(finding);
        let number = seen.entry(subject.clone()).or_insert(0);
        *number += 1;
        digest(&subject, *number)
    };
    findings.iter().map(&mut numbered).collect()
}

/// What a finding is about. A requirement or a range says it by itself; otherwise it is the text to blame, without its
/// place and spacing.
fn subject(finding: &Finding) -> String {
    let says_itself = finding.requirement.is_some() || finding.range.is_some();
    let text = finding.location.as_ref().filter(|_| !says_itself).map(|l| spaced_once(&l.text));
    json!([
        finding.code.id,
        finding.device,
        finding.hook.map(|h| h.name()),
        finding.family.map(|f| f.number()),
        finding.requirement,
        finding.direction.map(|d| d.name()),
        finding.range,
        text,
    ])
    .to_string()
}

fn spaced_once(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn digest(subject: &str, number: usize) -> String {
    let hash = Sha256::digest(format!("fwgate.fingerprint/1\n{subject}\n{number}").as_bytes());
    hash.iter().take(16).map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Location, OPENED_TO_ANY, RANGE_LOST};

    fn at(line: u32, text: &str) -> Finding {
        let location = Location { file: "rules.v4".into(), line, text: text.into() };
        Finding::at(&OPENED_TO_ANY, location, "message").on_device("edge1")
    }

    #[test]
    fn lines_spacing_words_and_witnesses_do_not_matter() {
        let one = fingerprints(&[at(3, "-A FORWARD -j ACCEPT")]);
        let other = Finding { message: "other words".into(), ..at(9, "-A  FORWARD  -j ACCEPT") };
        assert_eq!(one, fingerprints(&[other]));
        assert_eq!(one[0].len(), 32);
    }

    #[test]
    fn devices_rules_and_repetitions_tell_findings_apart() {
        let all = [at(1, "a"), at(1, "b"), at(2, "a"), at(1, "a").on_device("edge2"), at(1, "a").about_range("x")];
        let found = fingerprints(&all);
        let distinct: std::collections::BTreeSet<&String> = found.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn a_range_says_what_it_is_about_whatever_rule_is_to_blame() {
        let lost = |rule: &str| Finding { code: &RANGE_LOST, ..at(1, rule) }.about_range("10.0.0.0/8");
        assert_eq!(fingerprints(&[lost("a")]), fingerprints(&[lost("b")]));
    }
}
