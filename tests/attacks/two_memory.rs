//! What the remote remembers, and what somebody makes of it.

use crate::scene::{LEDGER, RULES, changes};
use crate::stage::{CHANGE, EDGE, Stage, proposed, with_rules};
use crate::two_fleet::Fleet;
use fwgate::gate::{LOG_BRANCH, LedgerEntry, Witness};

#[test]
fn a70_line_of_the_log_edited_or_all_taken_away() {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.permit().granted();
    fleet.push().applied();
    let whole = fleet.fwgate("one", &["audit", "--format", "json"]);
    assert_eq!(whole.exit, 0, "{whole}");
    fleet.present();
    fleet.scene.witness();
    let head = fleet.scene.head_of(LOG_BRANCH).unwrap();
    let line = String::from_utf8(fleet.scene.bytes_of(&head)).unwrap();
    let first = line.lines().find_map(|l| l.strip_prefix("parent ")).unwrap().to_owned();
    fleet.scene.put(LOG_BRANCH, line.replace("outcome: applied", "outcome: withdrawn").as_bytes());
    let edited = fleet.fwgate("two", &["audit", "--format", "json"]);
    assert!(edited.exit == 1 && edited.out.contains("AUDIT_CHAIN_BROKEN"), "{edited}");
    fleet.scene.reset(LOG_BRANCH, Some(&first));
    let gone = fleet.fwgate("three", &["audit", "--format", "json"]);
    assert_eq!(gone.exit, 1, "{gone}");
}

#[test]
fn a73_ledger_deleted() {
    let stage = Stage::new();
    stage.ready();
    stage.scene.reset(LEDGER, None);
    stage.permit().denied("LEDGER_FORK");
}

#[test]
fn a73_ledger_rewound() {
    let stage = Stage::new();
    stage.ready();
    let before = stage.scene.head_of(LEDGER).unwrap();
    stage.settle();
    stage.permit().granted();
    stage.scene.reset(LEDGER, Some(&before));
    stage.permit().denied("LEDGER_FORK");
}

/// An entry behind it would make the shorter ledger the ledger.
#[test]
fn a73_nothing_is_appended_to_a_ledger_that_was_rewound() {
    let fleet = Fleet::new();
    fleet.ready();
    let before = fleet.scene.head_of(LEDGER).unwrap();
    fleet.scene.witness();
    fleet.fwgate("one", &["change", "show", CHANGE]);
    fleet.scene.reset(LEDGER, Some(&before));
    fleet.fwgate("one", &["ledger", "witness", "--key-ledger", &fleet.key("ledger")]).says("LEDGER_FORK");
    assert_eq!(fleet.scene.head_of(LEDGER), Some(before));
}

#[test]
fn a73_ledger_forked() {
    let stage = Stage::new();
    stage.ready();
    let before = stage.scene.head_of(LEDGER).unwrap();
    stage.settle();
    stage.permit().granted();
    stage.scene.reset(LEDGER, Some(&before));
    stage.settle();
    stage.permit().denied("LEDGER_FORK");
}

#[test]
fn a73_entry_that_does_not_name_the_one_before() {
    let stage = Stage::new();
    stage.ready();
    let heads = stage.scene.heads();
    let at = stage.scene.instant();
    stage.scene.ledger(|_| LedgerEntry::Witness(Witness { previous: None, at, policy: 1, heads }));
    stage.permit().denied("LEDGER_FORK");
}

#[test]
fn a73_entry_by_somebody_else() {
    for who in ["alice", "deployer", "mallory"] {
        let stage = Stage::new();
        stage.ready();
        let previous = stage.scene.head_of(LEDGER).map(|id| fwgate::gate::Digest::of(&stage.scene.bytes_of(&id)));
        let entry = Witness { previous, at: stage.scene.instant(), policy: 1, heads: stage.scene.heads() };
        stage.scene.sign_onto(LEDGER, who, "fwgate-ledger@v1", &LedgerEntry::Witness(entry).text());
        stage.permit().denied("LEDGER_FORK");
    }
}

#[test]
fn a74_stale_refs() {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&crate::stage::APPROVERS, &facts);
    let old = stage.scene.head_of(&changes(CHANGE)).unwrap();
    stage.approve("erin", "network", &facts);
    stage.settle();
    stage.scene.reset(&changes(CHANGE), Some(&old));
    stage.permit().denied("EVIDENCE_STALE");
}

#[test]
fn a74_filtered_refs() {
    let stage = Stage::new();
    stage.scene.record("bob", "CHG-9", "junk\n");
    stage.ready();
    stage.scene.reset(&changes("CHG-9"), None);
    stage.permit().denied("EVIDENCE_STALE");
    // The branch of the change itself is kept back.
    let stage = Stage::new();
    stage.ready();
    stage.scene.reset(&changes(CHANGE), None);
    stage.permit().denied("EVIDENCE_STALE");
}

