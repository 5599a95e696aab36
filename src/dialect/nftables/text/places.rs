//! Places of tokens that the syntax tree keeps no place of: values of variables, devices of flowtables and statements.

use super::lexer::{Kind, Lexer, Token};

/// Bytes from the first to one past the last.
pub type Bytes = (usize, usize);

/// The variables that a text defines, each with the place of its value where that is one word.
pub fn definitions(text: &str) -> Vec<(&str, Option<Bytes>)> {
    let tokens = tokens(text);
    let word = |token: &Token| text.get(token.start as usize..token.end as usize).unwrap_or("");
    let mut out = Vec::new();
    for window in tokens.windows(5) {
        let [define, name, assign, value, after] = window else { continue };
        if matches!(word(define), "define" | "redefine") && assign.kind == Kind::Assign {
            let ends = matches!(after.kind, Kind::Newline | Kind::Semicolon | Kind::End);
            out.push((word(name), (ends && is_name(value)).then(|| bytes(value))));
        }
    }
    out
}

/// The names behind any of these words: one, or all of a list in braces.
pub fn names_behind(text: &str, words: &[&str]) -> Vec<Bytes> {
    let tokens = tokens(text);
    let is_wanted = |token: &Token| words.contains(&text.get(token.start as usize..token.end as usize).unwrap_or(""));
    let mut out = Vec::new();
    for at in (0..tokens.len()).filter(|at| tokens.get(*at).is_some_and(is_wanted)) {
        let mut rest = tokens.iter().skip(at + 1).skip_while(|t| t.kind == Kind::Assign).peekable();
        match rest.peek() {
            Some(first) if first.kind == Kind::Open => {
                out.extend(rest.take_while(|t| t.kind != Kind::Close).filter(|t| is_name(t)).map(bytes));
            }
            Some(first) if is_name(first) => out.push(bytes(first)),
            _ => {}
        }
    }
    out
}

fn is_name(token: &Token) -> bool {
    matches!(token.kind, Kind::Word | Kind::Quoted | Kind::Starred)
}

fn bytes(token: &Token) -> Bytes {
    (token.start as usize, token.end as usize)
}

/// All tokens, the end included.
fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer::new(text);
    let mut out = Vec::new();
    loop {
        let token = lexer.token();
        out.push(token);
        if token.kind == Kind::End {
            return out;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_word_have_a_place() {
        let text = "define WAN = eth0\ndefine LAN = { eth1, eth2 }\ndefine X = \"e3\"; define N = 4\n";
        let shown: Vec<_> = definitions(text).into_iter().map(|(n, v)| (n, v.map(|(a, b)| &text[a..b]))).collect();
        assert_eq!(shown, [("WAN", Some("eth0")), ("LAN", None), ("X", Some("\"e3\"")), ("N", None)]);
    }

    #[test]
    fn names_stand_alone_or_in_braces() {
        let text = "flowtable f { hook ingress priority 0; devices = { eth0, \"eth1\" }; }";
        let shown: Vec<_> = names_behind(text, &["devices"]).into_iter().map(|(a, b)| &text[a..b]).collect();
        assert_eq!(shown, ["eth0", "\"eth1\""]);
        assert_eq!(names_behind("fwd to eth0", &["to"]), [(7, 11)]);
    }
}
