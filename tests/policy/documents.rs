//! The documentation and the published schemas against the reader: none may say more or less than the others.

use super::accepted::{CHANGE, GATE, REQUIREMENTS, good, policy};
use fwgate::policy::*;
use serde_json::Value;
use std::collections::BTreeSet;

const DOCS: &str = include_str!("../../docs/policy.md");
const POLICY_SCHEMA: &str = include_str!("../../schemas/policy.json");
const CHANGE_SCHEMA: &str = include_str!("../../schemas/change.json");

/// The fenced blocks whose info string is `info`.
fn blocks(info: &str) -> Vec<String> {
    let open = format!("\n```{info}\n");
    let texts = DOCS.split(&open).skip(1).filter_map(|rest| rest.split("\n```").next());
    texts.map(|t| format!("{t}\n")).collect()
}

/// TOML as the JSON that a schema judges; dates become texts.
fn as_json(text: &str) -> Value {
    fn convert(value: toml::Value) -> Value {
        match value {
            toml::Value::Datetime(date) => Value::String(date.to_string()),
            toml::Value::Array(items) => items.into_iter().map(convert).collect(),
            toml::Value::Table(table) => Value::Object(table.into_iter().map(|(k, v)| (k, convert(v))).collect()),
            other => serde_json::to_value(other).unwrap(),
        }
    }
    convert(toml::from_str(text).unwrap())
}

fn errors(schema: &str, document: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    validator.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

#[test]
fn every_example_of_the_reference_is_read() {
    let policies = blocks("toml");
    assert!(policies.len() >= 5);
    for text in &policies {
        let _ = policy(text);
        assert_eq!(errors(POLICY_SCHEMA, &as_json(text)), Vec::<String>::new(), "{text}");
    }
    for text in &blocks("toml change") {
        let _ = good(read_change("changes/CHG-2042.toml", text, &Names::default()));
        assert_eq!(errors(CHANGE_SCHEMA, &as_json(text)), Vec::<String>::new());
    }
    for text in &blocks("toml device") {
        let _ = good(read_device_file("device.toml", text));
    }
}

#[test]
fn the_examples_of_the_contract_validate() {
    for text in [GATE, REQUIREMENTS] {
        assert_eq!(errors(POLICY_SCHEMA, &as_json(text)), Vec::<String>::new());
    }
    assert_eq!(errors(CHANGE_SCHEMA, &as_json(CHANGE)), Vec::<String>::new());
    for pack in packs() {
        assert_eq!(errors(POLICY_SCHEMA, &as_json(pack.text)), Vec::<String>::new(), "{}", pack.name);
        assert!(DOCS.contains(&format!("`{}`", pack.name)), "{} is not in the reference", pack.name);
    }
}

#[test]
fn the_schemas_refuse_what_the_reader_refuses() {
    for text in [
        "version = 0",
        "version = 1\nservcie = 1",
        "version = 1\n[[require]]\nid = \"a\"",
        "version = 1\n[class.weekly]\nquorum = []",
    ] {
        assert!(read_policy(&PolicyFiles::single("p.toml", text)).is_err(), "{text}");
        assert!(!errors(POLICY_SCHEMA, &as_json(text)).is_empty(), "{text}");
    }
}

/// The keys that the reader knows in the table that `text` ends in, out of its own advice.
fn known_keys(text: &str, change: bool) -> BTreeSet<String> {
    let text = format!("{text}\nzzzzzzzzzzzz = 0\n");
    let problems = match change {
        true => read_change("CHG-1.toml", &text, &Names::default()).unwrap_err().problems,
        false => read_policy(&PolicyFiles::single("p.toml", text)).unwrap_err().problems,
    };
    let help = problems.iter().find(|p| p.message.contains("zzzz")).and_then(|p| p.help.clone()).unwrap();
    let keys = help.split(" are ").nth(1).unwrap().split(", ");
    keys.map(|k| k.trim_matches('`').to_owned()).collect()
}

fn properties(schema: &str, pointer: &str) -> BTreeSet<String> {
    let schema: Value = serde_json::from_str(schema).unwrap();
    schema.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect()
}

#[test]
fn reader_schema_and_reference_know_the_same_keys() {
    let tables = [
        ("", "/properties"),
        ("[[require]]", "/$defs/flow/properties"),
        ("[[forbid]]", "/$defs/flow/properties"),
        ("[[assume]]", "/$defs/assume/properties"),
        ("[[waive]]", "/$defs/waive/properties"),
        ("[[person]]", "/$defs/person/properties"),
        ("[[person.keys]]", "/$defs/dated-key/properties"),
        ("[[machine]]", "/$defs/machine/properties"),
        ("[class.emergency]", "/$defs/class/properties"),
        ("[[class.normal.also]]", "/$defs/also/properties"),
        ("[[class.normal.quorum]]", "/$defs/quorum/items/properties"),
        ("[class.emergency.solo]", "/$defs/solo/properties"),
        ("[[window]]", "/$defs/window/properties"),
        ("[[freeze]]", "/$defs/freeze/properties"),
        ("[lab]", "/$defs/lab/properties"),
        ("[[unmanaged]]", "/$defs/unmanaged/properties"),
        ("[[transport]]", "/$defs/transport/properties"),
        ("[[stands_for]]", "/$defs/stands-for/properties"),
        ("[[spare]]", "/$defs/spare/properties"),
        ("[[template]]", "/$defs/template/properties"),
        ("[rights]", "/$defs/rights/properties"),
        ("[push]", "/$defs/push/properties"),
        ("[[revoked]]", "/$defs/revoked/properties"),
    ];
    let person = "[[person]]\nid = \"a\"\nroles = []\n";
    for (table, pointer) in tables {
        let before = if table == "[[person.keys]]" { person } else { "" };
        let known = known_keys(&format!("{before}{table}"), false);
        assert_eq!(known, properties(POLICY_SCHEMA, pointer), "{table}");
        for key in &known {
            assert!(
                DOCS.contains(&format!("`{key}`"))
                    || DOCS.contains(&format!(" {key},"))
                    || DOCS.contains(&format!("{key} }}")),
                "`{key}` is not in the reference"
            );
        }
    }
    for (table, pointer) in
        [("", "/properties"), ("[[intent]]", "/$defs/intent/properties"), ("[window]", "/properties/window/properties")]
    {
        assert_eq!(known_keys(table, true), properties(CHANGE_SCHEMA, pointer), "{table}");
    }
}

#[test]
fn the_page_of_findings_is_what_explain_prints() {
    let page = include_str!("../../docs/findings.md");
    assert!(page == fwgate::finding::explain_all(), "docs/findings.md is out of date: write `explain_all()` to it");
}
