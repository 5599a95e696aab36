//! Input that is not understood: no answer, exit code 2, and words that help.

use super::scene::{OLD, Scene};
use insta::assert_snapshot;

#[test]
fn every_problem_of_both_sides_in_one_run() {
    let scene = Scene::new()
        .file("old.v4", &OLD.replace("--dport 53", "--dprot 53").replace("-j REJECT", "-j REJCT"))
        .file("new.v4", &OLD.replace("10.1.0.0/24", "10.1.0.0/33"));
    assert_snapshot!(scene.shown(&["diff", "old.v4", "new.v4"]));
}

#[test]
fn a_flaw_that_both_sides_have_is_told_once() {
    let flawed = OLD.replace("10.1.0.0/24", "10.1.0.0/33");
    let scene = Scene::new().file("old/edge1.v4", &flawed).file("new/edge1.v4", &flawed);
    let output = scene.run(&["diff", "old", "new"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), text.matches("error:").count()),
        (Some(2), flawed.matches("/33").count()),
        "{text}"
    );
}

#[test]
fn nothing_is_written_to_standard_output() {
    let scene = Scene::new().file("old.v4", OLD).file("new.v4", "nonsense\n").bytes("bytes.v4", b"*filter\n\xff\xfe\n");
    for (old, new) in [("old.v4", "new.v4"), ("old.v4", "bytes.v4"), ("old.v4", "absent.v4"), ("rev:main", "old.v4")] {
        for format in ["json", "human"] {
            let output = scene.run(&["diff", old, new, "--format", format]);
            assert_eq!(output.status.code(), Some(2), "{old} {new}");
            assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{old} {new}");
        }
    }
}

#[test]
fn a_missing_file_has_a_neighbour() {
    assert_snapshot!(Scene::of_edge().shown(&["diff", "old.v4", "nev.v4"]));
}

#[test]
fn an_empty_tree_and_an_empty_ruleset_prove_nothing() {
    let scene = Scene::of_edge().file("empty/README.md", "nothing").file("none.v4", "*filter\n:INPUT ACCEPT\nCOMMIT\n");
    assert_eq!(scene.run(&["diff", "empty", "empty"]).status.code(), Some(2));
    assert_eq!(scene.run(&["diff", "none.v4", "none.v4", "--exit-code"]).status.code(), Some(2));
}

#[test]
fn usage_errors_are_no_verdict() {
    let scene = Scene::of_edge();
    for arguments in [
        vec!["diff", "old.v4"],
        vec!["diff", "old.v4", "new.v4", "--max-regions", "0"],
        vec!["diff", "old.v4", "new.v4", "--format", "yaml"],
        vec!["diff", "old.v4", "new.v4", "--dialect", "iptable"],
        vec!["trace", "old.v4", "--hook", "prerouting", "--packets", "-"],
        vec!["matrix", "old.v4", "--hook", "forward", "--service", "tpc/22"],
        vec!["lint"],
    ] {
        let output = scene.run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}
