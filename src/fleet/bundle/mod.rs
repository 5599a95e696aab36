//! Bundles: what spare hardware is loaded with before it is needed.
//!
//! A bundle is an archive of configurations, one of each device that the spare may stand in for, with a manifest that says
//! where each came from. Where the ports of the spare are called otherwise, the files are written anew with the names of the
//! spare, and the bundle holds the originals beside them, so that anybody can prove again that both mean the same.
//!
//! ```text
//! manifest.json                      fwgate.bundle/1; what is signed
//! files/devices/edge1/rules.v4       what the spare loads
//! original/devices/edge1/rules.v4    what the device runs, where that is written otherwise
//! ```
//!
//! One content has one archive: members sorted by name, owner, mode and time fixed. An archive that this module would not have
//! written is refused, whatever it holds: links, folders, names twice, paths that leave it.

mod archive;
mod manifest;
mod mapped;
mod ports;
mod renamed;

pub use archive::{BundleError, MAX_ARCHIVE, pack, unpack};
pub use manifest::{
    BUNDLE_SCHEMA, BundledDevice, BundledFile, Manifest, ManifestFlaw, OnSpare, Origin, read_manifest, sha256_text,
};
pub use mapped::{Composed, MappingError, Written, map_device, prove};
pub use ports::{PortMap, Unmapped};

use super::tree::TreeFile;

/// The signature namespace of bundles.
pub const BUNDLE_NAMESPACE: &str = "fwgate-bundle@v1";

/// A bundle, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// What it says of itself.
    pub manifest: Manifest,
    /// The files that the spare loads, sorted by path.
    pub files: Vec<TreeFile>,
    /// The files of the devices, where those of the spare are written otherwise; sorted by path.
    pub originals: Vec<TreeFile>,
}

impl Bundle {
    /// The files of one device as the spare loads them.
    pub fn files_of(&self, device: &BundledDevice) -> Vec<TreeFile> {
        device.files.iter().filter_map(|file| find(&self.files, &file.path)).cloned().collect()
    }

    /// The files of one device as the device itself runs them.
    pub fn originals_of(&self, device: &BundledDevice) -> Vec<TreeFile> {
        let one = |file: &BundledFile| find(&self.originals, &file.path).or_else(|| find(&self.files, &file.path));
        device.files.iter().filter_map(one).cloned().collect()
    }
}

fn find<'f>(files: &'f [TreeFile], path: &str) -> Option<&'f TreeFile> {
    files.iter().find(|file| file.path == path)
}

#[cfg(test)]
mod tests;
