//! Who signed a text, and who may take a push back: one person with the right to operate, proved by a signature and nothing
//! else, so that neither a window, nor an approval, nor a ledger that does not answer stands in the way.

use super::believed::{self, Stranger};
use super::commit::Seal;
use super::decide::may_roll_back;
use super::instant::Instant;
use super::reason::{Reason, ReasonCode};
use super::roster::{Owner, Roster};
use super::signature::PERSON_NAMESPACE;
use crate::policy::Policy;

/// The id of the person with the right to operate who signed a text, by the keys that count now.
///
/// # Errors
/// SIGNER_UNKNOWN, KEY_EXPIRED and the like where the key does not count; BAD_NAMESPACE; ROLE_MISSING without the right.
pub fn operator(policy: &Policy, roster: &Roster, text: &str, armor: &str, now: Instant) -> Result<String, Reason> {
    let fix = "a person with the role `operator` does it; `--key FILE` names their key";
    signer(roster, text.as_bytes(), armor, now, fix).and_then(|id| may_roll_back(policy, &id).map(|()| id))
}

/// The id of the person who signed these bytes, by the keys that count now.
///
/// # Errors
/// SIGNER_UNKNOWN, KEY_EXPIRED and the like where the key does not count; BAD_NAMESPACE; ROLE_MISSING for a machine.
pub fn signer(roster: &Roster, payload: &[u8], armor: &str, now: Instant, fix: &str) -> Result<String, Reason> {
    let refused = |why: String| Reason::new(ReasonCode::SignerUnknown, why, fix);
    let seal = Seal { armor: armor.to_owned(), payload: payload.to_vec() };
    let by = believed::signer(std::slice::from_ref(&seal), roster).map_err(|stranger| refused(words(&stranger)))?;
    if let Some(flaw) = &by.user {
        return Err(refused(format!("the signature does not count: {flaw}")));
    }
    if by.namespace != PERSON_NAMESPACE {
        let message = format!("it is signed in the namespace `{}`", by.namespace.escape_debug());
        return Err(Reason::new(ReasonCode::BadNamespace, message, fix));
    }
    let holder = by.holder;
    if let Some(code) = by.standing(now).code() {
        return Err(Reason::new(code, format!("this key of `{}` does not count now", holder.owner.id()), fix));
    }
    match &holder.owner {
        Owner::Person(id) => Ok(id.clone()),
        Owner::Machine(id, _) => {
            let message = format!("this key is of the machine `{id}`, and only a person can say this");
            Err(Reason::new(ReasonCode::RoleMissing, message, fix))
        }
    }
}

fn words(stranger: &Stranger) -> String {
    match stranger {
        Stranger::Kind(kind) => format!("the signature does not count: {kind}"),
        Stranger::Forged => "the signature does not count: it does not verify".to_owned(),
        Stranger::Certificate | Stranger::Unreadable | Stranger::Unknown(_) => {
            "this key belongs to nobody of the roster".to_owned()
        }
    }
}
