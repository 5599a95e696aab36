//! What a change is: its class by the evidence, whether it travels alone, and whether it is a change at all.

use super::super::case::Dossier;
use super::super::quorum::Bench;
use super::super::reason::{Reason, ReasonCode};
use super::super::record::Record;
use crate::finding::Severity;
use crate::policy::{ChangeClass, Policy, PushMode, Template};
use std::collections::BTreeSet;

/// The class by which a change is judged: what its file asks for, but what touches the policy alone is a change of the policy.
pub(super) fn class_of(case: &Dossier<'_>) -> ChangeClass {
    let asked = case.request.map_or(ChangeClass::Normal, |r| r.class);
    let is_policy_alone = case.paths.iter().any(|p| is_policy(p)) && case.analysis.is_none_or(|a| a.devices.is_empty());
    if is_policy_alone { ChangeClass::Policy } else { asked }
}

fn is_policy(path: &str) -> bool {
    path == "fwgate.toml" || path.starts_with("policies/")
}

/// The id of the change whose file this is.
fn change_file(path: &str) -> Option<&str> {
    let name = path.strip_prefix("changes/")?;
    name.strip_suffix(".toml").or(name.strip_suffix(".json"))
}

/// What stands against the content, whatever the class.
pub(super) fn reasons(case: &Dossier<'_>, policy: &Policy) -> Vec<Reason> {
    let mut out = id_reasons(case);
    out.extend(mixing_reason(case));
    if class_of(case) == ChangeClass::Policy {
        return out;
    }
    out.extend(emptiness_reason(case));
    out.extend(rollback_reason(case));
    out.extend(finding_reason(case));
    out.extend(transport_reasons(case, policy));
    out
}

/// Ids that two changes share, or that only their case tells apart.
fn id_reasons(case: &Dossier<'_>) -> Vec<Reason> {
    let id = case.id;
    let fix = "give one of them another id: `fwgate change reissue`; it is announced and approved anew there";
    let conflict = |message: String| Reason::new(ReasonCode::ChangeIdConflict, message, fix);
    let twins = case.ids.iter().filter(|other| *other != id && other.eq_ignore_ascii_case(id));
    let mut out: Vec<Reason> = twins.map(|other| conflict(format!("{id} and {other} differ only in case"))).collect();
    let files: BTreeSet<&str> = case.paths.iter().filter_map(|p| change_file(p)).collect();
    out.extend(
        files.into_iter().filter(|other| *other != id).map(|other| conflict(format!("{id} edits the file of {other}"))),
    );
    if let Some(request) = case.request.filter(|r| r.id != id) {
        out.push(conflict(format!("the file of {id} has the id {}", request.id)));
    }
    let announced = case.testimony.records.iter().filter_map(|b| match &b.said {
        Record::Change(change) => Some((change.file, b.by.as_str())),
        _ => None,
    });
    let by_file: BTreeSet<_> = announced.collect();
    let (files, authors) = (
        by_file.iter().map(|(file, _)| file).collect::<BTreeSet<_>>(),
        by_file.iter().map(|(_, by)| *by).collect::<BTreeSet<_>>(),
    );
    if files.len() > 1 && authors.len() > 1 && is_claimed_twice(&by_file) {
        let authors: Vec<&str> = authors.into_iter().collect();
        out.push(conflict(format!("{} announced different changes as {id}", authors.join(" and "))));
    }
    out
}

/// Whether no announcement is shared: two persons each announced a file that the other did not.
fn is_claimed_twice(by_file: &BTreeSet<(crate::gate::Digest, &str)>) -> bool {
    let files_of = |by: &str| by_file.iter().filter(|(_, b)| *b == by).map(|(f, _)| *f).collect::<BTreeSet<_>>();
    let authors: BTreeSet<&str> = by_file.iter().map(|(_, by)| *by).collect();
    authors.iter().any(|one| authors.iter().any(|other| files_of(one).is_disjoint(&files_of(other))))
}

/// Policy, and facts by which devices are judged, travel alone.
fn mixing_reason(case: &Dossier<'_>) -> Option<Reason> {
    let policy: Vec<&String> = case.paths.iter().filter(|p| is_policy(p)).collect();
    let own = |path: &str| change_file(path) == Some(case.id);
    let facts = |path: &str| path.rsplit('/').next() == Some("device.toml");
    let other: Vec<&String> = case.paths.iter().filter(|p| !is_policy(p) && !own(p) && !facts(p)).collect();
    let relabelled: Vec<&String> = case.analysis.iter().flat_map(|a| &a.extent.relabelled).collect();
    let is_policy_class = class_of(case) == ChangeClass::Policy;
    let devices = case.analysis.is_some_and(|a| !a.devices.is_empty() && relabelled.is_empty());
    let message = match () {
        () if !policy.is_empty() && (!other.is_empty() || devices) => {
            format!("it changes {} and something else", policy[0])
        }
        () if !relabelled.is_empty() && (!is_policy_class || !other.is_empty()) => {
            format!("it changes by which facts `{}` is judged", relabelled[0])
        }
        () if is_policy_class && policy.is_empty() && !other.is_empty() => {
            format!("it is of class `policy` and changes {}", other[0])
        }
        () => return None,
    };
    let fix = "make two changes of it: one of class `policy` with `version` + 1, approved by both quorums, and then the other";
    Some(Reason::new(ReasonCode::PolicyChangeMixed, message, fix))
}

