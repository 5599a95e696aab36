//! Which commit a name means, and when a name is refused.

use crate::scene::Scene;
use fwgate::vcs::VcsError;

#[test]
fn names_ids_and_ancestors() {
    let s = Scene::new();
    let one = s.commit(None, &[], &[("a", "1")]);
    let two = s.commit(Some("main"), &[one], &[("a", "2")]);
    s.git.reference("refs/tags/v1", one, true, "").unwrap();
    let repo = s.open();
    let id = |name: &str| repo.resolve(name).map(|r| r.commit.to_string());
    for name in ["main", "HEAD", "@", "refs/heads/main", &two.to_string(), &two.to_string()[..10], "main~0", "main^0"] {
        assert_eq!(id(name), Ok(two.to_string()), "{name}");
    }
    for name in ["v1", "HEAD~1", "HEAD~", "main^", "main^1", "@~"] {
        assert_eq!(id(name), Ok(one.to_string()), "{name}");
    }
    assert!(matches!(id("HEAD~2"), Err(VcsError::UnknownRevision { .. })));
    for name in ["HEAD~x", "main^{tree}", "main@{1}", ":/m", "", "~1", "main..v1", "main:a"] {
        assert!(id(name).is_err(), "{name}");
    }
    assert_eq!(repo.resolve("mian").unwrap_err().help().unwrap(), "did you mean `main`?");
}

#[test]
fn a_linked_worktree_has_its_own_head() {
    let s = Scene::new();
    let one = s.commit(Some("main"), &[], &[("a", "1")]);
    let two = s.commit(Some("topic"), &[one], &[("a", "2")]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("linked");
    let topic = s.git.find_reference("refs/heads/topic").unwrap();
    let mut options = git2::WorktreeAddOptions::new();
    s.git.worktree("linked", &path, Some(options.reference(Some(&topic)))).unwrap();
    let repo = fwgate::vcs::Repository::discover(&path).unwrap().unwrap();
    assert_eq!(repo.root(), path);
    assert_eq!(repo.head().unwrap().commit.to_string(), two.to_string());
    assert_eq!(repo.protected_branch(None).unwrap().name, "refs/heads/main");
}

#[test]
fn annotated_tags_are_followed() {
    let s = Scene::new();
    let one = s.commit(Some("main"), &[], &[("a", "1")]);
    let who = git2::Signature::now("A", "a@example.net").unwrap();
    s.git.tag("v1", &s.git.find_object(one, None).unwrap(), &who, "m", false).unwrap();
    assert_eq!(s.open().resolve("v1").unwrap().commit.to_string(), one.to_string());
}

#[test]
fn a_tag_does_not_shadow_a_branch() {
    let s = Scene::new();
    let one = s.commit(None, &[], &[("a", "1")]);
    s.commit(Some("main"), &[one], &[("a", "2")]);
    s.git.reference("refs/tags/main", one, true, "").unwrap();
    let error = s.open().resolve("main").unwrap_err();
    assert_eq!(error.code(), Some("REF_AMBIGUOUS"));
    assert_eq!(error.to_string(), "`main` names several things: `refs/heads/main`, `refs/tags/main`");
    assert_eq!(s.open().protected_branch(Some("main")).unwrap_err().code(), Some("REF_AMBIGUOUS"));
    assert_eq!(s.open().protected_branch(None).unwrap().name, "refs/heads/main");
}

#[test]
fn the_protected_branch_in_order() {
    let s = Scene::new();
    let one = s.commit(Some("topic"), &[], &[("a", "1")]);
    let error = s.open().protected_branch(None).unwrap_err();
    assert!(error.help().unwrap().contains("refs/heads/topic"), "{error:?}");

    s.git.reference("refs/heads/master", one, true, "").unwrap();
    assert_eq!(s.open().protected_branch(None).unwrap().name, "refs/heads/master");
    s.git.reference("refs/heads/main", one, true, "").unwrap();
    assert!(matches!(s.open().protected_branch(None), Err(VcsError::NoProtectedBranch { .. })));

    let two = s.commit(None, &[one], &[("a", "2")]);
    s.git.reference("refs/remotes/origin/trunk", two, true, "").unwrap();
    s.git.reference_symbolic("refs/remotes/origin/HEAD", "refs/remotes/origin/trunk", true, "").unwrap();
    assert_eq!(s.open().protected_branch(None).unwrap().name, "refs/remotes/origin/trunk");
    assert_eq!(s.open().protected_branch(Some("master")).unwrap().name, "refs/heads/master");
    assert_eq!(s.open().protected_branch(Some("origin/trunk")).unwrap().name, "refs/remotes/origin/trunk");
    assert_eq!(s.open().protected_branch(Some(&two.to_string())).unwrap().commit.to_string(), two.to_string());
}

#[test]
fn what_moves_with_the_proposal_is_not_protected() {
    let s = Scene::new();
    let one = s.commit(Some("main"), &[], &[("a", "1")]);
    s.git.reference("refs/tags/v1", one, true, "").unwrap();
    for name in ["HEAD", "@", "v1", "refs/tags/v1", "main~0", &one.to_string()[..8]] {
        assert!(matches!(s.open().protected_branch(Some(name)), Err(VcsError::NotABranch { .. })), "{name}");
    }
    assert!(s.open().protected_branch(Some("absent")).is_err());
}

#[test]
fn a_reference_that_cannot_be_read_is_no_absence() {
    let s = Scene::new();
    s.commit(Some("main"), &[], &[("a", "1")]);
    s.write(".git/refs/remotes/origin/HEAD", "garbage\n");
    assert!(s.open().protected_branch(None).is_err());
    s.write(".git/refs/remotes/origin/HEAD", "ref: refs/remotes/origin/main\n");
    s.write(".git/refs/remotes/origin/main", "garbage\n");
    assert!(s.open().protected_branch(None).is_err());
}

#[test]
fn a_dangling_remote_head_is_an_error_and_no_fallback() {
    let s = Scene::new();
    s.commit(Some("main"), &[], &[("a", "1")]);
    s.git.reference_symbolic("refs/remotes/origin/HEAD", "refs/remotes/origin/gone", true, "").unwrap();
    assert!(s.open().protected_branch(None).is_err());
}
