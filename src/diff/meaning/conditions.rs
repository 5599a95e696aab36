//! Names for the conditions that each rule has for itself, which depend on what they decide and not on where they stand.
//!
//! Two such conditions of one name are told apart by their *mark*: the text of the function in which every other ambiguous
//! condition is left out. Where marks are equal, every order is tried and the least text counts. Beyond bounds the
//! order is that of the rules: then one meaning may have two texts, but never two meanings one.

use super::build::{Builder, Ends};
use super::level::{NamedCond, levels};
use super::parts::parts;
use super::write::lines;
use super::{Function, MeaningBounds, MeaningError};
use crate::packet::{Cell, Cond};
use crate::ruleset::OpaqueKind;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// With more ambiguous conditions, none is marked.
const MAX_MARKED: usize = 64;
/// With more orders than this, none is tried but the first.
const MAX_ORDERS: usize = 120;
/// Most conditions of one filter.
const MAX_CONDITIONS: usize = 512;

/// A function whose conditions have names.
pub(super) struct Settled {
    pub text: String,
    /// Cells with their ends, where they are not too many.
    pub parts: Option<Vec<(Cell, u32)>>,
    /// The conditions of the parts, by number.
    pub conditions: Vec<Arc<str>>,
}

/// The text of a function with its conditions named.
///
/// # Errors
/// The bound; parts that overlap.
pub(super) fn settled(function: &Function<'_>, bounds: MeaningBounds) -> Result<Settled, MeaningError> {
    let groups = groups(function)?;
    let certain = certain(&groups);
    let ambiguous: Vec<&Group> = groups.iter().filter(|g| g.is_ambiguous()).collect();
    let mut orders: Vec<Vec<NamedCond>> = vec![certain.clone()];
    let is_marked = ambiguous.iter().map(|g| g.conds.len()).sum::<usize>() <= MAX_MARKED;
    for group in ambiguous {
        let ranked = if is_marked { ranked(function, &certain, group, bounds)? } else { vec![group.conds.clone()] };
        orders = orders.iter().flat_map(|o| ranked.iter().map(|r| with(o, group, r))).take(MAX_ORDERS).collect();
    }
    let mut least: Option<Settled> = None;
    for mut order in orders {
        order.sort_by(|a, b| (&a.name, a.occurrence).cmp(&(&b.name, b.occurrence)));
        let other = built(function, &order, bounds)?;
        least = least.into_iter().chain([other]).min_by(|a, b| a.text.cmp(&b.text));
    }
    least.ok_or(MeaningError::TooLarge)
}

fn built(function: &Function<'_>, order: &[NamedCond], bounds: MeaningBounds) -> Result<Settled, MeaningError> {
    let levels = levels(function, order);
    let mut builder = Builder::new(function, &levels, Ends::One, bounds);
    let root = builder.root()?;
    let text = lines(function, &levels, &builder.diagram, root);
    let parts = parts(function, &levels, &builder.diagram, root);
    Ok(Settled { text, parts, conditions: order.iter().map(|c| c.name.clone()).collect() })
}

/// Conditions of one name and kind.
struct Group {
    name: Arc<str>,
    is_per_rule: bool,
    conds: Vec<Cond>,
}

impl Group {
    fn is_ambiguous(&self) -> bool {
        self.conds.len() > 1
    }
}

/// The conditions that the cells name, by name.
fn groups(function: &Function<'_>) -> Result<Vec<Group>, MeaningError> {
    let mut conds: Vec<Cond> = function.parts.iter().flat_map(|p| p.cell.conds()).map(|(c, _)| *c).collect();
    conds.sort_unstable();
    conds.dedup();
    if conds.len() > MAX_CONDITIONS {
        return Err(MeaningError::TooLarge);
    }
    let mut out: BTreeMap<(Arc<str>, bool), Vec<Cond>> = BTreeMap::new();
    for cond in conds {
        let opaque = function.space.opaque(cond).ok_or(MeaningError::Overlap)?;
        out.entry((opaque.name, opaque.kind == OpaqueKind::PerRule)).or_default().push(cond);
    }
    Ok(out.into_iter().map(|((name, is_per_rule), conds)| Group { name, is_per_rule, conds }).collect())
}

/// The conditions whose names say which they are.
fn certain(groups: &[Group]) -> Vec<NamedCond> {
    let single = groups.iter().filter(|g| !g.is_ambiguous());
    single.flat_map(|g| g.conds.iter().map(|c| named(g, *c, 1))).collect()
}

fn named(group: &Group, cond: Cond, number: u32) -> NamedCond {
    NamedCond { cond, name: group.name.clone(), occurrence: group.is_per_rule.then_some(number) }
}

fn with(order: &[NamedCond], group: &Group, conds: &[Cond]) -> Vec<NamedCond> {
    let numbered = conds.iter().zip(1..).map(|(cond, number)| named(group, *cond, number));
    order.iter().cloned().chain(numbered).collect()
}

/// The orders of a group that its conditions' marks leave open.
fn ranked(
    function: &Function<'_>,
    certain: &[NamedCond],
    group: &Group,
    bounds: MeaningBounds,
) -> Result<Vec<Vec<Cond>>, MeaningError> {
    let mut marked: BTreeMap<[u8; 32], Vec<Cond>> = BTreeMap::new();
    for cond in &group.conds {
        let mut seen = certain.to_vec();
        seen.push(named(group, *cond, 0));
        seen.sort_by(|a, b| (&a.name, a.occurrence).cmp(&(&b.name, b.occurrence)));
        let mark = Sha256::digest(blurred(function, &seen, bounds)?);
        marked.entry(mark.into()).or_default().push(*cond);
    }
    let mut out: Vec<Vec<Cond>> = vec![Vec::new()];
    for alike in marked.values() {
        let orders = permutations(alike);
        let longer = |o: &Vec<Cond>| orders.iter().map(|p| [o.as_slice(), p].concat()).collect::<Vec<_>>();
        out = out.iter().flat_map(longer).take(MAX_ORDERS).collect();
    }
    Ok(out)
}

/// Every order of a few conditions; only the one given of many.
fn permutations(conds: &[Cond]) -> Vec<Vec<Cond>> {
    if conds.len() > 5 {
        return vec![conds.to_vec()];
    }
    let mut out: Vec<Vec<Cond>> = vec![Vec::new()];
    for cond in conds {
        let at_each = |o: &Vec<Cond>| (0..=o.len()).map(|at| inserted(o, at, *cond)).collect::<Vec<_>>();
        out = out.iter().flat_map(at_each).collect();
    }
    out
}

fn inserted(order: &[Cond], at: usize, cond: Cond) -> Vec<Cond> {
    let mut out = order.to_vec();
    out.insert(at, cond);
    out
}

/// The text of a function some of whose conditions are left out.
fn blurred(function: &Function<'_>, conditions: &[NamedCond], bounds: MeaningBounds) -> Result<String, MeaningError> {
    let levels = levels(function, conditions);
    let mut builder = Builder::new(function, &levels, Ends::Several, bounds);
    let root = builder.root()?;
    Ok(lines(function, &levels, &builder.diagram, root))
}
