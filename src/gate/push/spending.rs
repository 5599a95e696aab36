//! How far a permit has been spent, as the ledger tells it.

use super::super::instant::Instant;
use super::super::permit::Permit;
use super::super::reason::{Reason, ReasonCode};
use super::super::record::{Claim, Digest, LedgerEntry, ResultKind};

/// What became of a permit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spending<'a> {
    /// Nobody has claimed it.
    Unspent,
    /// A run began and did not finish; the latest claim counts.
    Claimed(&'a Claim),
    /// A run is over: the permit is worth nothing any more.
    Finished,
}

impl<'a> Spending<'a> {
    /// What the ledger says of the permit with this nonce.
    pub fn of(entries: &'a [LedgerEntry], nonce: &str) -> Spending<'a> {
        let mut spending = Spending::Unspent;
        for entry in entries {
            match entry {
                LedgerEntry::Finish(finish) if finish.nonce == nonce => return Spending::Finished,
                LedgerEntry::Claim(claim) if claim.nonce == nonce => spending = Spending::Claimed(claim),
                _ => {}
            }
        }
        spending
    }

    /// What stands against a run of this holder that begins or goes on at `now`.
    pub fn objection(&self, run: &str, holder: &str, now: Instant) -> Option<Reason> {
        match self {
            Spending::Unspent => None,
            Spending::Finished => {
                let message = "the permit has been spent";
                Some(Reason::new(ReasonCode::PermitSpent, message, "take another one: fwgate permit CHANGE"))
            }
            Spending::Claimed(claim) if claim.run == run => None,
            Spending::Claimed(claim) if now <= claim.lease => {
                let message =
                    format!("the run {} of `{}` has claimed the permit until {}", claim.run, claim.holder, claim.lease);
                Some(Reason::new(
                    ReasonCode::PermitClaimed,
                    message,
                    "wait until that run is over or its lease has run out",
                ))
            }
            Spending::Claimed(claim) if claim.holder != holder => {
                let message =
                    format!("`{}` has begun to spend the permit, and only the same holder may go on", claim.holder);
                Some(Reason::new(ReasonCode::PermitWrongHolder, message, "let that holder go on, or roll back"))
            }
            Spending::Claimed(_) => None,
        }
    }
}

/// What was last written of a device: by the runs of this permit, or by those of an earlier permit of the same change that
/// applied the same bytes.
pub(super) fn last_result(
    entries: &[LedgerEntry],
    permit: &Permit,
    device: &str,
    proposal: Digest,
) -> Option<ResultKind> {
    let result = |entry: &LedgerEntry| match entry {
        LedgerEntry::Result(result) if result.device == device && result.change == permit.change => {
            let is_same = result.result == ResultKind::Applied && result.bytes == proposal;
            (result.nonce == permit.nonce || is_same).then_some(result.result)
        }
        _ => None,
    };
    entries.iter().rev().find_map(result)
}

/// A run of another permit that is still busy with one of these devices.
pub(super) fn other_run(entries: &[LedgerEntry], nonce: &str, devices: &[&str], now: Instant) -> Option<Reason> {
    let wanted: std::collections::BTreeSet<&str> = devices.iter().copied().collect();
    let busy = |entry: &LedgerEntry| match entry {
        LedgerEntry::Claim(claim) if claim.nonce != nonce && now <= claim.lease => {
            let is_over = matches!(Spending::of(entries, &claim.nonce), Spending::Finished);
            let shared = claim.devices.iter().find(|d| wanted.contains(d.as_str())).filter(|_| !is_over)?;
            let message = format!("a run for {} is busy with `{shared}` until {}", claim.change, claim.lease);
            Some(Reason::new(ReasonCode::Conflict, message, "wait until that run is over"))
        }
        _ => None,
    };
    entries.iter().find_map(busy)
}
