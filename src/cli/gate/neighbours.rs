//! Other open changes: what they touch, when they go, and whether their proofs hold together.

use super::reading::{Changes, Read, announcement};
use crate::cli::input::ChangeTrees;
use crate::diff::Bounds;
use crate::gate::{
    Believed, Library, Neighbour, Period, Planned, Progress, Reason, Record, Standing, State, Terms, Testimony, beside,
    progress,
};
use std::collections::BTreeSet;

/// Most other changes that are analysed beside one.
const MOST: usize = 50;

impl Changes<'_> {
    /// The other open changes that share a device with this one.
    pub fn neighbours(&self, id: &str, own: &Read) -> Vec<Neighbour> {
        let (Some(analysis), Some(trees), Some(request), Some(policy)) =
            (&own.analysis, &own.trees, &own.request, self.world.chain.policy())
        else {
            return Vec::new();
        };
        let shares = |devices: &[String]| devices.iter().any(|d| analysis.devices.iter().any(|(own, _)| own == d));
        let terms = Terms { policy, bounds: Bounds::default(), now: self.world.now };
        let window = self.decide(id, own, &[]).window.map(|w| (w.start, w.end));
        let (baseline, proposal, beside) = (&trees.baseline, &trees.proposal, &trees.beside);
        let planned = Planned { id, window, baseline, proposal, beside, request };
        let mut out = Vec::new();
        // A closed change is over, whatever its branch says.
        let open = |other: &&str| *other != id && self.world.progress(other) != Progress::Closed;
        for other in self.world.ids().filter(open) {
            let said = announcement(&self.world.testimony(other));
            let Some(announced) = said.filter(|a| shares(&a.devices)) else { continue };
            let (read, decision) = self.standing(other);
            if (decision.state.is_over() && decision.state != State::Rejected) || out.len() >= MOST {
                continue;
            }
            let pair = Beside { id, own: &planned, other, theirs: &read, window: decision.window, terms };
            let first = read.testimony.records.iter().find(|r| matches!(r.said, crate::gate::Record::Change(_)));
            out.push(Neighbour {
                id: other.to_owned(),
                devices: announced.devices,
                is_approved: decision.missing.is_empty() && read.analysis.is_some(),
                announced: first.and_then(|r| r.witnessed),
                progress: progress(&self.world.ledger, other, self.world.now),
                beside: pair.reasons(),
                is_solo: is_solo(&read.testimony),
            });
        }
        out
    }
}

/// Two open changes beside each other.
struct Beside<'a> {
    id: &'a str,
    own: &'a Planned<'a>,
    other: &'a str,
    theirs: &'a Read,
    window: Option<Period>,
    terms: Terms<'a>,
}

impl Beside<'_> {
    /// What stands against the own change because of the other.
    fn reasons(&self) -> Vec<Reason> {
        let (Some(trees), Some(request)) = (&self.theirs.trees, &self.theirs.request) else { return Vec::new() };
        let window = self.window.map(|w| (w.start, w.end));
        let ChangeTrees { baseline, proposal, beside: around, .. } = &**trees;
        let other = Planned { id: self.other, window, baseline, proposal, beside: around, request };
        let found = beside(&[*self.own, other], Some(self.id), self.terms, &mut Library::default());
        found.into_values().flatten().collect()
    }
}

/// Whether one person alone declared an emergency and stands for it: whoever else approved it took that back, or signed with
/// a key that does not count.
fn is_solo(testimony: &Testimony) -> bool {
    let counts = |r: &&Believed<Record>| r.standing == Standing::Good && !testimony.is_taken_back(r);
    let declared = testimony.records.iter().filter(counts).any(|r| matches!(r.said, Record::Emergency(_)));
    let is_voice = |r: &&Believed<Record>| matches!(r.said, Record::Approve(_) | Record::Emergency(_));
    let voices = testimony.records.iter().filter(counts).filter(is_voice);
    declared && voices.map(|r| r.by.as_str()).collect::<BTreeSet<_>>().len() == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Approve, Digest, Emergency, Instant, Revoke, Stage};

    const NOTHING: Digest = Digest([0; 32]);

    fn record(by: &str, order: usize, said: Record) -> Believed<Record> {
        let digest = Digest([u8::try_from(order).unwrap_or_default(); 32]);
        let (by, key, commit) = (by.to_owned(), String::new(), String::new());
        Believed { said, by, key, standing: Standing::Good, at: Instant(0), witnessed: None, commit, digest, order }
    }

    fn emergency(by: &str, order: usize) -> Believed<Record> {
        let (change, reason) = ("CHG-1".to_owned(), "fire".to_owned());
        record(by, order, Record::Emergency(Emergency { change, content: NOTHING, until: Instant(9), reason }))
    }

    fn approval(by: &str, order: usize) -> Believed<Record> {
        let approve = Approve {
            change: "CHG-1".to_owned(),
            content: NOTHING,
            meaning: NOTHING,
            stage: Stage::Production,
            role: "network".to_owned(),
            says: String::new(),
            vetting: None,
            not_after: Instant(9),
        };
        record(by, order, Record::Approve(approve))
    }

    fn judged(records: Vec<Believed<Record>>) -> bool {
        is_solo(&Testimony { change: "CHG-1".to_owned(), records, ..Testimony::default() })
    }

    #[test]
    fn one_person_alone_is_solo_and_two_are_not() {
        assert!(judged(vec![emergency("alice", 1), approval("alice", 2)]));
        assert!(!judged(vec![emergency("alice", 1), approval("bob", 2)]));
        assert!(!judged(vec![approval("alice", 1)]), "no emergency was declared");
        assert!(!judged(Vec::new()));
    }

    #[test]
    fn voices_that_do_not_count_make_nobody_two() {
        let revoked = Believed { standing: Standing::Revoked, ..approval("bob", 2) };
        assert!(judged(vec![emergency("alice", 1), revoked]));
        let taken_back = Revoke { change: "CHG-1".to_owned(), record: Digest([2; 32]), reason: "a mistake".to_owned() };
        let records = vec![emergency("alice", 1), approval("bob", 2), record("bob", 3, Record::Revoke(taken_back))];
        assert!(judged(records));
    }
}
