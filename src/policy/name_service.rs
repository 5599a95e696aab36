//! `[names]`: where zones stand, who must reach their name servers, and which resolvers there are.

use super::instant::read_duration;
use super::inventory::read_path;
use super::names::Names;
use super::ranges::AddressSet;
use super::selector::{DeviceSelection, Place};
use crate::document::{Fields, Spanned, Value};
use crate::names::Name;
use crate::ruleset::{Hook, Span};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a policy says of name service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameService {
    /// The folder of the zones, from the folder that holds the devices' one.
    pub zones: String,
    /// The names of zones by the path of their file, where neither file nor file name says.
    pub origins: BTreeMap<String, Name>,
    /// Who must reach every zone's name servers, and the resolvers.
    pub clients: AddressSet,
    /// The resolvers.
    pub resolvers: AddressSet,
    /// The devices between clients and servers, and the interfaces that they use there.
    pub place: Place,
    /// The time to live before an address changes, in seconds.
    pub lowered_ttl: u32,
    /// Where it is written.
    pub span: Span,
}

/// The time to live that a renumbering lowers records to, where the policy does not say.
pub const LOWERED_TTL: u32 = 300;

/// Where zones stand, where the policy does not say.
pub const ZONES: &str = "zones";

/// Reads `[names]`.
pub(super) fn read_name_service(mut fields: Fields<'_>, names: &Names) -> NameService {
    let problems = fields.problems();
    let clients = fields.texts("clients").unwrap_or_default();
    let resolvers = fields.texts("resolvers").unwrap_or_default();
    let lowered = fields.parsed("lowered_ttl", read_duration);
    let seconds = |d: &Spanned<Duration>| u32::try_from(d.value.as_secs()).ok().filter(|s| *s <= crate::names::MAX_TTL);
    let service = NameService {
        zones: fields.parsed("zones", read_path).map_or_else(|| ZONES.to_owned(), |p| p.value),
        origins: fields.get("origins").map(|node| read_origins(node, problems)).unwrap_or_default(),
        clients: names.addresses(&clients, problems),
        resolvers: names.addresses(&resolvers, problems),
        place: Place::read_between(&mut fields),
        lowered_ttl: lowered.as_ref().and_then(seconds).unwrap_or(LOWERED_TTL),
        span: fields.span,
    };
    if !resolvers.is_empty() && clients.is_empty() {
        let help = "say who uses them: `clients = [\"internal\"]`";
        problems.report(service.span, "[names] has `resolvers` and no `clients`", help);
    }
    fields.finish();
    service
}

fn read_origins(node: &crate::document::Node, problems: &crate::document::Problems) -> BTreeMap<String, Name> {
    let Value::Table(table) = &node.value else {
        problems.note(node.span, format!("`origins` is {} instead of a table", node.value.kind()), None);
        return BTreeMap::new();
    };
    let mut out = BTreeMap::new();
    for entry in &table.entries {
        let Value::Text(text) = &entry.node.value else {
            problems.note(entry.node.span, format!("this is {} instead of a name", entry.node.value.kind()), None);
            continue;
        };
        match Name::parse(&format!("{}.", text.trim_end_matches('.')), None) {
            Ok(name) => {
                out.insert(entry.key.value.clone(), name);
            }
            Err(why) => problems.note(entry.node.span, format!("`{text}` is no domain name: {why}"), None),
        }
    }
    out
}

impl NameService {
    /// Where packets to a server are judged: at `input` on the device that has its address, else at `forward` between.
    pub fn place_for(&self, device: Option<&str>) -> Place {
        match device {
            None => self.place.clone(),
            Some(name) => Place {
                hook: Hook::Input,
                devices: DeviceSelection::of_device(name),
                inputs: None,
                outputs: None,
                profiles: None,
            },
        }
    }
}
