//! The search for packets that get to one rule and match it.
//!
//! The walk starts with the packets that the rule itself asks for, so only rules that meet those are looked at,
//! and goes first where earlier rules do not match: most rules are reached after a few cuts.

use crate::packet::{Cell, Field, Values, witness};
use crate::ruleset::{
    Answer, ChainId, Cursor, Effect, Hull, Leaf, Move, Place, Program, Ruling, Space, Stage, StageView, Test, Verdict,
    Walker, split,
};
use std::cell::Cell as Slot;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// A prepared rule.
pub(super) type Target = (ChainId, u32);

/// What is certain of packets that match a rule as soon as they are in its stage: tests of fields that nothing in
/// a stage changes.
pub(super) struct Aim<'p> {
    /// The only stage that can call the rule's chain.
    pub(super) stage: usize,
    tests: Vec<&'p Test>,
}

impl<'p> Aim<'p> {
    /// The aim at a rule whose chain only this stage can call; `set` are the fields that rules set.
    pub(super) fn new(program: &'p Program<'_>, target: Target, stage: usize, set: &[Field]) -> Aim<'p> {
        let mut tests = Vec::new();
        for test in asked(&program.line(target.0, target.1).moves) {
            match test {
                Test::All(inner) => tests.extend(inner),
                other => tests.push(other),
            }
        }
        tests.retain(|test| {
            let mut read = Vec::new();
            test.read_fields(&mut read);
            !read.is_empty() && !asks_more(test) && !read.iter().any(|f| set.contains(f))
        });
        Aim { stage, tests }
    }

    /// Whether packets in the stage match as far as that is certain.
    fn answer(&self, walker: &Walker<'_>, cell: &Cell, cursor: &Cursor) -> Answer {
        let Some(Some(stage)) = walker.stages.get(cursor.stage) else { return Answer::Yes };
        let reader = walker.reader(cell, &cursor.env, stage);
        let mut first = Answer::Yes;
        for test in &self.tests {
            match reader.answer(test) {
                Answer::No => return Answer::No,
                cut @ Answer::Cut(_) if first == Answer::Yes => first = cut,
                _ => {}
            }
        }
        first
    }
}

/// Whether a test asks anything but fields.
fn asks_more(test: &Test) -> bool {
    match test {
        Test::Cond(_) | Test::Translated(_) => true,
        Test::All(inner) | Test::Any(inner) => inner.iter().any(asks_more),
        Test::Not(inner) => asks_more(inner),
        _ => false,
    }
}

/// How a search ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sought {
    /// The visitor had seen enough.
    Stopped,
    /// Every packet of the cell has been followed.
    Exhausted {
        /// What ended or took away packets that did not get to the rule.
        takers: BTreeSet<Place>,
        /// Whether some packets came to the rule and did not match.
        failed: bool,
    },
    /// The budget was spent first.
    Bounded,
}

struct Task {
    cell: Cell,
    cursor: Cursor,
    /// Whether the packets have been at the rule without matching it.
    passed: bool,
}

/// Follows the packets of `cell` from `start`, and shows `visit` every part of them that comes to the target and
/// matches it, for the first time.
pub(super) fn seek(
    walker: &Walker<'_>,
    target: Target,
    aim: Option<&Aim<'_>>,
    cell: Cell,
    start: Cursor,
    budget: &mut u64,
    mut visit: impl FnMut(&Cell, &Cursor, &mut u64) -> ControlFlow<()>,
) -> Sought {
    let mut work = vec![Task { cell, cursor: start, passed: false }];
    let (mut takers, mut failed) = (BTreeSet::new(), false);
    while let Some(mut task) = work.pop() {
        let Some(left) = budget.checked_sub(1) else { return Sought::Bounded };
        *budget = left;
        let hull = Hull::of_cell(&task.cell, walker.space.family);
        let last: Slot<Option<Target>> = Slot::new(None);
        let stop = |chain, line| {
            last.set(Some((chain, line)));
            (chain, line) == target
        };
        let cut = match walker.advance_until(&task.cell, &hull, &mut task.cursor, stop) {
            Some(cut) => match aim.filter(|a| a.stage == task.cursor.stage) {
                None => cut,
                Some(aim) => match aim.answer(walker, &task.cell, &task.cursor) {
                    Answer::Yes => cut,
                    Answer::Cut(nearer) => nearer,
                    Answer::No => {
                        failed = true;
                        continue;
                    }
                },
            },
            None => match &task.cursor.leaf {
                Some(leaf) => {
                    if !task.passed {
                        takers.insert(taker(walker, leaf, last.get()));
                    }
                    continue;
                }
                None => match matches(walker, target, &task.cell, &task.cursor) {
                    Answer::Cut(cut) => cut,
                    Answer::Yes => {
                        if visit(&task.cell, &task.cursor, budget).is_break() {
                            return Sought::Stopped;
                        }
                        continue;
                    }
                    Answer::No => {
                        failed = true;
                        walker.skip(&mut task.cursor, &Hull::of_cell(&task.cell, walker.space.family));
                        work.push(Task { passed: true, ..task });
                        continue;
                    }
                },
            },
        };
        for cell in split(&task.cell, &cut, walker.space) {
            let hull = Hull::of_cell(&cell, walker.space.family);
            let cursor = walker.trim(&task.cursor, &hull);
            work.push(Task { cell, cursor, passed: task.passed });
        }
    }
    Sought::Exhausted { takers, failed }
}

