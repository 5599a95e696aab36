//! Where dumps and sets name interfaces: the values of four options, and the last parts of elements of sets with interfaces.

use super::ipset;
use super::words::{Line, Word, split};
use crate::dialect::mentions::{Mention, Spelling};
use crate::dialect::{Draft, Problem, ReadOptions, Text};
use crate::packet::IfacePattern;
use std::collections::BTreeMap;

/// Options whose value is an interface, by their names without dashes (iptables(8), iptables-extensions(8)).
const OPTIONS: [&str; 6] = ["in-interface", "i", "out-interface", "o", "physdev-in", "physdev-out"];

/// How rules spell names.
const OF_RULES: Spelling = Spelling { quote: "", wildcard: "+" };
/// How elements of sets do: that a name stands for many is an option of the element.
const OF_SETS: Spelling = Spelling { quote: "", wildcard: "" };

/// The interfaces that these texts name.
pub fn mentions(texts: &[Text], _: &ReadOptions, draft: &mut Draft) -> Vec<Mention> {
    let mut out = Vec::new();
    for text in texts {
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        let mut words = Vec::new();
        for line in Line::all(&text.text, text.id) {
            let line = line.trimmed();
            if line.text.starts_with(['#', '*', ':']) {
                continue;
            }
            if let Err(span) = split(line, &mut words) {
                draft.refuse(Problem::new(span, "this quote is never closed"));
                continue;
            }
            match ipset::recognises(&text.text) {
                true => of_sets(text, &words, &mut kinds, &mut out),
                false => of_rule(text, &words, &mut out),
            }
        }
    }
    out
}

fn of_rule(text: &Text, words: &[Word<'_>], out: &mut Vec<Mention>) {
    for pair in words.windows(2) {
        let [option, value] = pair else { continue };
        let name = option.text.strip_prefix("--").or_else(|| option.text.strip_prefix('-'));
        if option.quoted || !name.is_some_and(|name| OPTIONS.contains(&name)) {
            continue;
        }
        let pattern = match value.text.strip_suffix('+') {
            Some(prefix) => IfacePattern::prefix(prefix),
            None => IfacePattern::exact(value.text.as_ref()),
        };
        let (start, end) = (value.span.start as usize, value.span.end as usize);
        out.push(Mention { file: text.name.clone(), start, end, pattern, spelling: OF_RULES });
    }
}

/// `create NAME hash:net,iface`, then `add NAME 10.0.0.0/8,eth0` (ipset(8)).
fn of_sets(text: &Text, words: &[Word<'_>], kinds: &mut BTreeMap<String, usize>, out: &mut Vec<Mention>) {
    let [verb, name, third, rest @ ..] = words else { return };
    match verb.text.as_ref() {
        "create" => {
            let parts = third.text.split_once(':').map_or("", |(_, parts)| parts);
            if let Some(at) = parts.split(',').position(|part| part == "iface") {
                kinds.insert(name.text.to_string(), at);
            }
        }
        "add" => {
            let Some(at) = kinds.get(name.text.as_ref()) else { return };
            let Some((from, part)) = part_at(&third.text, *at) else { return };
            let start = third.span.start as usize + from;
            let is_many = rest.iter().any(|word| word.text == "wildcard");
            let pattern = IfacePattern { name: part.to_owned(), prefix: is_many };
            out.push(Mention { file: text.name.clone(), start, end: start + part.len(), pattern, spelling: OF_SETS });
        }
        _ => {}
    }
}

/// A part of an element, without `physdev:`, and where it begins.
fn part_at(element: &str, at: usize) -> Option<(usize, &str)> {
    let from: usize = element.split(',').take(at).map(|part| part.len() + 1).sum();
    let part = element.split(',').nth(at)?;
    let name = part.strip_prefix("physdev:").unwrap_or(part);
    Some((from + part.len() - name.len(), name))
}
