//! What devices should run: each configuration once, and where it comes from.

use super::super::failure::Failure;
use super::super::gate::{DeviceFiles, Main, Session, Survey, target};
use super::super::input::{Herd, bytes_of};
use crate::dialect::{InputFile, ReadOptions};
use crate::fleet::drift::Configuration;
use crate::fleet::tree::DeviceInput;
use crate::gate::{Digest, InForce, TargetDevice, device_digest};
use crate::inventory::Inventory;
use crate::policy::Environment;
use crate::report::Against;
use crate::ruleset::DeviceFacts;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One device.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its roles.
    pub roles: Vec<String>,
    /// What it is there for.
    pub environment: Environment,
    /// The place of its configuration, or why there is none.
    pub expected: Result<usize, String>,
    /// Where that comes from.
    pub against: Against,
    /// What is in force by the ledger.
    pub in_force: Option<InForce>,
}

/// A fleet as it should be.
#[derive(Clone, Debug, Default)]
pub struct Estate {
    /// Distinct configurations: files with the facts by which they are read.
    pub configurations: Vec<Configuration>,
    /// The same as they are spooled for programs, each kind of files once.
    files: Vec<Arc<DeviceFiles>>,
    /// The devices.
    pub devices: BTreeMap<String, Wanted>,
}

impl Estate {
    /// A tree that somebody named, with the inventory beside it.
    ///
    /// # Errors
    /// Facts that are not understood.
    pub fn of_herd(herd: &Herd, inventory: Option<&Inventory>) -> Result<Estate, Failure> {
        let mut estate = Estate::default();
        let mut kinds = Kinds::of(herd, inventory)?;
        for device in herd.devices.keys() {
            let Some(bytes) = herd.bytes(device) else { continue };
            let place = kinds.place(&mut estate, herd, device).ok_or_else(nothing);
            estate.insert(&target(&bytes, inventory), place, Against::Tree, None);
        }
        Ok(estate)
    }

    /// What is in force by the ledger; the protected branch stands in for devices that it does not know. What a device is there
    /// for, its roles and what the inventory says are those of the protected branch; staging devices have no place here.
    ///
    /// # Errors
    /// Devices of the protected branch that cannot be read.
    pub fn of_ledger(session: &Session, survey: &Survey) -> Result<Estate, Failure> {
        let mut estate = Estate::default();
        let Main { herd, devices, inventory } = session.main_devices(survey)?;
        let mut kinds = Kinds::of(&herd, inventory.as_ref())?;
        let mut others = Others { session, inventory: inventory.as_ref(), herds: BTreeMap::new() };
        for device in devices.iter().filter(|m| m.target.environment != Environment::Staging) {
            let name = &device.target.device;
            let known = survey.in_force.get(name);
            let place = match known.filter(|known| known.bytes != device.bytes) {
                None => kinds.place(&mut estate, &herd, name).ok_or_else(nothing),
                Some(known) => others.place(&mut estate, known),
            };
            let against = if known.is_some() { Against::Ledger } else { Against::Protected };
            estate.insert(&device.target, place, against, known.cloned());
        }
        Ok(estate)
    }

    /// The files of a configuration, as they are spooled for programs.
    pub fn files(&self, place: usize) -> Option<&DeviceFiles> {
        self.files.get(place).map(Arc::as_ref)
    }

    /// Only some of the devices.
    ///
    /// # Errors
    /// None are left: nothing would be looked at.
    pub fn only(mut self, is_meant: impl Fn(&str) -> bool) -> Result<Estate, Failure> {
        self.devices.retain(|name, _| is_meant(name));
        match self.devices.is_empty() {
            true => Err(Failure::new("no device is left to look at").help("`fwgate fleet status` lists all of them")),
            false => Ok(self),
        }
    }

    /// Adds a configuration; its place.
    fn add(&mut self, files: &Arc<DeviceFiles>, shared: &Arc<[InputFile]>, facts: DeviceFacts) -> usize {
        let options = ReadOptions { dialect: None, facts, includes: files.includes.clone() };
        self.configurations.push(Configuration { files: shared.clone(), options });
        self.files.push(files.clone());
        self.configurations.len() - 1
    }

