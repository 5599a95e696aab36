//! Whether the keys of the machines are at hand, are those that the policy names, and count.

use crate::cli::gate::{Gathered, MachineKeys, machine_of, option_of};
use crate::gate::{Check, Item, Reason, ReasonCode};
use crate::policy::Purpose;
use std::path::PathBuf;

/// Looks at every key that a push needs.
pub(super) fn check(gathered: &Gathered, keys: &MachineKeys) -> Item {
    let lacks_vetting = gathered.decision.reasons.iter().any(|r| r.code == ReasonCode::NotVetted);
    let mut wanted = vec![
        (Purpose::Permit, &keys.key_permit),
        (Purpose::Ledger, &keys.key_ledger),
        (Purpose::ReceiptProduction, &keys.key_production),
    ];
    if lacks_vetting || keys.key_staging.is_some() {
        wanted.push((Purpose::ReceiptStaging, &keys.key_staging));
    }
    let (mut says, mut reasons) = (Vec::new(), Vec::new());
    for (purpose, key) in wanted {
        match one(gathered, purpose, key.as_ref()) {
            Ok(id) => says.push(format!("{}: {id}", purpose.name())),
            Err(reason) => reasons.push(reason),
        }
    }
    Item::of(Check::Keys, says, reasons)
}

/// The id of the machine whose key it is.
fn one(gathered: &Gathered, purpose: Purpose, key: Option<&PathBuf>) -> Result<String, Reason> {
    let missing = || {
        let message = format!("the key of the machine with purpose `{}` is not at hand", purpose.name());
        Reason::new(ReasonCode::PermitUntrusted, message, format!("give it with `{} FILE`", option_of(purpose)))
    };
    machine_of(&gathered.roster, purpose, key.ok_or_else(missing)?, gathered.now)
}
