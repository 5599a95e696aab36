//! A change that would be granted, step by step, so that a test spoils one of them.
//!
//! ```text
//! let stage = Stage::new();               // policy, edge1, root; it is yesterday
//! let facts = stage.ready();              // proposed, announced, vetted, approved by bob, carol and dave, witnessed
//! stage.permit().granted();
//!
//! let stage = Stage::new();
//! let facts = stage.announced();          // proposed, announced by alice, vetted, witnessed
//! stage.approve("alice", "network", &facts);
//! stage.settle();                         // an hour passes, and the ledger witnesses everything
//! stage.permit().denied("SELF_APPROVAL");
//! ```
//!
//! Evidence is dated around the present instant, because the binary has no other clock: the scene begins a day ago, windows are always
//! open, and `settle` lets time pass up to shortly before now.

pub use crate::evidence::{approval, vetting};
pub use crate::verdict::Verdict;

use crate::scene::{Clone, PolicyText, RULES, Scene};
use fwgate::diff::Bounds;
use fwgate::fleet::tree::TreeFile;
use fwgate::gate::{
    Analysis, BesideDevices, Case, DeviceBytes, Digest, Library, Root, analyse_within, files_digest, read_request,
    sha256,
};
use fwgate::policy::{Date, PolicyFiles, read_policy};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The change of most tests.
pub const CHANGE: &str = "CHG-1";

/// The branch on which authors work.
pub const WORK: &str = "refs/heads/work";

/// The ruleset of edge1.
pub const EDGE: &str = "devices/edge1/rules.v4";

/// Three persons who may approve what alice wrote, with their roles.
pub const APPROVERS: [(&str, &str); 3] = [("bob", "network"), ("carol", "network"), ("dave", "security")];

/// Classes and windows around the present instant.
pub const REST: &str = r#"
[class.normal]
quorum = [{ role = "network", count = 2 }, { role = "security", count = 1 }]
staging = "namespace"
lead_time = "4h"
approval_lifetime = "14d"
permit_lifetime = "2h"
carry_over = true

[class.emergency]
quorum = [{ role = "network", count = 2 }]
permit_lifetime = "1h"
review_due = "3d"

[[window]]
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
from = "00:00"
to = "00:00"
zone = "UTC"
"#;

/// The rule that the change adds, in the order of a dump.
pub const RULE: &str = "-A FORWARD -s 10.2.0.0/16 -d 10.1.0.0/24 -p tcp -m tcp --dport 443 -j ACCEPT\n";

/// A ruleset with more rules at its end.
pub fn with_rules(rules: &str, more: &str) -> String {
    rules.replace("COMMIT\n", &format!("{more}COMMIT\n"))
}

/// The proposed ruleset of edge1.
pub fn proposed() -> String {
    with_rules(RULES, RULE)
}

/// A change file of class `normal` that opens what [`RULE`] does.
pub fn change_file(id: &str) -> String {
    format!(
        "id = \"{id}\"\ntitle = \"Open the portal\"\nclass = \"normal\"\nreason = \"launch\"\ndevices = [\"edge*\"]\n\n[[intent]]\n\
         effect = \"opened\"\nfrom = [\"10.2.0.0/16\"]\nto = [\"10.1.0.0/24\"]\nservice = [\"tcp/443\"]\nhook = \"forward\"\n"
    )
}

/// Seconds since 1970.
pub fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// What a change is about, as its author would compute it.
#[derive(Clone, Debug)]
pub struct Facts {
    pub id: String,
    pub base: String,
    pub head: String,
    pub file: Digest,
    pub content: Digest,
    pub meaning: Digest,
    pub says: String,
    /// The devices with the digests of their proposed bytes.
    pub devices: Vec<(String, Digest)>,
    /// The receipt that approvals name.
    pub vetting: Option<Digest>,
}

/// A repository with a root, a change on its way, and the binary that judges it.
pub struct Stage {
    pub scene: Scene,
    root: RefCell<PathBuf>,
    work: RefCell<Option<Clone>>,
}

impl Stage {
    /// The policy of [`REST`] and one device; a day ago.
    pub fn new() -> Stage {
        Stage::of(|_| {}, &[])
    }

