//! The walk-throughs of the documentation, walked: every command of them runs, in real repositories, with keys that
//! `ssh-keygen` makes, against devices that are network namespaces, at the times that the page names.
//!
//! What a block is, says `page.rs`. `FWGATE_BLESS=1` rewrites what the commands print.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod desk;
mod incident;
mod page;
mod tests;

use desk::Desk;
use page::Shown;

/// A page with what nobody may get out of it too early.
struct Walk {
    page: &'static str,
    change: &'static str,
    devices: &'static [&'static str],
    /// How many approvals it takes.
    quorum: usize,
    /// The first instant at which the change may go.
    opens: &'static str,
}

const TWO: Walk =
    Walk { page: "docs/two-people.md", change: "CHG-1", devices: &["edge1"], quorum: 1, opens: "2026-12-08T22:00:00Z" };

const FOUR: Walk = Walk {
    page: "docs/four-people.md",
    change: "CHG-1",
    devices: &["edge1", "edge2"],
    quorum: 3,
    opens: "2026-12-10T21:00:00Z",
};

#[test]
fn two_people_take_a_change_from_nothing_to_its_devices() {
    walk(&TWO);
}

#[test]
fn four_people_take_a_change_from_nothing_to_its_devices() {
    walk(&FOUR);
}

/// Runs a page. Before its end, at every step, somebody who has every key of every machine tries to push, at the time of the
/// step and at a time inside of the window: no program is ever started for a device.
fn walk(walk: &Walk) {
    let Some(desk) = Desk::new() else { return };
    incident::bring(&desk);
    tests::bring(&desk);
    let document = std::fs::read_to_string(page::root().join(walk.page)).unwrap();
    let (mut approvals, mut attempts) = (0, 0);
    let now = page::run(&desk, &document, |at, shown| {
        approvals += shown.iter().filter(|s| is_approval(s, walk.change)).count();
        if at >= walk.opens {
            return;
        }
        attempts += usize::from(refused(&desk, walk, at));
        if approvals < walk.quorum {
            attempts += usize::from(refused(&desk, walk, walk.opens));
        }
    });
    page::compare(walk.page, &document, &now);
    assert!(attempts > 10, "few attempts: {attempts}");
    assert_eq!(approvals, walk.quorum);
    for device in walk.devices {
        let is_pushed =
            |log: &[String]| log.iter().any(|l| l.starts_with("apply")) && log.iter().any(|l| l == "confirm");
        assert!(is_pushed(&desk.log(device)), "{device} was never pushed to");
    }
}

fn is_approval(shown: &Shown, change: &str) -> bool {
    shown.command.contains("fwgate change approve")
        && shown.output.contains(&format!("signed and pushed: approve of {change} "))
}

/// A push with every key but the one that vets, which is no push; whether there was anything to push yet.
fn refused(desk: &Desk, walk: &Walk, time: &str) -> bool {
    if !desk.path("alice/fwgate.toml").exists() {
        return false;
    }
    let before: Vec<Vec<String>> = walk.devices.iter().map(|d| desk.log(d)).collect();
    let command = format!(
        "cd {0}/alice && fwgate push {1} --root ../root.toml --key-permit ../keys/permit --key-ledger ../keys/ledger \
         --key-production ../keys/receiver",
        desk.path("").display().to_string().trim_end_matches('/'),
        walk.change
    );
    let (code, text) = desk.sh("mallory", time, &command);
    assert!(code == 1 || code == 2, "at {time}: {text}");
    let after: Vec<Vec<String>> = walk.devices.iter().map(|d| desk.log(d)).collect();
    assert_eq!(before, after, "a program was started for a device at {time}: {text}");
    true
}
