//! A ruleset prepared for one space: interfaces are class numbers, conditions are numbered, rules without
//! effect are gone, and every rule knows its hull and its identity.

use super::compile::{Compiler, Scratch};
use super::environment::{StageView, stage_view};
use super::hull::Hull;
use super::identities::Identities;
use super::interpret::Place;
use super::model::*;
use super::nearby::{LateIndex, Near};
use super::space::{Side, Space};
use super::steps::{Move, Ruling};
use crate::packet::Field;
use std::sync::Arc;

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
    /// Whether it means something else elsewhere: it has opaque conditions, or calls chains.
    pub placed: bool,
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

    /// The way of the kind of reject with this number; those beyond the first are not told apart from other ends.
    pub(super) fn reject(number: usize) -> Ways {
        if number < 12 { Ways(8 << number) } else { Ways::OTHER }
    }

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
    /// Whether a rule changes what hulls of later rules are compared with.
    shifts: bool,
    index: LateIndex,
}

impl Block {
    pub(super) fn new(lines: Vec<Line>, id: u32) -> Block {
        let ways = lines.iter().fold(Ways::default(), |w, l| w.or(l.ways));
        let shifts = lines.iter().any(|l| l.shifts);
        Block { lines, id, ways, shifts, index: LateIndex::default() }
    }

    /// The rules, ascending, that packets within a hull can meet; `None` where all have to be looked at.
    pub(super) fn near(&self, seen: &Hull) -> Option<Near> {
        if self.shifts {
            return None;
        }
        self.index.near(self.lines.len(), |at| self.lines[at].hull.addresses(), seen.addresses())
    }
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

impl<'a> Program<'a> {
    /// Prepares `ruleset` for `space`.
    pub fn new(ruleset: &'a Ruleset, side: Side, space: &Space, ids: &mut Identities) -> Program<'a> {
        Program::prepare(ruleset, side, space, ids, None)
    }

    /// Prepares `ruleset` for the space of another program with the same identities: what its rules share with that one's
    /// is not prepared again.
    pub fn like(
        other: &Program<'a>,
        ruleset: &'a Ruleset,
        side: Side,
        space: &Space,
        ids: &mut Identities,
    ) -> Program<'a> {
        Program::prepare(ruleset, side, space, ids, Some(other))
    }

    fn prepare(
        ruleset: &'a Ruleset,
        side: Side,
        space: &Space,
        ids: &mut Identities,
        model: Option<&Program<'a>>,
    ) -> Program<'a> {
        let model = model.filter(|_| ids.is_shared());
        if model.is_none() {
            ids.reserve(ruleset.rule_count());
        }
        let (blocks, scratch) = (vec![None; ruleset.chains.len()], Scratch::default());
        let mut compiler = Compiler { ruleset, side, space, ids, model, blocks, scratch };
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
