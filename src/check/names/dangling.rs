//! FW704: records that send to a host which is not there.

use super::{at, was_before};
use crate::check::CheckInput;
use crate::check::estate::EstateCheck;
use crate::finding::{Finding, NAME_DANGLING, Severity};
use crate::names::{Answer, Outcome, Record, RecordType, Zone, Zones};

/// The registry line.
pub(super) const CHECK: EstateCheck = EstateCheck { codes: &[&NAME_DANGLING], run };

const SENDING: [RecordType; 4] = [RecordType::CNAME, RecordType::MX, RecordType::NS, RecordType::SRV];

fn run(input: &CheckInput<'_>) -> Vec<Finding> {
    let Some(zones) = input.estate.proposed.zones else { return Vec::new() };
    let mut out = Vec::new();
    for zone in &zones.zones {
        let sending = zone.records().filter(|r| SENDING.contains(&r.kind));
        // Servers of a delegation may be named by glue, which is no answer of the zone's own.
        for record in sending.filter(|r| !(r.kind == RecordType::NS && is_glued(zone, r))) {
            if let Some((severity, message, help)) = judge(zones, zone, record) {
                let severity = if was_before(input, record) { severity.min(Severity::Warning) } else { severity };
                out.push(at(&NAME_DANGLING, zones, record, message).weighing(severity).helped_by(help));
            }
        }
    }
    out
}

fn is_glued(zone: &Zone, record: &Record) -> bool {
    let glue = |kind| record.target().is_some_and(|host| zone.of(host, kind).next().is_some());
    record.owner != zone.apex && (glue(RecordType::A) || glue(RecordType::AAAA))
}

type Verdict = (Severity, String, &'static str);

fn judge(zones: &Zones, zone: &Zone, record: &Record) -> Option<Verdict> {
    let target = record.target()?;
    let answers = [RecordType::A, RecordType::AAAA].map(|kind| zones.answer(&zone.view, target, kind));
    let subject = format!("the {} record of `{}` sends to `{target}`", record.kind, record.owner);
    if let Some(why) = complaint(record, &answers) {
        return Some((Severity::Error, format!("{subject}, and {why}"), "correct the target, or give it an address"));
    }
    let has_alias = answers.iter().any(|a| !a.chain.is_empty());
    let is_plain = record.kind != RecordType::CNAME;
    (is_plain && has_alias).then(|| {
        let message = format!("{subject}, which is an alias");
        (Severity::Warning, message, "name the host itself: aliases are not allowed there (RFC 2181 section 10.3)")
    })
}

/// Why a target has no address, where the zones at hand are to say.
fn complaint(record: &Record, answers: &[Answer<'_>; 2]) -> Option<String> {
    let outcomes = || answers.iter().map(|a| &a.outcome);
    if let Some(Outcome::Loop(at)) = outcomes().find(|o| matches!(o, Outcome::Loop(_))) {
        return Some(format!("the aliases come back to `{at}`"));
    }
    if outcomes().any(|o| matches!(o, Outcome::Found | Outcome::Elsewhere(_))) {
        return None;
    }
    match outcomes().next()? {
        Outcome::NoName(name) => Some(format!("there is no name `{name}`")),
        // An alias of something without addresses may be asked for other types.
        Outcome::NoData(_) if record.kind == RecordType::CNAME => None,
        Outcome::NoData(name) => Some(format!("`{name}` has no address")),
        _ => None,
    }
}
