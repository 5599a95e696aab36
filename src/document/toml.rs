//! TOML into the document tree. The parser recovers, so that one run shows all syntax errors of a file.

use super::{Entry, Node, Places, Problems, Spanned, Table, Value};
use ::toml::Spanned as TomlSpanned;
use ::toml::de::{DeTable, DeValue};

/// Reads TOML 1.0 text. Nesting is bounded by the parser.
pub(super) fn parse(text: &str, places: &Places, problems: &Problems) -> Node {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = places.span(error.span().unwrap_or(0..0));
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        problems.note(span, lower_first(&message), None);
    }
    let span = places.span(table.span());
    Node { span, value: Value::Table(convert_table(table.into_inner(), places, problems)) }
}

fn convert_table(table: DeTable<'_>, places: &Places, problems: &Problems) -> Table {
    let entry = |(key, value): (TomlSpanned<_>, TomlSpanned<DeValue<'_>>)| {
        let span = places.span(key.span());
        let name: std::borrow::Cow<'_, str> = key.into_inner();
        Entry { key: Spanned::new(name.into_owned(), span), node: convert(value, places, problems) }
    };
    let mut entries: Vec<Entry> = table.into_iter().map(entry).collect();
    entries.sort_by_key(|e| e.key.span.start);
    Table { entries }
}

fn convert(value: TomlSpanned<DeValue<'_>>, places: &Places, problems: &Problems) -> Node {
    let span = places.span(value.span());
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Boolean(value) => Value::Boolean(value),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Float(_) => Value::Float,
        DeValue::Integer(digits) => match i64::from_str_radix(digits.as_str(), digits.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => {
                problems.note(span, format!("`{digits}` is too large a number"), None);
                Value::Integer(0)
            }
        },
        DeValue::Array(items) => Value::Array(items.into_iter().map(|i| convert(i, places, problems)).collect()),
        DeValue::Table(table) => Value::Table(convert_table(table, places, problems)),
    };
    Node { span, value }
}

fn lower_first(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
