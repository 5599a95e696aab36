//! Cells cut in pieces.

use crate::packet::{Cell, Field, Ranges, Values};
use crate::ruleset::reading::Cut;
use crate::ruleset::space::Space;
use smallvec::SmallVec;

/// The pieces of a cell cut in two or more: first those on the near side of the cut.
pub fn split(cell: &Cell, cut: &Cut, space: &Space) -> SmallVec<[Cell; 4]> {
    let mut out = SmallVec::new();
    match cut {
        Cut::Cond(cond) => {
            out.push(cell.with_cond(*cond, true));
            out.push(cell.with_cond(*cond, false));
        }
        Cut::Field(field, values) => {
            out.extend(cell.meet(*field, values, space.family));
            out.extend(around(cell, *field, values, space));
        }
        Cut::Box(sides) => {
            let inside = cut_out(cell, sides, space, &mut out);
            out.extend(inside);
        }
    }
    out
}

/// What is inside a box of a cell; the pieces around it are added to `around_it`.
pub fn cut_out(
    cell: &Cell,
    sides: &[(Field, Values)],
    space: &Space,
    around_it: &mut impl Extend<Cell>,
) -> Option<Cell> {
    let mut inside = cell.clone();
    for (field, values) in sides {
        around_it.extend(around(&inside, *field, values, space));
        inside = inside.meet(*field, values, space.family)?;
    }
    Some(inside)
}

/// The pieces of a cell whose field is not among the values.
fn around(cell: &Cell, field: Field, values: &Values, space: &Space) -> SmallVec<[Cell; 2]> {
    cell.minus(field, values, space.family).into_iter().flat_map(|rest| pieces(rest, field, values, space)).collect()
}

/// What is left around one range of addresses falls in two: smaller hulls leave out more rules.
fn pieces(rest: Cell, field: Field, values: &Values, space: &Space) -> SmallVec<[Cell; 2]> {
    let apart = matches!(field, Field::Src | Field::Dst);
    let one_range = values.as_ranges().is_some_and(|r| r.as_slice().len() == 1);
    if let Some([a, b]) = rest.get(field).and_then(Values::as_ranges).map(Ranges::as_slice)
        && apart
        && one_range
    {
        let part = |&(lo, hi): &(u128, u128)| rest.meet(field, &Values::Ranges(Ranges::range(lo, hi)), space.family);
        return [part(a), part(b)].into_iter().flatten().collect();
    }
    SmallVec::from_iter([rest])
}
