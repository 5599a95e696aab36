//! Commands that write files die at each of their places: the file is the old one or the new one, and never a part of one.

use crate::crashes::{answer, die, permitted, places};
use crate::scene::{has_program, run, stock_git};
use crate::two_fleet::Fleet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a folder holds, without what a process that died left beside its files.
fn whole_files(folder: &Path, names: &[&str]) -> Vec<Option<String>> {
    names.iter().map(|name| std::fs::read_to_string(folder.join(name)).ok()).collect()
}

/// For each place of a command in a fresh folder: it dies there, each of its files is what it was before or what it is in the end, and the
/// same command again makes all of them what they are in the end.
fn at_every_place(name: &str, names: &[&str], folder: impl Fn(&Path), command: impl Fn(&Path) -> Command) {
    let fresh = || {
        let dir = tempfile::tempdir().unwrap();
        folder(dir.path());
        dir
    };
    let dir = fresh();
    let before = whole_files(dir.path(), names);
    let places = places(name, &mut command(dir.path()));
    let after = whole_files(dir.path(), names);
    assert!(after.iter().all(Option::is_some) && before != after, "`{name}` wrote {after:?}");
    for place in places {
        let dir = fresh();
        die(&mut command(dir.path()), &place);
        let between = whole_files(dir.path(), names);
        for (at, text) in between.iter().enumerate() {
            assert!(*text == before[at] || *text == after[at], "{name}, {place}: {}: {text:?}", names[at]);
        }
        let again = answer(&mut command(dir.path()));
        // What is all there already need not be written again.
        assert!(again.exit == 0 || between == after, "{name}, {place}: {again}");
        assert_eq!(whole_files(dir.path(), names), after, "{name}, {place}: {again}");
    }
}

fn fwgate(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fwgate"));
    command.args(arguments).current_dir(folder);
    command
}

fn repository(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        crate::scene::write(&folder.join(path), text.as_bytes());
    }
    run(stock_git(folder).args(["init", "-q", "-b", "main"]));
    run(stock_git(folder).args(["add", "--all"]));
    run(stock_git(folder).args(["commit", "-q", "--allow-empty", "-m", "rulesets"]));
}

const EDGE: &str = include_str!("../../examples/firewall-repo/devices/edge1/rules.v4");
const SETS: &str = include_str!("../../examples/firewall-repo/devices/edge1/ipset");

#[test]
fn a_beginning_is_whole_or_repeated() {
    if !has_program("git") {
        return;
    }
    at_every_place(
        "init",
        &["fwgate.toml", ".github/workflows/fwgate.yml"],
        |folder| repository(folder, &[("devices/edge1/rules.v4", EDGE), ("devices/edge1/ipset", SETS)]),
        |folder| fwgate(folder, &["init"]),
    );
}

#[test]
fn a_gate_begins_whole_or_is_repeated() {
    if !has_program("git") {
        return;
    }
    let keys = Fleet::new();
    let public = |given: &str| {
        let (word, name) = given.split_once('=').unwrap_or((given, given));
        format!("{word}={}.pub", keys.key(name))
    };
    let (persons, machines) = (
        ["alice", "bob"].map(public),
        ["permit=deployer", "ledger=ledger", "receipt-staging=stager", "receipt-production=receiver"].map(public),
    );
    at_every_place(
        "init --two",
        &["repository/fwgate.toml", "root.toml"],
        |folder| {
            std::fs::create_dir(folder.join("repository")).unwrap();
            run(stock_git(&folder.join("repository")).args(["init", "-q", "-b", "main"]));
        },
        |folder| {
            let mut command = fwgate(&folder.join("repository"), &["init", "--two", "--root"]);
            command.arg(folder.canonicalize().unwrap().join("root.toml"));
            command.args(["--repository", "example/firewalls", "--remote", "ssh://git@example.net/firewalls"]);
            for person in &persons {
                command.args(["--person", person]);
            }
            for machine in &machines {
                command.args(["--machine", machine]);
            }
            command
        },
    );
}

#[test]
fn a_change_file_to_begin_with_is_whole_or_none() {
    at_every_place(
        "change new, the file",
        &["changes/CHG-9.toml"],
        |folder| repository(folder, &[("devices/edge1/rules.v4", EDGE)]),
        |folder| fwgate(folder, &["change", "new", "CHG-9", "--title", "Open the portal"]),
    );
}

fn incident(folder: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/incidents/03-dead-core-router");
    let mut open = vec![from.clone()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => {
                    crate::scene::write(&folder.join(path.strip_prefix(&from).unwrap()), &std::fs::read(&path).unwrap())
                }
            }
        }
    }
}

#[test]
fn a_bundle_and_its_record_are_whole_or_the_old_ones() {
    at_every_place(
        "bundle create",
        &["new.tar"],
        |folder| {
            incident(folder);
            std::fs::write(folder.join("new.tar"), "the old one").unwrap();
        },
        |folder| {
            let make = ["bundle", "create", "--spare", "core-spare", "--tree", "devices", "--policy", "policy.toml"];
            fwgate(folder, &[&make[..], &["--unsigned", "--out", "new.tar"]].concat())
        },
    );
    at_every_place("bundle record", &["spares/core-spare/manifest.json"], incident, |folder| {
        fwgate(folder, &["bundle", "record", "core-spare.tar", "--policy", "policy.toml", "--records", "spares"])
    });
}

#[test]
fn a_report_is_whole_or_the_old_one() {
    let files = |folder: &Path| {
        let (old, new) = (crate::scene::RULES, crate::stage::proposed());
        for (name, text) in [("old.v4", old), ("new.v4", &new), ("report.json", "the old one")] {
            std::fs::write(folder.join(name), text).unwrap();
        }
    };
    at_every_place("diff, a report", &["report.json"], files, |folder| {
        fwgate(folder, &["diff", "old.v4", "new.v4", "--report", "json=report.json"])
    });
}

#[test]
fn an_export_of_an_audit_is_a_whole_file_or_the_old_one() {
    let fleet = permitted();
    fleet.push().applied();
    let out: PathBuf = fleet.here().join("audit.json");
    let arguments = ["audit", "--format", "json", "--out", out.to_str().unwrap()];
    for place in places("audit", &mut fleet.command("one", &arguments)) {
        for old in [None, Some("old\n")] {
            let _ = std::fs::remove_file(&out);
            old.iter().for_each(|text| std::fs::write(&out, text).unwrap());
            die(&mut fleet.command("one", &arguments), &place);
            let text = std::fs::read_to_string(&out).ok();
            let is_whole = text.as_deref().is_some_and(|t| serde_json::from_str::<serde_json::Value>(t).is_ok());
            assert!(text.as_deref() == old || is_whole, "{place}: {text:?}");
        }
    }
}
