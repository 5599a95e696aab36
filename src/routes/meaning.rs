//! What a change of routes means as a whole, in one text for one meaning: what `fwgate.meaning/1` says about routes.
//!
//! Regions can be cut in many ways. Here the dimensions are decided one after the other, in one order; values that lead to the
//! same rest are put together, and a dimension on which nothing depends is left out. What is left has one form only.

use super::canonical::canonical_forwarding;
use super::diff::RoutingDiff;
use super::lookup::Outcome;
use super::map::whole;
use super::model::Routing;
use super::survey::survey;
use super::zone::{Dimension, Marks, Part, Zone};
use crate::packet::{Family, Ranges, address_texts};
use std::collections::{BTreeMap, BTreeSet};

/// Most steps of one text.
const MOST_STEPS: usize = 200_000;
/// Most changes that are put into words.
const MOST_WORDS: usize = 3;
/// Most ranges that are put into words.
const MOST_RANGES: usize = 4;

/// Every part of the space that goes another way, one line each, sorted: `docs/meaning.md` defines the form. Empty where nothing
/// does; `None` beyond a bound.
pub fn canonical_routes(old: &Routing, new: &Routing, diff: &RoutingDiff) -> Option<String> {
    let mut lines = BTreeSet::new();
    for family in Family::ALL {
        for (table, leaves) in changed(old, new, diff, family)? {
            lines.extend(leaves.iter().flat_map(|leaf| leaf.lines(family, &table)));
        }
        for (given, leaves) in one_sided(old, new, diff, family)? {
            lines.extend(leaves.iter().flat_map(|leaf| leaf.lines(family, given)));
        }
    }
    Some(lines.into_iter().collect())
}

/// The same in words, a clause each: what an approver signs.
pub fn canonical_says(old: &Routing, new: &Routing, diff: &RoutingDiff) -> Vec<String> {
    let mut out = Vec::new();
    for family in Family::ALL {
        match changed(old, new, diff, family) {
            Some(found) => out.extend(found.iter().flat_map(|(_, leaves)| leaves).flat_map(|leaf| leaf.words(family))),
            None => out.push(format!("sends {family} packets elsewhere in too many ways to name")),
        }
    }
    let hidden = out.len().saturating_sub(MOST_WORDS);
    out.truncate(MOST_WORDS);
    if hidden > 0 {
        out.push(format!("sends {hidden} more ranges elsewhere"));
    }
    for (family, is_new) in &diff.one_sided {
        out.push(match is_new {
            true => format!("has routes for {family} for the first time, which are not compared"),
            false => format!("has no routes for {family} any more, which is not compared"),
        });
    }
    out
}

type Leaves = Vec<Leaf>;

/// Per table that is compared by itself, and first for all that rules make of the others.
fn changed(old: &Routing, new: &Routing, diff: &RoutingDiff, family: Family) -> Option<Vec<(String, Leaves)>> {
    let mut items: BTreeMap<String, Vec<Item>> = BTreeMap::new();
    for change in diff.changes.iter().filter(|c| c.family == family) {
        let table = change.table.as_ref().map_or_else(|| "by rules".to_owned(), |t| format!("in table {t}"));
        let ends = (canonical_forwarding(old, &change.old), canonical_forwarding(new, &change.new));
        let own = change.regions.iter().map(|r| Item { zone: r.zone.clone(), to: r.to.clone(), ends: ends.clone() });
        items.entry(table).or_default().extend(own);
    }
    let mut left = MOST_STEPS;
    items.into_iter().map(|(table, items)| Some((table, decide(items, ORDER, family, &mut left)?))).collect()
}

/// The whole routes of a family that only one side gives, against nothing.
fn one_sided(old: &Routing, new: &Routing, diff: &RoutingDiff, family: Family) -> Option<Vec<(&'static str, Leaves)>> {
    let Some((_, is_new)) = diff.one_sided.iter().find(|(of, _)| *of == family) else { return Some(Vec::new()) };
    let (routing, given) = if *is_new { (new, "after") } else { (old, "before") };
    let ways = survey(routing, family, &whole(family)).ok()?;
    let ends = |outcome: &Outcome| (String::new(), canonical_forwarding(routing, outcome));
    let items = ways.into_iter().filter(|w| w.outcome != Outcome::Nowhere);
    let items = items.map(|w| Item { ends: ends(&w.outcome), zone: w.zone, to: w.to }).collect();
    Some(vec![(given, decide(items, ORDER, family, &mut { MOST_STEPS })?)])
}

