//! `fwgate.permit/1`: whether a permit is given, for machines, and the same for people.

use super::visible;
use crate::gate::{Decision, Reason};
use serde::Serialize;
use std::fmt::Write;

/// The name of the format.
pub const PERMIT_SCHEMA: &str = "fwgate.permit/1";

/// The whole document.
#[derive(Debug, Serialize)]
pub struct PermitDocument<'a> {
    schema: &'static str,
    decision: &'static str,
    reasons: Vec<WrittenReason<'a>>,
    change: &'a str,
    state: &'static str,
    class: &'static str,
    missing: Vec<WrittenMissing<'a>>,
    notes: &'a [String],
    window: Option<[String; 2]>,
    /// The permit itself, where one was signed.
    permit: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct WrittenReason<'a> {
    code: &'static str,
    message: &'a str,
    fix: &'a str,
    detail: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct WrittenMissing<'a> {
    role: &'a str,
    needed: u32,
    counted: u32,
    eligible: &'a [String],
}

impl<'a> PermitDocument<'a> {
    /// What the gate says of a change; `permit` is the signed file.
    pub fn of(change: &'a str, decision: &'a Decision, permit: Option<&'a str>) -> PermitDocument<'a> {
        let reason = |r: &'a Reason| WrittenReason {
            code: r.code.name(),
            message: &r.message,
            fix: &r.fix,
            detail: r.detail.as_deref(),
        };
        let missing = |m: &'a crate::gate::Missing| WrittenMissing {
            role: &m.role,
            needed: m.needed,
            counted: m.counted,
            eligible: &m.eligible,
        };
        PermitDocument {
            schema: PERMIT_SCHEMA,
            decision: word(decision),
            reasons: decision.reasons.iter().map(reason).collect(),
            change,
            state: decision.state.name(),
            class: decision.class.name(),
            missing: decision.missing.iter().map(missing).collect(),
            notes: &decision.notes,
            window: decision.window.map(|w| [w.start.to_string(), w.end.to_string()]),
            permit,
        }
    }
}

fn word(decision: &Decision) -> &'static str {
    if decision.is_granted() { "granted" } else { "denied" }
}

/// The same for people: the answer first, then every reason with what mends it.
pub fn decision_human(change: &str, decision: &Decision) -> String {
    let mut out = format!("permit for {change}: {} ({})\n", word(decision), decision.state.name());
    for reason in &decision.reasons {
        let _ = writeln!(out, "- {}: {}", reason.code, visible(&reason.message));
        let _ = writeln!(out, "  = help: {}", visible(&reason.fix));
    }
    for note in &decision.notes {
        let _ = writeln!(out, "~ {}", visible(note));
    }
    out
}
