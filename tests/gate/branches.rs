//! A change's branch: what is believed, what is refused, what is no evidence.

use crate::scene::{Draft, Key, PolicyText, Scene, changes, header};
use fwgate::gate::{Ledger, ReasonCode, Record, Roster, Standing, Testimony, read_branch};
use fwgate::policy::{PolicyFiles, read_policy};
use fwgate::vcs::{EvidenceSource, Repository};
use std::collections::BTreeSet;

const CHANGE: &str = "CHG-1";

fn withdraw(reason: &str) -> String {
    format!("fwgate-record/1 withdraw\nchange: CHG-1\nreason: {reason}\n")
}

fn approve(change: &str) -> String {
    let digest = format!("sha256:{}", "0".repeat(64));
    format!(
        "fwgate-record/1 approve\nchange: {change}\ncontent: {digest}\nmeaning: {digest}\nstage: production\nrole: network\n\
         says: nothing\nnot-after: 2027-01-01T00:00:00Z\n"
    )
}

fn receipt(kind: &str) -> String {
    let digest = format!("sha256:{}", "0".repeat(64));
    format!(
        "fwgate-receipt/1 {kind}\nchange: CHG-1\ncontent: {digest}\ndevices: edge1={digest}\non: Linux\nflows: 1\nhead: {}\n\
         at: 2026-11-24T10:00:00Z\n",
        "a".repeat(40)
    )
}

fn roster(scene: &Scene) -> Roster {
    let policy = scene.policy();
    let (roster, reasons) = Roster::read(&policy.persons, &policy.machines);
    assert_eq!(reasons, []);
    roster
}

fn read_with(scene: &Scene, roster: &Roster, ledger: &Ledger) -> Testimony {
    let repo = Repository::bare(&scene.remote_path()).unwrap();
    let branches = repo.evidence(&EvidenceSource::Bare).unwrap();
    read_branch(&branches[&changes(CHANGE)], roster, ledger, scene.instant())
}

fn read(scene: &Scene) -> Testimony {
    read_with(scene, &roster(scene), &Ledger::default())
}

fn refusals(testimony: &Testimony) -> Vec<ReasonCode> {
    testimony.refusals.iter().map(|r| r.code).collect()
}

fn ignored(testimony: &Testimony) -> Vec<ReasonCode> {
    testimony.ignored.iter().flat_map(|i| i.reasons.iter().map(|r| r.code)).collect()
}

/// A commit on the change's branch with this signature.
fn put(scene: &Scene, text: &str, seal: impl FnOnce(&Draft) -> Vec<u8>) -> String {
    let branch = changes(CHANGE);
    let draft = Draft::new("x", &scene.tip(&branch), scene.now(), text);
    scene.put(&branch, &seal(&draft))
}

#[test]
fn what_persons_and_machines_sign_is_believed_in_order() {
    let scene = Scene::new();
    let first = scene.record("alice", CHANGE, &withdraw("one"));
    scene.wait(60);
    scene.record("bob", CHANGE, &approve(CHANGE));
    scene.receipt("stager", CHANGE, &receipt("vetting"));
    scene.receipt("receiver", CHANGE, &receipt("applied"));
    let found = read(&scene);
    assert_eq!((found.refusals.as_slice(), found.ignored_count), (&[][..], 0));
    let said: Vec<_> = found.records.iter().map(|r| (r.by.as_str(), r.said.kind(), r.order)).collect();
    assert_eq!(said, [("alice", "withdraw", 0), ("bob", "approve", 1)]);
    assert_eq!(found.records[0].commit, first);
    assert_eq!(found.records[0].key, scene.key("alice").fingerprint());
    assert!(found.records.iter().all(|r| r.standing == Standing::Good));
    let by: Vec<_> = found.receipts.iter().map(|r| (r.by.as_str(), r.order)).collect();
    assert_eq!(by, [("stager", 2), ("receiver", 3)]);
    assert_eq!(found.receipts[0].digest, fwgate::gate::Digest::of(receipt("vetting").as_bytes()));
}

#[test]
fn strangers_are_listed_and_harmless() {
    let scene = Scene::new();
    let mallory = scene.key("mallory");
    put(&scene, &approve(CHANGE), |draft| draft.signed(&mallory, "git"));
    put(&scene, "junk\n", Draft::payload);
    put(&scene, "thanks\n\nApproved-by: Bob <bob@example.net>\n", Draft::payload);
    put(&scene, "thanks\n\n\u{410}pproved\u{2010}b\u{443}: Bob\n", Draft::payload);
    put(&scene, "a note about approval: none\n", Draft::payload);
    let bob = scene.key("bob");
    put(&scene, &approve(CHANGE), |draft| draft.sealed(&bob.sign("git", b"something else")));
    scene.record("alice", CHANGE, &withdraw("still heard"));
    let found = read(&scene);
    assert_eq!(refusals(&found), []);
    assert_eq!(found.records.len(), 1);
    assert_eq!(found.ignored_count, 6);
    use ReasonCode::{NotAnApproval, SignerUnknown};
    assert_eq!(ignored(&found), [SignerUnknown, NotAnApproval, NotAnApproval, SignerUnknown]);
    assert!(matches!(found.ignored[0].claims, Some(Record::Approve(_))));
}

