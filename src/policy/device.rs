//! `device.toml`: facts about one device that its rulesets do not say.

use super::change::fail;
use super::names::is_name;
use super::ranges::{AddressSet, read_literal};
use super::selector::read_interface;
use super::service::read_ports;
use crate::document::{Fields, Node, Problems, Spanned, Value, Wrong, parse, parsed_text, texts_of};
use crate::ruleset::{DeviceFacts, KeywordFact, Sources, Unreadable};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What a device is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Environment {
    /// Users depend on it. A device that does not say is one of these.
    #[default]
    Production,
    /// Changes are tried on it first.
    Staging,
    /// Tests may change it.
    Lab,
}

pub(super) const ENVIRONMENTS: [(&str, Environment); 3] =
    [("production", Environment::Production), ("staging", Environment::Staging), ("lab", Environment::Lab)];

/// The environment of this name.
pub(super) fn environment_of(name: &str) -> Option<Environment> {
    ENVIRONMENTS.iter().find(|(known, _)| *known == name).map(|(_, environment)| *environment)
}

impl Environment {
    /// The name as files write it.
    pub fn name(self) -> &'static str {
        ENVIRONMENTS.iter().find(|(_, e)| *e == self).map_or("", |(n, _)| *n)
    }
}

/// One interface of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInterface {
    /// Its name.
    pub name: String,
    /// The addresses behind it, where the file says.
    pub networks: Option<AddressSet>,
}

/// What `device.toml` says.
#[derive(Clone, Debug, Default)]
pub struct DeviceFile {
    /// The file, for quoting.
    pub sources: Sources,
    /// The dialect of its rulesets, a name of the registry; not checked here.
    pub dialect: Option<Spanned<String>>,
    /// Its role.
    pub role: Option<String>,
    /// Its own addresses with their prefix lengths; a bare address counts as a whole prefix.
    pub addresses: Option<Vec<IpNet>>,
    /// Its interfaces.
    pub interfaces: Option<Vec<DeviceInterface>>,
    /// What keywords of its dialect stand for, by the keyword in lower case.
    pub keywords: BTreeMap<String, KeywordFact>,
    /// What it is there for.
    pub environment: Environment,
    /// Whether somebody said what it is there for.
    pub is_environment_said: bool,
    /// What it belongs to: sites, waves; the file's own, and those of the inventory.
    pub groups: Vec<String>,
    /// The roles whose files it is composed of, in order.
    pub from: Vec<Spanned<String>>,
}

impl DeviceFile {
    /// Everything that selectors can name beside its name: its own role, those that it is composed of, and `group:NAME` for each
    /// group.
    pub fn roles(&self) -> Vec<String> {
        let roles = self.role.iter().cloned().chain(self.from.iter().map(|r| r.value.clone()));
        let mut out: Vec<String> = roles.chain(self.groups.iter().map(|g| format!("group:{g}"))).collect();
        out.sort();
        out.dedup();
        out
    }

    /// The facts that readers of rulesets use.
    pub fn facts(&self) -> DeviceFacts {
        let interfaces = self.interfaces.as_ref().map(|all| all.iter().map(|i| i.name.clone()).collect());
        DeviceFacts { addresses: self.addresses.clone(), interfaces, keywords: self.keywords.clone() }
    }
}

/// Reads a `device.toml`.
///
/// # Errors
/// Every mistake of the file.
pub fn read_device_file(name: &str, text: &str) -> Result<DeviceFile, Unreadable> {
    let problems = Problems::default();
    let mut sources = Sources::default();
    let node = parse(sources.add(name, text), name, text, &problems);
    let file = node
        .as_ref()
        .and_then(|node| Fields::of(node, "the device's facts", &problems))
        .map(|f| read_facts(f, sources.clone()));
    match file {
        Some(file) => problems.settle(sources, file),
        None => Err(fail(problems, sources)),
    }
}

/// Where a `device.toml` names its interfaces, in order: the places of the names with their quotes.
///
/// # Errors
/// Every mistake of the file.
pub fn interface_places(name: &str, text: &str) -> Result<Vec<Spanned<String>>, Unreadable> {
    let problems = Problems::default();
    let mut sources = Sources::default();
    let node = parse(sources.add(name, text), name, text, &problems);
    let mut fields = node.as_ref().and_then(|node| Fields::of(node, "the device's facts", &problems));
    let mut places: Vec<Spanned<String>> =
        match fields.as_mut().and_then(|f| f.get("interfaces")).map(|node| (&node.value, node)) {
            Some((Value::Table(table), _)) => table.entries.iter().map(|entry| entry.key.clone()).collect(),
            Some((_, node)) => texts_of(node, "interfaces", &problems),
            None => Vec::new(),
        };
    places.sort_by_key(|place| place.span.start);
    problems.settle(sources, places)
}

