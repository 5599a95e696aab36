//! FW412: ranges of the inventory that no requirement covers.

use super::{at, ranges_text};
use crate::check::CheckInput;
use crate::check::estate::EstateCheck;
use crate::finding::{Finding, RANGE_UNCOVERED};
use crate::inventory::{Inventory, Prefix};
use crate::packet::{Family, Ranges};
use crate::policy::Policy;

/// The registry line.
pub(super) const CHECK: EstateCheck = EstateCheck { codes: &[&RANGE_UNCOVERED], run };

/// A range with addresses that no requirement names.
#[derive(Clone, Debug)]
pub struct Uncovered<'a> {
    /// The range.
    pub prefix: &'a Prefix,
    /// Those addresses.
    pub addresses: Ranges,
    /// Whether it is all of the range that it does not share with ranges inside it.
    pub is_whole: bool,
}

/// Every such range, in the order of the file.
pub fn uncovered<'a>(policy: &Policy, inventory: &'a Inventory) -> Vec<Uncovered<'a>> {
    let required = Family::ALL.map(|family| (family, required(policy, family)));
    let judge = |prefix: &'a Prefix| {
        let required = required.iter().find(|(family, _)| *family == prefix.family()).map(|(_, r)| r)?;
        let own = own_part(prefix, inventory);
        let addresses = own.subtract(required);
        (!addresses.is_empty()).then(|| Uncovered { prefix, is_whole: addresses == own, addresses })
    };
    inventory.prefixes.iter().filter(|p| p.status.is_used()).filter_map(judge).collect()
}

/// The addresses that requirements name: what everybody may do names nobody.
fn required(policy: &Policy, family: Family) -> Ranges {
    let flows = policy.requirements.iter().flat_map(|r| &r.flows).filter(|f| f.family == family);
    let ends = flows.flat_map(|f| [&f.src, &f.dst]).filter(|r| !r.is_full(family.max_address()));
    ends.fold(Ranges::empty(), |all, one| all.union(one))
}

/// A range without the ranges of its routing table that lie inside it.
fn own_part(prefix: &Prefix, inventory: &Inventory) -> Ranges {
    let is_inside = |p: &&Prefix| p.vrf == prefix.vrf && p.net != prefix.net && prefix.net.contains(&p.net);
    let inner: Ranges =
        inventory.prefixes.iter().filter(is_inside).flat_map(|p| p.ranges().as_slice().to_vec()).collect();
    prefix.ranges().subtract(&inner)
}

fn run(input: &CheckInput<'_>) -> Vec<Finding> {
    let Some(inventory) = input.estate.proposed.inventory else { return Vec::new() };
    let finding = |found: &Uncovered<'_>| {
        let net = found.prefix.net;
        let message = match found.is_whole {
            true => format!("no requirement names the range `{net}`"),
            false => {
                format!("no requirement names {} of `{net}`", ranges_text(found.prefix.family(), &found.addresses))
            }
        };
        at(&RANGE_UNCOVERED, inventory, found.prefix.span, message)
            .about_range(net.to_string())
            .helped_by("write down what it needs, or set it to reserved where nobody uses it")
    };
    uncovered(input.policy, inventory).iter().map(finding).collect()
}
