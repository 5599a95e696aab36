//! FW410: snapshots that are older than the policy allows.

use super::at;
use crate::check::CheckInput;
use crate::check::estate::EstateCheck;
use crate::finding::{Finding, INVENTORY_STALE};
use crate::inventory::{Inventory, Snapshot, companion};
use crate::ruleset::Span;
use std::time::Duration;

/// The registry line.
pub(super) const CHECK: EstateCheck = EstateCheck { codes: &[&INVENTORY_STALE], run };

/// How far a clock may run ahead of this one.
const SKEW: i64 = 300;

fn run(input: &CheckInput<'_>) -> Vec<Finding> {
    let max_age = input.policy.inventory.as_ref().and_then(|rule| rule.max_age.as_ref());
    let (Some(inventory), Some(max_age), Some(now)) = (input.estate.proposed.inventory, max_age, input.estate.now)
    else {
        return Vec::new();
    };
    inventory.snapshots.iter().filter_map(|s| judge(inventory, s, max_age.value, now)).collect()
}

fn judge(inventory: &Inventory, snapshot: &Snapshot, max_age: Duration, now: i64) -> Option<Finding> {
    let path = &snapshot.path;
    let limit = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX);
    let (span, message) = match &snapshot.taken {
        None => (Span::default(), format!("nothing says when `{path}` was taken")),
        Some(taken) if taken.value > now.saturating_add(SKEW) => {
            (taken.span, format!("`{path}` was taken in the future"))
        }
        Some(taken) if now.saturating_sub(taken.value) > limit => {
            let age = words(now.saturating_sub(taken.value));
            (taken.span, format!("`{path}` is {age} old, and the policy allows {}", words(limit)))
        }
        Some(_) => return None,
    };
    let help = format!("export the list again and write its time into `{}`", companion(path));
    let finding = match span.line {
        0 => Finding::without_place(&INVENTORY_STALE, message),
        _ => at(&INVENTORY_STALE, inventory, span, message),
    };
    Some(finding.helped_by(help))
}

/// A length of time in its largest unit, rounded down.
fn words(seconds: i64) -> String {
    let (count, unit) = match seconds {
        s if s >= 2 * 86_400 => (s / 86_400, "days"),
        s if s >= 2 * 3600 => (s / 3600, "hours"),
        s if s >= 120 => (s / 60, "minutes"),
        s => (s, "seconds"),
    };
    format!("{count} {unit}")
}