fn read_facts(mut fields: Fields<'_>, sources: Sources) -> DeviceFile {
    let problems = fields.problems();
    let addresses = fields.texts("addresses");
    let from = fields.texts("from").unwrap_or_default();
    let environment = fields.one_of("environment", &ENVIRONMENTS);
    let groups = fields.texts("groups").unwrap_or_default();
    let file = DeviceFile {
        sources,
        dialect: fields.text("dialect"),
        role: fields.parsed("role", read_role).map(|r| r.value),
        addresses: addresses.map(|all| {
            all.iter().filter_map(|a| parsed_text(a, read_own_address, problems)).map(|a| a.value).collect()
        }),
        interfaces: fields.get("interfaces").map(|node| read_interfaces(node, problems)),
        keywords: fields.get("keywords").map(|node| read_keywords(node, problems)).unwrap_or_default(),
        environment: environment.as_ref().map_or(Environment::Production, |e| e.value),
        is_environment_said: environment.is_some(),
        groups: groups.into_iter().map(|g| g.value).collect(),
        from: from.iter().filter_map(|r| parsed_text(r, read_origin, problems)).collect(),
    };
    fields.finish();
    file
}

fn read_role(text: &str) -> Result<String, Wrong> {
    let wrong = || {
        Wrong::new(
            format!("`{text}` is no name of a role"),
            "a role is a letter followed by letters, digits, `-`, `_` or `.`",
        )
    };
    is_name(text).then(|| text.to_owned()).ok_or_else(wrong)
}

fn read_origin(text: &str) -> Result<String, Wrong> {
    match text.strip_prefix("role:") {
        Some(role) => read_role(role),
        None => Err(Wrong::new(format!("`{text}` is no origin of files"), "write `role:NAME`")),
    }
}

fn read_own_address(text: &str) -> Result<IpNet, Wrong> {
    let bare = text.parse::<IpAddr>().ok().map(IpNet::from);
    let wrong =
        || Wrong::new(format!("`{text}` is no address"), "write `192.0.2.1`, or with its prefix length `192.0.2.1/24`");
    bare.or_else(|| text.parse().ok()).ok_or_else(wrong)
}

/// A list of names, or a table from each name to the networks behind it.
fn read_interfaces(node: &Node, problems: &Problems) -> Vec<DeviceInterface> {
    let Value::Table(table) = &node.value else {
        let names = texts_of(node, "interfaces", problems);
        return names
            .iter()
            .filter_map(|n| name_of(n, problems))
            .map(|name| DeviceInterface { name, networks: None })
            .collect();
    };
    let read = |entry: &crate::document::Entry| {
        let name = name_of(&entry.key, problems)?;
        let texts = texts_of(&entry.node, &name, problems);
        let sets = texts.iter().filter_map(|t| parsed_text(t, read_literal, problems));
        let networks = sets.fold(AddressSet::default(), |all, one| all.union(&one.value));
        Some(DeviceInterface { name, networks: Some(networks) })
    };
    table.entries.iter().filter_map(read).collect()
}

/// A table from each keyword to its addresses or ports.
fn read_keywords(node: &Node, problems: &Problems) -> BTreeMap<String, KeywordFact> {
    let Value::Table(table) = &node.value else {
        problems.note(node.span, format!("`keywords` is {} instead of a table", node.value.kind()), None);
        return BTreeMap::new();
    };
    let fact = |entry: &crate::document::Entry| {
        let texts = texts_of(&entry.node, &entry.key.value, problems);
        let facts = texts.iter().filter_map(|t| parsed_text(t, read_keyword, problems));
        let fact = facts.fold(KeywordFact::default(), |all, one| KeywordFact {
            v4: all.v4.union(&one.value.v4),
            v6: all.v6.union(&one.value.v6),
            ports: all.ports.union(&one.value.ports),
        });
        (entry.key.value.to_ascii_lowercase(), fact)
    };
    table.entries.iter().map(fact).collect()
}

/// Addresses have dots or colons, ports have neither.
fn read_keyword(text: &str) -> Result<KeywordFact, Wrong> {
    if text.contains(['.', ':']) {
        let set = read_literal(text)?;
        return Ok(KeywordFact { v4: set.v4, v6: set.v6, ..KeywordFact::default() });
    }
    Ok(KeywordFact { ports: read_ports(text)?, ..KeywordFact::default() })
}

/// The name of one interface. It can become an argument of programs, so that what an option begins with and what a shell obeys is
/// refused.
fn name_of(text: &Spanned<String>, problems: &Problems) -> Option<String> {
    if text.value.starts_with('-') || matches!(text.value.as_str(), "." | "..") || text.value.contains(is_obeyed) {
        problems.note(text.span, format!("`{}` is no interface", text.value.escape_debug()), None);
        return None;
    }
    let read = parsed_text(text, read_interface, problems)?;
    if read.value.prefix {
        problems.note(text.span, format!("`{}` is not one interface", text.value), None);
        return None;
    }
    Some(read.value.name)
}

/// What shells obey.
fn is_obeyed(c: char) -> bool {
    c.is_control() || ";|&$`<>'\"\\".contains(c)
}
