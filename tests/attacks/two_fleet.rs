//! A fleet whose devices are folders, and whoever pushes to it: real programs as transports, and no device but files of the
//! test's own folder.
//!
//! ```text
//! let fleet = Fleet::of(&["edge1", "edge2"], "");      // a stage whose policy has a transport to each of them
//! fleet.ready_on(&["edge1", "edge2"]);
//! fleet.permit().granted();
//! fleet.behave("edge2", "probe", "exit 1");            // instead of what it should do
//! fleet.push().refused("NOT_CONVERGED");
//! assert!(fleet.running("edge2").contains(...));
//! ```

use crate::scene::{PolicyText, RULES, Scene};
use crate::stage::{CHANGE, Facts, REST, Stage, now, proposed};
use fwgate::gate::{
    Claim, DeviceResult, Digest, Finish, Instant, LedgerEntry, PolicyRecord, Record, ResultKind, device_digest,
    files_digest,
};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// What a transport's program does with a folder for a device. A file `on-VERB` beside the device's rules is run instead.
const SCRIPT: &str = r##"verb=$1; device=$2; here=HERE
echo "$verb $device" >> "$here/started"
own="$here/$device/on-$verb"
if [ -e "$own" ]; then . "$own"; exit $?; fi
case $verb in
read) echo "# $3"; cat "$here/$device/running" ;;
apply|rollback) cat "$3" > "$here/$device/running" ;;
identity) echo "$device" ;;
esac
"##;

/// A stage with devices.
pub struct Fleet {
    stage: Stage,
    here: tempfile::TempDir,
}

impl Deref for Fleet {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.stage
    }
}

impl Fleet {
    /// One device, edge1, that runs [`RULES`].
    pub fn new() -> Fleet {
        Fleet::of(&["edge1"], "")
    }

    /// Devices that run [`RULES`], and what the policy says beside classes, window and transport.
    pub fn of(devices: &[&str], more: &str) -> Fleet {
        Fleet::with(devices, |text| text.push_str(more))
    }

