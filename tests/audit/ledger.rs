//! `fwgate ledger`: the beginning, the scheduled job, and what it refuses to write down.

use crate::desk::Desk;
use crate::scene::{LEDGER, changes};
use fwgate::cli::gate::{RootArguments, Session};
use fwgate::cli::input::Surroundings;
use fwgate::cli::ledger::{Begins, witness};
use fwgate::gate::{Instant, LOG_BRANCH, LedgerEntry, OrdinaryCommit};
use insta::assert_snapshot;

fn last(desk: &Desk) -> LedgerEntry {
    let head = desk.scene.head_of(LEDGER).unwrap();
    LedgerEntry::read(&OrdinaryCommit::read(&desk.scene.bytes_of(&head)).message).unwrap()
}

#[test]
fn a_ledger_is_begun_once_and_then_appended_to() {
    let desk = Desk::new();
    let refused = desk.run(&["ledger", "witness"]);
    assert_eq!(refused.code, 1);
    assert_snapshot!(desk.masked(&refused.stdout), @r"
    - LEDGER_FORK: there is no ledger
      = help: put the ledger back as it was from a clone that has it; a new one begins with `fwgate ledger init`
    ");
    assert_snapshot!(desk.masked(&desk.pass(&["ledger", "init"])), @"the ledger and the log begin at TIME, version 1 of the policy in force (COMMIT)");
    let root = desk.scene.head_of(LOG_BRANCH).unwrap();
    assert_eq!(desk.scene.bytes_of(&root), crate::scene::EVIDENCE_ROOT.as_bytes());
    let again = desk.run(&["ledger", "init"]);
    assert_eq!(again.code, 1);
    assert_snapshot!(desk.masked(&again.stdout), @r"
    - LEDGER_FORK: the remote has a ledger already
      = help: `fwgate ledger witness` appends to it
    ");
    desk.scene.record("alice", "CHG-1", "fwgate-record/1 withdraw\nchange: CHG-1\nreason: x\n");
    assert_snapshot!(desk.masked(&desk.pass(&["ledger", "witness"])), @"witnessed 1 branch at TIME, version 1 of the policy in force (COMMIT)");
    let LedgerEntry::Witness(said) = last(&desk) else { panic!() };
    assert_eq!(said.heads, [(changes("CHG-1"), desk.scene.head_of(&changes("CHG-1")).unwrap())]);
    assert!(said.previous.is_some());
}

#[test]
fn a_lock_on_the_log_is_named_with_what_to_do() {
    let desk = Desk::new();
    let lock = desk.scene.remote_path().join(format!("{LOG_BRANCH}.lock"));
    std::fs::create_dir_all(lock.parent().unwrap()).unwrap();
    std::fs::write(&lock, b"").unwrap();
    let shown = desk.run(&["ledger", "init"]);
    assert_ne!(shown.code, 0);
    let text = shown.stdout + &shown.stderr;
    assert!(text.contains("fwgate/log.lock") && text.contains("pgrep -a git"), "{text}");
}

/// A job that comes by every few minutes does not make the ledger longer where nothing happens.
#[test]
fn a_witness_of_what_has_not_moved_is_not_written_again_within_the_hour() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    desk.scene.record("alice", "CHG-1", "fwgate-record/1 withdraw\nchange: CHG-1\nreason: x\n");
    desk.pass(&["ledger", "witness"]);
    let (head, LedgerEntry::Witness(said)) = (desk.scene.head_of(LEDGER), last(&desk)) else { panic!() };
    assert_snapshot!(desk.masked(&desk.pass(&["ledger", "witness"])), @"nothing has moved since the witness at TIME, version 1 of the policy in force (COMMIT)");
    assert_eq!(desk.scene.head_of(LEDGER), head);
    let arguments = RootArguments { root: Some(desk.scene.path().join("root.toml").into()), devices: "devices".into() };
    let surroundings = Surroundings { cwd: desk.clone.path.clone(), ci: false };
    let Ok(session) = Session::open_at(surroundings, &arguments) else { panic!() };
    let at = |seconds: i64| {
        witness(&session, &desk.scene.key("ledger").path, Begins::Never, Instant(said.at.0 + seconds)).unwrap().is_new
    };
    assert!(!at(3599) && at(3600), "an hour later it is");
    desk.scene.record("alice", "CHG-1", "fwgate-record/1 withdraw\nchange: CHG-1\nreason: y\n");
    assert!(at(3601), "what has moved is written down at once");
}

#[test]
fn a_ledger_that_was_deleted_is_not_begun_again_by_the_job() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    desk.scene.reset(LEDGER, None);
    let refused = desk.run(&["ledger", "witness"]);
    assert_eq!(refused.code, 1, "{}", refused.stdout);
    assert!(refused.stdout.contains("LEDGER_FORK"), "{}", refused.stdout);
    assert_eq!(desk.scene.head_of(LEDGER), None);
}

#[test]
fn a_branch_that_was_rewritten_is_left_out_and_told() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    let first = desk.scene.record("alice", "CHG-1", "fwgate-record/1 withdraw\nchange: CHG-1\nreason: x\n");
    desk.scene.record("alice", "CHG-1", "fwgate-record/1 withdraw\nchange: CHG-1\nreason: y\n");
    desk.pass(&["ledger", "witness"]);
    desk.scene.reset(&changes("CHG-1"), Some(&first));
    desk.scene.record("alice", "CHG-2", "fwgate-record/1 withdraw\nchange: CHG-2\nreason: x\n");
    let told = desk.run(&["ledger", "witness"]);
    assert_eq!(told.code, 1);
    assert!(told.stdout.contains("HISTORY_REWRITTEN"), "{}", told.stdout);
    let LedgerEntry::Witness(said) = last(&desk) else { panic!() };
    assert_eq!(said.heads.iter().map(|h| h.0.as_str()).collect::<Vec<_>>(), [changes("CHG-2")]);
}

#[test]
fn without_a_key_nothing_is_asked() {
    let desk = Desk::new();
    let shown = desk.run_with(&["ledger", "witness"], &[("FWGATE_KEY_LEDGER", "")]);
    assert_eq!(shown.code, 2, "{}{}", shown.stdout, shown.stderr);
}

/// More branches than an entry of 16 KiB can name: the ledger stays whole, and every branch is witnessed.
#[test]
fn more_branches_than_a_witness_holds_are_witnessed_one_after_the_other() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    for number in 1..=250 {
        let id = format!("CHG-{number}");
        desk.scene.record("alice", &id, &format!("fwgate-record/1 withdraw\nchange: {id}\nreason: x\n"));
    }
    let told = desk.run(&["ledger", "witness"]);
    assert_eq!(told.code, 1, "{}", told.stdout);
    assert!(told.stdout.contains("LIMIT_EXCEEDED"), "{}", told.stdout);
    let LedgerEntry::Witness(first) = last(&desk) else { panic!() };
    desk.pass(&["ledger", "witness"]);
    let LedgerEntry::Witness(second) = last(&desk) else { panic!() };
    let named: std::collections::BTreeSet<&String> = first.heads.iter().chain(&second.heads).map(|(n, _)| n).collect();
    assert_eq!(named.len(), 250);
    desk.pass(&["ledger", "witness"]);
}
