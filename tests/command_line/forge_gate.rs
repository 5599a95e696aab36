//! The workflows of the example repository that guard: the ledger's and the one that deploys, step by step, as far as that goes without
//! the forge. Two persons and their machines have keys, and the device is a folder that writes down what is done to it.

use super::beginning::git;
use super::forge::{EXAMPLE, Runner, root, steps, text, yaml};
use super::scene::Scene;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

const WEB: &str = include_str!("../../examples/firewall-repo/devices/web1/ruleset.nft");
const MACHINES: [(&str, &str); 4] =
    [("permit", "deployer"), ("ledger", "ledger"), ("receipt-staging", "stager"), ("receipt-production", "receiver")];

const DEVICE: &str = r##"#!/bin/sh
set -eu
cd "$(dirname "$0")"
echo "$1" >>log
case $1 in
identity) echo web1 ;;
read) echo "# $2"; cat running ;;
apply) cp running before; cp "$2" running ;;
confirm | probe) ;;
rollback) cp "$2" running ;;
esac
"##;

const CHANGE: &str = r#"id = "CHG-1"
title = "The second port of the portal"
class = "normal"
reason = "launch"
devices = ["web1"]

[[intent]]
effect = "opened"
from = ["10.20.0.0/15"]
to = ["0.0.0.0/0"]
service = ["tcp/8443"]
hook = "input"
"#;

/// A guarded repository, a runner of its forge, and the folder of everybody's keys.
struct Guarded {
    runner: Runner,
    here: tempfile::TempDir,
}

impl Guarded {
    /// From the rulesets to the ledger, as the guide says. `None` where the machine has no ssh-keygen.
    fn new() -> Option<Guarded> {
        if Command::new("ssh-keygen").arg("-?").output().is_err() {
            assert!(std::env::var("FWGATE_REQUIRE_KERNEL").as_deref() != Ok("1"), "there is no ssh-keygen");
            eprintln!("SKIPPED: there is no ssh-keygen");
            return None;
        }
        let here = tempfile::tempdir().unwrap();
        for name in ["alice", "bob"].into_iter().chain(MACHINES.map(|(_, name)| name)) {
            let mut command = Command::new("ssh-keygen");
            command.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(here.path().join(name));
            assert!(command.status().unwrap().success());
        }
        let guarded = Guarded { runner: Runner::of(Scene::new().file("devices/web1/ruleset.nft", WEB)), here };
        guarded.device();
        guarded.policy();
        Some(guarded)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.here.path().join(name)
    }

