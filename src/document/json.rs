//! JSON into the document tree.

use super::scan::{Json, JsonValue, Member, read_json};
use super::{Entry, Node, Places, Problems, Spanned, Table, Value};

/// Reads JSON text (RFC 8259); a key given twice is a problem.
pub(super) fn parse(text: &str, places: &Places, problems: &Problems) -> Node {
    let mut found = Vec::new();
    let read = read_json(text, places.source, &mut found);
    for problem in found.into_iter().chain(read.as_ref().err().cloned()) {
        problems.note(problem.span, problem.message, None);
    }
    match read.map(node) {
        Ok(node) if matches!(node.value, Value::Table(_)) => node,
        Ok(node) => {
            problems.note(node.span, format!("the document is {} instead of an object", node.value.kind()), None);
            empty(places)
        }
        Err(_) => empty(places),
    }
}

fn empty(places: &Places) -> Node {
    Node { span: places.span(0..0), value: Value::Table(Table::default()) }
}

fn node(json: Json) -> Node {
    let value = match json.value {
        JsonValue::Text(text) => Value::Text(text),
        JsonValue::Number(digits) => digits.parse().map_or(Value::Float, Value::Integer),
        JsonValue::Boolean(value) => Value::Boolean(value),
        JsonValue::Null => Value::Null,
        JsonValue::Array(items) => Value::Array(items.into_iter().map(node).collect()),
        JsonValue::Object(members) => {
            let entry = |m: Member| Entry { key: Spanned::new(m.key, m.span), node: node(m.value) };
            Value::Table(Table { entries: members.into_iter().map(entry).collect() })
        }
    };
    Node { span: json.span, value }
}
