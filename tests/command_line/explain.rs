//! `fwgate explain`, `fwgate schema` and help.

use super::scene::Scene;
use insta::assert_snapshot;

#[test]
fn a_code_and_a_name_are_the_same_page() {
    let scene = Scene::new();
    assert_snapshot!(scene.shown(&["explain", "FW101"]));
    let page = |code| scene.run(&["explain", code]).stdout;
    assert_eq!(page("FW101"), page("required-flow-lost"));
    assert_eq!(page("FW101"), page("fw101"));
}

#[test]
fn all_pages_are_the_documentation() {
    let all = Scene::new().run(&["explain", "--all"]).stdout;
    let written = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/findings.md")).unwrap();
    assert_eq!(String::from_utf8(all).unwrap(), String::from_utf8(written).unwrap());
}

#[test]
fn an_unknown_code_has_a_neighbour() {
    assert_snapshot!(Scene::new().shown(&["explain", "required-flow-los"]), @r"
    $ fwgate explain required-flow-los
    --- stderr
    error: there is no finding `required-flow-los`
      = help: did you mean `required-flow-lost`?
    --- exit 2
    ");
}

#[test]
fn schemas_are_listed() {
    assert_snapshot!(Scene::new().shown(&["schema"]));
    assert_snapshot!(Scene::new().shown(&["schema", "dif"]), @r"
    $ fwgate schema dif
    --- stderr
    error: there is no schema `dif`
      = help: did you mean `diff`?
    --- exit 2
    ");
}

#[test]
fn help_is_an_answer_and_nothing_is_bad_usage() {
    assert_snapshot!("help", Scene::new().shown(&["--help"]));
    assert_snapshot!("help of diff", Scene::new().shown(&["diff", "--help"]));
    assert_eq!(Scene::new().run(&[]).status.code(), Some(2));
    assert_eq!(Scene::new().run(&["nonsense"]).status.code(), Some(2));
    assert_eq!(Scene::new().run(&["--version"]).status.code(), Some(0));
}
