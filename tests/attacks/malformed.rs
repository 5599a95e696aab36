//! A45 to A50: records in other forms than the one, programs that configuration names, and changes of nothing.

use crate::scene::{Draft, Key, changes, header};
use crate::stage::{APPROVERS, CHANGE, EDGE, Facts, Stage, WORK, approval, change_file};
use fwgate::gate::Record;
use std::path::{Path, PathBuf};

/// Bob signs his approval in this form; everything else is in place.
fn malformed(seal: impl FnOnce(&Draft, &Key) -> Vec<u8>) {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&APPROVERS, &facts);
    let text = Record::Approve(approval("network", &facts)).text();
    let draft = Draft::new("bob", &stage.scene.tip(&changes(CHANGE)), stage.scene.now(), &text);
    stage.scene.put(&changes(CHANGE), &seal(&draft, &stage.scene.key("bob")));
    stage.settle();
    stage.permit().denied("COMMIT_MALFORMED");
}

fn with_header(line: &'static str) {
    malformed(|draft, bob| Draft { headers: vec![line.to_owned()], ..draft.clone() }.signed(bob, "git"));
}

#[test]
fn a45_unknown_headers() {
    with_header("encoding UTF-8");
    with_header("x-approved yes");
    with_header("mergetag object 4b825dc642cb6eb9a060e54bf8d69288fbee4904");
}

#[test]
fn a45_duplicate_headers() {
    with_header("tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    with_header("author Carol <carol@example.net> 0 +0000");
    with_header("committer Carol <carol@example.net> 0 +0000");
}

#[test]
fn a45_two_signatures() {
    malformed(|draft, bob| {
        let armor = bob.sign("git", &draft.payload());
        draft.bytes(&[header("gpgsig", &armor), header("gpgsig", &armor)])
    });
    malformed(|draft, bob| {
        let armor = bob.sign("git", &draft.payload());
        draft.bytes(&[header("gpgsig", &armor), header("gpgsig-sha256", &armor)])
    });
}

#[test]
fn a45_trailing_bytes() {
    malformed(|draft, bob| {
        let message = format!("{}thanks\n", draft.message);
        Draft { message, ..draft.clone() }.signed(bob, "git")
    });
    malformed(|draft, bob| {
        let message = format!("{}\u{0}approved", draft.message);
        Draft { message, ..draft.clone() }.signed(bob, "git")
    });
    malformed(|draft, bob| draft.sealed(&format!("{}trailing\n", bob.sign("git", &draft.payload()))));
}

#[test]
fn a45_record_that_changes_files() {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&APPROVERS, &facts);
    let text = Record::Approve(approval("network", &facts)).text();
    let mut draft = Draft::new("bob", &stage.scene.tip(&changes(CHANGE)), stage.scene.now(), &text);
    draft.tree = stage.scene.tree_with(None, &[(".github/workflows/x.yml", "on: push\n")]);
    stage.scene.put(&changes(CHANGE), &draft.signed(&stage.scene.key("bob"), "git"));
    stage.settle();
    stage.permit().denied("COMMIT_MALFORMED");
}

/// A program that leaves a mark where it runs.
fn marking(stage: &Stage) -> (PathBuf, PathBuf) {
    let mark = stage.scene.path().join("executed");
    let program = stage.scene.write("program", &format!("#!/bin/sh\necho \"$0 $@\" >> {}\nexit 0\n", mark.display()));
    make_executable(&program);
    (program, mark)
}

#[cfg(unix)]
fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(not(unix))]
fn make_executable(_: &Path) {}

/// Configuration that names a program wherever git would run one.
fn hostile_config(program: &str) -> String {
    format!(
        "[gpg]\n\tprogram = {program}\n\tformat = ssh\n[gpg \"ssh\"]\n\tprogram = {program}\n\tallowedSignersFile = {program}\n\
         [core]\n\tfsmonitor = {program}\n\tsshCommand = {program}\n\tpager = {program}\n\teditor = {program}\n\tgitProxy = {program}\n\
         \thooksPath = {program}.hooks\n\taskPass = {program}\n[diff]\n\texternal = {program}\n[credential]\n\thelper = !{program}\n\
         [uploadpack]\n\tpackObjectsHook = {program}\n[remote \"origin\"]\n\tuploadpack = {program}\n\tvcs = evil\n\
         [alias]\n\tfetch = !{program}\n\tls-remote = !{program}\n[trailer]\n\tx.command = {program}\n"
    )
}

