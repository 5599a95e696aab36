//! FW106 and FW207: what was not judged at all, devices and families that only one side has, and facts of devices.

use super::{Case, filter, forward, read, ruleset, witness};
use fwgate::check::{CheckError, CheckInput, Device, run};
use fwgate::finding::Severity;
use fwgate::policy::{Policy, read_device_file};
use fwgate::ruleset::DeviceFacts;

const STATEFUL: &str = "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n";

fn web(devices: &str) -> String {
    format!(
        "[[require]]\nid = \"web\"\nreason = \"r\"\nfrom = [\"10.20.0.0/16\"]\nto = [\"10.30.0.0/16\"]\n\
         service = [\"tcp/443\"]\nhook = \"forward\"\ndevices = [\"{devices}\"]\n"
    )
}

fn open() -> String {
    forward(&format!("{STATEFUL}-A FORWARD -s 10.20.0.0/16 -j ACCEPT\n"))
}

fn device(name: &str, text: &str) -> Device {
    Device::new(name, ruleset(text))
}

#[test]
fn a_requirement_for_no_device_is_an_error() {
    let case = Case::new(&open(), &open()).policy(&web("egde*"));
    let found = case.found(&["FW106"]);
    assert_eq!((found.len(), found[0].severity), (1, Severity::Error));
    assert!(found[0].message.contains("selects no device of the proposal"));
    assert_eq!((case.report().requirements.unmatched, case.report().requirements.held), (1, 0));
    assert!(Case::new(&open(), &open()).policy(&web("edge*")).ids().is_empty());
}

#[test]
fn prohibitions_are_asked_the_same() {
    let forbid = web("egde*").replace("require", "forbid");
    assert_eq!(Case::new(&open(), &open()).policy(&forbid).ids(), ["FW106"]);
}

#[test]
fn a_requirement_without_packets_is_an_error() {
    let case = Case::new(&open(), &open()).policy(&web("edge*").replace("10.30.0.0/16", "2001:db8::/32"));
    assert!(case.found(&["FW106"])[0].message.contains("selects no packet"));
}

#[test]
fn a_requirement_for_a_filter_that_is_not_there_is_an_error() {
    let raw = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -s 192.0.2.1/32 -j DROP\nCOMMIT\n";
    let case = Case::new(raw, raw).policy(&web("edge*"));
    assert!(case.found(&["FW106"])[0].message.contains("selects no filter"));
    let named = Case::of_devices(
        vec![device("edge1", &open()), device("raw1", raw)],
        vec![device("edge1", &open()), device("raw1", raw)],
    );
    let by_glob = named.policy(&web("*"));
    assert!(by_glob.ids().is_empty());
    assert_eq!(by_glob.report().not_applicable.iter().map(|n| n.device.as_str()).collect::<Vec<_>>(), ["raw1"]);
    let both = web("edge1").replace("[\"edge1\"]", "[\"edge1\", \"raw1\"]");
    let found = Case::of_devices(
        vec![device("edge1", &open()), device("raw1", raw)],
        vec![device("edge1", &open()), device("raw1", raw)],
    )
    .policy(&both)
    .found(&["FW106"]);
    assert_eq!(found[0].device.as_deref(), Some("raw1"));
}

#[test]
fn a_requirement_that_loses_its_device_is_an_error_and_one_that_gains_it_a_warning() {
    let (edge, core) = (device("edge1", &open()), device("core", &open()));
    let lost = Case::of_devices(vec![edge.clone(), core.clone()], vec![core.clone()]).policy(&web("edge1"));
    assert_eq!(lost.found(&["FW106"])[0].severity, Severity::Error);
    let gained = Case::of_devices(vec![core.clone()], vec![edge, core]).policy(&web("edge1"));
    assert_eq!(gained.found(&["FW106"])[0].severity, Severity::Warning);
}

#[test]
fn a_device_that_is_taken_out_is_an_error_and_its_effect_is_shown() {
    let (edge, core) = (device("edge1", &open()), device("core", &open()));
    let case = Case::of_devices(vec![edge.clone(), core.clone()], vec![core.clone()]);
    let found = case.found(&["FW207"]);
    assert_eq!((found.len(), found[0].severity, found[0].device.as_deref()), (1, Severity::Error, Some("edge1")));
    let effects = case.report().effects;
    assert!(effects.iter().any(|e| e.device == "edge1" && e.diff.changes[0].effect.name() == "opened"));
}

