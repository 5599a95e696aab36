//! OpenPGP certificates of the roster, and signatures by them (RFC 9580), where the build has the feature `openpgp`.
//!
//! Stricter than programs that people use at a terminal: SHA-1 and MD5 count nowhere, not in a certificate's own signatures
//! either; neither do DSA and RSA under 3072 bits, several signatures of one commit, signatures over text, and a revocation that
//! cannot be verified. Whether a key counts is asked at the gate's instant, whatever a signature says about time.

use super::key::{KeyFlaw, Validity, flaw};
use super::ssh::SignatureFlaw;
use crate::gate::ReasonCode;
use base64ct::{Base64, Encoding};
use pgp::composed::{Deserializable, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Packet, PacketParser, Signature, SignatureType, SignatureVersion, SubpacketData};
use pgp::types::{EcdsaPublicParams, EddsaLegacyPublicParams, Fingerprint, KeyDetails, KeyVersion, PublicParams, Tag};
use rsa::traits::PublicKeyParts;

const BEGIN_KEY: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END_KEY: &str = "-----END PGP PUBLIC KEY BLOCK-----";
const BEGIN_SEAL: &str = "-----BEGIN PGP SIGNATURE-----\n";
const END_SEAL: &str = "-----END PGP SIGNATURE-----";

/// More than any certificate of a roster has.
const MAX_KEY: usize = 64 << 10;
/// More characters than any armored signature has.
const MAX_SEAL: usize = 32 << 10;
/// The shortest RSA modulus that is accepted, in bytes.
const MIN_RSA: usize = 384;

/// A certificate: a primary key with what it says about itself and its subkeys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    key: SignedPublicKey,
    components: Vec<Component>,
}

/// A key of a certificate that may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Component {
    /// `OPENPGP:HEX`, of a subkey with `/HEX` behind it.
    name: String,
    /// Its place among the subkeys; the primary key has none.
    subkey: Option<usize>,
    fingerprint: Fingerprint,
    key_id: pgp::types::KeyId,
    made: i64,
    ends: Option<i64>,
    is_revoked: bool,
    /// Why signatures by it are refused.
    flaw: Option<String>,
}

/// Reads an armored certificate.
///
/// # Errors
/// Text that is no single public certificate; a version, kind, length or hash that is not accepted; a revocation that cannot be
/// verified; no key in it that may sign.
pub fn read_certificate(text: &str) -> Result<Certificate, KeyFlaw> {
    let invalid = |message: &str| flaw(ReasonCode::PolicyInvalid, message);
    let text = text.trim();
    let is_one = text.starts_with(BEGIN_KEY) && text.ends_with(END_KEY) && text.matches("-----BEGIN").count() == 1;
    if !is_one || !text.is_ascii() || text.len() > MAX_KEY {
        return Err(invalid("this is no single armored OpenPGP public key of at most 64 KiB"));
    }
    let unread =
        |e: pgp::errors::Error| flaw(ReasonCode::PolicyInvalid, format!("this OpenPGP key cannot be read: {e}"));
    let (keys, _) = SignedPublicKey::from_string_many(text).map_err(unread)?;
    let mut keys = keys.collect::<Result<Vec<_>, _>>().map_err(unread)?;
    match (keys.pop(), keys.is_empty()) {
        (Some(key), true) => Certificate::of(key),
        _ => Err(invalid("an entry of the roster is one OpenPGP key, not several")),
    }
}

fn refused<T>(message: impl Into<String>) -> Result<T, KeyFlaw> {
    Err(flaw(ReasonCode::KeyTypeRefused, message))
}

