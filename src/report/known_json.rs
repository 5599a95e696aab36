//! `fwgate.known/1`: a file of known findings, as `--write-known` writes it and `--known` reads it.

use super::visible;
use crate::finding::{Finding, fingerprints};
use crate::policy::KNOWN_SCHEMA;
use serde::Serialize;

/// The whole file.
#[derive(Clone, Debug, Serialize)]
pub struct KnownDocument {
    schema: &'static str,
    findings: Vec<WrittenKnown>,
}

/// One entry; `code` and `fingerprint` decide, the rest is for people.
#[derive(Clone, Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct WrittenKnown {
    code: &'static str,
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requirement: Option<String>,
    message: String,
    fingerprint: String,
}

impl KnownDocument {
    /// The findings that may be excused and that no waiver tolerates, sorted, so that versions of the file compare well.
    pub fn of(findings: &[Finding]) -> KnownDocument {
        let prints = fingerprints(findings);
        let listed = findings.iter().zip(prints).filter(|(f, _)| f.code.is_excusable() && f.waived.is_none());
        let mut findings: Vec<WrittenKnown> = listed.map(|(f, print)| written(f, print)).collect();
        findings.sort();
        KnownDocument { schema: KNOWN_SCHEMA, findings }
    }

    /// How many findings it lists.
    pub fn len(&self) -> usize {
        self.findings.len()
    }

    /// Whether it lists none.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }
}

fn written(finding: &Finding, fingerprint: String) -> WrittenKnown {
    let shown = |text: &String| visible(text).into_owned();
    WrittenKnown {
        code: finding.code.id,
        name: finding.code.name,
        device: finding.device.as_ref().map(shown),
        requirement: finding.requirement.as_ref().map(shown),
        message: shown(&finding.message),
        fingerprint,
    }
}
