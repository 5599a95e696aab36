//! FW414: ranges of the inventory that overlap where they should not.

use super::at;
use crate::check::CheckInput;
use crate::check::estate::EstateCheck;
use crate::finding::{Finding, RANGES_OVERLAP};
use crate::inventory::{Inventory, Prefix, PrefixStatus};

/// The registry line.
pub(super) const CHECK: EstateCheck = EstateCheck { codes: &[&RANGES_OVERLAP], run };

/// Two ranges of one routing table that claim the same addresses.
#[derive(Clone, Debug)]
pub struct Overlap<'a> {
    /// The wider one, or the first one where they are equal.
    pub outer: &'a Prefix,
    /// The one inside.
    pub inner: &'a Prefix,
}

/// Every pair, in order of address. Ranges inside a container, and of the same site and tenant, are how a network is divided.
pub fn overlaps(inventory: &Inventory) -> Vec<Overlap<'_>> {
    let used = |p: &&Prefix| p.status != PrefixStatus::Deprecated;
    let mut all: Vec<&Prefix> = inventory.prefixes.iter().filter(used).collect();
    all.sort_by_key(|p| (p.vrf.clone(), p.net.network(), p.net.prefix_len(), p.span.start));
    let mut open: Vec<&Prefix> = Vec::new();
    let mut out = Vec::new();
    for inner in all {
        while open.last().is_some_and(|outer| outer.vrf != inner.vrf || !outer.net.contains(&inner.net)) {
            open.pop();
        }
        let clash = open.iter().rev().find(|outer| is_clash(outer, inner));
        out.extend(clash.map(|outer| Overlap { outer, inner }));
        open.push(inner);
    }
    out
}

fn is_clash(outer: &Prefix, inner: &Prefix) -> bool {
    let differ = |a: &Option<String>, b: &Option<String>| a.is_some() && b.is_some() && a != b;
    let elsewhere = differ(&outer.site, &inner.site) || differ(&outer.tenant, &inner.tenant);
    outer.net == inner.net || (outer.status != PrefixStatus::Container && elsewhere)
}

fn run(input: &CheckInput<'_>) -> Vec<Finding> {
    let Some(inventory) = input.estate.proposed.inventory else { return Vec::new() };
    let finding = |Overlap { outer, inner }: &Overlap<'_>| {
        let line = outer.span.line;
        let message = match outer.net == inner.net {
            true => format!("the range `{}` is listed twice; line {line} has it as well", inner.net),
            false => format!(
                "the range `{}` of {} lies inside `{}` of {} (line {line}), which is no container",
                inner.net,
                owner(inner),
                outer.net,
                owner(outer)
            ),
        };
        at(&RANGES_OVERLAP, inventory, inner.span, message)
            .about_range(inner.net.to_string())
            .helped_by("correct one of the two, or make the outer one a container")
    };
    overlaps(inventory).iter().map(finding).collect()
}

fn owner(prefix: &Prefix) -> String {
    let named = [&prefix.site, &prefix.tenant].into_iter().flatten().map(|t| format!("`{t}`"));
    let named: Vec<String> = named.collect();
    if named.is_empty() { "nobody".to_owned() } else { named.join(" and ") }
}
