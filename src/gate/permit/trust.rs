//! Whom a permit must be signed by before it is believed.

use super::{PERMIT_NAMESPACE, Permit, PermitFile};
use crate::gate::instant::Instant;
use crate::gate::reason::{Reason, ReasonCode};
use crate::gate::record::Digest;
use crate::gate::roster::{Owner, Roster, Standing};
use crate::gate::signature::{read_envelope, verify};
use crate::policy::Purpose;
use sha2::Digest as _;

/// Whoever knows the machines of the policy in force and can verify a signature.
pub trait PermitTrust {
    /// The id of the machine with purpose `permit` that signed these bytes in [`PERMIT_NAMESPACE`].
    ///
    /// # Errors
    /// PERMIT_UNTRUSTED, or what is wrong with the key.
    fn permit_machine(&self, signed: &[u8], signature: &str) -> Result<String, Reason>;
}

/// The machines of the policy in force, at one instant.
#[derive(Clone, Copy, Debug)]
pub struct PermitRoster<'a> {
    /// All keys.
    pub roster: &'a Roster,
    /// When the key must count.
    pub now: Instant,
}

impl PermitTrust for PermitRoster<'_> {
    fn permit_machine(&self, signed: &[u8], signature: &str) -> Result<String, Reason> {
        let envelope = read_envelope(signature).ok_or_else(|| untrusted("the permit holds no SSH signature"))?;
        let Some(holder) = self.roster.holder(&envelope.key) else {
            return Err(untrusted("the permit is signed by a key that is not in the roster"));
        };
        let id = match &holder.owner {
            Owner::Machine(id, Purpose::Permit) => id,
            other => {
                return Err(untrusted(format!("the permit is signed by `{}`, who may not give permits", other.id())));
            }
        };
        if !envelope.is_exact || envelope.namespace != PERMIT_NAMESPACE {
            return Err(untrusted(format!("the permit's signature is not one in `{PERMIT_NAMESPACE}`")));
        }
        if holder.standing(self.now) != Standing::Good {
            return Err(untrusted(format!("the key of `{id}` does not count now")));
        }
        match verify(&envelope, signed, &holder.key, holder.check) {
            Ok(()) => Ok(id.clone()),
            Err(_) => Err(untrusted(format!("the permit is not what `{id}` signed"))),
        }
    }
}

/// A permit whose signature was verified: the only thing with which a push can begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedPermit {
    permit: Permit,
    digest: Digest,
    machine: String,
    file: String,
}

impl VerifiedPermit {
    /// What it says.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// The SHA-256 of the whole file.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The file as it was read.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The machine that signed it.
    pub fn machine(&self) -> &str {
        &self.machine
    }
}

impl PermitFile {
    /// The permit, believed.
    ///
    /// # Errors
    /// The signature is not by a machine whose purpose it is.
    pub fn verify(self, trust: &dyn PermitTrust) -> Result<VerifiedPermit, Reason> {
        let machine = trust.permit_machine(&self.signed, &self.signature)?;
        let file = self.permit.file(&self.signature);
        let digest = Digest(sha2::Sha256::digest(file.as_bytes()).into());
        Ok(VerifiedPermit { permit: self.permit, digest, machine, file })
    }
}

/// A permit that cannot be believed.
pub fn untrusted(message: impl Into<String>) -> Reason {
    Reason::new(
        ReasonCode::PermitUntrusted,
        message,
        "take a permit from the machine whose purpose it is: fwgate permit CHANGE",
    )
}
