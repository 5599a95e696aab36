//! Classes, staging, time and neighbours: each row makes one change to a change that may go.

use super::scene::*;
use fwgate::gate::*;

type Edit = fn(&mut Scene);

fn expect(rows: &[(&str, Edit, &[&str])]) {
    for (what, edit, codes) in rows {
        let mut scene = Scene::good();
        edit(&mut scene);
        assert_eq!(scene.codes(), *codes, "{what}");
    }
}

fn analysis_of(scene: &mut Scene) -> &mut Analysis {
    scene.analysis.as_mut().unwrap()
}

/// What its devices run lacks no approval, window or vetting any more; what else stands against it still does.
#[test]
fn a_change_that_is_over_lacks_nothing() {
    let mut scene = Scene::good();
    scene.progress = Progress::Closed;
    scene.analysis = None;
    scene.obstacles.push(Reason::new(ReasonCode::EmptyChange, "m", "f"));
    assert_eq!(scene.codes(), ["EMPTY_CHANGE"]);
    let decision = scene.decide();
    assert!(decision.is_over() && decision.missing.is_empty());
    assert!(decision.reasons[0].message.contains("was applied"), "{}", decision.reasons[0].message);
    scene.obstacles.push(Reason::new(ReasonCode::LedgerFork, "m", "f"));
    assert_eq!(scene.codes(), ["LEDGER_FORK", "EMPTY_CHANGE"]);
    assert!(!scene.decide().is_over());
    scene.progress = Progress::None;
    assert!(scene.codes().iter().any(|c| c == "APPROVAL_MISSING"), "before a push everything is said");
}

#[test]
fn what_a_change_must_be() {
    expect(&[
        ("nothing", |s| analysis_of(s).devices.clear(), &["EMPTY_CHANGE"]),
        ("the same bytes", |s| analysis_of(s).rollback = analysis_of(s).devices.clone(), &["EMPTY_CHANGE"]),
        ("no rule", |s| analysis_of(s).report.rules = 0, &["EMPTY_CHANGE"]),
        ("not analysed", |s| s.analysis = None, &["EMPTY_CHANGE", "APPROVAL_MISSING"]),
        ("refused by the checks", |s| analysis_of(s).is_refused = true, &["CHECK_REFUSED"]),
        ("no way back", |s| analysis_of(s).rollback.clear(), &["NO_ROLLBACK"]),
        ("policy beside devices", |s| s.paths.push("fwgate.toml".into()), &["POLICY_CHANGE_MIXED"]),
        ("a file of the policy's folder", |s| s.paths.push("policies/web.toml".into()), &["POLICY_CHANGE_MIXED"]),
        (
            "relabelled",
            |s| {
                analysis_of(s).extent.relabelled.insert("edge1".into());
            },
            &["POLICY_CHANGE_MIXED"],
        ),
        ("class policy for rules", |s| s.request = Some(request("class = \"policy\"")), &["POLICY_CHANGE_MIXED"]),
        ("another's file", |s| s.paths.push("changes/CHG-7.toml".into()), &["CHANGE_ID_CONFLICT"]),
        ("ids that differ in case", |s| s.ids.push("Chg-2042".into()), &["CHANGE_ID_CONFLICT"]),
        (
            "announced by two",
            |s| {
                let other = Change { file: digest("other file"), ..change() };
                let mut announced = s.believed("erin", Record::Change(other));
                announced.order = 0;
                s.testimony.records.insert(0, announced);
            },
            &["CHANGE_ID_CONFLICT"],
        ),
        ("an obstacle", |s| s.obstacles.push(Reason::new(ReasonCode::LedgerFork, "m", "f")), &["LEDGER_FORK"]),
        (
            "a malformed record",
            |s| s.testimony.refusals.push(Reason::new(ReasonCode::CommitMalformed, "m", "f")),
            &["COMMIT_MALFORMED"],
        ),
    ]);
}

