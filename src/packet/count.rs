//! Exact counts of flows, independent of how a set was cut.

use super::values::Cube;
use super::{Cell, Family, Field, Ranges, Relation, Shape, Values};
use num_bigint::BigUint;

/// How many distinct layer-4 selectors packets of `proto` have: source port x destination port, or type x
/// code for the family's ICMP, else 1.
pub fn l4_selectors(family: Family, proto: u8) -> u64 {
    match Shape::of(family, proto) {
        Shape::Tcp | Shape::Ports => 1 << 32,
        Shape::Icmp => 1 << 16,
        Shape::Opaque => 1,
    }
}

/// How many distinct (source, destination, protocol, layer-4 selector) tuples have, for some value of every
/// other field, a packet in one of the cells. The cells may overlap.
pub fn count_flows(cells: &[Cell], family: Family) -> BigUint {
    let counted = |f: Field| {
        matches!(
            f,
            Field::Src
                | Field::Dst
                | Field::Proto
                | Field::Sport
                | Field::Dport
                | Field::IcmpType
                | Field::IcmpCode
                | Field::SrcBits
                | Field::DstBits
        )
    };
    let projected: Vec<Cell> = cells.iter().map(|c| c.project(counted)).collect();
    let mut total = BigUint::from(0u8);
    if let [one] = projected.as_slice() {
        return volume(one, family);
    }
    // Work list of (region, boxes that meet it): the measure of a union by subdivision.
    let all: Vec<usize> = (0..projected.len()).collect();
    let mut work = vec![(Cell::whole(), all)];
    while let Some((region, boxes)) = work.pop() {
        let boxes: Vec<usize> = boxes.into_iter().filter(|b| !region.is_apart(&projected[*b])).collect();
        let Some(&first) = boxes.first() else { continue };
        // The first box that covers the region settles it; else cut along the first one.
        let cut = projected[first].fields().iter().find(|(f, v)| region.relation(*f, v, family) != Relation::Covered);
        match cut {
            None => total += volume(&region, family),
            Some((field, values)) => {
                for part in region.minus(*field, values, family) {
                    work.push((part, boxes[1..].to_vec()));
                }
                if let Some(part) = region.meet(*field, values, family) {
                    work.push((part, boxes));
                }
            }
        }
    }
    total
}

/// The tuples of one cell that restricts only counted fields.
fn volume(cell: &Cell, family: Family) -> BigUint {
    let addresses = |field, bits| BigUint::from(1u8) * address_count(cell, field, bits, family);
    let all = Ranges::range(0, 255);
    let protos = cell.get(Field::Proto).and_then(Values::as_ranges).unwrap_or(&all);
    let shaped: Vec<u8> =
        [1, 6, 17, 33, 58, 132, 136].into_iter().filter(|p| protos.contains(u128::from(*p))).collect();
    // Protocols without a shape count one selector each.
    let mut selectors = BigUint::from(protos.len() - shaped.len() as u128);
    for proto in shaped {
        selectors += selector_count(cell, family, proto);
    }
    addresses(Field::Src, Field::SrcBits) * addresses(Field::Dst, Field::DstBits) * selectors
}

fn selector_count(cell: &Cell, family: Family, proto: u8) -> BigUint {
    let len = |field: Field| match cell.get(field).and_then(Values::as_ranges) {
        Some(r) => BigUint::from(r.len()),
        None => BigUint::from(field.max(family)) + 1u8,
    };
    match Shape::of(family, proto) {
        Shape::Tcp | Shape::Ports => len(Field::Sport) * len(Field::Dport),
        Shape::Icmp => len(Field::IcmpType) * len(Field::IcmpCode),
        Shape::Opaque => BigUint::from(1u8),
    }
}

fn address_count(cell: &Cell, field: Field, bits: Field, family: Family) -> BigUint {
    let max = family.max_address();
    let full = Ranges::range(0, max);
    let ranges = cell.get(field).and_then(Values::as_ranges).unwrap_or(&full);
    let cube = match cell.get(bits) {
        Some(Values::Cube(cube)) => *cube,
        _ => Cube::new(0, 0),
    };
    let up_to = |to: u128| -> BigUint {
        if cube.mask == 0 { BigUint::from(to) + 1u8 } else { BigUint::from(cube.count_up_to(to, max)) }
    };
    let mut total = BigUint::from(0u8);
    for &(lo, hi) in ranges.as_slice() {
        total += up_to(hi);
        if lo > 0 {
            total -= up_to(lo - 1);
        }
    }
    total
}
