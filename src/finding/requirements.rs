//! FW1xx: requirements and prohibitions of the policy, and what has been conceded about them.

use super::{Code, Page, Severity, Standing};

/// The codes of this family, by id.
pub(super) const CODES: &[&Code] = &[
    &REQUIRED_FLOW_LOST,
    &REQUIRED_FLOW_MISSING,
    &REQUIRED_FLOW_DEPENDS,
    &FORBIDDEN_FLOW_ALLOWED,
    &JUDGED_BEFORE_TRANSLATION,
    &REQUIREMENT_UNMATCHED,
    &WAIVER_EXPIRED,
    &WAIVER_UNUSED,
    &KNOWN_FINDING_GONE,
];

/// A required flow worked before the change and does not work after it.
pub static REQUIRED_FLOW_LOST: Code = Code {
    id: "FW101",
    name: "required-flow-lost",
    severity: Severity::Error,
    standing: Standing::Fixed,
    summary: "a required flow worked before the change and does not work after it",
    page: Page {
        what: "Finds a packet of a required conversation that the baseline allows and the proposal does not. Both directions count: the reply to a request is judged as well.",
        why: "Somebody wrote down that this traffic must work, and the change stops it. The witness is one packet that would be dropped.",
        before: "-A FORWARD -s 10.20.0.0/16 -d 10.30.0.0/16 -j ACCEPT     (taken out by the change)",
        after: "-A FORWARD -s 10.20.0.0/16 -d 10.30.0.0/16 -j ACCEPT     (kept)",
        mend: "Put the rule back, or put one that allows the witness in front of the rule that is named. Where the flow is really no longer needed, take the requirement out of the policy first.",
    },
};

/// A required flow works neither before the change nor after it.
pub static REQUIRED_FLOW_MISSING: Code = Code {
    id: "FW102",
    name: "required-flow-missing",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "a required flow works neither before the change nor after it",
    page: Page {
        what: "Finds a packet of a required conversation that neither baseline nor proposal allows.",
        why: "The policy promises something that the devices do not keep. It is no fault of this change, but nobody can rely on the promise.",
        before: "policy: require 10.20.0.0/16 to 10.30.0.0/16 on tcp/443; ruleset: no rule for it",
        after: "-A FORWARD -s 10.20.0.0/16 -d 10.30.0.0/16 -p tcp --dport 443 -j ACCEPT",
        mend: "Add the rule, correct the requirement, or waive the finding with a reason and a date until the rule is there.",
    },
};

/// A required flow works only under conditions that no packet header decides.
pub static REQUIRED_FLOW_DEPENDS: Code = Code {
    id: "FW103",
    name: "required-flow-depends",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "a required flow works only under conditions that no packet header decides",
    page: Page {
        what: "Finds a packet of a required conversation that is allowed for some values of the opaque conditions (rates, owners, clocks, external programs) and dropped for others. The conditions are named. It is a warning where the baseline depended on the same ones.",
        why: "A flow that works until a counter runs over has not been shown to work.",
        before: "-A FORWARD -p tcp --dport 443 -m limit --limit 10/second -j ACCEPT",
        after: "-A FORWARD -p tcp --dport 443 -j ACCEPT",
        mend: "Take the condition out of the path of the flow, or state in the policy what may be assumed of it under `[[assume]]`.",
    },
};

/// A forbidden flow is allowed.
pub static FORBIDDEN_FLOW_ALLOWED: Code = Code {
    id: "FW104",
    name: "forbidden-flow-allowed",
    severity: Severity::Error,
    standing: Standing::Fixed,
    summary: "a forbidden flow is allowed",
    page: Page {
        what: "Finds a packet of a prohibition that is allowed for some value of the opaque conditions, in connection state new.",
        why: "Somebody wrote down that this traffic must be blocked. The witness is one packet that gets through.",
        before: "-A FORWARD -p tcp --dport 23 -j ACCEPT",
        after: "-A FORWARD -p tcp --dport 23 -j DROP",
        mend: "Block the witness in front of the rule that is named.",
    },
};

