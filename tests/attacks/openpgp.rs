//! A91 and its neighbours with real keys of GnuPG, in builds with the feature `openpgp`.

use crate::scene::{Draft, changes, has_program, stock_git};
use crate::stage::{CHANGE, Stage, Verdict, approval, now, owned};
use fwgate::gate::Record;
use std::io::Write;
use std::process::{Command, Stdio};

/// A GnuPG home with an agent of its own.
struct Gpg {
    home: tempfile::TempDir,
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", self.home.path()).status();
    }
}

impl Gpg {
    /// `None` where there is no GnuPG; fails there where nothing may be skipped.
    fn new() -> Option<Gpg> {
        if !has_program("gpg") {
            assert!(std::env::var("FWGATE_REQUIRE_KERNEL").is_ok_and(|v| v != "1"), "GnuPG is needed");
            return None;
        }
        let home = tempfile::tempdir().unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(home.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        Some(Gpg { home })
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut command = Command::new("gpg");
        command.args(["--batch", "--yes", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""]);
        command.args(arguments).env("GNUPGHOME", self.home.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// A key made at a time, for so long (`0`: for ever); its fingerprint.
    fn key(&self, name: &str, kind: &str, made: &str, length: &str) -> String {
        self.run(&["--faked-system-time", made, "--quick-generate-key", name, kind, "sign", length], b"");
        self.fingerprints(name)[0].clone()
    }

    /// A subkey for signing; its fingerprint.
    fn subkey(&self, primary: &str, made: &str, length: &str) -> String {
        self.run(&["--faked-system-time", made, "--quick-add-key", primary, "ed25519", "sign", length], b"");
        self.fingerprints(primary).pop().unwrap()
    }

    /// Fingerprints of a key and its subkeys.
    fn fingerprints(&self, name: &str) -> Vec<String> {
        let listed = String::from_utf8(self.run(&["--with-colons", "--list-keys", name], b"")).unwrap();
        let fingerprint = |line: &str| line.strip_prefix("fpr:").map(|rest| rest.trim_matches(':').to_owned());
        listed.lines().filter_map(fingerprint).collect()
    }

    fn public(&self, name: &str) -> String {
        String::from_utf8(self.run(&["--armor", "--export", name], b"")).unwrap()
    }

    /// What the program answers when it is asked on its command channel.
    fn edit(&self, key: &str, words: &str) {
        self.run(&["--command-fd", "0", "--expert", "--edit-key", key], words.as_bytes());
    }

    fn revoke(&self, key: &str) {
        let path = self.home.path().join(format!("openpgp-revocs.d/{key}.rev"));
        let text = std::fs::read_to_string(path).unwrap().replace(":-----BEGIN", "-----BEGIN");
        self.run(&["--import"], text.as_bytes());
    }

    /// As git calls it, by this very key.
    fn sign(&self, key: &str, payload: &[u8], options: &[&str]) -> String {
        let user = format!("{key}!");
        let armor = self.run(&[options, &["-bsau", &user]].concat(), payload);
        String::from_utf8(armor).unwrap()
    }
}

/// Long before anything of the stage.
const LONG_AGO: &str = "20200101T000000";

/// A stage whose bob has this certificate and no other key.
fn stage_with(certificate: &str) -> Stage {
    let scene = Stage::empty();
    let bob = format!("\"{}\"", scene.key("bob").public);
    scene.set_policy(|p| p.edits = owned(&[(&bob, &format!("\"\"\"\n{certificate}\"\"\""))]));
    Stage::built(scene, &[])
}

/// Announced, and approved by all; bob's approval is signed as one likes.
fn approved(stage: &Stage, sign: impl Fn(&[u8]) -> String) -> Verdict {
    let facts = stage.announced();
    stage.approved_by(&[("carol", "network"), ("dave", "security")], &facts);
    let branch = changes(CHANGE);
    let text = Record::Approve(approval("network", &facts)).text();
    let draft = Draft::new("bob", &stage.scene.tip(&branch), now() - 60, &text);
    stage.scene.wait(now() - 60 - stage.scene.now());
    stage.scene.put(&branch, &draft.sealed(&sign(&draft.payload())));
    stage.scene.witness();
    stage.permit()
}

fn of(gpg: &Gpg, key: &str, options: &[&str]) -> Verdict {
    let stage = stage_with(&gpg.public("bob"));
    approved(&stage, |payload| gpg.sign(key, payload, options))
}

#[test]
fn a91_keys_and_subkeys_that_count() {
    let Some(gpg) = Gpg::new() else { return };
    let primary = gpg.key("bob", "ed25519", LONG_AGO, "0");
    of(&gpg, &primary, &[]).granted();
    let subkey = gpg.subkey(&primary, LONG_AGO, "0");
    let verdict = of(&gpg, &subkey, &[]).granted();
    assert_eq!(verdict.document["reasons"].as_array().map(Vec::len), Some(0), "{verdict}");
    for (name, kind) in [("ec", "nistp256"), ("long", "rsa3072")] {
        let Some(gpg) = Gpg::new() else { return };
        let key = gpg.key("bob", kind, LONG_AGO, "0");
        let verdict = of(&gpg, &key, &[]);
        assert_eq!(verdict.exit, Some(0), "{name}: {verdict}");
    }
}

#[test]
fn a91_subkey_after_the_revocation_of_its_primary_key() {
    let Some(gpg) = Gpg::new() else { return };
    let primary = gpg.key("bob", "ed25519", LONG_AGO, "0");
    let subkey = gpg.subkey(&primary, LONG_AGO, "0");
    let before = gpg.public("bob");
    of(&gpg, &subkey, &[]).granted();
    gpg.revoke(&primary);
    let after = gpg.public("bob");
    for key in [&subkey, &primary] {
        let verdict = approved(&stage_with(&after), |payload| resigned(&gpg, &before, key, payload));
        assert!(verdict.codes().contains(&"APPROVAL_MISSING"), "{verdict}");
        verdict.denied("KEY_REVOKED");
    }
}

/// A signature by a key that this home calls revoked: a home of old still makes it.
fn resigned(gpg: &Gpg, before: &str, key: &str, payload: &[u8]) -> String {
    let old = Gpg::new().unwrap();
    let keys = gpg.home.path().join("private-keys-v1.d");
    let copy = old.home.path().join("private-keys-v1.d");
    std::fs::create_dir_all(&copy).unwrap();
    for entry in std::fs::read_dir(keys).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    old.run(&["--import"], before.as_bytes());
    old.sign(key, payload, &[])
}

#[test]
fn a91_revoked_subkey() {
    let Some(gpg) = Gpg::new() else { return };
    let primary = gpg.key("bob", "ed25519", LONG_AGO, "0");
    let subkey = gpg.subkey(&primary, LONG_AGO, "0");
    let before = gpg.public("bob");
    gpg.edit(&primary, "key 1\nrevkey\ny\n0\n\ny\nsave\n");
    let stage = stage_with(&gpg.public("bob"));
    approved(&stage, |payload| resigned(&gpg, &before, &subkey, payload)).denied("KEY_REVOKED");
    // The primary key is as good as before.
    of(&gpg, &primary, &[]).granted();
}

#[test]
fn a91_expired_key_and_subkey() {
    let Some(gpg) = Gpg::new() else { return };
    let primary = gpg.key("bob", "ed25519", LONG_AGO, "1y");
    let verdict = of_time(&gpg, &primary);
    verdict.denied("KEY_EXPIRED");
    let Some(gpg) = Gpg::new() else { return };
    let primary = gpg.key("bob", "ed25519", LONG_AGO, "0");
    let subkey = gpg.subkey(&primary, LONG_AGO, "1y");
    of_time(&gpg, &subkey).denied("KEY_EXPIRED");
}

/// A signature by a key whose time is over, made by a program that is told another time, and dated as the commit is.
fn of_time(gpg: &Gpg, key: &str) -> Verdict {
    let stage = stage_with(&gpg.public("bob"));
    let facts = stage.announced();
    stage.approved_by(&[("carol", "network"), ("dave", "security")], &facts);
    let branch = changes(CHANGE);
    let draft = Draft::new(
        "bob",
        &stage.scene.tip(&branch),
        stage.scene.now(),
        &Record::Approve(approval("network", &facts)).text(),
    );
    let armor = gpg.sign(key, &draft.payload(), &["--faked-system-time", "20200601T000000"]);
    stage.scene.put(&branch, &draft.sealed(&armor));
    stage.settle();
    stage.permit()
}

#[test]
fn a91_weak_keys_and_hashes() {
    let Some(gpg) = Gpg::new() else { return };
    gpg.key("bob", "rsa2048", LONG_AGO, "0");
    let stage = stage_with(&gpg.public("bob"));
    stage.ready();
    stage.permit().denied("KEY_TYPE_REFUSED");
    let Some(gpg) = Gpg::new() else { return };
    let key = gpg.key("bob", "ed25519", LONG_AGO, "0");
    let verdict = of(&gpg, &key, &["--digest-algo", "SHA1"]);
    assert!(verdict.to_string().contains("SHA-2"), "{verdict}");
    verdict.denied("KEY_TYPE_REFUSED");
    // A certificate that says what it is by SHA-1 only.
    let Some(gpg) = Gpg::new() else { return };
    gpg.run(&["--cert-digest-algo", "SHA1", "--quick-generate-key", "bob", "ed25519", "sign", "0"], b"");
    let stage = stage_with(&gpg.public("bob"));
    stage.ready();
    stage.permit().denied("KEY_TYPE_REFUSED");
}

#[test]
fn a91_signatures_of_another_form() {
    let Some(gpg) = Gpg::new() else { return };
    let key = gpg.key("bob", "ed25519", LONG_AGO, "0");
    let other = gpg.key("mallory", "ed25519", LONG_AGO, "0");
    let more = format!("{other}!");
    of(&gpg, &key, &["-u", &more]).denied("KEY_TYPE_REFUSED");
    of(&gpg, &key, &["--textmode"]).denied("KEY_TYPE_REFUSED");
    of(&gpg, &key, &["--default-sig-expire", "1y"]).denied("KEY_TYPE_REFUSED");
    of(&gpg, &key, &["--sig-notation", "!x@example.net=y"]).denied("KEY_TYPE_REFUSED");
    of(&gpg, &other, &[]).denied("SIGNER_UNKNOWN");
    // Other bytes than the commit's.
    let stage = stage_with(&gpg.public("bob"));
    approved(&stage, |payload| gpg.sign(&key, &[payload, b"\n"].concat(), &[])).denied("SIGNER_UNKNOWN");
    // Made at another time than the commit.
    of(&gpg, &key, &["--faked-system-time", "20240101T000000"]).denied("TIME_NOT_MONOTONIC");
}

#[test]
fn a91_one_certificate_of_two_persons_and_of_a_machine() {
    let Some(gpg) = Gpg::new() else { return };
    gpg.key("bob", "ed25519", LONG_AGO, "0");
    let certificate = format!("\"\"\"\n{}\"\"\"", gpg.public("bob"));
    for (others, code) in [("carol", "POLICY_INVALID"), ("stager", "KEY_TYPE_REFUSED")] {
        let scene = Stage::empty();
        let [bob, other] = ["bob", others].map(|name| format!("\"{}\"", scene.key(name).public));
        scene.set_policy(|p| p.edits = owned(&[(&bob, &certificate), (&other, &certificate)]));
        let stage = Stage::built(scene, &[]);
        stage.ready();
        let verdict = stage.permit();
        assert!(verdict.codes().contains(&code) || verdict.codes().contains(&"POLICY_INVALID"), "{verdict}");
        assert!(verdict.permit.is_none());
    }
}

/// Stock git with GnuPG, and `fwgate change approve` with the same configuration.
#[test]
fn a91_as_people_sign() {
    let Some(gpg) = Gpg::new() else { return };
    let key = gpg.key("bob", "ed25519", LONG_AGO, "0");
    let stage = stage_with(&gpg.public("bob"));
    let facts = stage.announced();
    stage.approved_by(&[("carol", "network"), ("dave", "security")], &facts);
    stage.present();
    let clone = stage.scene.clone_as("approver");
    let record = stage.scene.write("record", &Record::Approve(approval("network", &facts)).text());
    clone.git(&["fetch", "-q", "origin", "refs/heads/fwgate/*:refs/remotes/origin/fwgate/*"]);
    let mut command = stock_git(&clone.path);
    command.env("GNUPGHOME", gpg.home.path()).args([
        "-c",
        "gpg.format=openpgp",
        "-c",
        &format!("user.signingKey={key}"),
    ]);
    command.args(["commit-tree", "-S", "-p", "refs/remotes/origin/fwgate/changes/CHG-1", "-F"]).arg(record);
    let commit = crate::scene::run(command.arg("4b825dc642cb6eb9a060e54bf8d69288fbee4904"));
    clone.git(&["push", "-q", "origin", &format!("{commit}:refs/heads/fwgate/changes/CHG-1")]);
    stage.scene.witness();
    stage.permit().granted();
    // The same by fwgate, from the user's own configuration.
    let stage = stage_with(&gpg.public("bob"));
    let facts = stage.announced();
    stage.approved_by(&[("carol", "network"), ("dave", "security")], &facts);
    stage.present();
    stage.scene.witness();
    let home = stage.scene.path().join("home");
    std::fs::create_dir_all(&home).unwrap();
    let config =
        format!("[user]\n\tname = bob\n\temail = bob@example.net\n\tsigningkey = {key}\n[gpg]\n\tformat = openpgp\n");
    std::fs::write(home.join(".gitconfig"), config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fwgate"));
    command.args(["change", "approve", CHANGE, "--role", "network", "--yes", "--root"]).arg(stage.root());
    command.current_dir(stage.clone_path()).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("HOME", &home).env("GNUPGHOME", gpg.home.path());
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    stage.permit().granted();
}

impl Stage {
    /// The clock of the stage is that of the machine.
    fn present(&self) {
        self.scene.wait(now() - self.scene.now());
    }
}
