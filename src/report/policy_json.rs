//! The answer of `fwgate policy verify` for machines.

use super::human::PolicyView;
use crate::gate::Reason;
use serde::Serialize;

/// The name of the document's form.
pub const POLICY_SCHEMA: &str = "fwgate.policy-verdict/1";

/// What `fwgate policy verify --format json` prints.
#[derive(Debug, Serialize)]
pub struct PolicyDocument {
    schema: &'static str,
    /// Whether nothing is wrong with it.
    valid: bool,
    /// Its version; null where it cannot be read.
    version: Option<u64>,
    repository: Option<String>,
    /// The version in force; null without a root, or where none is.
    in_force: Option<u64>,
    reasons: Vec<WrittenReason>,
    /// Versions of the protected branch that were passed over, in words.
    notes: Vec<String>,
}

/// One reason.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenReason {
    code: &'static str,
    message: String,
    fix: String,
    detail: Option<String>,
}

impl From<&Reason> for WrittenReason {
    fn from(reason: &Reason) -> WrittenReason {
        let Reason { code, message, fix, detail } = reason.clone();
        WrittenReason { code: code.name(), message, fix, detail }
    }
}

impl PolicyDocument {
    /// The document of a view.
    pub fn of(view: &PolicyView<'_>) -> PolicyDocument {
        PolicyDocument {
            schema: POLICY_SCHEMA,
            valid: view.reasons.is_empty(),
            version: view.policy.map(|p| p.version),
            repository: view.policy.and_then(|p| p.repository.clone()),
            in_force: view.chain.and_then(|c| c.in_force()).map(|v| v.version),
            reasons: view.reasons.iter().map(WrittenReason::from).collect(),
            notes: view.chain.map(|c| c.notes.clone()).unwrap_or_default(),
        }
    }
}
