//! Which representation to compare two rule lists with: small prototypes on the same inputs, in one run:
//! `cargo bench --bench representation`.
//!
//! Four ways of subdivision (what is left around an address range falls in pieces or stays whole; a cell is cut
//! along a whole condition or one field of it) and an interval decision diagram. All count the flows that end
//! differently; a run in which two counts differ fails.
#![allow(missing_docs, clippy::unwrap_used)]

mod clock;
mod families;

use clock::{Took, timed};
use families::*;
use std::collections::HashMap;

type Range = (u32, u32);

const SIDES: usize = 5;
const PROTO: usize = 0;
const FULL: [Range; SIDES] = [(0, 255), (0, u32::MAX), (0, u32::MAX), (0, 65_535), (0, 65_535)];

/// A rule as a box: protocol, source, destination, ports.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Rule {
    sides: [Range; SIDES],
    permit: bool,
}

/// The list as boxes, the policy (drop) last.
fn boxes(lines: &[Line]) -> Vec<Rule> {
    let net = |p: Prefix| (p.0, if p.1 == 0 { u32::MAX } else { p.0 | (((1u64 << (32 - p.1)) - 1) as u32) });
    let ports = |p: (u16, u16)| (u32::from(p.0), u32::from(p.1));
    let proto = |p: u8| if p == 0 { FULL[PROTO] } else { (u32::from(p), u32::from(p)) };
    let rule = |l: &Line| {
        let sides = [proto(l.proto), net(l.src), net(l.dst), ports(l.sport), ports(l.dport)];
        Rule { sides, permit: l.permit }
    };
    lines.iter().map(rule).chain([Rule { sides: FULL, permit: false }]).collect()
}

fn length(range: Range) -> u128 {
    u128::from(range.1 - range.0) + 1
}

/// Layer-4 selectors of the protocols of a range, given how many pairs of ports are meant.
fn selectors(protos: Range, ports: u128) -> u128 {
    let holds = |p: u32| u128::from(protos.0 <= p && p <= protos.1);
    let ported: u128 = [6, 17, 33, 132, 136].into_iter().map(holds).sum();
    let icmp = holds(1);
    ported * ports + icmp * (1 << 16) + (length(protos) - ported - icmp)
}

// ---- subdivision ----

/// One side of a cell.
#[derive(Clone)]
enum Part {
    One(Range),
    Many(Box<[Range]>),
}

impl Part {
    fn ranges(&self) -> &[Range] {
        match self {
            Part::One(range) => std::slice::from_ref(range),
            Part::Many(ranges) => ranges,
        }
    }

    fn of(ranges: Vec<Range>) -> Part {
        if let [one] = ranges[..] { Part::One(one) } else { Part::Many(ranges.into()) }
    }

    fn hull(&self) -> Range {
        let ranges = self.ranges();
        (ranges[0].0, ranges[ranges.len() - 1].1)
    }

    fn size(&self) -> u128 {
        self.ranges().iter().map(|r| length(*r)).sum()
    }

    fn inside(&self, by: Range) -> Vec<Range> {
        let cut = self.ranges().iter().map(|r| (r.0.max(by.0), r.1.min(by.1)));
        cut.filter(|r| r.0 <= r.1).collect()
    }

    fn outside(&self, by: Range) -> Vec<Range> {
        let mut out = Vec::new();
        for &(lo, hi) in self.ranges() {
            if lo < by.0 {
                out.push((lo, hi.min(by.0 - 1)));
            }
            if hi > by.1 {
                out.push((lo.max(by.1 + 1), hi));
            }
        }
        out
    }
}

type Cell = [Part; SIDES];

#[derive(Clone, Copy)]
struct Manner {
    name: &'static str,
    /// Addresses around a range are cells of their own, each with its own hull.
    pieces: bool,
    /// All fields of a rule are cut at once.
    conditions: bool,
}

const MANNERS: [Manner; 4] = [
    Manner { name: "subdivision: pieces, whole conditions", pieces: true, conditions: true },
    Manner { name: "subdivision: pieces, field by field", pieces: true, conditions: false },
    Manner { name: "subdivision: kept whole, whole conditions", pieces: false, conditions: true },
    Manner { name: "subdivision: kept whole, field by field", pieces: false, conditions: false },
];

