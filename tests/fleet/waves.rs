//! Waves: who goes first, what a failing one means, what a hold does between them.

use crate::world::World;
use fwgate::gate::{Hold, Instant, Record, Scope};

const WAVES: &str = "parallel = 2\nwaves = [{ devices = [\"edge3\"] }, { percent = 100 }]";

#[test]
fn a_canary_first_and_then_the_others_together() {
    let Some(world) = World::new(4, WAVES) else { return };
    let plan = world.permitted().fwgate(&["push", "CHG-1", "--plan"]);
    let document = world.fwgate(&["push", "CHG-1", "--plan", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&document.out).unwrap();
    crate::status::has_shape(&world, "push", &document);
    assert_eq!((&document["devices"][0]["device"], &document["devices"][3]["wave"]), (&"edge3".into(), &2.into()));
    plan.says(0, &["CHG-1: 4 devices in 2 waves\nwave 1: 1 device, 1 at a time: edge3\nwave 2: 3 devices, 2 at a time: edge1, edge2, edge4\n"]);
    let answer = world.push();
    answer.says(0, &["CHG-1: APPLIED\n+ edge3: applied, runs the proposal\n"]);
    let again = world.fwgate(&["push", "CHG-1", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&again.out).unwrap();
    crate::status::has_shape(&world, "push", &document);
    assert_eq!((document["plan"].as_bool(), document["devices"].as_array().unwrap().len()), (Some(false), 0));
    assert!(
        answer.err.contains("wave 1 of 2: 1 device,") && answer.err.contains("wave 2 of 2: 3 devices, 2 at a time"),
        "{answer}"
    );
    assert_eq!(world.all_run(), ["proposal"; 4]);
    let calls = world.calls();
    let of = |call: &str| calls.iter().position(|c| c == call).unwrap();
    assert!(of("confirm edge3") < of("read edge1"), "the canary is confirmed first: {calls:?}");
    assert!(of("read edge2") < of("confirm edge1"), "two at the same time: {calls:?}");
}

#[test]
fn a_canary_that_is_not_reached_afterwards_stops_everything() {
    let Some(world) = World::new(3, WAVES) else { return };
    world.permitted().trouble("probe", "edge3", "before", "die");
    world.push().says(1, &["CHG-1: ROLLED-BACK", "= edge3: rolled back, runs the baseline", "~ edge1: not begun"]);
    assert_eq!(world.all_run(), ["baseline"; 3]);
    assert!(!world.calls().contains(&"apply edge1".to_owned()));
}

#[test]
fn a_wave_that_fails_goes_back_and_the_one_before_stays() {
    let Some(world) =
        World::new(3, &format!("on_stop = \"roll-back-wave\"\n{}", WAVES.replace("parallel = 2", "parallel = 1")))
    else {
        return;
    };
    world.permitted().trouble("confirm", "edge2", "before", "die");
    let answer = world.push();
    answer.says(1, &["CHG-1: PARTIAL", "+ edge3: applied", "= edge1: rolled back", "= edge2: rolled back"]);
    assert_eq!(world.all_run(), ["baseline", "baseline", "proposal"]);
}

/// A device that no line leads to is left out where policy says so, and leaves the change PARTIAL; it blocks the next one until
/// it has converged.
#[test]
fn a_device_that_cannot_be_reached_leaves_the_change_partial() {
    let Some(world) = World::new(3, "unreachable = \"go-on\"\nwaves = [{ percent = 100 }]") else { return };
    world.permitted().cut("edge2", true);
    let answer = world.push();
    answer.says(
        1,
        &["CHG-1: PARTIAL", "~ edge2: not begun", "+ edge1: applied", "+ edge3: applied", "- READBACK_INVALID"],
    );
    assert_eq!(world.all_run(), ["proposal", "baseline", "proposal"]);
    let status = world.fwgate(&["fleet", "status"]);
    status.says(1, &["PARTIAL after CHG-1", "error[FW602]: `edge2` has no receipt after the push of CHG-1"]);
    // The fix is the same change again, or its rollback; until then nothing else goes.
    world.stage.scene.reset("refs/heads/main", Some(&world.stage.scene.head_of(crate::stage::WORK).unwrap()));
    let next = crate::world::proposal().replace("443", "{ 80, 443 }");
    let file = crate::stage::change_file("CHG-2").replace("10.2.0.0/16", "any").replace("10.1.0.0/24", "any");
    let file = file.replace("tcp/443", "tcp/80").replace("forward", "input");
    let files = [("devices/edge1/rules.nft", next.as_str()), ("changes/CHG-2.toml", file.as_str())];
    let head = world.stage.scene.commit_on("refs/heads/next", "alice", &files);
    let facts = world.stage.facts("CHG-2", &head);
    world.stage.scene.wait(crate::stage::now() - world.stage.scene.now());
    world.stage.announce("alice", &facts);
    world.stage.permit_of("CHG-2").denied("NOT_CONVERGED");
    world.cut("edge2", false);
    world.roll_back().says(0, &["= edge1: runs the bytes of", "= edge3: runs the bytes of"]);
    assert_eq!(world.all_run(), ["baseline"; 3]);
    let status = world.fwgate(&["fleet", "status"]);
    assert!(!status.out.contains("FW602"), "{status}");
}

#[test]
fn a_hold_stops_a_run_that_waits_between_waves() {
    let Some(world) = World::new(2, "waves = [{ count = 1, wait = \"1m\" }, { percent = 100 }]") else { return };
    let child = world.permitted().begin("one");
    world.until_called("confirm edge1");
    let until = Instant(crate::stage::now() + 3600);
    world.say("carol", &Record::Hold(Hold { scope: Scope::All, until, reason: "an incident".into() }));
    let answer = crate::world::Answer::of(child.wait_with_output().unwrap());
    answer.says(1, &["CHG-1: PARTIAL", "- HELD", "~ edge2: not begun"]);
    assert_eq!(world.all_run(), ["proposal", "baseline"]);
}
