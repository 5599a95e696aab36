//! A cell: one value set per restricted field, and a partial assignment of the opaque conditions.

use super::values::Overlap;
use super::{Family, Field, Values};
use smallvec::SmallVec;

/// The number of an opaque condition: a free boolean of the packet space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cond(pub u32);

/// How a cell stands to a set of values of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Every packet of the cell has such a value.
    Covered,
    /// None has.
    Missed,
    /// Some have and some have not.
    Cut,
}

/// A non-empty product of value sets. A field that is absent is unrestricted.
///
/// `SrcBits` and `DstBits` restrict the same bits as `Src` and `Dst` in another way; a cell with both keeps
/// the invariant that some address satisfies the pair.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Cell {
    fields: Vec<(Field, Values)>,
    conds: SmallVec<[(Cond, bool); 2]>,
}

impl Cell {
    /// The whole space.
    pub fn whole() -> Cell {
        Cell::default()
    }

    /// The values of a field, where it is restricted.
    pub fn get(&self, field: Field) -> Option<&Values> {
        self.fields.iter().find(|(f, _)| *f == field).map(|(_, v)| v)
    }

    /// The restricted fields, in field order.
    pub fn fields(&self) -> &[(Field, Values)] {
        &self.fields
    }

    /// The assigned conditions, ascending.
    pub fn conds(&self) -> &[(Cond, bool)] {
        &self.conds
    }

    /// What the cell says of a condition.
    pub fn cond(&self, cond: Cond) -> Option<bool> {
        self.conds.iter().find(|(c, _)| *c == cond).map(|(_, v)| *v)
    }

    /// This cell with a condition fixed, replacing what it said.
    pub fn with_cond(&self, cond: Cond, value: bool) -> Cell {
        let mut out = self.clone();
        match out.conds.binary_search_by_key(&cond, |(c, _)| *c) {
            Ok(at) => out.conds[at].1 = value,
            Err(at) => out.conds.insert(at, (cond, value)),
        }
        out
    }

    /// This cell without what it says of a condition.
    pub fn without_cond(&self, cond: Cond) -> Cell {
        let mut out = self.clone();
        out.conds.retain(|(c, _)| *c != cond);
        out
    }

    /// This cell with a field's values replaced, whatever they were.
    pub fn with(&self, field: Field, values: Values) -> Cell {
        let mut out = self.clone();
        out.put(field, values);
        out
    }

    /// This cell with a field unrestricted.
    pub fn free(&self, field: Field) -> Cell {
        let mut out = self.clone();
        out.fields.retain(|(f, _)| *f != field);
        out
    }

    /// This cell restricted to the fields for which `keep` is true, and without conditions.
    pub fn project(&self, keep: impl Fn(Field) -> bool) -> Cell {
        let fields = self.fields.iter().filter(|(f, _)| keep(*f)).cloned().collect();
        Cell { fields, conds: SmallVec::new() }
    }

    fn put(&mut self, field: Field, values: Values) {
        match self.fields.binary_search_by_key(&field, |(f, _)| *f) {
            Ok(at) => self.fields[at].1 = values,
            Err(at) => self.fields.insert(at, (field, values)),
        }
    }

    /// How this cell stands to `values` of `field`.
    pub fn relation(&self, field: Field, values: &Values, family: Family) -> Relation {
        let overlap = match self.get(field) {
            Some(own) => own.overlap(values),
            None if values.is_full(field, family) => Overlap::Inside,
            None if values.is_empty() => Overlap::Outside,
            None => Overlap::Crosses,
        };
        match overlap {
            Overlap::Inside => Relation::Covered,
            Overlap::Outside => Relation::Missed,
            Overlap::Crosses if correlate(field).is_some() => self.correlated_relation(field, values, family),
            Overlap::Crosses => Relation::Cut,
        }
    }

    /// `Crosses` may be an illusion where the partner field decides.
    fn correlated_relation(&self, field: Field, values: &Values, family: Family) -> Relation {
        if !self.has_partner(field) {
            return Relation::Cut;
        }
        if self.meet(field, values, family).is_none() {
            return Relation::Missed;
        }
        if self.minus(field, values, family).is_empty() {
            return Relation::Covered;
        }
        Relation::Cut
    }

