//! Random rulesets, edits of them, and packets at and around their boundaries.

use fwgate::packet::{
    ByteSet, Cube, Family, Field, IfacePattern, IfaceSide, Interface, Packet, Ranges, Shape, State, Values,
};
use fwgate::ruleset::{
    Base, BaseKind, Chain, ChainId, Effect, Entry, Families, Hook, Lookup, Match, Negate, NfHook, Opaque, OpaqueKind,
    Rewrite, Rule, Ruleset, Span, Step, TranslatedSide, Translation, Verdict,
};
use std::sync::Arc;

/// A small deterministic generator (xorshift64*), so that a failing seed is the whole report.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 33) % n
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }
}

const PROTOS: [u8; 5] = [6, 17, 1, 58, 50];

fn address(dice: &mut Dice, family: Family) -> Ranges {
    let base: u128 = if family == Family::V4 { 0x0a00_0000 } else { 0x2001_0db8 << 96 };
    let bits = dice.pick(&[0u32, 1, 2, 3, 4, 8]);
    let at = u128::from(dice.below(24)) & !((1u128 << bits) - 1);
    Ranges::range(base + at, base + at + ((1 << bits) - 1))
}

fn ports(dice: &mut Dice) -> Ranges {
    let lo = u128::from(dice.below(6)) + 20;
    let hi = lo + u128::from(dice.pick(&[0u64, 0, 0, 1, 3]));
    if dice.chance(20) { Ranges::from_unsorted(vec![(lo, hi), (80, 82)]) } else { Ranges::range(lo, hi) }
}

/// TTLs around those of the packets.
fn ttls(dice: &mut Dice) -> Ranges {
    let at = u128::from(dice.pick(&[0u8, 1, 2, 62, 63, 64, 253, 254, 255]));
    match dice.below(3) {
        0 => Ranges::one(at),
        1 => Ranges::range(0, at),
        _ => Ranges::range(at, 255),
    }
}

fn layer4(dice: &mut Dice, family: Family) -> Match {
    let proto = dice.pick(&PROTOS);
    let inner = match Shape::of(family, proto) {
        Shape::Tcp if dice.chance(40) => {
            let mask = dice.pick(&[0x02u8, 0x17, 0x3f]);
            Match::Field(Field::TcpFlags, Values::Flags(ByteSet::masked(dice.pick(&[0x02u8, 0x10, 0]) & mask, mask)))
        }
        Shape::Tcp | Shape::Ports => {
            let field = dice.pick(&[Field::Sport, Field::Dport, Field::Dport]);
            Match::ranges(field, ports(dice))
        }
        Shape::Icmp => Match::ranges(Field::IcmpType, Ranges::one(u128::from(dice.below(3)))),
        Shape::Opaque => return Match::protocols([proto]),
    };
    Match::layer4(&[proto], inner)
}

