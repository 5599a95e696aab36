//! A change from its announcement to its receipts: a bare remote, two clones, throw-away keys, and a device that is a network
//! namespace of its own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, unused_imports)]
#[path = "../gate/scene/mod.rs"]
mod scene;

mod adopting;
mod eventual;
mod inventory;
mod preflight;
mod schedule;
mod spare;

use fwgate::diff::Bounds;
use fwgate::fleet::tree::TreeFile;
use fwgate::gate::{
    Analysis, Approve, BesideDevices, Case, Change, DeviceBytes, Digest, Instant, Library, Record, Root, Stage,
    analyse_within, policy_digest, read_request, sha256,
};
use fwgate::policy::Date;
use fwgate::vcs::PolicyVersion;
use scene::{Clone, RULES, Scene};
use std::path::PathBuf;
use std::process::{Child, Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

const ID: &str = "CHG-1";

/// A device: a process that does nothing, in a network namespace of its own.
struct Device(Child);

impl Device {
    /// `None` where this machine allows no namespaces.
    fn start() -> Option<Device> {
        let works = |args: &[&str]| Command::new("unshare").args(args).output().is_ok_and(|o| o.status.success());
        if !works(&["--net", "true"]) || !works(&["--net", "iptables-save"]) {
            let must = std::env::var("FWGATE_REQUIRE_KERNEL").is_ok_and(|v| v == "1");
            assert!(!must, "the kernel must be asked");
            eprintln!("skipped: no network namespace can be made here");
            return None;
        }
        let device = Device(Command::new("unshare").args(["--net", "sleep", "600"]).spawn().unwrap());
        std::thread::sleep(std::time::Duration::from_millis(300));
        Some(device)
    }

    fn inside(&self) -> String {
        format!("--net=/proc/{}/ns/net", self.0.id())
    }

    fn runs(&self, program: &str, input: Option<&str>) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), input.unwrap_or_default()).unwrap();
        let input = std::fs::File::open(file.path()).unwrap();
        let done = Command::new("nsenter").args([&self.inside(), program]).stdin(input).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

const REST: &str = r#"
[class.normal]
quorum = [{ role = "network", count = 2 }, { role = "security", count = 1 }]
staging = "namespace"
permit_lifetime = "2h"

[[window]]
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
from = "00:00"
to = "00:00"
zone = "UTC"

[[require]]
id = "web"
reason = "the portal"
from = ["10.1.0.0/24"]
to = ["10.2.0.0/24"]
service = ["tcp/443"]
hook = "forward"

[[forbid]]
id = "no-telnet"
reason = "clear text"
from = ["10.1.0.0/24"]
to = ["10.2.0.0/24"]
service = ["tcp/23"]
hook = "forward"
"#;

fn proposal() -> String {
    RULES.replace("COMMIT", "-A FORWARD -s 10.1.0.0/24 -d 10.2.0.0/24 -p tcp -m tcp --dport 443 -j ACCEPT\nCOMMIT")
}

const CHANGE: &str = r#"id = "CHG-1"
title = "Open the portal"
class = "normal"
reason = "launch"
devices = ["edge1"]

[[intent]]
effect = "opened"
from = ["10.1.0.0/24"]
to = ["10.2.0.0/24"]
service = ["tcp/443"]
hook = "forward"
"#;

struct World {
    scene: Scene,
    device: Device,
    root: PathBuf,
    /// Written by every program that was started for the device.
    started: PathBuf,
    base: String,
    head: String,
    analysis: Analysis,
    file: Digest,
}

impl World {
    fn new() -> Option<World> {
        World::staged_on(None)
    }

    /// A world with another policy than the usual one.
    fn edited(edit: impl FnOnce(String) -> String) -> Option<World> {
        World::made(None, |policy, _, _| edit(policy), &[])
    }

    /// The same with more files on the protected branch.
    fn with_files(edit: impl FnOnce(String) -> String, more: &[(&str, &str)]) -> Option<World> {
        World::made(None, |policy, _, _| edit(policy), more)
    }

