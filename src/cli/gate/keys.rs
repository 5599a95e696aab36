//! Keys of machines: where they are, and whose they are.

use crate::cli::failure::Failure;
use crate::gate::{Instant, Owner, Reason, ReasonCode, Roster, Standing, whose_key};
use crate::policy::Purpose;
use crate::vcs::public_key_of;
use clap::Args;
use std::path::{Path, PathBuf};

/// Key files of machines, for commands that sign by themselves.
#[derive(Debug, Clone, Default, Args)]
pub struct MachineKeys {
    /// Key of the machine that gives permits (or FWGATE_KEY_PERMIT)
    #[arg(long, value_name = "FILE")]
    pub key_permit: Option<PathBuf>,
    /// Key of the machine that keeps the ledger (or FWGATE_KEY_LEDGER)
    #[arg(long, value_name = "FILE")]
    pub key_ledger: Option<PathBuf>,
    /// Key of the machine that signs vetting receipts (or FWGATE_KEY_STAGING)
    #[arg(long, value_name = "FILE")]
    pub key_staging: Option<PathBuf>,
    /// Key of the machine that signs production receipts (or FWGATE_KEY_PRODUCTION)
    #[arg(long, value_name = "FILE")]
    pub key_production: Option<PathBuf>,
}

impl MachineKeys {
    /// The same with the environment where an option was not given.
    pub fn or_environment(&self) -> MachineKeys {
        let of =
            |given: &Option<PathBuf>, name: &str| given.clone().or_else(|| std::env::var_os(name).map(PathBuf::from));
        MachineKeys {
            key_permit: of(&self.key_permit, "FWGATE_KEY_PERMIT"),
            key_ledger: of(&self.key_ledger, "FWGATE_KEY_LEDGER"),
            key_staging: of(&self.key_staging, "FWGATE_KEY_STAGING"),
            key_production: of(&self.key_production, "FWGATE_KEY_PRODUCTION"),
        }
    }
}

/// The key, or the failure that says which one is missing.
///
/// # Errors
/// None was given.
pub fn need_key<'k>(key: Option<&'k PathBuf>, option: &str, variable: &str) -> Result<&'k Path, Failure> {
    let what = match option {
        "--key-permit" => "gives permits",
        "--key-ledger" => "keeps the ledger",
        "--key-staging" => "signs vetting receipts",
        _ => "signs production receipts",
    };
    let missing = || {
        let message = format!("the key of the machine that {what} is not at hand: neither `{option}` nor `{variable}`");
        Failure::new(message).help("machine keys live in the deploy environment, never in pull-request jobs")
    };
    key.map(PathBuf::as_path).ok_or_else(missing)
}

/// The id of the machine whose key this is. What another key signed would stand in the evidence and count for nothing: an entry of
/// the ledger would end it, a receipt would leave its device unproved. So this is asked before anything is written or touched.
///
/// # Errors
/// The key cannot be read, is of nobody of the roster, is for something else, or does not count at this instant.
pub fn machine_of(roster: &Roster, purpose: Purpose, path: &Path, now: Instant) -> Result<String, Reason> {
    let name = purpose.name();
    let untrusted = |message: String, fix: String| Reason::new(ReasonCode::PermitUntrusted, message, fix);
    let give = format!("give the right one with `{} FILE`", option_of(purpose));
    let public = public_key_of(path).map_err(|e| untrusted(e.to_string(), e.help().to_owned()))?;
    match whose_key(roster, &public, now) {
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

/// The option that gives the key of a machine.
pub fn option_of(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Permit => "--key-permit",
        Purpose::Ledger => "--key-ledger",
        Purpose::ReceiptStaging => "--key-staging",
        Purpose::ReceiptProduction => "--key-production",
        Purpose::Bundle => "--key",
    }
}
