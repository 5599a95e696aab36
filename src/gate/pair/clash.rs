//! Everything in which scheduled changes stand in each other's way: by device, range and window.

use super::merge::{Merged, merged};
use super::{Pair, Planned, Terms, overlap, pairs};
use crate::gate::analysis::Library;
use crate::gate::calendar::Period;
use crate::gate::instant::Instant;
use crate::gate::reason::Reason;
use crate::packet::{Packet, Region};

/// In which way two changes stand in each other's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClashKind {
    /// They edit the same lines, or lines side by side.
    Text,
    /// They change the outcome of the same packets, in windows that overlap.
    Packets,
    /// The proof of one does not hold where the other one goes first.
    Proof,
    /// It could not be found out.
    Unproved,
}

impl ClashKind {
    /// As machines read it.
    pub fn name(self) -> &'static str {
        match self {
            ClashKind::Text => "text",
            ClashKind::Packets => "packets",
            ClashKind::Proof => "proof",
            ClashKind::Unproved => "unproved",
        }
    }
}

/// Two changes that stand in each other's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// Their ids, sorted.
    pub changes: [String; 2],
    /// In which way.
    pub kind: ClashKind,
    /// On which devices.
    pub devices: Vec<String>,
    /// In one sentence.
    pub message: String,
    /// What to do.
    pub fix: String,
    /// Packets of which both change the outcome: the smallest region of them.
    pub region: Option<Region>,
    /// One of these packets.
    pub witness: Option<Packet>,
    /// When both may go; `None` where one of them has no window yet, or their windows do not overlap.
    pub both: Option<Period>,
}

/// Every clash among changes. Only pairs that touch the same device are looked at.
pub fn clashes(changes: &[Planned<'_>], terms: Terms<'_>, library: &mut Library) -> Vec<Clash> {
    let mut out = Vec::new();
    for (one, other) in pairs(changes).into_iter().filter_map(|(a, b)| Some((changes.get(a)?, changes.get(b)?))) {
        out.extend(Pair { one, other, terms }.clashes(library));
    }
    out.sort_by(|a, b| (&a.changes, a.kind, &a.devices).cmp(&(&b.changes, b.kind, &b.devices)));
    out
}

impl Pair<'_> {
    fn clashes(&self, library: &mut Library) -> Vec<Clash> {
        let (mut out, mut together) = (Vec::new(), Vec::new());
        let shared = self.shared();
        let known = match self.inventories() {
            Ok(known) => known,
            Err(reason) => return vec![self.by_reason(ClashKind::Unproved, &shared, reason)],
        };
        let beside = match self.beside_together() {
            Ok(beside) => beside,
            Err(path) => {
                return vec![Clash { devices: shared, ..self.clash(ClashKind::Text, &path, "edit the same lines of") }];
            }
        };
        for device in &shared {
            let [base, one, other] = self.bytes(device);
            match merged(device, base, one, other) {
                Merged::Cleanly(bytes) => together.extend(bytes),
                Merged::Side(bytes) => {
                    together.extend(bytes);
                    out.push(self.clash(ClashKind::Text, device, "edit neighbouring lines of"));
                }
                Merged::Not => {
                    out.push(self.clash(ClashKind::Text, device, "edit the same lines of"));
                    return out;
                }
            }
            match overlap::common(library, known.with([base, one, other]), self.terms.bounds) {
                Ok(Some(common)) if self.at_one_time() => {
                    let clash = self.clash(ClashKind::Packets, device, "change the outcome of the same packets on");
                    out.push(Clash { region: common.region, witness: common.witness, ..clash });
                }
                Ok(_) => {}
                Err(reason) => out.push(self.by_reason(ClashKind::Unproved, std::slice::from_ref(device), reason)),
            }
        }
        for (own, first) in [(self.one, self.other), (self.other, self.one)] {
            let reason = self.proof((own, first), &shared, (&together, &beside), library);
            out.extend(reason.map(|reason| {
                let is_stale = reason.code == crate::gate::ReasonCode::ProofStale;
                self.by_reason(if is_stale { ClashKind::Proof } else { ClashKind::Unproved }, &shared, reason)
            }));
        }
        out
    }

    fn clash(&self, kind: ClashKind, device: &str, what: &str) -> Clash {
        let (one, other) = (self.one.id, self.other.id);
        let message = format!("`{one}` and `{other}` {what} `{device}`");
        let fix = match self.shared_time() {
            Some(_) => format!(
                "fwgate change schedule {other} --start TIME --end TIME, or apply or withdraw one of them first"
            ),
            None => format!("apply or withdraw one of them first: `fwgate change withdraw {other}`"),
        };
        self.made(kind, vec![device.to_owned()], message, fix)
    }

    fn by_reason(&self, kind: ClashKind, devices: &[String], reason: Reason) -> Clash {
        self.made(kind, devices.to_vec(), reason.message, reason.fix)
    }

    fn made(&self, kind: ClashKind, devices: Vec<String>, message: String, fix: String) -> Clash {
        let mut changes = [self.one.id.to_owned(), self.other.id.to_owned()];
        changes.sort();
        Clash { changes, kind, devices, message, fix, region: None, witness: None, both: self.shared_time() }
    }

    /// When both may go.
    fn shared_time(&self) -> Option<Period> {
        let ((a, b), (c, d)) = self.one.window.zip(self.other.window)?;
        let (start, end): (Instant, Instant) = (a.max(c), b.min(d));
        (start < end).then_some(Period { start, end })
    }
}