#[test]
fn bytes_are_vetted_as_they_are() {
    expect(&[
        (
            "no receipt",
            |s| s.testimony.receipts.clear(),
            &["NOT_STAGED", "NOT_VETTED", "RECEIPT_MISMATCH", "APPROVAL_MISSING"],
        ),
        (
            "other content and bytes",
            |s| {
                let receipt = &mut s.testimony.receipts[0].said;
                (receipt.content, receipt.devices[0].1) = (digest("x"), digest("x"));
            },
            &["NOT_STAGED", "NOT_VETTED", "RECEIPT_MISMATCH", "APPROVAL_MISSING"],
        ),
        (
            "a receipt of production",
            |s| s.testimony.receipts[0].said.kind = ReceiptKind::Applied,
            &["NOT_STAGED", "NOT_VETTED", "RECEIPT_MISMATCH", "APPROVAL_MISSING"],
        ),
        (
            "a revoked machine",
            |s| s.testimony.receipts[0].standing = Standing::Revoked,
            &["KEY_REVOKED", "NOT_STAGED", "NOT_VETTED"],
        ),
        (
            "one of two devices",
            |s| {
                analysis_of(s).devices.push(("edge2".into(), digest("b")));
                analysis_of(s).rollback.push(("edge2".into(), digest("a")));
            },
            &["NOT_VETTED"],
        ),
    ]);
    let on_devices = GATE.replace("staging = \"namespace\"", "staging = \"device\"")
        + "\n[[stands_for]]\ndevice = \"edge1\"\nstaging = \"stage-edge1\"\n";
    let mut scene = Scene::of(&on_devices);
    assert_eq!(scene.codes(), ["NOT_STAGED", "NOT_VETTED", "RECEIPT_MISMATCH"]);
    scene.testimony.receipts[0].said.on = "stage-edge1 serial 77".into();
    assert_eq!(scene.codes(), Vec::<String>::new());
}

#[test]
fn no_staging_costs_one_approver_more() {
    let mut scene =
        Scene::of(&GATE.replace("staging = \"namespace\"", "staging = \"none\"").replace("count = 3", "count = 2"));
    scene.testimony.receipts.clear();
    assert_eq!(scene.codes(), ["APPROVAL_MISSING"]);
    scene.approve("erin", "security");
    assert_eq!(scene.codes(), Vec::<String>::new());
    assert!(scene.decide().notes.iter().any(|n| n.contains("without staging")));
}

#[test]
fn a_change_goes_in_its_window_and_in_no_freeze() {
    expect(&[
        ("before the window", |s| s.now = at("2026-12-02T02:59:59Z"), &["OUTSIDE_WINDOW"]),
        ("behind the window", |s| s.now = at("2026-12-02T07:00:00Z"), &["OUTSIDE_WINDOW"]),
        ("last instant", |s| s.now = at("2026-12-02T06:59:59Z"), &[]),
        (
            "lead time not over",
            |s| {
                s.testimony.records[0].witnessed = Some(at("2026-12-02T00:30:00Z"));
            },
            &["LEAD_TIME", "OUTSIDE_WINDOW"],
        ),
        ("not witnessed", |s| s.testimony.records[0].witnessed = None, &["LEAD_TIME"]),
        (
            "backdated and not witnessed",
            |s| {
                s.testimony.records[0].witnessed = None;
                s.testimony.records[0].at = at("2026-11-01T00:00:00Z");
            },
            &["LEAD_TIME"],
        ),
        (
            "a wish that ends before it begins",
            |s| {
                s.request = Some(request(
                    "class = \"normal\"\n[window]\nstart = \"2026-12-02T05:00:00Z\"\nend = \"2026-12-02T04:00:00Z\"",
                ));
            },
            &["SCHEDULE_INVALID"],
        ),
        (
            "a wish in no zone",
            |s| {
                s.request = Some(request(
                    "class = \"normal\"\n[window]\nstart = \"2026-12-02T03:00:00[Mars/Base]\"\nend = \"2026-12-02T04:00:00Z\"",
                ));
            },
            &["SCHEDULE_INVALID"],
        ),
        (
            "a wish inside the window and later",
            |s| {
                s.request = Some(request(
                    "class = \"normal\"\n[window]\nstart = \"2026-12-02T05:00:00Z\"\nend = \"2026-12-02T06:00:00Z\"",
                ));
            },
            &["OUTSIDE_WINDOW"],
        ),
        (
            "a wish outside of every window",
            |s| {
                s.request = Some(request(
                    "class = \"normal\"\n[window]\nstart = \"2026-12-02T12:00:00Z\"\nend = \"2026-12-02T13:00:00Z\"",
                ));
            },
            &[],
        ),
    ]);
    let mut frozen = Scene::good();
    frozen.now = at("2026-12-23T03:30:00Z");
    for record in &mut frozen.testimony.records {
        record.witnessed = Some(at("2026-12-22T00:00:00Z"));
    }
    let mut frozen = ["bob", "carol", "dave"]
        .iter()
        .fold(frozen, |s, by| s.with_approval(by, |a| a.not_after = at("2027-01-01T00:00:00Z")));
    assert_eq!((frozen.codes(), frozen.decide().state), (vec!["FROZEN".to_owned()], State::Frozen));
    frozen.now = at("2027-01-05T05:00:00Z");
    assert!(!frozen.codes().contains(&"FROZEN".to_owned()));
}

