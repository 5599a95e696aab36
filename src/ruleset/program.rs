//! A ruleset prepared for one space: interfaces are class numbers, conditions are numbered, rules without
//! effect are gone, and every rule knows its hull and its identity.

use super::environment::{StageView, stage_view};
use super::hull::Hull;
use super::interpret::Place;
use super::lookup::Tuples;
use super::model::*;
use super::space::{Side, Space};
use crate::packet::{Cond, Field, Values};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// A condition prepared for one space.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// True.
    Yes,
    /// False.
    No,
    /// The field has one of these values.
    In(Field, Values),
    /// The opaque condition holds.
    Cond(Cond),
    /// The connection's end has been translated.
    Translated(TranslatedSide),
    /// The first entry that matches decides.
    Lookup(Arc<Tuples>),
    /// All of them.
    All(Vec<Test>),
    /// At least one of them.
    Any(Vec<Test>),
    /// Not it.
    Not(Box<Test>),
}

/// A step prepared for one space.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Move {
    /// Go on only where this holds.
    If(Test),
    /// Change something that later tests see.
    Set(Effect),
    /// Decide.
    Then(Ruling),
    /// Decide by the first entry that holds.
    Choose(Arc<[(Test, Ruling)]>),
}

/// A verdict prepared for one space.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ruling {
    /// As the model says.
    Plain(Verdict),
    /// Accept where the condition holds, drop otherwise.
    Ask(Cond),
}

/// A rule prepared for one space.
#[derive(Clone, Debug)]
pub struct Line {
    /// Where packets can be that it touches.
    pub hull: Hull,
    /// Its steps; rules that mean the same share them, in both programs of a comparison.
    pub moves: Arc<[Move]>,
    /// Equal for rules of equal meaning in both programs of a comparison, everything that they call included.
    pub id: u32,
    /// Index of the rule in its chain of the model.
    pub origin: u32,
    /// How it ends the walk of packets that it covers.
    pub ends: Ends,
    /// Whether the hull says exactly which packets it covers.
    pub exact: bool,
    /// What it can make of packets.
    pub ways: Ways,
    /// Whether packets can leave the chain by it and go on with the caller.
    pub leaves: bool,
    /// Whether it, or a chain that it calls, changes what hulls of later rules are compared with.
    pub shifts: bool,
}

/// How a rule ends the walk of packets that it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// It goes on behind the rule.
    Nothing,
    /// It goes on with the caller, or in another chain that replaces this one.
    Chain,
    /// It ends here.
    Walk,
}

/// The ends that packets can come to: a set of decisions, with one bit for all that is not a plain decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Ways(u16);

impl Ways {
    /// Packets can pass.
    pub const ACCEPT: Ways = Ways(1);
    /// Packets can vanish.
    pub const DROP: Ways = Ways(2);
    /// Something else can happen: a change, a translation, a question.
    pub const OTHER: Ways = Ways(4);

    /// Ends of either set.
    pub fn or(self, other: Ways) -> Ways {
        Ways(self.0 | other.0)
    }

    /// Ends of this set without those of `other`.
    pub fn without(self, other: Ways) -> Ways {
        Ways(self.0 & !other.0)
    }

    /// Whether an end of `other` is in this set.
    pub fn has(self, other: Ways) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is only one way, and that is a plain decision.
    pub fn is_single(self) -> bool {
        self.0.count_ones() == 1 && self != Ways::OTHER
    }
}

/// A chain prepared for one space.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// The rules that have an effect.
    pub lines: Vec<Line>,
    /// Equal for chains of equal meaning.
    pub id: u32,
    /// What its rules, and those of the chains that they call, can make of packets.
    pub ways: Ways,
}

/// A base chain on the way, prepared for one space.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The chain.
    pub chain: ChainId,
    /// Index in `Ruleset::bases`.
    pub base: u32,
    /// The netfilter hook.
    pub hook: NfHook,
    /// Its priority there.
    pub priority: i32,
    /// What it is for.
    pub kind: BaseKind,
    /// What it can see.
    pub view: StageView,
    /// Whether its policy drops.
    pub drops: bool,
    /// Rank for attributing accepted packets; the highest wins, later ones first.
    pub rank: (bool, bool, bool),
}

