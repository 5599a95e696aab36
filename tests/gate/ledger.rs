//! The ledger: a chain that one machine signs, and what it says of heads, devices and permits.

use crate::scene::{Draft, LEDGER, Scene, changes};
use fwgate::gate::{
    Claim, DeviceResult, Digest, Finish, Instant, Ledger, LedgerEntry, ReasonCode, ResultKind, Roster, Witness,
};
use fwgate::vcs::{Branch, EvidenceSource, Repository};
use std::collections::BTreeMap;

const NONCE: &str = "00112233445566778899aabbccddeeff";

fn branches(scene: &Scene) -> BTreeMap<String, Branch> {
    Repository::bare(&scene.remote_path()).unwrap().evidence(&EvidenceSource::Bare).unwrap()
}

fn read(scene: &Scene) -> Ledger {
    let policy = scene.policy();
    let (roster, _) = Roster::read(&policy.persons, &policy.machines);
    Ledger::read(branches(scene).get(LEDGER), &roster, scene.instant())
}

fn codes(reasons: &[fwgate::gate::Reason]) -> Vec<ReasonCode> {
    reasons.iter().map(|r| r.code).collect()
}

fn withdraw(scene: &Scene, change: &str) -> String {
    scene.record("alice", change, &format!("fwgate-record/1 withdraw\nchange: {change}\nreason: x\n"))
}

#[test]
fn witnesses_say_when_a_commit_was_first_seen() {
    let scene = Scene::new();
    let begin = scene.now();
    scene.witness();
    withdraw(&scene, "CHG-1");
    scene.wait(600);
    withdraw(&scene, "CHG-1");
    scene.wait(600);
    scene.witness();
    withdraw(&scene, "CHG-1");
    scene.wait(600);
    scene.witness();
    let ledger = read(&scene);
    assert_eq!(ledger.refusals, []);
    let seen = ledger.sightings(&branches(&scene)[&changes("CHG-1")]);
    let first: Vec<_> = seen.iter().map(|s| s.first.map(|i| i.0 - begin)).collect();
    let without: Vec<_> = seen.iter().map(|s| s.last_without.map(|i| i.0 - begin)).collect();
    assert_eq!(first, [Some(1200), Some(1200), Some(1800)]);
    assert_eq!(without, [Some(0), Some(0), Some(1200)]);
    assert_eq!(ledger.check_heads(&branches(&scene)), []);
}

#[test]
fn a_chain_that_is_broken_is_a_fork() {
    type Break = fn(&Scene);
    let cases: [(&str, Break, ReasonCode); 7] = [
        ("no ledger", |s| s.reset(LEDGER, None), ReasonCode::LedgerFork),
        (
            "another's entry",
            |s| drop(s.sign_onto(LEDGER, "mallory", "fwgate-ledger@v1", &next(s))),
            ReasonCode::LedgerFork,
        ),
        (
            "another machine's entry",
            |s| drop(s.sign_onto(LEDGER, "stager", "fwgate-ledger@v1", &next(s))),
            ReasonCode::LedgerFork,
        ),
        ("another namespace", |s| drop(s.sign_onto(LEDGER, "ledger", "git", &next(s))), ReasonCode::BadNamespace),
        (
            "a wrong link",
            |s| {
                let text = next(s).replace("previous: sha256:", "previous: sha256:0");
                let line = text.lines().nth(1).unwrap();
                let text = text.replace(line, &line[..line.len() - 1]);
                s.sign_onto(LEDGER, "ledger", "fwgate-ledger@v1", &text);
            },
            ReasonCode::LedgerFork,
        ),
        ("no entry", |s| drop(s.sign_onto(LEDGER, "ledger", "fwgate-ledger@v1", "hello\n")), ReasonCode::LedgerFork),
        (
            "an older entry",
            |s| {
                s.wait(-10);
                s.witness();
                s.wait(10);
            },
            ReasonCode::LedgerFork,
        ),
    ];
    for (what, damage, code) in cases {
        let scene = Scene::new();
        scene.witness();
        damage(&scene);
        let ledger = read(&scene);
        assert_eq!(codes(&ledger.refusals), [code], "{what}: {:?}", ledger.refusals);
    }
}

/// The text of the next witness.
fn next(scene: &Scene) -> String {
    let previous = scene.head_of(LEDGER).map(|id| Digest::of(&scene.bytes_of(&id)));
    LedgerEntry::Witness(Witness { previous, at: scene.instant(), policy: 1, heads: scene.heads() }).text()
}

#[test]
fn a_clock_behind_the_ledger_is_skewed() {
    let scene = Scene::new();
    scene.witness();
    assert_eq!(codes(&read(&scene).refusals), []);
    scene.wait(-1);
    assert_eq!(codes(&read(&scene).refusals), [ReasonCode::ClockSkew]);
}

