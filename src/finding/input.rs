//! FW4xx: what was wrong with the input, so that nothing or less was proved.

use super::{Code, Page, Severity, Standing};

/// The codes of this family, by id.
pub(super) const CODES: &[&Code] = &[&UNREADABLE_INPUT, &UNKNOWN_DEVICE_FACT, &ORDER_UNKNOWN];

/// A file could not be understood.
pub static UNREADABLE_INPUT: Code = Code {
    id: "FW401",
    name: "unreadable-input",
    severity: Severity::Error,
    standing: Standing::Fixed,
    summary: "a file could not be understood",
    page: Page {
        what: "Finds a line, option or value that no reader understands. Nothing is skipped: a ruleset is understood as a whole or not at all.",
        why: "A verdict about half a ruleset is no verdict.",
        before: "-A FORWARD --dprot 443 -j ACCEPT",
        after: "-A FORWARD -p tcp --dport 443 -j ACCEPT",
        mend: "Correct the place that is shown. Where the device accepts the line, please report it with the line.",
    },
};

/// A rule depends on a fact about the device that nobody gave.
pub static UNKNOWN_DEVICE_FACT: Code = Code {
    id: "FW402",
    name: "unknown-device-fact",
    severity: Severity::Note,
    standing: Standing::Adjustable,
    summary: "a rule depends on a fact about the device that nobody gave",
    page: Page {
        what: "Finds a match that needs the device's own addresses or interfaces (`addrtype`, `fib`, keywords such as LocalSubnet) where `device.toml` does not give them; the match is then a free condition.",
        why: "Verdicts come out as dependent although the device would know.",
        before: "-A INPUT -m addrtype --dst-type LOCAL -j ACCEPT; device.toml: nothing",
        after: "device.toml: addresses = [\"192.0.2.1/24\"]",
        mend: "Give `addresses` and `interfaces` in the device's `device.toml`.",
    },
};

/// The outcome depends on the order in which files are loaded.
pub static ORDER_UNKNOWN: Code = Code {
    id: "FW403",
    name: "order-unknown",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "the outcome depends on the order in which files are loaded",
    page: Page {
        what: "Finds base chains of several files with equal priority whose order decides what happens to a packet.",
        why: "The kernel runs the chain first that was registered last, and nothing says which that is.",
        before: "a.nft and b.nft, both with `type filter hook input priority 0`",
        after: "b.nft with `priority 10`",
        mend: "Give the chains different priorities, or put them into one file.",
    },
};
