//! `fwgate.inventory/1`: the inventory beside policy and rules, for machines.

use super::finding_json::{WrittenFinding, WrittenLocation};
use crate::check::CheckInput;
use crate::check::inventory::{records, uncovered, unused};
use crate::finding::{Finding, Location};
use crate::inventory::{Inventory, Prefix};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The whole document.
#[derive(Clone, Debug, Serialize)]
pub struct InventoryDocument {
    /// `fwgate.inventory/1`.
    pub schema: &'static str,
    /// What was looked at, in words.
    pub judged: String,
    /// The files.
    pub snapshots: Vec<WrittenSnapshot>,
    /// How many devices they list.
    pub devices: usize,
    /// The ranges, in the order of the file.
    pub ranges: Vec<WrittenRange>,
    /// What speaks against it.
    pub findings: Vec<WrittenFinding>,
}

/// One file of the inventory.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenSnapshot {
    /// Its path.
    pub path: String,
    /// When it was taken, in seconds since 1970.
    pub taken: Option<i64>,
    /// How many rows it has.
    pub rows: usize,
}

/// One range.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenRange {
    /// The range.
    pub prefix: String,
    /// `container`, `active`, `reserved` or `deprecated`.
    pub status: &'static str,
    /// Its routing table.
    pub vrf: Option<String>,
    /// Where it is.
    pub site: Option<String>,
    /// What it is for.
    pub role: Option<String>,
    /// Whose it is.
    pub tenant: Option<String>,
    /// The requirements and prohibitions that name some of its addresses.
    pub named_by: Vec<String>,
    /// How much of it requirements name: `all`, `some`, `none`; null for ranges that are not in use.
    pub covered: Option<&'static str>,
    /// Whether a rule, the policy or a device speaks of it; null for ranges that are not in use.
    pub used: Option<bool>,
    /// Where it is written.
    pub location: WrittenLocation,
}

impl InventoryDocument {
    /// The document of a survey; empty where there is no inventory.
    pub fn of(input: &CheckInput<'_>, judged: &str, findings: &[Finding]) -> InventoryDocument {
        let empty = Inventory::default();
        let inventory = input.estate.proposed.inventory.unwrap_or(&empty);
        let snapshot = |s: &crate::inventory::Snapshot| WrittenSnapshot {
            path: s.path.clone(),
            taken: s.taken.as_ref().map(|t| t.value),
            rows: s.rows,
        };
        InventoryDocument {
            schema: "fwgate.inventory/1",
            judged: judged.to_owned(),
            snapshots: inventory.snapshots.iter().map(snapshot).collect(),
            devices: inventory.devices.len(),
            ranges: ranges(input, inventory),
            findings: WrittenFinding::all(findings),
        }
    }
}

fn ranges(input: &CheckInput<'_>, inventory: &Inventory) -> Vec<WrittenRange> {
    let open: BTreeMap<u32, bool> =
        uncovered(input.policy, inventory).iter().map(|u| (u.prefix.span.start, u.is_whole)).collect();
    let unused: BTreeSet<u32> =
        unused(input.policy, input.proposed, &records(input), inventory).iter().map(|p| p.span.start).collect();
    let written = |prefix: &Prefix| {
        let is_used = prefix.status.is_used();
        let covered = match open.get(&prefix.span.start) {
            None => "all",
            Some(true) => "none",
            Some(false) => "some",
        };
        WrittenRange {
            prefix: prefix.net.to_string(),
            status: prefix.status.name(),
            vrf: prefix.vrf.clone(),
            site: prefix.site.clone(),
            role: prefix.role.clone(),
            tenant: prefix.tenant.clone(),
            named_by: named_by(input, prefix),
            covered: is_used.then_some(covered),
            used: is_used.then(|| !unused.contains(&prefix.span.start)),
            location: WrittenLocation::of(&Location::of(prefix.span, &inventory.sources).first_line()),
        }
    };
    inventory.prefixes.iter().map(written).collect()
}

fn named_by(input: &CheckInput<'_>, prefix: &Prefix) -> Vec<String> {
    let (family, own) = (prefix.family(), prefix.ranges());
    let full = family.max_address();
    let names = |f: &crate::policy::Flow| [&f.src, &f.dst].iter().any(|r| !r.is_full(full) && r.meets(&own));
    let rules = input.policy.requirements.iter().chain(&input.policy.prohibitions);
    let naming = rules.filter(|r| r.flows.iter().any(|f| f.family == family && names(f)));
    naming.map(|r| r.id.clone()).collect()
}
