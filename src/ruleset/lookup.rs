//! Sets of tuples prepared for one space, with an index by address: of a set with thousands of entries a cell asks only
//! those that its addresses can meet.

use crate::packet::{Cell, Field, Values};
use std::hash::{Hash, Hasher};

/// What an entry asks of fields, and whether its packets are members.
pub type Tuple = (Vec<(Field, Values)>, bool);

/// The fewest entries that are worth an index.
const WORTH: usize = 3;

/// Entries of which the first that matches decides.
#[derive(Clone, Debug)]
pub struct Tuples {
    entries: Vec<Tuple>,
    index: Option<Index>,
}

/// The bounds of one address of every entry, by their beginnings.
#[derive(Clone, Debug)]
struct Index {
    field: Field,
    /// First and last value with the entry's number, ascending.
    spans: Vec<(u128, u128, u32)>,
    /// The largest last value so far.
    reach: Vec<u128>,
}

impl PartialEq for Tuples {
    fn eq(&self, other: &Tuples) -> bool {
        self.entries == other.entries
    }
}

impl Eq for Tuples {}

impl Hash for Tuples {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.entries.hash(state);
    }
}

impl Tuples {
    /// These entries.
    pub fn new(entries: Vec<Tuple>) -> Tuples {
        let index = if entries.len() < WORTH { None } else { Index::new(&entries) };
        Tuples { entries, index }
    }

    /// All entries, in order.
    pub fn entries(&self) -> &[Tuple] {
        &self.entries
    }

    /// The numbers of the entries, ascending, that packets of a cell can match; `None` where that may be all of them.
    pub fn candidates(&self, cell: &Cell, is_rewritten: impl Fn(Field) -> bool) -> Option<Vec<u32>> {
        let index = self.index.as_ref().filter(|index| !is_rewritten(index.field))?;
        let (lo, hi) = cell.get(index.field)?.as_ranges()?.hull()?;
        Some(index.meeting(lo, hi))
    }
}

impl Index {
    /// By the address that every entry bounds, and that tells more entries apart.
    fn new(entries: &[Tuple]) -> Option<Index> {
        let by = |field| Index::by(field, entries);
        let apart = |index: &Index| index.spans.windows(2).filter(|pair| pair[0].0 != pair[1].0).count();
        [Field::Src, Field::Dst].into_iter().filter_map(by).max_by_key(apart)
    }

    fn by(field: Field, entries: &[Tuple]) -> Option<Index> {
        let span = |(at, (fields, _)): (usize, &Tuple)| {
            let (_, values) = fields.iter().find(|(f, _)| *f == field)?;
            let (lo, hi) = values.as_ranges()?.hull()?;
            Some((lo, hi, at as u32))
        };
        let mut spans = entries.iter().enumerate().map(span).collect::<Option<Vec<_>>>()?;
        spans.sort_unstable();
        let largest = |so_far: &mut u128, (_, hi, _): &(u128, u128, u32)| {
            *so_far = (*so_far).max(*hi);
            Some(*so_far)
        };
        let reach = spans.iter().scan(0, largest).collect();
        Some(Index { field, spans, reach })
    }

    fn meeting(&self, lo: u128, hi: u128) -> Vec<u32> {
        let first = self.reach.partition_point(|reach| *reach < lo);
        let behind = self.spans.partition_point(|span| span.0 <= hi);
        let near = self.spans.get(first..behind).unwrap_or_default();
        let mut found: Vec<u32> = near.iter().filter(|span| span.1 >= lo).map(|span| span.2).collect();
        found.sort_unstable();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Ranges;

    fn tuple(lo: u128, hi: u128) -> Tuple {
        (vec![(Field::Src, Values::Ranges(Ranges::range(lo, hi)))], true)
    }

    #[test]
    fn the_index_finds_what_meets_a_range() {
        let spans: Vec<(u128, u128)> = (0..40).map(|n| ((n * 7) % 40, (n * 7) % 40 + n % 5)).collect();
        let tuples = Tuples::new(spans.iter().map(|(lo, hi)| tuple(*lo, *hi)).collect());
        for lo in 0..45 {
            for hi in lo..45 {
                let cell = Cell::whole().with(Field::Src, Values::Ranges(Ranges::range(lo, hi)));
                let found = tuples.candidates(&cell, |_| false).unwrap_or_default();
                let plain = (0..40u32).filter(|n| spans.get(*n as usize).is_some_and(|(a, b)| *a <= hi && lo <= *b));
                assert_eq!(found, plain.collect::<Vec<_>>(), "{lo}-{hi}");
            }
        }
        assert_eq!(tuples.candidates(&Cell::whole(), |_| false), None);
    }
}
