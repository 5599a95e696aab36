//! A device as the checks see it: what the edge builds from a folder of the tree.

use crate::policy::{DeviceFile, DeviceInterface, Environment};
use crate::routes::Routing;
use crate::ruleset::Ruleset;
use std::sync::Arc;

/// One device of one side of the change.
///
/// The ruleset is shared, so that devices with the same files are read, compiled and compared once.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its name: that of its folder or file.
    pub name: String,
    /// Every role that selectors can name.
    pub roles: Vec<String>,
    /// What it is there for.
    pub environment: Environment,
    /// Everything that was read of it.
    pub ruleset: Arc<Ruleset>,
    /// Its routes and policy rules; empty where no file gives any.
    pub routing: Arc<Routing>,
    /// Its interfaces, with the networks behind them where `device.toml` says; `None` where nobody said.
    pub interfaces: Option<Vec<DeviceInterface>>,
}

impl Device {
    /// A production device of which only the ruleset is known.
    pub fn new(name: impl Into<String>, ruleset: Arc<Ruleset>) -> Device {
        let (roles, environment, routing) = (Vec::new(), Environment::Production, Arc::default());
        Device { name: name.into(), roles, environment, ruleset, routing, interfaces: None }
    }

    /// The same device with these routes.
    pub fn routed_by(self, routing: Arc<Routing>) -> Device {
        Device { routing, ..self }
    }

    /// The same device with what its `device.toml` says.
    pub fn described_by(self, file: &DeviceFile) -> Device {
        Device { roles: file.roles(), environment: file.environment, interfaces: file.interfaces.clone(), ..self }
    }
}

/// Whether two rulesets were read from the same bytes with the same facts.
pub(super) fn is_same(old: &Arc<Ruleset>, new: &Arc<Ruleset>) -> bool {
    if Arc::ptr_eq(old, new) {
        return true;
    }
    let texts = |r: &Ruleset| r.sources.iter().map(|s| (s.name.clone(), s.text.clone())).collect::<Vec<_>>();
    old.families == new.families && old.facts == new.facts && texts(old) == texts(new)
}
