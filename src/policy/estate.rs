//! Parts of the estate that a policy treats apart: the lab, and what other programs manage on the devices.

use super::names::Names;
use super::ranges::AddressSet;
use super::selector::DeviceSelection;
use crate::document::{Fields, Spanned};
use crate::ruleset::Span;

/// The lab: where changes of class test may have effects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lab {
    /// Its addresses.
    pub ranges: AddressSet,
    /// Its devices.
    pub devices: DeviceSelection,
    /// The destinations whose routes may change; those of `ranges` where nobody says.
    pub routes: AddressSet,
    /// Where it is written.
    pub span: Span,
}

/// Objects on devices that other programs manage: neither compared nor rolled back. All names are globs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmanaged {
    /// The devices.
    pub devices: DeviceSelection,
    /// Names of tables.
    pub tables: Vec<Spanned<String>>,
    /// Names of chains.
    pub chains: Vec<Spanned<String>>,
    /// Names of sets.
    pub sets: Vec<Spanned<String>>,
    /// Names of rule groups (Windows).
    pub groups: Vec<Spanned<String>>,
    /// Why, or by whom.
    pub reason: Option<String>,
    /// Where it is written.
    pub span: Span,
}

/// Reads `[lab]`.
pub(super) fn read_lab(mut fields: Fields<'_>, names: &Names) -> Lab {
    let ranges = fields.texts("ranges").unwrap_or_default();
    let routes = fields.texts("routes").unwrap_or_else(|| ranges.clone());
    let lab = Lab {
        ranges: names.fixed_addresses(&ranges, fields.problems()),
        routes: names.fixed_addresses(&routes, fields.problems()),
        devices: DeviceSelection::read(&mut fields),
        span: fields.span,
    };
    if ranges.is_empty() && routes.is_empty() && lab.devices.entries.is_none() {
        fields.problems().note(lab.span, "[lab] has neither `ranges` nor `devices`", None);
    }
    fields.finish();
    lab
}

/// Reads one `[[unmanaged]]`.
pub(super) fn read_unmanaged(mut fields: Fields<'_>) -> Unmanaged {
    fields.need("devices");
    let devices = DeviceSelection::read(&mut fields);
    let list = |fields: &mut Fields<'_>, key| fields.texts(key).unwrap_or_default();
    let unmanaged = Unmanaged {
        devices,
        tables: list(&mut fields, "tables"),
        chains: list(&mut fields, "chains"),
        sets: list(&mut fields, "sets"),
        groups: list(&mut fields, "groups"),
        reason: fields.text("reason").map(|r| r.value),
        span: fields.span,
    };
    let named = [&unmanaged.tables, &unmanaged.chains, &unmanaged.sets, &unmanaged.groups];
    if named.iter().all(|list| list.is_empty()) {
        let help = "name what other programs manage under `tables`, `chains`, `sets` or `groups`";
        fields.problems().report(unmanaged.span, "[[unmanaged]] names nothing", help);
    }
    fields.finish();
    unmanaged
}
