//! FW62x: spare hardware that would not do what the device does for which it stands in.

use super::{Code, Page, Severity, Standing};

/// The codes of this family, by id.
pub(super) const CODES: &[&Code] = &[&STALE_BUNDLE, &SPARE_WITHOUT_BUNDLE, &PORT_NOT_MAPPED, &SPARE_DIFFERS];

/// A spare carries a configuration that is not the latest stable one.
pub static STALE_BUNDLE: Code = Code {
    id: "FW620",
    name: "stale-bundle",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "a spare carries a configuration that is not the latest stable one",
    page: Page {
        what: "Compares the bundle that a spare carries, by its record under `spares/`, with the latest configuration of each device that was applied, confirmed and read back. One that differs only in spelling is a note.",
        why: "Whoever plugs in the spare brings back rules of the past: what was opened since then is closed, and what was closed is open.",
        before: "spares/edge-spare/manifest.json names the bytes of CHG-2001; CHG-2042 was applied since",
        after: "fwgate bundle create --spare edge-spare --out edge-spare.tar, load it, fwgate bundle record edge-spare.tar",
        mend: "Make a new bundle, load it onto the spare, and record it.",
    },
};

/// Nothing says that a spare carries a bundle.
pub static SPARE_WITHOUT_BUNDLE: Code = Code {
    id: "FW621",
    name: "spare-without-bundle",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "nothing says that a spare carries a bundle",
    page: Page {
        what: "Finds a `[[spare]]` of the policy without a record under `spares/`, one that stands in for no device at all, and one whose record is not signed by the machine with purpose `bundle`.",
        why: "A spare that has to be configured first, in the middle of the night, is no spare.",
        before: "[[spare]] name = \"edge-spare\", and no spares/edge-spare/",
        after: "spares/edge-spare/manifest.json and its signature, as `fwgate bundle record` writes them",
        mend: "`fwgate bundle create --spare NAME --out FILE`, load it onto the spare, then `fwgate bundle record FILE`, and commit the record.",
    },
};

/// A configuration names a port for which the spare has no name.
pub static PORT_NOT_MAPPED: Code = Code {
    id: "FW622",
    name: "port-not-mapped",
    severity: Severity::Error,
    standing: Standing::Fixed,
    summary: "a configuration names a port for which the spare has no name",
    page: Page {
        what: "Finds an interface of the device's files that `ports` of the spare does not name, a pattern such as `eth+` that would stand for other ports on the spare, two ports that would become one, and files in which names cannot be written anew.",
        why: "A rule for a port that the spare does not have never matches there: what it lets through is lost, what it stops passes.",
        before: "ports = { eth0 = \"ens1\" }, and a rule with `-i eth1`",
        after: "ports = { eth0 = \"ens1\", eth1 = \"ens2\", wg0 = \"wg0\" }",
        mend: "Name every port of the device in `ports`, also those that are called the same on the spare.",
    },
};

/// What a spare runs does not mean what its bundle means.
pub static SPARE_DIFFERS: Code = Code {
    id: "FW623",
    name: "spare-differs",
    severity: Severity::Error,
    standing: Standing::Fixed,
    summary: "what a spare runs does not mean what its bundle means",
    page: Page {
        what: "Compares a read-back of the spare with the bundle, packet by packet, so that counters, order of tables and spelling are nothing; shows one packet for each difference.",
        why: "It is the last moment at which this costs nothing: before the spare goes in.",
        before: "the spare still runs the rules of the factory",
        after: "fwgate bundle verify edge-spare.tar --readback running.txt: equal",
        mend: "Load the files of the bundle again, read the spare back, and verify once more.",
    },
};
