//! What stops a change: rejections, holds, a withdrawal; and what lifts them.

use super::Bench;
use crate::gate::believed::Believed;
use crate::gate::matching::fill;
use crate::gate::reason::{Reason, ReasonCode};
use crate::gate::record::{Hold, Record, Scope};
use crate::gate::roster::Standing;
use crate::policy::Right;
use std::collections::{BTreeMap, BTreeSet};

impl Bench<'_> {
    /// Whether an approval was taken back by its signer, or followed by a rejection of theirs. A rejection that was taken
    /// back revives no older approval.
    pub(super) fn is_dead(&self, approval: &Believed<Record>) -> bool {
        let later = |r: &&Believed<Record>| r.by == approval.by && r.order > approval.order;
        self.case.testimony.records.iter().filter(later).any(|r| match &r.said {
            Record::Revoke(revoke) => revoke.record == approval.digest,
            Record::Reject(_) => true,
            _ => false,
        })
    }

    /// Whether a signer has a right. Whoever was removed from the roster had it: a rejection outlives its signer's removal.
    fn has_right(&self, right: Right, stop: &Believed<impl Sized>) -> bool {
        match self.roles.get(&stop.by) {
            Some(roles) => self.policy.rights.has(right, roles.iter().map(String::as_str)),
            None => right == Right::Reject,
        }
    }

    /// What the voices for lifting a rejection lack; `None` where a quorum without the makers of the change lifted it.
    fn lacks_override(&self, persons: Option<&Voices>) -> Option<String> {
        let seats = self.terms.seats(&self.quorums());
        let filled = persons.map_or(0, |persons| fill(&seats, persons).len());
        (filled < seats.len() || seats.is_empty()).then(|| format!("{filled} of {} voices to override it", seats.len()))
    }

    /// The voices for lifting each rejection, by its place. Rejections in the same words have one digest, whoever signed them: each voice
    /// is for one of them, the last that stood and that the same person has not spoken about.
    fn overriding(&self, taken_back: &BTreeMap<usize, usize>) -> BTreeMap<usize, Voices> {
        let records = &self.case.testimony.records;
        let mut out: BTreeMap<usize, Voices> = BTreeMap::new();
        for record in records.iter().filter(|r| r.standing == Standing::Good && !self.parties.has(&r.by)) {
            let Record::OverrideReject(voice) = &record.said else { continue };
            if !self.roles.get(&record.by).is_some_and(|roles| roles.contains(&voice.role)) {
                continue;
            }
            let stood = |at: &usize| taken_back.get(at).is_none_or(|revocation| *revocation > record.order);
            let is_meant = |r: &&Believed<Record>| {
                matches!(r.said, Record::Reject(_)) && r.digest == voice.record && r.order < record.order
            };
            let mut meant = records.iter().filter(is_meant).map(|r| r.order).filter(stood);
            let is_new = |at: &usize| !out.get(at).is_some_and(|persons| persons.contains_key(&record.by));
            let Some(at) = meant.clone().rfind(is_new).or_else(|| meant.next_back()) else { continue };
            out.entry(at).or_default().entry(record.by.clone()).or_default().insert(voice.role.clone());
        }
        out
    }
}

/// Persons with the roles for which they spoke.
type Voices = BTreeMap<String, BTreeSet<String>>;

/// Rejections that stand, as reasons, and those that do not, in words.
pub(in crate::gate) fn rejections(bench: &Bench<'_>) -> (Vec<Reason>, Vec<String>) {
    let (mut reasons, mut notes) = (Vec::new(), Vec::new());
    let id = bench.case.id;
    let taken_back = bench.case.testimony.stops_taken_back();
    let overriding = bench.overriding(&taken_back);
    for record in &bench.case.testimony.records {
        let Record::Reject(reject) = &record.said else { continue };
        let (by, why) = (&record.by, &reject.reason);
        if !bench.has_right(Right::Reject, record) {
            notes.push(format!("the rejection of `{by}` does not count: they have no right to reject"));
        } else if taken_back.contains_key(&record.order) {
            notes.push(format!("the rejection of `{by}` was taken back; it revives no older approval of theirs"));
        } else if let Some(lack) = bench.lacks_override(overriding.get(&record.order)) {
            let message = format!("`{by}` rejected it: {why} ({lack})");
            let fix = format!(
                "`{by}` takes it back: `fwgate change revoke {id} --record {}`; or a quorum without the author lifts it: \
                 `fwgate change override-reject {id} --record {}`",
                record.digest, record.digest
            );
            reasons.push(Reason::new(ReasonCode::Rejected, message, fix));
        } else {
            notes.push(format!("the rejection of `{by}` was lifted by a quorum without the author"));
        }
    }
    (reasons, notes)
}

/// Holds that stand, as reasons, and those that do not, in words.
pub(in crate::gate) fn holds(bench: &Bench<'_>) -> (Vec<Reason>, Vec<String>) {
    let (mut reasons, mut notes) = (Vec::new(), Vec::new());
    let taken_back = bench.case.testimony.stops_taken_back();
    for record in &bench.case.testimony.records {
        if let Record::Hold(hold) = &record.said {
            match taken_back.contains_key(&record.order) {
                true => notes.push(format!("the hold of `{}` was taken back", record.by)),
                false => sort_hold(bench, record, hold, &mut reasons, &mut notes),
            }
        }
    }
    for record in bench.case.holds.iter().filter(|h| h.said.scope == Scope::All) {
        sort_hold(bench, record, &record.said, &mut reasons, &mut notes);
    }
    reasons.sort();
    reasons.dedup();
    (reasons, notes)
}

fn sort_hold(
    bench: &Bench<'_>,
    record: &Believed<impl Sized>,
    hold: &Hold,
    reasons: &mut Vec<Reason>,
    notes: &mut Vec<String>,
) {
    let (by, until) = (&record.by, hold.until);
    if !bench.has_right(Right::Hold, record) {
        return notes.push(format!("the hold of `{by}` does not count: they have no right to hold"));
    }
    if until <= bench.case.now {
        return notes.push(format!("the hold of `{by}` ended at {until}"));
    }
    let what = if hold.scope == Scope::All { "every change" } else { "it" };
    let message = format!("`{by}` holds {what} until {until}: {}", hold.reason);
    let fix = format!(
        "wait until {until}, or `{by}` takes it back: `fwgate change revoke {} --record {}`",
        bench.case.id, record.digest
    );
    reasons.push(Reason::new(ReasonCode::Held, message, fix));
}

/// The withdrawal by an author that no later announcement follows.
pub(in crate::gate) fn withdrawal(bench: &Bench<'_>) -> (Option<Reason>, Vec<String>) {
    let last = bench.parties.latest.map_or(0, |(b, _)| b.order);
    let mut notes = Vec::new();
    let mut found = None;
    for record in &bench.case.testimony.records {
        let Record::Withdraw(withdraw) = &record.said else { continue };
        let by = &record.by;
        if !bench.parties.authors.contains(by.as_str()) {
            notes.push(format!("`{by}` is not the author, so their withdrawal does not count"));
        } else if record.order > last {
            let message = format!("`{by}` withdrew it: {}", withdraw.reason);
            let fix = format!("the author announces it again: `fwgate change new {}`", bench.case.id);
            found = Some(Reason::new(ReasonCode::Withdrawn, message, fix));
        }
    }
    (found, notes)
}