/// A ruleset prepared for one space.
#[derive(Debug)]
pub struct Program<'a> {
    /// What it was made of.
    pub ruleset: &'a Ruleset,
    /// Which side of a comparison it is.
    pub side: Side,
    /// The base chains on the way, in order.
    pub stages: Vec<Stage>,
    /// All chains, by `ChainId`.
    pub blocks: Vec<Block>,
    /// Fields that some rule may rewrite.
    pub rewritten: Vec<Field>,
    /// Whether some rule exempts packets from conntrack.
    pub untracks: bool,
}

/// Numbers for meanings, shared by the programs of one comparison.
#[derive(Debug, Default)]
pub struct Identities {
    lines: FxHashMap<Arc<[Move]>, u32>,
    blocks: FxHashMap<Vec<u32>, u32>,
    rejects: Vec<Arc<str>>,
    /// How many rules were given a number of their own, where rules that look at fragments get one.
    lone: Option<u32>,
}

impl Identities {
    /// Numbers for programs of which one sees fragments and the other does not: no two rules that look at them mean the
    /// same.
    pub fn apart_by_fragments() -> Identities {
        Identities { lone: Some(0), ..Identities::default() }
    }

    /// The number of a prepared rule, and its steps as every rule of that meaning has them.
    fn line(&mut self, moves: Vec<Move>) -> (u32, Arc<[Move]>) {
        if let Some(lone) = &mut self.lone
            && moves.iter().any(Move::reads_fragment)
        {
            *lone += 1;
            return (u32::MAX - *lone, moves.into());
        }
        if let Some((known, number)) = self.lines.get_key_value(moves.as_slice()) {
            return (*number, known.clone());
        }
        let (next, moves) = (self.lines.len() as u32, Arc::<[Move]>::from(moves));
        self.lines.insert(moves.clone(), next);
        (next, moves)
    }

    /// Each of the first kinds of reject is a way of its own.
    fn reject(&mut self, kind: &Arc<str>) -> Ways {
        let at = self.rejects.iter().position(|k| k == kind).unwrap_or_else(|| {
            self.rejects.push(kind.clone());
            self.rejects.len() - 1
        });
        if at < 12 { Ways(8 << at) } else { Ways::OTHER }
    }
}

impl<'a> Program<'a> {
    /// Prepares `ruleset` for `space`.
    pub fn new(ruleset: &'a Ruleset, side: Side, space: &Space, ids: &mut Identities) -> Program<'a> {
        let mut compiler = Compiler { ruleset, side, space, ids, blocks: vec![None; ruleset.chains.len()] };
        let path = ruleset.path(space.hook, space.family);
        let mut stages = Vec::new();
        for base in path {
            compiler.block(base.chain);
            let index = ruleset.bases.iter().position(|b| std::ptr::eq(b, base)).unwrap_or(0) as u32;
            let own = super::interpret::judged_at(space.hook);
            stages.push(Stage {
                chain: base.chain,
                base: index,
                hook: base.hook,
                priority: base.priority,
                kind: base.kind,
                view: stage_view(space.hook, base),
                drops: base.policy == Verdict::Drop,
                rank: (base.principal, base.hook == own && base.kind == BaseKind::Filter, base.hook == own),
            });
        }
        let blocks: Vec<Block> = compiler.blocks.into_iter().map(Option::unwrap_or_default).collect();
        let (mut rewritten, untracks) = survey(&blocks);
        if space.counts_hops && !rewritten.contains(&Field::Ttl) {
            rewritten.push(Field::Ttl);
        }
        Program { ruleset, side, stages, blocks, rewritten, untracks }
    }

    /// The prepared chain of an id.
    pub fn block(&self, chain: ChainId) -> &Block {
        &self.blocks[chain.0 as usize]
    }

    /// The prepared rule at `index` of a chain.
    pub fn line(&self, chain: ChainId, index: u32) -> &Line {
        &self.blocks[chain.0 as usize].lines[index as usize]
    }

    /// The fields that some prepared rule tests, ascending.
    pub fn read_fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        for step in self.blocks.iter().flat_map(|b| &b.lines).flat_map(|l| l.moves.iter()) {
            match step {
                Move::If(test) => test.read_fields(&mut fields),
                Move::Choose(entries) => entries.iter().for_each(|(test, _)| test.read_fields(&mut fields)),
                Move::Set(_) | Move::Then(_) => {}
            }
        }
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// The place of a prepared rule in the model.
    pub fn place(&self, chain: ChainId, index: u32) -> Place {
        Place::Rule(chain, self.line(chain, index).origin)
    }
}

impl Line {
    /// Whether the rule has a number of its own, so that none of another program means the same.
    pub fn is_lone(&self) -> bool {
        self.id > u32::MAX / 2
    }
}

impl Move {
    fn reads_fragment(&self) -> bool {
        match self {
            Move::If(test) => test.reads_fragment(),
            Move::Choose(entries) => entries.iter().any(|(test, _)| test.reads_fragment()),
            Move::Set(_) | Move::Then(_) => false,
        }
    }
}

impl Test {
    fn reads_fragment(&self) -> bool {
        let mut fields = Vec::new();
        self.read_fields(&mut fields);
        fields.contains(&Field::Fragment)
    }

