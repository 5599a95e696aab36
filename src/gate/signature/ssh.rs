//! Whether an SSH signature is good: made by this key, over these bytes, with an accepted algorithm, and where the key is
//! hardware, with the user there.

use super::envelope::Envelope;
use super::key::{PublicKey, UserCheck};
use signature::Verifier;
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, Signature, SshSig};

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFlaw {
    /// The key did not make it, or not over these bytes.
    #[error("the signature does not verify")]
    Bad,
    /// Its kind is not accepted: `KEY_TYPE_REFUSED`.
    #[error("{0}")]
    Kind(String),
    /// It verifies, and the user was not there or not verified: `KEY_TYPE_REFUSED`.
    #[error("the signature does not prove that the user was {0}")]
    User(&'static str),
}

/// Verifies that `key` made the signature over `payload`, whatever its namespace is.
///
/// # Errors
/// Another key, other bytes; SHA-1 and other algorithms than the key's; a user who was not present, or not verified where
/// `check` asks for it.
pub fn verify(envelope: &Envelope, payload: &[u8], key: &PublicKey, check: UserCheck) -> Result<(), SignatureFlaw> {
    let hash = match envelope.hash.as_str() {
        "sha256" => HashAlg::Sha256,
        "sha512" => HashAlg::Sha512,
        other => return Err(SignatureFlaw::Kind(format!("the hash `{}` is not accepted", other.escape_debug()))),
    };
    let data = key.ssh().ok_or(SignatureFlaw::Bad)?;
    check_algorithm(envelope, data)?;
    if envelope.key != key.blob() {
        return Err(SignatureFlaw::Bad);
    }
    let signed = SshSig::signed_data(&envelope.namespace, hash, payload).map_err(|_| SignatureFlaw::Bad)?;
    let signature = Signature::try_from(envelope.signature.as_slice()).map_err(|_| SignatureFlaw::Bad)?;
    data.verify(&signed, &signature).map_err(|_| SignatureFlaw::Bad)?;
    check_user(envelope.flags, check)
}

/// The algorithm must be the one of the key; of RSA's only those with SHA-2 (RFC 8332).
fn check_algorithm(envelope: &Envelope, key: &KeyData) -> Result<(), SignatureFlaw> {
    let kind = key.algorithm();
    let fits = match key {
        KeyData::Rsa(_) => matches!(envelope.algorithm.as_str(), "rsa-sha2-256" | "rsa-sha2-512"),
        _ => envelope.algorithm == kind.as_str(),
    };
    let shown = envelope.algorithm.escape_debug();
    if fits { Ok(()) } else { Err(SignatureFlaw::Kind(format!("signatures of kind `{shown}` are not accepted"))) }
}

/// Flags of the authenticator: 0x01 user present, 0x04 user verified (`PROTOCOL.u2f`).
fn check_user(flags: Option<u8>, check: UserCheck) -> Result<(), SignatureFlaw> {
    match flags {
        Some(flags) if flags & 0x01 == 0 => Err(SignatureFlaw::User("present")),
        Some(flags) if check == UserCheck::Verification && flags & 0x04 == 0 => Err(SignatureFlaw::User("verified")),
        None if check == UserCheck::Verification => Err(SignatureFlaw::User("verified")),
        _ => Ok(()),
    }
}
