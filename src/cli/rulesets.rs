//! From files to rulesets: each device read by its dialect, all problems of all devices in one run.

use super::failure::Failure;
use super::input::{Reader, Surroundings};
use crate::check::Device;
use crate::dialect::{DIALECTS, Dialect, InputFile, ReadOptions, decode, nearest};
use crate::diff::DevicePair;
use crate::fleet::tree::{ConfigTree, DeviceInput, TreeFile};
use crate::policy::{DeviceFile, Policy, PolicyFiles, read_policy};
use crate::routes::{Routing, read_whole, recognise};
use crate::ruleset::Ruleset;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::sync::Arc;

/// One device, read.
#[derive(Clone, Debug)]
pub struct ReadDevice {
    /// Its name.
    pub name: String,
    /// What `device.toml` says; the defaults where there is none.
    pub facts: DeviceFile,
    /// Its ruleset.
    pub ruleset: Ruleset,
    /// Its routes and policy rules.
    pub routing: Routing,
}

/// Whether some dialect could read a file, or it holds routes, judged by its content.
pub fn is_ruleset(file: &InputFile) -> bool {
    decode(&file.bytes).is_ok_and(|text| DIALECTS.iter().any(|d| (d.recognises)(&text)) || recognise(&text).is_some())
}

/// Reads every device of a tree.
///
/// # Errors
/// All problems of all devices.
pub fn read_tree(tree: &ConfigTree, dialect: Option<&str>) -> Result<Vec<ReadDevice>, Failure> {
    let mut devices = Vec::new();
    let mut failures = Vec::new();
    for input in &tree.devices {
        match read_one(input, dialect) {
            Ok(device) => devices.push(device),
            Err(failure) => failures.push(failure),
        }
    }
    match failures.len() {
        0 => Ok(devices),
        1 => Err(failures.remove(0)),
        _ => Err(Failure::Several(failures)),
    }
}

/// Reads one device.
///
/// # Errors
/// Every problem of the rulesets.
pub fn read_one(input: &DeviceInput, dialect: Option<&str>) -> Result<ReadDevice, Failure> {
    let facts = input.facts.clone();
    let said = facts.dialect.as_ref().map(|d| d.value.clone()).or_else(|| dialect.map(str::to_owned));
    let options = ReadOptions { dialect: said, facts: facts.facts(), includes: input.includes.clone() };
    let (ruleset, routing) = read_whole(&input.files, &options).map_err(several)?;
    Ok(ReadDevice { name: input.name.clone(), facts, ruleset, routing })
}

/// One failure, or several as one.
fn several(unread: Vec<crate::ruleset::Unreadable>) -> Failure {
    let mut failures: Vec<Failure> = unread.into_iter().map(Failure::from).collect();
    if failures.len() == 1 { failures.remove(0) } else { Failure::Several(failures) }
}

/// `--dialect`, checked before any file is read.
///
/// # Errors
/// A name that no dialect has.
pub fn parse_dialect(name: &str) -> Result<String, String> {
    if Dialect::by_name(name).is_some() {
        return Ok(name.to_owned());
    }
    let known: Vec<&str> = Dialect::names().collect();
    let near = nearest(name, known.iter().copied()).map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
    Err(format!("{near}The dialects are: {}", known.join(", ")))
}

/// Both sides of a change, read. Devices of the same bytes share one ruleset, so that equal work is done once.
#[derive(Clone, Debug)]
pub struct Ready {
    /// What is in force.
    pub baseline: Vec<Device>,
    /// What is proposed.
    pub proposed: Vec<Device>,
}

impl Ready {
    /// The ruleset of the device of this name; `devices` are in order of name.
    pub fn ruleset<'a>(devices: &'a [Device], name: &str) -> Option<&'a Ruleset> {
        let at = devices.binary_search_by(|d| d.name.as_str().cmp(name)).ok()?;
        devices.get(at).map(|d| &*d.ruleset)
    }
}

impl Ready {
    /// Every device of both sides, in order of name.
    pub fn pairs(&self) -> Vec<DevicePair<'_>> {
        pairs(&self.baseline, &self.proposed)
    }
}

/// Every device of both sides, which are in order of name, in that order.
pub fn pairs<'a>(old: &'a [Device], new: &'a [Device]) -> Vec<DevicePair<'a>> {
    let mut names: Vec<&str> = old.iter().chain(new).map(|d| d.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let pair = |name| DevicePair { name, old: Ready::ruleset(old, name), new: Ready::ruleset(new, name) };
    names.into_iter().map(pair).collect()
}

/// Reads both sides.
///
/// # Errors
/// All problems of all devices.
pub fn read_sides(baseline: &ConfigTree, proposed: &ConfigTree, dialect: Option<&str>) -> Result<Ready, Failure> {
    let mut library = Library { dialect, known: HashMap::new() };
    match (library.devices(baseline), library.devices(proposed)) {
        (Ok(baseline), Ok(proposed)) => Ok(Ready { baseline, proposed }),
        (Err(one), Err(other)) => Err(Failure::Several(vec![one, other])),
        (Err(failure), _) | (_, Err(failure)) => Err(failure),
    }
}

/// What has been read, by what it was read from.
struct Library<'a> {
    dialect: Option<&'a str>,
    known: HashMap<ReadFrom<'a>, Held<'a>>,
}

