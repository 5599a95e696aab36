//! A trace says exactly what the interpreter says over all worlds of the opaque conditions.

use super::random::{Dice, packet, ruleset};
use fwgate::packet::{Family, Packet};
use fwgate::query::{TraceVerdict, Tracer, Tracers};
use fwgate::ruleset::{
    Base, BaseKind, Chain, ChainId, Decision, Families, Hook, Judgement, Match, NfHook, Opaque, OpaqueKind, Place,
    Rule, Ruleset, Side, Span, Step, Verdict, interpret,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

type World = BTreeSet<Arc<str>>;

/// Judges a packet in one world and says which conditions were asked.
fn judge(tracer: &Tracer<'_>, ruleset: &Ruleset, hook: Hook, p: &Packet, world: &World) -> (Judgement, World) {
    let asked = RefCell::new(World::new());
    let mut ask = |opaque: &Opaque, place: Place| {
        let name = tracer.space().cond_name(tracer.space().cond(Side::Old, place, opaque));
        let holds = world.contains(&name);
        asked.borrow_mut().insert(name);
        holds
    };
    let judged = interpret(ruleset, hook, p, &mut ask);
    (judged, asked.into_inner())
}

/// Every world over the conditions that some world asks, with what becomes of the packet; `None` where too many.
fn worlds(tracer: &Tracer<'_>, ruleset: &Ruleset, hook: Hook, p: &Packet) -> Option<BTreeMap<World, Decision>> {
    let mut names = World::new();
    loop {
        let before = names.len();
        let list: Vec<Arc<str>> = names.iter().cloned().collect();
        if list.len() > 9 {
            return None;
        }
        let mut out = BTreeMap::new();
        for bits in 0..1u32 << list.len() {
            let world: World =
                list.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1).map(|(_, n)| n.clone()).collect();
            let (judged, asked) = judge(tracer, ruleset, hook, p, &world);
            names.extend(asked);
            out.insert(world, judged.outcome.decision);
        }
        if names.len() == before {
            return Some(out);
        }
    }
}

fn flipped(world: &World, name: &Arc<str>) -> World {
    let mut out = world.clone();
    if !out.remove(name) {
        out.insert(name.clone());
    }
    out
}

