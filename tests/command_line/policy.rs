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
    let names = ["alice", "bob", "carol", "dave", "erin", "deployer", "ledger", "stager", "receiver"];
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
        // What a run that died had written is taken up again; another policy is not written over this one.
        let again = init(&scene, form, "../root.toml", persons, &MACHINES);
        assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stderr));
        let others: Vec<&str> = persons.iter().rev().copied().collect();
        let other = init(&scene, form, "../other.toml", &others, &MACHINES);
        assert_eq!(other.status.code(), Some(2));
        assert!(!scene.path().join("other.toml").exists());
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

/// Runs `fwgate init` with these arguments in the repository; the exit code and both streams.
fn init_again(scene: &Scene, arguments: &[&str]) -> (Option<i32>, String) {
    let output = scene.run_with(&[&["init", "--root"][..], arguments].concat(), "", |c| {
        c.current_dir(scene.path().join("repo"));
    });
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

/// Everything of the starter that is commented out, written in.
fn uncommented(text: &str) -> String {
    let mut is_inside = false;
    let line = |line: &str| {
        is_inside = line.starts_with("# [") || line.starts_with("# emails") || (is_inside && line.starts_with("# "));
        let line = line.replace("\"...\"", "\"alice@example.net\"").replace("ssh-ed25519 ...", key("erin").trim());
        if is_inside { format!("{}\n", &line[2..]) } else { format!("{line}\n") }
    };
    text.lines().map(line).collect()
}

/// The purposes of a first policy are those that a push needs; who keeps spares gives one more, and is told of it where not.
#[test]
fn a_machine_for_bundles_is_offered() {
    let scene = scene();
    let machines: Vec<&str> = MACHINES.into_iter().chain(["bundel=../erin.pub"]).collect();
    let refused = init(&scene, "--two", "../root.toml", &["alice", "bob"], &machines);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(2) && told.contains("did you mean `bundle`?"), "{told}");
    let machines: Vec<&str> = MACHINES.into_iter().chain(["bundle=../erin.pub"]).collect();
    let output = init(&scene, "--two", "../root.toml", &["alice", "bob"], &machines);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(scene.path().join("repo/fwgate.toml")).unwrap();
    let written = format!("[[machine]]\nid = \"bundler\"\npurpose = \"bundle\"\nkey = \"{}\"\n", key("erin").trim());
    assert!(text.contains(&written) && text.matches("bundler").count() == 1, "{text}");
    assert_eq!(verify(&scene, &["."]).0, Some(0));
}

#[test]
fn every_commented_part_of_a_starter_is_valid_as_well() {
    for (form, persons) in [("--two", &["alice", "bob"][..]), ("--four", &["alice", "bob", "carol", "dave"])] {
        let scene = scene();
        init(&scene, form, "../root.toml", persons, &MACHINES);
        let path = scene.path().join("repo/fwgate.toml");
        let whole = uncommented(&std::fs::read_to_string(&path).unwrap());
        for part in ["\npurpose = \"bundle\"", "\n[[transport]]", "\n[[freeze]]", "\n[lab]", "\nemails = "] {
            assert!(whole.contains(part), "no {part} in\n{whole}");
        }
        std::fs::write(&path, &whole).unwrap();
        let (code, text) = verify(&scene, &["."]);
        assert!(code == Some(0) && !text.contains("missing"), "{text}");
        // It says the same as the shipped transport, but for the devices and the probe.
        let shipped = include_str!("../../contrib/transports/ssh-nft.toml");
        let line = |text: &str, key: &str| {
            let found = text.lines().find(|l| l.starts_with(&format!("{key} = [\"/usr/local/bin/fwgate-ssh\"")));
            found.unwrap_or_else(|| panic!("no `{key}` in\n{text}")).to_owned()
        };
        for key in ["identity", "read", "apply", "confirm", "rollback"] {
            assert_eq!(line(&whole, key), line(shipped, key));
        }
    }
}

