//! Whether the exact bytes were staged and vetted, as the class demands.

use super::super::believed::Believed;
use super::super::quorum::Bench;
use super::super::reason::{Reason, ReasonCode};
use super::super::record::{Digest, Receipt, ReceiptKind};
use super::super::roster::Standing;
use crate::policy::Staging;
use std::collections::{BTreeMap, BTreeSet};

/// What receipts prove.
#[derive(Default)]
pub(super) struct Staged {
    /// Whether every device has a receipt for its present bytes, or none is demanded.
    pub is_vetted: bool,
    /// Whether some device has one.
    pub is_begun: bool,
    /// The receipts that prove it.
    pub receipts: Vec<Digest>,
    pub reasons: Vec<Reason>,
    pub notes: Vec<String>,
}

/// Judges the receipts of a change.
pub(super) fn judge(bench: &Bench<'_>) -> Staged {
    let mut out = Staged::default();
    if !bench.terms.is_vetted() {
        out.is_vetted = true;
        out.notes.push(format!("class `{}` goes without staging, as policy says", bench.terms.class.name()));
        return out;
    }
    let Some(analysis) = bench.case.analysis.filter(|a| !a.devices.is_empty()) else { return out };
    let mut proved: BTreeSet<&String> = BTreeSet::new();
    let mut others: Vec<Reason> = Vec::new();
    for receipt in bench.case.testimony.receipts.iter().filter(|r| r.said.kind == ReceiptKind::Vetting) {
        match mismatch(bench, receipt) {
            None => {
                out.receipts.push(receipt.digest);
                let bytes: BTreeMap<&String, &Digest> =
                    receipt.said.devices.iter().map(|(d, bytes)| (d, bytes)).collect();
                let equal = analysis.devices.iter().filter(|(d, digest)| bytes.get(d) == Some(&digest));
                proved.extend(equal.map(|(d, _)| d));
            }
            Some(reason) => others.push(reason),
        }
    }
    out.receipts.sort();
    out.is_begun = !proved.is_empty();
    let open: Vec<&str> =
        analysis.devices.iter().map(|(d, _)| d).filter(|d| !proved.contains(d)).map(String::as_str).collect();
    out.is_vetted = open.is_empty();
    if !out.is_vetted {
        out.reasons = missing(bench, &open, out.is_begun, others);
    }
    out
}

/// Why a receipt proves nothing about what would be pushed.
fn mismatch(bench: &Bench<'_>, receipt: &Believed<Receipt>) -> Option<Reason> {
    let analysis = bench.case.analysis?;
    let fix = format!("`fwgate stage {}`", bench.case.id);
    let by = &receipt.by;
    let why = match () {
        () if receipt.standing != Standing::Good => {
            let code = receipt.standing.code().unwrap_or(ReasonCode::ReceiptUntrusted);
            return Some(Reason::new(
                code,
                format!("a vetting receipt of `{by}` is signed by a key that does not count"),
                fix,
            ));
        }
        () if receipt.said.content != analysis.content && !receipt.said.is_of_bytes(&analysis.devices) => {
            "other content than what would be pushed"
        }
        () if !is_on_stand_ins(bench, receipt) => "another device than the one that stands for it",
        () => return None,
    };
    Some(Reason::new(ReasonCode::ReceiptMismatch, format!("a vetting receipt of `{by}` is of {why}"), fix))
}

/// Where staging is on devices, the receipt must be of the device that policy says stands for each.
fn is_on_stand_ins(bench: &Bench<'_>, receipt: &Believed<Receipt>) -> bool {
    if bench.terms.staging != Staging::Device {
        return true;
    }
    let words: BTreeSet<&str> = receipt.said.on.split(|c: char| c.is_whitespace() || c == ',').collect();
    let stands = |device: &str| {
        let mut stand_ins = bench.policy.stands_for.iter().filter(|s| s.device.value == device);
        stand_ins.any(|s| words.contains(s.staging.value.as_str()))
    };
    receipt.said.devices.iter().all(|(device, _)| stands(device))
}

fn missing(bench: &Bench<'_>, open: &[&str], is_begun: bool, others: Vec<Reason>) -> Vec<Reason> {
    let id = bench.case.id;
    let command = if bench.terms.staging == Staging::Device { "stage" } else { "vet" };
    let vetted = format!("no vetting receipt is of the bytes of {} that would be pushed", open.join(", "));
    let mut out = vec![Reason::new(ReasonCode::NotVetted, vetted, format!("`fwgate {command} {id}`"))];
    if !is_begun {
        let staged = format!("nothing of {id} has been staged as it would be pushed");
        out.push(Reason::new(ReasonCode::NotStaged, staged, format!("`fwgate {command} {id}`")));
    }
    out.extend(others);
    out
}