    /// Adds the fields that the test reads.
    pub fn read_fields(&self, found: &mut Vec<Field>) {
        match self {
            Test::In(field, _) => found.push(*field),
            Test::Lookup(tuples) => {
                found.extend(tuples.entries().iter().flat_map(|(fields, _)| fields).map(|(f, _)| *f));
            }
            Test::All(inner) | Test::Any(inner) => inner.iter().for_each(|t| t.read_fields(found)),
            Test::Not(inner) => inner.read_fields(found),
            Test::Yes | Test::No | Test::Cond(_) | Test::Translated(_) => {}
        }
    }
}

/// Which fields some rule may rewrite, and whether one untracks.
fn survey(blocks: &[Block]) -> (Vec<Field>, bool) {
    let mut fields = Vec::new();
    let mut untracks = false;
    let ruling = |r: &Ruling, fields: &mut Vec<Field>| {
        if let Ruling::Plain(Verdict::Translate(t)) = r {
            let parts =
                [(Field::Src, &t.src), (Field::Dst, &t.dst), (Field::Sport, &t.sport), (Field::Dport, &t.dport)];
            fields.extend(parts.iter().filter(|(_, p)| p.is_some()).map(|(f, _)| *f));
        }
    };
    for step in blocks.iter().flat_map(|b| &b.lines).flat_map(|l| l.moves.iter()) {
        match step {
            Move::Set(Effect::Untrack) => untracks = true,
            Move::Set(Effect::Rewrite(field, _)) => fields.push(*field),
            Move::Then(r) => ruling(r, &mut fields),
            Move::Choose(entries) => entries.iter().for_each(|(_, r)| ruling(r, &mut fields)),
            _ => {}
        }
    }
    fields.sort_unstable();
    fields.dedup();
    (fields, untracks)
}

struct Compiler<'a, 'b> {
    ruleset: &'a Ruleset,
    side: Side,
    space: &'b Space,
    ids: &'b mut Identities,
    blocks: Vec<Option<Block>>,
}

impl Compiler<'_, '_> {
    /// Prepares a chain and what it calls, callees first. Dialects have refused loops.
    fn block(&mut self, id: ChainId) {
        if self.blocks[id.0 as usize].is_some() {
            return;
        }
        self.blocks[id.0 as usize] = Some(Block::default());
        let chain = self.ruleset.chain(id);
        for callee in chain.rules.iter().flat_map(Rule::callees) {
            self.block(callee);
        }
        let mut lines = Vec::with_capacity(chain.rules.len());
        for (at, rule) in chain.rules.iter().enumerate() {
            if let Some(line) = self.line(rule, Place::Rule(id, at as u32)) {
                lines.push(line);
            }
        }
        let key: Vec<u32> = lines.iter().map(|l| l.id).collect();
        let next = self.ids.blocks.len() as u32;
        let number = *self.ids.blocks.entry(key).or_insert(next);
        let ways = lines.iter().fold(Ways::default(), |w, l| w.or(l.ways));
        self.blocks[id.0 as usize] = Some(Block { lines, id: number, ways });
    }

