//! Approvals, rejections, holds: each row takes one thing from a change that may go, and names the codes that follow.

use super::scene::*;
use fwgate::gate::*;

type Edit = fn(Scene) -> Scene;

fn expect(rows: &[(&str, Edit, &[&str])]) {
    for (what, edit, codes) in rows {
        assert_eq!(edit(Scene::good()).codes(), *codes, "{what}");
    }
}

fn missing(scene: &Scene) -> Vec<(String, u32, u32, Vec<String>)> {
    scene.decide().missing.into_iter().map(|m| (m.role, m.counted, m.needed, m.eligible)).collect()
}

#[test]
fn the_good_change_may_go_and_says_on_what_it_rests() {
    let decision = Scene::good().decide();
    assert_eq!(decision.reasons, []);
    assert!(decision.is_granted());
    assert_eq!(decision.state, State::Scheduled);
    let counted: Vec<(&str, &str)> = decision.counted.iter().map(|c| (c.person.as_str(), c.role.as_str())).collect();
    assert_eq!(counted, [("bob", "network"), ("carol", "network"), ("dave", "security")]);
    assert_eq!(decision.window.unwrap().to_string(), "2026-12-02T03:00:00Z to 2026-12-02T07:00:00Z");
    assert_eq!(decision.permit_until, at("2026-12-02T05:30:00Z"));
    assert_eq!(decision.vetting.len(), 1);
    assert_eq!(decision.missing, []);
}

#[test]
fn who_may_not_approve() {
    expect(&[
        (
            "author with a role",
            |s| {
                let mut s = s.without("bob");
                s.approve("alice", "network");
                s.with_record("alice", |r| r.key = "SHA256:alice".into())
            },
            &["APPROVAL_MISSING", "SELF_APPROVAL"],
        ),
        (
            "author with a second key",
            |s| {
                let mut s = s.without("bob");
                s.approve("alice", "network");
                s.testimony.records.last_mut().unwrap().key = "SHA256:second".into();
                s
            },
            &["APPROVAL_MISSING", "SELF_APPROVAL", "DUPLICATE_PRINCIPAL"],
        ),
        (
            "contributor by id",
            |mut s| {
                s.contributors = vec!["bob".into()];
                s
            },
            &["APPROVAL_MISSING", "CONTRIBUTOR_APPROVAL"],
        ),
        (
            "contributor of an older announcement",
            |s| {
                s.with_record("alice", |r| {
                    if let Record::Change(c) = &mut r.said {
                        c.contributors = vec!["carol".into()];
                    }
                })
            },
            &["APPROVAL_MISSING", "CONTRIBUTOR_APPROVAL"],
        ),
        (
            "author of an older announcement",
            |mut s| {
                (s.testimony.records[0].by, s.testimony.records[0].key) = ("bob".into(), "SHA256:bob".into());
                let mut announced = s.believed("alice", Record::Change(change()));
                announced.order = 1;
                s.testimony.records.insert(1, announced);
                s
            },
            &["APPROVAL_MISSING", "SELF_APPROVAL"],
        ),
        (
            "one person twice",
            |s| {
                let mut s = s.without("bob");
                s.approve("carol", "network");
                s
            },
            &["APPROVAL_MISSING", "DUPLICATE_PRINCIPAL"],
        ),
        (
            "one person for two roles",
            |s| {
                let mut s = s.without("dave").without("bob");
                s.approve("erin", "network");
                s.approve("erin", "security");
                s
            },
            &["APPROVAL_MISSING", "DUPLICATE_PRINCIPAL"],
        ),
        (
            "a role that the person lacks",
            |s| s.with_approval("bob", |a| a.role = "security".into()),
            &["APPROVAL_MISSING", "ROLE_MISSING"],
        ),
        ("a machine", |s| s.with_record("bob", |r| r.by = "deployer".into()), &["APPROVAL_MISSING", "ROLE_MISSING"]),
        ("expired", |s| s.with_record("bob", |r| r.standing = Standing::Expired), &["KEY_EXPIRED", "APPROVAL_MISSING"]),
        ("revoked", |s| s.with_record("bob", |r| r.standing = Standing::Revoked), &["KEY_REVOKED", "APPROVAL_MISSING"]),
        (
            "removed",
            |s| s.with_record("bob", |r| r.standing = Standing::Former),
            &["SIGNER_UNKNOWN", "APPROVAL_MISSING"],
        ),
        (
            "only later",
            |s| s.with_record("bob", |r| r.standing = Standing::NotYetValid),
            &["NOT_YET_VALID", "APPROVAL_MISSING"],
        ),
        ("nobody announced it", |s| s.without("alice"), &["APPROVAL_MISSING", "LEAD_TIME"]),
    ]);
}

