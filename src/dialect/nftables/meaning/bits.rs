//! Operators between a field and what it is compared with: the values of the field for which the comparison holds.

use super::types::Type;
use super::value::apply;
use crate::dialect::nftables::syntax::BinaryOp;
use crate::packet::{Cube, Ranges};

/// The widest field whose values are tried one by one, in bits.
const SMALL: u32 = 16;
/// The most single values that a masked wide field is compared with.
const MOST: u128 = 4_096;

/// What a rule asks of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// One of these values.
    Ranges(Ranges),
    /// One of these masked values.
    Cubes(Vec<Cube>),
    /// Something that neither can say.
    Other,
}

/// The operators that stand between a field and a comparison, in order.
pub type Operators = [(BinaryOp, u128)];

/// The values of a field of this type that the operators take into `target`.
pub fn before(operators: &Operators, kind: Type, target: Ranges) -> Wanted {
    if operators.is_empty() {
        return Wanted::Ranges(target);
    }
    if kind.bits() <= SMALL {
        let lands = |value: &u128| image(operators, *value, kind).is_some_and(|v| target.contains(v));
        return Wanted::Ranges(Ranges::from_values((0..=kind.max()).filter(lands)));
    }
    let Some((mask, flip)) = masked(operators, kind) else { return Wanted::Other };
    if target.len() <= MOST {
        let values = target.as_slice().iter().flat_map(|&(lo, hi)| lo..=hi);
        let cubes = values.filter(|v| (v ^ flip) & !mask == 0).map(|v| Cube::new(v ^ flip, mask));
        return Wanted::Cubes(cubes.collect());
    }
    by_network(mask, flip, kind, &target)
}

fn image(operators: &Operators, value: u128, kind: Type) -> Option<u128> {
    operators.iter().try_fold(value, |at, (op, with)| apply(*op, at, *with, kind))
}

/// `(x & mask) ^ flip`, where the operators amount to that.
fn masked(operators: &Operators, kind: Type) -> Option<(u128, u128)> {
    operators.iter().try_fold((kind.max(), 0), |(mask, flip), (op, with)| match op {
        BinaryOp::And => Some((mask & with, flip & with)),
        BinaryOp::Or => Some((mask & !with, flip | with)),
        BinaryOp::Xor => Some((mask, flip ^ with)),
        BinaryOp::ShiftLeft | BinaryOp::ShiftRight => None,
    })
}

/// Masks that leave the leading bits turn ranges into ranges.
fn by_network(mask: u128, flip: u128, kind: Type, target: &Ranges) -> Wanted {
    let host = kind.max() & !mask;
    if flip != 0 || host & host.wrapping_add(1) != 0 {
        return Wanted::Other;
    }
    let up = |value: u128| if value & host == 0 { Some(value) } else { (value | host).checked_add(1) };
    let ranges = target.as_slice().iter().filter_map(|&(lo, hi)| {
        let (first, last) = (up(lo)?, hi & mask | host);
        (first <= last).then_some((first, last))
    });
    Wanted::Ranges(ranges.collect())
}

/// The aligned blocks of a range as masked values of so many bits.
pub fn blocks(lo: u128, hi: u128, width: u32) -> Vec<Cube> {
    let max = if width >= 128 { u128::MAX } else { (1 << width) - 1 };
    let mut out = Vec::new();
    let mut at = lo;
    loop {
        let mut size: u128 = 1;
        while size <= max >> 1 && at & (2 * size - 1) == 0 && 2 * size - 1 <= hi - at {
            size *= 2;
        }
        out.push(Cube::new(at, max & !(size - 1)));
        match at.checked_add(size) {
            Some(next) if next <= hi => at = next,
            _ => return out,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_fields_are_tried_value_by_value() {
        let syn_of_two = before(&[(BinaryOp::And, 0x12)], Type::TcpFlag, Ranges::one(2));
        let Wanted::Ranges(values) = syn_of_two else { unreachable!() };
        assert!(values.contains(0x02) && values.contains(0x0b) && !values.contains(0x12));
    }

    #[test]
    fn wide_fields_become_masked_values_or_networks() {
        let mark = before(&[(BinaryOp::And, 0xff)], Type::Mark, Ranges::one(5));
        assert_eq!(mark, Wanted::Cubes(vec![Cube::new(5, 0xff)]));
        let none = before(&[(BinaryOp::And, 0xf0)], Type::Mark, Ranges::one(5));
        assert_eq!(none, Wanted::Cubes(Vec::new()));
        let net = before(&[(BinaryOp::And, 0xffff_0000)], Type::Ipv4, Ranges::range(0x0a00_0001, 0x0aff_ffff));
        assert_eq!(net, Wanted::Ranges(Ranges::range(0x0a01_0000, 0x0aff_ffff)));
        assert_eq!(before(&[(BinaryOp::ShiftRight, 8)], Type::Mark, Ranges::one(5)), Wanted::Other);
    }

    #[test]
    fn blocks_make_up_the_range() {
        let cubes = blocks(3, 12, 4);
        for value in 0..16 {
            assert_eq!(cubes.iter().filter(|c| c.contains(value)).count(), usize::from((3..=12).contains(&value)));
        }
    }
}
