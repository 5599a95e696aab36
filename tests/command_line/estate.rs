//! Inventory and zones on the command line: what is read, what counts as evidence, what a plan looks like.

use super::scene::Scene;
use serde_json::Value;

const RULES: &str = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n\
                     -A FORWARD -s 10.32.0.0/14 -d 10.48.0.0/14 -j ACCEPT\nCOMMIT\n";
const ZONE: &str = "$TTL 1d\n@ SOA ns1 h 1 4h 1h 2w 3h\n@ NS ns1.example.org.\nportal A 10.48.0.10\n";
const POLICY: &str = "version = 1\n[inventory]\nprefixes = \"inventory/prefixes.csv\"\ndevices = \"inventory/devices.json\"\n\
                      [[require]]\nid = \"east-west\"\nreason = \"r\"\nfrom = [\"10.32.0.0/14\"]\nto = [\"dns:portal.example.net\"]\n\
                      service = [\"tcp/443\"]\nhook = \"forward\"\ndevices = [\"role:edge-router\"]\n";

fn scene() -> Scene {
    let tree = |scene: Scene, name: &str| {
        scene
            .file(&format!("{name}/edge1/rules.v4"), RULES)
            .file(&format!("{name}/zones/example.net.zone"), ZONE)
            .file(
                &format!("{name}/inventory/prefixes.csv"),
                "Prefix,Status,Site\n10.32.0.0/14,Active,East\n10.60.0.0/16,Active,North\n",
            )
            .file(
                &format!("{name}/inventory/devices.json"),
                "[{\"name\": \"edge1\", \"role\": {\"slug\": \"edge-router\"}}]",
            )
            .file(&format!("{name}/inventory/snapshot.toml"), "taken = \"2026-11-20T06:00:00Z\"\n")
    };
    tree(tree(Scene::new(), "old"), "new").file("policy.toml", POLICY)
}

fn validated(scene: &Scene, schema: &str, document: &Value) {
    let text = scene.run(&["schema", schema]).stdout;
    let validator = jsonschema::validator_for(&serde_json::from_slice(&text).unwrap()).unwrap();
    let errors: Vec<String> = validator.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{schema}: {errors:#?}");
}

#[test]
fn the_inventory_beside_the_policy() {
    insta::assert_snapshot!(scene().shown(&["inventory", "new", "--policy", "policy.toml", "--ranges"]));
}

#[test]
fn documents_have_the_shape_that_is_published() {
    let scene = scene();
    let json = |arguments: &[&str]| scene.json(&[arguments, &["--policy", "policy.toml", "--format", "json"]].concat());
    let inventory = json(&["inventory", "new"]);
    validated(&scene, "inventory", &inventory);
    assert_eq!(inventory["ranges"][0]["named_by"][0], "east-west");
    let plan = json(&[
        "names",
        "plan",
        "--baseline",
        "old",
        "--renumber",
        "10.48.0.10=10.48.0.11",
        "--start",
        "2026-12-01T09:00:00Z",
    ]);
    validated(&scene, "names-plan", &plan);
    // 4 h of REFRESH and a day of the record; then REFRESH again and five minutes.
    assert_eq!(plan["steps"][1]["earliest"], "2026-12-02T13:00:00Z");
    assert_eq!(plan["steps"][2]["earliest"], "2026-12-02T17:05:00Z");
}

#[test]
fn a_plan_for_what_the_proposal_moves() {
    let moved = scene().file("new/zones/example.net.zone", &ZONE.replace("10.48.0.10", "10.48.0.11"));
    let arguments = [
        "names",
        "plan",
        "--baseline",
        "old",
        "--proposed",
        "new",
        "--policy",
        "policy.toml",
        "--start",
        "2026-12-01T22:00:00[America/Toronto]",
    ];
    insta::assert_snapshot!(moved.shown(&arguments));
    insta::assert_snapshot!(scene().shown(&arguments));
}

#[test]
fn zones_and_inventory_are_evidence() {
    let arguments = ["check", "--baseline", "old", "--proposed", "new", "--policy", "policy.toml", "--format", "json"];
    let unchanged = scene().json(&arguments);
    assert_eq!((&unchanged["verdict"], unchanged["findings"].as_array().unwrap().len()), (&Value::from("passed"), 0));
    let digests: Vec<Value> = [
        scene(),
        scene().file("new/zones/example.net.zone", &format!("{ZONE}; a comment\n")),
        scene().file("new/inventory/prefixes.csv", "Prefix\n10.32.0.0/14\n"),
        scene().file("new/inventory/snapshot.toml", "taken = \"2026-11-21T06:00:00Z\"\n"),
    ]
    .iter()
    .map(|scene| scene.json(&arguments)["digest"].clone())
    .collect();
    let distinct: std::collections::BTreeSet<String> = digests.iter().map(ToString::to_string).collect();
    assert_eq!(distinct.len(), digests.len(), "every byte of them counts");
}

#[test]
fn what_cannot_be_read_is_no_verdict() {
    let arguments = ["check", "--baseline", "old", "--proposed", "new", "--policy", "policy.toml"];
    for scene in [
        scene().file("new/zones/example.net.zone", &format!("{ZONE}portal CNAME gone\nb A 1.2.3\n")),
        scene().file("new/inventory/prefixes.csv", "Prefix,Status\n10.32.0.0/14\n\"open\n"),
    ] {
        insta::assert_snapshot!(scene.shown(&arguments));
    }
}
