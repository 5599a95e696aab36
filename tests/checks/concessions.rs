//! Severities that differ, and waivers until their last day.

use super::{Case, forward};
use fwgate::check::{CheckReport, WaiverState};
use fwgate::finding::Severity;

const STATEFUL: &str = "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n";
const WEB: &str = r#"
[[require]]
id = "web"
reason = "r"
from = ["10.20.0.0/16"]
to = ["10.30.0.0/16"]
service = ["tcp/443"]
hook = "forward"
"#;

fn waiver(expires: &str, more: &str) -> String {
    format!("[[waive]]\ncode = \"FW102\"\nreason = \"in work\"\nowner = \"netops\"\nexpires = {expires}\n{more}")
}

fn missing(policy: &str) -> Case {
    Case::new(&forward(STATEFUL), &forward(STATEFUL)).policy(&format!("{WEB}{policy}"))
}

fn told(report: &CheckReport) -> Vec<(&'static str, Severity)> {
    report.findings.iter().map(|f| (f.code.id, f.severity)).collect()
}

#[test]
fn a_waived_finding_stays_as_a_note_that_says_who_tolerates_it() {
    let report = missing(&waiver("2026-06-15", "")).report();
    let finding = &report.findings[0];
    assert_eq!((finding.code.id, finding.severity), ("FW102", Severity::Note));
    let waived = finding.waived.as_ref().unwrap();
    assert_eq!(
        (waived.severity, waived.owner.as_str(), waived.expires.as_str()),
        (Severity::Error, "netops", "2026-06-15")
    );
    assert_eq!(report.waivers[0].state, WaiverState::Used(1));
    assert_eq!(report.requirements.missing, 1);
}

#[test]
fn a_waiver_whose_last_day_is_over_tolerates_nothing() {
    let report = missing(&waiver("2026-06-14", "")).report();
    assert_eq!(told(&report), [("FW108", Severity::Warning), ("FW102", Severity::Error)]);
    assert_eq!(report.waivers[0].state, WaiverState::Expired(1));
    assert!(report.findings[0].message.ends_with("1 finding weighs again"), "{}", report.findings[0].message);
}

#[test]
fn a_waiver_for_something_else_is_unused() {
    for more in ["requirement = \"mail\"\n", "devices = [\"core\"]\n"] {
        let report = missing(&waiver("2027-01-01", more)).report();
        assert_eq!(told(&report), [("FW109", Severity::Warning), ("FW102", Severity::Error)]);
        assert_eq!(report.waivers[0].state, WaiverState::Unused);
    }
    let report = missing(&waiver("2027-01-01", "requirement = \"w*\"\ndevices = [\"edge*\"]\n")).report();
    assert_eq!(report.waivers[0].state, WaiverState::Used(1));
}

#[test]
fn severities_of_the_policy_count() {
    let report = missing("[severity]\nrequired-flow-missing = \"warning\"\n").report();
    assert_eq!(report.findings[0].severity, Severity::Warning);
    let limited = forward(&format!("{STATEFUL}-A FORWARD -m limit --limit 1/second -j ACCEPT\n"));
    let depends = |severity: &str| {
        let policy = format!("{WEB}[severity]\nFW103 = \"{severity}\"\n");
        Case::new(&limited, &limited).policy(&policy).found(&["FW103"])[0].severity
    };
    assert_eq!((depends("error"), depends("note")), (Severity::Warning, Severity::Note));
}
