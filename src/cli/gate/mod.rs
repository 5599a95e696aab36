//! The one place where the edge gathers evidence, has it analysed, and asks the gate: every command about a change goes
//! through here, and gets the same verdict from the same evidence.

mod commits;
mod compare;
mod device;
mod draft;
mod gather;
mod kept;
mod keys;
mod neighbours;
mod range;
mod reading;
mod scheduled;
mod session;
mod survey;
mod world;
mod write;

pub use commits::Commits;
pub use compare::difference_words;
pub use device::{DeviceFiles, target};
pub use draft::Drafted;
pub use gather::{Gathered, neighbour};
pub use kept::closed_branches;
pub use keys::{MachineKeys, machine_of, need_key, option_of};
pub use scheduled::{Agenda, OpenChange};
pub use session::{Effort, Session, of_remote};
pub use survey::{Main, Survey, survey_server};
pub use write::{ReceiptBranch, RemoteLedger, append_by_machine, keep_receipt};

use super::input::Surroundings;
use crate::cli::failure::system_words;
use crate::gate::{Instant, Reason, ReasonCode};
use clap::Args;
use std::ffi::OsString;
use std::path::Path;
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
        let unreadable =
            |e: std::io::Error| missing(format!("the root `{shown}` cannot be read: {}", system_words(e.kind())));
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

/// The one clock reading of a command.
pub fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
