//! A ruleset as a document of the native format: what `fwgate convert` prints.

mod condition;
mod layout;
mod rule;
mod values;

use super::words::{FAMILIES, HOOKS, JUDGED, KINDS, SCHEMA, word};
use crate::packet::Family;
use crate::ruleset::{Base, Chain, ChainId, Families, Lookup, Rule, Ruleset, Span, Verdict};
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The ruleset in the format `fwgate.ruleset/1`. Read back, it is the same ruleset, step by step.
pub fn write(ruleset: &Ruleset) -> String {
    let writer = Writer::new(ruleset);
    let entered = entered(ruleset);
    let chains: Vec<Value> =
        ruleset.chains.iter().enumerate().map(|(at, chain)| writer.chain(at, chain, entered[at])).collect();
    let mut document = Map::new();
    document.insert("schema".into(), SCHEMA.into());
    document.insert("families".into(), families(ruleset.families));
    document.insert("conntrack".into(), ruleset.conntrack.into());
    if !ruleset.missing_hooks.is_empty() {
        let hooks = ruleset.missing_hooks.iter().map(|h| Value::from(word(&JUDGED, *h)));
        document.insert("missing_hooks".into(), hooks.collect());
    }
    if let Some(facts) = facts(ruleset) {
        document.insert("facts".into(), facts);
    }
    let sets = writer.sets.take();
    if !sets.entries.is_empty() {
        document.insert("sets".into(), Value::Object(sets.entries));
    }
    document.insert("chains".into(), Value::Array(chains));
    if !ruleset.notes.is_empty() {
        document.insert("notes".into(), ruleset.notes.iter().map(|(text, span)| writer.note(text, *span)).collect());
    }
    layout::text(&document)
}

/// A writer of one ruleset.
pub struct Writer<'a> {
    ruleset: &'a Ruleset,
    keys: Vec<String>,
    sets: RefCell<Sets>,
}

/// The sets named so far.
#[derive(Default)]
struct Sets {
    entries: Map<String, Value>,
    keys: HashMap<(Arc<Lookup>, Option<Family>), String>,
}