#[test]
fn a_schedule_record_moves_the_window_after_the_lead_time() {
    let moved = |by: &str, start: &str, end: &str, seen: Option<&str>| {
        let mut scene = Scene::good();
        scene.say(by, Record::Schedule(Schedule { change: ID.into(), start: at(start), end: at(end) }));
        scene.testimony.records.last_mut().unwrap().witnessed = seen.map(at);
        scene.codes()
    };
    let seen = Some("2026-12-01T20:00:00Z");
    assert_eq!(moved("carol", "2026-12-02T03:00:00Z", "2026-12-02T04:00:00Z", seen), Vec::<String>::new());
    assert_eq!(moved("carol", "2026-12-02T04:00:00Z", "2026-12-02T05:00:00Z", seen), ["OUTSIDE_WINDOW"]);
    assert_eq!(moved("carol", "2026-12-02T03:00:00Z", "2026-12-02T08:00:00Z", seen), ["OUTSIDE_WINDOW"]);
    assert_eq!(
        moved("carol", "2026-12-02T03:00:00Z", "2026-12-02T04:00:00Z", Some("2026-12-02T02:00:00Z")),
        ["LEAD_TIME"]
    );
    assert_eq!(moved("carol", "2026-12-02T03:00:00Z", "2026-12-02T04:00:00Z", None), ["LEAD_TIME"]);
    assert!(
        moved("carol", "2026-12-02T04:00:00Z", "2026-12-02T03:00:00Z", seen).contains(&"SCHEDULE_INVALID".to_owned())
    );
    assert_eq!(moved("bob", "2026-12-02T04:00:00Z", "2026-12-02T05:00:00Z", seen), Vec::<String>::new());
}

fn neighbour() -> Neighbour {
    Neighbour {
        id: "CHG-1".into(),
        devices: vec!["edge1".into()],
        is_approved: true,
        announced: Some(at("2026-12-01T10:00:00Z")),
        progress: Progress::None,
        beside: vec![Reason::new(ReasonCode::Conflict, "both change the same packets", "withdraw one")],
        is_solo: false,
    }
}

#[test]
fn of_two_that_conflict_the_one_announced_first_goes() {
    let with = |edit: fn(&mut Neighbour)| {
        let mut scene = Scene::good();
        let mut other = neighbour();
        edit(&mut other);
        scene.neighbours.push(other);
        scene.codes()
    };
    let none = Vec::<String>::new();
    assert_eq!(with(|_| {}), ["CONFLICT"]);
    assert_eq!(with(|n| n.beside.clear()), none);
    assert_eq!(with(|n| n.is_approved = false), none);
    assert_eq!(with(|n| n.announced = Some(at("2026-12-01T20:00:00Z"))), none);
    assert_eq!(with(|n| n.progress = Progress::Applied), none);
    assert_eq!(with(|n| (n.is_approved, n.progress) = (false, Progress::Pushing)), ["CONFLICT"]);
    let stale = |n: &mut Neighbour| {
        n.announced = Some(at("2026-12-01T20:00:00Z"));
        n.beside = vec![Reason::new(ReasonCode::ProofStale, "both break `toronto-dallas`", "withdraw one")];
    };
    assert_eq!(with(stale), ["PROOF_STALE"]);
}

