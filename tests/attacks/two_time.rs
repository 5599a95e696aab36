//! When a change may go, and who says so.

use crate::stage::{CHANGE, EDGE, change_file, proposed};
use crate::two_fleet::{Fleet, freeze};
use fwgate::gate::{Instant, Record, Schedule};

#[test]
fn a57_freeze_after_the_approvals() {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.permit().granted();
    fleet.present();
    fleet.next_policy(|policy| policy.rest.push_str(&freeze(&fleet.scene, 3600)));
    fleet.push().refused("FROZEN");
    fleet.permit().denied_only(&["FROZEN"]);
    assert_eq!(fleet.started(), [""; 0]);
}

#[test]
fn a58_freeze_lifted_by_the_change_that_it_blocks() {
    let fleet = Fleet::new();
    let before = fleet.scene.policy_text();
    fleet.scene.witness();
    fleet.next_policy(|policy| policy.rest.push_str(&freeze(&fleet.scene, 86_400 * 30)));
    let lifted = before.replacen("version = 1\n", "version = 3\n", 1);
    let head = fleet.propose(&[("fwgate.toml", &lifted)]);
    fleet.ready_at(CHANGE, &head);
    let verdict = fleet.permit().denied("POLICY_CHANGE_MIXED");
    assert!(verdict.codes().contains(&"FROZEN"), "judged by the policy in force: {verdict}");
}

/// Asks for a permit of the usual change with a window.
fn with_window(start: &str, end: &str) -> crate::stage::Verdict {
    let fleet = Fleet::new();
    let file = format!("{}\n[window]\nstart = \"{start}\"\nend = \"{end}\"\n", change_file(CHANGE));
    let head = fleet.propose(&[("changes/CHG-1.toml", &file)]);
    fleet.ready_at(CHANGE, &head);
    fleet.permit()
}

#[test]
fn a59_windows_that_make_no_sense() {
    let cases = [
        // Clocks jump from 02:00 to 03:00 in Toronto on 2027-03-14.
        ("2027-03-14T02:30:00[America/Toronto]", "2027-03-14T05:00:00[America/Toronto]"),
        // Its end is before its beginning; its end is its beginning.
        ("2027-01-12T22:00:00Z", "2027-01-12T21:00:00Z"),
        ("2027-01-12T22:00:00Z", "2027-01-12T22:00:00Z"),
        // There is no such zone, no such day, no such hour, no zone at all.
        ("2027-01-12T22:00:00[America/Torronto]", "2027-01-13T00:00:00[America/Toronto]"),
        ("2027-02-29T22:00:00Z", "2027-03-01T00:00:00Z"),
        ("2027-01-12T25:00:00Z", "2027-01-13T02:00:00Z"),
        ("2027-01-12T22:00:00", "2027-01-12T23:00:00"),
        // An offset that Toronto does not have in January.
        ("2027-01-12T22:00:00-04:00[America/Toronto]", "2027-01-13T00:00:00-05:00[America/Toronto]"),
    ];
    for (start, end) in cases {
        let verdict = with_window(start, end);
        assert_eq!(verdict.exit, Some(1), "{start}: {verdict}");
        verdict.denied("SCHEDULE_INVALID");
    }
}

#[test]
fn a59_windows_that_make_sense_and_are_not_now() {
    let cases = [
        // A leap day; a time that occurs twice, from its first to its second occurrence.
        ("2028-02-29T22:00:00Z", "2028-03-01T00:00:00Z"),
        ("2027-11-07T01:30:00[America/Toronto]", "2027-11-07T01:45:00[America/Toronto]"),
    ];
    for (start, end) in cases {
        with_window(start, end).denied_only(&["OUTSIDE_WINDOW"]);
    }
    // What has passed already says nothing; the next window of policy counts.
    with_window("2026-01-02T01:00:00Z", "2026-01-02T02:00:00Z").granted();
}

#[test]
fn a59_schedules_that_make_no_sense_or_have_passed() {
    for (start, end, code) in [(3600, -3600, "SCHEDULE_INVALID"), (-3600, -60, "OUTSIDE_WINDOW")] {
        let fleet = Fleet::new();
        fleet.scene.wait(60);
        let now = crate::stage::now();
        let schedule = Schedule { change: CHANGE.into(), start: Instant(now + start), end: Instant(now + end) };
        fleet.say("carol", CHANGE, &Record::Schedule(schedule));
        fleet.ready();
        fleet.permit().denied(code);
    }
}

#[test]
fn a75_schedule_backdated_to_fake_lead_time() {
    let fleet = Fleet::new();
    fleet.ready();
    let now = crate::stage::now();
    let schedule = Schedule { change: CHANGE.into(), start: Instant(now - 600), end: Instant(now + 3600) };
    // It is dated right behind the last witness, and nobody has seen it before now.
    fleet.say("carol", CHANGE, &Record::Schedule(schedule));
    fleet.permit().denied("LEAD_TIME");
    fleet.present();
    fleet.scene.witness();
    fleet.permit().denied_only(&["LEAD_TIME"]);
}

#[test]
fn a75_announcement_backdated_to_fake_lead_time() {
    let fleet = Fleet::new();
    fleet.scene.witness();
    let head = fleet.propose(&[(EDGE, &proposed())]);
    let facts = fleet.facts(CHANGE, &head);
    fleet.announce("alice", &facts);
    let facts = fleet.vet(facts);
    fleet.approved_by(&crate::stage::APPROVERS, &facts);
    fleet.present();
    fleet.scene.witness();
    fleet.permit().denied("LEAD_TIME");
}
