//! Whether two trees hold the same evidence, byte for byte.

use super::tree::ConfigTree;

/// Returns true if and only if no byte of rulesets, sets, routes, device facts, roles, zones or inventory differs: the
/// same paths with the same bytes, ignored files apart. Two single files are compared by their bytes alone.
pub fn same_evidence(one: &ConfigTree, other: &ConfigTree) -> bool {
    match (one.single_file(), other.single_file()) {
        (Some(one), Some(other)) => one.bytes == other.bytes,
        _ => one.evidence() == other.evidence(),
    }
}
