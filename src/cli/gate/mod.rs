//! The one place where the edge gathers evidence, has it analysed, and asks the gate: every command about a change goes
//! through here, and gets the same verdict from the same evidence.

mod commits;
mod compare;
mod device;
mod draft;
mod gather;
mod kept;
mod neighbours;
mod range;
mod scheduled;
mod survey;
mod world;
mod write;

pub use commits::Commits;
pub use compare::difference_words;
pub use device::{DeviceFiles, target};
pub use draft::Drafted;
pub use gather::{Effort, Gathered, Session, neighbour};
pub use kept::closed_branches;
pub use scheduled::{Agenda, OpenChange};
pub use survey::{Main, Survey, survey_server};
pub use write::{ReceiptBranch, RemoteLedger, append_by_machine, keep_receipt};

use super::failure::Failure;
use super::input::Surroundings;
use crate::gate::{Instant, Reason, ReasonCode};
use clap::Args;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Arguments of every command about a change.
#[derive(Debug, Clone, Args)]
pub struct GateArguments {
    /// The change: `CHG-2042`
    #[arg(value_name = "CHANGE", value_parser = parse_change)]
    pub change: String,
    /// The root and the devices.
    #[command(flatten)]
    pub root: RootArguments,
}

/// Arguments of every command that asks the gate.
#[derive(Debug, Clone, Args)]
pub struct RootArguments {
    /// The root of trust, from outside of the repository (or the variable FWGATE_ROOT)
    #[arg(long, value_name = "FILE")]
    pub root: Option<OsString>,
    /// The folder of the devices in the repository
    #[arg(long, value_name = "PATH", default_value = "devices")]
    pub devices: String,
}

fn parse_change(text: &str) -> Result<String, String> {
    match crate::policy::is_change_id(text) {
        true => Ok(text.to_owned()),
        false => Err("a change is called by its id, such as `CHG-2042`".to_owned()),
    }
}

impl RootArguments {
    /// The bytes of the root, or why there is none: a root inside of the repository is none.
    ///
    /// # Errors
    /// ROOT_MISSING.
    pub fn root_bytes(&self, surroundings: &Surroundings, repository: &Path) -> Result<Vec<u8>, Reason> {
        let missing = |message: String| {
            let fix =
                "give the root with `--root FILE`, from outside of the repository; `fwgate init --root FILE` makes one";
            Reason::new(ReasonCode::RootMissing, message, fix)
        };
        let given = self.root.clone().or_else(|| std::env::var_os("FWGATE_ROOT"));
        let given = given.ok_or_else(|| missing("no root was given, so that nothing says whom to trust".to_owned()))?;
        let shown = given.to_string_lossy().into_owned();
        let unreadable = |e: std::io::Error| missing(format!("the root `{shown}` cannot be read: {}", e.kind()));
        let path = surroundings.cwd.join(&given).canonicalize().map_err(unreadable)?;
        let around = repository.canonicalize().map_err(unreadable)?;
        if path.starts_with(&around) {
            return Err(missing(format!(
                "the root `{shown}` lies in the repository, where whoever proposes can change it"
            )));
        }
        let length = path.metadata().map_err(unreadable)?.len();
        if length > 64 << 10 {
            return Err(missing(format!("the root `{shown}` has {length} bytes")));
        }
        std::fs::read(&path).map_err(unreadable)
    }
}

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

/// The one clock reading of a command.
pub fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
