//! The trace of packets as JSON Lines: one object a packet, in the order of the packets.

use super::rule::{QuotedRule, WrittenTranslation, reject_with};
use crate::packet::Family;
use crate::query::{Trace, TraceVerdict};
use crate::ruleset::Ruleset;
use serde::Serialize;
use serde_json::Value;

/// What became of one packet.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenTrace {
    /// The packet's own, as it was given.
    pub id: Value,
    /// `accept`, `drop`, `reject` or `depends`.
    pub verdict: &'static str,
    /// The kind of answer of a reject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reject_with: Option<String>,
    /// The rule or policy that decided, or the first whose condition matters.
    pub rule: QuotedRule,
    /// The opaque conditions that matter.
    pub depends_on: Vec<String>,
    /// How the connection is translated.
    pub translation: Option<WrittenTranslation>,
    /// The conditions that change the translation alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub translation_depends_on: Vec<String>,
    /// Every base chain on the way.
    pub path: Vec<WrittenStep>,
}

/// What one base chain on the way said.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenStep {
    /// `filter/FORWARD`.
    pub chain: String,
    /// As of the trace.
    pub verdict: &'static str,
    /// By which rule or policy.
    pub rule: QuotedRule,
}

impl WrittenTrace {
    /// The trace of a packet of `family` with this id.
    pub fn of(ruleset: &Ruleset, family: Family, id: Value, trace: &Trace) -> WrittenTrace {
        let names = |all: &[std::sync::Arc<str>]| all.iter().map(ToString::to_string).collect();
        let reject_with = match &trace.verdict {
            TraceVerdict::Decided(decision) => reject_with(decision),
            TraceVerdict::Depends => None,
        };
        WrittenTrace {
            id,
            verdict: trace.verdict.name(),
            reject_with,
            rule: QuotedRule::of(ruleset, trace.place),
            depends_on: names(&trace.depends_on),
            translation: trace.translation.as_deref().map(|t| WrittenTranslation::of(t, family)),
            translation_depends_on: names(&trace.translation_depends_on),
            path: trace.path.iter().map(|step| WrittenStep::of(ruleset, step)).collect(),
        }
    }

    /// The trace as one line of JSON with its line break.
    ///
    /// # Errors
    /// Never in practice; see `json_text`.
    pub fn line(&self) -> serde_json::Result<String> {
        super::json_line(self)
    }
}

impl WrittenStep {
    fn of(ruleset: &Ruleset, step: &crate::query::TraceStep) -> WrittenStep {
        let base = ruleset.bases.get(step.base);
        WrittenStep {
            chain: base.map_or_else(String::new, |b| ruleset.chain(b.chain).name.to_string()),
            verdict: step.verdict.name(),
            rule: QuotedRule::of(ruleset, step.place),
        }
    }
}
