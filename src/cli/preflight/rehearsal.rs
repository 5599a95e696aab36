//! The way back, tried: it is what is in force, it is understood, and on top of the proposal a kernel makes the baseline of it.

use crate::cli::failure::Failure;
use crate::cli::gate::{DeviceFiles, Gathered};
use crate::cli::vet::{Loaded, WayBack, go_back};
use crate::gate::push::route::{ProductionTransport, Target};
use crate::gate::{Reason, ReasonCode, device_digest};
use crate::policy::{Policy, Replaces};

/// Tries the way back of one device; what came of it in words, or what stands against relying on it.
///
/// # Errors
/// No folder for the files.
pub(super) fn rehearse(
    gathered: &Gathered,
    policy: &Policy,
    target: &Target,
    (baseline, proposal): (Option<&DeviceFiles>, Option<&DeviceFiles>),
) -> Result<Result<String, Vec<Reason>>, Failure> {
    let device = target.name.as_str();
    let none = |message: String, fix: String| Ok(Err(vec![Reason::new(ReasonCode::NoRollback, message, fix)]));
    let adopt = format!("make what it runs its baseline first: fwgate adopt {device}");
    let trees = gathered.trees.as_ref();
    let bytes = trees.and_then(|t| t.baseline.iter().find(|b| b.device == device)).filter(|b| !b.files.is_empty());
    let Some(bytes) = bytes else {
        return none(format!("`{device}` has no baseline to go back to"), adopt);
    };
    let digest = device_digest(Some(bytes));
    let is_in_force = gathered
        .in_force
        .get(device)
        .is_none_or(|known| known.bytes == digest || known.change == gathered.testimony.change);
    if !is_in_force {
        return none(format!("the way back of `{device}` is not what the ledger says is in force"), adopt);
    }
    let Some(to) = baseline else {
        return none(format!("the facts of `{device}` in force are not understood"), adopt);
    };
    let transport = ProductionTransport::of(policy, target).ok();
    let replaces = transport.map_or(Replaces::Named, |t| t.policy().replaces);
    match go_back(policy, WayBack { from: proposal, to, roles: &target.roles, replaces })? {
        Loaded::Good(on) => Ok(Ok(format!("on top of its proposal, its baseline reads back equal ({on})"))),
        Loaded::Refused(reason) => Ok(Err(vec![reason])),
        Loaded::Unable(why) => {
            let message = format!("the way back of `{device}` could not be loaded here: {why}");
            let fix =
                "run it as root on a Linux machine with iproute2 and the loaders, or where user namespaces are allowed";
            Ok(Err(vec![Reason::new(ReasonCode::LimitExceeded, message, fix)]))
        }
    }
}
