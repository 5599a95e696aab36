//! What has become of packets that must pass: do they still, did they ever, does it depend.

use super::conversation::Demand;
use super::question::{Assume, Ending, Found, Seek, ask};
use super::scene::{Filter, Scene};
use crate::diff::{Change, EffectKind};
use crate::packet::{Cell, Cond, PacketSet};
use crate::ruleset::{Leaf, Side};
use std::collections::BTreeSet;

/// The verdict about one demand, best first.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// Every packet passes, whatever the conditions.
    Held,
    /// Some packets pass only under these conditions.
    Depends {
        /// The packets, with the conditions under which they are refused.
        shown: Shown,
        /// Whether the baseline depended on the same conditions.
        did_before: bool,
    },
    /// Some packets are refused, and were before.
    Missing(Shown),
    /// Some packets are refused that passed before.
    Lost(Shown),
}

/// Packets that show a verdict.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub cell: Cell,
    /// Their end on the proposal.
    pub now: Leaf,
    /// Their end on the baseline, under the same conditions.
    pub before: Option<Leaf>,
    /// The conditions on which it depends.
    pub depends: Vec<(Cond, bool)>,
}

impl Verdict {
    /// Greater is worse.
    pub fn rank(&self) -> u8 {
        match self {
            Verdict::Held => 0,
            Verdict::Depends { did_before: true, .. } => 1,
            Verdict::Depends { .. } => 2,
            Verdict::Missing(_) => 3,
            Verdict::Lost(_) => 4,
        }
    }
}

/// A verdict and what it rests on.
pub(super) struct Judged {
    pub verdict: Verdict,
    /// Conditions that a policy fixes and that were met.
    pub assumed: BTreeSet<(Cond, bool)>,
    /// Whether a bound was reached: then nothing is proved.
    pub is_bounded: bool,
}

/// Judges one demand on the proposal, against the baseline.
pub(super) fn judge(scene: &Scene<'_>, filter: &Filter<'_>, demand: &Demand) -> Judged {
    let now = ask(scene, filter, Side::New, &demand.cell, Seek::Refused, Assume::AsWritten);
    let judge = Judge { scene, filter, demand };
    let verdict = judge.verdict(&now);
    Judged { verdict, assumed: now.assumed, is_bounded: now.is_bounded }
}

/// Most groups of packets that are classified one by one.
const MAX_PARTS: usize = 256;

struct Judge<'j> {
    scene: &'j Scene<'j>,
    filter: &'j Filter<'j>,
    demand: &'j Demand,
}

impl Judge<'_> {
    fn verdict(&self, now: &Found) -> Verdict {
        if now.refused.is_empty() {
            return Verdict::Held;
        }
        if let Some(lost) = self.lost(now) {
            return Verdict::Lost(lost);
        }
        if let Some(outright) = now.refused.iter().find(|e| e.depends.is_empty()) {
            return Verdict::Missing(self.shown(outright));
        }
        self.conditional(now)
    }

    /// Packets that passed before and are refused now whatever the conditions: they are in the effect.
    fn lost(&self, now: &Found) -> Option<Shown> {
        let closed = self.filter.changes.iter().filter(|c| c.effect == EffectKind::Closed);
        let given = now.assumed.iter().fold(self.demand.cell.clone(), |cell, (c, v)| cell.with_cond(*c, *v));
        let parts = closed.flat_map(|change| change.cells.iter().map(move |cell| (change, cell)));
        let mut conditional = Vec::new();
        for (change, cell) in parts {
            let Some(cell) = given.intersect(cell, self.filter.space.family) else { continue };
            if cell.conds().iter().all(|(c, _)| given.cond(*c).is_some()) {
                return Some(of_change(change, cell));
            }
            conditional.push((change, cell));
        }
        conditional.into_iter().take(MAX_PARTS).find_map(|(change, cell)| self.never_now(change, &cell))
    }

    /// The packets of a conditional change that pass under no condition any more.
    fn never_now(&self, change: &Change, cell: &Cell) -> Option<Shown> {
        let whole = self.demand_part(cell);
        let now = ask(self.scene, self.filter, Side::New, &whole, Seek::Everything, Assume::AsWritten);
        let never = now.ever_refused(self.filter).subtract(&now.ever_passing(self.filter));
        let family = self.filter.space.family;
        let rest = never.cells().iter().find_map(|n| n.intersect(cell, family))?;
        Some(of_change(change, rest))
    }

    /// The packets of a cell that belong to the demand, under the demand's own conditions only.
    fn demand_part(&self, cell: &Cell) -> Cell {
        let fields = cell.project(|_| true);
        self.demand.cell.conds().iter().fold(fields, |all, (c, v)| all.with_cond(*c, *v))
    }

    /// No packet is refused outright along one way; two ways together may still refuse one.
    fn conditional(&self, now: &Found) -> Verdict {
        let all = ask(self.scene, self.filter, Side::New, &self.demand.cell, Seek::Everything, Assume::AsWritten);
        let passing = all.ever_passing(self.filter);
        for ending in now.refused.iter().take(MAX_PARTS) {
            let own = PacketSet::from_cells(self.filter.space.family, [ending.cell.project(|_| true)]);
            if let Some(never) = own.subtract(&passing).cells().first() {
                let cell = never.intersect(&ending.cell, self.filter.space.family);
                let ending = Ending { cell: cell.unwrap_or_else(|| ending.cell.clone()), ..ending.clone() };
                return Verdict::Missing(self.shown(&ending));
            }
        }
        match now.refused.first() {
            Some(ending) => {
                let shown = self.shown(ending);
                let did_before = self.depended(&all);
                Verdict::Depends { shown: Shown { depends: conditions(&all), ..shown }, did_before }
            }
            None => Verdict::Held,
        }
    }

    /// Whether the baseline refused under no other conditions, and did pass under some.
    fn depended(&self, now: &Found) -> bool {
        let before = ask(self.scene, self.filter, Side::Old, &self.demand.cell, Seek::Everything, Assume::AsWritten);
        let of = |found: &Found| -> BTreeSet<Cond> { conditions(found).into_iter().map(|(c, _)| c).collect() };
        !before.refused.is_empty() && of(now).is_subset(&of(&before))
    }

    fn shown(&self, ending: &Ending) -> Shown {
        let before = ask(self.scene, self.filter, Side::Old, &ending.cell, Seek::Everything, Assume::AsWritten);
        let any = before.refused.into_iter().chain(before.passing).next();
        let (cell, before) = match any {
            Some(old) => (old.cell, Some(old.leaf)),
            None => (ending.cell.clone(), None),
        };
        Shown { cell, now: ending.leaf.clone(), before, depends: ending.depends.clone() }
    }
}

/// The conditions under which packets are refused, each once, in the value of its first occurrence.
fn conditions(found: &Found) -> Vec<(Cond, bool)> {
    let mut out: Vec<(Cond, bool)> = Vec::new();
    for (cond, value) in found.refused.iter().flat_map(|e| &e.depends) {
        if !out.iter().any(|(c, _)| c == cond) {
            out.push((*cond, *value));
        }
    }
    out.sort_unstable();
    out
}

fn of_change(change: &Change, cell: Cell) -> Shown {
    Shown { cell, now: change.new.clone(), before: Some(change.old.clone()), depends: Vec::new() }
}
