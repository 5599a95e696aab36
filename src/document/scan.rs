//! JSON in which every value knows its place, since the ordinary reader forgets it; texts are decoded by that one.

use crate::ruleset::{Problem, SourceId, Span};
use std::collections::BTreeSet;
use std::ops::Range;

/// Deepest nesting of lists and objects.
const MAX_DEPTH: u32 = 64;

/// One value and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json {
    /// Its place.
    pub span: Span,
    /// What it is.
    pub value: JsonValue,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonValue {
    /// A text, decoded.
    Text(String),
    /// A number, as it is written.
    Number(String),
    /// `true` or `false`.
    Boolean(bool),
    /// `null`.
    Null,
    /// A list.
    Array(Vec<Json>),
    /// An object, in order of appearance.
    Object(Vec<Member>),
}

/// One key of an object with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The key.
    pub key: String,
    /// Where the key is written.
    pub span: Span,
    /// The value.
    pub value: Json,
}

/// Reads one document (RFC 8259). Keys given twice go to `problems`, and the first one counts.
///
/// # Errors
/// The first place that breaks the grammar, or nests too deep.
pub fn read_json(text: &str, source: SourceId, problems: &mut Vec<Problem>) -> Result<Json, Problem> {
    let mut scanner = Scanner { text, at: 0, line: 1, depth: 0, source, problems };
    let read = scanner.value().and_then(|value| scanner.end().map(|()| value));
    read.map_err(|(range, message)| Problem::new(scanner.span(range), message))
}

type Scan<T> = Result<T, (Range<usize>, String)>;

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// The line of `at`. Line breaks stand between values only.
    line: u32,
    depth: u32,
    source: SourceId,
    problems: &'a mut Vec<Problem>,
}

impl Scanner<'_> {
    fn value(&mut self) -> Scan<Json> {
        let start = self.skip_blanks();
        let line = self.line;
        let value = match self.peek() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'"') => JsonValue::Text(self.string()?),
            _ => self.word()?,
        };
        Ok(Json { span: Span { line, ..self.span(start..self.at) }, value })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Scan<JsonValue>) -> Scan<JsonValue> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err((self.at..self.at + 1, format!("values nest deeper than {MAX_DEPTH}")));
        }
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Scan<JsonValue> {
        let mut members = Vec::new();
        let mut seen = BTreeSet::new();
        if self.take(b'}') {
            return Ok(JsonValue::Object(members));
        }
        loop {
            let start = self.skip_blanks();
            let key = self.string()?;
            let span = self.span(start..self.at);
            self.expect(b':')?;
            let value = self.value()?;
            if seen.insert(key.clone()) {
                members.push(Member { key, span, value });
            } else {
                self.problems.push(Problem::new(span, format!("the key `{key}` is given twice")));
            }
            if !self.take(b',') {
                self.expect(b'}')?;
                return Ok(JsonValue::Object(members));
            }
        }
    }

    fn array(&mut self) -> Scan<JsonValue> {
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(JsonValue::Array(items));
        }
        loop {
            items.push(self.value()?);
            if !self.take(b',') {
                self.expect(b']')?;
                return Ok(JsonValue::Array(items));
            }
        }
    }

    fn string(&mut self) -> Scan<String> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err((self.here(), "expected a text in double quotes".into()));
        }
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        while let Some(byte) = bytes.get(end).filter(|b| **b != b'"') {
            end += if *byte == b'\\' { 2 } else { 1 };
        }
        let whole = self.text.get(start..end + 1).ok_or((start..start + 1, "this text has no end".to_owned()))?;
        self.at = end + 1;
        serde_json::from_str(whole).map_err(|_| (start..end + 1, "this is no JSON text".into()))
    }

    fn word(&mut self) -> Scan<JsonValue> {
        let start = self.at;
        let part_of_word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.');
        while self.peek().is_some_and(part_of_word) {
            self.at += 1;
        }
        match self.text.get(start..self.at).unwrap_or_default() {
            "true" => Ok(JsonValue::Boolean(true)),
            "false" => Ok(JsonValue::Boolean(false)),
            "null" => Ok(JsonValue::Null),
            word if serde_json::from_str::<serde_json::Number>(word).is_ok() => Ok(JsonValue::Number(word.to_owned())),
            _ => Err((start..self.at.max(self.here().end), "expected a JSON value".into())),
        }
    }

    fn end(&mut self) -> Scan<()> {
        self.skip_blanks();
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err((self.here(), "the document has ended before this".into()))
        }
    }

    fn expect(&mut self, byte: u8) -> Scan<()> {
        if self.take(byte) { Ok(()) } else { Err((self.here(), format!("expected `{}`", char::from(byte)))) }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_blanks(&mut self) -> usize {
        while let Some(blank) = self.peek().filter(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')) {
            self.line += u32::from(blank == b'\n');
            self.at += 1;
        }
        self.at
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The character at this place, or the end of the text.
    fn here(&self) -> Range<usize> {
        let width = self.text.get(self.at..).and_then(|t| t.chars().next()).map_or(0, char::len_utf8);
        self.at..self.at + width
    }

    fn span(&self, range: Range<usize>) -> Span {
        let end = range.end.min(self.text.len());
        Span { source: self.source, line: self.line, start: range.start.min(end) as u32, end: end as u32 }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Json, Problem> {
        read_json(text, SourceId(0), &mut Vec::new())
    }

    #[test]
    fn values_know_their_lines() {
        let text = "{\n \"a\": [1,\n  {\"b\": null}]\n}";
        let JsonValue::Object(members) = read(text).unwrap().value else { unreachable!() };
        let JsonValue::Array(items) = &members[0].value.value else { unreachable!() };
        let lines = |json: &Json| (json.span.line, &text[json.span.start as usize..json.span.end as usize]);
        assert_eq!((members[0].span.line, lines(&items[0])), (2, (2, "1")));
        assert_eq!(lines(&items[1]), (3, "{\"b\": null}"));
    }

    #[test]
    fn broken_documents_are_refused_where_they_break() {
        for (text, line) in [("{\n\"a\" 1}", 2), ("[1,\n\n?]", 3), ("\"a", 1), ("{} x", 1), ("", 1), ("01", 1)] {
            assert_eq!(read(text).unwrap_err().span.line, line, "{text}");
        }
        assert!(read(&"[".repeat(100)).is_err());
    }
}