    /// `None` for rules that can do nothing.
    fn line(&mut self, rule: &Rule, place: Place) -> Option<Line> {
        let mut moves = Vec::with_capacity(rule.steps.len());
        let mut hull = Hull::WHOLE;
        let mut guarding = true;
        let mut effective = false;
        let mut exact = true;
        for step in &rule.steps {
            let prepared = match step {
                Step::If(condition) => match self.test(condition, place) {
                    Test::Yes => continue,
                    Test::No if !effective => return None,
                    test => {
                        exact &= guarding && narrow(&mut hull, &test, self.space);
                        Move::If(test)
                    }
                },
                Step::Set(effect) => {
                    effective = true;
                    guarding = false;
                    Move::Set(effect.clone())
                }
                Step::Then(Verdict::Continue) => continue,
                Step::Then(verdict) => {
                    effective = true;
                    Move::Then(self.ruling(verdict, place))
                }
                Step::Choose(entries) => {
                    effective = true;
                    let entries: Vec<_> =
                        entries.iter().map(|(m, v)| (self.test(m, place), self.ruling(v, place))).collect();
                    Move::Choose(entries.into())
                }
            };
            push(&mut moves, prepared);
        }
        if !effective {
            return None;
        }
        let (id, moves) = self.identity(moves);
        let ways = self.ways(&moves);
        let leaves = moves.iter().any(leaves_chain);
        let shifts = moves.iter().any(|m| self.shifts(m));
        let ends = match moves.last() {
            Some(Move::Then(Ruling::Plain(Verdict::Accept | Verdict::Drop | Verdict::Reject(_)))) => Ends::Walk,
            Some(Move::Then(Ruling::Plain(Verdict::Return | Verdict::Goto(_)))) => Ends::Chain,
            _ => Ends::Nothing,
        };
        let Place::Rule(_, origin) = place else { return None };
        Some(Line { hull, moves, id, origin, ends, exact: exact && guarding, ways, leaves, shifts })
    }

    fn shifts(&self, step: &Move) -> bool {
        let callee = |r: &Ruling| match r {
            Ruling::Plain(Verdict::Jump(c) | Verdict::Goto(c)) => {
                self.blocks[c.0 as usize].as_ref().is_some_and(|b| b.lines.iter().any(|l| l.shifts))
            }
            _ => false,
        };
        match step {
            Move::Set(Effect::Untrack) => true,
            Move::Set(Effect::Rewrite(field, _)) => {
                matches!(field, Field::Src | Field::Dst | Field::Sport | Field::Dport | Field::Proto)
            }
            Move::Set(Effect::Mark { .. }) | Move::If(_) => false,
            Move::Then(ruling) => callee(ruling),
            Move::Choose(entries) => entries.iter().any(|(_, r)| callee(r)),
        }
    }

    fn ways(&mut self, moves: &[Move]) -> Ways {
        let mut out = Ways::default();
        for step in moves {
            match step {
                Move::If(_) => {}
                Move::Set(_) => out = out.or(Ways::OTHER),
                Move::Then(ruling) => out = out.or(self.ways_of(ruling)),
                Move::Choose(entries) => {
                    for (_, ruling) in entries.iter() {
                        out = out.or(self.ways_of(ruling));
                    }
                }
            }
        }
        out
    }

    fn ways_of(&mut self, ruling: &Ruling) -> Ways {
        let Ruling::Plain(verdict) = ruling else { return Ways::OTHER };
        match verdict {
            Verdict::Accept => Ways::ACCEPT,
            Verdict::Drop => Ways::DROP,
            Verdict::Reject(kind) => self.ids.reject(kind),
            Verdict::Return | Verdict::Continue => Ways::default(),
            Verdict::Jump(c) | Verdict::Goto(c) => {
                self.blocks[c.0 as usize].as_ref().map_or(Ways::default(), |b| b.ways)
            }
            Verdict::Translate(_) | Verdict::Ask(_) => Ways::OTHER,
        }
    }

    /// The number of these steps, and the steps. Calls count by what the callee does, not by its name.
    fn identity(&mut self, moves: Vec<Move>) -> (u32, Arc<[Move]>) {
        if !moves.iter().any(calls) {
            return self.ids.line(moves);
        }
        let by_meaning = |v: &Verdict| match v {
            Verdict::Jump(c) => Verdict::Jump(ChainId(self.meaning(*c))),
            Verdict::Goto(c) => Verdict::Goto(ChainId(self.meaning(*c))),
            other => other.clone(),
        };
        let ruling = |r: &Ruling| match r {
            Ruling::Plain(v) => Ruling::Plain(by_meaning(v)),
            other => other.clone(),
        };
        let key: Vec<Move> = moves
            .iter()
            .map(|m| match m {
                Move::Then(r) => Move::Then(ruling(r)),
                Move::Choose(entries) => Move::Choose(entries.iter().map(|(t, r)| (t.clone(), ruling(r))).collect()),
                other => other.clone(),
            })
            .collect();
        (self.ids.line(key).0, moves.into())
    }

    fn meaning(&self, chain: ChainId) -> u32 {
        self.blocks[chain.0 as usize].as_ref().map_or(0, |b| b.id)
    }

