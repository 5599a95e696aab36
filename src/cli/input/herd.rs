//! Many devices of few kinds: a tree of which every configuration is held once, however many devices have it.
//!
//! Of git, devices are alike whose folders hold the same objects. Of a folder, those whose files are the same but for counters and
//! the time of the dump.

use super::contents::Contents;
use super::folder::{self, Links};
use super::{InputError, Reader, Strictness, name_of, plain, split_roles};
use crate::fleet::normal::normalised;
use crate::fleet::tree::{ConfigTree, DeviceInput, TreeFile, TreeInput, is_ignored_name, stem};
use crate::fleet::{Naming, check_device_name};
use crate::gate::{DeviceBytes, Digest, Reason, ReasonCode, device_digest};
use crate::vcs::{self, CommitId, EntryKind, Repository, Tree, VcsError};
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::path::Path;

/// Devices by kind.
#[derive(Clone, Debug, Default)]
pub struct Herd {
    /// One device of each kind.
    pub kinds: Vec<DeviceInput>,
    /// The kind of every device.
    pub devices: BTreeMap<String, usize>,
    /// Zones and snapshots of the inventory.
    pub beside: Vec<TreeFile>,
    /// What stands before the name of a device's folder: `devices/`, or nothing.
    under: String,
}

impl Herd {
    /// The first device of a device's kind.
    pub fn kind(&self, device: &str) -> Option<&DeviceInput> {
        self.devices.get(device).and_then(|at| self.kinds.get(*at))
    }

    /// All bytes of a device under its own names.
    pub fn bytes(&self, device: &str) -> Option<DeviceBytes> {
        let kind = self.kind(device)?;
        let mut bytes = super::bytes_of(kind);
        if kind.name != device {
            let own = format!("{}{}/", self.under, kind.name);
            for (path, _) in &mut bytes.files {
                if let Some(rest) = path.strip_prefix(&own) {
                    *path = format!("{}{device}/{rest}", self.under);
                }
            }
            bytes.files.sort();
            bytes.device = device.to_owned();
        }
        Some(bytes)
    }

    /// The bytes of a device out of the commit of this id, as a ledger entry names them.
    ///
    /// # Errors
    /// No such device there, or bytes of another digest.
    pub fn held(&self, id: &str, device: &str, digest: Digest) -> Result<DeviceBytes, Vec<Reason>> {
        let bytes = self.bytes(device).filter(|bytes| device_digest(Some(bytes)) == digest);
        bytes.ok_or_else(|| {
            let short = id.get(..12).unwrap_or(id);
            let message = format!("commit {short} does not hold the bytes of `{device}` that the ledger names");
            let fix = "`git fetch` may bring the commit that does";
            vec![Reason::new(ReasonCode::HistoryUnverifiable, message, fix)]
        })
    }

    /// The devices of an arranged tree, each standing for those that are like it; `alike` leaves out what is only like itself.
    fn of(tree: ConfigTree, mut alike: BTreeMap<String, String>, under: &str) -> Result<Herd, InputError> {
        let tree = tree.accepted()?;
        for device in &tree.devices {
            alike.entry(device.name.clone()).or_insert_with(|| device.name.clone());
        }
        let places: BTreeMap<&str, usize> =
            tree.devices.iter().enumerate().map(|(at, device)| (device.name.as_str(), at)).collect();
        let place = |(device, first): (String, String)| Some((device, *places.get(first.as_str())?));
        let devices = alike.into_iter().filter_map(place).collect();
        Ok(Herd { kinds: tree.devices, devices, beside: tree.beside, under: under.to_owned() })
    }
}

