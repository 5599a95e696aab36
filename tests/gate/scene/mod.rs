//! A scene for tests of the gate: a bare remote with a protected branch, a policy, persons and machines with throw-away keys,
//! and evidence that they sign.
//!
//! ```text
//! let scene = Scene::new();                              // policy of four persons and four machines on main, edge1 in devices/
//! let head = scene.main(&[("devices/edge1/rules.v4", "...")]);      // a commit on the protected branch
//! let id = scene.record("alice", "CHG-1", &record.text());          // signed, on refs/heads/fwgate/changes/CHG-1
//! scene.receipt("stager", "CHG-1", &receipt.text());                // by a machine, in its namespace
//! scene.witness();                                                  // by the ledger machine: all heads as they are now
//! let clone = scene.clone_as("work");                               // a stock clone; `clone.git(&["log"])`
//! ```
//!
//! Time stands still until `scene.wait(seconds)`; everything that is written carries `scene.now()`. Everything can also be made by
//! hand: `Draft` is a commit as bytes, signed by whom and for what one likes, and `scene.put` stores it on any branch.

mod draft;
mod evidence;
mod git;
mod keys;
mod policy;

pub use draft::{Draft, header};
pub use evidence::{LEDGER, changes};
pub use git::{Clone, run, stock_git};
pub use keys::{Key, has_program};
pub use policy::PolicyText;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The fixed root commit of every branch of evidence, by its bytes.
pub const EVIDENCE_ROOT: &str = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor fwgate <fwgate@localhost> 0 +0000\n\
     committer fwgate <fwgate@localhost> 0 +0000\n\nfwgate evidence\n";

/// 2026-11-24T10:00:00Z, a Tuesday.
pub const BEGINNING: i64 = 1_795_514_400;

/// Rules that let nothing through.
pub const RULES: &str = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n\
     -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\nCOMMIT\n";

/// A remote and everybody around it.
pub struct Scene {
    dir: tempfile::TempDir,
    remote: git2::Repository,
    keys: RefCell<BTreeMap<String, Key>>,
    now: Cell<i64>,
    policy: RefCell<PolicyText>,
}

impl Scene {
    /// A remote whose `main` holds a policy of alice, bob, carol (network), dave (security), deployer, ledger, stager and receiver, and
    /// one device.
    pub fn new() -> Scene {
        let scene = Scene::bare();
        let policy = scene.policy.borrow().text(&scene);
        scene.main(&[("fwgate.toml", &policy), ("devices/edge1/rules.v4", RULES)]);
        scene
    }

    /// An empty remote.
    pub fn bare() -> Scene {
        let dir = tempfile::tempdir().unwrap();
        let mut options = git2::RepositoryInitOptions::new();
        options.bare(true).initial_head("main").external_template(false);
        let remote = git2::Repository::init_opts(dir.path().join("remote.git"), &options).unwrap();
        let policy = RefCell::new(PolicyText::default());
        Scene { dir, remote, keys: RefCell::default(), now: Cell::new(BEGINNING), policy }
    }

    /// The folder that holds everything.
    pub fn path(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    /// The bare repository.
    pub fn remote_path(&self) -> PathBuf {
        self.path().join("remote.git")
    }

    /// Its address, as a root names it.
    pub fn remote_url(&self) -> String {
        format!("file://{}", self.remote_path().display())
    }

    /// The remote itself.
    pub fn remote(&self) -> &git2::Repository {
        &self.remote
    }

    /// The scene's clock in seconds since 1970.
    pub fn now(&self) -> i64 {
        self.now.get()
    }

    /// The scene's clock.
    pub fn instant(&self) -> fwgate::gate::Instant {
        fwgate::gate::Instant(self.now())
    }

    /// Lets time pass.
    pub fn wait(&self, seconds: i64) {
        self.now.set(self.now() + seconds);
    }

    /// The key of this name, always the same for one name; made when it is first asked for.
    pub fn key(&self, name: &str) -> Key {
        let folder = self.path().join("keys");
        self.keys.borrow_mut().entry(name.to_owned()).or_insert_with(|| Key::ed25519(&folder, name)).clone()
    }

    /// Puts another key under a name.
    pub fn set_key(&self, name: &str, key: Key) {
        self.keys.borrow_mut().insert(name.to_owned(), key);
    }

    /// The policy that `new` wrote; changed by `set_policy`.
    pub fn policy_text(&self) -> String {
        self.policy.borrow().text(self)
    }

    /// What the next version of the policy says; `scene.main(&[("fwgate.toml", &scene.policy_text())])` puts it on the branch.
    pub fn set_policy(&self, change: impl FnOnce(&mut PolicyText)) {
        change(&mut self.policy.borrow_mut());
    }

    /// The policy as it is read.
    pub fn policy(&self) -> fwgate::policy::Policy {
        let files = fwgate::policy::PolicyFiles::single("fwgate.toml", self.policy_text());
        fwgate::policy::read_policy(&files).unwrap_or_else(|e| panic!("{e:?}"))
    }

    /// A file in the scene's folder, outside every repository.
    pub fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path().join(path);
        write(&path, text.as_bytes());
        path
    }
}

/// Writes a file and the folders that it needs.
pub fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}
