//! A repository as years of changes leave it: a protected branch of ten thousand commits, a thousand changes that were pushed and
//! folded into the log, versions of the policy, a ledger that saw it all, and a few changes on their way. Everything is made of
//! throw-away keys, and judged by nobody before it is used.
#![allow(dead_code)]

mod evidence;
mod store;

use crate::families::{acl, iptables};
use evidence::{Draft, Evidence, Keys, LEDGER, MACHINES, PERSONS};
use fwgate::diff::Bounds;
use fwgate::gate::{
    Approve, Attachment, Case, Change, Claim, DeviceBytes, DeviceResult, Digest, Finish, Instant, LedgerEntry, Library,
    LogEntry, Outcome, PERMIT_NAMESPACE, Permit, PermittedDevice, PolicyRecord, Receipt, ReceiptKind, Record,
    ResultKind, Root, Stage, Witness, analyse, device_digest, files_digest, read_request, sha256,
};
use fwgate::policy::{ChangeClass, Date, PolicyFiles, read_policy};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use store::{Folder, Store};

const FILE: u32 = 0o100_644;
const FOLDER: u32 = 0o040_000;

/// How long a closed change took, from one announcement to the next.
const PACE: i64 = 12 * 3600;

/// How much there is of everything.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Changes that were pushed and are in the log.
    pub closed: usize,
    /// Commits of the protected branch for each of them.
    pub commits_each: usize,
    /// Changes on their way.
    pub open: usize,
    pub devices: usize,
    /// Rules of each.
    pub rules: usize,
    /// Versions of the policy, each brought by a change of its own.
    pub versions: usize,
    /// Whether the branches of closed changes are still there.
    pub keeps_branches: bool,
}

impl Extent {
    /// 10,000 commits, 1,000 closed changes, 10 open ones, 50 devices of 200 rules, 5 versions of the policy.
    pub const LARGE: Extent = Extent {
        closed: 1_000,
        commits_each: 10,
        open: 10,
        devices: 50,
        rules: 200,
        versions: 5,
        keeps_branches: false,
    };
}

/// The repository: a bare remote, a clone of it, a root beside both.
pub struct Archive {
    folder: tempfile::TempDir,
    /// The changes that are on their way; the first has everything that a permit needs.
    pub open: Vec<String>,
    /// How many commits of evidence there are.
    pub evidence: usize,
    /// How many entries the ledger has.
    pub entries: usize,
    /// How many merges the log has.
    pub merges: usize,
}

impl Archive {
    /// Builds it.
    pub fn build(extent: Extent) -> Archive {
        let folder = tempfile::tempdir().unwrap();
        let mut builder = Builder::new(folder.path(), extent);
        for number in 0..extent.closed {
            builder.closed(number);
        }
        let open = (0..extent.open).map(|number| builder.opened(number)).collect();
        let (evidence, entries, merges) = builder.finish();
        let mut clone = Command::new("git");
        stock(&mut clone).args(["clone", "-q", "remote.git", "work"]).current_dir(folder.path());
        assert!(clone.status().unwrap().success());
        Archive { folder, open, evidence, entries, merges }
    }

    /// The clone.
    pub fn work(&self) -> PathBuf {
        self.path().join("work")
    }

    /// The root file.
    pub fn root(&self) -> PathBuf {
        self.path().join("root.toml")
    }

    /// The file of a private key.
    pub fn key(&self, name: &str) -> PathBuf {
        self.path().join("keys").join(name)
    }

    /// The folder that holds everything.
    pub fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }
}

