//! Equal texts if and only if equal functions, over thousands of small functions cut in every which way.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::packet::{Cond, Cube, Family, Field, IfacePattern, Interface, Ranges, Values};
use crate::ruleset::{Hook, Opaque, OpaqueKind, Place, Side};
use std::collections::HashMap;

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn space(more: &[IfacePattern]) -> Space {
    let mut patterns = vec![IfacePattern::exact("eth0"), IfacePattern::exact("eth1"), IfacePattern::prefix("eth")];
    patterns.extend_from_slice(more);
    Space::new(Hook::Forward, Family::V4, &[], &patterns, Default::default())
}

fn opaque(name: &str, kind: OpaqueKind) -> Opaque {
    Opaque { name: name.into(), kind }
}

fn text_of(space: &Space, parts: &[(Cell, u32)]) -> String {
    let parts = parts.iter().map(|(cell, end)| Part { cell, end: *end }).collect();
    let function = Function { space, parts, ends: vec!["accept > drop".into(), "drop > accept".into()] };
    conditions::settled(&function, MeaningBounds::default()).unwrap().text
}

fn refusal(function: &Function<'_>, steps: u64) -> Option<MeaningError> {
    conditions::settled(function, MeaningBounds { steps }).err()
}

/// A packet of the small world: source, name of the interface, mark, condition.
type Point = (u128, &'static str, u128, bool);

const NAMES: [&str; 5] = ["eth0", "eth1", "eth9", "lo", "other"];

/// Every source beyond 7 is like one of 8 to 11.
fn points() -> Vec<Point> {
    let mut out = Vec::new();
    for src in 0..12 {
        for name in NAMES {
            for mark in 0..4 {
                out.extend([(src, name, mark, false), (src, name, mark, true)]);
            }
        }
    }
    out
}

fn interface(name: &str) -> Interface {
    if name == "other" { Interface::Other } else { Interface::Named(name.into()) }
}

fn holds(space: &Space, cond: Cond, cell: &Cell, (src, name, mark, truth): Point) -> bool {
    let value = |field: Field| match field {
        Field::Src | Field::SrcBits => src,
        Field::Mark => mark,
        Field::Iif => space.interfaces.class_of(&interface(name)),
        _ => space.interfaces.class_of(&Interface::Other),
    };
    cell.fields().iter().all(|(f, v)| v.contains(value(*f))) && cell.cond(cond).is_none_or(|v| v == truth)
}

/// A function of few things, so that equal ones come up often.
fn random_function(dice: &mut Dice) -> impl Fn(Point) -> Option<u32> + use<> {
    let (by_src, by_name) = (dice.below(5), dice.below(5));
    let (by_mark, by_truth, table) = (dice.below(3), dice.below(3), dice.below(6561));
    move |(src, name, mark, truth): Point| {
        let a = match by_src {
            0 => 0,
            1 => u128::from(src < 8) * (src & 1),
            2 => src & 1,
            3 => u128::from((2..=5).contains(&src)),
            _ => u128::from(src < 4),
        };
        let b = match by_name {
            0 => 0,
            1 => u128::from(name == "eth0"),
            2 => u128::from(name.starts_with("eth")),
            3 => u128::from(name != "eth1"),
            _ => u128::from(name == "eth9"),
        };
        let c = if by_mark == 0 { mark & 1 } else { 0 } + if by_truth == 0 { u128::from(truth) } else { 0 };
        let index = (a * 4 + b * 2 + c.min(1)) as u32;
        let end = table as u32 / 3u32.pow(index) % 3;
        end.checked_sub(1)
    }
}

/// Two pieces of a cell along a random cut, either of which may be empty.
fn cut(dice: &mut Dice, space: &Space, cond: Cond, cell: &Cell) -> Vec<Cell> {
    let low = u128::from(dice.below(8));
    let (field, values) = match dice.below(6) {
        0 => (Field::Src, Values::Ranges(Ranges::range(low, low + u128::from(dice.below(8)).min(7 - low)))),
        1 => (Field::SrcBits, Values::Cube(Cube::new(low, 1 << dice.below(2)))),
        2 => (Field::Mark, Values::Cube(Cube::new(low, 1 + u128::from(dice.below(3))))),
        3 => (Field::Iif, space.interface_values(&IfacePattern::exact(NAMES[dice.below(4) as usize]))),
        4 => (Field::Iif, space.interface_values(&IfacePattern::prefix("eth"))),
        _ if cell.cond(cond).is_some() => return vec![cell.clone()],
        _ => return vec![cell.with_cond(cond, true), cell.with_cond(cond, false)],
    };
    let inside = cell.meet(field, &values, Family::V4);
    inside.into_iter().chain(cell.minus(field, &values, Family::V4)).collect()
}

fn cells(dice: &mut Dice, space: &Space, cond: Cond, function: &dyn Fn(Point) -> Option<u32>) -> Vec<(Cell, u32)> {
    let mut open = vec![(space.possible(), points())];
    let mut out = Vec::new();
    while let Some((cell, points)) = open.pop() {
        let held: Vec<Point> = points.into_iter().filter(|p| holds(space, cond, &cell, *p)).collect();
        let Some(first) = held.first().map(|p| function(*p)) else { continue };
        if dice.below(8) > 0 && held.iter().all(|p| function(*p) == first) {
            out.extend(first.map(|end| (cell, end)));
            continue;
        }
        // Most cuts are those of several that settle most, so that functions do not fall into dust.
        let settled = |parts: &Vec<Cell>| {
            let of_part = |part: &Cell| {
                let mut ends = held.iter().filter(|p| holds(space, cond, part, **p)).map(|p| function(*p));
                let first = ends.next();
                first.is_some_and(|first| ends.all(|end| end == first))
            };
            parts.len() > 1 && parts.iter().any(of_part)
        };
        let tries: Vec<Vec<Cell>> = (0..1 + dice.below(12)).map(|_| cut(dice, space, cond, &cell)).collect();
        let best = tries.iter().position(settled).unwrap_or(0);
        open.extend(tries[best].iter().map(|part| (part.clone(), held.clone())));
    }
    out
}

#[test]
fn texts_are_equal_if_and_only_if_functions_are() {
    let mut dice = Dice(7);
    let (mut by_table, mut by_text) = (HashMap::new(), HashMap::new());
    let extra = [IfacePattern::exact("wg0"), IfacePattern::prefix("w"), IfacePattern::prefix("ethx")];
    for round in 0..400 {
        let space = space(&extra[..round % 4]);
        let cond = space.cond(Side::Old, Place::NoChain, &opaque("owner: uid 0", OpaqueKind::Pure));
        let function = random_function(&mut dice);
        let table: Vec<_> = points().into_iter().map(&function).collect();
        let text = text_of(&space, &cells(&mut dice, &space, cond, &function));
        let other_text = by_table.entry(table.clone()).or_insert_with(|| text.clone());
        assert_eq!(other_text, &text, "round {round}: one function has two texts");
        let other_table = by_text.entry(text.clone()).or_insert_with(|| table.clone());
        assert_eq!(other_table, &table, "round {round}: two functions have one text\n{text}");
    }
    assert!(by_table.len() > 80 && by_table.len() < 380, "some functions came up again: {}", by_table.len());
}

#[test]
fn the_way_in_which_many_values_are_written_leaves_no_trace() {
    let space = space(&[]);
    for bits in [14, 15, 16, 20] {
        let cube = Values::Cube(Cube::new(5, (1 << bits) - 1));
        let masked = Cell::whole().with(Field::SrcBits, cube);
        let step = 1u128 << bits;
        let values = (0..1u128 << (32 - bits)).map(|n| (n * step + 5, n * step + 5)).collect();
        let listed = Cell::whole().with(Field::Src, Values::Ranges(Ranges::from_unsorted(values)));
        let one = text_of(&space, &[(masked, 0)]);
        assert_eq!(one, text_of(&space, &[(listed, 0)]), "{bits}");
        assert_eq!(one.contains("bit"), bits < 16, "{bits}");
    }
}

#[test]
fn suffixes_of_ipv6_addresses_are_not_unfolded() {
    let space = Space::new(Hook::Input, Family::V6, &[], &[], Default::default());
    let cell = Cell::whole().with(Field::DstBits, Values::Cube(Cube::new(0x1234, (1 << 64) - 1)));
    let text = text_of(&space, &[(cell, 0)]);
    assert_eq!(text.lines().count(), 65, "{text}");
}

#[test]
fn conditions_of_rules_are_known_by_what_they_decide() {
    let part = |cond: &[(Cond, bool)], lo: u128, end: u32| {
        let cell = Cell::whole().with(Field::Dport, Values::Ranges(Ranges::one(lo)));
        (cond.iter().fold(cell, |cell, (c, v)| cell.with_cond(*c, *v)), end)
    };
    let text = |order: [u32; 3], ports: [u128; 3]| {
        let space = space(&[]);
        let limit = opaque("limit: 5/second burst 5", OpaqueKind::PerRule);
        let all: Vec<Cond> =
            (0..3).map(|n| space.cond(Side::Old, Place::Rule(crate::ruleset::ChainId(0), n), &limit)).collect();
        let [a, b, c] = order.map(|n| all[n as usize]);
        let parts = [
            part(&[(a, true)], ports[0], 0),
            part(&[(b, true), (a, false)], ports[1], 1),
            part(&[(c, false)], ports[2], 1),
        ];
        text_of(&space, &parts)
    };
    let first = text([0, 1, 2], [22, 80, 443]);
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        assert_eq!(text(order, [22, 80, 443]), first);
    }
    assert_ne!(text([0, 1, 2], [22, 443, 80]), first);
}