struct Subdivision<'a> {
    old: &'a [Rule],
    new: &'a [Rule],
    manner: Manner,
    cells: u64,
    flows: u128,
}

struct Task {
    cell: Cell,
    old: Vec<u32>,
    new: Vec<u32>,
}

/// The rules that can touch the hull of a cell, up to the first that covers it.
fn trimmed(rules: &[Rule], from: impl Iterator<Item = u32>, cell: &Cell) -> Vec<u32> {
    let hull: [Range; SIDES] = std::array::from_fn(|s| cell[s].hull());
    let mut kept = Vec::new();
    for at in from {
        let sides = &rules[at as usize].sides;
        if (0..SIDES).all(|s| sides[s].0 <= hull[s].1 && hull[s].0 <= sides[s].1) {
            kept.push(at);
            if (0..SIDES).all(|s| sides[s].0 <= hull[s].0 && hull[s].1 <= sides[s].1) {
                break;
            }
        }
    }
    kept
}

fn misses(rule: &Rule, cell: &Cell) -> bool {
    let apart = |s: usize| !cell[s].ranges().iter().any(|r| r.0 <= rule.sides[s].1 && rule.sides[s].0 <= r.1);
    (0..SIDES).any(apart)
}

fn covers(rule: &Rule, cell: &Cell, side: usize) -> bool {
    let (lo, hi) = cell[side].hull();
    rule.sides[side].0 <= lo && hi <= rule.sides[side].1
}

impl Subdivision<'_> {
    fn run(old: &[Rule], new: &[Rule], manner: Manner) -> (u64, u128) {
        let mut all = Subdivision { old, new, manner, cells: 0, flows: 0 };
        let whole = FULL.map(Part::One);
        let start = |rules: &[Rule]| trimmed(rules, 0..rules.len() as u32, &whole);
        let mut work = vec![Task { old: start(old), new: start(new), cell: whole.clone() }];
        while let Some(task) = work.pop() {
            all.cells += 1;
            let Some(by) = all.settle(&task) else { continue };
            for cell in all.split(task.cell, &by) {
                let old = trimmed(all.old, task.old.iter().copied(), &cell);
                let new = trimmed(all.new, task.new.iter().copied(), &cell);
                work.push(Task { cell, old, new });
            }
        }
        (all.cells, all.flows)
    }

    /// `None` where the cell is done, else the rule to cut it along.
    fn settle(&mut self, task: &Task) -> Option<Rule> {
        let (mut i, mut j) = (0, 0);
        let rule = |rules: &[Rule], list: &[u32], at: usize| list.get(at).map(|r| rules[*r as usize]);
        let (x, y) = loop {
            match (rule(self.old, &task.old, i), rule(self.new, &task.new, j)) {
                (Some(x), Some(y)) if x == y => (i, j) = (i + 1, j + 1),
                (Some(x), _) if misses(&x, &task.cell) => i += 1,
                (_, Some(y)) if misses(&y, &task.cell) => j += 1,
                (Some(x), Some(y)) => break (x, y),
                _ => return None,
            }
        };
        let ahead = task.old[i..].iter().map(|r| self.old[*r as usize].permit);
        let mut ahead = ahead.chain(task.new[j..].iter().map(|r| self.new[*r as usize].permit));
        if ahead.all(|p| p == x.permit) {
            return None;
        }
        let open = |r: &Rule| (0..SIDES).any(|s| !covers(r, &task.cell, s));
        let front = task.old[..i].iter().map(|r| self.old[*r as usize]);
        let cut = [x, y].into_iter().chain(front).find(|r| open(r) && !misses(r, &task.cell));
        if cut.is_none() && x.permit != y.permit {
            let [proto, src, dst, sport, dport] = &task.cell;
            let ports = sport.size() * dport.size();
            let layer4: u128 = proto.ranges().iter().map(|p| selectors(*p, ports)).sum();
            self.flows += src.size() * dst.size() * layer4;
        }
        cut
    }

    fn split(&self, cell: Cell, by: &Rule) -> Vec<Cell> {
        let mut out = Vec::new();
        let mut inside = cell;
        for side in 0..SIDES {
            if covers(by, &inside, side) {
                continue;
            }
            let range = by.sides[side];
            let rest = inside[side].outside(range);
            let is_address = side == 1 || side == 2;
            let groups =
                if self.manner.pieces && is_address { rest.into_iter().map(|r| vec![r]).collect() } else { vec![rest] };
            for group in groups {
                let mut around = inside.clone();
                around[side] = Part::of(group);
                out.push(around);
            }
            inside[side] = Part::of(inside[side].inside(range));
            if !self.manner.conditions {
                break;
            }
        }
        out.push(inside);
        out
    }
}