#[test]
fn a_malformed_record_of_a_roster_key_refuses() {
    let alice = |scene: &Scene| scene.key("alice");
    type Make = fn(&Scene, &Draft) -> Vec<u8>;
    let cases: [(&str, Make); 8] = [
        ("an encoding", |s, d| {
            Draft { headers: vec!["encoding UTF-8".into()], ..d.clone() }.signed(&s.key("alice"), "git")
        }),
        ("an unknown header", |s, d| Draft { headers: vec!["x y".into()], ..d.clone() }.signed(&s.key("alice"), "git")),
        ("the committer twice", |s, d| {
            let line = format!("committer {} 1 +0000", d.committer);
            Draft { headers: vec![line], ..d.clone() }.signed(&s.key("alice"), "git")
        }),
        ("two signatures", |s, d| {
            let armor = s.key("alice").sign("git", &d.payload());
            d.bytes(&[header("gpgsig", &armor), header("gpgsig", &armor)])
        }),
        ("bytes behind the signature", |s, d| {
            d.sealed(&format!("{}trailing\n", s.key("alice").sign("git", &d.payload())))
        }),
        ("no record", |s, d| Draft { message: "hello\n".into(), ..d.clone() }.signed(&s.key("alice"), "git")),
        ("a tree with files", |s, d| {
            let tree = s.tree_with(None, &[("a", "b")]);
            Draft { tree, ..d.clone() }.signed(&s.key("alice"), "git")
        }),
        ("two parents", |s, d| {
            let parents = vec![d.parents[0].clone(), s.head_of("refs/heads/main").unwrap()];
            Draft { parents, ..d.clone() }.signed(&s.key("alice"), "git")
        }),
    ];
    for (what, make) in cases {
        let scene = Scene::new();
        let _ = alice(&scene);
        put(&scene, &withdraw("x"), |draft| make(&scene, draft));
        let found = read(&scene);
        assert_eq!(refusals(&found), [ReasonCode::CommitMalformed], "{what}: {found:?}");
        assert_eq!(found.records, [], "{what}");
    }
}

#[test]
fn a_role_in_foreign_letters_is_malformed_and_confusable() {
    let scene = Scene::new();
    scene.record("bob", CHANGE, &approve(CHANGE).replace("role: network", "role: netw\u{43e}rk"));
    assert_eq!(refusals(&read(&scene)), [ReasonCode::CommitMalformed, ReasonCode::PolicyInvalid]);
}

#[test]
fn signatures_for_another_purpose_do_not_count() {
    let scene = Scene::new();
    let branch = changes(CHANGE);
    scene.sign_onto(&branch, "bob", "file", &approve(CHANGE));
    scene.sign_onto(&branch, "stager", "git", &receipt("vetting"));
    scene.sign_onto(&branch, "bob", "fwgate-receipt-staging@v1", &receipt("vetting"));
    let found = read(&scene);
    assert_eq!(ignored(&found), [ReasonCode::BadNamespace, ReasonCode::BadNamespace, ReasonCode::ReceiptUntrusted]);
    assert!(found.records.is_empty() && found.receipts.is_empty());
}

#[test]
fn receipts_count_only_from_the_machine_whose_purpose_they_are() {
    let scene = Scene::new();
    scene.record("bob", CHANGE, &receipt("vetting"));
    scene.receipt("receiver", CHANGE, &receipt("vetting"));
    scene.receipt("stager", CHANGE, &receipt("applied"));
    let found = read(&scene);
    assert_eq!(refusals(&found), [ReasonCode::ReceiptUntrusted; 3]);
    assert!(found.receipts.is_empty());
}

#[test]
fn a_record_about_another_change_is_no_evidence_here() {
    let scene = Scene::new();
    scene.record("bob", CHANGE, &approve("CHG-2"));
    let found = read(&scene);
    assert!(found.records.is_empty());
    assert_eq!(ignored(&found), [ReasonCode::WrongContext, ReasonCode::ApprovalStale]);
}

/// The scene's policy with another entry for a person's keys.
fn roster_with(scene: &Scene, who: &str, entry: &str) -> Roster {
    let key = scene.key(who).public;
    let text = scene.policy_text().replace(&format!("[\"{key}\"]"), &entry.replace("KEY", &key));
    let policy = read_policy(&PolicyFiles::single("fwgate.toml", text)).unwrap();
    Roster::read(&policy.persons, &policy.machines).0
}

