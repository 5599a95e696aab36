//! What is known of the estate beside its devices: inventory and zones of both sides, and the time.

use crate::inventory::{Inventory, Prefix, PrefixStatus};
use crate::packet::{Family, Ranges};
use crate::policy::Contradiction;

/// Both sides of the change, and the time. Nothing by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Estate<'a> {
    /// As in force.
    pub baseline: Known<'a>,
    /// As proposed.
    pub proposed: Known<'a>,
    /// Seconds since 1970; where nobody gives it, nothing is too old.
    pub now: Option<i64>,
}

/// What one side knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The inventory, where there is one.
    pub inventory: Option<&'a Inventory>,
    /// Where it contradicts `device.toml`, by device.
    pub contradictions: &'a [(String, Contradiction)],
}

impl<'a> Estate<'a> {
    /// The inventories of both sides, the proposal's first.
    pub fn inventories(&self) -> impl Iterator<Item = &'a Inventory> + use<'a> {
        self.proposed.inventory.into_iter().chain(self.baseline.inventory)
    }

    /// Every range of a family that either side lists and has not given up. A proposal does not make a range nobody's by taking
    /// it off the list.
    pub fn prefixes(&self, family: Family) -> impl Iterator<Item = &'a Prefix> + use<'a> {
        let all = self.inventories().flat_map(|i| &i.prefixes);
        all.filter(move |p| p.family() == family && p.status != PrefixStatus::Deprecated)
    }

    /// All their addresses.
    pub fn addresses(&self, family: Family) -> Ranges {
        self.prefixes(family).flat_map(|p| p.ranges().as_slice().to_vec()).collect()
    }

    /// The narrowest range that holds all of these addresses, with the inventory that lists it.
    pub fn holder(&self, family: Family, (lo, hi): (u128, u128)) -> Option<(&'a Inventory, &'a Prefix)> {
        let whole = Ranges::range(lo, hi);
        let of = |inventory: &'a Inventory| inventory.prefixes.iter().map(move |p| (inventory, p));
        let holds = |(_, p): &(&Inventory, &Prefix)| {
            p.family() == family && p.status != PrefixStatus::Deprecated && whole.is_subset(&p.ranges())
        };
        self.inventories().flat_map(of).filter(holds).max_by_key(|(_, p)| p.net.prefix_len())
    }
}
