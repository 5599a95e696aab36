//! The runner is killed with SIGKILL at every point: at each call of a transport, and at each push to the remote. Whatever
//! it was about, every device ends at the baseline or the proposal, and the same holder goes on with the same permit once the lease
//! is over.

use crate::world::{Answer, World};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

/// Lets a run die, and what it began come to its end.
fn dies(world: &World) -> bool {
    let child = world.begin("one");
    let done = child.wait_with_output().unwrap();
    let is_killed = done.status.signal() == Some(9);
    if is_killed {
        world.timers_run_out();
        world.all_run();
    } else {
        Answer::of(done).says(0, &["CHG-1: APPLIED"]);
    }
    is_killed
}

#[track_caller]
fn goes_on(world: &World) {
    world.lease_runs_out();
    let answer = world.push();
    answer.says(0, &["CHG-1: APPLIED", "+ edge1: applied, runs the proposal", "+ edge2: applied, runs the proposal"]);
    assert_eq!(world.all_run(), ["proposal"; 2], "{answer}");
    world.timers_run_out();
    assert_eq!(world.all_run(), ["proposal"; 2]);
    let status = world.fwgate(&["fleet", "status"]);
    assert!(!status.out.contains("FW602") && status.out.contains("CHG-1 since"), "{status}");
}

/// While the claim lives nobody else goes on, and the status says who is at it.
#[test]
fn a_run_that_died_is_pushing_until_its_lease_is_over() {
    let Some(world) = World::new(2, "") else { return };
    world.permitted().trouble("apply", "edge2", "after", "kill");
    assert!(dies(&world));
    world.fwgate(&["fleet", "status"]).says(0, &["~ edge1", "~ edge2", "CHG-1 is being pushed"]);
    let other = Answer::of(world.begin("two").wait_with_output().unwrap());
    other.says(1, &["- PERMIT_CLAIMED"]);
    world.lease_runs_out();
    world.fwgate(&["fleet", "status"]).says(1, &["! edge2", "PARTIAL after CHG-1"]);
    goes_on(&world);
}

fn at_a_step(verb: &str) {
    for when in ["before", "after"] {
        let Some(world) = World::new(2, "parallel = 2\nwaves = [{ count = 1 }, { percent = 100 }]") else { return };
        world.permitted().trouble(verb, "edge2", when, "kill");
        assert!(dies(&world), "{verb} {when}");
        goes_on(&world);
    }
}

#[test]
fn at_a_reading() {
    at_a_step("read");
}

#[test]
fn at_an_apply() {
    at_a_step("apply");
}

#[test]
fn at_a_probe() {
    at_a_step("probe");
}

#[test]
fn at_a_confirmation() {
    at_a_step("confirm");
}

#[test]
fn at_a_rollback() {
    for when in ["before", "after"] {
        let Some(world) = World::new(2, "") else { return };
        world.permitted().trouble("probe", "edge2", "before", "die");
        world.trouble("rollback", "edge2", when, "kill");
        assert!(dies(&world), "{when}");
        assert_eq!(world.all_run(), ["proposal", "baseline"]);
        goes_on(&world);
    }
}

/// A hook of the remote that kills the runner at its n-th push: before the branch moves, or after it has.
fn killer(world: &World, hook: &str, at: usize) {
    let remote = world.stage.scene.remote_url();
    let hooks = Path::new(remote.trim_start_matches("file://")).join("hooks");
    std::fs::create_dir_all(&hooks).unwrap();
    let here = world.here();
    let here = here.to_str().unwrap();
    let script = format!(
        "#!/bin/sh\necho x >> {here}/pushes\n[ $(wc -l < {here}/pushes) -ne {at} ] || kill -9 $(cat {here}/runner)\nexit 0\n"
    );
    let path = hooks.join(hook);
    std::fs::write(&path, script).unwrap();
    assert!(std::process::Command::new("chmod").arg("755").arg(&path).status().unwrap().success());
}

fn at_every_push(hook: &str) {
    for at in 1..40 {
        let Some(world) = World::new(2, "") else { return };
        world.permitted();
        killer(&world, hook, at);
        if !dies(&world) {
            assert!(at > 8, "a claim, three entries for each device, and the end: {at}");
            return;
        }
        let remote = world.stage.scene.remote_url();
        std::fs::remove_file(Path::new(remote.trim_start_matches("file://")).join("hooks").join(hook)).unwrap();
        world.lease_runs_out();
        let answer = world.push();
        let is_over = answer.out.contains("PERMIT_SPENT");
        assert!(is_over || answer.out.contains("CHG-1: APPLIED"), "{hook} {at}: {answer}");
        assert_eq!(world.all_run(), ["proposal"; 2], "{hook} {at}: {answer}");
    }
    panic!("a push never came to its end");
}

#[test]
fn before_every_entry_of_ledger_and_receipts() {
    at_every_push("update");
}

#[test]
fn behind_every_entry_of_ledger_and_receipts() {
    at_every_push("post-update");
}