impl Reader<'_> {
    /// The devices that a folder or `rev:NAME[:PATH]` holds.
    ///
    /// # Errors
    /// As [`Reader::tree`].
    pub fn herd(&self, given: &OsStr) -> Result<Herd, InputError> {
        match super::revision_of(given) {
            Some((name, None)) => {
                let repo = self.repository(given)?;
                let files = repo.tree(repo.resolve(name)?.commit)?;
                self.herd_of(&repo, &files)
            }
            None if self.path(given).is_dir() => self.herd_on_disk(given),
            _ => Herd::of(self.tree(given)?, BTreeMap::new(), ""),
        }
    }

    /// The devices of a state of the repository's files.
    ///
    /// # Errors
    /// There is no folder of devices, or files that cannot be read.
    pub fn herd_of(&self, repo: &Repository, files: &Tree) -> Result<Herd, InputError> {
        let paths: Vec<&str> = files.paths().collect();
        let kept = [&self.devices, &self.roles_path(), "changes", "policies", "fwgate.toml"];
        vcs::refuse_twins(&paths, &kept)?;
        let prefix = if self.devices.is_empty() { String::new() } else { format!("{}/", self.devices) };
        vcs::collisions(paths.iter().copied().filter(|p| p.starts_with(&prefix)))?;
        let under = self.repository_input().shown_under;
        let (few, alike) = files.alike(&self.devices);
        let tree = self.repository_tree(repo, &few, "the protected branch")?;
        let is_twice =
            |(name, first): (&String, &String)| name != first && tree.devices.iter().any(|d| d.name == *name);
        let is_refused = |name: &String| check_device_name(name, Naming::Repository).is_some();
        if !alike.keys().any(is_refused)
            && !alike.iter().any(is_twice)
            && let Ok(herd) = Herd::of(tree, alike, &under)
        {
            return Ok(herd);
        }
        // The reader of whole trees says what is wrong, or that files of one device are another one's as well.
        Herd::of(self.repository_tree(repo, files, "the protected branch")?, BTreeMap::new(), &under)
    }

    /// The bytes of one device at a commit, as a ledger entry names them.
    ///
    /// # Errors
    /// No such device there, bytes of another digest, a tree that cannot be read.
    pub fn device_at(
        &self,
        repo: &Repository,
        commit: CommitId,
        device: &str,
        digest: Digest,
    ) -> Result<DeviceBytes, Vec<Reason>> {
        let files = repo.tree(commit).map_err(|e| super::reasons(&e.into()))?;
        let herd = self.herd_of(repo, &files).map_err(|e| super::reasons(&e))?;
        herd.held(&commit.to_string(), device, digest)
    }

    fn herd_on_disk(&self, given: &OsStr) -> Result<Herd, InputError> {
        let (root, shown) = (self.path(given), given.to_string_lossy().into_owned());
        let mut sorting = Sorting::default();
        let (mut roles, mut beside) = (Vec::new(), Vec::new());
        for (name, kind) in listed(&root, &shown)? {
            let inner = format!("{}/{name}", shown.trim_end_matches('/'));
            match kind {
                _ if name.starts_with('.') || (kind == EntryKind::File && is_ignored_name(&name)) => {}
                EntryKind::Other if name == "roles" => roles = self.files_in(&root.join(&name), &inner)?,
                EntryKind::Other => {
                    let files = self.files_in(&root.join(&name), &inner)?;
                    let inside = |f: TreeFile| TreeFile { path: format!("{name}/{}", f.path), bytes: f.bytes };
                    let (held, own) = self.beside.split(files.into_iter().map(inside).collect(), self.is_ruleset);
                    if held.is_empty() || !own.is_empty() {
                        sorting.add(&name, own);
                    }
                    beside.extend(held);
                }
                _ if name == "device.toml" => return Herd::of(self.tree(given)?, BTreeMap::new(), ""),
                _ => {
                    let bytes = folder::read_given_file(&root.join(&name), &inner, &self.limits)?;
                    sorting.plain(stem(&name).to_owned(), TreeFile { path: name, bytes: bytes.into() });
                }
            }
        }
        sorting.settle();
        if beside.is_empty() && root.ends_with("devices") {
            beside = root.parent().map_or(Ok(Vec::new()), |above| self.beside_on_disk(above, Strictness::AdHoc))?;
        }
        let mut input = TreeInput::new(&name_of(&root));
        (input.files, input.beside) = (sorting.files, beside);
        (input.roles, _) = split_roles(
            roles.into_iter().map(|f| TreeFile { path: format!("roles/{}", f.path), bytes: f.bytes }).collect(),
        );
        Herd::of(ConfigTree::of_folder(input, self.is_ruleset), sorting.alike, "")
    }

    fn files_in(&self, path: &Path, shown: &str) -> Result<Vec<TreeFile>, InputError> {
        let found = folder::read(path, shown, &self.limits, Links::WithinFolder, &Contents::default())?;
        Ok(plain(found, Strictness::AdHoc)?.0)
    }
}

/// What lies directly in a folder, in order of name; a folder is `Other`.
fn listed(root: &Path, shown: &str) -> Result<Vec<(String, EntryKind)>, InputError> {
    let unreadable = |e: &std::io::Error| InputError::unreadable(root, shown, e);
    let mut out = Vec::new();
    for item in std::fs::read_dir(root).map_err(|e| unreadable(&e))? {
        let item = item.map_err(|e| unreadable(&e))?;
        let name = item.file_name();
        let Some(name) = name.to_str().map(str::to_owned) else {
            return Err(InputError::NotUtf8 { path: format!("{shown}/{}", name.to_string_lossy()) });
        };
        let kind = item.file_type().map_err(|e| unreadable(&e))?;
        let is_plain = kind.is_dir() || kind.is_file() || item.path().is_file();
        if !is_plain {
            return Err(VcsError::NotRegular { path: format!("{shown}/{name}"), kind: EntryKind::Other }.into());
        }
        out.push((name, if kind.is_dir() { EntryKind::Other } else { EntryKind::File }));
    }
    out.sort();
    Ok(out)
}

/// What the files of a device are called within it, and what they hold.
type Signature = Vec<(String, Vec<u8>)>;

/// Devices sorted by what they hold.
#[derive(Default)]
struct Sorting {
    known: HashMap<Signature, String, rustc_hash::FxBuildHasher>,
    alike: BTreeMap<String, String>,
    files: Vec<TreeFile>,
    /// Files directly in the folder, by stem.
    plain: BTreeMap<String, Vec<TreeFile>>,
}

impl Sorting {
    fn plain(&mut self, stem: String, file: TreeFile) {
        self.plain.entry(stem).or_default().push(file);
    }

    fn settle(&mut self) {
        for (stem, files) in std::mem::take(&mut self.plain) {
            let cut = |f: &TreeFile| (f.path.strip_prefix(&stem).unwrap_or(&f.path).to_owned(), normalised(&f.bytes));
            let signature = files.iter().map(cut).collect();
            self.note(&stem, signature, files);
        }
    }

    fn add(&mut self, device: &str, files: Vec<TreeFile>) {
        let cut = |f: &TreeFile| f.path.strip_prefix(device).unwrap_or(&f.path).to_owned();
        let signature = files.iter().map(|f| (cut(f), normalised(&f.bytes))).collect();
        self.note(device, signature, files);
    }

    fn note(&mut self, device: &str, signature: Signature, files: Vec<TreeFile>) {
        let first = match self.known.get(&signature) {
            Some(first) => first.clone(),
            None => {
                self.files.extend(files);
                self.known.insert(signature, device.to_owned());
                device.to_owned()
            }
        };
        self.alike.insert(device.to_owned(), first);
    }
}
