//! Bytes of devices to rulesets, each read once however often and on however many sides it occurs.

use crate::check::Device;
use crate::dialect::{DIALECTS, InputFile, NOTHING_READ, ReadOptions};
use crate::fleet::tree::apart;
use crate::gate::content::files_digest;
use crate::gate::evidence::DeviceBytes;
use crate::gate::reason::{Reason, ReasonCode};
use crate::gate::record::Digest;
use crate::inventory::Inventory;
use crate::policy::{Contradiction, DeviceFile, read_device_file};
use crate::routes::{Routing, read_whole};
use crate::ruleset::{Ruleset, Unreadable};
use std::collections::HashMap;
use std::sync::Arc;

/// Most problems of one device that become reasons.
const MAX_PROBLEMS: usize = 20;

/// Everything that was read so far, by its bytes.
#[derive(Debug, Default)]
pub struct Library {
    rulesets: HashMap<(Digest, Digest), (Arc<Ruleset>, Arc<Routing>)>,
}

/// A device with what its `device.toml` says.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub device: Device,
    pub facts: DeviceFile,
    /// Where the inventory says something else.
    pub contradictions: Vec<Contradiction>,
}

impl Library {
    /// Every device of a side with its ruleset, in order of name; the inventory completes their facts.
    ///
    /// # Errors
    /// Everything that was not understood.
    pub fn devices(
        &mut self,
        devices: &[DeviceBytes],
        inventory: Option<&Inventory>,
    ) -> Result<Vec<Device>, Vec<Reason>> {
        Ok(self.side(devices, inventory)?.into_iter().map(|read| read.device).collect())
    }

    /// Reads every device of a side, in order of name; the inventory completes their facts.
    ///
    /// # Errors
    /// Everything that was not understood.
    pub(super) fn side(
        &mut self,
        devices: &[DeviceBytes],
        inventory: Option<&Inventory>,
    ) -> Result<Vec<Read>, Vec<Reason>> {
        let mut reasons = Vec::new();
        let mut out = Vec::with_capacity(devices.len());
        for bytes in devices {
            match self.device(bytes, inventory) {
                Ok(read) => out.push(read),
                Err(unread) => reasons.extend(unread.iter().flat_map(|one| unparsed(&bytes.device, one))),
            }
        }
        out.sort_by(|a, b| a.device.name.cmp(&b.device.name));
        if reasons.is_empty() { Ok(out) } else { Err(reasons) }
    }

    /// The ruleset of a device, whose facts the inventory completes.
    ///
    /// # Errors
    /// The first thing that was not understood.
    pub fn ruleset(&mut self, bytes: &DeviceBytes, inventory: Option<&Inventory>) -> Result<Arc<Ruleset>, Reason> {
        let unread = |unread: Vec<Unreadable>| {
            let first = unread.iter().flat_map(|one| unparsed(&bytes.device, one)).next();
            first.unwrap_or_else(|| {
                Reason::new(ReasonCode::UnparsedInput, "the device is not understood", "mend the file")
            })
        };
        self.device(bytes, inventory).map(|read| read.device.ruleset).map_err(unread)
    }

    /// Reads one device.
    ///
    /// # Errors
    /// Everything that was not understood.
    fn device(&mut self, bytes: &DeviceBytes, inventory: Option<&Inventory>) -> Result<Read, Vec<Unreadable>> {
        let facts_text = facts_of(bytes).map(|(path, bytes)| (path, String::from_utf8_lossy(bytes)));
        let facts = match &facts_text {
            Some((path, text)) => read_device_file(path, text).map_err(|e| vec![e])?,
            None => DeviceFile::default(),
        };
        let (facts, contradictions) = match inventory.and_then(|known| known.device(&bytes.device)) {
            Some(known) => facts.completed_by(known),
            None => (facts, Vec::new()),
        };
        let files = composed(bytes, &facts);
        let sum = |files: &[InputFile]| files_digest(files.iter().map(|f| (f.name.as_str(), &*f.bytes)));
        let of_facts = facts_text.as_ref().map_or("", |(_, text)| text.as_ref());
        let completed = inventory.map(|_| format!("{:?}", facts.facts())).unwrap_or_default();
        let key = (sum(&files), files_digest([("", of_facts.as_bytes()), ("inventory", completed.as_bytes())]));
        let (ruleset, routing) = match self.rulesets.get(&key) {
            Some(known) => known.clone(),
            None => {
                let dialect = facts.dialect.as_ref().map(|d| d.value.clone());
                let (files, includes) = apart(files);
                let options = ReadOptions { dialect, facts: facts.facts(), includes };
                let (ruleset, routing) = read_whole(&files, &options)?;
                let read = (Arc::new(ruleset), Arc::new(routing));
                self.rulesets.insert(key, read.clone());
                read
            }
        };
        let device = Device::new(&bytes.device, ruleset).routed_by(routing).described_by(&facts);
        Ok(Read { device, facts, contradictions })
    }
}

/// The file that holds a device's facts.
fn facts_of(bytes: &DeviceBytes) -> Option<(&str, &[u8])> {
    let own = bytes.files.iter().filter(|(path, _)| !path.starts_with("roles/"));
    let mut facts = own.filter(|(path, _)| path.rsplit('/').next() == Some("device.toml"));
    facts.next().map(|(path, bytes)| (path.as_str(), &**bytes))
}

/// The ruleset files in the order in which they are composed: role by role, then the device's own.
fn composed(bytes: &DeviceBytes, facts: &DeviceFile) -> Vec<InputFile> {
    let place = |path: &str| {
        let role = path.strip_prefix("roles/").and_then(|rest| rest.split_once('/'));
        role.and_then(|(role, _)| facts.from.iter().position(|f| f.value == role)).unwrap_or(facts.from.len())
    };
    let facts_path = facts_of(bytes).map(|(path, _)| path);
    let mut files: Vec<&(String, Arc<[u8]>)> =
        bytes.files.iter().filter(|(path, _)| Some(path.as_str()) != facts_path).collect();
    files.sort_by(|(a, _), (b, _)| (place(a), a).cmp(&(place(b), b)));
    files.into_iter().map(|(name, bytes)| InputFile { name: name.clone(), bytes: bytes.clone() }).collect()
}

fn unparsed(device: &str, unreadable: &Unreadable) -> Vec<Reason> {
    let reason = |problem: &crate::ruleset::Problem| {
        let place = match unreadable.sources.name(problem.span) {
            "" => String::new(),
            file if problem.span.line == 0 => format!(" ({file})"),
            file => format!(" ({file}:{})", problem.span.line),
        };
        let nothing = problem.message == NOTHING_READ;
        let code = if nothing { ReasonCode::EmptyChange } else { ReasonCode::UnparsedInput };
        let fix = problem.help.clone().unwrap_or_else(|| format!("mend the file; {} is read", known_dialects()));
        Reason::new(code, format!("device `{device}`: {}{place}", problem.message), fix)
    };
    unreadable.problems.iter().take(MAX_PROBLEMS).map(reason).collect()
}

fn known_dialects() -> String {
    DIALECTS.iter().map(|d| d.name).collect::<Vec<_>>().join(", ")
}
