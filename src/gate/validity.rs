//! Whether a policy makes sense as a whole: whether its quorums can be met, by whom, and whether its calendar, keys and
//! transports are such as the gate accepts.

use super::calendar::calendar;
use super::matching::{Seat, fill};
use super::reason::{Reason, ReasonCode};
use super::roster::Roster;
use super::terms::{ClassTerms, terms};
use crate::policy::{
    ChangeClass, Policy, PolicyFiles, PushMode, Quorum, Right, Spanned, Template, Topic, read_policy, subject_of,
};
use crate::ruleset::{Problem, Sources, Unreadable};
use crate::vcs::PolicyVersion;
use std::collections::{BTreeMap, BTreeSet};

const VERIFY: &str = "correct it in a change of the policy; `fwgate policy verify` shows all of it";

/// Reads a version of the policy and says everything that is wrong with it.
///
/// # Errors
/// Where it cannot be read at all: every mistake of every file, each as a reason.
pub fn read_version(version: &PolicyVersion) -> Result<(Policy, Vec<Reason>), Vec<Reason>> {
    let mut texts = Vec::new();
    for (path, bytes) in version.files.iter().filter(|(path, _)| path == "fwgate.toml" || path.starts_with("policies/"))
    {
        match std::str::from_utf8(bytes) {
            Ok(text) => texts.push((path.clone(), text.to_owned())),
            Err(_) => return Err(vec![invalid(format!("`{path}` is not UTF-8"))]),
        }
    }
    let missing = missing_revocations(&texts);
    match read_policy(&PolicyFiles::of_repository(texts)) {
        Ok(policy) => {
            let reasons = missing.into_iter().chain(faults(&policy)).collect();
            Ok((policy, reasons))
        }
        Err(unreadable) => Err(missing.into_iter().chain(unread(&unreadable)).collect()),
    }
}

/// Everything that is wrong with a policy that could be read.
pub fn faults(policy: &Policy) -> Vec<Reason> {
    let mut out = Roster::read(&policy.persons, &policy.machines).1;
    out.extend(role_faults(policy));
    out.extend(class_faults(policy));
    out.extend(calendar(policy).1);
    out.extend(transport_faults(policy));
    out
}

/// Fingerprints of the keys that a policy revokes.
pub fn revoked_keys(policy: &Policy) -> BTreeSet<String> {
    policy.revoked.iter().filter_map(|r| super::roster::fingerprint_of(&r.key.value)).collect()
}

fn invalid(message: impl Into<String>) -> Reason {
    Reason::new(ReasonCode::PolicyInvalid, message, VERIFY)
}

fn unread(unreadable: &Unreadable) -> Vec<Reason> {
    unreadable.problems.iter().map(|p| of_problem(p, &unreadable.sources)).collect()
}

fn of_problem(problem: &Problem, sources: &Sources) -> Reason {
    let code = match subject_of(problem) {
        Some(Topic::Time) => ReasonCode::ScheduleInvalid,
        Some(Topic::KeyKind) => ReasonCode::KeyTypeRefused,
        None => ReasonCode::PolicyInvalid,
    };
    let place = format!("{}:{}", sources.name(problem.span), problem.span.line);
    let fix = problem.help.clone().unwrap_or_else(|| VERIFY.to_owned());
    Reason::new(code, format!("{place}: {}", problem.message), fix)
}

/// The revocation list that the policy demands, where it is missing, unreadable or empty. It is asked for before the policy as a
/// whole is read, so that a list that breaks the policy is named as such.
fn missing_revocations(texts: &[(String, String)]) -> Option<Reason> {
    let tables = texts.iter().filter_map(|(_, text)| toml::from_str::<toml::Table>(text).ok());
    let named = tables.filter_map(|t| t.get("revocations").and_then(|v| v.as_str()).map(str::to_owned)).next()?;
    let list = texts.iter().find(|(path, _)| *path == named);
    let table = list.and_then(|(_, text)| toml::from_str::<toml::Table>(text).ok());
    let count = table.and_then(|t| t.get("revoked").and_then(|r| r.as_array()).map(Vec::len)).unwrap_or_default();
    let what = if list.is_none() { "is not there" } else { "revokes no key or cannot be read" };
    let fix = "restore the file in a change of the policy";
    let reason =
        || Reason::new(ReasonCode::RevocationUnavailable, format!("the revocation list `{named}` {what}"), fix);
    (count == 0).then(reason)
}

