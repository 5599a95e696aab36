//! The real thing: a bare server, two clones, the binary, and devices that are folders.

use crate::config::{Config, change_file};
use crate::model::{Change, DEVICES, Staging};
use crate::scene::{PolicyText, RULES, run, stock_git};
use crate::stage::{Stage, now};
use fwgate::gate::Instant;
use std::cell::RefCell;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// What the transports' program does with a folder for a device. A file `on-VERB` beside the device's rules is run once instead.
const PROGRAM: &str = r##"#!/bin/sh
verb=$1; device=$2; here=HERE
echo "$verb $device" >> "$here/started"
own="$here/$device/on-$verb"
if [ -e "$own" ]; then rm -f "$own"; exit 1; fi
case $verb in
read) echo "# $3"; cat "$here/$device/running" ;;
apply|rollback) cat "$3" > "$here/$device/running" ;;
identity) echo "$device" ;;
esac
"##;

/// Longer than a run that touched nothing holds its devices.
const LEASE: Duration = Duration::from_millis(12_100);

/// What a command answered.
#[derive(Debug)]
pub struct Answer {
    pub exit: i32,
    pub text: String,
}

impl Answer {
    /// The digest of the record that was written, where one was.
    pub fn written(&self) -> Option<String> {
        let at = self.text.find("signed and pushed: ")?;
        let digest = self.text[at..].find("sha256:")? + at;
        Some(self.text[digest..digest + 71].to_owned())
    }
}

/// A repository, its people and its devices.
pub struct World {
    pub stage: Stage,
    here: tempfile::TempDir,
    told: RefCell<Vec<String>>,
}

impl World {
    pub fn new(staging: Staging) -> World {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().canonicalize().unwrap();
        let mut files = Vec::new();
        for (folder, devices) in [("production", DEVICES), ("staging", ["stage1", "stage2"])] {
            let folder = here.path().join(folder);
            let program = folder.join("device");
            crate::scene::write(&program, PROGRAM.replace("HERE", folder.to_str().unwrap()).as_bytes());
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
            for device in devices {
                crate::scene::write(&folder.join(device).join("running"), RULES.as_bytes());
                files.push((format!("devices/{device}/rules.v4"), RULES.to_owned()));
                if device.starts_with("stage") {
                    files.push((format!("devices/{device}/device.toml"), "environment = \"staging\"\n".to_owned()));
                }
            }
        }
        let policy = |text: &mut PolicyText| {
            text.persons.push(("erin".to_owned(), vec!["network".to_owned(), "security".to_owned()]));
            text.rest = rest(staging, &folder);
        };
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let world = World { stage: Stage::of(policy, &files), here, told: RefCell::default() };
        for name in ["people", "authors"] {
            world.stage.scene.clone_as(name);
        }
        let begun = world.fwgate("people", &["ledger", "init", "--key-ledger", &world.key("ledger")]);
        assert_eq!(begun.exit, 0, "{}", begun.text);
        world
    }

    /// Everything that was done, as commands.
    pub fn told(&self) -> String {
        self.told.borrow().join("\n")
    }

    pub fn tell(&self, what: &str) {
        self.told.borrow_mut().push(what.to_owned());
    }

    pub fn key(&self, name: &str) -> String {
        self.stage.scene.key(name).path.to_str().unwrap().to_owned()
    }

    /// Where the permit of a change is written.
    pub fn permit(&self, id: &str) -> PathBuf {
        self.stage.scene.path().join(format!("{id}.permit"))
    }

    /// Runs fwgate in a clone, with the root, in an environment that knows nothing.
    pub fn fwgate(&self, clone: &str, arguments: &[&str]) -> Answer {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fwgate"));
        command.env_clear().env("PATH", std::env::var("PATH").unwrap());
        command.env("HOME", self.stage.scene.path().join("home")).stdin(Stdio::null());
        command.current_dir(self.stage.scene.path().join(clone)).args(arguments).arg("--root").arg(self.stage.root());
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        let answer = Answer { exit: status.code().unwrap(), text };
        if arguments[..2] != ["change", "show"] {
            let folder = self.stage.scene.path();
            let line = format!("fwgate {}", arguments.join(" ")).replace(&format!("{}/", folder.display()), "");
            self.tell(&format!("{line}   # in {clone}: {}", answer.exit));
        }
        answer
    }

