//! `fwgate.query/1`: which packets of a question pass, for machines.

use super::rule::{QuotedRule, WrittenTranslation};
use crate::packet::{Cell, Region, RegionNames, packet_to_json, witness};
use crate::query::{Fate, Group, Reach};
use crate::ruleset::{Ruleset, Space};
use serde::Serialize;
use serde_json::Value;

/// The whole document.
#[derive(Clone, Debug, Serialize)]
pub struct QueryDocument {
    /// `fwgate.query/1`.
    pub schema: &'static str,
    /// The device.
    pub device: String,
    /// `input`, `forward` or `output`.
    pub hook: &'static str,
    /// The question, as it was asked.
    pub query: String,
    /// Whether every packet of the question is in a group.
    pub complete: bool,
    /// Disjoint groups.
    pub groups: Vec<WrittenGroup>,
}

/// Packets of one fate, decided by one rule.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenGroup {
    /// 4 or 6.
    pub family: u8,
    /// `accepted`, `dropped`, `rejected` or `depends`.
    pub fate: &'static str,
    /// The kind of answer of a reject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reject_with: Option<String>,
    /// What decides, or the first rule whose condition matters.
    pub rule: QuotedRule,
    /// How connections are translated.
    pub translation: Option<WrittenTranslation>,
    /// The opaque conditions that matter.
    pub depends_on: Vec<String>,
    /// How many flows.
    pub packets: String,
    /// Disjoint regions.
    pub regions: Vec<Region>,
    /// One packet of the first region.
    pub witness: Value,
}

impl WrittenGroup {
    /// A group of an answer.
    pub fn of(ruleset: &Ruleset, reach: &Reach, group: &Group) -> WrittenGroup {
        let space = &reach.space;
        let parts = parts(space, &group.cells);
        WrittenGroup {
            family: space.family.number(),
            fate: group.fate.name(),
            reject_with: match &group.fate {
                Fate::Rejected(kind) => Some(kind.to_string()),
                _ => None,
            },
            rule: QuotedRule::of(ruleset, group.place),
            translation: group.translation.as_deref().map(|t| WrittenTranslation::of(t, space.family)),
            depends_on: group.conditions.iter().map(|c| space.cond_name(*c).to_string()).collect(),
            packets: group.packets.to_string(),
            witness: parts
                .first()
                .map_or(Value::Null, |(cell, _)| packet_to_json(&witness(cell, space.family, &space.interfaces))),
            regions: parts.into_iter().map(|(_, region)| region).collect(),
        }
    }
}

fn parts(space: &Space, cells: &[Cell]) -> Vec<(Cell, Region)> {
    let possible = space.possible();
    let cond_name = |cond| space.cond_name(cond).to_string();
    let names =
        RegionNames { family: space.family, possible: &possible, interfaces: &space.interfaces, cond_name: &cond_name };
    let parts = cells.iter().flat_map(|cell| names.parts(cell));
    parts.map(|part| (part.clone(), names.region(&part))).collect()
}
