//! `fwgate check`.

use super::scene::{OLD, Scene, edited};
use insta::assert_snapshot;
use std::process::Command;

const POLICY: &str = r#"version = 1

[ranges]
toronto = ["10.20.0.0/16"]
dallas = ["10.30.0.0/16"]

[[require]]
id = "toronto-dallas"
reason = "client machines of the two sites talk to each other"
owner = "netops"
from = ["toronto"]
to = ["dallas"]
service = ["tcp/443"]
hook = "forward"

[[require]]
id = "names"
reason = "everybody resolves names"
owner = "netops"
from = ["toronto"]
to = ["dallas"]
service = ["udp/53"]
hook = "forward"

[[forbid]]
id = "no-telnet"
reason = "clear-text logins"
from = ["any"]
to = ["toronto", "dallas"]
service = ["tcp/23"]
hook = "forward"
"#;

fn scene() -> Scene {
    Scene::new()
        .file("old/edge1/rules.v4", OLD)
        .file("new/edge1/rules.v4", &edited())
        .file("same/edge1/rules.v4", OLD)
        .file("policy.toml", POLICY)
}

const REFUSED: [&str; 7] = ["check", "--baseline", "old", "--proposed", "new", "--policy", "policy.toml"];

#[test]
fn for_people() {
    assert_snapshot!(scene().shown(&REFUSED));
}

#[test]
fn for_machines() {
    assert_snapshot!(scene().shown(&[&REFUSED[..], &["--format", "json"]].concat()));
}

#[test]
fn no_firewall_change() {
    let arguments = ["check", "--baseline", "old", "--proposed", "same", "--policy", "policy.toml"];
    assert_snapshot!(scene().shown(&arguments));
}

#[test]
fn a_change_that_does_what_it_declares_passes() {
    let opened = OLD.replace(
        "-A FORWARD -p tcp --dport 25",
        "-A FORWARD -s 10.20.0.0/16 -d 10.1.0.0/24 -p tcp --dport 8443 -j ACCEPT\n-A FORWARD -p tcp --dport 25",
    );
    let change = r#"id = "CHG-2042"
title = "Open the portal to Toronto"
class = "normal"
reason = "launch"
devices = ["edge1"]

[[intent]]
effect = "opened"
from = ["toronto"]
to = ["10.1.0.0/24"]
service = ["tcp/8443"]
hook = "forward"
"#;
    let scene = scene().file("opened/edge1/rules.v4", &opened).file("changes/CHG-2042.toml", change);
    let run = |proposed: &str| {
        let change = "changes/CHG-2042.toml";
        scene.shown(&[
            "check",
            "--baseline",
            "old",
            "--proposed",
            proposed,
            "--policy",
            "policy.toml",
            "--change",
            change,
        ])
    };
    assert_snapshot!("declared and done", run("opened"));
    assert_snapshot!("declared and not done", run("same"));
}

#[test]
fn the_digest_follows_every_byte_that_is_judged_and_nothing_else() {
    let digest = |scene: &Scene| {
        let document = scene.json(&[&REFUSED[..], &["--format", "json"]].concat());
        document["digest"].as_str().unwrap().to_owned()
    };
    let one = digest(&scene());
    assert_eq!(one, digest(&scene().file("new/README.md", "ignored")));
    assert_ne!(one, digest(&scene().file("policy.toml", &format!("{POLICY}\n"))));
    assert_ne!(one, digest(&scene().file("new/edge1/rules.v4", &format!("{}# x\n", edited()))));
}

#[test]
fn outside_a_repository_nothing_is_guessed() {
    assert_snapshot!(scene().shown(&["check"]));
    assert_eq!(scene().run(&["check", "--baseline", "old"]).status.code(), Some(2));
}

#[test]
fn a_bound_is_no_verdict() {
    let output = scene().run(&[&REFUSED[..], &["--max-regions", "1", "--format", "json"]].concat());
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
}

/// Devices of equal files are judged once. What is said of each is what would be said of it alone, also where a rule quotes
/// the name of another one's file.
#[test]
fn devices_of_equal_files_are_told_by_their_own_names() {
    let quoting = |rules: &str| {
        let comment = "-m comment --comment \"edge1/rules.v4:3 <file 0 new0>\"";
        rules.replace("--dport 443 -j ACCEPT", &format!("--dport 443 {comment} -j ACCEPT"))
    };
    let of = |names: &[&str]| {
        names.iter().fold(Scene::new().file("policy.toml", POLICY), |scene, name| {
            let scene = scene.file(&format!("old/{name}/rules.v4"), &quoting(OLD));
            scene.file(&format!("new/{name}/rules.v4"), &quoting(&edited()))
        })
    };
    let arguments = [&REFUSED[..], &["--format", "json"]].concat();
    let about = |document: &serde_json::Value, name: &str| -> Vec<serde_json::Value> {
        let all = document["findings"].as_array().unwrap_or_else(|| panic!("{document}"));
        all.iter().filter(|item| item["device"] == name).cloned().collect()
    };
    let fleet = of(&["edge1", "edge2", "edge10"]);
    let (found, shown) = (fleet.json(&arguments), fleet.shown(&REFUSED));
    for name in ["edge1", "edge2", "edge10"] {
        let alone = of(&[name]);
        let own = about(&alone.json(&arguments), name);
        assert!(own.iter().any(|f| f["help"].as_str().is_some_and(|h| h.contains("<file 0 new0>"))), "{own:?}");
        assert_eq!(about(&found, name), own, "{name}");
        let times = |text: &str| text.matches(&format!(" {name}/rules.v4:")).count();
        assert_eq!(times(&shown), times(&alone.shown(&REFUSED)), "{name}\n{shown}");
    }
}

#[test]
fn a_policy_with_mistakes_is_quoted() {
    let bad = POLICY.replace("service = [\"udp/53\"]", "servcie = [\"udp/53\"]").replace("[\"dallas\"]", "[\"dalas\"]");
    assert_snapshot!(scene().file("policy.toml", &bad).shown(&REFUSED));
}

#[test]
fn in_a_repository_everything_has_a_default() {
    let scene = Scene::new().file("devices/edge1/rules.v4", OLD).file("policies/site.toml", POLICY);
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=a", "-c", "user.email=a@example.net", "-c", "commit.gpgsign=false"]);
        command.args(arguments).current_dir(scene.path()).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null").env("HOME", scene.path());
        command.env("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z").env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z");
        assert!(command.output().unwrap().status.success(), "git {arguments:?}");
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "baseline"]);
    assert_snapshot!("repository unchanged", scene.shown(&["check"]));
    git(&["checkout", "-q", "-b", "change"]);
    std::fs::write(scene.path().join("devices/edge1/rules.v4"), edited()).unwrap();
    std::fs::write(scene.path().join("policies/site.toml"), "version = 1\n").unwrap();
    let document = scene.json(&["check", "--format", "json"]);
    assert_eq!((&document["verdict"], &document["policy_source"]), (&"refused".into(), &"protected".into()));
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "change"]);
    let merged = scene.json(&["check", "--merged", "--format", "json"]);
    assert_eq!(merged["findings"], document["findings"], "the policy is that of the protected branch");
    assert!(merged["judged"]["proposed"].as_str().unwrap().contains("merged onto"), "{}", merged["judged"]);
}