/// A flow is judged by the addresses before translation.
pub static JUDGED_BEFORE_TRANSLATION: Code = Code {
    id: "FW105",
    name: "judged-before-translation",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "a flow is judged by the addresses before translation",
    page: Page {
        what: "Finds a required flow whose replies cannot be followed exactly behind a translation (a redirect to an address that nobody gave, chains in front of the translation that replies pass), and a forbidden flow into which a rule translates other destinations. Policies speak of packets as they enter the device.",
        why: "The addresses in the policy may be those behind the translation; then the result is about other packets than the author thought of.",
        before: "-t nat -A PREROUTING -d 203.0.113.1 -p tcp --dport 443 -j DNAT --to 10.1.0.5; policy: to = [\"10.1.0.5\"]",
        after: "policy: to = [\"203.0.113.1\"]",
        mend: "Write the addresses with which packets arrive, or waive the finding where that has been done.",
    },
};

/// A requirement or prohibition selects no device, no filter or no packet.
pub static REQUIREMENT_UNMATCHED: Code = Code {
    id: "FW106",
    name: "requirement-unmatched",
    severity: Severity::Error,
    standing: Standing::Fixed,
    summary: "a requirement or prohibition selects no device, no filter or no packet",
    page: Page {
        what: "Finds a requirement or prohibition that nothing was checked for: no device has its name or role, none gives a ruleset for its hook and family, or source and destination have no family in common.",
        why: "A check that checks nothing always passes. It is nearly always a misspelt name.",
        before: "devices = [\"egde*\"]",
        after: "devices = [\"edge*\"]",
        mend: "Correct the selector, or take the entry out of the policy.",
    },
};

/// A waiver whose last day is over.
pub static WAIVER_EXPIRED: Code = Code {
    id: "FW108",
    name: "waiver-expired",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "the last day of a waiver is over",
    page: Page {
        what: "Finds a waiver of the policy whose last day lies before the day of the check, in UTC. It tolerates nothing any more: what it tolerated weighs again what it weighs by itself.",
        why: "A waiver is a promise that something will be mended by a day. The day has come, and either it was not mended, or the promise stands about for nothing and will be copied.",
        before: "[[waive]]\ncode = \"FW102\"\nowner = \"netops\"\nreason = \"the rules come with the new router\"\nexpires = 2026-06-30     (today is 2026-07-01)",
        after: "(taken out, with the rule in place; or a new last day that the owner answers for)",
        mend: "Mend what was tolerated and take the waiver out. Where that is not done yet, give it a new last day: a change of the policy, which people approve.",
    },
};

/// A waiver that has nothing to tolerate.
pub static WAIVER_UNUSED: Code = Code {
    id: "FW109",
    name: "waiver-unused",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "a waiver has nothing left to tolerate",
    page: Page {
        what: "Finds a waiver that is in time and meets no finding of its code, requirement and devices. Waivers of findings about one change (FW2xx) are left out: most changes have none.",
        why: "What it tolerated has been mended, or its selectors are misspelt. Left in place it will tolerate the next finding that nobody has seen.",
        before: "[[waive]]\ncode = \"FW102\"\nrequirement = \"site-*\"     (every requirement of a site holds)",
        after: "(the waiver is taken out)",
        mend: "Take the waiver out, or correct its `code`, `requirement` or `devices`.",
    },
};

/// An entry of the file of known findings that does not occur any more.
pub static KNOWN_FINDING_GONE: Code = Code {
    id: "FW110",
    name: "known-finding-gone",
    severity: Severity::Note,
    standing: Standing::Adjustable,
    summary: "an entry of the file of known findings does not occur any more",
    page: Page {
        what: "Finds entries of the file that was given with `--known` for which this check has no finding.",
        why: "It is good news, and the file should say so: an entry that stays would excuse the same sin when it comes back.",
        before: "fwgate check --known known.json     (known.json lists a flow that works by now)",
        after: "fwgate check --write-known known.json     (written again, and shorter)",
        mend: "Write the file again with `--write-known`, look at the difference, and commit it.",
    },
};
