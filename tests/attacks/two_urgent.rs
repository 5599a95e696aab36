//! Emergencies, and the reviews that they owe.

use crate::scene::RULES;
use crate::stage::{CHANGE, EDGE, Facts, change_file, with_rules};
use crate::two_fleet::Fleet;
use fwgate::gate::{Digest, Emergency, Instant, Record, ResultKind, Review, Revoke};

const OPEN: &str = "-A FORWARD -s 10.9.0.0/16 -p tcp -m tcp --dport 23 -j ACCEPT\n";

/// A change file of class emergency that closes what [`OPEN`] opens, or opens it.
fn urgent(id: &str, effect: &str) -> String {
    change_file(id)
        .replace("class = \"normal\"", "class = \"emergency\"")
        .replace("\"opened\"", &format!("\"{effect}\""))
        .replace("10.2.0.0/16", "10.9.0.0/16")
        .replace("10.1.0.0/24", "any")
        .replace("tcp/443", "tcp/23")
}

/// An estate in which telnet is open.
fn open_fleet(more: &str) -> Fleet {
    let fleet = Fleet::with(&["edge1"], |text| {
        *text = text.replace("review_due = \"3d\"", &format!("review_due = \"1h\"\n{more}"));
    });
    fleet.scene.main(&[(EDGE, &with_rules(RULES, OPEN))]);
    fleet.scene.witness();
    fleet
}

/// Closes telnet as an emergency, announced now.
fn closing(fleet: &Fleet, id: &str) -> Facts {
    let head = fleet.scene.commit_on(
        &format!("refs/heads/{id}"),
        "alice",
        &[(EDGE, RULES), (&format!("changes/{id}.toml"), &urgent(id, "closed"))],
    );
    let facts = fleet.facts(id, &head);
    fleet.announce("alice", &facts);
    facts
}

fn declare(fleet: &Fleet, facts: &Facts, until: i64, reason: &str) {
    let declaration = Emergency {
        change: facts.id.clone(),
        content: facts.content,
        until: Instant(fleet.scene.now() + until),
        reason: reason.to_owned(),
    };
    fleet.say("alice", &facts.id, &Record::Emergency(declaration));
}

fn approve(fleet: &Fleet, facts: &Facts) {
    fleet.approved_by(&[("bob", "network"), ("carol", "network")], facts);
}

#[test]
fn a67_emergency_that_is_one() {
    let fleet = open_fleet("");
    fleet.present();
    let facts = closing(&fleet, CHANGE);
    declare(&fleet, &facts, 3600, "telnet is being abused");
    approve(&fleet, &facts);
    fleet.scene.witness();
    fleet.permit().granted();
}

#[test]
fn a67_emergency_for_a_normal_effect() {
    let fleet = Fleet::new();
    fleet.scene.witness();
    fleet.present();
    let head = fleet.propose(&[(EDGE, &with_rules(RULES, OPEN)), ("changes/CHG-1.toml", &urgent(CHANGE, "opened"))]);
    let facts = fleet.facts(CHANGE, &head);
    fleet.announce("alice", &facts);
    declare(&fleet, &facts, 3600, "the boss wants it");
    approve(&fleet, &facts);
    fleet.scene.witness();
    fleet.permit().denied_only(&["EMERGENCY_INVALID"]);
}

#[test]
fn a67_emergency_used_again() {
    let fleet = open_fleet("");
    let facts = closing(&fleet, CHANGE);
    declare(&fleet, &facts, 86_400, "telnet is being abused");
    approve(&fleet, &facts);
    fleet.scene.witness();
    fleet.ran(CHANGE, &facts.head, &[("edge1", ResultKind::Applied)], Some("applied"));
    fleet.permit().denied("EMERGENCY_INVALID");
}

#[test]
fn a67_emergency_past_its_lifetime() {
    let fleet = open_fleet("");
    let facts = closing(&fleet, CHANGE);
    declare(&fleet, &facts, 3600, "telnet is being abused");
    approve(&fleet, &facts);
    fleet.scene.witness();
    fleet.permit().denied_only(&["EMERGENCY_INVALID"]);
}

#[test]
fn a67_emergency_without_a_reason() {
    let fleet = open_fleet("");
    fleet.present();
    let facts = closing(&fleet, CHANGE);
    declare(&fleet, &facts, 3600, "-");
    approve(&fleet, &facts);
    fleet.scene.witness();
    fleet.permit().denied_only(&["EMERGENCY_INVALID"]);
}

