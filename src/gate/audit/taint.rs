//! What a key signed that somebody else may have had: from an instant on, nothing of it proves anything.

use super::Believed;
use super::model::{AuditedChange, Taint};
use crate::gate::calendar::instant_of;
use crate::gate::instant::Instant;
use crate::gate::log::Attachment;
use crate::gate::permit::PermitFile;
use crate::gate::record::LedgerEntry;
use crate::gate::roster::fingerprint_of;
use crate::gate::signature::{is_key_of, read_envelope};
use std::collections::BTreeMap;

/// Everything that such keys signed from then on. Where no witness saw a record before that instant, its own date proves nothing.
pub(super) fn tainted(believed: &Believed<'_>, changes: &[AuditedChange]) -> Vec<Taint> {
    let mut out = Vec::new();
    for (key, since) in keys(believed) {
        let owner = believed.roster.holders().find(|h| h.key.fingerprint() == key).map(|h| h.owner.id().to_owned());
        let seed = Taint {
            key: key.clone(),
            owner,
            since: since.to_string(),
            change: None,
            what: String::new(),
            signed: String::new(),
            at: String::new(),
            decides: false,
        };
        changes.iter().for_each(|change| of_change(change, &seed, since, &mut out));
        out.extend(of_permits(believed, &seed, since));
        out.extend(of_ledger(believed, &seed, since));
    }
    out
}

/// Keys that the caller names, and those that the last policy calls compromised.
fn keys(believed: &Believed<'_>) -> BTreeMap<String, Instant> {
    let mut out = believed.archive.compromised.clone();
    let revoked = believed.chain.in_force().into_iter().flat_map(|v| &v.policy.revoked).filter(|r| r.compromised);
    for entry in revoked {
        if let (Some(key), Some(since)) = (fingerprint_of(&entry.key.value), instant_of(&entry.since).ok()) {
            let known = out.entry(key).or_insert(since);
            *known = since.min(*known);
        }
    }
    out
}

fn of_change(change: &AuditedChange, seed: &Taint, since: Instant, out: &mut Vec<Taint>) {
    let is_late = |witnessed: Option<&String>| witnessed.and_then(|w| Instant::read(w)).is_none_or(|w| w >= since);
    for record in change.records.iter().filter(|r| is_key_of(&r.key, &seed.key) && is_late(r.witnessed.as_ref())) {
        out.push(Taint {
            change: Some(change.change.clone()),
            what: record.kind.clone(),
            signed: record.commit.clone(),
            at: record.witnessed.clone().unwrap_or_else(|| record.dated.clone()),
            decides: record.counted,
            ..seed.clone()
        });
    }
    for receipt in change.receipts.iter().filter(|r| r.key == seed.key && is_late(Some(&r.at))) {
        out.push(Taint {
            change: Some(change.change.clone()),
            what: receipt.kind.clone(),
            signed: receipt.receipt.clone(),
            at: receipt.at.clone(),
            decides: true,
            ..seed.clone()
        });
    }
}

fn of_permits(believed: &Believed<'_>, seed: &Taint, since: Instant) -> Vec<Taint> {
    let carried = believed.log.merges.iter().flat_map(|m| &m.said.attached);
    let permit = |attachment: &Attachment| {
        let Attachment::Permit(text) = attachment else { return None };
        let file = PermitFile::read(text.as_bytes()).ok()?;
        let envelope = read_envelope(&file.signature)?;
        let holder = believed.roster.holder(&envelope.key)?;
        (holder.key.fingerprint() == seed.key && file.permit.issued >= since).then(|| Taint {
            change: Some(file.permit.change.clone()),
            what: "permit".to_owned(),
            signed: crate::gate::sha256(text.as_bytes()).to_string(),
            at: file.permit.issued.to_string(),
            decides: true,
            ..seed.clone()
        })
    };
    carried.filter_map(permit).collect()
}

fn of_ledger(believed: &Believed<'_>, seed: &Taint, since: Instant) -> Vec<Taint> {
    let entries = believed.ledger.entries.iter().filter(|e| e.key == seed.key && e.said.at() >= since);
    let of_entries = entries.map(|e| {
        let (what, change) = match &e.said {
            LedgerEntry::Witness(_) => ("witness", None),
            LedgerEntry::Claim(c) => ("claim", Some(c.change.clone())),
            LedgerEntry::Result(r) => ("result", Some(r.change.clone())),
            LedgerEntry::Finish(f) => ("finish", Some(f.change.clone())),
        };
        let (signed, at) = (e.commit.clone(), e.said.at().to_string());
        Taint { change, what: what.to_owned(), signed, at, decides: true, ..seed.clone() }
    });
    let merges = believed.log.merges.iter().filter(|m| m.key == seed.key && m.said.at >= since);
    let of_merges = merges.map(|m| Taint {
        change: Some(m.said.change.clone()),
        what: "merge".to_owned(),
        signed: m.commit.clone(),
        at: m.said.at.to_string(),
        decides: true,
        ..seed.clone()
    });
    of_entries.chain(of_merges).collect()
}
