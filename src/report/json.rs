//! JSON: one document, for machines (`fwgate.check/1`, `fwgate.diff/1`, `fwgate.lint/1`).

use super::format::{DiffView, Format};
use super::visible::is_hidden;
use super::{ChangeDocument, CheckDocument, DiffDocument, LintDocument};
use std::fmt::Write;

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "json",
    about: "One document, with a schema",
    is_commands: false,
    check: |view| json_text(&CheckDocument::of(view.report, view.frame)),
    diff: |view| diff_document(view).text(),
    lint: |view| json_text(&LintDocument::of(view.findings, view.open)),
    change: Some(|page| json_text(&ChangeDocument::of(page))),
};

pub(super) fn diff_document(view: &DiffView<'_>) -> DiffDocument {
    let mut document = DiffDocument::new();
    for (pair, diff) in view.pairs.iter().zip(view.diffs) {
        document.add(*pair, diff);
    }
    view.routes.iter().for_each(|routes| document.add_routes(routes));
    document
}

/// A document as JSON, two spaces deep, with a final line break.
///
/// # Errors
/// Never for the documents of this module; a caller must not take an error for an empty answer.
pub fn json_text(document: &impl serde::Serialize) -> serde_json::Result<String> {
    Ok(harmless(serde_json::to_string_pretty(document)?) + "\n")
}

/// A document as one line of JSON, with its line break.
///
/// # Errors
/// As `json_text`.
pub fn json_line(document: &impl serde::Serialize) -> serde_json::Result<String> {
    Ok(harmless(serde_json::to_string(document)?) + "\n")
}

/// The same JSON with every hidden character as `\uXXXX`: it means the same to a machine, and a terminal shows it.
///
/// What a job's runner would take for a command anywhere in a line is written so as well.
fn harmless(json: String) -> String {
    let json = if json.contains("##") { json.replace("##", "#\\u0023") } else { json };
    let must_go = |c: char| is_hidden(c) && c != '\n';
    if !json.contains(must_go) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 64);
    for letter in json.chars() {
        if must_go(letter) {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_keep_their_meaning_and_are_seen() {
        let value = serde_json::json!({"a\u{202e}": "b\u{7f}\u{e0041}\u{85}\n ##[error]x"});
        for text in [json_text(&value).unwrap(), json_line(&value).unwrap()] {
            assert!(text.is_ascii() && text.contains("\\u202e") && text.contains("\\udb40\\udc41"), "{text}");
            assert!(!text.contains("##"), "{text}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        }
    }
}