fn condition(dice: &mut Dice, family: Family) -> Match {
    let negate = if dice.chance(20) { Negate::Yes } else { Negate::No };
    let found = match dice.below(17) {
        14 => Match::ranges(Field::Fragment, Ranges::range(u128::from(dice.below(2)), 1 + u128::from(dice.below(2)))),
        0 | 1 => Match::ranges(Field::Src, address(dice, family)),
        2 | 3 => Match::ranges(Field::Dst, address(dice, family)),
        4..=6 => layer4(dice, family),
        7 => {
            let states = dice.pick(&[vec![0u128], vec![1, 2], vec![3], vec![4], vec![0, 4]]);
            Match::ranges(Field::State, Ranges::from_values(states))
        }
        8 => {
            let side = dice.pick(&[IfaceSide::In, IfaceSide::Out]);
            let pattern = dice.pick(&[
                IfacePattern::exact("eth0"),
                IfacePattern::exact("lo"),
                IfacePattern::prefix("eth"),
                IfacePattern::prefix(""),
            ]);
            Match::Interface(side, pattern)
        }
        9 => {
            let kind = dice.pick(&[OpaqueKind::Pure, OpaqueKind::PerRule]);
            Match::Opaque(Opaque { name: dice.pick(&["limit: 1/second", "owner: uid 0"]).into(), kind })
        }
        10 => {
            let mask = u128::from(dice.pick(&[1u64, 3, 0xff]));
            let cube = Values::Cube(Cube::new(u128::from(dice.below(4)), mask));
            if dice.chance(70) {
                Match::Field(Field::Mark, cube)
            } else {
                return Match::all([Match::tracked(), Match::Field(Field::ConnMark, cube).negated_if(negate)]);
            }
        }
        11 => Match::ranges(Field::Ttl, ttls(dice)),
        12 => Match::Translated(dice.pick(&[TranslatedSide::Source, TranslatedSide::Destination])),
        13 => {
            let cube = Cube::new(u128::from(dice.below(8)), u128::from(dice.pick(&[5u64, 6, 9])));
            Match::Field(dice.pick(&[Field::SrcBits, Field::DstBits]), Values::Cube(cube))
        }
        _ => {
            let entries = (0..3)
                .map(|_| {
                    let mut fields = vec![(Field::Src, Values::Ranges(address(dice, family)))];
                    if dice.chance(60) {
                        fields.push((Field::Proto, Values::Ranges(Ranges::one(6))));
                        fields.push((Field::Fragment, Values::Ranges(Ranges::range(0, 1))));
                        fields.push((Field::Dport, Values::Ranges(ports(dice))));
                    }
                    Entry { fields, interfaces: Vec::new(), member: dice.chance(80) }
                })
                .collect();
            Match::Lookup(Arc::new(Lookup { name: "set".into(), entries }))
        }
    };
    found.negated_if(negate)
}

fn verdict(dice: &mut Dice, base: &Base, family: Family, callees: &[ChainId]) -> Verdict {
    if base.kind == BaseKind::Nat && dice.chance(60) {
        return Verdict::Translate(Arc::new(translation(dice, base.hook, family)));
    }
    match dice.below(9) {
        0..=2 => Verdict::Accept,
        3 | 4 if base.kind != BaseKind::Nat || dice.chance(50) => Verdict::Drop,
        5 if base.kind != BaseKind::Nat => Verdict::Reject(dice.pick(&["tcp-reset", "icmp-port-unreachable"]).into()),
        6 => Verdict::Return,
        7 if !callees.is_empty() => Verdict::Goto(dice.pick(callees)),
        8 if !callees.is_empty() => Verdict::Jump(dice.pick(callees)),
        _ => Verdict::Continue,
    }
}

fn translation(dice: &mut Dice, hook: NfHook, family: Family) -> Translation {
    let to = if dice.chance(70) {
        let r = address(dice, family);
        Rewrite::To(if dice.chance(60) { Ranges::one(r.first().unwrap()) } else { r })
    } else {
        let host = 3;
        Rewrite::Prefix { base: address(dice, family).first().unwrap() & !host, host }
    };
    let port = dice.chance(20).then(|| Rewrite::To(ports(dice)));
    if matches!(hook, NfHook::Prerouting | NfHook::Output) {
        let options = if dice.chance(15) { vec!["redirect".into()] } else { Vec::new() };
        let dst = Some(to).filter(|_| options.is_empty() || dice.chance(50));
        Translation { dst, dport: port, options, ..Translation::default() }
    } else {
        let options = if dice.chance(15) { vec!["masquerade".into()] } else { Vec::new() };
        let src = Some(to).filter(|_| options.is_empty());
        Translation { src, sport: port, options, ..Translation::default() }
    }
}

/// Ports are translated only of protocols that have them.
fn sets_port(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Translate(t) if t.sport.is_some() || t.dport.is_some())
}