/// The order in which dimensions are decided; the destination is last.
const ORDER: &[Dimension] = &[
    Dimension::Iif,
    Dimension::Oif,
    Dimension::Domain,
    Dimension::Fwmark,
    Dimension::Tos,
    Dimension::Ipproto,
    Dimension::From,
    Dimension::Sport,
    Dimension::Dport,
    Dimension::Uid,
    Dimension::TunId,
];

/// A box of packets that end alike before, and alike after.
#[derive(Clone, Debug)]
struct Item {
    zone: Zone,
    to: Ranges,
    ends: (String, String),
}

/// What becomes of destinations where everything on the path holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Leaf {
    path: Vec<String>,
    ways: BTreeMap<(String, String), Ranges>,
}

impl Leaf {
    fn under(mut self, word: &str) -> Leaf {
        self.path.insert(0, word.to_owned());
        self
    }

    fn lines(&self, family: Family, table: &str) -> Vec<String> {
        let path = self.path.iter().map(|word| format!(" {word}")).collect::<String>();
        let line = |((was, is), to): (&(String, String), &Ranges)| {
            let to = address_texts(to, family).join(" ");
            format!("routes {} {table}{path} to {to} : {was} > {is}\n", family.number())
        };
        self.ways.iter().map(line).collect()
    }

    fn words(&self, family: Family) -> Vec<String> {
        let path = self.path.iter().map(|word| format!(" {word}")).collect::<String>();
        let words = |((was, is), to): (&(String, String), &Ranges)| {
            let texts = address_texts(to, family);
            let more = texts.len().saturating_sub(MOST_RANGES);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let shown = texts.iter().take(MOST_RANGES).cloned().collect::<Vec<_>>().join(", ");
            format!("routes {shown}{more}{path} as {is}, and no longer as {was}")
        };
        self.ways.iter().map(words).collect()
    }
}

/// Decides the dimensions one after the other.
fn decide(items: Vec<Item>, order: &[Dimension], family: Family, left: &mut usize) -> Option<Leaves> {
    *left = left.checked_sub(1)?;
    if items.is_empty() {
        return Some(Vec::new());
    }
    let Some((dimension, rest)) = order.split_first() else { return Some(vec![leaf(items)]) };
    if items.iter().all(|item| item.zone.get(*dimension).is_none()) {
        return decide(items, rest, family, left);
    }
    match dimension {
        Dimension::Iif | Dimension::Oif => by_interface(&items, *dimension, rest, family, left),
        Dimension::Fwmark => by_mark(&items, 31, rest, family, left),
        _ => by_number(&items, *dimension, rest, family, left),
    }
}

fn leaf(items: Vec<Item>) -> Leaf {
    let mut ways: BTreeMap<(String, String), Ranges> = BTreeMap::new();
    for item in items {
        let own = ways.entry(item.ends).or_default();
        *own = own.union(&item.to);
    }
    Leaf { path: Vec::new(), ways }
}

/// The items whose part of a dimension is as `keep` says, without it.
fn restricted(items: &[Item], dimension: Dimension, keep: impl Fn(Option<&Part>) -> bool) -> Vec<Item> {
    let own = items.iter().filter(|item| keep(item.zone.get(dimension)));
    own.map(|item| Item { zone: item.zone.without(dimension), ..item.clone() }).collect()
}

fn by_number(
    items: &[Item],
    dimension: Dimension,
    rest: &[Dimension],
    family: Family,
    left: &mut usize,
) -> Option<Leaves> {
    let mut cuts: BTreeSet<u128> = BTreeSet::from([0]);
    let most = dimension.max(family);
    for part in items.iter().filter_map(|item| item.zone.get(dimension)) {
        if let Part::Ranges(ranges) = part {
            let ends = ranges.as_slice().iter().flat_map(|(lo, hi)| [Some(*lo), hi.checked_add(1)]);
            cuts.extend(ends.flatten().filter(|cut| *cut <= most));
        }
    }
    let cuts: Vec<u128> = cuts.into_iter().collect();
    let mut groups: BTreeMap<Leaves, Ranges> = BTreeMap::new();
    for (at, first) in cuts.iter().enumerate() {
        let last = cuts.get(at + 1).map_or(most, |next| next - 1);
        let own = restricted(items, dimension, |part| match part {
            Some(Part::Ranges(ranges)) => ranges.contains(*first),
            _ => true,
        });
        let known = groups.entry(decide(own, rest, family, left)?).or_default();
        *known = known.union(&Ranges::range(*first, last));
    }
    Some(groups.into_iter().flat_map(|(leaves, ranges)| labelled(leaves, dimension, ranges, family)).collect())
}