#[test]
fn what_an_approval_must_be_of() {
    expect(&[
        ("staging", |s| s.with_approval("bob", |a| a.stage = Stage::Staging), &["APPROVAL_MISSING", "WRONG_STAGE"]),
        (
            "older content of this change",
            |mut s| {
                let old = Change { content: digest("old"), meaning: digest("old"), ..change() };
                let mut announced = s.believed("alice", Record::Change(old));
                announced.order = 0;
                s.testimony.records.insert(0, announced);
                s.with_approval("bob", |a| {
                    a.content = digest("old");
                    a.meaning = digest("old");
                })
            },
            &["APPROVAL_MISSING", "APPROVAL_STALE"],
        ),
        (
            "other devices",
            |mut s| {
                let old = Change { content: digest("old"), devices: vec!["core1".into()], ..change() };
                let mut announced = s.believed("alice", Record::Change(old));
                announced.order = 0;
                s.testimony.records.insert(0, announced);
                s.with_approval("bob", |a| {
                    a.content = digest("old");
                    a.meaning = digest("old");
                })
            },
            &["APPROVAL_MISSING", "APPROVAL_STALE", "WRONG_TARGET"],
        ),
        (
            "another repository",
            |s| {
                s.with_approval("bob", |a| {
                    a.content = digest("theirs");
                    a.meaning = digest("theirs");
                })
            },
            &["APPROVAL_MISSING", "APPROVAL_STALE", "WRONG_CONTEXT"],
        ),
        (
            "past its own end",
            |s| s.with_approval("bob", |a| a.not_after = at("2026-12-02T03:29:59Z")),
            &["APPROVAL_MISSING", "APPROVAL_EXPIRED"],
        ),
        (
            "past the lifetime",
            |s| s.with_record("bob", |r| r.witnessed = Some(at("2026-11-18T03:29:59Z"))),
            &["APPROVAL_MISSING", "APPROVAL_EXPIRED"],
        ),
        ("no vetting named", |s| s.with_approval("bob", |a| a.vetting = None), &["NOT_VETTED", "APPROVAL_MISSING"]),
        (
            "another vetting named",
            |s| s.with_approval("bob", |a| a.vetting = Some(digest("x"))),
            &["RECEIPT_MISMATCH", "APPROVAL_MISSING"],
        ),
        ("other words", |s| s.with_approval("bob", |a| a.says = "closes nothing".into()), &["RECORD_MISMATCH"]),
        (
            "other words of the author",
            |s| {
                s.with_record("alice", |r| {
                    if let Record::Change(c) = &mut r.said {
                        c.says = "closes nothing".into();
                    }
                })
            },
            &["RECORD_MISMATCH"],
        ),
    ]);
}

/// Where the words are the same, the two digests are shown, never twice the same text.
#[test]
fn a_meaning_that_differs_alone_is_shown_by_its_digests() {
    let scene = Scene::good().with_record("alice", |r| {
        if let Record::Change(c) = &mut r.said {
            c.meaning = digest("as it was counted then");
        }
    });
    let reasons = scene.decide().reasons;
    let [reason] = reasons.as_slice() else { panic!("{reasons:?}") };
    assert_eq!(reason.code, ReasonCode::RecordMismatch);
    let (then, now) = (digest("as it was counted then"), scene.analysis.as_ref().unwrap().meaning);
    assert!(reason.message.contains(&format!("names the meaning {then}")), "{}", reason.message);
    assert!(reason.message.contains(&format!("it is {now} now")), "{}", reason.message);
    assert!(reason.fix.contains("fwgate change reissue CHG-2042 --becomes NEW-ID"), "{}", reason.fix);
}