/// What was read of one device.
struct Held<'a> {
    device: &'a str,
    ruleset: Arc<Ruleset>,
    routing: Arc<Routing>,
}

/// Names and bytes of the files and of what they include, the bytes of `device.toml`, and the facts in one text, since the
/// inventory may complete them. A reader holds equal bytes once, so that where they are says what they are.
type ReadFrom<'a> = (Vec<(FileName<'a>, Place)>, Option<Place>, String);

/// Where bytes are, and how many.
type Place = (*const u8, usize);

fn place(file: &InputFile) -> Place {
    (file.bytes.as_ptr(), file.bytes.len())
}

/// The name of a file.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum FileName<'a> {
    /// One that has nothing to do with the device.
    Whole(&'a str),
    /// In the folder of the device: what stands before and behind the device's own name.
    OfDevice(&'a str, &'a str),
}

impl<'a> FileName<'a> {
    fn of(file: &'a str, device: &str) -> FileName<'a> {
        let in_folder = || {
            let at = file.find(&format!("/{device}/"))?;
            Some(FileName::OfDevice(file.get(..=at)?, file.get(at + 1 + device.len()..)?))
        };
        let at_top = file.strip_prefix(device).filter(|rest| rest.starts_with('/'));
        at_top.map(|rest| FileName::OfDevice("", rest)).or_else(in_folder).unwrap_or(FileName::Whole(file))
    }

    /// What the file is called on another device.
    fn on(self, device: &str) -> Arc<str> {
        match self {
            FileName::Whole(name) => name.into(),
            FileName::OfDevice(before, behind) => format!("{before}{device}{behind}").into(),
        }
    }
}

impl<'a> Library<'a> {
    fn devices(&mut self, tree: &'a ConfigTree) -> Result<Vec<Device>, Failure> {
        let read: Vec<Result<Device, Failure>> = tree.devices.iter().map(|input| self.device(input)).collect();
        let mut failures = Vec::new();
        let mut devices: Vec<Device> = Vec::new();
        for one in read {
            match one {
                Ok(device) => devices.push(device),
                Err(failure) => failures.push(failure),
            }
        }
        devices.sort_by(|a, b| a.name.cmp(&b.name));
        if failures.is_empty() { Ok(devices) } else { Err(Failure::Several(failures)) }
    }

    fn device(&mut self, input: &'a DeviceInput) -> Result<Device, Failure> {
        // What a file includes is found by its name, so devices with such files are read one by one.
        let is_alone = !input.includes.is_empty();
        let name_of = |file: &'a InputFile| match is_alone {
            true => FileName::Whole(&file.name),
            false => FileName::of(&file.name, &input.name),
        };
        let files = input.files.iter().chain(&input.includes).map(|f| (name_of(f), place(f))).collect();
        let of_facts = input.facts_source.as_ref().map(place);
        let from: ReadFrom<'a> = (files, of_facts, format!("{:?}", input.facts.facts()));
        if let Some((ruleset, routing)) = self.known.get(&from).and_then(|held| held.for_device(&input.name)) {
            let device = Device::new(&input.name, ruleset).routed_by(routing);
            return Ok(device.described_by(&input.facts));
        }
        let read = read_one(input, self.dialect)?;
        let (ruleset, routing) = (Arc::new(read.ruleset), Arc::new(read.routing));
        let held = Held { device: &input.name, ruleset: ruleset.clone(), routing: routing.clone() };
        self.known.insert(from, held);
        Ok(Device::new(&input.name, ruleset).routed_by(routing).described_by(&read.facts))
    }
}

impl Held<'_> {
    /// The same for another device, whose files have the same bytes: the rules are held once. Routes name their files one by
    /// one, and are read again.
    fn for_device(&self, device: &str) -> Option<(Arc<Ruleset>, Arc<Routing>)> {
        if self.device == device {
            return Some((self.ruleset.clone(), self.routing.clone()));
        }
        let names: Vec<Arc<str>> =
            self.ruleset.sources.iter().map(|s| FileName::of(&s.name, self.device).on(device)).collect();
        self.routing.is_empty().then(|| (Arc::new(self.ruleset.named(&names)), self.routing.clone()))
    }
}

/// The policy of a file or folder that somebody named.
///
/// # Errors
/// Files that cannot be read or are not understood.
pub fn read_policy_at(given: &OsStr) -> Result<Policy, Failure> {
    let surroundings = Surroundings::of_process()?;
    let files = Reader::new(&surroundings, &is_ruleset).policy_files(given)?;
    Ok(read_policy(&policy_files(&files)?)?)
}

/// The files of a policy as texts: all of them are the policy.
///
/// # Errors
/// A file that is not UTF-8.
pub fn policy_files(files: &[TreeFile]) -> Result<PolicyFiles, Failure> {
    let mut out = PolicyFiles::default();
    for file in files {
        match std::str::from_utf8(&file.bytes) {
            Ok(text) => out.main.push((file.path.clone(), text.to_owned())),
            Err(_) => return Err(Failure::new(format!("`{}` is not UTF-8", file.path))),
        }
    }
    Ok(out)
}
