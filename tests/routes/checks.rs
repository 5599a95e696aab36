//! What the checks say about routes, and what they must not say.

use super::routing;
use fwgate::check::{CheckInput, CheckReport, Device, Estate, run};
use fwgate::diff::Bounds;
use fwgate::finding::{Finding, Severity};
use fwgate::policy::{ChangeRequest, Date, Policy, PolicyFiles, read_change, read_policy};
use fwgate::ruleset::Ruleset;
use std::sync::Arc;

const BASE: &str = "default via 10.0.0.1 dev eth0\n10.30.0.0/16 via 10.0.0.2 dev eth0\n10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.9\n";

const RANGES: &str = "[ranges]\ndallas = [\"10.30.0.0/16\"]\nlab = [\"10.99.0.0/16\"]\n[lab]\nranges = [\"lab\"]\ndevices = [\"edge1\"]\n";

fn policy(text: &str) -> Policy {
    let text = format!("version = 1\n{text}");
    read_policy(&PolicyFiles::single("fwgate.toml", text)).unwrap_or_else(|e| panic!("{:#?}", e.problems))
}

fn change(text: &str, policy: &Policy) -> ChangeRequest {
    let text =
        format!("id = \"CHG-1\"\ntitle = \"t\"\nclass = \"normal\"\nreason = \"r\"\ndevices = [\"edge1\"]\n{text}");
    read_change("changes/CHG-1.toml", &text, &policy.names).unwrap_or_else(|e| panic!("{:#?}", e.problems))
}

fn device(files: &[(&str, &str)]) -> Device {
    Device::new("edge1", Arc::new(Ruleset::default())).routed_by(Arc::new(routing(files)))
}

fn judged(old: &[(&str, &str)], new: &[(&str, &str)], policy: &Policy, change: Option<&ChangeRequest>) -> CheckReport {
    run(&CheckInput {
        baseline: &[device(old)],
        proposed: &[device(new)],
        policy,
        change,
        estate: Estate::default(),
        bounds: Bounds::default(),
        today: Date { year: 2026, month: 6, day: 15 },
    })
    .unwrap()
}

/// The findings of an edit of one table, under a policy with these entries.
fn found(new: &str, entries: &str) -> Vec<Finding> {
    judged(&[("routes", BASE)], &[("routes", new)], &policy(&format!("{RANGES}{entries}")), None).findings
}

fn ids(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|f| f.code.id).collect()
}

const KEEP: &str = "[[route]]\nid = \"dallas\"\nreason = \"r\"\nto = [\"dallas\"]\ndevices = [\"edge*\"]\n";
const VIA: &str =
    "[[route]]\nid = \"dallas\"\nreason = \"r\"\nto = [\"dallas\"]\nvia = [\"10.0.0.2\"]\ndev = [\"eth0\"]\n";

#[test]
fn a_more_specific_route_takes_a_required_range_away() {
    for entries in [KEEP, VIA] {
        let new = format!("{BASE}10.30.8.0/21 via 10.99.0.9 dev test0\n");
        let findings = found(&new, entries);
        assert_eq!(ids(&findings), ["FW751", "FW754"]);
        assert_eq!(
            findings[0].message,
            "the required route `dallas` is lost: 10.30.8.0/21 goes via 10.99.0.9 dev test0, and went via 10.0.0.2 dev eth0; such as 10.30.8.1"
        );
        assert_eq!(findings[0].location.as_ref().map(|l| l.line), Some(4));
        assert!(findings[1].message.contains("of `dallas` is taken over"), "{}", findings[1].message);
    }
    assert_eq!(ids(&found(&format!("{BASE}10.99.8.0/21 via 10.99.0.9 dev test0\n"), KEEP)), ["FW759"]);
}

#[test]
fn what_stays_is_not_spoken_of() {
    for entries in [KEEP, VIA] {
        assert!(found(BASE, entries).is_empty());
        let rewritten =
            "10.30.128.0/17 via 10.0.0.2 dev eth0 proto static\n10.30.0.0/17 via 10.0.0.2 dev eth0 metric 7\n";
        let new = BASE.replace("10.30.0.0/16 via 10.0.0.2 dev eth0\n", rewritten);
        assert!(found(&new, entries).is_empty());
    }
}

#[test]
fn a_demand_that_never_held_is_told_apart() {
    let other = VIA.replace("10.0.0.2", "10.0.0.3");
    assert_eq!(ids(&found(BASE, &other)), ["FW752"]);
    let nowhere = judged(
        &[("r", "10.0.0.0/24 dev eth0 scope link\n")],
        &[("r", "10.0.0.0/24 dev eth0 scope link\n")],
        &policy(&format!("{RANGES}{KEEP}")),
        None,
    );
    assert_eq!(ids(&nowhere.findings), ["FW752"]);
    assert_eq!(nowhere.requirements.missing, 1);
}