    /// A world in which the device is reached in another way: a text of policy, made of the scene and the device.
    fn with_transport(transport: impl FnOnce(&Scene, &Device) -> String) -> Option<World> {
        let instead = |policy: String, scene: &Scene, device: &Device| {
            let (before, _) = policy.split_once("\n[[transport]]\nid = \"direct\"").unwrap();
            before.to_owned() + &transport(scene, device)
        };
        World::made(None, instead, &[])
    }

    /// A world in which the class is staged on this device, where there is one.
    fn staged_on(staging: Option<&Device>) -> Option<World> {
        World::made(staging, |policy, _, _| policy, &[])
    }

    fn made(
        staging: Option<&Device>,
        edit: impl FnOnce(String, &Scene, &Device) -> String,
        more: &[(&str, &str)],
    ) -> Option<World> {
        let device = Device::start()?;
        device.runs("iptables-restore", Some(RULES));
        let scene = Scene::bare();
        scene.wait(now() - 7200 - scene.now());
        let started = scene.path().join("started");
        let recorder =
            scene.write("record", &format!("#!/bin/sh\necho \"$@\" >> {}\nexec \"$@\"\n", started.display()));
        run_ok(Command::new("chmod").arg("755").arg(&recorder));
        let call = |rest: &str| format!("[{:?}, \"nsenter\", {:?}, {rest}]", recorder, device.inside());
        let transport = format!(
            "\n[[transport]]\nid = \"direct\"\ndevices = [\"edge*\"]\nread = {}\napply = {}\nrollback = {}\nconfirm = {}\nprobe = {}\n\
             confirm_timer = \"30s\"\n",
            call("\"iptables-save\""),
            call("\"iptables-restore\", \"{file}\""),
            call("\"iptables-restore\", \"{file}\""),
            call("\"true\""),
            call("\"true\""),
        );
        let rest = staging.map_or(REST.to_owned(), |device| staged_rest(&scene, device));
        scene.set_policy(|policy| policy.rest = edit(format!("{rest}{transport}"), &scene, &device));
        let policy = scene.policy_text();
        let mut files = vec![("fwgate.toml", policy.as_str()), ("devices/edge1/rules.v4", RULES)];
        files.extend(more);
        if staging.is_some() {
            files.push(("devices/stage1/rules.v4", RULES));
            files.push(("devices/stage1/device.toml", "environment = \"staging\"\n"));
        }
        let base = scene.main(&files);
        scene.witness();
        let head = scene.commit_on(
            "refs/heads/work",
            "alice",
            &[("devices/edge1/rules.v4", &proposal()), ("changes/CHG-1.toml", CHANGE)],
        );
        scene.reset("refs/heads/main", Some(&head));
        let files = vec![("fwgate.toml".to_owned(), policy.into_bytes())];
        let version = PolicyVersion { commit: base.clone(), files, irregular: Vec::new() };
        let root = Root {
            repository: "example/firewalls".into(),
            remote: scene.remote_url(),
            protected: "refs/heads/main".into(),
            policy: policy_digest(&version),
            signers: vec![scene.key("alice").fingerprint()],
        };
        let root = scene.write("root.toml", &root.to_string());
        let (analysis, file) = analysed(&scene, more);
        Some(World { scene, device, root, started, base, head, analysis, file })
    }

    fn announce(&self) {
        let record = Record::Change(Change {
            change: ID.into(),
            file: self.file,
            base: self.base.clone(),
            head: self.head.clone(),
            content: self.analysis.content,
            meaning: self.analysis.meaning,
            devices: vec!["edge1".into()],
            contributors: vec!["alice".into()],
            says: self.analysis.says.clone(),
        });
        self.scene.record("alice", ID, &record.text());
        self.scene.wait(60);
        self.scene.witness();
    }

    fn approve(&self, vetting: Digest) {
        self.scene.wait(now() - self.scene.now());
        for (who, role) in [("bob", "network"), ("carol", "network"), ("dave", "security")] {
            let record = Record::Approve(Approve {
                change: ID.into(),
                content: self.analysis.content,
                meaning: self.analysis.meaning,
                stage: Stage::Production,
                role: role.into(),
                says: self.analysis.says.clone(),
                vetting: Some(vetting),
                not_after: Instant(now() + 86_400),
            });
            self.scene.record(who, ID, &record.text());
        }
        self.scene.witness();
    }

