//! What became of containers: tables, chains and sets that were added, removed or renamed. Names carry no meaning,
//! so none of this is an effect by itself; people want to see it all the same.

use crate::packet::Family;
use crate::ruleset::{Chain, Families, Match, Ruleset, Step, Verdict};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

/// What became of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    /// It stands on the new side only.
    Added,
    /// It stands on the old side only.
    Removed,
    /// It stands on both sides, with the same content under another name.
    Renamed,
    /// It is not comparable, because one side says nothing about it.
    NotCompared,
}

impl Fate {
    /// The word of the machine formats.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Added => "added",
            Fate::Removed => "removed",
            Fate::Renamed => "renamed",
            Fate::NotCompared => "not-compared",
        }
    }
}

/// A kind of container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Container {
    Device,
    Family,
    Hook,
    Table,
    Chain,
    Set,
}

impl Container {
    /// The word of the machine formats.
    pub fn name(self) -> &'static str {
        match self {
            Container::Device => "device",
            Container::Family => "family",
            Container::Hook => "hook",
            Container::Table => "table",
            Container::Chain => "chain",
            Container::Set => "set",
        }
    }
}

/// One thing that became of a container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StructureChange {
    /// What became of it.
    pub fate: Fate,
    /// What it is.
    pub container: Container,
    /// Its name; the old one where it was renamed.
    pub name: String,
    /// In words.
    pub message: String,
}

impl StructureChange {
    /// A container that was added or removed.
    pub fn of(fate: Fate, container: Container, name: &str) -> StructureChange {
        let kind = container.name();
        let message = match (fate, container) {
            (Fate::Added, Container::Device) => {
                format!("{kind} `{name}` is new; compared with what it does without a ruleset, which is to accept")
            }
            (Fate::Removed, Container::Device) => {
                format!("{kind} `{name}` is gone; compared with what it does without a ruleset, which is to accept")
            }
            (Fate::Removed, _) => format!("{kind} `{name}` is gone"),
            _ => format!("{kind} `{name}` is new"),
        };
        StructureChange { fate, container, name: name.to_owned(), message }
    }

    /// Something that is not compared, and why.
    pub fn not_compared(container: Container, name: &str, message: String) -> StructureChange {
        StructureChange { fate: Fate::NotCompared, container, name: name.to_owned(), message }
    }

    fn renamed(container: Container, from: &str, to: &str) -> StructureChange {
        let message = format!("{} `{from}` is called `{to}` now", container.name());
        StructureChange { fate: Fate::Renamed, container, name: from.to_owned(), message }
    }
}

/// What became of the tables, chains and sets of a device, of the families that are compared.
pub fn containers(old: &Ruleset, new: &Ruleset) -> Vec<StructureChange> {
    let common = |f| old.families.contains(f) && new.families.contains(f);
    let common = Families { v4: common(Family::V4), v6: common(Family::V6) };
    let (old_tables, new_tables) = (tables(old, common), tables(new, common));
    let mut out = changes(Container::Table, &old_tables, &new_tables);
    let (before, after) = (chains(old, common), chains(new, common));
    let in_both = |name: &str| {
        let table = table_of(name);
        old_tables.contains_key(table) && new_tables.contains_key(table)
    };
    let kept = |all: BTreeMap<String, u64>| -> BTreeMap<String, u64> {
        all.into_iter().filter(|(name, _)| in_both(name) || table_of(name).is_empty()).collect()
    };
    out.extend(changes(Container::Chain, &kept(before), &kept(after)));
    out.extend(changes(Container::Set, &sets(old), &sets(new)));
    out
}

/// Names on one side only, paired as renamed where the content, which is not empty, is the same.
fn changes(kind: Container, old: &BTreeMap<String, u64>, new: &BTreeMap<String, u64>) -> Vec<StructureChange> {
    let mut removed: Vec<(&String, u64)> =
        old.iter().filter(|(n, _)| !new.contains_key(*n)).map(|(n, c)| (n, *c)).collect();
    let mut out = Vec::new();
    for (name, content) in new.iter().filter(|(n, _)| !old.contains_key(*n)) {
        let same = removed.iter().position(|(_, was)| *was == *content && *content != 0);
        match same {
            Some(at) => out.push(StructureChange::renamed(kind, removed.remove(at).0, name)),
            None => out.push(StructureChange::of(Fate::Added, kind, name)),
        }
    }
    out.extend(removed.iter().map(|(name, _)| StructureChange::of(Fate::Removed, kind, name)));
    out.sort();
    out
}

