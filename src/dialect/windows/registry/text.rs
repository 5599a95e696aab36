//! Registry exports as `regedit` and `reg export` write them: keys in brackets, values as `"name"=data`, data of
//! other types as `dword:` and `hex(N):`, long data continued with a backslash at the line's end.

use crate::dialect::{Draft, Problem, Text};
use crate::ruleset::Span;
use std::sync::Arc;

/// The first lines by which a file is known: exports of both versions, and listings of binary forms.
pub const HEADERS: [&str; 4] =
    ["Windows Registry Editor Version 5.00", "REGEDIT4", super::pol::HEADER, super::hive::HEADER];

/// One line of the file: a key, or a value under one.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key, as written.
    pub key: Arc<str>,
    /// The value, where the line is about one.
    pub value: Option<Value>,
    /// The whole line.
    pub span: Span,
}

/// One value.
#[derive(Clone, Debug)]
pub struct Value {
    /// Its name; the empty one is the key's default value.
    pub name: String,
    /// Its data.
    pub data: Data,
    /// Where the data is written.
    pub span: Span,
}

/// Data of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// A text in quotes, still with its escapes, so that its parts have places.
    Quoted(String),
    /// A text that was written in hexadecimal.
    Text(String),
    /// A 32-bit number.
    Number(u32),
    /// Anything else, by its type.
    Other(String),
    /// The value is to be deleted.
    Deleted,
}

/// A piece of a text with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text, without escapes.
    pub text: String,
    /// Its place; the whole data where it was written in hexadecimal.
    pub span: Span,
}

impl Value {
    /// The text, where the data is one.
    pub fn text(&self) -> Option<String> {
        match &self.data {
            Data::Quoted(raw) => Some(unescaped(raw)),
            Data::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// The pieces of the text between separators. Escapes never hold one.
    pub fn pieces(&self, separator: char) -> Vec<Piece> {
        match &self.data {
            Data::Quoted(raw) => {
                let mut at = self.span.start + 1;
                let piece = |raw: &str| {
                    let span = Span { start: at, end: at + raw.len() as u32, ..self.span };
                    at = span.end + separator.len_utf8() as u32;
                    Piece { text: unescaped(raw), span }
                };
                raw.split(separator).map(piece).collect()
            }
            Data::Text(text) => text.split(separator).map(|t| Piece { text: t.to_owned(), span: self.span }).collect(),
            _ => Vec::new(),
        }
    }
}

/// The entries of a file; lines that are not understood are refused.
pub fn read(text: &Text, draft: &mut Draft) -> Vec<Entry> {
    let mut reader = Reader { text: &text.text, source: text.start(), at: 0, line: 1 };
    reader.next_line();
    let mut key: Option<Arc<str>> = None;
    let mut entries = Vec::new();
    while reader.at < reader.text.len() {
        match reader.entry(&mut key) {
            Ok(entry) => entries.extend(entry),
            Err(problem) => draft.refuse(problem),
        }
        reader.next_line();
    }
    entries
}

struct Reader<'t> {
    text: &'t str,
    /// Any span of the file.
    source: Span,
    at: usize,
    line: u32,
}

impl<'t> Reader<'t> {
    fn entry(&mut self, key: &mut Option<Arc<str>>) -> Result<Option<Entry>, Problem> {
        self.skip_blanks();
        let (start, line) = (self.at, self.line);
        match self.peek() {
            None | Some(b'\r' | b'\n' | b';') => Ok(None),
            Some(b'[') => self.key(key).map(Some),
            Some(b'"' | b'@') => {
                let (name, data, span) = self.value()?;
                let whole = Span { line, ..self.span(start..self.at) };
                let Some(key) = key.clone() else { return Err(Problem::new(whole, "a value before any key")) };
                Ok(Some(Entry { key, value: Some(Value { name, data, span }), span: whole }))
            }
            Some(_) => {
                let problem =
                    Problem::new(self.span(start..self.line_end()), "this line is no part of a registry export");
                Err(problem.help("keys stand in brackets, values are `\"name\"=data`"))
            }
        }
    }

