//! Whether a text is of this language, and what it includes: by the first tokens, without reading on.

use super::commands::OBJECTS;
use super::lexer::{Kind, Lexer};
use crate::dialect::nftables::names;

/// How many commands are looked at before a text is judged.
const LOOKED_AT: usize = 200;

/// Whether a text looks like the language of `nft`: its first statement is one of nft's, or it is a script of nft.
pub fn recognises(text: &str) -> bool {
    let first = text.lines().next().unwrap_or("");
    if first.starts_with("#!") && first.split(['/', ' ']).any(|part| part == "nft") {
        return true;
    }
    let mut lexer = Lexer::new(text);
    for _ in 0..LOOKED_AT {
        let words = statement(&mut lexer, text);
        match words.as_slice() {
            [] => return false,
            [""] => {}
            words => return begins_command(words),
        }
    }
    false
}

/// Up to six tokens of the next statement; none at the end, one empty for an empty statement.
fn statement<'t>(lexer: &mut Lexer<'t>, text: &'t str) -> Vec<&'t str> {
    let mut words = Vec::new();
    loop {
        let token = lexer.token();
        match token.kind {
            Kind::End if words.is_empty() => return words,
            Kind::Newline | Kind::Semicolon if words.is_empty() => return vec![""],
            Kind::End | Kind::Newline | Kind::Semicolon => return words,
            _ => words.push(text.get(token.start as usize..token.end as usize).unwrap_or("")),
        }
        if words.len() == 6 {
            return words;
        }
    }
}

fn begins_command(words: &[&str]) -> bool {
    let is_family = |word: &str| names::family(word).is_some();
    match words {
        ["table", rest @ ..] => match rest {
            [family, _, "{", ..] | [family, _] if is_family(family) => true,
            [_] | [_, "{", ..] => true,
            _ => false,
        },
        ["flush" | "list", "ruleset", ..] | ["flush", "table", ..] => true,
        ["include", name] => name.starts_with('"'),
        ["define", _, "=", ..] => true,
        [
            "add" | "create" | "insert" | "delete" | "destroy" | "replace" | "rename" | "flush" | "reset",
            object,
            rest @ ..,
        ] => match *object {
            "table" => !rest.is_empty(),
            // `add set 192.0.2.1` fills a set of ipset.
            object => rest.len() >= 2 && (OBJECTS.contains(&object) || is_family(object)),
        },
        ["chain" | "rule" | "set" | "map" | "element", family, _, _, ..] => is_family(family),
        [family, _, _, _, ..] => is_family(family),
        _ => false,
    }
}

/// The names behind every `include` of a text, in order.
pub fn included(text: &str) -> Vec<&str> {
    include_statements(text).into_iter().map(|(_, name)| name).collect()
}

/// Every `include` of a text, in order: the bytes that the word and the name take up, and the name.
pub fn include_statements(text: &str) -> Vec<(std::ops::Range<usize>, &str)> {
    let mut found = Vec::new();
    if !text.contains("include") {
        return found;
    }
    let mut lexer = Lexer::new(text);
    let mut include = None;
    loop {
        let token = lexer.token();
        let (start, end) = (token.start as usize, token.end as usize);
        let piece = text.get(start..end).unwrap_or("");
        match (token.kind, include) {
            (Kind::End, _) => return found,
            (Kind::Quoted, Some(begin)) => found.push((begin..end, piece.trim_matches('"'))),
            _ => {}
        }
        include = (token.kind == Kind::Word && piece == "include").then_some(start);
    }
}
