//! Dead rules decide nothing, live rules decide something, idle rules can go, and everything else cannot.

use super::matrix::large;
use super::random::{Dice, packet, ruleset};
use fwgate::diff::{Bounds, diff_filter};
use fwgate::packet::{Family, Field, Ranges, witness};
use fwgate::query::{ShadowBounds, Shadows, WhyDead, shadows};
use fwgate::ruleset::{
    BaseKind, ChainId, Decision, Families, Hook, Identities, Match, Opaque, OpaqueKind, Place, Program, Ruleset, Side,
    Space, Span, Step, Verdict, Walker, explore, interpret,
};
use std::ops::ControlFlow;

fn contexts(rules: &Ruleset) -> impl Iterator<Item = (Hook, Family)> {
    let families = rules.families;
    let given = move |h| Family::ALL.into_iter().filter(move |f| families.contains(*f)).map(move |f| (h, f));
    Hook::ALL.into_iter().flat_map(given)
}

/// The ruleset in which a rule refuses in a way of its own as soon as its conditions hold.
fn probed(rules: &Ruleset, chain: ChainId, at: u32) -> Ruleset {
    let mut out = rules.clone();
    let steps = &mut out.chains[chain.0 as usize].rules[at as usize].steps;
    let asked = steps.iter().take_while(|s| matches!(s, Step::If(_))).count();
    steps.truncate(asked);
    steps.push(Step::Then(Verdict::Reject("probe".into())));
    out
}

fn is_probe(decision: &Decision) -> bool {
    *decision == Decision::Reject("probe".into())
}

