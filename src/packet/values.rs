//! The value set of one field inside a cell or a match.

use super::field::Family;
use super::{Field, Ranges};

/// A subset of the 256 values of a byte: TCP flags, where masks would shatter ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    /// All 256 values.
    pub const FULL: ByteSet = ByteSet([u64::MAX; 4]);
    /// No value.
    pub const EMPTY: ByteSet = ByteSet([0; 4]);

    /// The values for which `keep` is true.
    pub fn from_fn(keep: impl Fn(u8) -> bool) -> ByteSet {
        let mut words = [0u64; 4];
        for value in 0..=255u8 {
            if keep(value) {
                words[usize::from(value >> 6)] |= 1 << (value & 63);
            }
        }
        ByteSet(words)
    }

    /// The values `v` with `v & mask == value`.
    pub fn masked(value: u8, mask: u8) -> ByteSet {
        ByteSet::from_fn(|v| v & mask == value)
    }

    /// Whether `value` is in the set.
    pub fn contains(self, value: u8) -> bool {
        self.0[usize::from(value >> 6)] >> (value & 63) & 1 == 1
    }

    /// The values, ascending.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..=255u8).filter(move |v| self.contains(*v))
    }

    /// How many values there are.
    pub fn len(self) -> u32 {
        self.0.iter().map(|w| w.count_ones()).sum()
    }

    /// Whether there is no value.
    pub fn is_empty(self) -> bool {
        self == ByteSet::EMPTY
    }

    /// The values in both.
    pub fn intersect(self, other: ByteSet) -> ByteSet {
        self.zip(other, |a, b| a & b)
    }

    /// The values of this set that are not in `other`.
    pub fn subtract(self, other: ByteSet) -> ByteSet {
        self.zip(other, |a, b| a & !b)
    }

    /// The values in either.
    pub fn union(self, other: ByteSet) -> ByteSet {
        self.zip(other, |a, b| a | b)
    }

    fn zip(self, other: ByteSet, op: impl Fn(u64, u64) -> u64) -> ByteSet {
        ByteSet([
            op(self.0[0], other.0[0]),
            op(self.0[1], other.0[1]),
            op(self.0[2], other.0[2]),
            op(self.0[3], other.0[3]),
        ])
    }
}

/// The values `v` with `v & mask == value`: marks, and addresses under masks that are no prefixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cube {
    /// The bits that are tested.
    pub mask: u128,
    /// What they must be; no bit outside `mask`.
    pub value: u128,
}

impl Cube {
    /// The values whose `mask` bits equal those of `value`.
    pub fn new(value: u128, mask: u128) -> Cube {
        Cube { mask, value: value & mask }
    }

    /// Whether `value` is in the set.
    pub fn contains(self, value: u128) -> bool {
        value & self.mask == self.value
    }

    /// The values in both, unless none are.
    pub fn intersect(self, other: Cube) -> Option<Cube> {
        let common = self.mask & other.mask;
        (self.value & common == other.value & common)
            .then_some(Cube { mask: self.mask | other.mask, value: self.value | other.value })
    }

    /// Whether every value of this set is in `other`.
    pub fn is_subset(self, other: Cube) -> bool {
        other.mask & !self.mask == 0 && self.value & other.mask == other.value
    }

    /// Disjoint cubes that make up this set without `other`.
    pub fn subtract(self, other: Cube) -> Vec<Cube> {
        if self.intersect(other).is_none() {
            return vec![self];
        }
        let mut out = Vec::new();
        let mut kept = self;
        let mut rest = other.mask & !self.mask;
        while rest != 0 {
            let bit = rest & rest.wrapping_neg();
            rest &= rest - 1;
            out.push(Cube { mask: kept.mask | bit, value: kept.value | (!other.value & bit) });
            kept = Cube { mask: kept.mask | bit, value: kept.value | (other.value & bit) };
        }
        out
    }

