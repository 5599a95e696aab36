//! Where the JSON of libnftables names interfaces: by the types of what values are compared with, as in its other form.

use crate::dialect::mentions::{Mention, Spelling, plain_text};
use crate::dialect::nftables::mentions::{KEYS, NO_NAMES, TYPES, pattern_of};
use crate::dialect::{Draft, Problem, Text};
use crate::document::{Json, JsonValue, Member, read_json};
use std::collections::BTreeMap;

/// The interfaces that a listing or a list of commands names.
pub fn mentions(text: &Text, draft: &mut Draft) -> Vec<Mention> {
    let mut problems = Vec::new();
    let read = read_json(&text.text, text.id, &mut problems);
    let tree = match read {
        Ok(tree) if problems.is_empty() => tree,
        other => {
            problems.extend(other.err());
            problems.into_iter().for_each(|problem| draft.refuse(problem));
            return Vec::new();
        }
    };
    let objects: Vec<(&str, &Json)> =
        list(member(&tree, "nftables")).iter().filter_map(single).map(|(kind, json)| object(kind, json)).collect();
    let mut found = Found { text, sets: BTreeMap::new(), mentions: Vec::new(), lost: Vec::new() };
    for (_, set) in objects.iter().filter(|(kind, _)| matches!(*kind, "set" | "map")) {
        found.sets.insert(identity(set), (of_type(member(set, "type")), of_type(member(set, "map"))));
    }
    for (kind, json) in &objects {
        match *kind {
            "chain" | "flowtable" => found.devices(member(json, "dev")),
            "set" | "map" | "element" => found.elements(json),
            "rule" => found.statements(member(json, "expr")),
            _ => {}
        }
    }
    for span in std::mem::take(&mut found.lost) {
        draft.refuse(Problem::new(span, "an interface is named here in a way that cannot be rewritten"));
    }
    found.mentions
}

struct Found<'t> {
    text: &'t Text,
    /// For each set, which parts of its key are interfaces, and which of its data.
    sets: BTreeMap<String, (Vec<bool>, Vec<bool>)>,
    mentions: Vec<Mention>,
    lost: Vec<crate::ruleset::Span>,
}

