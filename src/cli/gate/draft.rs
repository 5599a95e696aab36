//! A change before it is announced: the same analysis as that of the gate, of what HEAD proposes.

use super::reading::{Changes, Read};
use super::session::Session;
use super::world::World;
use crate::cli::input::ChangeTrees;
use crate::gate::{Analysis, Chain, Change, Digest, Instant, Reason};
use crate::policy::ChangeRequest;
use crate::vcs::{CommitId, EvidenceSource};

/// What would be announced.
pub struct Drafted {
    /// The policy chain.
    pub chain: Chain,
    /// What the change does, where it can be judged.
    pub analysis: Option<std::sync::Arc<Analysis>>,
    /// The change file.
    pub request: Option<ChangeRequest>,
    /// The bytes of both sides.
    pub trees: Option<std::sync::Arc<ChangeTrees>>,
    /// Ids or addresses of everybody who signed or wrote a commit of the range.
    pub contributors: Vec<String>,
    /// Whether it changes the policy.
    pub is_of_policy: bool,
    /// What keeps it from being judged, and what both ends of its range do not show.
    pub obstacles: Vec<Reason>,
}

impl Session {
    /// Every change that has a branch of evidence: its id, its state, and what it does in words; by what was fetched last.
    pub fn all_changes(&self, now: Instant) -> Vec<(String, &'static str, String)> {
        let mut obstacles = Vec::new();
        let (world, tip) = self.world(now, &mut obstacles);
        let changes = Changes { session: self, world: &world, tip };
        let ids = world.ids();
        let row = |id: &str| {
            let (read, decision) = changes.standing(id);
            let says = read.announced.as_ref().map(|a| a.says.clone()).unwrap_or_default();
            (id.to_owned(), decision.state.name(), says)
        };
        ids.map(row).collect()
    }

    pub(super) fn world(&self, now: Instant, obstacles: &mut Vec<Reason>) -> (World, Option<CommitId>) {
        let tip = self.tip(obstacles);
        (self.read_world(tip, now, obstacles), tip)
    }

    /// The world by what was fetched last.
    pub(super) fn read_world(&self, tip: Option<CommitId>, now: Instant, obstacles: &mut Vec<Reason>) -> World {
        let branches = self.said(self.repository.evidence(&EvidenceSource::Fetched), obstacles).unwrap_or_default();
        let versions =
            tip.and_then(|tip| self.said(self.repository.policy_versions(tip), obstacles)).unwrap_or_default();
        let kept = self.said(super::closed_branches(&self.repository, &branches), obstacles).unwrap_or_default();
        let root = self.root_bytes.as_ref().ok().map(Vec::as_slice);
        World::read(root, now, (branches, kept), versions, &self.proven)
    }

    /// Analyses the range from `base` to `head` as the change `id` would be, by what was fetched last.
    pub fn draft(&self, id: &str, base: CommitId, head: CommitId, now: Instant) -> Drafted {
        let mut obstacles = Vec::new();
        let (world, tip) = self.world(now, &mut obstacles);
        let mut read = Read { announced: Some(pinned(id, base, head)), ..Read::default() };
        let changes = Changes { session: self, world: &world, tip };
        let filled = changes.fill(id, &mut read);
        changes.timed(&mut read, None);
        changes.passed(&mut read);
        obstacles.extend(read.obstacles);
        obstacles.extend(filled.err().into_iter().flatten());
        Drafted {
            chain: world.chain.clone(),
            analysis: read.analysis,
            request: read.request,
            trees: read.trees,
            contributors: read.contributors,
            is_of_policy: read.pending.is_some(),
            obstacles,
        }
    }
}

/// A record that says no more than what is asked about.
fn pinned(id: &str, base: CommitId, head: CommitId) -> Change {
    let nothing = Digest([0; 32]);
    Change {
        change: id.to_owned(),
        file: nothing,
        base: base.to_string(),
        head: head.to_string(),
        content: nothing,
        meaning: nothing,
        devices: Vec::new(),
        contributors: Vec::new(),
        says: String::new(),
    }
}
