//! `fwgate.bundle/1`: what a bundle says of itself. It is what is signed, so one content has one text.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The name of the format.
pub const BUNDLE_SCHEMA: &str = "fwgate.bundle/1";

/// Largest manifest, in bytes.
const MAX_BYTES: usize = 16 << 20;

/// Where a configuration came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The ledger: applied, confirmed, read back, and a receipt signed.
    Receipt,
    /// The ledger or a quorum say that the device runs it, and nothing shows that it was read back after a push.
    Adoption,
    /// The protected branch: no ledger knows the device.
    ProtectedRef,
    /// A folder that somebody named.
    Folder,
}

impl Origin {
    /// Whether it was applied, confirmed and read back.
    pub fn is_stable(self) -> bool {
        self == Origin::Receipt
    }

    /// In words, for reports.
    pub fn words(self) -> &'static str {
        match self {
            Origin::Receipt => "applied, confirmed and read back",
            Origin::Adoption => "adopted by a quorum",
            Origin::ProtectedRef => "the protected branch: no ledger knows that it was ever applied",
            Origin::Folder => "a folder: nothing shows that it was ever applied",
        }
    }
}

/// What a bundle says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `fwgate.bundle/1`.
    pub schema: String,
    /// The repository's id.
    pub repository: Option<String>,
    /// The version of the policy by which it was made.
    pub policy: u64,
    /// The spare that it is for.
    pub spare: Option<OnSpare>,
    /// The role whose devices it holds.
    pub role: Option<String>,
    /// The devices, sorted by name.
    pub devices: Vec<BundledDevice>,
}

/// The spare that a bundle is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnSpare {
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub site: Option<String>,
    /// What the device's interfaces are called on it.
    pub ports: BTreeMap<String, String>,
}

/// The configuration of one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundledDevice {
    /// Its name.
    pub device: String,
    /// Its roles, sorted.
    pub roles: Vec<String>,
    /// Where its configuration came from.
    pub origin: Origin,
    /// The digest of its bytes, as ledger and permits name them.
    pub bytes: String,
    /// The change that brought them.
    pub change: Option<String>,
    /// The receipt of that.
    pub receipt: Option<String>,
    /// Since when it runs them.
    pub since: Option<String>,
    /// The commit that holds them.
    pub commit: Option<String>,
    /// Its files, sorted by path.
    pub files: Vec<BundledFile>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundledFile {
    /// Its path, under `files/`.
    pub path: String,
    /// Of what the spare loads.
    pub sha256: String,
    /// Of what the device runs, where that is written otherwise.
    pub original: Option<String>,
}

/// Why a manifest is none, in one clause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ManifestFlaw(pub String);

impl Manifest {
    /// The text that stands in the archive and is signed.
    ///
    /// # Errors
    /// Never for what this module describes.
    pub fn text(&self) -> Result<String, ManifestFlaw> {
        let text = serde_json::to_string_pretty(self).map_err(|e| ManifestFlaw(e.to_string()))?;
        Ok(text + "\n")
    }
}

/// Reads a manifest. Nothing of it is believed before its signature was verified.
///
/// # Errors
/// Any text that this module would not have written.
pub fn read_manifest(bytes: &[u8]) -> Result<Manifest, ManifestFlaw> {
    let flaw = |message: &str| ManifestFlaw(message.to_owned());
    if bytes.len() > MAX_BYTES {
        return Err(flaw("the manifest is too large"));
    }
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|e| ManifestFlaw(format!("the manifest cannot be read: {e}")))?;
    if manifest.schema != BUNDLE_SCHEMA {
        return Err(ManifestFlaw(format!("the manifest is no `{BUNDLE_SCHEMA}`")));
    }
    let is_sorted = manifest.devices.windows(2).all(|w| matches!(w, [a, b] if a.device < b.device))
        && manifest.devices.iter().all(|d| d.files.windows(2).all(|w| matches!(w, [a, b] if a.path < b.path)));
    if !is_sorted || manifest.devices.is_empty() || manifest.devices.iter().any(|d| d.files.is_empty()) {
        return Err(flaw("the manifest names no device, a device without files, or something twice"));
    }
    match manifest.text()?.as_bytes() == bytes {
        true => Ok(manifest),
        false => Err(flaw("the manifest is not spelled as it must be")),
    }
}

/// The SHA-256 of some bytes, as manifests write it.
pub fn sha256_text(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256:{hex}")
}
