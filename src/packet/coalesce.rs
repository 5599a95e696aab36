//! Joining cells that differ in one field only, so that people are shown few boxes.

use super::{Cell, Field, Values};
use rustc_hash::FxHashMap;

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
        cells.sort_unstable();
        if cells.len() == before {
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

fn join_along(field: Field, cells: Vec<Cell>) -> Vec<Cell> {
    let mut rows: FxHashMap<Cell, Vec<Option<Values>>> = FxHashMap::default();
    let mut order = Vec::new();
    for cell in cells {
        let key = cell.free(field);
        let own = cell.get(field).cloned();
        rows.entry(key.clone())
            .or_insert_with(|| {
                order.push(key);
                Vec::new()
            })
            .push(own);
    }
    let mut out = Vec::new();
    for key in order {
        let Some(parts) = rows.remove(&key) else { continue };
        if parts.iter().any(Option::is_none) {
            out.push(key);
            continue;
        }
        for values in join_values(parts.into_iter().flatten().collect()) {
            out.push(key.with(field, values));
        }
    }
    out
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
