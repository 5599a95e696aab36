//! Where the configurations of bundles come from: the ledger with its receipts, the protected branch where no ledger knows a device, or
//! a folder that somebody named.

use super::SourceArguments;
use crate::cli::failure::Failure;
use crate::cli::gate::{DeviceFiles, Session, Survey, now};
use crate::cli::input::{Reader, Surroundings, bytes_of, reasons};
use crate::cli::rollback::places;
use crate::cli::rulesets::{is_ruleset, read_policy_at};
use crate::document::did_you_mean;
use crate::fleet::bundle::{BundledDevice, Composed, Origin, sha256_text};
use crate::fleet::tree::{Beside, TreeFile};
use crate::gate::{
    DeviceBytes, Instant, LEDGER_BRANCH, Reason, Roster, Stable, Testimony, device_digest, inventory_of, read_branch,
    stable,
};
use crate::inventory::Inventory;
use crate::policy::{Policy, StandsIn};
use crate::vcs::Limits;
use std::collections::BTreeMap;

/// All configurations that bundles can be made of.
pub struct Stock {
    /// The policy: in force, or named.
    pub policy: Policy,
    /// The repository's id.
    pub repository: Option<String>,
    /// The keys that count.
    pub roster: Roster,
    /// The one clock reading.
    pub now: Instant,
    /// The inventory beside the devices, where the policy names one.
    pub inventory: Option<Inventory>,
    /// Every device with its roles.
    pub devices: Vec<(String, Vec<String>)>,
    /// What has to be said about all of it.
    pub notes: Vec<String>,
    from: From,
}

enum From {
    /// A repository.
    Repository { session: Box<Session>, survey: Box<Survey>, stable: BTreeMap<String, Stable>, tip: Vec<DeviceBytes> },
    /// A tree.
    Tree(Vec<DeviceBytes>),
    /// Only a policy.
    Nothing,
}

/// One configuration.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its files.
    pub bytes: DeviceBytes,
    /// The entry of the manifest, without files.
    pub entry: BundledDevice,
    /// What has to be said about it.
    pub note: Option<String>,
}

/// Gathers the stock; reasons where the repository's evidence does not stand.
///
/// # Errors
/// No repository, a tree or policy that cannot be read.
pub fn stock(arguments: &SourceArguments) -> Result<Result<Stock, Vec<Reason>>, Failure> {
    match (&arguments.policy, &arguments.tree) {
        (Some(policy), tree) => {
            let policy = read_policy_at(policy)?;
            let (from, inventory) = match tree {
                Some(tree) => {
                    let surroundings = Surroundings::of_process()?;
                    let reader = Reader::new(&surroundings, &is_ruleset).with_beside(Beside::of(&policy));
                    let tree = reader.tree(tree)?;
                    let inventory = inventory_of(&policy, &tree.beside)?;
                    (From::Tree(tree.devices.iter().map(bytes_of).collect()), inventory)
                }
                None => (From::Nothing, None),
            };
            Ok(Ok(of_folder(policy, from, inventory)))
        }
        (None, _) => of_repository(Session::open_root(&arguments.root)?),
    }
}

fn of_folder(policy: Policy, from: From, inventory: Option<Inventory>) -> Stock {
    let (roster, _) = Roster::read(&policy.persons, &policy.machines);
    let devices = match &from {
        From::Tree(devices) => devices.iter().map(|d| (d.device.clone(), roles_of(d, inventory.as_ref()))).collect(),
        _ => Vec::new(),
    };
    let notes = vec!["by a policy that somebody named, not by that in force".to_owned()];
    Stock { repository: policy.repository.clone(), policy, roster, now: now(), inventory, devices, notes, from }
}

fn of_repository(session: Session) -> Result<Result<Stock, Vec<Reason>>, Failure> {
    let survey = session.survey(now());
    let has_ledger = survey.branches.get(LEDGER_BRANCH).is_some_and(|branch| !branch.commits.is_empty());
    let mut refusals: Vec<Reason> = survey.obstacles.iter().chain(&survey.chain.reasons).cloned().collect();
    let mut notes = Vec::new();
    match has_ledger {
        true => refusals.extend(survey.ledger.refusals.iter().cloned()),
        false => notes.push("there is no ledger: what is on the protected branch stands in for what runs".to_owned()),
    }
    let Some(policy) = survey.chain.policy().cloned().filter(|_| refusals.is_empty()) else { return Ok(Err(refusals)) };
    let tip = match tip_of(&session, &survey) {
        Ok(tip) => tip,
        Err(reasons) => return Ok(Err(reasons)),
    };
    let inventory = session.inventory_of(&survey)?;
    let testimonies: Vec<Testimony> = survey
        .branches
        .values()
        .filter(|b| b.name.starts_with("refs/heads/fwgate/changes/"))
        .map(|b| read_branch(b, &survey.roster, &survey.ledger, survey.now))
        .collect();
    let stable = stable(&survey.ledger, &survey.in_force, &testimonies, &survey.log);
    let devices = tip.iter().map(|d| (d.device.clone(), roles_of(d, inventory.as_ref()))).collect();
    Ok(Ok(Stock {
        policy,
        repository: session.root.as_ref().map(|r| r.repository.clone()),
        roster: survey.roster.clone(),
        now: survey.now,
        inventory,
        devices,
        notes,
        from: From::Repository { session: Box::new(session), survey: Box::new(survey), stable, tip },
    }))
}

/// The devices of the protected branch.
fn tip_of(session: &Session, survey: &Survey) -> Result<Vec<DeviceBytes>, Vec<Reason>> {
    let tree = survey.tip.map(|tip| session.repository.tree(tip).map_err(|e| reasons(&e.into())));
    let tree = tree.transpose()?.unwrap_or_default();
    Ok(session.devices_at(&tree).map_err(|e| reasons(&e))?.devices.iter().map(bytes_of).collect())
}