fn emptiness_reason(case: &Dossier<'_>) -> Option<Reason> {
    let empty = |message: &str| {
        let fix = "commit the change of the rulesets and announce it: `fwgate change new`";
        Some(Reason::new(ReasonCode::EmptyChange, message, fix))
    };
    let Some(analysis) = case.analysis else {
        return if case.obstacles.is_empty() { empty("nothing was analysed") } else { None };
    };
    let same = |(device, digest): &(String, crate::gate::Digest)| {
        analysis.rollback.iter().any(|(other, before)| other == device && before == digest)
    };
    match () {
        () if analysis.devices.is_empty() => empty("it changes no device"),
        () if analysis.devices.iter().all(same) => empty("every device has these bytes already"),
        () if analysis.report.devices == 0 || analysis.report.rules == 0 => empty("no rule was read"),
        () => None,
    }
}

fn rollback_reason(case: &Dossier<'_>) -> Option<Reason> {
    let analysis = case.analysis?;
    let has_way_back = |device: &String| analysis.rollback.iter().any(|(other, _)| other == device);
    let lost: Vec<&str> = analysis.devices.iter().filter(|(d, _)| !has_way_back(d)).map(|(d, _)| d.as_str()).collect();
    let message = format!("there is no way back for {}: nothing readable is in force there", lost.join(", "));
    let fix = "`fwgate adopt DEVICE` makes what the device runs the baseline";
    (!lost.is_empty()).then(|| Reason::new(ReasonCode::NoRollback, message, fix))
}

fn finding_reason(case: &Dossier<'_>) -> Option<Reason> {
    let analysis = case.analysis?;
    let is_error = |f: &&crate::finding::Finding| f.severity == Severity::Error;
    let codes: BTreeSet<String> =
        analysis.report.findings.iter().filter(is_error).map(|f| format!("{} {}", f.code.id, f.code.name)).collect();
    let codes: Vec<String> = codes.into_iter().collect();
    let message = match codes.is_empty() {
        true => "the checks refuse it".to_owned(),
        false => format!("the checks refuse it: {}", codes.join(", ")),
    };
    let fix = format!("`fwgate check --change changes/{}.toml` shows where", case.id);
    analysis.is_refused.then(|| Reason::new(ReasonCode::CheckRefused, message, fix))
}

/// Ways of pushing that cannot undo themselves, for the devices of the change.
fn transport_reasons(case: &Dossier<'_>, policy: &Policy) -> Vec<Reason> {
    let reaches = |t: &&crate::policy::Transport| {
        let selects =
            |d: &crate::gate::TargetDevice| d.environment == t.environment && t.devices.selects(&d.device, &d.roles);
        case.targets.iter().any(selects)
    };
    let best_effort = policy.transports.iter().filter(|t| t.mode == PushMode::BestEffort).filter(reaches);
    let reason = |t: &crate::policy::Transport| {
        let message = format!("transport `{}` leaves it to the device what it does", t.id.value);
        Reason::new(ReasonCode::UnsafePushMode, message, "use `mode = \"immediate\"` with a `confirm_timer`")
    };
    best_effort.map(reason).collect()
}

/// What stands against the class that is asked for.
pub(super) fn class_reasons(case: &Dossier<'_>, bench: &Bench<'_>, template: Option<&Template>) -> Vec<Reason> {
    match bench.terms.class {
        ChangeClass::Test => lab_reason(case).into_iter().collect(),
        ChangeClass::Standard => template_reasons(case, template),
        _ => Vec::new(),
    }
}

fn lab_reason(case: &Dossier<'_>) -> Option<Reason> {
    let outside = case.analysis?.extent.outside_lab.as_ref()?;
    let message = format!("the effect of a test leaves the lab: {outside}");
    Some(Reason::new(ReasonCode::OutsideLab, message, "narrow the change, or ask for `class = \"normal\"`"))
}

fn template_reasons(case: &Dossier<'_>, template: Option<&Template>) -> Vec<Reason> {
    let (Some(template), Some(request)) = (template, case.request) else { return Vec::new() };
    let id = &template.id.value;
    let mut breaches = template.breaches(request);
    let routes = case.analysis.is_some_and(|a| !a.report.routes.is_empty());
    if routes && request.reroutes.is_empty() {
        breaches.push("routes change, which no template allows".to_owned());
    }
    let outside = case.targets.iter().filter(|t| !template.place.devices.selects(&t.device, &t.roles));
    breaches.extend(outside.map(|t| format!("it touches `{}`", t.device)));
    let reason = |breach: String| {
        let message = format!("outside of template `{id}`: {breach}");
        Reason::new(ReasonCode::TemplateBounds, message, "narrow the change, or ask for `class = \"normal\"`")
    };
    breaches.into_iter().map(reason).collect()
}
