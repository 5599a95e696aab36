//! Conditions: an object with a key for each thing that must hold, lists for "any of" and "all of", a word.

use super::Reader;
use super::service::LAYER4;
use super::values::{Read, items};
use crate::dialect::native::words::{ENDS, FAMILIES, Form, OPAQUE, SIDES, sole};
use crate::document::{Node, Value, did_you_mean};
use crate::packet::{Family, Field, IfaceSide, Values};
use crate::ruleset::{Families, Match, Opaque};

/// Keys of a condition that are no fields.
pub const KEYS: [&str; 9] = ["family", "service", "present", "in_set", "condition", "translated", "any", "all", "not"];

/// The families whose packets are left where this holds.
pub fn narrowed(scope: Families, condition: &Match) -> Families {
    match condition {
        Match::Family(family) => {
            Families { v4: scope.v4 && *family == Family::V4, v6: scope.v6 && *family == Family::V6 }
        }
        Match::All(all) => all.iter().fold(scope, narrowed),
        _ => scope,
    }
}

/// Whether a key may stand in a condition.
pub fn is_key(key: &str) -> bool {
    KEYS.contains(&key) || Field::by_name(key).is_some()
}

impl Reader<'_> {
    /// A condition: an object, or `"always"`, `"never"`.
    pub fn condition(&self, node: &Node, scope: Families) -> Option<Match> {
        let table = match &node.value {
            Value::Table(table) => table,
            Value::Text(word) if word == "always" => return Some(Match::Always),
            Value::Text(word) if word == "never" => return Some(Match::Never),
            other => {
                let help = "write an object such as {\"src\": \"10.0.0.0/8\"}, `\"always\"` or `\"never\"`";
                return self.wrong(node, format!("a condition is an object, not {}", other.kind()), help);
            }
        };
        let mut all = Vec::new();
        let mut left = Some(scope);
        for entry in &table.entries {
            let read = self.one(&entry.key.value, &entry.key.span, &entry.node, left.unwrap_or(scope));
            left = read.as_ref().map(|m| narrowed(left.unwrap_or(scope), m)).or(left);
            all.push(read);
        }
        let mut all = all.into_iter().collect::<Option<Vec<_>>>()?;
        match all.len() {
            0 => self.wrong(node, "this condition is empty", "write `\"always\"` for what every packet meets"),
            1 => all.pop(),
            _ => Some(Match::All(all)),
        }
    }

    /// The condition that one key states.
    pub fn one(&self, key: &str, place: &crate::ruleset::Span, node: &Node, scope: Families) -> Option<Match> {
        match key {
            "family" => self.word(node, "family", &FAMILIES).map(Match::Family),
            "service" => self.service(node, scope),
            "present" => self.word(node, "side", &SIDES).map(Match::Present),
            "in_set" => self.in_set(node, scope),
            "condition" => self.opaque(node).map(Match::Opaque),
            "translated" => self.word(node, "end", &ENDS).map(Match::Translated),
            "any" => self.list(node, |item| self.condition(item, scope)).map(Match::Any),
            "all" => self.all(node, scope),
            "not" => self.condition(node, scope).map(|m| Match::Not(Box::new(m))),
            _ => match Field::by_name(key) {
                Some(field) => self.field(field, node, scope),
                None => self.unknown_key(key, *place, "a condition", known_keys()),
            },
        }
    }

    fn all(&self, node: &Node, scope: Families) -> Option<Match> {
        let mut scope = scope;
        let mut out = Vec::new();
        for item in self.array(node)? {
            let read = self.condition(item, scope)?;
            scope = narrowed(scope, &read);
            out.push(read);
        }
        Some(Match::All(out))
    }

    /// The field has one of the values. Addresses that stand where packets of both families come imply theirs.
    pub fn field(&self, field: Field, node: &Node, scope: Families) -> Option<Match> {
        if Form::of(field) == Form::Interface {
            return self.interface(field, node);
        }
        match self.values(field, node)? {
            Read::Plain(values) => Some(any_of(values.into_iter().map(|v| Match::Field(field, v)).collect())),
            Read::Addresses(_) if items(node).is_empty() => Some(Match::Never),
            Read::Addresses(all) => {
                let one = |(family, values): (Family, Values)| match sole(scope) {
                    Some(only) if only == family => Some(Match::Field(field, values)),
                    Some(only) => self.wrong(node, format!("an {family} address, where only {only} packets come"), ""),
                    None => Some(Match::All(vec![Match::Family(family), Match::Field(field, values)])),
                };
                Some(any_of(all.into_iter().map(one).collect::<Option<_>>()?))
            }
        }
    }

    fn interface(&self, field: Field, node: &Node) -> Option<Match> {
        let side = side_of(field)?;
        let patterns: Option<Vec<_>> =
            items(node).into_iter().map(|i| self.pattern(i).map(|p| Match::Interface(side, p))).collect();
        Some(any_of(patterns?))
    }

    /// An opaque condition by its canonical name and its kind.
    pub fn opaque(&self, node: &Node) -> Option<Opaque> {
        let mut fields = self.fields(node, "a condition")?;
        let name = fields.need_text("name");
        fields.need("kind");
        let kind = fields.get("kind").and_then(|n| self.word(n, "kind", &OPAQUE));
        fields.finish();
        Some(Opaque { name: name?.value.into(), kind: kind? })
    }

    fn in_set(&self, node: &Node, scope: Families) -> Option<Match> {
        let name = self.text_of(node, "the name of a set")?;
        let Some(set) = self.sets.get(name) else {
            let known = self.sets.keys().map(String::as_str);
            let help = did_you_mean(name, known).unwrap_or_else(|| "sets stand under `sets`".into());
            return self.wrong(node, format!("there is no set `{name}`"), help);
        };
        let lookup = Match::Lookup(set.lookup.as_ref()?.clone());
        match (set.family, sole(scope)) {
            (Some(own), Some(only)) if own != only => {
                self.wrong(node, format!("a set of {own} addresses, where only {only} packets come"), "")
            }
            (Some(own), None) => Some(Match::All(vec![Match::Family(own), lookup])),
            _ => Some(lookup),
        }
    }
}

/// The side whose interface class a field holds.
pub fn side_of(field: Field) -> Option<IfaceSide> {
    SIDES.iter().map(|(_, side)| *side).find(|side| side.field() == field)
}

fn any_of(mut all: Vec<Match>) -> Match {
    if all.len() == 1 { all.remove(0) } else { Match::Any(all) }
}

/// Every key of a condition.
pub fn known_keys() -> impl Iterator<Item = &'static str> {
    KEYS.into_iter().chain(Field::ALL.into_iter().map(Field::name)).chain(LAYER4.map(Field::name))
}
