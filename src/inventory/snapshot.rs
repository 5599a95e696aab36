//! When a snapshot was taken: `snapshot.toml` beside it.
//!
//! The time stands in a file of its own, because exports have none, and not in the policy, because taking a snapshot must not
//! need a new version of the policy.

use crate::document::{Fields, Problems, Spanned, Value, parse};
use crate::ruleset::{Sources, Span};

/// A file of the inventory that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its path.
    pub path: String,
    /// When it was taken; `None` where no companion says.
    pub taken: Option<Taken>,
    /// How many rows it has.
    pub rows: usize,
}

/// A time, in seconds since 1970, as it was written and where.
pub type Taken = Spanned<i64>;

/// The path of the file that says when a snapshot was taken.
pub fn companion(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/snapshot.toml"),
        None => "snapshot.toml".to_owned(),
    }
}

/// Reads a companion: `taken`, and `source` for people.
pub(super) fn read(path: &str, bytes: &[u8], sources: &mut Sources, problems: &Problems) -> Option<Taken> {
    let text = std::str::from_utf8(bytes);
    let source = sources.add(path, text.unwrap_or_default());
    let Ok(text) = text else {
        problems.note(Span { source, ..Span::default() }, format!("`{path}` is not UTF-8"), None);
        return None;
    };
    let node = parse(source, path, text, problems)?;
    let mut fields = Fields::of(&node, "the snapshot", problems)?;
    fields.need("taken");
    fields.text("source");
    let taken = fields.get("taken").and_then(|node| match &node.value {
        Value::Text(text) | Value::Date(text) => Some(Spanned::new(text.clone(), node.span)),
        other => {
            problems.note(node.span, format!("`taken` is {} instead of a time", other.kind()), None);
            None
        }
    });
    fields.finish();
    let taken = taken?;
    match taken.value.replacen(' ', "T", 1).parse::<jiff::Timestamp>() {
        Ok(at) => Some(Spanned::new(at.as_second(), taken.span)),
        Err(_) => {
            let help = "write it with its offset from UTC: `2026-11-20T06:00:00Z`";
            problems.report(taken.span, format!("`{}` is no time", taken.value), help);
            None
        }
    }
}