    /// The same with another policy and more files on the protected branch.
    pub fn of(policy: impl FnOnce(&mut PolicyText), files: &[(&str, &str)]) -> Stage {
        let scene = Stage::empty();
        scene.set_policy(policy);
        Stage::built(scene, files)
    }

    /// The same where the text of the policy is edited: pairs of what stands there and what replaces it.
    pub fn edited(edits: &[(&str, &str)]) -> Stage {
        Stage::of(|text| text.edits = owned(edits), &[])
    }

    /// An empty remote with a policy that can still be changed; a day ago.
    pub fn empty() -> Scene {
        let scene = Scene::bare();
        scene.wait(now() - 86_400 - scene.now());
        scene.set_policy(|text| text.rest = REST.to_owned());
        scene
    }

    /// The policy of a scene, one device and these files on its protected branch.
    pub fn built(scene: Scene, files: &[(&str, &str)]) -> Stage {
        let text = scene.policy_text();
        let mut all = BTreeMap::from([("fwgate.toml", text.as_str()), (EDGE, RULES)]);
        all.extend(files.iter().copied());
        all.retain(|_, text| !text.is_empty());
        let of_policy = all.iter().filter(|(path, _)| **path == "fwgate.toml" || path.starts_with("policies/"));
        let policy = files_digest(of_policy.map(|(path, text)| (*path, text.as_bytes())));
        scene.main(&all.into_iter().collect::<Vec<_>>());
        let root = Root {
            repository: "example/firewalls".into(),
            remote: scene.remote_url(),
            protected: "refs/heads/main".into(),
            policy,
            signers: vec![scene.key("alice").fingerprint()],
        };
        let path = scene.write("root.toml", &root.to_string());
        Stage { scene, root: RefCell::new(path), work: RefCell::new(None) }
    }

    /// The root file.
    pub fn root(&self) -> PathBuf {
        self.root.borrow().clone()
    }

    /// Trusts another root file from now on.
    pub fn set_root(&self, path: PathBuf) {
        *self.root.borrow_mut() = path;
    }

    /// Everything that a permit needs.
    pub fn ready(&self) -> Facts {
        let facts = self.announced();
        self.approved_by(&APPROVERS, &facts);
        self.settle();
        facts
    }

    /// Proposed and announced by alice, vetted, and witnessed long enough ago.
    pub fn announced(&self) -> Facts {
        let head = self.propose(&[]);
        self.announced_at(CHANGE, &head)
    }

    /// A commit of the author's branch as change `id`: announced, vetted, witnessed.
    pub fn announced_at(&self, id: &str, head: &str) -> Facts {
        let facts = self.facts(id, head);
        self.announce("alice", &facts);
        let facts = self.vet(facts);
        self.scene.wait(600);
        self.scene.witness();
        self.scene.wait(600);
        facts
    }

    /// Alice commits the proposed ruleset and the change file, with these files beside or instead, on the author's branch.
    pub fn propose(&self, files: &[(&str, &str)]) -> String {
        let (rules, file) = (proposed(), change_file(CHANGE));
        let mut all = BTreeMap::from([(EDGE, rules.as_str()), ("changes/CHG-1.toml", file.as_str())]);
        all.extend(files.iter().copied());
        let files: Vec<(&str, &str)> = all.into_iter().collect();
        self.scene.commit_on(WORK, "alice", &files)
    }

    /// The plain proposal again, on a branch of its own: what an attacker announces a commit by that cannot be read.
    pub fn propose_plain(&self) -> String {
        let (rules, file) = (proposed(), change_file(CHANGE));
        self.scene.commit_on("refs/heads/plain", "alice", &[(EDGE, &rules), ("changes/CHG-1.toml", &file)])
    }

    /// What the protected branch and this commit give, where the devices of the tip are in force.
    pub fn facts(&self, id: &str, head: &str) -> Facts {
        let tip = self.tip();
        self.facts_against(id, head, &self.devices(&tip))
    }