#[test]
fn a_baseline_that_moved_is_told_from_an_edit() {
    let moved = |carry: bool| {
        let mut scene = match carry {
            true => Scene::good(),
            false => Scene::of(&GATE.replace("carry_over = true", "carry_over = false")),
        };
        scene.analysis.as_mut().unwrap().content = digest("rebased");
        scene
    };
    let mut stale = moved(true);
    stale.analysis.as_mut().unwrap().meaning = digest("other meaning");
    let reasons = stale.decide().reasons;
    let details: Vec<_> =
        reasons.iter().filter(|r| r.code == ReasonCode::ApprovalStale).map(|r| r.detail.as_deref()).collect();
    assert_eq!(details, [Some("baseline-moved"); 3]);
    assert_eq!(stale.decide().state, State::Stale);

    let carried = moved(true).decide();
    assert_eq!(carried.reasons, []);
    assert!(carried.counted.iter().all(|c| c.is_carried));
    assert!(carried.notes.iter().any(|n| n.contains("`bob`") && n.contains("carried over")), "{:?}", carried.notes);
    assert!(moved(false).codes().contains(&"APPROVAL_STALE".to_owned()));

    let mut edited = Scene::good();
    edited.announce("alice");
    edited.testimony.records.last_mut().unwrap().said =
        Record::Change(Change { content: digest("new"), meaning: digest("new"), ..change() });
    let analysis = edited.analysis.as_mut().unwrap();
    (analysis.content, analysis.meaning) = (digest("new"), digest("new"));
    let reasons = edited.decide().reasons;
    assert!(reasons.iter().any(|r| r.detail.as_deref() == Some("edited")), "{reasons:?}");
}

#[test]
fn one_approval_fewer_at_the_threshold_is_refused_and_says_who_could_give_it() {
    for person in ["bob", "carol", "dave"] {
        assert_eq!(Scene::good().without(person).codes(), ["APPROVAL_MISSING"], "{person}");
    }
    let eligible = |ids: &[&str]| ids.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    assert_eq!(missing(&Scene::good().without("bob")), [("network".into(), 1, 2, eligible(&["bob", "erin"]))]);
    assert_eq!(missing(&Scene::good().without("dave")), [("security".into(), 0, 1, eligible(&["dave", "erin"]))]);
    let reason = &Scene::good().without("bob").decide().reasons[0];
    assert_eq!(reason.fix, "`fwgate change approve CHG-2042 --role network`");
}

#[test]
fn wider_effects_need_more_eyes() {
    let mut wide = Scene::good();
    wide.analysis.as_mut().unwrap().extent.codes.insert("FW206");
    assert_eq!(wide.codes(), ["APPROVAL_MISSING"]);
    wide.approve("erin", "network");
    assert_eq!(wide.codes(), Vec::<String>::new());
    let text = GATE.replace("when = \"opened-to-any\"", "touches = [\"payment\"]")
        + "\n[ranges]\npayment = [\"10.7.0.0/24\"]\n";
    let mut touching = Scene::of(&text);
    assert_eq!(touching.codes(), Vec::<String>::new());
    touching.analysis.as_mut().unwrap().extent.touches.insert("payment".into());
    assert_eq!(touching.codes(), ["APPROVAL_MISSING"]);
}

fn reject(scene: &mut Scene, by: &str) -> Digest {
    scene.say(by, Record::Reject(Reject { change: ID.into(), reason: "breaks the tills".into() }))
}