const HOOKS: [&str; 9] = [
    "pre-commit",
    "post-checkout",
    "post-merge",
    "reference-transaction",
    "pre-push",
    "post-index-change",
    "fsmonitor-watchman",
    "pre-auto-gc",
    "post-rewrite",
];

/// The document without what differs by chance.
fn settled(mut document: serde_json::Value) -> serde_json::Value {
    document["permit"] = serde_json::Value::Null;
    document
}

#[test]
fn a46_configuration_hooks_and_environment_run_nothing() {
    let stage = Stage::new();
    stage.ready();
    let path = stage.clone_path();
    let plain = settled(stage.permit_in(&path, CHANGE, &[]).granted().document);
    let (program, mark) = marking(&stage);
    let program = program.to_str().unwrap();
    let config = hostile_config(program);
    std::fs::write(path.join(".git/config"), format!("[core]\n\trepositoryformatversion = 0\n{config}")).unwrap();
    for hook in HOOKS {
        let hook = path.join(".git/hooks").join(hook);
        crate::scene::write(&hook, &std::fs::read(program).unwrap());
        make_executable(&hook);
    }
    let global = stage.scene.write("home/.gitconfig", &hostile_config(program));
    let environment = [
        ("GIT_CONFIG_GLOBAL", global.to_str().unwrap()),
        ("GIT_CONFIG_SYSTEM", global.to_str().unwrap()),
        ("GIT_CONFIG_COUNT", "2"),
        ("GIT_CONFIG_KEY_0", "core.fsmonitor"),
        ("GIT_CONFIG_VALUE_0", program),
        ("GIT_CONFIG_KEY_1", "core.sshCommand"),
        ("GIT_CONFIG_VALUE_1", program),
        ("GIT_EXTERNAL_DIFF", program),
        ("GIT_SSH", program),
        ("GIT_SSH_COMMAND", program),
        ("GIT_ASKPASS", program),
        ("GIT_EDITOR", program),
        ("GIT_PAGER", program),
        ("GIT_PROXY_COMMAND", program),
        ("GIT_TRACE", "/dev/stdout"),
        ("GIT_DIR", "/nonexistent"),
        ("GIT_OBJECT_DIRECTORY", "/nonexistent"),
        ("GIT_INDEX_FILE", "/nonexistent"),
        ("PAGER", program),
        ("EDITOR", program),
        ("SHELL", program),
        ("LD_PRELOAD", ""),
    ];
    let verdict = stage.permit_in(&path, CHANGE, &environment).granted();
    assert_eq!(settled(verdict.document), plain);
    assert!(!mark.exists(), "executed: {}", std::fs::read_to_string(&mark).unwrap());
}

#[test]
fn a47_bare_repository_inside_the_tree() {
    let stage = Stage::new();
    let (program, mark) = marking(&stage);
    let config =
        format!("[core]\n\tbare = true\n\trepositoryformatversion = 0\n{}", hostile_config(program.to_str().unwrap()));
    stage.scene.main(&[
        ("vendor/inner/HEAD", "ref: refs/heads/main\n"),
        ("vendor/inner/config", &config),
        ("vendor/inner/objects/info/x", "\n"),
        ("vendor/inner/refs/heads/x", "1111111111111111111111111111111111111111\n"),
    ]);
    stage.ready();
    let path = stage.clone_path();
    let outside = settled(stage.permit_in(&path, CHANGE, &[]).granted().document);
    let inside = stage.permit_in(&path.join("vendor/inner"), CHANGE, &[]).granted();
    assert_eq!(settled(inside.document), outside);
    assert!(!mark.exists(), "executed: {}", std::fs::read_to_string(&mark).unwrap());
}

