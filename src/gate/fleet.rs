//! Where every device of a fleet stands: what is in force on it and since when, and what keeps it from being where it should be.

use super::adoption::Confined;
use super::case::TargetDevice;
use super::evidence::DeviceBytes;
use super::instant::Instant;
use super::ledger::{InForce, Ledger};
use super::record::{Digest, ResultKind};
use super::standing::{last_results, unconverged};
use crate::finding::{Finding, IN_QUARANTINE, MAIN_DIFFERS, NEVER_READ, NOT_CONVERGED};
use crate::policy::Environment;
use std::collections::{BTreeMap, BTreeSet};

/// How far a device is from what it should run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Convergence {
    /// It runs what the protected branch holds, applied or adopted and read back.
    Converged,
    /// The protected branch holds something that was not pushed to it yet, or lacks what was.
    Pending,
    /// It was brought back, so that the protected branch holds something else.
    RolledBack,
    /// A run is working on it.
    Pushing(String),
    /// A push of this change left it without a receipt.
    Partial(String),
    /// Neither the ledger nor an adoption says what it runs.
    NeverRead,
    /// The protected branch has no such device any more.
    Gone,
}

impl Convergence {
    /// As reports write it.
    pub fn name(&self) -> &'static str {
        match self {
            Convergence::Converged => "converged",
            Convergence::Pending => "pending",
            Convergence::RolledBack => "rolled-back",
            Convergence::Pushing(_) => "pushing",
            Convergence::Partial(_) => "partial",
            Convergence::NeverRead => "never-read",
            Convergence::Gone => "gone",
        }
    }
}

/// A device of the protected branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MainDevice {
    /// Its facts there.
    pub target: TargetDevice,
    /// The digest of its bytes there.
    pub bytes: Digest,
}

/// One device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceStatus {
    /// Its name.
    pub device: String,
    /// Its roles, and groups as `group:NAME`; none where the protected branch does not have it.
    pub roles: Vec<String>,
    /// What it is there for.
    pub environment: Environment,
    /// What is in force on it.
    pub in_force: Option<InForce>,
    /// How far it is.
    pub convergence: Convergence,
    /// The quarantine that it is in.
    pub quarantine: Option<Confined>,
}

/// What statuses are made of.
#[derive(Clone, Copy, Debug)]
pub struct FleetEvidence<'a> {
    /// The devices of the protected branch.
    pub main: &'a [MainDevice],
    /// The ledger.
    pub ledger: &'a Ledger,
    /// What is in force, adoptions included.
    pub in_force: &'a BTreeMap<String, InForce>,
    /// Devices in quarantine.
    pub quarantines: &'a BTreeMap<String, Confined>,
    /// The instant.
    pub now: Instant,
}

/// Every device that the protected branch or the ledger knows, in order of name. Devices that are there for staging get nothing
/// pushed and have no place here.
pub fn fleet_status(evidence: &FleetEvidence<'_>) -> Vec<DeviceStatus> {
    let facts = Facts::of(evidence);
    let main = evidence.main.iter().filter(|m| m.target.environment != Environment::Staging);
    let mut out: BTreeMap<&str, DeviceStatus> = main.map(|m| (m.target.device.as_str(), facts.of_main(m))).collect();
    let known: BTreeSet<&str> = evidence.main.iter().map(|m| m.target.device.as_str()).collect();
    for (device, known_as) in evidence.in_force.iter().filter(|(device, _)| !known.contains(device.as_str())) {
        out.insert(device, facts.gone(device, known_as));
    }
    out.into_values().collect()
}

struct Facts<'a> {
    evidence: &'a FleetEvidence<'a>,
    open: BTreeMap<String, String>,
    busy: BTreeMap<String, String>,
}