#[test]
fn the_fleet_converges_before_the_next_change() {
    let mut scene = Scene::good();
    scene.unconverged.push(Unconverged { device: "edge9".into(), change: "CHG-1".into() });
    assert_eq!(scene.codes(), ["NOT_CONVERGED"]);
    scene.unconverged[0].change = ID.into();
    assert_eq!(scene.codes(), Vec::<String>::new());
    scene.debts.push(Debt { change: "CHG-9".into(), due: at("2026-12-02T03:30:01Z") });
    assert_eq!(scene.codes(), Vec::<String>::new());
    scene.debts[0].due = scene.now;
    assert_eq!(scene.codes(), ["REVIEW_OVERDUE"]);
}

#[test]
fn tests_stay_in_the_lab() {
    let mut scene = Scene::good();
    scene.request = Some(request("class = \"test\""));
    assert_eq!(scene.codes(), Vec::<String>::new());
    analysis_of(&mut scene).extent.outside_lab = Some("tcp 10.1.0.1 to 10.2.0.1:23 on edge1".into());
    let reasons = scene.decide().reasons;
    assert_eq!(reasons[0].code, ReasonCode::OutsideLab);
    assert!(reasons[0].message.contains("10.2.0.1:23"));
}

const TEMPLATE: &str = "\n[[template]]\nid = \"web\"\nreason = \"r\"\neffects = [\"opened\"]\nfrom = [\"10.20.0.0/16\"]\nto = [\"10.1.0.0/24\"]\nservice = [\"tcp/443\"]\nhook = \"forward\"\ndevices = [\"edge*\"]\nmost_sources = 256\nquorum = [{ role = \"network\", count = 1 }]\n";

fn standard(intent: &str) -> Vec<String> {
    let mut scene = Scene::of(&(GATE.to_owned() + TEMPLATE)).without("carol").without("dave");
    scene.request = Some(request(&format!("class = \"standard\"\ntemplate = \"web\"\n[[intent]]\n{intent}")));
    scene.codes()
}

#[test]
fn standard_changes_stay_within_their_template() {
    let intent = |from: &str, to: &str, service: &str, effect: &str| {
        format!(
            "effect = \"{effect}\"\nfrom = [\"{from}\"]\nto = [\"{to}\"]\nservice = [\"{service}\"]\nhook = \"forward\"\n"
        )
    };
    assert_eq!(standard(&intent("10.20.5.0/24", "10.1.0.0/24", "tcp/443", "opened")), Vec::<String>::new());
    for (from, to, service, effect) in [
        ("10.21.5.0/24", "10.1.0.0/24", "tcp/443", "opened"),
        ("10.20.0.0/16", "10.1.0.0/24", "tcp/443", "opened"),
        ("10.20.5.0/24", "10.1.0.0/23", "tcp/443", "opened"),
        ("10.20.5.0/24", "10.1.0.0/24", "tcp/80,443", "opened"),
        ("10.20.5.0/24", "10.1.0.0/24", "any", "opened"),
        ("10.20.5.0/24", "10.1.0.0/24", "tcp/443", "closed"),
    ] {
        assert_eq!(standard(&intent(from, to, service, effect)), ["TEMPLATE_BOUNDS"], "{from} {to} {service} {effect}");
    }
    let mut unknown = Scene::good();
    unknown.request = Some(request("class = \"standard\"\ntemplate = \"nothing\""));
    assert_eq!(unknown.codes(), ["TEMPLATE_BOUNDS"]);
}

/// An emergency by alice at noon, outside of every window, without a receipt.
fn emergency() -> Scene {
    let mut scene = Scene::good().without("dave");
    scene.now = at("2026-12-01T12:30:00Z");
    scene.request = Some(request("class = \"emergency\""));
    scene.testimony.receipts.clear();
    let declared = Emergency {
        change: ID.into(),
        content: digest("content"),
        until: at("2026-12-01T13:00:00Z"),
        reason: "the tills are attacked".into(),
    };
    scene.say("alice", Record::Emergency(declared));
    scene
}