fn table_of(chain: &str) -> &str {
    chain.rsplit_once('/').map_or("", |(table, _)| table)
}

/// Names with a number for the content; 0 where there is none.
fn tables(ruleset: &Ruleset, common: Families) -> BTreeMap<String, u64> {
    let mut out: BTreeMap<String, u64> = BTreeMap::new();
    for (name, chain) in compared(ruleset, common) {
        let table = table_of(&name);
        if !table.is_empty() {
            *out.entry(table.to_owned()).or_default() ^= content(ruleset, chain);
        }
    }
    out
}

fn chains(ruleset: &Ruleset, common: Families) -> BTreeMap<String, u64> {
    compared(ruleset, common).map(|(name, chain)| (name, content(ruleset, chain))).collect()
}

/// Chains of files of families that are compared, by name; with the family in front where files of both families
/// use the same names.
fn compared(ruleset: &Ruleset, common: Families) -> impl Iterator<Item = (String, &Chain)> {
    let families = families_of_sources(ruleset);
    let both = common == Families::both();
    ruleset.chains.iter().filter_map(move |chain| {
        let own = families.get(&chain.span.source.0).copied().unwrap_or(ruleset.families);
        let name = if both && own == Families::only(Family::V6) {
            format!("ip6 {}", chain.name)
        } else {
            chain.name.to_string()
        };
        ((own.v4 && common.v4) || (own.v6 && common.v6)).then_some((name, chain))
    })
}

fn families_of_sources(ruleset: &Ruleset) -> FxHashMap<u32, Families> {
    let mut out: FxHashMap<u32, Families> = FxHashMap::default();
    for base in &ruleset.bases {
        let families = out.entry(ruleset.chain(base.chain).span.source.0).or_default();
        *families = families.union(base.families);
    }
    out
}

/// A number for a chain's rules, in which called chains count by their names.
fn content(ruleset: &Ruleset, chain: &Chain) -> u64 {
    if chain.rules.is_empty() {
        return 0;
    }
    let mut hasher = rustc_hash::FxHasher::default();
    for step in chain.rules.iter().flat_map(|r| &r.steps) {
        match step {
            Step::Then(Verdict::Jump(to)) => ("jump", &ruleset.chain(*to).name).hash(&mut hasher),
            Step::Then(Verdict::Goto(to)) => ("goto", &ruleset.chain(*to).name).hash(&mut hasher),
            Step::Choose(entries) => entries.len().hash(&mut hasher),
            other => other.hash(&mut hasher),
        }
    }
    hasher.finish().max(1)
}

/// The named sets that rules ask.
fn sets(ruleset: &Ruleset) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for step in ruleset.chains.iter().flat_map(|c| &c.rules).flat_map(|r| &r.steps) {
        match step {
            Step::If(condition) => named_sets(condition, &mut found),
            Step::Choose(entries) => entries.iter().for_each(|(condition, _)| named_sets(condition, &mut found)),
            Step::Set(_) | Step::Then(_) => {}
        }
    }
    found
}

fn named_sets(condition: &Match, found: &mut BTreeMap<String, u64>) {
    match condition {
        Match::Lookup(lookup) if !lookup.name.is_empty() && !found.contains_key(&*lookup.name) => {
            let mut hasher = rustc_hash::FxHasher::default();
            lookup.entries.hash(&mut hasher);
            let content = if lookup.entries.is_empty() { 0 } else { hasher.finish().max(1) };
            found.insert(lookup.name.to_string(), content);
        }
        Match::All(inner) | Match::Any(inner) => inner.iter().for_each(|m| named_sets(m, found)),
        Match::Not(inner) => named_sets(inner, found),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn names(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
        of.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect()
    }

    #[test]
    fn the_same_content_under_another_name_is_renamed() {
        let found = changes(Container::Chain, &names(&[("filter/A", 7), ("filter/X", 0)]), &names(&[("filter/B", 7)]));
        let told: BTreeSet<&str> = found.iter().map(|c| c.message.as_str()).collect();
        assert_eq!(told, BTreeSet::from(["chain `filter/A` is called `filter/B` now", "chain `filter/X` is gone"]));
    }

    #[test]
    fn empty_containers_are_never_taken_for_each_other() {
        let found = changes(Container::Set, &names(&[("a", 0)]), &names(&[("b", 0)]));
        assert_eq!(found.len(), 2);
    }
}
