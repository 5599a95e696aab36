//! A policy as a whole, all files merged and all names resolved.

use super::concession::{Assumption, SeverityRule, Waiver};
use super::flow::{Prohibition, Requirement};
use super::{
    ClassRule, Freeze, InventoryRule, Lab, Machine, NameService, Names, Person, PushRule, Revoked, Rights,
    RouteRequirement, Spare, StandsFor, Template, Transport, Unmanaged, Window,
};
use crate::document::Spanned;
use crate::finding::{Code, Severity};
use crate::ruleset::Sources;

/// Everything that the files of a policy say.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The files, for quoting.
    pub sources: Sources,
    /// The version that the first file gives.
    pub version: u64,
    /// The id of the repository.
    pub repository: Option<String>,
    /// Named ranges and services.
    pub names: Names,
    /// What must be allowed.
    pub requirements: Vec<Requirement>,
    /// What must not be allowed.
    pub prohibitions: Vec<Prohibition>,
    /// Routes that must stay, or lead a certain way.
    pub routes: Vec<RouteRequirement>,
    /// Conditions taken as known.
    pub assumptions: Vec<Assumption>,
    /// Findings that are tolerated.
    pub waivers: Vec<Waiver>,
    /// Severities that differ from the default.
    pub severities: Vec<SeverityRule>,
    /// The persons.
    pub persons: Vec<Person>,
    /// The machines.
    pub machines: Vec<Machine>,
    /// What each class of change needs.
    pub classes: Vec<ClassRule>,
    /// When changes may go.
    pub windows: Vec<Window>,
    /// When they may not.
    pub freezes: Vec<Freeze>,
    /// The lab.
    pub lab: Option<Lab>,
    /// What other programs manage.
    pub unmanaged: Vec<Unmanaged>,
    /// Where the inventory stands.
    pub inventory: Option<InventoryRule>,
    /// Name service: zones, clients, resolvers.
    pub name_service: Option<NameService>,
    /// How devices are reached.
    pub transports: Vec<Transport>,
    /// What stands for devices of production in staging.
    pub stands_for: Vec<StandsFor>,
    /// Spare hardware.
    pub spares: Vec<Spare>,
    /// What standard changes may do.
    pub templates: Vec<Template>,
    /// Who may do what needs no quorum.
    pub rights: Rights,
    /// How changes are pushed.
    pub push: PushRule,
    /// Keys that count no more.
    pub revoked: Vec<Revoked>,
    /// The file of the policy that must be there and revoke some key.
    pub revocations: Option<Spanned<String>>,
    /// The shipped packs that it includes.
    pub packs: Vec<String>,
}

impl Policy {
    /// The severity of findings of a code under this policy.
    pub fn severity_of(&self, code: &Code) -> Severity {
        self.severities.iter().find(|s| s.code == code).map_or(code.severity, |s| s.severity)
    }

    /// What the policy assumes of the condition of this canonical name on a device, and where it says so. The
    /// first assumption that covers it counts.
    pub fn assumption_about(&self, condition: &str, device: &str, roles: &[String]) -> Option<&Assumption> {
        self.assumptions.iter().find(|a| a.covers(condition) && a.devices.selects(device, roles))
    }
}
