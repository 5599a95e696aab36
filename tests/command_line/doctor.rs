//! `fwgate doctor`: what it says of a machine, a repository and an export of a forge.

use super::beginning::git;
use super::scene::Scene;
use insta::assert_snapshot;
use serde_json::{Value, json};

const RULESETS: [&str; 4] = [
    include_str!("../../examples/firewall-repo/.github/rulesets/protected-branch.json"),
    include_str!("../../examples/firewall-repo/.github/rulesets/evidence.json"),
    include_str!("../../examples/firewall-repo/.github/rulesets/ledger.json"),
    include_str!("../../examples/firewall-repo/.github/rulesets/names.json"),
];

fn export(change: impl Fn(&mut Vec<Value>)) -> String {
    let mut all: Vec<Value> = RULESETS.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    change(&mut all);
    Value::Array(all).to_string()
}

/// What the doctor says about `id`: state and sentence.
fn about(document: &Value, id: &str) -> Option<(String, String)> {
    let check = document["checks"].as_array().unwrap().iter().find(|c| c["id"] == id)?;
    Some((check["state"].as_str().unwrap().to_owned(), check["says"].as_str().unwrap().to_owned()))
}

fn state(document: &Value, id: &str) -> String {
    about(document, id).unwrap_or_else(|| panic!("nothing about {id}: {document}")).0
}

#[test]
fn a_machine_without_programs_is_told_what_to_install() {
    let scene = Scene::new();
    let empty = |arguments: &[&str]| {
        scene.run_with(arguments, "", |command| {
            command.env("PATH", scene.path());
        })
    };
    let document: Value = serde_json::from_slice(&empty(&["doctor", "--format", "json"]).stdout).unwrap();
    assert_eq!(empty(&["doctor"]).status.code(), Some(1));
    assert_eq!(state(&document, "git"), "lacks");
    assert_eq!(state(&document, "ssh-keygen"), "note");
    assert_eq!(state(&document, "repository"), "note");
    let mends = document["checks"].as_array().unwrap().iter().filter(|c| c["state"] != "well");
    assert!(mends.clone().count() > 2 && mends.into_iter().all(|c| c["mend"].is_string()), "{document}");
}

#[test]
fn a_repository_that_only_begins_lacks_a_policy() {
    let scene = Scene::new().file("devices/edge1/rules.v4", "*filter\n:INPUT DROP\nCOMMIT\n");
    git(&scene, &["init", "-q", "-b", "main"]);
    git(&scene, &["add", "--all"]);
    git(&scene, &["commit", "-q", "-m", "rulesets"]);
    let document = scene.json(&["doctor", "--format", "json"]);
    assert_eq!(state(&document, "protected-branch"), "well");
    assert_eq!(state(&document, "policy"), "lacks");
    assert_eq!(state(&document, "root"), "note");
    assert_eq!(state(&document, "clock"), "well");
    assert_eq!(about(&document, "workflow"), None);
    assert_eq!(scene.run(&["init"]).status.code(), Some(0));
    git(&scene, &["add", "--all"]);
    git(&scene, &["commit", "-q", "-m", "policy"]);
    let document = scene.json(&["doctor", "--format", "json"]);
    assert_eq!(state(&document, "policy"), "well");
    assert_eq!(state(&document, "workflow"), "lacks", "the workflow names no action that exists");
}

#[test]
fn a_shallow_clone_and_a_root_inside_are_seen() {
    let origin = Scene::new().file("a", "1");
    git(&origin, &["init", "-q", "-b", "main"]);
    for text in ["1", "2"] {
        std::fs::write(origin.path().join("a"), text).unwrap();
        git(&origin, &["add", "--all"]);
        git(&origin, &["commit", "-q", "--allow-empty", "-m", text]);
    }
    let scene = Scene::new();
    let url = format!("file://{}", origin.path().display());
    git(&scene, &["clone", "-q", "--depth", "1", &url, "."]);
    std::fs::write(scene.path().join("root.toml"), "").unwrap();
    let document = scene.json(&["doctor", "--root", "root.toml", "--format", "json"]);
    assert_eq!(state(&document, "history"), "lacks");
    assert_eq!(state(&document, "root"), "lacks");
    assert_eq!(state(&document, "evidence"), "lacks");
}

