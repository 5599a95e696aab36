//! `fwgate.check/1`: the verdict about a change, for machines.

use super::finding_json::{WrittenFinding, WrittenLocation};
use super::next::{NextStep, WrittenNext};
use crate::check::{AssumptionUsed, CheckReport, RequirementCounts};
use crate::finding::Severity;
use serde::Serialize;

/// The name of the format.
pub const CHECK_SCHEMA: &str = "fwgate.check/1";

/// What was judged, by which policy: what the edge knows beside the report.
#[derive(Clone, Debug)]
pub struct CheckFrame {
    /// What the baseline is, in words.
    pub baseline: String,
    /// What the proposal is, in words.
    pub proposed: String,
    /// Where the policy comes from.
    pub policy: PolicyOrigin,
    /// The digest of everything that was judged.
    pub digest: String,
    /// The mildest severity that refuses; `None` where nothing does.
    pub fail_on: Option<Severity>,
    /// The file of known findings, where one was given.
    pub known: Option<String>,
    /// Whether both sides hold the same evidence, so that nothing was judged.
    pub is_unchanged: bool,
    /// What the merge may do next, a change each; empty where no merge is judged.
    pub next: Vec<NextStep>,
}

impl CheckFrame {
    /// What the verdict rests on beside the input and the policy.
    pub fn assumptions(&self) -> impl Iterator<Item = String> {
        let known = self.known.as_ref();
        let known =
            known.map(|file| format!("the findings in `{file}` are known and do not count: no permit rests on it"));
        self.policy.assumption().into_iter().chain(known)
    }
}

/// Where the policy comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyOrigin {
    /// The protected branch of this name.
    Protected {
        /// The branch, in words.
        branch: String,
        /// Whether it has a policy.
        is_empty: bool,
    },
    /// A file or folder that somebody named.
    Unprotected(String),
    /// Nowhere.
    Absent,
}

impl PolicyOrigin {
    /// What a verdict without a policy rests on.
    pub fn assumption(&self) -> Option<String> {
        const ONLY: &str = "built-in findings only";
        match self {
            PolicyOrigin::Protected { branch, is_empty: true } => Some(format!("no policy on {branch}: {ONLY}")),
            PolicyOrigin::Absent => Some(format!("no policy was given: {ONLY}")),
            PolicyOrigin::Protected { .. } | PolicyOrigin::Unprotected(_) => None,
        }
    }

    /// In words.
    pub fn words(&self) -> String {
        match self {
            PolicyOrigin::Protected { is_empty: true, .. } | PolicyOrigin::Absent => "none".to_owned(),
            PolicyOrigin::Protected { branch, .. } => format!("of {branch}"),
            PolicyOrigin::Unprotected(name) => format!("{name} (unprotected)"),
        }
    }
}

/// The whole document.
#[derive(Clone, Debug, Serialize)]
pub struct CheckDocument {
    /// `fwgate.check/1`.
    pub schema: &'static str,
    /// `passed` or `refused`.
    pub verdict: &'static str,
    /// Every finding.
    pub findings: Vec<WrittenFinding>,
    /// How many devices were judged.
    pub devices: usize,
    /// How many rules the proposal has.
    pub rules: usize,
    /// How the requirements stand.
    pub requirements: WrittenCounts,
    /// What was judged.
    pub judged: WrittenJudged,
    /// `protected` or `unprotected`.
    pub policy_source: &'static str,
    /// What the verdict rests on beside the input.
    pub assumptions: Vec<WrittenAssumption>,
    /// Of everything that was judged.
    pub digest: String,
    /// What the merge may do next, where one is judged that brings changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<WrittenNext>,
}

/// How many requirements stand how.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct WrittenCounts {
    pub held: usize,
    pub lost: usize,
    pub missing: usize,
    pub depends: usize,
    pub unmatched: usize,
}

/// What was judged, in words.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct WrittenJudged {
    pub baseline: String,
    pub proposed: String,
}

/// Something that a verdict rests on.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenAssumption {
    /// The device, where it is about one.
    pub device: Option<String>,
    /// The opaque condition, where it is about one.
    pub condition: Option<String>,
    /// What the condition is taken to be.
    pub holds: Option<bool>,
    /// Why, in the words of the policy; or what is assumed.
    pub reason: String,
    /// Where the policy says so.
    pub location: Option<WrittenLocation>,
}

impl CheckDocument {
    /// The document of a report.
    pub fn of(report: &CheckReport, frame: &CheckFrame) -> CheckDocument {
        let RequirementCounts { held, depends, missing, lost, unmatched } = report.requirements;
        let without_policy = frame.assumptions().map(WrittenAssumption::without_policy);
        let met = report.assumptions.iter().map(WrittenAssumption::of);
        CheckDocument {
            schema: CHECK_SCHEMA,
            verdict: if is_refused(report, frame) { "refused" } else { "passed" },
            findings: WrittenFinding::all(&report.findings),
            devices: report.devices,
            rules: report.rules,
            requirements: WrittenCounts { held, lost, missing, depends, unmatched },
            judged: WrittenJudged { baseline: frame.baseline.clone(), proposed: frame.proposed.clone() },
            policy_source: match frame.policy {
                PolicyOrigin::Protected { .. } => "protected",
                PolicyOrigin::Unprotected(_) | PolicyOrigin::Absent => "unprotected",
            },
            assumptions: without_policy.chain(met).collect(),
            digest: frame.digest.clone(),
            next: frame.next.iter().map(NextStep::written).collect(),
        }
    }
}

/// Whether some finding refuses the change.
pub fn is_refused(report: &CheckReport, frame: &CheckFrame) -> bool {
    frame.fail_on.is_some_and(|least| report.findings.iter().any(|f| f.severity >= least))
}

impl WrittenAssumption {
    fn of(used: &AssumptionUsed) -> WrittenAssumption {
        WrittenAssumption {
            device: Some(used.device.clone()),
            condition: Some(used.condition.clone()),
            holds: Some(used.holds),
            reason: used.reason.clone(),
            location: Some(WrittenLocation::of(&used.location)),
        }
    }

    fn without_policy(reason: String) -> WrittenAssumption {
        WrittenAssumption { device: None, condition: None, holds: None, reason, location: None }
    }
}
