//! Devices and the trees of configuration that hold them.

mod device_toml;
mod digest;
mod evidence;
mod names;
pub mod namespace;
pub mod transport;
pub mod tree;

pub use device_toml::{DeviceToml, read_device_toml};
pub use digest::EvidenceDigest;
pub use evidence::same_evidence;
pub use names::{Naming, check_device_name};