    /// The smallest value of the set that is at least `from`, within `max` (all ones of the field's width).
    pub fn successor(self, from: u128, max: u128) -> Option<u128> {
        let free = max & !self.mask;
        // Candidate: keep `from` above some bit, raise that bit, minimise below.
        if self.contains(from) && from <= max {
            return Some(from);
        }
        let mut best: Option<u128> = None;
        for shift in 0..128 {
            let bit = 1u128 << shift;
            if bit > max {
                break;
            }
            if from & bit != 0 {
                continue;
            }
            let above = !(bit | (bit - 1));
            if (from ^ self.value) & self.mask & above & max != 0 {
                continue;
            }
            let raises = free & bit != 0 || self.value & bit != 0;
            if raises {
                let candidate = (from & above & max) | bit | (self.value & (bit - 1));
                best = Some(best.map_or(candidate, |b: u128| b.min(candidate)));
            }
        }
        best
    }

    /// How many values of the set are at most `to`, within `max`.
    pub fn count_up_to(self, to: u128, max: u128) -> u128 {
        let free = max & !self.mask;
        let mut total: u128 = 0;
        for shift in (0..128u32).rev() {
            let bit = 1u128 << shift;
            if bit > max {
                continue;
            }
            let free_below = (free & (bit - 1)).count_ones();
            let block = if free_below >= 128 { u128::MAX } else { 1u128 << free_below };
            if to & bit != 0 {
                if free & bit != 0 || self.value & bit == 0 {
                    total = total.saturating_add(block);
                }
                if self.mask & bit != 0 && self.value & bit == 0 {
                    return total;
                }
            } else if self.mask & bit != 0 && self.value & bit != 0 {
                return total;
            }
        }
        total.saturating_add(1)
    }
}

/// The set of values that a cell allows in one field, or that a match asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Values {
    /// A union of ranges.
    Ranges(Ranges),
    /// A subset of a byte: only for `Field::TcpFlags`.
    Flags(ByteSet),
    /// A masked value: only for marks and `SrcBits`, `DstBits`.
    Cube(Cube),
}

/// How a cell's values stand to a match's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// Every value of the first is in the second.
    Inside,
    /// None is.
    Outside,
    /// Some are and some are not.
    Crosses,
}

impl Values {
    /// The full domain of `field` in `family`.
    pub fn full(field: Field, family: Family) -> Values {
        match field {
            Field::TcpFlags => Values::Flags(ByteSet::FULL),
            Field::Mark | Field::ConnMark | Field::SrcBits | Field::DstBits => Values::Cube(Cube::new(0, 0)),
            _ => Values::Ranges(Ranges::range(0, field.max(family))),
        }
    }

    /// The one value `value` of `field`.
    pub fn one(field: Field, value: u128) -> Values {
        match field {
            Field::TcpFlags => Values::Flags(ByteSet::from_fn(|v| u128::from(v) == value)),
            Field::Mark | Field::ConnMark => Values::Cube(Cube::new(value, u32::MAX as u128)),
            Field::SrcBits | Field::DstBits => Values::Cube(Cube::new(value, u128::MAX)),
            _ => Values::Ranges(Ranges::one(value)),
        }
    }

    /// Whether `value` is in the set.
    pub fn contains(&self, value: u128) -> bool {
        match self {
            Values::Ranges(r) => r.contains(value),
            Values::Flags(f) => u8::try_from(value).is_ok_and(|v| f.contains(v)),
            Values::Cube(c) => c.contains(value),
        }
    }

    /// Whether no value is in the set.
    pub fn is_empty(&self) -> bool {
        match self {
            Values::Ranges(r) => r.is_empty(),
            Values::Flags(f) => f.is_empty(),
            Values::Cube(_) => false,
        }
    }

