//! `fwgate.diff/1`: the effect of a change, for machines.

use super::human::RouteView;
use super::routes_json::WrittenRouteChange;
use super::rule::{QuotedRule, WrittenTranslation, reject_with};
use crate::diff::{Change, DeviceDiff, DevicePair, FilterDiff, StructureChange};
use crate::packet::{Family, Region, RegionNames, packet_to_json};
use crate::ruleset::{Hook, Leaf, Ruleset};
use serde::Serialize;
use serde_json::Value;

/// The name of the format.
pub const DIFF_SCHEMA: &str = "fwgate.diff/1";

/// The effect on one filter, with what is needed to put it into words.
#[derive(Clone, Copy, Debug)]
pub struct FilterView<'a> {
    /// The device.
    pub pair: DevicePair<'a>,
    /// Where packets are judged.
    pub hook: Hook,
    /// Their family.
    pub family: Family,
    /// The filter's display name.
    pub name: &'a str,
    /// The effect.
    pub diff: &'a FilterDiff,
}

impl<'a> FilterView<'a> {
    /// The filters of a device that were compared.
    pub fn of_device(pair: DevicePair<'a>, diff: &'a DeviceDiff) -> impl Iterator<Item = FilterView<'a>> {
        let view = move |f: &'a crate::diff::ComparedFilter| FilterView {
            pair,
            hook: f.hook,
            family: f.family,
            name: &f.name,
            diff: &f.diff,
        };
        diff.filters.iter().map(view)
    }

    /// The regions of a change, in order.
    pub fn regions(&self, change: &Change) -> Vec<Region> {
        let space = &self.diff.space;
        let possible = space.possible();
        let cond_name = |cond| space.cond_name(cond).to_string();
        let interfaces = &space.interfaces;
        let names = RegionNames { family: self.family, possible: &possible, interfaces, cond_name: &cond_name };
        change.cells.iter().map(|cell| names.region(cell)).collect()
    }

    /// What became of the packets of a change, and what becomes of them.
    pub fn ends(&self, change: &Change) -> [WrittenEnd; 2] {
        [
            WrittenEnd::of(self.pair.old, &change.old, self.family),
            WrittenEnd::of(self.pair.new, &change.new, self.family),
        ]
    }
}

/// The whole document.
#[derive(Clone, Debug, Serialize)]
pub struct DiffDocument {
    /// `fwgate.diff/1`.
    pub schema: &'static str,
    /// Whether every packet ends as before.
    pub equivalent: bool,
    /// Whether every packet was compared and every region is listed.
    pub complete: bool,
    /// What became of containers, and what could not be compared.
    pub structure: Vec<WrittenStructure>,
    /// The effect.
    pub changes: Vec<WrittenChange>,
    /// What changes about routes; absent where neither side gives any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<WrittenRouteChange>>,
}

/// What became of one container.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenStructure {
    /// The device.
    pub device: String,
    /// `added`, `removed`, `renamed` or `not-compared`.
    pub kind: &'static str,
    /// `device`, `family`, `hook`, `table`, `chain`, `set` or `routes`.
    pub what: &'static str,
    /// Its name; the old one where it was renamed.
    pub name: String,
    /// In words.
    pub message: String,
}

/// One change: the packets that one pair of rules treats differently, in one way.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenChange {
    /// The device.
    pub device: String,
    /// `input`, `forward` or `output`.
    pub hook: &'static str,
    /// The filter's display name.
    pub filter: String,
    /// 4 or 6.
    pub family: u8,
    /// `opened`, `closed`, `refusal` or `translated`.
    pub effect: &'static str,
    /// How many flows; `>=N` where the comparison is not complete.
    pub packets: String,
    /// Disjoint regions, the smallest first.
    pub regions: Vec<Region>,
    /// One packet of the first region.
    pub witness: Value,
    /// What became of the packets.
    pub old: WrittenEnd,
    /// What becomes of them.
    pub new: WrittenEnd,
}

