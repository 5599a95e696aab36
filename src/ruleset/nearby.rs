//! An index over boxes of addresses: of a chain with a hundred thousand rules, a box of packets asks only those whose
//! addresses it can meet.
//!
//! Intervals of about one length stand together, by their beginnings, so that those that meet another interval are one
//! slice of each length. A box is found by one of its addresses; where that is any address at all, by the other one.

use smallvec::SmallVec;
use std::cell::{Cell, OnceCell};

/// Inclusive bounds of both addresses in their upper 64 bits; IPv4 addresses count as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AddressBox {
    pub src: (u64, u64),
    pub dst: (u64, u64),
}

/// Numbers of boxes, ascending.
pub(super) type Near = SmallVec<[u32; 64]>;

/// The fewest boxes that are worth an index, and after how many questions it is made: making it costs about as much.
const WORTH: usize = 512;
const WORTH_AFTER: u32 = 24;

/// An index that is made when enough has been asked.
#[derive(Clone, Debug, Default)]
pub(super) struct LateIndex {
    asked: Cell<u32>,
    index: OnceCell<AddressIndex>,
}

impl LateIndex {
    /// Those of `count` boxes that can meet `wanted`; `None` where all of them are better looked at one by one.
    pub fn near(&self, count: usize, boxes: impl Fn(usize) -> AddressBox, wanted: AddressBox) -> Option<Near> {
        if count < WORTH {
            return None;
        }
        let asked = self.asked.get().saturating_add(1);
        self.asked.set(asked);
        if asked < WORTH_AFTER {
            return None;
        }
        self.index.get_or_init(|| AddressIndex::new(count, boxes)).near(wanted)
    }
}

/// The index.
#[derive(Clone, Debug)]
struct AddressIndex {
    count: usize,
    by_destination: Table,
    by_source: Table,
}

impl AddressIndex {
    fn new(count: usize, boxes: impl Fn(usize) -> AddressBox) -> AddressIndex {
        let turned = |b: AddressBox| AddressBox { src: b.dst, dst: b.src };
        AddressIndex {
            count,
            by_destination: Table::new((0..count).map(&boxes)),
            by_source: Table::new((0..count).map(|at| turned(boxes(at)))),
        }
    }

    /// By the address that leaves fewer; `None` where it would be many.
    fn near(&self, wanted: AddressBox) -> Option<Near> {
        let turned = AddressBox { src: wanted.dst, dst: wanted.src };
        let one = (self.by_destination.count(&wanted), &self.by_destination, wanted);
        let other = (self.by_source.count(&turned), &self.by_source, turned);
        let (count, table, wanted) = if one.0 <= other.0 { one } else { other };
        if count > self.count / 4 {
            return None;
        }
        let mut out: Near = table.slices(&wanted).flatten().map(|(_, at)| *at).collect();
        out.sort_unstable();
        Some(out)
    }
}

/// Boxes by their second address (`dst`); those that take any, by the first.
#[derive(Clone, Debug)]
struct Table {
    narrow: Vec<Class>,
    wide: Vec<Class>,
}

impl Table {
    fn new(boxes: impl Iterator<Item = AddressBox>) -> Table {
        let (mut narrow, mut wide) = (Sorting::default(), Sorting::default());
        for (at, b) in boxes.enumerate() {
            let (into, interval) = if is_wide(b.dst) { (&mut wide, b.src) } else { (&mut narrow, b.dst) };
            into.add(interval, at as u32);
        }
        Table { narrow: narrow.classes(), wide: wide.classes() }
    }

    fn slices<'t>(&'t self, wanted: &AddressBox) -> impl Iterator<Item = &'t [(u64, u32)]> {
        let (src, dst) = (wanted.src, wanted.dst);
        self.narrow.iter().map(move |c| c.meeting(dst)).chain(self.wide.iter().map(move |c| c.meeting(src)))
    }

    fn count(&self, wanted: &AddressBox) -> usize {
        self.slices(wanted).map(<[_]>::len).sum()
    }
}

