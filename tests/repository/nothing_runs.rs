//! Nothing that a repository contains or configures is executed by reading it.

use crate::scene::{RULES, Scene, is_ruleset};
use fwgate::cli::input::{CheckArguments, Reader, Surroundings};
use fwgate::vcs::{EvidenceDraft, EvidenceSource, Remote, Repository, Signer, SignerFlags};

/// A script in every place where git looks for something to run; each would make the marker.
fn booby_trap(s: &Scene) -> std::path::PathBuf {
    let marker = s.path().join("marker");
    let script = s.path().join(".git/evil.sh");
    std::fs::write(&script, format!("#!/bin/sh\ntouch {}\n", marker.display())).unwrap();
    make_executable(&script);
    for hook in [
        "post-checkout",
        "pre-commit",
        "post-merge",
        "reference-transaction",
        "post-index-change",
        "fsmonitor-watchman",
        "pre-push",
        "post-fetch",
        "update",
    ] {
        let path = s.path().join(".git/hooks").join(hook);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(&script, &path).unwrap();
    }
    let mut config = s.git.config().unwrap();
    let script = script.to_str().unwrap();
    for key in [
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.sshCommand",
        "core.gitProxy",
        "core.askPass",
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "merge.evil.driver",
        "gpg.program",
        "gpg.ssh.program",
        "credential.helper",
        "uploadpack.packObjectsHook",
        "alias.log",
        "core.alternateRefsCommand",
        "gpg.openpgp.program",
        "gpg.ssh.defaultKeyCommand",
        "remote.origin.uploadpack",
        "remote.origin.receivepack",
        "remote.origin.vcs",
    ] {
        config.set_str(key, script).unwrap();
    }
    config.set_bool("filter.evil.required", true).unwrap();
    s.write(".gitattributes", "* filter=evil diff=evil merge=evil\n");
    s.write(".git/info/attributes", "* filter=evil diff=evil merge=evil\n");
    marker
}

#[cfg(unix)]
fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(not(unix))]
fn make_executable(_: &std::path::Path) {}

#[test]
fn judging_a_hostile_repository_runs_nothing() {
    let s = Scene::new();
    let attributes = "* filter=evil diff=evil merge=evil\n";
    let edited = RULES.replace("DROP", "ACCEPT");
    let base = s.commit(Some("main"), &[], &[(".gitattributes", attributes), ("devices/edge1/rules.v4", RULES)]);
    let tip = [(".gitattributes", attributes), ("devices/edge1/rules.v4", RULES), ("devices/edge2/rules.v4", RULES)];
    s.commit(Some("main"), &[base], &tip);
    s.commit(Some("topic"), &[base], &[(".gitattributes", attributes), ("devices/edge1/rules.v4", &edited)]);
    s.git.set_head("refs/heads/topic").unwrap();
    s.write("devices/edge1/rules.v4", &edited);
    let marker = booby_trap(&s);

    for ci in [false, true] {
        let surroundings = Surroundings { ci, ..s.surroundings() };
        let reader = Reader::new(&surroundings, &is_ruleset);
        let judged = reader.judged(&CheckArguments::default()).unwrap();
        assert_eq!(*judged.proposed.tree.devices[0].files[0].bytes, *edited.as_bytes());
        assert_eq!(judged.proposed.tree.devices.len(), if ci { 2 } else { 1 });
    }
    assert!(!marker.exists());
}

#[test]
fn a_folder_that_looks_like_a_bare_repository_is_content() {
    let s = Scene::new();
    s.commit(Some("main"), &[], &[("devices/edge1/rules.v4", RULES)]);
    let inner = s.path().join("devices/inner");
    let bare = git2::Repository::init_bare(&inner).unwrap();
    bare.config().unwrap().set_str("core.fsmonitor", "touch marker").unwrap();
    let found = Repository::discover(&inner).unwrap().unwrap();
    assert_eq!(found.root(), s.path());
}

#[test]
fn a_configured_working_tree_elsewhere_is_not_believed() {
    let s = Scene::new();
    s.commit(Some("main"), &[], &[("devices/edge1/rules.v4", RULES)]);
    s.git.config().unwrap().set_str("core.worktree", "/").unwrap();
    assert_eq!(s.open().root(), s.path());
}

#[test]
fn asking_telling_and_signing_run_nothing_of_the_repository() {
    let s = Scene::new();
    s.commit(Some("main"), &[], &[("devices/edge1/rules.v4", RULES)]);
    s.git.set_head("refs/heads/main").unwrap();
    let marker = booby_trap(&s);
    let there = tempfile::tempdir().unwrap();
    git2::Repository::init_bare(there.path()).unwrap();
    let url = format!("file://{}", there.path().display());
    s.git.config().unwrap().set_str("url.file:///nowhere/.insteadOf", &url).unwrap();
    for program in ["git", "ssh-keygen", "git-upload-pack", "git-receive-pack"] {
        std::fs::copy(s.path().join(".git/evil.sh"), s.path().join(program)).unwrap();
    }

    let repo = s.open();
    let remote = Remote::new(&repo, &url).unwrap();
    let tip = repo.resolve("refs/heads/main").unwrap().commit;
    remote.push(tip, "refs/heads/main").unwrap();
    remote.fetch("refs/heads/main").unwrap();
    assert_eq!(repo.remote_branch(&EvidenceSource::Fetched, "refs/heads/main").unwrap(), Some(tip));

    let key = there.path().join("key");
    let made =
        std::process::Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    assert!(made.unwrap().success());
    let signer = Signer::of_user(&SignerFlags { key: Some(key) }).unwrap();
    let draft = EvidenceDraft {
        parents: None,
        name: "A".to_owned(),
        email: "a@example.net".to_owned(),
        at: 1_700_000_000,
        message: "m\n".to_owned(),
    };
    let armor = signer.sign(&draft.payload().unwrap(), &s.path()).unwrap();
    let commit = repo.store_evidence(&draft.sealed(&armor).unwrap()).unwrap();
    remote.push(commit, "refs/heads/fwgate/changes/CHG-1").unwrap();
    remote.fetch("refs/heads/main").unwrap();
    assert_eq!(repo.evidence(&EvidenceSource::Fetched).unwrap().len(), 1);
    assert!(!marker.exists());
}
