//! What the gate judges: the bytes of every device in force and as proposed, and the change file, out of the repository's
//! objects.
//!
//! The proposal is the merge of the pinned head onto the protected branch's tip, made in process. In force is what the caller
//! says, device by device; the tip stands in for devices that nobody has pushed yet.

use super::{InputError, Reader};
use crate::fleet::tree::{ConfigTree, DeviceInput, TreeFile};
use crate::gate::{DeviceBytes, Digest, Reason, ReasonCode, change_edits};
use crate::policy::canonical_change;
use crate::vcs::{CommitId, Repository, Tree, VcsError, merge_onto, refuse_irregular};
use std::collections::BTreeMap;

/// The state that a change is about.
#[derive(Clone, Copy, Debug)]
pub struct PinnedChange<'a> {
    /// The id, whose file is `changes/ID.toml` or `changes/ID.json`.
    pub id: &'a str,
    /// The protected branch's tip.
    pub protected: CommitId,
    /// The beginning of the author's range, exclusive.
    pub base: CommitId,
    /// The commit that holds the proposal.
    pub head: CommitId,
}

/// Everything that an analysis needs out of the repository.
#[derive(Clone, Debug)]
pub struct ChangeTrees {
    /// Every device as it is in force.
    pub baseline: Vec<DeviceBytes>,
    /// Every device as it is proposed.
    pub proposal: Vec<DeviceBytes>,
    /// Every device at the beginning of the author's range; empty where there was none.
    pub base: Vec<DeviceBytes>,
    /// The change file as proposed.
    pub request: TreeFile,
    /// Paths that the author's range changes, in order.
    pub touched: Vec<String>,
    /// Attribute files that hide, translate or filter something in a checkout or in a comparison of git's. They have no part here.
    pub attributes: Vec<String>,
    /// Zones and snapshots of the inventory, of the protected branch and as proposed.
    pub beside: [Vec<TreeFile>; 2],
    /// Devices for which the protected branch stood in, because nobody said what is in force.
    pub assumed: Vec<String>,
}

