//! Other open changes: what they touch, when they go, and whether their proofs hold together.

use super::gather::{Changes, Read, announcement, change_of, today};
use crate::diff::Bounds;
use crate::gate::{Library, Neighbour, Planned, ReasonCode, Terms, beside, progress};

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
            let terms = Terms { policy, bounds: Bounds::default(), today: today(self.world.now) };
            let one = Planned { id, window: None, baseline: &trees.baseline, proposal: &trees.proposal, request };
            let breaks_together = read.trees.as_ref().zip(read.request.as_ref()).and_then(|(theirs, request)| {
                let window = decision.window.map(|w| (w.start, w.end));
                let two =
                    Planned { id: other, window, baseline: &theirs.baseline, proposal: &theirs.proposal, request };
                let found = beside(&[one, two], Some(id), terms, &mut Library::default());
                let stale = found.into_values().flatten().find(|r| r.code == ReasonCode::ProofStale);
                stale.map(|r| r.message)
            });
            let first = read.testimony.records.iter().find(|r| matches!(r.said, crate::gate::Record::Change(_)));
            out.push(Neighbour {
                id: other.to_owned(),
                devices: announced.devices,
                window: decision.window,
                is_approved: decision.missing.is_empty() && read.analysis.is_some(),
                announced: first.and_then(|r| r.witnessed),
                progress: progress(&self.world.ledger, other, self.world.now),
                breaks_together,
                is_solo: false,
            });
        }
        out
    }
}