// ---- interval decision diagram ----

/// Terminals: nobody decided, drop, permit; and of a comparison: same (0), different (3).
const OPEN: u32 = 0;
const DIFFERENT: u32 = 3;
const TERMINALS: u32 = 4;
/// Fields from the root: addresses first, ports below the protocol.
const ORDER: [usize; SIDES] = [1, 2, PROTO, 3, 4];
/// Past this many edges a build is given up.
const MOST_EDGES: usize = 60_000_000;

/// Upper bounds and children, ascending.
type Edges = Box<[(u32, u32)]>;

#[derive(Default)]
struct Diagrams {
    nodes: Vec<(usize, Edges)>,
    known: HashMap<(usize, Edges), u32>,
    edges: usize,
}

struct TooLarge;

impl Diagrams {
    fn node(&mut self, level: usize, edges: Vec<(u32, u32)>) -> Result<u32, TooLarge> {
        let mut joined: Vec<(u32, u32)> = Vec::with_capacity(edges.len());
        for (hi, child) in edges {
            match joined.last_mut() {
                Some(last) if last.1 == child => last.0 = hi,
                _ => joined.push((hi, child)),
            }
        }
        if let [(_, child)] = joined[..] {
            return Ok(child);
        }
        let key = (level, joined.into_boxed_slice());
        if let Some(at) = self.known.get(&key) {
            return Ok(*at);
        }
        self.edges += key.1.len();
        if self.edges > MOST_EDGES {
            return Err(TooLarge);
        }
        let at = TERMINALS + self.nodes.len() as u32;
        self.nodes.push(key.clone());
        self.known.insert(key, at);
        Ok(at)
    }

    fn level(&self, at: u32) -> usize {
        if at < TERMINALS { SIDES } else { self.nodes[(at - TERMINALS) as usize].0 }
    }

    fn edges(&self, at: u32, level: usize) -> Edges {
        if self.level(at) == level {
            self.nodes[(at - TERMINALS) as usize].1.clone()
        } else {
            Box::new([(FULL[ORDER[level]].1, at)])
        }
    }

    fn rule(&mut self, rule: &Rule) -> Result<u32, TooLarge> {
        let mut at = if rule.permit { 2 } else { 1 };
        for level in (0..SIDES).rev() {
            let (lo, hi) = rule.sides[ORDER[level]];
            let mut edges = Vec::new();
            if lo > 0 {
                edges.push((lo - 1, OPEN));
            }
            edges.push((hi, at));
            if hi < FULL[ORDER[level]].1 {
                edges.push((FULL[ORDER[level]].1, OPEN));
            }
            at = self.node(level, edges)?;
        }
        Ok(at)
    }

    /// Two diagrams, leaf by leaf.
    fn apply(
        &mut self,
        (a, b): (u32, u32),
        short: fn(u32, u32) -> Option<u32>,
        memo: &mut HashMap<(u32, u32), u32>,
    ) -> Result<u32, TooLarge> {
        if let Some(end) = short(a, b) {
            return Ok(end);
        }
        if let Some(known) = memo.get(&(a, b)) {
            return Ok(*known);
        }
        let level = self.level(a).min(self.level(b));
        let (left, right) = (self.edges(a, level), self.edges(b, level));
        let (mut i, mut j, mut out) = (0, 0, Vec::with_capacity(left.len() + right.len()));
        while i < left.len() && j < right.len() {
            let hi = left[i].0.min(right[j].0);
            out.push((hi, self.apply((left[i].1, right[j].1), short, memo)?));
            i += usize::from(left[i].0 == hi);
            j += usize::from(right[j].0 == hi);
        }
        let at = self.node(level, out)?;
        memo.insert((a, b), at);
        Ok(at)
    }

