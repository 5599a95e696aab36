//! Hooks on a real bare repository, by real pushes of stock git.

use crate::desk::{Desk, NONCE};
use crate::scene::{LEDGER, changes, stock_git};
use fwgate::gate::{Claim, Digest, Instant, LedgerEntry};
use insta::assert_snapshot;
use std::os::unix::fs::PermissionsExt;

/// Installs a hook on the remote that calls the built command.
fn guard(desk: &Desk, hook: &str, more: &str) {
    let arguments = if hook == "update" { " \"$1\" \"$2\" \"$3\"" } else { "" };
    let root = desk.scene.path().join("root.toml");
    let text = format!(
        "#!/bin/sh\nexec '{}' hook {hook} --root '{}' {more}{arguments}\n",
        env!("CARGO_BIN_EXE_fwgate"),
        root.display()
    );
    let path = desk.scene.remote_path().join("hooks").join(hook);
    crate::scene::write(&path, text.as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// `git push` from the clone; what it told, where it was refused.
fn push(desk: &Desk, arguments: &[&str]) -> Result<(), String> {
    let output = stock_git(&desk.clone.path).args(["push", "origin"]).args(arguments).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(told) }
}

/// A push that must be refused: everything that the hook says about it.
fn refused(desk: &Desk, arguments: &[&str]) -> String {
    let told = push(desk, arguments).expect_err(&format!("{arguments:?} must be refused"));
    let of_hook = told.lines().filter_map(|line| line.strip_prefix("remote: ")).map(|l| format!("{}\n", l.trim_end()));
    // Apart, so that ids of commits are words of their own.
    let asked = desk.masked(&arguments.join(" ").replace(':', " : ")).replace(" : ", ":");
    format!("$ git push origin {asked}\n{}", desk.masked(&of_hook.collect::<String>()))
}

/// A commit of the clone: `tree` (or that of a commit), parents, a message.
fn commit(desk: &Desk, tree: &str, parents: &[&str]) -> String {
    let mut arguments = vec!["commit-tree", tree, "-m", "x"];
    parents.iter().for_each(|parent| arguments.extend(["-p", *parent]));
    desk.clone.git(&arguments)
}

const EMPTY: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

fn fetched(desk: &Desk) {
    desk.clone.git(&["fetch", "-q", "origin", "+refs/heads/fwgate/*:refs/remotes/origin/fwgate/*"]);
}

#[test]
fn evidence_is_only_appended_to() {
    for hook in ["pre-receive", "update"] {
        let desk = Desk::new();
        desk.pass(&["ledger", "init"]);
        let first = desk.scene.record("alice", "CHG-1", "fwgate-record/1 withdraw\nchange: CHG-1\nreason: x\n");
        let second = desk.scene.record("alice", "CHG-1", "fwgate-record/1 withdraw\nchange: CHG-1\nreason: y\n");
        fetched(&desk);
        guard(&desk, hook, "");
        let branch = changes("CHG-1");
        let mut told = refused(&desk, &["--force", &format!("{first}:{branch}")]);
        told += &refused(&desk, &[&format!(":{branch}")]);
        told += &refused(&desk, &[&format!(":{LEDGER}")]);
        let files = commit(&desk, "origin/main^{tree}", &[&second]);
        told += &refused(&desk, &[&format!("{files}:{branch}")]);
        let stray = commit(&desk, EMPTY, &[]);
        told += &refused(&desk, &[&format!("{stray}:{}", changes("CHG-2"))]);
        told += &refused(&desk, &[&format!("{second}:refs/heads/fwgate/other")]);
        let unsigned = commit(&desk, EMPTY, &["origin/fwgate/ledger"]);
        told += &refused(&desk, &[&format!("{unsigned}:{LEDGER}")]);
        assert_snapshot!(format!("evidence_is_only_appended_to_by_{hook}"), told);
        let junk = commit(&desk, EMPTY, &[&second]);
        assert_eq!(
            push(&desk, &[&format!("{junk}:{branch}")]),
            Ok(()),
            "what nobody of the roster signed harms nobody"
        );
        desk.pass(&["ledger", "witness"]);
    }
}

#[test]
fn nothing_takes_the_room_of_evidence() {
    let desk = Desk::new();
    guard(&desk, "pre-receive", "");
    let names = ["refs/heads/fwgate", "refs/heads/fwgate/changes", "refs/tags/main"];
    assert_snapshot!(names.map(|name| refused(&desk, &[&format!("HEAD:{name}")])).concat());
    assert_eq!(push(&desk, &["HEAD:refs/heads/topic", "HEAD:refs/tags/v1"]), Ok(()), "the rest is nobody's business");
}

#[test]
fn the_policy_travels_alone_on_the_protected_branch() {
    let desk = Desk::new();
    guard(&desk, "pre-receive", "");
    let write = |path: &str, text: &str| {
        desk.clone.write(path, text);
        desk.clone.git(&["add", path]);
    };
    write("fwgate.toml", &desk.scene.policy_text().replace("version = 1", "version = 2"));
    write("devices/edge1/rules.v4", &crate::scene::RULES.replace("ACCEPT [0:0]", "DROP [0:0]"));
    desk.clone.git(&["commit", "-q", "-m", "both"]);
    let mixed = refused(&desk, &["HEAD:refs/heads/main"]);
    desk.clone.git(&["reset", "-q", "--soft", "origin/main"]);
    desk.clone.git(&["commit", "-q", "-m", "policy", "fwgate.toml"]);
    assert_eq!(push(&desk, &["HEAD:refs/heads/main"]), Ok(()));
    desk.clone.git(&["commit", "-q", "-m", "rules", "devices"]);
    assert_eq!(push(&desk, &["HEAD:refs/heads/main"]), Ok(()), "each alone");
    assert_snapshot!(mixed + &refused(&desk, &["--force", "HEAD~1:refs/heads/main"]));
}

#[test]
fn only_permitted_bytes_come_to_a_branch_of_deployment() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    let deploy = "refs/heads/deploy";
    desk.clone.git(&["push", "-q", "origin", &format!("origin/main:{deploy}")]);
    let change = desk.approved("CHG-1", 443);
    guard(&desk, "pre-receive", &format!("--deploy-ref {deploy}"));
    let head = format!("{}:{deploy}", change.head);
    let unclaimed = refused(&desk, &[&head]);
    desk.catch_up();
    let at = desk.scene.instant();
    let claim = |lease: i64| {
        desk.scene.ledger(|previous| {
            LedgerEntry::Claim(Claim {
                previous,
                at,
                change: "CHG-1".to_owned(),
                permit: Digest([5; 32]),
                nonce: NONCE.to_owned(),
                holder: "runner-7".to_owned(),
                run: NONCE.to_owned(),
                lease: Instant(at.0 + lease),
                devices: vec!["edge1".to_owned()],
            })
        })
    };
    claim(0);
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let too_late = refused(&desk, &[&head]);
    claim(900);
    let wider = crate::scene::RULES.replace("FORWARD DROP", "FORWARD ACCEPT");
    desk.scene.commit_on("refs/heads/CHG-1", "alice", &[("devices/edge1/rules.v4", &wider)]);
    desk.clone.git(&["fetch", "-q", "origin"]);
    let others = refused(&desk, &[&format!("origin/CHG-1:{deploy}")]);
    assert_snapshot!([unclaimed, too_late, others].concat());
    assert_eq!(push(&desk, &[&head]), Ok(()), "exactly the claimed bytes");
}

