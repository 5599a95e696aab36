//! Hulls: a rule's or a cell's bounding box in a few machine words, for the test that is made most often.

use super::nearby::AddressBox;
use crate::packet::{Cell, Family, Field, Ranges, Values};

/// A box around a set of packets. It may be larger than the set, never smaller; addresses are cut to their
/// upper 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hull {
    src: (u64, u64),
    dst: (u64, u64),
    sport: (u16, u16),
    dport: (u16, u16),
    iif: (u16, u16),
    oif: (u16, u16),
    proto: (u8, u8),
    /// Conntrack states in the low five bits, fragment positions in the high three.
    bits: u8,
}

const STATES: u8 = 0x1f;
const FRAGMENTS: u8 = 0xe0;

impl Hull {
    /// Everything.
    pub const WHOLE: Hull = Hull {
        src: (0, u64::MAX),
        dst: (0, u64::MAX),
        sport: (0, u16::MAX),
        dport: (0, u16::MAX),
        iif: (0, u16::MAX),
        oif: (0, u16::MAX),
        proto: (0, u8::MAX),
        bits: u8::MAX,
    };

    /// The hull of a cell.
    pub fn of_cell(cell: &Cell, family: Family) -> Hull {
        let mut hull = Hull::WHOLE;
        for (field, values) in cell.fields() {
            hull.narrow(*field, values, family);
        }
        hull
    }

    /// Cuts the hull down to packets whose `field` is in `values`. Returns whether the hull says that exactly.
    pub fn narrow(&mut self, field: Field, values: &Values, family: Family) -> bool {
        let Some(ranges) = values.as_ranges() else { return false };
        let Some((lo, hi)) = ranges.hull() else {
            self.bits = 0;
            return true;
        };
        let single = ranges.as_slice().len() == 1;
        let word = |v: u128| if family == Family::V4 { v as u64 } else { (v >> 64) as u64 };
        let whole_words = family == Family::V4 || (lo as u64 == 0 && hi as u64 == u64::MAX);
        match field {
            Field::Src => meet(&mut self.src, (word(lo), word(hi))),
            Field::Dst => meet(&mut self.dst, (word(lo), word(hi))),
            Field::Sport => meet(&mut self.sport, (lo as u16, hi as u16)),
            Field::Dport => meet(&mut self.dport, (lo as u16, hi as u16)),
            Field::Iif => meet(&mut self.iif, (lo as u16, hi as u16)),
            Field::Oif => meet(&mut self.oif, (lo as u16, hi as u16)),
            Field::Proto => meet(&mut self.proto, (lo as u8, hi as u8)),
            Field::State => self.bits &= bits(ranges, 5, 0) | FRAGMENTS,
            Field::Fragment => self.bits &= bits(ranges, 3, 5) | STATES,
            _ => return false,
        }
        match field {
            Field::State | Field::Fragment => true,
            Field::Src | Field::Dst => single && whole_words,
            _ => single,
        }
    }

    /// This hull with a field opened to everything, because what rules see of it is not what the cell says.
    pub fn widen(&mut self, field: Field) {
        match field {
            Field::Src => self.src = Hull::WHOLE.src,
            Field::Dst => self.dst = Hull::WHOLE.dst,
            Field::Sport => self.sport = Hull::WHOLE.sport,
            Field::Dport => self.dport = Hull::WHOLE.dport,
            Field::Iif => self.iif = Hull::WHOLE.iif,
            Field::Oif => self.oif = Hull::WHOLE.oif,
            Field::State => self.bits |= STATES,
            Field::Fragment => self.bits |= FRAGMENTS,
            _ => {}
        }
    }

    /// Its addresses.
    pub(super) fn addresses(&self) -> AddressBox {
        AddressBox { src: self.src, dst: self.dst }
    }