impl Certificate {
    fn of(key: SignedPublicKey) -> Result<Certificate, KeyFlaw> {
        if !matches!(key.primary_key.version(), KeyVersion::V4 | KeyVersion::V6) {
            return refused("OpenPGP keys of other versions than 4 and 6 are not accepted");
        }
        if let Some(weakness) = weakness(key.primary_key.public_params()) {
            return refused(weakness);
        }
        let is_revoked = revoked(&key.details.revocation_signatures, |s| s.verify_key(&key.primary_key).is_ok())?;
        let Some(own) = latest(self_signatures(&key)) else {
            return refused(
                "the OpenPGP key has no signature over itself that verifies and is made with SHA-2 or SHA-3",
            );
        };
        let ends = ends(&key.primary_key, own);
        let primary = Component {
            name: name(&key.primary_key.fingerprint()),
            subkey: None,
            fingerprint: key.primary_key.fingerprint(),
            key_id: key.primary_key.legacy_key_id(),
            made: seconds(key.primary_key.created_at()),
            ends,
            is_revoked,
            flaw: (!own.key_flags().sign()).then(|| "the OpenPGP primary key is not for signing".to_owned()),
        };
        let mut components = vec![primary];
        for (at, subkey) in key.public_subkeys.iter().enumerate() {
            let first = components.first().cloned();
            components.extend(first.and_then(|primary| of_subkey(&key, &primary, at, subkey)));
        }
        match components.iter().any(|c| c.flaw.is_none()) {
            true => Ok(Certificate { key, components }),
            false => refused("no key in the OpenPGP certificate may sign"),
        }
    }

    /// `OPENPGP:` and the fingerprint of the primary key in upper-case hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        name(&self.key.primary_key.fingerprint())
    }

    /// Bytes that no other key of a roster has.
    pub fn blob(&self) -> Vec<u8> {
        self.fingerprint().into_bytes()
    }

    /// Fingerprints of all its keys that could sign: two persons may share none.
    pub fn fingerprints(&self) -> impl Iterator<Item = String> {
        self.components.iter().map(|c| name(&c.fingerprint))
    }

    /// Whether a key of this name counts at an instant, in seconds since 1970.
    pub fn validity(&self, key: &str, now: i64) -> Validity {
        match self.components.iter().find(|c| c.name == key) {
            Some(c) if c.is_revoked => Validity::Revoked,
            Some(c) if now < c.made => Validity::NotYet,
            Some(c) if c.ends.is_some_and(|end| end <= now) => Validity::Expired,
            Some(_) => Validity::Good,
            None => Validity::Revoked,
        }
    }
}

/// A subkey that is, or was, for signing.
fn of_subkey(key: &SignedPublicKey, primary: &Component, at: usize, subkey: &SignedPublicSubKey) -> Option<Component> {
    let binds = |s: &&Signature| {
        s.typ() == Some(SignatureType::SubkeyBinding)
            && is_strong(s)
            && s.verify_subkey_binding(&key.primary_key, &subkey.key).is_ok()
    };
    let binding = latest(subkey.signatures.iter().filter(binds).collect())?;
    if !binding.key_flags().sign() {
        return None;
    }
    let is_backed = binding
        .embedded_signature()
        .is_some_and(|s| is_strong(s) && s.verify_primary_key_binding(&subkey.key, &key.primary_key).is_ok());
    let revocations: Vec<&Signature> =
        subkey.signatures.iter().filter(|s| s.typ() == Some(SignatureType::SubkeyRevocation)).collect();
    let own_end = ends(&subkey.key, binding);
    let not_bound = "the OpenPGP subkey does not say itself that it belongs to its primary key".to_owned();
    Some(Component {
        name: format!("{}/{:X}", primary.name, subkey.key.fingerprint()),
        subkey: Some(at),
        fingerprint: subkey.key.fingerprint(),
        key_id: subkey.key.legacy_key_id(),
        made: seconds(subkey.key.created_at()),
        ends: [own_end, primary.ends].into_iter().flatten().min(),
        // One that cannot be verified is believed: nobody but the holder gains by leaving it out.
        is_revoked: primary.is_revoked || !revocations.is_empty(),
        flaw: weakness(subkey.key.public_params()).or((!is_backed).then_some(not_bound)),
    })
}

/// Whether there are revocations; each must verify, so that none is taken for noise.
fn revoked(all: &[Signature], verifies: impl Fn(&Signature) -> bool) -> Result<bool, KeyFlaw> {
    match all.iter().all(verifies) {
        true => Ok(!all.is_empty()),
        false => refused("a revocation of the OpenPGP key cannot be verified"),
    }
}