/// A merge applies nothing: a branch of deployment begins with what is in force, and not with what is only merged.
#[test]
fn a_branch_of_deployment_does_not_begin_with_what_is_only_merged() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    let change = desk.closed("CHG-1", 443, NONCE);
    let merged = crate::scene::RULES.replace("COMMIT", "-A FORWARD -p tcp --dport 444 -j ACCEPT\nCOMMIT");
    desk.scene.main(&[("devices/edge1/rules.v4", &merged)]);
    desk.clone.git(&["fetch", "-q", "origin"]);
    let deploy = "refs/heads/deploy";
    guard(&desk, "pre-receive", &format!("--deploy-ref {deploy}"));
    assert!(refused(&desk, &[&format!("origin/main:{deploy}")]).contains("PERMIT_MISMATCH"));
    assert_eq!(push(&desk, &[&format!("{}:{deploy}", change.head)]), Ok(()), "what the device runs");
}

/// The server counts who adopted as everybody does: the quorum of class normal without whoever said it first, each for the same bytes.
#[test]
fn a_branch_of_deployment_takes_what_a_quorum_adopted() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    let change = desk.closed("CHG-1", 443, NONCE);
    let deploy = "refs/heads/deploy";
    desk.clone.git(&["push", "-q", "origin", &format!("{}:{deploy}", change.head)]);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    desk.catch_up();
    let running = crate::scene::RULES.replace("COMMIT", "-A FORWARD -p tcp --dport 22 -j ACCEPT\nCOMMIT");
    let head = desk.scene.commit_on("refs/heads/CHG-1", "alice", &[("devices/edge1/rules.v4", &running)]);
    let file = desk.scene.write("running", &running);
    desk.clone.git(&["fetch", "-q", "origin"]);
    guard(&desk, "pre-receive", &format!("--deploy-ref {deploy}"));
    let bring = format!("{head}:{deploy}");
    let adopt = |change: &str, who: &str, role: &str| {
        let key = desk.scene.key(who).path;
        let words = ["adopt", "edge1", "--change", change, "--role", role, "--reason", "by hand", "--head", &head];
        desk.pass(&[&words[..], &["--file", file.to_str().unwrap(), "--key", key.to_str().unwrap()]].concat());
    };
    // Whoever says it first is the author; two of one change and one of another are no quorum.
    adopt("CHG-8", "alice", "network");
    adopt("CHG-8", "bob", "network");
    adopt("CHG-7", "alice", "network");
    adopt("CHG-7", "carol", "network");
    adopt("CHG-7", "dave", "security");
    assert!(refused(&desk, &[&bring]).contains("PERMIT_MISMATCH"));
    adopt("CHG-7", "bob", "network");
    assert_eq!(push(&desk, &[&bring]), Ok(()), "exactly the adopted bytes");
    let wider = running.replace("FORWARD DROP", "FORWARD ACCEPT");
    let other = desk.scene.commit_on("refs/heads/CHG-1", "alice", &[("devices/edge1/rules.v4", &wider)]);
    desk.clone.git(&["fetch", "-q", "origin"]);
    assert!(refused(&desk, &[&format!("{other}:{deploy}")]).contains("PERMIT_MISMATCH"));
}

