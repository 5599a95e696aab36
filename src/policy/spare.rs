//! Spare hardware: what stands ready for which device or role, and what its ports are called there.

use super::flow::check_id;
use super::selector::read_interface;
use crate::document::{Fields, Problems, Spanned, Value};
use crate::ruleset::Span;
use std::collections::{BTreeMap, BTreeSet};

/// What a spare stands in for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StandsIn {
    /// One device, by name.
    Device(String),
    /// Every device of a role.
    Role(String),
}

impl StandsIn {
    /// Whether a device of this name and with these roles is one of them.
    pub fn covers(&self, device: &str, roles: &[String]) -> bool {
        match self {
            StandsIn::Device(name) => name == device,
            StandsIn::Role(role) => roles.contains(role),
        }
    }

    /// In words: `edge1`, `role:edge`.
    pub fn text(&self) -> String {
        match self {
            StandsIn::Device(name) => name.clone(),
            StandsIn::Role(role) => format!("role:{role}"),
        }
    }
}

/// A piece of spare hardware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spare {
    /// Its name: ASCII, unique.
    pub name: Spanned<String>,
    /// What it stands in for.
    pub stands_in: StandsIn,
    /// What the device's interfaces are called on it: `eth0 = "ens1"`, `"eth+" = "ens+"`. Empty: as on the device.
    pub ports: BTreeMap<String, String>,
    /// Where it lies.
    pub site: Option<String>,
    /// Where it is written.
    pub span: Span,
}

/// Reads one `[[spare]]`.
pub(super) fn read_spare(mut fields: Fields<'_>) -> Option<Spare> {
    let span = fields.span;
    let problems = fields.problems();
    let name = fields.need_text("name").filter(|name| check_id(name, &fields));
    let (device, role) = (fields.text("device"), fields.text("role"));
    let stands_in = match (device, role) {
        (Some(device), None) => Some(StandsIn::Device(device.value)),
        (None, Some(role)) => Some(StandsIn::Role(role.value)),
        _ => {
            problems.report(
                span,
                "[[spare]] names not exactly one of `device` and `role`",
                "write what it stands in for",
            );
            None
        }
    };
    let ports = read_ports(&mut fields);
    let site = fields.text("site").map(|s| s.value);
    fields.finish();
    Some(Spare { name: name?, stands_in: stands_in?, ports, site, span })
}

/// A table from each name of the device to that of the spare; two names never become one.
fn read_ports(fields: &mut Fields<'_>) -> BTreeMap<String, String> {
    let Some(table) = fields.table("ports", "`ports` of [[spare]]") else { return BTreeMap::new() };
    let problems = table.problems();
    let (mut out, mut taken) = (BTreeMap::new(), BTreeSet::new());
    for (from, node) in table.entries() {
        let Value::Text(to) = &node.value else {
            let message = format!("the port `{}` becomes {} instead of a text", from.value, node.value.kind());
            problems.note(node.span, message, None);
            continue;
        };
        if !taken.insert(to.clone()) {
            problems.report(
                node.span,
                format!("two ports become `{to}`"),
                "each port of the spare is one of the device",
            );
        }
        if fits(from, &Spanned::new(to.clone(), node.span), problems) {
            out.insert(from.value.clone(), to.clone());
        }
    }
    out
}

/// Whether both are interfaces, or both are patterns.
fn fits(from: &Spanned<String>, to: &Spanned<String>, problems: &Problems) -> bool {
    let read = |text| crate::document::parsed_text(text, read_interface, problems);
    let (Some(one), Some(other)) = (read(from), read(to)) else { return false };
    if one.value.prefix != other.value.prefix {
        let message = format!("`{}` becomes `{}`: one is a name and the other stands for many", from.value, to.value);
        problems.report(to.span, message, "a name becomes a name, and `eth+` another one with `+`");
        return false;
    }
    true
}