impl<'a> Writer<'a> {
    fn new(ruleset: &'a Ruleset) -> Writer<'a> {
        Writer { ruleset, keys: chain_keys(ruleset), sets: RefCell::default() }
    }

    /// What rules call a chain by.
    fn chain_key(&self, id: ChainId) -> &str {
        self.keys.get(id.0 as usize).map_or("", |k| k)
    }

    /// What rules call a set by whose addresses are of `family`, which is written when it first occurs.
    fn set_key(&self, lookup: &Arc<Lookup>, family: Option<Family>) -> String {
        let family = family.filter(|_| condition::holds_addresses(lookup));
        if let Some(key) = self.sets.borrow().keys.get(&(lookup.clone(), family)) {
            return key.clone();
        }
        let set = self.set(lookup, family);
        let mut sets = self.sets.borrow_mut();
        let key = free_name(&lookup.name, |name| sets.entries.contains_key(name));
        let mut map = Map::new();
        if *key != *lookup.name {
            map.insert("name".into(), (*lookup.name).into());
        }
        map.extend(set);
        sets.entries.insert(key.clone(), Value::Object(map));
        sets.keys.insert((lookup.clone(), family), key.clone());
        key
    }

    fn set(&self, lookup: &Lookup, family: Option<Family>) -> Map<String, Value> {
        let scope = family.map_or(Families::both(), Families::only);
        let entry = |entry: &crate::ruleset::Entry| {
            let mut map = Map::new();
            let fields = entry.fields.iter().map(|(f, v)| (f.name(), values::values(*f, v, scope)));
            let interfaces = entry.interfaces.iter().map(|(side, p)| (side.field().name(), values::pattern(p)));
            let fields: Vec<(&str, Value)> = fields.chain(interfaces).collect();
            let names: BTreeSet<&str> = fields.iter().map(|(name, _)| *name).collect();
            if names.len() == fields.len() {
                map.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
            } else {
                map.insert("fields".into(), fields.into_iter().map(|(name, value)| json!({ name: value })).collect());
            }
            if !entry.member {
                map.insert("member".into(), false.into());
            }
            Value::Object(map)
        };
        let mut map = Map::new();
        if let Some(family) = family {
            map.insert("family".into(), word(&FAMILIES, family).into());
        }
        map.insert("entries".into(), lookup.entries.iter().map(entry).collect());
        map
    }

    fn chain(&self, at: usize, chain: &Chain, entered: Families) -> Value {
        let mut map = Map::new();
        map.insert("name".into(), (*chain.name).into());
        let key = self.chain_key(ChainId(at as u32));
        if *key != *chain.name {
            map.insert("id".into(), key.into());
        }
        if entered != self.ruleset.families {
            map.insert("families".into(), families(entered));
        }
        let hung = self.ruleset.bases.iter().enumerate().filter(|(_, b)| b.chain.0 as usize == at);
        let hung: Vec<Value> = hung.map(|(order, base)| self.base(order, base, entered)).collect();
        if !hung.is_empty() {
            map.insert("base".into(), values::one_or_all(hung));
        }
        if let Some(source) = self.source(chain.span) {
            map.insert("source".into(), source);
        }
        map.insert("rules".into(), chain.rules.iter().map(|rule| self.rule(rule, entered)).collect());
        Value::Object(map)
    }

    fn base(&self, order: usize, base: &Base, entered: Families) -> Value {
        let mut map = Map::new();
        map.insert("hook".into(), word(&HOOKS, base.hook).into());
        map.insert("priority".into(), base.priority.into());
        map.insert("kind".into(), word(&KINDS, base.kind).into());
        map.insert("policy".into(), if base.policy == Verdict::Drop { "drop" } else { "accept" }.into());
        if base.families != entered {
            map.insert("families".into(), families(base.families));
        }
        if !in_order(self.ruleset) {
            map.insert("order".into(), order.into());
        }
        map.insert("principal".into(), base.principal.into());
        if let Some(source) = self.source(base.policy_span) {
            map.insert("source".into(), source);
        }
        Value::Object(map)
    }

    fn note(&self, text: &str, span: Span) -> Value {
        let mut map = Map::new();
        map.insert("text".into(), text.into());
        map.extend(self.source(span).map(|source| ("source".to_owned(), source)));
        Value::Object(map)
    }

    /// Where something stands; `None` where no file is known.
    fn source(&self, span: Span) -> Option<Value> {
        let sources = &self.ruleset.sources;
        let (file, text) = (sources.name(span), sources.text(span));
        let mut map = Map::new();
        map.insert("file".into(), file.into());
        map.insert("line".into(), span.line.into());
        if !text.is_empty() {
            map.insert("text".into(), text.into());
        }
        (!file.is_empty()).then_some(Value::Object(map))
    }
}

/// Whether base chains are registered in the order of their chains.
fn in_order(ruleset: &Ruleset) -> bool {
    ruleset.bases.is_sorted_by_key(|b| b.chain)
}

fn families(families: Families) -> Value {
    Family::ALL.into_iter().filter(|f| families.contains(*f)).map(|f| word(&FAMILIES, f)).collect()
}

fn facts(ruleset: &Ruleset) -> Option<Value> {
    let facts = &ruleset.facts;
    let mut map = Map::new();
    if let Some(addresses) = &facts.addresses {
        map.insert("addresses".into(), addresses.iter().map(ToString::to_string).collect());
    }
    if let Some(interfaces) = &facts.interfaces {
        map.insert("interfaces".into(), interfaces.iter().map(|i| i.as_str()).collect());
    }
    (!map.is_empty()).then_some(Value::Object(map))
}

/// A key for each chain: its name, with a number where another has it.
fn chain_keys(ruleset: &Ruleset) -> Vec<String> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut key = |chain: &Chain| {
        let key = free_name(&chain.name, |name| taken.contains(name));
        taken.insert(key.clone());
        key
    };
    ruleset.chains.iter().map(&mut key).collect()
}

/// The name, with the first number behind it that makes it new.
fn free_name(name: &str, taken: impl Fn(&str) -> bool) -> String {
    if !taken(name) && !name.is_empty() {
        return name.to_owned();
    }
    (2u64..).map(|n| format!("{name} {n}")).find(|key| !taken(key)).unwrap_or_default()
}

/// For each chain the families of the packets that can enter it; those of the ruleset where none does.
fn entered(ruleset: &Ruleset) -> Vec<Families> {
    let mut out = vec![Families::default(); ruleset.chains.len()];
    let mut open: Vec<(ChainId, Families)> = ruleset.bases.iter().map(|b| (b.chain, b.families)).collect();
    while let Some((chain, families)) = open.pop() {
        let Some(known) = out.get_mut(chain.0 as usize) else { continue };
        let all = known.union(families);
        if all != *known {
            *known = all;
            open.extend(ruleset.chain(chain).rules.iter().flat_map(Rule::callees).map(|c| (c, all)));
        }
    }
    let nobody = Families::default();
    out.into_iter().map(|f| if f == nobody { ruleset.families } else { f }).collect()
}
