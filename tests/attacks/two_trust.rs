//! Who may say something, with which key, and for what.

use crate::scene::{Draft, Key, LEDGER, PolicyText, changes, has_program};
use crate::stage::{APPROVERS, CHANGE, Stage, approval, vetting};
use crate::two_fleet::Fleet;
use base64ct::{Base64, Encoding};
use ed25519_dalek::Signer;
use fwgate::gate::{Hold, Instant, PolicyRecord, Record, Reject, Scope, sha256};
use sha2::Digest;
use std::process::Command;

#[test]
fn a71_roster_edited_without_the_quorum() {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.permit().granted();
    fleet.policy_without_voices(|policy| policy.persons.push(("mallory".into(), vec!["network".into()])));
    fleet.permit().denied("POLICY_UNAUTHORISED");
    // A signature of the forge, or voices of too few, authorise nothing.
    let version = fleet.scene.policy().version;
    let policy = fwgate::gate::files_digest([("fwgate.toml", fleet.scene.policy_text().as_bytes())]);
    for (person, role) in [("mallory", "network"), ("bob", "network")] {
        let record = PolicyRecord { change: "POL-2".into(), version, policy, role: role.into() };
        fleet.say(person, "POL-2", &Record::Policy(record));
    }
    fleet.scene.witness();
    fleet.permit().denied("POLICY_UNAUTHORISED");
}

#[test]
fn a71_roster_edited_in_the_same_version() {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.policy_without_voices(|policy| {
        policy.version -= 1;
        policy.persons.push(("mallory".into(), vec!["network".into()]));
    });
    fleet.permit().denied("POLICY_UNAUTHORISED");
}

#[test]
fn a71_root_of_another_policy() {
    let stage = Stage::new();
    stage.ready();
    let root = std::fs::read_to_string(stage.root()).unwrap();
    let digest = root.split('"').find(|word| word.starts_with("sha256:")).unwrap();
    let other = stage.scene.write("other.toml", &root.replace(digest, &sha256(b"another").to_string()));
    stage.set_root(other);
    stage.permit().no_verdict("POLICY_UNAUTHORISED");
}

#[test]
fn a72_no_root() {
    let stage = Stage::new();
    stage.ready();
    let clone = stage.clone_path();
    stage.ask(&clone, &[], CHANGE, &[]).denied("ROOT_MISSING");
    let missing = stage.scene.path().join("nowhere.toml");
    stage.ask(&clone, &["--root", missing.to_str().unwrap()], CHANGE, &[]).denied("ROOT_MISSING");
    let empty = stage.scene.write("empty.toml", "");
    stage.ask(&clone, &["--root", empty.to_str().unwrap()], CHANGE, &[]).denied("ROOT_MISSING");
}

#[test]
fn a72_root_out_of_the_work_tree() {
    let stage = Stage::new();
    stage.ready();
    let clone = stage.clone_path();
    let inside = clone.join("root.toml");
    std::fs::copy(stage.root(), &inside).unwrap();
    stage.ask(&clone, &["--root", "root.toml"], CHANGE, &[]).denied("ROOT_MISSING");
    stage.ask(&clone, &[], CHANGE, &[("FWGATE_ROOT", inside.to_str().unwrap())]).denied("ROOT_MISSING");
    let link = stage.scene.path().join("link.toml");
    std::os::unix::fs::symlink(&inside, &link).unwrap();
    stage.ask(&clone, &["--root", link.to_str().unwrap()], CHANGE, &[]).denied("ROOT_MISSING");
}

#[test]
fn a77_receipt_by_somebody_whose_it_is_not() {
    // A person; a machine of another purpose; in the right namespace or in their own.
    for (who, namespace) in [
        ("erin", "fwgate-receipt-staging@v1"),
        ("erin", "git"),
        ("receiver", "fwgate-receipt-production@v1"),
        ("deployer", "fwgate-permit@v1"),
    ] {
        let fleet = Fleet::new();
        let head = fleet.propose(&[]);
        let mut facts = fleet.facts(CHANGE, &head);
        fleet.announce("alice", &facts);
        let text = vetting(&facts, fleet.scene.instant()).text();
        fleet.scene.sign_onto(&changes(CHANGE), who, namespace, &text);
        facts.vetting = Some(sha256(text.as_bytes()));
        fleet.scene.wait(600);
        fleet.scene.witness();
        fleet.approved_by(&APPROVERS, &facts);
        fleet.settle();
        let verdict = fleet.permit();
        assert!(verdict.codes().contains(&"RECEIPT_UNTRUSTED"), "{who} {namespace}: {verdict}");
        verdict.denied("NOT_VETTED");
    }
}

