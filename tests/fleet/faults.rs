//! A fault at every step of a device: whatever it is, the device ends at the baseline or the proposal, by its rules and by
//! packets, and the report says at which.

use crate::world::World;
use fwgate::gate::{Instant, Record, Schedule};

/// What the report has to say of edge2, and what edge1 and edge2 run in the end.
type End = (&'static str, [&'static str; 2]);

const BACK: End = ("= edge2: rolled back, runs the baseline", ["proposal", "baseline"]);
const UNTOUCHED: End = ("~ edge2: not begun, runs the baseline", ["proposal", "baseline"]);

#[track_caller]
fn ends(world: &World, state: &str, (said, runs): End) {
    let answer = world.push();
    answer.says(1, &[&format!("CHG-1: {state}"), said]);
    assert_eq!(world.all_run(), runs, "{answer}");
    world.timers_run_out();
    assert_eq!(world.all_run(), runs, "no timer changes it afterwards");
}

#[test]
fn the_transport_dies_before_during_and_after_each_step() {
    let steps = [
        ("read", "before", UNTOUCHED),
        ("read", "after", UNTOUCHED),
        ("apply", "before", BACK),
        ("apply", "after", BACK),
        ("probe", "before", BACK),
        ("confirm", "before", BACK),
        ("confirm", "after", BACK),
    ];
    for (verb, when, end) in steps {
        let Some(world) = World::new(2, "") else { return };
        world.permitted().trouble(verb, "edge2", when, "die");
        eprintln!("{verb} {when}");
        ends(&world, "PARTIAL", end);
    }
}

/// The line breaks while the device is at work, and the apply arrives late: perhaps after the rollback. Its timer takes it back.
#[test]
fn an_apply_that_arrives_late_does_not_stay() {
    let Some(world) = World::new(2, "") else { return };
    world.permitted().trouble("apply", "edge2", "during", "die");
    let answer = world.push();
    answer.says(1, &["CHG-1: PARTIAL", "+ edge1: applied", "the line broke"]);
    assert!(["= edge2: rolled back", "! edge2: failed"].iter().any(|end| answer.out.contains(end)), "{answer}");
    world.timers_run_out();
    assert_eq!(world.all_run(), ["proposal", "baseline"]);
}

/// The rollback fails as well: the device's own timer brings it back, and the report does not claim to know.
#[test]
fn a_rollback_that_fails_is_made_good_by_the_timer() {
    let Some(world) = World::new(1, "") else { return };
    world.permitted().trouble("probe", "edge1", "before", "die");
    world.trouble("rollback", "edge1", "before", "die");
    world.push().says(1, &["CHG-1: PARTIAL", "! edge1: failed, runs nobody knows what", "the rollback failed"]);
    world.timers_run_out();
    assert_eq!(world.all_run(), ["baseline"]);
    world.roll_back().says(0, &["edge1: runs the bytes of"]);
}

#[test]
fn contact_that_is_lost_after_the_apply_comes_back_by_itself() {
    let Some(world) = World::new(1, "") else { return };
    world.permitted().trouble("probe", "edge1", "before", "go");
    let child = world.begin("one");
    world.until_called("probe edge1");
    assert_eq!(world.all_run(), ["proposal"]);
    world.cut("edge1", true);
    std::fs::write(world.here().join("go"), "").unwrap();
    let answer = crate::world::Answer::of(child.wait_with_output().unwrap());
    answer.says(1, &["CHG-1: PARTIAL", "! edge1: failed, runs nobody knows what", "no route to host"]);
    world.timers_run_out();
    assert_eq!(world.all_run(), ["baseline"]);
}

#[test]
fn a_device_that_refuses_the_rules_keeps_what_it_runs() {
    let Some(world) = World::new(2, "") else { return };
    // Whatever nft does not take: here, that there is no memory for its transaction is played by a table that it does not own.
    std::fs::write(world.here().join("etc-edge2").join("tables"), "inet filter\nnonsense filter\n").unwrap();
    world.permitted();
    let answer = world.push();
    answer.says(
        1,
        &["CHG-1: PARTIAL", "`edge2` could not be applied: exit code 1:", "= edge2: rolled back, runs the baseline"],
    );
    std::fs::remove_file(world.here().join("etc-edge2").join("tables")).unwrap();
    assert_eq!(world.all_run(), ["proposal", "baseline"]);
}

/// Lets a step of edge1 wait until the window has closed.
fn until_the_window_closes(world: &World, verb: &str, when: &str) -> crate::world::Answer {
    let end = crate::stage::now() + 45;
    world.permitted_after(|world| {
        let schedule = Schedule { change: "CHG-1".into(), start: Instant(end - 3600), end: Instant(end) };
        world.stage.say("carol", "CHG-1", &Record::Schedule(schedule));
    });
    world.trouble(verb, "edge1", when, "go");
    let child = world.begin("one");
    world.until_called(&format!("{verb} edge1"));
    while crate::stage::now() < end {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    std::fs::write(world.here().join("go"), "").unwrap();
    let answer = crate::world::Answer::of(child.wait_with_output().unwrap());
    answer.says(1, &["- OUTSIDE_WINDOW", "~ edge2: not begun"]);
    assert!(!world.calls().contains(&"read edge2".to_owned()));
    answer
}

#[test]
fn the_window_closes_between_two_devices() {
    let Some(world) = World::new(2, "") else { return };
    until_the_window_closes(&world, "confirm", "after").says(1, &["CHG-1: PARTIAL", "+ edge1: applied"]);
    assert_eq!(world.all_run(), ["proposal", "baseline"]);
}

#[test]
fn the_window_closes_while_a_device_is_read() {
    let Some(world) = World::new(2, "") else { return };
    until_the_window_closes(&world, "read", "before").says(1, &["~ edge1: not begun"]);
    assert_eq!(world.all_run(), ["baseline"; 2]);
    assert!(!world.calls().contains(&"apply edge1".to_owned()));
}

#[test]
fn two_runners_at_once_push_each_device_once() {
    let Some(world) = World::new(2, "") else { return };
    world.permitted().trouble("confirm", "edge1", "after", "go");
    let child = world.begin("one");
    world.until_called("confirm edge1");
    let other = crate::world::Answer::of(world.begin("two").wait_with_output().unwrap());
    other.says(1, &["- PERMIT_CLAIMED"]);
    std::fs::write(world.here().join("go"), "").unwrap();
    let answer = crate::world::Answer::of(child.wait_with_output().unwrap());
    answer.says(0, &["CHG-1: APPLIED"]);
    assert_eq!(world.all_run(), ["proposal"; 2]);
    assert_eq!(world.calls().iter().filter(|c| c.starts_with("apply")).count(), 2);
}