#[test]
fn the_gates_clock_judges_keys_and_the_commits_does_not() {
    let scene = Scene::new();
    scene.record("bob", CHANGE, &approve(CHANGE));
    let standing = |entry: &str| {
        let roster = roster_with(&scene, "bob", entry);
        read_with(&scene, &roster, &Ledger::default()).records[0].standing
    };
    assert_eq!(standing("[{ key = \"KEY\", until = 2026-11-24 }]"), Standing::Good);
    assert_eq!(standing("[{ key = \"KEY\", until = 2026-11-23 }]"), Standing::Expired);
    assert_eq!(standing("[{ key = \"KEY\", from = 2026-11-24 }]"), Standing::Good);
    assert_eq!(standing("[{ key = \"KEY\", from = 2026-11-25 }]"), Standing::NotYetValid);
    assert_eq!(Standing::Expired.code(), Some(ReasonCode::KeyExpired));
    let forged = Scene::new();
    put(&forged, &approve(CHANGE), |draft| {
        Draft { at: draft.at - 400 * 86_400, ..draft.clone() }.signed(&forged.key("bob"), "git")
    });
    let roster = roster_with(&forged, "bob", "[{ key = \"KEY\", until = 2026-11-01 }]");
    assert_eq!(read_with(&forged, &roster, &Ledger::default()).records[0].standing, Standing::Expired);
}

#[test]
fn revoked_and_former_keys_are_known_as_such() {
    let scene = Scene::new();
    scene.record("bob", CHANGE, &approve(CHANGE));
    scene.record("dave", CHANGE, "fwgate-record/1 reject\nchange: CHG-1\nreason: no\n");
    let older = roster(&scene);
    let mut revoked = roster(&scene);
    revoked.revoke(&BTreeSet::from([scene.key("bob").fingerprint()]));
    let found = read_with(&scene, &revoked, &Ledger::default());
    assert_eq!(found.records[0].standing, Standing::Revoked);
    scene.set_policy(|policy: &mut PolicyText| policy.persons.retain(|(id, _)| id != "dave"));
    let mut newer = roster(&scene);
    assert_eq!(read_with(&scene, &newer, &Ledger::default()).records.len(), 1);
    newer.remember(&older);
    let found = read_with(&scene, &newer, &Ledger::default());
    assert_eq!((found.records[1].by.as_str(), found.records[1].standing), ("dave", Standing::Former));
}

#[test]
fn a_record_of_the_future_is_not_yet_valid() {
    let scene = Scene::new();
    scene.record("bob", CHANGE, &approve(CHANGE));
    scene.wait(-3600);
    assert_eq!(read(&scene).records[0].standing, Standing::NotYetValid);
}

#[test]
fn time_goes_forward_within_a_tolerance() {
    let scene = Scene::new();
    scene.record("alice", CHANGE, &withdraw("one"));
    scene.wait(-600);
    scene.record("bob", CHANGE, &approve(CHANGE));
    scene.wait(600);
    assert_eq!(refusals(&read(&scene)), []);
    scene.wait(-1201);
    scene.record("bob", CHANGE, &approve(CHANGE));
    scene.wait(1201);
    assert_eq!(refusals(&read(&scene)), [ReasonCode::TimeNotMonotonic]);
}

#[test]
fn a_record_cannot_be_older_than_a_witness_that_did_not_see_it() {
    let scene = Scene::new();
    scene.record("alice", CHANGE, &withdraw("one"));
    scene.wait(3600);
    scene.witness();
    scene.wait(-1800);
    scene.record("bob", CHANGE, &approve(CHANGE));
    scene.wait(1900);
    let repo = Repository::bare(&scene.remote_path()).unwrap();
    let branches = repo.evidence(&EvidenceSource::Bare).unwrap();
    let ledger = Ledger::read(branches.get(crate::scene::LEDGER), &roster(&scene), scene.instant());
    assert_eq!(ledger.refusals, []);
    let found = read_with(&scene, &roster(&scene), &ledger);
    assert_eq!(refusals(&found), [ReasonCode::TimeNotMonotonic]);
    assert_eq!(found.records[0].witnessed.map(|i| i.0), Some(crate::scene::BEGINNING + 3600));
    assert_eq!(found.records[1].witnessed, None);
}

