//! FW41x: the inventory, beside policy, devices and rules.

use super::{Code, Page, Severity, Standing};

/// The codes of this family, by id.
pub(super) const CODES: &[&Code] =
    &[&INVENTORY_STALE, &INVENTORY_CONTRADICTED, &RANGE_UNCOVERED, &RANGE_UNKNOWN, &RANGES_OVERLAP, &RANGE_UNUSED];

/// A snapshot of the inventory is older than the policy allows.
pub static INVENTORY_STALE: Code = Code {
    id: "FW410",
    name: "inventory-stale",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "a snapshot of the inventory is older than the policy allows",
    page: Page {
        what: "Finds a snapshot whose `taken` is longer ago than `max_age` of [inventory], that was taken in the future, or that does not say when it was taken.",
        why: "An old list lacks the range that was added last, and that is the one that a rollout forgets.",
        before: "inventory/snapshot.toml: taken = \"2026-03-01T06:00:00Z\"; policy: max_age = \"7d\"",
        after: "inventory/snapshot.toml: taken = \"2026-11-20T06:00:00Z\", with the list of that day",
        mend: "Export the list again, and write the time into `snapshot.toml` beside it.",
    },
};

/// The inventory says something else of a device than its `device.toml`.
pub static INVENTORY_CONTRADICTED: Code = Code {
    id: "FW411",
    name: "inventory-contradicted",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "the inventory says something else of a device than its device.toml",
    page: Page {
        what: "Finds a role, an environment, an address or an interface of which the inventory and `device.toml` do not say the same. `device.toml` counts.",
        why: "One of the two is wrong, and requirements are judged by one of them: a device with the wrong role escapes what is required of it.",
        before: "device.toml: role = \"edge\"; inventory: edge1,core",
        after: "device.toml: role = \"edge\"; inventory: edge1,edge",
        mend: "Correct the one that is wrong. What only the inventory should say can be taken out of `device.toml`.",
    },
};

/// A range of the inventory is in no requirement.
pub static RANGE_UNCOVERED: Code = Code {
    id: "FW412",
    name: "range-uncovered",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "a range of the inventory is in no requirement",
    page: Page {
        what: "Finds addresses of an active range that no requirement names as source or destination. Requirements from or to everybody name nobody. Of a range that holds others only what those leave over counts.",
        why: "Nobody wrote down what this range needs, so nobody notices by the policy when it loses it.",
        before: "inventory: 10.48.0.0/14,active; policy: from = [\"10.32.0.0/14\"]",
        after: "policy: from = [\"10.32.0.0/14\", \"10.48.0.0/14\"]",
        mend: "Add the range to the requirement that it belongs to, or set it to reserved or deprecated where nobody uses it.",
    },
};

/// The policy names addresses that the inventory does not know.
pub static RANGE_UNKNOWN: Code = Code {
    id: "FW413",
    name: "range-unknown",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "the policy names addresses that the inventory does not know",
    page: Page {
        what: "Finds addresses in a requirement or prohibition that lie in no range of the inventory, in families that it lists at all.",
        why: "It is a slip of the pen, a range that was given up, or one that the inventory forgot.",
        before: "policy: to = [\"10.84.0.0/14\"]; inventory: 10.48.0.0/14",
        after: "policy: to = [\"10.48.0.0/14\"]; inventory: 10.48.0.0/14",
        mend: "Correct the policy, or enter the range. Ranges of other parties that are meant so belong into the inventory as well, or under a waiver.",
    },
};

/// Two ranges of the inventory overlap.
pub static RANGES_OVERLAP: Code = Code {
    id: "FW414",
    name: "ranges-overlap",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "two ranges of the inventory overlap",
    page: Page {
        what: "Finds a range that is listed twice in one routing table, and a range inside another one that is no container and belongs to another site or tenant.",
        why: "Two parties believe that the addresses are theirs, and rules for the one let the other in.",
        before: "10.20.0.0/16,active,toronto\n10.20.4.0/24,active,dallas",
        after: "10.20.0.0/16,container,\n10.20.0.0/22,active,toronto\n10.20.4.0/24,active,dallas",
        mend: "Correct the range, or make the outer one a container.",
    },
};

/// Nothing speaks of a range of the inventory.
pub static RANGE_UNUSED: Code = Code {
    id: "FW415",
    name: "range-unused",
    severity: Severity::Note,
    standing: Standing::Adjustable,
    summary: "nothing speaks of a range of the inventory",
    page: Page {
        what: "Finds an active range of which no rule, no policy, no device and no name record has an address.",
        why: "It is not used any more, and could be given up; or what it needs was forgotten everywhere.",
        before: "inventory: 10.77.0.0/16,active",
        after: "inventory: 10.77.0.0/16,deprecated",
        mend: "Give the range up, or write down who may talk with it.",
    },
};