#[test]
fn a_device_that_is_added_is_told_and_judged() {
    let (edge, core) = (device("edge1", &forward(STATEFUL)), device("core", &open()));
    let case = Case::of_devices(vec![core.clone()], vec![edge, core]).policy(&web("*"));
    let report = case.report();
    let family: Vec<_> = report.findings.iter().filter(|f| f.code.id == "FW207").collect();
    assert_eq!((family.len(), family[0].severity), (1, Severity::Note));
    assert_eq!(case.found(&["FW101"]).iter().map(|f| f.device.as_deref().unwrap()).collect::<Vec<_>>(), ["edge1"]);
    assert!(report.findings.iter().any(|f| f.code.id == "FW204"));
    assert!(report.effects.iter().any(|e| e.device == "edge1"));
}

#[test]
fn a_change_request_that_names_a_new_device_declares_its_filter() {
    let (edge, core) = (device("edge1", &open()), device("core", &open()));
    let case = || Case::of_devices(vec![core.clone()], vec![edge.clone(), core.clone()]);
    assert_eq!(case().change("").ids(), ["FW207"]);
    assert!(case().change_on("core", "").ids().contains(&"FW201"));
}

#[test]
fn a_family_that_one_side_lacks_is_an_error_and_is_not_compared() {
    let six = open().replace("10.20.0.0/16", "2001:db8::/32");
    let both = || vec![Device::new("edge1", read(&[("a.v4", &open()), ("a.v6", &six)], DeviceFacts::default()))];
    let case = Case::of_devices(both(), vec![device("edge1", &open())]);
    let found = case.found(&["FW207"]);
    assert_eq!((found.len(), found[0].severity, found[0].family.unwrap().number()), (1, Severity::Error, 6));
    assert!(case.report().effects.is_empty());
    let case = Case::of_devices(vec![device("edge1", &open())], both());
    assert_eq!(case.ids(), ["FW207"]);
    assert!(Case::of_devices(both(), both()).ids().is_empty());
}

#[test]
fn facts_about_interfaces_decide_where_flows_come_from() {
    let file = read_device_file(
        "device.toml",
        "role = \"edge\"\n[interfaces]\neth0 = [\"10.20.0.0/16\"]\neth1 = [\"10.0.0.0/8\"]\nwan = [\"0.0.0.0/0\"]\n",
    )
    .unwrap();
    let text = |iif: &str| forward(&format!("{STATEFUL}-A FORWARD -i {iif} -o eth1 -s 10.20.0.0/16 -j ACCEPT\n"));
    let described = |text: &str| vec![device("edge1", text).described_by(&file)];
    let case = Case::of_devices(described(&text("eth0")), described(&text("eth0"))).policy(&web("role:edge"));
    assert!(case.ids().is_empty(), "{:?}", case.report().findings);
    let case = Case::of_devices(described(&text("eth0")), described(&text("wan"))).policy(&web("role:edge"));
    let found = case.found(&["FW101"]);
    assert_eq!(witness(&found[0])["iif"], "eth0");
}

#[test]
fn a_device_does_not_leave_the_reach_of_a_policy_by_its_role() {
    let with_role = |text: &str, role: &str| Device { roles: vec![role.into()], ..device("edge1", text) };
    let old = vec![with_role(&open(), "edge")];
    let case = Case::of_devices(old, vec![with_role(&forward(STATEFUL), "printer")]).policy(&web("role:edge"));
    assert_eq!(case.found(&["FW101"]).len(), 1);
}

#[test]
fn sides_without_devices_and_double_names_give_no_verdict() {
    let policy = Policy::default();
    let one = [device("edge1", &open())];
    let two = [device("edge1", &open()), device("edge1", &filter(["DROP"; 3], ""))];
    let result = |baseline: &[Device], proposed: &[Device]| {
        let bounds = fwgate::diff::Bounds::default();
        run(&CheckInput {
            baseline,
            proposed,
            policy: &policy,
            change: None,
            estate: fwgate::check::Estate::default(),
            bounds,
            today: super::TODAY,
        })
    };
    assert!(matches!(result(&[], &one), Err(CheckError::NoDevice("baseline"))));
    assert!(matches!(result(&one, &[]), Err(CheckError::NoDevice("proposal"))));
    assert!(matches!(result(&one, &two), Err(CheckError::SameName { .. })));
    assert!(result(&one, &one).is_ok());
}

#[test]
fn at_a_bound_there_is_no_verdict() {
    let policy = super::policy(&web("edge*"));
    let (old, new) = ([device("edge1", &open())], [device("edge1", &open())]);
    let bounds = fwgate::diff::Bounds { cells: 0, ..Default::default() };
    let input = CheckInput {
        baseline: &old,
        proposed: &new,
        policy: &policy,
        change: None,
        estate: fwgate::check::Estate::default(),
        bounds,
        today: super::TODAY,
    };
    assert!(!run(&input).unwrap().complete);
}