impl Reader<'_> {
    /// Gathers what an analysis of a pinned change needs. `in_force` are the bytes of devices whose last push or adoption
    /// is known.
    ///
    /// # Errors
    /// Everything that keeps the trees from being read or merged, as reasons of the gate.
    pub fn change_trees(
        &self,
        repo: &Repository,
        change: &PinnedChange<'_>,
        in_force: &BTreeMap<String, DeviceBytes>,
    ) -> Result<ChangeTrees, Vec<Reason>> {
        let devices = |tree: ConfigTree| tree.devices.iter().map(bytes_of).collect::<Vec<_>>();
        let at = |commit: CommitId, words: &str| -> Result<ConfigTree, InputError> {
            Ok(self.repository_tree(repo, &repo.tree(commit)?, words)?.accepted()?)
        };
        let merged = merge_onto(repo, change.protected, change.head).map_err(|e| reasons(&e.into()))?;
        let proposal = self.repository_tree(repo, &merged, change.id).and_then(|t| Ok(t.accepted()?));
        let beside;
        let (tip, proposal) = match (at(change.protected, "the protected branch"), proposal) {
            (Ok(tip), Ok(proposal)) => {
                beside = [tip.beside.clone(), proposal.beside.clone()];
                (devices(tip), devices(proposal))
            }
            (tip, proposal) => {
                let errors = tip.err().into_iter().chain(proposal.err());
                return Err(errors.flat_map(|e| reasons(&e)).collect());
            }
        };
        let read = |error: VcsError| reasons(&error.into());
        let [before, after] = [change.base, change.head].map(|commit| repo.tree(commit));
        let (before, after) = (before.map_err(read)?, after.map_err(read)?);
        let base = self.repository_tree(repo, &before, "base").and_then(|t| Ok(t.accepted()?)).map(devices);
        let base = base.unwrap_or_default();
        let (mut baseline, assumed) = overlaid(tip, in_force);
        if repo.merge_base(change.protected, change.base).is_ok_and(|common| common == change.base) {
            let head = self.repository_tree(repo, &after, "head").and_then(|t| Ok(t.accepted()?)).map(devices);
            before_merge(
                &mut baseline,
                &assumed,
                &Sides { base: &base, head: &head.unwrap_or_default(), proposal: &proposal },
            );
        }
        Ok(ChangeTrees {
            baseline,
            proposal,
            base,
            request: self.change_file(repo, &merged, change.id)?,
            touched: before.differing(&after),
            attributes: self.attributes(repo, &merged),
            beside,
            assumed,
        })
    }

    /// The devices of a state of the repository's files, and what stands beside them.
    ///
    /// # Errors
    /// There are none, or they cannot be read or accepted.
    pub fn state_of(
        &self,
        repo: &Repository,
        files: &Tree,
        words: &str,
    ) -> Result<(Vec<DeviceBytes>, Vec<TreeFile>), InputError> {
        let tree = self.repository_tree(repo, files, words)?.accepted()?;
        Ok((tree.devices.iter().map(bytes_of).collect(), tree.beside))
    }

    /// Whether a path of the repository is one of a device or of a role, or stands beside them: what checks judge by.
    pub fn is_judged(&self, path: &str) -> bool {
        let below = |folder: &str| folder.is_empty() || path.strip_prefix(folder).is_some_and(|p| p.starts_with('/'));
        let above = self.above_devices();
        let inner =
            if above.is_empty() { Some(path) } else { path.strip_prefix(above).map(|p| p.trim_start_matches('/')) };
        below(&self.devices) || below(&self.roles_path()) || inner.is_some_and(|path| self.beside.holds(path))
    }

    /// Where the repository holds a file of a device: those of roles are named from the folder that holds `roles/`.
    pub fn path_in_repository(&self, path: &str) -> String {
        match path.strip_prefix("roles/") {
            Some(rest) => format!("{}/{rest}", self.roles_path()),
            None => path.to_owned(),
        }
    }

    /// What an announcement's author edited, by `change_edits`; `None` where its commits or files are not there or cannot be read.
    pub fn edits(&self, repo: &Repository, id: &str, base: &str, head: &str) -> Option<Digest> {
        let tree = |id: &str| repo.tree(repo.commit_id(id).ok()?).ok();
        let devices = |tree: &crate::vcs::Tree| {
            let read = self.repository_tree(repo, tree, id).ok()?.accepted().ok()?;
            Some(read.devices.iter().map(bytes_of).collect::<Vec<_>>())
        };
        let (before, after) = (tree(base)?, tree(head)?);
        let file = self.change_file(repo, &after, id).ok()?;
        let request = canonical_change(&file.path, std::str::from_utf8(&file.bytes).ok()?).ok()?;
        Some(change_edits(&devices(&before)?, &devices(&after)?, &request))
    }

    fn attributes(&self, repo: &Repository, files: &crate::vcs::Tree) -> Vec<String> {
        let is_attributes = |path: &&str| path.rsplit('/').next() == Some(".gitattributes");
        let hiding = |path: &&str| {
            let entries = self.entries(repo, files, path).unwrap_or_default();
            entries.iter().any(|entry| hides(&entry.bytes))
        };
        files.paths().filter(is_attributes).filter(hiding).map(str::to_owned).collect()
    }

    fn change_file(&self, repo: &Repository, files: &crate::vcs::Tree, id: &str) -> Result<TreeFile, Vec<Reason>> {
        let mut found = Vec::new();
        for ending in ["toml", "json"] {
            let entries = self.entries(repo, files, &format!("changes/{id}.{ending}"));
            found.extend(entries.map_err(|e| reasons(&e.into()))?);
        }
        refuse_irregular(&found).map_err(|e| reasons(&e.into()))?;
        let one = |message: String| {
            vec![Reason::new(ReasonCode::UnparsedInput, message, format!("commit exactly one `changes/{id}.toml`"))]
        };
        let many = found.len() > 1;
        match found.into_iter().next() {
            Some(entry) if !many => Ok(TreeFile { path: entry.path, bytes: entry.bytes }),
            Some(_) => Err(one(format!("`{id}` has more than one change file"))),
            None => Err(one(format!("there is no `changes/{id}.toml` in the proposal"))),
        }
    }
}

/// Attributes that let git show or check out something else than what it holds (`gitattributes(5)`).
const HIDING: [&str; 8] =
    ["binary", "diff", "export-subst", "filter", "ident", "merge", "textconv", "working-tree-encoding"];

