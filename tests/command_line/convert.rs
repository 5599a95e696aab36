//! `fwgate convert`: what it prints, and that it reads back.

use super::scene::{OLD, Scene};

#[test]
fn a_ruleset_as_the_model_sees_it() {
    insta::assert_snapshot!(Scene::of_edge().shown(&["convert", "old.v4", "--to", "native"]));
}

#[test]
fn what_was_converted_is_equivalent_and_names_the_same_rules() {
    let scene = Scene::of_edge();
    let converted = scene.run(&["convert", "old.v4", "--to", "native"]).stdout;
    let scene = scene.bytes("old.json", &converted);
    assert_eq!(scene.run(&["diff", "old.v4", "old.json", "--exit-code"]).status.code(), Some(0));
    let packet = "{\"src\":\"10.20.0.1\",\"dst\":\"10.30.0.1\",\"proto\":\"tcp\",\"dport\":443}\n\
                  {\"src\":\"10.20.0.1\",\"dst\":\"10.30.0.1\",\"proto\":\"tcp\",\"dport\":444}";
    let trace = |name| scene.run_with(&["trace", name, "--hook", "forward", "--packets", "-"], packet, |_| {}).stdout;
    assert_eq!(trace("old.v4"), trace("old.json"));
    let of_dump = scene.json(&["diff", "old.v4", "new.v4", "--format", "json"]);
    assert_eq!(of_dump["changes"], scene.json(&["diff", "old.json", "new.v4", "--format", "json"])["changes"]);
}

#[test]
fn what_is_not_understood_is_shown_in_its_place() {
    let text = "{\n  \"schema\": \"fwgate.ruleset/1\",\n  \"chains\": [{\n    \"name\": \"input\",\n    \
                \"base\": {\"hook\": \"imput\", \"policy\": \"drop\"},\n    \"rules\": [{\"sport\": 1, \"then\": \"drop\"}]\n  }]\n}\n";
    insta::assert_snapshot!(Scene::new().file("a.json", text).shown(&["lint", "a.json"]));
    let two = Scene::new().file("a.v4", OLD).file("b.v4", "*filter\n-A NOWHERE -j ACCEPT\nCOMMIT\n");
    assert_eq!(two.run(&["convert", "b.v4", "--to", "native"]).status.code(), Some(2));
}