#[test]
fn a76_ledger_cannot_be_reached() {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.permit().granted();
    let (remote, away) = (fleet.scene.remote_path(), fleet.scene.path().join("away"));
    let (clone, permit) = (fleet.controller("two"), fleet.permit_path(CHANGE));
    std::fs::rename(&remote, &away).unwrap();
    fleet.push_as("two", CHANGE, "runner", &permit).refused("LEDGER_UNREACHABLE");
    fleet.permit_in(&clone, CHANGE, &[]).denied("LEDGER_UNREACHABLE");
    assert_eq!(fleet.started(), [""; 0]);
    std::fs::rename(&away, &remote).unwrap();
    fleet.permit().granted();
    fleet.push().applied();
}

#[test]
fn a76_rollback_alone_goes_without_the_ledger() {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.permit().granted();
    fleet.push().applied();
    fleet.permit_in(&fleet.controller("two"), CHANGE, &[]);
    std::fs::rename(fleet.scene.remote_path(), fleet.scene.path().join("away")).unwrap();
    let (bob, alice) = (fleet.key("bob"), fleet.key("alice"));
    fleet.fwgate("two", &["push", CHANGE, "--rollback", "--key", &bob]).refused("ROLE_MISSING");
    assert_eq!(fleet.running("edge1"), proposed());
    let back = fleet.fwgate("two", &["push", CHANGE, "--rollback", "--key", &alice]);
    assert_eq!((back.exit, fleet.running("edge1").as_str()), (0, RULES), "{back}");
}

#[test]
fn a83_tag_or_branch_with_the_name_of_the_protected_branch() {
    let on_remote = Stage::new();
    on_remote.ready();
    on_remote.scene.reset("refs/tags/main", Some(&on_remote.tip()));
    on_remote.permit().denied("REF_AMBIGUOUS");
    for shadow in ["refs/tags/main", "refs/heads/heads/main", "refs/main"] {
        let stage = Stage::new();
        stage.ready();
        stage.permit().granted();
        let clone = git2::Repository::open(stage.clone_path()).unwrap();
        let evil = git2::Oid::from_str(&stage.tip()).unwrap();
        clone.reference(shadow, evil, true, "").unwrap();
        let verdict = stage.permit().denied("REF_AMBIGUOUS");
        assert!(verdict.to_string().contains(&format!("`git update-ref -d {shadow}` takes it away")), "{verdict}");
    }
}

#[test]
fn a83_stale_local_branches_have_no_part_in_it() {
    let stage = Stage::new();
    stage.ready();
    let clone = git2::Repository::open(stage.clone_path()).unwrap();
    let evil = git2::Oid::from_str(&stage.scene.commit_on("refs/heads/evil", "mallory", &[(EDGE, RULES)])).unwrap();
    stage.clone_path();
    for name in ["refs/heads/main", "refs/remotes/origin/main", "refs/heads/fwgate/changes/CHG-1"] {
        clone.reference(name, evil, true, "").unwrap();
    }
    stage.permit().granted();
}

#[test]
fn a84_branch_that_blocks_all_evidence() {
    for name in ["refs/heads/fwgate/changes", "refs/heads/fwgate"] {
        let stage = Stage::new();
        let tip = stage.tip();
        if name.ends_with("changes") {
            stage.scene.witness();
        }
        stage.scene.reset(name, Some(&tip));
        stage.permit().denied("EVIDENCE_UNAVAILABLE");
    }
}

#[test]
fn a99_squash_and_rebase_merges_with_unchanged_bytes() {
    for way in ["squash", "rebase", "merge"] {
        let stage = Stage::new();
        let genesis = stage.tip();
        stage.scene.witness();
        stage.in_force("edge1", &genesis);
        let head = stage.propose(&[]);
        let facts = stage.announced_at(CHANGE, &head);
        stage.approved_by(&crate::stage::APPROVERS, &facts);
        stage.settle();
        let file = crate::stage::change_file(CHANGE);
        let (rules, files) = (proposed(), ("changes/CHG-1.toml", file.as_str()));
        match way {
            // One commit of the whole; the same commits on a branch that has moved; both histories.
            "squash" => drop(stage.scene.main(&[(EDGE, &rules), files])),
            "rebase" => {
                stage.scene.main(&[("README", "moved\n")]);
                stage.scene.main(&[(EDGE, &rules)]);
                stage.scene.main(&[files]);
            }
            _ => stage.scene.reset("refs/heads/main", Some(&head)),
        }
        stage.permit().granted();
    }
}

#[test]
fn a99_what_was_merged_with_other_bytes_is_stale() {
    let stage = Stage::new();
    let genesis = stage.tip();
    stage.scene.witness();
    stage.in_force("edge1", &genesis);
    let facts = stage.ready();
    stage.scene.reset("refs/heads/main", Some(&facts.head));
    let other = with_rules(&proposed(), "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n");
    stage.scene.main(&[(EDGE, &other)]);
    stage.permit().denied("APPROVAL_STALE");
}
