//! What the gate says of a change.

use super::calendar::Period;
use super::instant::Instant;
use super::quorum::Counted;
use super::reason::{Reason, ReasonCode};
use super::record::Digest;
use crate::policy::ChangeClass;

/// Where a change stands, computed at every call (the first that fits from the bottom of its life).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum State {
    Draft,
    Staged,
    Vetted,
    Approved,
    Scheduled,
    Permitted,
    Pushing,
    Confirming,
    Applied,
    Closed,
    Stale,
    Rejected,
    Withdrawn,
    Expired,
    Frozen,
    Held,
    Partial,
    RolledBack,
    ReviewDue,
}

impl State {
    /// Whether nothing more comes of a change, unless somebody takes a word back.
    pub fn is_over(self) -> bool {
        use State::{Applied, Closed, Rejected, RolledBack, Withdrawn};
        matches!(self, Applied | Closed | Rejected | RolledBack | Withdrawn)
    }

    /// As reports write it: `ROLLED-BACK`.
    pub fn name(self) -> &'static str {
        match self {
            State::Draft => "DRAFT",
            State::Staged => "STAGED",
            State::Vetted => "VETTED",
            State::Approved => "APPROVED",
            State::Scheduled => "SCHEDULED",
            State::Permitted => "PERMITTED",
            State::Pushing => "PUSHING",
            State::Confirming => "CONFIRMING",
            State::Applied => "APPLIED",
            State::Closed => "CLOSED",
            State::Stale => "STALE",
            State::Rejected => "REJECTED",
            State::Withdrawn => "WITHDRAWN",
            State::Expired => "EXPIRED",
            State::Frozen => "FROZEN",
            State::Held => "HELD",
            State::Partial => "PARTIAL",
            State::RolledBack => "ROLLED-BACK",
            State::ReviewDue => "REVIEW-DUE",
        }
    }
}

/// One part of a quorum that is not met yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The role.
    pub role: String,
    /// How many approvals of it are needed.
    pub needed: u32,
    /// How many there are.
    pub counted: u32,
    /// Ids of persons who could give the next one.
    pub eligible: Vec<String>,
}

/// The gate's answer about one change at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Everything that stands against a permit; a permit may be given if and only if this is empty.
    pub reasons: Vec<Reason>,
    /// Where the change stands.
    pub state: State,
    /// What the quorum lacks.
    pub missing: Vec<Missing>,
    /// What was noticed and stands against nothing: ignored records, carried approvals, in words.
    pub notes: Vec<String>,
    /// The class by which it was judged.
    pub class: ChangeClass,
    /// The approvals that fill the quorum, sorted.
    pub counted: Vec<Counted>,
    /// The vetting receipts that prove the bytes, by digest, sorted.
    pub vetting: Vec<Digest>,
    /// The window of the change, where it has one; a change of the policy, and an emergency, has none.
    pub window: Option<Period>,
    /// The last instant at which a permit given now may be spent: the end of the window, of the emergency, or of the
    /// permit's lifetime, whichever is first.
    pub permit_until: Instant,
}

impl Decision {
    /// Whether the change has come to its end and devices run it, so that nothing is left to be permitted.
    pub fn is_over(&self) -> bool {
        let has_ended = matches!(self.state, State::Applied | State::Closed);
        has_ended && !self.reasons.is_empty() && self.reasons.iter().all(|r| r.code == ReasonCode::EmptyChange)
    }

    /// Whether a permit may be given.
    pub fn is_granted(&self) -> bool {
        self.reasons.is_empty()
    }
}
