//! A14 to A20: the judge changed by the change, by whoever can write to the branch, or by an empty word.

use crate::stage::{CHANGE, REST, Stage, owned};
use git2::FileMode;

/// The next version of the policy as the author proposes it.
fn proposed_policy(stage: &Stage, edits: &[(&str, &str)]) -> String {
    let mut text = stage.scene.policy_text().replacen("version = 1", "version = 2", 1);
    for (old, new) in edits {
        assert!(text.contains(old), "{old}");
        text = text.replacen(old, new, 1);
    }
    text
}

#[test]
fn a14_policy_weakened_in_the_same_change() {
    let stage = Stage::new();
    let weaker = proposed_policy(&stage, &[("count = 2", "count = 1")]);
    let head = stage.propose(&[("fwgate.toml", &weaker)]);
    let facts = stage.announced_at(CHANGE, &head);
    stage.approved_by(&[("bob", "network"), ("dave", "security")], &facts);
    stage.settle();
    let verdict = stage.permit().denied("POLICY_CHANGE_MIXED");
    // The weaker quorum would have been met.
    assert!(verdict.codes().contains(&"APPROVAL_MISSING"), "{verdict}");
}

#[test]
fn a15_signer_added_in_the_change_that_they_sign() {
    let stage = Stage::new();
    let erin = stage.scene.key("erin").public;
    let person = format!("\n[[person]]\nid = \"erin\"\nroles = [\"network\"]\nkeys = [\"{erin}\"]\n\n[class.normal]");
    let more = proposed_policy(&stage, &[("\n[class.normal]", &person)]);
    let head = stage.propose(&[("fwgate.toml", &more)]);
    let facts = stage.announced_at(CHANGE, &head);
    stage.approved_by(&[("bob", "network"), ("erin", "network"), ("dave", "security")], &facts);
    stage.settle();
    let verdict = stage.permit().denied("SIGNER_UNKNOWN");
    assert!(verdict.codes().contains(&"POLICY_CHANGE_MIXED"), "{verdict}");
}

/// The policy of the protected branch goes this way, after everything else is in place.
fn policy_goes(way: impl FnOnce(&Stage, &str)) {
    let stage = Stage::new();
    stage.ready();
    way(&stage, &stage.scene.policy_text());
    stage.settle();
    stage.permit().denied("POLICY_MISSING");
}

#[test]
fn a16_policy_deleted() {
    policy_goes(|stage, _| drop(stage.scene.main(&[("fwgate.toml", "")])));
}

#[test]
fn a16_policy_renamed() {
    policy_goes(|stage, text| drop(stage.scene.main(&[("fwgate.toml", ""), ("fwgate.toml.bak", text)])));
}

#[test]
fn a16_policy_moved() {
    policy_goes(|stage, text| drop(stage.scene.main(&[("fwgate.toml", ""), ("config/fwgate.toml", text)])));
}

#[test]
fn a16_policy_is_a_symlink() {
    policy_goes(|stage, text| {
        stage.scene.main(&[("fwgate.toml", ""), ("config/fwgate.toml", text)]);
        stage.commit_entries("refs/heads/main", "alice", &[("fwgate.toml", FileMode::Link, b"config/fwgate.toml")]);
    });
}

#[test]
fn a16_folder_of_the_policy_is_a_symlink() {
    policy_goes(|stage, _| {
        stage.commit_entries("refs/heads/main", "alice", &[("policies", FileMode::Link, b"elsewhere")]);
    });
}

/// Version 1 restored after version 2, which both quorums approved.
fn restored() -> Stage {
    let stage = Stage::new();
    let old = stage.scene.policy_text();
    stage.ready();
    stage.next_policy(|policy| policy.edits = owned(&[("lead_time = \"4h\"", "lead_time = \"3h\"")]));
    stage.permit().granted();
    stage.scene.main(&[("fwgate.toml", &old)]);
    stage
}

#[test]
fn a17_old_signed_policy_restored() {
    restored().permit().denied("POLICY_ROLLBACK");
}

#[test]
fn a17_protected_branch_rewound_behind_the_witness() {
    let stage = Stage::new();
    let old = stage.tip();
    stage.ready();
    stage.next_policy(|policy| policy.edits = owned(&[("lead_time = \"4h\"", "lead_time = \"3h\"")]));
    stage.scene.reset("refs/heads/main", Some(&old));
    stage.permit().denied("POLICY_ROLLBACK");
}

#[test]
fn a18_policy_version_skipped() {
    let stage = Stage::new();
    stage.ready();
    stage.next_policy(|policy| policy.version += 1);
    stage.permit().denied("POLICY_VERSION_GAP");
}

/// A policy whose text is edited so is refused.
fn invalid(edits: &[(&str, &str)]) {
    let stage = Stage::edited(edits);
    stage.ready();
    stage.permit().denied("POLICY_INVALID");
}

#[test]
fn a19_threshold_of_nobody() {
    invalid(&[("count = 2", "count = 0")]);
}

#[test]
fn a19_threshold_above_the_members() {
    invalid(&[("count = 2", "count = 4")]);
}

#[test]
fn a19_threshold_that_the_author_is_needed_for() {
    invalid(&[("count = 2", "count = 3")]);
}

#[test]
fn a19_empty_quorum() {
    invalid(&[("[{ role = \"network\", count = 2 }, { role = \"security\", count = 1 }]", "[]")]);
}

#[test]
fn a19_role_that_nobody_has() {
    invalid(&[("{ role = \"security\", count = 1 }", "{ role = \"auditor\", count = 1 }")]);
}

#[test]
fn a19_no_class_and_no_person() {
    invalid(&[(REST, "")]);
}

#[test]
fn a20_wildcard_principal() {
    for name in ["*", "a*", "?ob"] {
        invalid(&[("id = \"bob\"", &format!("id = \"{name}\""))]);
    }
}

#[test]
fn a20_wildcard_role() {
    invalid(&[("role = \"security\"", "role = \"*\"")]);
}

/// A change of the policy alone goes its own way, and is in force by its records.
#[test]
fn a14_policy_alone_with_both_quorums_is_in_force() {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&[("bob", "network"), ("dave", "security")], &facts);
    stage.settle();
    stage.permit().denied_only(&["APPROVAL_MISSING"]);
    stage.next_policy(|policy| policy.edits = owned(&[("count = 2", "count = 1")]));
    stage.permit().granted();
}
