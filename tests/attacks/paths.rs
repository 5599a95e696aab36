//! A38 to A44: paths, names and attributes that are not what they look like.

use crate::scene::{Draft, changes};
use crate::stage::{APPROVERS, CHANGE, EDGE, Stage, WORK, approval, oid, owned, proposed};
use fwgate::gate::Record;
use git2::FileMode;

/// The author's branch gets these entries instead of a plain ruleset.
fn refused(code: &str, entries: &[(&str, FileMode, &[u8])]) {
    let stage = Stage::new();
    stage.propose(&[]);
    let head = stage.commit_entries(WORK, "alice", entries);
    announced_refused(&stage, &head, code);
}

fn announced_refused(stage: &Stage, head: &str, code: &str) {
    let facts = stage.announced_at(CHANGE, head);
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    stage.permit().denied(code);
}

#[test]
fn a38_ruleset_is_a_symlink() {
    refused("PATH_NOT_REGULAR", &[(EDGE, FileMode::Link, b"../../elsewhere.v4")]);
}

#[test]
fn a38_ruleset_is_a_submodule() {
    refused("PATH_NOT_REGULAR", &[(EDGE, FileMode::Commit, "1".repeat(40).as_bytes())]);
}

#[test]
fn a38_folder_of_a_device_is_a_submodule() {
    refused("PATH_NOT_REGULAR", &[("devices/edge2", FileMode::Commit, "1".repeat(40).as_bytes())]);
}

#[test]
fn a38_ruleset_is_a_pointer_to_lfs() {
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n", "4".repeat(64));
    refused("PATH_NOT_REGULAR", &[(EDGE, FileMode::Blob, pointer.as_bytes())]);
}

#[test]
fn a38_ruleset_is_executable() {
    refused("PATH_NOT_REGULAR", &[(EDGE, FileMode::BlobExecutable, proposed().as_bytes())]);
}

#[test]
fn a38_change_file_is_a_symlink() {
    refused("PATH_NOT_REGULAR", &[("changes/CHG-1.toml", FileMode::Link, b"../x.toml")]);
}

#[test]
fn a39_paths_that_differ_in_case() {
    refused("PATH_COLLISION", &[("devices/edge1/RULES.v4", FileMode::Blob, proposed().as_bytes())]);
}

#[test]
fn a39_folders_that_differ_in_case() {
    refused("PATH_COLLISION", &[("Devices/edge1/rules.v4", FileMode::Blob, proposed().as_bytes())]);
}

#[test]
fn a39_paths_that_differ_in_normalisation() {
    let [one, other] = ["devices/edge1/caf\u{e9}.v6", "devices/edge1/cafe\u{301}.v6"];
    let text = b"*filter\n:INPUT DROP [0:0]\nCOMMIT\n";
    refused("PATH_COLLISION", &[(one, FileMode::Blob, text), (other, FileMode::Blob, text)]);
}

/// A tree with an entry that stock git would not write: the device's folder gets a file of this name.
fn with_raw_name(name: &str) {
    let stage = Stage::new();
    let head = stage.propose(&[]);
    let remote = stage.scene.remote();
    let tree = remote.find_commit(oid(&head)).unwrap().tree().unwrap();
    let blob = remote.blob(proposed().as_bytes()).unwrap();
    let raw = |entries: Vec<(&str, Vec<u8>, git2::Oid)>| {
        let bytes: Vec<u8> = entries
            .iter()
            .flat_map(|(mode, name, id)| {
                [mode.as_bytes(), &b" "[..], name.as_slice(), &b"\0"[..], id.as_bytes()].concat()
            })
            .collect();
        remote.odb().unwrap().write(git2::ObjectType::Tree, &bytes).unwrap()
    };
    let entry = |path: &str| tree.get_path(std::path::Path::new(path)).unwrap().id();
    let mut files = vec![("100644", name.as_bytes().to_vec(), blob), ("100644", b"rules.v4".to_vec(), entry(EDGE))];
    files.sort_by(|a, b| a.1.cmp(&b.1));
    let device = raw(files);
    let devices = raw(vec![("40000", b"edge1".to_vec(), device)]);
    let top = raw(vec![
        ("40000", b"changes".to_vec(), entry("changes")),
        ("40000", b"devices".to_vec(), devices),
        ("100644", b"fwgate.toml".to_vec(), entry("fwgate.toml")),
    ]);
    let head = stage.commit_tree(WORK, "alice", &top.to_string(), &[&head]);
    let facts = stage.facts(CHANGE, &stage.propose_plain());
    stage.announce("alice", &crate::stage::Facts { head: head.clone(), ..facts.clone() });
    let facts = stage.vet(facts);
    stage.settle();
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    stage.scene.reset(WORK, Some(&head));
    let verdict = stage.permit().denied("PATH_INVALID");
    assert!(verdict.permit.is_none(), "{name}: {verdict}");
}

#[test]
fn a40_entry_that_leaves_the_tree() {
    with_raw_name("..");
}

#[test]
fn a40_entry_with_a_slash() {
    with_raw_name("../../etc/x");
    with_raw_name("/etc/x");
}

#[test]
fn a40_entry_with_a_backslash() {
    with_raw_name("..\\x.v4");
}

