//! The effect of an edit is exactly the set of packets that the interpreter judges differently.

use super::random::{Dice, edited, packet, ruleset};
use fwgate::diff::{Bounds, EffectKind, diff_filter};
use fwgate::packet::{Cell, Family, Field, IfaceSide, Packet, Ranges};
use fwgate::ruleset::{
    BaseKind, Hook, Match, Opaque, Place, Rule, Ruleset, Side, Space, Span, Step, Verdict, interpret,
};

/// Whether a packet is in a cell, under an assignment of the conditions.
fn contains(space: &Space, cell: &Cell, p: &Packet, truth: &dyn Fn(&str) -> bool) -> bool {
    let fields = cell.fields().iter().all(|(field, values)| match field {
        Field::Iif => values.contains(space.interfaces.class_of(p.interface(IfaceSide::In))),
        Field::Oif => values.contains(space.interfaces.class_of(p.interface(IfaceSide::Out))),
        Field::PhysIn | Field::PhysOut => true,
        _ => values.contains(p.get(*field)),
    });
    fields && cell.conds().iter().all(|(c, v)| truth(&space.cond_name(*c)) == *v)
}

fn truth_of(seed: u64, name: &str) -> bool {
    name.bytes().fold(seed ^ 0x51, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)).count_ones() % 2 == 0
}

/// What one seed contributed.
pub struct Checked {
    /// Packets that the sides judge differently.
    pub differing: usize,
    /// 1 where the comparison did not come to its end.
    pub bounded: usize,
}

fn check(seed: u64, packets: usize) -> Checked {
    let mut dice = Dice::new(seed);
    let hook = dice.pick(&Hook::ALL);
    let family = dice.pick(&Family::ALL);
    let old = ruleset(&mut dice, hook, family);
    let new = edited(&mut dice, &old, family);
    let label = format!("seed {seed}");
    compare(&mut dice, hook, family, (&old, &new), packets, &label)
}

/// Asserts of random packets that the effect holds them exactly where the interpreter judges them differently.
pub fn compare(
    dice: &mut Dice,
    hook: Hook,
    family: Family,
    (old, new): (&Ruleset, &Ruleset),
    packets: usize,
    label: &str,
) -> Checked {
    compare_on(dice, hook, family, (old, new), packets, label, |dice| packet(dice, hook, family))
}

/// The same for packets of another kind.
fn compare_on(
    dice: &mut Dice,
    hook: Hook,
    family: Family,
    (old, new): (&Ruleset, &Ruleset),
    packets: usize,
    label: &str,
    drawn: impl Fn(&mut Dice) -> Packet,
) -> Checked {
    let diff = diff_filter(old, new, hook, family, &[], Bounds { regions: 100_000, cells: 400_000 })
        .unwrap_or_else(|e| panic!("{label}: {e}\n{old:#?}\n{new:#?}"));
    // A few of these small rulesets are knots on purpose; a bound is an honest answer, not a wrong one.
    if !diff.complete {
        return Checked { differing: 0, bounded: 1 };
    }
    let mut differing = 0;
    for n in 0..packets {
        let mut p = drawn(dice);
        // Half of the packets come from the cells themselves, at their edges.
        if n % 2 == 0 && !diff.changes.is_empty() {
            let change = &diff.changes[dice.below(diff.changes.len() as u64) as usize];
            let cell = &change.cells[dice.below(change.cells.len() as u64) as usize];
            p = fwgate::packet::witness(cell, family, &diff.space.interfaces);
            if dice.chance(50) {
                let field = dice.pick(&[Field::Src, Field::Dst, Field::State]);
                let moved = p.get(field) + 1;
                if moved <= field.max(family) {
                    p.set(field, moved);
                }
            }
        }
        let world = dice.next();
        let truth = |name: &str| truth_of(world, name);
        let judge = |ruleset: &Ruleset, side| {
            let mut ask = |o: &Opaque, place: Place| truth(&diff.space.cond_name(diff.space.cond(side, place, o)));
            interpret(ruleset, hook, &p, &mut ask).outcome
        };
        let (a, b) = (judge(old, Side::Old), judge(new, Side::New));
        let hits: Vec<_> = diff
            .changes
            .iter()
            .flat_map(|c| c.cells.iter().map(move |cell| (c, cell)))
            .filter(|(_, cell)| contains(&diff.space, cell, &p, &truth))
            .collect();
        assert_eq!(hits.len(), usize::from(a != b), "{label}: {a:?} {b:?} {p:?}\n{old:#?}\n{new:#?}");
        if let [(change, _)] = hits.as_slice() {
            assert_eq!((&change.old.outcome, &change.new.outcome), (&a, &b), "{label}");
            assert_eq!(change.effect, EffectKind::of(&a, &b));
            differing += 1;
        }
    }
    Checked { differing, bounded: 0 }
}