    /// Announced, vetted, approved, and pushed with all keys at hand.
    fn go(&self, clone: &Clone) {
        self.announce();
        let (_, text) = self.fwgate(clone, &["vet", ID, "--key-staging", &self.key("stager")]);
        self.approve(receipt_of(&text));
        let (code, text) =
            self.fwgate(clone, &[&["push", ID][..], &self.keys().each_ref().map(String::as_str)].concat());
        assert!(code == 0 && text.contains("CHG-1: APPLIED"), "{text}");
    }

    /// An audit in a new clone that has the log and nothing else, with the root; its exit code and document.
    fn audited_by_log_alone(&self) -> (i32, serde_json::Value) {
        let far = self.scene.path().join(format!("far-{}", std::fs::read_dir(self.scene.path()).unwrap().count()));
        std::fs::create_dir(&far).unwrap();
        scene::run(scene::stock_git(&far).args(["init", "-q"]));
        let log = "+refs/heads/fwgate/log:refs/remotes/origin/fwgate/log";
        scene::run(scene::stock_git(&far).args(["fetch", "-q"]).arg(self.scene.remote_path()).arg(log));
        let (code, text) = self.fwgate(&Clone { path: far }, &["audit", "--offline", "--format", "json"]);
        (code, serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")))
    }

    fn keys(&self) -> [String; 6] {
        let of = |name| self.key(name);
        let option = str::to_owned;
        [
            option("--key-permit"),
            of("deployer"),
            option("--key-ledger"),
            of("ledger"),
            option("--key-production"),
            of("receiver"),
        ]
    }

    fn key(&self, name: &str) -> String {
        self.scene.key(name).path.to_str().unwrap().to_owned()
    }

    fn fwgate(&self, clone: &Clone, arguments: &[&str]) -> (i32, String) {
        self.fwgate_words(clone, arguments, &[])
    }

    /// With words behind `--`.
    fn fwgate_words(&self, clone: &Clone, arguments: &[&str], words: &[&str]) -> (i32, String) {
        let path = std::env::var("PATH").unwrap();
        let mut fwgate = Command::new(env!("CARGO_BIN_EXE_fwgate"));
        fwgate.env_clear().env("PATH", path).env("HOME", self.scene.path()).current_dir(&clone.path);
        fwgate.args(arguments).arg("--root").arg(&self.root);
        if !words.is_empty() {
            fwgate.arg("--").args(words);
        }
        let Output { status, stdout, stderr } = fwgate.output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        eprintln!("$ fwgate {arguments:?}\n{text}");
        (status.code().unwrap(), text)
    }
}

/// The policy with a staging device that stands for `edge1`, where the first network is another one.
fn staged_rest(scene: &Scene, device: &Device) -> String {
    let recorder = scene.write("record-staging", "#!/bin/sh\nexec \"$@\"\n");
    run_ok(Command::new("chmod").arg("755").arg(&recorder));
    let call = |rest: &str| format!("[{:?}, \"nsenter\", {:?}, {rest}]", recorder, device.inside());
    let transport = format!(
        "\n[[transport]]\nid = \"rehearsal\"\nenvironment = \"staging\"\ndevices = [\"stage*\"]\nread = {}\napply = {}\n\
         \n[[stands_for]]\ndevice = \"edge1\"\nstaging = \"stage1\"\naddresses = {{ \"10.1.0.0/24\" = \"198.51.100.0/24\" }}\n",
        call("\"iptables-save\""),
        call("\"iptables-restore\", \"{file}\""),
    );
    REST.replace("staging = \"namespace\"", "staging = \"device\"") + &transport
}

fn run_ok(command: &mut Command) {
    assert!(command.status().unwrap().success());
}

/// What the change does, with snapshots and zones among these files.
fn analysed(scene: &Scene, more: &[(&str, &str)]) -> (Analysis, Digest) {
    let device = |text: &str| DeviceBytes {
        device: "edge1".into(),
        files: vec![("devices/edge1/rules.v4".into(), text.as_bytes().into())],
    };
    let (baseline, proposal) = ([device(RULES)], [device(&proposal())]);
    let policy = scene.policy();
    let (request, canonical) = read_request("changes/CHG-1.toml", CHANGE.as_bytes(), &policy).unwrap();
    let case = Case {
        repository: "example/firewalls",
        baseline: &baseline,
        proposal: &proposal,
        base: &baseline,
        policy: &policy,
        request: &request,
        canonical_request: &canonical,
        bounds: Bounds::default(),
        today: Date::of_unix_seconds(now() as u64),
    };
    let beside: Vec<TreeFile> =
        more.iter().map(|(path, text)| TreeFile { path: (*path).into(), bytes: text.as_bytes().into() }).collect();
    let around = BesideDevices { baseline: &beside, proposal: &beside, now: Some(now()), ..BesideDevices::default() };
    (analyse_within(&case, &around, &mut Library::default()).unwrap(), sha256(canonical.as_bytes()))
}

#[test]
fn vetted_approved_permitted_pushed_and_spent() {
    let Some(world) = World::new() else { return };
    world.announce();
    let (one, two) = (world.scene.clone_as("one"), world.scene.clone_as("two"));
    // Without vetting, approvals or permit nothing is started.
    let (code, text) = world.fwgate(&one, &["push", ID]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("APPROVAL_MISSING") && text.contains("NOT_VETTED"), "{text}");
    assert!(!world.started.exists(), "a program was started without a permit");
    // The kernel itself.
    let (code, text) = world.fwgate(&one, &["vet", ID, "--key-staging", &world.key("stager")]);
    assert_eq!(code, 0, "{text}");
    let receipt = text.lines().find_map(|l| l.strip_prefix("receipt ")).unwrap();
    let hex = receipt.strip_prefix("sha256:").unwrap();
    let bytes: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect();
    world.approve(Digest(bytes.try_into().unwrap()));
    // The permit.
    let out = world.scene.path().join("CHG-1.permit");
    let out = out.to_str().unwrap();
    let key = world.key("deployer");
    let ask = ["permit", ID, "--format", "json", "--holder", "runner", "--out", out, "--key-permit", &key];
    let (code, text) = world.fwgate(&one, &ask);
    assert_eq!(code, 0, "{text}");
    assert!(std::path::Path::new(out).exists() && text.contains("\"granted\""), "{text}");
    // Another holder, and a changed permit, start nothing.
    let (ledger, receiver) = (world.key("ledger"), world.key("receiver"));
    let push = |holder: &'static str, permit: &str, clone: &Clone| {
        let keys = ["--key-ledger", &ledger, "--key-production", &receiver];
        world.fwgate(clone, &[&["push", ID, "--holder", holder, "--permit", permit][..], &keys[..]].concat())
    };
    let (code, text) = push("mallory", out, &two);
    assert!(code == 1 && text.contains("PERMIT_WRONG_HOLDER"), "{text}");
    let forged = std::fs::read_to_string(out).unwrap().replace("holder: runner", "holder: mallory");
    let forged = world.scene.write("forged.permit", &forged);
    let (code, text) = push("mallory", forged.to_str().unwrap(), &two);
    assert!(code == 1 && text.contains("PERMIT_UNTRUSTED"), "{text}");
    assert!(!world.started.exists(), "a program was started without a permit");
    // The push.
    let (code, text) = push("runner", out, &one);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("CHG-1: APPLIED"), "{text}");
    assert!(world.device.runs("iptables-save", None).contains("--dport 443 -j ACCEPT"));
    // The same permit from another clone.
    let (code, text) = push("runner", out, &two);
    assert!(code == 1 && text.contains("PERMIT_SPENT"), "{text}");
}