#[test]
fn a77_permit_by_somebody_whose_it_is_not() {
    let fleet = Fleet::new();
    fleet.ready();
    let permit = fleet.permit().granted().permit.unwrap();
    let (message, _) = permit.split_once("\n\n").unwrap();
    for (who, namespace) in [
        ("alice", "fwgate-permit@v1"),
        ("mallory", "fwgate-permit@v1"),
        ("ledger", "fwgate-permit@v1"),
        ("stager", "fwgate-receipt-staging@v1"),
        ("deployer", "git"),
        ("deployer", "fwgate-ledger@v1"),
    ] {
        let forged = fleet.signed_permit(who, namespace, &format!("{message}\n"));
        fleet.push_as("one", CHANGE, "runner", &forged).refused("PERMIT_UNTRUSTED");
    }
    let edited = fleet.scene.write("edited.permit", &permit.replace("holder: runner", "holder: mallory"));
    fleet.push_as("one", CHANGE, "mallory", &edited).refused("PERMIT_UNTRUSTED");
    let empty = fleet.scene.write("empty.permit", "");
    fleet.push_as("one", CHANGE, "runner", &empty).refused("PERMIT_UNTRUSTED");
    assert_eq!(fleet.started(), [""; 0]);
}

#[test]
fn a78_permit_of_another_holder() {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.permit().granted();
    fleet.push_as("one", CHANGE, "mallory", &fleet.permit_path(CHANGE)).refused("PERMIT_WRONG_HOLDER");
    assert_eq!(fleet.started(), [""; 0]);
}

#[test]
fn a79_machine_key_as_an_approver() {
    let stage = Stage::new();
    let of_machine = |stage: &Stage, id: &str| {
        stage.scene.set_key("robot", stage.scene.key("deployer"));
        vec![(id.to_owned(), vec!["network".to_owned()])]
    };
    for id in ["robot", "deployer"] {
        let other = Stage::of(|_| {}, &[]);
        let persons = of_machine(&other, id);
        let text = with_persons(&other, persons);
        judged_with(&other, &text).denied("POLICY_INVALID");
    }
    // It approves all the same.
    let facts = stage.announced();
    stage.approved_by(&[("bob", "network"), ("deployer", "network"), ("dave", "security")], &facts);
    stage.settle();
    stage.permit().denied("APPROVAL_MISSING");
}

fn with_persons(stage: &Stage, persons: Vec<(String, Vec<String>)>) -> String {
    stage.scene.set_policy(|policy| policy.persons.extend(persons));
    stage.scene.policy_text()
}

/// The answer where this is the first version of the policy, which the root names.
fn judged_with(stage: &Stage, text: &str) -> crate::stage::Verdict {
    let old = std::fs::read_to_string(stage.root()).unwrap();
    let digest = old.split('"').find(|word| word.starts_with("sha256:")).unwrap().to_owned();
    let new = fwgate::gate::files_digest([("fwgate.toml", text.as_bytes())]).to_string();
    stage.set_root(stage.scene.write("root2.toml", &old.replace(&digest, &new)));
    stage.scene.main(&[("fwgate.toml", text)]);
    stage.scene.witness();
    stage.permit()
}

#[test]
fn a82_unrelated_version_of_the_policy() {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.next_policy(|policy| policy.persons.push(("frank".into(), vec!["network".into()])));
    fleet.permit().granted();
    fleet.push().applied();
}

#[test]
fn a86_rejector_removed_from_the_roster() {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.say("erin", CHANGE, &Record::Reject(Reject { change: CHANGE.into(), reason: "never".into() }));
    let without = |policy: &mut PolicyText| policy.persons.retain(|(id, _)| id != "erin");
    fleet.next_policy_by(&APPROVERS, without);
    fleet.permit().denied_only(&["REJECTED"]);
}

#[test]
fn a87_hold_without_the_right() {
    let stage = Stage::new();
    stage.ready();
    let (until, reason) = (Instant(crate::stage::now() + 3600), "i do not like it".to_owned());
    stage.say("bob", CHANGE, &Record::Hold(Hold { scope: Scope::All, until, reason }));
    let verdict = stage.permit().granted();
    assert!(verdict.notes().contains("the hold of `bob` does not count"), "{verdict}");
}

#[test]
fn a88_approver_removed_before_the_push() {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.permit().granted();
    fleet.next_policy(|policy| policy.persons.retain(|(id, _)| id != "carol"));
    fleet.permit().denied("SIGNER_UNKNOWN");
    let fleet = Fleet::new();
    fleet.ready();
    fleet.permit().granted();
    fleet.next_policy(|policy| policy.persons.retain(|(id, _)| id != "carol"));
    fleet.push().refused("SIGNER_UNKNOWN");
    assert_eq!(fleet.started(), [""; 0]);
}

