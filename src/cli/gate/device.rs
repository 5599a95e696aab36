//! One device's bytes as what they are used for: files to load, facts, a ruleset.

use crate::check::Device;
use crate::dialect::{InputFile, ReadOptions};
use crate::fleet::tree::{apart, whole};
use crate::gate::{DeviceBytes, Reason, ReasonCode, TargetDevice};
use crate::inventory::Inventory;
use crate::policy::{DeviceFile, read_device_file};
use crate::routes::read_whole;
use std::sync::Arc;

/// A device, taken apart.
#[derive(Clone, Debug)]
pub struct DeviceFiles {
    /// Its name.
    pub name: String,
    /// Its ruleset files in the order in which they are composed: those of its roles, then its own.
    pub files: Vec<InputFile>,
    /// The files that those include.
    pub includes: Vec<InputFile>,
    /// What `device.toml` says, completed by the inventory.
    pub facts: DeviceFile,
}

impl DeviceFiles {
    /// The files of a device's bytes, with what the inventory beside them says of it.
    ///
    /// # Errors
    /// A `device.toml` that is not understood.
    pub fn of(bytes: &DeviceBytes, inventory: Option<&Inventory>) -> Result<DeviceFiles, Reason> {
        let facts = facts_of(bytes, inventory)?;
        let order = |path: &str| {
            let role = path.strip_prefix("roles/").and_then(|rest| rest.split('/').next());
            role.map_or(usize::MAX, |role| facts.from.iter().position(|f| f.value == role).unwrap_or(usize::MAX - 1))
        };
        let rulesets = bytes.files.iter().filter(|(path, _)| !is_facts(path));
        let mut files: Vec<InputFile> =
            rulesets.map(|(path, bytes)| InputFile { name: path.clone(), bytes: bytes.clone() }).collect();
        files.sort_by_key(|f| (order(&f.name), f.name.clone()));
        let (files, includes) = apart(files);
        Ok(DeviceFiles { name: bytes.device.clone(), files, includes, facts })
    }

    /// How its files are read.
    pub fn options(&self) -> ReadOptions {
        let dialect = self.facts.dialect.as_ref().map(|d| d.value.clone());
        ReadOptions { dialect, facts: self.facts.facts(), includes: self.includes.clone() }
    }

    /// Its files as they are loaded: each whole in itself, with the text of what it includes in place of every `include`.
    ///
    /// # Errors
    /// An `include` that reaches nothing, or files that include each other.
    pub fn to_load(&self) -> Result<Vec<InputFile>, Reason> {
        if self.includes.is_empty() {
            return Ok(self.files.clone());
        }
        let one = |file: &InputFile| {
            let message = format!("`{}` of `{}` cannot be loaded without files that it includes", file.name, self.name);
            let fix = "commit what it includes below the folder of the device, without circles";
            whole(file, &self.includes).ok_or_else(|| Reason::new(ReasonCode::UnparsedInput, message, fix))
        };
        self.files.iter().map(one).collect()
    }

    /// The device as checks see it.
    ///
    /// # Errors
    /// Files that are not understood.
    pub fn read(&self) -> Result<Device, Reason> {
        let read = read_whole(&self.files, &self.options());
        let none =
            || Reason::new(ReasonCode::UnparsedInput, format!("`{}` is not understood", self.name), "mend the file");
        let (ruleset, routing) = read.map_err(|e| e.first().map_or_else(none, |e| unread(&self.name, e)))?;
        let device = Device::new(&self.name, Arc::new(ruleset)).routed_by(Arc::new(routing));
        Ok(device.described_by(&self.facts))
    }
}

/// A device with the facts of its bytes and of the inventory beside them; one whose facts cannot be read counts as production.
pub fn target(bytes: &DeviceBytes, inventory: Option<&Inventory>) -> TargetDevice {
    let facts = facts_of(bytes, inventory).unwrap_or_default();
    TargetDevice { device: bytes.device.clone(), roles: facts.roles(), environment: facts.environment }
}

fn facts_of(bytes: &DeviceBytes, inventory: Option<&Inventory>) -> Result<DeviceFile, Reason> {
    let own = match bytes.files.iter().find(|(path, _)| is_facts(path)) {
        Some((path, text)) => {
            read_device_file(path, &String::from_utf8_lossy(text)).map_err(|e| unread(&bytes.device, &e))?
        }
        None => DeviceFile::default(),
    };
    Ok(match inventory.and_then(|inventory| inventory.device(&bytes.device)) {
        Some(known) => own.completed_by(known).0,
        None => own,
    })
}

fn is_facts(path: &str) -> bool {
    path.rsplit('/').next() == Some("device.toml") && !path.starts_with("roles/")
}

fn unread(device: &str, error: &crate::ruleset::Unreadable) -> Reason {
    let first = error.problems.first().map(|p| p.message.clone()).unwrap_or_default();
    Reason::new(ReasonCode::UnparsedInput, format!("`{device}` is not understood: {first}"), "mend the file")
}
