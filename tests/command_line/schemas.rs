//! Every JSON output against its published schema.

use super::scene::Scene;
use serde_json::Value;

fn check(scene: &Scene, schema: &str, document: &Value) {
    let text = scene.run(&["schema", schema]).stdout;
    let schema_value: Value = serde_json::from_slice(&text).unwrap();
    let validator = jsonschema::validator_for(&schema_value).unwrap();
    let errors: Vec<String> = validator.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{schema}: {errors:#?}");
}

#[test]
fn outputs_have_the_shape_that_is_published() {
    let scene = Scene::of_edge();
    let json = |arguments: &[&str]| scene.json(&[arguments, &["--format", "json"]].concat());
    check(&scene, "diff", &json(&["diff", "old.v4", "new.v4"]));
    check(&scene, "fwgate.diff/1", &json(&["diff", "old.v4", "old.v4"]));
    let trees = ["check", "--baseline", "old.v4", "--proposed", "new.v4"];
    check(&scene, "check", &json(&trees));
    check(&scene, "lint", &json(&["lint", "old.v4"]));
    check(&scene, "conditions", &json(&["lint", "old.v4", "--conditions"]));
    check(&scene, "query", &json(&["query", "old.v4", "--hook", "forward", "--ask", "proto tcp"]));
    check(&scene, "doctor", &json(&["doctor"]));
    check(&scene, "ruleset", &scene.json(&["convert", "old.v4", "--to", "native"]));
    check(&scene, "matrix", &json(&["matrix", "old.v4", "--hook", "forward", "--service", "tcp/443"]));
}

#[test]
fn packets_and_traces_have_the_shape_that_is_published() {
    let scene = Scene::of_edge();
    let diff = scene.json(&["diff", "old.v4", "new.v4", "--format", "json"]);
    for change in diff["changes"].as_array().unwrap() {
        let packet = change["witness"].to_string();
        check(&scene, "packet", &change["witness"]);
        let hook = change["hook"].as_str().unwrap();
        for (file, side) in [("old.v4", "old"), ("new.v4", "new")] {
            let output = scene.run_with(&["trace", file, "--hook", hook, "--packets", "-"], &packet, |_| {});
            let trace: Value = serde_json::from_slice(&output.stdout).unwrap();
            check(&scene, "trace", &trace);
            let conditional = !change["regions"][0]["conditions"].as_array().unwrap().is_empty();
            if !conditional {
                assert_eq!(trace["verdict"], change[side]["verdict"], "a witness goes back into `trace`: {packet}");
                assert_eq!(trace["rule"], change[side]["rule"], "{packet}");
            }
        }
    }
}

#[test]
fn every_schema_is_a_schema() {
    let list = String::from_utf8(Scene::new().run(&["schema"]).stdout).unwrap();
    for name in list.lines().filter_map(|l| l.split_whitespace().next()) {
        let text = Scene::new().run(&["schema", name]).stdout;
        let value: Value = serde_json::from_slice(&text).unwrap();
        jsonschema::meta::validate(&value).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}
