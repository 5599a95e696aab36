//! A35 to A37: clones whose history is not what the commits say, or cannot be told.

use crate::scene::{run, stock_git};
use crate::stage::{APPROVERS, CHANGE, Stage};
use fwgate::gate::{Digest, Root};
use std::path::{Path, PathBuf};

fn ready() -> Stage {
    let stage = Stage::new();
    stage.ready();
    stage
}

#[test]
fn a35_replace_refs() {
    let stage = ready();
    let clone = stage.scene.clone_as("replaced");
    let (old, new) = (stage.tip(), stage.scene.head_of("refs/heads/work").unwrap());
    clone.git(&["replace", &old, &new]);
    stage.permit_in(&clone.path, CHANGE, &[]).denied("REPLACE_REFS_PRESENT");
}

#[test]
fn a36_grafts() {
    let stage = ready();
    let clone = stage.scene.clone_as("grafted");
    clone.write(".git/info/grafts", &format!("{}\n", stage.tip()));
    stage.permit_in(&clone.path, CHANGE, &[]).denied("HISTORY_INCOMPLETE");
}

/// A clone by stock git with these options.
fn clone_with(stage: &Stage, options: &[&str]) -> PathBuf {
    let path = stage.scene.path().join("special");
    run(stock_git(&stage.scene.path()).args(["clone", "-q"]).args(options).arg(stage.scene.remote_url()).arg(&path));
    path
}

#[test]
fn a36_shallow_clone() {
    let stage = Stage::new();
    stage.scene.main(&[("README.md", "Hello.\n")]);
    stage.ready();
    let path = clone_with(&stage, &["--depth", "1", "--no-single-branch"]);
    stage.permit_in(&path, CHANGE, &[]).denied("HISTORY_INCOMPLETE");
}

#[test]
fn a36_partial_clone() {
    let stage = ready();
    let mut config = stage.scene.remote().config().unwrap();
    config.set_bool("uploadpack.allowFilter", true).unwrap();
    let path = clone_with(&stage, &["--filter=blob:none", "--no-checkout"]);
    let verdict = stage.permit_in(&path, CHANGE, &[]);
    assert!(matches!(verdict.exit, Some(1 | 2)) && verdict.permit.is_none(), "{verdict}");
    assert!(verdict.codes().contains(&"HISTORY_INCOMPLETE"), "{verdict}");
}

#[test]
fn a37_trusted_root_is_no_ancestor() {
    let stage = ready();
    let root = Root::read(&std::fs::read(stage.root()).unwrap()).unwrap();
    let other = Root { policy: Digest([7; 32]), ..root };
    stage.set_root(stage.scene.write("other.toml", &other.to_string()));
    stage.permit().no_verdict("HISTORY_UNVERIFIABLE");
}

#[test]
fn a37_protected_branch_with_another_beginning() {
    let stage = ready();
    // The same files, but the first policy is not in their history any more.
    let later = stage.scene.policy_text().replacen("version = 1", "version = 2", 1);
    let tree = stage.scene.tree_with(Some(&stage.tip()), &[("fwgate.toml", &later)]);
    stage.commit_tree("refs/heads/main", "alice", &tree, &[]);
    stage.permit().no_verdict("HISTORY_UNVERIFIABLE");
}

#[test]
fn a37_announcement_pins_a_commit_that_is_not_there() {
    let stage = Stage::new();
    let mut facts = stage.facts(CHANGE, &stage.propose(&[]));
    let there = facts.head.clone();
    stage.announce("alice", &facts);
    facts.head = "a".repeat(40);
    facts.base = stage.tip();
    let mut text = String::new();
    for line in message(&stage).lines() {
        let line = line.replace(&there, &facts.head);
        text += &format!("{line}\n");
    }
    stage.scene.record("alice", CHANGE, &text);
    facts.head = there;
    let facts = stage.vet(facts);
    stage.settle();
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    stage.permit().no_verdict("HISTORY_UNVERIFIABLE");
}

/// The message of the last record.
fn message(stage: &Stage) -> String {
    let head = stage.scene.head_of(&crate::scene::changes(CHANGE)).unwrap();
    let text = String::from_utf8(stage.scene.bytes_of(&head)).unwrap();
    text.split_once("\n\n").unwrap().1.to_owned()
}

/// Takes the file of a loose object away.
fn lose(repository: &Path, id: &str) {
    std::fs::remove_file(repository.join("objects").join(&id[..2]).join(&id[2..])).unwrap();
}

#[test]
fn a37_missing_blob() {
    let stage = ready();
    let path = stage.clone_path();
    let blob = stock_git(&path).args(["rev-parse", "origin/work:devices/edge1/rules.v4"]).output().unwrap();
    let blob = String::from_utf8(blob.stdout).unwrap().trim().to_owned();
    lose(&path.join(".git"), &blob);
    lose(&stage.scene.remote_path(), &blob);
    stage.permit_in(&path, CHANGE, &[]).no_verdict("HISTORY_UNVERIFIABLE");
}

#[test]
fn a37_damaged_commit() {
    let stage = ready();
    let path = stage.clone_path();
    let head = stage.scene.head_of("refs/heads/work").unwrap();
    let file = path.join(".git/objects").join(&head[..2]).join(&head[2..]);
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, b"not an object").unwrap();
    stage.permit_in(&path, CHANGE, &[]).no_verdict("HISTORY_UNVERIFIABLE");
}

#[test]
fn a37_protected_branch_is_gone() {
    let stage = ready();
    stage.clone_path();
    stage.scene.reset("refs/heads/main", None);
    let path = stage.scene.path().join("clone");
    stage.permit_in(&path, CHANGE, &[]).no_verdict("HISTORY_UNVERIFIABLE");
}
