//! PowerShell's objects as JSON: what `contrib/Export-FirewallRules.ps1` writes, and what `ConvertTo-Json` makes of
//! `Get-NetFirewallRule` and its filter cmdlets, in one file or in several.
//!
//! A rule's conditions are not in the rule object but in seven filter objects, which belong to it by `InstanceID`.
//! Without them a rule would match everything, so a rule that lacks one is refused.

mod profiles;
mod properties;

pub use profiles::{PROPERTIES as PROFILE_PROPERTIES, ProfileProperty};
pub use properties::PROPERTIES;

use super::policy::Policy;
use crate::dialect::{Draft, Problem, Text};
use crate::document::{Json, JsonValue, Member, read_json};
use std::collections::BTreeMap;

/// Whether a text is JSON that names firewall objects.
pub fn recognises(text: &str) -> bool {
    let names =
        ["\"DefaultInboundAction\"", "\"RemoteAddress\"", "\"LocalPort\"", "\"EdgeTraversalPolicy\"", "NetFirewall"];
    text.trim_start().starts_with(['{', '[']) && names.iter().any(|n| text.contains(n))
}

/// Members of an object, with their places.
type Members = Vec<Member>;

/// The objects of all JSON files of one machine.
#[derive(Debug, Default)]
pub struct Objects {
    rules: Vec<(Members, Json)>,
    profiles: Vec<(Members, Json)>,
    filters: BTreeMap<String, Vec<Members>>,
}

impl Objects {
    /// Adds a file.
    pub fn add(&mut self, text: &Text, draft: &mut Draft) {
        let mut problems = Vec::new();
        let read = read_json(&text.text, text.id, &mut problems);
        problems.into_iter().for_each(|p| draft.refuse(p));
        match read {
            Ok(json) => self.sort(json, draft),
            Err(problem) => draft.refuse(problem),
        }
    }

    /// Reads what the objects say.
    pub fn finish(self, policy: &mut Policy, draft: &mut Draft) {
        for (members, whole) in &self.profiles {
            profiles::read(members, whole.span, policy, draft);
        }
        for (members, whole) in self.rules {
            let id = text_of(&members, "InstanceID").map(str::to_ascii_lowercase);
            let filters = id.and_then(|id| self.filters.get(&id)).into_iter().flatten();
            let all: Members = members.iter().chain(filters.flatten()).cloned().collect();
            properties::read(&all, whole.span, policy, draft);
        }
    }

    /// Puts an object where its keys say that it belongs; other objects and lists are looked into.
    fn sort(&mut self, json: Json, draft: &mut Draft) {
        let span = json.span;
        let members = match json.value {
            JsonValue::Array(items) => return items.into_iter().for_each(|item| self.sort(item, draft)),
            JsonValue::Object(members) => members,
            _ => return draft.refuse(Problem::new(span, "expected objects of the firewall")),
        };
        let has = |name: &str| members.iter().any(|m| m.key.eq_ignore_ascii_case(name));
        let whole = Json { span, value: JsonValue::Null };
        if has("DefaultInboundAction") {
            self.profiles.push((members, whole));
        } else if has("Direction") && has("Action") {
            self.rules.push((with_nested_filters(members), whole));
        } else if has("InstanceID") && members.iter().any(|m| properties::is_of_filter(&m.key)) {
            let id = text_of(&members, "InstanceID").unwrap_or_default().to_ascii_lowercase();
            self.filters.entry(id).or_default().push(members);
        } else {
            members.into_iter().for_each(|member| self.look_into(member, draft));
        }
    }

    fn look_into(&mut self, member: Member, draft: &mut Draft) {
        const ABOUT: [&str; 4] = ["schema", "computer", "policyStore", "powershell"];
        match member.value.value {
            JsonValue::Array(_) | JsonValue::Object(_) => self.sort(member.value, draft),
            _ if ABOUT.iter().any(|a| a.eq_ignore_ascii_case(&member.key)) => {}
            _ => {
                let message = format!("`{}` is no property of a firewall object", member.key);
                draft.refuse(Problem::new(member.span, message).help(SCRIPT));
            }
        }
    }
}

/// What to do where objects lack something.
pub const SCRIPT: &str = "contrib/Export-FirewallRules.ps1 writes rules with all their filters, and profiles";

/// Some write a rule's filters as objects inside it.
fn with_nested_filters(members: Members) -> Members {
    let is_filter = |m: &Member| m.key.to_ascii_lowercase().ends_with("filter");
    let flat = |m: Member| match m.value.value {
        JsonValue::Object(inner) if m.key.to_ascii_lowercase().ends_with("filter") => inner,
        value => vec![Member { value: Json { span: m.value.span, value }, key: m.key, span: m.span }],
    };
    let (filters, own): (Members, Members) = members.into_iter().partition(is_filter);
    own.into_iter().chain(filters.into_iter().flat_map(flat)).collect()
}

/// A member that is a text.
fn text_of<'m>(members: &'m [Member], name: &str) -> Option<&'m str> {
    let found = members.iter().find(|m| m.key.eq_ignore_ascii_case(name))?;
    if let JsonValue::Text(text) = &found.value.value { Some(text) } else { None }
}

/// The texts of a value: one, or each of a list. `Any`, `null` and empty ones say nothing. Windows PowerShell wraps
/// some lists as `{"value": [...], "Count": 2}`.
fn texts(json: &Json) -> Option<Vec<String>> {
    let one = |text: &str| {
        let silent = text.is_empty() || text.eq_ignore_ascii_case("any");
        if silent { Vec::new() } else { vec![text.to_owned()] }
    };
    match &json.value {
        JsonValue::Null => Some(Vec::new()),
        JsonValue::Text(text) => Some(one(text.trim())),
        JsonValue::Number(digits) => Some(one(digits)),
        JsonValue::Boolean(value) => Some(one(if *value { "True" } else { "False" })),
        JsonValue::Array(items) => items.iter().map(texts).collect::<Option<Vec<_>>>().map(|all| all.concat()),
        JsonValue::Object(members) => match members.as_slice() {
            [value, count] if value.key == "value" && count.key == "Count" => texts(&value.value),
            _ => None,
        },
    }
}
