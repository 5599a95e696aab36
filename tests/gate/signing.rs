//! What is written and signed here is believed there.

use crate::scene::{EVIDENCE_ROOT, Scene};
use fwgate::gate::EvidenceCommit;
use fwgate::gate::signature::{UserCheck, read_envelope, read_public_key, verify};
use fwgate::vcs::{EvidenceDraft, Signer, SignerFlags, SigningError, sign_by_machine};

fn draft() -> EvidenceDraft {
    EvidenceDraft {
        parents: None,
        name: "Alice <x>\n".to_owned(),
        email: "alice@example.net".to_owned(),
        at: crate::scene::BEGINNING,
        message: "hello\n".to_owned(),
    }
}

fn is_believed(bytes: &[u8], public: &str, namespace: &str) -> bool {
    let commit = EvidenceCommit::read(bytes).unwrap();
    let envelope = read_envelope(&commit.seal.armor).unwrap();
    let key = read_public_key(public).unwrap();
    envelope.is_exact
        && envelope.namespace == namespace
        && verify(&envelope, &commit.seal.payload, &key, UserCheck::Presence).is_ok()
}

#[test]
fn what_a_machine_signs_is_believed() {
    let scene = Scene::new();
    let key = scene.key("ledger");
    let armor = sign_by_machine(&key.path, "fwgate-ledger@v1", &draft().payload().unwrap()).unwrap();
    let bytes = draft().sealed(&armor).unwrap();
    assert!(is_believed(&bytes, &key.public, "fwgate-ledger@v1"));
    let repo = scene.clone_as("work").open();
    let id = repo.store_evidence(&bytes).unwrap();
    let branch = repo.evidence_branch("refs/heads/fwgate/ledger", id).unwrap();
    assert!(branch.is_whole);
    assert_eq!(branch.commits.len(), 1);
    assert_eq!(fwgate::vcs::EVIDENCE_ROOT, EVIDENCE_ROOT.as_bytes());
}

#[test]
fn what_a_person_signs_with_a_key_file_is_believed() {
    let scene = Scene::new();
    let key = scene.key("alice");
    let signer = Signer::of_user(&SignerFlags { key: Some(key.path.clone()) }).unwrap();
    let armor = signer.sign(&draft().payload().unwrap(), &scene.path().join("work")).unwrap();
    assert!(is_believed(&draft().sealed(&armor).unwrap(), &key.public, "git"));
}

#[test]
fn a_key_that_others_can_read_or_that_is_none_is_refused() {
    let scene = Scene::new();
    let key = scene.key("ledger");
    let refused = |path: &std::path::Path| sign_by_machine(path, "fwgate-ledger@v1", b"x").unwrap_err();
    assert!(matches!(refused(&key.path.with_extension("pub")), SigningError::Key { .. }));
    assert!(matches!(refused(&scene.path()), SigningError::Key { .. }));
    assert!(matches!(refused(&scene.path().join("none")), SigningError::Key { .. }));
    std::process::Command::new("chmod").arg("0644").arg(&key.path).status().unwrap();
    assert!(refused(&key.path).to_string().contains("others can read it"));
}
