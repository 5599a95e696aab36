//! Where exports name interfaces: the aliases in PowerShell's objects. Rules that are bound to an adapter in another way are refused
//! where they stand: by its GUID, which is of one machine, or by its kind, of which an export does not say who has it.

use super::policy::Policy;
use super::{policy_of, powershell, registry};
use crate::dialect::mentions::{Mention, Spelling, plain_text};
use crate::dialect::{Draft, Problem, ReadOptions, Text};
use crate::document::{Json, JsonValue, read_json};
use crate::packet::IfacePattern;

/// Properties that hold aliases: of a rule's interface filter, and of a profile.
const ALIASES: [&str; 2] = ["InterfaceAlias", "DisabledInterfaceAliases"];

/// How aliases are spelled.
const SPELLING: Spelling = Spelling { quote: "\"", wildcard: "*" };

/// The interfaces that these texts name.
pub fn mentions(texts: &[Text], _: &ReadOptions, draft: &mut Draft) -> Vec<Mention> {
    // What is wrong with the texts is told by whoever reads them for their rules.
    let policy = policy_of(texts, &mut Draft::default());
    refuse_kinds(&policy, draft);
    let (of_registry, others): (Vec<&Text>, Vec<&Text>) = texts.iter().partition(|t| registry::recognises(&t.text));
    refuse_bound(&policy, &of_registry, draft);
    let mut out = Vec::new();
    for text in others.into_iter().filter(|text| powershell::recognises(&text.text)) {
        of_objects(text, draft, &mut out);
    }
    out
}

/// A rule for a kind of adapter could mean other adapters on other hardware.
fn refuse_kinds(policy: &Policy, draft: &mut Draft) {
    for stored in policy.rules.iter().filter(|s| s.rule.conditions.contains_key("interface type")) {
        let message =
            "this rule is bound to a kind of adapter, and which ports of the spare are of that kind is not known";
        draft.refuse(Problem::new(stored.span, message).help("bind it to interfaces by their alias, or to none"));
    }
}

/// What keys of the registry bind to the GUID of an adapter.
fn refuse_bound(policy: &Policy, of_registry: &[&Text], draft: &mut Draft) {
    let rules = policy.rules.iter().filter(|s| !s.rule.interfaces.is_empty()).map(|s| s.span);
    let open = policy.every_open_interface().map(|(_, span)| *span);
    for span in rules.chain(open).filter(|span| of_registry.iter().any(|text| text.id == span.source)) {
        let message = "an interface is named here by its GUID, which no adapter of another machine has";
        let help = "export the policy with contrib/Export-FirewallRules.ps1, which names interfaces by their alias";
        draft.refuse(Problem::new(span, message).help(help));
    }
}

fn of_objects(text: &Text, draft: &mut Draft, out: &mut Vec<Mention>) {
    let mut problems = Vec::new();
    match read_json(&text.text, text.id, &mut problems) {
        Ok(tree) => visit(text, &tree, &mut problems, out),
        Err(problem) => problems.push(problem),
    }
    problems.into_iter().for_each(|problem| draft.refuse(problem));
}

fn visit(text: &Text, json: &Json, problems: &mut Vec<Problem>, out: &mut Vec<Mention>) {
    match &json.value {
        JsonValue::Object(members) => {
            for member in members {
                match ALIASES.iter().any(|name| member.key.eq_ignore_ascii_case(name)) {
                    true => aliases(text, &member.value, problems, out),
                    false => visit(text, &member.value, problems, out),
                }
            }
        }
        JsonValue::Array(items) => items.iter().for_each(|item| visit(text, item, problems, out)),
        _ => {}
    }
}

/// One alias, or a list of them, also as `{"value": [...], "Count": 2}`; `Any` and nothing are every interface.
fn aliases(text: &Text, json: &Json, problems: &mut Vec<Problem>, out: &mut Vec<Mention>) {
    match &json.value {
        JsonValue::Array(items) => items.iter().for_each(|item| aliases(text, item, problems, out)),
        JsonValue::Object(members) => {
            let lists = members.iter().filter(|m| m.key == "value");
            lists.for_each(|m| aliases(text, &m.value, problems, out));
        }
        JsonValue::Text(alias) if is_every(alias.trim()) => {}
        JsonValue::Text(_) => match plain_text(&text.text, json).filter(|(_, _, alias)| alias.trim() == *alias) {
            Some((start, end, alias)) => {
                let pattern = match alias.strip_suffix('*') {
                    Some(prefix) => IfacePattern::prefix(prefix),
                    None => IfacePattern::exact(alias),
                };
                out.push(Mention { file: text.name.clone(), start, end, pattern, spelling: SPELLING });
            }
            None => {
                let message = "an interface is named here in a way that cannot be rewritten";
                problems.push(Problem::new(json.span, message));
            }
        },
        _ => {}
    }
}

/// What names no interface: PowerShell's words for all of them, and for a setting that nobody made.
fn is_every(alias: &str) -> bool {
    alias.is_empty() || ["Any", "NotConfigured"].iter().any(|word| alias.eq_ignore_ascii_case(word))
}