    /// The same against other devices in force.
    pub fn facts_against(&self, id: &str, head: &str, baseline: &[DeviceBytes]) -> Facts {
        let tip = self.tip();
        let proposal = self.merged(&tip, head);
        let base = self.merge_base(&tip, head);
        let beside = [beside_of(&self.files(&tip)), beside_of(&proposal)];
        let found = self.analysed(id, baseline, &proposal, (&self.devices(&base), &beside));
        let zero = Digest([0; 32]);
        let (analysis, file) = found.map_or((None, zero), |(analysis, file)| (Some(analysis), file));
        Facts {
            id: id.to_owned(),
            base,
            head: head.to_owned(),
            file,
            content: analysis.as_ref().map_or(zero, |a| a.content),
            meaning: analysis.as_ref().map_or(zero, |a| a.meaning),
            says: analysis.as_ref().map_or_else(|| "nothing".to_owned(), |a| a.says.clone()),
            devices: analysis.map(|a| a.devices).unwrap_or_default(),
            vetting: None,
        }
    }

    /// The content digest that the same change has in another repository.
    pub fn content_of_repository(&self, repository: &str, id: &str, head: &str) -> Digest {
        let tip = self.tip();
        let (baseline, proposal) = (self.devices(&tip), self.merged(&tip, head));
        let path = format!("changes/{id}.toml");
        let (_, canonical) = read_request(&path, &proposal[&path], &self.scene.policy()).unwrap();
        let targets = fwgate::gate::targets(&baseline, &devices_of(&proposal));
        fwgate::gate::content_digest(repository, &canonical, &targets)
    }

    fn analysed(
        &self,
        id: &str,
        baseline: &[DeviceBytes],
        proposal: &BTreeMap<String, Arc<[u8]>>,
        (base, beside): (&[DeviceBytes], &[Vec<TreeFile>; 2]),
    ) -> Option<(Analysis, Digest)> {
        let text = self.scene.policy_text();
        let policy = read_policy(&PolicyFiles::single("fwgate.toml", text.as_str())).ok()?;
        let path = format!("changes/{id}.toml");
        let (request, canonical) = read_request(&path, proposal.get(&path)?, &policy).ok()?;
        let case = Case {
            repository: "example/firewalls",
            baseline,
            proposal: &devices_of(proposal),
            base,
            policy: &policy,
            request: &request,
            canonical_request: &canonical,
            bounds: Bounds::default(),
            today: Date::of_unix_seconds(u64::try_from(now()).unwrap()),
        };
        let [old, new] = beside;
        let around = BesideDevices { baseline: old, proposal: new, now: Some(now()), ..BesideDevices::default() };
        let analysis = analyse_within(&case, &around, &mut Library::default());
        Some((analysis.ok()?, sha256(canonical.as_bytes())))
    }

    /// The protected branch's commit.
    pub fn tip(&self) -> String {
        self.scene.head_of("refs/heads/main").unwrap()
    }

    /// The devices of a commit.
    pub fn devices(&self, commit: &str) -> Vec<DeviceBytes> {
        devices_of(&self.files(commit))
    }

    fn files(&self, commit: &str) -> BTreeMap<String, Arc<[u8]>> {
        let tree = self.scene.remote().find_commit(oid(commit)).unwrap().tree().unwrap();
        files_of(self.scene.remote(), &tree)
    }

    /// The files of the merge of two commits; those of the second where they conflict.
    fn merged(&self, tip: &str, head: &str) -> BTreeMap<String, Arc<[u8]>> {
        let remote = self.scene.remote();
        let [tip, head] = [tip, head].map(|id| remote.find_commit(oid(id)).unwrap());
        let merge = remote.merge_commits(&tip, &head, None).ok();
        let tree = merge.and_then(|mut index| index.write_tree_to(remote).ok());
        files_of(remote, &tree.map_or_else(|| head.tree().unwrap(), |id| remote.find_tree(id).unwrap()))
    }

    fn merge_base(&self, one: &str, other: &str) -> String {
        self.scene.remote().merge_base(oid(one), oid(other)).unwrap().to_string()
    }

    /// A stock clone in which the gate is asked; brought up to date at every call.
    pub fn clone_path(&self) -> PathBuf {
        let mut work = self.work.borrow_mut();
        match work.as_ref() {
            Some(clone) => drop(clone.git(&["fetch", "-q", "origin"])),
            None => *work = Some(self.scene.clone_as("clone")),
        }
        work.as_ref().unwrap().path.clone()
    }

