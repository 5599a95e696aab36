//! A01 to A05: one person who would count twice, or for another.

use crate::scene::{Draft, RULES};
use crate::stage::{APPROVERS, CHANGE, EDGE, Stage, WORK, approval, change_file, owned, proposed, with_rules};
use fwgate::gate::Record;

/// A stage on which the first text of the policy stands beside a second key of the person's.
fn with_second_key(person: &str) -> Stage {
    let scene = Stage::empty();
    let second = format!("second-{person}");
    let [one, two] = [person, &second].map(|name| scene.key(name).public);
    scene.set_policy(|p| p.edits = owned(&[(&format!("[\"{one}\"]"), &format!("[\"{one}\", \"{two}\"]"))]));
    Stage::built(scene, &[])
}

#[test]
fn a01_author_approves_own_change() {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&[("alice", "network"), ("bob", "network"), ("dave", "security")], &facts);
    stage.settle();
    stage.permit().denied_only(&["APPROVAL_MISSING", "SELF_APPROVAL"]);
}

#[test]
fn a02_author_approves_with_a_second_key() {
    let stage = with_second_key("alice");
    let facts = stage.announced();
    stage.say_with(&stage.scene.key("second-alice"), CHANGE, &Record::Approve(approval("network", &facts)));
    stage.approved_by(&[("bob", "network"), ("dave", "security")], &facts);
    stage.settle();
    stage.permit().denied("DUPLICATE_PRINCIPAL").denied("SELF_APPROVAL");
}

#[test]
fn a02_approver_approves_with_two_keys() {
    let stage = with_second_key("bob");
    let facts = stage.announced();
    stage.say_with(&stage.scene.key("second-bob"), CHANGE, &Record::Approve(approval("network", &facts)));
    stage.approved_by(&[("bob", "network"), ("dave", "security")], &facts);
    stage.settle();
    stage.permit().denied_only(&["APPROVAL_MISSING", "DUPLICATE_PRINCIPAL"]);
}

#[test]
fn a03_one_key_under_two_principals() {
    let scene = Stage::empty();
    let [bob, carol] = ["bob", "carol"].map(|name| scene.key(name).public);
    scene.set_policy(|p| p.edits = owned(&[(&carol, &bob)]));
    let stage = Stage::built(scene, &[]);
    stage.ready();
    stage.permit().denied("POLICY_INVALID");
}

#[test]
fn a03_one_key_of_a_person_and_a_machine() {
    let scene = Stage::empty();
    let [bob, stager] = ["bob", "stager"].map(|name| scene.key(name).public);
    scene.set_policy(|p| p.edits = owned(&[(&bob, &stager)]));
    let stage = Stage::built(scene, &[]);
    stage.ready();
    stage.permit().denied("POLICY_INVALID");
}

/// Bob had a part in the range in this way, and approves.
fn contributed(make: impl FnOnce(&Stage, &str) -> String) {
    let stage = Stage::new();
    let head = stage.propose(&[]);
    let head = make(&stage, &head);
    let facts = stage.announced_at(CHANGE, &head);
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    stage.permit().denied_only(&["APPROVAL_MISSING", "CONTRIBUTOR_APPROVAL"]);
}

fn draft_on(stage: &Stage, head: &str, message: &str) -> Draft {
    let mut draft = Draft::new("alice", head, stage.scene.now(), message);
    draft.tree = stage.scene.tree_with(Some(head), &[("README.md", "Hello.\n")]);
    draft
}

#[test]
fn a04_contributor_approves_as_author_of_a_commit() {
    contributed(|stage, _| stage.scene.commit_on(WORK, "bob", &[("README.md", "Hello.\n")]));
}

#[test]
fn a04_contributor_approves_as_co_author() {
    contributed(|stage, head| {
        let message = "Say hello\n\nCo-authored-by: Bob <BOB@example.net>\n";
        stage.scene.put(WORK, &draft_on(stage, head, message).payload())
    });
}

#[test]
fn a04_contributor_approves_as_signer_of_a_commit() {
    contributed(|stage, head| {
        stage.scene.put(WORK, &draft_on(stage, head, "Say hello\n").signed(&stage.scene.key("bob"), "git"))
    });
}

#[test]
fn a04_contributor_approves_after_the_branch_was_squashed() {
    let stage = Stage::new();
    stage.propose(&[]);
    let head = stage.scene.commit_on(WORK, "bob", &[("README.md", "Hello.\n")]);
    stage.announced_at(CHANGE, &head);
    stage.scene.reset(WORK, None);
    let squashed = stage.propose(&[("README.md", "Hello.\n")]);
    let facts = stage.announced_at(CHANGE, &squashed);
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    // The announcement names only alice now; the first one, and the commits that it pins, still tell of bob.
    stage.permit().denied("CONTRIBUTOR_APPROVAL");
}

/// Bob's approval as the rebase of somebody else leaves it: his name, another signature.
fn rebased_by(signer: &str, codes: &[&str]) {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&[("carol", "network"), ("dave", "security")], &facts);
    let branch = crate::scene::changes(CHANGE);
    let text = Record::Approve(approval("network", &facts)).text();
    let mut draft = Draft::new("bob", &stage.scene.tip(&branch), stage.scene.now(), &text);
    draft.committer = format!("{signer} <{signer}@example.net>");
    stage.scene.put(&branch, &draft.signed(&stage.scene.key(signer), "git"));
    stage.settle();
    let verdict = stage.permit().denied("APPROVAL_MISSING");
    codes.iter().for_each(|code| assert!(verdict.codes().contains(code), "{verdict}"));
}

#[test]
fn a05_rebase_signs_an_approval_again_with_another_key() {
    rebased_by("mallory", &["APPROVAL_MISSING", "SIGNER_UNKNOWN"]);
}

#[test]
fn a05_rebase_signs_an_approval_again_with_the_authors_key() {
    rebased_by("alice", &["APPROVAL_MISSING", "SELF_APPROVAL"]);
}

/// Bob's ruleset was merged, which applies nothing and asks nobody; alice announces a range that only adds the change file. What
/// would be pushed is bob's all the same.
#[test]
fn a04_maker_of_bytes_that_were_merged_before() {
    let stage = Stage::new();
    let before = stage.tip();
    stage.scene.witness();
    stage.in_force("edge1", &before);
    stage.scene.main(&[("README.md", "By carol, of no device.\n")]);
    stage.scene.commit_on("refs/heads/main", "bob", &[(EDGE, &proposed())]);
    let head = stage.scene.commit_on(WORK, "alice", &[("changes/CHG-1.toml", &change_file(CHANGE))]);
    let facts = stage.facts_against(CHANGE, &head, &stage.devices(&before));
    stage.announce("alice", &facts);
    let facts = stage.vet(facts);
    stage.scene.wait(600);
    stage.scene.witness();
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    stage.permit().denied_only(&["APPROVAL_MISSING", "CONTRIBUTOR_APPROVAL"]);
}

/// What others merged and pushed before is in force, and nobody's part in this change.
#[test]
fn a04_makers_of_what_is_in_force_may_approve() {
    let stage = Stage::new();
    let other = with_rules(RULES, "-A INPUT -p tcp -m tcp --dport 22 -s 10.9.0.1/32 -j ACCEPT\n");
    let merged = stage.scene.commit_on("refs/heads/main", "bob", &[(EDGE, &other)]);
    stage.scene.witness();
    stage.in_force("edge1", &merged);
    let head = stage.propose(&[(EDGE, &with_rules(&other, crate::stage::RULE))]);
    let facts = stage.announced_at(CHANGE, &head);
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    stage.permit().granted();
}
