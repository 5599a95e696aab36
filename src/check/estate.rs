//! What is known of the estate beside its devices: inventory and zones of both sides, and the time.

use super::CheckInput;
use crate::finding::{Code, Finding};
use crate::inventory::{Inventory, Prefix, PrefixStatus};
use crate::names::Zones;
use crate::packet::{Family, Ranges};
use crate::policy::Contradiction;

/// A check that is made once in a run.
pub(super) struct EstateCheck {
    /// The codes of its findings.
    pub codes: &'static [&'static Code],
    /// Judges.
    pub run: fn(&CheckInput<'_>) -> Vec<Finding>,
}

/// Most findings of one check that a verdict about a change tells; what is wrong as a whole is told by its first ones.
const MOST: usize = 20;

/// The findings that a verdict about a change tells, with one that counts the rest of each kind.
pub(super) fn told(checks: &[EstateCheck], input: &CheckInput<'_>, rest: &str) -> Vec<Finding> {
    let mut out = Vec::new();
    for check in checks {
        let found = (check.run)(input);
        let more = found.len().saturating_sub(MOST);
        let code = found.first().map(|f| f.code);
        out.extend(found.into_iter().take(MOST));
        if let Some(code) = code.filter(|_| more > 0) {
            let message = format!("{more} more findings of this kind");
            out.push(Finding::without_place(code, message).helped_by(rest));
        }
    }
    out
}

/// When the change goes, for checks that depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Goes {
    /// As its file wishes, where it does: nobody has computed its window.
    #[default]
    AsWished,
    /// Nobody knows yet.
    Unknown,
    /// Not before this instant, in seconds since 1970: the window that the gate computes begins then.
    From(i64),
}

/// Both sides of the change, and the time. Nothing by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Estate<'a> {
    /// As in force.
    pub baseline: Known<'a>,
    /// As proposed.
    pub proposed: Known<'a>,
    /// Seconds since 1970; where nobody gives it, nothing is too old.
    pub now: Option<i64>,
    /// When the change goes.
    pub goes: Goes,
}

/// What one side knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The inventory, where there is one.
    pub inventory: Option<&'a Inventory>,
    /// The zones, where there are any.
    pub zones: Option<&'a Zones>,
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