#[test]
fn the_bound_refuses() {
    let space = space(&[]);
    let cell = |n: u128| Cell::whole().with(Field::Src, Values::Ranges(Ranges::one(n)));
    let cells: Vec<Cell> = (0..100).map(|n| cell(n * 2)).collect();
    let parts = cells.iter().map(|cell| Part { cell, end: 0 }).collect();
    let function = Function { space: &space, parts, ends: vec!["accept > drop".into()] };
    assert_eq!(refusal(&function, 50), Some(MeaningError::TooLarge));
    assert!(conditions::settled(&function, MeaningBounds::default()).is_ok());
}

#[test]
fn parts_that_overlap_are_no_effect() {
    let space = space(&[]);
    let (one, other) = (Cell::whole(), Cell::whole().with(Field::Proto, Values::one(Field::Proto, 6)));
    let parts = vec![Part { cell: &one, end: 0 }, Part { cell: &other, end: 1 }];
    let function = Function { space: &space, parts, ends: vec!["accept > drop".into(), "drop > accept".into()] };
    assert_eq!(refusal(&function, 1000), Some(MeaningError::Overlap));
}

/// A field that is added finds its place here and on the page, or changes every digest that somebody signed.
#[test]
fn the_order_of_fields_is_the_one_on_the_page() {
    let page = include_str!("../../../docs/meaning.md");
    let own: Vec<&str> = level::order().map(Field::name).collect();
    let listed = page.split_once("`iif ").and_then(|(_, rest)| rest.split_once('`')).unwrap().0;
    let listed: Vec<&str> = std::iter::once("iif").chain(listed.split_whitespace()).collect();
    assert_eq!(own, listed);
}
