//! Text to tokens, as the scanner of nft cuts it: the longest match wins, a line that is only a comment is nothing, and
//! a backslash before a line end joins lines (`scanner.l` of nftables).

use super::literal;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An unquoted word: a keyword or a name.
    Word,
    /// A number: decimal, hexadecimal with `0x`, octal with a leading 0.
    Number,
    /// What is a word although it begins as a number does: an address, a time, a class.
    Literal,
    /// A quoted text.
    Quoted,
    /// A word with a wildcard: `eth*`, `eth\*`.
    Starred,
    /// `# xt_NAME`, with which old listings show what nft has no words for.
    XtComment,
    /// `,`
    Comma,
    /// `.`
    Dot,
    /// `:`
    Colon,
    /// `;`
    Semicolon,
    /// `{`
    Open,
    /// `}`
    Close,
    /// `(`
    OpenParen,
    /// `)`
    CloseParen,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
    /// `==`, `eq`
    Equal,
    /// `!=`, `ne`
    NotEqual,
    /// `<`, `lt`
    Less,
    /// `<=`, `le`
    LessOrEqual,
    /// `>`, `gt`
    Greater,
    /// `>=`, `ge`
    GreaterOrEqual,
    /// `<<`, `lshift`
    ShiftLeft,
    /// `>>`, `rshift`
    ShiftRight,
    /// `^`, `xor`
    Caret,
    /// `&`, `and`
    Ampersand,
    /// `|`, `or`
    Pipe,
    /// `!`, `not`
    Not,
    /// `/`
    Slash,
    /// `-`
    Dash,
    /// `*`
    Star,
    /// `@`
    At,
    /// `$`
    Dollar,
    /// `=`
    Assign,
    /// `+`
    Plus,
    /// A line end.
    Newline,
    /// A character that begins nothing.
    Junk,
    /// A quote that is never closed, up to the end.
    OpenQuote,
    /// The end of the text.
    End,
}

/// A token: bytes `start..end`, on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// The 1-based line of the first byte.
    pub line: u32,
}

/// Cuts a text.
#[derive(Clone, Debug)]
pub struct Lexer<'t> {
    text: &'t str,
    at: usize,
    line: u32,
    /// Whether nothing but blanks stands before `at` on its line.
    fresh: bool,
    /// The handle that the last comment of the current line names: `# handle 7`.
    pub handle: Option<u64>,
}

impl<'t> Lexer<'t> {
    /// A lexer at the first byte.
    pub fn new(text: &'t str) -> Lexer<'t> {
        Lexer { text, at: 0, line: 1, fresh: true, handle: None }
    }

    /// The next token; `End` for ever at the end.
    pub fn token(&mut self) -> Token {
        self.blanks();
        let (start, line) = (self.at, self.line);
        let (kind, length) = self.cut();
        self.at = (self.at + length).min(self.text.len());
        match kind {
            Kind::Newline => {
                self.line += 1;
                self.fresh = true;
            }
            Kind::Quoted | Kind::OpenQuote => self.line += newlines(&self.text.as_bytes()[start..self.at]),
            _ => {}
        }
        if kind != Kind::Newline {
            (self.fresh, self.handle) = (false, None);
        }
        Token { kind, start: start as u32, end: self.at as u32, line }
    }

    /// Skips blanks, comments and joined line ends.
    fn blanks(&mut self) {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\t') => self.at += 1,
                Some(b'\\') if bytes.get(self.at + 1) == Some(&b'\n') => {
                    self.at += 2;
                    self.line += 1;
                }
                Some(b'#') if !self.at_xt_comment() => self.comment(),
                _ => return,
            }
        }
    }

    fn at_xt_comment(&self) -> bool {
        !self.fresh && self.text.as_bytes()[self.at..].starts_with(b"# xt_")
    }

    fn comment(&mut self) {
        let rest = &self.text[self.at..];
        let length = rest.find('\n').unwrap_or(rest.len());
        let handle = rest[..length].strip_prefix("# handle ").and_then(|n| n.trim_end().parse().ok());
        self.at += length;
        if self.fresh && self.at < self.text.len() {
            self.at += 1;
            self.line += 1;
        } else {
            self.handle = handle;
        }
    }

    /// The kind and length of what begins at `at`.
    fn cut(&self) -> (Kind, usize) {
        let rest = &self.text.as_bytes()[self.at..];
        let Some(first) = rest.first() else { return (Kind::End, 0) };
        match first {
            b'a'..=b'f' | b'A'..=b'F' => match literal::address(rest) {
                0 => self.word(rest),
                address => longer((Kind::Literal, address), self.word(rest)),
            },
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(rest),
            b'0'..=b'9' => number(rest),
            b'"' => quoted(rest),
            b'#' => (Kind::XtComment, 5 + rest[5..].iter().take_while(|b| is_word_byte(**b)).count()),
            b'.' => match word_length(rest) {
                1 => (Kind::Dot, 1),
                length => (Kind::Word, length),
            },
            b':' | b'[' => match literal::address(rest) {
                0 => symbol(rest),
                length => (Kind::Literal, length),
            },
            b'\\' if rest.get(1) == Some(&b'*') => (Kind::Starred, 2),
            b'\r' if rest.get(1) == Some(&b'\n') => (Kind::Junk, 1),
            _ => symbol(rest),
        }
    }

    fn word(&self, rest: &[u8]) -> (Kind, usize) {
        let length = word_length(rest);
        match rest.get(length..) {
            Some([b'*', ..]) => (Kind::Starred, length + 1),
            Some([b'\\', b'*', more @ ..]) => (Kind::Starred, length + 2 + starred_tail(more)),
            _ => (operator_word(&rest[..length]).unwrap_or(Kind::Word), length),
        }
    }
}