    fn key(&mut self, key: &mut Option<Arc<str>>) -> Result<Entry, Problem> {
        let (start, end) = (self.at, self.line_end());
        let line = self.text.get(start..end).unwrap_or_default().trim_end();
        let span = self.span(start..start + line.len());
        self.at = end;
        let name = line.strip_prefix('[').and_then(|l| l.strip_suffix(']'));
        let name = name.ok_or_else(|| Problem::new(span, "the key's bracket is never closed"))?;
        if name.starts_with('-') {
            return Err(Problem::new(span, "the key is to be deleted").help("an export of a machine deletes nothing"));
        }
        let name: Arc<str> = name.into();
        *key = Some(name.clone());
        Ok(Entry { key: name, value: None, span })
    }

    fn value(&mut self) -> Result<(String, Data, Span), Problem> {
        let name = if self.take(b'@') { String::new() } else { unescaped(self.quoted()?) };
        if !self.take(b'=') {
            return Err(Problem::new(self.span(self.at..self.line_end()), format!("expected `=` behind `{name}`")));
        }
        let (start, line) = (self.at, self.line);
        let data = self.data()?;
        let span = Span { line, ..self.span(start..self.at) };
        let rest = self.text.get(self.at..self.line_end()).unwrap_or_default().trim();
        if !rest.is_empty() {
            let span = self.span(self.at..self.line_end());
            return Err(Problem::new(span, format!("`{rest}` stands behind the data of `{name}`")));
        }
        Ok((name, data, span))
    }

    fn data(&mut self) -> Result<Data, Problem> {
        if self.peek() == Some(b'"') {
            return Ok(Data::Quoted(self.quoted()?.to_owned()));
        }
        let start = self.at;
        let words = self.continued();
        let span = self.span(start..self.at);
        match words.split_once(':') {
            _ if words == "-" => Ok(Data::Deleted),
            Some(("dword", digits)) => match u32::from_str_radix(digits, 16) {
                Ok(number) => Ok(Data::Number(number)),
                Err(_) => Err(Problem::new(span, format!("`{digits}` is no 32-bit number in hexadecimal"))),
            },
            Some((kind, digits)) if kind.starts_with("hex") => {
                let bytes = bytes_of(digits).ok_or_else(|| Problem::new(span, "the bytes are not in hexadecimal"))?;
                hexadecimal(kind, &bytes).ok_or_else(|| Problem::new(span, "the bytes are no UTF-16 text"))
            }
            _ => Err(Problem::new(span, "this is no data of a registry value")),
        }
    }

    /// The rest of the line, and of the lines that a backslash at its end adds, without blanks.
    fn continued(&mut self) -> String {
        let mut out = String::new();
        loop {
            let end = self.line_end();
            let line = self.text.get(self.at..end).unwrap_or_default().trim();
            self.at = end;
            match line.strip_suffix('\\') {
                Some(line) if end < self.text.len() => out.push_str(line.trim()),
                _ => {
                    out.push_str(line);
                    return out;
                }
            }
            self.next_line();
        }
    }

    /// The inside of a text in quotes, with its escapes. Texts may go over several lines.
    fn quoted(&mut self) -> Result<&'t str, Problem> {
        let (start, line) = (self.at, self.line);
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        while let Some(byte) = bytes.get(end).filter(|b| **b != b'"') {
            self.line += u32::from(*byte == b'\n');
            end += if *byte == b'\\' { 2 } else { 1 };
        }
        if let Some(inside) = self.text.get(start + 1..end).filter(|_| end < bytes.len()) {
            self.at = end + 1;
            return Ok(inside);
        }
        self.line = line;
        Err(Problem::new(self.span(start..self.line_end()), "the quotation is never closed"))
    }

    fn next_line(&mut self) {
        self.at = self.line_end() + 1;
        self.line += 1;
    }

