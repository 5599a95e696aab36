//! `fwgate stage`: the staging that the class of a change demands. Nothing here can reach a device of production: the
//! namespace has no way out, and a staging transport comes of a staging device or not at all.

use super::exit::{Exit, PASSED};
use super::failure::Failure;
use super::gate::{GateArguments, MachineKeys, Session, now};
use super::permit::targets;
use super::screen::Screen;
use super::vet::{Vetting, conclude, vet_all};
use crate::gate::push::route::isolation;
use crate::gate::{ReasonCode, terms};
use crate::policy::Staging;
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
    let staging = gathered.policy().and_then(|policy| {
        let class = gathered.request.as_ref()?.class;
        let template = gathered.request.as_ref().and_then(|r| r.template.as_ref());
        let template = template.and_then(|name| policy.templates.iter().find(|t| t.id.value == *name));
        terms(policy, class, template).map(|t| t.staging)
    });
    if staging == Some(Staging::None) {
        screen.answer(&format!("{id}: not staged, as policy says for its class\n"))?;
        return Ok(PASSED);
    }
    let shared = gathered.policy().map(|policy| isolation(policy, &targets(&gathered.fleet))).unwrap_or_default();
    let key = keys.key_staging.as_deref();
    if !shared.is_empty() {
        return conclude(&session, &gathered, Vetting::refused(shared), key, screen);
    }
    let mut vetting = vet_all(&gathered)?;
    if staging == Some(Staging::Device) {
        let message = "the class is staged on devices, which this version cannot do yet".to_owned();
        let fix = "write `staging = \"namespace\"`, or `\"none\"` with one approver more";
        vetting.reasons.push(crate::gate::Reason::new(ReasonCode::NotStaged, message, fix));
    }
    conclude(&session, &gathered, vetting, key, screen)
}
