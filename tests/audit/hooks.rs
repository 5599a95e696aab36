//! Hooks on a real bare repository, by real pushes of stock git.

use crate::desk::{Desk, NONCE};
use crate::scene::{LEDGER, changes, stock_git};
use fwgate::gate::{Claim, Digest, Instant, LedgerEntry};
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

fn assert_refused(desk: &Desk, arguments: &[&str], code: &str) {
    let told = push(desk, arguments).expect_err(&format!("{arguments:?} must be refused"));
    assert!(told.contains(code) && told.contains("= help: "), "{arguments:?}: {told}");
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
        assert_refused(&desk, &["--force", &format!("{first}:{branch}")], "HISTORY_REWRITTEN");
        assert_refused(&desk, &[&format!(":{branch}")], "HISTORY_REWRITTEN");
        assert_refused(&desk, &[&format!(":{LEDGER}")], "HISTORY_REWRITTEN");
        let files = commit(&desk, "origin/main^{tree}", &[&second]);
        assert_refused(&desk, &[&format!("{files}:{branch}")], "COMMIT_MALFORMED");
        let stray = commit(&desk, EMPTY, &[]);
        assert_refused(&desk, &[&format!("{stray}:{}", changes("CHG-2"))], "HISTORY_UNVERIFIABLE");
        assert_refused(&desk, &[&format!("{second}:refs/heads/fwgate/other")], "PATH_INVALID");
        let unsigned = commit(&desk, EMPTY, &["origin/fwgate/ledger"]);
        assert_refused(&desk, &[&format!("{unsigned}:{LEDGER}")], "LEDGER_FORK");
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
    for name in ["refs/heads/fwgate", "refs/heads/fwgate/changes"] {
        assert_refused(&desk, &[&format!("HEAD:{name}")], "EVIDENCE_UNAVAILABLE");
    }
    assert_refused(&desk, &["HEAD:refs/tags/main"], "REF_AMBIGUOUS");
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
    assert_refused(&desk, &["HEAD:refs/heads/main"], "POLICY_CHANGE_MIXED");
    desk.clone.git(&["reset", "-q", "--soft", "origin/main"]);
    desk.clone.git(&["commit", "-q", "-m", "policy", "fwgate.toml"]);
    assert_eq!(push(&desk, &["HEAD:refs/heads/main"]), Ok(()));
    desk.clone.git(&["commit", "-q", "-m", "rules", "devices"]);
    assert_eq!(push(&desk, &["HEAD:refs/heads/main"]), Ok(()), "each alone");
    assert_refused(&desk, &["--force", "HEAD~1:refs/heads/main"], "HISTORY_REWRITTEN");
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
    assert_refused(&desk, &[&head], "PERMIT_MISMATCH");
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
    assert_refused(&desk, &[&head], "PERMIT_MISMATCH");
    claim(900);
    let wider = crate::scene::RULES.replace("FORWARD DROP", "FORWARD ACCEPT");
    desk.scene.commit_on("refs/heads/CHG-1", "alice", &[("devices/edge1/rules.v4", &wider)]);
    desk.clone.git(&["fetch", "-q", "origin"]);
    assert_refused(&desk, &[&format!("origin/CHG-1:{deploy}")], "PERMIT_MISMATCH");
    assert_eq!(push(&desk, &[&head]), Ok(()), "exactly the claimed bytes");
}

#[test]
fn without_a_root_nothing_passes() {
    let desk = Desk::new();
    guard(&desk, "pre-receive", "");
    std::fs::remove_file(desk.scene.path().join("root.toml")).unwrap();
    assert_refused(&desk, &["HEAD:refs/heads/topic"], "ROOT_MISSING");
}

#[test]
fn a_quarantine_elsewhere_is_not_read() {
    let desk = Desk::new();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_fwgate"));
    command.args(["hook", "pre-receive"]).current_dir(desk.scene.remote_path());
    command.env("FWGATE_ROOT", desk.scene.path().join("root.toml"));
    command.env("GIT_QUARANTINE_PATH", desk.clone.path.join(".git/objects"));
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("lies outside of the server's repository"));
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
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (is_done, told) = committed(&rules.replace("COMMIT", "-A FORWARD --frobnicate\nCOMMIT"));
    assert!(!is_done && told.contains("rules.v4"), "{told}");
    let (is_done, told) = committed(&rules.replace("COMMIT", "-A FORWARD -p tcp --dport 23 -j ACCEPT\nCOMMIT"));
    assert!(!is_done && told.contains("FW104") && told.contains("= help: "), "{told}");
    let (is_done, told) = committed(&rules.replace("COMMIT", "-A FORWARD -p tcp --dport 22 -j ACCEPT\nCOMMIT"));
    assert!(is_done, "{told}");
}
