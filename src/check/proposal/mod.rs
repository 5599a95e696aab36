//! The first policy of somebody who has rulesets and nothing written down: requirements proposed from what the rulesets
//! allow between internal addresses today.
//!
//! Nobody knows what must hold but the people who run the network; what holds is a better page to begin with than an empty
//! one. Each proposal is exact: all of its packets pass. And each is proved in the same way as any requirement, by running
//! the checks on the rulesets as they are; what does not hold in full, both directions of the conversation, is left out.

mod ends;
mod flows;
mod merge;
mod write;

use super::{CheckError, CheckInput, Device, Estate, run};
use crate::diff::Bounds;
use crate::finding::Finding;
use crate::packet::{Family, Ranges};
use crate::policy::{Date, PolicyFiles, read_policy};
use crate::ruleset::{Hook, Unreadable};
use std::collections::BTreeSet;

/// A policy to begin with.
#[derive(Clone, Debug)]
pub struct FirstPolicy {
    /// The text of `fwgate.toml`.
    pub text: String,
    /// How many requirements are in it.
    pub requirements: usize,
    /// How many named ranges.
    pub ranges: usize,
    /// How many flows pass in one direction or under conditions only, and are not proposed.
    pub left_out: usize,
    /// Filters that are too rich to be asked, in words.
    pub too_rich: Vec<String>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum ProposalError {
    /// The checks gave no verdict.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The text that was written cannot be read: an error of this program.
    #[error("internal error: the proposed policy cannot be read")]
    Unreadable(Unreadable),
}

/// An address set with a name: a source or destination of proposals.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct NamedEnd {
    name: String,
    family: Family,
    addresses: Ranges,
}

/// A flow that passes in full.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Passing {
    hook: Hook,
    family: Family,
    inputs: Vec<String>,
    outputs: Vec<String>,
    from: Vec<String>,
    to: Vec<String>,
    services: Vec<String>,
    devices: Vec<String>,
}

/// Proposes a policy for devices that nobody has written one for.
///
/// # Errors
/// Devices without a verdict: none at all, two of one name, a contradiction of the engine.
pub fn first_policy(devices: &[Device], today: Date) -> Result<FirstPolicy, ProposalError> {
    let ends = ends::of_devices(devices);
    let (found, too_rich) = flows::all(devices, &ends);
    let proposed = merge::merged(found);
    let all = proposed.len();
    let mut kept = proposed;
    loop {
        let text = write::policy(&kept, &ends);
        let failing = failing(devices, &text, today)?;
        let before = kept.len();
        let holds = |(at, flow): &(usize, Passing)| !failing.contains(&write::id(*at, flow));
        kept = kept.into_iter().enumerate().filter(holds).map(|(_, flow)| flow).collect();
        if kept.len() == before {
            let ranges = write::named(&kept, &ends).len();
            return Ok(FirstPolicy { text, requirements: kept.len(), ranges, left_out: all - kept.len(), too_rich });
        }
    }
}

/// The requirements that do not hold on the rulesets as they are.
fn failing(devices: &[Device], text: &str, today: Date) -> Result<BTreeSet<String>, ProposalError> {
    let policy = read_policy(&PolicyFiles::single("fwgate.toml", text)).map_err(ProposalError::Unreadable)?;
    let bounds = Bounds::default();
    let (policy, estate) = (&policy, Estate::default());
    let report =
        run(&CheckInput { baseline: devices, proposed: devices, policy, change: None, estate, bounds, today })?;
    Ok(report.findings.iter().filter_map(|f: &Finding| f.requirement.clone()).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
