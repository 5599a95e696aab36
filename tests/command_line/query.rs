//! `fwgate query` and `fwgate matrix`.

use super::scene::Scene;
use insta::assert_snapshot;

const ASK: &str = "proto tcp port 25,443 from 10.0.0.0/8 state new";

#[test]
fn a_question_for_people() {
    assert_snapshot!(Scene::of_edge().shown(&["query", "old.v4", "--hook", "forward", "--ask", ASK]));
}

#[test]
fn a_question_for_machines() {
    let arguments = [
        "query",
        "old.v4",
        "--hook",
        "forward",
        "--ask",
        "to 10.30.0.1 port 443 state new accepted",
        "--format",
        "json",
    ];
    assert_snapshot!(Scene::of_edge().shown(&arguments));
}

#[test]
fn names_come_from_a_policy() {
    let policy = "version = 1\n\n[ranges]\ntoronto = [\"10.20.0.0/16\"]\n";
    let scene = Scene::of_edge().file("fwgate.toml", policy);
    let arguments = [
        "query",
        "old.v4",
        "--hook",
        "forward",
        "--policy",
        "fwgate.toml",
        "--ask",
        "from toronto port 443 proto tcp state new accepted",
    ];
    assert_snapshot!(scene.shown(&arguments));
}

#[test]
fn a_question_that_is_not_understood_is_marked() {
    assert_snapshot!(Scene::of_edge().shown(&[
        "query",
        "old.v4",
        "--hook",
        "forward",
        "--ask",
        "to 10.0.0.1 prot tcp"
    ]));
}

#[test]
fn a_picture() {
    assert_snapshot!(Scene::of_edge().shown(&["matrix", "old.v4", "--hook", "forward", "--service", "tcp/443"]));
    let svg =
        Scene::of_edge().run(&["matrix", "old.v4", "--hook", "forward", "--service", "tcp/443", "--format", "svg"]);
    assert!(String::from_utf8(svg.stdout).unwrap().starts_with("<svg"));
}
