//! FW411: what the inventory says otherwise than `device.toml`.

use super::at;
use crate::check::CheckInput;
use crate::check::estate::EstateCheck;
use crate::finding::{Finding, INVENTORY_CONTRADICTED};

/// The registry line.
pub(super) const CHECK: EstateCheck = EstateCheck { codes: &[&INVENTORY_CONTRADICTED], run };

fn run(input: &CheckInput<'_>) -> Vec<Finding> {
    let known = input.estate.proposed;
    let Some(inventory) = known.inventory else { return Vec::new() };
    let finding = |(device, c): &(String, crate::policy::Contradiction)| {
        let message = format!(
            "the inventory gives `{}` as `{}` of `{device}`, and device.toml says `{}`",
            c.inventory, c.key, c.own
        );
        at(&INVENTORY_CONTRADICTED, inventory, c.span, message)
            .on_device(device)
            .helped_by("device.toml counts; correct the one that is wrong")
    };
    known.contradictions.iter().map(finding).collect()
}
