//! Comma-separated values by RFC 4180, strictly: what would be read in two ways is refused, with its place.
//!
//! The separator is a comma, or what the header line uses instead: a semicolon or a tab. A byte-order mark in front is
//! skipped, empty lines are nothing.

use crate::document::{Problems, Spanned};
use crate::ruleset::{SourceId, Span};

/// One line of the table.
pub(super) struct Line {
    /// The whole line.
    pub span: Span,
    /// Its fields.
    pub fields: Vec<Spanned<String>>,
}

/// Every line. Reading ends at the first place that breaks the grammar, which is reported.
pub(super) fn lines(text: &str, source: SourceId, problems: &Problems) -> Vec<Line> {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut scanner = Scanner { text, at: start, line: 1, source, separator: separator_of(&text[start..]) };
    let mut out = Vec::new();
    while scanner.at < text.len() {
        match scanner.line() {
            Ok(line) if line.fields.iter().all(|f| f.value.is_empty()) && line.fields.len() == 1 => {}
            Ok(line) => out.push(line),
            Err((span, message)) => {
                problems.report(
                    span,
                    message,
                    "write it as RFC 4180 says: quotes around the field, and doubled inside",
                );
                return out;
            }
        }
    }
    out
}

fn separator_of(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let count = |separator: u8| header.bytes().filter(|b| *b == separator).count();
    [b',', b';', b'\t'].into_iter().max_by_key(|s| (count(*s), *s == b',')).unwrap_or(b',')
}

type Scan<T> = Result<T, (Span, String)>;

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    source: SourceId,
    separator: u8,
}

impl Scanner<'_> {
    fn line(&mut self) -> Scan<Line> {
        let (start, line) = (self.at, self.line);
        let mut fields = Vec::new();
        loop {
            fields.push(self.field()?);
            match self.peek() {
                Some(b) if b == self.separator => self.at += 1,
                _ => break,
            }
        }
        let span = Span { line, ..self.span(start, self.at) };
        self.line_break();
        Ok(Line { span, fields })
    }

    fn field(&mut self) -> Scan<Spanned<String>> {
        if self.peek() == Some(b'"') { self.quoted() } else { self.plain() }
    }

    fn plain(&mut self) -> Scan<Spanned<String>> {
        let start = self.at;
        while let Some(byte) = self.peek().filter(|b| *b != self.separator && !matches!(b, b'\r' | b'\n')) {
            if byte == b'"' {
                return Err((self.span(self.at, self.at + 1), "a quote inside of a field that none opens".to_owned()));
            }
            self.at += 1;
        }
        Ok(Spanned::new(self.text.get(start..self.at).unwrap_or_default().trim().to_owned(), self.span(start, self.at)))
    }

    fn quoted(&mut self) -> Scan<Spanned<String>> {
        let (start, line) = (self.at, self.line);
        let mut value = String::new();
        self.at += 1;
        loop {
            let from = self.at;
            while self.peek().is_some_and(|b| b != b'"') {
                self.line += u32::from(self.peek() == Some(b'\n'));
                self.at += 1;
            }
            value.push_str(self.text.get(from..self.at).unwrap_or_default());
            if self.peek().is_none() {
                let open = Span { line, ..self.span(start, start + 1) };
                return Err((open, "this quote is never closed".to_owned()));
            }
            self.at += 1;
            if self.peek() != Some(b'"') {
                break;
            }
            value.push('"');
            self.at += 1;
        }
        let ends = self.peek().is_none_or(|b| b == self.separator || matches!(b, b'\r' | b'\n'));
        if !ends {
            let width = self.text.get(self.at..).and_then(|t| t.chars().next()).map_or(0, char::len_utf8);
            let here = self.span(self.at, self.at + width);
            return Err((here, "text behind the quote that closes the field".to_owned()));
        }
        Ok(Spanned::new(value.trim().to_owned(), Span { line, ..self.span(start, self.at) }))
    }

    fn line_break(&mut self) {
        if self.peek() == Some(b'\r') {
            self.at += 1;
        }
        if self.peek() == Some(b'\n') {
            self.at += 1;
        }
        self.line += 1;
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn span(&self, start: usize, end: usize) -> Span {
        let end = self.text.len().min(end);
        Span { source: self.source, line: self.line, start: start.min(end) as u32, end: end as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<(u32, Vec<String>)>, usize) {
        let problems = Problems::default();
        let all = lines(text, SourceId(0), &problems);
        let fields = |l: Line| (l.span.line, l.fields.into_iter().map(|f| f.value).collect());
        (all.into_iter().map(fields).collect(), problems.count())
    }

    #[test]
    fn fields_of_all_forms_are_read() {
        let text = "\u{feff}a,b\r\n\"x, \"\"y\"\"\",\"two\nlines\"\n\n z ,\n";
        let (lines, problems) = read(text);
        let texts = |all: &[&str]| all.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        assert_eq!(problems, 0);
        assert_eq!(lines, [(1, texts(&["a", "b"])), (2, texts(&["x, \"y\"", "two\nlines"])), (5, texts(&["z", ""]))]);
        assert_eq!(read("a;b\n1,5;2\n").0[1].1, texts(&["1,5", "2"]));
    }

    #[test]
    fn what_would_be_read_in_two_ways_is_refused() {
        for text in ["a,\"b", "a,b\"c\"", "\"a\"b,c", "\""] {
            assert_eq!(read(text).1, 1, "{text}");
        }
    }
}
