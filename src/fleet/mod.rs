//! Devices and the trees of configuration that hold them.

pub mod bundle;
mod digest;
pub mod drift;
mod evidence;
mod names;
pub mod namespace;
pub mod normal;
mod readback;
pub mod transport;
pub mod tree;

pub use digest::EvidenceDigest;
pub use evidence::same_evidence;
pub use names::{Naming, check_device_name};
pub use readback::{
    Converged, Difference, Foreign, Readback, ReadbackError, RouteDifference, RoutesRead, compare_readback,
};
