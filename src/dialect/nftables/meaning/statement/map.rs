//! Maps: a verdict, an address or a number by the key of the packet.

use super::{End, verdict_of};
use crate::dialect::Problem;
use crate::dialect::conditions::condition;
use crate::dialect::nftables::meaning::Parsed;
use crate::dialect::nftables::meaning::keys::{self, Key};
use crate::dialect::nftables::meaning::rule::Reader;
use crate::dialect::nftables::meaning::select::Selector;
use crate::dialect::nftables::meaning::sets::{self, Pairs};
use crate::dialect::nftables::meaning::types::Type;
use crate::dialect::nftables::syntax::{Expr, ExprKind};
use crate::ruleset::{Match, Negate, Opaque, OpaqueKind, Span, Verdict};
use rustc_hash::FxHashMap;
use std::hash::Hash;

/// A map as a rule asks it.
pub struct Asked<'s> {
    /// Its name, for words.
    name: String,
    /// What is asked for.
    selectors: Vec<Selector>,
    /// Keys and data.
    pairs: Pairs<'s>,
    /// Whether other keys come and go without anybody editing rules.
    pub changes: bool,
    /// The types of its data, where a declaration says them.
    pub data: Option<&'s [Type]>,
}

/// Decides by the packet's key.
///
/// # Errors
/// Maps that are not there or give something else, chains that cannot be called.
pub fn verdicts<'s>(reader: &mut Reader<'s, '_>, key: &'s Expr, data: &'s Expr) -> Parsed<End> {
    let asked = ask(reader, key, data)?;
    if asked.data.is_some_and(|d| d != [Type::Verdict]) {
        return Err(Problem::new(data.span, format!("`{}` gives no verdicts", asked.name)).help("use `map`"));
    }
    let verdict = |reader: &mut Reader<'s, '_>, expr: &'s Expr| match &expr.kind {
        ExprKind::Verdict(verdict) => verdict_of(reader, verdict, expr.span),
        _ => Err(Problem::new(expr.span, "this is no verdict").help("expected is `accept`, `drop`, `jump CHAIN`, ...")),
    };
    let mut groups = Groups::default();
    for (key, expr) in &asked.pairs {
        groups.add(key.clone(), verdict(reader, expr)?, expr.span)?;
    }
    let mut entries = groups.entries(&asked, reader);
    if asked.changes {
        let (listed, unknown) = changing(&asked, &entries);
        let at = entries.iter().position(|(m, _)| *m == Match::Always).unwrap_or(entries.len());
        let name = format!("map: {} verdict", asked.name);
        let ask = Verdict::Ask(Opaque { name: name.into(), kind: OpaqueKind::PerRule });
        entries.insert(at, (Match::all([listed.negated_if(Negate::Yes), unknown]), ask));
    }
    reader.choose(entries);
    Ok(if reader.is_over() { End::Decides } else { End::GoesOn })
}

/// What is listed, and the condition that something else is in the map.
pub fn changing<D>(asked: &Asked<'_>, entries: &[(Match, D)]) -> (Match, Match) {
    let listed = Match::any(entries.iter().map(|(m, _)| m.clone()).filter(|m| *m != Match::Always));
    let name = format!("map: {} {}", asked.name, sets::words(&asked.selectors));
    (listed, condition(name, OpaqueKind::PerRule))
}

/// Reads key and elements of a map; what the key asks for is taken into the rule.
///
/// # Errors
/// Maps that are not there, keys of another type.
pub fn ask<'s>(reader: &mut Reader<'s, '_>, key: &'s Expr, data: &'s Expr) -> Parsed<Asked<'s>> {
    let selectors = reader.selectors(key)?;
    for selector in &selectors {
        selector.guards.iter().for_each(|g| reader.only_if(g.clone()));
    }
    match &data.kind {
        ExprKind::Braces(elements) => {
            let types: Vec<Type> = selectors.iter().map(|s| s.kind).collect();
            let pairs = sets::pairs(&types, elements.iter(), false)?;
            Ok(Asked { name: "anonymous".to_owned(), selectors, pairs, changes: false, data: None })
        }
        ExprKind::SetRef(name) => {
            let set = sets::find(reader, name)?;
            sets::check_types(set, &selectors, name)?;
            if set.spec.data.is_none() {
                return Err(Problem::new(name.span, format!("`{}` is a set, not a map", name.text)));
            }
            let pairs = sets::pairs(&set.types, set.elements.iter().copied(), set.spec.auto_merge)?;
            let data = Some(set.data.as_slice());
            Ok(Asked { name: name.text.clone(), selectors, pairs, changes: set.changes(), data })
        }
        _ => Err(Problem::new(data.span, "expected is a map").help("write `{ key : value, ... }` or `@name`")),
    }
}

/// Every value that a map can give with the packets to which it gives it.
///
/// # Errors
/// Data that are not understood.
pub fn values<'s, D: Clone + Eq + Hash>(
    reader: &Reader<'s, '_>,
    asked: &Asked<'s>,
    mut read: impl FnMut(&'s Expr) -> Parsed<D>,
) -> Parsed<Vec<(Match, D)>> {
    let mut groups = Groups::default();
    for (key, expr) in &asked.pairs {
        groups.add(key.clone(), read(expr)?, expr.span)?;
    }
    Ok(groups.entries(asked, reader))
}

/// Keys by what the map gives for them.
struct Groups<D> {
    index: FxHashMap<D, usize>,
    keys: Vec<(D, Vec<Key>)>,
    given: FxHashMap<Key, D>,
    others: Option<D>,
}

impl<D> Default for Groups<D> {
    fn default() -> Self {
        Groups { index: FxHashMap::default(), keys: Vec::new(), given: FxHashMap::default(), others: None }
    }
}

impl<D: Clone + Eq + Hash> Groups<D> {
    /// Takes a key; the kernel refuses another value for one that is there.
    fn add(&mut self, key: Option<Key>, data: D, span: Span) -> Parsed<()> {
        let Some(key) = key else {
            self.others = Some(data);
            return Ok(());
        };
        if self.given.insert(key.clone(), data.clone()).is_some_and(|before| before != data) {
            return Err(Problem::new(span, "the map gives something else for the same key before"));
        }
        let at = *self.index.entry(data.clone()).or_insert(self.keys.len());
        match self.keys.get_mut(at) {
            Some((_, keys)) => keys.push(key),
            None => self.keys.push((data, vec![key])),
        }
        Ok(())
    }

    /// Keys never overlap, so that those of equal data can stand together.
    fn entries(self, asked: &Asked<'_>, reader: &Reader<'_, '_>) -> Vec<(Match, D)> {
        let entry =
            |(data, keys): (D, Vec<Key>)| (keys::membership(&asked.name, &asked.selectors, &keys, &reader.known), data);
        let others = self.others.map(|data| (Match::Always, data));
        self.keys.into_iter().map(entry).chain(others).collect()
    }
}