    fn ruling(&self, verdict: &Verdict, place: Place) -> Ruling {
        match verdict {
            Verdict::Ask(opaque) => Ruling::Ask(self.space.cond(self.side, place, opaque)),
            other => Ruling::Plain(other.clone()),
        }
    }

    fn test(&self, condition: &Match, place: Place) -> Test {
        match condition {
            Match::Always => Test::Yes,
            Match::Never => Test::No,
            Match::Family(family) if *family == self.space.family => Test::Yes,
            Match::Family(_) => Test::No,
            Match::Field(field, values) if values.is_full(*field, self.space.family) => Test::Yes,
            Match::Field(_, values) if values.is_empty() => Test::No,
            Match::Field(field, values) => Test::In(*field, values.clone()),
            Match::Interface(side, pattern) => Test::In(side.field(), self.space.interface_values(pattern)),
            Match::Present(side) => Test::In(side.field(), Values::Ranges(self.space.interfaces.present())),
            Match::Lookup(lookup) => self.lookup(lookup),
            Match::Opaque(opaque) => Test::Cond(self.space.cond(self.side, place, opaque)),
            Match::Translated(side) => Test::Translated(*side),
            Match::All(all) => {
                let mut tests = Vec::with_capacity(all.len());
                for one in all {
                    match self.test(one, place) {
                        Test::No => return Test::No,
                        Test::Yes => {}
                        Test::All(inner) => tests.extend(inner),
                        other => tests.push(other),
                    }
                }
                if tests.is_empty() { Test::Yes } else { Test::All(tests) }
            }
            Match::Any(any) => {
                let mut tests = Vec::with_capacity(any.len());
                for one in any {
                    match self.test(one, place) {
                        Test::Yes => return Test::Yes,
                        Test::No => {}
                        other => tests.push(other),
                    }
                }
                if tests.is_empty() { Test::No } else { Test::Any(tests) }
            }
            Match::Not(inner) => match self.test(inner, place) {
                Test::Yes => Test::No,
                Test::No => Test::Yes,
                other => Test::Not(Box::new(other)),
            },
        }
    }

    fn lookup(&self, lookup: &Lookup) -> Test {
        let entry = |e: &Entry| {
            let mut fields = e.fields.clone();
            let interfaces = e.interfaces.iter();
            fields.extend(interfaces.map(|(side, pattern)| (side.field(), self.space.interface_values(pattern))));
            (fields, e.member)
        };
        Test::Lookup(Arc::new(Tuples::new(lookup.entries.iter().map(entry).collect())))
    }
}

/// Conditions that follow each other are one conjunction, so that a cell is cut by all of them at once.
fn push(moves: &mut Vec<Move>, next: Move) {
    match (moves.last_mut(), next) {
        (Some(Move::If(Test::All(all))), Move::If(Test::All(more))) => all.extend(more),
        (Some(Move::If(Test::All(all))), Move::If(more)) => all.push(more),
        (Some(Move::If(first)), Move::If(more)) => {
            let mut all = vec![std::mem::replace(first, Test::Yes)];
            match more {
                Test::All(inner) => all.extend(inner),
                one => all.push(one),
            }
            *first = Test::All(all);
        }
        (_, next) => moves.push(next),
    }
}

/// Whether a step names another chain.
fn calls(step: &Move) -> bool {
    let names_chain = |r: &Ruling| matches!(r, Ruling::Plain(Verdict::Jump(_) | Verdict::Goto(_)));
    match step {
        Move::Then(ruling) => names_chain(ruling),
        Move::Choose(entries) => entries.iter().any(|(_, r)| names_chain(r)),
        Move::If(_) | Move::Set(_) => false,
    }
}

fn leaves_chain(step: &Move) -> bool {
    let leaves = |r: &Ruling| matches!(r, Ruling::Plain(Verdict::Return | Verdict::Goto(_)));
    match step {
        Move::Then(ruling) => leaves(ruling),
        Move::Choose(entries) => entries.iter().any(|(_, r)| leaves(r)),
        _ => false,
    }
}

/// Cuts a hull by the parts of a test that are plain conjunctions over fields; whether that says it all.
fn narrow(hull: &mut Hull, test: &Test, space: &Space) -> bool {
    match test {
        Test::In(field, values) => hull.narrow(*field, values, space.family),
        // Every part narrows, also behind one that does not say it all.
        Test::All(all) => all.iter().filter(|t| !narrow(hull, t, space)).count() == 0,
        _ => false,
    }
}
