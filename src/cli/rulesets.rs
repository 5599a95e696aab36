//! From files to rulesets: each device read by its dialect, all problems of all devices in one run.

use super::failure::Failure;
use super::input::{Reader, Surroundings};
use crate::dialect::{DIALECTS, Dialect, InputFile, ReadOptions, nearest, read_device};
use crate::fleet::tree::{ConfigTree, DeviceInput, TreeFile};
use crate::policy::{DeviceFile, Policy, PolicyFiles, read_device_file, read_policy};
use crate::ruleset::Ruleset;
use std::ffi::OsStr;

/// One device, read.
#[derive(Clone, Debug)]
pub struct ReadDevice {
    /// Its name.
    pub name: String,
    /// What `device.toml` says; the defaults where there is none.
    pub facts: DeviceFile,
    /// Its ruleset.
    pub ruleset: Ruleset,
}

/// Whether some dialect could read a file, judged by its content.
pub fn is_ruleset(file: &InputFile) -> bool {
    std::str::from_utf8(&file.bytes).is_ok_and(|text| DIALECTS.iter().any(|d| (d.recognises)(text)))
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
/// Every problem of `device.toml`, else every problem of the rulesets.
pub fn read_one(input: &DeviceInput, dialect: Option<&str>) -> Result<ReadDevice, Failure> {
    let facts = match &input.facts_source {
        Some(file) => read_device_file(&file.name, &String::from_utf8_lossy(&file.bytes))?,
        None => DeviceFile::default(),
    };
    let said = facts.dialect.as_ref().map(|d| d.value.clone()).or_else(|| dialect.map(str::to_owned));
    let ruleset = read_device(&input.files, &ReadOptions { dialect: said, facts: facts.facts() })?;
    Ok(ReadDevice { name: input.name.clone(), facts, ruleset })
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
