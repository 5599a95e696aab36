//! Requirements whose packets are translated on the way: the filter sees other addresses than the policy names.

use super::{Case, brief, forward, read, ruleset, witness};
use fwgate::check::Device;
use fwgate::ruleset::DeviceFacts;

const PORTAL: &str = r#"
[[require]]
id = "portal"
reason = "r"
from = ["198.51.100.0/24"]
to = ["203.0.113.1"]
service = ["tcp/443"]
hook = "forward"
"#;
const STATEFUL: &str = "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n";
const INNER: &str = "-A FORWARD -d 10.1.0.5/32 -p tcp -m tcp --dport 8443 -m conntrack --ctstate NEW -j ACCEPT\n";
const DNAT: &str = "-A PREROUTING -d 203.0.113.1/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.1.0.5:8443\n";

fn nat(nat: &str, rules: &[&str]) -> String {
    let chains = ":PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n";
    format!("*nat\n{chains}{nat}COMMIT\n{}", forward(&rules.concat()))
}

fn found(old: &str, new: &str, policy: &str) -> Vec<String> {
    Case::new(old, new).policy(policy).found(&["FW101", "FW102", "FW103", "FW105"]).iter().map(brief).collect()
}

#[test]
fn a_port_forward_with_a_filter_on_the_inner_address_holds() {
    let text = nat(DNAT, &[STATEFUL, INNER]);
    assert_eq!(found(&text, &text, PORTAL), [""; 0]);
}

#[test]
fn replies_come_from_the_inner_address() {
    let back = "-A FORWARD -s 10.1.0.5/32 -p tcp -m tcp --sport 8443 -j ACCEPT\n";
    let forth = INNER.replace(" -m conntrack --ctstate NEW", "");
    let text = nat(DNAT, &[back, &forth]);
    assert_eq!(found(&text, &text, PORTAL), [""; 0]);
    let outer = back.replace("10.1.0.5", "203.0.113.1").replace("8443", "443");
    let lost = Case::new(&text, &nat(DNAT, &[&outer, &forth])).policy(PORTAL).found(&["FW101", "FW102"]);
    assert_eq!(lost.iter().map(brief).collect::<Vec<_>>(), ["FW101 reply"]);
    assert_eq!(
        (witness(&lost[0])["src"].as_str(), witness(&lost[0])["sport"].as_u64()),
        (Some("10.1.0.5"), Some(8443))
    );
}

#[test]
fn a_flow_whose_translation_is_taken_out_is_lost() {
    let old = nat(DNAT, &[STATEFUL, INNER]);
    assert_eq!(found(&old, &nat("", &[STATEFUL, INNER]), PORTAL), ["FW101 request"]);
    let moved = DNAT.replace("10.1.0.5", "10.1.0.6");
    assert_eq!(found(&old, &nat(&moved, &[STATEFUL, INNER]), PORTAL), ["FW101 request"]);
}

#[test]
fn the_status_of_a_translated_connection_is_known() {
    let by_status = "-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT\n";
    let text = nat(DNAT, &[STATEFUL, by_status]);
    assert_eq!(found(&text, &text, PORTAL), [""; 0]);
    let plain = nat("", &[STATEFUL, by_status]);
    assert_eq!(found(&text, &plain, PORTAL), ["FW101 request"]);
}

#[test]
fn a_masqueraded_flow_holds_and_chains_in_front_of_it_are_told() {
    let policy = PORTAL.replace("198.51.100.0/24", "10.20.0.0/16").replace("203.0.113.1", "198.51.100.7");
    let out = "-A POSTROUTING -s 10.20.0.0/16 -j MASQUERADE\n";
    let allow = "-A FORWARD -s 10.20.0.0/16 -p tcp -m tcp --dport 443 -j ACCEPT\n";
    let back = "-A FORWARD -d 10.20.0.0/16 -p tcp -m tcp --sport 443 -j ACCEPT\n";
    let text = nat(out, &[back, allow]);
    assert_eq!(found(&text, &text, &policy), [""; 0]);
    let raw = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -s 192.0.2.0/24 -j DROP\nCOMMIT\n";
    let text = format!("{raw}{text}");
    assert_eq!(found(&text, &text, &policy), ["FW105"]);
}

#[test]
fn a_translated_network_answers_from_its_new_addresses() {
    let policy = PORTAL.replace("203.0.113.1", "203.0.113.0/24");
    let map = "-A PREROUTING -d 203.0.113.0/24 -j NETMAP --to 10.1.7.0/24\n";
    let forth = "-A FORWARD -d 10.1.7.0/24 -p tcp -m tcp --dport 443 -j ACCEPT\n";
    let back = "-A FORWARD -s 10.1.7.0/24 -p tcp -m tcp --sport 443 -j ACCEPT\n";
    let text = nat(map, &[forth, back]);
    assert_eq!(found(&text, &text, &policy), [""; 0]);
    let narrow = back.replace("10.1.7.0/24", "10.1.7.0/25");
    assert_eq!(found(&text, &nat(map, &[forth, &narrow]), &policy), ["FW101 reply"]);
}

#[test]
fn a_redirect_whose_address_nobody_knows_is_told() {
    let policy = PORTAL.replace("forward", "input");
    let redirect = "-A PREROUTING -p tcp -m tcp --dport 443 -j REDIRECT --to-ports 8443\n";
    let text = nat(redirect, &[]);
    assert_eq!(found(&text, &text, &policy), ["FW105"]);
    let facts = DeviceFacts { addresses: Some(vec!["203.0.113.1/32".parse().unwrap()]), ..DeviceFacts::default() };
    let known = || vec![Device::new("edge1", read(&[("rules.v4", &text)], facts.clone()))];
    let case = Case::of_devices(known(), known()).policy(&policy);
    assert!(case.found(&["FW101", "FW102", "FW103", "FW105"]).is_empty());
}

#[test]
fn rules_without_translation_are_judged_as_they_are() {
    let _ = ruleset(&forward(""));
    let plain = forward(&[STATEFUL, "-A FORWARD -d 203.0.113.1/32 -j ACCEPT\n"].concat());
    assert_eq!(found(&plain, &plain, PORTAL), [""; 0]);
}
