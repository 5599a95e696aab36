//! Names that a policy gives to sets of addresses and of services. Names may name each other in any order;
//! a name that contains itself is refused.

use super::ranges::{AddressSet, Addresses};
use super::service::{Service, Services};
use crate::document::{Fields, Problems, Spanned, Wrong, did_you_mean, texts_of};
use std::collections::BTreeMap;

/// Deepest chain of names that name each other.
const MAX_DEPTH: usize = 64;
/// With more problems than this, unknown names are no longer compared with all known ones.
const MAX_COMPARED: usize = 200;

/// What one entry of a list means.
pub(super) enum Entry<S> {
    /// A set by itself.
    Set(S),
    /// The name of one.
    Name,
    /// Nothing.
    Wrong(Wrong),
}

/// A kind of set that can be written out or named.
pub(super) trait Vocabulary {
    /// The sets.
    type Set: Clone + Default;
    /// What a set is called: `range`.
    const KIND: &'static str;
    /// Where names are given: `[ranges]`.
    const SECTION: &'static str;
    /// What an entry means.
    fn read(text: &str) -> Entry<Self::Set>;
    /// The union.
    fn unite(all: &[&Self::Set]) -> Self::Set;
    /// Why a name cannot be given, where it cannot.
    fn is_reserved(name: &str) -> Option<String>;
    /// Advice about an unknown name, before did-you-mean.
    fn hint(name: &str) -> Option<String>;
}

/// The names of a policy with what they mean.
#[derive(Clone, Debug, Default)]
pub struct Names {
    ranges: BTreeMap<String, AddressSet>,
    services: BTreeMap<String, Vec<Service>>,
}

impl Names {
    /// The named address sets.
    pub fn ranges(&self) -> &BTreeMap<String, AddressSet> {
        &self.ranges
    }

    /// The named services.
    pub fn services(&self) -> &BTreeMap<String, Vec<Service>> {
        &self.services
    }

    /// The addresses of a list of entries, where hosts cannot be looked up.
    pub(super) fn fixed_addresses(&self, entries: &[Spanned<String>], problems: &Problems) -> AddressSet {
        let set = self.addresses(entries, problems);
        if let Some(entry) = entries.first().filter(|_| !set.hosts.is_empty()) {
            let help = "hosts by name stand in requirements, prohibitions and [names] only; write addresses here";
            problems.report(entry.span, "addresses that a zone says cannot stand here", help);
        }
        set
    }

    /// The same names with other sets.
    pub(super) fn map_ranges(&mut self, map: impl Fn(&AddressSet) -> AddressSet) {
        self.ranges.values_mut().for_each(|set| *set = map(set));
    }

    /// The addresses of a list of entries.
    pub(super) fn addresses(&self, entries: &[Spanned<String>], problems: &Problems) -> AddressSet {
        look_up::<Addresses>(entries, &self.ranges, problems)
    }

    /// The services of a list of entries.
    pub(super) fn service_list(&self, entries: &[Spanned<String>], problems: &Problems) -> Vec<Service> {
        look_up::<Services>(entries, &self.services, problems)
    }
}

/// Definitions as they were read, before names are followed.
#[derive(Default)]
pub(super) struct Definitions {
    ranges: BTreeMap<String, Definition>,
    services: BTreeMap<String, Definition>,
}

struct Definition {
    name: String,
    entries: Vec<Spanned<String>>,
}

impl Definitions {
    /// Reads `[ranges]` and `[services]` of one file.
    pub fn read(&mut self, file: &mut Fields<'_>) {
        if let Some(table) = file.table("ranges", "[ranges]") {
            read_section::<Addresses>(&table, &mut self.ranges);
        }
        if let Some(table) = file.table("services", "[services]") {
            read_section::<Services>(&table, &mut self.services);
        }
    }

    /// Follows all names.
    pub fn resolve(&self, problems: &Problems) -> Names {
        Names {
            ranges: Resolver::<Addresses>::run(&self.ranges, problems),
            services: Resolver::<Services>::run(&self.services, problems),
        }
    }
}