fn receipt_of(text: &str) -> Digest {
    let hex = text.lines().find_map(|l| l.strip_prefix("receipt sha256:")).unwrap();
    let bytes: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect();
    Digest(bytes.try_into().unwrap())
}

#[test]
fn a_hand_edit_on_the_device_is_drift_and_stays() {
    let Some(world) = World::new() else { return };
    world.announce();
    let clone = world.scene.clone_as("one");
    let (_, text) = world.fwgate(&clone, &["vet", ID, "--key-staging", &world.key("stager")]);
    world.approve(receipt_of(&text));
    let edited = RULES.replace("COMMIT", "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT");
    world.device.runs("iptables-restore", Some(&edited));
    let (code, text) =
        world.fwgate(&clone, &[&["push", ID][..], &world.keys().each_ref().map(String::as_str)].concat());
    assert!(code == 1 && text.contains("DRIFT"), "{text}");
    assert!(text.contains("~ edge1: not begun, runs neither its baseline nor the proposal"), "{text}");
    assert!(text.contains("baseline: input IPv4 opened: tcp ") && text.contains(":22 (syn, new)"), "{text}");
    assert!(world.device.runs("iptables-save", None).contains("--dport 22 -j ACCEPT"));
    assert!(!std::fs::read_to_string(&world.started).unwrap().contains("iptables-restore"));
}