fn rule(dice: &mut Dice, base: &Base, family: Family, callees: &[ChainId]) -> Rule {
    let mut steps: Vec<Step> = (0..dice.below(3))
        .map(|_| Step::If(condition(dice, family)))
        .filter(|s| *s != Step::If(Match::Always))
        .collect();
    if dice.chance(12) {
        steps.push(Step::Set(match dice.below(10) {
            0 => Effect::Untrack,
            1 => Effect::Mark { field: Field::Mark, keep: !1, take: 0, xor: dice.below(4) as u32 },
            2 => Effect::Mark { field: Field::Mark, keep: !3, take: 3, xor: 0 },
            3 => Effect::Mark { field: Field::ConnMark, keep: !3, take: 3, xor: 1 },
            4 => Effect::Rewrite(Field::Mark, Rewrite::To(Ranges::range(1, 1 + u128::from(dice.below(2))))),
            5 => Effect::Rewrite(Field::TcpFlags, Rewrite::Masked { keep: 0x3f, xor: 0 }),
            6 => Effect::Rewrite(Field::Dst, Rewrite::To(address(dice, family))),
            7 => Effect::Rewrite(Field::Ttl, Rewrite::To(Ranges::one(64))),
            _ => Effect::Rewrite(Field::Ttl, Rewrite::Add(dice.pick(&[-2, -1, 1, 3]))),
        }));
    } else if dice.chance(8) {
        let entries =
            (0..2).map(|_| (condition(dice, family), verdict(dice, base, family, callees))).collect::<Vec<_>>();
        if entries.iter().any(|(_, v)| sets_port(v)) {
            steps.insert(0, Step::If(Match::protocols([6, 17])));
        }
        steps.push(Step::Choose(entries.into()));
        return Rule { steps, span: Span::default() };
    }
    let verdict = verdict(dice, base, family, callees);
    if sets_port(&verdict) {
        steps.insert(0, Step::If(Match::protocols([6, 17])));
    }
    steps.push(Step::Then(verdict));
    Rule { steps, span: Span::default() }
}

/// A ruleset with tables before, at and after the filter, user chains, marks, nat and opaque conditions.
pub fn ruleset(dice: &mut Dice, hook: Hook, family: Family) -> Ruleset {
    let mut out = Ruleset { families: Families::both(), conntrack: dice.chance(70), ..Ruleset::default() };
    for nf in hook.netfilter() {
        let kinds: &[(i32, BaseKind)] =
            &[(-500, BaseKind::Filter), (-300, BaseKind::Filter), (-100, BaseKind::Nat), (0, BaseKind::Filter)];
        for (priority, kind) in kinds {
            let wanted = match (nf, kind, priority) {
                (NfHook::Ingress | NfHook::Egress, _, 0) => 20,
                (NfHook::Ingress | NfHook::Egress, ..) => 0,
                (NfHook::Input | NfHook::Forward, BaseKind::Nat, _)
                | (NfHook::Input | NfHook::Forward, _, -300 | -500) => 0,
                (_, _, -500) => 20,
                (_, BaseKind::Nat, _) => 40,
                (NfHook::Prerouting | NfHook::Postrouting, _, 0) => 20,
                (_, _, 0) => 100,
                _ => 40,
            };
            if dice.chance(wanted) {
                out.conntrack |= *kind == BaseKind::Nat;
                let policy = if *kind != BaseKind::Nat && dice.chance(40) { Verdict::Drop } else { Verdict::Accept };
                base_chain(dice, &mut out, *nf, *priority, *kind, policy, family);
            }
        }
    }
    if out.bases.iter().any(|b| b.kind == BaseKind::Nat) {
        out.conntrack = true;
    }
    out
}

fn base_chain(
    dice: &mut Dice,
    out: &mut Ruleset,
    hook: NfHook,
    priority: i32,
    kind: BaseKind,
    policy: Verdict,
    family: Family,
) {
    let base = Base {
        chain: ChainId(0),
        families: Families::both(),
        hook,
        priority,
        kind,
        policy,
        policy_span: Span::default(),
        principal: false,
    };
    let mut callees = Vec::new();
    for _ in 0..dice.below(3) {
        let rules = (0..1 + dice.below(4)).map(|_| rule(dice, &base, family, &callees)).collect();
        let id = ChainId(out.chains.len() as u32);
        out.chains.push(Chain { name: format!("t/u{}", id.0).into(), rules, span: Span::default() });
        callees.push(id);
    }
    let rules = (0..1 + dice.below(8)).map(|_| rule(dice, &base, family, &callees)).collect();
    let id = ChainId(out.chains.len() as u32);
    out.chains.push(Chain { name: format!("t/b{}", id.0).into(), rules, span: Span::default() });
    out.bases.push(Base { chain: id, ..base });
}