/// The longer of two readings; the first one where they are equally long.
fn longer(one: (Kind, usize), other: (Kind, usize)) -> (Kind, usize) {
    if other.1 > one.1 { other } else { one }
}

fn newlines(bytes: &[u8]) -> u32 {
    bytes.iter().filter(|b| **b == b'\n').count() as u32
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.')
}

fn word_length(rest: &[u8]) -> usize {
    1 + rest[1..].iter().take_while(|b| is_word_byte(**b)).count()
}

fn starred_tail(more: &[u8]) -> usize {
    match more.first() {
        Some(b) if b.is_ascii_alphabetic() || matches!(b, b'_' | b'.') => word_length(more),
        _ => 0,
    }
}

/// Operators that have a word.
fn operator_word(word: &[u8]) -> Option<Kind> {
    Some(match word {
        b"eq" => Kind::Equal,
        b"ne" => Kind::NotEqual,
        b"lt" => Kind::Less,
        b"le" => Kind::LessOrEqual,
        b"gt" => Kind::Greater,
        b"ge" => Kind::GreaterOrEqual,
        b"lshift" => Kind::ShiftLeft,
        b"rshift" => Kind::ShiftRight,
        b"xor" => Kind::Caret,
        b"and" => Kind::Ampersand,
        b"or" => Kind::Pipe,
        b"not" => Kind::Not,
        _ => return None,
    })
}

/// Numbers, and the literals that begin with a digit.
fn number(rest: &[u8]) -> (Kind, usize) {
    for word in [b"8021ad".as_slice(), b"8021q"] {
        if rest.starts_with(word) {
            return (Kind::Literal, word.len());
        }
    }
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let digits = match rest {
        [b'0', b'x' | b'X', hex @ ..] if hex.first().is_some_and(u8::is_ascii_hexdigit) => {
            2 + hex.iter().take_while(|b| b.is_ascii_hexdigit()).count()
        }
        _ => digits,
    };
    let literal = match literal::address(rest) {
        0 => literal::time(rest),
        address => address,
    };
    longer((Kind::Number, digits), (Kind::Literal, literal))
}

fn quoted(rest: &[u8]) -> (Kind, usize) {
    match rest[1..].iter().position(|b| *b == b'"') {
        Some(close) => (Kind::Quoted, close + 2),
        None => (Kind::OpenQuote, rest.len()),
    }
}

fn symbol(rest: &[u8]) -> (Kind, usize) {
    let double = match rest {
        [b'=', b'=', ..] => Some(Kind::Equal),
        [b'!', b'=', ..] => Some(Kind::NotEqual),
        [b'<', b'=', ..] => Some(Kind::LessOrEqual),
        [b'>', b'=', ..] => Some(Kind::GreaterOrEqual),
        [b'<', b'<', ..] => Some(Kind::ShiftLeft),
        [b'>', b'>', ..] => Some(Kind::ShiftRight),
        _ => None,
    };
    double.map_or_else(|| single(rest), |kind| (kind, 2))
}