    /// The same with everything behind persons and machines as one likes.
    pub fn with(devices: &[&str], change: impl FnOnce(&mut String)) -> Fleet {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().canonicalize().unwrap();
        let script = folder.join("device");
        std::fs::write(&script, SCRIPT.replace("HERE", folder.to_str().unwrap())).unwrap();
        let paths: Vec<String> = devices.iter().map(|d| format!("devices/{d}/rules.v4")).collect();
        let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), RULES)).collect();
        let policy = |policy: &mut PolicyText| {
            policy.rest = format!("{REST}{}", transport(&script));
            policy.persons.push(("erin".to_owned(), vec!["network".to_owned(), "security".to_owned()]));
            change(&mut policy.rest);
        };
        let fleet = Fleet { stage: Stage::of(policy, &files), here };
        devices.iter().for_each(|device| fleet.run(device, RULES));
        fleet
    }

    /// The usual change, on several devices at once, with everything that a permit needs.
    pub fn ready_on(&self, devices: &[&str]) -> Facts {
        let paths: Vec<String> = devices.iter().map(|d| format!("devices/{d}/rules.v4")).collect();
        let rules = proposed();
        let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), rules.as_str())).collect();
        let head = self.propose(&files);
        self.ready_at(CHANGE, &head)
    }

    /// A commit as change `id`, with everything that a permit needs.
    pub fn ready_at(&self, id: &str, head: &str) -> Facts {
        let facts = self.announced_at(id, head);
        self.approved_by(&crate::stage::APPROVERS, &facts);
        self.settle();
        facts
    }

    /// Lets the binary run with any arguments; what it prints on both streams.
    pub fn asked(&self, arguments: &[&str]) -> (Option<i32>, String) {
        self.stage.run(arguments)
    }

    /// What a device of the fleet does instead of what it should do at a verb.
    pub fn behave(&self, device: &str, verb: &str, script: &str) {
        crate::scene::write(&self.here.path().join(device).join(format!("on-{verb}")), script.as_bytes());
    }

    /// Lets a device run something.
    pub fn run(&self, device: &str, rules: &str) {
        crate::scene::write(&self.here.path().join(device).join("running"), rules.as_bytes());
    }

    /// What a device runs.
    pub fn running(&self, device: &str) -> String {
        std::fs::read_to_string(self.here.path().join(device).join("running")).unwrap()
    }

    /// Every call of a transport so far: `apply edge1`.
    pub fn started(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.here.path().join("started")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// A folder of the fleet's own, outside of every repository.
    pub fn here(&self) -> PathBuf {
        self.here.path().canonicalize().unwrap()
    }

    /// The clone of a controller of this name; `one` is the one in which permits are asked for.
    pub fn controller(&self, name: &str) -> PathBuf {
        let path = self.scene.path().join(name);
        match name {
            "one" => self.clone_path(),
            _ if path.exists() => path,
            _ => self.scene.clone_as(name).path,
        }
    }

    /// The file of the private key of somebody.
    pub fn key(&self, name: &str) -> String {
        self.scene.key(name).path.to_str().unwrap().to_owned()
    }

    /// Runs fwgate with the root in the clone of a controller, in an environment that knows nothing.
    pub fn fwgate(&self, controller: &str, arguments: &[&str]) -> Answer {
        Answer::of(self.command(controller, arguments).output().unwrap())
    }

    pub fn command(&self, controller: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fwgate"));
        command.env_clear().env("PATH", std::env::var("PATH").unwrap()).env("HOME", self.scene.path().join("home"));
        command.current_dir(self.controller(controller)).args(arguments).arg("--root").arg(self.root());
        command
    }

    /// Where the permit of a change is written.
    pub fn permit_path(&self, id: &str) -> PathBuf {
        self.scene.path().join(format!("{id}.permit"))
    }

    /// Pushes the usual change with the permit that was written.
    pub fn push(&self) -> Answer {
        self.push_as("one", CHANGE, "runner", &self.permit_path(CHANGE))
    }

    /// Pushes with any permit, from any repository, as anybody.
    pub fn push_as(&self, controller: &str, id: &str, holder: &str, permit: &Path) -> Answer {
        Answer::of(self.push_command(controller, id, holder, permit).output().unwrap())
    }

    /// The same without waiting for its end.
    pub fn push_begun(&self) -> Running {
        let mut command = self.push_command("one", CHANGE, "runner", &self.permit_path(CHANGE));
        Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn push_command(&self, controller: &str, id: &str, holder: &str, permit: &Path) -> Command {
        let (ledger, receiver) = (self.key("ledger"), self.key("receiver"));
        let permit = permit.to_str().unwrap();
        let keys = ["--key-ledger", &ledger, "--key-production", &receiver];
        self.command(controller, &[&["push", id, "--holder", holder, "--permit", permit][..], &keys].concat())
    }

    /// The clock of the stage is that of the program.
    pub fn present(&self) {
        self.scene.wait(now() - self.scene.now());
    }

    /// A permit file signed by anybody over any text.
    pub fn signed_permit(&self, name: &str, namespace: &str, message: &str) -> PathBuf {
        let signature = self.scene.key(name).sign(namespace, message.as_bytes());
        self.scene.write(&format!("{name}.permit"), &format!("{message}\n{signature}"))
    }

    /// The next version of the policy on the protected branch, without any voice; its digest.
    pub fn policy_without_voices(&self, change: impl FnOnce(&mut PolicyText)) -> Digest {
        self.scene.set_policy(|policy| {
            policy.version += 1;
            change(policy);
        });
        let text = self.scene.policy_text();
        self.scene.main(&[("fwgate.toml", &text)]);
        files_digest([("fwgate.toml", text.as_bytes())])
    }

    /// The next version of the policy with the voices of bob, erin and dave, witnessed.
    pub fn next_policy(&self, change: impl FnOnce(&mut PolicyText)) {
        self.next_policy_by(&[("bob", "network"), ("erin", "network"), ("dave", "security")], change);
    }

    /// The same with other voices.
    pub fn next_policy_by(&self, voices: &[(&str, &str)], change: impl FnOnce(&mut PolicyText)) {
        let policy = self.policy_without_voices(change);
        let version = self.scene.policy().version;
        let id = format!("POL-{version}");
        for (person, role) in voices {
            let record = PolicyRecord { change: id.clone(), version, policy, role: (*role).to_owned() };
            self.say(person, &id, &Record::Policy(record));
        }
        self.scene.witness();
    }

    /// What a run wrote into the ledger: the claim by `runner` with a lease of a minute, a result for each device whose bytes a commit
    /// holds, and the end.
    pub fn ran(&self, change: &str, commit: &str, results: &[(&str, ResultKind)], end: Option<&str>) {
        let (nonce, at) = (format!("{:032x}", self.scene.now()), self.scene.instant());
        let (change, run) = (change.to_owned(), nonce.clone());
        self.scene.ledger(|previous| {
            LedgerEntry::Claim(Claim {
                previous,
                at,
                change: change.clone(),
                permit: Digest([7; 32]),
                nonce: nonce.clone(),
                holder: "runner".to_owned(),
                run: run.clone(),
                lease: Instant(at.0 + 60),
                devices: results.iter().map(|(device, _)| (*device).to_owned()).collect(),
            })
        });
        let held = self.devices(commit);
        for (device, result) in results {
            let (change, nonce, run) = (change.clone(), nonce.clone(), run.clone());
            let entry = DeviceResult {
                previous: None,
                at,
                change,
                nonce,
                run,
                device: (*device).to_owned(),
                result: *result,
                bytes: device_digest(held.iter().find(|b| b.device == **device)),
                head: commit.to_owned(),
                receipt: (*result == ResultKind::Applied).then_some(Digest([1; 32])),
            };
            self.scene.ledger(|previous| LedgerEntry::Result(DeviceResult { previous, ..entry }));
        }
        if let Some(state) = end {
            let state = state.to_owned();
            self.scene.ledger(|previous| LedgerEntry::Finish(Finish { previous, at, change, nonce, run, state }));
        }
        self.scene.wait(61);
    }
}

/// One transport to every device of the fleet.
fn transport(script: &Path) -> String {
    let call = |verb: &str, more: &str| format!("[\"sh\", {script:?}, \"{verb}\", \"{{device}}\"{more}]");
    format!(
        "\n[[transport]]\nid = \"direct\"\ndevices = [\"edge*\", \"core*\"]\nread = {}\napply = {}\nconfirm = {}\nprobe = {}\nrollback = {}\n\
         identity = {}\nconfirm_timer = \"30s\"\n",
        call("read", ", \"{nonce}\""),
        call("apply", ", \"{file}\""),
        call("confirm", ""),
        call("probe", ""),
        call("rollback", ", \"{file}\""),
        call("identity", ""),
    )
}

/// A freeze from an hour ago on, for so many seconds from now.
pub fn freeze(scene: &Scene, seconds: i64) -> String {
    let (from, to) = (Instant(scene.now() - 3600), Instant(scene.now() + seconds));
    format!("\n[[freeze]]\nfrom = \"{from}\"\nto = \"{to}\"\nreason = \"year end\"\n")
}

/// A push that is going on.
pub struct Running(Child);

impl Running {
    /// Whether it has not come to its end.
    pub fn goes_on(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// What it says in the end.
    pub fn ended(self) -> Answer {
        Answer::of(self.0.wait_with_output().unwrap())
    }
}

/// What a command answered.
#[derive(Debug)]
pub struct Answer {
    pub exit: i32,
    pub out: String,
    pub err: String,
}

impl Answer {
    fn of(Output { status, stdout, stderr }: Output) -> Answer {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Answer { exit: status.code().unwrap(), out: text(stdout), err: text(stderr) }
    }

    /// The run was refused or stopped with this code.
    #[track_caller]
    pub fn refused(&self, code: &str) -> &Answer {
        self.ended(1, code)
    }

    /// There is no verdict, because of this.
    #[track_caller]
    pub fn no_verdict(&self, code: &str) -> &Answer {
        self.ended(2, code)
    }

    #[track_caller]
    fn ended(&self, exit: i32, code: &str) -> &Answer {
        assert!(self.out.contains(&format!("- {code}: ")), "no {code}: {self}");
        assert_eq!(self.exit, exit, "{self}");
        self
    }

    /// Every device has it.
    #[track_caller]
    pub fn applied(&self) -> &Answer {
        assert!(self.exit == 0 && self.out.contains(": APPLIED\n"), "{self}");
        self
    }

    /// One of both streams says this.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Answer {
        assert!(self.out.contains(text) || self.err.contains(text), "no `{text}`: {self}");
        self
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}\n{}\n{}", self.exit, self.out, self.err)
    }
}