    /// How this set stands to `other`; sets of different kinds never meet in one field.
    pub fn overlap(&self, other: &Values) -> Overlap {
        match (self, other) {
            (Values::Ranges(a), Values::Ranges(b)) => {
                if a.is_subset(b) {
                    Overlap::Inside
                } else if a.meets(b) {
                    Overlap::Crosses
                } else {
                    Overlap::Outside
                }
            }
            (Values::Flags(a), Values::Flags(b)) => {
                let both = a.intersect(*b);
                if both == *a {
                    Overlap::Inside
                } else if both.is_empty() {
                    Overlap::Outside
                } else {
                    Overlap::Crosses
                }
            }
            (Values::Cube(a), Values::Cube(b)) => {
                if a.is_subset(*b) {
                    Overlap::Inside
                } else if a.intersect(*b).is_none() {
                    Overlap::Outside
                } else {
                    Overlap::Crosses
                }
            }
            _ => {
                debug_assert!(false, "value sets of different kinds in one field");
                Overlap::Outside
            }
        }
    }

    /// The values in both; `None` where there are none.
    pub fn intersect(&self, other: &Values) -> Option<Values> {
        let both = match (self, other) {
            (Values::Ranges(a), Values::Ranges(b)) => Values::Ranges(a.intersect(b)),
            (Values::Flags(a), Values::Flags(b)) => Values::Flags(a.intersect(*b)),
            (Values::Cube(a), Values::Cube(b)) => Values::Cube(a.intersect(*b)?),
            _ => return None,
        };
        (!both.is_empty()).then_some(both)
    }

    /// Disjoint non-empty sets that make up this set without `other`: at most one for ranges and flags.
    pub fn subtract(&self, other: &Values) -> Vec<Values> {
        let parts = match (self, other) {
            (Values::Ranges(a), Values::Ranges(b)) => vec![Values::Ranges(a.subtract(b))],
            (Values::Flags(a), Values::Flags(b)) => vec![Values::Flags(a.subtract(*b))],
            (Values::Cube(a), Values::Cube(b)) => a.subtract(*b).into_iter().map(Values::Cube).collect(),
            _ => vec![self.clone()],
        };
        parts.into_iter().filter(|p| !p.is_empty()).collect()
    }

    /// The union, where one set of this kind can hold it.
    pub fn union(&self, other: &Values) -> Option<Values> {
        match (self, other) {
            (Values::Ranges(a), Values::Ranges(b)) => Some(Values::Ranges(a.union(b))),
            (Values::Flags(a), Values::Flags(b)) => Some(Values::Flags(a.union(*b))),
            (Values::Cube(a), Values::Cube(b)) => {
                let differ = a.value ^ b.value;
                (a.mask == b.mask && differ.count_ones() == 1)
                    .then_some(Values::Cube(Cube { mask: a.mask & !differ, value: a.value & !differ }))
            }
            _ => None,
        }
    }

    /// The values of `field`'s domain that are not in this set, as disjoint sets.
    pub fn complement(&self, field: Field, family: Family) -> Vec<Values> {
        Values::full(field, family).subtract(self)
    }

    /// Whether this is the whole domain of `field`.
    pub fn is_full(&self, field: Field, family: Family) -> bool {
        match self {
            Values::Ranges(r) => r.is_full(field.max(family)),
            Values::Flags(f) => *f == ByteSet::FULL,
            Values::Cube(c) => c.mask == 0,
        }
    }

    /// The ranges, where this is a union of ranges.
    pub fn as_ranges(&self) -> Option<&Ranges> {
        match self {
            Values::Ranges(r) => Some(r),
            _ => None,
        }
    }
}

impl From<Ranges> for Values {
    fn from(ranges: Ranges) -> Values {
        Values::Ranges(ranges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubes_count_and_step_as_brute_force_does() {
        for mask in 0..16u128 {
            for value in 0..16u128 {
                let cube = Cube::new(value, mask);
                for at in 0..16u128 {
                    let below = (0..=at).filter(|v| cube.contains(*v)).count() as u128;
                    assert_eq!(cube.count_up_to(at, 15), below, "{cube:?} up to {at}");
                    let next = (at..16).find(|v| cube.contains(*v));
                    assert_eq!(cube.successor(at, 15), next, "{cube:?} from {at}");
                }
            }
        }
    }
}
