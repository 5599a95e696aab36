//! What differs between two programs: the rules that they do not share, and where those can touch packets.
//!
//! Only packets that an unshared rule can touch are examined; everything else cancels.

use crate::ruleset::{ChainId, Hull, Line, Move, Program, Ruling, Side, Stage, Verdict};
use rustc_hash::FxHashMap;
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::ops::Range;
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
        let mut out = Vec::new();
        for (olds, news) in hunks(&ids(self.old, old), &ids(self.new, new)) {
            let numbers = |range: Range<usize>| range.map(|i| i as u32).collect();
            self.replaced(old, numbers(olds), new, numbers(news), &mut out);
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

/// A part of a list, and what stands for it in the other one.
type Hunk = (Range<usize>, Range<usize>);

/// How far behind a difference the lists are looked through for the place where they agree again, and on how many rules
/// in a row: most changes are small.
const WINDOW: usize = 40;
const RUN: usize = 3;

/// The parts in which two lists differ, in order.
fn hunks(a: &[u32], b: &[u32]) -> Vec<Hunk> {
    let suffix = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[..a.len() - suffix], &b[..b.len() - suffix]);
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::new();
    loop {
        let same = a[i..].iter().zip(&b[j..]).take_while(|(x, y)| x == y).count();
        (i, j) = (i + same, j + same);
        if i == a.len() && j == b.len() {
            return out;
        }
        let (di, dj) = agreement(&a[i..], &b[j..]).unwrap_or((a.len() - i, b.len() - j));
        let moved = |(x, y): Hunk| (x.start + i..x.end + i, y.start + j..y.end + j);
        out.extend(fewest(&a[i..i + di], &b[j..j + dj]).map(moved));
        (i, j) = (i + di, j + dj);
    }
}

/// The nearest place behind a difference from which on the lists agree for a while.
fn agreement(a: &[u32], b: &[u32]) -> Option<(usize, usize)> {
    let agrees = |di: usize, dj: usize| {
        let (x, y) = (a.get(di..di + RUN), b.get(dj..dj + RUN));
        x.is_some() && x == y
    };
    (1..=WINDOW).flat_map(|sum| (0..=sum).map(move |di| (di, sum - di))).find(|(di, dj)| agrees(*di, *dj))
}

/// The hunks of lists that differ at both ends.
fn fewest(a: &[u32], b: &[u32]) -> impl Iterator<Item = Hunk> {
    let ops = capture_diff_slices(Algorithm::Patience, a, b);
    let differing = ops.into_iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    differing.map(|op| (op.old_range(), op.new_range()))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The list with each hunk's part replaced by the other's is the other list.
    fn mended(a: &[u32], b: &[u32]) -> (Vec<u32>, usize) {
        let (mut out, mut at) = (Vec::new(), 0);
        let all = hunks(a, b);
        for (olds, news) in &all {
            out.extend_from_slice(&a[at..olds.start]);
            out.extend_from_slice(&b[news.clone()]);
            at = olds.end;
        }
        out.extend_from_slice(&a[at..]);
        (out, all.len())
    }

    /// A name, what is done to a list, and how many hunks that makes.
    type Edit<'a> = (&'a str, &'a dyn Fn(&mut Vec<u32>), usize);

    #[test]
    fn hunks_turn_one_list_into_the_other() {
        let a: Vec<u32> = (0..200).collect();
        let edits: [Edit<'_>; 6] = [
            ("nothing", &|_| {}, 0),
            ("one more, one less, another", &|b| (b.insert(20, 900), b.remove(90), b[150] = 901).0, 3),
            ("many less", &|b| drop(b.drain(10..120)), 1),
            ("at the ends", &|b| (b.remove(0), b.push(902), ()).2, 2),
            ("a swap", &|b| b.swap(100, 101), 2),
            ("everything", &|b| b.iter_mut().for_each(|x| *x += 1000), 1),
        ];
        for (name, edit, count) in edits {
            let mut b = a.clone();
            edit(&mut b);
            assert_eq!(mended(&a, &b), (b.clone(), count), "{name}");
            assert_eq!(mended(&b, &a).0, a, "{name}, back");
        }
        assert_eq!(mended(&[1, 1, 2, 1], &[1, 2, 1, 1]).0, [1, 2, 1, 1]);
    }
}