#[test]
fn a40_entry_that_is_gits_own() {
    with_raw_name(".git");
}

#[test]
fn a40_path_of_a_role_that_leaves_the_tree() {
    for role in ["role:../x", "../x", "/etc", "role:a\\\\b", "role:a\\u0000"] {
        refused(
            "PATH_INVALID",
            &[("devices/edge1/device.toml", FileMode::Blob, format!("from = [\"{role}\"]\n").as_bytes())],
        );
    }
}

#[test]
fn a41_attributes_hide_nothing() {
    let attributes = "* -diff -text filter=evil ident merge=evil working-tree-encoding=UTF-16\n";
    let stage = Stage::of(|_| {}, &[(".gitattributes", attributes)]);
    let marker = stage.scene.path().join("executed");
    stage.ready();
    let path = stage.clone_path();
    let config = format!(
        "\n[filter \"evil\"]\n\tclean = touch {0}\n\tsmudge = touch {0}\n[merge \"evil\"]\n\tdriver = touch {0}\n",
        marker.display()
    );
    let file = path.join(".git/config");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text + &config).unwrap();
    let verdict = stage.permit_in(&path, CHANGE, &[]).granted();
    assert!(verdict.notes().contains(".gitattributes"), "{verdict}");
    assert!(!marker.exists(), "something was executed");
}

/// `$Id$` would be something else in a checkout; the device gets what is in the blob.
#[test]
fn a41_attributes_in_the_proposal_are_judged_from_raw_blobs() {
    let stage = Stage::new();
    let wider = proposed().replace("10.1.0.0/24", "10.1.0.0/16");
    let head = stage.propose(&[(EDGE, &wider), (".gitattributes", "*.v4 -diff ident\n")]);
    let facts = stage.announced_at(CHANGE, &head);
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    let verdict = stage.permit().denied("CHECK_REFUSED");
    assert!(verdict.notes().contains(".gitattributes"), "{verdict}");
}

#[test]
fn a42_mailmap_is_ignored() {
    let map =
        "Bob <bob@example.net> Mallory <mallory@example.net>\nMallory <mallory@example.net> <alice@example.net>\n";
    let stage = Stage::of(|_| {}, &[(".mailmap", map)]);
    let facts = stage.announced();
    stage.approved_by(&[("carol", "network"), ("dave", "security")], &facts);
    stage.say_with(&stage.scene.key("mallory"), CHANGE, &Record::Approve(approval("network", &facts)));
    stage.settle();
    let verdict = stage.permit().denied("SIGNER_UNKNOWN");
    assert_eq!(verdict.codes(), ["SIGNER_UNKNOWN", "APPROVAL_MISSING"], "{verdict}");
    assert!(verdict.document.to_string().contains(&stage.scene.key("mallory").fingerprint()), "{verdict}");
}

#[test]
fn a42_mailmap_hides_no_author() {
    let stage = Stage::of(|_| {}, &[(".mailmap", "Mallory <mallory@example.net> <bob@example.net>\n")]);
    stage.propose(&[]);
    let head = stage.scene.commit_on(WORK, "bob", &[("README.md", "Hello.\n")]);
    announced_refused(&stage, &head, "CONTRIBUTOR_APPROVAL");
}

#[test]
fn a43_unsigned_trailers_are_no_approvals() {
    for trailer in
        ["Approved-by: Bob <bob@example.net>", "\u{410}pproved-by: Bob <bob@example.net>", "Reviewed\u{2010}by: Bob"]
    {
        // On the change's branch.
        let stage = Stage::new();
        let facts = stage.announced();
        stage.approved_by(&[("carol", "network"), ("dave", "security")], &facts);
        let text = format!("Looks good\n\n{trailer}\n");
        let draft = Draft::new("bob", &stage.scene.tip(&changes(CHANGE)), stage.scene.now(), &text);
        stage.scene.put(&changes(CHANGE), &draft.payload());
        stage.settle();
        stage.permit().denied("NOT_AN_APPROVAL");
        // In the message of a commit of the range.
        let stage = Stage::new();
        let head = stage.propose(&[]);
        let mut draft = Draft::new("alice", &head, stage.scene.now(), &text);
        draft.tree = stage.scene.tree_with(Some(&head), &[("README.md", "Hello.\n")]);
        let head = stage.scene.put(WORK, &draft.payload());
        let facts = stage.announced_at(CHANGE, &head);
        stage.approved_by(&[("carol", "network"), ("dave", "security")], &facts);
        stage.settle();
        stage.permit().denied("NOT_AN_APPROVAL");
    }
}

#[test]
fn a44_confusable_principal_in_the_policy() {
    for name in ["b\u{43e}b", "bob\u{200b}", "\u{202e}bob"] {
        let stage = Stage::of(|p| p.edits = owned(&[("id = \"bob\"", &format!("id = \"{name}\""))]), &[]);
        stage.ready();
        stage.permit().denied("POLICY_INVALID");
    }
}

#[test]
fn a44_confusable_role_in_an_approval() {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&APPROVERS, &facts);
    let text = Record::Approve(approval("network", &facts)).text().replace("role: network", "role: netw\u{43e}rk");
    stage.scene.record("bob", CHANGE, &text);
    stage.settle();
    stage.permit().denied("POLICY_INVALID");
}
