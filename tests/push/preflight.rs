//! The list before a maintenance: every cross, and that nothing is changed by looking.

use super::{ID, REST, World, now, proposal, receipt_of};
use serde_json::Value;
use std::collections::BTreeMap;

/// Announced, vetted and approved.
pub fn ready(world: &World) -> super::scene::Clone {
    world.announce();
    let clone = world.scene.clone_as("one");
    let (_, text) = world.fwgate(&clone, &["vet", ID, "--key-staging", &world.key("stager")]);
    world.approve(receipt_of(&text));
    clone
}

/// The exit code, and the verdict of each check.
pub fn list(world: &World, clone: &super::scene::Clone, more: &[&str]) -> (i32, BTreeMap<String, String>, String) {
    let keys = world.keys();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let keys = if more.contains(&"no-keys") { Vec::new() } else { keys };
    let more: Vec<&str> = more.iter().copied().filter(|m| *m != "no-keys").collect();
    let (code, text) = world.fwgate(clone, &[&["preflight", ID, "--format", "json"][..], &keys, &more].concat());
    let document: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    published(&document);
    let verdict = |c: &Value| (c["check"].as_str().unwrap().to_owned(), c["verdict"].as_str().unwrap().to_owned());
    (code, document["checks"].as_array().unwrap().iter().map(verdict).collect(), text)
}

fn published(document: &Value) {
    let schema: Value = serde_json::from_str(include_str!("../../schemas/preflight.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(document).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

fn failed(checks: &BTreeMap<String, String>) -> Vec<&str> {
    checks.iter().filter(|(_, verdict)| *verdict != "passed").map(|(check, _)| check.as_str()).collect()
}

/// Every branch of the remote with its head.
fn branches(world: &World) -> Vec<String> {
    let references = world.scene.remote().references().unwrap();
    let mut out: Vec<String> =
        references.map(|r| r.unwrap()).map(|r| format!("{:?} {:?}", r.name(), r.target())).collect();
    out.sort();
    out
}

#[test]
fn everything_passes_and_nothing_is_changed() {
    let Some(world) = World::new() else { return };
    let clone = ready(&world);
    let (before, runs) = (branches(&world), world.device.runs("iptables-save", None));
    let (code, checks, text) = list(&world, &clone, &[]);
    assert_eq!((code, failed(&checks)), (0, Vec::new()), "{text}");
    assert_eq!(checks.len(), 15);
    assert_eq!(branches(&world), before, "a branch was written to");
    let rules = |dump: &str| dump.lines().filter(|l| l.starts_with('-')).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rules(&world.device.runs("iptables-save", None)), rules(&runs), "the device was changed");
    let started = std::fs::read_to_string(&world.started).unwrap();
    assert!(started.contains("iptables-save") && !started.contains("iptables-restore"), "{started}");
    // For people: a tick each, and the answer first.
    let keys = world.keys();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let (_, text) = world.fwgate(&clone, &[&["preflight", ID][..], &keys].concat());
    assert!(text.starts_with("CHG-1: ready (") && text.matches("✓ ").count() == 15, "{text}");
}

#[test]
fn each_thing_that_is_wrong_has_its_cross_and_its_command() {
    let Some(world) = World::new() else { return };
    let clone = ready(&world);
    // No key at hand, and the key of another machine.
    let (code, checks, text) = list(&world, &clone, &["no-keys"]);
    assert_eq!((code, failed(&checks)), (1, vec!["keys"]), "{text}");
    assert!(text.contains("--key-ledger FILE"), "{text}");
    let other = world.key("ledger");
    let (_, checks, text) = list(&world, &clone, &["no-keys", "--key-permit", &other]);
    assert!(failed(&checks) == ["keys"] && text.contains("is for something else"), "{text}");
    // Nobody asks the devices: no verdict.
    let (code, checks, _) = list(&world, &clone, &["--offline"]);
    assert_eq!((code, failed(&checks)), (2, vec!["baseline", "probes", "rollback", "transports"]));
    // A hold.
    let record = fwgate::gate::Record::Hold(fwgate::gate::Hold {
        scope: fwgate::gate::Scope::Change(ID.into()),
        until: fwgate::gate::Instant(now() + 3600),
        reason: "a storm".into(),
    });
    world.scene.record("alice", ID, &record.text());
    let (code, checks, text) = list(&world, &clone, &[]);
    assert_eq!((code, failed(&checks)), (1, vec!["holds"]), "{text}");
}

#[test]
fn a_device_that_does_not_run_its_baseline_is_seen_before_the_window() {
    let Some(world) = World::new() else { return };
    let clone = ready(&world);
    let edited = super::RULES.replace("COMMIT", "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT");
    world.device.runs("iptables-restore", Some(&edited));
    let (code, checks, text) = list(&world, &clone, &[]);
    assert_eq!((code, failed(&checks)), (1, vec!["baseline"]), "{text}");
    assert!(text.contains("DRIFT") && text.contains("fwgate adopt edge1"), "{text}");
    // The proposal itself, without a receipt, is not the baseline either.
    world.device.runs("iptables-restore", Some(&proposal()));
    let (_, checks, text) = list(&world, &clone, &[]);
    assert!(failed(&checks) == ["baseline"] && text.contains("runs the proposal already"), "{text}");
}

#[test]
fn approvals_vetting_and_transports_are_looked_at() {
    let edit = |policy: String| policy.replace("\"true\"]\nconfirm_timer", "\"false\"]\nconfirm_timer");
    let Some(world) = World::edited(edit) else { return };
    world.announce();
    let clone = world.scene.clone_as("one");
    let (code, checks, text) = list(&world, &clone, &[]);
    assert_eq!(code, 1, "{text}");
    assert_eq!(failed(&checks), ["keys", "probes", "quorum", "vetting"], "{text}");
    assert!(text.contains("fwgate change approve CHG-1") && text.contains("--key-staging"), "{text}");
    let missing = |policy: String| policy.replace("\"nsenter\"", "\"no-such-program\"").replace("/record\"", "/gone\"");
    let Some(world) = World::edited(missing) else { return };
    let clone = ready(&world);
    let (_, checks, text) = list(&world, &clone, &[]);
    assert!(failed(&checks).contains(&"transports") && text.contains("is not installed here"), "{text}");
}

/// The day of the week so many days from now, in UTC, as windows write it.
fn weekday(days: i64) -> &'static str {
    const DAYS: [&str; 7] = ["thu", "fri", "sat", "sun", "mon", "tue", "wed"];
    DAYS[((now() / 86_400 + days) % 7) as usize]
}

#[test]
fn a_window_that_is_not_open_yet_is_waited_for_and_an_approval_that_ends_before_it_is_not() {
    const ALL: &str = "days = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"]";
    assert!(REST.contains(ALL));
    let on = |days: i64| move |policy: String| policy.replace(ALL, &format!("days = [\"{}\"]", weekday(days)));
    let Some(world) = World::edited(on(1)) else { return };
    let clone = ready(&world);
    let (code, checks, text) = list(&world, &clone, &[]);
    assert_eq!((code, failed(&checks)), (0, vec!["window"]), "{text}");
    assert_eq!(checks["window"], "waits");
    // The approvals of this scene count for one day.
    let Some(world) = World::edited(on(3)) else { return };
    let clone = ready(&world);
    let (code, checks, text) = list(&world, &clone, &[]);
    assert_eq!(code, 1, "{text}");
    assert!(checks["quorum"] == "failed" && text.contains("APPROVAL_EXPIRED"), "{text}");
    // A freeze over the window is seen today.
    let frozen = move |policy: String| {
        let utc = |at: i64| jiff::Timestamp::from_second(at).unwrap().to_string().trim_end_matches('Z').to_owned();
        let (from, to) = (utc(now() + 1800), utc(now() + 5 * 86_400));
        let freeze = format!("\n[[freeze]]\nfrom = \"{from}[UTC]\"\nto = \"{to}[UTC]\"\nreason = \"year end\"\n");
        on(1)(policy) + &freeze
    };
    let Some(world) = World::edited(frozen) else { return };
    let clone = ready(&world);
    let (code, checks, text) = list(&world, &clone, &[]);
    assert!(code == 1 && checks["freeze"] == "failed" && text.contains("year end"), "{text}");
}

