//! A fleet of namespaces with a gate in front: a bare remote, keys, a change that opens a port on every device, and transports that
//! do what `fwgate-ssh` and `fwgate-device` do, with the ssh hop replaced by `ip netns exec`.

use crate::nets::Net;
use crate::scene::PolicyText;
use crate::stage::{APPROVERS, CHANGE, REST, Stage, now};
use fwgate::gate::Record;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a device waits for its confirmation, in seconds.
pub const TIMER: u64 = 4;
/// How long a claim holds: three timers.
pub const LEASE: u64 = 3 * TIMER;

/// What every device runs first.
pub const BASELINE: &str = "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\t\tct state established,related accept\n\t\ttcp dport 22 accept\n\t}\n}\n";

/// What the change gives it.
pub fn proposal() -> String {
    BASELINE.replace("tcp dport 22 accept", "tcp dport 22 accept\n\t\ttcp dport 443 accept")
}

/// The transport's program. A file `on-VERB-DEVICE` says what goes wrong: when (before, during, after), and how (die, hang, kill).
const PROGRAM: &str = r#"verb=$1; device=$2; shift 2
here=HERE
export FWGATE_SSH="$here/ssh"
echo "$verb $device" >> "$here/calls"
trouble() {
    [ -e "$here/on-$verb-$device" ] || return 0
    read -r when how < "$here/on-$verb-$device"
    [ "$when" = "$1" ] || return 0
    rm -f "$here/on-$verb-$device"
    case $how in
    die) echo "the line broke" >&2; exit 255 ;;
    kill) kill -9 "$(cat "$here/runner")" ;;
    go) while [ ! -e "$here/go" ]; do sleep 0.1; done ;;
    *) exit 1 ;;
    esac
}
own() {
    case $verb in
    read) "$here/fwgate-ssh" "$device" nft read "$1" ;;
    apply) "$here/fwgate-ssh" "$device" nft apply "$1" "$2" ;;
    confirm) "$here/fwgate-ssh" "$device" nft confirm ;;
    rollback) "$here/fwgate-ssh" "$device" nft rollback "$1" ;;
    identity) "$here/fwgate-ssh" "$device" identity ;;
    probe) ip netns exec "$(cat "$here/net-$device")c" timeout 1 bash -c 'exec 3<>/dev/tcp/192.0.2.1/443' 2>&1 | grep -q refused ;;
    esac
}
trouble before
if [ -e "$here/on-$verb-$device" ]; then
    read -r when how < "$here/on-$verb-$device"
    # The line breaks while the device is at work, and the device goes on.
    if [ "$when" = during ]; then
        rm -f "$here/on-$verb-$device"
        cp -r "${2:-${1:-/dev/null}}" "$here/copy-$device" 2> /dev/null
        first=${1:-}
        [ $# -lt 2 ] || { setsid sh -c 'sleep 0.3; exec "$0" "$@"' "$here/fwgate-ssh" "$device" nft "$verb" "$first" "$here/copy-$device" > /dev/null 2>&1 & }
        [ $# -ne 1 ] || { setsid sh -c 'sleep 0.3; exec "$0" "$@"' "$here/fwgate-ssh" "$device" nft "$verb" "$here/copy-$device" > /dev/null 2>&1 & }
        echo "the line broke" >&2
        exit 255
    fi
fi
own "$@" || exit $?
trouble after
exit 0
"#;

/// In the place of ssh: options up to `--`, the host, the program, its words.
const SSH: &str = r#"#!/bin/sh
here=HERE
while [ "$1" != -- ]; do shift; done
shift
host=$1
shift 2
[ ! -e "$here/cut-$host" ] || { echo "no route to host" >&2; exit 255; }
FWGATE_STATE="$here/state-$host" FWGATE_ETC="$here/etc-$host" exec ip netns exec "$(cat "$here/net-$host")" "$here/fwgate-device" "$@"
"#;

/// What every device runs first, and what the change gives it.
pub struct Rules {
    /// Files by name: what is there, and what comes.
    pub files: Vec<(&'static str, String, String)>,
    /// What the change declares beside the opened port.
    pub declares: &'static str,
    /// Makes a device run the baseline.
    pub load: fn(&Net),
}

impl Rules {
    /// One file of nft.
    pub fn nft() -> Rules {
        Rules {
            files: vec![("rules.nft", BASELINE.to_owned(), proposal())],
            declares: "",
            load: |net| net.load(BASELINE),
        }
    }
}

/// A gate and its devices.
pub struct World {
    pub stage: Stage,
    pub nets: Vec<(String, Net)>,
    rules: Rules,
    folder: tempfile::TempDir,
}

impl World {
    /// So many devices, `edge1` and on; `push` is the text under `[push]`. `None` where no namespace can be made.
    pub fn new(count: usize, push: &str) -> Option<World> {
        World::with_transport(count, push, |here| transport(&here.join("program")))
    }

    /// The same with a transport of one's own, told where everything lies.
    pub fn with_transport(count: usize, push: &str, transport: impl Fn(&Path) -> String) -> Option<World> {
        World::with_rules(count, push, Rules::nft(), transport)
    }

    /// The same with other rules.
    pub fn with_rules(count: usize, push: &str, rules: Rules, transport: impl Fn(&Path) -> String) -> Option<World> {
        if !crate::nets::can() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().canonicalize().unwrap();
        let nets: Vec<(String, Net)> = (1..=count).map(|at| (format!("edge{at}"), Net::new())).collect();
        for (device, net) in &nets {
            std::fs::write(here.join(format!("net-{device}")), &net.name).unwrap();
            std::fs::create_dir(here.join(format!("etc-{device}"))).unwrap();
            std::fs::write(here.join(format!("etc-{device}")).join("identity"), format!("{device}\n")).unwrap();
            (rules.load)(net);
        }
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/transports");
        for name in ["fwgate-ssh", "fwgate-device"] {
            std::fs::copy(shipped.join(name), here.join(name)).unwrap();
        }
        write_program(&here.join("ssh"), &SSH.replace("HERE", here.to_str().unwrap()));
        write_program(&here.join("program"), &PROGRAM.replace("HERE", here.to_str().unwrap()));
        let of_device = |device: &String| -> Vec<(String, String)> {
            let path = |name: &str| format!("devices/{device}/{name}");
            rules.files.iter().map(|(name, baseline, _)| (path(name), baseline.clone())).collect()
        };
        let files: Vec<(String, String)> = nets.iter().flat_map(|(device, _)| of_device(device)).collect();
        let mut files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
        // The file that a stage starts with is none of these devices', unless it is.
        if !files.iter().any(|(path, _)| *path == crate::stage::EDGE) {
            files.push((crate::stage::EDGE, ""));
        }
        let policy = |policy: &mut PolicyText| {
            policy.rest = format!("{REST}{}\n[push]\nlease = \"{LEASE}s\"\n{push}\n", transport(&here));
        };
        let stage = Stage::of(policy, &files);
        Some(World { stage, nets, rules, folder })
    }

    /// The change on every device, with everything that a permit needs, and the permit.
    pub fn permitted(&self) -> &World {
        self.permitted_after(|_| {})
    }

    /// The same with something in between.
    pub fn permitted_after(&self, happens: impl FnOnce(&World)) -> &World {
        let head = self.propose();
        let facts = self.stage.announced_at(CHANGE, &head);
        self.stage.approved_by(&APPROVERS, &facts);
        happens(self);
        self.stage.settle();
        self.stage.permit().granted();
        self
    }

    fn propose(&self) -> String {
        let of_device = |(device, _): &(String, Net)| -> Vec<(String, &str)> {
            let path = |name: &str| format!("devices/{device}/{name}");
            self.rules.files.iter().map(|(name, _, proposal)| (path(name), proposal.as_str())).collect()
        };
        let owned: Vec<(String, &str)> = self.nets.iter().flat_map(of_device).collect();
        let mut files: Vec<(&str, &str)> = owned.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        let file = format!(
            "id = \"{CHANGE}\"\ntitle = \"Open the portal\"\nclass = \"normal\"\nreason = \"launch\"\ndevices = [\"edge*\"]\n\n[[intent]]\n\
             effect = \"opened\"\nfrom = [\"any\"]\nto = [\"any\"]\nservice = [\"tcp/443\"]\nhook = \"input\"\n{}",
            self.rules.declares
        );
        files.push(("changes/CHG-1.toml", &file));
        self.stage.scene.commit_on(crate::stage::WORK, "alice", &files)
    }

    pub fn here(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    /// Something goes wrong once: `("apply", "edge2", "after", "die")`.
    pub fn trouble(&self, verb: &str, device: &str, when: &str, how: &str) {
        std::fs::write(self.here().join(format!("on-{verb}-{device}")), format!("{when} {how}\n")).unwrap();
    }

    /// No line leads to the device any more, or one does again.
    pub fn cut(&self, device: &str, is_cut: bool) {
        let path = self.here().join(format!("cut-{device}"));
        if is_cut { std::fs::write(path, "").unwrap() } else { std::fs::remove_file(path).unwrap() }
    }

    pub fn net(&self, device: &str) -> &Net {
        &self.nets.iter().find(|(name, _)| name == device).unwrap().1
    }

    /// Every call of a transport: `apply edge1`.
    pub fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.here().join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn permit(&self) -> PathBuf {
        self.stage.scene.path().join(format!("{CHANGE}.permit"))
    }

    fn key(&self, name: &str) -> String {
        self.stage.scene.key(name).path.to_str().unwrap().to_owned()
    }

    /// A command in a clone of this name.
    pub fn command(&self, controller: &str, arguments: &[&str]) -> Command {
        let path = match controller {
            "one" => self.stage.clone_path(),
            _ => {
                let path = self.stage.scene.path().join(controller);
                if path.exists() { path } else { self.stage.scene.clone_as(controller).path }
            }
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_fwgate"));
        command
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("HOME", self.stage.scene.path().join("home"));
        command.current_dir(path).args(arguments).arg("--root").arg(self.stage.root());
        command
    }

    /// Runs fwgate.
    pub fn fwgate(&self, arguments: &[&str]) -> Answer {
        Answer::of(self.command("one", arguments).output().unwrap())
    }

    /// The push of the permitted change, begun.
    pub fn begin(&self, controller: &str) -> Child {
        self.begin_with(controller, &[])
    }

    /// The words of the push.
    pub fn push_words(&self) -> Vec<String> {
        let permit = self.permit().to_str().unwrap().to_owned();
        let (ledger, receiver) = (self.key("ledger"), self.key("receiver"));
        let words = [
            "push",
            CHANGE,
            "--holder",
            "runner",
            "--permit",
            &permit,
            "--key-ledger",
            &ledger,
            "--key-production",
            &receiver,
        ];
        words.map(str::to_owned).to_vec()
    }

    /// The same with variables.
    pub fn begin_with(&self, controller: &str, variables: &[(&str, &str)]) -> Child {
        let words = self.push_words();
        let mut command = self.command(controller, &words.iter().map(String::as_str).collect::<Vec<_>>());
        command.envs(variables.iter().copied());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::fs::write(self.here().join("runner"), child.id().to_string()).unwrap();
        child
    }

    /// The push to its end.
    pub fn push(&self) -> Answer {
        Answer::of(self.begin("one").wait_with_output().unwrap())
    }

    /// The words that take every device back to the baseline, by alice, who operates.
    pub fn rollback_words(&self) -> Vec<String> {
        let (alice, ledger, receiver) = (self.key("alice"), self.key("ledger"), self.key("receiver"));
        let keys = ["--key", &alice, "--key-ledger", &ledger, "--key-production", &receiver];
        [&["push", CHANGE, "--rollback"][..], &keys].concat().into_iter().map(str::to_owned).collect()
    }

    /// Takes them back.
    pub fn roll_back(&self) -> Answer {
        let words = self.rollback_words();
        self.fwgate(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Until every timer of a device has run out.
    pub fn timers_run_out(&self) {
        std::thread::sleep(Duration::from_secs(TIMER + 2));
    }

    /// Until the lease of a run that died is over.
    pub fn lease_runs_out(&self) {
        std::thread::sleep(Duration::from_secs(LEASE + 1));
    }

    /// Waits until a transport was called like that.
    pub fn until_called(&self, call: &str) {
        let begun = Instant::now();
        while !self.calls().iter().any(|c| c == call) {
            assert!(begun.elapsed() < Duration::from_secs(120), "{call} never came: {:?}", self.calls());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What a device runs, by its packets and its rules: the baseline or the proposal, and nothing else.
    #[track_caller]
    pub fn runs(&self, device: &str) -> &'static str {
        let net = self.net(device);
        let (ruleset, answers) = (net.ruleset(), [22, 443, 80].map(|port| net.answers(port)));
        match answers {
            [true, false, false] if ruleset == BASELINE => "baseline",
            [true, true, false] if ruleset == proposal() => "proposal",
            _ => panic!("{device} runs neither: {answers:?}\n{ruleset}"),
        }
    }

    /// The same of all devices, in order.
    #[track_caller]
    pub fn all_run(&self) -> Vec<&'static str> {
        self.nets.iter().map(|(device, _)| self.runs(device)).collect()
    }

    /// A record of a person, now.
    pub fn say(&self, who: &str, record: &Record) {
        self.stage.scene.wait(now() - self.stage.scene.now());
        self.stage.say(who, CHANGE, record);
    }
}

pub fn write_program(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    assert!(Command::new("chmod").arg("755").arg(path).status().unwrap().success());
}

fn transport(program: &Path) -> String {
    let call = |verb: &str, more: &str| format!("[\"sh\", {program:?}, \"{verb}\", \"{{device}}\"{more}]");
    format!(
        "\n[[transport]]\nid = \"nft\"\ndevices = [\"edge*\"]\nread = {}\napply = {}\nconfirm = {}\nprobe = {}\nrollback = {}\n\
         identity = {}\nconfirm_timer = \"{TIMER}s\"\ntimeout = \"90s\"\n",
        call("read", ", \"{nonce}\""),
        call("apply", ", \"{timer}\", \"{folder}\""),
        call("confirm", ""),
        call("probe", ""),
        call("rollback", ", \"{folder}\""),
        call("identity", ""),
    )
}

/// What a command answered.
#[derive(Debug)]
pub struct Answer {
    pub exit: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Answer {
    pub fn of(Output { status, stdout, stderr }: Output) -> Answer {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Answer { exit: status.code(), out: text(stdout), err: text(stderr) }
    }

    /// It ended like that, and says all of this on standard output.
    #[track_caller]
    pub fn says(&self, exit: i32, texts: &[&str]) -> &Answer {
        for text in texts {
            assert!(self.out.contains(text), "no `{text}`: {self}");
        }
        assert_eq!(self.exit, Some(exit), "{self}");
        self
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {:?}\n{}\n{}", self.exit, self.out, self.err)
    }
}
