//! SSH keys and signatures: what `ssh-keygen` makes verifies, and what is weak, foreign or of another kind does not.

use crate::scene::{Key, has_program};
use base64ct::{Base64, Encoding};
use ed25519_dalek::Signer;
use fwgate::gate::ReasonCode;
use fwgate::gate::signature::{SignatureFlaw, UserCheck, read_envelope, read_public_key, verify};
use sha2::Digest;

const PAYLOAD: &[u8] = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n";

fn judge(public: &str, armor: &str, payload: &[u8], check: UserCheck) -> Result<(), SignatureFlaw> {
    verify(&read_envelope(armor).unwrap(), payload, &read_public_key(public).unwrap(), check)
}

#[test]
fn signatures_of_ssh_keygen_verify_for_every_accepted_kind() {
    if !has_program("ssh-keygen") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (kind, bits) in [("ed25519", 0), ("ecdsa", 256), ("ecdsa", 384), ("rsa", 3072)] {
        let key = Key::generated(folder.path(), &format!("{kind}{bits}"), kind, bits);
        for options in [&[][..], &["hashalg=sha256"][..]] {
            let armor = key.sign_by_ssh_keygen("git", PAYLOAD, options);
            let envelope = read_envelope(&armor).unwrap();
            assert!(envelope.is_exact, "{kind} {bits}");
            assert_eq!(envelope.namespace, "git");
            assert_eq!(judge(&key.public, &armor, PAYLOAD, UserCheck::Presence), Ok(()), "{kind} {bits}");
            assert_eq!(judge(&key.public, &armor, b"other", UserCheck::Presence), Err(SignatureFlaw::Bad), "{kind}");
        }
    }
}

#[test]
fn our_fingerprints_are_those_of_ssh_keygen() {
    if !has_program("ssh-keygen") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let key = Key::generated(folder.path(), "k", "ecdsa", 384);
    let output = std::process::Command::new("ssh-keygen").arg("-lf").arg(&key.path).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(shown.split(' ').nth(1).unwrap(), read_public_key(&key.public).unwrap().fingerprint());
}

#[test]
fn keys_that_are_not_accepted_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let good = Key::ed25519(folder.path(), "good").public;
    let body = good.split(' ').nth(1).unwrap().to_owned();
    let weak = wire(&[b"ssh-ed25519", &[&[1_u8][..], &[0; 31][..]].concat()]);
    let mut cases = vec![
        (format!("ssh-ed25519-cert-v01@openssh.com {body} c"), ReasonCode::KeyTypeRefused),
        (format!("cert-authority {good}"), ReasonCode::KeyTypeRefused),
        (format!("cert-authority,namespaces=\"git\" {good}"), ReasonCode::KeyTypeRefused),
        (format!("@cert-authority * {good}"), ReasonCode::KeyTypeRefused),
        (format!("ssh-dss {body} d"), ReasonCode::KeyTypeRefused),
        (format!("ssh-ed25519 {}", Base64::encode_string(&weak)), ReasonCode::KeyTypeRefused),
        (format!("* {good}"), ReasonCode::PolicyInvalid),
        (format!("namespaces=\"git\" {good}"), ReasonCode::PolicyInvalid),
        (format!("{good}\n{good}"), ReasonCode::PolicyInvalid),
        (format!("ecdsa-sha2-nistp256 {body}"), ReasonCode::PolicyInvalid),
        (format!("ssh-ed25519 {}", &body[..40]), ReasonCode::PolicyInvalid),
        (String::new(), ReasonCode::PolicyInvalid),
    ];
    if has_program("ssh-keygen") {
        let short = Key::generated(folder.path(), "short", "rsa", 2048).public;
        let wide = Key::generated(folder.path(), "wide", "ecdsa", 521).public;
        cases.extend([(short, ReasonCode::KeyTypeRefused), (wide, ReasonCode::KeyTypeRefused)]);
    }
    for (text, code) in cases {
        assert_eq!(read_public_key(&text).unwrap_err().code, code, "{text}");
    }
}

/// Byte strings with their lengths.
fn wire(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().flat_map(|part| [&u32::try_from(part.len()).unwrap().to_be_bytes()[..], part].concat()).collect()
}

