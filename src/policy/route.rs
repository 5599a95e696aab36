//! Routes that a policy demands, and changes of routes that a change request declares.

use super::names::Names;
use super::ranges::AddressSet;
use super::selector::DeviceSelection;
use crate::document::{Fields, Spanned, Wrong, parsed_text};
use crate::packet::Family;
use crate::ruleset::Span;
use std::net::IpAddr;

/// `[[route]]`: destinations that must keep their next hop, or have a certain one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRequirement {
    /// Its name in reports; requirements of all kinds share their ids.
    pub id: String,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The devices.
    pub devices: DeviceSelection,
    /// The destinations.
    pub to: AddressSet,
    /// Gateways through which packets may go; where none is given, any.
    pub via: Vec<(Family, u128)>,
    /// Interfaces by which packets may go; where none is given, any.
    pub dev: Vec<String>,
    /// Where it is written.
    pub span: Span,
}

impl RouteRequirement {
    /// Whether it says which next hop; otherwise whatever the baseline has must stay.
    pub fn names_a_way(&self) -> bool {
        !self.via.is_empty() || !self.dev.is_empty()
    }
}

/// `[[reroute]]` of a change request: destinations whose way may change, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteIntent {
    /// The devices; the request's own apply as well.
    pub devices: DeviceSelection,
    /// The destinations.
    pub to: AddressSet,
    /// The gateways through which packets will go; where none is given, any.
    pub via: Vec<(Family, u128)>,
    /// The interfaces by which packets will go; where none is given, any.
    pub dev: Vec<String>,
    /// Where it is written.
    pub span: Span,
}

/// Reads one `[[route]]`.
pub(super) fn read_route(mut fields: Fields<'_>, names: &Names) -> Option<RouteRequirement> {
    let span = fields.span;
    let id = fields.need_text("id");
    let reason = fields.need_text("reason");
    let owner = fields.text("owner").map(|o| o.value);
    let devices = DeviceSelection::read(&mut fields);
    let to = fields.need_texts("to");
    let to = names.fixed_addresses(&to, fields.problems());
    let (via, dev) = read_way(&mut fields);
    fields.finish();
    Some(RouteRequirement { id: id?.value, reason: reason?.value, owner, devices, to, via, dev, span })
}

/// Reads one `[[reroute]]`.
pub(super) fn read_reroute(mut fields: Fields<'_>, names: &Names) -> RouteIntent {
    let span = fields.span;
    let devices = DeviceSelection::read(&mut fields);
    let to = fields.need_texts("to");
    let to = names.fixed_addresses(&to, fields.problems());
    let (via, dev) = read_way(&mut fields);
    fields.finish();
    RouteIntent { devices, to, via, dev, span }
}

fn read_way(fields: &mut Fields<'_>) -> (Vec<(Family, u128)>, Vec<String>) {
    let via = fields.texts("via").unwrap_or_default();
    let via = via.iter().filter_map(|text| parsed_text(text, read_gateway, fields.problems())).map(|v| v.value);
    let via = via.collect();
    let dev = fields.texts("dev").unwrap_or_default();
    let dev = dev.iter().filter_map(|name: &Spanned<String>| {
        let is_empty = name.value.trim().is_empty();
        if is_empty {
            fields.problems().note(name.span, "the name of an interface is empty", None);
        }
        (!is_empty).then(|| name.value.clone())
    });
    (via, dev.collect())
}

fn read_gateway(text: &str) -> Result<(Family, u128), Wrong> {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) => Ok((Family::V4, u128::from(u32::from(v4)))),
        Ok(IpAddr::V6(v6)) => Ok((Family::V6, u128::from(v6))),
        Err(_) => Err(Wrong::new(
            format!("`{text}` is no address of a gateway"),
            "write one address, without a prefix length",
        )),
    }
}
