//! Signatures of machines over bytes that are no commits: bundles; and whose key a public key is.

use super::instant::Instant;
use super::roster::{Owner, Roster, Standing};
use super::signature::{read_envelope, read_public_key, verify};
use crate::policy::Purpose;

/// The id of the machine with this purpose that signed these bytes in the namespace of its purpose, with a key that counts at
/// this instant.
///
/// # Errors
/// In one clause, why the signature does not count.
pub fn seal_of_machine(
    roster: &Roster,
    purpose: Purpose,
    signed: &[u8],
    armor: &str,
    now: Instant,
) -> Result<String, String> {
    let envelope = read_envelope(armor).ok_or("there is no SSH signature in it")?;
    let holder = roster
        .holder(&envelope.key)
        .ok_or_else(|| format!("it is by {}, a key of nobody of the roster", envelope.fingerprint()))?;
    let id = match &holder.owner {
        Owner::Machine(id, own) if *own == purpose => id,
        other => return Err(format!("it is by `{}`, whose key is not for that", other.id())),
    };
    if !envelope.is_exact || envelope.namespace != purpose.namespace() {
        return Err(format!("it is not one in `{}`", purpose.namespace()));
    }
    if holder.standing(now) != Standing::Good {
        return Err(format!("the key of `{id}` does not count now"));
    }
    verify(&envelope, signed, &holder.key, holder.check).map_err(|_| format!("it is not over what `{id}` signed"))?;
    Ok(id.clone())
}

/// Whose key a public key is, in the form of `authorized_keys`, and whether it counts at this instant.
pub fn whose_key(roster: &Roster, text: &str, now: Instant) -> Option<(Owner, Standing)> {
    let key = read_public_key(text).ok()?;
    let holder = roster.holder(key.blob())?;
    Some((holder.owner.clone(), holder.standing(now)))
}
