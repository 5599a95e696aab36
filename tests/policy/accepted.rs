//! The examples of the contract, verbatim, and what they mean once names are resolved.

use fwgate::finding::{OPENED_TO_ANY, Severity};
use fwgate::packet::{Family, Ranges};
use fwgate::policy::*;
use fwgate::report::{Colour, render_problems};
use fwgate::ruleset::{Hook, Unreadable};

pub const GATE: &str = include_str!("../../fixtures/policy/fwgate.toml");
pub const REQUIREMENTS: &str = include_str!("../../fixtures/policy/requirements.toml");
pub const CHANGE: &str = include_str!("../../fixtures/policy/changes/CHG-2042.toml");

/// The value, or a panic that shows every problem.
pub fn good<T>(read: Result<T, Unreadable>) -> T {
    read.unwrap_or_else(|e| panic!("{}", render_problems(&e.problems, &e.sources, Colour::Never)))
}

pub fn policy(text: &str) -> Policy {
    good(read_policy(&PolicyFiles::single("fwgate.toml", text)))
}

#[test]
fn the_example_policy_is_accepted_and_resolved() {
    let policy = policy(REQUIREMENTS);
    let requirement = &policy.requirements[0];
    assert_eq!((policy.version, requirement.id.as_str()), (1, "toronto-dallas"));
    assert_eq!(requirement.owner.as_deref(), Some("netops"));
    assert_eq!(requirement.place.hook, Hook::Forward);
    assert!(requirement.place.devices.selects("edge1", &[]) && !requirement.place.devices.selects("core", &[]));
    let inputs = requirement.place.inputs.as_ref().unwrap();
    assert_eq!(inputs.iter().map(|p| p.text()).collect::<Vec<_>>(), ["eth0"]);
    let [v4, v6] = requirement.flows.as_slice() else { panic!("two families") };
    assert_eq!((v4.family, v4.src.clone()), (Family::V4, Ranges::range(0x0a14_0000, 0x0a14_ffff)));
    let texts = |flow: &Flow| flow.services.iter().map(Service::text).collect::<Vec<_>>();
    assert_eq!(texts(v4), ["any", "tcp/443", "tcp/1024-65535", "udp/443", "icmp/8"]);
    assert_eq!(texts(v6), ["any", "tcp/443", "tcp/1024-65535", "udp/443", "icmpv6/128"]);
    let [forbidden] = policy.prohibitions.as_slice() else { panic!("one prohibition") };
    assert_eq!(forbidden.flows.len(), 2);
    assert!(forbidden.flows[0].src.is_full(u128::from(u32::MAX)));
    let assumption = policy.assumption_about("limit: 10/second burst 5 #3", "edge1", &[]).unwrap();
    assert!(assumption.holds);
    assert!(policy.assumption_about("limit: 20/second burst 5", "edge1", &[]).is_none());
}

