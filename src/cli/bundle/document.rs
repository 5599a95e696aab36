//! `fwgate.bundle-verdict/1`: what speaks for and against a bundle, for programs.

use super::sealed::Maker;
use crate::finding::Finding;
use crate::fleet::bundle::{Bundle, BundledDevice, Origin};
use crate::report::WrittenFinding;
use serde::Serialize;
use std::path::Path;

/// What an answer is about.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Where the archive is, or was to be.
    pub bundle: &'a Path,
    /// Who made it; nobody where none was written.
    pub maker: Option<&'a Maker>,
    /// What it holds.
    pub holds: Option<&'a Bundle>,
    /// The devices whose configuration the read-back means, where there was one.
    pub runs: Option<&'a [String]>,
}

/// The document.
#[derive(Debug, Serialize)]
pub struct VerdictDocument<'a> {
    schema: &'static str,
    verdict: &'static str,
    bundle: String,
    signed_by: Option<&'a str>,
    signature: String,
    devices: Vec<WrittenDevice<'a>>,
    /// The devices whose configuration the read-back means; null without a read-back.
    runs: Option<&'a [String]>,
    findings: Vec<WrittenFinding>,
}

#[derive(Debug, Serialize)]
struct WrittenDevice<'a> {
    device: &'a str,
    origin: Origin,
    stable: bool,
    bytes: &'a str,
    change: Option<&'a str>,
    since: Option<&'a str>,
}

impl<'a> Answer<'a> {
    /// The answer with its verdict.
    pub fn document(self, is_good: bool, findings: &[Finding]) -> VerdictDocument<'a> {
        let device = |d: &'a BundledDevice| WrittenDevice {
            device: &d.device,
            origin: d.origin,
            stable: d.origin.is_stable(),
            bytes: &d.bytes,
            change: d.change.as_deref(),
            since: d.since.as_deref(),
        };
        VerdictDocument {
            schema: "fwgate.bundle-verdict/1",
            verdict: if is_good { "passed" } else { "refused" },
            bundle: self.bundle.display().to_string(),
            signed_by: if let Some(Maker::Machine(id)) = self.maker { Some(id) } else { None },
            signature: self.maker.map_or_else(|| "no bundle was written".to_owned(), Maker::words),
            devices: self.holds.iter().flat_map(|b| &b.manifest.devices).map(device).collect(),
            runs: self.runs,
            findings: WrittenFinding::all(findings),
        }
    }
}