    fn named(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn device(&self) {
        use std::os::unix::fs::PermissionsExt;
        fs::create_dir(self.path("device")).unwrap();
        fs::write(self.path("device/running"), WEB).unwrap();
        fs::write(self.path("device/web1"), DEVICE).unwrap();
        fs::set_permissions(self.path("device/web1"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What was done to the device.
    fn log(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path("device/log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// fwgate in the repository, by a person; it has to work.
    fn fwgate(&self, arguments: &[&str]) {
        let output = self.runner.remote.run_with(arguments, "", |command| {
            command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.here.path());
        });
        assert!(output.status.success(), "{arguments:?}: {}", told(&output));
    }

    /// The policy of two persons whose windows are always open, its root, and the ledger.
    fn policy(&self) {
        let (remote, root) = (format!("file://{}", self.runner.remote.path().display()), self.named("root.toml"));
        let person = |name: &str| format!("{name}={}", self.named(&format!("{name}.pub")));
        let machine = |(purpose, name): (&str, &str)| format!("{purpose}={}", self.named(&format!("{name}.pub")));
        let (alice, bob, machines) = (person("alice"), person("bob"), MACHINES.map(machine));
        let mut arguments = vec!["init", "--two", "--repository", "example/firewalls", "--remote", &remote];
        arguments.extend([
            "--root",
            &root,
            "--person",
            &alice,
            "--person",
            &bob,
            "--email",
            "alice=somebody@example.net",
        ]);
        machines.iter().for_each(|m| arguments.extend(["--machine", m]));
        self.fwgate(&arguments);
        let path = self.runner.remote.path().join("policies/gate.toml");
        let text = fs::read_to_string(&path).unwrap().replace("lead_time = \"4h\"", "lead_time = \"0m\"");
        let text = text.replace(
            "days = [\"tue\", \"thu\"]",
            "days = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"]",
        );
        let text = text.replace("from = \"22:00\"\nto = \"02:00\"", "from = \"00:00\"\nto = \"00:00\"");
        let device = self.named("device/web1");
        let call = |verb: &str, more: &str| format!("{verb} = [\"{device}\", \"{verb}\"{more}]\n");
        let calls =
            [("identity", ""), ("read", ", \"{nonce}\""), ("apply", ", \"{file}\""), ("confirm", ""), ("probe", "")];
        let calls: String = calls.map(|(verb, more)| call(verb, more)).concat() + &call("rollback", ", \"{file}\"");
        let transport =
            format!("\n[[transport]]\nid = \"folder\"\ndevices = [\"web1\"]\n{calls}confirm_timer = \"2m\"\n");
        fs::write(&path, text + &transport).unwrap();
        self.fwgate(&["init", "--root", &root]);
        git(&self.runner.remote, &["add", "--all"]);
        git(&self.runner.remote, &["commit", "-q", "-m", "the first policy"]);
        self.fwgate(&["ledger", "init", "--root", &root, "--key-ledger", &self.named("ledger")]);
    }

    /// A change on a branch, announced by Alice, vetted by the stager; and merged.
    fn propose(&self) {
        let (remote, root) = (&self.runner.remote, self.named("root.toml"));
        git(remote, &["checkout", "-q", "-b", "portal"]);
        let write = |name: &str, text: &str| {
            fs::create_dir_all(remote.path().join(name).parent().unwrap()).unwrap();
            fs::write(remote.path().join(name), text).unwrap();
        };
        write("devices/web1/ruleset.nft", &proposed());
        write("changes/CHG-1.toml", CHANGE);
        git(remote, &["add", "--all"]);
        git(remote, &["commit", "-q", "-m", "the second port"]);
        self.fwgate(&["change", "new", "CHG-1", "--root", &root, "--key", &self.named("alice")]);
        self.fwgate(&["vet", "CHG-1", "--root", &root, "--key-staging", &self.named("stager")]);
        git(remote, &["checkout", "-q", "main"]);
        git(remote, &["merge", "-q", "--no-ff", "-m", "merge", "portal"]);
    }

    /// Runs a job as the forge would: a runner of its own, and every step up to the first that fails. The code of the last one, and what all
    /// of them printed.
    fn job(&self, file: &str, job: &str) -> (i32, String) {
        self.runner.forget();
        let workflow = yaml(&format!("{EXAMPLE}{file}"));
        let mut printed = String::new();
        for step in steps(&workflow["jobs"][job]) {
            let script = match text(&step["uses"]) {
                "" => text(&step["run"]).to_owned(),
                // The action with `run: install`.
                _ => {
                    assert_eq!(step["with"]["run"], "install");
                    format!("bash {}/contrib/github/install.sh", root().display())
                }
            };
            let none = serde_json::Map::new();
            let given = step["env"].as_object().unwrap_or(&none).iter();
            let env: Vec<(String, String)> = given.map(|(k, v)| (k.clone(), self.value(text(v)))).collect();
            let output = self.runner.run(&script, &env);
            printed += &told(&output);
            if !output.status.success() {
                return (output.status.code().unwrap(), printed);
            }
        }
        (0, printed)
    }

    /// What stands behind an expression. One that is not known here is a change that this test has to learn.
    fn value(&self, expression: &str) -> String {
        let read = |name: &str| fs::read_to_string(self.path(name)).unwrap();
        match expression {
            "${{ github.ref_name }}" => "main".to_owned(),
            "${{ github.sha }}" => git(&self.runner.remote, &["rev-parse", "main"]),
            "${{ github.token }}" => String::new(),
            "${{ inputs.change }}" => "CHG-1".to_owned(),
            "run-${{ github.run_id }}" => "run-7".to_owned(),
            "${{ vars.FWGATE_ROOT }}" => read("root.toml"),
            "${{ secrets.FWGATE_KEY_LEDGER }}" => read("ledger"),
            "${{ secrets.FWGATE_KEY_PERMIT }}" => read("deployer"),
            "${{ secrets.FWGATE_KEY_STAGING }}" => read("stager"),
            "${{ secrets.FWGATE_KEY_PRODUCTION }}" => read("receiver"),
            // The remote is a folder here, so that nobody logs in.
            "${{ secrets.FWGATE_DEPLOY_KEY }}" => String::new(),
            other => panic!("the expression `{other}` is not known"),
        }
    }
}

fn proposed() -> String {
    WEB.replace("tcp dport { 80, 443 }", "tcp dport { 80, 443, 8443 }")
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_workflows_witness_ask_and_push_and_nothing_goes_before_it_may() {
    if !is_vetting_possible() {
        return;
    }
    let Some(guarded) = Guarded::new() else { return };
    guarded.propose();
    let ledger = || git(&guarded.runner.remote, &["rev-parse", "refs/heads/fwgate/ledger"]);
    let before = ledger();
    let (code, printed) = guarded.job("ledger.yml", "witness");
    assert!(code == 0 && printed.contains("witnessed 1 branch"), "{printed}");
    assert_ne!(ledger(), before, "the ledger of the remote grew");
    // Nobody has approved: the first job ends, so that the second, which has the secrets, never begins. And where it did:
    let (code, printed) = guarded.job("deploy.yml", "ask");
    assert!(code == 1 && printed.contains("APPROVAL_MISSING"), "{printed}");
    let (code, printed) = guarded.job("deploy.yml", "push");
    assert!(code == 1 && printed.contains("nothing was pushed"), "{printed}");
    assert_eq!(guarded.log(), Vec::<String>::new(), "the device was not even asked");
    let root = guarded.named("root.toml");
    guarded.fwgate(&["change", "approve", "CHG-1", "--root", &root, "--key", &guarded.named("bob"), "--yes"]);
    let (code, printed) = guarded.job("deploy.yml", "ask");
    assert!(code == 0 && printed.contains("permit for CHG-1: granted"), "{printed}");
    let (code, printed) = guarded.job("deploy.yml", "push");
    assert!(code == 0 && printed.contains("CHG-1: APPLIED"), "{printed}");
    assert_eq!(fs::read_to_string(guarded.path("device/running")).unwrap(), proposed());
    assert!(guarded.log().iter().any(|l| l == "confirm"), "{:?}", guarded.log());
    // The permit is spent.
    let (code, printed) = guarded.job("deploy.yml", "push");
    assert!(code == 1 && !printed.contains("APPLIED\n"), "{printed}");
}

/// Vetting needs a namespace of the kernel and nft.
fn is_vetting_possible() -> bool {
    let is_possible = Command::new("unshare").args(["--user", "--net", "true"]).status().is_ok_and(|s| s.success())
        && Command::new("nft").arg("--version").output().is_ok();
    if !is_possible {
        assert!(std::env::var("FWGATE_REQUIRE_KERNEL").as_deref() != Ok("1"), "no namespace, or no nft");
        eprintln!("SKIPPED: changes cannot be vetted here");
    }
    is_possible
}
