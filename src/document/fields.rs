//! Reading a table key by key: each key is asked for once with the type it must have, and what nobody asked
//! for is an unknown key.

use super::nearest::did_you_mean;
use super::{Node, Problems, Spanned, Table, Value};
use crate::ruleset::Span;

/// A table being read. Ask for every key that may occur, then `finish`.
pub(crate) struct Fields<'a> {
    table: &'a Table,
    /// The table's place.
    pub span: Span,
    /// What the table is, for messages: `[[require]]`.
    pub what: &'a str,
    known: Vec<&'static str>,
    problems: &'a Problems,
}

impl<'a> Fields<'a> {
    /// The fields of a node, which must be a table.
    pub fn of(node: &'a Node, what: &'a str, problems: &'a Problems) -> Option<Fields<'a>> {
        match &node.value {
            Value::Table(table) => Some(Fields { table, span: node.span, what, known: Vec::new(), problems }),
            other => {
                problems.note(node.span, format!("{what} is {} instead of a table", other.kind()), None);
                None
            }
        }
    }

    /// Where problems go.
    pub fn problems(&self) -> &'a Problems {
        self.problems
    }

    /// The value of a key, whatever it is.
    pub fn get(&mut self, key: &'static str) -> Option<&'a Node> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.table.entries.iter().find(|e| e.key.value == key).map(|e| &e.node)
    }

    /// Notes that a key is missing unless it is there.
    pub fn need(&mut self, key: &'static str) {
        if !self.table.entries.iter().any(|e| e.key.value == key) {
            self.problems.note(self.span, format!("{} has no `{key}`", self.what), None);
        }
    }

    /// A text.
    pub fn text(&mut self, key: &'static str) -> Option<Spanned<String>> {
        let node = self.get(key)?;
        text_of(node, key, self.problems)
    }

    /// A text that must be there and say something.
    pub fn need_text(&mut self, key: &'static str) -> Option<Spanned<String>> {
        self.need(key);
        let text = self.text(key)?;
        if text.value.trim().is_empty() {
            self.problems.note(text.span, format!("`{key}` is empty"), None);
            return None;
        }
        Some(text)
    }

    /// A text that `read` understands; its error is a message and advice.
    pub fn parsed<T>(&mut self, key: &'static str, read: impl Fn(&str) -> Result<T, Wrong>) -> Option<Spanned<T>> {
        let text = self.text(key)?;
        parsed_text(&text, read, self.problems)
    }

    /// A text out of a closed list.
    pub fn one_of<T: Copy>(&mut self, key: &'static str, choices: &[(&'static str, T)]) -> Option<Spanned<T>> {
        self.parsed(key, |text| choose(key, text, choices))
    }

    /// A whole number.
    pub fn integer(&mut self, key: &'static str) -> Option<Spanned<i64>> {
        let node = self.get(key)?;
        match node.value {
            Value::Integer(number) => Some(Spanned::new(number, node.span)),
            _ => self.wrong_kind(node, key, "a number"),
        }
    }

    /// True or false.
    pub fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let node = self.get(key)?;
        match node.value {
            Value::Boolean(value) => Some(value),
            _ => self.wrong_kind(node, key, "a boolean"),
        }
    }

    /// A list of texts.
    pub fn texts(&mut self, key: &'static str) -> Option<Vec<Spanned<String>>> {
        let node = self.get(key)?;
        Some(texts_of(node, key, self.problems))
    }

    /// A list of texts that must be there.
    pub fn need_texts(&mut self, key: &'static str) -> Vec<Spanned<String>> {
        self.need(key);
        self.texts(key).unwrap_or_default()
    }

    /// A table.
    pub fn table(&mut self, key: &'static str, what: &'a str) -> Option<Fields<'a>> {
        let node = self.get(key)?;
        Fields::of(node, what, self.problems)
    }

    /// The tables of `[[key]]`, or of a list of inline tables.
    pub fn tables(&mut self, key: &'static str, what: &'a str) -> Vec<Fields<'a>> {
        let Some(node) = self.get(key) else { return Vec::new() };
        match &node.value {
            Value::Array(items) => items.iter().filter_map(|i| Fields::of(i, what, self.problems)).collect(),
            other => {
                let message = format!("`{key}` is {} instead of a list of tables", other.kind());
                self.problems.report(node.span, message, format!("write `[[{key}]]` above it"));
                Vec::new()
            }
        }
    }

    /// All keys and values, for tables whose keys the user chooses.
    pub fn entries(&self) -> impl Iterator<Item = (&'a Spanned<String>, &'a Node)> + use<'a> {
        self.table.entries.iter().map(|e| (&e.key, &e.node))
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self) {
        for entry in &self.table.entries {
            let key = &entry.key.value;
            if !self.known.contains(&key.as_str()) {
                let help = did_you_mean(key, self.known.iter().copied())
                    .unwrap_or_else(|| format!("the keys of {} are {}", self.what, quoted(&self.known)));
                self.problems.report(entry.key.span, format!("unknown key `{key}` in {}", self.what), help);
            }
        }
    }

    fn wrong_kind<T>(&self, node: &Node, key: &str, wanted: &str) -> Option<T> {
        self.problems.note(node.span, format!("`{key}` is {} instead of {wanted}", node.value.kind()), None);
        None
    }
}

/// Why a text means nothing, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub message: String,
    pub help: Option<String>,
}

impl Wrong {
    /// A message with advice.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Wrong {
        Wrong { message: message.into(), help: Some(help.into()) }
    }
}

/// The choice of this name.
pub(crate) fn choose<T: Copy>(what: &str, text: &str, choices: &[(&'static str, T)]) -> Result<T, Wrong> {
    let names: Vec<&'static str> = choices.iter().map(|(n, _)| *n).collect();
    let unknown = || {
        let help =
            did_you_mean(text, names.iter().copied()).unwrap_or_else(|| format!("it is one of {}", quoted(&names)));
        Wrong::new(format!("unknown {what} `{text}`"), help)
    };
    choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(unknown)
}

/// What `read` makes of a text; its error is reported at the text.
pub(crate) fn parsed_text<T>(
    text: &Spanned<String>,
    read: impl Fn(&str) -> Result<T, Wrong>,
    problems: &Problems,
) -> Option<Spanned<T>> {
    match read(&text.value) {
        Ok(value) => Some(Spanned::new(value, text.span)),
        Err(wrong) => {
            problems.note(text.span, wrong.message, wrong.help);
            None
        }
    }
}

/// The texts of a list.
pub(crate) fn texts_of(node: &Node, key: &str, problems: &Problems) -> Vec<Spanned<String>> {
    match &node.value {
        Value::Array(items) => items.iter().filter_map(|i| text_of(i, key, problems)).collect(),
        Value::Text(text) => {
            let message = format!("`{key}` is a text instead of a list of texts");
            problems.report(node.span, message, format!("write `[\"{text}\"]`"));
            Vec::new()
        }
        other => {
            let message = format!("`{key}` is {} instead of a list of texts", other.kind());
            problems.note(node.span, message, None);
            Vec::new()
        }
    }
}

fn text_of(node: &Node, key: &str, problems: &Problems) -> Option<Spanned<String>> {
    match &node.value {
        Value::Text(text) => Some(Spanned::new(text.clone(), node.span)),
        other => {
            problems.note(node.span, format!("`{key}` holds {} instead of a text", other.kind()), None);
            None
        }
    }
}

fn quoted(names: &[&'static str]) -> String {
    let all: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    all.join(", ")
}