fn check(seed: u64) -> usize {
    let mut dice = Dice::new(seed + 40_000);
    let (hook, family) = (dice.pick(&Hook::ALL), dice.pick(&Family::ALL));
    let rules = ruleset(&mut dice, hook, family);
    let tracer = Tracer::new(&rules, hook, family);
    let mut depending = 0;
    for _ in 0..40 {
        let p = packet(&mut dice, hook, family);
        let trace = tracer.trace(&p).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{rules:#?}"));
        let Some(all) = worlds(&tracer, &rules, hook, &p) else { continue };
        let decisions: BTreeSet<&Decision> = all.values().collect();
        let matter: World = all
            .keys()
            .flatten()
            .filter(|name| all.iter().any(|(w, d)| all.get(&flipped(w, name)).is_some_and(|o| o != d)))
            .cloned()
            .collect();
        let said: World = trace.depends_on.iter().cloned().collect();
        assert_eq!(said, matter, "seed {seed}: {p:?}\n{rules:#?}");
        let plain = judge(&tracer, &rules, hook, &p, &World::new()).0;
        if decisions.len() == 1 {
            assert_eq!(trace.verdict, TraceVerdict::Decided(plain.outcome.decision.clone()), "seed {seed}");
            assert_eq!((trace.place, trace.path.len()), (plain.place, plain.path.len()), "seed {seed}");
        } else {
            assert_eq!(trace.verdict, TraceVerdict::Depends, "seed {seed}");
            assert_eq!(trace.path.last().map(|s| (&s.verdict, s.place)), Some((&TraceVerdict::Depends, trace.place)));
            depending += 1;
        }
    }
    depending
}

#[test]
fn a_trace_is_what_the_interpreter_says_in_all_worlds() {
    let depending: usize = (0..1500).map(check).sum();
    assert!(depending > 1000, "the generator must make packets that depend: {depending}");
}

fn input(rules: Vec<Rule>, more: Vec<Vec<Rule>>) -> Ruleset {
    let chain =
        |(at, rules): (usize, Vec<Rule>)| Chain { name: format!("filter/c{at}").into(), rules, span: Span::default() };
    let base = Base {
        chain: ChainId(0),
        families: Families::both(),
        hook: NfHook::Input,
        priority: 0,
        kind: BaseKind::Filter,
        policy: Verdict::Drop,
        policy_span: Span::default(),
        principal: true,
    };
    let chains = std::iter::once(rules).chain(more).enumerate().map(chain).collect();
    Ruleset { families: Families::both(), chains, bases: vec![base], ..Ruleset::default() }
}

fn limit(n: usize) -> Step {
    Step::If(Match::Opaque(Opaque { name: format!("limit: {n}/second burst 5").into(), kind: OpaqueKind::PerRule }))
}

#[test]
fn conditions_that_do_not_matter_cost_nothing() {
    // Sixty limits in front of a chain that returns for this packet, then one that matters.
    let call = |n| Rule { steps: vec![limit(n), Step::Then(Verdict::Jump(ChainId(1)))], span: Span::default() };
    let mut rules: Vec<Rule> = (0..60).map(call).collect();
    rules.push(Rule { steps: vec![limit(60), Step::Then(Verdict::Accept)], span: Span::default() });
    let telnet = Match::layer4(&[6], Match::ranges(fwgate::packet::Field::Dport, fwgate::packet::Ranges::one(23)));
    let callee = vec![Rule { steps: vec![Step::If(telnet), Step::Then(Verdict::Drop)], span: Span::default() }];
    let rules = input(rules, vec![callee]);
    let packet = |port| Packet::tcp(Family::V4, 0x0a00_0001, 40_000, 0x0a00_0002, port);
    let mut tracers = Tracers::new(&rules, Hook::Input);
    let web = tracers.trace(&packet(80)).unwrap();
    assert_eq!(web.depends_on, ["limit: 60/second burst 5 #1".into()]);
    assert_eq!(web.place, Place::Rule(ChainId(0), 60));
    let telnet = tracers.trace(&packet(23)).unwrap();
    assert_eq!(telnet.depends_on.len(), 61);
    assert_eq!(telnet.place, Place::Rule(ChainId(0), 0));
}

#[test]
fn twenty_thousand_packets_pass_a_thousand_rules_quickly() {
    let mut dice = Dice::new(1);
    let rule = |n: u128| {
        let port = Match::layer4(&[6], Match::ranges(fwgate::packet::Field::Dport, fwgate::packet::Ranges::one(n)));
        let net = Match::ranges(fwgate::packet::Field::Src, fwgate::packet::Ranges::range(n << 16, (n << 16) + 0xffff));
        let mut steps = vec![Step::If(Match::all([net, port]))];
        steps.extend(n.is_multiple_of(50).then(|| limit(9)));
        steps.push(Step::Then(if n.is_multiple_of(3) { Verdict::Drop } else { Verdict::Accept }));
        Rule { steps, span: Span::default() }
    };
    let rules = input((0..1000).map(rule).collect(), Vec::new());
    let mut tracers = Tracers::new(&rules, Hook::Input);
    let begin = std::time::Instant::now();
    let mut accepted = 0;
    for _ in 0..20_000 {
        let at = dice.below(1000);
        let p = Packet::tcp(Family::V4, u128::from((at << 16) + dice.below(9)), 40_000, 1, at as u16);
        accepted += usize::from(tracers.trace(&p).unwrap().verdict == TraceVerdict::Decided(Decision::Accept));
    }
    assert!(accepted > 10_000);
    let took = begin.elapsed();
    eprintln!("20,000 packets: {took:?}");
    assert!(took.as_secs() < 15, "{took:?}");
}
