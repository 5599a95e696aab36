//! `fwgate change close`: what comes to an end goes into the log, once, with what an audit needs.

use crate::desk::{Desk, NONCE};
use fwgate::gate::{Attachment, LOG_BRANCH, LogEntry, OrdinaryCommit, Outcome};
use insta::assert_snapshot;

/// What the log's last merge says, and its parents.
fn last(desk: &Desk) -> (LogEntry, Vec<String>) {
    let head = desk.scene.head_of(LOG_BRANCH).unwrap();
    let commit = OrdinaryCommit::read(&desk.scene.bytes_of(&head));
    (LogEntry::read(&commit.message).unwrap(), commit.parents)
}

#[test]
fn a_change_that_was_given_up_is_closed() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    let key = desk.scene.key("alice").path;
    let change = desk.approved("CHG-1", 443);
    let open = desk.run(&["change", "close", "CHG-1"]);
    assert_eq!(open.code, 1);
    assert!(open.stdout.contains("which is no end"), "{}", open.stdout);
    desk.pass(&["change", "withdraw", "CHG-1", "--reason", "not needed", "--key", key.to_str().unwrap()]);
    assert_snapshot!(desk.masked(&desk.pass(&["change", "close", "CHG-1"])), @"CHG-1: withdrawn, in the log (COMMIT)");
    let (said, parents) = last(&desk);
    assert_eq!((said.outcome, said.permit, said.previous), (Outcome::Withdrawn, None, None));
    assert_eq!(parents[1], desk.scene.head_of(&crate::scene::changes(&change.change)).unwrap());
    assert!(desk.pass(&["change", "list"]).contains("CLOSED"), "the state is computed from the log");
    assert_eq!(desk.run(&["change", "close", "CHG-1"]).code, 1);
}

#[test]
fn a_push_is_closed_with_its_permit_and_the_policy() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    let change = desk.approved("CHG-1", 443);
    let permit = desk.pushed(&change, NONCE);
    let without = desk.run(&["change", "close", "CHG-1"]);
    assert_eq!(without.code, 1);
    assert_snapshot!(desk.masked(&without.stdout), @r"
    - PERMIT_MISMATCH: the permit that CHG-1 spent (DIGEST-1) is not at hand
      = help: give the file with `--permit FILE`; where it is lost, `--without-permit`
    ");
    let other = desk.scene.write("other.permit", "fwgate-permit/1\n");
    assert_eq!(desk.run(&["change", "close", "CHG-1", "--permit", other.to_str().unwrap()]).code, 1);
    let path = desk.scene.write("CHG-1.permit", &permit);
    desk.pass(&["change", "close", "CHG-1", "--permit", path.to_str().unwrap()]);
    let (said, _) = last(&desk);
    assert_eq!(said.outcome, Outcome::Applied);
    let policy = Attachment::Policy { version: 1, path: "fwgate.toml".into(), text: desk.scene.policy_text() };
    assert_eq!(said.attached, [Attachment::Permit(permit), policy]);
    assert!(desk.pass(&["change", "list"]).contains("CLOSED"));
}
