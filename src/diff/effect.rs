//! The effect of a change on one filter: disjoint regions grouped by kind and responsible rule pair.

use super::align::pair_rules;
use super::compare::{Comparison, Extent};
use crate::packet::{
    Cell, Family, Field, IfacePattern, Packet, Ranges, RegionNames, Values, coalesce, count_flows, witness,
};
use crate::ruleset::{
    Decision, Hook, Identities, Leaf, Outcome, Place, Program, Ruleset, Screen, Side, Space, interpret_screened,
};
use num_bigint::BigUint;
use rustc_hash::FxHashMap;
use std::ops::ControlFlow;

/// What a change does to packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EffectKind {
    /// They pass now and did not before.
    Opened,
    /// They do not pass any more.
    Closed,
    /// They are refused in another way (drop and reject exchanged, another kind of reject).
    Refusal,
    /// They pass with another translation.
    Translated,
}

impl EffectKind {
    /// All kinds, in the order of reports.
    pub const ALL: [EffectKind; 4] =
        [EffectKind::Opened, EffectKind::Closed, EffectKind::Refusal, EffectKind::Translated];

    /// `opened`, `closed`, `refusal` or `translated`.
    pub fn name(self) -> &'static str {
        match self {
            EffectKind::Opened => "opened",
            EffectKind::Closed => "closed",
            EffectKind::Refusal => "refusal",
            EffectKind::Translated => "translated",
        }
    }

    /// The kind of this name.
    pub fn by_name(name: &str) -> Option<EffectKind> {
        EffectKind::ALL.into_iter().find(|k| k.name() == name)
    }

    /// The kind of a difference of outcomes. What passes on one side only is opened or closed, whatever else is
    /// translated.
    pub fn of(old: &Outcome, new: &Outcome) -> EffectKind {
        match (&old.decision, &new.decision) {
            (Decision::Accept, Decision::Accept) => EffectKind::Translated,
            (Decision::Accept, _) => EffectKind::Closed,
            (_, Decision::Accept) => EffectKind::Opened,
            _ => EffectKind::Refusal,
        }
    }
}

/// The packets that one pair of rules treats differently, in one way.
#[derive(Clone, Debug)]
pub struct Change {
    /// In which way.
    pub effect: EffectKind,
    /// What became of them, by which rule.
    pub old: Leaf,
    /// What becomes of them, by which rule.
    pub new: Leaf,
    /// Disjoint cells that one region can say each, the smallest first; not all of them where the diff is not
    /// complete.
    pub cells: Vec<Cell>,
    /// One realistic packet of the smallest cell, replayed through the interpreter on both sides.
    pub witness: Packet,
    /// How many flows have such a packet; a lower bound where the diff is not complete.
    pub packets: BigUint,
}

/// The effect on one filter.
#[derive(Debug)]
pub struct FilterDiff {
    /// The space in which the cells of the changes are.
    pub space: Space,
    /// The changes, in order of place.
    pub changes: Vec<Change>,
    /// Whether every packet was compared and every region is listed.
    pub complete: bool,
}

/// When a comparison gives up.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most regions of one filter.
    pub regions: usize,
    /// Most cells visited in one filter.
    pub cells: u64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { regions: 100_000, cells: 4_000_000 }
    }
}

/// A witness that the interpreter judges otherwise: an error of fwgate, never a finding.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "internal error: the replay of a witness gives another outcome than the analysis (this is a bug in fwgate): {detail}"
)]
pub struct ReplayMismatch {
    /// What was expected and found.
    pub detail: String,
}

