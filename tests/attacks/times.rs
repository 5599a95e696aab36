//! A26 to A28: clocks, dates and lifetimes.

use crate::scene::{Draft, changes};
use crate::stage::{APPROVERS, CHANGE, Stage, approval, now};
use fwgate::gate::{Instant, Record};

#[test]
fn a26_gate_clock_behind_the_last_witness() {
    let stage = Stage::new();
    stage.ready();
    stage.scene.wait(now() + 7200 - stage.scene.now());
    stage.scene.witness();
    stage.permit().denied("CLOCK_SKEW");
}

#[test]
fn a26_approval_that_counts_only_later() {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&[("carol", "network"), ("dave", "security")], &facts);
    stage.settle();
    stage.scene.wait(now() + 7200 - stage.scene.now());
    stage.approve("bob", "network", &facts);
    stage.permit().denied("NOT_YET_VALID");
}

/// A record of carol's, dated by so many seconds before what the scene has come to.
fn dated_back(stage: &Stage, seconds: i64) {
    let branch = changes(CHANGE);
    let text = "fwgate-record/1 schedule\nchange: CHG-1\nstart: 2026-01-01T00:00:00Z\nend: 2036-01-01T00:00:00Z\n";
    let draft = Draft::new("carol", &stage.scene.tip(&branch), stage.scene.now() - seconds, text);
    stage.scene.put(&branch, &draft.signed(&stage.scene.key("carol"), "git"));
}

#[test]
fn a27_record_dated_before_its_parent() {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&APPROVERS, &facts);
    dated_back(&stage, 700);
    stage.settle();
    stage.permit().denied("TIME_NOT_MONOTONIC");
}

#[test]
fn a27_record_dated_before_the_last_witness() {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    stage.settle();
    // After its parent, but before a witness that did not see it.
    dated_back(&stage, 3000);
    stage.permit().denied("TIME_NOT_MONOTONIC");
}

#[test]
fn a27_clocks_that_differ_a_little_are_allowed() {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&[("bob", "network"), ("carol", "network")], &facts);
    stage.scene.wait(-500);
    stage.approve("dave", "security", &facts);
    stage.scene.wait(500);
    stage.settle();
    stage.permit().granted();
}

#[test]
fn a28_approval_past_its_lifetime() {
    let stage = Stage::edited(&[("approval_lifetime = \"14d\"", "approval_lifetime = \"2h\"")]);
    stage.ready();
    stage.permit().denied_only(&["APPROVAL_MISSING", "APPROVAL_EXPIRED"]);
}

#[test]
fn a28_approval_past_its_own_end() {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&[("carol", "network"), ("dave", "security")], &facts);
    let mut record = approval("network", &facts);
    record.not_after = Instant(now() - 600);
    stage.say("bob", CHANGE, &Record::Approve(record));
    stage.settle();
    stage.permit().denied_only(&["APPROVAL_MISSING", "APPROVAL_EXPIRED"]);
}

#[test]
fn a28_permit_past_its_lifetime() {
    let stage = Stage::new();
    stage.ready();
    let permit = stage.permit().granted().permit.unwrap();
    let (message, _) = permit.split_once("\n\n").unwrap();
    let field = |name: &str| message.lines().find(|l| l.starts_with(name)).unwrap().to_owned();
    // What the deployer would have signed three hours ago.
    let [issued, expires] = [now() - 3 * 3600, now() - 3600].map(Instant);
    let old = format!("{message}\n").replace(&field("issued: "), &format!("issued: {issued}"));
    let old = old.replace(&field("expires: "), &format!("expires: {expires}"));
    let old = old.replace(&field("window: "), &format!("window: {issued} {expires}"));
    let signature = stage.scene.key("deployer").sign("fwgate-permit@v1", old.as_bytes());
    let (exit, text) = stage.push(&format!("{old}\n{}\n", signature.trim_end()));
    assert_eq!(exit, Some(1), "{text}");
    assert!(text.contains("PERMIT_EXPIRED") && !text.contains("PERMIT_UNTRUSTED"), "{text}");
}
