//! What a decision about one change is computed from, once commits have been believed and trees analysed.

use super::believed::{Believed, Testimony};
use super::chain::{Chain, Pending};
use super::evidence::Analysis;
use super::instant::Instant;
use super::reason::Reason;
use super::record::{Digest, Hold};
use crate::policy::{ChangeRequest, Environment};
use std::collections::BTreeMap;

/// A device that a change touches, with the facts that the protected branch gives about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetDevice {
    /// Its name.
    pub device: String,
    /// Its role and the roles that it is composed from.
    pub roles: Vec<String>,
    /// What it is there for.
    pub environment: Environment,
}

/// How far a change has come by what the ledger and receipts say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Progress {
    /// No permit of it is known.
    #[default]
    None,
    /// A permit can be spent.
    Permitted,
    /// A run spends one.
    Pushing,
    /// Devices wait for their confirmation.
    Confirming,
    /// Every device has a receipt.
    Applied,
    /// Some device has none, and no run is going on.
    Partial,
    /// Every device has the baseline again.
    RolledBack,
    /// It is in the log.
    Closed,
}

/// The review that an emergency owes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Debt {
    /// The emergency.
    pub change: String,
    /// When it is due.
    pub due: Instant,
}

/// A device whose last push left it without a receipt, and which is not in quarantine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unconverged {
    /// The device.
    pub device: String,
    /// The change that was pushed.
    pub change: String,
}

/// Another open change, as far as it can be in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its id.
    pub id: String,
    /// Its devices.
    pub devices: Vec<String>,
    /// Whether its quorum is met, or more.
    pub is_approved: bool,
    /// When the ledger first witnessed its announcement.
    pub announced: Option<Instant>,
    /// How far it has come.
    pub progress: Progress,
    /// What [`beside`](super::beside) says against this change because of that one: CONFLICT, PROOF_STALE, obstacles.
    pub beside: Vec<Reason>,
    /// Whether it is an emergency that one person declared alone.
    pub is_solo: bool,
}

/// Everything about one change at one instant.
#[derive(Clone, Copy, Debug)]
pub struct Dossier<'a> {
    /// Its id: that of its branch.
    pub id: &'a str,
    /// The one clock reading.
    pub now: Instant,
    /// The policy chain.
    pub chain: &'a Chain,
    /// What stands against a permit before anything is judged: obstacles of the edge, the ledger's state, unreadable input.
    pub obstacles: &'a [Reason],
    /// The change file of the proposal; `None` where there is none or it was not understood, which an obstacle says.
    pub request: Option<&'a ChangeRequest>,
    /// What is on its branch.
    pub testimony: &'a Testimony,
    /// What was computed from the trees; `None` for a change of the policy, and where an obstacle says why.
    pub analysis: Option<&'a Analysis>,
    /// The version of the policy that it proposes, where it changes the policy.
    pub pending: Option<&'a Pending>,
    /// The devices that it touches.
    pub targets: &'a [TargetDevice],
    /// Paths of the repository that the author's part changes (merge base to head).
    pub paths: &'a [String],
    /// Ids or addresses of everybody who signed or wrote a commit of the pinned range, as the gate itself found them; those that
    /// `change` records name count beside them.
    pub contributors: &'a [String],
    /// What the author of each announcement edited, by its place on the branch, as `change_edits` gives it; an announcement whose
    /// commits are not in the repository has none. `None` where there is no repository to look at, as in an audit.
    pub edits: Option<&'a BTreeMap<usize, Digest>>,
    /// Holds of all changes, from the branches of other changes.
    pub holds: &'a [Believed<Hold>],
    /// Ids of all changes that have a branch of evidence.
    pub ids: &'a [String],
    /// Other open changes.
    pub neighbours: &'a [Neighbour],
    /// How far it has come.
    pub progress: Progress,
    /// When it was taken back: its approvals are used up.
    pub taken_back: Option<Instant>,
    /// Whether every device gets bytes that a receipt says it had before.
    pub restores: bool,
    /// Devices that have not converged.
    pub unconverged: &'a [Unconverged],
    /// Reviews that emergencies owe.
    pub debts: &'a [Debt],
}
