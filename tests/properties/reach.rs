//! The answer of a query is a partition of the selection, and says what the interpreter says.

use super::random::{Dice, packet, ruleset};
use fwgate::packet::{Cell, Family, Field, IfacePattern, IfaceSide, Packet, Ranges, Values, witness};
use fwgate::query::{Fate, InterfaceChoice, ReachBounds, Selection, TraceVerdict, Tracer, reach};
use fwgate::ruleset::{Decision, Hook, Space};

/// Whether a packet is in a cell, whatever the conditions.
pub fn holds(space: &Space, cell: &Cell, p: &Packet) -> bool {
    cell.fields().iter().all(|(field, values)| match field {
        Field::Iif => values.contains(space.interfaces.class_of(p.interface(IfaceSide::In))),
        Field::Oif => values.contains(space.interfaces.class_of(p.interface(IfaceSide::Out))),
        Field::PhysIn | Field::PhysOut => true,
        _ => values.contains(p.get(*field)),
    })
}

fn selection(dice: &mut Dice, family: Family) -> Selection {
    let base: u128 = if family == Family::V4 { 0x0a00_0000 } else { 0x2001_0db8 << 96 };
    let mut out = Selection::default();
    if dice.chance(50) {
        out = out.with(Field::Dst, Values::Ranges(Ranges::range(base, base + u128::from(dice.below(30)))));
    }
    if dice.chance(40) {
        out = out.with(Field::Proto, Values::Ranges(Ranges::from_values([6, 17])));
    }
    if dice.chance(30) {
        let patterns = vec![IfacePattern::exact(dice.pick(&["eth0", "lo", "wg7"]))];
        let side = dice.pick(&[IfaceSide::In, IfaceSide::Out]);
        out.interfaces.push(InterfaceChoice { side, patterns, excluded: dice.chance(50) });
    }
    out
}

fn check(seed: u64) -> usize {
    let mut dice = Dice::new(seed + 80_000);
    let (hook, family) = (dice.pick(&Hook::ALL), dice.pick(&Family::ALL));
    let rules = ruleset(&mut dice, hook, family);
    let tracer = Tracer::new(&rules, hook, family);
    let asked = selection(&mut dice, family);
    let found = reach(&rules, hook, family, &asked, ReachBounds::default()).unwrap();
    assert!(found.complete, "seed {seed}");
    let cells: Vec<&Cell> = found.groups.iter().flat_map(|g| &g.cells).collect();
    let mut hits = 0;
    for n in 0..40 {
        let mut p = packet(&mut dice, hook, family);
        if n % 2 == 0 && !cells.is_empty() {
            p = witness(cells[dice.below(cells.len() as u64) as usize], family, &found.space.interfaces);
            if dice.chance(50) {
                let field = dice.pick(&[Field::Src, Field::Dst, Field::State]);
                p.set(field, (p.get(field) + 1).min(field.max(family)));
            }
        }
        let inside = found.cell.as_ref().is_some_and(|c| holds(&found.space, c, &p));
        let owners: Vec<_> = found
            .groups
            .iter()
            .flat_map(|g| g.cells.iter().map(move |c| (g, c)))
            .filter(|(_, c)| holds(&found.space, c, &p))
            .collect();
        assert_eq!(owners.len(), usize::from(inside), "seed {seed}: {p:?}\n{rules:#?}");
        let [(group, _)] = owners.as_slice() else { continue };
        let trace = tracer.trace(&p).unwrap();
        let fate = match &trace.verdict {
            TraceVerdict::Depends => Fate::Depends,
            TraceVerdict::Decided(Decision::Accept) => Fate::Accepted,
            TraceVerdict::Decided(Decision::Drop) => Fate::Dropped,
            TraceVerdict::Decided(Decision::Reject(kind)) => Fate::Rejected(kind.clone()),
        };
        let names: Vec<_> = group.conditions.iter().map(|c| found.space.cond_name(*c)).collect();
        assert_eq!(fate, group.fate, "seed {seed}: {p:?}\n{rules:#?}");
        // A pure condition may have been asked by an earlier rule, of more packets than that rule touches.
        if names.iter().all(|name| name.contains('#')) {
            assert_eq!(trace.place, group.place, "seed {seed}: {p:?}\n{rules:#?}");
        }
        let sorted = |mut names: Vec<std::sync::Arc<str>>| {
            names.sort_unstable();
            names
        };
        assert_eq!(sorted(names), sorted(trace.depends_on), "seed {seed}");
        hits += 1;
    }
    hits
}

#[test]
fn every_packet_is_in_exactly_one_group_and_meets_its_fate() {
    let hits: usize = (0..600).map(check).sum();
    assert!(hits > 5000, "{hits}");
}
