//! The document: families, sets, chains and what hangs them on hooks.

mod chains;
mod condition;
mod outcome;
mod places;
mod rule;
mod service;
mod sets;
mod sound;
mod values;

use super::words::{FAMILIES, JUDGED, SCHEMA};
use crate::dialect::calls::{Call, Graph};
use crate::dialect::{Draft, Text};
use crate::document::{Fields, Node, Problems, Value, did_you_mean, parse_json};
use crate::packet::Family;
use crate::ruleset::{ChainId, DeviceFacts, Families, Span};
pub use condition::narrowed;
use places::Places;
use sets::Set;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The largest document that is read, in bytes.
const MAX_BYTES: usize = 128 << 20;
/// The deepest nesting of calls that is read.
const MAX_CALLS: usize = 512;

/// Adds a document to the draft; every problem of it is reported.
pub fn read(text: &Text, draft: &mut Draft) {
    let problems = Problems::default();
    let Some(node) = parse_json(text.id, &text.text, MAX_BYTES, &problems) else {
        return refuse_all(problems, draft);
    };
    read_document(&node, &problems, draft);
    refuse_all(problems, draft);
}

fn refuse_all(problems: Problems, draft: &mut Draft) {
    for problem in problems.into_inner() {
        draft.refuse(problem);
    }
}

/// A reader of one document, with what its parts name.
pub struct Reader<'a> {
    problems: &'a Problems,
    sets: BTreeMap<String, Set>,
    chains: BTreeMap<String, Target>,
    /// Calls of the rule that is being read: the chain called, the place.
    calls: RefCell<Vec<(ChainId, Span)>>,
}

/// A chain that rules can call.
#[derive(Clone, Copy)]
pub struct Target {
    id: ChainId,
    families: Families,
    is_base: bool,
}

fn read_document(node: &Node, problems: &Problems, draft: &mut Draft) {
    let Some(mut fields) = Fields::of(node, "a ruleset", problems) else { return };
    if !schema_is_ours(&mut fields) {
        return;
    }
    let mut reader =
        Reader { problems, sets: BTreeMap::new(), chains: BTreeMap::new(), calls: RefCell::new(Vec::new()) };
    let families = match fields.get("families") {
        Some(node) => reader.families(node).unwrap_or(Families::both()),
        None => Families::both(),
    };
    let conditions = fields.boolean("conntrack");
    let missing = fields.get("missing_hooks").and_then(|n| reader.list(n, |item| reader.word(item, "hook", &JUDGED)));
    let facts = fields.get("facts").and_then(|n| reader.facts(n));
    if let Some(Node { value: Value::Table(table), .. }) = fields.get("sets") {
        for entry in &table.entries {
            let set = reader.set_of(&entry.key.value, &entry.node);
            reader.sets.insert(entry.key.value.clone(), set);
        }
    } else if let Some(node) = fields.get("sets") {
        reader.wrong::<()>(node, "`sets` is an object with a key for each set", "");
    }
    let mut places = Places::new(draft.ruleset.sources.iter().count());
    fields.need("chains");
    let chains = fields.get("chains").and_then(|n| reader.array(n)).unwrap_or_default();
    let notes = fields.get("notes").and_then(|n| reader.list(n, |item| reader.note(item, &mut places)));
    fields.finish();
    let read = reader.chains(chains, families, draft.ruleset.chains.len(), &mut places);
    if problems.count() > 0 {
        return;
    }
    sound::check(&read, problems);
    let ruleset = &mut draft.ruleset;
    let offset = ruleset.chains.len();
    ruleset.conntrack |= conditions.unwrap_or_else(|| sound::needs_conntrack(&read));
    ruleset.families = ruleset.families.union(families);
    ruleset.bases.extend(read.bases);
    ruleset.chains.extend(read.chains);
    ruleset.missing_hooks.extend(missing.unwrap_or_default());
    ruleset.missing_hooks.dedup();
    ruleset.notes.extend(notes.unwrap_or_default());
    take_facts(&mut ruleset.facts, facts.unwrap_or_default());
    places.register(&mut ruleset.sources);
    check_calls(offset, &read.calls, draft);
}

/// Calls in circles and too deep ones, as far as packets come to them: nft takes circles that nothing reaches.
fn check_calls(first: usize, calls: &[Call], draft: &mut Draft) {
    let chains = std::mem::take(&mut draft.ruleset.chains);
    let count = chains.len() - first;
    let bases: Vec<usize> =
        draft.ruleset.bases.iter().filter_map(|b| (b.chain.0 as usize).checked_sub(first)).collect();
    Graph::new(count, first, calls).check_nesting(&chains, bases.into_iter(), MAX_CALLS, draft);
    draft.ruleset.chains = chains;
}

