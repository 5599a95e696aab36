//! Every entry of a matrix is what the interpreter says of every packet between the two classes.

use super::random::{Dice, ruleset};
use fwgate::packet::{Family, Field, IfacePattern, IfaceSide, Interface, Packet, Ranges, State};
use fwgate::query::{Addresses, Entry, InterfaceChoice, Matrix, Selection, Service, TraceVerdict, Tracer, matrix};
use fwgate::ruleset::{
    Base, BaseKind, Chain, ChainId, Decision, Families, Hook, Match, NfHook, Rule, Ruleset, Span, Step, Verdict,
};
use std::collections::BTreeMap;

fn member(dice: &mut Dice, ranges: &Ranges) -> u128 {
    let (lo, hi) = dice.pick(ranges.as_slice());
    match dice.below(3) {
        0 => lo,
        1 => hi,
        _ => lo + u128::from(dice.next()).min(hi - lo),
    }
}

fn packets(dice: &mut Dice, found: &Matrix, from: usize, to: usize, hook: Hook) -> Packet {
    let src = member(dice, &found.classes[from].addresses);
    let dst = member(dice, &found.classes[to].addresses);
    let mut p = Packet::tcp(found.family, src, 1024 + dice.below(60_000) as u16, dst, 20 + dice.below(6) as u16);
    let side = |present: bool| if present { Interface::Named("eth0".into()) } else { Interface::None };
    p.set_interface(IfaceSide::In, side(hook != Hook::Output));
    p.set_interface(IfaceSide::Out, side(hook != Hook::Input));
    p.set(Field::State, State::New.value());
    p
}

fn check(seed: u64) -> [usize; 4] {
    let mut dice = Dice::new(seed + 120_000);
    let (hook, family) = (dice.pick(&Hook::ALL), dice.pick(&Family::ALL));
    let rules = ruleset(&mut dice, hook, family);
    let service = Service { name: "tcp/20-25".into(), proto: 6, ports: Some(Ranges::range(20, 25)) };
    let mut more = Selection::default();
    for side in [IfaceSide::In, IfaceSide::Out] {
        let absent = (side == IfaceSide::In && hook == Hook::Output) || (side == IfaceSide::Out && hook == Hook::Input);
        let choice = InterfaceChoice { side, patterns: vec![IfacePattern::exact("eth0")], excluded: false };
        more.interfaces.extend((!absent).then_some(choice));
    }
    let found = matrix(&rules, hook, family, &service, &more, &BTreeMap::new()).unwrap();
    let tracer = Tracer::new(&rules, hook, family);
    let covered = found.classes.iter().fold(Ranges::empty(), |all, c| {
        assert!(!all.meets(&c.addresses), "seed {seed}: classes are disjoint");
        all.union(&c.addresses)
    });
    assert!(covered.is_full(family.max_address()), "seed {seed}: classes are a partition");
    for a in 0..found.classes.len() {
        for b in 0..a {
            let column = |c: usize| found.entries.iter().map(|r| r[c]).collect::<Vec<_>>();
            assert!(found.entries[a] != found.entries[b] || column(a) != column(b), "seed {seed}: classes differ");
        }
    }
    let mut counts = [0; 4];
    for from in 0..found.classes.len() {
        for to in 0..found.classes.len() {
            let entry = found.entries[from][to];
            counts[entry as usize] += 1;
            for _ in 0..6 {
                let p = packets(&mut dice, &found, from, to, hook);
                let verdict = tracer.trace(&p).unwrap().verdict;
                let fits = match entry {
                    Entry::Accept => verdict == TraceVerdict::Decided(Decision::Accept),
                    Entry::Depends => verdict == TraceVerdict::Depends,
                    Entry::Drop => matches!(verdict, TraceVerdict::Decided(Decision::Drop | Decision::Reject(_))),
                    Entry::Partly => true,
                };
                assert!(fits, "seed {seed}: {entry:?} {verdict:?} {p:?}\n{rules:#?}");
            }
        }
    }
    counts
}