impl<'a> Facts<'a> {
    fn of(evidence: &'a FleetEvidence<'a>) -> Facts<'a> {
        let open = unconverged(evidence.ledger, &BTreeSet::new(), evidence.now);
        let open = open.into_iter().map(|u| (u.device, u.change)).collect();
        Facts { evidence, open, busy: busy(evidence.ledger, evidence.now) }
    }

    fn of_main(&self, main: &MainDevice) -> DeviceStatus {
        let device = &main.target.device;
        let in_force = self.evidence.in_force.get(device);
        let convergence = match (self.busy.get(device), self.open.get(device), in_force) {
            (Some(change), _, _) => Convergence::Pushing(change.clone()),
            (_, Some(change), _) => Convergence::Partial(change.clone()),
            (_, _, None) => Convergence::NeverRead,
            (_, _, Some(known)) if known.bytes == main.bytes => Convergence::Converged,
            (_, _, Some(known)) if known.result == ResultKind::RolledBack => Convergence::RolledBack,
            _ => Convergence::Pending,
        };
        DeviceStatus {
            device: device.clone(),
            roles: main.target.roles.clone(),
            environment: main.target.environment,
            in_force: in_force.cloned(),
            convergence,
            quarantine: self.evidence.quarantines.get(device).cloned(),
        }
    }

    fn gone(&self, device: &str, known: &InForce) -> DeviceStatus {
        DeviceStatus {
            device: device.to_owned(),
            roles: Vec::new(),
            environment: Environment::Production,
            in_force: Some(known.clone()),
            convergence: Convergence::Gone,
            quarantine: self.evidence.quarantines.get(device).cloned(),
        }
    }
}

/// Devices that a run whose lease lasts has claimed and not come to an end with, and the change.
fn busy(ledger: &Ledger, now: Instant) -> BTreeMap<String, String> {
    let last = last_results(ledger);
    let mut out = BTreeMap::new();
    for permit in ledger.permits().values().filter(|p| p.is_claimed(now)) {
        let Some(claim) = permit.claims.last() else { continue };
        let is_done = |device: &String| {
            let result = last.get(device.as_str()).filter(|r| r.nonce == claim.nonce);
            result.is_some_and(|r| matches!(r.result, ResultKind::Applied | ResultKind::RolledBack))
        };
        let at_work = claim.devices.iter().filter(|d| !is_done(d));
        out.extend(at_work.map(|device| (device.clone(), claim.change.clone())));
    }
    out
}

/// What speaks against the fleet being where it should be.
pub fn fleet_findings(fleet: &[DeviceStatus]) -> Vec<Finding> {
    fleet.iter().flat_map(of_device).collect()
}

fn of_device(status: &DeviceStatus) -> Vec<Finding> {
    let name = &status.device;
    let mut out = Vec::new();
    let mut add = |finding: Finding, help: String| out.push(finding.on_device(name.clone()).helped_by(help));
    match &status.convergence {
        Convergence::Partial(change) if status.quarantine.is_none() => {
            let message = format!("`{name}` has no receipt after the push of {change}");
            let help = format!("`fwgate push {change}`, `fwgate rollback {name}`, or `fwgate quarantine {name}`");
            add(Finding::without_place(&NOT_CONVERGED, message), help);
        }
        Convergence::NeverRead => {
            let message = format!("neither the ledger nor an adoption says what `{name}` runs");
            add(Finding::without_place(&NEVER_READ, message), format!("`fwgate adopt {name}`"));
        }
        Convergence::RolledBack => {
            let change = status.in_force.as_ref().map(|k| k.change.as_str()).unwrap_or_default();
            let message = format!("`{name}` was brought back after {change}, and the protected branch still holds it");
            add(Finding::without_place(&MAIN_DIFFERS, message), "merge the revert, or the fix, and push it".to_owned());
        }
        Convergence::Gone => {
            let message =
                format!("the protected branch has no device `{name}`, and the ledger says what is in force on it");
            let help = "put its folder back, or take what it runs off the device".to_owned();
            add(Finding::without_place(&MAIN_DIFFERS, message), help);
        }
        _ => {}
    }
    if let Some(confined) = &status.quarantine {
        let Confined { until, reason, by } = confined;
        let message = format!("`{name}` is in quarantine until {until}, by `{by}`: {reason}");
        let help = format!("bring it to what is in force: `fwgate push` or `fwgate rollback {name}`");
        add(Finding::without_place(&IN_QUARANTINE, message), help);
    }
    out
}

/// What a device of the protected branch is, from its bytes.
pub fn main_device(target: TargetDevice, bytes: &DeviceBytes) -> MainDevice {
    MainDevice { target, bytes: super::content::device_digest(Some(bytes)) }
}