#[test]
fn one_operator_takes_a_change_back_and_nobody_else() {
    let Some(world) = World::new() else { return };
    let clone = world.scene.clone_as("one");
    world.go(&clone);
    let keys = world.keys();
    let keys: Vec<&str> = keys[2..].iter().map(String::as_str).collect();
    let roll =
        |who: &str| world.fwgate(&clone, &[&["push", ID, "--rollback", "--key", &world.key(who)][..], &keys].concat());
    let (code, text) = roll("bob");
    assert!(code == 1 && text.contains("ROLE_MISSING"), "{text}");
    let (code, text) = roll("mallory");
    assert!(code == 1 && text.contains("SIGNER_UNKNOWN"), "{text}");
    assert!(world.device.runs("iptables-save", None).contains("--dport 443 -j ACCEPT"), "nothing was taken back");
    let (code, text) = roll("alice");
    assert!(code == 0 && text.contains("edge1: runs the bytes of") && !text.contains("warning"), "{text}");
    assert!(!world.device.runs("iptables-save", None).contains("--dport 443 -j ACCEPT"));
    let (_, status) = world.fwgate(&clone, &["fleet", "status"]);
    assert!(status.contains("before CHG-1 since "), "{status}");
    // The ledger knows: the baseline is in force again, and what was approved before is used up.
    let (code, text) = world.fwgate(&clone, &["permit", ID]);
    assert!(code == 1 && text.contains("APPROVAL_STALE") && !text.contains("EMPTY_CHANGE"), "{text}");
    let (code, text) = roll("alice");
    assert!(code == 0 && text.contains("already"), "{text}");
    // It never goes again by itself, and the log alone knows of both ends.
    let keys = world.keys();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let (code, text) = world.fwgate(&clone, &[&["push", ID][..], &keys].concat());
    assert!(code == 1 && text.contains("APPROVAL_STALE") && text.contains("nothing was pushed"), "{text}");
    let (code, audit) = world.audited_by_log_alone();
    assert_eq!((code, &audit["changes"][0]["outcome"]), (0, &"rolled-back".into()), "{audit:#}");
    assert_eq!((outcomes(&audit), &audit["changes"][0]["is_right"]), (vec!["rolled-back"], &true.into()), "{audit:#}");
}

/// What a document of an audit says of the devices of the first change.
fn outcomes(audit: &serde_json::Value) -> Vec<&str> {
    audit["changes"][0]["results"].as_array().unwrap().iter().map(|r| r["result"].as_str().unwrap()).collect()
}

