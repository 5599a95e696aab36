//! A29 to A34: rejections that are to vanish, and ranges that hold more than both of their ends show.

use crate::scene::{RULES, changes};
use crate::stage::{APPROVERS, CHANGE, EDGE, Facts, Stage, WORK, change_file, owned, proposed, with_rules};
use fwgate::gate::{Digest, Record, Reject, Revoke};

/// A stage with a second person of the role `security`.
fn with_erin() -> Stage {
    let scene = Stage::empty();
    let erin = scene.key("erin").public;
    let person = format!("\n[[person]]\nid = \"erin\"\nroles = [\"security\"]\nkeys = [\"{erin}\"]\n\n[class.normal]");
    scene.set_policy(|p| p.edits = owned(&[("\n[class.normal]", &person)]));
    Stage::built(scene, &[])
}

fn reject(stage: &Stage, who: &str) -> Digest {
    stage.say(who, CHANGE, &Record::Reject(Reject { change: CHANGE.into(), reason: "too wide".into() }))
}

#[test]
fn a29_rejection_removed_by_a_forced_push() {
    let stage = with_erin();
    stage.ready();
    let before = stage.scene.head_of(&changes(CHANGE)).unwrap();
    reject(&stage, "erin");
    stage.settle();
    stage.permit().denied("REJECTED");
    stage.scene.reset(&changes(CHANGE), Some(&before));
    stage.permit().denied("HISTORY_REWRITTEN");
    // A clone that has never seen the rejection knows it by the witness alone.
    let fresh = stage.scene.clone_as("fresh");
    stage.permit_in(&fresh.path, CHANGE, &[]).denied("HISTORY_REWRITTEN");
}

#[test]
fn a29_rejection_removed_with_its_branch() {
    let stage = with_erin();
    stage.ready();
    reject(&stage, "erin");
    stage.settle();
    stage.scene.reset(&changes(CHANGE), None);
    stage.permit().denied("HISTORY_REWRITTEN");
}

#[test]
fn a30_rejection_beside_enough_approvals() {
    let stage = with_erin();
    stage.ready();
    reject(&stage, "erin");
    stage.settle();
    stage.permit().denied_only(&["REJECTED"]);
}

#[test]
fn a31_own_rejection_taken_back_revives_no_approval() {
    let stage = Stage::new();
    let facts: Facts = stage.ready();
    let rejection = reject(&stage, "dave");
    let record = Revoke { change: CHANGE.into(), record: rejection, reason: "looked again".into() };
    stage.say("dave", CHANGE, &Record::Revoke(record));
    stage.settle();
    stage.permit().denied_only(&["APPROVAL_MISSING"]);
    stage.say(
        "dave",
        CHANGE,
        &Record::Approve(fwgate::gate::Approve {
            not_after: fwgate::gate::Instant(crate::stage::now() + 86_400),
            ..crate::stage::approval("security", &facts)
        }),
    );
    stage.settle();
    stage.permit().granted();
}

/// A merge of the author's branch with another one, whose tree has this ruleset.
fn merged(stage: &Stage, rules: &str) -> String {
    let ours = stage.propose(&[]);
    let theirs = stage.scene.commit_on("refs/heads/other", "alice", &[("README.md", "Hello.\n")]);
    let tree = stage.scene.tree_with(Some(&ours), &[("README.md", "Hello.\n"), (EDGE, rules)]);
    stage.commit_tree(WORK, "alice", &tree, &[&ours, &theirs])
}

fn approved(stage: &Stage, head: &str) {
    let facts = stage.announced_at(CHANGE, head);
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
}

#[test]
fn a32_merge_that_adds_a_rule() {
    let stage = Stage::new();
    let head = merged(&stage, &with_rules(&proposed(), "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"));
    approved(&stage, &head);
    stage.permit().denied("EVIL_MERGE");
}

#[test]
fn a32_plain_merge_is_allowed() {
    let stage = Stage::new();
    let head = merged(&stage, &proposed());
    approved(&stage, &head);
    stage.permit().granted();
}

