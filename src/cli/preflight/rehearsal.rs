//! The way back, tried: it is what is in force, it is understood, and a kernel takes it.

use crate::cli::failure::Failure;
use crate::cli::gate::{DeviceFiles, Gathered};
use crate::cli::vet::{Loaded, load};
use crate::gate::{Reason, ReasonCode, device_digest};
use crate::policy::Policy;

/// Tries the way back of one device; what came of it in words, or what stands against relying on it.
///
/// # Errors
/// No folder for the files.
pub(super) fn rehearse(
    gathered: &Gathered,
    policy: &Policy,
    device: &str,
) -> Result<Result<String, Vec<Reason>>, Failure> {
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
    let files = match DeviceFiles::of(bytes) {
        Ok(files) => files,
        Err(reason) => return Ok(Err(vec![reason])),
    };
    if let Err(reason) = files.read() {
        return Ok(Err(vec![reason]));
    }
    match load(policy, &files)? {
        Loaded::Good(on) => Ok(Ok(format!("its baseline loads and reads back equal ({on})"))),
        Loaded::Refused(reason) => Ok(Err(vec![reason])),
        Loaded::Unable(why) => {
            let message = format!("the way back of `{device}` could not be loaded here: {why}");
            let fix =
                "run it as root on a Linux machine with iproute2 and the loaders, or where user namespaces are allowed";
            Ok(Err(vec![Reason::new(ReasonCode::LimitExceeded, message, fix)]))
        }
    }
}
