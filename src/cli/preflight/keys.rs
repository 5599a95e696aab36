//! Whether the keys of the machines are at hand, are those that the policy names, and count.

use crate::cli::gate::{Gathered, MachineKeys};
use crate::gate::{Check, Item, Owner, Reason, ReasonCode, Standing, whose_key};
use crate::policy::Purpose;
use crate::vcs::public_key_of;
use std::path::PathBuf;

/// Looks at every key that a push needs.
pub(super) fn check(gathered: &Gathered, keys: &MachineKeys) -> Item {
    let lacks_vetting = gathered.decision.reasons.iter().any(|r| r.code == ReasonCode::NotVetted);
    let mut wanted = vec![
        (Purpose::Permit, &keys.key_permit, "--key-permit"),
        (Purpose::Ledger, &keys.key_ledger, "--key-ledger"),
        (Purpose::ReceiptProduction, &keys.key_production, "--key-production"),
    ];
    if lacks_vetting || keys.key_staging.is_some() {
        wanted.push((Purpose::ReceiptStaging, &keys.key_staging, "--key-staging"));
    }
    let (mut says, mut reasons) = (Vec::new(), Vec::new());
    for (purpose, key, option) in wanted {
        match one(gathered, purpose, key.as_ref(), option) {
            Ok(id) => says.push(format!("{}: {id}", purpose.name())),
            Err(reason) => reasons.push(reason),
        }
    }
    Item::of(Check::Keys, says, reasons)
}

/// The id of the machine whose key it is.
fn one(gathered: &Gathered, purpose: Purpose, key: Option<&PathBuf>, option: &str) -> Result<String, Reason> {
    let name = purpose.name();
    let untrusted = |message: String, fix: String| Reason::new(ReasonCode::PermitUntrusted, message, fix);
    let give = format!("give it with `{option} FILE`");
    let Some(path) = key else {
        return Err(untrusted(format!("the key of the machine with purpose `{name}` is not at hand"), give));
    };
    let public = public_key_of(path).map_err(|e| untrusted(e.to_string(), e.help().to_owned()))?;
    match whose_key(&gathered.roster, &public, gathered.now) {
        Some((Owner::Machine(id, own), Standing::Good)) if own == purpose => Ok(id),
        Some((owner, standing)) => {
            let why = match standing {
                Standing::Good => "is for something else",
                _ => "does not count now",
            };
            Err(untrusted(format!("`{}` is the key of `{}`, which {why}", path.display(), owner.id()), give))
        }
        None => {
            let message = format!("`{}` is a key that the policy does not name", path.display());
            Err(untrusted(message, format!("name it in the policy as a [[machine]] with purpose `{name}`, or {give}")))
        }
    }
}