#[test]
fn a_flooded_branch_is_beyond_the_bound_and_others_are_not() {
    let scene = Scene::new();
    let branch = changes(CHANGE);
    let mut parent = scene.tip(&branch);
    for number in 0..10_000 {
        parent = scene.store(&Draft::new("x", &parent, scene.now(), &format!("junk {number}\n")).payload());
    }
    scene.reset(&branch, Some(&parent));
    assert_eq!(refusals(&read(&scene)), [ReasonCode::LimitExceeded]);
    scene.record("alice", "CHG-2", &withdraw("x").replace("CHG-1", "CHG-2"));
    let repo = Repository::bare(&scene.remote_path()).unwrap();
    let other = &repo.evidence(&EvidenceSource::Bare).unwrap()[&changes("CHG-2")];
    assert_eq!(read_branch(other, &roster(&scene), &Ledger::default(), scene.instant()).records.len(), 1);
}

#[test]
fn a_branch_must_begin_at_the_fixed_root() {
    let scene = Scene::new();
    let main = scene.head_of("refs/heads/main").unwrap();
    let draft = Draft::new("alice", &main, scene.now(), &withdraw("x"));
    scene.put(&changes(CHANGE), &draft.signed(&scene.key("alice"), "git"));
    assert_eq!(refusals(&read(&scene)), [ReasonCode::HistoryUnverifiable]);
}

#[test]
fn a_key_with_two_owners_and_a_machine_among_the_persons_are_refused() {
    let scene = Scene::new();
    let folder = scene.path().join("more");
    let shared = Key::ed25519(&folder, "alice");
    let text = |extra: &str| scene.policy_text() + extra;
    let read = |text: String| match read_policy(&PolicyFiles::single("fwgate.toml", text)) {
        Ok(policy) => Roster::read(&policy.persons, &policy.machines).1.iter().map(|r| r.code).collect(),
        Err(_) => vec![ReasonCode::PolicyInvalid],
    };
    let person = format!("\n[[person]]\nid = \"eve\"\nroles = [\"network\"]\nkeys = [\"{} eve\"]\n", shared.public);
    assert_eq!(read(text(&person)), [ReasonCode::PolicyInvalid]);
    let fresh = Key::ed25519(&folder, "fresh").public;
    let machine = format!("\n[[person]]\nid = \"stager\"\nroles = [\"network\"]\nkeys = [\"{fresh}\"]\n");
    assert_eq!(read(text(&machine)), [ReasonCode::PolicyInvalid]);
}

#[test]
fn whoever_had_a_part_in_a_range_is_named() {
    let scene = Scene::new();
    let policy = scene.policy();
    let draft =
        |who: &str, message: &str| Draft { message: message.to_owned(), ..Draft::new(who, &"a".repeat(40), 1, "") };
    let raw = |bytes: Vec<u8>| fwgate::gate::RawCommit { id: scene.store(&bytes), bytes: bytes.into() };
    let forge =
        Draft { committer: "GitHub <noreply@example.com>".to_owned(), ..draft("bob", "x\n\nReviewed-by: Dave\n") };
    let rebased = draft("carol", "x\n").signed(&scene.key("alice"), "git");
    let stranger = draft("eve", "x\n\nCo-authored-by: Dave <DAVE@example.net>\n");
    let commits = [raw(forge.payload()), raw(rebased), raw(stranger.payload())];
    let found = fwgate::gate::contributions(&commits, &roster(&scene), &policy.persons);
    let persons: Vec<Vec<&str>> = found.iter().map(|c| c.persons.iter().map(String::as_str).collect()).collect();
    assert_eq!(persons, [vec!["bob"], vec!["alice", "carol"], vec!["dave"]]);
    assert_eq!(found[1].signer.as_deref(), Some("alice"));
    assert!(found[2].unknown.iter().eq(["eve@example.net"]));
    assert_eq!((found[0].looks_like_approval, found[0].unknown.len()), (true, 0));
}

#[test]
fn a_certificate_is_no_key_though_git_accepts_it() {
    if !crate::scene::has_program("ssh-keygen") {
        return;
    }
    let scene = Scene::new();
    let folder = scene.path().join("real");
    let bob = Key::generated(&folder, "bob", "ed25519", 0);
    let authority = Key::generated(&folder, "authority", "ed25519", 0);
    scene.set_key("bob", bob.clone());
    let mut command = std::process::Command::new("ssh-keygen");
    command.args(["-q", "-I", "bob", "-n", "bob", "-s"]).arg(&authority.path).arg(bob.path.with_extension("pub"));
    assert!(command.status().unwrap().success());
    let certified = Key { path: folder.join("bob-cert.pub"), public: String::new() };
    put(&scene, &approve(CHANGE), |draft| draft.sealed(&certified.sign_by_ssh_keygen("git", &draft.payload(), &[])));
    let found = read(&scene);
    assert_eq!((ignored(&found), found.records.len()), (vec![ReasonCode::KeyTypeRefused], 0));
    scene.record("bob", CHANGE, &approve(CHANGE));
    assert_eq!(read(&scene).records.len(), 1);
}
