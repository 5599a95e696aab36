//! What `fwgate check` judges by default.

use crate::scene::{RULES, Scene, folder, is_ruleset};
use fwgate::cli::input::{CheckArguments, InputError, Judged, PolicySource, Reader, Surroundings};
use fwgate::vcs::VcsError;
use std::ffi::OsStr;

const BASE: &str = "*filter\n:INPUT DROP\n-A INPUT -j ACCEPT\n:OUTPUT ACCEPT\n-A OUTPUT\n:FORWARD DROP\nCOMMIT\n";

/// Base, then main changes the first line and the policy, and topic the last and the policy.
fn scene() -> Scene {
    let s = Scene::new();
    let base = s.commit(None, &[], &[("devices/e/rules", BASE), ("fwgate.toml", "version = 1\n")]);
    let (main, topic) = (BASE.replace("INPUT DROP", "INPUT ACCEPT"), BASE.replace("FORWARD DROP", "FORWARD ACCEPT"));
    let policy = [("fwgate.toml", "version = 2\n"), ("policies/p.toml", "p"), ("policies/sub/q.toml", "q")];
    s.commit(Some("main"), &[base], &[&[("devices/e/rules", main.as_str())][..], &policy].concat());
    s.commit(
        Some("topic"),
        &[base],
        &[("devices/e/rules", &topic), ("fwgate.toml", "version = 1\n"), ("policies/evil.toml", "")],
    );
    s.git.set_head("refs/heads/topic").unwrap();
    s.write("devices/e/rules", "*worktree\n");
    s.write("fwgate.toml", "worktree");
    s
}

fn judged(s: &Scene, ci: bool, arguments: CheckArguments<'_>) -> Result<Judged, InputError> {
    let at = Surroundings { ci, ..s.surroundings() };
    Reader::new(&at, &is_ruleset).judged(&arguments)
}

fn text(side: &fwgate::cli::input::Side) -> String {
    String::from_utf8(side.tree.devices[0].files[0].bytes.to_vec()).unwrap()
}

#[test]
fn at_a_terminal_the_authors_part() {
    let s = scene();
    let j = judged(&s, false, CheckArguments::default()).unwrap();
    assert_eq!(text(&j.baseline), BASE);
    assert_eq!(text(&j.proposed), "*worktree\n");
    assert!(j.baseline.words.ends_with("(merge base of refs/heads/topic and refs/heads/main)"), "{}", j.baseline.words);
    assert_eq!(j.proposed.words, "the working tree");
}

#[test]
fn in_ci_what_the_merge_will_do() {
    let s = scene();
    for (ci, merged) in [(true, false), (false, true)] {
        let j = judged(&s, ci, CheckArguments { merged, ..CheckArguments::default() }).unwrap();
        assert_eq!(text(&j.baseline), BASE.replace("INPUT DROP", "INPUT ACCEPT"));
        assert_eq!(
            text(&j.proposed),
            BASE.replace("INPUT DROP", "INPUT ACCEPT").replace("FORWARD DROP", "FORWARD ACCEPT")
        );
        assert!(j.baseline.words.ends_with("(tip of refs/heads/main)"));
        assert!(j.proposed.words.ends_with("(refs/heads/topic) merged onto refs/heads/main"));
    }
}

#[test]
fn the_authors_part_in_ci_is_labelled() {
    let s = scene();
    let arguments = CheckArguments { baseline: Some(OsStr::new("merge-base")), ..CheckArguments::default() };
    let j = judged(&s, true, arguments).unwrap();
    assert_eq!(text(&j.baseline), BASE);
    assert_eq!(text(&j.proposed), BASE.replace("FORWARD DROP", "FORWARD ACCEPT"));
    assert!(j.proposed.words.contains("the author's part only"));
}

