//! `fwgate.lint/1` and `fwgate.conditions/1`: what a ruleset shows by itself, for machines.

use super::finding_json::{WrittenFinding, WrittenLocation};
use super::rule::QuotedRule;
use crate::finding::{Finding, Location};
use crate::query::ConditionUse;
use crate::ruleset::{OpaqueKind, Ruleset};
use serde::Serialize;

/// The findings about rulesets.
#[derive(Clone, Debug, Serialize)]
pub struct LintDocument {
    /// `fwgate.lint/1`.
    pub schema: &'static str,
    /// Whether the bounds left nothing open.
    pub complete: bool,
    /// The findings.
    pub findings: Vec<WrittenFinding>,
    /// The rules for which the bounds left open whether they matter.
    pub open: Vec<WrittenLocation>,
}

impl LintDocument {
    /// The document of these findings.
    pub fn of(findings: &[Finding], open: &[Location]) -> LintDocument {
        LintDocument {
            schema: "fwgate.lint/1",
            complete: open.is_empty(),
            findings: WrittenFinding::all(findings),
            open: open.iter().map(WrittenLocation::of).collect(),
        }
    }
}

/// The opaque conditions of a ruleset.
#[derive(Clone, Debug, Serialize)]
pub struct ConditionsDocument {
    /// `fwgate.conditions/1`.
    pub schema: &'static str,
    /// In the order in which they first stand.
    pub conditions: Vec<WrittenCondition>,
}

const CONDITIONS: &str = "fwgate.conditions/1";

/// One opaque condition.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenCondition {
    /// The device.
    pub device: String,
    /// Its canonical name.
    pub name: String,
    /// `pure`: one boolean wherever the name stands; `per-rule`: one for each rule.
    pub kind: &'static str,
    /// The rules that ask it.
    pub rules: Vec<QuotedRule>,
}

impl ConditionsDocument {
    /// The conditions of a device.
    pub fn of(device: &str, ruleset: &Ruleset, conditions: &[ConditionUse]) -> ConditionsDocument {
        let written = |c: &ConditionUse| WrittenCondition {
            device: device.to_owned(),
            name: c.name.to_string(),
            kind: match c.kind {
                OpaqueKind::Pure => "pure",
                OpaqueKind::PerRule => "per-rule",
            },
            rules: c.places.iter().map(|p| QuotedRule::of(ruleset, *p)).collect(),
        };
        ConditionsDocument { schema: CONDITIONS, conditions: conditions.iter().map(written).collect() }
    }

    /// The conditions of several devices.
    pub fn joined(all: impl IntoIterator<Item = ConditionsDocument>) -> ConditionsDocument {
        let conditions = all.into_iter().flat_map(|d| d.conditions).collect();
        ConditionsDocument { schema: CONDITIONS, conditions }
    }
}