/// Announced, and approved by all but bob, whose approval is signed as one likes.
fn approved_otherwise(stage: &Stage, sign: impl Fn(&[u8]) -> String) -> crate::stage::Verdict {
    let facts = stage.announced();
    stage.approved_by(&[("carol", "network"), ("dave", "security")], &facts);
    let branch = changes(CHANGE);
    let text = Record::Approve(approval("network", &facts)).text();
    let draft = Draft::new("bob", &stage.scene.tip(&branch), stage.scene.now(), &text);
    stage.scene.put(&branch, &draft.sealed(&sign(&draft.payload())));
    stage.settle();
    stage.permit()
}

#[test]
fn a89_ssh_certificate() {
    if !has_program("ssh-keygen") {
        return;
    }
    let stage = Stage::new();
    let (bob, authority) = (stage.scene.key("bob"), stage.scene.key("authority"));
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-I", "bob", "-n", "bob", "-s"]).arg(&authority.path).arg(bob.path.with_extension("pub"));
    assert!(command.status().unwrap().success());
    let certificate = std::fs::read_to_string(bob.path.with_file_name("bob-cert.pub")).unwrap();
    let blob = Base64::decode_vec(certificate.split(' ').nth(1).unwrap()).unwrap();
    // The signature is bob's own; the envelope names the certificate, as `ssh-keygen -Y sign` with a certificate does.
    let verdict = approved_otherwise(&stage, |payload| with_key(&bob.sign("git", payload), &blob));
    assert!(verdict.codes().contains(&"APPROVAL_MISSING"), "{verdict}");
    verdict.denied("KEY_TYPE_REFUSED");
}

#[test]
fn a89_certificate_or_authority_in_the_roster() {
    let body = |stage: &Stage| stage.scene.key("bob").public.split(' ').nth(1).unwrap().to_owned();
    for line in [
        "ssh-ed25519-cert-v01@openssh.com BODY bob",
        "cert-authority ssh-ed25519 BODY bob",
        "@cert-authority * ssh-ed25519 BODY",
    ] {
        let stage = Stage::new();
        let key = stage.scene.key("bob");
        let text = stage.scene.policy_text().replace(&key.public, &line.replace("BODY", &body(&stage)));
        judged_with(&stage, &text).denied("KEY_TYPE_REFUSED");
    }
}

/// The same signature under another public key.
fn with_key(armor: &str, blob: &[u8]) -> String {
    let body: String = armor.lines().filter(|line| !line.starts_with('-')).collect();
    let old = Base64::decode_vec(&body).unwrap();
    let length = u32::from_be_bytes(old[10..14].try_into().unwrap()) as usize;
    armored(&[&old[..10], &wire(&[blob]), &old[14 + length..]].concat())
}

/// Byte strings with their lengths.
fn wire(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().flat_map(|part| [&u32::try_from(part.len()).unwrap().to_be_bytes()[..], part].concat()).collect()
}

fn armored(body: &[u8]) -> String {
    let base64 = Base64::encode_string(body);
    let lines: Vec<&str> = base64.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
}

const SK: &[u8] = b"sk-ssh-ed25519@openssh.com";

/// A key on hardware, played by software as `PROTOCOL.u2f` has it.
fn hardware() -> (ed25519_dalek::SigningKey, Vec<u8>) {
    let pair = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let blob = wire(&[SK, pair.verifying_key().as_bytes(), b"ssh:"]);
    (pair, blob)
}

fn signed_by_hardware(payload: &[u8], flags: u8) -> String {
    let (pair, blob) = hardware();
    let message = [&b"SSHSIG"[..], wire(&[b"git", b"", b"sha512", &sha2::Sha512::digest(payload)]).as_slice()].concat();
    let trailer = [&[flags][..], &7_u32.to_be_bytes()].concat();
    let signed = [&sha2::Sha256::digest(b"ssh:")[..], &trailer, &sha2::Sha256::digest(&message)].concat();
    let signature = [wire(&[SK, &pair.sign(&signed).to_bytes()]), trailer].concat();
    armored(&[&b"SSHSIG\0\0\0\x01"[..], wire(&[&blob, b"git", b"", b"sha512", &signature]).as_slice()].concat())
}