/// What took packets away: the rule that decided, or the one that left the chain.
fn taker(walker: &Walker<'_>, leaf: &Leaf, last: Option<Target>) -> Place {
    match (leaf.place, last) {
        (Place::Policy(_), Some((chain, line))) if returns(&walker.program.line(chain, line).moves) => {
            walker.program.place(chain, line)
        }
        (place, _) => place,
    }
}

fn returns(moves: &[Move]) -> bool {
    matches!(moves.last(), Some(Move::Then(Ruling::Plain(Verdict::Return)) | Move::Choose(_)))
}

/// Whether the packets match the rule at which the cursor stands: everything that it asks before it does something.
pub(super) fn matches(walker: &Walker<'_>, target: Target, cell: &Cell, cursor: &Cursor) -> Answer {
    let Some(Some(stage)) = walker.stages.get(cursor.stage) else { return Answer::No };
    let reader = walker.reader(cell, &cursor.env, stage);
    for test in asked(&walker.program.line(target.0, target.1).moves) {
        match reader.answer(test) {
            Answer::Yes => {}
            other => return other,
        }
    }
    Answer::Yes
}

fn asked(moves: &[Move]) -> impl Iterator<Item = &Test> {
    moves.iter().map_while(|m| if let Move::If(test) = m { Some(test) } else { None })
}

/// Which fields every rule sees as they arrived.
#[derive(Clone, Copy)]
pub(super) enum Plain<'p> {
    /// On the whole path.
    Path,
    /// In this stage, where only these fields are set.
    Stage(&'p Stage, &'p [Field]),
}

/// The packets that a rule asks for, as far as rules see them as they arrived; `None` where its conditions exclude
/// each other.
pub(super) fn asked_for(program: &Program<'_>, space: &Space, target: Target, plain: Plain<'_>) -> Option<Cell> {
    let mut cell = space.possible();
    for test in asked(&program.line(target.0, target.1).moves) {
        narrow(&mut cell, test, program, space, plain)?;
    }
    Some(cell)
}

fn narrow(cell: &mut Cell, test: &Test, program: &Program<'_>, space: &Space, plain: Plain<'_>) -> Option<()> {
    match test {
        Test::In(field, values) if is_plain(program, *field, plain) => {
            *cell = cell.meet(*field, values, space.family)?;
        }
        Test::All(all) => {
            for one in all {
                narrow(cell, one, program, space, plain)?;
            }
        }
        _ => {}
    }
    Some(())
}

fn is_plain(program: &Program<'_>, field: Field, plain: Plain<'_>) -> bool {
    let all = |holds: fn(&StageView) -> bool| match plain {
        Plain::Path => program.stages.iter().all(|s| holds(&s.view)),
        Plain::Stage(stage, _) => holds(&stage.view),
    };
    let seen = |f: Field| match plain {
        Plain::Path => !program.rewritten.contains(&f),
        Plain::Stage(_, set) => !set.contains(&f),
    };
    match field {
        Field::Mark | Field::ConnMark => false,
        Field::Fragment => !program.ruleset.conntrack,
        Field::State => !program.untracks && all(|v| !v.before_conntrack),
        Field::Iif => all(|v| v.sees_in),
        Field::Oif => all(|v| v.sees_out),
        Field::SrcBits => seen(Field::Src),
        Field::DstBits => seen(Field::Dst),
        other => seen(other),
    }
}

/// The fields that rules set as they go, translations apart: those end their stage.
pub(super) fn set_fields(program: &Program<'_>) -> Vec<Field> {
    let mut out = Vec::new();
    for step in program.blocks.iter().flat_map(|b| &b.lines).flat_map(|l| l.moves.iter()) {
        match step {
            Move::Set(Effect::Untrack) => out.push(Field::State),
            Move::Set(Effect::Mark { field, .. } | Effect::Rewrite(field, _)) => out.push(*field),
            _ => {}
        }
    }
    out.sort_unstable();
    out.dedup();
    out
}

/// A few single packets of a cell, as cells: realistic ones first, then from the middle and the end.
pub(super) fn samples(cell: &Cell, space: &Space, fields: &[Field]) -> Vec<Cell> {
    let usual = witness(cell, space.family, &space.interfaces);
    let pick = |choose: &dyn Fn(Field, &Values) -> Option<u128>| {
        let mut out = cell.clone();
        for field in fields.iter().filter(|f| !matches!(f, Field::SrcBits | Field::DstBits)) {
            let own = cell.get(*field).cloned().unwrap_or_else(|| Values::full(*field, space.family));
            let value = choose(*field, &own)?;
            out = out.meet(*field, &Values::one(*field, value), space.family)?;
        }
        Some(out)
    };
    let realistic = |field: Field, own: &Values| {
        let value = if field.is_interface() { None } else { Some(usual.get(field)).filter(|v| own.contains(*v)) };
        value.or_else(|| at(own, Where::First))
    };
    let middle = |_: Field, own: &Values| at(own, Where::Middle);
    let last = |_: Field, own: &Values| at(own, Where::Last);
    [pick(&realistic), pick(&middle), pick(&last)].into_iter().flatten().collect()
}

#[derive(Clone, Copy)]
enum Where {
    First,
    Middle,
    Last,
}

fn at(values: &Values, place: Where) -> Option<u128> {
    match values {
        Values::Ranges(r) => {
            let all = r.as_slice();
            match place {
                Where::First => all.first().map(|r| r.0),
                Where::Middle => all.get(all.len() / 2).map(|&(lo, hi)| lo + (hi - lo) / 2),
                Where::Last => all.last().map(|r| r.1),
            }
        }
        Values::Flags(f) => f.iter().next().map(u128::from),
        Values::Cube(c) => Some(c.value),
    }
}
