//! Public keys of the roster, and which kinds of them are accepted.

use super::openpgp::{Certificate, read_certificate};
use crate::gate::ReasonCode;
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, EcdsaCurve, HashAlg};

/// The shortest RSA modulus that is accepted.
const MIN_RSA_BITS: usize = 3072;

/// What a signature of a key on hardware must prove. The presence of the user always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UserCheck {
    /// Somebody touched the key.
    Presence,
    /// And gave a PIN or a finger.
    Verification,
}

/// A public key of an accepted kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    material: Material,
    fingerprint: String,
    blob: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Material {
    Ssh(KeyData),
    OpenPgp(Box<Certificate>),
}

/// Whether a key counts at an instant by what it says itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Validity {
    Good,
    NotYet,
    Expired,
    Revoked,
}

/// Why a key is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct KeyFlaw {
    /// `KEY_TYPE_REFUSED`, or `POLICY_INVALID` where it is no key at all.
    pub code: ReasonCode,
    /// In one sentence.
    pub message: String,
}

impl PublicKey {
    /// As `ssh-keygen -l` writes it: `SHA256:` and base64 without padding.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The key in the wire format, by which signatures name it; of an OpenPGP certificate, its fingerprint.
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The key as SSH has it.
    pub(super) fn ssh(&self) -> Option<&KeyData> {
        match &self.material {
            Material::Ssh(data) => Some(data),
            Material::OpenPgp(_) => None,
        }
    }

    /// The certificate that it is.
    pub fn certificate(&self) -> Option<&Certificate> {
        match &self.material {
            Material::Ssh(_) => None,
            Material::OpenPgp(certificate) => Some(certificate),
        }
    }

    /// Whether the key of this name in it (itself, or a subkey of a certificate) counts at an instant, in seconds since 1970, by
    /// what it says itself. SSH keys say nothing.
    pub fn validity(&self, key: &str, now: i64) -> Validity {
        self.certificate().map_or(Validity::Good, |certificate| certificate.validity(key, now))
    }
}

/// Whether a signing key is the one of a fingerprint, or a subkey of the certificate of that fingerprint.
pub fn is_key_of(key: &str, fingerprint: &str) -> bool {
    key.strip_prefix(fingerprint).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a text begins as an armored OpenPGP key does.
fn is_openpgp(text: &str) -> bool {
    text.trim_start().starts_with("-----BEGIN PGP ")
}

fn certificate(text: &str) -> Result<PublicKey, KeyFlaw> {
    let certificate = read_certificate(text)?;
    let (fingerprint, blob) = (certificate.fingerprint(), certificate.blob());
    Ok(PublicKey { material: Material::OpenPgp(Box::new(certificate)), fingerprint, blob })
}

/// Reads a key in the form of a `.pub` file, `algorithm base64 [comment]`, or an armored OpenPGP certificate.
///
/// # Errors
/// Options, wildcards, several lines, text that is no key; certificates, DSA, RSA under 3072 bits, weak points, other kinds.
pub fn read_public_key(text: &str) -> Result<PublicKey, KeyFlaw> {
    if is_openpgp(text) {
        return certificate(text);
    }
    check_form(text)?;
    let key = ssh_key::PublicKey::from_openssh(text)
        .map_err(|e| flaw(ReasonCode::PolicyInvalid, format!("this is no public key: {e}")))?;
    check_kind(key.key_data())?;
    let blob = key.to_bytes().map_err(|e| flaw(ReasonCode::PolicyInvalid, format!("this is no public key: {e}")))?;
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
    Ok(PublicKey { material: Material::Ssh(key.key_data().clone()), fingerprint, blob })
}

pub(super) fn flaw(code: ReasonCode, message: impl Into<String>) -> KeyFlaw {
    KeyFlaw { code, message: message.into() }
}

/// What can be said before the base64 is read.
fn check_form(text: &str) -> Result<(), KeyFlaw> {
    let kind = text.split([' ', '\t']).next().unwrap_or_default();
    let refused = |message: String| Err(flaw(ReasonCode::KeyTypeRefused, message));
    let invalid = |message: String| Err(flaw(ReasonCode::PolicyInvalid, message));
    match kind {
        _ if text.contains(['\n', '\r']) || !text.is_ascii() => invalid("a key is one line of ASCII".to_owned()),
        _ if kind.contains("-cert-") => refused(format!("`{kind}` is a certificate, not a key")),
        _ if kind.starts_with('@') || text.split([' ', ',']).any(|w| w == "cert-authority") => {
            refused("authorities that sign other keys are not accepted".to_owned())
        }
        "ssh-dss" => refused("DSA keys are not accepted".to_owned()),
        _ if kind.contains(['=', '*', '?', '"', ',']) => invalid(format!("`{kind}` is no kind of key")),
        _ => Ok(()),
    }
}

fn check_kind(data: &KeyData) -> Result<(), KeyFlaw> {
    let refused = |message: String| Err(flaw(ReasonCode::KeyTypeRefused, message));
    match data {
        KeyData::Ed25519(key) => check_point(&key.0),
        KeyData::SkEd25519(key) => check_point(&key.public_key().0),
        KeyData::SkEcdsaSha2NistP256(_) => Ok(()),
        KeyData::Rsa(key) => {
            let bytes = key.n.as_positive_bytes().unwrap_or_default();
            let bits = bytes.len() * 8 - bytes.first().map_or(0, |b| b.leading_zeros() as usize);
            if bits >= MIN_RSA_BITS {
                return Ok(());
            }
            refused(format!("an RSA key of {bits} bits is too short; {MIN_RSA_BITS} is the least"))
        }
        other => match other.algorithm() {
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 | EcdsaCurve::NistP384 } => Ok(()),
            kind => refused(format!("keys of kind `{}` are not accepted", kind.as_str())),
        },
    }
}

/// Points of small order make signatures that fit every message.
fn check_point(bytes: &[u8; 32]) -> Result<(), KeyFlaw> {
    match ed25519_dalek::VerifyingKey::from_bytes(bytes) {
        Ok(key) if !key.is_weak() => Ok(()),
        _ => Err(flaw(ReasonCode::KeyTypeRefused, "the key is a weak point of its curve")),
    }
}