/// Git without anybody's configuration.
fn stock(command: &mut Command) -> &mut Command {
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null")
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// A device on the protected branch.
#[derive(Clone)]
struct Device {
    name: String,
    /// Its rules without the one that changes.
    plain: String,
    /// The port of that one.
    port: Option<usize>,
    rules: String,
    folder: git2::Oid,
    /// The digest of its bytes.
    bytes: Digest,
}

impl Device {
    /// A device with a rule for a port as the first one.
    fn written(store: &mut Store, name: String, plain: &str, port: Option<usize>) -> Device {
        let rules = match port {
            Some(port) => plain.replacen(REPLIES, &format!("{REPLIES}{}", opening(port)), 1),
            None => plain.to_owned(),
        };
        let files = [("device.toml", FACTS), ("rules.v4", rules.as_str())];
        let files = files.map(|(name, text)| (name.to_owned(), (FILE, store.blob(text))));
        let bytes = device_digest(Some(&bytes(&name, &rules)));
        Device { folder: store.tree(&files.into()), name, plain: plain.to_owned(), port, rules, bytes }
    }
}

struct Builder {
    extent: Extent,
    store: Store,
    evidence: Evidence,
    devices: Vec<Device>,
    /// Change files and notes by name.
    changes: Folder,
    notes: Folder,
    policy: String,
    version: u64,
    /// Versions that no merge of the log carries yet.
    uncarried: Vec<(u64, String)>,
    tip: String,
    /// The last merge of the log.
    merge: Option<Digest>,
    /// When the change that is being built was announced.
    at: i64,
    witnessed: BTreeMap<String, String>,
    heads: Vec<(String, String)>,
    signed: usize,
    entries: usize,
    merges: usize,
}

impl Builder {
    fn new(folder: &Path, extent: Extent) -> Builder {
        let mut store = Store::new(&folder.join("remote.git"));
        let evidence = Evidence::new(Keys::new(&folder.join("keys")), &mut store);
        let begin = now() - 2 * 86_400 - PACE * i64::try_from(extent.closed).unwrap();
        let mut builder = Builder {
            extent,
            policy: policy(&evidence.keys, 1),
            store,
            evidence,
            devices: Vec::new(),
            changes: Folder::new(),
            notes: Folder::new(),
            version: 1,
            uncarried: Vec::new(),
            tip: String::new(),
            merge: None,
            at: begin,
            witnessed: BTreeMap::new(),
            heads: Vec::new(),
            signed: 0,
            entries: 0,
            merges: 0,
        };
        builder.uncarried.push((1, builder.policy.clone()));
        builder.note(0);
        builder.request("CHG-0", "");
        builder.devices = (0..extent.devices).map(|at| builder.device(at)).collect();
        let root = root(folder, &builder.policy, &builder.evidence.keys);
        std::fs::write(folder.join("root.toml"), root.to_string()).unwrap();
        builder.tip = builder.commit("alice", &[]);
        builder.witness(0);
        builder
    }

    fn device(&mut self, at: usize) -> Device {
        let rules = iptables(&acl(self.extent.rules, at as u64));
        let plain = rules.replacen("-A FORWARD", &format!("{REPLIES}-A FORWARD"), 1);
        let name = format!("fw{at:03}");
        Device::written(&mut self.store, name, &plain, None)
    }

    fn note(&mut self, number: usize) {
        let note = self.store.blob(&format!("day {number}\n"));
        self.notes.insert("diary.md".to_owned(), (FILE, note));
    }

    fn request(&mut self, id: &str, text: &str) {
        let file = self.store.blob(text);
        let name = if text.is_empty() { "README.md".to_owned() } else { format!("{id}.toml") };
        self.changes.insert(name, (FILE, file));
    }

    /// A commit of everything as it is now.
    fn commit(&mut self, who: &str, parents: &[&str]) -> String {
        let devices = self.devices.iter().map(|d| (d.name.clone(), (FOLDER, d.folder))).collect();
        let policy = self.store.blob(&self.policy);
        let [changes, devices, notes] = [&self.changes, &devices, &self.notes].map(|folder| self.store.tree(folder));
        let top = [
            ("changes", FOLDER, changes),
            ("devices", FOLDER, devices),
            ("fwgate.toml", FILE, policy),
            ("notes", FOLDER, notes),
        ];
        let tree = self.store.tree(&top.map(|(name, mode, id)| (name.to_owned(), (mode, id))).into()).to_string();
        let message = format!("{who} commits\n");
        let draft = Draft { tree: &tree, parents, who, at: self.at, message: &message };
        self.store.commit(&draft.bytes(""))
    }

    /// Commits that have nothing to do with any change.
    fn days(&mut self, number: usize) {
        for day in 2..self.extent.commits_each {
            self.note(number * 10 + day);
            let tip = self.tip.clone();
            self.tip = self.commit("bob", &[&tip]);
        }
    }

    /// A proposal by alice; its base and its head.
    fn proposed(&mut self, id: &str, at: usize, port: usize) -> (String, String) {
        let Device { name, plain, port: before, .. } = self.devices[at].clone();
        self.request(id, &change_file(id, &name, port, before));
        self.devices[at] = Device::written(&mut self.store, name, &plain, Some(port));
        let base = self.tip.clone();
        let head = self.commit("alice", &[&base]);
        (base, head)
    }

    /// A change from its announcement to the log.
    fn closed(&mut self, number: usize) {
        self.days(number);
        let each = (self.extent.closed / self.extent.versions.max(1)).max(1);
        if number % each == each - 1 && (self.version as usize) < self.extent.versions {
            self.next_policy();
        }
        let (id, at) = (format!("CHG-{}", number + 1), number % self.devices.len());
        let before = self.devices[at].bytes;
        let (base, head) = self.proposed(&id, at, 1000 + number);
        self.tip = self.commit("bob", &[&base.clone(), &head]);
        let device = &self.devices[at];
        let facts = Facts {
            content: sha256(format!("content {id}").as_bytes()),
            meaning: sha256(format!("meaning {id}").as_bytes()),
            says: format!(
                "{} opens tcp/{} from 10.200.0.0/16 to 10.201.0.0/24; closes nothing",
                device.name,
                1000 + number
            ),
            devices: vec![(device.name.clone(), device.bytes)],
            rollback: vec![before],
            id,
            base,
            head,
        };
        let vetting = self.announced(&facts);
        let approvals = self.approved(&facts, vetting, 3);
        self.witness(600);
        self.pushed(&facts, approvals);
        self.at += PACE;
    }

    /// A change on its way: the first one with everything, the others with one approval. Its id.
    fn opened(&mut self, number: usize) -> String {
        let id = format!("CHG-{}", self.extent.closed + number + 1);
        // Every third one is about the device of the first.
        let at = if number.is_multiple_of(3) { 0 } else { number % self.devices.len() };
        let (kept, changes, port) = (self.devices[at].clone(), self.changes.clone(), 30_000 + number);
        let before = self.all_bytes();
        let (base, head) = self.proposed(&id, at, port);
        self.heads.push((format!("refs/heads/{id}"), head.clone()));
        let text = change_file(&id, &kept.name, port, kept.port);
        let facts = self.facts(&id, &text, (base, head), [&before, &self.all_bytes()]);
        let vetting = self.announced(&facts);
        self.approved(&facts, vetting, if number == 0 { 3 } else { 1 });
        self.witness(600);
        self.at += 900;
        (self.devices[at], self.changes) = (kept, changes);
        id
    }

    fn all_bytes(&self) -> Vec<DeviceBytes> {
        self.devices.iter().map(|d| bytes(&d.name, &d.rules)).collect()
    }

    /// What a change does, as its author computes it.
    fn facts(
        &self,
        id: &str,
        text: &str,
        (base, head): (String, String),
        [before, after]: [&[DeviceBytes]; 2],
    ) -> Facts {
        let policy = read_policy(&PolicyFiles::single("fwgate.toml", self.policy.as_str())).unwrap();
        let (request, canonical) = read_request(&format!("changes/{id}.toml"), text.as_bytes(), &policy).unwrap();
        let case = Case {
            repository: REPOSITORY,
            baseline: before,
            proposal: after,
            base: before,
            policy: &policy,
            request: &request,
            canonical_request: &canonical,
            bounds: Bounds::default(),
            today: Date::of_unix_seconds(u64::try_from(now()).unwrap()),
        };
        let found = analyse(&case, &mut Library::default()).unwrap();
        Facts {
            id: id.to_owned(),
            base,
            head,
            content: found.content,
            meaning: found.meaning,
            says: found.says,
            devices: found.devices,
            rollback: found.rollback.into_iter().map(|(_, digest)| digest).collect(),
        }
    }

    /// The announcement by alice and the receipt of its vetting, whose digest is returned.
    fn announced(&mut self, facts: &Facts) -> Digest {
        let record = Record::Change(Change {
            change: facts.id.clone(),
            file: Digest([1; 32]),
            base: facts.base.clone(),
            head: facts.head.clone(),
            content: facts.content,
            meaning: facts.meaning,
            devices: facts.devices.iter().map(|(name, _)| name.clone()).collect(),
            contributors: vec!["alice".to_owned()],
            says: facts.says.clone(),
        });
        self.evidence.say(&mut self.store, "alice", &record, self.at);
        self.signed += 2;
        let receipt = facts.receipt(ReceiptKind::Vetting, self.at + 60);
        self.evidence.receipt(&mut self.store, "stager", &receipt)
    }

    fn approved(&mut self, facts: &Facts, vetting: Digest, count: usize) -> Vec<Digest> {
        let voices = [("bob", "network"), ("carol", "network"), ("dave", "security")];
        let mut out = Vec::new();
        for (at, (who, role)) in (1..).zip(voices.into_iter().take(count)) {
            let record = Record::Approve(Approve {
                change: facts.id.clone(),
                content: facts.content,
                meaning: facts.meaning,
                stage: Stage::Production,
                role: role.to_owned(),
                says: facts.says.clone(),
                vetting: Some(vetting),
                not_after: Instant(self.at + 7 * 86_400),
            });
            out.push(self.evidence.say(&mut self.store, who, &record, self.at + 60 + at * 60));
            self.signed += 1;
        }
        out.sort();
        out
    }

    /// The ledger sees which branches have moved, `after` seconds after the announcement.
    fn witness(&mut self, after: i64) {
        let heads: Vec<(String, String)> = self
            .evidence
            .heads
            .iter()
            .filter(|(name, head)| {
                *name != LEDGER && **head != self.evidence.root && self.witnessed.get(*name) != Some(head)
            })
            .map(|(name, head)| (name.clone(), head.clone()))
            .collect();
        self.witnessed.extend(heads.iter().cloned());
        let (at, policy) = (Instant(self.at + after), self.version);
        self.entry(|previous| LedgerEntry::Witness(Witness { previous, at, policy, heads }));
    }

    fn entry(&mut self, entry: impl FnOnce(Option<Digest>) -> LedgerEntry) {
        self.evidence.entry(&mut self.store, entry);
        self.entries += 1;
        self.signed += 1;
    }

    /// The push of a change, and its end in the log.
    fn pushed(&mut self, facts: &Facts, approvals: Vec<Digest>) {
        let at = |seconds: i64| Instant(self.at + 20_000 + seconds);
        let nonce: String = sha256(facts.id.as_bytes()).to_string()[7..39].to_owned();
        let (issued, claimed, started, applied, finished) = (at(0), at(1), at(2), at(30), at(31));
        let device = |((name, proposal), rollback): (&(String, Digest), &Digest)| PermittedDevice {
            name: name.clone(),
            proposal: *proposal,
            rollback: *rollback,
        };
        let permit = Permit {
            repository: REPOSITORY.to_owned(),
            change: facts.id.clone(),
            content: facts.content,
            transport: Digest([7; 32]),
            head: facts.head.clone(),
            holder: "runner".to_owned(),
            window: (Instant(issued.0 - 60), Instant(issued.0 + 7200)),
            nonce: nonce.clone(),
            issued,
            expires: Instant(issued.0 + 7200),
            confirm: Duration::from_secs(120),
            devices: facts.devices.iter().zip(&facts.rollback).map(device).collect(),
            approvals,
        };
        let permit = permit.file(&self.evidence.keys.sign("deployer", PERMIT_NAMESPACE, permit.message().as_bytes()));
        let receipt = facts.receipt(ReceiptKind::Applied, applied.0);
        let digest = Digest::of(receipt.text().as_bytes());
        let (name, bytes) = facts.devices[0].clone();
        let (before, change) = (facts.rollback[0], facts.id.clone());
        let result = |previous, at, result, bytes, receipt| {
            LedgerEntry::Result(DeviceResult {
                previous,
                at,
                change: change.clone(),
                nonce: nonce.clone(),
                run: nonce.clone(),
                device: name.clone(),
                result,
                bytes,
                head: facts.head.clone(),
                receipt,
            })
        };
        self.entry(|previous| {
            LedgerEntry::Claim(Claim {
                previous,
                at: claimed,
                change: change.clone(),
                permit: Digest::of(permit.as_bytes()),
                nonce: nonce.clone(),
                holder: "runner".to_owned(),
                run: nonce.clone(),
                lease: Instant(claimed.0 + 900),
                devices: vec![name.clone()],
            })
        });
        self.entry(|previous| result(previous, started, ResultKind::Started, before, None));
        self.evidence.receipt(&mut self.store, "receiver", &receipt);
        self.signed += 1;
        self.entry(|previous| result(previous, applied, ResultKind::Applied, bytes, Some(digest)));
        self.entry(|previous| {
            let (run, state) = (nonce.clone(), "applied".to_owned());
            let change = change.clone();
            LedgerEntry::Finish(Finish { previous, at: finished, change, nonce: nonce.clone(), run, state })
        });
        self.witness(20_600);
        self.fold(&facts.id, Outcome::Applied, 20_700, Some(permit));
    }

    fn fold(&mut self, id: &str, outcome: Outcome, after: i64, permit: Option<String>) {
        let digest = permit.as_ref().map(|text| Digest::of(text.as_bytes()));
        let mut attached: Vec<Attachment> = permit.map(Attachment::Permit).into_iter().collect();
        attached.extend(std::mem::take(&mut self.uncarried).into_iter().map(|(version, text)| Attachment::Policy {
            version,
            path: "fwgate.toml".to_owned(),
            text,
        }));
        let is_policy = outcome == Outcome::InForce;
        let entry = LogEntry {
            previous: self.merge,
            at: Instant(self.at + after),
            change: id.to_owned(),
            outcome,
            class: if is_policy { ChangeClass::Policy } else { ChangeClass::Normal },
            template: None,
            version: self.version,
            policy: files_digest([("fwgate.toml", self.policy.as_bytes())]),
            permit: digest,
            attached,
        };
        self.merge = Some(self.evidence.fold(&mut self.store, id, self.at + after, &entry.text()));
        self.merges += 1;
        self.signed += 1;
    }

    /// The next version of the policy, put in force by records on a change of its own.
    fn next_policy(&mut self) {
        self.version += 1;
        let (id, base) = (format!("POL-{}", self.version), self.tip.clone());
        self.policy = policy(&self.evidence.keys, self.version);
        let head = self.commit("alice", &[&base]);
        self.tip = self.commit("bob", &[&base, &head]);
        let digest = files_digest([("fwgate.toml", self.policy.as_bytes())]);
        let nothing = Digest([2; 32]);
        let announced = Record::Change(Change {
            change: id.clone(),
            file: nothing,
            base,
            head,
            content: nothing,
            meaning: nothing,
            devices: Vec::new(),
            contributors: vec!["alice".to_owned()],
            says: "nothing".to_owned(),
        });
        self.evidence.say(&mut self.store, "alice", &announced, self.at);
        for (who, role) in [("bob", "network"), ("carol", "network"), ("dave", "security")] {
            let record =
                PolicyRecord { change: id.clone(), version: self.version, policy: digest, role: role.to_owned() };
            self.evidence.say(&mut self.store, who, &Record::Policy(record), self.at + 60);
        }
        self.signed += 4;
        self.witness(600);
        self.uncarried.push((self.version, self.policy.clone()));
        self.fold(&id, Outcome::InForce, 700, None);
        self.at += 3600;
    }

    /// Writes the pack and the references; how many commits of evidence there are, entries of the ledger and merges of the log.
    fn finish(mut self) -> (usize, usize, usize) {
        self.at = now() - 300;
        self.witness(0);
        let closed = |name: &str| {
            let id = name.strip_prefix("refs/heads/fwgate/changes/");
            id.is_some_and(|id| id.starts_with("POL-") || id[4..].parse::<usize>().unwrap() <= self.extent.closed)
        };
        let mut references = vec![("refs/heads/main".to_owned(), self.tip.clone())];
        references.append(&mut self.heads.clone());
        let heads = self.evidence.heads.iter().filter(|(name, _)| self.extent.keeps_branches || !closed(name));
        references.extend(heads.map(|(name, head)| (name.clone(), head.clone())));
        self.store.keep(&references);
        (self.signed, self.entries, self.merges)
    }
}

/// What a change is about.
struct Facts {
    id: String,
    base: String,
    head: String,
    content: Digest,
    meaning: Digest,
    says: String,
    /// The devices with the digests of their proposed bytes.
    devices: Vec<(String, Digest)>,
    /// And of those that they had before.
    rollback: Vec<Digest>,
}

impl Facts {
    fn receipt(&self, kind: ReceiptKind, at: i64) -> Receipt {
        Receipt {
            kind,
            change: self.id.clone(),
            content: self.content,
            devices: self.devices.clone(),
            on: "linux 6.12 iptables 1.8.11".to_owned(),
            flows: 1,
            head: self.head.clone(),
            at: Instant(at),
        }
    }
}

const REPOSITORY: &str = "example/firewalls";

const FACTS: &str = "environment = \"production\"\n";

/// The bytes of a device.
fn bytes(name: &str, rules: &str) -> DeviceBytes {
    let file = |file: &str, text: &str| (format!("devices/{name}/{file}"), text.as_bytes().into());
    DeviceBytes { device: name.to_owned(), files: vec![file("device.toml", FACTS), file("rules.v4", rules)] }
}

const REPLIES: &str = "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n";

fn opening(port: usize) -> String {
    format!("-A FORWARD -s 10.200.0.0/16 -d 10.201.0.0/24 -p tcp -m tcp --dport {port} -j ACCEPT\n")
}

/// The file of a change that opens one port instead of another.
fn change_file(id: &str, device: &str, port: usize, before: Option<usize>) -> String {
    let intent = |effect: &str, port: usize| {
        format!(
            "\n[[intent]]\neffect = \"{effect}\"\nfrom = [\"10.200.0.0/16\"]\nto = [\"10.201.0.0/24\"]\nservice = [\"tcp/{port}\"]\n\
             hook = \"forward\"\n"
        )
    };
    let closed = before.map(|port| intent("closed", port)).unwrap_or_default();
    format!(
        "id = \"{id}\"\ntitle = \"Open the portal\"\nclass = \"normal\"\nreason = \"launch\"\ndevices = [\"{device}\"]\n{}{closed}",
        intent("opened", port)
    )
}

fn root(folder: &Path, policy: &str, keys: &Keys) -> Root {
    Root {
        repository: REPOSITORY.to_owned(),
        remote: format!("file://{}", folder.canonicalize().unwrap().join("remote.git").display()),
        protected: "refs/heads/main".to_owned(),
        policy: files_digest([("fwgate.toml", policy.as_bytes())]),
        signers: vec![keys.fingerprint("alice")],
    }
}

/// A version of the policy.
fn policy(keys: &Keys, version: u64) -> String {
    let mut out = format!("version = {version}\nrepository = \"{REPOSITORY}\"\n");
    for (id, roles) in PERSONS {
        let key = keys.public(id);
        out += &format!(
            "\n[[person]]\nid = \"{id}\"\nroles = {roles}\nkeys = [\"{key}\"]\nemails = [\"{id}@example.net\"]\n"
        );
    }
    for (id, purpose) in MACHINES {
        out += &format!("\n[[machine]]\nid = \"{id}\"\npurpose = \"{purpose}\"\nkey = \"{}\"\n", keys.public(id));
    }
    out + REST
}

const REST: &str = r#"
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
