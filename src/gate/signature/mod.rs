//! Signatures: by whom, over what, for what. Keys and signatures are parsed and verified here; no program is asked.
//!
//! SSH signatures have the form of OpenSSH's `PROTOCOL.sshsig`, keys on hardware that of `PROTOCOL.u2f`. The clock is the gate's: nothing that a commit says about time has a part in it.

mod envelope;
mod key;
mod ssh;
mod wire;

pub use envelope::{Envelope, read_envelope};
pub use key::{KeyFlaw, PublicKey, UserCheck, read_public_key};
pub use ssh::{SignatureFlaw, verify};

/// The namespace in which persons sign: git's own.
pub const PERSON_NAMESPACE: &str = "git";
