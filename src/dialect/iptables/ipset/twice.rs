//! Elements that a set is given twice: the kernel refuses the second one, whatever stands behind it.

use super::elements::parts_of;
use super::types::Dimension;
use super::{Elements, Part, Set, Sets, Tuple};
use crate::dialect::iptables::words::{Line, split};
use crate::dialect::{Draft, Problem, Text};
use crate::ruleset::Span;
use rustc_hash::FxHashSet;

/// What a set is given a second time.
enum Again {
    /// Values of a set with one dimension.
    Values(u128, u128),
    /// An element of several dimensions, as its key.
    Tuple(Vec<Part>),
    /// A member of a list.
    Name(String),
}

/// Refuses sets in which an element stands twice.
pub fn check(texts: &[&Text], sets: &Sets, draft: &mut Draft) {
    for set in &sets.sets {
        let again = match &set.elements {
            Elements::Line { yes, no } => values_again(set, yes, no),
            Elements::Tuples(tuples) => tuple_again(set, tuples),
            Elements::Names(names) => name_again(set, names),
        };
        if let Some(again) = again {
            let span = second_line(texts, set, &again).unwrap_or(set.span);
            draft.refuse(
                Problem::new(span, format!("the set `{}` has this element already", set.name))
                    .help("ipset refuses an element that is added twice without `-exist`"),
            );
        }
    }
}

/// Networks are elements of their own; of everything else each single value is one.
fn values_again(set: &Set, yes: &[(u128, u128)], no: &[(u128, u128)]) -> Option<Again> {
    let mut all: Vec<(u128, u128, bool)> = Vec::with_capacity(yes.len() + no.len());
    all.extend(yes.iter().map(|r| (r.0, r.1, true)));
    all.extend(no.iter().map(|r| (r.0, r.1, false)));
    all.sort_unstable();
    if set.lenient {
        all.dedup();
    }
    let networks = set.kind.dimensions == [Dimension::Net];
    let same = |a: &(u128, u128, bool), b: &(u128, u128, bool)| match networks {
        true => (a.0, a.1) == (b.0, b.1),
        false => b.0 <= a.1 && !set.lenient,
    };
    let pair = all.windows(2).find(|pair| same(&pair[0], &pair[1]))?;
    Some(Again::Values(pair[1].0, pair[1].1))
}

fn tuple_again(set: &Set, tuples: &[Tuple]) -> Option<Again> {
    let mut seen = FxHashSet::default();
    let unsettled = |t: &&Tuple| t.parts.contains(&Part::Mac(None));
    // A MAC address may follow an element that waits for one.
    let order = tuples.iter().filter(|t| !unsettled(t));
    let mut found = order.map(|t| key(set, &t.parts)).find(|k| !seen.insert(k.clone()));
    if found.is_none() {
        let mut waiting = FxHashSet::default();
        let open = tuples.iter().filter(unsettled).map(|t| key(set, &t.parts));
        found = open.into_iter().find(|k| !waiting.insert(k.clone()));
    }
    found.filter(|_| !set.lenient).map(Again::Tuple)
}

fn name_again(set: &Set, names: &[String]) -> Option<Again> {
    let mut seen = FxHashSet::default();
    names.iter().find(|n| !seen.insert(n.as_str())).filter(|_| !set.lenient).map(|n| Again::Name(n.clone()))
}

/// What tells one element of a set from another.
fn key(set: &Set, parts: &[Part]) -> Vec<Part> {
    let told = if set.kind.is_bitmap() { 1 } else { parts.len() };
    let plain = |part: &Part| match part {
        Part::Interface { name, .. } => Part::Interface { name: name.clone(), wildcard: false },
        other => other.clone(),
    };
    parts.iter().take(told).map(plain).collect()
}

/// The second line that gives the element.
fn second_line(texts: &[&Text], set: &Set, again: &Again) -> Option<Span> {
    let mut words = Vec::new();
    let mut before = false;
    for line in texts.iter().flat_map(|text| Line::all(&text.text, text.id)) {
        words.clear();
        if split(line.trimmed(), &mut words).is_err() {
            continue;
        }
        words.retain(|w| w.text != "-exist" && w.text != "-!");
        let [command, name, element, ..] = words.as_slice() else { continue };
        if command.text != "add" || *name.text != *set.name || !gives(set, &element.text, again) {
            continue;
        }
        if before {
            return Some(element.span);
        }
        before = true;
    }
    None
}

fn gives(set: &Set, element: &str, again: &Again) -> bool {
    let elements = || parts_of(set, element).unwrap_or_default();
    match again {
        Again::Name(name) => element == name,
        Again::Tuple(wanted) => elements().iter().any(|parts| key(set, parts) == *wanted),
        Again::Values(first, last) => {
            let networks = set.kind.dimensions == [Dimension::Net];
            let same = |(a, b)| if networks { (a, b) == (*first, *last) } else { a <= *last && *first <= b };
            elements().iter().flatten().filter_map(Part::range).any(same)
        }
    }
}

impl Part {
    /// The values of a part of a set with one dimension.
    pub fn range(&self) -> Option<(u128, u128)> {
        match self {
            Part::Addresses(first, last) => Some((*first, *last)),
            Part::Ports { first, last, .. } => Some(((*first).into(), (*last).into())),
            Part::Mac(Some(mac)) => Some((*mac, *mac)),
            _ => None,
        }
    }
}