    fn insert(
        &mut self,
        target: &TargetDevice,
        expected: Result<usize, String>,
        against: Against,
        in_force: Option<InForce>,
    ) {
        let (roles, environment) = (target.roles.clone(), target.environment);
        self.devices.insert(target.device.clone(), Wanted { roles, environment, expected, against, in_force });
    }
}

/// The kinds of a herd, of which only those configurations are made that some device has.
struct Kinds<'i> {
    inventory: Option<&'i Inventory>,
    kinds: Vec<Kind>,
}

struct Kind {
    files: Arc<DeviceFiles>,
    shared: Arc<[InputFile]>,
    /// Configurations that were made of it, by the facts that they are read by: the inventory may tell devices of one kind apart.
    made: Vec<(DeviceFacts, usize)>,
}

impl Kinds<'_> {
    fn of<'i>(herd: &Herd, inventory: Option<&'i Inventory>) -> Result<Kinds<'i>, Failure> {
        let kind = |device: &DeviceInput| {
            let files = DeviceFiles::of(&bytes_of(device), None).map_err(|r| Failure::new(r.message).help(r.fix))?;
            let shared = files.files.clone().into();
            Ok(Kind { files: Arc::new(files), shared, made: Vec::new() })
        };
        Ok(Kinds { inventory, kinds: herd.kinds.iter().map(kind).collect::<Result<_, Failure>>()? })
    }

    /// The place of a device's configuration.
    fn place(&mut self, estate: &mut Estate, herd: &Herd, device: &str) -> Option<usize> {
        let kind = self.kinds.get_mut(*herd.devices.get(device)?)?;
        let own = &kind.files.facts;
        let facts = match self.inventory.and_then(|inventory| inventory.device(device)) {
            Some(known) => own.clone().completed_by(known).0.facts(),
            None => own.facts(),
        };
        if let Some((_, place)) = kind.made.iter().find(|(known, _)| *known == facts) {
            return Some(*place);
        }
        let place = estate.add(&kind.files, &kind.shared, facts.clone());
        kind.made.push((facts, place));
        Some(place)
    }
}

fn nothing() -> String {
    "the tree holds no ruleset of it".to_owned()
}

/// Commits that the ledger names, each read once.
struct Others<'s> {
    session: &'s Session,
    inventory: Option<&'s Inventory>,
    herds: BTreeMap<String, Result<(Herd, Kinds<'s>), String>>,
}

impl<'s> Others<'s> {
    /// The place of the bytes that the ledger names, out of the commit that it names.
    fn place(&mut self, estate: &mut Estate, known: &InForce) -> Result<usize, String> {
        if !self.herds.contains_key(&known.head) {
            let read = self.read(&known.head);
            self.herds.insert(known.head.clone(), read);
        }
        let missing = || "the commit that the ledger names was not read".to_owned();
        let (herd, kinds) = self.herds.get_mut(&known.head).ok_or_else(missing)?.as_mut().map_err(|e| e.clone())?;
        let digest: Option<Digest> = herd.bytes(&known.device).map(|bytes| device_digest(Some(&bytes)));
        let held = (digest == Some(known.bytes)).then(|| kinds.place(estate, herd, &known.device));
        match held.flatten() {
            Some(place) => Ok(place),
            None => Err(format!("the commit {} does not hold the bytes that the ledger names", short(&known.head))),
        }
    }

    fn read(&self, head: &str) -> Result<(Herd, Kinds<'s>), String> {
        let unread = |why: String| format!("the commit {} cannot be read: {why}", short(head));
        let commit = self.session.repository.commit_id(head).map_err(|e| unread(e.to_string()))?;
        let herd = self.session.herd_at(commit).map_err(|e| unread(e.to_string()))?;
        let failed = |failure: Failure| unread(failure.text(crate::report::Colour::Never));
        let kinds = Kinds::of(&herd, self.inventory).map_err(failed)?;
        Ok((herd, kinds))
    }
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
