//! Commits as bytes: the one form of evidence, and what a tolerant reader finds in the others.

use crate::scene::{Draft, Scene, header, run, stock_git};
use fwgate::gate::{EvidenceCommit, OrdinaryCommit};

const PARENT: &str = "2b825dc642cb6eb9a060e54bf8d69288fbee4904";

fn draft() -> Draft {
    Draft::new("alice", PARENT, 1_795_514_400, "fwgate-record/1 withdraw\nchange: CHG-1\nreason: no\n")
}

#[test]
fn what_git_signs_is_read_to_the_last_byte() {
    let scene = Scene::new();
    let clone = scene.clone_as("work");
    let key = scene.key("alice");
    let record = scene.write("record", "fwgate-record/1 withdraw\nchange: CHG-1\nreason: no\n");
    let root = scene.store(crate::scene::EVIDENCE_ROOT.as_bytes());
    clone.git(&["fetch", "-q", "origin"]);
    let mut git = stock_git(&scene.remote_path());
    git.args(["-c", "gpg.format=ssh", "-c", &format!("user.signingKey={}", key.path.display())]);
    git.args(["commit-tree", "-S", "-p", &root, "-F"]).arg(&record).arg("4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    let bytes = scene.bytes_of(&run(&mut git));
    let commit = EvidenceCommit::read(&bytes).unwrap();
    assert_eq!(commit.parents, [root]);
    assert_eq!(commit.message, "fwgate-record/1 withdraw\nchange: CHG-1\nreason: no\n");
    assert_eq!(commit.committer.email, "nobody@example.net");
    assert!(commit.seal.armor.starts_with("-----BEGIN SSH SIGNATURE-----\n"));
    assert!(commit.seal.armor.ends_with("\n-----END SSH SIGNATURE-----\n"));
    assert_eq!(OrdinaryCommit::read(&bytes).seals, [commit.seal]);
}

#[test]
fn every_other_form_is_refused() {
    let armor = "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n";
    assert!(EvidenceCommit::read(&draft().sealed(armor)).is_ok());
    let with = |line: &str| Draft { headers: vec![line.to_owned()], ..draft() }.sealed(armor);
    let text = String::from_utf8(draft().sealed(armor)).unwrap();
    let swap = |from: &str, to: &str| text.replacen(from, to, 1).into_bytes();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("no signature", draft().payload()),
        ("an encoding", with("encoding ISO-8859-1")),
        ("a merge tag", with("mergetag object 0000")),
        ("an unknown header", with("note hello")),
        ("a second author", with("author Eve <eve@example.net> 1 +0000")),
        ("a second signature", draft().bytes(&[header("gpgsig", armor), header("gpgsig", armor)])),
        ("a signature for SHA-256", draft().bytes(&[header("gpgsig", armor), header("gpgsig-sha256", armor)])),
        ("a header behind the signature", draft().bytes(&[header("gpgsig", armor), "x y".to_owned()])),
        ("parents behind the author", swap("\nauthor", "\nauthor A <a@b> 1 +0000\nparent 00\nauthor")),
        ("an upper-case id", swap("tree 4b825dc", "tree 4B825DC")),
        ("no tree", swap("tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n", "")),
        ("two addresses", swap("<alice@example.net>", "<a@b> <alice@example.net>")),
        ("a leading zero of time", swap("> 1795514400", "> 01795514400")),
        ("no zone", swap("1795514400 +0000", "1795514400")),
        ("a NUL", swap("reason: no", "reason: \0no")),
        ("a carriage return", swap("reason: no", "reason: no\r")),
        ("no line feed at the end", text.trim_end().as_bytes().to_vec()),
        ("no message", text.split("\n\n").next().unwrap().as_bytes().to_vec()),
        ("no UTF-8", [text.as_bytes(), b"\xff\n"].concat()),
        ("64 KiB", [text.as_bytes(), "x".repeat(65_536).as_bytes(), b"\n"].concat()),
        ("nothing", Vec::new()),
    ];
    for (what, bytes) in cases {
        assert!(EvidenceCommit::read(&bytes).is_err(), "{what}");
    }
}

#[test]
fn every_signature_of_a_strange_commit_is_found() {
    let twice = draft().bytes(&[header("gpgsig", "one\ntwo\n"), header("gpgsig-sha256", "three\n")]);
    let found = OrdinaryCommit::read(&twice).seals;
    let armors: Vec<&str> = found.iter().map(|seal| seal.armor.as_str()).collect();
    assert_eq!(armors, ["one\ntwo\n", "one\ntwo\n", "three\n", "three\n"]);
    assert_eq!(found[0].payload, draft().payload());
    assert_eq!(found[1].payload, draft().bytes(&[header("gpgsig-sha256", "three\n")]));
}

#[test]
fn whoever_claims_a_part_is_named() {
    let mut draft = draft();
    draft.committer = "GitHub <noreply@example.com>".to_owned();
    draft.message = "x\n\nCo-authored-by: Bob <Bob@Example.net>\nco-AUTHORED-by : C <c@example.net>\n".to_owned();
    let commit = OrdinaryCommit::read(&draft.payload());
    let expected = ["alice@example.net", "bob@example.net", "c@example.net", "noreply@example.com"];
    assert!(commit.claimants().iter().eq(expected.iter()));
}

#[test]
fn no_mutation_makes_the_readers_panic() {
    let bytes = draft().sealed("-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n");
    for at in 0..bytes.len() {
        for value in [0, b'\n', b' ', 0xff, bytes[at] ^ 1] {
            let mut changed = bytes.clone();
            changed[at] = value;
            EvidenceCommit::read(&changed).ok();
            OrdinaryCommit::read(&changed);
            EvidenceCommit::read(&bytes[..at]).ok();
            OrdinaryCommit::read(&bytes[at..]);
        }
    }
}
