//! Which packets of a selection pass, which do not, and which depend on opaque conditions.

use super::guards::Guards;
use super::select::Selection;
use super::ways::{Part, TooManyConditions, Ways};
use crate::packet::{Cell, Cond, Family, coalesce, count_flows};
use crate::ruleset::{Decision, Explored, Hook, Identities, Place, Program, Ruleset, Side, Space, Translation, Walker};
use num_bigint::BigUint;
use rustc_hash::FxHashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What becomes of packets, over all worlds of the opaque conditions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    /// They pass, whatever the conditions are.
    Accepted,
    /// They vanish.
    Dropped,
    /// They are refused with an answer of this kind.
    Rejected(Arc<str>),
    /// It depends on conditions.
    Depends,
}

impl Fate {
    /// `accepted`, `dropped`, `rejected` or `depends`.
    pub fn name(&self) -> &'static str {
        match self {
            Fate::Accepted => "accepted",
            Fate::Dropped => "dropped",
            Fate::Rejected(_) => "rejected",
            Fate::Depends => "depends",
        }
    }

    fn of(decision: &Decision) -> Fate {
        match decision {
            Decision::Accept => Fate::Accepted,
            Decision::Drop => Fate::Dropped,
            Decision::Reject(kind) => Fate::Rejected(kind.clone()),
        }
    }
}

/// Packets of one fate, decided by one rule.
#[derive(Clone, Debug)]
pub struct Group {
    /// What becomes of them.
    pub fate: Fate,
    /// What decides, as in a trace; where it depends, the first rule whose condition matters.
    pub place: Place,
    /// How their connections are translated where they pass and no condition holds.
    pub translation: Option<Arc<Translation>>,
    /// The conditions that matter, ascending; empty unless it depends.
    pub conditions: Vec<Cond>,
    /// Disjoint cells, without conditions.
    pub cells: Vec<Cell>,
    /// How many flows have such a packet.
    pub packets: BigUint,
}

/// The answer: disjoint groups that make up the selection.
#[derive(Debug)]
pub struct Reach {
    /// The space in which the cells are.
    pub space: Space,
    /// The packets asked about, as a cell of the space; `None` where none can be judged at the hook.
    pub cell: Option<Cell>,
    /// The groups, in order of fate and place.
    pub groups: Vec<Group>,
    /// Whether every packet of the selection is in a group.
    pub complete: bool,
}

/// When a question is given up.
#[derive(Clone, Copy, Debug)]
pub struct ReachBounds {
    /// Most cells visited.
    pub cells: u64,
    /// Most combinations of conditions for one packet.
    pub combinations: usize,
}

impl Default for ReachBounds {
    fn default() -> ReachBounds {
        ReachBounds { cells: 5_000_000, combinations: 65_536 }
    }
}

/// Says what becomes of every packet of the selection.
///
/// # Errors
/// More combinations of conditions than the bound.
pub fn reach(
    ruleset: &Ruleset,
    hook: Hook,
    family: Family,
    selection: &Selection,
    bounds: ReachBounds,
) -> Result<Reach, TooManyConditions> {
    let space = Space::new(hook, family, &[ruleset], &selection.patterns(), FxHashMap::default());
    let program = Program::new(ruleset, Side::Old, &space, &mut Identities::default());
    let cell = selection.cell(&space);
    let (fates, complete) = match &cell {
        Some(cell) => fates(&Walker::new(&space, &program), cell.clone(), bounds)?,
        None => (FxHashMap::default(), true),
    };
    let mut groups: Vec<Group> = fates.into_iter().map(|(key, cells)| group(key, cells, family)).collect();
    groups.sort_by(|a, b| (&a.fate, a.place, &a.cells).cmp(&(&b.fate, b.place, &b.cells)));
    Ok(Reach { space, cell, groups, complete })
}

/// Disjoint cells by what becomes of them, and whether they make up the whole cell.
pub(super) fn fates(
    walker: &Walker<'_>,
    cell: Cell,
    bounds: ReachBounds,
) -> Result<(FxHashMap<Key, Vec<Cell>>, bool), TooManyConditions> {
    let mut found: FxHashMap<Key, Vec<Cell>> = FxHashMap::default();
    let explored = Ways::new(walker, bounds.combinations).run(cell, bounds.cells, |guards, part| {
        found.entry(key(guards, part)).or_default().push(part.cell.clone());
        ControlFlow::Continue(())
    })?;
    Ok((found, explored == Explored::Completely))
}

/// What packets of one group have in common.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// What becomes of them.
    pub(super) fate: Fate,
    place: Place,
    translation: Option<Arc<Translation>>,
    conditions: Vec<Cond>,
}

fn key(guards: &mut Guards, part: &Part) -> Key {
    let matter = part.depends_on(guards, |leaf| leaf.outcome.decision.clone());
    let plain = part.plain_end(guards);
    let translation = plain.and_then(|leaf| leaf.outcome.translation.clone());
    let place = plain.map_or(Place::NoChain, |leaf| leaf.place);
    match part.first_asking(guards, &matter) {
        None => {
            let fate = plain.map_or(Fate::Dropped, |leaf| Fate::of(&leaf.outcome.decision));
            Key { fate, place, translation, conditions: Vec::new() }
        }
        Some(first) => {
            let conditions = matter.into_iter().collect();
            Key { fate: Fate::Depends, place: first.place, translation: None, conditions }
        }
    }
}

fn group(key: Key, cells: Vec<Cell>, family: Family) -> Group {
    let cells = coalesce(cells);
    let packets = count_flows(&cells, family);
    let Key { fate, place, translation, conditions } = key;
    Group { fate, place, translation, conditions, cells, packets }
}