#[test]
fn the_effect_is_exactly_what_the_interpreter_sees() {
    let runs: u64 = std::env::var("FWGATE_PROPERTY_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(1500);
    let (mut differing, mut bounded) = (0, 0);
    for seed in 0..runs {
        let checked = check(seed, 60);
        differing += checked.differing;
        bounded += checked.bounded;
    }
    assert!(bounded as u64 * 200 <= runs, "{bounded} of {runs} rulesets were not compared to the end");
    assert!(differing > 1000, "the generator must make differences: {differing}");
}

/// Where the addresses of long chains are, in the upper half of an IPv6 address as in an IPv4 one.
fn far(family: Family, at: u64) -> u128 {
    match family {
        Family::V4 => u128::from(at) << 8,
        Family::V6 => u128::from(at) << 72,
    }
}

/// A rule about a pair of networks, of which one may be any.
fn far_rule(dice: &mut Dice, family: Family) -> Rule {
    let network = |dice: &mut Dice| {
        let size = dice.pick(&[1u64, 1, 2, 8, 64, 512]);
        let first = dice.below(4096) / size * size;
        Ranges::range(far(family, first), far(family, first + size) - 1)
    };
    let open = dice.below(8);
    let mut steps = Vec::new();
    for (field, number) in [(Field::Src, 0), (Field::Dst, 1)] {
        if open != number {
            steps.push(Step::If(Match::ranges(field, network(dice))));
        }
    }
    steps.push(Step::Then(dice.pick(&[Verdict::Accept, Verdict::Drop])));
    Rule { steps, span: Span::default() }
}

/// Chains that are long enough to be asked through an index, in front of the rules of a small ruleset, with edits in all of it.
#[test]
fn the_effect_on_long_chains_is_exact() {
    let runs: u64 = std::env::var("FWGATE_PROPERTY_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(1500) / 75;
    let mut differing = 0;
    for seed in 0..runs {
        let mut dice = Dice::new(seed ^ 0xfa5);
        let (hook, family) = (dice.pick(&Hook::ALL), dice.pick(&Family::ALL));
        let mut old = ruleset(&mut dice, hook, family);
        let Some(base) = old.bases.iter().find(|b| b.kind == BaseKind::Filter).map(|b| b.chain.0 as usize) else {
            continue;
        };
        let many: Vec<Rule> = (0..800).map(|_| far_rule(&mut dice, family)).collect();
        old.chains[base].rules.splice(0..0, many);
        let mut new = edited(&mut dice, &old, family);
        for _ in 0..40 {
            let at = dice.below(700) as usize;
            match dice.below(3) {
                0 => drop(new.chains[base].rules.remove(at)),
                1 => new.chains[base].rules.insert(at, far_rule(&mut dice, family)),
                _ => new.chains[base].rules.swap(at, at + 1),
            }
        }
        let far_packet = |dice: &mut Dice| {
            let mut p = packet(dice, hook, family);
            for field in [Field::Src, Field::Dst] {
                p.set(field, far(family, dice.below(4096)) + u128::from(dice.below(3)));
            }
            p
        };
        let label = format!("long {seed}");
        differing += compare_on(&mut dice, hook, family, (&old, &new), 300, &label, far_packet).differing;
    }
    assert!(differing > 500, "the generator must make differences: {differing}");
}
