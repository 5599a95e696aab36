//! The three-way merge from blobs.

use crate::scene::Scene;
use fwgate::vcs::{Limits, VcsError, merge_onto};
use git2::Oid;

const LINES: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";

/// What the merge holds, as (path, text).
fn merged(s: &Scene, ours: Oid, theirs: Oid) -> Result<Vec<(String, String)>, VcsError> {
    let repo = s.open();
    let id = |oid: Oid| repo.resolve(&oid.to_string()).unwrap().commit;
    let tree = merge_onto(&repo, id(ours), id(theirs))?;
    let entries = repo.entries(&tree, "", &Limits::default())?;
    Ok(entries.into_iter().map(|e| (e.path, String::from_utf8(e.bytes.to_vec()).unwrap())).collect())
}

fn conflicts(s: &Scene, ours: Oid, theirs: Oid) -> Vec<String> {
    match merged(s, ours, theirs) {
        Err(VcsError::Conflict { paths, .. }) => paths,
        other => panic!("{other:?}"),
    }
}

fn pairs(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())).collect()
}

#[test]
fn edits_of_both_sides_are_put_together() {
    let s = Scene::new();
    let base = s.commit(None, &[], &[("a", LINES), ("gone", "x"), ("same", "s")]);
    let (first, last) = (LINES.replace('1', "one"), LINES.replace('9', "nine"));
    let ours = s.commit(None, &[base], &[("a", &first), ("same", "s"), ("new", "n")]);
    let theirs = s.commit(None, &[base], &[("a", &last), ("gone", "x"), ("same", "s"), ("dir/new", "m")]);
    let both = first.replace('9', "nine");
    let wanted = pairs(&[("a", &both), ("dir/new", "m"), ("new", "n"), ("same", "s")]);
    assert_eq!(merged(&s, ours, theirs).unwrap(), wanted);
    assert_eq!(merged(&s, theirs, ours).unwrap(), wanted);
    assert_eq!(merged(&s, ours, base).unwrap(), merged(&s, ours, ours).unwrap());
}

#[test]
fn conflicts_name_all_paths() {
    let s = Scene::new();
    let base = s.commit(None, &[], &[("a", LINES), ("b", "b"), ("c", "c")]);
    let ours = s.commit(None, &[base], &[("a", &LINES.replace('5', "five")), ("c", "cc"), ("d", "1"), ("e", "file")]);
    let theirs =
        s.commit(None, &[base], &[("a", &LINES.replace('5', "V")), ("b", "bb"), ("d", "2"), ("e/f", "x"), ("c", "c")]);
    assert_eq!(conflicts(&s, ours, theirs), ["a", "b", "d", "e"]);
}

#[test]
fn binary_files_are_not_merged() {
    let s = Scene::new();
    let with_nul = format!("\0\n{LINES}");
    let base = s.commit(None, &[], &[("a", &with_nul)]);
    let ours = s.commit(None, &[base], &[("a", &with_nul.replace('1', "one"))]);
    let theirs = s.commit(None, &[base], &[("a", &with_nul.replace('9', "nine"))]);
    assert_eq!(conflicts(&s, ours, theirs), ["a"]);
}

#[test]
fn a_rename_beside_an_edit_is_for_people() {
    let s = Scene::new();
    let base = s.commit(None, &[], &[("devices/old/a", LINES), ("x", "1")]);
    let renamed = s.commit(None, &[base], &[("devices/new/a", LINES), ("x", "1")]);
    let edited = s.commit(None, &[base], &[("devices/old/a", &LINES.replace('5', "five")), ("x", "1")]);
    let elsewhere = s.commit(None, &[base], &[("devices/old/a", LINES), ("x", "2")]);
    assert_eq!(conflicts(&s, renamed, edited), ["devices/old/a"]);
    assert_eq!(merged(&s, renamed, elsewhere).unwrap(), pairs(&[("devices/new/a", LINES), ("x", "2")]));
}

