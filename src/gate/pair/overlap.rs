//! Whether two proposals for one device change the outcome of the same packet.

use crate::diff::{Bounds, diff_filter};
use crate::gate::analysis::Library;
use crate::gate::evidence::DeviceBytes;
use crate::gate::reason::{Reason, ReasonCode};
use crate::inventory::Inventory;
use crate::packet::{Cell, Cond, Family, IfacePattern, Packet, Region, RegionNames, witness};
use crate::ruleset::{Hook, Ruleset, Space};
use std::sync::Arc;

/// Beyond so many pairs of regions, two effects count as overlapping.
const MAX_COMPARED: usize = 20_000_000;

/// One side of a device, with the inventory that completes its facts.
pub(super) type Version<'s> = (Option<&'s DeviceBytes>, Option<&'s Inventory>);

/// Packets of which two proposals both change the outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Common {
    /// The smallest region of them that was found; `None` where the effects are too large to be compared.
    pub region: Option<Region>,
    /// One of them.
    pub witness: Option<Packet>,
}

/// Returns true if some packet has another outcome under the first proposal than in force, and under the second one too,
/// whatever the opaque conditions are. Too large a pair of effects counts as overlapping.
///
/// # Errors
/// Bytes that are not understood, a bound.
pub(super) fn overlaps(library: &mut Library, sides: [Version<'_>; 3], bounds: Bounds) -> Result<bool, Reason> {
    Ok(common(library, sides, bounds)?.is_some())
}

/// Returns packets of which both proposals change the outcome, if and only if there are any.
///
/// # Errors
/// As [`overlaps`].
pub(super) fn common(library: &mut Library, sides: [Version<'_>; 3], bounds: Bounds) -> Result<Option<Common>, Reason> {
    let mut rulesets = Vec::new();
    for side in sides {
        rulesets.push(match side {
            (Some(bytes), inventory) => library.ruleset(bytes, inventory)?,
            (None, _) => Arc::default(),
        });
    }
    let [base, one, other] = rulesets.as_slice() else { return Ok(Some(Common::default())) };
    // With the same names in view, the numbers of interface classes are the same in both comparisons.
    let names: Vec<IfacePattern> = rulesets.iter().flat_map(|r| patterns(r)).collect();
    for hook in Hook::ALL {
        for family in Family::ALL {
            let (space, first) = changed(base, one, (hook, family), &names, bounds)?;
            if first.is_empty() {
                continue;
            }
            let (_, second) = changed(base, other, (hook, family), &names, bounds)?;
            if let Some(found) = meet(&first, &second, family) {
                return Ok(Some(found.map_or_else(Common::default, |cell| shown(&space, family, &cell))));
            }
        }
    }
    Ok(None)
}

/// A cell in words, with one packet of it.
fn shown(space: &Space, family: Family, cell: &Cell) -> Common {
    let possible = space.possible();
    let no_name = |_: Cond| String::new();
    let names = RegionNames { family, possible: &possible, interfaces: &space.interfaces, cond_name: &no_name };
    let region = names.regions(cell).into_iter().next();
    Common { region, witness: Some(witness(cell, family, &space.interfaces)) }
}

fn patterns(ruleset: &Ruleset) -> Vec<IfacePattern> {
    let facts = ruleset.facts.interfaces.iter().flatten().map(|name| IfacePattern::exact(name.as_str()));
    ruleset.interface_patterns().cloned().chain(facts).collect()
}

/// The packets whose outcome changes, under some conditions.
fn changed(
    old: &Ruleset,
    new: &Ruleset,
    (hook, family): (Hook, Family),
    names: &[IfacePattern],
    bounds: Bounds,
) -> Result<(Space, Vec<Cell>), Reason> {
    let no_verdict = |code, message: String| Reason::new(code, message, "split the change: smaller ones need less");
    let diff = diff_filter(old, new, hook, family, names, bounds)
        .map_err(|error| no_verdict(ReasonCode::UnparsedInput, error.to_string()))?;
    if !diff.complete {
        return Err(no_verdict(
            ReasonCode::LimitExceeded,
            "a bound was reached, so not every packet was judged".into(),
        ));
    }
    let cells = diff.changes.iter().flat_map(|c| &c.cells).map(|cell| cell.project(|_| true)).collect();
    Ok((diff.space, cells))
}

/// A cell that both have; `Some(None)` where there are too many to compare.
fn meet(one: &[Cell], other: &[Cell], family: Family) -> Option<Option<Cell>> {
    if one.len().saturating_mul(other.len()) > MAX_COMPARED {
        return Some(None);
    }
    let common = |a: &Cell, b: &Cell| if a.is_apart(b) { None } else { a.intersect(b, family) };
    one.iter().find_map(|a| other.iter().find_map(|b| common(a, b))).map(Some)
}
