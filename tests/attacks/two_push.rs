//! What can happen to a permitted change on its way to the devices.

use crate::scene::RULES;
use crate::stage::{CHANGE, EDGE, WORK, proposed, with_rules};
use crate::two_fleet::Fleet;
use fwgate::gate::{Hold, Instant, Record, Reject, ResultKind, Schedule, Scope};

/// A rule that somebody added by hand.
const BY_HAND: &str = "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n";

#[test]
fn a53_file_changes_between_check_and_push() {
    let fleet = Fleet::new();
    fleet.ready();
    let permit = fleet.permit().granted().permit.unwrap();
    // The bytes for the device are others than those that the permit names.
    let other = "sha256:".to_owned() + &"ab".repeat(32);
    let line = permit.lines().find(|l| l.starts_with("device: edge1 ")).unwrap();
    let hash = line.split(' ').nth(2).unwrap();
    let (message, _) = permit.split_once("\n\n").unwrap();
    let resigned = fleet.signed_permit("deployer", "fwgate-permit@v1", &format!("{}\n", message.replace(hash, &other)));
    fleet.push_as("one", CHANGE, "runner", &resigned).refused("PERMIT_MISMATCH");
    // The author announces other bytes after the permit was given.
    let head = fleet.scene.commit_on(WORK, "alice", &[(EDGE, &with_rules(RULES, BY_HAND))]);
    let facts = fleet.facts(CHANGE, &head);
    fleet.announce("alice", &facts);
    fleet.push().refused("PERMIT_MISMATCH");
    assert_eq!(fleet.started(), [""; 0]);
}

#[test]
fn a54_device_runs_something_else() {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.permit().granted();
    let edited = with_rules(RULES, BY_HAND);
    fleet.run("edge1", &edited);
    fleet.push().refused("DRIFT");
    assert_eq!(fleet.running("edge1"), edited, "the hand edit stays");
    assert!(!fleet.started().iter().any(|call| call.starts_with("apply")));
}

#[test]
fn a55_permit_used_twice() {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.permit().granted();
    fleet.push().applied();
    assert_eq!(fleet.running("edge1"), proposed());
    fleet.run("edge1", RULES);
    fleet.push().refused("PERMIT_SPENT");
    fleet.push_as("two", CHANGE, "runner", &fleet.permit_path(CHANGE)).refused("PERMIT_SPENT");
    assert_eq!(fleet.running("edge1"), RULES, "pushed once");
}

#[test]
fn a56_push_outside_the_window() {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.permit().granted();
    fleet.present();
    let (start, end) = (Instant(fleet.scene.now() + 86_400), Instant(fleet.scene.now() + 90_000));
    fleet.say("carol", CHANGE, &Record::Schedule(Schedule { change: CHANGE.into(), start, end }));
    fleet.scene.witness();
    fleet.push().refused("OUTSIDE_WINDOW");
    assert_eq!(fleet.started(), [""; 0]);
}

#[test]
fn a56_window_closes_in_the_middle_of_a_push() {
    let fleet = Fleet::with(&["edge1", "edge2"], |text| *text = text.replace("\"30s\"", "\"5s\""));
    let end = crate::stage::now() + 18;
    let schedule = Schedule { change: CHANGE.into(), start: Instant(end - 3600), end: Instant(end) };
    fleet.scene.wait(60);
    fleet.say("carol", CHANGE, &Record::Schedule(schedule));
    fleet.ready_on(&["edge1", "edge2"]);
    fleet.permit().granted();
    fleet.behave("edge1", "confirm", &format!("while [ $(date +%s) -lt {end} ]; do sleep 0.2; done"));
    let answer = fleet.push();
    answer.refused("OUTSIDE_WINDOW").says("CHG-1: PARTIAL").says("~ edge2: not begun");
    assert_eq!((fleet.running("edge1"), fleet.running("edge2").as_str()), (proposed(), RULES));
}

