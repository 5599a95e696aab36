//! Where the native format names interfaces: the values of fields that hold some, and the facts.

use super::words::Form;
use crate::dialect::mentions::{Mention, Spelling, plain_text};
use crate::dialect::{Draft, Problem, ReadOptions, Text};
use crate::document::{Json, JsonValue, Member, read_json};
use crate::packet::{Field, IfacePattern};

/// The interfaces that these texts name.
pub fn mentions(texts: &[Text], _: &ReadOptions, draft: &mut Draft) -> Vec<Mention> {
    let mut out = Vec::new();
    for text in texts {
        let mut problems = Vec::new();
        match read_json(&text.text, text.id, &mut problems) {
            Ok(tree) => Walk { text, out: &mut out, problems: &mut problems }.visit(&tree, None),
            Err(problem) => problems.push(problem),
        }
        problems.into_iter().for_each(|problem| draft.refuse(problem));
    }
    out
}

struct Walk<'w> {
    text: &'w Text,
    out: &'w mut Vec<Mention>,
    problems: &'w mut Vec<Problem>,
}

impl Walk<'_> {
    fn visit(&mut self, json: &Json, above: Option<&str>) {
        match &json.value {
            JsonValue::Object(members) => {
                for Member { key, value, .. } in members {
                    let is_field = Field::by_name(key).is_some_and(|field| Form::of(field) == Form::Interface);
                    match (is_field, key.as_str(), above) {
                        (true, ..) => self.patterns(value),
                        (false, "interfaces", Some("facts")) => self.facts(value),
                        _ => self.visit(value, Some(key)),
                    }
                }
            }
            JsonValue::Array(items) => items.iter().for_each(|item| self.visit(item, above)),
            _ => {}
        }
    }

    /// `eth0`, `eth+`, `{"name": "a+"}`, `{"prefix": "eth"}`, or several.
    fn patterns(&mut self, json: &Json) {
        match &json.value {
            JsonValue::Array(items) => items.iter().for_each(|item| self.patterns(item)),
            JsonValue::Object(members) => {
                for member in members {
                    let is_prefix = member.key == "prefix";
                    self.name(&member.value, "", |name| match is_prefix {
                        true => IfacePattern::prefix(name),
                        false => IfacePattern::exact(name),
                    });
                }
            }
            _ => self.name(json, "+", |name| match name.strip_suffix('+') {
                Some(prefix) => IfacePattern::prefix(prefix),
                None => IfacePattern::exact(name),
            }),
        }
    }

    fn facts(&mut self, json: &Json) {
        if let JsonValue::Array(items) = &json.value {
            items.iter().for_each(|item| self.name(item, "", |name| IfacePattern::exact(name)));
        }
    }

    fn name(&mut self, json: &Json, wildcard: &'static str, pattern: impl Fn(&str) -> IfacePattern) {
        match plain_text(&self.text.text, json) {
            Some((start, end, name)) => self.out.push(Mention {
                file: self.text.name.clone(),
                start,
                end,
                pattern: pattern(name),
                spelling: Spelling { quote: "\"", wildcard },
            }),
            None => {
                let message = "an interface is named here in a way that cannot be rewritten";
                self.problems.push(Problem::new(json.span, message));
            }
        }
    }
}
