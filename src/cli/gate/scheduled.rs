//! All changes that are on their way, each with what is known of it.

use super::reading::{Changes, announcement};
use super::session::Session;
use crate::cli::input::ChangeTrees;
use crate::gate::{Decision, Instant, Reason, Record, TargetDevice, terms};
use crate::policy::{ChangeRequest, Policy};

/// A change that is not over.
pub struct OpenChange {
    /// Its id.
    pub id: String,
    /// The change file.
    pub request: Option<ChangeRequest>,
    /// The bytes of both sides.
    pub trees: Option<std::sync::Arc<ChangeTrees>>,
    /// What the gate says of it by itself, without the others.
    pub decision: Decision,
    /// What it does, in the words of its announcement.
    pub says: String,
    /// The devices that it touches.
    pub targets: Vec<TargetDevice>,
    /// When a witness first saw it announced.
    pub announced: Option<Instant>,
    /// When its lead time is over.
    pub ready: Option<Instant>,
}

/// Everything that is on its way.
pub struct Agenda {
    /// The one clock reading.
    pub now: Instant,
    /// The policy in force.
    pub policy: Option<Policy>,
    /// The changes, by id.
    pub changes: Vec<OpenChange>,
    /// What stands against everything.
    pub obstacles: Vec<Reason>,
}

impl Session {
    /// Fetches, and reads every change that is not over.
    pub fn agenda(&self, now: Instant) -> Agenda {
        let mut obstacles: Vec<Reason> = self.root_bytes.as_ref().err().cloned().into_iter().collect();
        obstacles.extend(self.fetch());
        let (world, tip) = self.world(now, &mut obstacles);
        obstacles.extend(world.chain.reasons.iter().chain(&world.ledger.refusals).cloned());
        let changes = Changes { session: self, world: &world, tip };
        let open = world.ids().filter_map(|id| changes.open(id)).collect();
        Agenda { now, policy: world.chain.policy().cloned(), changes: open, obstacles }
    }
}

impl Changes<'_> {
    /// A change, unless it is over or was never announced.
    fn open(&self, id: &str) -> Option<OpenChange> {
        let (read, decision) = self.standing(id);
        let announced = announcement(&read.testimony)?;
        if decision.state.is_over() {
            return None;
        }
        let first = read.testimony.records.iter().find(|r| matches!(r.said, Record::Change(_)));
        let witnessed = first.and_then(|r| r.witnessed);
        let policy = self.world.chain.policy();
        let lead = policy.and_then(|policy| {
            let template = read.request.as_ref().and_then(|r| r.template.as_ref());
            let template = template.and_then(|name| policy.templates.iter().find(|t| t.id.value == *name));
            terms(policy, decision.class, template).map(|t| t.lead_time)
        });
        Some(OpenChange {
            id: id.to_owned(),
            says: announced.says,
            announced: witnessed,
            ready: witnessed.zip(lead).map(|(at, lead)| at.after(lead)),
            request: read.request,
            trees: read.trees,
            targets: read.targets,
            decision,
        })
    }
}
