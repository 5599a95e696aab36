//! What the rules passed so far have changed for all packets of a cell: marks bit by bit, rewritten fields,
//! conntrack exemption, the translation.

use super::environment::ROUTED_TTL;
use super::interpret::merge_translation;
use super::model::*;
use crate::packet::{Field, Ranges};
use smallvec::SmallVec;
use std::rc::Rc;

/// A mark as a function of the marks on arrival, bit by bit: each bit is the exclusive or of the arrival bits
/// that are selected and a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct MarkBits {
    pub(super) mark: u32,
    pub(super) connmark: u32,
    pub(super) flip: u32,
}

/// Changes made so far. The default is none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Env {
    pub(super) mark: MarkBits,
    pub(super) connmark: MarkBits,
    pub(super) rewrites: SmallVec<[(Field, Rewrite); 2]>,
    /// Exempt from conntrack.
    pub untracked: bool,
    /// Routing has taken one off the TTL, where walks keep count of that.
    pub one_hop_on: bool,
    /// What has been translated of the connection that the packet sets up.
    pub translation: Option<Rc<Translation>>,
}

impl Default for Env {
    fn default() -> Env {
        Env {
            mark: MarkBits { mark: u32::MAX, connmark: 0, flip: 0 },
            connmark: MarkBits { mark: 0, connmark: u32::MAX, flip: 0 },
            rewrites: SmallVec::new(),
            untracked: false,
            one_hop_on: false,
            translation: None,
        }
    }
}

impl Env {
    /// Whether what rules see of the field differs from what the packet had on arrival.
    pub fn rewrites(&self, field: Field) -> bool {
        self.rewrites.iter().any(|(f, _)| *f == field)
    }

    /// The changes of a field, in order; more than one only where no single change says the same.
    pub(super) fn changes_of(&self, field: Field) -> SmallVec<[&Rewrite; 2]> {
        self.rewrites.iter().filter(|(f, _)| *f == field).map(|(_, r)| r).collect()
    }

    /// The environment of a walk that begins inside a stage: fields are what its rules see.
    pub fn inside_a_stage() -> Env {
        Env { one_hop_on: true, ..Env::default() }
    }

    /// This environment after routing sent the packets on.
    pub fn routed(&self) -> Env {
        Env { one_hop_on: true, ..self.with_rewrite(Field::Ttl, &ROUTED_TTL) }
    }

    /// This environment after the packets were exempted from conntrack.
    pub fn untracked(&self) -> Env {
        Env { untracked: true, ..self.clone() }
    }

    /// This environment after a field was rewritten.
    pub fn with_rewrite(&self, field: Field, rewrite: &Rewrite) -> Env {
        let mut out = self.clone();
        if let (Field::Mark | Field::ConnMark, Some(value)) = (field, only_value(rewrite)) {
            return out.with_mark(field, 0, 0, value);
        }
        let mut changes: SmallVec<[Rewrite; 2]> = self.changes_of(field).into_iter().cloned().collect();
        let combined = match (changes.last(), rewrite) {
            (_, Rewrite::To(_)) | (None, _) => {
                changes.clear();
                rewrite.clone()
            }
            (Some(Rewrite::Add(a)), Rewrite::Add(b)) if a.signum() * b.signum() < 0 => {
                // Up and down again is not the sum where the one end is reached in between.
                changes.push(rewrite.clone());
                rewrite.clone()
            }
            (Some(Rewrite::To(old)), change) => Rewrite::To(image(old, change)),
            (Some(Rewrite::Add(a)), Rewrite::Add(b)) => Rewrite::Add(a.saturating_add(*b)),
            (Some(Rewrite::Masked { keep: k, xor: x }), Rewrite::Masked { keep, xor }) => {
                Rewrite::Masked { keep: k & keep, xor: (x & keep) ^ xor }
            }
            (Some(Rewrite::Prefix { base: b, host: h }), Rewrite::Prefix { base, host }) => {
                Rewrite::Prefix { base: base | (b & host), host: h & host }
            }
            // No dialect combines different kinds on one field; the full range claims nothing.
            (Some(_), _) => Rewrite::To(Ranges::range(0, u128::MAX)),
        };
        changes.pop();
        changes.push(combined);
        out.rewrites.retain(|(f, _)| *f != field);
        out.rewrites.extend(changes.into_iter().map(|change| (field, change)));
        out.rewrites.sort_by_key(|(f, _)| *f);
        out
    }

    /// This environment after a mark was changed.
    pub fn with_mark(&self, field: Field, keep: u32, take: u32, xor: u32) -> Env {
        let (own, other) = if field == Field::Mark { (self.mark, self.connmark) } else { (self.connmark, self.mark) };
        let new = MarkBits {
            mark: (own.mark & keep) ^ (other.mark & take),
            connmark: (own.connmark & keep) ^ (other.connmark & take),
            flip: (own.flip & keep) ^ (other.flip & take) ^ xor,
        };
        let mut out = self.clone();
        *(if field == Field::Mark { &mut out.mark } else { &mut out.connmark }) = new;
        if keep == 0 && take == 0 {
            out.rewrites.retain(|(f, _)| *f != field);
        }
        out
    }

    /// This environment after the packet's connection was translated; `recorded` says whether it is the packet
    /// that sets up the connection.
    pub fn with_translation(&self, t: &Translation, recorded: Recorded) -> Env {
        let mut out = self.clone();
        for (field, rewrite) in
            [(Field::Src, &t.src), (Field::Dst, &t.dst), (Field::Sport, &t.sport), (Field::Dport, &t.dport)]
        {
            if let Some(rewrite) = rewrite {
                out = out.with_rewrite(field, rewrite);
            }
        }
        if recorded == Recorded::Yes {
            let mut merged = self.translation.as_deref().cloned().unwrap_or_default();
            merge_translation(&mut merged, t);
            out.translation = Some(Rc::new(merged));
        }
        out
    }
}

/// Whether a translation is part of the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The packet sets up the connection.
    Yes,
    /// It follows a connection that was translated before.
    No,
}

/// The value that a mark certainly has afterwards.
fn only_value(rewrite: &Rewrite) -> Option<u32> {
    match rewrite {
        Rewrite::To(to) => match to.as_slice() {
            [(lo, hi)] if lo == hi => u32::try_from(*lo).ok(),
            _ => None,
        },
        _ => None,
    }
}

/// All values that a change can give to one of `old`; only small domains reach this.
pub(super) fn image(old: &Ranges, change: &Rewrite) -> Ranges {
    let small = old.len() <= 256;
    let apply = |v: u128| match change {
        Rewrite::Add(by) => (v as i128 + i128::from(*by)).clamp(0, 255) as u128,
        Rewrite::Prefix { base, host } => base | (v & host),
        Rewrite::Masked { keep, xor } => (v & keep) ^ xor,
        Rewrite::To(_) => v,
    };
    match (small, change) {
        (_, Rewrite::To(to)) => to.clone(),
        (true, _) => Ranges::from_values(old.as_slice().iter().flat_map(|&(lo, hi)| lo..=hi).map(apply)),
        (false, Rewrite::Prefix { base, host }) => Ranges::range(*base, base | host),
        (false, _) => Ranges::range(0, 255),
    }
}
impl MarkBits {
    pub(super) fn mask_without(self, bit: u32) -> u32 {
        self.mark & !bit
    }
}