    /// What `change show` says, by what was fetched last.
    pub fn shown(&self, id: &str) -> serde_json::Value {
        let shown = self.fwgate("people", &["change", "show", id, "--format", "json"]);
        let end = shown.text.rfind("\n}\n").unwrap_or_else(|| panic!("no document: {}", shown.text));
        serde_json::from_str(&shown.text[..end + 2]).unwrap_or_else(|e| panic!("{e}: {}", shown.text))
    }

    /// What a device runs.
    pub fn running(&self, device: &str) -> String {
        std::fs::read_to_string(self.device(device).join("running")).unwrap()
    }

    /// Somebody changes a device by hand.
    pub fn edit_by_hand(&self, device: &str, config: &Config) {
        self.tell(&format!("# by hand, {device} gets {config:?}"));
        std::fs::write(self.device(device).join("running"), config.text()).unwrap();
    }

    /// A verb of a device's transport fails once.
    pub fn break_once(&self, device: &str, verb: &str) {
        self.tell(&format!("# the next `{verb}` of {device} fails"));
        std::fs::write(self.device(device).join(format!("on-{verb}")), "").unwrap();
    }

    fn device(&self, device: &str) -> PathBuf {
        self.here.path().join("production").join(device)
    }

    /// Every call of a transport of production so far: `apply edge1`.
    pub fn started(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.here.path().join("production/started")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The clock of the commits is that of the program.
    fn present(&self) {
        self.stage.scene.wait(now() - self.stage.scene.now());
    }

    /// The clock comes to the next second: the ledger counts in them.
    pub fn next_second(&self) {
        let begun = now();
        while now() == begun {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A run that touched nothing holds its devices no more.
    pub fn lease_runs_out(&self) {
        std::thread::sleep(LEASE);
    }

    /// Commits the last edit of a change on its branch.
    pub fn commit(&self, change: &Change) {
        self.present();
        let (config, promised) = change.edits.last().unwrap();
        let (path, file) = (rules(change.device), format!("changes/{}.toml", change.id));
        let (text, request) = (config.text(), change_file(&change.id, change.device, change.class, promised));
        self.tell(&format!("# {} commits on {}: {config:?}, promised {promised:?}", change.author, branch(change)));
        self.stage.scene.commit_on(&branch(change), change.author, &[(&path, &text), (&file, &request)]);
    }

    /// Merges what a change's branch has into the protected branch, by the forge, or as one commit of the author's.
    pub fn merge(&self, change: &Change, squashes: bool) {
        self.present();
        let head = self.stage.scene.head_of(&branch(change)).unwrap();
        let (config, promised) = change.edits.last().unwrap();
        let (path, file) = (rules(change.device), format!("changes/{}.toml", change.id));
        let request = change_file(&change.id, change.device, change.class, promised);
        self.tell(&format!("# merged: {}{}", branch(change), if squashes { ", squashed" } else { "" }));
        let tip = self.stage.tip();
        let tree = self.stage.scene.tree_with(Some(&tip), &[(&path, &config.text()), (&file, &request)]);
        let parents = if squashes { vec![tip.as_str()] } else { vec![tip.as_str(), head.as_str()] };
        let who = if squashes { change.author } else { "forge" };
        self.stage.commit_tree("refs/heads/main", who, &tree, &parents);
    }

    /// The protected branch takes in what a device runs.
    pub fn take_in(&self, device: &str, config: &Config) {
        self.present();
        self.tell(&format!("# merged: what {device} runs"));
        self.stage.scene.main(&[(&rules(device), &config.text())]);
    }

    /// The protected branch moves by something that no device has.
    pub fn move_on(&self, number: u16) {
        self.present();
        self.tell("# the protected branch moves");
        self.stage.scene.main(&[("README.md", &format!("{number}\n"))]);
    }

    /// The author announces what the branch has.
    pub fn announce(&self, id: &str, branch: &str, author: &str) -> Answer {
        let clone = self.stage.scene.path().join("authors");
        let head = self.stage.scene.head_of(branch).unwrap();
        run(stock_git(&clone).args(["fetch", "-q", "origin"]));
        run(stock_git(&clone).args(["checkout", "-q", "--detach", &head]));
        self.fwgate("authors", &["change", "new", id, "--anyway", "--key", &self.key(author)])
    }

    /// A commit that holds what a device runs, in the clone of the people too; its id and a file with the same.
    pub fn commit_running(&self, device: &str, id: &str) -> (String, PathBuf) {
        self.present();
        let running = self.running(device);
        let name = format!("refs/heads/{id}");
        let head = self.stage.scene.commit_on(&name, "alice", &[(&rules(device), &running)]);
        run(stock_git(&self.stage.scene.path().join("people")).args(["fetch", "-q", "origin"]));
        (head, self.stage.scene.write(&format!("{id}.running"), &running))
    }

    /// The next version of the policy on a branch of its own.
    pub fn propose_policy(&self, change: impl FnOnce(&mut PolicyText)) -> (String, String) {
        self.present();
        self.stage.scene.set_policy(|text| {
            text.version += 1;
            change(text);
        });
        let id = format!("POL-{}", self.stage.scene.policy().version);
        let name = format!("refs/heads/{id}");
        let request = policy_request(&id);
        let (file, text) = (format!("changes/{id}.toml"), self.stage.scene.policy_text());
        self.stage.scene.commit_on(&name, "alice", &[("fwgate.toml", &text), (&file, &request)]);
        (id, name)
    }

    /// Merges the policy of a branch into the protected branch.
    pub fn merge_policy(&self, id: &str, name: &str) {
        self.present();
        self.tell(&format!("# merged: {id}"));
        let head = self.stage.scene.head_of(name).unwrap();
        let (tip, text) = (self.stage.tip(), self.stage.scene.policy_text());
        let (file, request) = (format!("changes/{id}.toml"), policy_request(id));
        let tree = self.stage.scene.tree_with(Some(&tip), &[("fwgate.toml", &text), (&file, &request)]);
        self.stage.commit_tree("refs/heads/main", "alice", &tree, &[&tip, &head]);
    }
}

/// The change file of a change of the policy.
fn policy_request(id: &str) -> String {
    format!("id = \"{id}\"\ntitle = \"Another policy\"\nclass = \"policy\"\nreason = \"as agreed\"\ndevices = []\n")
}

/// The branch on which the author of a change works.
pub fn branch(change: &Change) -> String {
    format!("refs/heads/{}", change.id)
}

fn rules(device: &str) -> String {
    format!("devices/{device}/rules.v4")
}

/// A freeze that began an hour ago.
pub fn freeze() -> String {
    let (from, to) = (Instant(now() - 3600), Instant(now() + 86_400));
    format!("\n[[freeze]]\nfrom = \"{from}\"\nto = \"{to}\"\nreason = \"year end\"\n")
}

fn rest(staging: Staging, folder: &Path) -> String {
    let kind = match staging {
        Staging::Nowhere => "none",
        Staging::Device => "device",
        Staging::Namespace => "namespace",
    };
    let program = |environment: &str| folder.join(environment).join("device");
    let call = |environment: &str, verb: &str, more: &str| {
        format!("{verb} = [{:?}, \"{verb}\", \"{{device}}\"{more}]\n", program(environment))
    };
    let (nonce, file) = (", \"{nonce}\"", ", \"{file}\"");
    let calls = |environment: &str| {
        let verbs = [("read", nonce), ("apply", file), ("identity", "")];
        verbs.map(|(verb, more)| call(environment, verb, more)).concat()
    };
    let production = ["confirm", "probe"].map(|verb| call("production", verb, "")).concat();
    let mut out = format!(
        "\n[class.normal]\nquorum = [{{ role = \"network\", count = 1 }}, {{ role = \"security\", count = 1 }}]\nstaging = \"{kind}\"\n\
         lead_time = \"0s\"\napproval_lifetime = \"14d\"\npermit_lifetime = \"1h\"\ncarry_over = true\n\n\
         [class.emergency]\nquorum = [{{ role = \"network\", count = 2 }}]\npermit_lifetime = \"1h\"\nreview_due = \"1s\"\n\n\
         [[window]]\ndays = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"]\nfrom = \"00:00\"\nto = \"00:00\"\nzone = \"UTC\"\n\n\
         [push]\nlease = \"11s\"\n\n[[transport]]\nid = \"direct\"\ndevices = [\"edge*\"]\n{}{production}{}confirm_timer = \"3s\"\n",
        calls("production"),
        call("production", "rollback", file),
    );
    if staging == Staging::Device {
        out += &format!(
            "\n[[transport]]\nid = \"rehearsal\"\nenvironment = \"staging\"\ndevices = [\"stage*\"]\n{}",
            calls("staging")
        );
        for (device, stands) in DEVICES.iter().zip(["stage1", "stage2"]) {
            out += &format!("\n[[stands_for]]\ndevice = \"{device}\"\nstaging = \"{stands}\"\n");
        }
    }
    out
}
