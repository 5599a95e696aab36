//! A ruleset's chains to lines for one space: callees first, rules without effect left out.

use super::hull::Hull;
use super::identities::Identities;
use super::interpret::Place;
use super::lookup::Tuples;
use super::model::*;
use super::program::{Block, Ends, Line, Program, Ways};
use super::space::{Side, Space};
use super::steps::{Move, Ruling, Test, calls, leaves_chain};
use crate::packet::{Field, Values};
use std::sync::Arc;

/// Prepares the chains of one ruleset.
pub(super) struct Compiler<'a, 'b> {
    pub ruleset: &'a Ruleset,
    pub side: Side,
    pub space: &'b Space,
    pub ids: &'b mut Identities,
    /// A prepared program of the same space and identities, whose lines serve again where rules are the same.
    pub model: Option<&'b Program<'a>>,
    pub blocks: Vec<Option<Block>>,
    pub scratch: Scratch,
}

/// Lists that every line needs for a moment.
#[derive(Default)]
pub(super) struct Scratch {
    moves: Vec<Move>,
    /// The conditions that follow each other at the end of the moves.
    tests: Vec<Test>,
}

impl Compiler<'_, '_> {
    /// Prepares a chain and what it calls, callees first. Dialects have refused loops.
    pub fn block(&mut self, id: ChainId) {
        if self.blocks[id.0 as usize].is_some() {
            return;
        }
        self.blocks[id.0 as usize] = Some(Block::default());
        let chain = self.ruleset.chain(id);
        for callee in chain.rules.iter().flat_map(Rule::callees) {
            self.block(callee);
        }
        let mut lines = Vec::with_capacity(chain.rules.len());
        let mut known = self.model.and_then(|model| Known::of(model, &chain.name));
        for (at, rule) in chain.rules.iter().enumerate() {
            let line = match known.as_mut().and_then(|known| known.line(rule)) {
                Some(line) => Some(Line { origin: at as u32, ..line.clone() }),
                None => self.line(rule, Place::Rule(id, at as u32)),
            };
            lines.extend(line);
        }
        let key: Vec<u32> = lines.iter().map(|l| l.id).collect();
        self.blocks[id.0 as usize] = Some(Block::new(lines, self.ids.block(key)));
    }

    /// `None` for rules that can do nothing.
    fn line(&mut self, rule: &Rule, place: Place) -> Option<Line> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let line = self.line_in(rule, place, &mut scratch);
        scratch.moves.clear();
        scratch.tests.clear();
        self.scratch = scratch;
        line
    }

    fn line_in(&mut self, rule: &Rule, place: Place, scratch: &mut Scratch) -> Option<Line> {
        let mut hull = Hull::WHOLE;
        let mut guarding = true;
        let mut effective = false;
        let mut exact = true;
        for step in &rule.steps {
            match step {
                Step::If(condition) => match self.test(condition, place) {
                    Test::Yes => continue,
                    Test::No if !effective => return None,
                    test => {
                        exact &= guarding && narrow(&mut hull, &test, self.space);
                        scratch.require(test);
                    }
                },
                Step::Set(effect) => {
                    effective = true;
                    guarding = false;
                    scratch.push(Move::Set(effect.clone()));
                }
                Step::Then(Verdict::Continue) => continue,
                Step::Then(verdict) => {
                    effective = true;
                    scratch.push(Move::Then(self.ruling(verdict, place)));
                }
                Step::Choose(entries) => {
                    effective = true;
                    let entries: Vec<_> =
                        entries.iter().map(|(m, v)| (self.test(m, place), self.ruling(v, place))).collect();
                    scratch.push(Move::Choose(entries.into()));
                }
            }
        }
        if !effective {
            return None;
        }
        scratch.settle();
        let ways = self.ways(&scratch.moves);
        let leaves = scratch.moves.iter().any(leaves_chain);
        let shifts = scratch.moves.iter().any(|m| self.shifts(m));
        let placed = scratch.moves.iter().any(|m| calls(m) || m.asks());
        let (id, moves) = self.identity(&mut scratch.moves);
        let ends = match moves.last() {
            Some(Move::Then(Ruling::Plain(Verdict::Accept | Verdict::Drop | Verdict::Reject(_)))) => Ends::Walk,
            Some(Move::Then(Ruling::Plain(Verdict::Return | Verdict::Goto(_)))) => Ends::Chain,
            _ => Ends::Nothing,
        };
        let Place::Rule(_, origin) = place else { return None };
        Some(Line { hull, moves, id, origin, ends, exact: exact && guarding, ways, leaves, shifts, placed })
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
    fn identity(&mut self, moves: &mut Vec<Move>) -> (u32, Arc<[Move]>) {
        let own: Arc<[Move]> = moves.drain(..).collect();
        if !own.iter().any(calls) {
            return self.ids.line(own);
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
        let of_meaning = |m: &Move| match m {
            Move::Then(r) => Move::Then(ruling(r)),
            Move::Choose(entries) => Move::Choose(entries.iter().map(|(t, r)| (t.clone(), ruling(r))).collect()),
            other => other.clone(),
        };
        let key = own.iter().map(of_meaning).collect();
        (self.ids.line(key).0, own)
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

impl Scratch {
    /// Conditions that follow each other are one conjunction, so that a cell is cut by all of them at once.
    fn require(&mut self, test: Test) {
        match test {
            Test::All(inner) => self.tests.extend(inner),
            one => self.tests.push(one),
        }
    }

    fn push(&mut self, next: Move) {
        self.settle();
        self.moves.push(next);
    }

    fn settle(&mut self) {
        match self.tests.len() {
            0 => {}
            1 => self.moves.extend(self.tests.pop().map(Move::If)),
            _ => self.moves.push(Move::If(Test::All(self.tests.drain(..).collect()))),
        }
    }
}

/// How many lines ahead a rule is looked for: a change takes away or adds a few at a time.
const AHEAD: usize = 48;

/// The lines of a chain that is prepared already, from the place on that a like chain has come to.
struct Known<'p> {
    rules: &'p [Rule],
    lines: &'p [Line],
}

impl<'p> Known<'p> {
    fn of(model: &'p Program<'_>, name: &str) -> Option<Known<'p>> {
        let chains = &model.ruleset.chains;
        let at = chains.iter().position(|c| *c.name == *name)?;
        Some(Known { rules: &chains.get(at)?.rules, lines: &model.blocks.get(at)?.lines })
    }

    /// The line of a rule of the same steps, where it is near and means the same wherever it stands.
    fn line(&mut self, rule: &Rule) -> Option<&'p Line> {
        let is_same = |line: &Line| {
            !line.placed && self.rules.get(line.origin as usize).is_some_and(|known| known.steps == rule.steps)
        };
        let at = self.lines.iter().take(AHEAD).position(is_same)?;
        let (line, rest) = self.lines.get(at..)?.split_first()?;
        self.lines = rest;
        Some(line)
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