/// Half of the IPv4 addresses, or of the others, and more.
fn is_wide((lo, hi): (u64, u64)) -> bool {
    let half = if hi <= u64::from(u32::MAX) { 1 << 31 } else { 1 << 63 };
    hi.checked_sub(lo).is_some_and(|length| length >= half - 1)
}

/// Intervals whose lengths differ by a factor of two at most.
#[derive(Clone, Debug, Default)]
struct Class {
    longest: u64,
    /// Beginnings, ascending, with the numbers of the boxes.
    starts: Vec<(u64, u32)>,
}

impl Class {
    /// All that meet an interval, and some that end before it.
    fn meeting(&self, (lo, hi): (u64, u64)) -> &[(u64, u32)] {
        let first = lo.saturating_sub(self.longest);
        let from = self.starts.partition_point(|(start, _)| *start < first);
        let behind = self.starts.partition_point(|(start, _)| *start <= hi);
        self.starts.get(from..behind).unwrap_or_default()
    }
}

/// Intervals on their way into classes.
#[derive(Default)]
struct Sorting {
    by_length: Vec<Class>,
}

impl Sorting {
    fn add(&mut self, (lo, hi): (u64, u64), at: u32) {
        // An interval that is empty meets nothing.
        let Some(length) = hi.checked_sub(lo) else { return };
        let class = (u64::BITS - length.leading_zeros()) as usize;
        if self.by_length.len() <= class {
            self.by_length.resize_with(class + 1, Class::default);
        }
        if let Some(class) = self.by_length.get_mut(class) {
            class.longest = class.longest.max(length);
            class.starts.push((lo, at));
        }
    }

    fn classes(self) -> Vec<Class> {
        let mut out = self.by_length;
        out.retain(|c| !c.starts.is_empty());
        out.iter_mut().for_each(|c| c.starts.sort_unstable());
        out
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Boxes of all lengths, with some that take any address.
    fn boxes() -> Vec<AddressBox> {
        let mut seed = 7u64;
        let mut draw = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (at, length) = (seed >> 40, seed >> 34 & 31);
            match seed >> 60 {
                0 => (0, u64::MAX),
                1 => (0, u64::from(u32::MAX)),
                2 => (at, at),
                _ => (at, at + (1 << (length % 25))),
            }
        };
        (0..3_000).map(|_| AddressBox { src: draw(), dst: draw() }).collect()
    }

    fn meet(one: &AddressBox, other: &AddressBox) -> bool {
        let both = |a: (u64, u64), b: (u64, u64)| a.0 <= b.1 && b.0 <= a.1;
        both(one.src, other.src) && both(one.dst, other.dst)
    }

    #[test]
    fn everything_that_meets_is_found() {
        let all = boxes();
        let index = AddressIndex::new(all.len(), |at| all[at]);
        let mut indexed = 0;
        for wanted in &all {
            let Some(near) = index.near(*wanted) else { continue };
            indexed += 1;
            let met = |at: &u32| all.get(*at as usize).is_some_and(|b| meet(b, wanted));
            let found: Vec<u32> = near.into_iter().filter(met).collect();
            let plain: Vec<u32> = (0..all.len() as u32).filter(met).collect();
            assert_eq!(found, plain, "{wanted:?}");
        }
        assert!(indexed > 1_000, "{indexed}");
    }

    #[test]
    fn few_boxes_and_few_questions_make_no_index() {
        let all = boxes();
        let (late, one) = (LateIndex::default(), AddressBox { src: (1, 1), dst: (1, 1) });
        assert!(late.near(WORTH - 1, |at| all[at], one).is_none());
        let first = (0..100).position(|_| late.near(all.len(), |at| all[at], one).is_some());
        assert_eq!(first, Some(WORTH_AFTER as usize - 1));
    }
}