fn single(rest: &[u8]) -> (Kind, usize) {
    let kind = match rest.first() {
        Some(b',') => Kind::Comma,
        Some(b':') => Kind::Colon,
        Some(b';') => Kind::Semicolon,
        Some(b'{') => Kind::Open,
        Some(b'}') => Kind::Close,
        Some(b'(') => Kind::OpenParen,
        Some(b')') => Kind::CloseParen,
        Some(b'[') => Kind::OpenBracket,
        Some(b']') => Kind::CloseBracket,
        Some(b'<') => Kind::Less,
        Some(b'>') => Kind::Greater,
        Some(b'^') => Kind::Caret,
        Some(b'&') => Kind::Ampersand,
        Some(b'|') => Kind::Pipe,
        Some(b'!') => Kind::Not,
        Some(b'/') => Kind::Slash,
        Some(b'-') => Kind::Dash,
        Some(b'*') => Kind::Star,
        Some(b'@') => Kind::At,
        Some(b'$') => Kind::Dollar,
        Some(b'=') => Kind::Assign,
        Some(b'+') => Kind::Plus,
        Some(b'\n') => Kind::Newline,
        _ => Kind::Junk,
    };
    (kind, if kind == Kind::Junk { character(rest) } else { 1 })
}

/// The length of the UTF-8 character that begins here.
fn character(rest: &[u8]) -> usize {
    1 + rest[1..].iter().take_while(|b| **b & 0xc0 == 0x80).count()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<(Kind, &str)> {
        let mut lexer = Lexer::new(text);
        let mut out = Vec::new();
        loop {
            let token = lexer.token();
            if token.kind == Kind::End {
                return out;
            }
            out.push((token.kind, &text[token.start as usize..token.end as usize]));
        }
    }

    fn texts(text: &str) -> Vec<&str> {
        tokens(text).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn the_longest_match_wins() {
        assert_eq!(texts("10.0.0.1-10.0.0.9/8"), ["10.0.0.1", "-", "10.0.0.9", "/", "8"]);
        assert_eq!(texts("1.2.3.4:80"), ["1.2.3.4", ":", "80"]);
        assert_eq!(texts("[::1]:80"), ["[::1]", ":", "80"]);
        assert_eq!(texts("fe80::1-fe80::5"), ["fe80::1", "-", "fe80::5"]);
        assert_eq!(texts("dead-beef a.b/c"), ["dead-beef", "a.b/c"]);
        assert_eq!(texts("0a:1b:2c:3d:4e:5f"), ["0a:1b:2c:3d:4e:5f"]);
        assert_eq!(texts("22:accept ssh:accept"), ["22", ":", "accept", "ssh", ":", "accept"]);
        assert_eq!(texts("1d2h3s 10m 0x1F 80-90"), ["1d2h3s", "10m", "0x1F", "80", "-", "90"]);
        assert_eq!(
            tokens("eth* eth\\*x 8021q"),
            [(Kind::Starred, "eth*"), (Kind::Starred, "eth\\*x"), (Kind::Literal, "8021q")]
        );
    }

    #[test]
    fn lines_of_comment_are_nothing_and_backslashes_join() {
        let kinds: Vec<Kind> = tokens("# one\na # two\n\\\nb").into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [Kind::Word, Kind::Newline, Kind::Word]);
        let mut lexer = Lexer::new("# one\na \\\n b");
        assert_eq!((lexer.token().line, lexer.token().line), (2, 3));
    }

    #[test]
    fn comments_of_listings_name_handles_and_old_modules() {
        let mut lexer = Lexer::new("drop # handle 12\n");
        lexer.token();
        assert_eq!(lexer.token().kind, Kind::Newline);
        assert_eq!(lexer.handle, Some(12));
        assert_eq!(texts("a # xt_string drop"), ["a", "# xt_string", "drop"]);
    }

    #[test]
    fn what_begins_nothing_is_junk_of_one_character() {
        assert_eq!(tokens("ä"), [(Kind::Junk, "ä")]);
        assert_eq!(tokens("\"x"), [(Kind::OpenQuote, "\"x")]);
    }
}
