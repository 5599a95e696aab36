//! `[inventory]`: where the snapshots of the inventory stand and how old they may be; and how what they say of a device
//! comes together with its `device.toml`.

use super::device::{DeviceFile, DeviceInterface, environment_of};
use super::instant::read_duration;
use super::names::is_name;
use crate::document::{Fields, Spanned, Wrong};
use crate::inventory::{InventoryDevice, InventoryPaths};
use crate::ruleset::Span;
use std::time::Duration;

/// What a policy says of the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryRule {
    /// Where the snapshots stand, from the folder that holds the devices' folder.
    pub paths: InventoryPaths,
    /// How old they may be.
    pub max_age: Option<Spanned<Duration>>,
    /// Where it is written.
    pub span: Span,
}

/// Reads `[inventory]`.
pub(super) fn read_inventory_rule(mut fields: Fields<'_>) -> InventoryRule {
    let path = |fields: &mut Fields<'_>, key| fields.parsed(key, read_path).map(|p| p.value);
    let rule = InventoryRule {
        paths: InventoryPaths {
            prefixes: path(&mut fields, "prefixes"),
            devices: path(&mut fields, "devices"),
            interfaces: path(&mut fields, "interfaces"),
        },
        max_age: fields.parsed("max_age", read_duration),
        span: fields.span,
    };
    if rule.paths.is_empty() {
        let help = "name a snapshot: `prefixes = \"inventory/prefixes.csv\"`";
        fields.problems().report(rule.span, "[inventory] names no file", help);
    }
    if rule.paths.interfaces.is_some() && rule.paths.devices.is_none() {
        let help = "interfaces belong to devices: name the snapshot of those as well";
        fields.problems().report(rule.span, "[inventory] has `interfaces` and no `devices`", help);
    }
    fields.finish();
    rule
}

/// A path from the repository's root that cannot leave it.
pub(super) fn read_path(text: &str) -> Result<String, Wrong> {
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0']);
    match text.split('/').all(is_part) {
        true => Ok(text.to_owned()),
        false => Err(Wrong::new(
            format!("`{text}` is no path within the repository"),
            "write it from the repository's root, without `..` and without names that begin with a dot",
        )),
    }
}

/// Something that the inventory and `device.toml` say differently of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The key of `device.toml`.
    pub key: &'static str,
    /// What `device.toml` says; it counts.
    pub own: String,
    /// What the inventory says.
    pub inventory: String,
    /// Where the inventory says so.
    pub span: Span,
}

impl DeviceFile {
    /// The facts with what the inventory knows and `device.toml` does not say; and where the two contradict each other.
    /// `device.toml` counts. A role or an environment that can be none is no fact, and a contradiction of its own.
    pub fn completed_by(mut self, device: &InventoryDevice) -> (DeviceFile, Vec<Contradiction>) {
        let mut found = Vec::new();
        self.complete_role(device, &mut found);
        self.complete_environment(device, &mut found);
        self.complete_addresses(device, &mut found);
        self.complete_interfaces(device, &mut found);
        self.groups.extend(device.groups.iter().cloned());
        self.groups.sort();
        self.groups.dedup();
        (self, found)
    }

    fn complete_role(&mut self, device: &InventoryDevice, found: &mut Vec<Contradiction>) {
        let Some(said) = &device.role else { return };
        let role = slug(&said.value);
        match &self.role {
            Some(own) if slug(own) != role => found.push(differs("role", own, &role, said.span)),
            None if is_name(&role) => self.role = Some(role),
            None => found.push(differs("role", "nothing", &said.value, said.span)),
            Some(_) => {}
        }
    }

    fn complete_environment(&mut self, device: &InventoryDevice, found: &mut Vec<Contradiction>) {
        let Some(said) = &device.environment else { return };
        match environment_of(&said.value) {
            Some(environment) if !self.is_environment_said => {
                self.environment = environment;
                self.is_environment_said = true;
            }
            Some(environment) if environment == self.environment => {}
            _ => found.push(differs("environment", self.environment.name(), &said.value, said.span)),
        }
    }

    fn complete_addresses(&mut self, device: &InventoryDevice, found: &mut Vec<Contradiction>) {
        match &self.addresses {
            None if !device.addresses.is_empty() => self.addresses = Some(device.addresses.clone()),
            None => {}
            Some(own) => {
                let lacks = |net: &&ipnet::IpNet| own.iter().all(|o| o.addr() != net.addr());
                for net in device.addresses.iter().filter(lacks) {
                    let own = own.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                    found.push(differs("addresses", &own, &net.to_string(), device.span));
                }
            }
        }
    }

    fn complete_interfaces(&mut self, device: &InventoryDevice, found: &mut Vec<Contradiction>) {
        let Some(listed) = &device.interfaces else { return };
        match &self.interfaces {
            None => {
                let interface = |name: &Spanned<String>| DeviceInterface { name: name.value.clone(), networks: None };
                self.interfaces = Some(listed.iter().map(interface).collect());
            }
            Some(own) => {
                let is_unknown = |i: &&DeviceInterface| listed.iter().all(|known| known.value != i.name);
                let names = || listed.iter().map(|n| n.value.as_str()).collect::<Vec<_>>().join(", ");
                let unknown = own.iter().filter(is_unknown);
                found.extend(unknown.map(|i| differs("interfaces", &i.name, &names(), device.span)));
            }
        }
    }
}

fn differs(key: &'static str, own: &str, inventory: &str, span: Span) -> Contradiction {
    Contradiction { key, own: own.to_owned(), inventory: inventory.to_owned(), span }
}

/// The short form under which NetBox files a name: lower case, `-` between words.
fn slug(name: &str) -> String {
    name.trim().to_lowercase().split_whitespace().collect::<Vec<_>>().join("-")
}