#[test]
fn a_witnessed_head_that_is_gone_was_rewritten_or_is_old() {
    use ReasonCode::{EvidenceStale, HistoryRewritten};
    let scene = Scene::new();
    let first = withdraw(&scene, "CHG-1");
    withdraw(&scene, "CHG-1");
    scene.wait(60);
    scene.witness();
    let ledger = read(&scene);
    scene.reset(&changes("CHG-1"), Some(&first));
    assert_eq!(codes(&ledger.check_heads(&branches(&scene))), [HistoryRewritten, EvidenceStale]);
    scene.wait(60);
    scene.record("bob", "CHG-1", "fwgate-record/1 withdraw\nchange: CHG-1\nreason: y\n");
    assert_eq!(codes(&ledger.check_heads(&branches(&scene))), [HistoryRewritten]);
    scene.reset(&changes("CHG-1"), None);
    assert_eq!(codes(&ledger.check_heads(&branches(&scene))), [HistoryRewritten, EvidenceStale]);
}

#[test]
fn the_log_keeps_what_a_closed_change_had() {
    let scene = Scene::new();
    let head = withdraw(&scene, "CHG-1");
    let entry = scene.witness();
    let log = "refs/heads/fwgate/log";
    let mut draft = Draft::new("ledger", &scene.tip(log), scene.now(), "closed\n");
    draft.parents.extend([head, entry]);
    scene.put(log, &draft.signed(&scene.key("ledger"), "fwgate-ledger@v1"));
    scene.reset(&changes("CHG-1"), None);
    assert_eq!(read(&scene).check_heads(&branches(&scene)), []);
    scene.reset(LEDGER, None);
    scene.wait(1);
    scene.witness();
    assert_eq!(codes(&read(&scene).check_heads(&branches(&scene))), [ReasonCode::LedgerFork]);
}

fn claim(scene: &Scene, lease: i64) {
    let (change, nonce, at) = ("CHG-1".to_owned(), NONCE.to_owned(), scene.instant());
    scene.ledger(|previous| {
        LedgerEntry::Claim(Claim {
            previous,
            at,
            change,
            permit: Digest([5; 32]),
            run: nonce.clone(),
            nonce,
            holder: "ci".to_owned(),
            lease: Instant(at.0 + lease),
            devices: vec!["edge1".to_owned(), "edge2".to_owned()],
        })
    });
}

fn result(scene: &Scene, device: &str, result: ResultKind, byte: u8) {
    scene.ledger(|previous| {
        LedgerEntry::Result(DeviceResult {
            previous,
            at: scene.instant(),
            change: "CHG-1".to_owned(),
            nonce: NONCE.to_owned(),
            run: NONCE.to_owned(),
            device: device.to_owned(),
            result,
            bytes: Digest([byte; 32]),
            head: "d".repeat(40),
            receipt: None,
        })
    });
}

#[test]
fn what_is_in_force_is_the_last_applied_or_rolled_back() {
    let scene = Scene::new();
    scene.witness();
    claim(&scene, 600);
    result(&scene, "edge1", ResultKind::Applied, 1);
    result(&scene, "edge2", ResultKind::Applied, 2);
    result(&scene, "edge2", ResultKind::RolledBack, 3);
    result(&scene, "edge1", ResultKind::Started, 4);
    result(&scene, "edge1", ResultKind::Failed, 5);
    let ledger = read(&scene);
    assert_eq!(ledger.refusals, []);
    let in_force = ledger.in_force();
    let bytes: Vec<_> = in_force.iter().map(|(device, f)| (device.as_str(), f.bytes.0[0])).collect();
    assert_eq!(bytes, [("edge1", 1), ("edge2", 3)]);
}

#[test]
fn a_permit_is_claimed_while_its_lease_lasts_and_finished_for_good() {
    let scene = Scene::new();
    scene.witness();
    assert!(read(&scene).permits().is_empty());
    claim(&scene, 600);
    result(&scene, "edge1", ResultKind::Applied, 1);
    let permits = read(&scene).permits();
    let history = &permits[NONCE];
    assert!(history.is_claimed(scene.instant()));
    assert!(history.is_claimed(Instant(scene.now() + 600)));
    assert!(!history.is_claimed(Instant(scene.now() + 601)));
    assert_eq!(history.results["edge1"].result, ResultKind::Applied);
    assert_eq!(history.claims[0].holder, "ci");
    scene.ledger(|previous| {
        LedgerEntry::Finish(Finish {
            previous,
            at: scene.instant(),
            change: "CHG-1".to_owned(),
            nonce: NONCE.to_owned(),
            run: NONCE.to_owned(),
            state: "partial".to_owned(),
        })
    });
    let history = read(&scene).permits()[NONCE].clone();
    assert_eq!(history.finish.as_ref().map(|f| f.state.as_str()), Some("partial"));
    assert!(!history.is_claimed(scene.instant()));
}
