//! Rows of an export, in one form for CSV and JSON: cells by the name of their column.
//!
//! Columns are found by their name in the REST API, by their title in the table's export and by their name in bulk imports:
//! `primary_ip4`, `IPv4 Address`; `role`, `Role`, `device_role`. Custom fields are columns as well (`cf_environment`).
//! In JSON an object stands for its `slug`, `name`, `value`, `address`, `prefix` or `display`, the first that it has.

use super::csv;
use super::{MAX_BYTES, MAX_ROWS};
use crate::document::{Json, JsonValue, Member, Problems, Spanned, did_you_mean, read_json};
use crate::ruleset::{SourceId, Span};
use std::collections::BTreeMap;

/// The rows of a file.
#[derive(Default)]
pub(super) struct Table {
    pub rows: Vec<Row>,
}

/// One row.
pub(super) struct Row {
    /// The whole row.
    pub span: Span,
    cells: BTreeMap<String, Vec<Spanned<String>>>,
}

impl Table {
    /// Reads a file: JSON where its name ends in `.json`, CSV otherwise.
    pub fn read(name: &str, text: &str, source: SourceId, problems: &Problems) -> Table {
        let top = Span { source, ..Span::default() };
        if text.len() > MAX_BYTES {
            problems.report(
                top,
                format!("the file has {} bytes", text.len()),
                format!("the limit is {MAX_BYTES} bytes"),
            );
            return Table::default();
        }
        let table = match name.ends_with(".json") {
            true => of_json(text, source, problems),
            false => of_csv(text, source, problems),
        };
        if table.rows.len() > MAX_ROWS {
            problems.report(
                top,
                format!("the file has {} rows", table.rows.len()),
                format!("the limit is {MAX_ROWS} rows"),
            );
            return Table::default();
        }
        table
    }

    /// Whether some row has this column, and a report where none has.
    pub fn needs(&self, column: &str, problems: &Problems) -> bool {
        let Some(first) = self.rows.first() else { return false };
        if self.rows.iter().any(|r| r.cells.contains_key(column)) {
            return true;
        }
        let known: Vec<&str> = first.cells.keys().map(String::as_str).collect();
        let help = did_you_mean(column, known.iter().copied())
            .unwrap_or_else(|| format!("the columns are {}", known.join(", ")));
        problems.report(Span { end: first.span.start, ..first.span }, format!("there is no column `{column}`"), help);
        false
    }
}

impl Row {
    /// The text of the first of these columns that says something. Dashes and `Global` are how tables write nothing.
    pub fn text(&self, columns: &[&str]) -> Option<&Spanned<String>> {
        self.list(columns).first()
    }

    /// Every text of the first of these columns that says something.
    pub fn list(&self, columns: &[&str]) -> &[Spanned<String>] {
        columns.iter().find_map(|c| self.cells.get(*c).filter(|all| !all.is_empty())).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, column: String, texts: Vec<Spanned<String>>) {
        let says = |t: &Spanned<String>| !matches!(t.value.as_str(), "" | "-" | "\u{2014}" | "Global");
        self.cells.entry(column).or_default().extend(texts.into_iter().filter(says));
    }
}

/// The name of a column: lower case, `_` between words, without `cf_` in front.
fn column(name: &str) -> String {
    let plain = name.trim().to_lowercase().replace([' ', '-'], "_");
    let plain = plain.strip_prefix("cf_").unwrap_or(&plain);
    let known = match plain {
        "device_role" => "role",
        "ip_address" => "primary_ip",
        "ipv4_address" => "primary_ip4",
        "ipv6_address" => "primary_ip6",
        "scope" => "site",
        other => other,
    };
    known.to_owned()
}

