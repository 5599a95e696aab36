//! A log that somebody changed: A70 of the threat list, each way of it.

use crate::desk::{Desk, NONCE};
use crate::scene::{Draft, LEDGER};
use fwgate::gate::{LOG_BRANCH, OrdinaryCommit};

/// A log of two merges, seen by a witness.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    desk.closed("CHG-1", 443, NONCE);
    desk.approved("CHG-2", 8443);
    let key = desk.scene.key("alice").path;
    desk.pass(&["change", "withdraw", "CHG-2", "--reason", "x", "--key", key.to_str().unwrap()]);
    desk.pass(&["change", "close", "CHG-2"]);
    desk.pass(&["ledger", "witness"]);
    desk
}

/// An audit that sees it; all of what it says is kept under this name.
fn assert_broken(desk: &Desk, what: &str) {
    let shown = desk.run(&["audit"]);
    assert_eq!((shown.code, shown.stderr.as_str()), (1, ""), "{what}: {}", shown.stdout);
    let audit = desk.audit(&[]);
    assert!(audit["broken"].to_string().contains("AUDIT_CHAIN_BROKEN"), "{what}: {:#}", audit["broken"]);
    insta::assert_snapshot!(what, desk.masked(&shown.stdout));
}

fn bytes(desk: &Desk, commit: &str) -> String {
    String::from_utf8(desk.scene.bytes_of(commit)).unwrap()
}

#[test]
fn the_log_as_it_is_is_whole() {
    let desk = desk();
    let shown = desk.run(&["audit"]);
    assert_eq!(shown.code, 0, "{}{}", shown.stdout, shown.stderr);
    insta::assert_snapshot!(desk.masked(&shown.stdout));
}

#[test]
fn an_edited_line_is_seen() {
    let desk = desk();
    let head = desk.scene.head_of(LOG_BRANCH).unwrap();
    let edited = bytes(&desk, &head).replace("outcome: withdrawn", "outcome: rejected");
    desk.scene.put(LOG_BRANCH, edited.as_bytes());
    assert_broken(&desk, "edited");
}

#[test]
fn an_edited_line_signed_by_somebody_else_is_seen() {
    let desk = desk();
    let head = desk.scene.head_of(LOG_BRANCH).unwrap();
    let commit = OrdinaryCommit::read(&desk.scene.bytes_of(&head));
    for (who, namespace) in
        [("mallory", "fwgate-ledger@v1"), ("alice", "git"), ("deployer", "fwgate-ledger@v1"), ("ledger", "git")]
    {
        let mut draft = Draft::new("fwgate", "", commit.committer.as_ref().unwrap().at.0, &commit.message);
        draft.author = "fwgate <fwgate@localhost>".to_owned();
        draft.committer = draft.author.clone();
        draft.parents = commit.parents.clone();
        desk.scene.put(LOG_BRANCH, &draft.signed(&desk.scene.key(who), namespace));
        assert_broken(&desk, &format!("signed_by_{who}_for_{}", namespace.split('@').next().unwrap()));
    }
}

#[test]
fn a_removed_merge_is_seen() {
    let desk = desk();
    let head = desk.scene.head_of(LOG_BRANCH).unwrap();
    let first = OrdinaryCommit::read(&desk.scene.bytes_of(&head)).parents[0].clone();
    desk.scene.reset(LOG_BRANCH, Some(&first));
    assert_broken(&desk, "the_last_one_is_gone");
    let root = OrdinaryCommit::read(&desk.scene.bytes_of(&first)).parents[0].clone();
    desk.scene.put(LOG_BRANCH, bytes(&desk, &head).replace(&first, &root).as_bytes());
    assert_broken(&desk, "the_first_one_is_gone");
    desk.scene.reset(LOG_BRANCH, None);
    let shown = desk.run(&["audit", "--format", "json"]);
    assert_eq!(shown.code, 1, "all of them: {}{}", shown.stdout, shown.stderr);
    let clone = desk.scene.clone_as("fresh");
    assert_broken(&Desk { clone, ..desk }, "all_are_gone_for_somebody_who_never_saw_the_log");
}

#[test]
fn another_order_is_seen() {
    let desk = desk();
    let second = desk.scene.head_of(LOG_BRANCH).unwrap();
    let first = OrdinaryCommit::read(&desk.scene.bytes_of(&second)).parents[0].clone();
    let root = OrdinaryCommit::read(&desk.scene.bytes_of(&first)).parents[0].clone();
    let moved = desk.scene.put(LOG_BRANCH, bytes(&desk, &second).replace(&first, &root).as_bytes());
    desk.scene.put(LOG_BRANCH, bytes(&desk, &first).replace(&root, &moved).as_bytes());
    assert_broken(&desk, "turned_around");
}

#[test]
fn a_ledger_that_lost_what_the_log_names_is_seen_by_the_gate() {
    let desk = desk();
    let head = desk.scene.head_of(LEDGER).unwrap();
    let before = OrdinaryCommit::read(&desk.scene.bytes_of(&head)).parents[0].clone();
    desk.scene.reset(LEDGER, Some(&before));
    let shown = desk.run(&["permit", "CHG-2", "--format", "json"]);
    assert!(shown.stdout.contains("LEDGER_FORK"), "{}", shown.stdout);
}
