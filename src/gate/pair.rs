//! Scheduled changes beside each other: whether two of them touch the same, and whether the proof of each still holds
//! where the other one goes first.
//!
//! Only devices that both touch can make a difference, because every packet and every requirement is judged by one device; so
//! hundreds of scheduled changes cost what their shared devices cost.

mod clash;
mod merge;
mod overlap;

pub use clash::{Clash, ClashKind, clashes};

use super::analysis::{BesideDevices, Case, Library, analyse_within, targets};
use super::estate::inventory_of;
use super::evidence::{Analysis, DeviceBytes};
use super::instant::Instant;
use super::reason::{Reason, ReasonCode};
use crate::check::Goes;
use crate::diff::Bounds;
use crate::finding::Severity;
use crate::fleet::tree::TreeFile;
use crate::inventory::Inventory;
use crate::policy::{ChangeRequest, Policy};
use crate::ruleset::Unreadable;
use merge::{Merged, merged, merged_beside};
use std::collections::{BTreeMap, BTreeSet};

/// A change that is scheduled, or asks to be.
#[derive(Clone, Copy, Debug)]
pub struct Planned<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its window, begin and end; one that has none yet may go at any time.
    pub window: Option<(Instant, Instant)>,
    /// Devices as they are in force; those that the change does not touch may be left out.
    pub baseline: &'a [DeviceBytes],
    /// The same devices as the change proposes them.
    pub proposal: &'a [DeviceBytes],
    /// What stands beside the devices: on the protected branch, and as the change proposes it.
    pub beside: &'a [Vec<TreeFile>; 2],
    /// The change request.
    pub request: &'a ChangeRequest,
}

/// What all analyses of pairs share.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The policy in force.
    pub policy: &'a Policy,
    /// When comparisons give up.
    pub bounds: Bounds,
    /// The instant, by whose day in UTC waivers are judged.
    pub now: Instant,
}

/// What stands against each change beside the others, by id: CONFLICT, PROOF_STALE, and what could not be analysed.
/// Changes against which nothing stands are left out. `of` restricts the answer to one change.
pub fn beside(
    changes: &[Planned<'_>],
    of: Option<&str>,
    terms: Terms<'_>,
    library: &mut Library,
) -> BTreeMap<String, Vec<Reason>> {
    let mut out: BTreeMap<String, BTreeSet<Reason>> = BTreeMap::new();
    for (one, other) in pairs(changes).into_iter().filter_map(|(a, b)| Some((changes.get(a)?, changes.get(b)?))) {
        if of.is_some_and(|id| id != one.id && id != other.id) {
            continue;
        }
        for (id, reason) in (Pair { one, other, terms }).reasons(library) {
            out.entry(id).or_default().insert(reason);
        }
    }
    let wanted = |id: &String| of.is_none_or(|of| of == id);
    out.into_iter().filter(|(id, _)| wanted(id)).map(|(id, reasons)| (id, reasons.into_iter().collect())).collect()
}

/// Indices of the pairs that share a device, each once.
fn pairs(changes: &[Planned<'_>]) -> BTreeSet<(usize, usize)> {
    let mut by_device: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, change) in changes.iter().enumerate() {
        for target in targets(change.baseline, change.proposal) {
            by_device.entry(target.device).or_default().push(at);
        }
    }
    let of_device = |all: Vec<usize>| {
        let with_later = |(n, a): (usize, &usize)| all.iter().skip(n + 1).map(|b| (*a, *b)).collect::<Vec<_>>();
        all.iter().enumerate().flat_map(with_later).collect::<Vec<_>>()
    };
    by_device.into_values().flat_map(of_device).collect()
}

struct Pair<'a> {
    one: &'a Planned<'a>,
    other: &'a Planned<'a>,
    terms: Terms<'a>,
}

