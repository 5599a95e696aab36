//! Master files to entries (RFC 1035 section 5.1): words of one logical line, with parentheses, quotes, comments and escapes
//! understood, and the place of every word.

use crate::document::Problems;
use crate::ruleset::{SourceId, Span};

/// One logical line.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    /// Whether it begins with a blank: it belongs to the owner of the line before.
    pub is_indented: bool,
    /// Its words; never empty.
    pub words: Vec<Word<'a>>,
}

/// One word, as it was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a> {
    /// The text, with escapes, without the quotes around it.
    pub text: &'a str,
    /// Whether it stood in quotes.
    pub is_quoted: bool,
    /// Its place.
    pub span: Span,
}

impl Line<'_> {
    /// The place of all of it.
    pub fn span(&self) -> Span {
        let (first, last) = (self.words.first(), self.words.last());
        match (first, last) {
            (Some(first), Some(last)) => Span { end: last.span.end, ..first.span },
            _ => Span::default(),
        }
    }
}

/// Every logical line. What cannot be read is reported, and reading goes on at the next line.
pub(super) fn lines<'a>(text: &'a str, source: SourceId, problems: &Problems) -> Vec<Line<'a>> {
    let mut lexer = Lexer { text, at: 0, line: 1, source, problems };
    let mut out = Vec::new();
    while lexer.at < text.len() {
        if let Some(line) = lexer.logical_line() {
            out.push(line);
        }
    }
    out
}

struct Lexer<'a, 'p> {
    text: &'a str,
    at: usize,
    line: u32,
    source: SourceId,
    problems: &'p Problems,
}

impl<'a> Lexer<'a, '_> {
    fn logical_line(&mut self) -> Option<Line<'a>> {
        let is_indented = self.peek().is_some_and(is_blank);
        let mut words = Vec::new();
        let mut open: Vec<Span> = Vec::new();
        let mut is_sound = true;
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' if open.is_empty() => break,
                b'\n' => self.newline(),
                b if is_blank(b) => self.at += 1,
                b';' => self.comment(),
                b'(' => {
                    open.push(self.span(self.at, self.at + 1));
                    self.at += 1;
                }
                b')' => {
                    if open.pop().is_none() {
                        is_sound = self.fault(self.at, "this parenthesis closes nothing");
                    }
                    self.at += 1;
                }
                b'"' => is_sound &= self.quoted(&mut words),
                _ => is_sound &= self.plain(&mut words),
            }
        }
        if let Some(span) = open.first() {
            self.problems.report(
                *span,
                "this parenthesis is never closed",
                "close it behind the last word of the record",
            );
            is_sound = false;
        }
        if self.peek().is_some() {
            self.newline();
        }
        (is_sound && !words.is_empty()).then_some(Line { is_indented, words })
    }

    fn plain(&mut self, words: &mut Vec<Word<'a>>) -> bool {
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => self.at += 1 + usize::from(self.next_is_character()),
                b'"' => return self.fault(self.at, "a quote inside of a word: put a blank in front, or escape it"),
                b'\n' | b';' | b'(' | b')' => break,
                b if is_blank(b) => break,
                _ => self.at += 1,
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        words.push(Word { text, is_quoted: false, span: self.span(start, self.at) });
        true
    }

    fn quoted(&mut self, words: &mut Vec<Word<'a>>) -> bool {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None | Some(b'\n') => return self.fault(start, "this quote is not closed on its line"),
                Some(b'"') => break,
                Some(b'\\') => self.at += 1 + usize::from(self.next_is_character()),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        let text = self.text.get(start + 1..self.at - 1).unwrap_or_default();
        words.push(Word { text, is_quoted: true, span: self.span(start, self.at) });
        true
    }

    /// Whether the byte behind a backslash is of the same line.
    fn next_is_character(&self) -> bool {
        self.text.as_bytes().get(self.at + 1).is_some_and(|b| !matches!(b, b'\n' | b'\r'))
    }

    /// Reports, and skips the rest of the line.
    fn fault(&mut self, at: usize, message: &str) -> bool {
        self.problems.note(self.span(at, at + 1), message, None);
        while self.peek().is_some_and(|b| b != b'\n') {
            self.at += 1;
        }
        false
    }

    fn comment(&mut self) {
        while self.peek().is_some_and(|b| b != b'\n') {
            self.at += 1;
        }
    }

    fn newline(&mut self) {
        self.at += 1;
        self.line += 1;
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn span(&self, start: usize, end: usize) -> Span {
        let (start, end) = (start as u32, end.min(self.text.len()) as u32);
        Span { source: self.source, line: self.line, start: start.min(end), end }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}
