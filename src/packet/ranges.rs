//! Unions of integer ranges: the value sets of addresses, ports and most other fields.

use smallvec::SmallVec;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A set of integers as sorted, disjoint, non-adjacent inclusive ranges. Canonical: equal sets are `==`.
///
/// Cloning never copies a long list: sets of a million addresses are shared.
#[derive(Clone, Debug, Default)]
pub struct Ranges(Repr);

#[derive(Clone, Debug, Default)]
enum Repr {
    #[default]
    Empty,
    One([(u128, u128); 1]),
    Many(Arc<[(u128, u128)]>),
}

type Builder = SmallVec<[(u128, u128); 4]>;

impl From<Builder> for Ranges {
    fn from(sorted: Builder) -> Ranges {
        match *sorted {
            [] => Ranges(Repr::Empty),
            [one] => Ranges(Repr::One([one])),
            _ => Ranges(Repr::Many(Arc::from(sorted.as_slice()))),
        }
    }
}

impl PartialEq for Ranges {
    fn eq(&self, other: &Ranges) -> bool {
        match (&self.0, &other.0) {
            (Repr::Many(a), Repr::Many(b)) if Arc::ptr_eq(a, b) => true,
            _ => self.as_slice() == other.as_slice(),
        }
    }
}

impl Eq for Ranges {}

impl Hash for Ranges {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

impl PartialOrd for Ranges {
    fn partial_cmp(&self, other: &Ranges) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranges {
    fn cmp(&self, other: &Ranges) -> Ordering {
        self.as_slice().cmp(other.as_slice())
    }
}

impl Ranges {
    /// The empty set.
    pub fn empty() -> Ranges {
        Ranges::default()
    }

    /// The set `{value}`.
    pub fn one(value: u128) -> Ranges {
        Ranges::range(value, value)
    }

    /// The set `lo..=hi`; empty where `lo > hi`.
    pub fn range(lo: u128, hi: u128) -> Ranges {
        Ranges(if lo <= hi { Repr::One([(lo, hi)]) } else { Repr::Empty })
    }

    /// The union of any ranges, in any order, overlapping or not; ranges with `lo > hi` are empty.
    pub fn from_unsorted(mut ranges: Vec<(u128, u128)>) -> Ranges {
        ranges.retain(|(lo, hi)| lo <= hi);
        ranges.sort_unstable();
        let mut out = Builder::new();
        for (lo, hi) in ranges {
            match out.last_mut() {
                Some(last) if last.1 == u128::MAX || lo <= last.1 + 1 => last.1 = last.1.max(hi),
                _ => out.push((lo, hi)),
            }
        }
        out.into()
    }

    /// The set of the given values.
    pub fn from_values(values: impl IntoIterator<Item = u128>) -> Ranges {
        Ranges::from_unsorted(values.into_iter().map(|v| (v, v)).collect())
    }

    /// Whether no value is in the set.
    pub fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    /// The ranges, ascending.
    pub fn as_slice(&self) -> &[(u128, u128)] {
        match &self.0 {
            Repr::Empty => &[],
            Repr::One(one) => one,
            Repr::Many(many) => many,
        }
    }

    /// How many values there are; saturates at `u128::MAX` (only the full 128-bit space does).
    pub fn len(&self) -> u128 {
        self.as_slice().iter().fold(0u128, |n, (lo, hi)| n.saturating_add((hi - lo).saturating_add(1)))
    }

    /// The smallest and the largest value.
    pub fn hull(&self) -> Option<(u128, u128)> {
        Some((self.as_slice().first()?.0, self.as_slice().last()?.1))
    }

    /// The smallest value.
    pub fn first(&self) -> Option<u128> {
        self.as_slice().first().map(|r| r.0)
    }

    /// Whether `value` is in the set.
    pub fn contains(&self, value: u128) -> bool {
        let at = self.as_slice().partition_point(|r| r.1 < value);
        self.as_slice().get(at).is_some_and(|r| r.0 <= value)
    }

    /// The values in both sets.
    pub fn intersect(&self, other: &Ranges) -> Ranges {
        let (short, long) = if self.as_slice().len() <= other.as_slice().len() { (self, other) } else { (other, self) };
        let mut out = Builder::new();
        for &(lo, hi) in short.as_slice() {
            let mut at = long.as_slice().partition_point(|r| r.1 < lo);
            while let Some(&(l, h)) = long.as_slice().get(at) {
                if l > hi {
                    break;
                }
                out.push((lo.max(l), hi.min(h)));
                at += 1;
            }
        }
        out.into()
    }

    /// The values of this set that are not in `other`.
    pub fn subtract(&self, other: &Ranges) -> Ranges {
        let mut out = Builder::new();
        for &(lo, hi) in self.as_slice() {
            let mut from = lo;
            let mut spent = false;
            let mut at = other.as_slice().partition_point(|r| r.1 < lo);
            while let Some(&(l, h)) = other.as_slice().get(at) {
                if l > hi {
                    break;
                }
                if l > from {
                    out.push((from, l - 1));
                }
                if h >= hi {
                    spent = true;
                    break;
                }
                from = h + 1;
                at += 1;
            }
            if !spent {
                out.push((from, hi));
            }
        }
        out.into()
    }

    /// The values in either set.
    pub fn union(&self, other: &Ranges) -> Ranges {
        let mut all = Vec::with_capacity(self.as_slice().len() + other.as_slice().len());
        all.extend_from_slice(self.as_slice());
        all.extend_from_slice(other.as_slice());
        Ranges::from_unsorted(all)
    }

    /// The values of `0..=max` that are not in this set.
    pub fn complement(&self, max: u128) -> Ranges {
        Ranges::range(0, max).subtract(self)
    }

    /// Whether the sets share a value.
    pub fn meets(&self, other: &Ranges) -> bool {
        let (short, long) = if self.as_slice().len() <= other.as_slice().len() { (self, other) } else { (other, self) };
        short.as_slice().iter().any(|&(lo, hi)| {
            let at = long.as_slice().partition_point(|r| r.1 < lo);
            long.as_slice().get(at).is_some_and(|r| r.0 <= hi)
        })
    }

    /// Whether every value of this set is in `other`.
    pub fn is_subset(&self, other: &Ranges) -> bool {
        self.as_slice().iter().all(|&(lo, hi)| {
            let at = other.as_slice().partition_point(|r| r.1 < lo);
            other.as_slice().get(at).is_some_and(|r| r.0 <= lo && hi <= r.1)
        })
    }

    /// Whether the set is `0..=max`.
    pub fn is_full(&self, max: u128) -> bool {
        self.as_slice() == [(0, max)]
    }
}

impl FromIterator<(u128, u128)> for Ranges {
    fn from_iter<I: IntoIterator<Item = (u128, u128)>>(iter: I) -> Ranges {
        Ranges::from_unsorted(iter.into_iter().collect())
    }
}