/// What a certificate says of itself: signatures over the key, and over names that were not taken back.
fn self_signatures(key: &SignedPublicKey) -> Vec<&Signature> {
    let primary = &key.primary_key;
    let direct = key.details.direct_signatures.iter().filter(|s| s.verify_key(primary).is_ok());
    let of_users = key.details.users.iter().flat_map(|user| {
        let own = |s: &&Signature| s.verify_certification(primary, Tag::UserId, &user.id).is_ok();
        let all: Vec<&Signature> = user.signatures.iter().filter(own).collect();
        let is_back = all.iter().any(|s| s.typ() == Some(SignatureType::CertRevocation));
        if is_back { Vec::new() } else { all }
    });
    direct.chain(of_users).filter(|s| is_strong(s)).collect()
}

fn latest(all: Vec<&Signature>) -> Option<&Signature> {
    all.into_iter().filter(|s| s.created().is_some()).max_by_key(|s| s.created())
}

/// When a key ends by its latest signature; `None` where it does not.
fn ends(key: &impl KeyDetails, own: &Signature) -> Option<i64> {
    let length = own.key_expiration_time().map(|d| i64::from(d.as_secs())).filter(|length| *length > 0);
    length.map(|length| seconds(key.created_at()) + length)
}

fn seconds(at: pgp::types::Timestamp) -> i64 {
    i64::from(at.as_secs())
}

fn name(fingerprint: &Fingerprint) -> String {
    format!("OPENPGP:{fingerprint:X}")
}

fn is_strong(signature: &Signature) -> bool {
    use HashAlgorithm::{Sha3_256, Sha3_512, Sha256, Sha384, Sha512};
    let is_known = matches!(signature.version(), SignatureVersion::V4 | SignatureVersion::V6);
    is_known && matches!(signature.hash_alg(), Some(Sha256 | Sha384 | Sha512 | Sha3_256 | Sha3_512))
}

/// Why keys of this kind are not accepted.
fn weakness(params: &PublicParams) -> Option<String> {
    match params {
        PublicParams::Ed25519(_) | PublicParams::EdDSALegacy(EddsaLegacyPublicParams::Ed25519 { .. }) => None,
        PublicParams::ECDSA(EcdsaPublicParams::P256 { .. } | EcdsaPublicParams::P384 { .. }) => None,
        PublicParams::RSA(rsa) if rsa.key.size() >= MIN_RSA => None,
        PublicParams::RSA(rsa) => {
            Some(format!("an OpenPGP RSA key of {} bits is too short; 3072 is the least", rsa.key.size() * 8))
        }
        _ => Some("an OpenPGP key must be Ed25519, ECDSA over P-256 or P-384, or RSA".to_owned()),
    }
}

/// The one signature of an armored block, taken apart and not verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPgpSeal {
    signature: Signature,
    made: i64,
    is_exact: bool,
}

/// Takes an armored signature apart.
///
/// # Errors
/// Anything but one signature over binary data, made with SHA-2 or SHA-3, that says when it was made and does not end by itself.
pub fn read_seal(armor: &str) -> Result<OpenPgpSeal, String> {
    let bytes = dearmored(armor).ok_or("the OpenPGP signature cannot be read")?;
    let packets: Vec<_> = PacketParser::new(bytes.as_slice()).take(3).collect();
    let signature = match packets.as_slice() {
        [Ok(Packet::Signature(signature))] => signature.clone(),
        [Ok(_), _, ..] => return Err("several OpenPGP signatures stand where one belongs".to_owned()),
        _ => return Err("the OpenPGP signature cannot be read".to_owned()),
    };
    let Some(config) = signature.config().filter(|_| signature.typ() == Some(SignatureType::Binary)) else {
        return Err("an OpenPGP signature must be one over binary data".to_owned());
    };
    if !is_strong(&signature) {
        return Err("an OpenPGP signature must be made with SHA-2 or SHA-3".to_owned());
    }
    if signature.signature_expiration_time().is_some_and(|d| d.as_secs() > 0) {
        return Err("an OpenPGP signature that ends by itself is not accepted".to_owned());
    }
    if let Some(odd) = config.hashed_subpackets().find(|p| p.is_critical && !is_understood(&p.data)) {
        return Err(format!("the OpenPGP signature demands something that is not understood: {:?}", odd.typ()));
    }
    let made = signature.created().map(seconds).ok_or("the OpenPGP signature does not say when it was made")?;
    let is_who =
        |data: &SubpacketData| matches!(data, SubpacketData::IssuerKeyId(_) | SubpacketData::IssuerFingerprint(_));
    let is_plain = config.unhashed_subpackets().all(|p| is_who(&p.data));
    let is_whole = pgp::packet::PacketTrait::write_len_with_header(&signature) == bytes.len();
    Ok(OpenPgpSeal { is_exact: is_plain && is_whole, signature, made })
}

