//! Between whom: internal addresses that rules and sets name.

use super::super::Device;
use super::super::address_space::private;
use super::NamedEnd;
use crate::packet::{Family, Field, Ranges, Values, address_texts};
use crate::ruleset::{Entry, Match, Ruleset, Step};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Most ends of one family; those that are named most often stay.
const MOST: usize = 24;

/// The internal addresses that the rulesets name, each with a name of its own, in order of name.
pub(super) fn of_devices(devices: &[Device]) -> Vec<NamedEnd> {
    let mut seen = Seen::default();
    for device in devices {
        seen.ruleset(&device.ruleset);
    }
    let mut taken = BTreeSet::from(["any".to_owned()]);
    taken.extend(Family::ALL.map(internal_name));
    let mut out = Vec::new();
    for family in Family::ALL {
        let mut found: Vec<(Ranges, Mention)> =
            seen.found.iter().filter(|((f, _), _)| *f == family).map(|((_, r), m)| (r.clone(), m.clone())).collect();
        // Networks before hosts, and what is named often before what is named once.
        found.sort_by_key(|(ranges, mention)| {
            (mention.set.is_none(), ranges.len() == 1, Reverse(mention.count), Reverse(ranges.len()), ranges.first())
        });
        found.truncate(MOST);
        for (addresses, mention) in found {
            let name = mention.set.unwrap_or_else(|| name_of(&addresses, family));
            out.push(NamedEnd { name: free(&name, &mut taken), family, addresses });
        }
    }
    out.sort();
    out
}

/// What the ends of one family are called together.
pub(super) fn internal_name(family: Family) -> String {
    match family {
        Family::V4 => "internal-v4".to_owned(),
        Family::V6 => "internal-v6".to_owned(),
    }
}

/// The ends of one family as one.
pub(super) fn internal(ends: &[NamedEnd], family: Family) -> Option<NamedEnd> {
    let own: Vec<&NamedEnd> = ends.iter().filter(|e| e.family == family).collect();
    let addresses = own.iter().fold(Ranges::empty(), |all, e| all.union(&e.addresses));
    (own.len() > 1).then(|| NamedEnd { name: internal_name(family), family, addresses })
}

#[derive(Clone, Debug, Default)]
struct Mention {
    count: usize,
    set: Option<String>,
}

/// Address sets by how often they are named.
#[derive(Default)]
struct Seen {
    found: BTreeMap<(Family, Ranges), Mention>,
}

impl Seen {
    fn ruleset(&mut self, ruleset: &Ruleset) {
        for family in Family::ALL.into_iter().filter(|f| ruleset.families.contains(*f)) {
            for rule in ruleset.chains.iter().flat_map(|c| &c.rules) {
                for step in &rule.steps {
                    self.step(step, family);
                }
            }
        }
    }

    fn step(&mut self, step: &Step, family: Family) {
        match step {
            Step::If(condition) => self.condition(condition, family),
            Step::Choose(entries) => entries.iter().for_each(|(condition, _)| self.condition(condition, family)),
            Step::Set(_) | Step::Then(_) => {}
        }
    }

    fn condition(&mut self, condition: &Match, family: Family) {
        match condition {
            Match::Field(Field::Src | Field::Dst, Values::Ranges(ranges)) => {
                ranges.as_slice().iter().for_each(|(lo, hi)| self.add(Ranges::range(*lo, *hi), None, family));
            }
            Match::Lookup(lookup) => self.set(&lookup.name, &lookup.entries, family),
            Match::All(parts) | Match::Any(parts) => parts.iter().for_each(|part| self.condition(part, family)),
            Match::Not(inner) => self.condition(inner, family),
            _ => {}
        }
    }

    /// A set of addresses is one end, under its own name.
    fn set(&mut self, name: &str, entries: &[Entry], family: Family) {
        let address = |entry: &Entry| match entry.fields.as_slice() {
            [(Field::Src | Field::Dst, Values::Ranges(ranges))] if entry.member && entry.interfaces.is_empty() => {
                Some(ranges.clone())
            }
            _ => None,
        };
        if let Some(all) = entries.iter().map(address).collect::<Option<Vec<Ranges>>>() {
            let addresses = all.iter().fold(Ranges::empty(), |sum, r| sum.union(r));
            self.add(addresses, bare(name), family);
        }
    }

    fn add(&mut self, addresses: Ranges, set: Option<String>, family: Family) {
        if addresses.is_empty() || !addresses.is_subset(&private(family)) {
            return;
        }
        let mention = self.found.entry((family, addresses)).or_default();
        mention.count += 1;
        mention.set = mention.set.take().or(set);
    }
}

/// The name of a set as policies can write it; none for sets without one.
fn bare(name: &str) -> Option<String> {
    let own = name.rsplit('/').next().unwrap_or(name);
    let text: String =
        own.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let text = text.trim_matches('-').to_owned();
    (text.len() > 1 && text.starts_with(|c: char| c.is_ascii_alphabetic())).then_some(text)
}

/// `net-10-20-0-0-16`, `host-10-30-1-5`.
fn name_of(addresses: &Ranges, family: Family) -> String {
    let texts = address_texts(addresses, family);
    let text = texts.first().map(String::as_str).unwrap_or_default();
    let whole = format!("/{}", family.bits());
    let (kind, text) = match text.strip_suffix(&whole) {
        Some(host) => ("host", host),
        None => ("net", text),
    };
    let dashed = text.replace("::/", "/").replace("::", ":");
    let dashed: String = dashed.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("{kind}-{}", dashed.trim_matches('-'))
}

fn free(name: &str, taken: &mut BTreeSet<String>) -> String {
    let names = std::iter::once(name.to_owned()).chain((2u32..).map(|n| format!("{name}-{n}")));
    let found = names.into_iter().find(|n| !taken.contains(n)).unwrap_or_else(|| name.to_owned());
    taken.insert(found.clone());
    found
}
