//! Whether two trees hold the same evidence, byte for byte.

use super::tree::ConfigTree;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Returns true if and only if no byte of rulesets, sets, routes, device facts, roles, zones or inventory differs: the
/// same paths with the same bytes, ignored files apart. Two single files are compared by their bytes alone.
pub fn same_evidence(one: &ConfigTree, other: &ConfigTree) -> bool {
    match (one.single_file(), other.single_file()) {
        (Some(one), Some(other)) => one.bytes == other.bytes,
        _ => one.evidence() == other.evidence(),
    }
}

/// What a tree rests on: every path with its bytes, which the files of the tree share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence(BTreeMap<(&'static str, String), Arc<[u8]>>);

impl Evidence {
    /// Notes a file; `place` keeps paths of different roots apart.
    pub(super) fn note(&mut self, place: &'static str, path: &str, bytes: &Arc<[u8]>) {
        self.0.insert((place, path.to_owned()), bytes.clone());
    }

    /// Everything that was noted, in order: place, path and SHA-256. Bytes that are shared are hashed once.
    pub(super) fn entries(&self) -> Vec<(&'static str, &str, [u8; 32])> {
        let mut sums: FxHashMap<*const u8, [u8; 32]> = FxHashMap::default();
        let mut sum = |bytes: &Arc<[u8]>| *sums.entry(bytes.as_ptr()).or_insert_with(|| Sha256::digest(bytes).into());
        self.0.iter().map(|((place, path), bytes)| (*place, path.as_str(), sum(bytes))).collect()
    }
}