fn of_csv(text: &str, source: SourceId, problems: &Problems) -> Table {
    let mut lines = csv::lines(text, source, problems).into_iter();
    let Some(header) = lines.next() else { return Table::default() };
    let columns: Vec<String> = header.fields.iter().map(|f| column(&f.value)).collect();
    for (at, name) in columns.iter().enumerate() {
        if !name.is_empty() && columns.iter().take(at).any(|other| other == name) {
            let message = format!("the column `{name}` is given twice");
            problems.note(header.fields.get(at).map_or(header.span, |f| f.span), message, None);
        }
    }
    let mut rows = Vec::new();
    for line in lines {
        if line.fields.len() != columns.len() {
            let message = format!("this line has {} fields, and the header {}", line.fields.len(), columns.len());
            problems.note(line.span, message, None);
            continue;
        }
        let mut row = Row { span: line.span, cells: BTreeMap::new() };
        for (name, field) in columns.iter().zip(line.fields) {
            row.add(name.clone(), pieces(name, field));
        }
        rows.push(row);
    }
    Table { rows }
}

/// Columns that hold lists are written with commas.
fn pieces(column: &str, field: Spanned<String>) -> Vec<Spanned<String>> {
    match column {
        "tags" | "groups" | "ip_addresses" => {
            field.value.split([',', ';', '\n']).map(|t| Spanned::new(t.trim().to_owned(), field.span)).collect()
        }
        _ => vec![field],
    }
}

fn of_json(text: &str, source: SourceId, problems: &Problems) -> Table {
    let mut found = Vec::new();
    let read = read_json(text, source, &mut found);
    for problem in found.into_iter().chain(read.as_ref().err().cloned()) {
        problems.note(problem.span, problem.message, problem.help);
    }
    let Ok(json) = read else { return Table::default() };
    let span = json.span;
    let Some(items) = items_of(json, problems) else {
        let help = "write what the REST API answers: an object with `results`, or a list of objects";
        problems.report(Span { end: span.start, ..span }, "this is no list of objects", help);
        return Table::default();
    };
    Table { rows: items.into_iter().filter_map(|item| row_of(item, problems)).collect() }
}

/// The objects of a list, or of an answer of the REST API, which must be a whole one.
fn items_of(json: Json, problems: &Problems) -> Option<Vec<Json>> {
    match json.value {
        JsonValue::Array(items) => Some(items),
        JsonValue::Object(members) => {
            let next = members.iter().find(|m| m.key == "next").filter(|m| m.value.value != JsonValue::Null);
            if let Some(next) = next {
                let help = "ask for all of it: `?limit=0`, or put the pages together";
                problems.report(next.span, "this is one page of a longer list", help);
            }
            match members.into_iter().find(|m| m.key == "results")?.value.value {
                JsonValue::Array(items) => Some(items),
                _ => None,
            }
        }
        _ => None,
    }
}

fn row_of(json: Json, problems: &Problems) -> Option<Row> {
    let JsonValue::Object(members) = json.value else {
        problems.note(json.span, "a row must be an object", None);
        return None;
    };
    let mut row = Row { span: json.span, cells: BTreeMap::new() };
    for member in members {
        match (member.key.as_str(), member.value.value) {
            ("custom_fields", JsonValue::Object(fields)) => {
                fields.into_iter().for_each(|f| row.add(column(&f.key), texts_of(f.value)));
            }
            (_, value) => row.add(column(&member.key), texts_of(Json { span: member.value.span, value })),
        }
    }
    Some(row)
}

/// What a value says, as texts.
fn texts_of(json: Json) -> Vec<Spanned<String>> {
    let one = |text: String| vec![Spanned::new(text, json.span)];
    match json.value {
        JsonValue::Text(text) => one(text),
        JsonValue::Number(digits) => one(digits),
        JsonValue::Boolean(value) => one(value.to_string()),
        JsonValue::Null => Vec::new(),
        JsonValue::Array(items) => items.into_iter().flat_map(texts_of).collect(),
        JsonValue::Object(members) => shown(members),
    }
}

fn shown(mut members: Vec<Member>) -> Vec<Spanned<String>> {
    const SAYING: [&str; 6] = ["slug", "name", "value", "address", "prefix", "display"];
    let at = SAYING.iter().find_map(|key| members.iter().position(|m| m.key == *key));
    at.map(|at| texts_of(members.swap_remove(at).value)).unwrap_or_default()
}