/// Roles that nobody has, in quorums and rights.
fn role_faults(policy: &Policy) -> Vec<Reason> {
    let known: BTreeSet<&str> = policy.persons.iter().flat_map(|p| &p.roles).map(|r| r.value.as_str()).collect();
    let mut out = Vec::new();
    if policy.persons.is_empty() {
        let fix =
            "`fwgate init --two ...` puts persons, machines and classes beside what must hold; checks work without";
        out.push(Reason {
            fix: fix.to_owned(),
            ..invalid("the policy names no person, so nobody can approve anything")
        });
    }
    for person in policy.persons.iter().filter(|p| p.keys.is_empty()) {
        out.push(invalid(format!("`{}` has no key", person.id.value)));
    }
    let of_classes = policy.classes.iter().flat_map(|c| {
        let also = c.also.iter().flat_map(|a| &a.quorum);
        c.quorum.iter().chain(also).map(move |q| (format!("[class.{}]", c.class.name()), q))
    });
    let of_templates = policy.templates.iter();
    let of_templates =
        of_templates.flat_map(|t| t.quorum.iter().map(move |q| (format!("template `{}`", t.id.value), q)));
    for (place, part) in of_classes.chain(of_templates).filter(|(_, q)| !known.contains(q.role.value.as_str())) {
        out.push(invalid(format!("{place} asks for the role `{}`, which nobody has", part.role.value)));
    }
    let rights = [Right::Reject, Right::Hold, Right::Schedule, Right::Operate].into_iter();
    let named = rights.flat_map(|r| policy.rights.named(r).unwrap_or_default());
    let unknown = |role: &&Spanned<String>| !known.contains(role.value.as_str());
    out.extend(
        named.filter(unknown).map(|r| invalid(format!("[rights] names the role `{}`, which nobody has", r.value))),
    );
    out
}

fn class_faults(policy: &Policy) -> Vec<Reason> {
    let mut out = Vec::new();
    if !policy.classes.iter().any(|c| c.class == ChangeClass::Normal) {
        out.push(invalid("there is no [class.normal], so nothing says who approves"));
    }
    for rule in &policy.classes {
        let place = format!("[class.{}]", rule.class.name());
        let is_template_only = rule.class == ChangeClass::Standard;
        if rule.quorum.is_empty() && !is_template_only || rule.also.iter().any(|a| a.quorum.is_empty()) {
            out.push(invalid(format!("{place} has an empty quorum")));
        }
        if rule.approval_lifetime.is_some_and(|d| d.is_zero()) || rule.permit_lifetime.is_some_and(|d| d.is_zero()) {
            out.push(invalid(format!("{place} has a lifetime of 0: nothing would ever count")));
        }
        if let Some(terms) = terms(policy, rule.class, None) {
            out.extend(quorum_faults(policy, &place, &terms));
        }
    }
    for template in &policy.templates {
        out.extend(template_faults(policy, template));
    }
    out
}

fn template_faults(policy: &Policy, template: &Template) -> Vec<Reason> {
    let place = format!("template `{}`", template.id.value);
    let mut out = Vec::new();
    if template.quorum.is_empty() {
        out.push(invalid(format!("{place} has an empty quorum")));
    }
    if template.flows.is_empty() || template.effects.is_empty() {
        out.push(invalid(format!("{place} allows nothing: it has no effect, or no packet lies in it")));
    }
    if let Some(terms) = terms(policy, ChangeClass::Standard, Some(template)) {
        out.extend(quorum_faults(policy, &place, &terms));
    }
    out
}

/// Quorums that cannot be met by the persons left when one of them is the author.
fn quorum_faults(policy: &Policy, place: &str, terms: &ClassTerms<'_>) -> Vec<Reason> {
    let everybody = roles_of(policy);
    let mut out: Vec<Reason> = Vec::new();
    for quorums in terms.all_quorums() {
        let seats = terms.seats(&quorums);
        if let Some(message) = shortfall(&seats, &everybody) {
            out.push(invalid(format!("{place}: the quorum {} {message}", words(&quorums))));
            continue;
        }
        for (author, _) in everybody.iter().filter(|(id, roles)| is_possible_author(id, roles, &seats, &everybody)) {
            let others: BTreeMap<_, _> = everybody.iter().filter(|(id, _)| *id != author).map(clone_pair).collect();
            if shortfall(&seats, &others).is_some() {
                let message =
                    format!("{place}: the quorum {} cannot be met when `{author}` is the author", words(&quorums));
                out.push(invalid(message).detail("author"));
            }
        }
    }
    out.sort();
    out.dedup();
    out
}

