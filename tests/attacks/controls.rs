//! What must go through: without these, every refusal would prove nothing.

use crate::scene::{RULES, run, stock_git};
use crate::stage::{APPROVERS, CHANGE, EDGE, RULE, Stage, WORK, change_file, proposed, with_rules};
use crate::two_fleet::Fleet;
use fwgate::gate::{Adopt, Record, ResultKind};

#[test]
fn everything_in_place_is_granted() {
    let stage = Stage::new();
    stage.ready();
    let verdict = stage.permit().granted();
    assert!(verdict.permit.unwrap().contains(&format!("change: {CHANGE}")));
}

#[test]
fn one_approval_fewer_is_denied() {
    for left_out in 0..APPROVERS.len() {
        let stage = Stage::new();
        let facts = stage.announced();
        let others: Vec<_> = APPROVERS.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, a)| *a).collect();
        stage.approved_by(&others, &facts);
        stage.settle();
        stage.permit().denied_only(&["APPROVAL_MISSING"]);
    }
}

/// What was pushed is known by its bytes. A change that was squashed, whose branch is gone and whose commits the server has swept out,
/// stands in nobody's way: the protected branch had the bytes.
#[test]
fn a_squashed_change_whose_commits_are_gone_blocks_nobody() {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.permit().granted();
    fleet.push().applied();
    fleet.present();
    let (rules, file) = (proposed(), change_file(CHANGE));
    fleet.scene.main(&[(EDGE, &rules), ("changes/CHG-1.toml", &file)]);
    fleet.scene.main(&[("README.md", "more\n")]);
    fleet.scene.reset(WORK, None);
    let head = fleet.scene.commit_on("refs/heads/next", "alice", &[("README.md", "yet more\n")]);
    run(stock_git(&fleet.scene.remote_path()).args(["gc", "-q", "--prune=now"]));
    let next = fleet.scene.commit_on(
        "refs/heads/next",
        "alice",
        &[
            (EDGE, &with_rules(&rules, &RULE.replace("443", "444"))),
            ("changes/CHG-2.toml", &change_file("CHG-2").replace("443", "444")),
        ],
    );
    assert_ne!(head, next);
    let facts = fleet.facts_against("CHG-2", &next, &fleet.devices(&fleet.tip()));
    fleet.announce("alice", &facts);
    let facts = fleet.vet(facts);
    fleet.approved_by(&APPROVERS, &facts);
    fleet.scene.witness();
    let shown = fleet.fwgate("fresh", &["change", "show", "CHG-2", "--format", "json"]);
    assert!(!shown.out.contains("HISTORY_UNVERIFIABLE") && !shown.out.contains("EMPTY_CHANGE"), "{shown}");
    assert!(shown.out.contains("opens tcp/444"), "{shown}");
    fleet.run("edge1", RULES);
    let keys = ["alice", "ledger", "receiver"].map(|name| fleet.key(name));
    let tail = ["--key", &keys[0], "--key-ledger", &keys[1], "--key-production", &keys[2]];
    let back = fleet.fwgate("fresh", &[&["rollback", "edge1"][..], &tail[..]].concat());
    assert_eq!((back.exit, fleet.running("edge1")), (0, rules), "{back}");
}

/// An adoption and a push between two witnesses: what came later is in force, whatever the ledger saw of either.
#[test]
fn a_push_behind_an_adoption_is_in_force() {
    let fleet = Fleet::new();
    fleet.present();
    fleet.scene.wait(-7200);
    let running = with_rules(RULES, &RULE.replace("443", "22"));
    let head = fleet.scene.commit_on("refs/heads/running", "alice", &[(EDGE, &running)]);
    let devices = fleet.devices(&head);
    let bytes = fwgate::gate::device_digest(devices.iter().find(|d| d.device == "edge1"));
    fleet.scene.witness();
    for (who, role) in [("alice", "network"), ("bob", "network"), ("carol", "network"), ("dave", "security")] {
        let (change, device, reason) = ("CHG-7".to_owned(), "edge1".to_owned(), "by hand".to_owned());
        let adopt = Adopt { change, device, bytes, head: head.clone(), role: role.to_owned(), reason };
        fleet.say(who, "CHG-7", &Record::Adopt(adopt));
    }
    fleet.scene.wait(60);
    let pushed = fleet.scene.commit_on(WORK, "alice", &[(EDGE, &proposed())]);
    fleet.ran("CHG-1", &pushed, &[("edge1", ResultKind::Applied)], Some("applied"));
    fleet.scene.wait(600);
    let in_force = |when: &str| {
        let status = fleet.fwgate("fresh", &["fleet", "status", "--format", "json"]);
        assert!(status.out.contains("\"CHG-1\"") && !status.out.contains("\"CHG-7\""), "{when}: {status}");
    };
    in_force("before a witness has seen the adoption");
    fleet.scene.witness();
    in_force("after that");
}