/// A key on hardware, played by software as `PROTOCOL.u2f` has it: its public line, and a signature with these flags.
fn hardware(flags: u8) -> (String, String) {
    let pair = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let kind = b"sk-ssh-ed25519@openssh.com";
    let blob = wire(&[kind, pair.verifying_key().as_bytes(), b"ssh:"]);
    let message = [&b"SSHSIG"[..], wire(&[b"git", b"", b"sha512", &sha2::Sha512::digest(PAYLOAD)]).as_slice()].concat();
    let trailer = [&[flags][..], &7_u32.to_be_bytes()].concat();
    let signed = [&sha2::Sha256::digest(b"ssh:")[..], &trailer, &sha2::Sha256::digest(&message)].concat();
    let signature = [wire(&[kind, &pair.sign(&signed).to_bytes()]), trailer].concat();
    (format!("{} {}", std::str::from_utf8(kind).unwrap(), Base64::encode_string(&blob)), armored(&blob, &signature))
}

fn armored(blob: &[u8], signature: &[u8]) -> String {
    let body = [&b"SSHSIG\0\0\0\x01"[..], wire(&[blob, b"git", b"", b"sha512", signature]).as_slice()].concat();
    let base64 = Base64::encode_string(&body);
    let lines: Vec<&str> = base64.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
}

#[test]
fn a_key_on_hardware_must_prove_that_the_user_was_there() {
    let present = 0x01;
    let verified = 0x05;
    let cases = [
        (present, UserCheck::Presence, Ok(())),
        (verified, UserCheck::Presence, Ok(())),
        (verified, UserCheck::Verification, Ok(())),
        (0x00, UserCheck::Presence, Err(SignatureFlaw::User("present"))),
        (0x04, UserCheck::Verification, Err(SignatureFlaw::User("present"))),
        (present, UserCheck::Verification, Err(SignatureFlaw::User("verified"))),
    ];
    for (flags, check, expected) in cases {
        let (public, armor) = hardware(flags);
        assert!(read_envelope(&armor).unwrap().is_exact);
        assert_eq!(judge(&public, &armor, PAYLOAD, check), expected, "{flags:#x} {check:?}");
        assert_eq!(judge(&public, &armor, b"other", check), Err(SignatureFlaw::Bad));
    }
}

#[test]
fn sha1_and_foreign_algorithms_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let key = Key::ed25519(folder.path(), "alice");
    let blob = read_public_key(&key.public).unwrap().blob().to_vec();
    for algorithm in [&b"ssh-rsa"[..], b"ssh-dss", b"ecdsa-sha2-nistp256", b"ssh-ed25519-cert-v01@openssh.com"] {
        let armor = armored(&blob, &wire(&[algorithm, &[0; 64]]));
        let found = judge(&key.public, &armor, PAYLOAD, UserCheck::Presence);
        assert!(matches!(found, Err(SignatureFlaw::Kind(_))), "{found:?}");
    }
}

#[test]
fn a_signature_has_one_spelling() {
    let folder = tempfile::tempdir().unwrap();
    let armor = Key::ed25519(folder.path(), "alice").sign("git", PAYLOAD);
    assert!(read_envelope(&armor).unwrap().is_exact);
    let lines: Vec<&str> = armor.lines().collect();
    let short = [&[lines[0], &lines[1][..10], &lines[1][10..]][..], &lines[2..]].concat().join("\n");
    for other in [format!("x{armor}"), format!("{armor}\n"), format!("{armor}x"), armor.replace('\n', "\r\n"), short] {
        assert!(!read_envelope(&other).unwrap().is_exact, "{other:?}");
    }
    for broken in ["", "-----BEGIN SSH SIGNATURE-----", &armor.replace("SSH SIG", "PGP SIG"), &"x".repeat(40_000)] {
        assert!(read_envelope(broken).is_none(), "{broken:.60}");
    }
}

#[test]
fn no_changed_byte_of_a_signature_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let key = Key::ed25519(folder.path(), "alice");
    let armor = key.sign("git", PAYLOAD);
    for at in 0..armor.len() {
        let mut bytes = armor.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let Some(envelope) = read_envelope(std::str::from_utf8(&bytes).unwrap()) else { continue };
        let good = verify(&envelope, PAYLOAD, &read_public_key(&key.public).unwrap(), UserCheck::Presence).is_ok();
        assert!(!(good && envelope.is_exact), "the byte {at} does not matter");
    }
}
