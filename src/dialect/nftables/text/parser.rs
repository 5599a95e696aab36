//! Moving over the tokens of one file: looking, taking, refusing, and going on behind what was not understood.

use super::lexer::{Kind, Lexer, Token};
use super::session::Session;
use crate::dialect::nftables::syntax::Name;
use crate::dialect::nftables::words::is_reserved;
use crate::dialect::{Problem, Text, nearest};
use crate::ruleset::{SourceId, Span};

/// How deep blocks, braces and parentheses may nest.
pub const MAX_NESTING: usize = 64;

/// The reader of one file.
pub struct Parser<'t, 's, 'a> {
    lexer: Lexer<'t>,
    text: &'t str,
    source: SourceId,
    /// The token that is next.
    pub token: Token,
    /// The handle that a comment before the next token names.
    pub handle: Option<u64>,
    /// The token behind it, with its handle.
    behind: (Token, Option<u64>),
    /// One past the last byte of the last token that was taken.
    pub last_end: u32,
    /// How many braces are open.
    braces: usize,
    nesting: usize,
    /// What all files share.
    pub session: &'s mut Session<'a>,
}

impl<'t, 's, 'a> Parser<'t, 's, 'a> {
    /// A reader at the start of a file.
    pub fn new(text: &'t Text, session: &'s mut Session<'a>) -> Parser<'t, 's, 'a> {
        let mut lexer = Lexer::new(&text.text);
        let token = lexer.token();
        let handle = lexer.handle;
        let behind = (lexer.token(), lexer.handle);
        let (text, source) = (&*text.text, text.id);
        Parser { lexer, text, source, token, handle, behind, last_end: 0, braces: 0, nesting: 0, session }
    }

    /// The text of a token, without its quotes or brackets.
    pub fn text_of(&self, token: Token) -> &'t str {
        let text = self.text.get(token.start as usize..token.end as usize).unwrap_or("");
        match token.kind {
            Kind::Quoted => text.trim_matches('"'),
            Kind::Literal => text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text),
            Kind::XtComment => text.get(5..).unwrap_or(""),
            _ => text,
        }
    }

    /// The next token as an unquoted word; empty where it is none.
    pub fn word(&self) -> &'t str {
        if self.token.kind == Kind::Word { self.text_of(self.token) } else { "" }
    }

    /// The token behind the next one.
    pub fn second(&self) -> Token {
        self.behind.0
    }

    /// The token behind the next one as an unquoted word; empty where it is none.
    pub fn second_word(&self) -> &'t str {
        let token = self.second();
        if token.kind == Kind::Word { self.text_of(token) } else { "" }
    }

    /// Takes the next token.
    pub fn take(&mut self) -> Token {
        let token = self.token;
        match token.kind {
            Kind::Open => self.braces += 1,
            Kind::Close => self.braces = self.braces.saturating_sub(1),
            _ => {}
        }
        self.last_end = token.end;
        (self.token, self.handle) = self.behind;
        let behind = self.lexer.token();
        self.behind = (behind, self.lexer.handle);
        token
    }

    /// Whether the next token is of this kind.
    pub fn at(&self, kind: Kind) -> bool {
        self.token.kind == kind
    }

    /// Takes the next token where it is of this kind.
    pub fn eat(&mut self, kind: Kind) -> bool {
        let is_there = self.at(kind);
        if is_there {
            self.take();
        }
        is_there
    }

    /// Whether the next token is this word.
    pub fn at_word(&self, word: &str) -> bool {
        self.token.kind == Kind::Word && self.word() == word
    }

    /// Takes the next token where it is this word.
    pub fn eat_word(&mut self, word: &str) -> bool {
        let is_there = self.at_word(word);
        if is_there {
            self.take();
        }
        is_there
    }

    /// Takes a token of this kind.
    pub fn expect(&mut self, kind: Kind, wanted: &str) -> Result<Token, Problem> {
        if self.at(kind) { Ok(self.take()) } else { Err(self.unexpected(wanted)) }
    }

    /// Takes this word.
    pub fn expect_word(&mut self, word: &str) -> Result<Token, Problem> {
        if self.at_word(word) { Ok(self.take()) } else { Err(self.unexpected(&format!("`{word}`"))) }
    }

    /// Takes one of these words.
    pub fn one_of(&mut self, words: &[&'static str], what: &str) -> Result<&'static str, Problem> {
        let found = words.iter().find(|w| self.at_word(w)).copied();
        match found {
            Some(word) => {
                self.take();
                Ok(word)
            }
            None => Err(self.unknown(what, words)),
        }
    }

    /// A number as nft reads it: decimal, hexadecimal, or octal with a leading 0.
    pub fn number(&mut self) -> Result<u64, Problem> {
        let token = self.token;
        if token.kind != Kind::Number {
            return Err(self.unexpected("a number"));
        }
        let value = number(self.text_of(token))
            .ok_or_else(|| self.problem(token, format!("`{}` is no number of 64 bits", self.text_of(token))))?;
        self.take();
        Ok(value)
    }

    /// A name that is no keyword (`identifier` of the grammar).
    pub fn identifier(&mut self, what: &str) -> Result<Name, Problem> {
        let token = self.token;
        if token.kind != Kind::Word {
            return Err(self.unexpected(what));
        }
        if is_reserved(self.word()) {
            let problem = self.problem(token, format!("`{}` is a keyword and cannot be {what}", self.word()));
            return Err(problem.help("nft would refuse it; choose another name"));
        }
        self.take();
        Ok(self.name_of(token))
    }

    /// A text: quoted, a word, or a word with a wildcard (`string` of the grammar).
    pub fn string(&mut self, what: &str) -> Result<Name, Problem> {
        match self.token.kind {
            Kind::Quoted | Kind::Starred | Kind::Word | Kind::Literal => {
                let token = self.take();
                Ok(self.name_of(token))
            }
            _ => Err(self.unexpected(what)),
        }
    }

    /// A token as a name with its place.
    pub fn name_of(&self, token: Token) -> Name {
        Name { text: self.text_of(token).to_owned(), span: self.span(token) }
    }

    /// Whether a statement ends here.
    pub fn at_end(&self) -> bool {
        matches!(self.token.kind, Kind::Newline | Kind::Semicolon | Kind::Close | Kind::End)
    }

    /// Takes the end of a statement: a line end, `;`, or the end of the file.
    pub fn separator(&mut self) -> Result<(), Problem> {
        match self.token.kind {
            Kind::Newline | Kind::Semicolon => {
                self.take();
                Ok(())
            }
            Kind::End => Ok(()),
            Kind::Close => {
                let problem = Problem::new(self.span(self.token), "`}` stands where the statement before it must end");
                Err(problem.help("nft wants a `;` or a line end before `}`"))
            }
            _ => Err(self.unexpected("the end of the line or `;`")),
        }
    }

    /// Opens a block.
    pub fn open(&mut self, what: &str) -> Result<(), Problem> {
        if self.nesting >= MAX_NESTING {
            return Err(self.problem(self.token, format!("blocks nest deeper than {MAX_NESTING}")));
        }
        self.expect(Kind::Open, &format!("`{{` and {what}"))?;
        self.nesting += 1;
        Ok(())
    }

    /// Closes a block.
    pub fn close(&mut self, opened: Token) -> Result<(), Problem> {
        self.nesting = self.nesting.saturating_sub(1);
        if self.eat(Kind::Close) {
            return Ok(());
        }
        let line = opened.line;
        Err(self.unexpected("`}`").help(format!("it closes the `{{` of line {line}")))
    }

    /// Runs a reader one level deeper.
    pub fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Problem>) -> Result<T, Problem> {
        self.nest()?;
        let read = read(self);
        self.unnest(1);
        read
    }

    /// Goes one level deeper, until [`Parser::unnest`].
    pub fn nest(&mut self) -> Result<(), Problem> {
        if self.nesting >= MAX_NESTING {
            return Err(self.problem(self.token, format!("expressions nest deeper than {MAX_NESTING}")));
        }
        self.nesting += 1;
        Ok(())
    }

    /// Comes back from so many levels.
    pub fn unnest(&mut self, levels: usize) {
        self.nesting = self.nesting.saturating_sub(levels);
    }

    /// Reads the statements of a block up to its `}` or the end of the file; what is not understood is noted, and reading goes
    /// on with the next one.
    pub fn statements(&mut self, mut read: impl FnMut(&mut Self) -> Result<(), Problem>) {
        let (braces, nesting) = (self.braces, self.nesting);
        loop {
            match self.token.kind {
                Kind::End | Kind::Close => return,
                Kind::Newline | Kind::Semicolon => drop(self.take()),
                _ if self.session.has_failed() => return self.skip_all(),
                _ => {
                    if let Err(problem) = read(self) {
                        self.session.refuse(problem);
                        self.nesting = nesting;
                        self.skip_to(braces);
                    }
                }
            }
        }
    }

    /// Skips to the end of the statement in which as many braces were open.
    fn skip_to(&mut self, braces: usize) {
        loop {
            match self.token.kind {
                Kind::End => return,
                Kind::Close if self.braces <= braces => return,
                Kind::Newline | Kind::Semicolon if self.braces <= braces => return,
                _ => drop(self.take()),
            }
        }
    }

    fn skip_all(&mut self) {
        while !self.at(Kind::End) {
            self.take();
        }
    }

    /// A token's place.
    pub fn span(&self, token: Token) -> Span {
        Span { source: self.source, line: token.line, start: token.start, end: token.end }
    }

    /// From a token to the last one that was taken.
    pub fn span_from(&self, first: Token) -> Span {
        Span { end: self.last_end.max(first.start), ..self.span(first) }
    }

    /// A problem at a token.
    pub fn problem(&self, token: Token, message: impl Into<String>) -> Problem {
        Problem::new(self.span(token), message)
    }

    /// The next token where something else must stand.
    pub fn unexpected(&self, wanted: &str) -> Problem {
        let token = self.token;
        match token.kind {
            Kind::End => self.problem(token, format!("the file ends where {wanted} is expected")),
            Kind::Newline => self.problem(token, format!("the line ends where {wanted} is expected")),
            Kind::OpenQuote => {
                let place = Token { end: token.start + 1, ..token };
                self.problem(place, "this quote is never closed").help("a quoted text ends with `\"`")
            }
            _ => self.problem(token, format!("`{}` stands where {wanted} is expected", self.shown(token))),
        }
    }

    /// The next word where one of a list must stand.
    pub fn unknown(&self, what: &str, words: &[&str]) -> Problem {
        let token = self.token;
        if !matches!(token.kind, Kind::Word | Kind::Literal | Kind::Number | Kind::Quoted | Kind::Starred) {
            return self.unexpected(what);
        }
        let near = nearest(self.text_of(token), words.iter().copied());
        let near = near.map(|word| format!("did you mean `{word}`? ")).unwrap_or_default();
        let list = if words.len() <= 24 { format!("expected: {}", words.join(", ")) } else { String::new() };
        let problem = self.problem(token, format!("`{}` is not {what}", self.shown(token)));
        let help = format!("{near}{list}");
        problem.help_if((!help.is_empty()).then(|| help.trim_end().to_owned()))
    }

    /// A token's text for a message, cut where it is long.
    pub fn shown(&self, token: Token) -> String {
        self.text_of(token).chars().take(60).map(|c| if c.is_control() { '?' } else { c }).collect()
    }
}

/// A number as nft reads it: decimal, hexadecimal with `0x`, octal with a leading 0.
pub fn number(text: &str) -> Option<u64> {
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u64::from_str_radix(hex, 16).ok();
    }
    match text.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => u64::from_str_radix(octal, 8).ok(),
        _ => text.parse().ok(),
    }
}