/// What one side does with packets, and by which rule.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenEnd {
    /// `accept`, `drop` or `reject`.
    pub verdict: &'static str,
    /// The kind of answer of a reject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reject_with: Option<String>,
    /// How the connection is translated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub translation: Option<WrittenTranslation>,
    /// The rule or policy.
    pub rule: QuotedRule,
}

impl DiffDocument {
    /// An empty document: nothing was compared yet.
    pub fn new() -> DiffDocument {
        let (structure, changes) = (Vec::new(), Vec::new());
        DiffDocument { schema: DIFF_SCHEMA, equivalent: true, complete: true, structure, changes, routes: None }
    }

    /// Adds what a change does to one device.
    pub fn add(&mut self, pair: DevicePair<'_>, diff: &DeviceDiff) {
        self.equivalent &= diff.is_equivalent();
        self.complete &= diff.is_complete();
        self.structure.extend(diff.structure.iter().map(|s| WrittenStructure::of(&diff.device, s)));
        for filter in FilterView::of_device(pair, diff) {
            self.changes.extend(filter.diff.changes.iter().map(|c| WrittenChange::of(&filter, c)));
        }
    }

    /// Adds what a change does to the routes of one device.
    pub fn add_routes(&mut self, view: &RouteView<'_>) {
        if !view.is_there() {
            return;
        }
        self.equivalent &= view.diff.is_equivalent();
        let changes = view.diff.changes.iter().map(|c| WrittenRouteChange::of(view.device, view.old, view.new, c));
        self.routes.get_or_insert_with(Vec::new).extend(changes);
        self.structure.extend(view.diff.one_sided.iter().map(|(family, is_new)| WrittenStructure {
            device: view.device.to_owned(),
            kind: "not-compared",
            what: "routes",
            name: family.to_string(),
            message: format!(
                "only the {} side gives routes for {family}; none are compared",
                if *is_new { "new" } else { "old" }
            ),
        }));
    }

    /// The document as one JSON text with a final line break.
    ///
    /// # Errors
    /// Never in practice; see `json_text`.
    pub fn text(&self) -> serde_json::Result<String> {
        super::json_text(self)
    }
}

impl Default for DiffDocument {
    fn default() -> DiffDocument {
        DiffDocument::new()
    }
}

impl WrittenStructure {
    fn of(device: &str, change: &StructureChange) -> WrittenStructure {
        WrittenStructure {
            device: device.to_owned(),
            kind: change.fate.name(),
            what: change.container.name(),
            name: change.name.clone(),
            message: change.message.clone(),
        }
    }
}

impl WrittenChange {
    /// A change of one filter of a device.
    pub fn of(filter: &FilterView<'_>, change: &Change) -> WrittenChange {
        let least = if filter.diff.complete { "" } else { ">=" };
        let [old, new] = filter.ends(change);
        WrittenChange {
            device: filter.pair.name.to_owned(),
            hook: filter.hook.name(),
            filter: filter.name.to_owned(),
            family: filter.family.number(),
            effect: change.effect.name(),
            packets: format!("{least}{}", change.packets),
            regions: filter.regions(change),
            witness: packet_to_json(&change.witness),
            old,
            new,
        }
    }
}

impl WrittenEnd {
    /// What a side does; a device that is not there accepts.
    pub fn of(side: Option<&Ruleset>, leaf: &Leaf, family: Family) -> WrittenEnd {
        let rule = match side {
            Some(ruleset) => QuotedRule::of(ruleset, leaf.place),
            None => QuotedRule { file: String::new(), line: 0, text: "no device: everything is accepted".to_owned() },
        };
        WrittenEnd {
            verdict: leaf.outcome.decision.name(),
            reject_with: reject_with(&leaf.outcome.decision),
            translation: leaf.outcome.translation.as_deref().map(|t| WrittenTranslation::of(t, family)),
            rule,
        }
    }
}
