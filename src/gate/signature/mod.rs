//! Signatures: by whom, over what, for what. Keys and signatures are parsed and verified here; no program is asked.
//!
//! SSH signatures have the form of OpenSSH's `PROTOCOL.sshsig`, keys on hardware that of `PROTOCOL.u2f`,
//! OpenPGP (cargo feature `openpgp`) that of RFC 9580. The clock is the gate's: nothing that a commit says about time has a part in it.

mod envelope;
mod key;
#[cfg_attr(not(feature = "openpgp"), path = "no_openpgp.rs")]
mod openpgp;
mod ssh;
mod wire;

pub use envelope::{Envelope, read_envelope};
pub use key::{KeyFlaw, PublicKey, UserCheck, Validity, is_key_of, read_public_key};
pub use openpgp::{Certificate, OpenPgpSeal, read_seal};
pub use ssh::{SignatureFlaw, verify};

/// The namespace in which persons sign: git's own.
pub const PERSON_NAMESPACE: &str = "git";
