//! Whether two trees hold the same evidence, byte for byte.

use super::tree::ConfigTree;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Returns true if and only if no byte of rulesets, sets, routes, device facts, roles, zones or inventory differs: the
/// same paths with the same bytes, ignored files apart. Two single files are compared by their bytes alone.
pub fn same_evidence(one: &ConfigTree, other: &ConfigTree) -> bool {
    match (one.single_file(), other.single_file()) {
        (Some(one), Some(other)) => one.bytes == other.bytes,
        _ => one.evidence() == other.evidence(),
    }
}

/// What a tree rests on: every path with the SHA-256 of its bytes, so that two trees are compared without
/// holding both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence(BTreeMap<(&'static str, String), [u8; 32]>);

impl Evidence {
    /// Notes a file; `place` keeps paths of different roots apart.
    pub(super) fn note(&mut self, place: &'static str, path: &str, bytes: &[u8]) {
        self.0.insert((place, path.to_owned()), Sha256::digest(bytes).into());
    }
}