fn hides(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let mut words = lines.flat_map(|line| line.split_whitespace().skip(1));
    words.any(|word| {
        let name = word.trim_start_matches(['-', '!']);
        HIDING.contains(&name.split('=').next().unwrap_or(name))
    })
}

/// All bytes of a device: its files, those of its roles, what they include, and its facts.
pub fn bytes_of(device: &DeviceInput) -> DeviceBytes {
    let all = device.files.iter().chain(&device.includes).chain(&device.facts_source);
    let mut files: Vec<_> = all.map(|f| (f.name.clone(), f.bytes.clone())).collect();
    files.sort();
    DeviceBytes { device: device.name.clone(), files }
}

/// The tip's devices with what is in force in their place, and the names of those for which it stays.
fn overlaid(tip: Vec<DeviceBytes>, in_force: &BTreeMap<String, DeviceBytes>) -> (Vec<DeviceBytes>, Vec<String>) {
    let mut all: BTreeMap<String, DeviceBytes> = tip.into_iter().map(|d| (d.device.clone(), d)).collect();
    let assumed = all.keys().filter(|name| !in_force.contains_key(*name)).cloned().collect();
    all.extend(in_force.iter().map(|(name, bytes)| (name.clone(), bytes.clone())));
    (all.into_values().collect(), assumed)
}

/// How problems of a tree begin to say that a device, a role or an interface is called what it must not be called.
const NO_NAMES: [&str; 5] = [
    "` is no device name",
    "` is no name of a role",
    "` is no origin of files",
    "` is no interface",
    "` is not one interface",
];

/// Devices at the ends of an author's range, and as proposed.
struct Sides<'a> {
    base: &'a [DeviceBytes],
    head: &'a [DeviceBytes],
    proposal: &'a [DeviceBytes],
}

/// A merge applies nothing: where the protected branch stands in for a device that nobody pushed and holds the author's bytes
/// already, the device runs what the range began with.
fn before_merge(baseline: &mut [DeviceBytes], assumed: &[String], sides: &Sides<'_>) {
    let of = |side: &'_ [DeviceBytes], name: &str| side.iter().find(|d| d.device == name).cloned();
    for device in baseline.iter_mut().filter(|d| assumed.contains(&d.device)) {
        let (base, head) = (of(sides.base, &device.device), of(sides.head, &device.device));
        let is_merged = Some(&*device) == head.as_ref() && head == of(sides.proposal, &device.device);
        if let Some(base) = base.filter(|base| is_merged && base != device) {
            *device = base;
        }
    }
}

/// What an input that cannot be read means for a permit.
pub fn reasons(error: &InputError) -> Vec<Reason> {
    if let InputError::Unfit(unfit) = error {
        let reason = |problem: &crate::fleet::tree::TreeProblem| {
            let code = match () {
                () if problem.message.contains("holds no device") => ReasonCode::EmptyChange,
                () if NO_NAMES.iter().any(|words| problem.message.contains(words)) => ReasonCode::PathInvalid,
                () => ReasonCode::UnparsedInput,
            };
            let place = problem.line.map_or_else(|| problem.path.clone(), |line| format!("{}:{line}", problem.path));
            let fix = problem.help.clone().unwrap_or_else(|| "mend the file".to_owned());
            Reason::new(code, format!("{} ({place})", problem.message), fix)
        };
        return unfit.problems.iter().map(reason).collect();
    }
    let fix = error.help().unwrap_or_else(|| "mend the repository and ask again".to_owned());
    let reason = Reason::new(code_of(error), error.to_string(), fix);
    match error {
        InputError::Vcs(VcsError::Conflict { .. }) => vec![reason.detail("merge")],
        _ => vec![reason],
    }
}

fn code_of(error: &InputError) -> ReasonCode {
    let named = |name: &str| ReasonCode::ALL.iter().copied().find(|code| code.name() == name);
    match error {
        InputError::TooLarge { .. } | InputError::Vcs(VcsError::TooLarge { .. }) => ReasonCode::LimitExceeded,
        InputError::NotUtf8 { .. } => ReasonCode::PathInvalid,
        InputError::Vcs(VcsError::Conflict { .. }) => ReasonCode::Conflict,
        InputError::Vcs(VcsError::NoSuchPath { .. }) => ReasonCode::EmptyChange,
        other => other.code().and_then(named).unwrap_or(ReasonCode::HistoryUnverifiable),
    }
}