    /// The packets of this cell whose `field` is in `values`.
    pub fn meet(&self, field: Field, values: &Values, family: Family) -> Option<Cell> {
        let both = match self.get(field) {
            Some(own) => own.intersect(values)?,
            None if values.is_empty() => return None,
            None => values.clone(),
        };
        let out = self.with(field, both);
        out.is_possible(field, family).then_some(out)
    }

    /// Disjoint cells of the packets of this cell whose `field` is not in `values`.
    pub fn minus(&self, field: Field, values: &Values, family: Family) -> Vec<Cell> {
        let rest = match self.get(field) {
            Some(own) => own.subtract(values),
            None => values.complement(field, family),
        };
        rest.into_iter().map(|v| self.with(field, v)).filter(|c| c.is_possible(field, family)).collect()
    }

    /// The packets in both cells.
    pub fn intersect(&self, other: &Cell, family: Family) -> Option<Cell> {
        let mut out = self.clone();
        for (field, values) in &other.fields {
            out = out.meet(*field, values, family)?;
        }
        for &(cond, value) in &other.conds {
            match out.cond(cond) {
                Some(own) if own != value => return None,
                Some(_) => {}
                None => out = out.with_cond(cond, value),
            }
        }
        Some(out)
    }

    /// Whether the cells share no packet. Cheap, and exact but for correlated fields, where it may say no.
    pub fn is_apart(&self, other: &Cell) -> bool {
        let apart = |(field, values): &(Field, Values)| {
            other.get(*field).is_some_and(|o| values.overlap(o) == Overlap::Outside)
        };
        self.fields.iter().any(apart) || self.conds.iter().any(|(c, v)| other.cond(*c).is_some_and(|o| o != *v))
    }

    /// Disjoint cells of the packets of this cell that are not in `other`.
    pub fn subtract(&self, other: &Cell, family: Family) -> Vec<Cell> {
        if self.is_apart(other) || self.intersect(other, family).is_none() {
            return vec![self.clone()];
        }
        let mut out = Vec::new();
        let mut kept = self.clone();
        for (field, values) in &other.fields {
            out.extend(kept.minus(*field, values, family));
            match kept.meet(*field, values, family) {
                Some(next) => kept = next,
                None => return out,
            }
        }
        for &(cond, value) in &other.conds {
            if kept.cond(cond).is_none() {
                out.push(kept.with_cond(cond, !value));
                kept = kept.with_cond(cond, value);
            }
        }
        out
    }

    /// Whether every packet of this cell is in `other`.
    pub fn is_subset(&self, other: &Cell, family: Family) -> bool {
        other.fields.iter().all(|(f, v)| self.relation(*f, v, family) == Relation::Covered)
            && other.conds.iter().all(|(c, v)| self.cond(*c) == Some(*v))
    }

    /// An address of `Src` or `Dst` that satisfies also the partner's mask, at least `from`.
    pub fn address_from(&self, field: Field, from: u128, family: Family) -> Option<u128> {
        let max = family.max_address();
        let full = [(0, max)];
        let ranges = self.get(field).and_then(Values::as_ranges).map_or(&full[..], |r| r.as_slice());
        let bits = correlate(field).and_then(|partner| self.get(partner));
        ranges.iter().filter(|(_, hi)| *hi >= from).find_map(|&(lo, hi)| {
            let at = lo.max(from);
            match bits {
                Some(Values::Cube(cube)) => cube.successor(at, max).filter(|a| *a <= hi),
                _ => Some(at),
            }
        })
    }

    fn has_partner(&self, field: Field) -> bool {
        correlate(field).is_some_and(|partner| self.get(partner).is_some())
    }

    /// Whether some packet is left after `field` was restricted.
    fn is_possible(&self, field: Field, family: Family) -> bool {
        match field {
            Field::Src | Field::SrcBits if self.has_partner(field) => {
                self.address_from(Field::Src, 0, family).is_some()
            }
            Field::Dst | Field::DstBits if self.has_partner(field) => {
                self.address_from(Field::Dst, 0, family).is_some()
            }
            _ => true,
        }
    }
}

/// The field that restricts the same bits in another way.
fn correlate(field: Field) -> Option<Field> {
    match field {
        Field::Src => Some(Field::SrcBits),
        Field::SrcBits => Some(Field::Src),
        Field::Dst => Some(Field::DstBits),
        Field::DstBits => Some(Field::Dst),
        _ => None,
    }
}