fn read_section<V: Vocabulary>(table: &Fields<'_>, into: &mut BTreeMap<String, Definition>) {
    for (name, node) in table.entries() {
        let problems = table.problems();
        if let Some(help) = V::is_reserved(&name.value) {
            problems.report(name.span, format!("`{}` cannot be the name of a {}", name.value, V::KIND), help);
        } else if !is_name(&name.value) {
            let help = "a name is a letter followed by letters, digits, `-`, `_` or `.`, at most 64 in all";
            problems.report(name.span, format!("`{}` is no name", name.value), help);
        } else if into.contains_key(&name.value) {
            let message = format!("the {} `{}` is given twice", V::KIND, name.value);
            problems.report(name.span, message, "all files of a policy share their names; rename one");
        } else {
            let entries = texts_of(node, &name.value, problems);
            into.insert(name.value.clone(), Definition { name: name.value.clone(), entries });
        }
    }
}

/// Whether a text can be a name: ASCII, so that no two names look alike.
pub(super) fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(allowed)
}

fn look_up<V: Vocabulary>(
    entries: &[Spanned<String>],
    known: &BTreeMap<String, V::Set>,
    problems: &Problems,
) -> V::Set {
    let mut literals = Vec::new();
    let mut named = Vec::new();
    for entry in entries {
        match V::read(&entry.value) {
            Entry::Set(set) => literals.push(set),
            Entry::Wrong(wrong) => problems.note(entry.span, wrong.message, wrong.help),
            Entry::Name => match known.get(&entry.value) {
                Some(set) => named.push(set),
                None => unknown::<V>(entry, known.keys(), problems),
            },
        }
    }
    let all: Vec<&V::Set> = literals.iter().chain(named).collect();
    V::unite(&all)
}

fn unknown<'a, V: Vocabulary>(entry: &Spanned<String>, known: impl Iterator<Item = &'a String>, problems: &Problems) {
    let near = (problems.count() < MAX_COMPARED).then(|| did_you_mean(&entry.value, known.map(String::as_str)));
    let help =
        near.flatten().or_else(|| V::hint(&entry.value)).unwrap_or_else(|| format!("give it under {}", V::SECTION));
    problems.report(entry.span, format!("unknown {} `{}`", V::KIND, entry.value), help);
}

/// Follows names depth first, each once.
struct Resolver<'a, V: Vocabulary> {
    definitions: &'a BTreeMap<String, Definition>,
    done: BTreeMap<String, V::Set>,
    open: Vec<&'a str>,
    problems: &'a Problems,
}

impl<'a, V: Vocabulary> Resolver<'a, V> {
    fn run(definitions: &'a BTreeMap<String, Definition>, problems: &'a Problems) -> BTreeMap<String, V::Set> {
        let mut resolver = Resolver::<V> { definitions, done: BTreeMap::new(), open: Vec::new(), problems };
        for definition in definitions.values() {
            resolver.follow(definition);
        }
        resolver.done
    }

    fn follow(&mut self, definition: &'a Definition) {
        let name = definition.name.as_str();
        if self.done.contains_key(name) {
            return;
        }
        self.open.push(name);
        for entry in &definition.entries {
            if let Entry::Name = V::read(&entry.value) {
                self.follow_name(entry);
            }
        }
        self.open.pop();
        let known: Vec<Spanned<String>> =
            definition.entries.iter().filter(|e| !self.is_reported(&e.value)).cloned().collect();
        let set = look_up::<V>(&known, &self.done, self.problems);
        self.done.insert(name.to_owned(), set);
    }

    fn follow_name(&mut self, entry: &'a Spanned<String>) {
        let Some(next) = self.definitions.get(&entry.value) else {
            return unknown::<V>(entry, self.definitions.keys(), self.problems);
        };
        if let Some(at) = self.open.iter().position(|o| *o == entry.value) {
            let ring: Vec<String> =
                self.open[at..].iter().chain([&entry.value.as_str()]).map(|n| format!("`{n}`")).collect();
            let message = format!("the {} `{}` contains itself", V::KIND, entry.value);
            self.problems.report(entry.span, message, format!("the ring is {}", ring.join(" -> ")));
        } else if self.open.len() >= MAX_DEPTH {
            let message = format!("names of {} nest deeper than {MAX_DEPTH}", V::SECTION);
            self.problems.note(entry.span, message, None);
            self.done.insert(next.name.clone(), V::Set::default());
        } else {
            self.follow(next);
        }
    }

    /// Whether an entry is a name that could not be followed, which `follow_name` has reported.
    fn is_reported(&self, text: &str) -> bool {
        matches!(V::read(text), Entry::Name) && !self.done.contains_key(text)
    }
}
