//! What holds of every permit: nothing around the gate matters, and everything in the evidence does.

use crate::scene::{RULES, changes, stock_git};
use crate::stage::{APPROVERS, CHANGE, EDGE, Stage, approval, proposed};
use fwgate::gate::Record;

#[test]
fn zone_locale_folder_and_home_change_nothing() {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&[("alice", "network"), ("bob", "network")], &facts);
    stage.settle();
    let path = stage.clone_path();
    let plain = stage.permit_in(&path, CHANGE, &[]).denied("SELF_APPROVAL").stdout;
    let folder = path.join("devices/edge1");
    for environment in [
        [("TZ", "Pacific/Kiritimati"), ("LC_ALL", "tr_TR.UTF-8"), ("LANG", "C")],
        [("TZ", "America/St_Johns"), ("LC_ALL", "C"), ("LANGUAGE", "de")],
        [("TZ", ":/etc/nothing"), ("HOME", "/nonexistent"), ("COLUMNS", "20")],
        [("NO_COLOR", "1"), ("CI", "true"), ("TERM", "dumb")],
    ] {
        assert_eq!(stage.permit_in(&path, CHANGE, &environment).stdout, plain, "{environment:?}");
        assert_eq!(stage.permit_in(&folder, CHANGE, &environment).stdout, plain, "{environment:?}");
    }
}

/// One bit of a text that must stay a text: a letter becomes another one.
fn flipped(text: &str, at: usize) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] ^= 1;
    String::from_utf8(bytes).ok().filter(|t| !t.contains('\0'))
}

/// Places all over a text, whatever its length.
fn places(text: &str, count: usize) -> impl Iterator<Item = usize> {
    let length = text.len();
    (0..count).map(move |n| (n * 7919 + 13) % length)
}

#[test]
fn a_flipped_bit_of_the_proposal_is_denied() {
    let stage = Stage::new();
    stage.ready();
    let text = proposed();
    for at in places(&text, 6) {
        let Some(other) = flipped(&text, at) else { continue };
        let stage = Stage::new();
        let facts = stage.announced();
        stage.approved_by(&APPROVERS, &facts);
        let head = stage.propose(&[(EDGE, &other)]);
        // Announced as if nothing had happened.
        stage.announce("alice", &crate::stage::Facts { head, ..facts.clone() });
        stage.settle();
        denied(&stage, &format!("bit {at}"));
    }
}

#[test]
fn a_flipped_bit_of_the_baseline_is_denied() {
    for at in places(RULES, 6) {
        let Some(other) = flipped(RULES, at) else { continue };
        let stage = Stage::new();
        stage.ready();
        stage.scene.main(&[(EDGE, &other)]);
        denied(&stage, &format!("bit {at}"));
    }
}

#[test]
fn a_flipped_bit_of_the_policy_is_denied() {
    let stage = Stage::new();
    stage.ready();
    let text = stage.scene.policy_text();
    for at in places(&text, 12) {
        let Some(other) = flipped(&text, at) else { continue };
        stage.scene.main(&[("fwgate.toml", &other)]);
        denied(&stage, &format!("bit {at}"));
    }
}

/// Every bit of a signed commit counts: its message, its signature, its headers.
#[test]
fn a_flipped_bit_of_an_approval_or_receipt_is_denied() {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&APPROVERS, &facts);
    let branch = changes(CHANGE);
    let good = stage.scene.head_of(&branch).unwrap();
    let bytes = stage.scene.bytes_of(&good);
    let parent_line = 46..94;
    for n in 0..12 {
        let at = (n * 104_729 + 101) % bytes.len();
        if parent_line.contains(&at) {
            continue;
        }
        let mut other = bytes.clone();
        other[at] ^= 1 << (n % 7);
        stage.scene.put(&branch, &other);
        denied(&stage, &format!("bit {n} at {at}"));
    }
}

#[test]
fn a_flipped_bit_of_a_permit_is_refused() {
    let stage = Stage::new();
    stage.ready();
    let permit = stage.permit().granted().permit.unwrap();
    for at in places(&permit, 8) {
        let Some(other) = flipped(&permit, at).filter(|t| t.trim_end() != permit.trim_end()) else { continue };
        let (exit, text) = stage.push(&other);
        assert!(matches!(exit, Some(1 | 2)) && !text.contains("APPLIED"), "{at}: {text}");
        assert!(text.contains("PERMIT_UNTRUSTED") || exit == Some(2), "{at}: {text}");
    }
}

#[track_caller]
fn denied(stage: &Stage, what: &str) {
    let verdict = stage.permit();
    assert!(matches!(verdict.exit, Some(1 | 2)), "{what}: {verdict}");
    assert_eq!(verdict.document["decision"], "denied", "{what}: {verdict}");
    assert!(verdict.permit.is_none() && !verdict.codes().is_empty(), "{what}: {verdict}");
}

/// Stock git and ssh-keygen, as somebody without fwgate approves: `git commit-tree -S`, then a push.
#[test]
fn approvals_by_stock_git_count() {
    if !crate::scene::has_program("ssh-keygen") {
        return;
    }
    let scene = Stage::empty();
    let folder = scene.path().join("real");
    for (name, _) in APPROVERS {
        scene.set_key(name, crate::scene::Key::generated(&folder, name, "ed25519", 0));
    }
    let stage = Stage::built(scene, &[]);
    let facts = stage.announced();
    let clone = stage.scene.clone_as("approver");
    for (who, role) in APPROVERS {
        let record = stage.scene.write("record", &Record::Approve(approval(role, &facts)).text());
        clone.git(&["fetch", "-q", "origin", "refs/heads/fwgate/*:refs/remotes/origin/fwgate/*"]);
        let key = stage.scene.key(who).path;
        let date = format!("{} +0000", stage.scene.now());
        let mut command = stock_git(&clone.path);
        command.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
        command.args([
            "-c",
            "gpg.format=ssh",
            "-c",
            &format!("user.signingKey={}", key.display()),
            "commit-tree",
            "-S",
        ]);
        command.args(["-p", "refs/remotes/origin/fwgate/changes/CHG-1", "-F"]).arg(record);
        command.arg("4b825dc642cb6eb9a060e54bf8d69288fbee4904");
        let commit = crate::scene::run(&mut command);
        clone.git(&["push", "-q", "origin", &format!("{commit}:refs/heads/fwgate/changes/CHG-1")]);
    }
    stage.settle();
    stage.permit().granted();
}
