//! Conditions that no header field can express, by the canonical names that all dialects share.

use crate::ruleset::{Match, Opaque, OpaqueKind};
use std::sync::Arc;

/// An opaque condition of this canonical name.
pub fn condition(name: impl Into<Arc<str>>, kind: OpaqueKind) -> Match {
    Match::Opaque(Opaque { name: name.into(), kind })
}