#[test]
fn the_root_is_written_again_for_a_policy_that_was_finished() {
    let scene = scene();
    init(&scene, "--two", "../root.toml", &["alice", "bob"], &MACHINES);
    let (root, policy) = (scene.path().join("root.toml"), scene.path().join("repo/fwgate.toml"));
    let first = std::fs::read_to_string(&root).unwrap();
    assert_eq!(init_again(&scene, &["../root.toml"]).0, Some(0));
    assert_eq!(std::fs::read_to_string(&root).unwrap(), first, "nothing was edited");
    let finished = std::fs::read_to_string(&policy).unwrap().replace("22:00", "21:00");
    std::fs::write(&policy, finished).unwrap();
    git(&scene, "repo", &["add", "fwgate.toml"]);
    git(&scene, "repo", &["commit", "-q", "-m", "the first policy"]);
    let (code, text) = verify(&scene, &["--root", "../root.toml"]);
    assert_eq!(code, Some(1), "{text}");
    let (code, text) = init_again(&scene, &["../root.toml"]);
    assert!(
        code == Some(0) && text.starts_with("wrote ../root.toml again: version 1 of the policy is sha256:"),
        "{text}"
    );
    let (code, text) = verify(&scene, &["--root", "../root.toml"]);
    assert!(code == Some(0) && text.contains("named by the root, in force"), "{text}");
    // Everything but the digest is as it was.
    let without_digest =
        |text: &str| text.lines().filter(|l| !l.starts_with("policy")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(without_digest(&std::fs::read_to_string(&root).unwrap()), without_digest(&first));
    // Without a root that was there, the remote must be named.
    std::fs::remove_file(&root).unwrap();
    let (code, text) = init_again(&scene, &["../root.toml"]);
    assert!(code == Some(2) && text.contains("--remote URL"), "{text}");
    let (code, text) = init_again(&scene, &["../root.toml", "--remote", "ssh://git@example.net/firewalls"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(without_digest(&std::fs::read_to_string(&root).unwrap()), without_digest(&first));
}

#[test]
fn a_policy_that_is_in_use_gets_no_other_root() {
    let scene = scene();
    let root = scene.path().join("root.toml");
    let (code, text) = init_again(&scene, &["../root.toml", "--remote", "ssh://git@example.net/firewalls"]);
    assert!(code == Some(2) && text.contains("fwgate init --two"), "{text}");
    init(&scene, "--two", "../root.toml", &["alice", "bob"], &MACHINES);
    let first = std::fs::read_to_string(&root).unwrap();
    git(&scene, "repo", &["add", "fwgate.toml"]);
    git(&scene, "repo", &["commit", "-q", "-m", "the first policy"]);
    let policy = scene.path().join("repo/fwgate.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    // A file that is no root, and the root of another repository, stay as they are.
    let (code, said) = init_again(&scene, &["../alice.pub", "--remote", "ssh://git@example.net/firewalls"]);
    assert!(code == Some(2) && said.contains("no root file"), "{said}");
    std::fs::write(&policy, text.replace("example/firewalls", "example/others")).unwrap();
    let (code, said) = init_again(&scene, &["../root.toml"]);
    assert!(code == Some(2) && said.contains("is the root of `example/firewalls`"), "{said}");
    // A later version is no first one, unless a quorum was lost.
    std::fs::write(&policy, text.replace("version = 1", "version = 2")).unwrap();
    let (code, said) = init_again(&scene, &["../root.toml"]);
    assert!(code == Some(2) && said.contains("at version 2"), "{said}");
    let (code, said) = init_again(&scene, &["../root.toml", "--lost-quorum"]);
    assert!(code == Some(2) && said.contains("keep the old one"), "{said}");
    let remote = "ssh://git@example.net/firewalls";
    let (code, said) = init_again(&scene, &["../second.toml", "--lost-quorum", "--remote", remote]);
    assert_eq!(code, Some(0), "{said}");
    git(&scene, "repo", &["commit", "-q", "-a", "-m", "after the loss"]);
    let (code, said) = verify(&scene, &["--root", "../second.toml"]);
    assert!(code == Some(0) && said.contains("version 2"), "{said}");
    // A ledger that has begun.
    std::fs::write(&policy, text.replace("22:00", "21:00")).unwrap();
    git(&scene, "repo", &["branch", "fwgate/ledger"]);
    let (code, said) = init_again(&scene, &["../root.toml"]);
    assert!(code == Some(2) && said.contains("has begun"), "{said}");
    assert_eq!(std::fs::read_to_string(&root).unwrap(), first);
}

#[test]
fn addresses_of_commits_belong_to_persons_that_were_named() {
    let scene = scene();
    let run = |email: &str| {
        let machines = MACHINES.iter().flat_map(|m| ["--machine", m]);
        let words =
            ["init", "--two", "--repository", "a/b", "--remote", "ssh://git@example.net/f", "--root", "../r.toml"];
        let persons = ["--person", "alice=../alice.pub", "--person", "bob=../bob.pub", "--email", email];
        let all: Vec<&str> = words.into_iter().chain(persons).chain(machines).collect();
        scene.run_with(&all, "", |c| {
            c.current_dir(scene.path().join("repo"));
        })
    };
    assert_eq!(run("carol=carol@example.net").status.code(), Some(2));
    let output = run("bob=bob@example.net");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(scene.path().join("repo/fwgate.toml")).unwrap();
    assert!(text.contains("emails = [\"bob@example.net\"]\n"), "{text}");
    assert_eq!(verify(&scene, &["."]).0, Some(0));
}

/// Whoever began without persons gets the gate's part beside what is there.
#[test]
fn a_gate_is_put_beside_a_policy_that_names_nobody() {
    let scene = scene();
    let first = "version = 1\n[[forbid]]\nid = \"no-telnet\"\nreason = \"clear text\"\nfrom = [\"any\"]\nto = [\"any\"]\nservice = [\"tcp/23\"]\n\
                 hook = \"forward\"\n";
    let path = scene.path().join("repo/fwgate.toml");
    std::fs::write(&path, first).unwrap();
    let output = init(&scene, "--two", "../root.toml", &["alice", "bob"], &MACHINES);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.starts_with("wrote policies/gate.toml"), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), first);
    git(&scene, "repo", &["add", "."]);
    git(&scene, "repo", &["commit", "-q", "-m", "the first policy"]);
    let (code, text) = verify(&scene, &["--root", "../root.toml"]);
    assert!(code == Some(0) && text.contains("named by the root, in force") && text.contains("alice"), "{text}");
    assert_eq!(init(&scene, "--two", "../other.toml", &["alice", "bob"], &MACHINES).status.code(), Some(2));
}
