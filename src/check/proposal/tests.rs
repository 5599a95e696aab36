//! What is proposed holds, is not vacuous, and leaves out what passes only in part.

use super::*;
use crate::check::Device;
use crate::dialect::{InputFile, ReadOptions, read_device};
use std::sync::Arc;

fn device(name: &str, text: &str) -> Device {
    let file = InputFile { name: "rules.v4".to_owned(), bytes: text.as_bytes().into() };
    Device::new(name, Arc::new(read_device(&[file], &ReadOptions::default()).unwrap()))
}

fn proposed(devices: &[Device]) -> FirstPolicy {
    first_policy(devices, Date::of_unix_seconds(1_780_000_000)).unwrap()
}

fn forwarding(rules: &str) -> Device {
    device("edge1", &format!("*filter\n:INPUT ACCEPT\n:FORWARD DROP\n:OUTPUT ACCEPT\n{rules}COMMIT\n"))
}

const ESTABLISHED: &str = "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n";

#[test]
fn what_passes_in_full_is_required() {
    let rule = "-A FORWARD -s 10.20.0.0/16 -d 10.30.0.5 -p tcp -m multiport --dports 80,443 -j ACCEPT\n";
    let first = proposed(&[forwarding(&format!("{ESTABLISHED}{rule}"))]);
    assert_eq!(first.requirements, 1, "{}", first.text);
    for line in [
        "net-10-20-0-0-16 = [\"10.20.0.0/16\"]",
        "host-10-30-0-5 = [\"10.30.0.5/32\"]",
        "service = [\"tcp/80\", \"tcp/443\"]",
        "devices = [\"edge1\"]",
        "hook = \"forward\"",
    ] {
        assert!(first.text.contains(line), "no `{line}` in\n{}", first.text);
    }
}

#[test]
fn what_gets_no_reply_is_left_out() {
    let rule = "-A FORWARD -s 10.20.0.0/16 -d 10.30.0.5 -p tcp --dport 443 -j ACCEPT\n";
    let first = proposed(&[forwarding(rule)]);
    assert_eq!((first.requirements, first.left_out), (0, 1), "{}", first.text);
    assert!(read_policy(&PolicyFiles::single("fwgate.toml", &first.text)).is_ok());
}

#[test]
fn what_passes_only_in_part_is_not_proposed() {
    let rules = "-A FORWARD -s 10.20.7.0/24 -p tcp --dport 443 -j DROP\n\
                 -A FORWARD -s 10.20.0.0/16 -d 10.30.0.0/16 -p tcp --dport 443 -j ACCEPT\n";
    let first = proposed(&[forwarding(&format!("{ESTABLISHED}{rules}"))]);
    assert_eq!(first.requirements, 0, "{}", first.text);
}

#[test]
fn interfaces_are_named_where_rules_name_them() {
    let rule = "-A FORWARD -i eth1 -o eth2 -s 10.20.0.0/16 -d 10.30.0.0/16 -p tcp --dport 443 -j ACCEPT\n";
    let first = proposed(&[forwarding(&format!("{ESTABLISHED}{rule}"))]);
    assert_eq!(first.requirements, 1, "{}", first.text);
    assert!(first.text.contains("in = [\"eth1\"]\nout = [\"eth2\"]"), "{}", first.text);
}

#[test]
fn a_filter_that_lets_everything_pass_asks_for_nothing() {
    let open = "*filter\n:INPUT DROP\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n-A INPUT -s 10.1.0.0/16 -p tcp --dport 22 -j ACCEPT\n\
                -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n";
    let first = proposed(&[device("host", open)]);
    assert_eq!(first.requirements, 1, "{}", first.text);
    assert!(first.text.contains("hook = \"input\"") && !first.text.contains("hook = \"forward\""), "{}", first.text);
}

#[test]
fn equal_devices_share_a_requirement_and_public_addresses_are_nobodys_range() {
    let rules = "-A FORWARD -s 203.0.113.0/24 -d 10.30.0.0/16 -p tcp --dport 25 -j ACCEPT\n\
                 -A FORWARD -s 10.20.0.0/16 -d 10.30.0.0/16 -p tcp --dport 443 -j ACCEPT\n";
    let text = format!("{ESTABLISHED}{rules}");
    let mut two = [forwarding(&text), forwarding(&text)];
    two[1].name = "edge2".to_owned();
    let first = proposed(&two);
    assert_eq!(first.requirements, 1, "{}", first.text);
    assert!(first.text.contains("devices = [\"edge1\", \"edge2\"]"), "{}", first.text);
    assert!(!first.text.contains("203.0.113"), "{}", first.text);
}

/// The proof is the check itself: what was proposed is refused once the rule is taken away.
#[test]
fn a_proposal_guards_what_it_names() {
    let rule = "-A FORWARD -s 10.20.0.0/16 -d 10.30.0.5 -p tcp --dport 443 -j ACCEPT\n";
    let before = [forwarding(&format!("{ESTABLISHED}{rule}"))];
    let after = [forwarding(ESTABLISHED)];
    let first = proposed(&before);
    let policy = read_policy(&PolicyFiles::single("fwgate.toml", &first.text)).unwrap();
    let judge = |proposed: &[Device]| {
        let today = Date::of_unix_seconds(1_780_000_000);
        let (estate, bounds) = (Estate::default(), Bounds::default());
        let input = CheckInput { baseline: &before, proposed, policy: &policy, change: None, estate, bounds, today };
        run(&input).unwrap().findings
    };
    assert!(judge(&before).is_empty());
    assert!(judge(&after).iter().any(|f| f.code.id == "FW101"), "{}", first.text);
}