/// What a proposal puts beside the tables of its baseline outlives a way back that does not name them: a restored file replaces the
/// tables that it names. The baseline alone would load without a word.
#[test]
fn a_way_back_that_leaves_something_of_the_proposal_is_a_cross() {
    const NAT: &str = "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n\
                       -A PREROUTING -d 10.2.0.9/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.2.0.1:443\nCOMMIT\n";
    let rehearsed = |world: &World| {
        let rules = proposal() + NAT;
        let head = world.scene.commit_on("refs/heads/nat", "alice", &[("devices/edge1/rules.v4", &rules)]);
        world.scene.reset("refs/heads/main", Some(&world.base));
        let clone = world.scene.clone_as("one");
        let key = world.key("alice");
        clone.git(&["checkout", "-q", "--detach", &head]);
        let (code, text) = world.fwgate(&clone, &["change", "new", ID, "--key", &key, "--anyway"]);
        assert_eq!(code, 0, "{text}");
        world.scene.wait(60);
        world.scene.witness();
        let (_, checks, text) = list(world, &clone, &[]);
        (checks["rollback"].clone(), text)
    };
    let Some(world) = World::new() else { return };
    let (verdict, text) = rehearsed(&world);
    assert!(verdict == "failed" && text.contains("does not bring its baseline back"), "{text}");
    assert!(text.contains("replaces = \\\"everything\\\""), "{text}");
    // A device that takes its files as the whole configuration drops the table as well.
    let whole = |policy: String| {
        policy.replace("confirm_timer = \"30s\"\n", "confirm_timer = \"30s\"\nreplaces = \"everything\"\n")
    };
    let Some(world) = World::edited(whole) else { return };
    let (verdict, text) = rehearsed(&world);
    assert!(verdict == "passed" && text.contains("on top of its proposal, its baseline reads back equal"), "{text}");
}
