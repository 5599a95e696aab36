//! Whether two proposals for one device change the outcome of the same packet.

use crate::diff::{Bounds, diff_filter};
use crate::gate::analysis::Library;
use crate::gate::evidence::DeviceBytes;
use crate::gate::reason::{Reason, ReasonCode};
use crate::packet::{Cell, Family, IfacePattern};
use crate::ruleset::{Hook, Ruleset};
use std::sync::Arc;

/// Beyond so many pairs of regions, two effects count as overlapping.
const MAX_COMPARED: usize = 20_000_000;

/// Returns true if some packet has another outcome under the first proposal than in force, and under the second one too,
/// whatever the opaque conditions are. Too large a pair of effects counts as overlapping.
///
/// # Errors
/// Bytes that are not understood, a bound.
pub(super) fn overlaps(
    library: &mut Library,
    sides: [Option<&DeviceBytes>; 3],
    bounds: Bounds,
) -> Result<bool, Reason> {
    let mut rulesets = Vec::new();
    for side in sides {
        rulesets.push(match side {
            Some(bytes) => library.ruleset(bytes)?,
            None => Arc::default(),
        });
    }
    let [base, one, other] = rulesets.as_slice() else { return Ok(true) };
    // With the same names in view, the numbers of interface classes are the same in both comparisons.
    let names: Vec<IfacePattern> = rulesets.iter().flat_map(|r| patterns(r)).collect();
    for hook in Hook::ALL {
        for family in Family::ALL {
            let first = changed(base, one, (hook, family), &names, bounds)?;
            let second = changed(base, other, (hook, family), &names, bounds)?;
            if meet(&first, &second, family) {
                return Ok(true);
            }
        }
    }
    Ok(false)
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
) -> Result<Vec<Cell>, Reason> {
    let no_verdict = |code, message: String| Reason::new(code, message, "split the change: smaller ones need less");
    let diff = diff_filter(old, new, hook, family, names, bounds)
        .map_err(|error| no_verdict(ReasonCode::UnparsedInput, error.to_string()))?;
    if !diff.complete {
        return Err(no_verdict(
            ReasonCode::LimitExceeded,
            "a bound was reached, so not every packet was judged".into(),
        ));
    }
    Ok(diff.changes.iter().flat_map(|c| &c.cells).map(|cell| cell.project(|_| true)).collect())
}

fn meet(one: &[Cell], other: &[Cell], family: Family) -> bool {
    if one.len().saturating_mul(other.len()) > MAX_COMPARED {
        return true;
    }
    let meets = |a: &Cell, b: &Cell| !a.is_apart(b) && a.intersect(b, family).is_some();
    one.iter().any(|a| other.iter().any(|b| meets(a, b)))
}
