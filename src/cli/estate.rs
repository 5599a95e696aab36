//! Inventory and zones of both sides of a change.

use super::failure::Failure;
use crate::check::Estate;
use crate::fleet::tree::ConfigTree;
use crate::gate::EstateSide;
use crate::policy::Policy;

/// Both sides.
#[derive(Clone, Debug, Default)]
pub struct Estates {
    /// As in force.
    pub baseline: EstateSide,
    /// As proposed.
    pub proposed: EstateSide,
}

impl Estates {
    /// Reads both sides. What the policy names the proposal must have; a baseline from before has none.
    ///
    /// # Errors
    /// Every mistake of every file; an inventory that the policy names and the proposal lacks.
    pub fn read(policy: &Policy, baseline: &mut ConfigTree, proposed: &mut ConfigTree) -> Result<Estates, Failure> {
        let sides = (EstateSide::read(policy, baseline), EstateSide::read(policy, proposed));
        let estates = match sides {
            (Ok(baseline), Ok(proposed)) => Estates { baseline, proposed },
            (Err(one), Err(other)) => return Err(Failure::Several(vec![one.into(), other.into()])),
            (Err(unreadable), _) | (_, Err(unreadable)) => return Err(unreadable.into()),
        };
        match &policy.inventory {
            Some(rule) if estates.proposed.inventory.is_none() => {
                let paths = rule.paths.all();
                let first = paths.first().map(String::as_str).unwrap_or_default();
                let failure = Failure::new("the policy names an inventory, and the proposal has none");
                Err(failure.help(format!("commit `{first}` and its snapshot, or take [inventory] out of the policy")))
            }
            _ => Ok(estates),
        }
    }

    /// As checks see it, at a time in seconds since 1970.
    pub fn at(&self, now: i64) -> Estate<'_> {
        Estate { baseline: self.baseline.known(), proposed: self.proposed.known(), now: Some(now), ..Estate::default() }
    }
}
