//! Named sets and maps: their types, their elements, and what it means that a packet's key is among them.
//!
//! A set with timeouts, or one that rules fill, holds what is listed; of every other key nobody knows
//! (`net/netfilter/nft_lookup.c`, `nft_dynset.c`).

use super::Parsed;
use super::keys::{self, Key};
use super::rule::Reader;
use super::select::{Selector, Source};
use super::state::SetState;
use super::types::Type;
use crate::dialect::conditions::condition;
use crate::dialect::nftables::syntax::{Element, Expr, ExprKind, Name, Statement, StatementKind};
use crate::dialect::{Problem, nearest};
use crate::packet::Field;
use crate::ruleset::{Match, Negate, OpaqueKind, Span};
use std::cell::OnceCell;
use std::rc::Rc;

/// The elements of a named set, read once.
#[derive(Debug, Default)]
pub struct Read {
    cell: OnceCell<Rc<ReadKeys>>,
}

/// The keys of a set with what follows from their order.
#[derive(Debug)]
pub struct ReadKeys {
    /// The keys.
    pub keys: Vec<Key>,
    /// Whether an element stands for every other key.
    pub wildcard: bool,
}

/// The packets whose key is in the named set.
///
/// # Errors
/// Sets that are not there, of another type, or with elements that are not understood.
pub fn lookup(reader: &mut Reader<'_, '_>, selectors: &[Selector], name: &Name) -> Parsed<Match> {
    // A map with a name is the set of its keys (`nft_lookup_init`).
    let set = find(reader, name)?;
    check_types(set, selectors, name)?;
    let read = elements(set)?;
    if read.wildcard {
        return Ok(Match::Always);
    }
    let listed = keys::membership(&name.text, selectors, &read.keys, &reader.known);
    let limited = set.spec.statements.iter().any(asks) || set.elements.iter().any(|e| e.statements.iter().any(asks));
    let listed = if limited { Match::all([listed, element_condition(name)]) } else { listed };
    if !set.changes() {
        return Ok(listed);
    }
    let unknown = condition(format!("set: {} {}", name.text, words(selectors)), OpaqueKind::PerRule);
    Ok(Match::any([listed.clone(), Match::all([listed.negated_if(Negate::Yes), unknown])]))
}

/// Elements that carry a limit or quota match only while it lets them.
fn element_condition(name: &Name) -> Match {
    condition(format!("set: {} element", name.text), OpaqueKind::PerRule)
}

/// Whether a statement of an element can keep a lookup from matching.
pub fn asks(statement: &Statement) -> bool {
    matches!(statement.kind, StatementKind::Limit(_) | StatementKind::Quota { .. } | StatementKind::ConnCount { .. })
}

/// The selectors of a key in a few words: `src`, `dst`, or what stands in the rule.
pub fn words(selectors: &[Selector]) -> String {
    let word = |selector: &Selector| match selector.source {
        Source::Field(Field::Src) => "src".to_owned(),
        Source::Field(Field::Dst) => "dst".to_owned(),
        _ => selector.words.trim_end_matches(':').replace(": ", " "),
    };
    selectors.iter().map(word).collect::<Vec<_>>().join(",")
}

/// The set or map of this name in the rule's table.
///
/// # Errors
/// Where there is none.
pub fn find<'s>(reader: &Reader<'s, '_>, name: &Name) -> Parsed<&'s SetState<'s>> {
    let table = reader.scope.table;
    table.set(&name.text).ok_or_else(|| {
        let near = nearest(&name.text, table.sets.iter().map(|s| s.name.as_str()));
        Problem::new(name.span, format!("there is no set or map `{}` in table `{}`", name.text, table.name.name))
            .help_if(near.map(|n| format!("did you mean `{n}`?")))
    })
}

/// Refuses a set whose key is of other types than the rule's.
///
/// # Errors
/// Where it is.
pub fn check_types(set: &SetState<'_>, selectors: &[Selector], name: &Name) -> Parsed<()> {
    let same = |(a, b): (&Type, &Type)| a == b || matches!((a, b), (Type::Integer(_), Type::Integer(_)));
    let kinds: Vec<Type> = selectors.iter().map(|s| s.kind).collect();
    if set.types.len() == kinds.len() && set.types.iter().zip(&kinds).all(same) {
        return Ok(());
    }
    let text = |kinds: &[Type]| kinds.iter().map(|k| k.name()).collect::<Vec<_>>().join(" . ");
    let message =
        format!("`{}` holds keys of type {}, and the rule asks for {}", name.text, text(&set.types), text(&kinds));
    Err(Problem::new(name.span, message).help("nft refuses the rule: datatype mismatch"))
}

/// The keys of a set, read at most once.
///
/// # Errors
/// Elements that are not understood, overlap, or are intervals in a set that takes none.
pub fn elements(set: &SetState<'_>) -> Parsed<Rc<ReadKeys>> {
    if let Some(read) = set.read.cell.get() {
        return Ok(read.clone());
    }
    let listed = keys::read(&set.types, set.elements.iter().copied())?;
    check_intervals(set)?;
    let spans: Vec<Span> = set.elements.iter().filter(|e| !is_wildcard(e)).map(|e| e.span).collect();
    if !set.spec.auto_merge {
        keys::check_overlap(&listed.keys, &spans)?;
    }
    let read = Rc::new(ReadKeys { keys: listed.keys, wildcard: listed.wildcard });
    Ok(set.read.cell.get_or_init(|| read).clone())
}

/// Whether the element stands for every other key.
pub fn is_wildcard(element: &Element) -> bool {
    element.key.kind == ExprKind::Wildcard
}

fn check_intervals(set: &SetState<'_>) -> Parsed<()> {
    if set.has_flag("interval") {
        return Ok(());
    }
    let is_interval = |part: &Expr| match &part.kind {
        ExprKind::Range(..) => true,
        ExprKind::Prefix(_, length) => set.types.iter().all(|t| *length < t.bits()),
        _ => false,
    };
    match set.elements.iter().find(|e| keys::parts(&e.key).iter().any(is_interval)) {
        Some(element) => {
            let message = format!("`{}` takes no ranges and no prefixes", set.name);
            Err(Problem::new(element.span, message).help("add `flags interval` to its declaration, as nft demands"))
        }
        None => Ok(()),
    }
}

/// The values of a map's data, one for each element with its key; the wildcard's key is `None`.
pub type Pairs<'s> = Vec<(Option<Key>, &'s Expr)>;

/// The elements of a map as pairs of key and data, those that stand for all others last.
///
/// # Errors
/// Elements without data, and everything that `elements` refuses.
pub fn pairs<'s>(types: &[Type], elements: impl Iterator<Item = &'s Element>, may_overlap: bool) -> Parsed<Pairs<'s>> {
    let (mut out, mut last): (Pairs<'s>, Pairs<'s>) = (Vec::new(), Vec::new());
    let (mut keys, mut spans) = (Vec::new(), Vec::new());
    for element in elements {
        let data = element.data.as_deref().ok_or_else(|| {
            Problem::new(element.span, "the element says nothing of what the map gives").help("write `key : value`")
        })?;
        if is_wildcard(element) {
            last.push((None, data));
            continue;
        }
        let key = keys::key(types, &element.key)?;
        keys.push(key.clone());
        spans.push(element.span);
        out.push((Some(key), data));
    }
    if !may_overlap {
        keys::check_overlap(&keys, &spans)?;
    }
    out.append(&mut last);
    Ok(out)
}
