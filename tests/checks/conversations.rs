//! Rules that ordinary traffic never meets break nothing; stateless rules and rules about single packets do.

use super::{Case, brief, forward, rule, witness};

const ANY: &str = r#"
[[require]]
id = "sites"
reason = "r"
from = ["10.20.0.0/16"]
to = ["10.30.0.0/16"]
service = ["any"]
hook = "forward"
"#;
const WEB: &str = r#"
[[require]]
id = "web"
reason = "r"
from = ["10.20.0.0/16"]
to = ["10.30.0.0/16"]
service = ["tcp/443", "udp/443", "icmp/echo-request"]
hook = "forward"
"#;
const STATEFUL: &str = "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n";
const ALLOW: &str = "-A FORWARD -s 10.20.0.0/16 -d 10.30.0.0/16 -j ACCEPT\n";

/// Findings about requirements when rules are put in front of a ruleset that holds.
fn in_front(policy: &str, rules: &str) -> Vec<String> {
    let old = forward(&[STATEFUL, ALLOW].concat());
    let new = forward(&[rules, STATEFUL, ALLOW].concat());
    Case::new(&old, &new).policy(policy).found(&["FW101", "FW102", "FW103"]).iter().map(brief).collect()
}

#[test]
fn rules_against_packets_that_nobody_sends_break_nothing() {
    for rules in [
        "-A FORWARD -m conntrack --ctstate INVALID -j DROP\n",
        "-A FORWARD -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE -j DROP\n",
        "-A FORWARD -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG FIN,PSH,URG -j DROP\n",
        "-A FORWARD -p tcp -m tcp --tcp-flags FIN,RST FIN,RST -j DROP\n",
        "-A FORWARD -p tcp -m tcp --tcp-flags SYN,FIN SYN,FIN -j DROP\n",
        "-A FORWARD -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW -j DROP\n",
        "-A FORWARD -f -j DROP\n",
        "-A FORWARD -p tcp -m tcp --sport 0:1023 -m conntrack --ctstate NEW -j DROP\n",
    ] {
        assert_eq!(in_front(WEB, rules), [""; 0], "{rules}");
    }
    assert_eq!(in_front(ANY, "-A FORWARD -m conntrack --ctstate INVALID -j DROP\n"), [""; 0]);
}

#[test]
fn rules_against_packets_that_are_sent_break_the_direction_that_sends_them() {
    for (rules, broken) in [
        ("-A FORWARD -p tcp -m tcp --tcp-flags PSH PSH -j DROP\n", vec!["FW101 request", "FW101 reply"]),
        ("-A FORWARD -s 10.30.0.0/16 -p tcp -m tcp --tcp-flags RST RST -j DROP\n", vec!["FW101 reply"]),
        ("-A FORWARD -s 10.20.0.0/16 -p tcp -m tcp --tcp-flags RST RST -j DROP\n", vec![]),
        ("-A FORWARD -p tcp -m tcp --tcp-flags SYN,ACK SYN,ACK -j DROP\n", vec!["FW101 reply"]),
        ("-A FORWARD -p icmp -m icmp --icmp-type 0 -j DROP\n", vec!["FW101 reply"]),
        ("-A FORWARD -p udp -m udp --sport 443 -j DROP\n", vec!["FW101 reply"]),
        ("-A FORWARD -p udp -m udp --dport 443 -m conntrack --ctstate ESTABLISHED -j DROP\n", vec!["FW101 request"]),
    ] {
        let mut found = in_front(WEB, rules);
        found.sort_by(|a, b| b.cmp(a));
        assert_eq!(found, broken, "{rules}");
    }
}

#[test]
fn the_first_packet_that_fails_is_the_one_that_is_shown() {
    let old = forward(&[STATEFUL, ALLOW].concat());
    let found = Case::new(&old, &forward("")).policy(WEB).found(&["FW101"]);
    let flags: Vec<_> = found.iter().map(|f| witness(f)["tcp_flags"].clone()).collect();
    assert_eq!(flags, ["syn|ack", "syn"], "{found:?}");
}

#[test]
fn stateless_rules_need_both_directions() {
    let forth = "-A FORWARD -s 10.20.0.0/16 -d 10.30.0.0/16 -j ACCEPT\n";
    let back = "-A FORWARD -s 10.30.0.0/16 -d 10.20.0.0/16 -j ACCEPT\n";
    let both = forward(&[forth, back].concat());
    assert!(Case::new(&both, &both).policy(ANY).ids().is_empty());
    let found = Case::new(&both, &forward(forth)).policy(ANY).found(&["FW101", "FW102"]);
    assert_eq!(found.iter().map(brief).collect::<Vec<_>>(), ["FW101 reply"]);
}

fn raw(raw: &str, filter: &str) -> String {
    format!("*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{raw}COMMIT\n{}", forward(filter))
}

#[test]
fn an_untracked_flow_passes_packet_by_packet() {
    let both = "-A PREROUTING -p udp -m udp --dport 443 -j CT --notrack\n-A PREROUTING -p udp -m udp --sport 443 -j CT --notrack\n";
    let policy = WEB.replace("\"tcp/443\", \"udp/443\", \"icmp/echo-request\"", "\"udp/443\"");
    let by_state = forward(&[STATEFUL, ALLOW].concat());
    let found = Case::new(&by_state, &raw(both, &[STATEFUL, ALLOW].concat())).policy(&policy).found(&["FW101"]);
    assert_eq!(found.iter().map(brief).collect::<Vec<_>>(), ["FW101 reply"]);
    let untracked = "-A FORWARD -m conntrack --ctstate UNTRACKED -p udp -j ACCEPT\n";
    let case = Case::new(&by_state, &raw(both, &[STATEFUL, untracked, ALLOW].concat())).policy(&policy);
    assert!(case.found(&["FW101", "FW102", "FW103"]).is_empty());
}

#[test]
fn replies_to_an_untracked_request_are_not_established() {
    let request = "-A PREROUTING -p udp -m udp --dport 443 -j NOTRACK\n";
    let policy = WEB.replace("\"tcp/443\", \"udp/443\", \"icmp/echo-request\"", "\"udp/443\"");
    let by_state = forward(&[STATEFUL, ALLOW].concat());
    let found =
        Case::new(&by_state, &raw(request, &[STATEFUL, ALLOW].concat())).policy(&policy).found(&["FW101", "FW102"]);
    assert_eq!(
        found.iter().map(|f| (brief(f), witness(f)["state"].clone())).collect::<Vec<_>>(),
        [("FW101 reply".into(), "new".into())]
    );
    assert!(rule(&found[0]).starts_with(":FORWARD DROP"));
}
