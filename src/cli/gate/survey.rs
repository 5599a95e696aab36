//! Everything that is the same for every change, without any one of them: chains, keys, branches.

use super::commits::Commits;
use super::device::target;
use super::reading::known_or_new;
use super::session::Session;
use super::world::{World, change_of};
use crate::cli::failure::Failure;
use crate::cli::input::{Herd, InputError, bytes_of};
use crate::gate::fleet::{MainDevice, main_device};
use crate::gate::{
    Chain, Confined, DeviceBytes, Digest, FAR_REACHING, InForce, Instant, Ledger, Log, Proven, Reason, ReasonCode,
    Roster, TargetDevice, Testimony, claims, quarantines, read_branch,
};
use crate::inventory::Inventory;
use crate::vcs::{Branch, CommitId, EvidenceSource, Repository, VcsError};
use std::collections::BTreeMap;

/// What was found.
pub struct Survey {
    /// The one clock reading.
    pub now: Instant,
    /// The protected branch's tip.
    pub tip: Option<CommitId>,
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
    /// What is in force on each device that the ledger, or a quorum that adopted it, knows.
    pub in_force: BTreeMap<String, InForce>,
    /// What stands against everything: a root that is missing, a remote that does not answer, branches that were rewritten.
    pub obstacles: Vec<Reason>,
}

/// The devices of the protected branch.
pub struct Main {
    /// Kind by kind.
    pub herd: Herd,
    /// Each with its facts.
    pub devices: Vec<MainDevice>,
    /// The inventory there, where the policy names one.
    pub inventory: Option<Inventory>,
}

/// Reads what a server has itself: its own branches are the evidence.
///
/// # Errors
/// Branches or objects that cannot be read.
pub fn survey_server(repository: &Repository, root: &[u8], protected: &str, now: Instant) -> Result<Survey, VcsError> {
    let source = EvidenceSource::Bare;
    let branches = repository.evidence(&source)?;
    let tip = repository.remote_branch(&source, protected)?;
    let versions = tip.map(|tip| repository.policy_versions(tip)).transpose()?.unwrap_or_default();
    let kept = super::closed_branches(repository, &branches)?;
    let world = World::read(Some(root), now, (branches, kept), versions, &Proven::default());
    Ok(Survey::of(world, tip, Vec::new()))
}

impl Survey {
    fn of(world: World, tip: Option<CommitId>, obstacles: Vec<Reason>) -> Survey {
        let in_force = world.in_force();
        let World { now, branches, chain, roster, ledger, log, .. } = world;
        Survey { now, tip, chain, roster, ledger, log, branches, in_force, obstacles }
    }
}

impl Survey {
    /// Why nothing can be said of any device. Without a root that alone: whatever else is missing follows from it.
    pub fn unanswered(&self) -> Vec<Reason> {
        if let Some(missing) = self.obstacles.iter().find(|r| r.code == ReasonCode::RootMissing) {
            return vec![missing.clone()];
        }
        let of_policy = self.chain.reasons.iter().filter(|_| self.chain.policy().is_none());
        let mut out: Vec<Reason> = Vec::new();
        for reason in self.obstacles.iter().chain(&self.ledger.refusals).chain(of_policy) {
            if !out.contains(reason) {
                out.push(reason.clone());
            }
        }
        out
    }
}

impl Session {
    /// Fetches, and reads what is the same for every change.
    pub fn survey(&self, now: Instant) -> Survey {
        let mut obstacles: Vec<Reason> = self.root_bytes.as_ref().err().cloned().into_iter().collect();
        obstacles.extend(self.fetch());
        self.survey_again(now, obstacles)
    }

    /// Every device of the protected branch, with the facts that it and its inventory give there.
    pub fn fleet_of(&self, survey: &Survey) -> Vec<TargetDevice> {
        let tree = survey.tip.and_then(|tip| self.repository.tree(tip).ok());
        let tree = tree.and_then(|tree| self.devices_at(&tree).ok());
        let inventory = self.inventory_of(survey).ok().flatten();
        tree.iter().flat_map(|t| &t.devices).map(|d| target(&bytes_of(d), inventory.as_ref())).collect()
    }

    /// One device as the protected branch knows it, whatever a proposal says of it.
    pub fn target_of(&self, survey: &Survey, device: &str) -> TargetDevice {
        known_or_new(device, &self.fleet_of(survey))
    }

    /// The inventory of the protected branch, where the policy names one.
    ///
    /// # Errors
    /// Snapshots that cannot be read or are not understood.
    pub fn inventory_of(&self, survey: &Survey) -> Result<Option<Inventory>, Failure> {
        let (Some(tip), Some(policy)) = (survey.tip, survey.chain.policy()) else { return Ok(None) };
        let files = self.repository.tree(tip).map_err(InputError::from)?;
        self.inventory_at(policy, &files)
    }

    /// Every device of the protected branch with its facts and the digest of its bytes there, and the devices kind by kind.
    ///
    /// # Errors
    /// The protected branch is not there, or its devices or its inventory cannot be read.
    pub fn main_devices(&self, survey: &Survey) -> Result<Main, Failure> {
        let none = || Failure::new("the protected branch was not fetched").help("see that the root's remote answers");
        let tip = survey.tip.ok_or_else(none)?;
        let (herd, inventory) = (self.herd_at(tip)?, self.inventory_of(survey)?);
        let all = herd.devices.keys().filter_map(|device| herd.bytes(device));
        let devices = all.map(|bytes| main_device(target(&bytes, inventory.as_ref()), &bytes)).collect();
        Ok(Main { herd, devices, inventory })
    }

    /// The devices of a commit, kind by kind.
    ///
    /// # Errors
    /// There are none, or some cannot be read.
    pub fn herd_at(&self, commit: CommitId) -> Result<Herd, InputError> {
        let files = self.repository.tree(commit)?;
        self.reader()?.herd_of(&self.repository, &files)
    }

    /// Devices in quarantine.
    pub fn quarantines(&self, survey: &Survey) -> BTreeMap<String, Confined> {
        let branches = survey.branches.values().filter(|b| change_of(&b.name).is_some() && claims(b, FAR_REACHING));
        let testimonies: Vec<Testimony> =
            branches.map(|b| read_branch(b, &survey.roster, &survey.ledger, survey.now)).collect();
        quarantines(testimonies.iter(), survey.chain.policy(), survey.now)
    }

    /// The first of some commits that holds these bytes of one device, and the bytes; [`Commits`] looks several devices up.
    ///
    /// # Errors
    /// None of them does, or none can be read.
    pub fn device_held(
        &self,
        commits: &[String],
        device: &str,
        digest: Digest,
    ) -> Result<(String, DeviceBytes), Vec<Reason>> {
        Commits::of(self).held(commits, device, digest)
    }

    /// Fetches; what kept it from being done.
    pub fn ask(&self) -> Vec<Reason> {
        self.fetch()
    }

    /// The same by what was fetched last.
    pub fn survey_again(&self, now: Instant, mut obstacles: Vec<Reason>) -> Survey {
        let (world, tip) = self.world(now, &mut obstacles);
        Survey::of(world, tip, obstacles)
    }
}
