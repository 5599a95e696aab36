//! FW705: addresses and reverse records that do not say the same, where the reverse zone is at hand.

use super::{at, was_before};
use crate::check::CheckInput;
use crate::check::estate::EstateCheck;
use crate::finding::{Finding, REVERSE_MISMATCH, Severity};
use crate::names::{Outcome, Record, RecordType, Zone, Zones, address_of, reverse_name};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The registry line.
pub(super) const CHECK: EstateCheck = EstateCheck { codes: &[&REVERSE_MISMATCH], run };

fn run(input: &CheckInput<'_>) -> Vec<Finding> {
    let Some(zones) = input.estate.proposed.zones else { return Vec::new() };
    let mut told: BTreeSet<IpAddr> = BTreeSet::new();
    let mut out = Vec::new();
    for zone in &zones.zones {
        for record in zone.records() {
            let message = match record.address() {
                Some(address) if !record.owner.labels().any(|l| l == b"*") && told.insert(address) => {
                    without_reverse(zones, zone, record, address)
                }
                Some(_) => None,
                None => not_back(zones, zone, record),
            };
            let severity = if was_before(input, record) { Severity::Note } else { Severity::Warning };
            let help = "let the two say the same: many servers refuse what does not match";
            out.extend(message.map(|m| at(&REVERSE_MISMATCH, zones, record, m).weighing(severity).helped_by(help)));
        }
    }
    out
}

/// An address whose reverse zone is at hand and says nothing of it.
fn without_reverse(zones: &Zones, zone: &Zone, record: &Record, address: IpAddr) -> Option<String> {
    let name = reverse_name(address);
    let views = [zone.view.as_str()].into_iter().chain(zones.views());
    let mut asked = views.filter(|view| zones.authority(view, &name).is_some()).peekable();
    asked.peek()?;
    let has = asked.any(|view| {
        let answer = zones.answer(view, &name, RecordType::PTR);
        matches!(answer.outcome, Outcome::Found | Outcome::Elsewhere(_))
    });
    (!has).then(|| format!("`{}` points at `{address}`, which has no reverse record `{name}`", record.owner))
}

/// A reverse record whose host does not have the address.
fn not_back(zones: &Zones, zone: &Zone, record: &Record) -> Option<String> {
    let address = address_of(&record.owner).filter(|_| record.kind == RecordType::PTR)?;
    let host = record.target()?;
    let kind = if address.is_ipv4() { RecordType::A } else { RecordType::AAAA };
    let views: BTreeSet<&str> = [zone.view.as_str()].into_iter().chain(zones.views()).collect();
    let answers: Vec<_> = views.iter().map(|view| zones.answer(view, host, kind)).collect();
    let is_back = answers.iter().any(|a| a.addresses().contains(&address));
    let is_elsewhere = answers.iter().all(|a| matches!(a.outcome, Outcome::Elsewhere(_)));
    (!is_back && !is_elsewhere).then(|| format!("`{address}` is called `{host}`, which does not point back at it"))
}