fn clone_pair((id, roles): (&String, &BTreeSet<String>)) -> (String, BTreeSet<String>) {
    (id.clone(), roles.clone())
}

/// Whether the others could fill the quorum of a class when this person is the author.
pub fn may_author(policy: &Policy, terms: &ClassTerms<'_>, person: &str) -> bool {
    let mut others = roles_of(policy);
    others.remove(person);
    let seats = terms.seats(&terms.quorums(&BTreeSet::new(), &BTreeSet::new()));
    shortfall(&seats, &others).is_none()
}

/// Whether a person may be expected to author changes. Somebody whose only part is to approve for a role that nobody else has
/// (the one security officer of a small team) is not: such a change of theirs is refused when it comes, and
/// `policy verify` says so.
pub(super) fn is_possible_author(
    id: &str,
    roles: &BTreeSet<String>,
    seats: &[Seat],
    everybody: &BTreeMap<String, BTreeSet<String>>,
) -> bool {
    let asked: BTreeSet<&String> = seats.iter().flatten().collect();
    let own: Vec<&String> = roles.iter().filter(|r| asked.contains(r)).collect();
    let is_only = |role: &&String| everybody.iter().all(|(other, theirs)| other == id || !theirs.contains(*role));
    let is_sole_approver = roles.len() == 1 && own.len() == 1 && own.iter().all(is_only);
    !(is_sole_approver && asked.len() > 1)
}

/// The roles of every person.
pub(super) fn roles_of(policy: &Policy) -> BTreeMap<String, BTreeSet<String>> {
    let roles = |p: &crate::policy::Person| p.roles.iter().map(|r| r.value.clone()).collect();
    policy.persons.iter().map(|p| (p.id.value.clone(), roles(p))).collect()
}

fn shortfall(seats: &[Seat], persons: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let filled = fill(seats, persons).len();
    (filled < seats.len()).then(|| format!("needs {} persons, and only {filled} can be found for it", seats.len()))
}

/// `network 2 and security 1`.
fn words(quorums: &[&[Quorum]]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for seat in super::matching::seats(quorums.iter().copied()) {
        let roles: Vec<String> = seat.into_iter().collect();
        *counts.entry(roles.join(" or ")).or_default() += 1;
    }
    let parts: Vec<String> = counts.iter().map(|(role, count)| format!("{role} {count}")).collect();
    format!("({})", parts.join(" and "))
}

fn transport_faults(policy: &Policy) -> Vec<Reason> {
    let faults = policy.transports.iter().flat_map(|t| t.faults.iter().map(move |f| (t, f)));
    let unsafe_command = |(transport, fault): (&crate::policy::Transport, &crate::policy::Fault)| {
        let message = format!("transport `{}`: {}", transport.id.value, fault.message);
        Reason::new(ReasonCode::TransportUnsafe, message, fault.help.clone())
    };
    faults.map(unsafe_command).chain(policy.transports.iter().filter_map(unsafe_mode)).collect()
}

/// A transport that writes to production and cannot undo what it did.
fn unsafe_mode(transport: &crate::policy::Transport) -> Option<Reason> {
    let writes = transport.apply.is_some() && transport.environment == crate::policy::Environment::Production;
    let lacks = match transport.mode {
        PushMode::BestEffort => Some("`mode = \"best-effort\"` leaves it to the device what it does"),
        PushMode::Immediate if transport.confirm_timer.is_none_or(|t| t.is_zero()) => {
            Some("it is immediate and has no `confirm_timer`")
        }
        PushMode::Eventual if transport.deadline.is_none() => Some("it is eventual and has no `deadline`"),
        PushMode::Eventual if transport.canary.as_ref().is_none_or(Vec::is_empty) => {
            Some("it is eventual and has no `canary`")
        }
        PushMode::Immediate | PushMode::Eventual if transport.rollback.is_none() => Some("it has no `rollback`"),
        PushMode::Immediate | PushMode::Eventual => None,
    };
    let message = lacks.filter(|_| writes)?;
    let message = format!("transport `{}`: {message}", transport.id.value);
    Some(Reason::new(ReasonCode::UnsafePushMode, message, VERIFY))
}
