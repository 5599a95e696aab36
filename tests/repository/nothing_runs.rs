//! Nothing that a repository contains or configures is executed by reading it.

use crate::scene::{RULES, Scene, is_ruleset};
use fwgate::cli::input::{CheckArguments, Reader, Surroundings};
use fwgate::vcs::Repository;

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
        assert_eq!(judged.proposed.tree.devices[0].files[0].bytes, edited.as_bytes());
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