    /// What it says of addresses, protocol and ports, field by field.
    pub fn sides(&self, family: Family) -> impl Iterator<Item = (Field, Values)> {
        let address = |(lo, hi): (u64, u64)| match family {
            Family::V4 => (u128::from(lo), u128::from(hi)),
            Family::V6 => (u128::from(lo) << 64, u128::from(hi) << 64 | u128::from(u64::MAX)),
        };
        let (wide, port) = (Hull::WHOLE, |(lo, hi): (u16, u16)| (u128::from(lo), u128::from(hi)));
        let sides = [
            (Field::Src, self.src != wide.src, address(self.src)),
            (Field::Dst, self.dst != wide.dst, address(self.dst)),
            (Field::Proto, self.proto != wide.proto, (self.proto.0.into(), self.proto.1.into())),
            (Field::Sport, self.sport != wide.sport, port(self.sport)),
            (Field::Dport, self.dport != wide.dport, port(self.dport)),
        ];
        let narrow = sides.into_iter().filter(|(_, is_narrow, _)| *is_narrow);
        narrow.map(|(field, _, (lo, hi))| (field, Values::Ranges(Ranges::range(lo, hi))))
    }

    /// This hull with only what it says of addresses, protocol and ports.
    pub fn of_header(&self) -> Hull {
        Hull { iif: Hull::WHOLE.iif, oif: Hull::WHOLE.oif, bits: Hull::WHOLE.bits, ..*self }
    }

    /// How large it is, by the binary logarithms of its sides; the larger of two boxes of packets is about that.
    pub fn extent(&self) -> u32 {
        let log = |lo: u64, hi: u64| u64::BITS - hi.saturating_sub(lo).leading_zeros();
        let ports = [self.sport, self.dport].map(|(lo, hi)| log(lo.into(), hi.into()));
        let addresses = [self.src, self.dst].map(|(lo, hi)| log(lo, hi));
        ports.iter().chain(&addresses).sum::<u32>() + log(self.proto.0.into(), self.proto.1.into())
    }

    /// The hull of the packets in both.
    pub fn and(&self, other: &Hull) -> Hull {
        let mut out = *self;
        meet(&mut out.src, other.src);
        meet(&mut out.dst, other.dst);
        meet(&mut out.sport, other.sport);
        meet(&mut out.dport, other.dport);
        meet(&mut out.iif, other.iif);
        meet(&mut out.oif, other.oif);
        meet(&mut out.proto, other.proto);
        out.bits &= other.bits;
        out
    }

    /// Whether some packet may be in both. `false` is certain.
    #[inline]
    pub fn meets(&self, other: &Hull) -> bool {
        self.dst.0 <= other.dst.1
            && other.dst.0 <= self.dst.1
            && self.src.0 <= other.src.1
            && other.src.0 <= self.src.1
            && self.dport.0 <= other.dport.1
            && other.dport.0 <= self.dport.1
            && self.proto.0 <= other.proto.1
            && other.proto.0 <= self.proto.1
            && self.sport.0 <= other.sport.1
            && other.sport.0 <= self.sport.1
            && self.iif.0 <= other.iif.1
            && other.iif.0 <= self.iif.1
            && self.oif.0 <= other.oif.1
            && other.oif.0 <= self.oif.1
            && self.bits & other.bits & STATES != 0
            && self.bits & other.bits & FRAGMENTS != 0
    }

    /// Whether every packet of `other` is in this hull.
    #[inline]
    pub fn covers(&self, other: &Hull) -> bool {
        self.dst.0 <= other.dst.0
            && other.dst.1 <= self.dst.1
            && self.src.0 <= other.src.0
            && other.src.1 <= self.src.1
            && self.dport.0 <= other.dport.0
            && other.dport.1 <= self.dport.1
            && self.proto.0 <= other.proto.0
            && other.proto.1 <= self.proto.1
            && self.sport.0 <= other.sport.0
            && other.sport.1 <= self.sport.1
            && self.iif.0 <= other.iif.0
            && other.iif.1 <= self.iif.1
            && self.oif.0 <= other.oif.0
            && other.oif.1 <= self.oif.1
            && other.bits & !self.bits == 0
    }
}

fn meet<T: Ord + Copy>(own: &mut (T, T), other: (T, T)) {
    *own = (own.0.max(other.0), own.1.min(other.1));
}

fn bits(values: &Ranges, count: u8, shift: u8) -> u8 {
    (0..count).filter(|v| values.contains(u128::from(*v))).fold(0, |bits, v| bits | 1 << (v + shift))
}
