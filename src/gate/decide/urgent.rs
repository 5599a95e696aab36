//! Emergencies: declared for exactly this content, for a while, with a reason, by at least two persons or by one whom policy
//! allows to act alone.

use super::super::believed::Believed;
use super::super::instant::Instant;
use super::super::quorum::Bench;
use super::super::reason::{Reason, ReasonCode};
use super::super::record::{Emergency, Record};
use super::super::roster::Standing;
use super::super::signature::read_public_key;
use super::Found;
use crate::gate::case::Progress;
use std::collections::BTreeSet;
use std::time::Duration;

/// The longest time for which an emergency can be declared.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// The longest time for which one person can declare one alone.
const SOLO: Duration = Duration::from_secs(3600);

/// Judges an emergency.
pub(super) fn judge(bench: &Bench<'_>, found: &mut Found) {
    let declared = declaration(bench);
    let mut faults: Vec<String> = Vec::new();
    match declared {
        Some((record, emergency)) => {
            faults.extend(declaration_faults(bench, record, emergency));
            found.until = Some(end(record, emergency, LONGEST));
        }
        None => faults.push("nobody has declared it with a reason".to_owned()),
    }
    faults.extend(effect_fault(bench));
    if found.count.counted.is_empty() {
        match solo_faults(bench, declared) {
            lacks if lacks.is_empty() => act_alone(found, declared),
            lacks => faults.push(format!("one person alone: {}", lacks.join("; "))),
        }
    }
    let command = format!("`fwgate change emergency {} --reason TEXT`, or ask for `class = \"normal\"`", bench.case.id);
    let reason = |fault| Reason::new(ReasonCode::EmergencyInvalid, format!("no emergency: {fault}"), command.clone());
    found.reasons.extend(faults.into_iter().map(reason));
}

/// One person is enough: the open places of the quorum are none.
fn act_alone(found: &mut Found, declared: Option<(&Believed<Record>, &Emergency)>) {
    found.count.missing.clear();
    found.count.reasons.retain(|r| r.code == ReasonCode::RecordMismatch);
    if let Some((record, emergency)) = declared {
        found.until = Some(end(record, emergency, SOLO));
        found.notes.push(format!("`{}` acts alone, as policy allows", record.by));
    }
}

/// The last declaration of somebody whose key counts and who has not taken it back.
fn declaration<'b>(bench: &'b Bench<'_>) -> Option<(&'b Believed<Record>, &'b Emergency)> {
    let declared = |b: &'b Believed<Record>| match &b.said {
        Record::Emergency(emergency) if b.standing == Standing::Good => Some((b, emergency)),
        _ => None,
    };
    let testimony = bench.case.testimony;
    testimony.records.iter().filter(|r| !testimony.is_taken_back(r)).filter_map(declared).next_back()
}

fn end(record: &Believed<Record>, emergency: &Emergency, longest: Duration) -> Instant {
    emergency.until.min(record.witnessed.unwrap_or(record.at).min(record.at).after(longest))
}

fn declaration_faults(bench: &Bench<'_>, record: &Believed<Record>, emergency: &Emergency) -> Vec<String> {
    let mut out = Vec::new();
    let content = bench.case.analysis.map(|a| a.content);
    if content.is_some_and(|content| content != emergency.content) {
        out.push("it was declared for other content".to_owned());
    }
    let is_done = matches!(bench.case.progress, Progress::Applied | Progress::Closed | Progress::RolledBack);
    if is_done {
        out.push("it has been used".to_owned());
    }
    let end = end(record, emergency, LONGEST);
    if end <= bench.case.now {
        out.push(format!("it ended at {end}"));
    }
    if !emergency.reason.chars().any(char::is_alphanumeric) {
        out.push("its declaration gives no reason".to_owned());
    }
    if bench.roles.get(&record.by).is_none_or(BTreeSet::is_empty) {
        out.push(format!("`{}` has no role", record.by));
    }
    out
}

/// What is neither closing nor restoring is no emergency.
fn effect_fault(bench: &Bench<'_>) -> Option<String> {
    let analysis = bench.case.analysis?;
    let is_urgent = analysis.extent.closes_only || bench.case.restores;
    (!is_urgent).then(|| "its effect is a normal one: it opens something that was not there before".to_owned())
}

/// Why one person is not enough.
fn solo_faults(bench: &Bench<'_>, declared: Option<(&Believed<Record>, &Emergency)>) -> Vec<String> {
    let Some(solo) = bench.terms.solo else { return vec!["policy has no `solo`".to_owned()] };
    let Some((record, emergency)) = declared else { return vec!["nobody declared it".to_owned()] };
    let mut out = Vec::new();
    if !has_hardware_key(bench, record) {
        out.push("the declaration is not signed by a hardware key".to_owned());
    }
    if bench.case.targets.iter().any(|t| !solo.devices.selects(&t.device, &t.roles)) {
        out.push("policy does not name all its devices".to_owned());
    }
    if end(record, emergency, SOLO) <= bench.case.now {
        out.push("its hour is over".to_owned());
    }
    if bench.case.neighbours.iter().any(|n| n.is_solo && n.progress != Progress::Closed) {
        out.push("another one is open".to_owned());
    }
    out
}

/// Whether the key of a record lives in hardware (`sk-` kinds of OpenSSH).
fn has_hardware_key(bench: &Bench<'_>, record: &Believed<Record>) -> bool {
    let keys = bench.policy.persons.iter().filter(|p| p.id.value == record.by).flat_map(|p| &p.keys);
    let mut own = keys.filter(|k| read_public_key(&k.text.value).is_ok_and(|key| key.fingerprint() == record.key));
    own.any(|k| k.text.value.starts_with("sk-"))
}