#[test]
fn a_rejection_stands_beside_any_number_of_approvals_and_outlives_its_signer() {
    let mut scene = Scene::good();
    reject(&mut scene, "erin");
    assert_eq!(scene.codes(), ["REJECTED"]);
    assert_eq!(scene.decide().state, State::Rejected);
    for standing in [Standing::Former, Standing::Revoked, Standing::Expired, Standing::NotYetValid] {
        scene.testimony.records.last_mut().unwrap().standing = standing;
        assert_eq!(scene.codes(), ["REJECTED"], "{standing:?}");
    }
    let mut removed = Scene::good();
    reject(&mut removed, "mallory");
    removed.testimony.records.last_mut().unwrap().standing = Standing::Former;
    assert_eq!(removed.codes(), ["REJECTED"]);
}

#[test]
fn a_rejection_taken_back_revives_no_older_approval() {
    let mut scene = Scene::good();
    let record = reject(&mut scene, "bob");
    scene.say("bob", Record::Revoke(Revoke { change: ID.into(), record, reason: "mistaken".into() }));
    assert_eq!(scene.codes(), ["APPROVAL_MISSING"]);
    scene.approve("bob", "network");
    assert_eq!(scene.codes(), Vec::<String>::new());
    let mut other = Scene::good();
    let record = reject(&mut other, "erin");
    other.say("bob", Record::Revoke(Revoke { change: ID.into(), record, reason: "not mine".into() }));
    assert_eq!(other.codes(), ["REJECTED"]);
}

#[test]
fn a_quorum_without_the_author_lifts_a_rejection() {
    let mut scene = Scene::good();
    let record = reject(&mut scene, "erin");
    let lift = |scene: &mut Scene, by: &str, role: &str| {
        let voice = OverrideReject { change: ID.into(), record, role: role.into(), reason: "tills were moved".into() };
        scene.say(by, Record::OverrideReject(voice));
    };
    lift(&mut scene, "alice", "network");
    lift(&mut scene, "bob", "network");
    lift(&mut scene, "dave", "security");
    assert_eq!(scene.codes(), ["REJECTED"]);
    lift(&mut scene, "carol", "network");
    assert_eq!(scene.codes(), Vec::<String>::new());
    let again = reject(&mut scene, "erin");
    assert_ne!(again, record);
    assert_eq!(scene.codes(), ["REJECTED"]);
}

/// As on a real branch, where a digest is of the words only.
fn in_the_same_words(scene: &mut Scene, record: Digest) {
    scene.testimony.records.last_mut().unwrap().digest = record;
}

#[test]
fn of_stops_in_the_same_words_each_is_taken_back_by_a_revocation_of_its_own() {
    let stops = [reject, |scene: &mut Scene, by: &str| hold(by, scene, Scope::Change(ID.into()))];
    for (stop, code) in stops.into_iter().zip(["REJECTED", "HELD"]) {
        let mut scene = Scene::good();
        let record = stop(&mut scene, "alice");
        stop(&mut scene, "alice");
        in_the_same_words(&mut scene, record);
        let revoke = |scene: &mut Scene| {
            scene.say("alice", Record::Revoke(Revoke { change: ID.into(), record, reason: "mistaken".into() }));
        };
        assert_eq!(scene.codes(), [code]);
        revoke(&mut scene);
        assert_eq!(scene.codes(), [code]);
        revoke(&mut scene);
        assert_eq!(scene.codes(), Vec::<String>::new());
        // What is said afterwards is not taken back by what was there before.
        revoke(&mut scene);
        stop(&mut scene, "alice");
        in_the_same_words(&mut scene, record);
        assert_eq!(scene.codes(), [code]);
    }
}

#[test]
fn of_rejections_in_the_same_words_each_is_lifted_by_a_quorum_of_its_own() {
    let mut scene = Scene::good();
    let record = reject(&mut scene, "erin");
    reject(&mut scene, "mallory");
    in_the_same_words(&mut scene, record);
    scene.testimony.records.last_mut().unwrap().standing = Standing::Former;
    let lift = |scene: &mut Scene| {
        for (by, role) in [("bob", "network"), ("carol", "network"), ("dave", "security")] {
            let reason = "tills were moved".into();
            let voice = OverrideReject { change: ID.into(), record, role: role.into(), reason };
            scene.say(by, Record::OverrideReject(voice));
        }
    };
    lift(&mut scene);
    assert_eq!(scene.codes(), ["REJECTED"]);
    assert!(scene.decide().reasons.iter().any(|r| r.message.starts_with("`erin` rejected it")));
    lift(&mut scene);
    assert_eq!(scene.codes(), Vec::<String>::new());
}