#[test]
fn the_policy_is_the_protected_branchs() {
    let s = scene();
    for ci in [false, true] {
        let j = judged(&s, ci, CheckArguments::default()).unwrap();
        let files: Vec<_> = j.policy.files.iter().map(|f| (f.path.as_str(), &*f.bytes)).collect();
        assert_eq!(
            files,
            [("fwgate.toml", &b"version = 2\n"[..]), ("policies/p.toml", b"p"), ("policies/sub/q.toml", b"q")]
        );
        assert!(matches!(j.policy.source, PolicySource::Protected(_)));
    }
    s.write("mine.toml", "m");
    let arguments = CheckArguments { policy: Some(OsStr::new("mine.toml")), ..CheckArguments::default() };
    let j = judged(&s, false, arguments).unwrap();
    assert_eq!(j.policy.source, PolicySource::Unprotected);
    assert_eq!(j.policy.files[0].bytes[..], b"m"[..]);
}

#[test]
fn folders_and_revisions_can_be_named() {
    let s = scene();
    s.write("old/e/rules", "*old\n");
    let arguments = CheckArguments {
        baseline: Some(OsStr::new("old")),
        proposed: Some(OsStr::new("rev:main")),
        ..CheckArguments::default()
    };
    let j = judged(&s, false, arguments).unwrap();
    assert_eq!((text(&j.baseline).as_str(), j.baseline.words.as_str()), ("*old\n", "old"));
    assert_eq!(j.proposed.words, "rev:main");
    let bare = CheckArguments { proposed: Some(OsStr::new("topic")), ..CheckArguments::default() };
    assert_eq!(text(&judged(&s, false, bare).unwrap().proposed), BASE.replace("FORWARD DROP", "FORWARD ACCEPT"));
    s.write("topic/e/rules", "*x\n");
    assert_eq!(judged(&s, false, bare).unwrap_err(), InputError::PathOrRevision { name: "topic".into() });
}

#[test]
fn outside_a_repository_both_sides_are_given() {
    let dir = folder(&[("a/e/rules", RULES), ("b/e/rules", RULES)]);
    let at = Surroundings { cwd: dir.path().to_owned(), ci: true };
    let reader = Reader::new(&at, &is_ruleset);
    let (a, b) = (Some(OsStr::new("a")), Some(OsStr::new("b")));
    let both = reader.judged(&CheckArguments { baseline: a, proposed: b, ..CheckArguments::default() }).unwrap();
    assert_eq!(both.policy.source, PolicySource::Absent);
    let one = reader.judged(&CheckArguments { baseline: a, ..CheckArguments::default() });
    assert_eq!(one.unwrap_err(), InputError::NoDefaults);
}

#[test]
fn shallow_clones_and_conflicts_give_no_verdict() {
    let s = scene();
    s.write(".git/shallow", &format!("{}\n", s.open().head().unwrap().commit));
    assert_eq!(judged(&s, true, CheckArguments::default()).unwrap_err().code(), Some("HISTORY_INCOMPLETE"));
    assert_eq!(judged(&s, false, CheckArguments::default()).unwrap_err().code(), Some("HISTORY_INCOMPLETE"));

    let s = Scene::new();
    let base = s.commit(None, &[], &[("devices/e/rules", "*a\n")]);
    s.commit(Some("main"), &[base], &[("devices/e/rules", "*b\n")]);
    s.commit(Some("topic"), &[base], &[("devices/e/rules", "*c\n")]);
    s.git.set_head("refs/heads/topic").unwrap();
    let error = judged(&s, true, CheckArguments::default()).unwrap_err();
    assert!(matches!(error, InputError::Vcs(VcsError::Conflict { .. })), "{error}");
}

#[test]
fn an_empty_side_gives_no_verdict() {
    let s = Scene::new();
    s.commit(Some("main"), &[], &[("devices/README.md", "x")]);
    s.write("devices/e/rules", RULES);
    assert!(matches!(judged(&s, false, CheckArguments::default()), Err(InputError::Unfit(_))));
    let none = Scene::new();
    none.commit(Some("main"), &[], &[("README.md", "x")]);
    none.write("devices/e/rules", RULES);
    assert!(matches!(
        judged(&none, false, CheckArguments::default()),
        Err(InputError::Vcs(VcsError::NoSuchPath { .. }))
    ));
}
