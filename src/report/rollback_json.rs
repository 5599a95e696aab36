//! `fwgate.rollback/1`: what bringing devices back came to, for machines.

use super::WrittenReason;
use crate::gate::Reason;
use serde::Serialize;

/// The name of the format.
pub const ROLLBACK_SCHEMA: &str = "fwgate.rollback/1";

/// The whole document.
#[derive(Clone, Debug, Serialize)]
pub struct RollbackDocument {
    schema: &'static str,
    verdict: &'static str,
    /// Who signed that it be done.
    by: Option<String>,
    devices: Vec<WrittenRollback>,
    /// Why nothing was done; else what keeps the ledger from knowing of it.
    reasons: Vec<WrittenReason>,
}

/// One device.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenRollback {
    /// Its name.
    pub device: String,
    /// The change that the ledger is told about.
    pub change: String,
    /// `already`, `back` or `unknown`.
    pub end: &'static str,
    /// The digest of the bytes that it should run.
    pub bytes: String,
    /// The commit that holds them.
    pub head: String,
    /// What happened, in order.
    pub words: Vec<String>,
}

impl RollbackDocument {
    /// Devices were brought back, or it was tried.
    pub fn of(by: &str, devices: Vec<WrittenRollback>, untold: &[Reason]) -> RollbackDocument {
        let is_back = devices.iter().all(|d| d.end != "unknown");
        RollbackDocument {
            schema: ROLLBACK_SCHEMA,
            verdict: if is_back { "back" } else { "unknown" },
            by: Some(by.to_owned()),
            devices,
            reasons: untold.iter().map(WrittenReason::from).collect(),
        }
    }

    /// Nothing was done.
    pub fn refused(reasons: &[Reason]) -> RollbackDocument {
        RollbackDocument {
            schema: ROLLBACK_SCHEMA,
            verdict: "refused",
            by: None,
            devices: Vec::new(),
            reasons: reasons.iter().map(WrittenReason::from).collect(),
        }
    }
}
