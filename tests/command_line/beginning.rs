//! `fwgate init` in a repository of dumps: what it finds, what it writes, and that what it wrote guards.

use super::scene::Scene;
use insta::assert_snapshot;
use std::process::Command;

const EDGE: &str = include_str!("../../examples/firewall-repo/devices/edge1/rules.v4");
const SETS: &str = include_str!("../../examples/firewall-repo/devices/edge1/ipset");
const WEB: &str = include_str!("../../examples/firewall-repo/devices/web1/ruleset.nft");

/// Runs git in a scene, with nobody's configuration.
pub fn git(scene: &Scene, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(scene.path());
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "somebody").env(format!("GIT_{role}_EMAIL"), "somebody@example.net");
        command.env(format!("GIT_{role}_DATE"), "2026-01-05T12:00:00Z");
    }
    let output = command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with these files, committed to `main`.
fn repository(files: &[(&str, &str)]) -> Scene {
    let scene = files.iter().fold(Scene::new(), |scene, (name, text)| scene.file(name, text));
    git(&scene, &["init", "-q", "-b", "main"]);
    commit(&scene);
    scene
}

fn commit(scene: &Scene) {
    git(scene, &["add", "--all"]);
    git(scene, &["commit", "-q", "--allow-empty", "-m", "rulesets"]);
}

