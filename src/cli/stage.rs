//! `fwgate stage`: the staging that the class of a change demands. Nothing here can reach a device of production: the
//! namespace has no way out, and a staging transport comes of a staging device or not at all.

use super::answer::Format;
use super::exit::{Exit, PASSED};
use super::failure::Failure;
use super::gate::{GateArguments, Gathered, MachineKeys, Session, now};
use super::permit::targets;
use super::screen::Screen;
use super::stand_in::stage_on_devices;
use super::vet::{Vetting, conclude, vet_all};
use crate::gate::push::route::isolation;
use crate::gate::terms;
use crate::policy::Staging;
use crate::report::{VettingDocument, VettingVerdict, json_text};
use clap::Args;

/// The arguments of `fwgate stage`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fwgate stage CHG-2042 --root root.toml --key-staging staging.key")]
pub struct Arguments {
    /// The change, and where trust comes from
    #[command(flatten)]
    pub gate: GateArguments,
    /// Keys of machines
    #[command(flatten)]
    pub keys: MachineKeys,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Stages a change.
///
/// # Errors
/// There is no repository, no namespace can be made here, or the receipt cannot be written.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let keys = arguments.keys.or_environment();
    let session = Session::open(&arguments.gate)?;
    let gathered = session.gather(&arguments.gate.change, now());
    let id = &arguments.gate.change;
    let staging = staging_of(&gathered);
    if staging == Some(Staging::None) {
        let nothing = Vetting::refused(Vec::new());
        screen.answer(&match arguments.format {
            Format::Human => format!("{id}: not staged, as policy says for its class\n"),
            Format::Json => json_text(&VettingDocument::of(id, VettingVerdict::NotStaged, &[], nothing.tried(), None))?,
        })?;
        return Ok(PASSED);
    }
    let vetting = staged(&gathered)?;
    conclude(&session, &gathered, vetting, (keys.key_staging.as_deref(), arguments.format), screen)
}

/// What the class of a change demands.
pub fn staging_of(gathered: &Gathered) -> Option<Staging> {
    let (policy, request) = (gathered.policy()?, gathered.request.as_ref()?);
    let template = request.template.as_ref();
    let template = template.and_then(|name| policy.templates.iter().find(|t| t.id.value == *name));
    terms(policy, request.class, template).map(|t| t.staging)
}

/// Stages a change as its class demands, unless staging shares anything with production.
///
/// # Errors
/// No namespace can be made here; there are no random bytes.
pub fn staged(gathered: &Gathered) -> Result<Vetting, Failure> {
    let shared = gathered.policy().map(|policy| isolation(policy, &targets(&gathered.fleet))).unwrap_or_default();
    match staging_of(gathered) {
        _ if !shared.is_empty() => Ok(Vetting::refused(shared)),
        Some(Staging::Device) => stage_on_devices(gathered),
        _ => vet_all(gathered),
    }
}
