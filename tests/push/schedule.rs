//! The schedule: what is on its way, and what stands in each other's way by device, range and window.

use super::{CHANGE, Change, RULES, Record, World};
use serde_json::Value;

/// Announces a second change of the same device, with these rules.
fn second(world: &World, rules: &str) {
    let request = CHANGE.replace("CHG-1", "CHG-2").replace("Open the portal", "Open half of it");
    let files = [("devices/edge1/rules.v4", rules), ("changes/CHG-2.toml", request.as_str())];
    let head = world.scene.commit_on("refs/heads/work2", "alice", &files);
    let record = Record::Change(Change {
        change: "CHG-2".into(),
        file: world.file,
        base: world.base.clone(),
        head,
        content: world.analysis.content,
        meaning: world.analysis.meaning,
        devices: vec!["edge1".into()],
        contributors: vec!["alice".into()],
        says: world.analysis.says.clone(),
    });
    world.scene.record("alice", "CHG-2", &record.text());
    world.scene.wait(60);
    world.scene.witness();
}

fn shown(world: &World, clone: &super::scene::Clone) -> (i32, Value) {
    let (code, text) = world.fwgate(clone, &["schedule", "--format", "json"]);
    let document: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let schema: Value = serde_json::from_str(include_str!("../../schemas/schedule.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&document).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    (code, document)
}

#[test]
fn what_stands_in_each_others_way_is_shown_with_device_range_and_window() {
    let Some(world) = World::new() else { return };
    // Neither is merged: both are on their way.
    world.scene.reset("refs/heads/main", Some(&world.base));
    world.announce();
    let clone = world.scene.clone_as("one");
    let (code, document) = shown(&world, &clone);
    assert_eq!((code, document["conflicts"].as_array().unwrap().len()), (0, 0), "{document:#}");
    assert_eq!(document["changes"][0]["id"], "CHG-1");
    assert!(document["days"].as_array().unwrap().iter().all(|d| !d["windows"].as_array().unwrap().is_empty()));
    let half = "-A FORWARD -s 10.1.0.0/25 -d 10.2.0.0/24 -p tcp -m tcp --dport 443 -j ACCEPT\n";
    second(&world, &RULES.replace("-A FORWARD -m conntrack", &format!("{half}-A FORWARD -m conntrack")));
    let (code, document) = shown(&world, &clone);
    assert_eq!(code, 1, "{document:#}");
    let conflicts = document["conflicts"].as_array().unwrap();
    let packets = conflicts.iter().find(|c| c["kind"] == "packets").unwrap_or_else(|| panic!("{document:#}"));
    assert_eq!(packets["changes"], serde_json::json!(["CHG-1", "CHG-2"]));
    assert_eq!(packets["devices"], serde_json::json!(["edge1"]));
    assert_eq!(packets["region"]["src"], serde_json::json!(["10.1.0.0/25"]));
    assert_eq!(packets["region"]["dport"], serde_json::json!(["443"]));
    assert!(packets["witness"]["src"].as_str().unwrap().starts_with("10.1.0."));
    assert!(packets["both"].is_array(), "both may go at the same time");
    let (_, text) = world.fwgate(&clone, &["schedule"]);
    for part in ["2 changes, ", "week of 2", "CHG-1 !", "all day", "from 10.1.0.0/25", "both may go from"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}
