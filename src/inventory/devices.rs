//! Devices of the inventory, with their interfaces.

use super::table::{Row, Table};
use crate::document::{Problems, Spanned};
use crate::ruleset::Span;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// One device. What is `None` or empty, the inventory does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryDevice {
    /// Its name, which is that of its folder in the tree.
    pub name: Spanned<String>,
    /// Its role.
    pub role: Option<Spanned<String>>,
    /// What it is there for, from the custom field `environment`: `production`, `staging`, `lab`.
    pub environment: Option<Spanned<String>>,
    /// NetBox's status, in lower case: `active`, `planned`, `staged`, `inventory`, `offline` ...
    pub status: Option<String>,
    /// Where it is.
    pub site: Option<String>,
    /// Whose it is.
    pub tenant: Option<String>,
    /// What it belongs to: its site, its tags, and the custom field `groups`; in order, each once.
    pub groups: Vec<String>,
    /// Its addresses, from `primary_ip`, `primary_ip4`, `primary_ip6` and its interfaces, each once.
    pub addresses: Vec<IpNet>,
    /// Its interfaces, in the order of the file; `None` where no list of interfaces names the device.
    pub interfaces: Option<Vec<Spanned<String>>>,
    /// Where it is written.
    pub span: Span,
}

/// Reads every row. A device without a name has no folder, and is left out as NetBox allows it.
pub(super) fn read(table: &Table, problems: &Problems) -> Vec<InventoryDevice> {
    if !table.needs("name", problems) {
        return Vec::new();
    }
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    let mut out = Vec::new();
    for row in &table.rows {
        let Some(name) = row.text(&["name"]) else { continue };
        if let Some(first) = seen.insert(&name.value, name.span) {
            let help = format!("it stands in line {} as well; names of devices must be unique", first.line);
            problems.report(name.span, format!("the device `{}` is given twice", name.value), help);
            continue;
        }
        out.push(device(row, name, problems));
    }
    out
}

fn device(row: &Row, name: &Spanned<String>, problems: &Problems) -> InventoryDevice {
    let said = |column: &str| row.text(&[column]).map(|t| t.value.clone());
    let lower = |text: &Spanned<String>| Spanned::new(text.value.to_lowercase(), text.span);
    let listed = ["tags", "groups"].iter().flat_map(|c| row.list(&[c])).map(|t| t.value.clone());
    let mut groups: Vec<String> = said("site").into_iter().chain(listed).collect();
    groups.sort();
    groups.dedup();
    let primary = ["primary_ip4", "primary_ip6", "primary_ip"].iter().flat_map(|c| row.list(&[c]));
    let mut device = InventoryDevice {
        name: name.clone(),
        role: row.text(&["role"]).cloned(),
        environment: row.text(&["environment"]).map(lower),
        status: said("status").map(|s| s.to_lowercase()),
        site: said("site"),
        tenant: said("tenant"),
        groups,
        addresses: Vec::new(),
        interfaces: None,
        span: row.span,
    };
    primary.for_each(|text| add_address(&mut device, text, problems));
    device
}

/// An address that is given with and without its length is one.
fn add_address(device: &mut InventoryDevice, text: &Spanned<String>, problems: &Problems) {
    let bare = text.value.parse::<IpAddr>().ok().map(IpNet::from);
    let Some(net) = bare.or_else(|| text.value.parse().ok()) else {
        let help = "an address is written `192.0.2.1/24` or `192.0.2.1`";
        return problems.report(text.span, format!("`{}` is no address", text.value), help);
    };
    match device.addresses.iter_mut().find(|known| known.addr() == net.addr()) {
        Some(known) if known.prefix_len() == known.max_prefix_len() => *known = net,
        Some(_) => {}
        None => device.addresses.push(net),
    }
}

/// Adds the interfaces of an export of interfaces: `Device`, `Name`, `IP Addresses`.
pub(super) fn add_interfaces(table: &Table, devices: &mut [InventoryDevice], problems: &Problems) {
    if !table.needs("device", problems) || !table.needs("name", problems) {
        return;
    }
    let at: BTreeMap<String, usize> = devices.iter().enumerate().map(|(at, d)| (d.name.value.clone(), at)).collect();
    for row in &table.rows {
        let Some((owner, name)) = row.text(&["device"]).zip(row.text(&["name"])) else {
            problems.note(row.span, "this row lacks the device or the name", None);
            continue;
        };
        // Other devices than those of the list are patch panels and the like: nothing that is asked about.
        let Some(device) = at.get(&owner.value).and_then(|at| devices.get_mut(*at)) else { continue };
        device.interfaces.get_or_insert_with(Vec::new).push(name.clone());
        for address in row.list(&["ip_addresses"]) {
            add_address(device, address, problems);
        }
    }
}
