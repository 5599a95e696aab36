//! A scene in the present, with a root and a clone in which commands run.

use crate::scene::{Clone, RULES, Scene};
use fwgate::gate::{
    Claim, DeviceResult, Digest, Finish, Instant, LedgerEntry, PERMIT_NAMESPACE, Permit, PermittedDevice, Receipt,
    ReceiptKind, Record, ResultKind, Root, policy_digest,
};
use fwgate::vcs::{EvidenceSource, PolicyVersion, Repository};
use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::time::Duration;

/// What a run of the command showed.
pub struct Shown {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

/// A scene with a root file and a clone.
pub struct Desk {
    pub scene: Scene,
    pub clone: Clone,
}

/// Seconds since 1970 by the clock of this machine.
pub fn wall() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

/// A nonce, and a run.
pub const NONCE: &str = "00112233445566778899aabbccddeeff";

impl Desk {
    /// Everything began an hour ago.
    pub fn new() -> Desk {
        let scene = Scene::new();
        scene.wait(wall() - 3600 - scene.now());
        Desk::of(scene)
    }

    /// A desk in a scene of any policy.
    pub fn of(scene: Scene) -> Desk {
        let files = vec![("fwgate.toml".to_owned(), scene.policy_text().into_bytes())];
        let version = PolicyVersion { commit: String::new(), files, irregular: Vec::new() };
        let mut signers: Vec<String> = ["alice", "bob"].map(|p| scene.key(p).fingerprint()).to_vec();
        signers.sort();
        let root = Root {
            repository: "example/firewalls".to_owned(),
            remote: scene.remote_url(),
            protected: "refs/heads/main".to_owned(),
            policy: policy_digest(&version),
            signers,
        };
        scene.write("root.toml", &root.to_string());
        let clone = scene.clone_as("work");
        Desk { scene, clone }
    }

    /// The scene's time becomes that of the wall.
    pub fn catch_up(&self) {
        self.scene.wait(wall() - self.scene.now());
    }

    /// Runs `fwgate` in the clone, with the root.
    pub fn run(&self, arguments: &[&str]) -> Shown {
        self.run_with(arguments, &[])
    }

    /// The same with more of an environment.
    pub fn run_with(&self, arguments: &[&str], more: &[(&str, &str)]) -> Shown {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fwgate"));
        command.args(arguments).current_dir(&self.clone.path).env_clear();
        command.env("PATH", std::env::var("PATH").unwrap_or_default());
        command.env("HOME", self.scene.path().join("no-home"));
        command.env("GIT_CONFIG_NOSYSTEM", "1");
        command.env("FWGATE_ROOT", self.scene.path().join("root.toml"));
        command.env("FWGATE_KEY_LEDGER", self.scene.key("ledger").path);
        for (key, value) in more {
            match value.is_empty() {
                true => command.env_remove(key),
                false => command.env(key, value),
            };
        }
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Shown { stdout: text(stdout), stderr: text(stderr), code: status.code().unwrap() }
    }

    /// Runs a command that must pass; what it answers.
    pub fn pass(&self, arguments: &[&str]) -> String {
        let shown = self.run(arguments);
        assert_eq!(shown.code, 0, "{arguments:?}: {}{}", shown.stdout, shown.stderr);
        shown.stdout
    }

    /// The JSON document of an audit.
    pub fn audit(&self, more: &[&str]) -> serde_json::Value {
        let shown = self.run(&[&["audit", "--format", "json"], more].concat());
        serde_json::from_str(&shown.stdout).unwrap_or_else(|e| panic!("{e}: {}{}", shown.stdout, shown.stderr))
    }

    /// What is on the branch of a change, unjudged: messages of its commits.
    pub fn messages(&self, change: &str) -> Vec<String> {
        let repo = Repository::bare(&self.scene.remote_path()).unwrap();
        let branches = repo.evidence(&EvidenceSource::Bare).unwrap();
        let branch = &branches[&crate::scene::changes(change)];
        branch.commits.iter().map(|c| fwgate::gate::OrdinaryCommit::read(&c.bytes).message).collect()
    }

    /// A change that opens a port, announced, vetted and approved by the quorum.
    pub fn approved(&self, id: &str, port: u16) -> fwgate::gate::Change {
        let rules = RULES.replace("COMMIT", &format!("-A FORWARD -p tcp --dport {port} -j ACCEPT\nCOMMIT"));
        let request = format!(
            "id = \"{id}\"\ntitle = \"t\"\nclass = \"normal\"\nreason = \"r\"\ndevices = [\"edge1\"]\n[[intent]]\neffect = \"opened\"\n\
             from = [\"any\"]\nto = [\"any\"]\nservice = [\"tcp/{port}\"]\nhook = \"forward\"\n"
        );
        let branch = format!("refs/heads/{id}");
        let file = format!("changes/{id}.toml");
        self.scene.commit_on(&branch, "alice", &[("devices/edge1/rules.v4", &rules), (&file, &request)]);
        self.clone.git(&["fetch", "-q", "origin"]);
        self.clone.git(&["checkout", "-q", "--detach", &format!("origin/{id}")]);
        let key = self.scene.key("alice").path;
        self.pass(&["change", "new", id, "--key", key.to_str().unwrap(), "--anyway"]);
        let Record::Change(change) = Record::read(&self.messages(id)[0]).unwrap() else { panic!() };
        let bytes = self.digests(&change.head);
        self.catch_up();
        self.scene.receipt("stager", id, &self.receipt(ReceiptKind::Vetting, &change, bytes).text());
        for (person, role) in [("bob", "network"), ("carol", "network"), ("dave", "security")] {
            let key = self.scene.key(person).path;
            self.pass(&["change", "approve", id, "--role", role, "--yes", "--key", key.to_str().unwrap()]);
        }
        change
    }

