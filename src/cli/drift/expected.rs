//! What devices should run: each configuration once, and where it comes from.

use super::super::failure::Failure;
use super::super::gate::{DeviceFiles, Session, Survey};
use super::super::input::Herd;
use crate::dialect::ReadOptions;
use crate::fleet::drift::Configuration;
use crate::gate::{Digest, InForce, device_digest};
use crate::policy::{DeviceFile, Environment};
use crate::report::Against;
use std::collections::BTreeMap;

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
    /// Distinct configurations.
    pub configurations: Vec<Configuration>,
    /// The same as they are spooled for programs.
    pub files: Vec<DeviceFiles>,
    /// The devices.
    pub devices: BTreeMap<String, Wanted>,
}

impl Estate {
    /// A tree that somebody named.
    ///
    /// # Errors
    /// Facts that are not understood.
    pub fn of_herd(herd: &Herd) -> Result<Estate, Failure> {
        let mut estate = Estate::default();
        let places = estate.add(herd)?;
        for (device, kind) in &herd.devices {
            let facts = herd.kind(device).map(|k| k.facts.clone()).unwrap_or_default();
            estate.insert(device, &facts, places.get(*kind).copied().ok_or_else(nothing), Against::Tree, None);
        }
        Ok(estate)
    }

    /// What is in force by the ledger; the protected branch stands in for devices that it does not know. Facts are those of the
    /// protected branch; staging devices have no place here.
    ///
    /// # Errors
    /// Devices of the protected branch that cannot be read.
    pub fn of_ledger(session: &Session, survey: &Survey) -> Result<Estate, Failure> {
        let mut estate = Estate::default();
        let (herd, main) = session.main_devices(survey)?;
        let places = estate.add(&herd)?;
        let mut others = Others { session, herds: BTreeMap::new() };
        for device in main.iter().filter(|m| m.target.environment != Environment::Staging) {
            let name = &device.target.device;
            let facts = herd.kind(name).map(|k| k.facts.clone()).unwrap_or_default();
            let at_main = herd.devices.get(name).and_then(|kind| places.get(*kind)).copied().ok_or_else(nothing);
            match survey.in_force.get(name) {
                None => estate.insert(name, &facts, at_main, Against::Protected, None),
                Some(known) => {
                    let place = match known.bytes == device.bytes {
                        true => at_main,
                        false => others.place(&mut estate, known),
                    };
                    estate.insert(name, &facts, place, Against::Ledger, Some(known.clone()));
                }
            }
        }
        Ok(estate)
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

    /// Adds the kinds of a herd; their places.
    fn add(&mut self, herd: &Herd) -> Result<Vec<usize>, Failure> {
        let mut places = Vec::new();
        for kind in &herd.kinds {
            let bytes = super::super::input::bytes_of(kind);
            let files = DeviceFiles::of(&bytes).map_err(|r| Failure::new(r.message).help(r.fix))?;
            places.push(self.configurations.len());
            let options = ReadOptions { dialect: None, ..files.options() };
            self.configurations.push(Configuration { files: files.files.clone(), options });
            self.files.push(files);
        }
        Ok(places)
    }

    fn insert(
        &mut self,
        device: &str,
        facts: &DeviceFile,
        expected: Result<usize, String>,
        against: Against,
        in_force: Option<InForce>,
    ) {
        let (roles, environment) = (facts.roles(), facts.environment);
        self.devices.insert(device.to_owned(), Wanted { roles, environment, expected, against, in_force });
    }
}

fn nothing() -> String {
    "the tree holds no ruleset of it".to_owned()
}

/// Commits that the ledger names, each read once.
struct Others<'s> {
    session: &'s Session,
    herds: BTreeMap<String, Result<(Herd, Vec<usize>), String>>,
}

impl Others<'_> {
    /// The place of the bytes that the ledger names, out of the commit that it names.
    fn place(&mut self, estate: &mut Estate, known: &InForce) -> Result<usize, String> {
        if !self.herds.contains_key(&known.head) {
            let read = self.read(estate, &known.head);
            self.herds.insert(known.head.clone(), read);
        }
        let missing = || "the commit that the ledger names was not read".to_owned();
        let (herd, places) = self.herds.get(&known.head).ok_or_else(missing)?.as_ref().map_err(Clone::clone)?;
        let digest: Option<Digest> = herd.bytes(&known.device).map(|bytes| device_digest(Some(&bytes)));
        let place = herd.devices.get(&known.device).and_then(|kind| places.get(*kind)).copied();
        match place.filter(|_| digest == Some(known.bytes)) {
            Some(place) => Ok(place),
            None => Err(format!("the commit {} does not hold the bytes that the ledger names", short(&known.head))),
        }
    }

    fn read(&self, estate: &mut Estate, head: &str) -> Result<(Herd, Vec<usize>), String> {
        let unread = |why: String| format!("the commit {} cannot be read: {why}", short(head));
        let commit = self.session.repository.commit_id(head).map_err(|e| unread(e.to_string()))?;
        let herd = self.session.herd_at(commit).map_err(|e| unread(e.to_string()))?;
        let failed = |failure: Failure| unread(failure.text(crate::report::Colour::Never));
        let places = estate.add(&herd).map_err(failed)?;
        Ok((herd, places))
    }
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