fn declaration(scene: &mut Scene) -> &mut Emergency {
    match &mut scene.testimony.records.last_mut().unwrap().said {
        Record::Emergency(emergency) => emergency,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_emergency_needs_no_window_no_staging_and_no_lead_time() {
    let decision = emergency().decide();
    assert_eq!(decision.reasons, []);
    assert_eq!(decision.permit_until, at("2026-12-01T13:00:00Z"));
}

#[test]
fn an_emergency_that_is_none_is_refused() {
    let with = |edit: fn(&mut Scene)| {
        let mut scene = emergency();
        edit(&mut scene);
        scene.codes()
    };
    assert_eq!(with(|s| analysis_of(s).extent.closes_only = false), ["EMERGENCY_INVALID"]);
    assert_eq!(with(|s| (analysis_of(s).extent.closes_only, s.restores) = (false, true)), Vec::<String>::new());
    assert_eq!(with(|s| declaration(s).content = digest("another")), ["EMERGENCY_INVALID"]);
    assert_eq!(with(|s| s.progress = Progress::Applied), ["EMERGENCY_INVALID"]);
    assert_eq!(with(|s| s.now = at("2026-12-01T13:00:00Z")), ["EMERGENCY_INVALID"]);
    assert_eq!(with(|s| declaration(s).reason = " - ".into()), ["EMERGENCY_INVALID"]);
    assert_eq!(
        with(|s| {
            s.testimony.records.pop();
        }),
        ["EMERGENCY_INVALID"]
    );
    assert_eq!(
        with(|s| {
            let record = s.testimony.records.last().unwrap().digest;
            s.say("alice", Record::Revoke(Revoke { change: ID.into(), record, reason: "it is over".into() }));
        }),
        ["EMERGENCY_INVALID"]
    );
    assert_eq!(with(|s| s.testimony.records.retain(|r| r.by == "alice")), ["APPROVAL_MISSING", "EMERGENCY_INVALID"]);
    assert_eq!(with(|s| s.testimony.records.retain(|r| r.by != "carol")), ["APPROVAL_MISSING"]);
    assert_eq!(
        with(|s| s.debts.push(Debt { change: "CHG-9".into(), due: at("2026-11-01T00:00:00Z") })),
        Vec::<String>::new()
    );
}

#[test]
fn one_person_alone_needs_hardware_named_devices_and_an_hour() {
    let key = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIK7yBF2LxoZ2H1tgsfjg1acmtK9pd8IXpP8nD2zBZyZBAAAABHNzaDo=";
    let old = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK7yBF2LxoZ2H1tgsfjg1acmtK9pd8IXpP8nD2zBZyZB alice";
    let text =
        GATE.replace("review_due = \"3d\"", "review_due = \"3d\"\nsolo = { devices = [\"edge*\"] }").replace(old, key);
    let solo = |text: &str, edit: fn(&mut Scene)| {
        let good = emergency();
        let mut scene = Scene { chain: Scene::of(text).chain, ..good };
        scene.testimony.records.retain(|r| r.by == "alice");
        let signer = signature::read_public_key(key).unwrap().fingerprint().to_owned();
        scene.testimony.records.iter_mut().for_each(|r| r.key = signer.clone());
        edit(&mut scene);
        scene.codes()
    };
    assert_eq!(solo(&text, |_| {}), Vec::<String>::new());
    let refused = ["APPROVAL_MISSING", "EMERGENCY_INVALID"];
    assert_eq!(solo(&text, |s| s.testimony.records.iter_mut().for_each(|r| r.key = "SHA256:x".into())), refused);
    assert_eq!(solo(&text, |s| s.targets[0].device = "core1".into()), refused);
    assert_eq!(
        solo(&text, |s| s.neighbours.push(Neighbour { is_solo: true, devices: vec![], ..neighbour() })),
        refused
    );
    assert_eq!(
        solo(&text, |s| (s.now, declaration(s).until) = (at("2026-12-01T13:05:00Z"), at("2026-12-01T20:00:00Z"))),
        refused
    );
    assert_eq!(solo(&GATE.replace(old, key), |_| {}), refused);
}

#[test]
fn rolling_back_needs_one_operator_and_nothing_else() {
    let policy = policy(GATE);
    assert_eq!(may_roll_back(&policy, "alice"), Ok(()));
    assert_eq!(may_roll_back(&policy, "bob").unwrap_err().code, ReasonCode::RoleMissing);
    assert_eq!(may_roll_back(&policy, "mallory").unwrap_err().code, ReasonCode::RoleMissing);
}
