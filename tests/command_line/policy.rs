//! `fwgate policy verify` and `fwgate init`: the first day of a repository.

use super::scene::Scene;
use std::process::{Command, Output};

const GATE: &str = include_str!("../../fixtures/policy/fwgate.toml");

/// Public keys of the example, which nobody has to have the private halves of.
fn key(name: &str) -> String {
    let line = GATE.lines().find(|l| l.contains(&format!(" {name}\"")) && l.contains("ssh-ed25519")).unwrap();
    line.split('"').nth(1).unwrap().to_owned() + "\n"
}

fn git(scene: &Scene, folder: &str, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(scene.path().join(folder)).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap()).env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", scene.path());
    for name in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{name}_NAME"), "t").env(format!("GIT_{name}_EMAIL"), "t@example.net");
    }
    assert!(command.output().unwrap().status.success(), "git {arguments:?}");
}

/// A repository with key files beside it.
fn scene() -> Scene {
    let names = ["alice", "bob", "carol", "dave", "deployer", "ledger", "stager", "receiver"];
    let scene = names.iter().fold(Scene::new(), |s, name| s.file(&format!("{name}.pub"), &key(name)));
    let scene = scene.file("repo/README.md", "firewalls\n");
    git(&scene, "repo", &["init", "-q", "-b", "main"]);
    scene
}

fn init(scene: &Scene, form: &str, root: &str, persons: &[&str], machines: &[&str]) -> Output {
    let mut arguments: Vec<String> = [
        "init",
        form,
        "--repository",
        "example/firewalls",
        "--remote",
        "ssh://git@example.net/firewalls",
        "--root",
        root,
    ]
    .map(str::to_owned)
    .to_vec();
    for person in persons {
        arguments.extend(["--person".to_owned(), format!("{person}=../{person}.pub")]);
    }
    for machine in machines {
        arguments.extend(["--machine".to_owned(), (*machine).to_owned()]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    scene.run_with(&arguments, "", |c| {
        c.current_dir(scene.path().join("repo"));
    })
}

const MACHINES: [&str; 4] = [
    "permit=../deployer.pub",
    "ledger=../ledger.pub",
    "receipt-staging=../stager.pub",
    "receipt-production=../receiver.pub",
];

fn verify(scene: &Scene, arguments: &[&str]) -> (Option<i32>, String) {
    let all = [&["policy", "verify"], arguments].concat();
    let output = scene.run_with(&all, "", |c| {
        c.current_dir(scene.path().join("repo"));
    });
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_started_repository_is_valid_and_in_force_by_its_root() {
    for (form, persons) in [("--two", &["alice", "bob"][..]), ("--four", &["alice", "bob", "carol", "dave"])] {
        let scene = scene();
        let output = init(&scene, form, "../root.toml", persons, &MACHINES);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (code, text) = verify(&scene, &["."]);
        assert_eq!(code, Some(0), "{text}");
        git(&scene, "repo", &["add", "fwgate.toml"]);
        git(&scene, "repo", &["commit", "-q", "-m", "the first policy"]);
        let (code, text) = verify(&scene, &["--root", "../root.toml"]);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("named by the root, in force"), "{text}");
        let again = init(&scene, form, "../other.toml", persons, &MACHINES);
        assert_eq!(again.status.code(), Some(2));
    }
}

#[test]
fn the_words_of_the_example() {
    let scene = Scene::new().file("fwgate.toml", GATE);
    insta::assert_snapshot!(scene.shown(&["policy", "verify", "fwgate.toml"]));
}

#[test]
fn an_edit_of_the_branch_by_nobody_is_refused_with_its_code() {
    let scene = scene();
    init(&scene, "--two", "../root.toml", &["alice", "bob"], &MACHINES);
    git(&scene, "repo", &["add", "fwgate.toml"]);
    git(&scene, "repo", &["commit", "-q", "-m", "the first policy"]);
    let path = scene.path().join("repo/fwgate.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("version = 1", "version = 2").replace("22:00", "08:00")).unwrap();
    git(&scene, "repo", &["commit", "-q", "-a", "-m", "nobody signed this"]);
    let (code, text) = verify(&scene, &["--root", "../root.toml", "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &answer["valid"], &answer["in_force"]), (Some(1), &false.into(), &1.into()));
    assert_eq!(answer["reasons"][0]["code"], "POLICY_UNAUTHORISED");
    let schema: serde_json::Value = serde_json::from_slice(&scene.run(&["schema", "policy-verdict"]).stdout).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&answer), "{text}");
}

#[test]
fn one_person_a_root_inside_and_missing_machines_are_refused() {
    let scene = scene();
    let refused = |output: Output| {
        assert_eq!(output.status.code(), Some(2));
        assert!(!scene.path().join("repo/fwgate.toml").exists());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(init(&scene, "--two", "../root.toml", &["alice"], &MACHINES)).contains("one person alone"));
    assert!(
        refused(init(&scene, "--two", "root.toml", &["alice", "bob"], &MACHINES)).contains("inside of the repository")
    );
    let lacks = refused(init(&scene, "--two", "../root.toml", &["alice", "bob"], &MACHINES[..2]));
    assert!(lacks.contains("`receipt-staging`") && lacks.contains("`receipt-production`"), "{lacks}");
    let twice = ["permit=../alice.pub", MACHINES[1], MACHINES[2], MACHINES[3]];
    assert!(refused(init(&scene, "--two", "../root.toml", &["alice", "bob"], &twice)).contains("POLICY_INVALID"));
    std::fs::write(scene.path().join("alice.pub"), "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n").unwrap();
    assert!(refused(init(&scene, "--two", "../root.toml", &["alice", "bob"], &MACHINES)).contains("is a private key"));
}
