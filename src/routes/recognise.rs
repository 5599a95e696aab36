//! Which files hold routes or rules, by their content.

use super::model::RouteType;
use super::prefix::Prefix;
use crate::dialect::{InputFile, decode};
use std::borrow::Cow;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Routes, as `ip route` prints them.
    Routes,
    /// Routes, as `ip -j route` prints them.
    RoutesJson,
    /// Rules, as `ip rule` prints them.
    Rules,
    /// Rules, as `ip -j rule` prints them.
    RulesJson,
}

/// What a text is, judged by the first thing in it; `None` for anything else. A text without content is nothing.
pub fn recognise(text: &str) -> Option<Kind> {
    if text.trim_start().starts_with('[') {
        return json(text);
    }
    let mut lines = text.lines().filter(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#'));
    let (first, next) = (lines.next()?, lines.next());
    if is_rule(first) {
        return Some(Kind::Rules);
    }
    is_route(first, next).then_some(Kind::Routes)
}

/// Parts the files of a device: those with routes or rules, and the others.
pub fn split_routes(files: &[InputFile]) -> (Vec<InputFile>, Cow<'_, [InputFile]>) {
    match files.iter().any(is_routing) {
        false => (Vec::new(), Cow::Borrowed(files)),
        true => {
            let (routing, others) = files.iter().cloned().partition(is_routing);
            (routing, Cow::Owned(others))
        }
    }
}

/// Whether a file holds routes or rules.
pub fn is_routing(file: &InputFile) -> bool {
    // Decoding a whole ruleset only to see that it is none would cost as much as reading it.
    let begins = file.bytes.iter().find(|b| !b.is_ascii_whitespace());
    let may_be =
        begins.is_none_or(|b| b.is_ascii_alphanumeric() || matches!(b, b'[' | b'#' | b':' | 0xef | 0xfe | 0xff));
    may_be && decode(&file.bytes).is_ok_and(|text| recognise(&text).is_some())
}

/// A priority, a colon and `from`.
fn is_rule(line: &str) -> bool {
    let Some((priority, rest)) = line.split_once(':') else { return false };
    let digits = !priority.is_empty() && priority.bytes().all(|b| b.is_ascii_digit());
    let mut words = rest.split_whitespace();
    digits && matches!((words.next(), words.next()), (Some("from"), Some(_)) | (Some("not"), Some("from")))
}

/// A destination, or a type and a destination, and then a word that only routes have.
fn is_route(line: &str, next: Option<&str>) -> bool {
    const WORDS: &[&str] =
        &["via", "dev", "nhid", "encap", "proto", "metric", "table", "scope", "from", "tos", "nexthop", "src"];
    let mut words = line.split_whitespace().filter(|w| *w != "\\").peekable();
    let kind = words.next_if(|w| RouteType::by_name(w).is_some() || w.parse::<u8>().is_ok());
    let is_destination = |w: &str| w == "default" || Prefix::read(w).is_ok();
    let continues = || next.is_some_and(|l| l.starts_with([' ', '\t']) && l.trim_start().starts_with("nexthop"));
    match (words.next().is_some_and(is_destination), words.next()) {
        (false, _) => false,
        (true, Some(word)) => WORDS.contains(&word),
        (true, None) => kind.is_some() || continues(),
    }
}

/// A list whose first object is a route or a rule, by its keys.
fn json(text: &str) -> Option<Kind> {
    let inside = text.trim_start().strip_prefix('[')?.trim_start().strip_prefix('{')?;
    let first = inside.split(['}', '{']).next()?;
    let has = |key: &str| first.contains(&format!("\"{key}\""));
    match () {
        () if has("priority") && has("src") => Some(Kind::RulesJson),
        () if has("dst") && ["dev", "gateway", "flags", "type", "nexthops", "nhid", "metric"].into_iter().any(has) => {
            Some(Kind::RoutesJson)
        }
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_tools_print_is_recognised_and_nothing_else() {
        for (text, kind) in [
            ("default via 10.0.0.1 dev eth0 \n", Kind::Routes),
            ("203.0.113.0/24 \n\tnexthop via 10.0.0.1 dev eth0 weight 1\n", Kind::Routes),
            ("blackhole 198.51.100.0/24 \n", Kind::Routes),
            ("# saved\nunreachable default dev lo metric 4294967295 pref medium\n", Kind::Routes),
            ("0:\tfrom all lookup local\n", Kind::Rules),
            ("[{\"type\":\"blackhole\",\"dst\":\"100.66.0.0/16\",\"flags\":[]}]", Kind::RoutesJson),
            ("[ {\n  \"priority\": 0,\n \"src\": \"all\"\n} ]", Kind::RulesJson),
        ] {
            assert_eq!(recognise(text), Some(kind), "{text}");
        }
        for text in [
            "",
            "# nothing\n",
            "[]",
            "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n",
            "table ip filter {\n}\n",
            "10.0.0.0/8\n192.168.0.0/16\n",
            "create s hash:ip\nadd s 10.0.0.1\n",
            "flush ruleset\n",
            "{\"nftables\": []}",
            "[{\"Name\":\"a\",\"dst\":\"b\"}]",
        ] {
            assert_eq!(recognise(text), None, "{text}");
        }
    }
}
