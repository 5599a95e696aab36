//! One question to one side of a filter: do all packets of a cell pass, do none?

use super::scene::{Filter, Scene};
use crate::packet::{Cell, Cond, PacketSet};
use crate::ruleset::{End, Explored, Guide, Leaf, Side, Walker, explore_by};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// What to look for in a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seek {
    /// The first packets that are refused, whatever the conditions.
    Refused,
    /// The first packets that pass under some condition.
    Passing,
    /// Every end.
    Everything,
}

/// Packets and their end.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub cell: Cell,
    pub leaf: Leaf,
    /// The conditions on which it depends, other than those that were given or assumed.
    pub depends: Vec<(Cond, bool)>,
}

/// What a walk found.
#[derive(Default)]
pub(super) struct Found {
    pub passing: Vec<Ending>,
    pub refused: Vec<Ending>,
    /// Conditions that a policy fixes and that the walk met.
    pub assumed: BTreeSet<(Cond, bool)>,
    /// Whether the bound was reached, so that nothing is proved by what was not found.
    pub is_bounded: bool,
}

impl Found {
    /// The packets that pass under some assignment, whatever it is.
    pub fn ever_passing(&self, filter: &Filter<'_>) -> PacketSet {
        packets(&self.passing, filter)
    }

    /// The packets that are refused under some assignment, whatever it is.
    pub fn ever_refused(&self, filter: &Filter<'_>) -> PacketSet {
        packets(&self.refused, filter)
    }
}

fn packets(endings: &[Ending], filter: &Filter<'_>) -> PacketSet {
    PacketSet::from_cells(filter.space.family, endings.iter().map(|e| e.cell.project(|_| true)))
}

/// Whether assumptions of the policy count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assume {
    /// They do.
    AsWritten,
    /// Every condition is free.
    Nothing,
}

/// Walks a cell through one side of a filter.
pub(super) fn ask(
    scene: &Scene<'_>,
    filter: &Filter<'_>,
    side: Side,
    cell: &Cell,
    seek: Seek,
    assume: Assume,
) -> Found {
    let Some(start) = filter.space.possible().intersect(cell, filter.space.family) else {
        return Found::default();
    };
    let walker = Walker::new(&filter.space, filter.program(side));
    let mut seeker = Seeker { scene, filter, given: cell, seek, assume, found: Found::default() };
    let bound = scene.input.bounds.cells;
    let explored = explore_by(&walker, start, bound, &mut seeker);
    Found { is_bounded: explored == Explored::Bounded, ..seeker.found }
}

struct Seeker<'q> {
    scene: &'q Scene<'q>,
    filter: &'q Filter<'q>,
    given: &'q Cell,
    seek: Seek,
    assume: Assume,
    found: Found,
}

impl Guide for Seeker<'_> {
    fn settle(&mut self, cond: Cond) -> Option<bool> {
        if self.assume == Assume::Nothing {
            return None;
        }
        let assumption = self.scene.assumption(&self.filter.space.cond_name(cond))?;
        self.found.assumed.insert((cond, assumption.holds));
        Some(assumption.holds)
    }

    fn visit(&mut self, end: End<'_>) -> ControlFlow<()> {
        let known = |cond: Cond| self.given.cond(cond).is_some() || self.found.assumed.iter().any(|(c, _)| *c == cond);
        let depends: Vec<(Cond, bool)> = end.cell.conds().iter().filter(|(c, _)| !known(*c)).copied().collect();
        let is_outright = depends.is_empty();
        let ending = Ending { cell: end.cell.clone(), leaf: end.leaf.clone(), depends };
        let (list, sought, settles) = match end.passes() {
            true => (&mut self.found.passing, self.seek != Seek::Refused, self.seek == Seek::Passing),
            false => (&mut self.found.refused, self.seek != Seek::Passing, self.seek == Seek::Refused && is_outright),
        };
        if sought {
            list.push(ending);
        }
        if settles { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
