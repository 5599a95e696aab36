//! Cells as chains of items, level by level from the last to the first, so that equal tails are one.

use super::Function;
use super::level::{Level, Subject};
use crate::packet::{Cell, Cube, Family, Field, Ranges, Values};
use rustc_hash::FxHashMap;

/// The values of one level that an item allows: those in the ranges that also have the bits. `None` allows all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Slot {
    pub ranges: Option<Ranges>,
    pub bits: Option<Cube>,
}

impl Slot {
    const ANY: Slot = Slot { ranges: None, bits: None };

    /// Whether every value is allowed.
    pub fn is_any(&self) -> bool {
        *self == Slot::ANY
    }
}

/// What a cell says at one level, and the item of the next level; behind the last level, the end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Item {
    pub slot: Slot,
    pub next: u32,
}

/// The items of all levels.
pub(super) struct Items {
    pub levels: Vec<Vec<Item>>,
    /// Of the first level, ascending.
    pub roots: Vec<u32>,
}

impl Items {
    /// The items of a function's cells.
    pub fn new(function: &Function<'_>, levels: &[Level]) -> Items {
        let family = function.space.family;
        let mut ids: Vec<u32> = function.parts.iter().map(|p| p.end).collect();
        let mut out: Vec<Vec<Item>> = Vec::with_capacity(levels.len());
        for level in levels.iter().rev() {
            let mut known: FxHashMap<Item, u32> = FxHashMap::default();
            let mut items = Vec::new();
            for (part, id) in function.parts.iter().zip(&mut ids) {
                let item = Item { slot: slot(part.cell, level, family), next: *id };
                *id = *known.entry(item).or_insert_with_key(|item| {
                    items.push(item.clone());
                    items.len() as u32 - 1
                });
            }
            out.push(items);
        }
        out.reverse();
        ids.sort_unstable();
        ids.dedup();
        Items { levels: out, roots: ids }
    }
}

/// What a cell says at a level.
fn slot(cell: &Cell, level: &Level, family: Family) -> Slot {
    let field = match &level.subject {
        Subject::Condition(named) => {
            let ranges = cell.cond(named.cond).map(|value| Ranges::one(u128::from(value)));
            return Slot { ranges, bits: None };
        }
        Subject::Field(field) => *field,
    };
    let own = cell.get(field).map_or(Slot::ANY, |values| of_values(values, level));
    let bits = match field {
        Field::Src => cell.get(Field::SrcBits),
        Field::Dst => cell.get(Field::DstBits),
        _ => None,
    };
    let Some(Values::Cube(cube)) = bits else { return own };
    let masked = of_cube(Cube::new(cube.value, cube.mask & family.max_address()), level);
    let ranges = match (own.ranges, masked.ranges) {
        (Some(a), Some(b)) => Some(a.intersect(&b)),
        (a, b) => a.or(b),
    };
    Slot { ranges, bits: masked.bits }
}

fn of_values(values: &Values, level: &Level) -> Slot {
    match values {
        Values::Ranges(ranges) => of_ranges(ranges.clone(), level),
        Values::Flags(flags) => of_ranges(Ranges::from_values(flags.iter().map(u128::from)), level),
        Values::Cube(cube) => of_cube(*cube, level),
    }
}

fn of_ranges(ranges: Ranges, level: &Level) -> Slot {
    let all = Ranges::range(level.domain.0, level.domain.1);
    Slot { ranges: (!all.is_subset(&ranges)).then_some(ranges), bits: None }
}

/// A mask that is a prefix is one range.
fn of_cube(cube: Cube, level: &Level) -> Slot {
    let max = level.domain.1;
    let free = max & !cube.mask;
    let is_prefix = free & free.wrapping_add(1) == 0;
    match is_prefix {
        true => of_ranges(Ranges::range(cube.value & max, (cube.value & max) | free), level),
        false => Slot { ranges: None, bits: Some(Cube::new(cube.value & max, cube.mask & max)) },
    }
}