#[test]
fn a66_a_device_that_cannot_be_brought_back_is_partial() {
    let fleet = Fleet::of(&["edge1", "edge2"], "");
    fleet.ready_on(&["edge1", "edge2"]);
    fleet.permit().granted();
    fleet.behave("edge2", "apply", "echo broken > \"$here/$device/running\"; exit 1");
    fleet.behave("edge2", "rollback", "exit 1");
    fleet.push().refused("NOT_CONVERGED").says("CHG-1: PARTIAL");
    // The next change of anything at all.
    fleet.present();
    let head = fleet.scene.commit_on(
        "refs/heads/next",
        "alice",
        &[
            ("devices/edge1/rules.v4", &with_rules(RULES, BY_HAND)),
            ("changes/CHG-2.toml", &crate::stage::change_file("CHG-2")),
        ],
    );
    let facts = fleet.facts("CHG-2", &head);
    fleet.announce("alice", &facts);
    fleet.permit_of("CHG-2").denied("NOT_CONVERGED");
}

#[test]
fn a66_a_device_without_a_receipt_is_partial() {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.permit().granted();
    let (ledger, permit) = (fleet.key("ledger"), fleet.permit_path(CHANGE));
    let arguments =
        ["push", CHANGE, "--holder", "runner", "--permit", permit.to_str().unwrap(), "--key-ledger", &ledger];
    // The key goes away while the device is at work.
    let key = fleet.scene.path().join("receipts.key");
    std::fs::copy(fleet.key("receiver"), &key).unwrap();
    fleet.behave("edge1", "probe", &format!("rm {}", key.display()));
    let answer = fleet.fwgate("one", &[&arguments[..], &["--key-production", key.to_str().unwrap()]].concat());
    answer.refused("NOT_CONVERGED").says("CHG-1: PARTIAL");
}

#[test]
fn a66_the_ledger_says_that_a_run_died() {
    let fleet = Fleet::of(&["edge1", "edge2"], "");
    let genesis = fleet.tip();
    fleet.scene.witness();
    fleet.ran("OLD-1", &genesis, &[("edge1", ResultKind::Applied), ("edge2", ResultKind::Started)], None);
    fleet.ready_on(&["edge1", "edge2"]);
    fleet.permit().denied_only(&["NOT_CONVERGED"]);
}

#[test]
fn a94_readback_that_is_no_text() {
    let cases = [
        ("endless", "yes -- '-A INPUT -j ACCEPT'"),
        ("not UTF-8", "echo \"# $3\"; printf '*filter\\n\\377\\nCOMMIT\\n'"),
        ("a terminal's controls", "echo \"# $3\"; printf '*filter\\n\\033]0;owned\\007\\nCOMMIT\\n'"),
    ];
    for (name, script) in cases {
        let fleet = Fleet::new();
        fleet.ready();
        fleet.permit().granted();
        fleet.behave("edge1", "read", script);
        let answer = fleet.push();
        answer.no_verdict("LIMIT_EXCEEDED");
        assert!(!answer.out.contains('\u{1b}') && !answer.err.contains('\u{1b}'), "{name}: shown raw");
        assert!(!fleet.started().iter().any(|call| call.starts_with("apply")), "{name}");
    }
}

#[test]
fn a95_readback_that_is_none() {
    let cases = [
        ("read", "true"),
        ("read", "echo 'no route to host' >&2; exit 255"),
        ("read", "echo \"# $3\""),
        ("read", "echo \"# $3\"; echo '*filter'; echo '-A NOWHERE -j ACCEPT'; echo COMMIT"),
        ("identity", "echo edge7"),
        ("identity", "exit 1"),
    ];
    for (verb, script) in cases {
        let fleet = Fleet::new();
        fleet.ready();
        fleet.permit().granted();
        fleet.behave("edge1", verb, script);
        fleet.push().refused("READBACK_INVALID");
        assert!(!fleet.started().iter().any(|call| call.starts_with("apply")), "{script}");
    }
}

