//! Whether what a device runs is what it should run: by meaning, so that counters, handles, spelling and the order of tables
//! are nothing, and only of what is one's own, so that chains which other programs manage are left alone.
//!
//! Unmanaged chains and tables are taken out of both sides, with the rules that call them; what an unmanaged set holds counts as
//! one unknown condition of both sides. A foreign chain that can decide before a rule of one's own is told: there the
//! device may do something else than what was compared.

mod foreign;
mod owned;
mod routes;

pub use foreign::Foreign;
pub use routes::{RouteDifference, RoutesRead};

use crate::dialect::{InputFile, ReadOptions, read_device};
use crate::diff::{Bounds, EffectKind, ReplayMismatch, diff_filter};
use crate::packet::{Family, Packet};
use crate::policy::Unmanaged;
use crate::routes::{Disagreement, split_routes};
use crate::ruleset::{Hook, Ruleset, Unreadable};
use owned::Boundary;
use routes::compare_routes;

/// A device that is read back: what it should run, what it says that it runs, and whose objects are whose.
#[derive(Clone, Copy, Debug)]
pub struct Readback<'a> {
    /// The device's name.
    pub device: &'a str,
    /// Every role that selectors can name.
    pub roles: &'a [String],
    /// The files that it should run.
    pub expected: &'a [InputFile],
    /// What it runs, as files.
    pub seen: &'a [InputFile],
    /// The dialect and facts of both.
    pub options: &'a ReadOptions,
    /// What other programs manage, as the policy in force says.
    pub unmanaged: &'a [Unmanaged],
    /// When comparisons give up.
    pub bounds: Bounds,
}

/// What the comparison found.
#[derive(Clone, Debug, Default)]
pub struct Converged {
    /// Where the device does something else; none where it runs what it should.
    pub differences: Vec<Difference>,
    /// Chains of other programs that can decide before rules of one's own.
    pub foreign: Vec<Foreign>,
    /// Whether every packet was compared. Otherwise nothing is proved.
    pub is_complete: bool,
    /// What was found about routes.
    pub routes: RoutesRead,
}

impl Converged {
    /// Whether the device certainly runs what it should, as far as it is one's own.
    pub fn is_equal(&self) -> bool {
        self.is_complete && self.differences.is_empty() && self.routes.is_equal()
    }
}

/// One way in which a device does something else than it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub hook: Hook,
    /// For packets of which family.
    pub family: Family,
    /// What became of them against what was expected; `None` where the device says nothing about the family at all.
    pub effect: Option<EffectKind>,
    /// One such packet.
    pub witness: Option<Packet>,
}

/// Why nothing was compared.
#[derive(Debug, thiserror::Error)]
pub enum ReadbackError {
    /// What the device should run cannot be read.
    #[error("what the device should run is not understood")]
    Expected(Unreadable),
    /// What it runs cannot be read, or is nothing.
    #[error("what the device runs is not understood")]
    Seen(Unreadable),
    /// The engine contradicts the interpreter.
    #[error(transparent)]
    Replay(#[from] ReplayMismatch),
    /// The comparison of routes has no result.
    #[error(transparent)]
    Routes(#[from] Disagreement),
}

/// Compares what a device runs with what it should run.
///
/// # Errors
/// Files of either side that are not understood; an engine that contradicts the interpreter.
pub fn compare_readback(readback: &Readback<'_>) -> Result<Converged, ReadbackError> {
    let boundary = Boundary::new(readback.unmanaged, readback.device, readback.roles);
    let (routes, own_files) = split_routes(readback.expected);
    let (routes_seen, seen_files) = split_routes(readback.seen);
    // A device of which only routes are kept filters nothing that anybody could compare.
    let read = |files: &[InputFile]| match files.is_empty() && own_files.is_empty() && !routes.is_empty() {
        true => Ok(Ruleset::default()),
        false => read_device(&boundary.without_members(files), readback.options),
    };
    let expected = read(&own_files).map_err(ReadbackError::Expected)?;
    let seen = read(&seen_files).map_err(ReadbackError::Seen)?;
    let routes = compare_routes(&routes, &routes_seen)?;
    let foreign = foreign::deciding_first(&seen, &boundary);
    let (mut own, mut runs) = (boundary.owned(&expected), boundary.owned(&seen));
    // Connection tracking is of the whole device: where a foreign rule switches it on, it is on for both sides.
    let conntrack = expected.conntrack || seen.conntrack;
    (own.conntrack, runs.conntrack) = (conntrack, conntrack);
    let mut out = Converged { foreign, is_complete: true, routes, ..Converged::default() };
    for family in Family::ALL {
        compare_family(&own, &runs, family, readback.bounds, &mut out)?;
    }
    Ok(out)
}

/// Compares one family. What the device gives and nobody asked for must let everything pass.
fn compare_family(
    own: &Ruleset,
    runs: &Ruleset,
    family: Family,
    bounds: Bounds,
    out: &mut Converged,
) -> Result<(), ReplayMismatch> {
    if own.families.contains(family) && !runs.families.contains(family) {
        out.differences.push(Difference { hook: Hook::Input, family, effect: None, witness: None });
        return Ok(());
    }
    for hook in Hook::ALL {
        let diff = diff_filter(own, runs, hook, family, &[], bounds)?;
        out.is_complete &= diff.complete;
        let difference = |c: &crate::diff::Change| Difference {
            hook,
            family,
            effect: Some(c.effect),
            witness: Some(c.witness.clone()),
        };
        out.differences.extend(diff.changes.iter().map(difference));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