#[test]
fn what_operators_do_after_a_change_was_closed_is_in_the_log() {
    let Some(world) = World::new() else { return };
    let clone = world.scene.clone_as("one");
    world.go(&clone);
    let receipts = |audit: &serde_json::Value| audit["changes"][0]["receipts"].as_array().unwrap().len();
    let (_, before) = world.audited_by_log_alone();
    assert_eq!(
        (&before["changes"][0]["outcome"], outcomes(&before)),
        (&"applied".into(), vec!["applied"]),
        "{before:#}"
    );
    // A hand edit is taken off the device: the change stays applied, and the log knows who brought it back when.
    let edited = RULES.replace("COMMIT", "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT");
    world.device.runs("iptables-restore", Some(&edited));
    let keys = world.keys();
    let keys: Vec<&str> = keys[2..].iter().map(String::as_str).collect();
    let alice = world.key("alice");
    let (code, text) = world.fwgate(&clone, &[&["rollback", "edge1", "--key", &alice][..], &keys].concat());
    assert!(code == 0 && !text.contains("warning"), "{text}");
    let (_, audit) = world.audited_by_log_alone();
    assert_eq!(
        (&audit["changes"][0]["outcome"], outcomes(&audit)),
        (&"applied".into(), vec!["rolled-back"]),
        "{audit:#}"
    );
    assert_eq!((receipts(&audit), &audit["verdict"]), (receipts(&before) + 1, &"sound".into()), "{audit:#}");
    // Taken back where nobody can say what came of it: neither applied nor rolled back.
    let program = world.scene.path().join("record");
    let works = std::fs::read_to_string(&program).unwrap();
    std::fs::write(&program, "#!/bin/sh\nexit 1\n").unwrap();
    let (code, text) = world.fwgate(&clone, &[&["push", ID, "--rollback", "--key", &alice][..], &keys].concat());
    assert!(code == 1 && text.contains("nobody knows what it runs"), "{text}");
    let (_, audit) = world.audited_by_log_alone();
    assert_eq!((&audit["changes"][0]["outcome"], outcomes(&audit)), (&"partial".into(), vec!["failed"]), "{audit:#}");
    let (_, text) = world.fwgate(&clone, &["change", "list"]);
    assert!(text.contains("PARTIAL"), "{text}");
    std::fs::write(&program, works).unwrap();
    let (code, text) = world.fwgate(&clone, &[&["push", ID, "--rollback", "--key", &alice][..], &keys].concat());
    assert!(code == 0 && !text.contains("warning"), "{text}");
    let (_, audit) = world.audited_by_log_alone();
    assert_eq!(audit["changes"][0]["outcome"], "rolled-back", "{audit:#}");
}

#[test]
fn a_rollback_does_not_wait_for_the_remote() {
    let Some(world) = World::new() else { return };
    let clone = world.scene.clone_as("one");
    world.go(&clone);
    let edited = RULES.replace("COMMIT", "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT");
    world.device.runs("iptables-restore", Some(&edited));
    let remote = PathBuf::from(world.scene.remote_url().trim_start_matches("file://"));
    let away = remote.with_extension("away");
    std::fs::rename(&remote, &away).unwrap();
    let keys = world.keys();
    let keys: Vec<&str> = keys[2..].iter().map(String::as_str).collect();
    let back = || world.fwgate(&clone, &[&["rollback", "edge1", "--key", &world.key("alice")][..], &keys].concat());
    let (code, text) = back();
    assert!(code == 0 && text.contains("runs the bytes of") && text.contains("LEDGER_UNREACHABLE"), "{text}");
    let runs = world.device.runs("iptables-save", None);
    assert!(runs.contains("--dport 443 -j ACCEPT") && !runs.contains("--dport 22"), "{runs}");
    // A push that needs the ledger starts nothing meanwhile; the rollback tells the ledger once it is there again.
    let (code, text) = world.fwgate(&clone, &["permit", ID]);
    assert!(code != 0 && text.contains("LEDGER_UNREACHABLE"), "{text}");
    std::fs::rename(&away, &remote).unwrap();
    let (code, text) = back();
    assert!(code == 0 && text.contains("already") && !text.contains("warning"), "{text}");
}

#[test]
fn a_command_of_ones_own_reaches_no_production() {
    let Some(world) = World::new() else { return };
    world.announce();
    let clone = world.scene.clone_as("one");
    let (_, text) = world.fwgate(&clone, &["vet", ID, "--key-staging", &world.key("stager")]);
    world.approve(receipt_of(&text));
    let keys = world.keys();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let (code, text) = world.fwgate_words(&clone, &[&["push", ID][..], &keys].concat(), &["touch", "{folder}/x"]);
    assert!(code == 1 && text.contains("TRANSPORT_UNSAFE"), "{text}");
    assert!(!world.started.exists(), "nothing was started");
}

