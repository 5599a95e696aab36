//! A change request as one canonical text, whatever order, spacing, comments and format it was written in.

use super::change::fail;
use crate::document::{Node, Problems, Table, Value, parse};
use crate::ruleset::{Sources, Unreadable};

/// The request in canonical JSON without its `[window]`: keys in the order of their bytes, no spaces, texts as RFC 8785
/// writes them, dates as texts. The file must be one that `read_change` accepts for this to mean anything.
///
/// # Errors
/// What breaks the grammar.
pub fn canonical_change(name: &str, text: &str) -> Result<String, Unreadable> {
    let problems = Problems::default();
    let mut sources = Sources::default();
    let node = parse(sources.add(name, text), name, text, &problems);
    match node {
        Some(Node { value: Value::Table(table), .. }) => problems.settle(sources, without_window(&table)),
        _ => Err(fail(problems, sources)),
    }
}

fn without_window(table: &Table) -> String {
    object(table, |key| key != "window")
}

fn object(table: &Table, keep: impl Fn(&str) -> bool) -> String {
    let mut entries: Vec<(&str, &Node)> = table.entries.iter().map(|e| (e.key.value.as_str(), &e.node)).collect();
    entries.retain(|(key, _)| keep(key));
    entries.sort_by_key(|(key, _)| *key);
    let texts: Vec<String> = entries.iter().map(|(key, node)| format!("{}:{}", quoted(key), json(node))).collect();
    format!("{{{}}}", texts.join(","))
}

fn json(node: &Node) -> String {
    match &node.value {
        Value::Text(text) | Value::Date(text) => quoted(text),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(value) => value.to_string(),
        // No key takes these, so `read_change` has refused them.
        Value::Float | Value::Null => "null".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(",")),
        Value::Table(table) => object(table, |_| true),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PLAIN: &str = r#"
id = "CHG-1"
title = "Open \"it\""
devices = ["edge1"]
[[intent]]
effect = "opened"
to = ["10.1.0.0/24"]
[window]
start = "2026-12-01T22:00:00[America/Toronto]"
end = "2026-12-02T00:00:00[America/Toronto]"
"#;

    #[test]
    fn keys_are_in_order_and_the_window_is_left_out() {
        let text = canonical_change("c.toml", PLAIN).unwrap();
        let expected = r#"{"devices":["edge1"],"id":"CHG-1","intent":[{"effect":"opened","to":["10.1.0.0/24"]}],"title":"Open \"it\""}"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn order_spacing_comments_and_format_are_nothing_and_every_value_is_something() {
        let same = "title = 'Open \"it\"' # why\nintent = [{ to = ['10.1.0.0/24'], effect = 'opened' }]\n\
                    devices=['edge1']\nid='CHG-1'\n";
        let json = canonical_change("c.toml", PLAIN).unwrap();
        assert_eq!(canonical_change("c.toml", same).unwrap(), json);
        assert_eq!(canonical_change("c.json", &json).unwrap(), json);
        for (from, to) in [("CHG-1", "CHG-2"), ("10.1.0.0/24", "10.1.0.0/25"), ("opened", "closed")] {
            assert_ne!(canonical_change("c.toml", &PLAIN.replace(from, to)).unwrap(), json, "{to}");
        }
        let moved = PLAIN.replace("22:00", "21:00");
        assert_eq!(canonical_change("c.toml", &moved).unwrap(), json);
    }

    #[test]
    fn what_breaks_the_grammar_is_refused() {
        assert!(canonical_change("c.toml", "id = ").is_err());
        assert!(canonical_change("c.json", "[]").is_err());
    }
}
