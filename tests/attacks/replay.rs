//! A06 to A13: approvals of something else than what would be pushed; and what may be carried over.

use crate::scene::{RULES, changes};
use crate::stage::{APPROVERS, CHANGE, EDGE, RULE, Stage, WORK, approval, change_file, proposed, with_rules};
use fwgate::gate::{Record, Stage as For};

#[test]
fn a06_approval_of_older_content() {
    let stage = Stage::new();
    let old = stage.announced();
    stage.approved_by(&APPROVERS, &old);
    let wider = RULE.replace("--dport 443", "--dport 8443");
    let file = change_file(CHANGE).replace("tcp/443", "tcp/8443");
    let files = [(EDGE, with_rules(RULES, &wider)), ("changes/CHG-1.toml", file)];
    let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
    let head = stage.scene.commit_on("refs/heads/amended", "alice", &files);
    stage.announced_at(CHANGE, &head);
    stage.settle();
    stage.permit().denied_only(&["APPROVAL_MISSING", "APPROVAL_STALE"]);
    // On top of what was approved, that stays a state of the range which nobody would approve any more.
    let head = stage.propose(&files);
    stage.announced_at(CHANGE, &head);
    stage.settle();
    stage.permit().denied("COMMIT_GRAPH");
}

#[test]
fn a07_approval_for_another_device() {
    let stage = Stage::of(|_| {}, &[("devices/edge2/rules.v4", RULES)]);
    let head = stage.propose(&[(EDGE, RULES), ("devices/edge2/rules.v4", &proposed())]);
    let other = stage.announced_at(CHANGE, &head);
    stage.approved_by(&APPROVERS, &other);
    let head = stage.propose(&[("devices/edge2/rules.v4", RULES)]);
    stage.announced_at(CHANGE, &head);
    stage.settle();
    stage.permit().denied("WRONG_TARGET");
}

#[test]
fn a08_approval_for_staging() {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&[("carol", "network"), ("dave", "security")], &facts);
    let mut record = approval("network", &facts);
    record.stage = For::Staging;
    stage.say("bob", CHANGE, &Record::Approve(record));
    stage.settle();
    stage.permit().denied_only(&["APPROVAL_MISSING", "WRONG_STAGE"]);
}

/// The whole branch of a change of the same id, the same words and the same persons, out of another repository.
#[test]
fn a09_approval_out_of_another_repository() {
    let other = Stage::of(|policy| policy.repository = "example/others".into(), &[]);
    let mut facts = other.facts(CHANGE, &other.propose(&[]));
    facts.content = other.content_of_repository("example/others", CHANGE, &facts.head);
    other.announce("alice", &facts);
    let facts = other.vet(facts);
    other.approved_by(&APPROVERS, &facts);
    let stage = Stage::new();
    let head = stage.propose(&[]);
    let mut at = other.scene.head_of(&changes(CHANGE));
    while let Some(commit) = at {
        let bytes = other.scene.bytes_of(&commit);
        stage.scene.store(&bytes);
        at = other
            .scene
            .remote()
            .find_commit(crate::stage::oid(&commit))
            .unwrap()
            .parent_id(0)
            .ok()
            .map(|id| id.to_string());
    }
    stage.scene.reset(&changes(CHANGE), other.scene.head_of(&changes(CHANGE)).as_deref());
    stage.announced_at(CHANGE, &head);
    stage.settle();
    stage.permit().denied("WRONG_CONTEXT");
}

