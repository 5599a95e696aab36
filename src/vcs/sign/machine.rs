//! A machine's signature, made in this process by a key file without a passphrase.

use super::SigningError;
use ssh_key::{HashAlg, LineEnding, PrivateKey};
use std::path::Path;

/// More bytes than any key file has.
const MAX_KEY: u64 = 64 << 10;

/// Signs `payload` in `namespace` with the private key of a file; the armored signature.
///
/// # Errors
/// A file that cannot be read or is too large, that others can read, that holds no key, or one with a passphrase.
pub fn sign_by_machine(key: &Path, namespace: &str, payload: &[u8]) -> Result<String, SigningError> {
    let private = private_key(key)?;
    let flaw = |reason: String| SigningError::Key { path: key.display().to_string(), reason };
    let signature = private.sign(namespace, HashAlg::Sha512, payload).map_err(|e| flaw(e.to_string()))?;
    signature.to_pem(LineEnding::LF).map_err(|e| flaw(e.to_string()))
}

/// The public key of a machine's private key, in the form of `authorized_keys`.
///
/// # Errors
/// As [`sign_by_machine`].
pub fn public_key_of(key: &Path) -> Result<String, SigningError> {
    let public = private_key(key)?.public_key().to_openssh();
    public.map_err(|e| SigningError::Key { path: key.display().to_string(), reason: e.to_string() })
}

fn private_key(key: &Path) -> Result<PrivateKey, SigningError> {
    let flaw = |reason: String| SigningError::Key { path: key.display().to_string(), reason };
    let facts = std::fs::metadata(key).map_err(|e| flaw(e.to_string()))?;
    if facts.len() > MAX_KEY || !facts.is_file() {
        return Err(flaw("it is no key file".to_owned()));
    }
    if is_open(&facts) {
        return Err(flaw("others can read it".to_owned()));
    }
    let text = std::fs::read(key).map_err(|e| flaw(e.to_string()))?;
    // A key that went through a store of secrets may have lost its last line break, or got another one.
    let private = PrivateKey::from_openssh(text.trim_ascii()).map_err(|e| flaw(e.to_string()))?;
    if private.is_encrypted() {
        return Err(flaw("it has a passphrase, which a machine cannot type".to_owned()));
    }
    Ok(private)
}

#[cfg(unix)]
fn is_open(facts: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    facts.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open(_: &std::fs::Metadata) -> bool {
    false
}
