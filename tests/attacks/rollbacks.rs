//! What was taken back does not go again by itself: approvals are used up, and the protected branch has to follow.

use crate::scene::RULES;
use crate::stage::{APPROVERS, CHANGE, EDGE, change_file, proposed, with_rules};
use crate::two_fleet::{Answer, Fleet};

const OTHER: &str = "-A INPUT -p tcp -m tcp --dport 22 -s 10.9.0.1/32 -j ACCEPT\n";

/// A fleet of one device to which the usual change was pushed after it was merged.
fn pushed() -> Fleet {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.permit().granted();
    let head = fleet.scene.head_of("refs/heads/work").unwrap();
    fleet.scene.reset("refs/heads/main", Some(&head));
    fleet.push().applied();
    fleet.present();
    fleet
}

fn operated(fleet: &Fleet, arguments: &[&str]) -> Answer {
    let [alice, ledger, receiver] = ["alice", "ledger", "receiver"].map(|name| fleet.key(name));
    let keys = ["--key", &alice, "--key-ledger", &ledger, "--key-production", &receiver];
    fleet.fwgate("one", &[arguments, &keys].concat())
}

/// A change of another id that only brings a change file: what it does is what the protected branch holds and nobody runs.
fn said_anew(fleet: &Fleet) {
    let file = change_file("CHG-2");
    let head = fleet.scene.commit_on("refs/heads/again", "alice", &[("changes/CHG-2.toml", &file)]);
    let before = fleet.scene.remote().revparse_single("refs/heads/main~1").unwrap().id().to_string();
    let facts = fleet.facts_against("CHG-2", &head, &fleet.devices(&before));
    fleet.announce("alice", &facts);
    let facts = fleet.vet(facts);
    fleet.scene.witness();
    fleet.approved_by(&APPROVERS, &facts);
    fleet.scene.witness();
}

#[test]
fn what_an_operator_took_back_needs_to_be_said_anew() {
    let fleet = pushed();
    let answer = operated(&fleet, &["push", CHANGE, "--rollback"]);
    assert!(answer.exit == 0 && !answer.err.contains("warning"), "{answer}");
    assert_eq!(fleet.running("edge1"), RULES);
    let verdict = fleet.permit().denied_only(&["APPROVAL_STALE"]);
    assert_eq!(verdict.details(), ["rolled-back"], "{verdict}");
    fleet.fwgate("one", &["change", "show", CHANGE]).says("ROLLED-BACK: CHG-1").says("fwgate change reissue CHG-1");
    // The log knows of both ends, and an audit finds nothing wrong.
    let audit = fleet.fwgate("one", &["audit", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&audit.out).unwrap();
    assert_eq!(document["changes"][0]["outcome"], "rolled-back", "{audit}");
    assert_eq!((document["merges"].as_u64(), document["is_sound"].as_bool()), (Some(2), Some(true)), "{audit}");
}

#[test]
fn what_is_said_anew_goes_with_new_approvals() {
    let fleet = Fleet::with(&["edge1"], |text| *text = text.replace("lead_time = \"4h\"", "lead_time = \"0s\""));
    fleet.ready();
    fleet.permit().granted();
    let head = fleet.scene.head_of("refs/heads/work").unwrap();
    fleet.scene.reset("refs/heads/main", Some(&head));
    fleet.push().applied();
    fleet.present();
    operated(&fleet, &["push", CHANGE, "--rollback"]);
    fleet.present();
    let alice = fleet.key("alice");
    let words = ["change", "reissue", CHANGE, "--becomes", "CHG-2", "--reason", "it was the cable", "--key", &alice];
    fleet.fwgate("one", &words).says("changes/CHG-2.toml");
    said_anew(&fleet);
    fleet.permit_of("CHG-2").granted();
    fleet.permit().denied("APPROVAL_STALE");
}

#[test]
fn a_push_that_took_itself_back_needs_to_be_said_anew() {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.permit().granted();
    fleet.behave("edge1", "probe", "exit 1");
    fleet.push().refused("NOT_CONVERGED").says("CHG-1: ROLLED-BACK");
    assert_eq!(fleet.running("edge1"), RULES);
    let verdict = fleet.permit().denied_only(&["APPROVAL_STALE"]);
    assert_eq!(verdict.details(), ["rolled-back"], "{verdict}");
}

#[test]
fn a_device_that_is_brought_back_to_the_change_itself_takes_nothing_back() {
    let fleet = pushed();
    fleet.run("edge1", &with_rules(&proposed(), OTHER));
    let answer = operated(&fleet, &["rollback", "edge1"]);
    assert_eq!(answer.exit, 0, "{answer}");
    assert_eq!(fleet.running("edge1"), proposed());
    fleet.permit().denied("EMPTY_CHANGE");
    fleet.fwgate("one", &["change", "show", CHANGE]).says("CLOSED");
}

/// Whatever comes next would bring along what was taken back, until the protected branch has the revert or the fix.
#[test]
fn the_next_change_is_the_revert_or_the_fix() {
    let fleet = pushed();
    operated(&fleet, &["push", CHANGE, "--rollback"]);
    fleet.present();
    let file = change_file("CHG-3").replace("tcp/443", "tcp/8443");
    let rule = crate::stage::RULE.replace("443", "8443");
    let next = |rules: &str| {
        let head = fleet.scene.commit_on("refs/heads/next", "alice", &[(EDGE, rules), ("changes/CHG-3.toml", &file)]);
        let back = fleet.scene.remote().revparse_single("refs/heads/main~1").unwrap().id().to_string();
        let facts = fleet.facts_against("CHG-3", &head, &fleet.devices(&back));
        fleet.announce("alice", &facts);
        fleet.permit_of("CHG-3")
    };
    let along = next(&with_rules(&proposed(), &rule));
    assert!(along.notes().contains("`edge1` was brought back from CHG-1"), "{along}");
    along.denied("CHECK_REFUSED");
    // The fix: what was taken back is gone, and what is declared is there.
    let fixed = next(&with_rules(RULES, &rule));
    assert!(!fixed.codes().contains(&"CHECK_REFUSED"), "{fixed}");
}