    fn line_end(&self) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at + rest.find('\n').unwrap_or(rest.len())
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn span(&self, range: std::ops::Range<usize>) -> Span {
        let end = range.end.min(self.text.len());
        Span { source: self.source.source, line: self.line, start: range.start.min(end) as u32, end: end as u32 }
    }
}

/// A text without its escapes: a backslash makes the next character plain.
fn unescaped(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut characters = raw.chars();
    while let Some(c) = characters.next() {
        out.extend(if c == '\\' { characters.next() } else { Some(c) });
    }
    out
}

fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let parts = digits.split(',').map(str::trim).filter(|p| !p.is_empty());
    parts.map(|p| (p.len() <= 2).then(|| u8::from_str_radix(p, 16).ok()).flatten()).collect()
}

/// `hex(1)` and `hex(2)` are texts, plain and with environment variables; `hex(4)` is a number.
fn hexadecimal(kind: &str, bytes: &[u8]) -> Option<Data> {
    match (kind, bytes) {
        ("hex(1)" | "hex(2)", _) => {
            let (pairs, odd) = bytes.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
            let text = String::from_utf16(&units).ok().filter(|_| odd.is_empty())?;
            Some(Data::Text(text.trim_end_matches('\0').to_owned()))
        }
        ("hex(4)", [a, b, c, d]) => Some(Data::Number(u32::from_le_bytes([*a, *b, *c, *d]))),
        _ => Some(Data::Other(kind.to_owned())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::ruleset::SourceId;

    fn entries(text: &str) -> (Vec<Entry>, bool) {
        let mut draft = Draft::default();
        let text = Text { id: SourceId(0), name: "a.reg".into(), text: text.into() };
        let found = read(&text, &mut draft);
        (found, draft.is_clean())
    }

    fn data(line: &str) -> Option<Data> {
        let (entries, clean) = entries(&format!("REGEDIT4\n[K]\n{line}\n"));
        clean.then(|| entries.last().unwrap().value.as_ref().unwrap().data.clone())
    }

    #[test]
    fn every_form_of_data_is_read() {
        assert_eq!(data(r#""a"="b\\c \"d\"""#), Some(Data::Quoted(r#"b\\c \"d\""#.into())));
        assert_eq!(data("\"a\"=dword:0000001f"), Some(Data::Number(31)));
        assert_eq!(data("@=hex(2):25,00,\\\r\n  61,00,00,00"), Some(Data::Text("%a".into())));
        assert_eq!(data("\"a\"=hex(4):01,00,00,00"), Some(Data::Number(1)));
        assert_eq!(data("\"a\"=hex:00,01"), Some(Data::Other("hex".into())));
        for bad in ["\"a\"=dword:g", "\"a\"=\"b", "\"a\" \"b\"", "\"a\"=hex(2):25", "\"a\"=\"b\" c", "word"] {
            assert_eq!(data(bad), None, "{bad}");
        }
    }

    #[test]
    fn entries_and_their_pieces_have_places() {
        let text = "REGEDIT4\r\n\r\n[HKEY_LOCAL_MACHINE\\A]\r\n; a comment\r\n\"r\"=\"x|C:\\\\y|\"\r\n";
        let (entries, clean) = entries(text);
        assert!(clean);
        assert_eq!((&*entries[0].key, entries[0].span.line), ("HKEY_LOCAL_MACHINE\\A", 3));
        let value = entries[1].value.as_ref().unwrap();
        assert_eq!((entries[1].span.line, value.text().unwrap()), (5, "x|C:\\y|".to_owned()));
        let pieces = value.pieces('|');
        let quoted = |p: &Piece| &text[p.span.start as usize..p.span.end as usize];
        assert_eq!(pieces.iter().map(quoted).collect::<Vec<_>>(), ["x", "C:\\\\y", ""]);
        assert_eq!(pieces[1].text, "C:\\y");
    }
}