fn hold(by: &str, scene: &mut Scene, scope: Scope) -> Digest {
    scene.say(by, Record::Hold(Hold { scope, until: at("2026-12-03T00:00:00Z"), reason: "storm".into() }))
}

#[test]
fn holds_count_from_those_who_may_until_they_end() {
    let mut scene = Scene::good();
    hold("dave", &mut scene, Scope::Change(ID.into()));
    assert_eq!(scene.codes(), Vec::<String>::new());
    assert!(scene.decide().notes.iter().any(|n| n.contains("the hold of `dave` does not count")));
    let record = hold("carol", &mut scene, Scope::Change(ID.into()));
    assert_eq!((scene.codes(), scene.decide().state), (vec!["HELD".to_owned()], State::Held));
    scene.say("carol", Record::Revoke(Revoke { change: ID.into(), record, reason: "over".into() }));
    assert_eq!(scene.codes(), Vec::<String>::new());
    let all =
        scene.believed("alice", Hold { scope: Scope::All, until: at("2026-12-03T00:00:00Z"), reason: "storm".into() });
    scene.holds.push(all);
    assert_eq!(scene.codes(), ["HELD"]);
    scene.holds[0].said.until = scene.now;
    assert_eq!(scene.codes(), Vec::<String>::new());
}

#[test]
fn the_author_withdraws_and_announces_again() {
    let withdraw = || Record::Withdraw(Withdraw { change: ID.into(), reason: "not needed".into() });
    let mut scene = Scene::good();
    scene.say("bob", withdraw());
    assert_eq!(scene.codes(), Vec::<String>::new());
    scene.say("alice", withdraw());
    assert_eq!((scene.codes(), scene.decide().state), (vec!["WITHDRAWN".to_owned()], State::Withdrawn));
    scene.announce("alice");
    assert_eq!(scene.codes(), Vec::<String>::new());
}

#[test]
fn what_is_no_evidence_explains_a_missing_approval_and_nothing_else() {
    let unsigned = Ignored {
        commit: "f".repeat(40),
        claims: None,
        reasons: vec![Reason::new(ReasonCode::NotAnApproval, "it is not signed", "sign it")],
    };
    let mut scene = Scene::good();
    (scene.testimony.ignored, scene.testimony.ignored_count) = (vec![unsigned], 1);
    assert_eq!(scene.codes(), Vec::<String>::new());
    assert!(scene.decide().notes.iter().any(|n| n.contains("NOT_AN_APPROVAL")));
    assert_eq!(scene.without("bob").codes(), ["NOT_AN_APPROVAL", "APPROVAL_MISSING"]);
}

/// The baseline moved and the bytes did not: what was vetted is what would be pushed, so that an approval may name that receipt. One of
/// other bytes serves nobody.
#[test]
fn a_receipt_of_the_same_bytes_serves_an_approval_of_what_would_be_pushed() {
    let mut scene = Scene::good();
    scene.testimony.receipts[0].said.content = digest("before the baseline moved");
    assert_eq!(scene.codes(), [""; 0]);
    let other = scene.with_approval("bob", |approve| approve.content = digest("edited"));
    let codes = other.codes();
    assert!(
        codes.contains(&"APPROVAL_STALE".to_owned()) || codes.contains(&"RECEIPT_MISMATCH".to_owned()),
        "{codes:?}"
    );
    let mut scene = Scene::good();
    scene.testimony.receipts[0].said.content = digest("before the baseline moved");
    scene.testimony.receipts[0].said.devices = vec![("edge1".into(), digest("other bytes"))];
    let codes = scene.codes();
    assert!(
        ["NOT_VETTED", "RECEIPT_MISMATCH", "APPROVAL_MISSING"].iter().all(|c| codes.iter().any(|d| d == c)),
        "{codes:?}"
    );
}