#[test]
fn a33_octopus_merge() {
    let stage = Stage::new();
    let ours = stage.propose(&[]);
    let one = stage.scene.commit_on("refs/heads/one", "alice", &[("one.md", "1\n")]);
    let two = stage.scene.commit_on("refs/heads/two", "alice", &[("two.md", "2\n")]);
    let tree = stage.scene.tree_with(Some(&ours), &[("one.md", "1\n"), ("two.md", "2\n")]);
    let head = stage.commit_tree(WORK, "alice", &tree, &[&ours, &one, &two]);
    approved(&stage, &head);
    stage.permit().denied("MERGE_UNSUPPORTED");
}

const OPEN: &str = "-A FORWARD -j ACCEPT\n";

#[test]
fn a34_bad_commit_and_its_revert() {
    let stage = Stage::new();
    stage.scene.commit_on(WORK, "alice", &[(EDGE, &with_rules(RULES, OPEN))]);
    let head = stage.scene.commit_on(WORK, "alice", &[(EDGE, RULES), ("changes/CHG-1.toml", &change_file(CHANGE))]);
    approved(&stage, &head);
    stage.permit().denied("COMMIT_GRAPH");
}

#[test]
fn a34_bad_commit_and_its_revert_beside_a_good_one() {
    let stage = Stage::of(|_| {}, &[("devices/edge2/rules.v4", RULES)]);
    stage.scene.commit_on(WORK, "alice", &[("devices/edge2/rules.v4", &with_rules(RULES, OPEN))]);
    let file = change_file(CHANGE).replace("edge*", "edge1");
    let head = stage.propose(&[("devices/edge2/rules.v4", RULES), ("changes/CHG-1.toml", &file)]);
    approved(&stage, &head);
    stage.permit().denied_only(&["COMMIT_GRAPH"]);
}

/// Both ends are fine and differ in the file; the state between them is not.
#[test]
fn a34_bad_state_of_a_file_that_changes_in_the_end() {
    let stage = Stage::new();
    let file = change_file(CHANGE);
    stage.scene.commit_on(WORK, "alice", &[(EDGE, &with_rules(&proposed(), OPEN)), ("changes/CHG-1.toml", &file)]);
    let head = stage.propose(&[]);
    approved(&stage, &head);
    let verdict = stage.permit();
    assert!(verdict.to_string().contains("FW201 effect-outside-intent"), "{verdict}");
    verdict.denied_only(&["COMMIT_GRAPH"]);
}

/// A state that cannot be loaded by anything is not safe either: nobody can say what a device would make of it.
#[test]
fn a34_state_that_nobody_can_read() {
    let stage = Stage::new();
    stage.scene.commit_on(WORK, "alice", &[(EDGE, &with_rules(RULES, "-A FORWARD --frobnicate\n"))]);
    let head = stage.propose(&[]);
    approved(&stage, &head);
    stage.permit().denied_only(&["COMMIT_GRAPH"]);
}

/// Work in steps that are each as safe as the end goes through: the first step is a part of what is declared.
#[test]
fn a34_safe_steps_are_allowed() {
    let stage = Stage::new();
    let file = change_file(CHANGE);
    let half = crate::stage::RULE.replace("10.2.0.0/16", "10.2.0.0/17");
    stage.scene.commit_on(WORK, "alice", &[(EDGE, &with_rules(RULES, &half)), ("changes/CHG-1.toml", &file)]);
    let head = stage.propose(&[]);
    let facts = stage.announced_at(CHANGE, &head);
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    stage.permit().granted();
}

/// The author pins a beginning behind the commits that nobody should look at.
#[test]
fn a34_range_that_begins_behind_what_it_hides() {
    let stage = Stage::new();
    stage.scene.commit_on(WORK, "bob", &[(EDGE, &proposed())]);
    let hidden = stage.scene.head_of(WORK).unwrap();
    let head = stage.propose(&[]);
    let facts = Facts { base: hidden, ..stage.facts(CHANGE, &head) };
    stage.announce("alice", &facts);
    let facts = stage.vet(facts);
    stage.scene.wait(600);
    stage.scene.witness();
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    let verdict = stage.permit();
    assert!(verdict.permit.is_none() && verdict.codes().contains(&"COMMIT_GRAPH"), "{verdict}");
}
