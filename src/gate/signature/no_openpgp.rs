//! OpenPGP in a build without the feature `openpgp`: recognised, and refused.

use super::key::{KeyFlaw, Validity, flaw};
use super::ssh::SignatureFlaw;
use crate::gate::ReasonCode;

/// A certificate: there is none in such a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {}

/// A signature: there is none in such a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenPgpSeal {}

/// Reads no certificate.
///
/// # Errors
/// Always `KEY_TYPE_REFUSED`.
pub fn read_certificate(_: &str) -> Result<Certificate, KeyFlaw> {
    Err(flaw(ReasonCode::KeyTypeRefused, "this build of fwgate does not accept OpenPGP keys (cargo feature `openpgp`)"))
}

/// Reads no signature.
///
/// # Errors
/// Always.
pub fn read_seal(_: &str) -> Result<OpenPgpSeal, String> {
    Err("OpenPGP signatures are not accepted by this build (cargo feature `openpgp`)".to_owned())
}

impl Certificate {
    /// Nothing has one.
    pub fn fingerprint(&self) -> String {
        match *self {}
    }

    /// Nothing has them.
    pub fn blob(&self) -> Vec<u8> {
        match *self {}
    }

    /// Nothing has them.
    pub fn fingerprints(&self) -> std::iter::Empty<String> {
        match *self {}
    }

    /// Nothing has it.
    pub fn validity(&self, _: &str, _: i64) -> Validity {
        match *self {}
    }
}

impl OpenPgpSeal {
    /// Nothing is.
    pub fn is_exact(&self) -> bool {
        match *self {}
    }

    /// Nothing was.
    pub fn made(&self) -> i64 {
        match *self {}
    }

    /// Nobody.
    pub fn issuer(&self) -> String {
        match *self {}
    }

    /// Nothing is.
    pub fn is_by(&self, _: &Certificate) -> bool {
        match *self {}
    }

    /// Nothing does.
    ///
    /// # Errors
    /// None.
    pub fn verify(&self, _: &[u8], _: &Certificate) -> Result<String, SignatureFlaw> {
        match *self {}
    }
}
