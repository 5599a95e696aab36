//! Keys of sets and maps: elements as values, and the packets that have such a key.

use super::Parsed;
use super::known::Known;
use super::select::{Selector, Source, source_entry};
use super::types::Type;
use super::value::{self, Value};
use crate::dialect::Problem;
use crate::dialect::nftables::syntax::{Element, Expr, ExprKind};
use crate::packet::{Field, Ranges, Values};
use crate::ruleset::{Entry, Lookup, Match, Span};
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;

/// The key of one element: a value for every dimension.
pub type Key = SmallVec<[Value; 1]>;

/// The elements of a set.
#[derive(Debug)]
pub struct Keys {
    /// The keys, in order.
    pub keys: Vec<Key>,
    /// Whether an element stands for every other key.
    pub wildcard: bool,
}

/// Reads the keys of elements of so many dimensions.
///
/// # Errors
/// Values that are none of their type, too few or too many dimensions.
pub fn read<'e>(types: &[Type], elements: impl Iterator<Item = &'e Element>) -> Parsed<Keys> {
    let mut out = Keys { keys: Vec::new(), wildcard: false };
    for element in elements {
        match &element.key.kind {
            ExprKind::Wildcard => out.wildcard = true,
            _ => out.keys.push(key(types, &element.key)?),
        }
    }
    Ok(out)
}

/// Reads one key.
///
/// # Errors
/// As `read`.
pub fn key(types: &[Type], expr: &Expr) -> Parsed<Key> {
    match (&expr.kind, types) {
        (ExprKind::Concat(parts), _) if parts.len() == types.len() => {
            types.iter().zip(parts).map(|(kind, part)| value::read(*kind, part)).collect()
        }
        (ExprKind::Concat(_), _) | (_, []) | (_, [_, _, ..]) => {
            let message = format!("the key has not {} part(s), as the others have", types.len());
            Err(Problem::new(expr.span, message).help("parts of a key are joined by ` . `"))
        }
        (_, [kind]) => value::read(*kind, expr).map(|v| smallvec![v]),
    }
}

/// Refuses elements that overlap, which the kernel does not take in sets of intervals unless they merge.
///
/// # Errors
/// The first two that do.
pub fn check_overlap(keys: &[Key], spans: &[Span]) -> Parsed<()> {
    let mut ranges: Vec<(u128, u128, usize)> = Vec::with_capacity(keys.len());
    for (at, key) in keys.iter().enumerate() {
        if let [Value::Range(lo, hi)] = key.as_slice() {
            ranges.push((*lo, *hi, at));
        }
    }
    ranges.sort_unstable();
    for pair in ranges.windows(2) {
        let [(lo, hi, _), (next_lo, next_hi, at)] = pair else { continue };
        if next_lo <= hi && (lo, hi) != (next_lo, next_hi) {
            let span = spans.get(*at).copied().unwrap_or_default();
            return Err(Problem::new(span, "the element overlaps another one")
                .help("nft refuses conflicting intervals; `auto-merge` in the set's declaration joins them"));
        }
    }
    Ok(())
}

/// The packets whose selectors have one of these keys.
pub fn membership(name: &str, selectors: &[Selector], keys: &[Key], known: &Known) -> Match {
    if let [selector] = selectors {
        let values: Vec<Value> = keys.iter().filter_map(|k| k.first().cloned()).collect();
        return selector.among(&[], &values);
    }
    let (mut entries, mut others) = (Vec::new(), Vec::new());
    for key in keys {
        match entry(selectors, key, known) {
            Some(entry) => entries.push(entry),
            None => {
                others.push(Match::all(selectors.iter().zip(key).map(|(s, v)| s.among(&[], std::slice::from_ref(v)))))
            }
        }
    }
    let listed = match entries.is_empty() {
        true => Match::Never,
        false => Match::Lookup(Arc::new(Lookup { name: name.into(), entries })),
    };
    Match::any(std::iter::once(listed).chain(others))
}

/// The key as an entry over fields, where that says it.
fn entry(selectors: &[Selector], key: &Key, known: &Known) -> Option<Entry> {
    let mut entry = Entry { fields: Vec::new(), interfaces: Vec::new(), member: true };
    for (selector, value) in selectors.iter().zip(key) {
        match (&selector.source, value) {
            (Source::Interface(side), Value::Interface(pattern)) => entry.interfaces.push((*side, pattern.clone())),
            (_, Value::Range(lo, hi)) => {
                if let Some((field, values)) = source_entry(selector, *lo, *hi)? {
                    push(&mut entry, field, values)?;
                }
            }
            _ => return None,
        }
    }
    let needs_ports = selectors.iter().any(|s| matches!(s.source, Source::Port(_)));
    (!needs_ports || has_ports(&entry, known)).then_some(entry)
}

/// Whether every packet of the entry is of a protocol with ports.
fn has_ports(entry: &Entry, known: &Known) -> bool {
    let with_ports = Ranges::from_values(super::select::WITH_PORTS.map(u128::from));
    let by_entry = entry.fields.iter().find(|(f, _)| *f == Field::Proto).and_then(|(_, v)| v.as_ranges());
    by_entry.is_some_and(|r| r.is_subset(&with_ports))
        || known.protocols.as_ref().is_some_and(|p| p.iter().all(|p| super::select::WITH_PORTS.contains(p)))
}

/// Adds a condition; a second one on the same field narrows the first.
fn push(entry: &mut Entry, field: Field, values: Values) -> Option<()> {
    match entry.fields.iter_mut().find(|(f, _)| *f == field) {
        Some((_, before)) => *before = before.intersect(&values)?,
        None if field == Field::Proto => entry.fields.insert(0, (field, values)),
        None => entry.fields.push((field, values)),
    }
    Some(())
}

/// The dimensions of an expression: the parts of a concatenation, or itself.
pub fn parts(expr: &Expr) -> &[Expr] {
    match &expr.kind {
        ExprKind::Concat(parts) => parts,
        _ => std::slice::from_ref(expr),
    }
}
