//! Other open changes: what they touch, when they go, and whether their proofs hold together.

use super::gather::{Changes, Read, announcement, change_of, today};
use crate::diff::Bounds;
use crate::gate::{Library, Neighbour, Period, Planned, Reason, Record, Terms, Testimony, beside, progress};
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
        let terms = Terms { policy, bounds: Bounds::default(), today: today(self.world.now) };
        let window = self.decide(id, own, &[]).window.map(|w| (w.start, w.end));
        let planned = Planned { id, window, baseline: &trees.baseline, proposal: &trees.proposal, request };
        let mut out = Vec::new();
        for other in self.world.branches.keys().filter_map(|name| change_of(name)).filter(|other| *other != id) {
            let read = self.read(other);
            let Some(announced) = announcement(&read.testimony).filter(|a| shares(&a.devices)) else { continue };
            let decision = self.decide(other, &read, &[]);
            let is_over = matches!(
                decision.state,
                crate::gate::State::Applied
                    | crate::gate::State::Closed
                    | crate::gate::State::Withdrawn
                    | crate::gate::State::RolledBack
            );
            if is_over || out.len() >= MOST {
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
        let other = Planned { id: self.other, window, baseline: &trees.baseline, proposal: &trees.proposal, request };
        let found = beside(&[*self.own, other], Some(self.id), self.terms, &mut Library::default());
        found.into_values().flatten().collect()
    }
}

/// Whether one person alone declared an emergency and stands for it.
fn is_solo(testimony: &Testimony) -> bool {
    let declared = testimony.records.iter().any(|r| matches!(r.said, Record::Emergency(_)));
    let voices = testimony.records.iter().filter(|r| matches!(r.said, Record::Approve(_) | Record::Emergency(_)));
    declared && voices.map(|r| r.by.as_str()).collect::<BTreeSet<_>>().len() == 1
}
