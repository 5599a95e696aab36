//! JSON into the document tree: the scanner finds the pieces and their places, since the ordinary reader
//! forgets them; texts are then decoded by it.

use super::{Entry, Node, Places, Problems, Spanned, Table, Value};
use std::ops::Range;

/// Deepest nesting of lists and objects.
const MAX_DEPTH: u32 = 64;

/// Reads JSON text (RFC 8259); a key given twice is a problem.
pub(super) fn parse(text: &str, places: &Places, problems: &Problems) -> Node {
    let mut scanner = Scanner { text, at: 0, depth: 0, places, problems };
    let read = scanner.value().and_then(|node| scanner.end().map(|()| node));
    match read {
        Ok(node) if matches!(node.value, Value::Table(_)) => node,
        Ok(node) => {
            problems.note(node.span, format!("the document is {} instead of an object", node.value.kind()), None);
            empty(places)
        }
        Err((range, message)) => {
            problems.note(places.span(range), message, None);
            empty(places)
        }
    }
}

fn empty(places: &Places) -> Node {
    Node { span: places.span(0..0), value: Value::Table(Table::default()) }
}

type Scan<T> = Result<T, (Range<usize>, String)>;

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    places: &'a Places,
    problems: &'a Problems,
}

impl Scanner<'_> {
    fn value(&mut self) -> Scan<Node> {
        let start = self.skip_blanks();
        let value = match self.peek() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'"') => Value::Text(self.string()?),
            _ => self.word()?,
        };
        Ok(Node { span: self.places.span(start..self.at), value })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Scan<Value>) -> Scan<Value> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err((self.at..self.at + 1, format!("values nest deeper than {MAX_DEPTH}")));
        }
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Scan<Value> {
        let mut table = Table::default();
        let mut seen = std::collections::BTreeSet::new();
        if self.take(b'}') {
            return Ok(Value::Table(table));
        }
        loop {
            let start = self.skip_blanks();
            let key = self.string()?;
            let key = Spanned::new(key, self.places.span(start..self.at));
            self.expect(b':')?;
            let node = self.value()?;
            if seen.insert(key.value.clone()) {
                table.entries.push(Entry { key, node });
            } else {
                self.problems.note(key.span, format!("the key `{}` is given twice", key.value), None);
            }
            if !self.take(b',') {
                self.expect(b'}')?;
                return Ok(Value::Table(table));
            }
        }
    }

    fn array(&mut self) -> Scan<Value> {
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            if !self.take(b',') {
                self.expect(b']')?;
                return Ok(Value::Array(items));
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
        while bytes.get(end).is_some_and(|b| *b != b'"') {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let whole = self.text.get(start..end + 1).ok_or((start..start + 1, "this text has no end".to_owned()))?;
        self.at = end + 1;
        serde_json::from_str(whole).map_err(|_| (start..end + 1, "this is no JSON text".into()))
    }

    fn word(&mut self) -> Scan<Value> {
        let start = self.at;
        let part_of_word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.');
        while self.peek().is_some_and(part_of_word) {
            self.at += 1;
        }
        let word = self.text.get(start..self.at).unwrap_or_default();
        match word {
            "true" => Ok(Value::Boolean(true)),
            "false" => Ok(Value::Boolean(false)),
            "null" => Ok(Value::Null),
            _ => match (word.parse::<i64>(), serde_json::from_str::<serde_json::Number>(word)) {
                (Ok(number), Ok(_)) => Ok(Value::Integer(number)),
                (Err(_), Ok(_)) => Ok(Value::Float),
                _ => Err((start..self.at.max(self.here().end), "expected a JSON value".into())),
            },
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
        while self.peek().is_some_and(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')) {
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
}