#[test]
fn a_clock_behind_the_last_commit_is_seen() {
    let scene = Scene::new().file("a", "1");
    git(&scene, &["init", "-q", "-b", "main"]);
    git(&scene, &["add", "--all"]);
    let tree = git(&scene, &["write-tree"]);
    let text = format!(
        "tree {tree}\nauthor a <a@example.net> 4102444800 +0000\ncommitter a <a@example.net> 4102444800 +0000\n\nlate\n"
    );
    std::fs::write(scene.path().join("commit"), text).unwrap();
    let commit = git(&scene, &["hash-object", "-t", "commit", "-w", "commit"]);
    git(&scene, &["update-ref", "refs/heads/main", &commit]);
    assert_eq!(state(&scene.json(&["doctor", "--format", "json"]), "clock"), "lacks");
}

#[test]
fn a_key_in_the_job_of_a_pull_request_is_seen() {
    let look = |event: &str, key: &str| {
        let output = Scene::new().run_with(&["doctor", "--format", "json"], "", |command| {
            command.env("CI", "true").env("GITHUB_EVENT_NAME", event).env("FWGATE_KEY_LEDGER", key);
        });
        state(&serde_json::from_slice(&output.stdout).unwrap(), "ci-keys")
    };
    assert_eq!(look("pull_request", "ledger.key"), "lacks");
    assert_eq!(look("pull_request_target", "ledger.key"), "lacks");
    assert_eq!(look("pull_request", ""), "well");
    assert_eq!(look("schedule", "ledger.key"), "well");
}

#[test]
fn an_export_of_a_forge_is_judged() {
    let scene = Scene::new()
        .file("rulesets.json", &export(|_| {}))
        .file(
            "weak.json",
            &export(|all| {
                all[1]["conditions"]["ref_name"]["include"] = json!(["refs/heads/fwgate/*"]);
                all[2]["bypass_actors"] =
                    json!([{ "actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always" }]);
            }),
        )
        .file("repository.json", "{\"delete_branch_on_merge\":false}");
    assert_snapshot!("protected", scene.shown(&["doctor", "--github", "rulesets.json", "--github", "repository.json"]));
    assert_snapshot!("weak", scene.shown(&["doctor", "--github", "weak.json", "--github", "repository.json"]));
    let other = scene.run(&["doctor", "--github", "rulesets.json", "--branch", "trunk"]);
    assert_eq!(other.status.code(), Some(0), "the default branch is the protected one, whatever its name");
}

/// Who has the program and not its sources can still do what it advises.
#[test]
fn whatever_is_advised_can_be_done_with_the_program_alone() {
    let scene = Scene::new().file("none.json", "[]");
    let document = scene.json(&["doctor", "--github", "none.json", "--format", "json"]);
    let mends = document["checks"].as_array().unwrap().iter().filter_map(|c| c["mend"].as_str());
    let printed: Vec<&str> = mends.filter_map(|m| m.split_once("--print ")).map(|(_, rest)| rest).collect();
    assert!(printed.len() > 6, "{document}");
    assert!(!document.to_string().contains("examples/"), "{document}");
    for path in printed.iter().filter_map(|rest| rest.split(' ').next()) {
        let told = scene.run(&["doctor", "--print", path]);
        let ruleset: Value = serde_json::from_slice(&told.stdout).unwrap();
        assert_eq!(ruleset["enforcement"], "active", "{path}");
    }
    for name in ["check", "state", "ledger", "deploy"] {
        let path = format!(".github/workflows/{name}.yml");
        let told = scene.run(&["doctor", "--print", &path, "--quiet"]);
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/firewall-repo/");
        assert!(told.stdout == std::fs::read(format!("{here}{path}")).unwrap(), "{path}");
    }
}