fn written(scene: &Scene, name: &str) -> String {
    std::fs::read_to_string(scene.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn example() -> Scene {
    repository(&[("devices/edge1/rules.v4", EDGE), ("devices/edge1/ipset", SETS), ("devices/web1/ruleset.nft", WEB)])
}

#[test]
fn it_finds_devices_and_proposes_what_they_allow() {
    let scene = example();
    assert_snapshot!("found", scene.shown(&["init"]));
    assert_snapshot!("proposed", written(&scene, "fwgate.toml"));
}

/// The example repository is what `fwgate init` makes of its devices.
#[test]
fn the_example_repository_is_a_beginning() {
    let scene = example();
    scene.run(&["init"]);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/firewall-repo/");
    for (own, example) in
        [("fwgate.toml", "fwgate.toml"), (".github/workflows/fwgate.yml", ".github/workflows/check.yml")]
    {
        if std::env::var_os("FWGATE_BLESS").is_some() {
            std::fs::write(format!("{folder}{example}"), written(&scene, own)).unwrap();
        }
        assert_eq!(written(&scene, own), std::fs::read_to_string(format!("{folder}{example}")).unwrap(), "{own}");
    }
}

/// Nothing changed: passed. One line less: refused, by a requirement that nobody had to write.
#[test]
fn what_was_proposed_holds_and_guards() {
    let scene = example();
    assert_eq!(scene.run(&["init"]).status.code(), Some(0));
    commit(&scene);
    let passed = scene.run(&["check"]);
    assert_eq!(passed.status.code(), Some(0), "{}", String::from_utf8_lossy(&passed.stderr));
    let less = EDGE
        .replace("-A FORWARD -m set --match-set offices src -d 10.30.0.53/32 -p udp -m udp --dport 53 -j ACCEPT\n", "");
    assert_ne!(less, EDGE);
    std::fs::write(scene.path().join("devices/edge1/rules.v4"), less).unwrap();
    let refused = scene.run(&["check"]);
    let said = String::from_utf8(refused.stdout).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("FW101") && said.contains("udp/53"), "{said}");
}

#[test]
fn a_second_beginning_writes_over_nothing() {
    let scene = example();
    scene.run(&["init"]);
    assert_snapshot!(scene.shown(&["init"]));
}

#[test]
fn any_layout_with_a_folder_a_device_is_taken() {
    for (folder, shown) in [("backup/dumps", "backup/dumps"), ("firewalls", "firewalls")] {
        let (rules, sets) = (format!("{folder}/edge1/rules.v4"), format!("{folder}/edge1/ipset"));
        let scene = repository(&[(&rules, EDGE), (&sets, SETS), ("README.md", "# ours\n")]);
        let told = scene.shown(&["init"]);
        assert!(told.contains(&format!("found 1 device in {shown}/\n  edge1  iptables, IPv4, 10 rules")), "{told}");
        assert!(told.contains(&format!("fwgate check --devices {shown}")), "{told}");
        let workflow = written(&scene, ".github/workflows/fwgate.yml");
        assert!(workflow.contains(&format!("          devices: {shown}\n")), "{workflow}");
    }
}

#[test]
fn files_side_by_side_are_devices_by_their_stem() {
    let scene = repository(&[("fw/edge1.v4", EDGE), ("fw/edge1.ipset", SETS), ("fw/web1.nft", WEB)]);
    let told = scene.shown(&["init"]);
    assert!(told.contains("found 2 devices in fw/"), "{told}");
}

#[test]
fn rulesets_that_lie_anywhere_are_told_where_to_go() {
    let scene = repository(&[("rules.v4", EDGE), ("ipset", SETS), ("web/nginx1/ruleset.nft", WEB)]);
    assert_snapshot!(scene.shown(&["init"]));
    assert!(!scene.path().join("fwgate.toml").exists());
}

#[test]
fn without_rulesets_or_a_repository_nothing_is_written() {
    assert_snapshot!("no rulesets", repository(&[("README.md", "# empty\n")]).shown(&["init"]));
    assert_snapshot!("no repository", Scene::new().shown(&["init"]));
}

#[test]
fn the_action_is_named_by_a_whole_hash() {
    let action = format!("example/fwgate@{}", "0123456789".repeat(4));
    let scene = example();
    assert_eq!(scene.run(&["init", "--action", &action]).status.code(), Some(0));
    assert!(written(&scene, ".github/workflows/fwgate.yml").contains(&format!("uses: {action} #")));
    for movable in ["example/fwgate@v1", "example/fwgate", "fwgate@0123456789012345678901234567890123456789"] {
        assert_eq!(example().run(&["init", "--action", movable]).status.code(), Some(2), "{movable}");
    }
}

#[test]
fn other_forges_have_their_own_file_or_none() {
    let scene = example();
    scene.run(&["init", "--forge", "gitlab"]);
    assert!(written(&scene, ".gitlab/fwgate.yml").contains("    DEVICES: devices\n"));
    let scene = example();
    scene.run(&["init", "--forge", "none"]);
    assert!(!scene.path().join(".github").exists() && !scene.path().join(".gitlab").exists());
}

/// A ruleset that is not understood is told with its place, and nothing is written.
#[test]
fn what_is_not_understood_is_no_beginning() {
    let scene = repository(&[("devices/edge1/rules.v4", &EDGE.replace("--dport 22", "--dprt 22"))]);
    let output = scene.run(&["init"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("rules.v4:7"), "{said}");
    assert!(!scene.path().join("fwgate.toml").exists());
}

/// What goes wrong on the first day is said once, with the command that goes on.
#[test]
fn the_first_wrong_turns_are_told_with_the_way_on() {
    let said = |scene: &Scene, arguments: &[&str]| {
        let output = scene.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let scene = Scene::new().file("fw/edge1/rules.v4", EDGE).file("fw/edge1/ipset", SETS);
    git(&scene, &["init", "-q", "-b", "main"]);
    let uncommitted = said(&scene, &["check"]);
    assert!(uncommitted.contains("nothing is committed here yet: commit the rulesets"), "{uncommitted}");
    commit(&scene);
    let elsewhere = said(&scene, &["check"]);
    assert!(elsewhere.contains("`--devices PATH` names the folder of the devices"), "{elsewhere}");
    assert_eq!(scene.run(&["check", "--devices", "fw"]).status.code(), Some(0));
    for command in [&["fleet", "status"][..], &["drift"]] {
        let rootless = said(&scene, command);
        assert!(rootless.contains("- ROOT_MISSING") && rootless.matches("\n- ").count() == 1, "{rootless}");
        // A program waits for a document, and gets nothing else.
        let output = scene.run(&[command, &["--format", "json"]].concat());
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{command:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("ROOT_MISSING"), "{command:?}");
    }
}