#[test]
fn a_class_that_is_staged_on_devices_is_staged_on_the_one_that_stands_for_it() {
    let Some(staging) = Device::start() else { return };
    let Some(world) = World::staged_on(Some(&staging)) else { return };
    world.announce();
    let clone = world.scene.clone_as("one");
    let (code, text) = world.fwgate(&clone, &["stage", ID, "--key-staging", &world.key("stager")]);
    assert!(code == 0 && text.contains("edge1: applied to stage1, read back and compared"), "{text}");
    let runs = staging.runs("iptables-save", None);
    assert!(runs.contains("-s 198.51.100.0/24 -d 10.2.0.0/24 -p tcp -m tcp --dport 443 -j ACCEPT"), "{runs}");
    assert!(!world.started.exists(), "staging reached production");
    // The receipt names the staging device, so that it counts.
    let (_, text) = world.fwgate(&clone, &["permit", ID]);
    assert!(!text.contains("NOT_VETTED") && !text.contains("RECEIPT_MISMATCH"), "{text}");
    // A receipt of the namespace does not.
    let other = World::staged_on(Some(&staging)).unwrap();
    other.announce();
    let clone = other.scene.clone_as("one");
    other.fwgate(&clone, &["vet", ID, "--key-staging", &other.key("stager")]);
    let (_, text) = other.fwgate(&clone, &["permit", ID]);
    assert!(text.contains("RECEIPT_MISMATCH"), "{text}");
}

/// A document by its published schema.
fn document(schema: &str, text: &str) -> serde_json::Value {
    let printed = Command::new(env!("CARGO_BIN_EXE_fwgate")).args(["schema", schema]).output().unwrap().stdout;
    let validator = jsonschema::validator_for(&serde_json::from_slice(&printed).unwrap()).unwrap();
    let end = text.rfind("\n}").map_or(text.len(), |at| at + 2);
    let value = serde_json::from_str(&text[..end]).unwrap_or_else(|e| panic!("{e}: {text}"));
    let flaws: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
    assert!(flaws.is_empty(), "{flaws:?}\n{value:#}");
    value
}

/// From vetting to rollback, every answer of a real run has the shape that is published.
#[test]
fn every_step_answers_machines_as_published() {
    let Some(world) = World::new() else { return };
    let clone = world.scene.clone_as("one");
    let json = |arguments: &[&str]| world.fwgate(&clone, &[arguments, &["--format", "json"]].concat());
    let (code, text) = json(&["vet", ID]);
    let refused = document("vetting", &text);
    assert_eq!((code, &refused["verdict"], &refused["receipt"]), (1, &"refused".into(), &serde_json::Value::Null));
    world.announce();
    let (code, text) = json(&["stage", ID]);
    let staged = document("vetting", &text);
    assert_eq!((code, &staged["verdict"], &staged["receipt"]), (0, &"vetted".into(), &serde_json::Value::Null));
    let (code, text) = json(&["vet", ID, "--key-staging", &world.key("stager")]);
    let vetted = document("vetting", &text);
    assert_eq!((code, &vetted["devices"][0]["device"]), (0, &"edge1".into()));
    let receipt = format!("receipt {}", vetted["receipt"].as_str().unwrap());
    world.approve(receipt_of(&receipt));
    let keys = world.keys();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let back = |who: &str| json(&[&["push", ID, "--rollback", "--key", &world.key(who)][..], &keys[2..]].concat());
    let (code, text) = back("alice");
    let nothing = document("rollback", &text);
    assert_eq!(
        (code, &nothing["verdict"], &nothing["reasons"][0]["code"]),
        (1, &"refused".into(), &"NO_ROLLBACK".into())
    );
    let (code, text) = json(&["push", ID]);
    let refused = document("push", &text);
    assert_eq!((code, &refused["devices"]), (1, &serde_json::json!([])));
    let (code, text) = json(&[&["push", ID][..], &keys].concat());
    let pushed = document("push", &text);
    assert_eq!((code, &pushed["state"], &pushed["devices"][0]["end"]), (0, &"APPLIED".into(), &"applied".into()));
    let (code, text) = back("alice");
    let rolled = document("rollback", &text);
    assert_eq!((code, &rolled["verdict"], &rolled["by"]), (0, &"back".into(), &"alice".into()));
    assert_eq!((&rolled["devices"][0]["end"], &rolled["reasons"]), (&"back".into(), &serde_json::json!([])));
    let (_, text) = json(&["rollback", "edge1", "--key", &world.key("alice")]);
    let again = document("rollback", &text);
    assert_eq!(again["devices"][0]["end"], "already");
    assert_eq!(again["reasons"][0]["code"], "LEDGER_UNREACHABLE", "no keys of machines were at hand");
}
