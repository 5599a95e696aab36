//! A policy in words: who can approve what, what is missing for a permit, when changes go, and how the chain stands.

use super::counted;
use crate::gate::{Chain, ClassTerms, Reason, may_author, terms};
use crate::policy::{ChangeClass, Policy, Purpose, Quorum, Right, Staging, duration_words};
use crate::report::visible;
use std::collections::BTreeSet;
use std::fmt::Write;

/// What `fwgate policy verify` tells.
#[derive(Clone, Copy, Debug)]
pub struct PolicyView<'a> {
    /// What was verified, in words.
    pub origin: &'a str,
    /// The policy, where it could be read.
    pub policy: Option<&'a Policy>,
    /// The chain, where a root was given.
    pub chain: Option<&'a Chain>,
    /// Everything that is wrong.
    pub reasons: &'a [Reason],
}

/// The text for people.
pub fn policy_human(view: &PolicyView<'_>) -> String {
    let mut out = String::new();
    let verdict = if view.reasons.is_empty() { "valid" } else { "refused" };
    let version = view.policy.map_or(String::new(), |p| format!(", version {}", p.version));
    let _ = writeln!(out, "{verdict}: the policy of {}{version}", visible(view.origin));
    for reason in view.reasons {
        let _ = writeln!(out, "  {}: {}\n    = help: {}", reason.code, visible(&reason.message), visible(&reason.fix));
    }
    if let Some(chain) = view.chain {
        tell_chain(chain, &mut out);
    }
    if let Some(policy) = view.policy {
        tell_persons(policy, &mut out);
        tell_classes(policy, &mut out);
        tell_time(policy, &mut out);
        tell_gaps(policy, &mut out);
    }
    out
}

fn tell_chain(chain: &Chain, out: &mut String) {
    let _ = writeln!(out, "\nchain");
    for (at, version) in chain.versions.iter().enumerate() {
        let by = if at == 0 { "named by the root" } else { "approved by both quorums" };
        let is_last = if at + 1 == chain.versions.len() { ", in force" } else { "" };
        let commit = version.commit.get(..12).unwrap_or(&version.commit);
        let _ = writeln!(out, "  version {} at {commit}: {by}{is_last} ({})", version.version, version.digest);
    }
    if chain.versions.is_empty() {
        let _ = writeln!(out, "  no version is in force");
    }
    for note in &chain.notes {
        let _ = writeln!(out, "  note: {}", visible(note));
    }
}

fn tell_persons(policy: &Policy, out: &mut String) {
    let _ = writeln!(out, "\npersons");
    for person in &policy.persons {
        let roles: Vec<&str> = person.roles.iter().map(|r| r.value.as_str()).collect();
        let rights: Vec<&str> = RIGHTS
            .iter()
            .filter(|(right, _)| policy.rights.has(*right, roles.iter().copied()))
            .map(|(_, name)| *name)
            .collect();
        let keys = counted(person.keys.len(), "key");
        let _ = writeln!(out, "  {}: {} ({keys}); may {}", person.id.value, list(&roles), list(&rights));
    }
}

const RIGHTS: [(Right, &str); 4] =
    [(Right::Reject, "reject"), (Right::Hold, "hold"), (Right::Schedule, "schedule"), (Right::Operate, "roll back")];

fn tell_classes(policy: &Policy, out: &mut String) {
    for (name, class) in ChangeClass::ALL {
        if !policy.classes.iter().any(|c| c.class == class) {
            continue;
        }
        if let Some(terms) = terms(policy, class, None) {
            tell_class(policy, &format!("class {name}"), &terms, out);
        }
    }
    for template in &policy.templates {
        if let Some(terms) = terms(policy, ChangeClass::Standard, Some(template)) {
            tell_class(policy, &format!("template {}", template.id.value), &terms, out);
        }
    }
}

