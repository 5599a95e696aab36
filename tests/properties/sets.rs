//! Packet sets against brute force on a small space.

use super::random::Dice;
use fwgate::packet::{ByteSet, Cell, Cube, Family, Field, PacketSet, Ranges, Values, coalesce};
use num_bigint::BigUint;

/// The points of the small space: 16 source addresses, 4 protocols, 8 ports, 4 flag values, 4 marks.
fn points() -> impl Iterator<Item = [u128; 5]> {
    (0..16u128).flat_map(|a| {
        (0..4u128).flat_map(move |p| {
            (0..8u128).flat_map(move |d| (0..4u128).flat_map(move |f| (0..4u128).map(move |m| [a, p, d, f, m])))
        })
    })
}

const FIELDS: [Field; 5] = [Field::Src, Field::Proto, Field::Dport, Field::TcpFlags, Field::Mark];

fn cell(dice: &mut Dice) -> Cell {
    let mut cell = Cell::whole();
    for field in FIELDS {
        if dice.chance(45) {
            continue;
        }
        let values = match field {
            Field::TcpFlags => {
                let keep = dice.next();
                Values::Flags(ByteSet::from_fn(|v| keep >> (v % 64) & 1 == 1 || v == 3))
            }
            Field::Mark => Values::Cube(Cube::new(u128::from(dice.below(4)), u128::from(dice.below(4)))),
            _ => {
                let lo = u128::from(dice.below(8));
                let hi = lo + u128::from(dice.below(5));
                if dice.chance(30) {
                    Values::Ranges(Ranges::from_unsorted(vec![(lo, hi), (hi + 2, hi + 3)]))
                } else {
                    Values::Ranges(Ranges::range(lo, hi))
                }
            }
        };
        cell = cell.with(field, values);
    }
    if dice.chance(25) {
        let cube = Cube::new(u128::from(dice.below(16)), u128::from(dice.pick(&[5u64, 9, 10])));
        if let Some(both) = cell.meet(Field::SrcBits, &Values::Cube(cube), Family::V4) {
            cell = both;
        }
    }
    cell
}

fn holds(cell: &Cell, point: &[u128; 5]) -> bool {
    cell.fields().iter().all(|(f, v)| {
        let at = FIELDS.iter().position(|x| x == f).unwrap_or(0);
        v.contains(point[at])
    })
}

fn times(set: &PacketSet, point: &[u128; 5]) -> usize {
    set.cells().iter().filter(|c| holds(c, point)).count()
}

#[test]
fn the_algebra_agrees_with_brute_force() {
    for seed in 0..150 {
        let mut dice = Dice::new(seed + 7_000);
        let cells = |dice: &mut Dice| (0..1 + dice.below(4)).map(|_| cell(dice)).collect::<Vec<_>>();
        let (ca, cb) = (cells(&mut dice), cells(&mut dice));
        let a = PacketSet::from_cells(Family::V4, ca.clone());
        let b = PacketSet::from_cells(Family::V4, cb.clone());
        let (union, both, minus) = (a.union(&b), a.intersect(&b), a.subtract(&b));
        let (not, joined) = (a.complement(), PacketSet::from_disjoint(Family::V4, coalesce(a.cells().to_vec())));
        for p in points() {
            let (x, y) = (ca.iter().any(|c| holds(c, &p)), cb.iter().any(|c| holds(c, &p)));
            assert_eq!(times(&a, &p), usize::from(x), "seed {seed}: cells are disjoint");
            assert_eq!(times(&union, &p), usize::from(x || y), "seed {seed} union");
            assert_eq!(times(&both, &p), usize::from(x && y), "seed {seed} intersection");
            assert_eq!(times(&minus, &p), usize::from(x && !y), "seed {seed} difference");
            assert_eq!(times(&not, &p), usize::from(!x), "seed {seed} complement");
            assert_eq!(times(&joined, &p), usize::from(x), "seed {seed} coalesce");
        }
        assert!(a.same_packets(&joined), "seed {seed}");
        assert!(both.is_subset(&a) && both.is_subset(&b), "seed {seed}");
        // Layer-4 fields exist only behind a protocol that has them.
        let as_tcp = |set: &PacketSet| {
            let tcp = |c: &Cell| c.with(Field::Proto, Values::Ranges(Ranges::one(6)));
            PacketSet::from_cells(Family::V4, set.cells().iter().map(tcp)).count_flows()
        };
        assert_eq!(as_tcp(&minus.union(&both)), as_tcp(&a), "seed {seed}: counts ignore the cutting");
    }
}

#[test]
fn flows_are_counted_once_however_they_are_cut() {
    let tcp = |lo: u128, hi: u128| {
        Cell::whole()
            .with(Field::Src, Values::Ranges(Ranges::range(lo, hi)))
            .with(Field::Dst, Values::Ranges(Ranges::one(1)))
            .with(Field::Proto, Values::Ranges(Ranges::one(6)))
            .with(Field::Dport, Values::Ranges(Ranges::one(443)))
    };
    let new = tcp(0, 9).with(Field::State, Values::Ranges(Ranges::one(0)));
    let later = tcp(5, 14).with(Field::State, Values::Ranges(Ranges::one(1)));
    let set = PacketSet::from_cells(Family::V4, [new, later]);
    assert_eq!(set.count_flows(), BigUint::from(15u64 * 65_536));
    let esp = Cell::whole().with(Field::Proto, Values::Ranges(Ranges::one(50)));
    let all_pairs = BigUint::from(1u128 << 64);
    assert_eq!(PacketSet::from_cells(Family::V4, [esp]).count_flows(), all_pairs);
}
