//! Inventory and zones of one side, read; and the facts of devices that the inventory completes.

use crate::check::Known;
use crate::fleet::tree::{ConfigTree, TreeFile};
use crate::inventory::{Inventory, read_inventory};
use crate::names::{Zones, read_zones};
use crate::policy::{Contradiction, Policy, ZONES};
use crate::ruleset::Unreadable;
use std::collections::BTreeMap;

/// What one side of a change knows beside its devices.
#[derive(Clone, Debug, Default)]
pub struct EstateSide {
    /// The inventory, where the policy names one and the tree has it.
    pub inventory: Option<Inventory>,
    /// The zones, where there are any.
    pub zones: Option<Zones>,
    /// Where it contradicts `device.toml`, by device.
    pub contradictions: Vec<(String, Contradiction)>,
}

impl EstateSide {
    /// Reads what stands beside the devices of a tree, and completes the facts of its devices.
    ///
    /// # Errors
    /// Every mistake of every file.
    pub fn read(policy: &Policy, tree: &mut ConfigTree) -> Result<EstateSide, Unreadable> {
        let mut side = EstateSide::of_files(policy, &tree.beside)?;
        side.contradictions = side.inventory.as_ref().map(|known| tree.complete_by(known)).unwrap_or_default();
        Ok(side)
    }

    /// Reads what stands beside devices.
    ///
    /// # Errors
    /// Every mistake of every file.
    pub fn of_files(policy: &Policy, files: &[TreeFile]) -> Result<EstateSide, Unreadable> {
        let inventory = inventory_of(policy, files)?;
        let files = paths_and_bytes(files);
        let (root, origins) = match &policy.name_service {
            Some(service) => (service.zones.as_str(), service.origins.clone()),
            None => (ZONES, BTreeMap::new()),
        };
        let zones = Some(read_zones(root, &origins, &files)?).filter(|zones| !zones.is_empty());
        Ok(EstateSide { inventory, zones, contradictions: Vec::new() })
    }

    /// As checks see it.
    pub fn known(&self) -> Known<'_> {
        Known { inventory: self.inventory.as_ref(), zones: self.zones.as_ref(), contradictions: &self.contradictions }
    }
}

/// The inventory that stands beside devices, where the policy names one.
///
/// # Errors
/// Every mistake of its snapshots.
pub fn inventory_of(policy: &Policy, files: &[TreeFile]) -> Result<Option<Inventory>, Unreadable> {
    policy.inventory.as_ref().map_or(Ok(None), |rule| read_inventory(&rule.paths, &paths_and_bytes(files)))
}

fn paths_and_bytes(files: &[TreeFile]) -> Vec<(&str, &[u8])> {
    files.iter().map(|f| (f.path.as_str(), &*f.bytes)).collect()
}

/// The policy with the addresses of its hosts, by the zones that stand beside the devices in force and as proposed. `None`
/// where it names none; zones that cannot be read give no address, and an analysis of the change says so.
pub fn with_hosts(policy: &Policy, beside: &[Vec<TreeFile>; 2]) -> Option<Policy> {
    if !policy.names_hosts() {
        return None;
    }
    let zones: Vec<Zones> =
        beside.iter().filter_map(|files| EstateSide::of_files(policy, files).ok()).filter_map(|s| s.zones).collect();
    Some(policy.with_hosts(&|host| zones.iter().flat_map(|z| z.addresses(host).addresses).collect()))
}