#[test]
fn without_a_root_nothing_passes() {
    let desk = Desk::new();
    guard(&desk, "pre-receive", "");
    std::fs::remove_file(desk.scene.path().join("root.toml")).unwrap();
    assert_snapshot!(refused(&desk, &["HEAD:refs/heads/topic"]));
}

#[test]
fn a_quarantine_elsewhere_is_not_read() {
    let desk = Desk::new();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_fwgate"));
    command.args(["hook", "pre-receive"]).current_dir(desk.scene.remote_path());
    command.env("FWGATE_ROOT", desk.scene.path().join("root.toml"));
    command.env("GIT_QUARANTINE_PATH", desk.clone.path.join(".git/objects"));
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!((output.status.code(), output.stdout), (Some(2), Vec::new()));
    assert_snapshot!(desk.masked(&String::from_utf8_lossy(&output.stderr)).replace("FOLDER/work", "CLONE"));
}

/// Installs the hook of the desk.
fn guard_desk(desk: &Desk) {
    let path = desk.clone.path.join(".git/hooks/pre-commit");
    let text = format!(
        "#!/bin/sh\nexec '{}' hook pre-commit --policy-ref refs/remotes/origin/main\n",
        env!("CARGO_BIN_EXE_fwgate")
    );
    crate::scene::write(&path, text.as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn what_is_staged_is_read_and_checked_before_a_commit() {
    let desk = Desk::new();
    desk.scene.set_policy(|p| {
        p.rest += "\n[[forbid]]\nid = \"no-telnet\"\nreason = \"clear text\"\nfrom = [\"any\"]\nto = [\"any\"]\nservice = [\"tcp/23\"]\nhook = \"forward\"\n";
    });
    desk.scene.main(&[("fwgate.toml", &desk.scene.policy_text())]);
    desk.clone.git(&["pull", "-q"]);
    guard_desk(&desk);
    let rules = crate::scene::RULES;
    let committed = |text: &str| {
        desk.clone.write("devices/edge1/rules.v4", text);
        let mut command = stock_git(&desk.clone.path);
        let output = command.args(["commit", "-q", "-a", "-m", "x"]).output().unwrap();
        (output.status.success(), desk.masked(&String::from_utf8_lossy(&output.stderr)))
    };
    let with = |rule: &str| committed(&rules.replace("COMMIT", &format!("-A FORWARD {rule}\nCOMMIT")));
    let (unread, forbidden) = (with("--frobnicate"), with("-p tcp --dport 23 -j ACCEPT"));
    assert!(!unread.0 && !forbidden.0);
    assert_snapshot!(format!("{}\n{}", unread.1, forbidden.1));
    assert_eq!(with("-p tcp --dport 22 -j ACCEPT"), (true, String::new()));
}
