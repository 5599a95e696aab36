//! `fwgate.vetting/1`: what staging or vetting a change came to, for machines.

use super::WrittenReason;
use crate::gate::{Digest, Reason};
use serde::Serialize;

/// The name of the format.
pub const VETTING_SCHEMA: &str = "fwgate.vetting/1";

/// What it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VettingVerdict {
    /// Nothing speaks against the change.
    Vetted,
    /// Something does.
    Refused,
    /// Policy wants no staging for the class of the change.
    NotStaged,
}

/// The whole document.
#[derive(Clone, Debug, Serialize)]
pub struct VettingDocument {
    schema: &'static str,
    change: String,
    verdict: &'static str,
    reasons: Vec<WrittenReason>,
    devices: Vec<WrittenDevice>,
    /// Kernel and tools, or the staging devices; nothing where nothing was tried.
    on: Option<String>,
    /// How many conversations went as demanded.
    flows: u64,
    /// A line for each device.
    words: Vec<String>,
    /// The digest of the receipt, where a key was at hand.
    receipt: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct WrittenDevice {
    device: String,
    bytes: String,
}

/// What was tried.
#[derive(Clone, Copy, Debug)]
pub struct Tried<'a> {
    /// The devices with the digests of their bytes.
    pub devices: &'a [(String, Digest)],
    /// What it was tried on.
    pub on: &'a str,
    /// How many conversations went as demanded.
    pub flows: u64,
    /// A line for each device.
    pub words: &'a [String],
}

impl VettingDocument {
    /// The document of a change.
    pub fn of(
        change: &str,
        verdict: VettingVerdict,
        reasons: &[Reason],
        tried: Tried<'_>,
        receipt: Option<Digest>,
    ) -> VettingDocument {
        let device =
            |(device, bytes): &(String, Digest)| WrittenDevice { device: device.clone(), bytes: bytes.to_string() };
        VettingDocument {
            schema: VETTING_SCHEMA,
            change: change.to_owned(),
            verdict: match verdict {
                VettingVerdict::Vetted => "vetted",
                VettingVerdict::Refused => "refused",
                VettingVerdict::NotStaged => "not-staged",
            },
            reasons: reasons.iter().map(WrittenReason::from).collect(),
            devices: tried.devices.iter().map(device).collect(),
            on: Some(tried.on.to_owned()).filter(|on| !on.is_empty()),
            flows: tried.flows,
            words: tried.words.to_vec(),
            receipt: receipt.map(|r| r.to_string()),
        }
    }
}