/// What `device.toml` says goes before what the document says.
fn take_facts(own: &mut DeviceFacts, read: DeviceFacts) {
    own.addresses = own.addresses.take().or(read.addresses);
    own.interfaces = own.interfaces.take().or(read.interfaces);
}

fn schema_is_ours(fields: &mut Fields<'_>) -> bool {
    fields.need("schema");
    let Some(schema) = fields.text("schema") else { return false };
    if schema.value != SCHEMA {
        let message = format!("`{}` is a format that this fwgate does not read", schema.value);
        fields.problems().report(schema.span, message, format!("it reads `{SCHEMA}`"));
    }
    schema.value == SCHEMA
}

impl Reader<'_> {
    /// Notes what is wrong with a node.
    pub fn wrong<T>(&self, node: &Node, message: impl Into<String>, help: impl Into<String>) -> Option<T> {
        self.wrong_at(node.span, message, help)
    }

    /// Notes what is wrong at a place; no help where it is empty.
    pub fn wrong_at<T>(&self, span: Span, message: impl Into<String>, help: impl Into<String>) -> Option<T> {
        let help: String = help.into();
        self.problems.note(span, message, (!help.is_empty()).then_some(help));
        None
    }

    /// Notes a key that nothing here has.
    pub fn unknown_key<T>(
        &self,
        key: &str,
        span: Span,
        what: &str,
        known: impl IntoIterator<Item = &'static str>,
    ) -> Option<T> {
        let known: Vec<&str> = known.into_iter().collect();
        let help = did_you_mean(key, known.iter().copied()).unwrap_or_else(|| {
            let few: Vec<String> = known.iter().take(12).map(|k| format!("`{k}`")).collect();
            format!("keys of {what} are {}{}", few.join(", "), if known.len() > 12 { ", ..." } else { "" })
        });
        self.wrong_at(span, format!("unknown key `{key}` in {what}"), help)
    }

    /// The fields of an object.
    pub fn fields<'n>(&'n self, node: &'n Node, what: &'n str) -> Option<Fields<'n>> {
        Fields::of(node, what, self.problems)
    }

    /// The items of a list.
    pub fn array<'n>(&self, node: &'n Node) -> Option<&'n [Node]> {
        match &node.value {
            Value::Array(items) => Some(items),
            other => self.wrong(node, format!("expected a list, found {}", other.kind()), ""),
        }
    }

    /// Every item of a list, read; `None` where one was not understood.
    pub fn list<T>(&self, node: &Node, mut read: impl FnMut(&Node) -> Option<T>) -> Option<Vec<T>> {
        let all: Vec<Option<T>> = self.array(node)?.iter().map(&mut read).collect();
        all.into_iter().collect()
    }

    /// `["ipv4", "ipv6"]`, or one of them.
    pub fn families(&self, node: &Node) -> Option<Families> {
        let all: Vec<Option<Family>> =
            values::items(node).into_iter().map(|item| self.word(item, "family", &FAMILIES)).collect();
        let all: Vec<Family> = all.into_iter().collect::<Option<_>>()?;
        if all.is_empty() {
            return self.wrong(node, "no family is named", "write `[\"ipv4\"]`, `[\"ipv6\"]` or both");
        }
        Some(all.into_iter().fold(Families::default(), |f, one| f.union(Families::only(one))))
    }

    fn facts(&self, node: &Node) -> Option<DeviceFacts> {
        let mut fields = self.fields(node, "`facts`")?;
        let addresses = fields.get("addresses").and_then(|n| {
            self.list(n, |item| {
                let text = self.text_of(item, "an address with its prefix length")?;
                text.parse().ok().or_else(|| {
                    self.wrong(item, format!("`{text}` is no address with its prefix length"), "write `10.0.0.1/24`")
                })
            })
        });
        let interfaces = fields.texts("interfaces").map(|all| all.into_iter().map(|i| i.value).collect());
        fields.finish();
        // What keywords stand for is in the rules by now.
        Some(DeviceFacts { addresses, interfaces, ..DeviceFacts::default() })
    }

    fn note(&self, node: &Node, places: &mut Places) -> Option<(String, Span)> {
        let mut fields = self.fields(node, "a note")?;
        let text = fields.need_text("text");
        let span = fields.get("source").map_or(Some(node.span), |n| places.read(n, self));
        fields.finish();
        Some((text?.value, span?))
    }
}