#[test]
fn the_example_of_the_gate_is_accepted() {
    let policy = policy(GATE);
    assert_eq!(policy.repository.as_deref(), Some("example/firewalls"));
    assert_eq!((policy.persons.len(), policy.machines.len()), (5, 4));
    assert_eq!(policy.machines[3].purpose.namespace(), "fwgate-receipt-production@v1");
    let normal = policy.classes.iter().find(|c| c.class == ChangeClass::Normal).unwrap();
    assert_eq!(normal.quorum.iter().map(|q| q.count).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(normal.lead_time.unwrap().as_secs(), 4 * 3600);
    assert_eq!(normal.also[0].when, Some(&OPENED_TO_ANY));
    assert_eq!(normal.staging, Some(Staging::Namespace));
    assert!(policy.windows[0].ends_next_day());
    assert_eq!(policy.windows[0].days, [Weekday::Tuesday, Weekday::Thursday]);
    assert_eq!(policy.freezes[0].allow, [ChangeClass::Emergency]);
    assert_eq!(policy.freezes[0].from.zone.as_deref(), Some("America/Toronto"));
    assert!(policy.lab.as_ref().unwrap().devices.selects("lab-7", &[]));
    assert!(policy.unmanaged[0].devices.selects("x", &["docker-host".into()]));
}

#[test]
fn both_examples_are_one_policy_in_two_files() {
    let files = PolicyFiles::of_repository([
        ("README.md".into(), "no policy".into()),
        ("policies/sites.toml".to_owned(), REQUIREMENTS.to_owned()),
        ("fwgate.toml".to_owned(), GATE.to_owned()),
    ]);
    assert_eq!(files.main[0].0, "fwgate.toml");
    let policy = good(read_policy(&files));
    assert_eq!((policy.requirements.len(), policy.persons.len()), (1, 5));
}

#[test]
fn the_example_change_is_accepted() {
    let policy = policy(REQUIREMENTS);
    let change = good(read_change("changes/CHG-2042.toml", CHANGE, &policy.names));
    assert_eq!((change.id.as_str(), change.class), ("CHG-2042", ChangeClass::Normal));
    let [intent] = change.intents.as_slice() else { panic!("one intent") };
    assert_eq!(intent.effect, IntentEffect::Opened);
    assert_eq!(intent.flows.iter().map(|f| f.family).collect::<Vec<_>>(), [Family::V4]);
    assert_eq!(change.window.unwrap().start.text, "2026-12-01T22:00:00[America/Toronto]");
}

#[test]
fn json_says_the_same_as_toml() {
    let value: toml::Value = toml::from_str(REQUIREMENTS).unwrap();
    let json = serde_json::to_string_pretty(&value).unwrap();
    let from_json = good(read_policy(&PolicyFiles::single("policy.json", json)));
    let from_toml = policy(REQUIREMENTS);
    assert_eq!(from_json.requirements[0].flows, from_toml.requirements[0].flows);
    assert_eq!(from_json.prohibitions[0].flows, from_toml.prohibitions[0].flows);
    assert_eq!(from_json.names.ranges(), from_toml.names.ranges());
}

#[test]
fn the_facts_of_a_device_are_read() {
    let text = r#"
        dialect = "iptables"
        role = "web"
        addresses = ["192.0.2.1/24", "2001:db8::1"]
        interfaces = { eth0 = ["10.0.0.0/8", "fd00::/8"], wg0 = [] }
        environment = "staging"
        from = ["role:domain-member"]
    "#;
    let file = good(read_device_file("devices/edge1/device.toml", text));
    assert_eq!(file.roles(), ["domain-member", "web"]);
    assert_eq!(file.environment, Environment::Staging);
    assert_eq!(file.facts().interfaces.unwrap(), ["eth0", "wg0"]);
    assert_eq!(file.facts().addresses.unwrap()[1].to_string(), "2001:db8::1/128");
    let keywords = "[keywords]\nDNS = [\"10.0.0.53\", \"2001:db8::53\"]\nRPC = [\"135\", \"49152-65535\"]\n";
    let known = good(read_device_file("device.toml", keywords)).facts().keywords;
    assert_eq!((known["dns"].v4.len(), known["dns"].v6.len(), known["rpc"].ports.len()), (1, 1, 16_385));
    assert!(read_device_file("device.toml", "[keywords]\nRPC = [\"high\"]\n").is_err());
    let empty = good(read_device_file("device.toml", ""));
    assert_eq!((empty.environment, empty.facts().addresses), (Environment::Production, None));
    let list = good(read_device_file("device.toml", "interfaces = [\"eth0\"]"));
    assert_eq!(list.interfaces.unwrap()[0].networks, None);
}

#[test]
fn packs_and_files_are_included_once() {
    let main = r#"
        version = 3
        include = ["pack:active-directory-transit", "pack:active-directory-services", "pack:usual-assumptions", "sites/more.toml"]
        [ranges]
        domain-members = ["10.0.0.0/8"]
        domain-controllers = ["10.1.0.0/24"]
    "#;
    let mut files = PolicyFiles::single("policy.toml", main);
    files
        .includable
        .insert("sites/more.toml".into(), "include = [\"other.toml\"]\n[ranges]\nmore = [\"domain-members\"]".into());
    files.includable.insert("sites/other.toml".into(), "include = [\"more.toml\"]".into());
    let policy = good(read_policy(&files));
    assert_eq!(policy.packs, ["active-directory-transit", "active-directory-services", "usual-assumptions"]);
    assert_eq!(policy.requirements.len(), 2);
    assert!(policy.names.ranges().contains_key("more"));
    assert!(policy.assumption_about("limit: 3/minute burst 5 #1", "x", &[]).is_some_and(|a| a.holds));
}

#[test]
fn every_shipped_pack_is_readable_by_itself_with_its_ranges() {
    for pack in packs() {
        let ranges = [
            "domain-members",
            "domain-controllers",
            "resolvers",
            "resolver-clients",
            "administrators",
            "managed-hosts",
            "time-servers",
            "time-clients",
            "web-clients",
            "web-servers",
            "own-hosts",
        ];
        let given: Vec<String> = ranges.iter().map(|r| format!("{r} = [\"10.0.0.0/8\"]")).collect();
        let main = format!("version = 1\ninclude = [\"pack:{}\"]\n[ranges]\n{}\n", pack.name, given.join("\n"));
        let _ = policy(&main);
    }
}

#[test]
fn waivers_and_severities_are_read() {
    let text = r#"
        version = 1
        [severity]
        policy-accept = "error"
        FW302 = "warning"
        [[waive]]
        code = "FW102"
        requirement = "site-*"
        devices = ["edge1"]
        reason = "the rule comes with CHG-7"
        owner = "netops"
        expires = 2026-12-31
    "#;
    let policy = policy(text);
    assert_eq!(policy.severity_of(&fwgate::finding::POLICY_ACCEPT), Severity::Error);
    assert_eq!(policy.severity_of(&fwgate::finding::RULE_WITHOUT_EFFECT), Severity::Warning);
    let waiver = &policy.waivers[0];
    assert_eq!(waiver.expires.to_string(), "2026-12-31");
    let missing = &fwgate::finding::REQUIRED_FLOW_MISSING;
    assert!(waiver.covers(missing, Some("site-a"), Some(("edge1", &[]))));
    assert!(!waiver.covers(missing, Some("other"), Some(("edge1", &[]))));
    assert!(!waiver.covers(missing, Some("site-a"), None));
}

#[test]
fn a_flow_without_a_common_family_selects_no_packet() {
    let text = r#"
        version = 1
        [[require]]
        id = "mixed"
        reason = "a test"
        from = ["10.0.0.0/8"]
        to = ["2001:db8::/32"]
        service = ["any"]
        hook = "forward"
        source_port = "53,1024-65535"
    "#;
    let policy = policy(text);
    assert!(policy.requirements[0].flows.is_empty());
    assert!(policy.requirements[0].source_ports.as_ref().unwrap().contains(53));
}
