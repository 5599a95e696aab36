//! The state of a change for machines: `fwgate.change-state/1`.

use super::format::ChangePage;
use super::policy_json::WrittenReason;
use crate::gate::{Believed, Decision, Record};
use serde::Serialize;

/// The name of the document's form.
pub const CHANGE_STATE_SCHEMA: &str = "fwgate.change-state/1";

/// What `fwgate change show --format json` prints.
#[derive(Debug, Serialize)]
pub struct ChangeDocument {
    schema: &'static str,
    change: String,
    title: Option<String>,
    state: &'static str,
    class: &'static str,
    granted: bool,
    says: Option<String>,
    content: Option<String>,
    meaning: Option<String>,
    devices: Vec<String>,
    window: Option<WrittenWindow>,
    records: Vec<WrittenRecord>,
    missing: Vec<WrittenMissing>,
    reasons: Vec<WrittenReason>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct WrittenWindow {
    start: String,
    end: String,
}

#[derive(Debug, Serialize)]
struct WrittenRecord {
    kind: &'static str,
    by: String,
    role: Option<String>,
    counts: Option<bool>,
    carried: bool,
    witnessed: Option<String>,
    digest: String,
    commit: String,
}

#[derive(Debug, Serialize)]
struct WrittenMissing {
    role: String,
    needed: u32,
    counted: u32,
    eligible: Vec<String>,
}

impl ChangeDocument {
    /// The document of a page.
    pub fn of(page: &ChangePage<'_>) -> ChangeDocument {
        let decision = page.decision;
        let missing = |m: &crate::gate::Missing| WrittenMissing {
            role: m.role.clone(),
            needed: m.needed,
            counted: m.counted,
            eligible: m.eligible.clone(),
        };
        ChangeDocument {
            schema: CHANGE_STATE_SCHEMA,
            change: page.id.to_owned(),
            title: page.request.map(|r| r.title.clone()),
            state: decision.state.name(),
            class: decision.class.name(),
            granted: decision.is_granted(),
            says: page.analysis.map(|a| a.says.clone()),
            content: page.analysis.map(|a| a.content.to_string()),
            meaning: page.analysis.map(|a| a.meaning.to_string()),
            devices: page.analysis.iter().flat_map(|a| &a.devices).map(|(d, _)| d.clone()).collect(),
            window: decision.window.map(|w| WrittenWindow { start: w.start.to_string(), end: w.end.to_string() }),
            records: page.testimony.records.iter().map(|r| written(r, decision)).collect(),
            missing: decision.missing.iter().map(missing).collect(),
            reasons: decision.reasons.iter().map(WrittenReason::from).collect(),
            notes: decision.notes.clone(),
        }
    }
}

fn written(record: &Believed<Record>, decision: &Decision) -> WrittenRecord {
    let counted = decision.counted.iter().find(|c| c.record == record.digest && c.person == record.by);
    let role = match &record.said {
        Record::Approve(a) => Some(a.role.clone()),
        Record::Policy(p) => Some(p.role.clone()),
        Record::OverrideReject(o) => Some(o.role.clone()),
        Record::Review(r) => Some(r.role.clone()),
        Record::Adopt(a) => Some(a.role.clone()),
        _ => None,
    };
    WrittenRecord {
        kind: record.said.kind(),
        by: record.by.clone(),
        role,
        counts: matches!(record.said, Record::Approve(_)).then_some(counted.is_some()),
        carried: counted.is_some_and(|c| c.is_carried),
        witnessed: record.witnessed.map(|at| at.to_string()),
        digest: record.digest.to_string(),
        commit: record.commit.clone(),
    }
}