/// Leaves below a label; below none where the label says nothing.
fn labelled(leaves: Leaves, dimension: Dimension, ranges: Ranges, family: Family) -> Leaves {
    if ranges.is_full(dimension.max(family)) {
        return leaves;
    }
    let word = format!("{} {}", dimension.name(), Part::Ranges(ranges).text(dimension, family));
    leaves.into_iter().map(|leaf| leaf.under(&word)).collect()
}

fn by_interface(
    items: &[Item],
    dimension: Dimension,
    rest: &[Dimension],
    family: Family,
    left: &mut usize,
) -> Option<Leaves> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for item in items {
        if let Some(Part::Only(own) | Part::But(own)) = item.zone.get(dimension) {
            names.extend(own.iter().cloned());
        }
    }
    let mut of = |name: Option<&str>| {
        let own = restricted(items, dimension, |part| part.is_none_or(|part| part.has_interface(name)));
        decide(own, rest, family, left)
    };
    let others = of(None)?;
    let mut groups: BTreeMap<Leaves, BTreeSet<String>> = BTreeMap::new();
    for name in &names {
        let own = of(Some(name))?;
        if own != others {
            groups.entry(own).or_default().insert(name.clone());
        }
    }
    let but: BTreeSet<String> = groups.values().flatten().cloned().collect();
    if but.is_empty() {
        return Some(others);
    }
    let label = |part: Part| format!("{} {}", dimension.name(), part.text(dimension, family));
    let under =
        |leaves: Leaves, word: String| leaves.into_iter().map(move |leaf| leaf.under(&word)).collect::<Leaves>();
    let mut out = under(others, label(Part::But(but)));
    for (leaves, names) in groups {
        out.extend(under(leaves, label(Part::Only(names))));
    }
    Some(out)
}

/// Marks, bit by bit from the first: they have masks.
fn by_mark(items: &[Item], bit: u32, rest: &[Dimension], family: Family, left: &mut usize) -> Option<Leaves> {
    let looks =
        |item: &Item| matches!(item.zone.get(Dimension::Fwmark), Some(Part::Marks(m)) if m.mask >> bit & 1 == 1);
    let next = |items: Vec<Item>, left: &mut usize| match bit {
        0 => decide(restricted(&items, Dimension::Fwmark, |_| true), rest, family, left),
        _ => by_mark(&items, bit - 1, rest, family, left),
    };
    if !items.iter().any(looks) {
        return next(items.to_vec(), left);
    }
    let side = |value: u32| -> Vec<Item> {
        let fits = |item: &&Item| match item.zone.get(Dimension::Fwmark) {
            Some(Part::Marks(m)) => m.mask >> bit & 1 == 0 || m.value >> bit & 1 == value,
            _ => true,
        };
        let clear = |item: &Item| match item.zone.get(Dimension::Fwmark) {
            Some(Part::Marks(m)) => {
                let rest = Marks { value: m.value & !(1 << bit), mask: m.mask & !(1 << bit) };
                Item { zone: item.zone.clone().with(Dimension::Fwmark, Part::Marks(rest)), ..item.clone() }
            }
            _ => item.clone(),
        };
        items.iter().filter(fits).map(clear).collect()
    };
    let (zero, one) = (next(side(0), left)?, next(side(1), left)?);
    if zero == one {
        return Some(zero);
    }
    let under = |leaves: Leaves, value: u32| {
        let word = format!("fwmark bit {bit} {value}");
        leaves.into_iter().map(move |leaf| leaf.under(&word)).collect::<Leaves>()
    };
    Some(under(zero, 0).into_iter().chain(under(one, 1)).collect())
}