#[test]
fn attributes_decide_nothing() {
    let attributes = ["* merge=union\n", "* binary\n", "* ident\n", "* merge=evil -text\n", "* -merge\n"];
    for attribute in attributes {
        let s = Scene::new();
        s.git.config().unwrap().set_str("merge.evil.driver", "touch marker").unwrap();
        s.write(".gitattributes", attribute);
        s.write(".git/info/attributes", attribute);
        let global = s.path().join("attributes");
        std::fs::write(&global, attribute).unwrap();
        s.git.config().unwrap().set_str("core.attributesfile", global.to_str().unwrap()).unwrap();
        let at = |text: &str| [(".gitattributes", attribute.to_owned()), ("a", text.to_owned())];
        let commit = |parents: &[Oid], text: &str| {
            let files = at(text);
            let files: Vec<_> = files.iter().map(|(p, t)| (*p, t.as_str())).collect();
            s.commit(None, parents, &files)
        };
        let base = commit(&[], LINES);
        let (top, bottom) =
            (commit(&[base], &LINES.replace('1', "one $Id$")), commit(&[base], &LINES.replace('9', "nine")));
        let clash = commit(&[base], &LINES.replace('1', "eins"));
        let both = LINES.replace('1', "one $Id$").replace('9', "nine");
        assert_eq!(
            merged(&s, top, bottom).unwrap(),
            pairs(&[(".gitattributes", attribute), ("a", &both)]),
            "{attribute}"
        );
        assert_eq!(conflicts(&s, top, clash), ["a"], "{attribute}");
        if attribute.contains("union") {
            let [top, clash] = [top, clash].map(|id| s.git.find_commit(id).unwrap());
            let obeying = s.git.merge_commits(&top, &clash, None).unwrap();
            assert!(!obeying.has_conflicts(), "a merge that asks attributes would have taken both sides");
        }
    }
}

#[test]
fn criss_cross_histories_have_a_virtual_base() {
    let s = Scene::new();
    let root = s.commit(None, &[], &[("a", LINES), ("b", "b")]);
    let left = s.commit(None, &[root], &[("a", &LINES.replace('1', "one")), ("b", "b")]);
    let right = s.commit(None, &[root], &[("a", &LINES.replace('9', "nine")), ("b", "b")]);
    let both = LINES.replace('1', "one").replace('9', "nine");
    let left2 = s.commit(None, &[left, right], &[("a", &both), ("b", "b")]);
    let right2 = s.commit(None, &[right, left], &[("a", &both), ("b", "bb")]);
    let left3 = s.commit(None, &[left2], &[("a", &both.replace('5', "five")), ("b", "b")]);
    let repo = s.open();
    let id = |oid: Oid| repo.resolve(&oid.to_string()).unwrap().commit;
    assert_eq!(repo.merge_bases(id(left3), id(right2)).unwrap().len(), 2);
    assert_eq!(repo.merge_base(id(left3), id(right2)).unwrap_err().code(), Some("REF_AMBIGUOUS"));
    let wanted = pairs(&[("a", &both.replace('5', "five")), ("b", "bb")]);
    assert_eq!(merged(&s, left3, right2).unwrap(), wanted);
}

#[test]
fn where_merged_bases_conflict_only_agreement_is_taken() {
    let s = Scene::new();
    let root = s.commit(None, &[], &[("a", "0\n"), ("b", "b")]);
    let left = s.commit(None, &[root], &[("a", "l\n"), ("b", "b")]);
    let right = s.commit(None, &[root], &[("a", "r\n"), ("b", "b")]);
    let one = s.commit(None, &[left, right], &[("a", "l\n"), ("b", "b")]);
    let other = s.commit(None, &[right, left], &[("a", "r\n"), ("b", "bb")]);
    let agreeing = s.commit(None, &[right, left], &[("a", "l\n"), ("b", "bb")]);
    assert_eq!(conflicts(&s, one, other), ["a"]);
    assert_eq!(merged(&s, one, agreeing).unwrap(), pairs(&[("a", "l\n"), ("b", "bb")]));
}

#[test]
fn modes_are_merged_beside_contents() {
    let s = Scene::new();
    let (old, new) = (s.git.blob(b"old").unwrap(), s.git.blob(b"new").unwrap());
    let base = s.commit_entries(None, &[], &[("a", 0o100_644, old)]);
    let bit = s.commit_entries(None, &[base], &[("a", 0o100_755, old)]);
    let text = s.commit_entries(None, &[base], &[("a", 0o100_644, new)]);
    let link = s.commit_entries(None, &[base], &[("a", 0o120_000, new)]);
    let repo = s.open();
    let id = |oid: Oid| repo.resolve(&oid.to_string()).unwrap().commit;
    let tree = merge_onto(&repo, id(bit), id(text)).unwrap();
    let entry = repo.entries(&tree, "", &Limits::default()).unwrap().remove(0);
    assert_eq!((entry.kind, &*entry.bytes), (fwgate::vcs::EntryKind::Executable, &b"new"[..]));
    assert_eq!(conflicts(&s, bit, link), ["a"]);
}

#[test]
fn unrelated_histories_are_refused() {
    let s = Scene::new();
    let (one, other) = (s.commit(None, &[], &[("a", "1")]), s.commit(None, &[], &[("a", "2")]));
    assert!(matches!(merged(&s, one, other), Err(VcsError::NoMergeBase { .. })));
}
