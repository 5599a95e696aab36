//! The action, the workflows of the example repositories and our own: parsed, held against the rules that make them safe,
//! and the steps of the shell run against the built binary on a scratch repository.

use super::beginning::git;
use super::scene::Scene;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn yaml(path: &str) -> Value {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

pub const EXAMPLE: &str = "examples/firewall-repo/.github/workflows/";

/// Every workflow: those of the example, and our own.
fn workflows() -> Vec<(String, Value)> {
    let mut out = Vec::new();
    for folder in [EXAMPLE, ".github/workflows/"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = format!("{folder}{}", entry.unwrap().file_name().to_str().unwrap());
            out.push((path.clone(), yaml(&path)));
        }
    }
    assert!(out.len() >= 6, "workflows were found: {}", out.len());
    out
}

fn jobs(workflow: &Value) -> impl Iterator<Item = (&String, &Value)> {
    workflow["jobs"].as_object().unwrap().iter()
}

pub fn steps(job: &Value) -> impl Iterator<Item = &Value> {
    job["steps"].as_array().unwrap().iter()
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[test]
fn every_action_is_pinned_by_the_hash_of_a_commit() {
    let mut all: Vec<(String, Value)> = workflows();
    all.push(("action.yml".to_owned(), serde_json::json!({ "jobs": { "it": yaml("action.yml")["runs"] } })));
    for (path, workflow) in all {
        for step in jobs(&workflow).flat_map(|(_, job)| steps(job)) {
            let uses = text(&step["uses"]);
            let pinned =
                uses.split_once('@').is_some_and(|(_, at)| at.len() == 40 && at.bytes().all(|b| b.is_ascii_hexdigit()));
            assert!(uses.is_empty() || pinned, "{path}: `{uses}` can be moved to something else");
        }
    }
}

#[test]
fn every_job_has_the_least_rights_and_no_step_is_written_by_a_stranger() {
    for (path, workflow) in workflows() {
        assert!(workflow["permissions"].is_object(), "{path} leaves the rights of its jobs to the settings");
        let on = workflow["on"].to_string();
        assert!(!on.contains("pull_request_target") && !on.contains("workflow_run"), "{path}: {on}");
        let rights = workflow["permissions"].as_object().unwrap();
        assert!(rights.is_empty() || rights.len() == 1 && rights["contents"] == "read", "{path}: {rights:?}");
        for (name, job) in jobs(&workflow) {
            for step in steps(job) {
                let run = text(&step["run"]);
                assert!(
                    !run.contains("${{"),
                    "{path} {name}: an expression inside of `run` can be more than a word: {run}"
                );
            }
        }
    }
}

#[test]
fn no_secret_is_where_a_change_is() {
    for (path, workflow) in workflows().into_iter().filter(|(path, _)| path.starts_with(EXAMPLE)) {
        let is_proposal = workflow["on"].get("pull_request").is_some();
        for (name, job) in jobs(&workflow) {
            let has_secret = job.to_string().contains("secrets.");
            let environment = text(&job["environment"]);
            assert!(
                !(is_proposal && (has_secret || !environment.is_empty())),
                "{path} {name}: a secret beside a change"
            );
            assert!(
                !has_secret || !environment.is_empty(),
                "{path} {name}: a secret outside of a protected environment"
            );
            assert!(!job.to_string().contains("actions/checkout"), "{path} {name}: something is checked out");
        }
    }
    let deploy = yaml(&format!("{EXAMPLE}deploy.yml"));
    assert_eq!(deploy["jobs"]["push"]["environment"], "production");
    assert_eq!(deploy["jobs"]["push"]["needs"], "ask", "the secrets come after the question");
    assert!(deploy["jobs"]["ask"].to_string().contains("fwgate permit"));
    let state = yaml(&format!("{EXAMPLE}state.yml"));
    assert!(
        state["on"].get("schedule").is_some() && state["on"].as_object().unwrap().contains_key("workflow_dispatch")
    );
}

#[test]
fn the_template_for_gitlab_keeps_keys_from_merge_requests() {
    let template = yaml("examples/gitlab/fwgate.gitlab-ci.yml");
    let check = &template["fwgate check"];
    assert_eq!(template[".fwgate"]["variables"]["GIT_STRATEGY"], "none", "nothing is checked out");
    assert!(check.get("environment").is_none() && check.to_string().contains("--merged"));
    assert_eq!(template["fwgate push"]["environment"], "production");
    for name in ["fwgate check", "fwgate push"] {
        assert_eq!(template[name]["extends"], ".fwgate");
    }
}

/// The commands that templates name are commands, with the options that they have.
#[test]
fn templates_name_options_that_exist() {
    let scene = Scene::new();
    let help = |command: &str| String::from_utf8(scene.run(&[command, "--help"]).stdout).unwrap();
    for option in ["--merged", "--policy-ref", "--devices", "--fail-on", "--report", "--format", "--change"] {
        assert!(help("check").contains(option), "check has no {option}");
    }
    for format in ["github", "markdown", "sarif", "junit", "html"] {
        assert!(help("check").contains(format), "check writes no {format}");
    }
    let hooks = yaml(".pre-commit-hooks.yaml");
    assert_eq!(hooks[0]["entry"], "fwgate hook pre-commit");
    assert!(help("hook").contains("pre-commit") && hooks[0]["pass_filenames"] == false);
}

#[test]
fn rulesets_of_the_example_are_four_and_active() {
    let folder = root().join("examples/firewall-repo/.github/rulesets");
    let all: Vec<Value> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| serde_json::from_slice(&fs::read(entry.unwrap().path()).unwrap()).unwrap())
        .collect();
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|r| r["enforcement"] == "active" && r["target"] == "branch"));
    // The check that is required is the one that the workflow makes.
    let required = all.iter().find(|r| r.to_string().contains("required_status_checks")).unwrap().to_string();
    let name = yaml(&format!("{EXAMPLE}check.yml"))["jobs"]["check"]["name"].as_str().unwrap().to_owned();
    assert!(required.contains(&format!("\"context\":\"{name}\"")), "{required}");
}

