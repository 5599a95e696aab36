//! Which demands of catalogues of controls the evidence answers, and by which parts of an audit: the one table from which
//! the documentation's is made.

/// A demand of a catalogue, in words of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// The catalogue: `NIST SP 800-53`.
    pub catalogue: &'static str,
    /// The id there: `CM-3`.
    pub id: &'static str,
    /// What it asks, in one plain sentence.
    pub asks: &'static str,
    /// The fields of an audited change that show it.
    pub shown_by: &'static [&'static str],
}

const NIST: &str = "NIST SP 800-53 Rev. 5";
const PCI: &str = "PCI DSS v4.0.1";

/// The table.
pub const CONTROLS: &[Control] = &[
    Control {
        catalogue: NIST,
        id: "CM-3",
        asks: "Changes are proposed, looked at for what they do to security, decided on, written down, and kept.",
        shown_by: &["records", "says", "outcome", "closed"],
    },
    Control {
        catalogue: NIST,
        id: "CM-3(1)",
        asks: "A tool asks for the decision, tells who still has to decide, holds the change back until then, and writes down what was done.",
        shown_by: &["records", "permit", "results"],
    },
    Control {
        catalogue: NIST,
        id: "CM-3(2)",
        asks: "Changes are tried and proved before they reach the systems that are in use.",
        shown_by: &["receipts"],
    },
    Control {
        catalogue: NIST,
        id: "CM-4",
        asks: "What a change would do is worked out before it is made.",
        shown_by: &["says", "meaning", "content"],
    },
    Control {
        catalogue: NIST,
        id: "CM-5",
        asks: "Only those who may change a system can change it, and that is enforced.",
        shown_by: &["permit", "records", "policy"],
    },
    Control {
        catalogue: NIST,
        id: "CM-6",
        asks: "Settings are laid down, put in place, and every departure from them is seen.",
        shown_by: &["results", "receipts", "content"],
    },
    Control {
        catalogue: NIST,
        id: "AC-5",
        asks: "No one person can do all of a task that could do harm.",
        shown_by: &["authors", "contributors", "records"],
    },
    Control { catalogue: NIST, id: "AU-10", asks: "Nobody can deny later what they decided.", shown_by: &["records"] },
    Control {
        catalogue: PCI,
        id: "1.2.2",
        asks: "Changes of network connections and of the rules of network security controls go through the process for changes.",
        shown_by: &["records", "says", "outcome"],
    },
    Control {
        catalogue: PCI,
        id: "6.5.1",
        asks: "A change in production has a reason, a look at its effect on security, a sign-off, a trial, and a way back.",
        shown_by: &["records", "says", "receipts", "permit", "results"],
    },
    Control {
        catalogue: "ISO/IEC 27001:2022",
        id: "A.8.32",
        asks: "Changes of systems that process information follow a procedure.",
        shown_by: &["records", "outcome", "policy"],
    },
    Control {
        catalogue: "SOC 2 (TSC 2017)",
        id: "CC8.1",
        asks: "Changes are asked for, designed, tried, approved and put in place in the way that was laid down.",
        shown_by: &["records", "receipts", "permit", "results"],
    },
];

/// The table in Markdown.
pub fn controls_table() -> String {
    let mut out = "| catalogue | control | what it asks | where an audit shows it |\n|---|---|---|---|\n".to_owned();
    for control in CONTROLS {
        let fields: Vec<String> = control.shown_by.iter().map(|f| format!("`{f}`")).collect();
        out += &format!("| {} | {} | {} | {} |\n", control.catalogue, control.id, control.asks, fields.join(", "));
    }
    out
}
