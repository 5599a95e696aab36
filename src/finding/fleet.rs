//! FW6xx: devices that do not run what they should, or of which nobody knows what they run.

use super::{Code, Page, Severity, Standing};

/// The codes of this family, by id.
pub(super) const CODES: &[&Code] = &[
    &DEVICE_DRIFTED,
    &NOT_CONVERGED,
    &NEVER_READ,
    &MAIN_DIFFERS,
    &IN_QUARANTINE,
    &FOREIGN_FIRST,
    &DEVICE_UNREAD,
    &DEVICE_UNKNOWN,
];

/// A device runs something else than what is in force.
pub static DEVICE_DRIFTED: Code = Code {
    id: "FW601",
    name: "device-drifted",
    severity: Severity::Error,
    standing: Standing::Fixed,
    summary: "a device runs something else than what is in force on it",
    page: Page {
        what: "Finds devices whose running configuration treats some packet otherwise than the bytes that were applied last, with one such packet. Counters, spelling and order of what cannot matter are nothing.",
        why: "Every proof is about the bytes in force. A hand edit makes it a proof about something else, and the next push stops there.",
        before: "iptables -I INPUT -p tcp --dport 22 -j ACCEPT on the device",
        after: "the same rule in devices/edge1/rules.v4, announced, approved and pushed",
        mend: "Bring the device back with `fwgate rollback DEVICE`, or make what it runs its baseline with `fwgate adopt DEVICE`.",
    },
};

/// A device has no receipt after a push.
pub static NOT_CONVERGED: Code = Code {
    id: "FW602",
    name: "device-not-converged",
    severity: Severity::Error,
    standing: Standing::Fixed,
    summary: "a device has no receipt after a push that reached others, or began with it",
    page: Page {
        what: "Finds devices that a push began and did not finish, and devices that it never came to while others have the change.",
        why: "Half a fleet with the change is how an outage outlives its fix. The next push is refused until these devices have converged.",
        before: "edge1: applied; edge2: started, and no result",
        after: "edge1: applied; edge2: applied",
        mend: "Push the change again with a new permit, roll it back, or put the device into quarantine where it cannot be reached.",
    },
};

/// Nobody knows what a device runs.
pub static NEVER_READ: Code = Code {
    id: "FW603",
    name: "device-never-read",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "neither the ledger nor an adoption says what a device runs",
    page: Page {
        what: "Finds devices of the protected branch that were never pushed and never adopted.",
        why: "The protected branch stands in for them, and it may never have been true.",
        before: "devices/edge9/ in the repository, and nothing of edge9 in the ledger",
        after: "fwgate adopt edge9 --change CHG-7 --role network --reason 'day one'",
        mend: "Commit what the device runs and let the quorum adopt it.",
    },
};

/// The protected branch holds something else than what is in force after a rollback.
pub static MAIN_DIFFERS: Code = Code {
    id: "FW604",
    name: "main-differs",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "after a rollback the protected branch holds something else than what is in force",
    page: Page {
        what: "Finds devices that were brought back while the protected branch still holds what was taken from them, and devices that are in force and gone from the branch.",
        why: "The next change of anybody would bring the same thing again: its effect contains what was rolled back.",
        before: "main holds the change; edge1 runs what was before it",
        after: "main holds the revert",
        mend: "Merge the revert or the fix. Nothing else passes the check of effects meanwhile.",
    },
};

/// A device is in quarantine.
pub static IN_QUARANTINE: Code = Code {
    id: "FW605",
    name: "device-in-quarantine",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "a device is in quarantine and counts as not converged",
    page: Page {
        what: "Lists devices in quarantine, with who put them there, why and until when.",
        why: "A quarantine blocks nobody, so that somebody has to be reminded. It ends by itself after 14 days at most, and the device blocks again.",
        before: "fwgate quarantine edge7 --for 14d --reason 'no power at the site'",
        after: "edge7 reached again, pushed, and its receipt in the ledger",
        mend: "Bring the device to what is in force as soon as it can be reached.",
    },
};

/// A chain of another program decides before rules of one's own.
pub static FOREIGN_FIRST: Code = Code {
    id: "FW606",
    name: "foreign-chain-first",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "a chain of another program can decide before rules of one's own",
    page: Page {
        what: "Finds chains that policy calls unmanaged and that can accept or drop a packet before the rules of the repository see it.",
        why: "What was proved about the own rules is not what happens to such a packet.",
        before: "-A FORWARD -j DOCKER-USER in front of every rule of one's own",
        after: "the own rules in a chain of a lower priority, or in front of the jump",
        mend: "Load the own rules in front, or let the other program keep out of this hook.",
    },
};

/// A device could not be read.
pub static DEVICE_UNREAD: Code = Code {
    id: "FW607",
    name: "device-unread",
    severity: Severity::Error,
    standing: Standing::Fixed,
    summary: "a device could not be read, so nobody knows whether it drifted",
    page: Page {
        what: "Finds devices whose transport failed, whose answer is not understood, or of which the folder of dumps holds none.",
        why: "What was not looked at is not converged.",
        before: "fwgate drift --from dumps/, and no dump of edge3",
        after: "fwgate drift --from dumps/, with a dump of every device",
        mend: "See that the transport's `read` reaches the device, or add its dump.",
    },
};

/// A dump of a device that is none of the fleet.
pub static DEVICE_UNKNOWN: Code = Code {
    id: "FW608",
    name: "device-unknown",
    severity: Severity::Warning,
    standing: Standing::Adjustable,
    summary: "a dump is of a device that the fleet does not have",
    page: Page {
        what: "Finds dumps whose name is no device of what they are held against.",
        why: "A device that nobody keeps in the repository is a device that nobody judges; or the dump has the wrong name, and its device was not looked at.",
        before: "dumps/edge-old/rules.v4, and no devices/edge-old/",
        after: "devices/edge-old/ in the repository, adopted",
        mend: "Add the device to the repository, or name the dump after its device.",
    },
};