/// A few edits: rules removed, swapped, replaced.
pub fn edited(dice: &mut Dice, old: &Ruleset, family: Family) -> Ruleset {
    let mut new = old.clone();
    // A rule elsewhere that needs conntrack, or no longer: fragments are put together, or not.
    if dice.chance(10) && new.bases.iter().all(|b| b.kind != BaseKind::Nat) {
        new.conntrack = !new.conntrack;
    }
    for _ in 0..1 + dice.below(3) {
        let at = dice.below(new.chains.len() as u64) as usize;
        let base = new
            .bases
            .iter()
            .find(|b| b.chain.0 as usize >= at)
            .cloned()
            .unwrap_or_else(|| new.bases.last().unwrap().clone());
        let rules = &mut new.chains[at].rules;
        match dice.below(4) {
            0 if !rules.is_empty() => {
                let i = dice.below(rules.len() as u64) as usize;
                rules.remove(i);
            }
            1 if rules.len() > 1 => {
                let i = dice.below(rules.len() as u64 - 1) as usize;
                rules.swap(i, i + 1);
            }
            2 => {
                let i = dice.below(rules.len() as u64 + 1) as usize;
                rules.insert(i, rule(dice, &base, family, &[]));
            }
            _ => {
                let at = dice.below(new.bases.len() as u64) as usize;
                if new.bases[at].kind != BaseKind::Nat {
                    new.bases[at].policy =
                        if new.bases[at].policy == Verdict::Drop { Verdict::Accept } else { Verdict::Drop };
                }
            }
        }
    }
    new
}

/// A packet in the small world in which the rulesets live.
pub fn packet(dice: &mut Dice, hook: Hook, family: Family) -> Packet {
    let base: u128 = if family == Family::V4 { 0x0a00_0000 } else { 0x2001_0db8 << 96 };
    let mut p = Packet::new(family);
    p.set(Field::Src, base + u128::from(dice.below(40)) - 4);
    p.set(Field::Dst, base + u128::from(dice.below(40)) - 4);
    p.set(Field::Proto, u128::from(dice.pick(&PROTOS)));
    p.set(
        Field::State,
        dice.pick(&[State::New, State::New, State::Established, State::Related, State::Invalid]).value(),
    );
    if dice.chance(10) {
        p.set(Field::State, State::Untracked.value());
    }
    if p.shape().has_ports() {
        p.set(Field::Sport, u128::from(dice.below(10)) + 18);
        p.set(Field::Dport, u128::from(dice.pick(&[19u64, 20, 21, 22, 23, 24, 25, 26, 79, 80, 82, 83])));
    }
    if p.shape() == Shape::Tcp {
        p.set(Field::TcpFlags, u128::from(dice.pick(&[2u64, 16, 18, 0, 1, 17, 41, 255])));
    }
    if p.shape() == Shape::Icmp {
        p.set(Field::IcmpType, u128::from(dice.below(4)));
    }
    p.set(Field::Fragment, u128::from(dice.pick(&[0u8, 0, 0, 1, 2])));
    p.set(Field::Mark, u128::from(dice.below(8)));
    p.set(Field::Ttl, u128::from(dice.pick(&[0u8, 1, 2, 3, 62, 63, 64, 64, 65, 253, 254, 255])));
    if p.state() != State::New {
        p.set(Field::ConnMark, u128::from(dice.below(8)));
    }
    let name = |dice: &mut Dice| match dice.below(4) {
        0 => Interface::Other,
        n => Interface::Named(["eth0", "eth1", "lo"][n as usize - 1].into()),
    };
    let (i, o) = (name(dice), name(dice));
    p.set_interface(IfaceSide::In, if hook == Hook::Output { Interface::None } else { i });
    p.set_interface(IfaceSide::Out, if hook == Hook::Input { Interface::None } else { o });
    p
}
