//! `fwgate fleet status`: what the ledger and the protected branch say of every device.

use crate::world::World;
use fwgate::gate::{Quarantine, Record};
use serde_json::Value;

fn json(world: &World) -> Value {
    let answer = world.fwgate(&["fleet", "status", "--format", "json"]);
    serde_json::from_str(&answer.out).unwrap()
}

fn states(document: &Value) -> Vec<String> {
    let devices = document["devices"].as_array().unwrap();
    devices.iter().map(|d| format!("{} {}", d["device"].as_str().unwrap(), d["state"].as_str().unwrap())).collect()
}

#[track_caller]
pub fn has_shape(world: &World, schema: &str, document: &Value) {
    let text =
        std::process::Command::new(env!("CARGO_BIN_EXE_fwgate")).args(["schema", schema]).output().unwrap().stdout;
    let validator = jsonschema::validator_for(&serde_json::from_slice(&text).unwrap()).unwrap();
    let errors: Vec<String> = validator.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{schema}: {errors:#?}\n{document}");
    let _ = world;
}

#[test]
fn from_day_one_to_a_rollback() {
    let Some(world) = World::new(2, "") else { return };
    world.permitted();
    let before = json(&world);
    assert_eq!(states(&before), ["edge1 never-read", "edge2 never-read"]);
    assert_eq!(before["findings"][0]["code"], "FW603");
    world.push().says(0, &["CHG-1: APPLIED"]);
    let head = world.stage.scene.head_of(crate::stage::WORK).unwrap();
    let ahead = json(&world);
    assert_eq!(states(&ahead), ["edge1 pending", "edge2 pending"], "main does not hold the change yet");
    world.stage.scene.reset("refs/heads/main", Some(&head));
    let after = json(&world);
    has_shape(&world, "fleet", &after);
    assert_eq!(states(&after), ["edge1 converged", "edge2 converged"]);
    assert_eq!(after["devices"][0]["in_force"]["change"], "CHG-1");
    assert_eq!(after["findings"].as_array().unwrap().len(), 0);
    world.roll_back().says(0, &["= edge1: runs the bytes of"]);
    let back = json(&world);
    assert_eq!(states(&back), ["edge1 rolled-back", "edge2 rolled-back"]);
    assert_eq!(back["findings"][0]["code"], "FW604");
    world.fwgate(&["fleet", "status"]).says(0, &["2 devices: 2 rolled-back", "main differs from what is in force"]);
}

#[test]
fn a_device_in_quarantine_blocks_nobody_and_is_named() {
    let Some(world) = World::new(2, "unreachable = \"go-on\"") else { return };
    world.permitted().cut("edge2", true);
    world.push().says(1, &["CHG-1: PARTIAL"]);
    world.fwgate(&["fleet", "status"]).says(1, &["FW602"]);
    let until = fwgate::gate::Instant(crate::stage::now() + 86_400);
    let record = Quarantine { change: "CHG-1".into(), device: "edge2".into(), until, reason: "no power".into() };
    world.say("alice", &Record::Quarantine(record));
    let status = world.fwgate(&["fleet", "status"]);
    status.says(0, &["1 of them in quarantine", "quarantined until", "warning[FW605]", "by `alice`: no power"]);
    let document = json(&world);
    has_shape(&world, "fleet", &document);
    assert_eq!(document["devices"][1]["quarantine"]["by"], "alice");
}
