//! Findings for machines.

use crate::finding::{Finding, Location, fingerprints};
use crate::packet::packet_to_json;
use serde::Serialize;
use serde_json::Value;

/// A finding as the machine formats write it.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenFinding {
    /// `FW101`.
    pub code: &'static str,
    /// `required-flow-lost`.
    pub name: &'static str,
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// The device.
    pub device: Option<String>,
    /// `input`, `forward` or `output`.
    pub hook: Option<&'static str>,
    /// The filter's display name.
    pub filter: Option<String>,
    /// 4 or 6.
    pub family: Option<u8>,
    /// The id of the requirement or prohibition.
    pub requirement: Option<String>,
    /// What was found.
    pub message: String,
    /// One packet that shows it.
    pub witness: Option<Value>,
    /// `request` or `reply`.
    pub direction: Option<&'static str>,
    /// What is to blame.
    pub location: Option<WrittenLocation>,
    /// What to do.
    pub help: Option<String>,
    /// The opaque conditions on which it depends.
    pub conditions: Vec<String>,
    /// The waiver that tolerates it, where one does.
    pub waived: Option<WrittenWaiver>,
    /// What it would weigh, where a file of known findings lists it.
    pub known: Option<&'static str>,
    /// What makes it the same finding tomorrow: 32 hexadecimal digits.
    pub fingerprint: String,
}

/// Who tolerates a finding, and until when.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenWaiver {
    /// What the finding would weigh.
    pub severity: &'static str,
    /// Why, in the words of the policy.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day, `2026-12-31`.
    pub expires: String,
}

/// A place in the input.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenLocation {
    /// The file's name as reports show it.
    pub file: String,
    /// The 1-based line, or 0.
    pub line: u32,
    /// What stands there.
    pub text: String,
}

impl WrittenFinding {
    /// The machine form of findings.
    pub fn all(findings: &[Finding]) -> Vec<WrittenFinding> {
        let prints = fingerprints(findings);
        findings.iter().zip(prints).map(|(finding, print)| WrittenFinding::of(finding, print)).collect()
    }

    fn of(finding: &Finding, fingerprint: String) -> WrittenFinding {
        WrittenFinding {
            code: finding.code.id,
            name: finding.code.name,
            severity: finding.severity.name(),
            device: finding.device.clone(),
            hook: finding.hook.map(|h| h.name()),
            filter: finding.filter.clone(),
            family: finding.family.map(|f| f.number()),
            requirement: finding.requirement.clone(),
            message: finding.message.clone(),
            witness: finding.witness.as_ref().map(packet_to_json),
            direction: finding.direction.map(|d| d.name()),
            location: finding.location.as_ref().map(WrittenLocation::of),
            help: finding.help.clone(),
            conditions: finding.conditions.clone(),
            waived: finding.waived.as_ref().map(|w| WrittenWaiver {
                severity: w.severity.name(),
                reason: w.reason.clone(),
                owner: w.owner.clone(),
                expires: w.expires.clone(),
            }),
            known: finding.known.map(|severity| severity.name()),
            fingerprint,
        }
    }
}

impl WrittenLocation {
    /// The machine form of a place.
    pub fn of(location: &Location) -> WrittenLocation {
        WrittenLocation { file: location.file.clone(), line: location.line, text: location.text.clone() }
    }
}
