//! FW2xx: the effect of a change, against its declared intent or against good practice.

use super::{Code, Page, Severity, Standing};

/// The codes of this family, by id.
pub(super) const CODES: &[&Code] = &[
    &EFFECT_OUTSIDE_INTENT,
    &INTENT_NOT_MET,
    &INTENT_ALREADY_MET,
    &RANGE_LOST,
    &RANGE_NARROWED,
    &OPENED_TO_ANY,
    &FAMILY_MISSING,
];

/// The change has an effect that its change request does not declare.
pub static EFFECT_OUTSIDE_INTENT: Code = Code {
    id: "FW201",
    name: "effect-outside-intent",
    severity: Severity::Error,
    standing: Standing::Fixed,
    summary: "the change has an effect that its change request does not declare",
    page: Page {
        what: "Finds a packet whose treatment changes and that no `[[intent]]` of the change request covers, as itself or as a reply.",
        why: "What was reviewed is not what would happen. Undeclared effects are how a small change takes a site down.",
        before: "intent: opened, any to 10.1.0.0/24, tcp/443; ruleset: also drops 10.9.0.0/16",
        after: "the ruleset without the other edit, or a second [[intent]] that says \"closed\"",
        mend: "Take the other edit out, or declare it.",
    },
};

/// The change does not bring about what its change request declares.
pub static INTENT_NOT_MET: Code = Code {
    id: "FW202",
    name: "intent-not-met",
    severity: Severity::Error,
    standing: Standing::Fixed,
    summary: "the change does not bring about what its change request declares",
    page: Page {
        what: "Finds a packet of a declared intent that is still blocked (opened) or still allowed (closed) after the change.",
        why: "The ticket would be closed and the service would not work, or the hole would still be open.",
        before: "intent: opened, tcp/443; ruleset: an earlier rule drops the reply",
        after: "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
        mend: "Change the rule that is named, or narrow the intent to what is wanted.",
    },
};

/// What the change request declares was in force already.
pub static INTENT_ALREADY_MET: Code = Code {
    id: "FW203",
    name: "intent-already-met",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "what the change request declares was in force already",
    page: Page {
        what: "Finds an intent that the baseline fulfils in full.",
        why: "The change is not needed, or the intent is not the one that was meant.",
        before: "intent: opened, tcp/443 to 10.1.0.0/24; baseline: -A FORWARD -d 10.0.0.0/8 -j ACCEPT",
        after: "no change request",
        mend: "Withdraw the request, or correct the intent.",
    },
};

/// An address range could talk before the change and cannot any more.
pub static RANGE_LOST: Code = Code {
    id: "FW204",
    name: "range-lost",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "an address range could talk before the change and cannot any more",
    page: Page {
        what: "Without a change request: finds a private, named or inventoried range from which or to which the baseline allowed some new packet at a hook, to some named range, private space or public space, and the proposal allows none.",
        why: "The range that everybody forgot is the usual cause of an outage after a large rewrite of rules.",
        before: "the new list names 10.0.0.0/16 to 10.7.0.0/16 and leaves out 10.4.0.0/16",
        after: "the new list names 10.4.0.0/16 too",
        mend: "Add the range, or declare its closing as an intent.",
    },
};

/// An address range can reach less than before the change.
pub static RANGE_NARROWED: Code = Code {
    id: "FW205",
    name: "range-narrowed",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "an address range can reach less than before the change",
    page: Page {
        what: "Without a change request: finds closed packets from or to a private, named or inventoried range that can still talk otherwise.",
        why: "Something that worked will stop, and no change request says so.",
        before: "-A FORWARD -s 10.4.0.0/16 -p tcp --dport 443 -j ACCEPT     (was: all ports)",
        after: "-A FORWARD -s 10.4.0.0/16 -j ACCEPT",
        mend: "Declare it as an intent, or put the rule back.",
    },
};

/// The change opens something to every source.
pub static OPENED_TO_ANY: Code = Code {
    id: "FW206",
    name: "opened-to-any",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "the change opens something to every source",
    page: Page {
        what: "Finds an opened region whose source is the whole family or all public space.",
        why: "It is the widest opening there is, and often a source that was left out.",
        before: "-A FORWARD -d 10.1.0.5 -p tcp --dport 22 -j ACCEPT",
        after: "-A FORWARD -s 10.20.0.0/16 -d 10.1.0.5 -p tcp --dport 22 -j ACCEPT",
        mend: "Name the sources, or declare the opening as an intent where it is meant.",
    },
};

/// One side of the change gives no ruleset for an address family.
pub static FAMILY_MISSING: Code = Code {
    id: "FW207",
    name: "family-missing",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "one side of the change gives no ruleset for an address family",
    page: Page {
        what: "Finds a device whose baseline has a ruleset for IPv4 or IPv6 where the proposal has none, or the reverse.",
        why: "A family without a ruleset is not a family that is blocked: the device would keep what it has, or accept everything.",
        before: "edge1.v4 and edge1.v6 before, edge1.v4 after",
        after: "edge1.v4 and edge1.v6 after as well",
        mend: "Add the missing file. To end filtering of a family, give a ruleset that says so.",
    },
};
