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
    let head = stage.propose(&[("devices/edge2/rules.v4", RULES)]);
    approved(&stage, &head);
    stage.permit().denied_only(&["COMMIT_GRAPH"]);
}