    /// Asks for a permit of [`CHANGE`].
    pub fn permit(&self) -> Verdict {
        self.permit_of(CHANGE)
    }

    /// Asks for a permit of any change.
    pub fn permit_of(&self, id: &str) -> Verdict {
        self.permit_in(&self.clone_path(), id, &[])
    }

    /// Asks in any folder, in an environment of nothing but a path, a home and these variables.
    pub fn permit_in(&self, folder: &Path, id: &str, environment: &[(&str, &str)]) -> Verdict {
        let root = self.root();
        self.ask(folder, &["--root", root.to_str().unwrap()], id, environment)
    }

    /// Lets the binary run with any arguments in the clone; what it prints on both streams.
    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fwgate"));
        command.args(arguments).arg("--root").arg(self.root()).current_dir(self.clone_path());
        command.env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.scene.path().join("home"));
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (output.status.code(), text)
    }

    /// A push of [`CHANGE`] with a permit file, all keys at hand.
    pub fn push(&self, permit: &str) -> (Option<i32>, String) {
        let file = self.scene.write("given.permit", permit);
        let [ledger, receiver] = ["ledger", "receiver"].map(|name| self.scene.key(name).path);
        let [file, ledger, receiver] = [&file, &ledger, &receiver].map(|path| path.to_str().unwrap());
        let keys = ["--key-ledger", ledger, "--key-production", receiver];
        self.run(&[&["push", CHANGE, "--holder", "runner", "--permit", file][..], &keys[..]].concat())
    }

    /// Asks with any further arguments.
    pub fn ask(&self, folder: &Path, arguments: &[&str], id: &str, environment: &[(&str, &str)]) -> Verdict {
        let out = self.scene.path().join(format!("{id}.permit"));
        let _ = std::fs::remove_file(&out);
        let key = self.scene.key("deployer").path;
        let mut command = Command::new(env!("CARGO_BIN_EXE_fwgate"));
        command.args(["permit", id, "--format", "json", "--holder", "runner", "--out"]).arg(&out);
        command.arg("--key-permit").arg(key).args(arguments).current_dir(folder).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.scene.path().join("home"));
        command.envs(environment.iter().copied());
        Verdict::of(command.output().unwrap(), &out)
    }
}

/// Zones and snapshots of the inventory among some files.
fn beside_of(files: &BTreeMap<String, Arc<[u8]>>) -> Vec<TreeFile> {
    let own = files.iter().filter(|(path, _)| path.starts_with("zones/") || path.starts_with("inventory/"));
    own.map(|(path, bytes)| TreeFile { path: path.clone(), bytes: bytes.clone() }).collect()
}

/// Pairs of texts for [`PolicyText::edits`].
pub fn owned(edits: &[(&str, &str)]) -> Vec<(String, String)> {
    edits.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect()
}

pub fn oid(text: &str) -> git2::Oid {
    git2::Oid::from_str(text).unwrap()
}

fn files_of(repository: &git2::Repository, tree: &git2::Tree<'_>) -> BTreeMap<String, Arc<[u8]>> {
    let mut out = BTreeMap::new();
    tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
        if let Ok(blob) = entry.to_object(repository).map_err(|_| ()).and_then(|o| o.into_blob().map_err(|_| ())) {
            out.insert(format!("{folder}{}", entry.name().unwrap_or_default()), blob.content().into());
        }
        git2::TreeWalkResult::Ok
    })
    .unwrap();
    out
}

/// The devices under `devices/`, each a folder.
fn devices_of(files: &BTreeMap<String, Arc<[u8]>>) -> Vec<DeviceBytes> {
    let mut out: BTreeMap<&str, Vec<(String, Arc<[u8]>)>> = BTreeMap::new();
    for (path, bytes) in files {
        let Some((device, _)) = path.strip_prefix("devices/").and_then(|rest| rest.split_once('/')) else { continue };
        out.entry(device).or_default().push((path.clone(), bytes.clone()));
    }
    out.into_iter().map(|(device, files)| DeviceBytes { device: device.to_owned(), files }).collect()
}
