//! A21 to A25: signatures for another purpose, keys whose time is over or that were revoked.

use crate::scene::{Draft, changes};
use crate::stage::{APPROVERS, CHANGE, Facts, Stage, approval, now, owned};
use fwgate::gate::Record;
use fwgate::policy::Date;

/// Bob's approval in another namespace than git's.
fn in_namespace(namespace: &str) {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&[("carol", "network"), ("dave", "security")], &facts);
    let text = Record::Approve(approval("network", &facts)).text();
    stage.scene.sign_onto(&changes(CHANGE), "bob", namespace, &text);
    stage.settle();
    stage.permit().denied_only(&["APPROVAL_MISSING", "BAD_NAMESPACE"]);
}

#[test]
fn a21_signature_in_another_namespace() {
    for namespace in ["file", "gitx", "fwgate-permit@v1"] {
        in_namespace(namespace);
    }
}

#[test]
fn a21_receipt_in_the_namespace_of_persons() {
    let stage = Stage::new();
    let facts = stage.facts(CHANGE, &stage.propose(&[]));
    stage.announce("alice", &facts);
    let text = crate::stage::vetting(&facts, stage.scene.instant()).text();
    stage.scene.sign_onto(&changes(CHANGE), "stager", "git", &text);
    stage.settle();
    stage.approved_by(&APPROVERS, &Facts { vetting: Some(fwgate::gate::sha256(text.as_bytes())), ..facts });
    stage.settle();
    stage.permit().denied("BAD_NAMESPACE");
}

/// A stage on which bob's key counts up to a day.
fn until(day: &str) -> Stage {
    let scene = Stage::empty();
    let bob = scene.key("bob").public;
    let dated = format!("[{{ key = \"{bob}\", until = {day} }}]");
    scene.set_policy(|p| p.edits = owned(&[(&format!("[\"{bob}\"]"), &dated)]));
    Stage::built(scene, &[])
}

fn day(ago: i64) -> String {
    Date::of_unix_seconds(u64::try_from(now() - ago * 86_400).unwrap()).to_string()
}

#[test]
fn a22_expired_key_with_a_forged_date() {
    let stage = until("2020-01-01");
    let facts = stage.facts(CHANGE, &stage.propose(&[]));
    let text = Record::Approve(approval("network", &facts)).text();
    // At the beginning of the branch nothing speaks against the date but the roster.
    let draft = Draft::new("bob", &stage.scene.tip(&changes(CHANGE)), 1_500_000_000, &text);
    stage.scene.put(&changes(CHANGE), &draft.signed(&stage.scene.key("bob"), "git"));
    let facts = stage.announced_at(CHANGE, &facts.head);
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    stage.permit().denied("KEY_EXPIRED");
}

const ZONES: [&str; 4] = ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "../../etc/passwd"];

#[test]
fn a23_validity_in_every_time_zone() {
    for (stage, is_valid) in [(until(&day(0)), true), (until(&day(1)), false)] {
        stage.ready();
        let folder = stage.clone_path();
        let mut documents = Vec::new();
        for zone in ZONES {
            let verdict = stage.permit_in(&folder, CHANGE, &[("TZ", zone), ("LC_ALL", "tr_TR.UTF-8")]);
            let verdict = if is_valid { verdict.granted() } else { verdict.denied("KEY_EXPIRED") };
            let mut document = verdict.document;
            document["permit"] = serde_json::Value::Null;
            documents.push(document);
        }
        documents.dedup();
        assert_eq!(documents.len(), 1, "{documents:#?}");
    }
}

/// A policy that demands a revocation list, which is this text.
fn with_list(list: &str) -> Stage {
    let scene = Stage::empty();
    scene.set_policy(|p| p.edits = owned(&[("\n[[person]]", "revocations = \"policies/revoked.toml\"\n\n[[person]]")]));
    Stage::built(scene, &[("policies/revoked.toml", list)])
}

#[test]
fn a24_revocation_list_missing_empty_or_unreadable() {
    for list in ["", "# nothing\n", "revoked = []\n", "[[revoked]\nkey", "\u{0}\n"] {
        let stage = with_list(list);
        stage.ready();
        let verdict = stage.permit().denied("REVOCATION_UNAVAILABLE");
        assert!(!verdict.document["reasons"].as_array().unwrap().is_empty(), "{list:?}");
    }
}

#[test]
fn a24_revocation_list_in_place_is_allowed() {
    let somebody = Stage::empty().key("mallory").fingerprint();
    let stage = with_list(&format!("[[revoked]]\nkey = \"{somebody}\"\nsince = \"2026-01-01T00:00:00Z\"\n"));
    stage.ready();
    stage.permit().granted();
}

#[test]
fn a25_key_revoked_after_approving() {
    let stage = Stage::new();
    stage.ready();
    stage.permit().granted();
    let bob = stage.scene.key("bob").fingerprint();
    // Bob's key cannot speak for the version that revokes it.
    let entry = format!("\n[[revoked]]\nkey = \"{bob}\"\nsince = \"2026-01-01T00:00:00Z\"\nreason = \"lost\"\n");
    let erin = stage.scene.key("erin").public;
    let person = format!("\n[[person]]\nid = \"erin\"\nroles = [\"network\"]\nkeys = [\"{erin}\"]\n");
    let digest = stage.unsigned_policy(|policy| policy.rest = format!("{person}{}{entry}", policy.rest));
    stage
        .policy_voices(digest, &[("alice", "network"), ("bob", "network"), ("carol", "network"), ("dave", "security")]);
    let verdict = stage.permit().denied("KEY_REVOKED");
    assert!(!verdict.codes().contains(&"POLICY_UNAUTHORISED"), "{verdict}");
}
