//! FW413: addresses of the policy that the inventory does not know.

use super::ranges_text;
use crate::check::CheckInput;
use crate::check::estate::EstateCheck;
use crate::finding::{Finding, Location, RANGE_UNKNOWN};
use crate::inventory::Inventory;
use crate::packet::{Family, Ranges};
use crate::policy::{FlowRule, Policy};

/// The registry line.
pub(super) const CHECK: EstateCheck = EstateCheck { codes: &[&RANGE_UNKNOWN], run };

/// Addresses of a requirement or prohibition that lie in no range of the inventory.
#[derive(Clone, Debug)]
pub struct Unknown<'a> {
    /// The requirement or prohibition.
    pub rule: &'a FlowRule,
    /// The family.
    pub family: Family,
    /// The addresses.
    pub addresses: Ranges,
}

/// Every such requirement and prohibition, in the order of the policy.
pub fn unknown<'a>(policy: &'a Policy, inventory: &Inventory) -> Vec<Unknown<'a>> {
    let mut out = Vec::new();
    for family in Family::ALL {
        let known: Ranges = inventory
            .prefixes
            .iter()
            .filter(|p| p.family() == family)
            .flat_map(|p| p.ranges().as_slice().to_vec())
            .collect();
        if known.is_empty() {
            continue;
        }
        for rule in policy.requirements.iter().chain(&policy.prohibitions) {
            let ends = rule.flows.iter().filter(|f| f.family == family).flat_map(|f| [&f.src, &f.dst]);
            let named = ends.filter(|r| !r.is_full(family.max_address())).fold(Ranges::empty(), |all, r| all.union(r));
            let addresses = named.subtract(&known);
            if !addresses.is_empty() {
                out.push(Unknown { rule, family, addresses });
            }
        }
    }
    out
}

fn run(input: &CheckInput<'_>) -> Vec<Finding> {
    let Some(inventory) = input.estate.proposed.inventory else { return Vec::new() };
    let finding = |found: &Unknown<'_>| {
        let location = Location::of(found.rule.span, &input.policy.sources).first_line();
        let ranges = ranges_text(found.family, &found.addresses);
        let message = format!("`{}` names {ranges}, which the inventory does not know", found.rule.id);
        Finding::at(&RANGE_UNKNOWN, location, message)
            .of_requirement(&found.rule.id)
            .helped_by("correct the policy, or enter the range into the inventory")
    };
    unknown(input.policy, inventory).iter().map(finding).collect()
}