/// Compares one filter of two rulesets.
///
/// # Errors
/// Only where the engine contradicts the interpreter.
pub fn diff_filter(
    old: &Ruleset,
    new: &Ruleset,
    hook: Hook,
    family: Family,
    interfaces: &[IfacePattern],
    bounds: Bounds,
) -> Result<FilterDiff, ReplayMismatch> {
    let space = Space::new(hook, family, &[old, new], interfaces, pair_rules(old, new));
    let mut ids = Identities::default();
    let before = Program::new(old, Side::Old, &space, &mut ids);
    let after = Program::like(&before, new, Side::New, &space, &mut ids);
    let effect = diff_programs(&space, &before, &after, bounds)?;
    Ok(FilterDiff { space, changes: effect.changes, complete: effect.complete })
}

/// The effect on one filter whose programs the caller keeps.
#[derive(Debug, Default)]
pub struct ProgramDiff {
    /// The changes, in order of place.
    pub changes: Vec<Change>,
    /// Whether every packet was compared and every region is listed.
    pub complete: bool,
}

/// Compares two programs of one space that were numbered with the same identities.
///
/// # Errors
/// Only where the engine contradicts the interpreter.
pub fn diff_programs(
    space: &Space,
    before: &Program<'_>,
    after: &Program<'_>,
    bounds: Bounds,
) -> Result<ProgramDiff, ReplayMismatch> {
    let mut groups = Groups::default();
    let mut complete = true;
    let mut compare = |cell: Option<Cell>, before: &Program<'_>, after: &Program<'_>| {
        let mut comparison = Comparison::new(space, before, after);
        if let (Some(cell), false) = (cell, comparison.is_trivial()) {
            let extent = comparison.run(cell, bounds.cells, |cell, a, b| {
                groups.add(cell, a, b);
                if groups.fits(bounds.regions) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            complete &= extent == Extent::Complete;
        }
    };
    if before.ruleset.conntrack == after.ruleset.conntrack {
        compare(Some(space.possible()), before, after);
    } else {
        // Where one side alone puts fragments together, rules that look at them are other rules to a fragment.
        let mut ids = Identities::apart_by_fragments();
        let torn = [before, after].map(|p| Program::new(p.ruleset, p.side, space, &mut ids));
        let part = |lo, hi| {
            let values = Values::Ranges(Ranges::range(lo, hi));
            space.possible().meet(Field::Fragment, &values, space.family)
        };
        compare(part(0, 0), before, after);
        compare(part(1, 2), &torn[0], &torn[1]);
    }
    let mut changes = groups.changes(space, before.ruleset, after.ruleset)?;
    complete &= changes.iter().map(|c| c.cells.len()).sum::<usize>() <= bounds.regions;
    if !complete {
        keep_smallest(&mut changes, bounds.regions);
    }
    Ok(ProgramDiff { changes, complete })
}

/// Beyond the bound: every pair of rules with its smallest cells, as many as fit, at least one each.
fn keep_smallest(changes: &mut [Change], bound: usize) {
    let share = (bound / changes.len().max(1)).max(1);
    for change in changes {
        change.cells.truncate(share);
    }
}

/// Cells by pair of ends; joined from time to time, so that memory follows the result.
#[derive(Default)]
struct Groups {
    cells: FxHashMap<(Leaf, Leaf), Vec<Cell>>,
    held: usize,
    join_at: usize,
}

impl Groups {
    fn add(&mut self, cell: &Cell, old: &Leaf, new: &Leaf) {
        self.cells.entry((old.clone(), new.clone())).or_default().push(cell.clone());
        self.held += 1;
    }

    /// Whether the regions fit the bound, after joining where that is due.
    fn fits(&mut self, bound: usize) -> bool {
        self.join_at = self.join_at.max(bound.clamp(1, 1 << 16));
        if self.held <= self.join_at {
            return true;
        }
        for cells in self.cells.values_mut() {
            *cells = coalesce(std::mem::take(cells));
        }
        self.held = self.cells.values().map(Vec::len).sum();
        self.join_at = (self.held * 2).max(bound.min(1 << 16));
        self.held <= bound
    }

    fn changes(self, space: &Space, old: &Ruleset, new: &Ruleset) -> Result<Vec<Change>, ReplayMismatch> {
        let mut out = Vec::new();
        // Making a screen costs about as much as judging a few packets without one.
        let is_worth = self.cells.len() > 4;
        let screens = [old, new].map(|ruleset| is_worth.then(|| Screen::new(ruleset, space.family)));
        let possible = space.possible();
        let (family, interfaces) = (space.family, &space.interfaces);
        let names = RegionNames { family, possible: &possible, interfaces, cond_name: &|_| String::new() };
        for ((before, after), cells) in self.cells {
            let mut cells: Vec<Cell> = coalesce(cells).iter().flat_map(|cell| names.parts(cell)).collect();
            smallest_first(&mut cells, space.family);
            let Some(first) = cells.first() else { continue };
            let packet = witness(first, space.family, &space.interfaces);
            let sides = [(old, Side::Old, &before), (new, Side::New, &after)];
            for ((ruleset, side, leaf), screen) in sides.into_iter().zip(&screens) {
                replay(ruleset, screen.as_ref(), side, space, first, &packet, leaf)?;
            }
            let packets = count_flows(&cells, space.family);
            let effect = EffectKind::of(&before.outcome, &after.outcome);
            out.push(Change { effect, old: before, new: after, cells, witness: packet, packets });
        }
        out.sort_by(|a, b| (&a.old, &a.new, &a.cells).cmp(&(&b.old, &b.new, &b.cells)));
        Ok(out)
    }
}

fn smallest_first(cells: &mut [Cell], family: Family) {
    cells.sort_by_cached_key(|c| (count_flows(std::slice::from_ref(c), family), c.clone()));
}

/// Judges a witness with the plain interpreter, under the conditions of its cell. A screen makes many of them cheap.
pub fn replay(
    ruleset: &Ruleset,
    screen: Option<&Screen>,
    side: Side,
    space: &Space,
    cell: &Cell,
    packet: &Packet,
    expected: &Leaf,
) -> Result<(), ReplayMismatch> {
    let mut ask =
        |opaque: &crate::ruleset::Opaque, place: Place| cell.cond(space.cond(side, place, opaque)).unwrap_or(false);
    let judged = interpret_screened(ruleset, screen, space.hook, packet, &mut ask);
    if judged.outcome == expected.outcome {
        return Ok(());
    }
    let detail = format!(
        "{} {} {:?} under {:?}: expected {:?}, the interpreter says {:?}",
        space.hook,
        space.family,
        crate::packet::packet_to_json(packet).to_string(),
        cell,
        expected,
        judged.outcome
    );
    Err(ReplayMismatch { detail })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::dialect::{InputFile, ReadOptions, read_device};

    fn ruleset(rules: &str) -> Ruleset {
        let text = format!("*filter\n:FORWARD DROP [0:0]\n{rules}COMMIT\n");
        let file = InputFile { name: "rules.v4".into(), bytes: text.into_bytes().into() };
        read_device(&[file], &ReadOptions::default()).unwrap()
    }

    #[test]
    fn more_regions_than_the_bound_are_not_complete() {
        let rule = |n: u32| format!("-A FORWARD -s 10.0.{n}.0/24 -d 10.{n}.0.0/16 -j ACCEPT\n");
        let (old, new) =
            (ruleset("-A FORWARD -s 192.0.2.1 -j ACCEPT\n"), ruleset(&(0..9).map(rule).collect::<String>()));
        let diff = |regions| {
            let bounds = Bounds { regions, ..Bounds::default() };
            diff_filter(&old, &new, Hook::Forward, Family::V4, &[], bounds).unwrap()
        };
        let regions = |d: &FilterDiff| d.changes.iter().map(|c| c.cells.len()).sum::<usize>();
        assert!(diff(10).complete && regions(&diff(10)) == 10);
        let bounded = diff(9);
        assert!(!bounded.complete && bounded.changes.iter().all(|c| c.cells.len() == 1));
    }
}
