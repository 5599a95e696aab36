//! Random histories: what stops a change never helps, what counts is needed, and nothing but evidence decides.

use super::scene::*;
use fwgate::gate::*;
use proptest::prelude::*;

const PERSONS: [(&str, &str); 6] = [
    ("alice", "network"),
    ("bob", "network"),
    ("carol", "network"),
    ("dave", "security"),
    ("erin", "network"),
    ("erin", "security"),
];

#[derive(Clone, Debug)]
enum Step {
    Announce(usize),
    Approve(usize, u8),
    Reject(usize),
    Revoke(usize, usize),
    Override(usize, usize),
    Hold(usize, bool),
    Withdraw(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let person = 0..PERSONS.len();
    prop_oneof![
        1 => person.clone().prop_map(Step::Announce),
        8 => (person.clone(), 0..6u8).prop_map(|(p, kind)| Step::Approve(p, kind)),
        1 => person.clone().prop_map(Step::Reject),
        2 => (person.clone(), 0..12usize).prop_map(|(p, r)| Step::Revoke(p, r)),
        3 => (person.clone(), 0..12usize).prop_map(|(p, r)| Step::Override(p, r)),
        1 => (person.clone(), any::<bool>()).prop_map(|(p, over)| Step::Hold(p, over)),
        1 => person.prop_map(Step::Withdraw),
    ]
}

fn take(scene: &mut Scene, step: &Step) {
    let named = |scene: &Scene, at: usize| scene.testimony.records.get(at).map_or(digest("none"), |r| r.digest);
    let text = || "reason".to_owned();
    match *step {
        Step::Announce(p) => {
            scene.announce(PERSONS[p].0);
        }
        Step::Approve(p, kind) => {
            scene.approve(PERSONS[p].0, PERSONS[p].1);
            if let Some(Record::Approve(approve)) = scene.testimony.records.last_mut().map(|r| &mut r.said) {
                match kind {
                    0 => approve.content = digest("stale"),
                    1 => approve.not_after = Instant(0),
                    _ => {}
                }
            }
        }
        Step::Reject(p) => {
            scene.say(PERSONS[p].0, Record::Reject(Reject { change: ID.into(), reason: text() }));
        }
        Step::Revoke(p, r) => {
            let record = named(scene, r);
            scene.say(PERSONS[p].0, Record::Revoke(Revoke { change: ID.into(), record, reason: text() }));
        }
        Step::Override(p, r) => {
            let (record, role) = (named(scene, r), PERSONS[p].1.into());
            scene.say(
                PERSONS[p].0,
                Record::OverrideReject(OverrideReject { change: ID.into(), record, role, reason: text() }),
            );
        }
        Step::Hold(p, is_over) => {
            let until = if is_over { Instant(0) } else { Instant::LAST };
            scene.say(PERSONS[p].0, Record::Hold(Hold { scope: Scope::Change(ID.into()), until, reason: text() }));
        }
        Step::Withdraw(p) => {
            scene.say(PERSONS[p].0, Record::Withdraw(Withdraw { change: ID.into(), reason: text() }));
        }
    }
}

fn history(steps: &[Step]) -> Scene {
    let mut scene = Scene::good();
    steps.iter().for_each(|step| take(&mut scene, step));
    scene
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// One rejection, hold, withdrawal or revoked key more never turns a refusal into a permit.
    #[test]
    fn what_stops_a_change_never_helps(steps in proptest::collection::vec(step(), 0..8), stop in 0..5u8, who in 0..6usize) {
        let before = history(&steps);
        let mut after = history(&steps);
        match stop {
            0 => take(&mut after, &Step::Reject(who)),
            1 => take(&mut after, &Step::Hold(who, false)),
            2 => take(&mut after, &Step::Withdraw(who)),
            3 => after = after.with_record(PERSONS[who].0, |r| r.standing = Standing::Revoked),
            _ => after.unconverged.push(Unconverged { device: "edge9".into(), change: "CHG-1".into() }),
        }
        prop_assert!(before.decide().is_granted() || !after.decide().is_granted());
    }

    /// Taking away one approval that fills the quorum refuses, unless another approval can take its place.
    #[test]
    fn at_the_threshold_every_approval_is_needed(steps in proptest::collection::vec(step(), 0..6)) {
        let scene = history(&steps);
        let decision = scene.decide();
        for counted in &decision.counted {
            let fewer = history(&steps).without(&counted.person);
            let spare = fewer.decide().counted.len();
            prop_assert!(!decision.is_granted() || spare < decision.counted.len() || fewer.decide().is_granted());
            prop_assert!(spare == decision.counted.len() || !fewer.decide().is_granted());
        }
        let persons: std::collections::BTreeSet<_> = decision.counted.iter().map(|c| &c.person).collect();
        prop_assert_eq!(persons.len(), decision.counted.len());
        prop_assert!(!persons.iter().any(|p| p.as_str() == "alice"));
    }

    /// One flipped bit of what is approved, or of what would be pushed, and the approval does not count, unless it is carried over.
    #[test]
    fn one_flipped_bit_voids_an_approval(byte in 0..32usize, bit in 0..8u32, side in 0..4u8) {
        let flip = |digest: &mut Digest| digest.0[byte] ^= 1 << bit;
        let mut scene = Scene::good();
        let is_carried = match side {
            0 => { scene = scene.with_approval("bob", |a| flip(&mut a.content)); false }
            1 => { scene = scene.with_approval("bob", |a| { flip(&mut a.content); flip(&mut a.meaning) }); false }
            2 => { flip(&mut scene.analysis.as_mut().unwrap().content); true }
            _ => { let a = scene.analysis.as_mut().unwrap(); flip(&mut a.content); flip(&mut a.meaning); false }
        };
        let decision = scene.decide();
        prop_assert_eq!(decision.is_granted(), is_carried);
        prop_assert!(!is_carried || decision.notes.iter().any(|n| n.contains("carried over")));
    }

    /// A verdict has reasons if and only if it is a refusal, each with a message and a way to mend it, in a fixed order.
    #[test]
    fn every_refusal_says_all_of_it(steps in proptest::collection::vec(step(), 0..10)) {
        let decision = history(&steps).decide();
        prop_assert_eq!(decision.is_granted(), decision.reasons.is_empty());
        prop_assert!(decision.reasons.windows(2).all(|w| w[0] < w[1]));
        for reason in &decision.reasons {
            prop_assert!(!reason.message.is_empty() && !reason.fix.is_empty());
        }
        prop_assert_eq!(decision, history(&steps).decide());
    }
}
