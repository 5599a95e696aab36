//! Clones whose history appears other than it is.

use crate::scene::Scene;
use fwgate::vcs::{Condition, VcsError};

#[test]
fn an_ordinary_clone_has_no_conditions() {
    let s = Scene::new();
    s.commit(Some("main"), &[], &[("a", "1")]);
    assert_eq!(s.open().conditions(), Ok(Vec::new()));
    assert_eq!(s.open().require_full_history(), Ok(()));
}

#[test]
fn replace_refs_are_reported_and_change_nothing() {
    let s = Scene::new();
    let good = s.commit(Some("main"), &[], &[("a", "good")]);
    let evil = s.commit(None, &[], &[("a", "evil")]);
    s.git.reference(&format!("refs/replace/{good}"), evil, true, "").unwrap();
    let repo = s.open();
    let error = repo.require_full_history().unwrap_err();
    assert_eq!(error.code(), Some("REPLACE_REFS_PRESENT"));
    let tree = repo.tree(repo.head().unwrap().commit).unwrap();
    assert_eq!(repo.entries(&tree, "", &Default::default()).unwrap()[0].bytes[..], b"good"[..]);
}

#[test]
fn grafts_are_reported_and_change_no_parent() {
    let s = Scene::new();
    let one = s.commit(None, &[], &[("a", "1")]);
    let two = s.commit(Some("main"), &[one], &[("a", "2")]);
    s.write(".git/info/grafts", &format!("{two}\n"));
    let repo = s.open();
    assert_eq!(repo.conditions(), Ok(vec![Condition::Grafted]));
    assert_eq!(repo.resolve("main~1").unwrap().commit.to_string(), one.to_string());
    let (one, two) = (repo.resolve(&one.to_string()).unwrap().commit, repo.head().unwrap().commit);
    assert_eq!(repo.descends_from(two, one), Ok(true));
    assert_eq!(repo.descends_from(one, two), Ok(false));
    assert_eq!(repo.merge_base(one, two), Ok(one));
}

#[test]
fn shallow_and_partial_clones_are_reported() {
    let s = Scene::new();
    let one = s.commit(Some("main"), &[], &[("a", "1")]);
    s.write(".git/shallow", &format!("{one}\n"));
    s.write(".git/objects/pack/pack-1.promisor", "");
    let repo = s.open();
    assert_eq!(repo.conditions(), Ok(vec![Condition::Shallow, Condition::Partial]));
    let error = repo.require_full_history().unwrap_err();
    assert_eq!(error, VcsError::History(Condition::Shallow));
    assert!(error.help().unwrap().contains("fetch-depth: 0"));
}

#[test]
fn a_missing_parent_is_an_error() {
    let s = Scene::new();
    let one = s.commit(None, &[], &[("a", "1")]);
    s.commit(Some("main"), &[one], &[("a", "2")]);
    let hex = one.to_string();
    std::fs::remove_file(s.path().join(".git/objects").join(&hex[..2]).join(&hex[2..])).unwrap();
    let repo = s.open();
    let head = repo.head().unwrap().commit;
    assert_eq!(repo.descends_from(head, head).unwrap_err().code(), Some("HISTORY_UNVERIFIABLE"));
}