#[test]
fn a90_key_on_hardware_without_its_user() {
    let line = format!("sk-ssh-ed25519@openssh.com {} bob", Base64::encode_string(&hardware().1));
    let verified = format!("{{ key = \"{line}\", verify = true }}");
    for (key, flags, is_granted) in [
        (format!("\"{line}\""), 0x01, true),
        (format!("\"{line}\""), 0x00, false),
        (verified.clone(), 0x05, true),
        (verified.clone(), 0x01, false),
        (verified, 0x04, false),
    ] {
        let stage = Stage::new();
        let bob = stage.scene.key("bob").public;
        let text = stage.scene.policy_text().replace(&format!("\"{bob}\""), &key);
        let _ = judged_with(&stage, &text);
        let verdict = approved_otherwise(&stage, |payload| signed_by_hardware(payload, flags));
        match is_granted {
            true => drop(verdict.granted()),
            false => drop(verdict.denied("KEY_TYPE_REFUSED")),
        }
    }
}

#[test]
fn a90_short_rsa_in_the_roster() {
    if !has_program("ssh-keygen") {
        return;
    }
    let stage = Stage::new();
    let short = Key::generated(&stage.scene.path().join("keys"), "short", "rsa", 2048).public;
    let text = stage.scene.policy_text().replace(&stage.scene.key("bob").public, &short);
    judged_with(&stage, &text).denied("KEY_TYPE_REFUSED");
}

#[test]
fn a90_signature_with_sha1() {
    let stage = Stage::new();
    let blob = fwgate::gate::signature::read_public_key(&stage.scene.key("bob").public).unwrap().blob().to_vec();
    let verdict = approved_otherwise(&stage, |_| {
        let signature = wire(&[b"ssh-rsa", &[0; 64]]);
        armored(&[&b"SSHSIG\0\0\0\x01"[..], wire(&[&blob, b"git", b"", b"sha1", &signature]).as_slice()].concat())
    });
    verdict.denied("KEY_TYPE_REFUSED");
}

/// Not supported: OpenPGP signatures are refused as KEY_TYPE_REFUSED.
#[test]
fn a91_openpgp_is_not_supported() {
    let stage = Stage::new();
    let verdict = approved_otherwise(&stage, |_| {
        let body = Base64::encode_string(&[0x88; 60]);
        format!("-----BEGIN PGP SIGNATURE-----\n\n{body}\n=AAAA\n-----END PGP SIGNATURE-----\n")
    });
    assert!(verdict.codes().contains(&"APPROVAL_MISSING"), "{verdict}");
    verdict.denied("KEY_TYPE_REFUSED");
}

#[test]
fn a98_words_that_differ_from_the_effect() {
    let stage = Stage::new();
    let facts = stage.announced();
    let mut other = approval("network", &facts);
    other.says = "edge1 opens nothing; closes nothing".into();
    stage.say("bob", CHANGE, &Record::Approve(other));
    stage.approved_by(&APPROVERS[1..], &facts);
    stage.settle();
    stage.permit().denied("RECORD_MISMATCH");
    // The same for the author's announcement.
    let stage = Stage::new();
    let head = stage.propose(&[]);
    let mut facts = stage.facts(CHANGE, &head);
    let right = facts.says.clone();
    facts.says = "edge1 opens nothing; closes nothing".into();
    stage.announce("alice", &facts);
    facts.says = right;
    let facts = stage.vet(facts);
    stage.scene.wait(600);
    stage.scene.witness();
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    stage.permit().denied("RECORD_MISMATCH");
}

/// A key that is not the machine's writes nothing: what it signed would end the ledger, or leave a device unproved.
#[test]
fn a77_a_wrong_key_of_a_machine_writes_nothing() {
    let fleet = Fleet::new();
    fleet.ready();
    let (strange, ledger, production) = (fleet.key("mallory"), fleet.key("ledger"), fleet.key("receiver"));
    let before = fleet.scene.head_of(LEDGER);
    for key in [&strange, &production] {
        let answer = fleet.fwgate("one", &["ledger", "witness", "--key-ledger", key]);
        assert_eq!(answer.exit, 1, "{answer}");
        answer.says("PERMIT_UNTRUSTED");
    }
    assert_eq!(fleet.scene.head_of(LEDGER), before);
    fleet.permit().granted();
    let path = fleet.permit_path(crate::stage::CHANGE);
    let push = ["push", crate::stage::CHANGE, "--holder", "runner", "--permit", path.to_str().unwrap()];
    for keys in [[&strange, &production], [&ledger, &strange]] {
        let answer =
            fleet.fwgate("one", &[&push[..], &["--key-ledger", keys[0], "--key-production", keys[1]]].concat());
        answer.says("PERMIT_UNTRUSTED");
    }
    assert_eq!((fleet.scene.head_of(LEDGER), fleet.running("edge1")), (before, crate::scene::RULES.to_owned()));
}