impl Found<'_> {
    fn name(&mut self, json: &Json) {
        match plain_text(&self.text.text, json) {
            Some((start, end, name)) => self.mentions.push(Mention {
                file: self.text.name.clone(),
                start,
                end,
                pattern: pattern_of(name),
                spelling: Spelling { quote: "\"", wildcard: "*" },
            }),
            None => self.lost.push(json.span),
        }
    }

    /// The devices of a base chain, a flow table, or a statement that hands packets over.
    fn devices(&mut self, json: Option<&Json>) {
        match json.map(|j| (&j.value, j)) {
            Some((JsonValue::Text(_), json)) => self.name(json),
            Some((JsonValue::Array(items), _)) => items.iter().for_each(|item| self.devices(Some(item))),
            Some((JsonValue::Object(_), json)) => self.devices(member(json, "set")),
            _ => {}
        }
    }

    fn elements(&mut self, set: &Json) {
        let (keys, data) = self.sets.get(&identity(set)).cloned().unwrap_or_default();
        for element in list(member(set, "elem")) {
            self.pair(element, &keys, &data);
        }
    }

    /// An element of a set, or a key of a map with its data.
    fn pair(&mut self, element: &Json, keys: &[bool], data: &[bool]) {
        match &element.value {
            JsonValue::Array(both) => {
                if let [key, value] = both.as_slice() {
                    self.values(key, keys);
                    self.values(value, data);
                    self.statements(Some(value));
                }
            }
            _ => self.values(element, keys),
        }
    }

    /// Statements and expressions, as deep as they go.
    fn statements(&mut self, json: Option<&Json>) {
        match json.map(|j| &j.value) {
            Some(JsonValue::Array(items)) => items.iter().for_each(|item| self.statements(Some(item))),
            Some(JsonValue::Object(members)) => members.iter().for_each(|m| self.statement(m)),
            _ => {}
        }
    }

    fn statement(&mut self, Member { key, value, .. }: &Member) {
        match key.as_str() {
            "match" => {
                let kinds = member(value, "left").map(of_expr).unwrap_or_default();
                if let Some(right) = member(value, "right") {
                    self.values(right, &kinds);
                }
            }
            "vmap" | "map" => {
                let kinds = member(value, "key").map(of_expr).unwrap_or_default();
                let data = member(value, "data").and_then(|d| member(d, "set"));
                list(data).iter().for_each(|element| self.pair(element, &kinds, &[]));
            }
            "fwd" | "dup" => self.devices(member(value, "dev")),
            _ => {}
        }
        self.statements(Some(value));
    }

    /// Values that stand for a key of which these parts are interfaces.
    fn values(&mut self, json: &Json, kinds: &[bool]) {
        if !kinds.contains(&true) {
            return;
        }
        match &json.value {
            // `@set` names a set, whose elements stand elsewhere.
            JsonValue::Text(text)
                if kinds == [true] && !NO_NAMES.contains(&text.as_str()) && !text.starts_with('@') =>
            {
                self.name(json);
            }
            JsonValue::Array(items) => items.iter().for_each(|item| self.values(item, kinds)),
            JsonValue::Object(members) => {
                for Member { key, value, .. } in members {
                    match key.as_str() {
                        "concat" => {
                            let parts = list(Some(value)).iter().zip(kinds);
                            parts.for_each(|(part, kind)| self.values(part, std::slice::from_ref(kind)));
                        }
                        "set" | "range" => self.values(value, kinds),
                        "elem" => member(value, "val").into_iter().for_each(|val| self.values(val, kinds)),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

/// Which parts of a selector are interfaces.
fn of_expr(json: &Json) -> Vec<bool> {
    let text = |json: Option<&Json>| match json.map(|j| &j.value) {
        Some(JsonValue::Text(text)) => text.clone(),
        _ => String::new(),
    };
    match single(json) {
        Some(("concat", parts)) => list(Some(parts)).iter().flat_map(of_expr).collect(),
        Some(("meta", meta)) => vec![KEYS.contains(&text(member(meta, "key")).as_str())],
        Some(("fib", fib)) => vec![matches!(text(member(fib, "result")).as_str(), "oif" | "oifname")],
        _ => vec![false],
    }
}

/// The same of the type of a set.
fn of_type(json: Option<&Json>) -> Vec<bool> {
    match json.map(|j| (&j.value, j)) {
        Some((JsonValue::Text(name), _)) => vec![TYPES.contains(&name.as_str())],
        Some((JsonValue::Array(parts), _)) => parts.iter().flat_map(|part| of_type(Some(part))).collect(),
        Some((JsonValue::Object(_), json)) => match member(json, "typeof") {
            Some(expr) => of_expr(expr),
            None => of_expr(json),
        },
        _ => Vec::new(),
    }
}

/// What an item is about, without the command in front of it.
fn object<'j>(kind: &'j str, json: &'j Json) -> (&'j str, &'j Json) {
    let is_command = matches!(kind, "add" | "create" | "insert" | "replace" | "delete" | "destroy" | "flush" | "list");
    match single(json).filter(|_| is_command) {
        Some(inner) => inner,
        None => (kind, json),
    }
}

/// Family, table and name of a set.
fn identity(json: &Json) -> String {
    let part = |key: &str| match member(json, key).map(|j| &j.value) {
        Some(JsonValue::Text(text)) => text.clone(),
        _ => String::new(),
    };
    [part("family"), part("table"), part("name")].join("\n")
}

fn single(json: &Json) -> Option<(&str, &Json)> {
    match &json.value {
        JsonValue::Object(members) => members.first().map(|m| (m.key.as_str(), &m.value)),
        _ => None,
    }
}

fn member<'j>(json: &'j Json, key: &str) -> Option<&'j Json> {
    match &json.value {
        JsonValue::Object(members) => members.iter().find(|m| m.key == key).map(|m| &m.value),
        _ => None,
    }
}

fn list(json: Option<&Json>) -> &[Json] {
    match json.map(|j| &j.value) {
        Some(JsonValue::Array(items)) => items,
        _ => &[],
    }
}