/// The approval commits of one change below the announcement of another, which inserts the same line in another place.
#[test]
fn a10_approval_of_a_change_with_the_same_patch() {
    let rules = with_rules(RULES, "-A FORWARD -s 10.2.0.0/24 -p tcp -j DROP\n");
    let stage = Stage::of(|_| {}, &[(EDGE, &rules)]);
    let behind = stage.propose(&[(EDGE, &with_rules(&rules, RULE))]);
    let facts = stage.announced_at(CHANGE, &behind);
    stage.approved_by(&APPROVERS, &facts);
    let before = rules.replace("-A FORWARD -s 10.2.0.0/24 -p", &format!("{RULE}-A FORWARD -s 10.2.0.0/24 -p"));
    stage.scene.reset(WORK, None);
    let head =
        stage.propose(&[(EDGE, &before), ("changes/CHG-1.toml", ""), ("changes/CHG-2.toml", &change_file("CHG-2"))]);
    stage.scene.reset(&changes("CHG-2"), stage.scene.head_of(&changes(CHANGE)).as_deref());
    stage.announced_at("CHG-2", &head);
    stage.settle();
    stage.permit_of("CHG-2").denied("APPROVAL_STALE");
    // The same under one id: the author moves the line after the approvals.
    let head = stage.scene.commit_on(
        WORK,
        "alice",
        &[("changes/CHG-1.toml", &change_file(CHANGE)), ("changes/CHG-2.toml", "")],
    );
    stage.announced_at(CHANGE, &head);
    stage.settle();
    stage.permit().denied("APPROVAL_STALE");
}

const SET: &str = "create portal hash:net family inet\nadd portal 10.1.0.0/24\n";
const BY_SET: &str = "-A FORWARD -s 10.2.0.0/16 -m set --match-set portal dst -p tcp -m tcp --dport 443 -j ACCEPT\n";

#[test]
fn a11_base_moved_under_an_unchanged_rule() {
    let stage = Stage::of(|_| {}, &[("devices/edge1/ipset", SET)]);
    let head = stage.propose(&[(EDGE, &with_rules(RULES, BY_SET))]);
    let facts = stage.announced_at(CHANGE, &head);
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    stage.permit().granted();
    stage.scene.main(&[("devices/edge1/ipset", &format!("{SET}add portal 10.3.0.0/16\n"))]);
    let verdict = stage.permit().denied("APPROVAL_STALE");
    assert!(verdict.details().contains(&"baseline-moved"), "{verdict}");
}

/// Rules that leave room between the edits of two people.
fn roomy() -> String {
    let more: String =
        (1..=4).map(|n| format!("-A INPUT -s 10.9.{n}.0/24 -p tcp -m tcp --dport 22 -j ACCEPT\n")).collect();
    RULES.replace("-A FORWARD", &format!("{more}-A FORWARD"))
}

#[test]
fn a12_base_moved_harmlessly_is_allowed() {
    let stage = Stage::of(|_| {}, &[(EDGE, &roomy())]);
    let head = stage.propose(&[(EDGE, &with_rules(&roomy(), RULE))]);
    let facts = stage.announced_at(CHANGE, &head);
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    let moved = roomy().replace("-A INPUT -s 10.9.1.0/24", "-A INPUT -i lo -j ACCEPT\n-A INPUT -s 10.9.1.0/24");
    stage.scene.main(&[(EDGE, &moved)]);
    stage.vet(stage.facts(CHANGE, &head));
    stage.settle();
    let verdict = stage.permit().granted();
    assert!(verdict.notes().contains("carried over"), "{verdict}");
}

#[test]
fn a13_comment_after_the_approvals_is_allowed() {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&APPROVERS, &facts);
    let head = stage.propose(&[(EDGE, &format!("# the portal\n{}", proposed()))]);
    stage.announced_at(CHANGE, &head);
    stage.settle();
    let verdict = stage.permit().granted();
    assert!(verdict.notes().contains("carried over"), "{verdict}");
}

#[test]
fn a13_comment_is_stale_where_the_class_carries_nothing_over() {
    let stage = Stage::edited(&[("carry_over = true", "carry_over = false")]);
    let facts = stage.announced();
    stage.approved_by(&APPROVERS, &facts);
    let head = stage.propose(&[(EDGE, &format!("# the portal\n{}", proposed()))]);
    stage.announced_at(CHANGE, &head);
    stage.settle();
    stage.permit().denied("APPROVAL_STALE");
}

#[test]
fn a13_any_other_edit_after_the_approvals() {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&APPROVERS, &facts);
    // To every packet the same; a rule all the same that nobody has approved.
    let head = stage.propose(&[(EDGE, &with_rules(&proposed(), RULE))]);
    stage.announced_at(CHANGE, &head);
    stage.settle();
    stage.permit().denied("APPROVAL_STALE");
}
