//! The levels of a diagram: fields in their fixed order, then opaque conditions.

use super::Function;
use crate::packet::{Cell, Cond, Family, Field, InterfaceClasses, Values};
use crate::ruleset::Space;
use std::sync::Arc;

/// Fields with few values come first: they keep diagrams small.
const FIRST: [Field; 4] = [Field::Iif, Field::Oif, Field::State, Field::Proto];

/// The order in which fields are decided. `SrcBits` and `DstBits` are read with the addresses that they are bits of.
pub(super) fn order() -> impl Iterator<Item = Field> {
    let rest = Field::ALL.into_iter().filter(|f| !FIRST.contains(f) && home(*f) == *f);
    FIRST.into_iter().chain(rest)
}

/// A condition with the name that it has in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedCond {
    pub cond: Cond,
    pub name: Arc<str>,
    /// Which of the occurrences of this name, where each rule has its own.
    pub occurrence: Option<u32>,
}

/// What a level decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Field(Field),
    Condition(NamedCond),
}

/// One level of a diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Level {
    pub subject: Subject,
    /// The smallest and the largest value.
    pub domain: (u128, u128),
}

impl Level {
    /// How many bits a value has, where every number of so many bits is one.
    pub fn width(&self) -> Option<u32> {
        let (lo, hi) = self.domain;
        let width = 128 - hi.leading_zeros();
        (lo == 0 && hi.count_ones() == width).then_some(width)
    }

    /// The interface field that the level decides, if it does.
    pub fn interface(&self) -> Option<Field> {
        match self.subject {
            Subject::Field(field) if field.is_interface() => Some(field),
            _ => None,
        }
    }
}

/// The levels of a function: the fields that its cells restrict, and the given conditions.
pub(super) fn levels(function: &Function<'_>, conditions: &[NamedCond]) -> Vec<Level> {
    let mut restricted = [false; Field::COUNT];
    for (field, _) in function.parts.iter().flat_map(|p| p.cell.fields()) {
        restricted[home(*field) as usize] = true;
    }
    let fields = order().filter(|f| restricted[*f as usize]);
    let possible = function.space.possible();
    let of_field = |field| Level { subject: Subject::Field(field), domain: domain(field, function.space, &possible) };
    let of_cond = |c: &NamedCond| Level { subject: Subject::Condition(c.clone()), domain: (0, 1) };
    fields.map(of_field).chain(conditions.iter().map(of_cond)).collect()
}

/// The field that a field is decided with.
fn home(field: Field) -> Field {
    match field {
        Field::SrcBits => Field::Src,
        Field::DstBits => Field::Dst,
        other => other,
    }
}

fn domain(field: Field, space: &Space, possible: &Cell) -> (u128, u128) {
    if !field.is_interface() {
        return (0, field.max(space.family));
    }
    let classes = possible.get(field).and_then(Values::as_ranges);
    classes.and_then(|r| r.hull()).unwrap_or((InterfaceClasses::NONE, space.interfaces.max()))
}

/// Values in the text: addresses as hexadecimal digits, all of them; everything else decimal.
pub(super) fn value_text(field: Field, family: Family, value: u128) -> String {
    match (field, family) {
        (Field::Src | Field::Dst, Family::V4) => format!("{value:08x}"),
        (Field::Src | Field::Dst, Family::V6) => format!("{value:032x}"),
        _ => value.to_string(),
    }
}
