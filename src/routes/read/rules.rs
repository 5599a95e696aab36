//! `ip rule`: one rule a line (`print_rule` of iproute2).

use super::Lines;
use super::draft::Wrong;
use super::number::decimal;
use super::rule_draft::{RuleDraft, UNKNOWN, unknown};
use super::text::numbered;
use crate::routes::zone::Dimension;
use crate::ruleset::Span;
use std::iter::Peekable;
use std::str::SplitWhitespace;

/// Reads all rules.
pub(super) fn read(lines: &mut Lines<'_>) -> Vec<RuleDraft> {
    let mut drafts = Vec::new();
    let text = lines.text;
    for (span, line) in numbered(text, lines.source) {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        match rule(line, span) {
            Ok(draft) => drafts.push(draft),
            Err((message, help)) => lines.refuse(span, message, help),
        }
    }
    drafts
}

fn rule(line: &str, span: Span) -> Result<RuleDraft, Wrong> {
    let no_rule = || ("this line is no rule".to_owned(), UNKNOWN);
    let (priority, rest) = line.split_once(':').ok_or_else(no_rule)?;
    let mut draft = RuleDraft::new(span, decimal(priority.trim()).ok_or_else(no_rule)?);
    let mut words = rest.split_whitespace().peekable();
    draft.rule.inverted = words.next_if_eq(&"not").is_some();
    while let Some(word) = words.next() {
        one(word, &mut words, &mut draft)?;
    }
    draft.settle()
}

fn one(word: &str, words: &mut Peekable<SplitWhitespace<'_>>, draft: &mut RuleDraft) -> Result<(), Wrong> {
    if matches!(word, "nop" | "blackhole" | "unreachable" | "prohibit") {
        return draft.other(word);
    }
    if word == "masquerade" {
        return Err(unknown(word));
    }
    let value = words.next().ok_or_else(|| (format!("nothing stands behind `{word}`"), UNKNOWN))?;
    match word {
        "from" => draft.addresses(Dimension::From, value),
        "to" => draft.addresses(Dimension::To, value),
        "tos" => draft.numbers(Dimension::Tos, value),
        "fwmark" => draft.mark(value),
        "iif" | "oif" => {
            let dimension = if word == "iif" { Dimension::Iif } else { Dimension::Oif };
            // The interface does not exist at the moment; the rule is for it all the same once it does.
            let _ = words.next_if_eq(&"[detached]");
            draft.interface(dimension, value)
        }
        "uidrange" => draft.numbers(Dimension::Uid, value),
        "ipproto" => draft.numbers(Dimension::Ipproto, value),
        "sport" => draft.numbers(Dimension::Sport, value),
        "dport" => draft.numbers(Dimension::Dport, value),
        "tun_id" => draft.tunnel(value),
        "lookup" if value == "[l3mdev-table]" => {
            draft.domain();
            Ok(())
        }
        "lookup" => draft.lookup(value),
        "suppress_prefixlength" => draft.suppress(value),
        "realms" => draft.realms(value),
        "goto" => {
            let _ = words.next_if_eq(&"[unresolved]");
            draft.goto(value)
        }
        // Who made the rule.
        "proto" => Ok(()),
        _ => Err(unknown(word)),
    }
}
