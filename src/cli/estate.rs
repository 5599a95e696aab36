//! Inventory and zones of both sides, read; and the facts of devices that the inventory completes.

use super::failure::Failure;
use crate::check::{Estate, Known};
use crate::fleet::tree::ConfigTree;
use crate::inventory::{Inventory, read_inventory};
use crate::policy::{Contradiction, Policy};

/// What one side of a change knows beside its devices.
#[derive(Clone, Debug, Default)]
pub struct EstateSide {
    /// The inventory, where the policy names one and the tree has it.
    pub inventory: Option<Inventory>,
    /// Where it contradicts `device.toml`, by device.
    pub contradictions: Vec<(String, Contradiction)>,
}

impl EstateSide {
    /// Reads what stands beside the devices of a tree, and completes the facts of its devices.
    ///
    /// # Errors
    /// Every mistake of every file.
    pub fn read(policy: &Policy, tree: &mut ConfigTree) -> Result<EstateSide, Failure> {
        let Some(rule) = &policy.inventory else { return Ok(EstateSide::default()) };
        let files: Vec<(&str, &[u8])> = tree.beside.iter().map(|f| (f.path.as_str(), f.bytes.as_slice())).collect();
        let inventory = read_inventory(&rule.paths, &files)?;
        let contradictions = inventory.as_ref().map(|known| tree.complete_by(known)).unwrap_or_default();
        Ok(EstateSide { inventory, contradictions })
    }

    /// As checks see it.
    pub fn known(&self) -> Known<'_> {
        Known { inventory: self.inventory.as_ref(), contradictions: &self.contradictions }
    }
}

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
            (Err(one), Err(other)) => return Err(Failure::Several(vec![one, other])),
            (Err(failure), _) | (_, Err(failure)) => return Err(failure),
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
        Estate { baseline: self.baseline.known(), proposed: self.proposed.known(), now: Some(now) }
    }
}