#[test]
fn every_entry_is_what_the_interpreter_says() {
    let mut total = [0; 4];
    for seed in 0..800 {
        for (sum, n) in total.iter_mut().zip(check(seed)) {
            *sum += n;
        }
    }
    assert!(total.iter().all(|n| *n > 50), "every kind of entry occurs: {total:?}");
}

/// A forward filter with these chains, the base chain first.
pub fn filter(chains: Vec<Vec<Rule>>, policy: Verdict) -> Ruleset {
    let base = Base {
        chain: ChainId(0),
        families: Families::both(),
        hook: NfHook::Forward,
        priority: 0,
        kind: BaseKind::Filter,
        policy,
        policy_span: Span::default(),
        principal: true,
    };
    let chain =
        |(at, rules): (usize, Vec<Rule>)| Chain { name: format!("filter/c{at}").into(), rules, span: Span::default() };
    let chains = chains.into_iter().enumerate().map(chain).collect();
    Ruleset { families: Families::both(), chains, bases: vec![base], ..Ruleset::default() }
}

fn rule(condition: Vec<Match>, verdict: Verdict) -> Rule {
    Rule { steps: vec![Step::If(Match::all(condition)), Step::Then(verdict)], span: Span::default() }
}

fn net(field: Field, lo: u128, size: u128) -> Match {
    Match::ranges(field, Ranges::range(lo, lo + size - 1))
}

#[test]
fn classes_carry_the_names_of_the_policy() {
    let office = net(Field::Src, 0x0a14_0000, 65_536);
    let servers = net(Field::Dst, 0x0a1e_0000, 65_536);
    let rules = filter(vec![vec![rule(vec![office, servers], Verdict::Accept)]], Verdict::Drop);
    let addresses = |lo: u128| Addresses { v4: Ranges::range(lo, lo + 65_535), v6: Ranges::empty() };
    let names = BTreeMap::from([("office".to_owned(), addresses(0x0a14_0000))]);
    let service = Service { name: "tcp/22".into(), proto: 6, ports: Some(Ranges::one(22)) };
    let found = matrix(&rules, Hook::Forward, Family::V4, &service, &Selection::default(), &names).unwrap();
    let called: Vec<&str> = found.classes.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(called, ["office", "10.30.0.0/16", "everything else"]);
    assert_eq!(found.entries[0], [Entry::Drop, Entry::Accept, Entry::Drop]);
}

/// A dump as a container platform makes it: dispatch by network into many user chains.
pub fn large(chains: u64, each: u64) -> Ruleset {
    let mut dice = Dice::new(5);
    let mut out = vec![Vec::new()];
    for n in 0..chains {
        let own = 0x0a00_0000 + (u128::from(n) << 12);
        out[0].push(rule(vec![net(Field::Dst, own, 4096)], Verdict::Jump(ChainId(n as u32 + 1))));
        let inner = |dice: &mut Dice| {
            let port = Match::layer4(&[6], Match::ranges(Field::Dport, Ranges::one(dice.pick(&[22, 22, 80, 443]))));
            let from = net(Field::Src, 0x0a00_0000 + (u128::from(dice.below(chains)) << 12), 4096);
            let to = net(Field::Dst, own + u128::from(dice.below(256) * 16), 16);
            rule(vec![from, to, port], if dice.chance(80) { Verdict::Accept } else { Verdict::Drop })
        };
        out.push((0..each).map(|_| inner(&mut dice)).collect());
    }
    filter(out, Verdict::Drop)
}

#[test]
fn five_thousand_rules_make_a_picture_quickly() {
    let rules = large(70, 70);
    let service = Service { name: "tcp/22".into(), proto: 6, ports: Some(Ranges::one(22)) };
    let begin = std::time::Instant::now();
    let found = matrix(&rules, Hook::Forward, Family::V4, &service, &Selection::default(), &BTreeMap::new()).unwrap();
    let took = begin.elapsed();
    eprintln!("{} rules, {} classes: {took:?}", rules.rule_count(), found.classes.len());
    assert!(took.as_secs() < 5, "{took:?}");
}