#[test]
fn a95_readback_echoes_what_was_pushed() {
    let echo =
        "if [ -e \"$here/pushed\" ]; then cat \"$here/pushed\"; else echo \"# $3\"; cat \"$here/$device/running\"; fi";
    for asks_for_a_nonce in [true, false] {
        let fleet = Fleet::with(&["edge1"], |text| {
            if !asks_for_a_nonce {
                *text = text.replace(", \"{nonce}\"", "");
            }
        });
        fleet.ready();
        fleet.permit().granted();
        fleet.behave("edge1", "apply", "cat \"$3\" > \"$here/pushed\"");
        fleet.behave("edge1", "read", echo);
        let answer = fleet.push();
        answer.refused("READBACK_INVALID");
        assert!(!answer.out.contains("APPLIED") && !answer.out.contains("receipt"), "{answer}");
    }
}

/// Lets something happen while edge1 waits for its confirmation; what the run says in the end.
fn in_the_middle(fleet: &Fleet, happens: impl FnOnce(&Fleet)) -> crate::two_fleet::Answer {
    fleet.ready_on(&["edge1", "edge2"]);
    fleet.permit().granted();
    fleet.behave("edge1", "confirm", "while [ ! -e \"$here/go\" ]; do sleep 0.1; done");
    let mut running = fleet.push_begun();
    while !fleet.started().contains(&"confirm edge1".to_owned()) && running.goes_on() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    fleet.present();
    happens(fleet);
    std::fs::write(fleet.here().join("go"), "").unwrap();
    running.ended()
}

fn stops_before_edge2(fleet: &Fleet, code: &str, happens: impl FnOnce(&Fleet)) {
    let answer = in_the_middle(fleet, happens);
    answer.refused(code).says("CHG-1: PARTIAL").says("~ edge2: not begun");
    assert_eq!((fleet.running("edge1"), fleet.running("edge2").as_str()), (proposed(), RULES));
    assert!(!fleet.started().iter().any(|call| call.ends_with("edge2")));
}

#[test]
fn a96_rejection_in_the_middle_of_a_push() {
    stops_before_edge2(&Fleet::of(&["edge1", "edge2"], ""), "REJECTED", |fleet| {
        let record = Record::Reject(Reject { change: CHANGE.into(), reason: "the portal moved".into() });
        fleet.say("erin", CHANGE, &record);
    });
}

#[test]
fn a96_hold_in_the_middle_of_a_push() {
    stops_before_edge2(&Fleet::of(&["edge1", "edge2"], ""), "HELD", |fleet| {
        let until = Instant(fleet.scene.now() + 3600);
        let record = Record::Hold(Hold { scope: Scope::All, until, reason: "an incident".into() });
        fleet.say("carol", CHANGE, &record);
    });
}

#[test]
fn a96_freeze_in_the_middle_of_a_push() {
    stops_before_edge2(&Fleet::of(&["edge1", "edge2"], ""), "FROZEN", |fleet| {
        fleet.next_policy(|policy| policy.rest.push_str(&crate::two_fleet::freeze(&fleet.scene, 3600)));
    });
}

#[test]
fn a96_policy_says_to_roll_back_what_was_pushed() {
    let fleet = Fleet::of(&["edge1", "edge2"], "\n[push]\non_stop = \"roll-back\"\n");
    let answer = in_the_middle(&fleet, |fleet| {
        let record = Record::Reject(Reject { change: CHANGE.into(), reason: "the portal moved".into() });
        fleet.say("erin", CHANGE, &record);
    });
    answer.refused("REJECTED").says("= edge1: rolled back");
    assert_eq!((fleet.running("edge1").as_str(), fleet.running("edge2").as_str()), (RULES, RULES));
}

#[test]
fn a97_second_run_while_the_first_one_lives() {
    let fleet = Fleet::of(&["edge1", "edge2"], "");
    let answer = in_the_middle(&fleet, |fleet| {
        fleet.push_as("two", CHANGE, "runner", &fleet.permit_path(CHANGE)).refused("PERMIT_CLAIMED");
    });
    answer.applied();
    let applied = fleet.started().iter().filter(|call| call.starts_with("apply")).count();
    assert_eq!(applied, 2, "each device once");
}