fn tell_class(policy: &Policy, what: &str, terms: &ClassTerms<'_>, out: &mut String) {
    let quorums = terms.quorums(&BTreeSet::new(), &BTreeSet::new());
    let own = quorums.first().map(|q| quorum_words(q)).unwrap_or_default();
    let staging = match terms.staging {
        Staging::Namespace => "staged in a namespace",
        Staging::Device => "staged on a device",
        Staging::None => "not staged",
    };
    let _ = writeln!(
        out,
        "\n{what}: {own}; {staging}; lead time {}; approvals count for {}, permits for {}",
        duration_words(terms.lead_time),
        duration_words(terms.approval_lifetime),
        duration_words(terms.permit_lifetime)
    );
    let also = policy.classes.iter().filter(|c| c.class == terms.class).flat_map(|c| &c.also);
    for part in also {
        let when = part.when.map(|code| code.name.to_owned());
        let touches: Vec<&str> = part.touches.iter().map(|t| t.value.as_str()).collect();
        let touches = (!touches.is_empty()).then(|| format!("touching {}", touches.join(" or ")));
        let when: Vec<String> = when.into_iter().chain(touches).collect();
        let _ = writeln!(out, "  {}: {}", when.join(", "), quorum_words(&part.quorum));
    }
    tell_authors(policy, terms, &quorums, out);
}

/// Who can approve, by author.
fn tell_authors(policy: &Policy, terms: &ClassTerms<'_>, quorums: &[&[Quorum]], out: &mut String) {
    let roles: BTreeSet<&str> = quorums.iter().flat_map(|q| q.iter()).map(|q| q.role.value.as_str()).collect();
    for author in &policy.persons {
        let id = &author.id.value;
        let with = |role: &&str| {
            let has = |p: &&crate::policy::Person| p.id.value != *id && p.roles.iter().any(|r| r.value == **role);
            let who: Vec<&str> = policy.persons.iter().filter(has).map(|p| p.id.value.as_str()).collect();
            format!("{role} {}", list(&who))
        };
        let who: Vec<String> = roles.iter().map(with).collect();
        let warning =
            if may_author(policy, terms, id) { "" } else { " (not enough: changes of theirs cannot be approved)" };
        let _ = writeln!(out, "  author {id}: {}{warning}", who.join("; "));
    }
}

fn tell_time(policy: &Policy, out: &mut String) {
    let _ = writeln!(out, "\ncalendar");
    for window in &policy.windows {
        let days: Vec<String> =
            window.days.iter().map(|d| format!("{d:?}").chars().take(3).collect::<String>().to_lowercase()).collect();
        let next = if window.ends_next_day() { " of the next day" } else { "" };
        let (from, to, zone) = (window.from, window.to, &window.zone);
        let _ = writeln!(out, "  window {} {from} to {to}{next} {zone}", list(&days));
    }
    for freeze in &policy.freezes {
        let allow: Vec<&str> = freeze.allow.iter().map(|c| c.name()).collect();
        let _ = writeln!(
            out,
            "  freeze {} to {}: {} (allows {})",
            freeze.from.text,
            freeze.to.text,
            visible(&freeze.reason),
            list(&allow)
        );
    }
    if policy.windows.is_empty() {
        let _ = writeln!(out, "  no window: each change needs its own, by its file or a schedule record");
    }
}

/// What a permit will lack.
fn tell_gaps(policy: &Policy, out: &mut String) {
    let purposes = [Purpose::Permit, Purpose::Ledger, Purpose::ReceiptStaging, Purpose::ReceiptProduction];
    let lacks = purposes.iter().filter(|p| !policy.machines.iter().any(|m| m.purpose == **p));
    let mut gaps: Vec<String> = lacks.map(|p| format!("no machine has the purpose `{}`", p.name())).collect();
    let has = |right| policy.persons.iter().any(|p| policy.rights.has(right, p.roles.iter().map(|r| r.value.as_str())));
    gaps.extend(RIGHTS.iter().filter(|(right, _)| !has(*right)).map(|(_, name)| format!("nobody may {name}")));
    gaps.extend(policy.repository.is_none().then(|| "the policy does not name its `repository`".to_owned()));
    gaps.extend(policy.transports.is_empty().then(|| "no transport: `fwgate push` reaches no device".to_owned()));
    if !gaps.is_empty() {
        let _ = writeln!(out, "\nmissing");
    }
    for gap in gaps {
        let _ = writeln!(out, "  {gap}");
    }
}

fn quorum_words(quorum: &[Quorum]) -> String {
    let parts: Vec<String> = quorum.iter().map(|q| format!("{} {}", q.count, q.role.value)).collect();
    if parts.is_empty() { "no approval".to_owned() } else { parts.join(" and ") }
}

fn list<T: AsRef<str>>(items: &[T]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    if items.is_empty() { "nobody".to_owned() } else { items.join(", ") }
}
