//! Short names for classes of addresses: what the policy calls them, else the prefix, else `everything else`.

use super::select::Addresses;
use crate::packet::{Cell, Family, Field, InterfaceClasses, Ranges, RegionNames, Values};
use std::collections::{BTreeMap, BTreeSet};

/// Most names of the policy that are joined to one.
const MOST_JOINED: usize = 3;

/// A name for each class; no two are equal. The last class is the rest of the address space.
pub(super) fn class_names(classes: &[Ranges], family: Family, names: &BTreeMap<String, Addresses>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut out = Vec::with_capacity(classes.len());
    for (at, class) in classes.iter().enumerate() {
        let rest = match classes.len() {
            1 => Some("everywhere"),
            n if at + 1 == n => Some("everything else"),
            _ => None,
        };
        let wanted = from_policy(class, family, names)
            .or_else(|| rest.map(str::to_owned))
            .unwrap_or_else(|| in_prefixes(class, family));
        let name = (2..).map(|n| format!("{wanted} ({n})"));
        let free = std::iter::once(wanted.clone()).chain(name).find(|n| !taken.contains(n)).unwrap_or(wanted);
        taken.insert(free.clone());
        out.push(free);
    }
    out
}

/// The addresses as the contract writes them: prefixes, or `first-last`.
pub(super) fn address_texts(addresses: &Ranges, family: Family) -> Vec<String> {
    let interfaces = InterfaceClasses::new(&[]);
    let possible = Cell::whole();
    let names = RegionNames { family, possible: &possible, interfaces: &interfaces, cond_name: &|_| String::new() };
    names.texts(Field::Src, &Values::Ranges(addresses.clone()))
}

/// The name of exactly these addresses, or the names of a few sets that together are exactly these.
fn from_policy(class: &Ranges, family: Family, names: &BTreeMap<String, Addresses>) -> Option<String> {
    if let Some((name, _)) = names.iter().find(|(_, a)| a.of(family) == class) {
        return Some(name.clone());
    }
    let mut inside: Vec<(&String, &Ranges)> = names.iter().map(|(n, a)| (n, a.of(family))).collect();
    inside.retain(|(_, r)| !r.is_empty() && r.is_subset(class));
    inside.sort_by_key(|(_, r)| std::cmp::Reverse(r.len()));
    let mut joined = Ranges::empty();
    let mut used = Vec::new();
    for (name, ranges) in inside {
        if !ranges.is_subset(&joined) {
            joined = joined.union(ranges);
            used.push(name.as_str());
        }
    }
    (joined == *class && used.len() <= MOST_JOINED).then(|| used.join(" + "))
}

fn in_prefixes(class: &Ranges, family: Family) -> String {
    let texts = address_texts(class, family);
    match texts.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first, more @ ..] => format!("{first} and {} more", more.len()),
    }
}
