//! `fwgate.names-plan/1`: a renumbering in its order, for machines.

use super::finding_json::WrittenLocation;
use crate::finding::Location;
use crate::names::{Plan, Record, Zones};
use serde::Serialize;

/// The whole plan.
#[derive(Clone, Debug, Serialize)]
pub struct PlanDocument {
    /// `fwgate.names-plan/1`.
    pub schema: &'static str,
    /// The zones that change.
    pub zones: Vec<String>,
    /// The records that change.
    pub records: Vec<PlannedRecord>,
    /// The longest time to live of the records, in seconds.
    pub ttl: u32,
    /// What it is lowered to.
    pub lowered_ttl: u32,
    /// The longest REFRESH, RETRY and EXPIRE of the zones.
    pub refresh: u32,
    /// As above.
    pub retry: u32,
    /// As above.
    pub expire: u32,
    /// How long a failed lookup is remembered.
    pub negative_ttl: u32,
    /// The steps in order.
    pub steps: Vec<PlannedStep>,
}

/// A record that points at an old address, or is its reverse record.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedRecord {
    /// Whose it is.
    pub owner: String,
    /// `A`, `AAAA` or `PTR`.
    pub kind: String,
    /// Its time to live, in seconds.
    pub ttl: u32,
    /// The address that goes; null of a reverse record.
    pub old: Option<String>,
    /// The address that comes, where one does.
    pub new: Option<String>,
    /// Where it is written.
    pub location: WrittenLocation,
}

/// One step.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedStep {
    /// `prepare`, `change` or `remove`.
    pub step: &'static str,
    /// The earliest time at which it is safe, `2026-12-01T09:00:00Z`.
    pub earliest: String,
    /// The same in seconds since 1970.
    pub seconds: i64,
    /// What is done.
    pub what: String,
    /// Why not earlier.
    pub why: String,
}

impl PlanDocument {
    /// The document of a plan.
    pub fn of(plan: &Plan<'_>, zones: &Zones) -> PlanDocument {
        let location = |r: &Record| WrittenLocation::of(&Location::of(r.span, &zones.sources).first_line());
        let written = |r: &Record, old: Option<String>, new: Option<String>| PlannedRecord {
            owner: r.owner.to_string(),
            kind: r.kind.to_string(),
            ttl: r.ttl,
            old,
            new,
            location: location(r),
        };
        let forward = plan.records.iter();
        let forward = forward.map(|(r, to)| written(r, Some(to.old.to_string()), to.new.map(|a| a.to_string())));
        let reverse = plan.reverse.iter().map(|r| written(r, None, None));
        PlanDocument {
            schema: "fwgate.names-plan/1",
            zones: plan.zones.iter().map(ToString::to_string).collect(),
            records: forward.chain(reverse).collect(),
            ttl: plan.ttl,
            lowered_ttl: plan.lowered,
            refresh: plan.refresh,
            retry: plan.retry,
            expire: plan.expire,
            negative_ttl: plan.negative,
            steps: steps(plan),
        }
    }
}

fn steps(plan: &Plan<'_>) -> Vec<PlannedStep> {
    use crate::names::Length;
    let length = |seconds: u32| Length(u64::from(seconds)).to_string();
    let is_lowered = plan.lowered < plan.ttl;
    let prepare = match is_lowered {
        true => format!(
            "let everything answer at the new address as well, and filters pass both; lower the time to live of the records from {} to {}",
            length(plan.ttl),
            length(plan.lowered)
        ),
        false => "let everything answer at the new address as well, and filters pass both".to_owned(),
    };
    let changed = match is_lowered {
        true => format!(
            "secondary servers look for the new zone after {}, and until then resolvers are given the old time to live of {}",
            length(plan.refresh),
            length(plan.ttl)
        ),
        false => format!("the time to live is {} already", length(plan.ttl)),
    };
    let gone = format!(
        "secondary servers give the old address for up to {}, and resolvers keep it for {}",
        length(plan.refresh),
        length(plan.lowered)
    );
    vec![
        step("prepare", plan.start, prepare, "nothing depends on it yet".to_owned()),
        step(
            "change",
            plan.change_at(),
            "change the records to the new address, forward and reverse".to_owned(),
            changed,
        ),
        step(
            "remove",
            plan.remove_at(),
            "take the old address away, and raise the time to live again".to_owned(),
            gone,
        ),
    ]
}

fn step(step: &'static str, seconds: i64, what: String, why: String) -> PlannedStep {
    let earliest = jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |at| at.to_string());
    PlannedStep { step, earliest, seconds, what, why }
}
