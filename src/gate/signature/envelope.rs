//! The armored SSH signature as it stands, before anything of it is verified.

use super::wire::Wire;
use base64ct::{Base64, Base64Unpadded, Encoding};

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// More characters than any armored signature has: RSA of 16384 bits needs 6000.
const MAX_ARMOR: usize = 32 << 10;

/// An SSH signature (`PROTOCOL.sshsig`), taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The public key that it says made it, in the wire format.
    pub key: Vec<u8>,
    /// The kind of that key: `ssh-ed25519`.
    pub key_kind: String,
    /// What it is for.
    pub namespace: String,
    /// The hash of the message: `sha256` or `sha512`, or something else.
    pub hash: String,
    /// The algorithm of the signature: `rsa-sha2-512`.
    pub algorithm: String,
    /// The signature, algorithm and trailer included, in the wire format.
    pub signature: Vec<u8>,
    /// The flags of a key on hardware: bit 0 user present, bit 2 user verified (`PROTOCOL.u2f`).
    pub flags: Option<u8>,
    /// Whether this is the one way to write it: version 1, nothing reserved, no byte and no line too many.
    pub is_exact: bool,
}

impl Envelope {
    /// The fingerprint of the key that it names, as `ssh-keygen -l` writes it.
    pub fn fingerprint(&self) -> String {
        use sha2::Digest as _;
        format!("SHA256:{}", Base64Unpadded::encode_string(&sha2::Sha256::digest(&self.key)))
    }
}

/// Takes an armored SSH signature apart; `None` where the text holds none.
pub fn read_envelope(armor: &str) -> Option<Envelope> {
    if armor.len() > MAX_ARMOR {
        return None;
    }
    let (before, rest) = armor.split_once(BEGIN)?;
    let (body, after) = rest.split_once(END)?;
    let blob = Base64::decode_vec(&body.split_ascii_whitespace().collect::<String>()).ok()?;
    let envelope = open(&blob)?;
    let tidy = before.is_empty() && matches!(after, "" | "\n") && is_tidy(body);
    Some(Envelope { is_exact: envelope.is_exact && tidy, ..envelope })
}

/// Whether the lines between begin and end are as OpenSSH writes them: all but the last equally long, no blank in between.
fn is_tidy(body: &str) -> bool {
    let Some(lines) = body.strip_prefix('\n').and_then(|b| b.strip_suffix('\n')) else { return false };
    let width = lines.split('\n').next().map_or(0, str::len);
    let mut left = lines.split('\n').count();
    lines.split('\n').all(|line| {
        left -= 1;
        let fits = if left == 0 { (1..=width).contains(&line.len()) } else { line.len() == width };
        fits && !line.contains([' ', '\t', '\r'])
    })
}

fn open(blob: &[u8]) -> Option<Envelope> {
    let mut wire = Wire::new(blob);
    if wire.take(6)? != b"SSHSIG" {
        return None;
    }
    let version = wire.number()?;
    let key = wire.string()?;
    let namespace = wire.text()?;
    let reserved = wire.string()?;
    let hash = wire.text()?;
    let signature = wire.string()?;
    let (algorithm, flags, whole) = open_signature(signature)?;
    Some(Envelope {
        key: key.to_vec(),
        key_kind: Wire::new(key).text()?.to_owned(),
        namespace: namespace.to_owned(),
        hash: hash.to_owned(),
        algorithm: algorithm.to_owned(),
        signature: signature.to_vec(),
        flags,
        is_exact: version == 1 && reserved.is_empty() && whole && wire.is_empty(),
    })
}

/// Algorithm, flags, and whether nothing stands behind them.
fn open_signature(signature: &[u8]) -> Option<(&str, Option<u8>, bool)> {
    let mut wire = Wire::new(signature);
    let algorithm = wire.text()?;
    wire.string()?;
    if !algorithm.starts_with("sk-") {
        return Some((algorithm, None, wire.is_empty()));
    }
    let flags = wire.take(1)?.first().copied()?;
    wire.number()?;
    Some((algorithm, Some(flags), wire.is_empty()))
}