/// A packet that gets to the probe, judged by the interpreter; `None` where there is none.
fn probe_is_reached(rules: &Ruleset, hook: Hook, family: Family) -> bool {
    let space = Space::new(hook, family, &[rules], &[], Default::default());
    let program = Program::new(rules, Side::Old, &space, &mut Identities::default());
    let walker = Walker::new(&space, &program);
    let mut found = None;
    explore(&walker, space.possible(), 1_000_000, |cell, leaf| {
        if is_probe(&leaf.outcome.decision) {
            found = Some(cell.clone());
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    let Some(cell) = found else { return false };
    let p = witness(&cell, family, &space.interfaces);
    let mut ask = |o: &Opaque, place: Place| cell.cond(space.cond(Side::Old, place, o)).unwrap_or(false);
    assert!(is_probe(&interpret(rules, hook, &p, &mut ask).outcome.decision));
    true
}

fn world(seed: u64, opaque: &Opaque, place: Place) -> bool {
    let own = if opaque.kind == OpaqueKind::PerRule { format!("{place:?}") } else { String::new() };
    let text = format!("{}{own}", opaque.name);
    text.bytes().fold(seed, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)).count_ones() % 2 == 0
}

fn is_equivalent(old: &Ruleset, new: &Ruleset) -> bool {
    contexts(old).all(|(hook, family)| {
        let diff = diff_filter(old, new, hook, family, &[], Bounds::default()).unwrap();
        assert!(diff.complete);
        diff.changes.is_empty()
    })
}

fn without(rules: &Ruleset, chain: ChainId, at: u32) -> Ruleset {
    let mut out = rules.clone();
    out.chains[chain.0 as usize].rules.remove(at as usize);
    out
}

/// Whether a nat chain is or calls this one.
fn is_of_nat(rules: &Ruleset, chain: ChainId) -> bool {
    let mut open: Vec<ChainId> = rules.bases.iter().filter(|b| b.kind == BaseKind::Nat).map(|b| b.chain).collect();
    while let Some(next) = open.pop() {
        if next == chain {
            return true;
        }
        open.extend(rules.chain(next).rules.iter().flat_map(|r| r.callees()));
    }
    false
}

fn check(seed: u64) -> [usize; 4] {
    let mut dice = Dice::new(seed + 160_000);
    let (hook, family) = (dice.pick(&Hook::ALL), dice.pick(&Family::ALL));
    let mut rules = ruleset(&mut dice, hook, family);
    // The addresses in the rules are of one family.
    rules.families = Families::only(family);
    let found = shadows(&rules, ShadowBounds::default());
    let mut counts = [0, 0, 0, usize::from(!found.is_complete())];
    for (place, rule) in rules.rules() {
        let Place::Rule(chain, at) = place else { continue };
        if found.unused.iter().any(|u| u.chain == chain) {
            assert!(
                contexts(&rules).all(|(h, f)| !probe_is_reached(&probed(&rules, chain, at), h, f)),
                "seed {seed} {place:?}"
            );
            counts[0] += 1;
            continue;
        }
        let effective = rule.steps.iter().any(|s| !matches!(s, Step::If(_) | Step::Then(Verdict::Continue)));
        if !effective || found.open.contains(&place) {
            continue;
        }
        let with_probe = probed(&rules, chain, at);
        let dead = found.dead.iter().find(|d| d.place == place);
        if is_of_nat(&rules, chain) {
            // Packets of connections that exist reach it, and no verdict there shows in what becomes of them.
            continue;
        }
        let reached = contexts(&rules).any(|(h, f)| probe_is_reached(&with_probe, h, f));
        assert_eq!(dead.is_none(), reached, "seed {seed}: {place:?} {dead:?}\n{rules:#?}");
        if let Some(dead) = dead {
            counts[1] += 1;
            // Where no rule takes the packets, either there are none or they never come with such a header.
            let nobody = dead.taken_by.is_empty();
            assert!(nobody || dead.why != WhyDead::Contradiction, "seed {seed}: {dead:?}\n{rules:#?}");
            assert!(!nobody || dead.why != WhyDead::Covered, "seed {seed}: {dead:?}\n{rules:#?}");
            for _ in 0..20 {
                let hook = dice.pick(&Hook::ALL);
                let (p, salt) = (packet(&mut dice, hook, family), dice.next());
                let judged = interpret(&with_probe, hook, &p, &mut |o, place| world(salt, o, place));
                assert!(!is_probe(&judged.outcome.decision), "seed {seed}: {p:?}");
            }
            continue;
        }
        let idle = found.idle.iter().any(|i| i.place == place);
        let plain = rule.callees().is_empty() && !rule.steps.iter().any(|s| matches!(s, Step::Set(_)));
        if (idle || plain) && !found.open_effect.contains(&place) {
            let same = is_equivalent(&rules, &without(&rules, chain, at));
            assert!(same || !idle, "seed {seed}: {place:?} can go\n{rules:#?}");
            assert!(!same || idle, "seed {seed}: {place:?} could go\n{rules:#?}");
            counts[2] += usize::from(idle);
        }
    }
    counts
}

#[test]
fn what_is_called_dead_or_idle_is_and_nothing_else() {
    let mut total = [0; 4];
    for seed in 0..200 {
        for (sum, n) in total.iter_mut().zip(check(seed)) {
            *sum += n;
        }
    }
    assert!(total[..3].iter().all(|n| *n > 50), "unused, dead and idle rules occur: {total:?}");
    assert!(total[3] < 6, "the bounds are wide enough for nearly all: {total:?}");
}

fn places(found: &Shadows) -> Vec<(Place, WhyDead, Vec<Place>)> {
    found.dead.iter().map(|d| (d.place, d.why, d.taken_by.clone())).collect()
}

#[test]
fn a_union_of_earlier_rules_is_named() {
    let port = |lo, hi| Match::layer4(&[6], Match::ranges(Field::Dport, Ranges::range(lo, hi)));
    let rule = |m: Match, v| fwgate::ruleset::Rule { steps: vec![Step::If(m), Step::Then(v)], span: Span::default() };
    let mut rules = large(0, 0);
    rules.chains[0].rules = vec![
        rule(port(20, 22), Verdict::Accept),
        rule(port(80, 80), Verdict::Accept),
        rule(port(23, 25), Verdict::Drop),
        rule(port(21, 24), Verdict::Accept),
        rule(port(443, 443), Verdict::Drop),
    ];
    let found = shadows(&rules, ShadowBounds::default());
    let at = |n| Place::Rule(ChainId(0), n);
    assert_eq!(places(&found), [(at(3), WhyDead::Covered, vec![at(0), at(2)])]);
    let idle: Vec<(Place, Vec<Place>)> = found.idle.iter().map(|i| (i.place, i.followed_by.clone())).collect();
    assert_eq!(idle, [(at(4), vec![Place::Policy(0)])], "without rule 2, rule 3 would open two ports");
}

#[test]
fn a_chain_behind_a_guard_that_excludes_it_is_judged_with_its_callers() {
    let net = |lo: u128| Match::ranges(Field::Dst, Ranges::range(lo, lo + 255));
    let rule = |m: Match, v| fwgate::ruleset::Rule { steps: vec![Step::If(m), Step::Then(v)], span: Span::default() };
    let mut rules = large(2, 0);
    rules.chains[0].rules = vec![
        rule(net(0x0a00_0000), Verdict::Jump(ChainId(1))),
        rule(Match::all([net(0x0a00_0000), net(0x0b00_0000)]), Verdict::Jump(ChainId(2))),
    ];
    rules.chains[1].rules = vec![rule(net(0x0b00_0000), Verdict::Accept), rule(net(0x0a00_0000), Verdict::Accept)];
    rules.chains[2].rules = vec![rule(net(0x0a00_0000), Verdict::Accept)];
    let found = shadows(&rules, ShadowBounds::default());
    let (base, inner) = (|n| Place::Rule(ChainId(0), n), |n| Place::Rule(ChainId(1), n));
    let why: Vec<(Place, WhyDead)> = found.dead.iter().map(|d| (d.place, d.why)).collect();
    assert_eq!(why, [(base(1), WhyDead::Contradiction), (inner(0), WhyDead::NotCalled)]);
    assert_eq!(
        found.unused.iter().map(|u| (u.chain, u.callers.clone())).collect::<Vec<_>>(),
        [(ChainId(2), vec![base(1)])]
    );
}

#[test]
fn five_thousand_rules_are_judged_quickly() {
    let rules = large(70, 70);
    let begin = std::time::Instant::now();
    let found = shadows(&rules, ShadowBounds::default());
    let took = begin.elapsed();
    eprintln!(
        "{} rules: {} dead, {} idle, {} + {} open: {took:?}",
        rules.rule_count(),
        found.dead.len(),
        found.idle.len(),
        found.open.len(),
        found.open_effect.len()
    );
    assert!(took.as_secs() < 30, "{took:?}");
}