impl Pair<'_> {
    fn reasons(&self, library: &mut Library) -> Vec<(String, Reason)> {
        let mut out = Vec::new();
        let known = match self.inventories() {
            Ok(known) => known,
            Err(reason) => {
                self.both(&mut out, reason);
                return out;
            }
        };
        let beside = match self.beside_together() {
            Ok(beside) => beside,
            Err(path) => {
                self.conflict(&mut out, &path, "text", "edit the same lines of");
                return out;
            }
        };
        let shared = self.shared();
        let mut together = Vec::new();
        for device in &shared {
            let [base, one, other] = self.bytes(device);
            match merged(device, base, one, other) {
                Merged::Cleanly(bytes) => together.extend(bytes),
                Merged::Side(bytes) => {
                    together.extend(bytes);
                    self.conflict(&mut out, device, "text", "edit neighbouring lines of");
                }
                Merged::Not => {
                    self.conflict(&mut out, device, "text", "edit the same lines of");
                    return out;
                }
            }
            match overlap::overlaps(library, known.with([base, one, other]), self.terms.bounds) {
                Ok(true) if self.at_one_time() => {
                    self.conflict(&mut out, device, "packets", "change the outcome of the same packets on");
                }
                Ok(_) => {}
                Err(reason) => self.both(&mut out, reason),
            }
        }
        for (own, first) in [(self.one, self.other), (self.other, self.one)] {
            let reason = self.proof((own, first), &shared, (&together, &beside), library);
            out.extend(reason.map(|reason| (own.id.to_owned(), reason)));
        }
        out
    }

    /// The inventories in force, and as each of the two proposes it.
    fn inventories(&self) -> Result<Inventories, Reason> {
        let [base, one] = self.one.beside;
        let read = |files: &[TreeFile]| inventory_of(self.terms.policy, files).map_err(|unread| unread_beside(&unread));
        Ok(Inventories([read(base)?, read(one)?, read(&self.other.beside[1])?]))
    }

    /// What stands beside the devices when both have gone; the path of a file whose lines both edit.
    fn beside_together(&self) -> Result<Vec<TreeFile>, String> {
        let [base, one] = self.one.beside;
        merged_beside(base, one, &self.other.beside[1])
    }

    /// Devices that both touch.
    fn shared(&self) -> Vec<String> {
        let names = |p: &Planned<'_>| -> BTreeSet<String> {
            targets(p.baseline, p.proposal).into_iter().map(|t| t.device).collect()
        };
        names(self.one).intersection(&names(self.other)).cloned().collect()
    }

    /// A device in force, and as each of the two proposes it.
    fn bytes(&self, device: &str) -> [Option<&DeviceBytes>; 3] {
        [self.one.baseline, self.one.proposal, self.other.proposal].map(|side| find(side, device))
    }

    fn at_one_time(&self) -> bool {
        match (self.one.window, self.other.window) {
            (Some((a, b)), Some((c, d))) => a < d && c < b,
            _ => true,
        }
    }

    fn conflict(&self, out: &mut Vec<(String, Reason)>, device: &str, detail: &str, what: &str) {
        for (own, other) in [(self.one, self.other), (self.other, self.one)] {
            let message = format!("`{}` and `{}` {what} `{device}`", own.id, other.id);
            let fix = format!("apply or withdraw one of them first: `fwgate change withdraw {}`", own.id);
            out.push((own.id.to_owned(), Reason::new(ReasonCode::Conflict, message, fix).detail(detail)));
        }
    }

    fn both(&self, out: &mut Vec<(String, Reason)>, reason: Reason) {
        out.push((self.one.id.to_owned(), reason.clone()));
        out.push((self.other.id.to_owned(), reason));
    }

    /// Whether a change's proof still holds where another one has gone first.
    fn proof(
        &self,
        (own, first): (&Planned<'_>, &Planned<'_>),
        shared: &[String],
        (together, beside): (&[DeviceBytes], &[TreeFile]),
        library: &mut Library,
    ) -> Option<Reason> {
        let only = |side: &[DeviceBytes]| -> Vec<DeviceBytes> {
            shared.iter().filter_map(|d| find(side, d).cloned()).collect()
        };
        let [in_force, proposed] = own.beside;
        let alone = self.analysis(own, (&only(own.baseline), in_force), (&only(own.proposal), proposed), library);
        let after = self.analysis(own, (&only(first.proposal), &first.beside[1]), (together, beside), library);
        let fix = format!("apply `{}` first and judge `{}` again, or withdraw one", first.id, own.id);
        let stale = |what: String| Some(Reason::new(ReasonCode::ProofStale, what, fix.clone()));
        match (alone, after) {
            (Ok(alone), Ok(after)) => match new_failure(&alone, &after) {
                Some(message) => stale(format!("with `{}` applied first, `{}` fails: {message}", first.id, own.id)),
                None if alone.meaning != after.meaning => {
                    stale(format!("with `{}` applied first, `{}` has another effect", first.id, own.id))
                }
                None => None,
            },
            (Ok(_), Err(reasons)) => match reasons.into_iter().next() {
                Some(reason) if reason.code == ReasonCode::EmptyChange => {
                    stale(format!("with `{}` applied first, `{}` changes nothing", first.id, own.id))
                }
                other => other,
            },
            (Err(reasons), _) => reasons.into_iter().next(),
        }
    }

    fn analysis(
        &self,
        own: &Planned<'_>,
        (baseline, in_force): (&[DeviceBytes], &[TreeFile]),
        (proposal, proposed): (&[DeviceBytes], &[TreeFile]),
        library: &mut Library,
    ) -> Result<Analysis, Vec<Reason>> {
        let case = Case {
            repository: "",
            baseline,
            proposal,
            base: &[],
            policy: self.terms.policy,
            request: own.request,
            canonical_request: "",
            bounds: self.terms.bounds,
            today: self.terms.now.date(),
        };
        let now = Some(self.terms.now.0);
        let around = BesideDevices { baseline: in_force, proposal: proposed, now, goes: Goes::Unknown };
        analyse_within(&case, &around, library)
    }
}

/// The inventories of three sides: in force, and as two changes propose it.
struct Inventories([Option<Inventory>; 3]);

impl Inventories {
    /// Each side of a device with the inventory that completes its facts.
    fn with<'s>(&'s self, sides: [Option<&'s DeviceBytes>; 3]) -> [overlap::Version<'s>; 3] {
        let mut known = self.0.iter();
        sides.map(|bytes| (bytes, known.next().and_then(Option::as_ref)))
    }
}

fn unread_beside(unread: &Unreadable) -> Reason {
    let first = unread.problems.first().map_or_else(String::new, |p| format!(": {}", p.message));
    Reason::new(ReasonCode::UnparsedInput, format!("the inventory is not understood{first}"), "mend its snapshots")
}

fn find<'d>(side: &'d [DeviceBytes], device: &str) -> Option<&'d DeviceBytes> {
    side.iter().find(|d| d.device == device)
}

/// A requirement or prohibition that fails now and did not without the other change.
fn new_failure(alone: &Analysis, after: &Analysis) -> Option<String> {
    let failing = |analysis: &Analysis| -> BTreeMap<(String, &'static str), String> {
        let own = analysis.report.findings.iter().filter(|f| f.severity >= Severity::Error && f.device.is_some());
        own.filter_map(|f| Some(((f.requirement.clone()?, f.code.id), f.message.clone()))).collect()
    };
    let known = failing(alone);
    failing(after).into_iter().find(|(key, _)| !known.contains_key(key)).map(|(_, message)| message)
}

#[cfg(test)]
mod tests;
