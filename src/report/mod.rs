//! Reports: what people and machines read. They read data and decide nothing.

mod audit;
mod change_json;
mod check_json;
mod concise;
mod diagnostic;
mod diff_json;
mod doctor;
mod finding_json;
mod fleet;
mod format;
mod github;
mod html;
mod human;
mod inventory_json;
mod json;
mod jsonl;
mod junit;
mod known_json;
mod lint_json;
mod markdown;
mod markup;
mod next;
mod permit_json;
mod plan_json;
mod policy_json;
mod preflight;
mod push;
mod query_json;
mod rollback_json;
mod routes_json;
mod rule;
mod sarif;
mod schedule;
mod trace_jsonl;
mod vetting_json;
mod visible;

pub use audit::{AUDIT_SCHEMA, AuditDocument, Sampled, audit_csv, audit_markdown};
pub use change_json::{CHANGE_STATE_SCHEMA, ChangeDocument};
pub use check_json::{CHECK_SCHEMA, CheckDocument, CheckFrame, PolicyOrigin, WrittenAssumption, is_refused};
pub use diagnostic::{Colour, render_problems};
pub use diff_json::{DIFF_SCHEMA, DiffDocument, FilterView, WrittenChange, WrittenEnd, WrittenStructure};
pub use doctor::{DOCTOR_SCHEMA, Diagnosis, DoctorDocument, Health, doctor_human};
pub use finding_json::{WrittenFinding, WrittenLocation};
pub use fleet::{
    Against, DriftDifference, DriftDocument, DriftState, DriftView, FleetDocument, drift_human, fleet_human,
};
pub use format::{ChangePage, CheckView, DiffView, FORMATS, Format, LintView};
pub use human::{
    PolicyView, RouteView, change_human, check_human, conditions_human, diff_human, filter_human, finding_human,
    inventory_human, lint_human, packet_words, policy_human, query_human, reasons_human, renumbering_human, severities,
    trace_human,
};
pub use inventory_json::{InventoryDocument, WrittenRange, WrittenSnapshot};
pub use json::{json_line, json_text};
pub use known_json::KnownDocument;
pub use lint_json::{ConditionsDocument, LintDocument, WrittenCondition};
pub use markdown::{STEP_SUMMARY, check_markdown, diff_markdown, lint_markdown};
pub use next::{NextStep, WrittenNext, next_human};
pub use permit_json::{PERMIT_SCHEMA, PermitDocument, decision_human};
pub use plan_json::{PlanDocument, PlannedRecord, PlannedStep};
pub use policy_json::{POLICY_SCHEMA, PolicyDocument, WrittenReason};
pub use preflight::{PREFLIGHT_SCHEMA, PreflightDocument, preflight_human};
pub use push::{PushDocument, WrittenPush, plan_human, push_human};
pub use query_json::{QueryDocument, WrittenGroup};
pub use rollback_json::{ROLLBACK_SCHEMA, RollbackDocument, WrittenRollback};
pub use routes_json::{WrittenRouteChange, WrittenRouteRegion, WrittenWay};
pub use rule::{QuotedRule, WrittenTranslation, reject_with};
pub use schedule::{SCHEDULE_SCHEMA, ScheduleDay, ScheduleDocument, ScheduleRow, schedule_human};
pub use trace_jsonl::{WrittenStep, WrittenTrace};
pub use vetting_json::{Tried, VETTING_SCHEMA, VettingDocument, VettingVerdict};
pub use visible::{inert, visible};