    /// The list by balanced composition: where the first half leaves packets open, the second decides.
    fn list(&mut self, rules: &[Rule]) -> Result<u32, TooLarge> {
        if let [rule] = rules {
            return self.rule(rule);
        }
        let (front, back) = rules.split_at(rules.len() / 2);
        let pair = (self.list(front)?, self.list(back)?);
        self.apply(pair, first_decides, &mut HashMap::new())
    }

    fn count(&self, at: u32, level: usize, memo: &mut HashMap<(u32, usize), u128>) -> u128 {
        if level == SIDES || at == 0 {
            return u128::from(at == DIFFERENT);
        }
        if let Some(known) = memo.get(&(at, level)) {
            return *known;
        }
        let (mut lo, mut total) = (0, 0);
        for &(hi, child) in &self.edges(at, level) {
            total += match ORDER[level] {
                // Only protocols with ports have rules that ask for ports.
                PROTO if child == 0 => 0,
                PROTO => selectors((lo, hi), self.count(child, level + 1, memo)),
                _ => length((lo, hi)) * self.count(child, level + 1, memo),
            };
            lo = hi.wrapping_add(1);
        }
        memo.insert((at, level), total);
        total
    }
}

fn first_decides(a: u32, b: u32) -> Option<u32> {
    match (a, b) {
        (OPEN, b) => Some(b),
        (1..TERMINALS, _) => Some(a),
        _ => (a == b).then_some(a),
    }
}

fn differ(a: u32, b: u32) -> Option<u32> {
    if a == b {
        return Some(0);
    }
    (a < TERMINALS && b < TERMINALS).then_some(DIFFERENT)
}

fn by_diagrams(old: &[Rule], new: &[Rule]) -> Option<(u64, u128)> {
    let mut all = Diagrams::default();
    let (a, b) = (all.list(old).ok()?, all.list(new).ok()?);
    let changed = all.apply((a, b), differ, &mut HashMap::new()).ok()?;
    Some((all.nodes.len() as u64, all.count(changed, 0, &mut HashMap::new())))
}

/// `diagrams`: with the slow contenders too.
fn compare(name: &str, old: &[Line], new: &[Line], rounds: usize, diagrams: bool) {
    let (old, new) = (boxes(old), boxes(new));
    let manners = if diagrams { &MANNERS[..] } else { &MANNERS[..2] };
    let mut names: Vec<&str> = manners.iter().map(|m| m.name).collect();
    names.extend(diagrams.then_some("interval decision diagram, balanced"));
    let mut sizes: Vec<Option<(u64, u128)>> = Vec::new();
    let mut times: Vec<Vec<Took>> = Vec::new();
    for _ in 0..rounds {
        let mut round: Vec<(Option<(u64, u128)>, Took)> =
            manners.iter().map(|m| timed(|| Some(Subdivision::run(&old, &new, *m)))).collect();
        round.extend(diagrams.then(|| timed(|| by_diagrams(&old, &new))));
        sizes = round.iter().map(|r| r.0).collect();
        times.push(round.into_iter().map(|r| r.1).collect());
    }
    clock::print(name, &names, &times);
    for (name, size) in names.iter().zip(&sizes) {
        match size {
            Some((size, flows)) => println!("  {name}: {size} cells or nodes, {flows} flows differ"),
            None => println!("  {name}: given up at {MOST_EDGES} edges"),
        }
    }
    let mut counts: Vec<u128> = sizes.iter().flatten().map(|s| s.1).collect();
    counts.dedup();
    assert_eq!(counts.len(), 1, "the prototypes disagree");
}

fn main() {
    const SEED: u64 = 3;
    let many = acl(10_000, SEED);
    compare("acl10000, 1 % edited", &many, &edited(&many, 100, SEED), 3, false);
    compare("eq10000, equivalent rewrite", &many, &equivalent(&many, SEED), 3, false);
    let grouped = groups(10_000, SEED);
    compare("grp10000, 1 % edited", &grouped, &edited(&grouped, 100, SEED), 3, false);
    // Whole leftovers and diagrams take too long for the large lists.
    for (n, rounds) in [(1_000, 3), (3_000, 1)] {
        let old = acl(n, SEED);
        compare(&format!("acl{n}, 1 % edited"), &old, &edited(&old, n / 100, SEED), rounds, true);
    }
}