#[test]
fn a67_emergency_that_nobody_declared() {
    let fleet = open_fleet("");
    fleet.present();
    let facts = closing(&fleet, CHANGE);
    approve(&fleet, &facts);
    fleet.scene.witness();
    fleet.permit().denied_only(&["EMERGENCY_INVALID"]);
}

#[test]
fn a67_emergency_by_one_person() {
    // Without `solo`, and with it but without a hardware key.
    for solo in ["", "solo = { devices = [\"edge1\"] }"] {
        let fleet = open_fleet(solo);
        fleet.present();
        let facts = closing(&fleet, CHANGE);
        declare(&fleet, &facts, 3600, "telnet is being abused");
        fleet.scene.witness();
        fleet.permit().denied("EMERGENCY_INVALID");
    }
}

/// An emergency that was applied a day ago.
fn indebted() -> (Fleet, Facts) {
    let fleet = open_fleet("");
    let facts = closing(&fleet, "EMG-1");
    declare(&fleet, &facts, 3600, "telnet is being abused");
    approve(&fleet, &facts);
    fleet.scene.witness();
    fleet.scene.reset("refs/heads/main", Some(&facts.head));
    fleet.ran("EMG-1", &facts.head, &[("edge1", ResultKind::Applied)], Some("applied"));
    (fleet, facts)
}

#[test]
fn a68_review_that_is_overdue() {
    let (fleet, emergency) = indebted();
    fleet.ready();
    fleet.permit().denied_only(&["REVIEW_OVERDUE"]);
    fleet.fwgate("one", &["change", "show", "EMG-1"]).says("REVIEW-DUE: EMG-1");
    // The review itself stays possible, and pays.
    reviewed(&fleet, &emergency);
    fleet.permit().granted();
    fleet.fwgate("one", &["change", "show", "EMG-1"]).says("APPLIED: EMG-1");
}

/// A quorum looked at it; what the last of them said.
fn reviewed(fleet: &Fleet, emergency: &Facts) -> Digest {
    let say = |(who, role): (&str, &str)| {
        let (change, content) = (emergency.id.clone(), emergency.content);
        let review = Review { change, content, role: role.into(), reason: "looked at it".into() };
        fleet.say(who, &emergency.id, &Record::Review(review))
    };
    [("bob", "network"), ("carol", "network"), ("dave", "security")].map(say)[2]
}

#[test]
fn a68_review_before_anything_was_pushed() {
    let fleet = open_fleet("");
    let facts = closing(&fleet, "EMG-1");
    declare(&fleet, &facts, 3600, "telnet is being abused");
    approve(&fleet, &facts);
    reviewed(&fleet, &facts);
    fleet.scene.witness();
    fleet.scene.wait(60);
    fleet.scene.reset("refs/heads/main", Some(&facts.head));
    fleet.ran("EMG-1", &facts.head, &[("edge1", ResultKind::Applied)], Some("applied"));
    fleet.ready();
    fleet.permit().denied_only(&["REVIEW_OVERDUE"]);
    reviewed(&fleet, &facts);
    fleet.permit().granted();
}

#[test]
fn a68_review_that_is_taken_back() {
    let (fleet, emergency) = indebted();
    fleet.ready();
    let record = reviewed(&fleet, &emergency);
    fleet.permit().granted();
    let revoke = Revoke { change: "EMG-1".into(), record, reason: "it was the wrong site".into() };
    fleet.say("dave", "EMG-1", &Record::Revoke(revoke));
    fleet.permit().denied_only(&["REVIEW_OVERDUE"]);
}

#[test]
fn a68_the_next_emergency_stays_possible() {
    let (fleet, _) = indebted();
    let open = with_rules(RULES, OPEN);
    let head = fleet.scene.main(&[(EDGE, &open)]);
    fleet.ran("OLD-2", &head, &[("edge1", ResultKind::Applied)], Some("applied"));
    fleet.present();
    let facts = closing(&fleet, CHANGE);
    declare(&fleet, &facts, 3600, "telnet again");
    approve(&fleet, &facts);
    fleet.scene.witness();
    fleet.permit().granted();
}

/// Closed before it was reviewed, an emergency takes its debt nowhere: the branch has to stay.
#[test]
fn a68_the_branch_of_a_debt_that_is_taken_away() {
    let (fleet, _) = indebted();
    fleet.present();
    let ledger = fleet.key("ledger");
    let close = ["change", "close", "EMG-1", "--without-permit", "--key-ledger", &ledger];
    fleet.fwgate("one", &close).says("EMG-1: review-due");
    fleet.scene.witness();
    fleet.scene.reset("refs/heads/fwgate/changes/EMG-1", None);
    fleet.ready();
    fleet.permit().denied("HISTORY_REWRITTEN");
}
