//! The fourth incident: each test fails when its guard is taken out.

use fwgate::check::{CheckInput, CheckReport, Device, Estate, run};
use fwgate::dialect::{InputFile, ReadOptions};
use fwgate::diff::Bounds;
use fwgate::policy::{Date, PolicyFiles, read_change, read_policy};
use fwgate::routes::read_whole;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/incidents/04-test-hit-production")
}

fn text(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

fn device(side: &str) -> Device {
    let file = |name: &str| InputFile {
        name: name.to_owned(),
        bytes: text(&format!("{side}/core1/{name}")).into_bytes().into(),
    };
    let files = ["policy-rules", "routes", "rules.v4"].map(file);
    let (ruleset, routing) = read_whole(&files, &ReadOptions::default()).unwrap();
    Device::new("core1", Arc::new(ruleset)).routed_by(Arc::new(routing))
}

fn judged(side: &str, policy: &str, is_test: bool) -> CheckReport {
    let policy = read_policy(&PolicyFiles::single(policy, text(policy))).unwrap();
    let change =
        is_test.then(|| read_change("changes/TEST-7.toml", &text("changes/TEST-7.toml"), &policy.names).unwrap());
    run(&CheckInput {
        baseline: &[device("baseline")],
        proposed: &[device(side)],
        policy: &policy,
        change: change.as_ref(),
        estate: Estate::default(),
        bounds: Bounds::default(),
        today: Date { year: 2026, month: 6, day: 15 },
    })
    .unwrap()
}

fn messages(report: &CheckReport, code: &str) -> Vec<String> {
    report.findings.iter().filter(|f| f.code.id == code).map(|f| f.message.clone()).collect()
}

#[test]
fn one_destination_outside_the_lab_refuses_the_test() {
    let report = judged("proposed", "policy.toml", true);
    let expected = "a test reaches outside the lab: core1: destination 10.30.8.1 goes via 10.99.0.9 dev test0, and went via 10.255.0.30 dev core0";
    assert_eq!(messages(&report, "FW761"), [expected]);
    // The lab alone decides: the same test under a lab that holds the destination is no longer outside.
    let wider = text("policy.toml").replace("ranges = [\"lab\"]", "ranges = [\"lab\", \"customers\"]");
    let policy = read_policy(&PolicyFiles::single("policy.toml", wider)).unwrap();
    let change = read_change("changes/TEST-7.toml", &text("changes/TEST-7.toml"), &policy.names).unwrap();
    let input = CheckInput {
        baseline: &[device("baseline")],
        proposed: &[device("proposed")],
        policy: &policy,
        change: Some(&change),
        estate: Estate::default(),
        bounds: Bounds::default(),
        today: Date { year: 2026, month: 6, day: 15 },
    };
    assert!(messages(&run(&input).unwrap(), "FW761").is_empty());
}

#[test]
fn customers_keep_their_way() {
    let found = messages(&judged("proposed", "policy.toml", false), "FW751");
    let expected = "the required route `customers-by-the-core` is lost: 10.30.8.0/21 goes via 10.99.0.9 dev test0, and went via 10.255.0.30 dev core0; such as 10.30.8.1";
    assert_eq!(found, [expected]);
}

#[test]
fn what_nobody_wrote_down_is_found() {
    let found = messages(&judged("proposed", "nothing-written.toml", false), "FW754");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("10.30.8.0/21 is taken over: it goes via 10.99.0.9 dev test0"), "{found:?}");
}

#[test]
fn the_test_that_was_meant_passes() {
    assert!(judged("meant", "policy.toml", true).findings.is_empty());
    assert_eq!(judged("meant", "policy.toml", true).requirements.held, 2);
}
