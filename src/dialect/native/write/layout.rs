//! How a document is laid out: one rule, one entry of a set, one note a line.

use serde_json::{Map, Value};
use std::fmt::Write;

/// The document as text, with a line break at its end.
pub fn text(document: &Map<String, Value>) -> String {
    let mut out = String::from("{\n");
    each(&mut out, 1, document.iter(), |out, (key, value)| {
        let _ = write!(out, "{}: ", Value::from(key.as_str()));
        match (key.as_str(), value) {
            ("sets", Value::Object(sets)) => {
                *out += "{\n";
                each(out, 2, sets.iter(), |out, (key, set)| {
                    let _ = write!(out, "{}: ", Value::from(key.as_str()));
                    block(out, 2, set, "entries");
                });
                *out += "  }";
            }
            ("chains" | "notes", Value::Array(items)) => {
                *out += "[\n";
                each(out, 2, items.iter(), |out, item| block(out, 2, item, "rules"));
                *out += "  ]";
            }
            _ => line(out, value),
        }
    });
    out + "}\n"
}

/// An object with a line for each key, and one for each item under the key `list`; on one line where it has no such
/// key.
fn block(out: &mut String, depth: usize, value: &Value, list: &str) {
    let Value::Object(map) = value else { return line(out, value) };
    if !map.contains_key(list) {
        return line(out, value);
    }
    *out += "{\n";
    each(out, depth + 1, map.iter(), |out, (key, value)| {
        let _ = write!(out, "{}: ", Value::from(key.as_str()));
        match value {
            Value::Array(items) if key == list && !items.is_empty() => {
                *out += "[\n";
                each(out, depth + 2, items.iter(), line);
                let _ = write!(out, "{}]", "  ".repeat(depth + 1));
            }
            _ => line(out, value),
        }
    });
    let _ = write!(out, "{}}}", "  ".repeat(depth));
}

/// Everything on lines of its own, with commas between.
fn each<T>(out: &mut String, depth: usize, all: impl Iterator<Item = T>, mut write: impl FnMut(&mut String, T)) {
    let mut all = all.peekable();
    while let Some(one) = all.next() {
        *out += &"  ".repeat(depth);
        write(out, one);
        *out += if all.peek().is_some() { ",\n" } else { "\n" };
    }
}

/// A value on one line, with blanks behind colons and commas.
fn line(out: &mut String, value: &Value) {
    match value {
        Value::Array(items) => {
            *out += "[";
            joined(out, items.iter(), line);
            *out += "]";
        }
        Value::Object(map) => {
            *out += "{";
            joined(out, map.iter(), |out, (key, value)| {
                let _ = write!(out, "{}: ", Value::from(key.as_str()));
                line(out, value);
            });
            *out += "}";
        }
        plain => _ = write!(out, "{plain}"),
    }
}

fn joined<T>(out: &mut String, all: impl Iterator<Item = T>, mut write: impl FnMut(&mut String, T)) {
    for (at, one) in all.enumerate() {
        *out += if at == 0 { "" } else { ", " };
        write(out, one);
    }
}
