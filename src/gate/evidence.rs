//! What the edge gathers and the gate judges: bytes and names, nothing of them believed yet.

use super::instant::Instant;
use super::record::Digest;
use crate::check::CheckReport;
use crate::vcs::{Branch, PolicyVersion};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The bytes of one device on one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceBytes {
    /// The device.
    pub device: String,
    /// Paths within the tree and bytes, sorted by path: the device's files and the role files that it is composed from.
    pub files: Vec<(String, Arc<[u8]>)>,
}

/// What was computed from the trees of a change before the gate is asked.
#[derive(Debug)]
pub struct Analysis {
    /// The verdict of the checks under the policy in force, with the change file's intents.
    pub report: CheckReport,
    /// Whether the checks refuse at the failing severity.
    pub is_refused: bool,
    /// The content digest of what would be pushed.
    pub content: Digest,
    /// The meaning digest.
    pub meaning: Digest,
    /// The effect in words: one line, the text of `says`.
    pub says: String,
    /// The devices that the change touches, sorted, with the digest of each one's proposed bytes.
    pub devices: Vec<(String, Digest)>,
    /// The same devices with the digests of their bytes in force: the way back.
    pub rollback: Vec<(String, Digest)>,
    /// What the effect is like, for the classes of change that depend on it.
    pub extent: Extent,
}

/// What the effect of a change is like, for the classes of change that depend on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Whether no packet passes that did not pass before, and none is translated in another way.
    pub closes_only: bool,
    /// One packet, or one device, of the effect that is not in the lab, in words; `None` where the whole effect lies in it.
    /// A policy without a lab has nothing in it.
    pub outside_lab: Option<String>,
    /// The named ranges of the policy that hold the source or the destination of some changed packet.
    pub touches: BTreeSet<String>,
    /// Ids (`FW206`) of everything that the checks find in the effect, declared by an intent or not.
    pub codes: BTreeSet<&'static str>,
    /// Devices whose environment, role or composition the proposal changes: a change of the policy.
    pub relabelled: BTreeSet<String>,
}

/// Everything that a decision about one change rests on.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The one clock reading.
    pub now: Instant,
    /// The bytes of the root file, where one was given from outside the repository.
    pub root: Option<Vec<u8>>,
    /// Versions of the policy on the protected branch, oldest first; the last is in the tip.
    pub policies: Vec<PolicyVersion>,
    /// The branches under `refs/heads/fwgate/` of the root's remote, by full name.
    pub branches: BTreeMap<String, Branch>,
    /// Why evidence is not whole: codes of `vcs` with their message and help, in order.
    pub obstacles: Vec<super::reason::Reason>,
}