const EDGE: &str = include_str!("../../examples/firewall-repo/devices/edge1/rules.v4");
const SETS: &str = include_str!("../../examples/firewall-repo/devices/edge1/ipset");

/// A remote repository with a guarded device, and a runner with files, a fake `gh` and a fake `cargo`.
pub struct Runner {
    /// The repository, whose working tree stands on `main`.
    pub remote: Scene,
    home: tempfile::TempDir,
    outputs: BTreeMap<String, String>,
}

impl Runner {
    fn new() -> Runner {
        Runner::of(Scene::new().file("devices/edge1/rules.v4", EDGE).file("devices/edge1/ipset", SETS))
    }

    /// A runner beside a repository that begins with these devices.
    pub fn of(remote: Scene) -> Runner {
        git(&remote, &["init", "-q", "-b", "main"]);
        git(&remote, &["config", "uploadpack.allowAnySHA1InWant", "true"]);
        assert_eq!(remote.run(&["init"]).status.code(), Some(0));
        git(&remote, &["add", "--all"]);
        git(&remote, &["commit", "-q", "-m", "beginning"]);
        let home = tempfile::tempdir().unwrap();
        for folder in ["bin", "temp", "home"] {
            fs::create_dir(home.path().join(folder)).unwrap();
        }
        let runner = Runner { remote, home, outputs: BTreeMap::new() };
        let fwgate = env!("CARGO_BIN_EXE_fwgate");
        // `cargo install --root FOLDER` puts the binary of this test there.
        runner.program(
            "cargo",
            &format!("while [ \"$1\" != --root ]; do shift; done\nmkdir -p \"$2/bin\"\ncp {fwgate} \"$2/bin/\"\n"),
        );
        runner.program("gh", "printf '%s\\n' \"$*\" >>\"$GH_LOG\"\ncase \"$*\" in *--jq*) printf '%s' \"$GH_SAYS\" ;; esac\nexit \"${GH_CODE:-0}\"\n");
        runner
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn program(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A branch of the remote with these files, and the commit at its head; the remote stays on `main`.
    fn branch(&self, files: &[(&str, &str)]) -> String {
        git(&self.remote, &["checkout", "-q", "-b", "change"]);
        for (name, text) in files {
            fs::create_dir_all(self.remote.path().join(name).parent().unwrap()).unwrap();
            fs::write(self.remote.path().join(name), text).unwrap();
        }
        git(&self.remote, &["add", "--all"]);
        git(&self.remote, &["commit", "-q", "--allow-empty", "-m", "change"]);
        let head = git(&self.remote, &["rev-parse", "HEAD"]);
        git(&self.remote, &["checkout", "-q", "main"]);
        head
    }

    /// Runs a script as a runner would: the shell of GitHub, its files and variables, and `env` on top.
    pub fn run(&self, script: &str, env: &[(String, String)]) -> Output {
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .current_dir(self.home.path())
            .env_clear();
        let added = fs::read_to_string(self.path("GITHUB_PATH")).unwrap_or_default();
        let added: Vec<&str> = added.lines().collect();
        let system = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{}:{system}", added.join(":"), self.path("bin").display()));
        command.env("HOME", self.path("home")).env("RUNNER_TEMP", self.path("temp")).env("CI", "true");
        command
            .env("GITHUB_ACTION_PATH", root())
            .env("GITHUB_REPOSITORY", "example/firewalls")
            .env("GITHUB_REF", "refs/pull/7/merge");
        command.env("GITHUB_SERVER_URL", "https://github.com").env("GH_LOG", self.path("gh.log"));
        command.env("FWGATE_REMOTE", format!("file://{}", self.remote.path().display()));
        for name in ["GITHUB_PATH", "GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
            command.env(name, self.path(name));
        }
        for line in self.read("GITHUB_ENV").lines().filter_map(|l| l.split_once('=')) {
            command.env(line.0, line.1);
        }
        command.envs(env.iter().map(|(k, v)| (k, v))).output().unwrap()
    }

    /// Forgets what an earlier job left: the next one runs on a runner of its own.
    #[cfg(target_os = "linux")]
    pub fn forget(&self) {
        for name in ["GITHUB_PATH", "GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
            let _ = fs::remove_file(self.path(name));
        }
        let _ = fs::remove_dir_all(self.path("temp"));
        fs::create_dir(self.path("temp")).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Runs the steps of the action one after the other, as the inputs and the event say. Returns the code of the last one
    /// that ran, and everything that was printed.
    fn action(&mut self, head: &str, more: &[(&str, &str)]) -> (i32, String) {
        let action = yaml("action.yml");
        let (mut code, mut printed) = (0, String::new());
        for step in steps(&action["runs"]) {
            if !self.wants(text(&step["if"])) {
                continue;
            }
            let none = serde_json::Map::new();
            let given = step["env"].as_object().unwrap_or(&none).iter();
            let mut env: Vec<(String, String)> = given.map(|(k, v)| (k.clone(), self.value(text(v), head))).collect();
            env.extend(more.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
            let output = self.run(text(&step["run"]), &env);
            code = output.status.code().unwrap();
            printed += &String::from_utf8_lossy(&output.stdout);
            printed += &String::from_utf8_lossy(&output.stderr);
            for line in self.read("GITHUB_OUTPUT").lines().filter_map(|l| l.split_once('=')) {
                self.outputs.insert(line.0.to_owned(), line.1.to_owned());
            }
            if code != 0 {
                break;
            }
        }
        (code, printed)
    }

    /// Conditions as they stand in the action. One that is not known here is a change that this test has to learn.
    fn wants(&self, condition: &str) -> bool {
        match condition {
            "" | "inputs.run == 'check'" | "inputs.run == 'check' && inputs.sarif == 'true'" => true,
            "inputs.run == 'check' && inputs.comment == 'true' && github.event.pull_request.number" => true,
            other => panic!("the condition `{other}` is not known"),
        }
    }

    fn value(&self, expression: &str, head: &str) -> String {
        let code = self.outputs.get("code").map_or("2", String::as_str);
        match expression {
            "${{ inputs.archive }}" | "${{ inputs.sha256 }}" | "${{ inputs.token }}" => String::new(),
            "${{ inputs.base }}" => "main".to_owned(),
            "${{ inputs.head }}" => head.to_owned(),
            "${{ inputs.devices }}" => "devices".to_owned(),
            "${{ inputs.fail-on }}" => "error".to_owned(),
            "${{ github.event.pull_request.number }}" => "7".to_owned(),
            "${{ steps.check.outputs.code || '2' }}" => code.to_owned(),
            other => panic!("the expression `{other}` is not known"),
        }
    }
}

const LOST: &str = "-A FORWARD -m set --match-set offices src -d 10.30.0.53/32 -p udp -m udp --dport 53 -j ACCEPT\n";

#[test]
fn a_pull_request_that_breaks_a_requirement_is_refused_and_told() {
    let mut runner = Runner::new();
    // It also weakens the policy, and brings a program that would run if anything of it were checked out or run.
    let head = runner.branch(&[
        ("devices/edge1/rules.v4", &EDGE.replace(LOST, "")),
        ("fwgate.toml", "version = 1\n"),
        (".github/workflows/evil.yml", "on: push\n"),
    ]);
    let (code, printed) = runner.action(&head, &[]);
    assert_eq!(code, 1, "{printed}");
    assert!(printed.contains("::error"), "annotations: {printed}");
    let summary = runner.read("GITHUB_STEP_SUMMARY");
    assert!(summary.contains("FW101") && summary.contains("refused"), "{summary}");
    assert_eq!(runner.outputs["verdict"], "refused");
    let calls = runner.read("gh.log");
    assert!(calls.contains("--method POST repos/example/firewalls/issues/7/comments --field body=@"), "{calls}");
    assert!(
        calls.contains("repos/example/firewalls/code-scanning/sarifs") && calls.contains(&format!("commit_sha={head}"))
    );
    let evidence: Vec<_> =
        fs::read_dir(runner.path("temp/fwgate/evidence")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(evidence, [".git"], "nothing is checked out");
    let body = runner.read("temp/fwgate/body.md");
    assert!(body.starts_with("<!-- fwgate:") && body.len() < 65_536, "{body}");
    let sarif: Value = serde_json::from_str(&runner.read("temp/fwgate/findings.sarif")).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
}

#[test]
fn a_pull_request_that_breaks_nothing_passes_and_its_comment_is_written_again() {
    let mut runner = Runner::new();
    let more = "-A FORWARD -s 10.90.0.0/24 -d 10.30.0.0/16 -p tcp -m tcp --dport 443 -j ACCEPT\nCOMMIT\n";
    let head = runner.branch(&[("devices/edge1/rules.v4", &EDGE.replace("COMMIT\n", more))]);
    let (code, printed) = runner.action(&head, &[("GH_SAYS", "4711\n")]);
    assert_eq!(code, 0, "{printed}");
    let calls = runner.read("gh.log");
    assert!(calls.contains("--method PATCH repos/example/firewalls/issues/comments/4711"), "{calls}");
    // A fork's token may only read: that is no reason to fail.
    let (code, printed) = runner.action(&head, &[("GH_CODE", "1")]);
    assert!(code == 0 && printed.contains("::notice::"), "{printed}");
}

#[test]
fn a_declared_effect_is_held_against_the_change() {
    let mut runner = Runner::new();
    let more = "-A FORWARD -s 10.90.0.0/24 -d 10.30.0.0/16 -p tcp -m tcp --dport 443 -j ACCEPT\nCOMMIT\n";
    let request = "id = \"CHG-1\"\ntitle = \"Nothing much\"\nclass = \"normal\"\nreason = \"a test\"\ndevices = [\"edge1\"]\n\n\
                   [[intent]]\neffect = \"opened\"\nfrom = [\"10.90.0.0/24\"]\nto = [\"10.30.0.1\"]\nservice = [\"tcp/443\"]\nhook = \"forward\"\n";
    let head =
        runner.branch(&[("devices/edge1/rules.v4", &EDGE.replace("COMMIT\n", more)), ("changes/CHG-1.toml", request)]);
    let (code, printed) = runner.action(&head, &[]);
    assert!(code == 1 && runner.read("GITHUB_STEP_SUMMARY").contains("FW201"), "{printed}");
}

#[test]
fn what_is_not_understood_is_no_verdict() {
    let mut runner = Runner::new();
    let head = runner.branch(&[("devices/edge1/rules.v4", &EDGE.replace("--dport 22", "--dprt 22"))]);
    let (code, printed) = runner.action(&head, &[]);
    assert_eq!((code, runner.outputs["verdict"].as_str()), (2, "none"), "{printed}");
    assert!(runner.read("GITHUB_STEP_SUMMARY").contains("no verdict"));
    let (code, printed) = Runner::new().action("main", &[]);
    assert!(code == 2 && printed.contains("40 digits"), "a name that can be moved is refused: {printed}");
}

#[test]
fn an_archive_without_its_hash_is_refused() {
    let runner = Runner::new();
    let env = |sha: &str| {
        [("FWGATE_ARCHIVE", "https://example.net/fwgate.tar.gz"), ("FWGATE_SHA256", sha)]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
    };
    let install = format!("bash {}/contrib/github/install.sh", root().display());
    for sha in ["", "abc", &"A".repeat(64)] {
        let output = runner.run(&install, &env(sha));
        assert_eq!(output.status.code(), Some(2), "`{sha}`");
    }
    runner.program("curl", "while [ \"$1\" != --output ]; do shift; done\nprintf wrong >\"$2\"\n");
    assert_ne!(runner.run(&install, &env(&"0".repeat(64))).status.code(), Some(0), "another archive is refused");
}

/// The steps of the workflow that sets statuses again, with `fwgate/**` moved in between.
#[test]
fn statuses_are_set_again() {
    let runner = Runner::new();
    let head = runner.branch(&[("devices/edge1/rules.v4", &EDGE.replace(LOST, ""))]);
    let tree = git(&runner.remote, &["hash-object", "-t", "tree", "-w", "/dev/null"]);
    let evidence = git(&runner.remote, &["commit-tree", "-m", "evidence", &tree]);
    git(&runner.remote, &["update-ref", "refs/heads/fwgate/changes/CHG-1", &evidence]);
    assert_eq!(runner.run(&format!("bash {}/contrib/github/install.sh", root().display()), &[]).status.code(), Some(0));
    let workflow = yaml(&format!("{EXAMPLE}state.yml"));
    let step = steps(&workflow["jobs"]["state"]).find(|s| s["run"].is_string()).unwrap();
    let env = [("FWGATE_BASE", "main"), ("FWGATE_DEVICES", "devices"), ("GH_SAYS", &format!("7 {head}\n"))];
    let env = env.map(|(k, v)| (k.to_owned(), v.to_owned()));
    let output = runner.run(text(&step["run"]), &env);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let calls = runner.read("gh.log");
    assert!(
        calls.contains(&format!("--method POST repos/example/firewalls/statuses/{head} --raw-field state=failure")),
        "{calls}"
    );
    assert!(calls.contains("description=refused:"), "{calls}");
    let folder = runner.path("temp/fwgate/evidence");
    let known = Command::new("git")
        .args(["rev-parse", "refs/remotes/origin/fwgate/changes/CHG-1"])
        .current_dir(folder)
        .output();
    assert_eq!(
        String::from_utf8(known.unwrap().stdout).unwrap().trim(),
        evidence,
        "branches of evidence are fetched in full"
    );
}

#[test]
fn keys_of_a_job_are_files_that_only_it_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let runner = Runner::new();
    let script = format!("bash {}/contrib/github/root.sh", root().display());
    let env = [
        ("ROOT", "repository = \"example/firewalls\""),
        ("LEDGER", "a key\r\nof two lines\r\n\n"),
        ("READER", "token"),
    ];
    let env = env.map(|(k, v)| (k.to_owned(), v.to_owned()));
    let output = runner.run(&script, &env);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let key = runner.path("temp/fwgate/keys/LEDGER");
    assert_eq!(fs::read_to_string(&key).unwrap(), "a key\nof two lines\n");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let named = runner.read("GITHUB_ENV");
    assert!(
        named.contains(&format!("FWGATE_KEY_LEDGER={}", key.display())) && named.contains("FWGATE_ROOT="),
        "{named}"
    );
    assert!(!named.contains("FWGATE_KEY_PERMIT"), "only what was given: {named}");
    assert_eq!(runner.run(&script, &[]).status.code(), Some(2), "without a root the job ends");
}
