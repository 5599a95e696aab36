//! Signatures that were verified. Whether one is good depends on its own bytes, what it is over and the key alone, so each is
//! verified once in a run, however often the branch that it is on is read. What nobody has asked for is not here, and nothing of
//! it outlives the process.

use super::commit::Seal;
use super::record::Digest;
use super::signature::{Envelope, PublicKey, SignatureFlaw, UserCheck, verify};
use rustc_hash::FxHashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What was verified by all who share this.
#[derive(Clone, Debug, Default)]
pub struct Proven {
    known: Arc<Mutex<FxHashMap<Digest, Result<(), SignatureFlaw>>>>,
}

impl Proven {
    /// How many signatures were verified.
    pub fn count(&self) -> usize {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Verifies that `key` made the signature over its payload.
    ///
    /// # Errors
    /// As [`verify`].
    pub(super) fn verify(
        &self,
        envelope: &Envelope,
        seal: &Seal,
        key: &PublicKey,
        check: UserCheck,
    ) -> Result<(), SignatureFlaw> {
        let name = name(seal, key, check);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        known.unwrap_or_else(|| {
            let found = verify(envelope, &seal.payload, key, check);
            self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name, found.clone());
            found
        })
    }
}

/// A digest of everything that the answer depends on. The envelope is what the armor says.
fn name(seal: &Seal, key: &PublicKey, check: UserCheck) -> Digest {
    use sha2::Digest as _;
    let mut hash = sha2::Sha256::new();
    for part in [seal.armor.as_bytes(), &seal.payload, key.blob()] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.update([u8::from(check == UserCheck::Verification)]);
    Digest(hash.finalize().into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::gate::signature::{read_envelope, read_public_key};
    use ssh_key::private::{Ed25519Keypair, KeypairData};
    use ssh_key::{HashAlg, LineEnding, PrivateKey};

    fn private(seed: u8) -> PrivateKey {
        PrivateKey::new(KeypairData::from(Ed25519Keypair::from_seed(&[seed; 32])), "").unwrap()
    }

    fn sealed(by: &PrivateKey, over: &[u8], payload: &[u8]) -> Seal {
        let armor = by.sign("git", HashAlg::Sha512, over).unwrap().to_pem(LineEnding::LF).unwrap();
        Seal { armor, payload: payload.to_vec() }
    }

    #[test]
    fn a_signature_is_verified_once_and_no_answer_is_another_ones() {
        let (own, other) = (private(1), private(2));
        let [key, wrong] = [&own, &other].map(|k| read_public_key(&k.public_key().to_openssh().unwrap()).unwrap());
        let (good, forged) = (sealed(&own, b"this", b"this"), sealed(&own, b"this", b"that"));
        let proven = Proven::default();
        let verify =
            |seal: &Seal, key: &PublicKey, check| proven.verify(&read_envelope(&seal.armor).unwrap(), seal, key, check);
        for _ in 0..2 {
            assert_eq!(verify(&good, &key, UserCheck::Presence), Ok(()));
            assert_eq!(verify(&forged, &key, UserCheck::Presence), Err(SignatureFlaw::Bad));
            assert_eq!(verify(&good, &wrong, UserCheck::Presence), Err(SignatureFlaw::Bad));
            assert_eq!(verify(&good, &key, UserCheck::Verification), Err(SignatureFlaw::User("verified")));
        }
        assert_eq!(proven.count(), 4);
    }
}
