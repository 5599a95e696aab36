//! From the root's remote to a decision.

use super::reading::{Changes, Read};
use super::session::Session;
use super::world::{World, change_of};
use crate::cli::input::{ChangeTrees, bytes_of};
use crate::dialect::nearest;
use crate::gate::{
    Analysis, Chain, Change, Decision, InForce, Instant, Ledger, Log, Reason, ReasonCode, ResultKind, Roster,
    TargetDevice, Testimony, device_digest, inventory_of,
};
use crate::inventory::Inventory;
use crate::policy::{ChangeRequest, Policy};
use crate::vcs::{Branch, EvidenceSource};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Everything that was gathered about one change, and what the gate says of it.
pub struct Gathered {
    /// The one clock reading.
    pub now: Instant,
    /// The policy chain.
    pub chain: Chain,
    /// Who may do what.
    pub roster: Roster,
    /// The ledger.
    pub ledger: Ledger,
    /// What is kept of changes that came to an end.
    pub log: Log,
    /// The branches of evidence.
    pub branches: BTreeMap<String, Branch>,
    /// What is on the change's branch.
    pub testimony: Testimony,
    /// The announcement that counts.
    pub announced: Option<Change>,
    /// The bytes of both sides.
    pub trees: Option<Arc<ChangeTrees>>,
    /// The change file.
    pub request: Option<ChangeRequest>,
    /// What the change does.
    pub analysis: Option<Arc<Analysis>>,
    /// Every device of the protected branch, and those that are new.
    pub fleet: Vec<TargetDevice>,
    /// The devices that the change touches.
    pub targets: Vec<TargetDevice>,
    /// What is in force on each device that the ledger, or a quorum that adopted it, knows.
    pub in_force: BTreeMap<String, InForce>,
    /// The answer.
    pub decision: Decision,
}

impl Gathered {
    /// The policy that the decision used.
    pub fn policy(&self) -> Option<&Policy> {
        self.chain.policy()
    }

    /// The roles of a device of the change, as the protected branch gives them.
    pub fn roles_of(&self, device: &str) -> &[String] {
        let target = self.targets.iter().find(|t| t.device == device);
        target.map(|t| t.roles.as_slice()).unwrap_or_default()
    }

    /// The inventories of the protected branch and of the proposal, where there are any that can be read; what cannot be read
    /// refuses the change in its analysis.
    pub fn inventories(&self) -> [Option<Inventory>; 2] {
        let (Some(trees), Some(policy)) = (&self.trees, self.policy()) else { return [None, None] };
        trees.beside.each_ref().map(|files| inventory_of(policy, files).ok().flatten())
    }
}

impl Session {
    /// Fetches, reads, analyses and decides.
    pub fn gather(&self, id: &str, now: Instant) -> Gathered {
        let mut obstacles: Vec<Reason> = Vec::new();
        obstacles.extend(self.root_bytes.as_ref().err().cloned());
        obstacles.extend(self.fetch());
        self.judge(id, now, obstacles)
    }

    /// The same without asking the remote: by what was fetched last.
    pub fn judge(&self, id: &str, now: Instant, mut obstacles: Vec<Reason>) -> Gathered {
        let source = EvidenceSource::Fetched;
        obstacles.extend(self.conditions());
        let protected = self.root.as_ref().map(|r| r.protected.clone());
        let tip = protected
            .as_deref()
            .and_then(|name| self.said(self.repository.remote_branch(&source, name), &mut obstacles))
            .flatten();
        if let Some(name) = &protected {
            self.said(self.repository.refuse_shadows(&source, name), &mut obstacles);
        }
        let world = self.read_world(tip, now, &mut obstacles);
        obstacles.extend(world.ledger.refusals.iter().cloned());
        obstacles.extend(world.ledger.check_heads(&world.branches));
        let (read, mut decision, in_force) = Changes { session: self, world: &world, tip }.judged(id, obstacles);
        if self.root.is_none() {
            // Without a root nothing is known; that the rest is missing as well would only mislead.
            decision.reasons.retain(|r| r.code == ReasonCode::RootMissing);
        }
        self.branches_read.set(world.branches_read());
        let World { now, chain, roster, ledger, log, branches, .. } = world;
        let Read { testimony, announced, trees, request, analysis, fleet, targets, .. } = read;
        Gathered {
            now,
            chain,
            roster,
            ledger,
            log,
            branches,
            testimony: Rc::unwrap_or_clone(testimony),
            announced,
            trees,
            request,
            analysis,
            fleet,
            targets,
            in_force,
            decision,
        }
    }
}

impl Changes<'_> {
    /// A change, what the gate says of it, and what is in force on each device that is known.
    fn judged(&self, id: &str, obstacles: Vec<Reason>) -> (Read, Decision, BTreeMap<String, InForce>) {
        let mut read = self.read(id);
        read.obstacles.extend(obstacles);
        self.passed(&mut read);
        let neighbours = self.neighbours(id, &read);
        let mut decision = self.decide(id, &read, &neighbours);
        if self.timed(&mut read, decision.window) {
            decision = self.decide(id, &read, &neighbours);
        }
        if let Some(commit) = read.looks_approved.as_ref().filter(|_| !decision.missing.is_empty()) {
            let message =
                format!("the message of {} looks like an approval and is none", commit.get(..12).unwrap_or(commit));
            let fix = format!("whoever approves signs a record: `fwgate change approve {id}`");
            decision.reasons.push(Reason::new(ReasonCode::NotAnApproval, message, fix));
            decision.reasons.sort();
            decision.reasons.dedup();
        }
        decision.notes.extend(read.trees.iter().flat_map(|t| &t.attributes).map(|path| {
            format!("`{path}` has no part in this: files are judged and pushed as git holds them, whatever it says")
        }));
        let in_force = self.world.in_force();
        decision.notes.extend(self.left_over(id, &in_force));
        let near = neighbour(id, &self.world.branches).filter(|_| read.announced.is_none());
        decision.notes.extend(near.map(|near| format!("there is no change `{id}`: did you mean `{near}`?")));
        (read, decision, in_force)
    }

    /// Devices that were brought back while the protected branch kept what was taken from them: whatever comes next brings it
    /// along, unless it is the revert or the fix.
    fn left_over(&self, id: &str, in_force: &BTreeMap<String, InForce>) -> Vec<String> {
        let back: Vec<&InForce> =
            in_force.values().filter(|k| k.result == ResultKind::RolledBack && k.change != id).collect();
        if back.is_empty() {
            return Vec::new();
        }
        let tree = self.tip.and_then(|tip| self.session.repository.tree(tip).ok());
        let Some(devices) = tree.and_then(|tree| self.session.devices_at(&tree).ok()) else { return Vec::new() };
        let held = |name: &str| device_digest(devices.devices.iter().find(|d| d.name == name).map(bytes_of).as_ref());
        let note = |known: &InForce| {
            let InForce { device, change, .. } = known;
            format!(
                "`{device}` was brought back from {change}, which the protected branch still holds: the next change must be its revert or its fix"
            )
        };
        back.into_iter().filter(|known| held(&known.device) != known.bytes).map(note).collect()
    }
}

/// The change that may have been meant, where no branch is of one with this id.
pub fn neighbour<'b>(id: &str, branches: &'b BTreeMap<String, Branch>) -> Option<&'b str> {
    let known: Vec<&str> = branches.keys().filter_map(|name| change_of(name)).collect();
    if known.contains(&id) { None } else { nearest(id, known) }
}
