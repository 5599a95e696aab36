//! Files of known findings (`fwgate.known/1`): old sins that somebody has looked at, by fingerprint. They are listed and do
//! not fail, so that a repository with a past can begin to refuse new ones.

use super::change::fail;
use super::class::read_code;
use crate::document::{Fields, MAX_BYTES, Problems, Wrong, parse_json};
use crate::finding::Code;
use crate::ruleset::{Sources, Span, Unreadable};

/// The name of the format.
pub const KNOWN_SCHEMA: &str = "fwgate.known/1";

/// One finding that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownFinding {
    /// The kind of finding.
    pub code: &'static Code,
    /// What makes it the same finding: 32 hexadecimal digits.
    pub fingerprint: String,
    /// What was found, in the words of the day on which it was written down.
    pub message: String,
    /// Where it is written.
    pub span: Span,
}

/// A file of known findings.
#[derive(Clone, Debug, Default)]
pub struct KnownFindings {
    /// The file, for quoting.
    pub sources: Sources,
    /// What it lists.
    pub entries: Vec<KnownFinding>,
}

/// Reads a file of known findings, which is JSON. `name` is what reports call it.
///
/// # Errors
/// Every mistake of the file; an entry of a code that nothing excuses is one.
pub fn read_known(name: &str, text: &str) -> Result<KnownFindings, Unreadable> {
    let problems = Problems::default();
    let mut sources = Sources::default();
    let node = parse_json(sources.add(name, text), text, MAX_BYTES, &problems);
    let fields = node.as_ref().and_then(|node| Fields::of(node, "the file of known findings", &problems));
    match fields.map(read_entries) {
        Some(entries) => problems.settle(sources.clone(), KnownFindings { sources, entries }),
        None => Err(fail(problems, sources)),
    }
}

fn read_entries(mut fields: Fields<'_>) -> Vec<KnownFinding> {
    fields.need("schema");
    fields.parsed("schema", |text| match text {
        KNOWN_SCHEMA => Ok(()),
        other => Err(Wrong::new(format!("`{other}` is not `{KNOWN_SCHEMA}`"), "`--write-known` writes such a file")),
    });
    fields.need("findings");
    let entries = fields.tables("findings", "a known finding").into_iter().filter_map(read_entry).collect();
    fields.finish();
    entries
}

fn read_entry(mut fields: Fields<'_>) -> Option<KnownFinding> {
    let span = fields.span;
    fields.need("code");
    let code = fields.parsed("code", |text| read_code(text).and_then(excusable)).map(|c| c.value);
    fields.need("fingerprint");
    let fingerprint = fields.parsed("fingerprint", read_fingerprint).map(|f| f.value);
    let message = fields.text("message").map(|m| m.value).unwrap_or_default();
    // What stands there for people.
    for key in ["name", "device", "requirement"] {
        fields.text(key);
    }
    fields.finish();
    Some(KnownFinding { code: code?, fingerprint: fingerprint?, message, span })
}

fn excusable(code: &'static Code) -> Result<&'static Code, Wrong> {
    match code.is_excusable() {
        true => Ok(code),
        false => {
            let help = format!("`fwgate explain {}` says how to mend it", code.id);
            Err(Wrong::new(format!("a finding of `{}` cannot be excused as known", code.name), help))
        }
    }
}

fn read_fingerprint(text: &str) -> Result<String, Wrong> {
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    match text.len() == 32 && text.bytes().all(is_digit) {
        true => Ok(text.to_owned()),
        false => Err(Wrong::new(format!("`{text}` is no fingerprint"), "it has 32 hexadecimal digits in lower case")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(entries: &str) -> Result<Vec<KnownFinding>, Vec<String>> {
        let text = format!("{{\"schema\": \"fwgate.known/1\", \"findings\": [{entries}]}}");
        let message = |p: crate::ruleset::Problem| format!("{}: {}", p.span.line, p.message);
        read_known("known.json", &text).map(|k| k.entries).map_err(|e| e.problems.into_iter().map(message).collect())
    }

    #[test]
    fn what_was_written_is_read() {
        let found = read(
            "{\"code\": \"FW102\", \"name\": \"required-flow-missing\", \"fingerprint\": \"0123456789abcdef0123456789abcdef\"}",
        );
        assert_eq!(found.unwrap()[0].code.id, "FW102");
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn what_nothing_excuses_is_refused() {
        let entry =
            |code: &str| format!("{{\"code\": \"{code}\", \"fingerprint\": \"0123456789abcdef0123456789abcdef\"}}");
        for code in ["FW101", "FW104", "FW106", "FW109"] {
            let found = read(&entry(code)).unwrap_err();
            assert!(found[0].contains("cannot be excused"), "{code}: {found:?}");
        }
        assert!(read("{\"code\": \"FW102\", \"fingerprint\": \"x\"}").unwrap_err()[0].contains("no fingerprint"));
        assert!(read("{\"code\": \"FW102\"}").is_err() && read("{\"fingerprnt\": \"x\"}").is_err());
    }
}