#[test]
fn a_demand_that_nothing_was_judged_for_is_an_error() {
    for entries in [KEEP.replace("edge*", "egde*"), KEEP.replace("to = [\"dallas\"]", "to = [\"2001:db8::/32\"]")] {
        let findings = found(BASE, &entries);
        assert_eq!(ids(&findings), ["FW753"]);
        assert_eq!(findings[0].severity, Severity::Error);
    }
    let bare = Device::new("edge1", Arc::new(Ruleset::default()));
    let own = policy(&format!("{RANGES}{KEEP}"));
    let input = CheckInput {
        baseline: std::slice::from_ref(&bare),
        proposed: std::slice::from_ref(&bare),
        policy: &own,
        change: None,
        estate: Estate::default(),
        bounds: Bounds::default(),
        today: Date { year: 2026, month: 6, day: 15 },
    };
    assert_eq!(ids(&run(&input).unwrap().findings), ["FW753"]);
}

#[test]
fn production_is_discarded_or_left_without_a_route() {
    let hole = found(&format!("{BASE}blackhole 10.30.0.0/17\n"), "");
    assert_eq!(ids(&hole), ["FW755"]);
    assert!(hole[0].message.starts_with("10.30.0.0/17 of `dallas` is discarded (blackhole)"), "{}", hole[0].message);
    let old = BASE.replace("default via 10.0.0.1 dev eth0\n", "");
    let gone = old.replace("10.30.0.0/16 via 10.0.0.2 dev eth0\n", "");
    let report = judged(&[("r", &old)], &[("r", &gone)], &policy(RANGES), None);
    assert_eq!(ids(&report.findings), ["FW756"]);
    // The lab is not production.
    let lab = judged(
        &[("r", &format!("{BASE}10.99.0.0/16 dev test0 scope link\n"))],
        &[("r", &format!("{BASE}blackhole 10.99.0.0/16\n"))],
        &policy(RANGES),
        None,
    );
    assert_eq!(ids(&lab.findings), ["FW759"]);
    assert_eq!(lab.findings[0].severity, Severity::Note);
}

#[test]
fn a_rule_takes_over_as_a_route_does() {
    let tables = format!("{BASE}default via 10.99.0.9 dev test0 table 100\n");
    let rules = "0:\tfrom all lookup local\n50:\tfrom all to 10.30.0.0/16 fwmark 0x1 lookup 100\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n";
    let report = judged(
        &[("routes", &tables)],
        &[("routes", &tables), ("rules", rules)],
        &policy(&format!("{RANGES}{VIA}")),
        None,
    );
    assert_eq!(ids(&report.findings), ["FW751", "FW754"]);
    assert!(report.findings[0].message.contains("fwmark 0x1"), "{}", report.findings[0].message);
}

#[test]
fn the_default_route_is_spoken_of_once() {
    let findings = found(&BASE.replace("default via 10.0.0.1", "default via 10.0.0.7"), "");
    assert_eq!(ids(&findings), ["FW757"]);
    assert!(findings[0].message.contains("the default route for IPv4 goes via 10.0.0.7"), "{}", findings[0].message);
    assert_eq!(ids(&found(&BASE.replace("default via 10.0.0.1 dev eth0\n", ""), "")), ["FW757"]);
}

#[test]
fn routes_of_one_side_only_are_not_skipped() {
    let report = judged(
        &[("r", BASE)],
        &[("r", "default via 2001:db8::1 dev eth0 metric 10 pref medium\n")],
        &policy(RANGES),
        None,
    );
    assert_eq!(ids(&report.findings), ["FW758", "FW758"]);
    assert!(report.findings.iter().all(|f| f.severity == Severity::Error));
}

#[test]
fn declared_changes_are_what_was_declared() {
    let own = policy(RANGES);
    let new = format!("{BASE}10.30.8.0/21 via 10.99.0.9 dev test0\n");
    let judge = |text: &str| {
        let change = change(text, &own);
        ids(&judged(&[("r", BASE)], &[("r", &new)], &own, Some(&change)).findings)
            .iter()
            .map(|s| (*s).to_owned())
            .collect::<Vec<_>>()
    };
    let reroute = |to: &str, via: &str| format!("[[reroute]]\nto = [\"{to}\"]\nvia = [\"{via}\"]\n");
    assert!(judge(&reroute("10.30.8.0/21", "10.99.0.9")).is_empty());
    assert_eq!(judge(""), ["FW754"]);
    assert_eq!(judge(&reroute("10.30.8.0/22", "10.99.0.9")), ["FW754"]);
    assert_eq!(judge(&reroute("10.30.8.0/21", "10.99.0.8")), ["FW754", "FW760"]);
    assert_eq!(judge(&reroute("10.40.0.0/16", "10.99.0.9")), ["FW760", "FW754"]);
    // What is no production range needs a declaration too, once there is a change request.
    let gained = format!("{BASE}203.0.113.0/24 via 10.0.0.2 dev eth0\n");
    let declared = change("", &own);
    let report = judged(&[("r", BASE)], &[("r", &gained)], &own, Some(&declared));
    assert_eq!((ids(&report.findings), report.findings[0].severity), (vec!["FW759"], Severity::Error));
}
