//! What stands at a path of a commit: raw bytes, and everything that is no plain file as what it is.

use crate::scene::Scene;
use fwgate::vcs::{EntryKind, Limits, VcsError, collisions, refuse_irregular};
use git2::Oid;

fn limits() -> Limits {
    Limits::default()
}

#[test]
fn kinds_and_raw_bytes() {
    let s = Scene::new();
    let blob = |text: &str| s.git.blob(text.as_bytes()).unwrap();
    let pointer = blob("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n");
    let commit = s.commit_entries(
        Some("main"),
        &[],
        &[
            (
                ".gitattributes",
                0o100_644,
                blob("* text eol=crlf working-tree-encoding=UTF-16 ident filter=evil -diff\n"),
            ),
            ("devices/a/exec", 0o100_755, blob("x")),
            ("devices/a/lfs", 0o100_644, pointer),
            ("devices/a/link", 0o120_000, blob("../../secret")),
            ("devices/a/module", 0o160_000, Oid::from_str(&"1".repeat(40)).unwrap()),
            ("devices/a/plain", 0o100_644, blob("$Id$\r\n\u{feff}\n")),
            ("devices/ab", 0o100_644, blob("beside")),
        ],
    );
    let repo = s.open();
    let tree = repo.tree(repo.resolve(&commit.to_string()).unwrap().commit).unwrap();
    let entries = repo.entries(&tree, "devices/a", &limits()).unwrap();
    let kinds: Vec<_> = entries.iter().map(|e| (e.path.as_str(), e.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("devices/a/exec", EntryKind::Executable),
            ("devices/a/lfs", EntryKind::LfsPointer),
            ("devices/a/link", EntryKind::Symlink),
            ("devices/a/module", EntryKind::Submodule),
            ("devices/a/plain", EntryKind::File),
        ]
    );
    assert_eq!(*entries[4].bytes, *"$Id$\r\n\u{feff}\n".as_bytes());
    for entry in &entries[..4] {
        let error = refuse_irregular([entry]).unwrap_err();
        assert_eq!(error.code(), Some("PATH_NOT_REGULAR"));
        assert!(error.help().is_some());
    }
    assert_eq!(repo.entries(&tree, "", &limits()).unwrap().len(), 7);
    assert_eq!(repo.entries(&tree, "devices/a/plain", &limits()).unwrap().len(), 1);
    assert_eq!(repo.entries(&tree, "device", &limits()).unwrap().len(), 0);
}

#[test]
fn a_link_in_place_of_a_folder_is_seen() {
    let s = Scene::new();
    let target = s.git.blob(b"elsewhere").unwrap();
    s.commit_entries(Some("main"), &[], &[("net", 0o120_000, target)]);
    let repo = s.open();
    let tree = repo.tree(repo.head().unwrap().commit).unwrap();
    let entries = repo.entries(&tree, "net/devices", &limits()).unwrap();
    assert_eq!(entries[0].kind, EntryKind::Symlink);
}

#[test]
fn twins_collide() {
    let s = Scene::new();
    s.commit(Some("main"), &[], &[("devices/Edge1/a", "1"), ("devices/edge1/a", "2")]);
    let repo = s.open();
    let tree = repo.tree(repo.head().unwrap().commit).unwrap();
    let error = collisions(tree.paths()).unwrap_err();
    assert_eq!(error, VcsError::Collision { one: "devices/Edge1".into(), other: "devices/edge1".into() });
    assert_eq!(error.code(), Some("PATH_COLLISION"));
}

#[test]
fn names_that_leave_the_tree_are_refused() {
    for bad in ["..", ".git", "."] {
        let s = Scene::new();
        let blob = s.git.blob(b"x").unwrap();
        s.commit_entries(Some("main"), &[], &[(&format!("devices/{bad}"), 0o100_644, blob)]);
        let repo = s.open();
        let error = repo.tree(repo.head().unwrap().commit).unwrap_err();
        assert_eq!(error.code(), Some("PATH_INVALID"), "{bad}: {error}");
    }
}

#[test]
fn names_that_cannot_be_judged_by_eye_matter_only_where_they_are_read() {
    for bad in ["a\\b", "a\nb", "a\u{202e}b"] {
        let s = Scene::new();
        let blob = s.git.blob(b"x").unwrap();
        s.commit_entries(
            Some("main"),
            &[],
            &[(&format!("devices/{bad}"), 0o100_644, blob), ("roles/x", 0o100_644, blob)],
        );
        let repo = s.open();
        let tree = repo.tree(repo.head().unwrap().commit).unwrap();
        assert_eq!(repo.entries(&tree, "devices", &limits()).unwrap_err().code(), Some("PATH_INVALID"), "{bad}");
        assert_eq!(repo.entries(&tree, "roles", &limits()).unwrap().len(), 1);
    }
}

#[test]
fn one_name_twice_is_refused() {
    let s = Scene::new();
    let blob = s.git.blob(b"x").unwrap();
    s.commit_entries(Some("main"), &[], &[("a", 0o100_644, blob), ("a", 0o100_644, blob)]);
    let repo = s.open();
    assert_eq!(repo.tree(repo.head().unwrap().commit).unwrap_err().code(), Some("PATH_COLLISION"));
}

#[test]
fn bounds_are_refused_before_reading() {
    let s = Scene::new();
    s.commit(Some("main"), &[], &[("a", "12345"), ("b", "12345")]);
    let repo = s.open();
    let tree = repo.tree(repo.head().unwrap().commit).unwrap();
    let refused = |limits: Limits| matches!(repo.entries(&tree, "", &limits), Err(VcsError::TooLarge { .. }));
    assert!(refused(Limits { file_bytes: 4, ..limits() }));
    assert!(refused(Limits { total_bytes: 9, ..limits() }));
    assert!(refused(Limits { files: 1, ..limits() }));
    assert!(!refused(Limits { file_bytes: 5, total_bytes: 10, files: 2, ..limits() }));
}
