//! What a configuration tree holds beside its devices: zones, and snapshots of the inventory.

use super::{TreeFile, is_ignored_name};
use crate::dialect::InputFile;
use crate::policy::{Policy, ZONES};

/// Where zones and snapshots stand, by paths from the folder that holds the devices' one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// Folders of which every file counts.
    pub folders: Vec<String>,
    /// Files.
    pub files: Vec<String>,
}

impl Default for Beside {
    fn default() -> Beside {
        Beside { folders: vec![ZONES.to_owned()], files: Vec::new() }
    }
}

impl Beside {
    /// What a policy says of it.
    pub fn of(policy: &Policy) -> Beside {
        let files = policy.inventory.as_ref().map(|rule| rule.paths.all()).unwrap_or_default();
        let zones = policy.name_service.as_ref().map_or(ZONES, |service| service.zones.as_str());
        Beside { folders: vec![zones.to_owned()], files }
    }

    /// Every path, of folders and of files.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.folders.iter().chain(&self.files).map(String::as_str)
    }

    /// Whether a file counts, by its path.
    pub fn holds(&self, path: &str) -> bool {
        let is_inside = |folder: &String| path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'));
        !is_ignored_name(path) && (self.files.iter().any(|f| f == path) || self.folders.iter().any(is_inside))
    }

    /// Takes the files that count out of those of a folder that holds devices as well. A folder of zones in which some file is a
    /// ruleset, or `device.toml`, is a device of that name.
    pub fn split(
        &self,
        files: Vec<TreeFile>,
        is_ruleset: &dyn Fn(&InputFile) -> bool,
    ) -> (Vec<TreeFile>, Vec<TreeFile>) {
        let is_ruleset = |f: &TreeFile| is_ruleset(&InputFile { name: f.path.clone(), bytes: f.bytes.clone() });
        let is_device = |folder: &str| {
            let own = files.iter().filter(|f| f.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')));
            own.clone().any(|f| f.path.ends_with("/device.toml")) || own.into_iter().any(is_ruleset)
        };
        let folders = self.folders.iter().filter(|f| !is_device(f)).cloned().collect();
        let counting = Beside { folders, files: self.files.clone() };
        files.into_iter().partition(|f| counting.holds(&f.path))
    }
}