/// The runner has the author's head checked out, with a policy, a change file and a gate of the author's.
#[test]
fn a48_configuration_of_the_head_is_ignored() {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&[("bob", "network"), ("dave", "security")], &facts);
    stage.settle();
    let clone = stage.scene.clone_as("runner");
    clone.git(&["checkout", "-q", "--detach", "origin/work"]);
    let plain = stage.permit_in(&clone.path, CHANGE, &[]).denied_only(&["APPROVAL_MISSING"]);
    let (program, mark) = marking(&stage);
    clone.write("fwgate.toml", &stage.scene.policy_text().replace("count = 2", "count = 1"));
    clone.write("policies/more.toml", "[[window]]\n");
    clone.write("fwgate", &std::fs::read_to_string(program).unwrap());
    make_executable(&clone.path.join("fwgate"));
    let verdict = stage.permit_in(&clone.path, CHANGE, &[]).denied_only(&["APPROVAL_MISSING"]);
    assert_eq!(verdict.document, plain.document);
    assert!(!mark.exists());
}

#[test]
fn a48_root_out_of_the_checkout_is_none() {
    let stage = Stage::new();
    stage.ready();
    let path = stage.clone_path();
    std::fs::copy(stage.root(), path.join("root.toml")).unwrap();
    stage.ask(&path, &["--root", "root.toml"], CHANGE, &[]).denied("ROOT_MISSING");
}

/// A status is nothing that a push believes: a permit is a file signed by the machine.
#[test]
fn a49_spoofed_permit() {
    let stage = Stage::new();
    stage.ready();
    let permit = stage.permit().granted().permit.unwrap();
    let (message, _) = permit.split_once("\n\n").unwrap();
    let signed = |name: &str, namespace: &str| {
        let armor = stage.scene.key(name).sign(namespace, format!("{message}\n").as_bytes());
        format!("{message}\n\n{}\n", armor.trim_end())
    };
    let forged = [
        signed("mallory", "fwgate-permit@v1"),
        signed("bob", "fwgate-permit@v1"),
        signed("stager", "fwgate-permit@v1"),
        signed("deployer", "git"),
        permit.replace("holder: runner", "holder: runner2"),
    ];
    for permit in forged {
        let (exit, text) = stage.push(&permit);
        assert_eq!(exit, Some(1), "{text}");
        assert!(text.contains("PERMIT_UNTRUSTED"), "{text}");
    }
    let (exit, text) = stage.push("fwgate / permit: success\n");
    assert!(matches!(exit, Some(1 | 2)), "{text}");
}

/// The author's branch has these files; everybody approves.
fn empty(files: &[(&str, &str)]) {
    let stage = Stage::new();
    let head = stage.scene.commit_on(WORK, "alice", files);
    let facts: Facts = stage.announced_at(CHANGE, &head);
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    stage.permit().denied("EMPTY_CHANGE");
}

#[test]
fn a50_change_of_nothing() {
    empty(&[("changes/CHG-1.toml", &change_file(CHANGE))]);
}

#[test]
fn a50_change_of_other_files() {
    empty(&[
        ("changes/CHG-1.toml", &change_file(CHANGE)),
        ("README.md", "Hello.\n"),
        ("devices/README.md", "Hello.\n"),
    ]);
}

#[test]
fn a50_change_without_devices() {
    empty(&[("changes/CHG-1.toml", &change_file(CHANGE)), (EDGE, "")]);
}

#[test]
fn a50_rulesets_of_nothing() {
    let stage = Stage::new();
    for rules in ["\n", "# nothing\n", "*filter\nCOMMIT\n"] {
        let head = stage.scene.commit_on(WORK, "alice", &[("changes/CHG-1.toml", &change_file(CHANGE)), (EDGE, rules)]);
        let facts = stage.announced_at(CHANGE, &head);
        stage.approved_by(&APPROVERS, &facts);
        stage.settle();
        let verdict = stage.permit();
        assert!(matches!(verdict.exit, Some(1 | 2)) && verdict.permit.is_none(), "{rules:?}: {verdict}");
        let is_named = ["EMPTY_CHANGE", "UNPARSED_INPUT"].iter().any(|code| verdict.codes().contains(code));
        assert!(is_named, "{rules:?}: {verdict}");
    }
}

#[test]
fn a50_no_announcement_at_all() {
    let stage = Stage::new();
    stage.scene.witness();
    stage.permit().denied("APPROVAL_MISSING");
    let verdict = stage.permit_of("NONE-1").denied("APPROVAL_MISSING");
    assert!(verdict.codes().contains(&"EMPTY_CHANGE"), "{verdict}");
}