fn is_understood(data: &SubpacketData) -> bool {
    matches!(
        data,
        SubpacketData::SignatureCreationTime(_)
            | SubpacketData::SignatureExpirationTime(_)
            | SubpacketData::IssuerKeyId(_)
            | SubpacketData::IssuerFingerprint(_)
            | SubpacketData::SignersUserID(_)
    )
}

/// The bytes of an armored block; what stands in the lines before the empty one is no part of them.
fn dearmored(armor: &str) -> Option<Vec<u8>> {
    let inner = armor.strip_prefix(BEGIN_SEAL).filter(|_| armor.len() <= MAX_SEAL)?;
    let inner = inner.trim_end_matches('\n').strip_suffix(END_SEAL)?;
    let (_, body) = if let Some(body) = inner.strip_prefix('\n') { ("", body) } else { inner.split_once("\n\n")? };
    let lines = body.lines().filter(|line| !line.starts_with('='));
    Base64::decode_vec(&lines.collect::<String>()).ok()
}

impl OpenPgpSeal {
    /// Whether this is the one way to write it: no byte too many, nothing beside the signed part but who made it.
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// When it says it was made, in seconds since 1970.
    pub fn made(&self) -> i64 {
        self.made
    }

    /// Who made it, as it says: a fingerprint, or the short form of one.
    pub fn issuer(&self) -> String {
        let fingerprint = self.signature.issuer_fingerprint().first().map(|f| name(f));
        let key_id =
            || self.signature.issuer_key_id().first().map(|id| format!("OPENPGP:{}", id.to_string().to_uppercase()));
        fingerprint.or_else(key_id).unwrap_or_else(|| "OPENPGP:?".to_owned())
    }

    fn component<'c>(&self, certificate: &'c Certificate) -> Option<&'c Component> {
        let fingerprints = self.signature.issuer_fingerprint();
        let ids = self.signature.issuer_key_id();
        certificate.components.iter().find(|c| match fingerprints.is_empty() {
            true => ids.contains(&&c.key_id),
            false => fingerprints.contains(&&c.fingerprint),
        })
    }

    /// Whether it says that a key of this certificate made it.
    pub fn is_by(&self, certificate: &Certificate) -> bool {
        self.component(certificate).is_some()
    }

    /// Verifies that a key of the certificate made it over `payload`; the key's name.
    ///
    /// # Errors
    /// Another key, other bytes, a key that may not sign, a date before that of the key.
    pub fn verify(&self, payload: &[u8], certificate: &Certificate) -> Result<String, SignatureFlaw> {
        let component = self.component(certificate).ok_or(SignatureFlaw::Bad)?;
        if let Some(flaw) = &component.flaw {
            return Err(SignatureFlaw::Kind(flaw.clone()));
        }
        let verified = match component.subkey.and_then(|at| certificate.key.public_subkeys.get(at)) {
            Some(subkey) => self.signature.verify(&subkey.key, payload),
            None => self.signature.verify(&certificate.key.primary_key, payload),
        };
        verified.map_err(|_| SignatureFlaw::Bad)?;
        match self.made < component.made {
            true => Err(SignatureFlaw::Kind("the OpenPGP signature is dated before its key".to_owned())),
            false => Ok(component.name.clone()),
        }
    }
}
