//! Joining cells that differ in one field only, so that people are shown few boxes.

use super::{Cell, Field, Values};
use rustc_hash::{FxHashMap, FxHasher};
use smallvec::SmallVec;
use std::hash::{Hash, Hasher};

/// The same packets in fewer disjoint cells: neighbours that differ in one field or one condition are joined
/// until no pair is left. The result does not depend on the order of the input.
pub fn coalesce(cells: Vec<Cell>) -> Vec<Cell> {
    let mut cells = cells;
    cells.sort_unstable();
    cells.dedup();
    loop {
        let before = cells.len();
        for field in join_order(&cells) {
            cells = join_along(field, cells);
        }
        cells = join_conditions(cells);
        if cells.len() == before {
            cells.sort_unstable();
            return cells;
        }
    }
}

/// Fields that occur, those last that read best as lists: addresses.
fn join_order(cells: &[Cell]) -> Vec<Field> {
    let mut present = [false; Field::COUNT];
    for (field, _) in cells.iter().flat_map(|c| c.fields()) {
        present[*field as usize] = true;
    }
    Field::ALL.into_iter().rev().filter(|f| present[*f as usize]).collect()
}

/// Joins cells that are equal but for `field`. Cells meet by a hash of everything else, without being copied.
fn join_along(field: Field, cells: Vec<Cell>) -> Vec<Cell> {
    let mut rows: FxHashMap<u64, SmallVec<[u32; 2]>> = FxHashMap::default();
    for (at, cell) in cells.iter().enumerate() {
        rows.entry(hash_without(cell, field)).or_default().push(at as u32);
    }
    if rows.len() == cells.len() {
        return cells;
    }
    let mut done = vec![false; cells.len()];
    let mut out = Vec::with_capacity(rows.len());
    for (at, cell) in cells.iter().enumerate() {
        if done[at] {
            continue;
        }
        let row = rows.get(&hash_without(cell, field)).map(SmallVec::as_slice).unwrap_or_default();
        let alike: Vec<usize> =
            row.iter().map(|i| *i as usize).filter(|i| !done[*i] && same_but(field, cell, &cells[*i])).collect();
        alike.iter().for_each(|i| done[*i] = true);
        if alike.len() < 2 {
            out.push(cell.clone());
        } else if alike.iter().any(|i| cells[*i].get(field).is_none()) {
            out.push(cell.free(field));
        } else {
            let parts = alike.iter().filter_map(|i| cells[*i].get(field).cloned()).collect();
            out.extend(join_values(parts).into_iter().map(|values| cell.with(field, values)));
        }
    }
    out
}

fn hash_without(cell: &Cell, field: Field) -> u64 {
    let mut hasher = FxHasher::default();
    for (own, values) in cell.fields().iter().filter(|(f, _)| *f != field) {
        own.hash(&mut hasher);
        values.hash(&mut hasher);
    }
    cell.conds().hash(&mut hasher);
    hasher.finish()
}

fn same_but(field: Field, a: &Cell, b: &Cell) -> bool {
    a.conds() == b.conds()
        && a.fields().iter().filter(|(f, _)| *f != field).eq(b.fields().iter().filter(|(f, _)| *f != field))
}

/// Joins what one set can hold; ranges and flags always end as one.
fn join_values(parts: Vec<Values>) -> Vec<Values> {
    if parts.iter().all(|p| matches!(p, Values::Ranges(_))) {
        let ranges = parts.iter().filter_map(Values::as_ranges).flat_map(|r| r.as_slice().iter().copied());
        return vec![Values::Ranges(ranges.collect())];
    }
    let mut out: Vec<Values> = Vec::new();
    for part in parts {
        let mut part = part;
        while let Some((at, joined)) = out.iter().enumerate().find_map(|(i, o)| Some((i, o.union(&part)?))) {
            out.swap_remove(at);
            part = joined;
        }
        out.push(part);
    }
    out
}

fn join_conditions(cells: Vec<Cell>) -> Vec<Cell> {
    let mut conds: Vec<_> = cells.iter().flat_map(|c| c.conds().iter().map(|(c, _)| *c)).collect();
    conds.sort_unstable();
    conds.dedup();
    let mut cells = cells;
    if conds.is_empty() {
        return cells;
    }
    for cond in conds {
        let mut seen: FxHashMap<Cell, [bool; 2]> = FxHashMap::default();
        for cell in cells.iter().filter(|c| c.cond(cond).is_some()) {
            let at = usize::from(cell.cond(cond) == Some(true));
            seen.entry(cell.without_cond(cond)).or_default()[at] = true;
        }
        let mut out = Vec::with_capacity(cells.len());
        for cell in cells {
            let free = cell.without_cond(cond);
            match (cell.cond(cond), seen.get(&free)) {
                (Some(true), Some([true, true])) => {}
                (Some(false), Some([true, true])) => out.push(free),
                _ => out.push(cell),
            }
        }
        cells = out;
    }
    cells
}