    fn receipt(&self, kind: ReceiptKind, change: &fwgate::gate::Change, bytes: Digest) -> Receipt {
        Receipt {
            kind,
            change: change.change.clone(),
            content: change.content,
            devices: vec![("edge1".to_owned(), bytes)],
            on: "Linux 6.1, nft 1.0.6".to_owned(),
            flows: 0,
            head: change.head.clone(),
            at: Instant(wall()),
        }
    }

    /// The digest of the device's bytes at a commit.
    pub fn digests(&self, commit: &str) -> Digest {
        let text = self.clone.git(&["show", &format!("{commit}:devices/edge1/rules.v4")]) + "\n";
        let files = vec![("devices/edge1/rules.v4".to_owned(), text.into_bytes().into())];
        fwgate::gate::device_digest(Some(&fwgate::gate::DeviceBytes { device: "edge1".to_owned(), files }))
    }

    /// A push of it, as ledger and receipts tell one; the permit's file.
    pub fn pushed(&self, change: &fwgate::gate::Change, nonce: &str) -> String {
        self.catch_up();
        let at = self.scene.instant();
        let (proposal, rollback) = (self.digests(&change.head), self.digests(&change.base));
        let mut approvals: Vec<Digest> = Vec::new();
        for message in self.messages(&change.change) {
            if message.starts_with("fwgate-record/1 approve") {
                approvals.push(Digest::of(message.as_bytes()));
            }
        }
        approvals.sort();
        approvals.dedup();
        let permit = Permit {
            repository: "example/firewalls".to_owned(),
            change: change.change.clone(),
            content: change.content,
            transport: Digest([7; 32]),
            head: change.head.clone(),
            holder: "runner-7".to_owned(),
            window: (Instant(at.0 - 60), Instant(at.0 + 7200)),
            nonce: nonce.to_owned(),
            issued: at,
            expires: Instant(at.0 + 7200),
            confirm: Duration::from_secs(120),
            devices: vec![PermittedDevice { name: "edge1".to_owned(), proposal, rollback }],
            approvals,
        };
        let file = permit.file(&self.scene.key("deployer").sign(PERMIT_NAMESPACE, permit.message().as_bytes()));
        self.scene.ledger(|previous| {
            LedgerEntry::Claim(Claim {
                previous,
                at,
                change: change.change.clone(),
                permit: Digest::of(file.as_bytes()),
                nonce: nonce.to_owned(),
                holder: "runner-7".to_owned(),
                run: nonce.to_owned(),
                lease: Instant(at.0 + 900),
                devices: vec!["edge1".to_owned()],
            })
        });
        let receipt = self.receipt(ReceiptKind::Applied, change, proposal).text();
        self.scene.receipt("receiver", &change.change, &receipt);
        self.finished(change, nonce, proposal, &receipt);
        file
    }

    fn finished(&self, change: &fwgate::gate::Change, nonce: &str, bytes: Digest, receipt: &str) {
        let at = self.scene.instant();
        self.scene.ledger(|previous| {
            LedgerEntry::Result(DeviceResult {
                previous,
                at,
                change: change.change.clone(),
                nonce: nonce.to_owned(),
                run: nonce.to_owned(),
                device: "edge1".to_owned(),
                result: ResultKind::Applied,
                bytes,
                head: change.head.clone(),
                receipt: Some(Digest::of(receipt.as_bytes())),
            })
        });
        self.scene.ledger(|previous| {
            LedgerEntry::Finish(Finish {
                previous,
                at,
                change: change.change.clone(),
                nonce: nonce.to_owned(),
                run: nonce.to_owned(),
                state: "applied".to_owned(),
            })
        });
    }

    /// A change from announcement to the log.
    pub fn closed(&self, id: &str, port: u16, nonce: &str) -> fwgate::gate::Change {
        let change = self.approved(id, port);
        let permit = self.pushed(&change, nonce);
        let path = self.scene.write(&format!("{id}.permit"), &permit);
        self.pass(&["change", "close", id, "--permit", path.to_str().unwrap()]);
        change
    }

    /// A text with what differs from run to run named by what it is, the same thing by the same name.
    pub fn masked(&self, text: &str) -> String {
        masked(text, &self.scene.path().display().to_string())
    }
}

/// Replaces instants, digests and ids of commits.
fn masked(text: &str, folder: &str) -> String {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let text = text.replace(folder, "FOLDER");
    let mut out = String::new();
    let mut word = String::new();
    for letter in text.chars().chain(['\n']) {
        match letter.is_ascii_alphanumeric() || matches!(letter, ':' | '-') {
            true => word.push(letter),
            false => {
                out += &mask(&std::mem::take(&mut word), &mut names);
                out.push(letter);
            }
        }
    }
    out.pop();
    out
}

fn mask(word: &str, names: &mut BTreeMap<String, String>) -> String {
    let hex = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let stem = word.trim_end_matches(':');
    match () {
        () if stem.len() == 20 && stem.ends_with('Z') && stem.contains('T') => word.replace(stem, "TIME"),
        () if stem.strip_prefix("sha256:").is_some_and(hex) => {
            let count = names.len() + 1;
            let name = names.entry(stem.to_owned()).or_insert_with(|| format!("DIGEST-{count}"));
            word.replace(stem, name)
        }
        () if (stem.len() == 12 || stem.len() == 40) && hex(stem) => word.replace(stem, "COMMIT"),
        () => word.to_owned(),
    }
}
