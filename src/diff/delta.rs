//! What differs between two programs: the rules that they do not share, and where those can touch packets.
//!
//! Only packets that an unshared rule can touch are examined; everything else cancels.

use crate::ruleset::{ChainId, Hull, Line, Move, Program, Ruling, Side, Stage, Verdict};
use rustc_hash::FxHashMap;
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::rc::Rc;

/// A rule that the programs do not share, and where packets can be that it touches.
#[derive(Clone, Debug)]
pub struct Unshared {
    /// Where.
    pub hull: Hull,
    /// In which program.
    pub side: Side,
    /// The chain.
    pub chain: ChainId,
    /// Index among the chain's prepared rules.
    pub line: u32,
}

/// The differences of two programs by pairs of chains, computed once each.
pub struct Deltas<'a> {
    old: &'a Program<'a>,
    new: &'a Program<'a>,
    known: FxHashMap<(Option<ChainId>, Option<ChainId>), Rc<[Unshared]>>,
}

impl<'a> Deltas<'a> {
    /// No difference computed yet.
    pub fn new(old: &'a Program<'a>, new: &'a Program<'a>) -> Deltas<'a> {
        Deltas { old, new, known: FxHashMap::default() }
    }

    /// The rules that two chains do not share, called chains included.
    pub fn of(&mut self, old: Option<ChainId>, new: Option<ChainId>) -> Rc<[Unshared]> {
        if let Some(known) = self.known.get(&(old, new)) {
            return known.clone();
        }
        let found: Rc<[Unshared]> = self.compute(old, new).into();
        self.known.insert((old, new), found.clone());
        found
    }

    fn compute(&mut self, old: Option<ChainId>, new: Option<ChainId>) -> Vec<Unshared> {
        let ids = |program: &Program, chain: Option<ChainId>| -> Vec<u32> {
            chain.map_or(Vec::new(), |c| program.block(c).lines.iter().map(|l| l.id).collect())
        };
        if let (Some(a), Some(b)) = (old, new)
            && self.old.block(a).id == self.new.block(b).id
        {
            return Vec::new();
        }
        let (a, b) = (ids(self.old, old), ids(self.new, new));
        let prefix = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
        let suffix = a[prefix..].iter().rev().zip(b[prefix..].iter().rev()).take_while(|(x, y)| x == y).count();
        let (mid_a, mid_b) = (&a[prefix..a.len() - suffix], &b[prefix..b.len() - suffix]);
        let mut out = Vec::new();
        for op in capture_diff_slices(Algorithm::Patience, mid_a, mid_b) {
            if matches!(op, DiffOp::Equal { .. }) {
                continue;
            }
            let olds = op.old_range().map(|i| (i + prefix) as u32);
            let news = op.new_range().map(|i| (i + prefix) as u32);
            self.replaced(old, olds.collect(), new, news.collect(), &mut out);
        }
        out
    }

    /// Rules in the place of others: calls under the same condition differ only by what the callees do not share.
    fn replaced(
        &mut self,
        old: Option<ChainId>,
        olds: Vec<u32>,
        new: Option<ChainId>,
        news: Vec<u32>,
        out: &mut Vec<Unshared>,
    ) {
        let mut news = news.into_iter().peekable();
        for line in olds {
            let Some(chain) = old else { continue };
            let own = self.old.line(chain, line);
            if let (Some(next), Some(other)) = (news.peek().copied(), new)
                && let Some((from, to)) = same_call(own, self.new.line(other, next))
            {
                let hull = own.hull;
                let inner = self.of(Some(from), Some(to));
                out.extend(inner.iter().map(|u| Unshared { hull: u.hull.and(&hull), ..u.clone() }));
                news.next();
                continue;
            }
            out.push(Unshared { hull: own.hull, side: Side::Old, chain, line });
        }
        if let Some(chain) = new {
            out.extend(news.map(|line| Unshared {
                hull: self.new.line(chain, line).hull,
                side: Side::New,
                chain,
                line,
            }));
        }
    }
}

/// The callees of two rules that call under the same condition, and do nothing else.
pub fn same_call(old: &Line, new: &Line) -> Option<(ChainId, ChainId)> {
    if old.is_lone() || new.is_lone() {
        return None;
    }
    let (last_a, guard_a) = old.moves.split_last()?;
    let (last_b, guard_b) = new.moves.split_last()?;
    let plain = guard_a.iter().all(|m| matches!(m, Move::If(_)));
    if !plain || guard_a != guard_b {
        return None;
    }
    match (last_a, last_b) {
        (Move::Then(Ruling::Plain(Verdict::Jump(a))), Move::Then(Ruling::Plain(Verdict::Jump(b))))
        | (Move::Then(Ruling::Plain(Verdict::Goto(a))), Move::Then(Ruling::Plain(Verdict::Goto(b)))) => Some((*a, *b)),
        _ => None,
    }
}

/// The stages of both programs in one order; where only one program has a stage, the other has a gap.
pub fn merged_stages<'a>(
    old: &'a Program<'a>,
    new: &'a Program<'a>,
) -> (Vec<Option<&'a Stage>>, Vec<Option<&'a Stage>>) {
    let key = |s: &Stage| (s.hook, s.priority, s.kind);
    let (mut a, mut b) = (old.stages.iter().peekable(), new.stages.iter().peekable());
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        match (a.peek(), b.peek()) {
            (None, None) => return (left, right),
            (Some(x), Some(y)) if key(x) == key(y) => {
                left.push(a.next());
                right.push(b.next());
            }
            (Some(x), Some(y)) if key(x) > key(y) => {
                left.push(None);
                right.push(b.next());
            }
            (None, Some(_)) => {
                left.push(None);
                right.push(b.next());
            }
            (Some(_), _) => {
                left.push(a.next());
                right.push(None);
            }
        }
    }
}