fn roles_of(bytes: &DeviceBytes, inventory: Option<&Inventory>) -> Vec<String> {
    DeviceFiles::of(bytes, inventory).map(|files| files.facts.roles()).unwrap_or_default()
}

impl Stock {
    /// The names of the devices for which something stands in.
    pub fn covered(&self, by: &StandsIn) -> Vec<String> {
        self.devices.iter().filter(|(name, roles)| by.covers(name, roles)).map(|(name, _)| name.clone()).collect()
    }

    /// The latest stable configuration of a device.
    ///
    /// # Errors
    /// It is unknown, or its bytes are not where the ledger says.
    pub fn held(&self, device: &str) -> Result<Held, Vec<Reason>> {
        match &self.from {
            From::Nothing => Err(vec![self.unknown(device)]),
            From::Tree(devices) => {
                let bytes = devices.iter().find(|d| d.device == device).ok_or_else(|| vec![self.unknown(device)])?;
                Ok(self.of_tree(bytes, Origin::Folder))
            }
            From::Repository { session, survey, stable, tip } => match stable.get(device) {
                Some(stable) => self.by_ledger(session, survey, stable),
                None => {
                    let bytes = tip.iter().find(|d| d.device == device).ok_or_else(|| vec![self.unknown(device)])?;
                    let mut held = self.of_tree(bytes, Origin::ProtectedRef);
                    held.entry.commit = survey.tip.map(|tip| tip.to_string());
                    Ok(held)
                }
            },
        }
    }

    fn unknown(&self, device: &str) -> Reason {
        let near = did_you_mean(device, self.devices.iter().map(|(name, _)| name.as_str()));
        let fix = "`git ls-tree` of the protected branch shows its devices; correct the name";
        let fix = near.unwrap_or_else(|| fix.to_owned());
        Reason::new(crate::gate::ReasonCode::EmptyChange, format!("there is no device `{device}`"), fix)
    }

    /// The files of a device at a commit, where that can be read and they have this digest.
    pub fn held_at(&self, device: &str, commit: &str, digest: &str) -> Option<DeviceBytes> {
        let From::Repository { session, .. } = &self.from else { return None };
        let digest = crate::gate::Digest::read(digest)?;
        session.device_held(&[commit.to_owned()], device, digest).ok().map(|(_, bytes)| bytes)
    }

    /// The files under `spares/` on the protected branch.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn records(&self) -> Result<Vec<TreeFile>, Vec<Reason>> {
        let From::Repository { session, survey, .. } = &self.from else { return Ok(Vec::new()) };
        let Some(tip) = survey.tip else { return Ok(Vec::new()) };
        let read = |e: crate::vcs::VcsError| reasons(&e.into());
        let tree = session.repository.tree(tip).map_err(read)?;
        if !tree.paths().any(|path| path.starts_with("spares/")) {
            return Ok(Vec::new());
        }
        let entries = session.repository.entries(&tree, "spares", &Limits::default()).map_err(read)?;
        Ok(entries.into_iter().map(|e| TreeFile { path: e.path, bytes: e.bytes }).collect())
    }
}

impl Stock {
    fn of_tree(&self, bytes: &DeviceBytes, origin: Origin) -> Held {
        let entry = BundledDevice {
            device: bytes.device.clone(),
            roles: roles_of(bytes, self.inventory.as_ref()),
            origin,
            bytes: device_digest(Some(bytes)).to_string(),
            change: None,
            receipt: None,
            since: None,
            commit: None,
            files: Vec::new(),
        };
        Held { bytes: bytes.clone(), entry, note: None }
    }

    fn by_ledger(&self, session: &Session, survey: &Survey, stable: &Stable) -> Result<Held, Vec<Reason>> {
        let known = &stable.known;
        let (commit, bytes) = session.device_held(&places(session, survey, known), &known.device, known.bytes)?;
        let origin = if stable.is_proved { Origin::Receipt } else { Origin::Adoption };
        let mut held = self.of_tree(&bytes, origin);
        held.entry.change = Some(known.change.clone());
        held.entry.receipt = known.receipt.map(|r| r.to_string());
        held.entry.since = Some(known.at.to_string());
        held.entry.commit = Some(commit);
        held.note = stable.is_behind.then(|| {
            let device = &known.device;
            format!(
                "`{device}` has got something later for which there is no receipt; the last one with a receipt is taken"
            )
        });
        Ok(held)
    }
}

/// The files of a device, taken apart.
///
/// # Errors
/// A `device.toml` that is not understood.
pub fn composed(device: &str, files: &[TreeFile]) -> Result<Composed, Reason> {
    let bytes = DeviceBytes {
        device: device.to_owned(),
        files: files.iter().map(|f| (f.path.clone(), f.bytes.clone())).collect(),
    };
    let apart = DeviceFiles::of(&bytes, None)?;
    let is_facts = |path: &str| path.rsplit('/').next() == Some("device.toml") && !path.starts_with("roles/");
    let facts = files.iter().find(|f| is_facts(&f.path));
    let facts = facts.map(|f| crate::dialect::InputFile { name: f.path.clone(), bytes: f.bytes.clone() });
    Ok(Composed { rulesets: apart.files, includes: apart.includes, facts })
}

/// Files as trees hold them.
pub fn tree_files(bytes: &DeviceBytes) -> Vec<TreeFile> {
    bytes.files.iter().map(|(path, bytes)| TreeFile { path: path.clone(), bytes: bytes.clone() }).collect()
}

/// Whether two files are one, by their hash.
pub fn sum(file: &TreeFile) -> String {
    sha256_text(&file.bytes)
}
