//! `ip -j rule`: a list of objects whose keys are those of iproute2's `print_rule`.

use super::Lines;
use super::draft::Wrong;
use super::json::{objects, text};
use super::number::decimal;
use super::rule_draft::{RuleDraft, UNKNOWN, unknown};
use crate::document::Member;
use crate::routes::zone::Dimension;
use crate::ruleset::Span;
use std::collections::BTreeMap;

/// Reads all rules.
pub(super) fn read(lines: &mut Lines<'_>) -> Vec<RuleDraft> {
    let mut drafts = Vec::new();
    for (span, members) in objects(lines) {
        match rule(span, &members) {
            Ok(draft) => drafts.push(draft),
            Err((message, help)) => lines.refuse(span, message, help),
        }
    }
    drafts
}

fn rule(span: Span, members: &[Member]) -> Result<RuleDraft, Wrong> {
    let mut values: BTreeMap<&str, String> = BTreeMap::new();
    for Member { key, value, .. } in members {
        let is_mark = matches!(value.value, crate::document::JsonValue::Null);
        values.insert(key, if is_mark { String::new() } else { text(key, value)? });
    }
    let mut keys = Keys { values };
    let priority = keys.take("priority").and_then(|p| decimal(&p));
    let mut draft = RuleDraft::new(span, priority.ok_or_else(|| ("the rule has no `priority`".to_owned(), UNKNOWN))?);
    draft.rule.inverted = keys.take("not").is_some();
    selectors(&mut keys, &mut draft)?;
    actions(&mut keys, &mut draft)?;
    match keys.values.into_keys().next() {
        Some(key) => Err(unknown(key)),
        None => draft.settle(),
    }
}

fn selectors(keys: &mut Keys<'_>, draft: &mut RuleDraft) -> Result<(), Wrong> {
    for (dimension, key, length) in [(Dimension::From, "src", "srclen"), (Dimension::To, "dst", "dstlen")] {
        if let Some(address) = keys.joined(key, length, "/") {
            draft.addresses(dimension, &address)?;
        }
    }
    if let Some(mark) = keys.joined("fwmark", "fwmask", "/") {
        draft.mark(&mark)?;
    }
    for (dimension, key, detached) in [(Dimension::Iif, "iif", "iif_detached"), (Dimension::Oif, "oif", "oif_detached")]
    {
        keys.take(detached);
        if let Some(name) = keys.take(key) {
            draft.interface(dimension, &name)?;
        }
    }
    for (dimension, one, first, last) in [
        (Dimension::Uid, "", "uid_start", "uid_end"),
        (Dimension::Sport, "sport", "sport_start", "sport_end"),
        (Dimension::Dport, "dport", "dport_start", "dport_end"),
        (Dimension::Tos, "tos", "", ""),
        (Dimension::Ipproto, "ipproto", "", ""),
    ] {
        if let Some(numbers) = keys.take(one).or_else(|| keys.joined(first, last, "-")) {
            draft.numbers(dimension, &numbers)?;
        }
    }
    keys.take("tun_id").map_or(Ok(()), |id| draft.tunnel(&id))
}

fn actions(keys: &mut Keys<'_>, draft: &mut RuleDraft) -> Result<(), Wrong> {
    if keys.take("l3mdev").is_some() {
        draft.domain();
    }
    if let Some(table) = keys.take("table") {
        draft.lookup(&table)?;
    }
    if let Some(length) = keys.take("suppress_prefixlen") {
        draft.suppress(&length)?;
    }
    let from = keys.take("flow_from");
    if let Some(to) = keys.take("flow_to") {
        draft.realms(&from.map_or(to.clone(), |from| format!("{}/{to}", from.trim_end_matches('/'))))?;
    }
    keys.take("unresolved");
    if let Some(to) = keys.take("goto") {
        draft.goto(&to)?;
    }
    if keys.take("nop").is_some() {
        draft.other("nop")?;
    }
    if let Some(action) = keys.take("action") {
        draft.other(&action)?;
    }
    keys.take("protocol");
    Ok(())
}

/// The keys of a rule that nobody has asked for yet.
struct Keys<'a> {
    values: BTreeMap<&'a str, String>,
}

impl Keys<'_> {
    fn take(&mut self, key: &str) -> Option<String> {
        self.values.remove(key)
    }

    /// Two values with a sign between them; the first alone where there is no second.
    fn joined(&mut self, first: &str, second: &str, sign: &str) -> Option<String> {
        let first = self.take(first)?;
        Some(self.take(second).map_or(first.clone(), |second| format!("{first}{sign}{second}")))
    }
}
