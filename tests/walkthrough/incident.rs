//! The second incident: the change that was to be staged and went live.

use crate::desk::Desk;
use crate::page;
use crate::{Walk, walk};

const PAGE: &str = "fixtures/incidents/02-staged-went-live/README.md";

/// Brings its files.
pub fn bring(desk: &Desk) {
    let files = ["baseline/core1/rules.nft", "proposed/core1/rules.nft", "policy.toml"];
    desk.bring("fixtures/incidents/02-staged-went-live", "incident", &files);
}

const INCIDENT: Walk =
    Walk { page: PAGE, change: "CHG-7", devices: &["core1"], quorum: 1, opens: "2026-12-08T22:00:00Z" };

#[test]
fn what_is_staged_reaches_production_in_its_window_only() {
    walk(&INCIDENT);
}

/// The page up to a heading.
fn until(heading: &str) -> String {
    let document = std::fs::read_to_string(page::root().join(PAGE)).unwrap();
    let end = document.find(heading).unwrap_or_else(|| panic!("there is no `{heading}`"));
    document[..end].to_owned()
}

fn runs_443_to(desk: &Desk, network: &str) -> bool {
    let read = desk.real("/usr/local/lib/fwgate/transports/practice/read /srv/practice/devices core1 now");
    let (code, text) = desk.sh("watcher", "2026-12-07T09:35:00Z", &read);
    assert_eq!(code, 0, "{text}");
    text.contains(&format!("ip daddr {network} tcp dport 443 accept"))
}

/// A policy in which staging names the switch in use stages nothing; the same command without the gate is the outage.
#[test]
fn without_the_guard_the_staging_command_goes_live() {
    let Some(desk) = Desk::new() else { return };
    bring(&desk);
    // The slip stays in the policy, and comes into force.
    let slip =
        until("## A push without a permit").replace("$ cp /srv/practice/incident/policy.toml policies/core.toml\n", "");
    let mut refusals = String::new();
    page::run(&desk, &slip, |_, shown| {
        let stage = shown.iter().find(|s| s.command.starts_with("fwgate stage"));
        refusals += stage.map(|s| s.output.as_str()).unwrap_or_default();
    });
    assert!(refusals.contains("STAGE_NOT_ISOLATED") && refusals.contains("[exit 1]"), "{refusals}");
    assert_eq!(desk.log("core1"), Vec::<String>::new(), "no program was started for the switch");
    assert!(runs_443_to(&desk, "203.0.113.0/24"));
    // The very words of the transport `rehearsal`, started by hand as on that day.
    let policy = std::fs::read_to_string(desk.path("alice/policies/core.toml")).unwrap();
    let apply = policy.rsplit("\napply = [").next().and_then(|rest| rest.split("]\n").next()).unwrap();
    let words: Vec<&str> = apply.split(", ").map(|word| word.trim_matches('"')).collect();
    assert!(words.contains(&"core1"), "{words:?}");
    let command = words.join(" ").replace("{file}", "alice/devices/core1/rules.nft");
    let (code, text) = desk.sh("watcher", "2026-12-07T09:35:00Z", &command);
    assert_eq!(code, 0, "{text}");
    assert!(runs_443_to(&desk, "198.51.100.0/24") && !runs_443_to(&desk, "203.0.113.0/24"), "the outage");
}

/// What was done by hand is seen by the next push, which leaves it alone.
#[test]
fn a_switch_that_was_changed_by_hand_is_drift_at_the_push() {
    let Some(desk) = Desk::new() else { return };
    bring(&desk);
    page::run(&desk, &until("## The window"), |_, _| {});
    let live = desk.real(
        "/usr/local/lib/fwgate/transports/practice/apply /srv/practice/devices core1 /srv/practice/incident/proposed/core1/rules.nft 0",
    );
    assert_eq!(desk.sh("watcher", "2026-12-07T12:00:00Z", &live).0, 0);
    let push = "cd alice && fwgate push CHG-7 --root ../root.toml --key-permit ../keys/permit --key-ledger ../keys/ledger \
                --key-production ../keys/receiver";
    let (code, text) = desk.sh("carol", "2026-12-08T22:05:00Z", push);
    assert!(code == 1 && text.contains("DRIFT"), "{text}");
    assert!(!desk.log("core1").iter().any(|l| l.starts_with("apply, undone")), "nothing was applied to it");
}
