//! The layout of a configuration tree: which files make which devices.
//!
//! Pure: files come in as paths and bytes, from a folder or from git, and both are judged by the same rules.
//! The rules, beyond those of the reference:
//!
//! - A folder of a device holds files only. Ruleset files deeper down are refused, with a hint which folder to name.
//! - `device.toml` directly in the folder makes the whole folder one device, named after the folder.
//! - Where `device.toml` names a dialect, every file beside it is a ruleset file by declaration.
//! - A folder with `device.toml` and no ruleset is refused: a device that lost its rules must not vanish.
//! - A device's files are those of its roles, role by role in the order of `from`, then its own; within one
//!   folder they are in order of name.
//! - A file that another file of the same device includes is no ruleset of its own, wherever it lies in the tree; a
//!   folder that holds nothing but such files is no device.

mod beside;
mod includes;
mod layout;
mod roles;

pub use beside::Beside;
pub use includes::{apart, reached, whole};
pub use layout::stem;

use super::names::Naming;
use crate::dialect::InputFile;
use crate::fleet::evidence::Evidence;
use crate::inventory::Inventory;
use crate::policy::{Contradiction, DeviceFile};
use std::sync::Arc;

/// A file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeFile {
    /// The path from the tree's folder, with `/`.
    pub path: String,
    /// The bytes; files of the same bytes can share them.
    pub bytes: Arc<[u8]>,
}

/// Everything that was found in one place.
#[derive(Clone, Debug)]
pub struct TreeInput {
    /// What the user would call the tree; the name of the device where the folder is one.
    pub name: String,
    /// What stands before each path in reports: `devices/`, or nothing.
    pub shown_under: String,
    /// The files, with paths from the tree's folder.
    pub files: Vec<TreeFile>,
    /// The files of roles, with paths `NAME/FILE`.
    pub roles: Vec<TreeFile>,
    /// Zones and snapshots of the inventory, with paths from the folder that holds the devices' one.
    pub beside: Vec<TreeFile>,
    /// Folders without any file, where the source knows of such.
    pub empty_folders: Vec<String>,
    /// How device names are judged.
    pub naming: Naming,
    /// Whether files directly in the folder are one device because the user says so.
    pub grouping: Grouping,
}

/// What files directly in a folder make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// One device a stem; all one device where `device.toml` is among them.
    ByStem,
    /// One device.
    OneDevice,
}

impl TreeInput {
    /// A tree without files yet, of a folder that somebody named.
    pub fn new(name: &str) -> TreeInput {
        TreeInput {
            name: name.to_owned(),
            shown_under: String::new(),
            files: Vec::new(),
            roles: Vec::new(),
            beside: Vec::new(),
            empty_folders: Vec::new(),
            naming: Naming::AdHoc,
            grouping: Grouping::ByStem,
        }
    }
}

/// A tree, read.
#[derive(Clone, Debug, Default)]
pub struct ConfigTree {
    /// The devices, in order of name.
    pub devices: Vec<DeviceInput>,
    /// Zones and snapshots of the inventory.
    pub beside: Vec<TreeFile>,
    /// Paths of files and folders that were ignored, in order.
    pub ignored: Vec<String>,
    /// Why the tree must be refused; empty where it need not.
    pub problems: Vec<TreeProblem>,
    evidence: Evidence,
    single: bool,
}

/// One device with all its files.
#[derive(Clone, Debug)]
pub struct DeviceInput {
    /// Its name.
    pub name: String,
    /// Its ruleset files, sets and routes, in the order in which they are composed.
    pub files: Vec<InputFile>,
    /// Files that those include; none of them is a ruleset of its own.
    pub includes: Vec<InputFile>,
    /// The text of `device.toml`, where there is one.
    pub facts_source: Option<InputFile>,
    /// What it says; the defaults where there is none.
    pub facts: DeviceFile,
}

/// Something that makes a tree unfit, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeProblem {
    /// The file or folder, as reports show it; empty for the tree as a whole.
    pub path: String,
    /// The 1-based line, where one is to blame.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl ConfigTree {
    /// Arranges the files of a folder into devices. `is_ruleset` says, by content, whether some dialect could
    /// read a file: a filter dump, sets or routes.
    pub fn of_folder(input: TreeInput, is_ruleset: impl Fn(&InputFile) -> bool) -> ConfigTree {
        layout::arrange(input, &is_ruleset)
    }

    /// The files of one device, all of them rulesets because the user says so.
    pub fn of_device(name: &str, files: Vec<InputFile>) -> ConfigTree {
        let mut evidence = Evidence::default();
        files.iter().for_each(|f| evidence.note("", &f.name, &f.bytes));
        let single = files.len() == 1;
        let (facts, includes) = (DeviceFile::default(), Vec::new());
        let device = DeviceInput { name: name.to_owned(), files, includes, facts_source: None, facts };
        let mut out = ConfigTree { devices: vec![device], evidence, single, ..ConfigTree::default() };
        out.refuse_empty(name);
        out
    }

    /// Adds what the files of the only device include.
    #[must_use]
    pub fn with_includes(mut self, files: Vec<InputFile>) -> ConfigTree {
        files.iter().for_each(|f| self.evidence.note("", &f.name, &f.bytes));
        if let [device] = self.devices.as_mut_slice() {
            device.includes = files;
        }
        self
    }

    /// Completes the facts of the devices with what an inventory knows; says where the two contradict each other, with the
    /// device's name.
    pub fn complete_by(&mut self, inventory: &Inventory) -> Vec<(String, Contradiction)> {
        let mut found = Vec::new();
        for device in &mut self.devices {
            let Some(known) = inventory.device(&device.name) else { continue };
            let (facts, contradictions) = std::mem::take(&mut device.facts).completed_by(known);
            device.facts = facts;
            found.extend(contradictions.into_iter().map(|c| (device.name.clone(), c)));
        }
        found
    }

    /// The problems as an error.
    ///
    /// # Errors
    /// The tree, where it must be refused.
    pub fn accepted(self) -> Result<ConfigTree, UnfitTree> {
        if self.problems.is_empty() { Ok(self) } else { Err(UnfitTree { problems: self.problems }) }
    }

    pub(super) fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    pub(super) fn single_file(&self) -> Option<&InputFile> {
        self.devices.first().and_then(|d| d.files.first()).filter(|_| self.single)
    }

    /// An empty tree proves nothing.
    fn refuse_empty(&mut self, name: &str) {
        if self.problems.is_empty() && self.devices.iter().all(|d| d.files.is_empty()) {
            self.problems.push(TreeProblem {
                path: name.to_owned(),
                line: None,
                message: format!("`{name}` holds no device"),
                help: Some("put each device's ruleset files into a folder named after it".to_owned()),
            });
        }
    }
}

/// A tree that must be refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", problems.iter().map(|p| p.message.as_str()).collect::<Vec<_>>().join("; "))]
pub struct UnfitTree {
    /// Why; never empty.
    pub problems: Vec<TreeProblem>,
}

/// Whether a file plays no part by its name alone: dot-files, `*.md`, and everything in folders that begin with
/// a dot.
pub fn is_ignored_name(path: &str) -> bool {
    let markdown = path.rsplit('.').next().is_some_and(|ext| ext.len() < path.len() && ext.eq_ignore_ascii_case("md"));
    markdown || path.split('/').any(|part| part.starts_with('.'))
}
