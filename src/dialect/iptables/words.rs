//! One line to words, exactly as `iptables-restore` splits it: blanks separate, double quotes join, and inside
//! them a backslash takes the next character as it is (`xshared.c`, `add_param_to_argv`).

use crate::ruleset::{SourceId, Span};
use std::borrow::Cow;

/// One word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word<'t> {
    /// The word without quotes and escapes.
    pub text: Cow<'t, str>,
    /// Where it stands.
    pub span: Span,
    /// Whether it was quoted, so that it is a value even where it looks like an option.
    pub quoted: bool,
}

/// One line of a file.
#[derive(Clone, Copy, Debug)]
pub struct Line<'t> {
    /// Its text, without line end.
    pub text: &'t str,
    /// The file.
    pub source: SourceId,
    /// Its 1-based number.
    pub number: u32,
    /// The byte offset of its text in the file.
    pub start: u32,
}

impl<'t> Line<'t> {
    /// All lines of a text; a carriage return before the line end is no part of the line.
    pub fn all(text: &'t str, source: SourceId) -> impl Iterator<Item = Line<'t>> {
        let mut start = 0u32;
        let mut number = 0u32;
        text.split('\n').map(move |raw| {
            number += 1;
            let line = Line { text: raw.strip_suffix('\r').unwrap_or(raw), source, number, start };
            start = start.saturating_add(raw.len() as u32 + 1);
            line
        })
    }

    /// The line without surrounding blanks.
    pub fn trimmed(self) -> Line<'t> {
        let text = self.text.trim_start();
        let skipped = (self.text.len() - text.len()) as u32;
        Line { text: text.trim_end(), start: self.start + skipped, ..self }
    }

    /// The line from byte `at` on.
    pub fn from(self, at: usize) -> Line<'t> {
        Line { text: self.text.get(at..).unwrap_or(""), start: self.start + at as u32, ..self }
    }

    /// The whole line as a place.
    pub fn span(self) -> Span {
        self.part(0, self.text.len())
    }

    /// Bytes `from..to` of the line as a place.
    pub fn part(self, from: usize, to: usize) -> Span {
        Span { source: self.source, line: self.number, start: self.start + from as u32, end: self.start + to as u32 }
    }

    /// The first word and the rest of the line behind it.
    pub fn split_first(self) -> (&'t str, Span, Line<'t>) {
        let line = self.trimmed();
        let end = line.text.find([' ', '\t']).unwrap_or(line.text.len());
        (&line.text[..end], line.part(0, end), line.from(end).trimmed())
    }
}

/// Splits a line into `out`, which is emptied first.
///
/// # Errors
/// The place of a quote that is never closed.
pub fn split<'t>(line: Line<'t>, out: &mut Vec<Word<'t>>) -> Result<(), Span> {
    out.clear();
    let bytes = line.text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b' ' | b'\t' => at += 1,
            _ => at = word(line, at, out)?,
        }
    }
    Ok(())
}

/// Reads the word at `from` and returns the offset behind it.
fn word<'t>(line: Line<'t>, from: usize, out: &mut Vec<Word<'t>>) -> Result<usize, Span> {
    let bytes = line.text.as_bytes();
    let mut end = from;
    while end < bytes.len() && !matches!(bytes[end], b' ' | b'\t' | b'"') {
        end += 1;
    }
    if end == bytes.len() || bytes[end] != b'"' {
        out.push(Word { text: Cow::Borrowed(&line.text[from..end]), span: line.part(from, end), quoted: false });
        return Ok(end);
    }
    let close = closing_quote(bytes, end).ok_or_else(|| line.part(end, bytes.len()))?;
    let inner = &line.text[end + 1..close];
    let plain = from == end && !inner.contains('\\');
    let text =
        if plain { Cow::Borrowed(inner) } else { Cow::Owned(line.text[from..end].to_owned() + &unescape(inner)) };
    out.push(Word { text, span: line.part(from, close + 1), quoted: true });
    Ok(close + 1)
}

fn closing_quote(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return Some(at),
            _ => at += 1,
        }
    }
    None
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut escaped = false;
    for c in text.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let line = Line { text, source: SourceId(0), number: 1, start: 0 };
        let mut out = Vec::new();
        split(line, &mut out).unwrap();
        out.into_iter().map(|w| w.text.into_owned()).collect()
    }

    #[test]
    fn blanks_separate_and_quotes_join() {
        assert_eq!(words("-A  INPUT\t-j ACCEPT"), ["-A", "INPUT", "-j", "ACCEPT"]);
        assert_eq!(words(r#"--comment "two words" -j X"#), ["--comment", "two words", "-j", "X"]);
        assert_eq!(words(r#"--comment "say \"hi\" \\o" ab"cd e""#), ["--comment", r#"say "hi" \o"#, "abcd e"]);
        assert_eq!(words(r#"--comment """#), ["--comment", ""]);
    }

    #[test]
    fn an_open_quote_is_reported_where_it_opens() {
        let line = Line { text: "-m \"x", source: SourceId(0), number: 3, start: 10 };
        let span = split(line, &mut Vec::new()).unwrap_err();
        assert_eq!((span.line, span.start, span.end), (3, 13, 15));
    }

    #[test]
    fn carriage_returns_are_no_part_of_lines() {
        let lines: Vec<Line> = Line::all("a\r\nb\n", SourceId(0)).collect();
        assert_eq!(lines.iter().map(|l| l.text).collect::<Vec<_>>(), ["a", "b", ""]);
        assert_eq!(lines[1].start, 3);
    }
}
