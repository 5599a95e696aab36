//! FW101 to FW103 and FW106: what becomes of required flows.

use super::{Case, brief, filter, forward, rule, witness};
use fwgate::finding::Severity;

const WEB: &str = r#"
[[require]]
id = "web"
reason = "r"
from = ["10.20.0.0/16"]
to = ["10.30.0.0/16"]
service = ["tcp/443"]
hook = "forward"
"#;
const STATEFUL: &str = "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n";
const ALLOW: &str = "-A FORWARD -s 10.20.0.0/16 -d 10.30.0.0/16 -p tcp -m tcp --dport 443 -j ACCEPT\n";

fn rules(parts: &[&str]) -> String {
    forward(&parts.concat())
}

#[test]
fn a_flow_that_passes_both_ways_holds() {
    let case = Case::new(&rules(&[STATEFUL, ALLOW]), &rules(&[STATEFUL, ALLOW])).policy(WEB);
    let report = case.report();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!((report.requirements.held, report.devices, report.rules), (1, 1, 2));
    assert!(report.complete && report.effects.is_empty());
}

#[test]
fn a_flow_whose_rule_is_taken_out_is_lost_and_shown_by_its_syn() {
    let case = Case::new(&rules(&[STATEFUL, ALLOW]), &rules(&[STATEFUL])).policy(WEB);
    let found = case.found(&["FW101", "FW102", "FW103"]);
    assert_eq!(found.iter().map(brief).collect::<Vec<_>>(), ["FW101 request"]);
    let packet = witness(&found[0]);
    assert_eq!((packet["tcp_flags"].as_str(), packet["state"].as_str()), (Some("syn"), Some("new")));
    assert_eq!(packet["dport"], 443);
    assert!(rule(&found[0]).starts_with(":FORWARD DROP"), "{:?}", found[0].location);
    let help = found[0].help.as_deref().unwrap();
    assert!(help.contains("--dport 443 -j ACCEPT` (rules.v4:6)"), "{help}");
    assert!(
        found[0].message.starts_with("the required flow `web` is lost: the SYN of its request"),
        "{}",
        found[0].message
    );
    assert_eq!(case.report().requirements.lost, 1);
}

#[test]
fn a_part_that_is_lost_is_found_inside_a_larger_flow() {
    let drop = "-A FORWARD -s 10.20.7.0/24 -d 10.30.1.1/32 -p tcp -m tcp --dport 443 -j DROP\n";
    let case = Case::new(&rules(&[STATEFUL, ALLOW]), &rules(&[STATEFUL, drop, ALLOW])).policy(WEB);
    let found = case.found(&["FW101"]);
    assert_eq!(found.len(), 1);
    assert_eq!(witness(&found[0])["dst"], "10.30.1.1");
    assert!(rule(&found[0]).contains("10.20.7.0/24"));
}

#[test]
fn losing_the_rule_for_established_connections_is_shown_with_the_reply() {
    let case = Case::new(&rules(&[STATEFUL, ALLOW]), &rules(&[ALLOW])).policy(WEB);
    let found = case.found(&["FW101", "FW102", "FW103"]);
    assert_eq!(found.iter().map(brief).collect::<Vec<_>>(), ["FW101 reply"]);
    let packet = witness(&found[0]);
    assert_eq!((packet["src"].as_str(), packet["sport"].as_u64()), (Some("10.30.0.1"), Some(443)));
    assert_eq!((packet["tcp_flags"].as_str(), packet["state"].as_str()), (Some("syn|ack"), Some("established")));
}

#[test]
fn what_was_refused_before_is_missing() {
    let case = Case::new(&rules(&[STATEFUL]), &rules(&[STATEFUL])).policy(WEB);
    assert_eq!(case.found(&["FW101", "FW102"]).iter().map(brief).collect::<Vec<_>>(), ["FW102 request"]);
    let other = "-A FORWARD -s 192.0.2.1/32 -j ACCEPT\n";
    let case = Case::new(&rules(&[STATEFUL]), &rules(&[STATEFUL, other])).policy(WEB);
    assert_eq!(case.found(&["FW101", "FW102"]).iter().map(brief).collect::<Vec<_>>(), ["FW102 request"]);
    assert_eq!(case.report().requirements.missing, 1);
}

#[test]
fn lost_packets_are_not_hidden_behind_missing_ones() {
    let half = "-A FORWARD -s 10.20.128.0/17 -d 10.30.0.0/16 -p tcp -m tcp --dport 443 -j ACCEPT\n";
    let case = Case::new(&rules(&[STATEFUL, half]), &rules(&[STATEFUL])).policy(WEB);
    let found = case.found(&["FW101", "FW102"]);
    assert_eq!(found.iter().map(brief).collect::<Vec<_>>(), ["FW101 request"]);
    assert_eq!(witness(&found[0])["src"], "10.20.128.1");
}

#[test]
fn rejected_packets_do_not_pass() {
    let reject = "-A FORWARD -p tcp -m tcp --dport 443 -j REJECT --reject-with tcp-reset\n";
    let case = Case::new(&rules(&[STATEFUL, ALLOW]), &rules(&[STATEFUL, reject, ALLOW])).policy(WEB);
    let found = case.found(&["FW101"]);
    assert!(found[0].message.ends_with("is rejected"), "{}", found[0].message);
}

#[test]
fn a_flow_behind_a_limit_depends_and_an_assumption_makes_it_hold() {
    let limited = "-A FORWARD -d 10.30.0.0/16 -p tcp -m tcp --dport 443 -m limit --limit 10/second -j ACCEPT\n";
    let case = Case::new(&rules(&[STATEFUL, ALLOW]), &rules(&[STATEFUL, limited])).policy(WEB);
    let found = case.found(&["FW101", "FW102", "FW103"]);
    assert_eq!(found.iter().map(brief).collect::<Vec<_>>(), ["FW103 request"]);
    assert_eq!(found[0].severity, Severity::Error);
    assert_eq!(found[0].conditions, ["!limit: 10/second burst 5 #1"]);
    assert!(found[0].message.contains("where `limit: 10/second burst 5 #1` does not hold"), "{}", found[0].message);
    let assume = "[[assume]]\ncondition = \"limit: 10/second burst 5*\"\nholds = true\nreason = \"shapes only\"\n";
    let case = Case::new(&rules(&[STATEFUL, ALLOW]), &rules(&[STATEFUL, limited])).policy(&format!("{WEB}{assume}"));
    let report = case.report();
    assert!(report.findings.iter().all(|f| f.code.id != "FW103"));
    assert_eq!(report.requirements.held, 1);
    assert_eq!((report.assumptions.len(), report.assumptions[0].holds), (1, true));
    let against = assume.replace("true", "false");
    let case = Case::new(&rules(&[STATEFUL, ALLOW]), &rules(&[STATEFUL, limited])).policy(&format!("{WEB}{against}"));
    assert_eq!(case.found(&["FW101", "FW103"]).iter().map(brief).collect::<Vec<_>>(), ["FW101 request"]);
}

#[test]
fn what_depended_on_the_same_condition_before_is_a_warning() {
    let limited = "-A FORWARD -d 10.30.0.0/16 -p tcp -m tcp --dport 443 -m limit --limit 10/second -j ACCEPT\n";
    let other = "-A FORWARD -s 192.0.2.1/32 -j ACCEPT\n";
    for proposed in [rules(&[STATEFUL, limited]), rules(&[STATEFUL, limited, other])] {
        let found = Case::new(&rules(&[STATEFUL, limited]), &proposed).policy(WEB).found(&["FW101", "FW102", "FW103"]);
        assert_eq!(found.iter().map(|f| (f.code.id, f.severity)).collect::<Vec<_>>(), [("FW103", Severity::Warning)]);
    }
    let changed = limited.replace("10/second", "5/second");
    let found = Case::new(&rules(&[STATEFUL, limited]), &rules(&[STATEFUL, &changed])).policy(WEB).found(&["FW103"]);
    assert_eq!(found.iter().map(|f| f.severity).collect::<Vec<_>>(), [Severity::Error]);
}

#[test]
fn conditions_that_lead_to_the_same_end_decide_nothing() {
    let limited = "-A FORWARD -d 10.30.0.0/16 -p tcp -m tcp --dport 443 -m limit --limit 10/second";
    let accepts = format!("{limited} -j ACCEPT\n{ALLOW}");
    let held = Case::new(&rules(&[STATEFUL, ALLOW]), &rules(&[STATEFUL, &accepts])).policy(WEB);
    assert_eq!(held.report().requirements.held, 1);
    let drops = format!("{limited} -j DROP\n");
    let found = Case::new(&rules(&[STATEFUL, ALLOW]), &rules(&[STATEFUL, &drops])).policy(WEB);
    assert_eq!(found.found(&["FW101", "FW103"]).iter().map(brief).collect::<Vec<_>>(), ["FW101 request"]);
    let found = Case::new(&rules(&[STATEFUL]), &rules(&[STATEFUL, &drops])).policy(WEB);
    assert_eq!(found.found(&["FW102", "FW103"]).iter().map(brief).collect::<Vec<_>>(), ["FW102 request"]);
}

#[test]
fn losing_a_flow_that_depended_is_losing_it() {
    let limited = "-A FORWARD -d 10.30.0.0/16 -p tcp -m tcp --dport 443 -m limit --limit 10/second -j ACCEPT\n";
    let case = Case::new(&rules(&[STATEFUL, limited]), &rules(&[STATEFUL])).policy(WEB);
    assert_eq!(case.found(&["FW101", "FW102", "FW103"]).iter().map(brief).collect::<Vec<_>>(), ["FW101 request"]);
}

#[test]
fn flows_on_interfaces_are_judged_on_those() {
    let by = |iif: &str| ALLOW.replace("-A FORWARD", &format!("-A FORWARD -i {iif} -o eth1"));
    let policy = format!("{WEB}in = [\"eth0\"]\nout = [\"eth1\"]\n");
    let old = rules(&[STATEFUL, &by("eth0")]);
    assert!(Case::new(&old, &old).policy(&policy).ids().is_empty());
    let found = Case::new(&old, &rules(&[STATEFUL, &by("eth2")])).policy(&policy).found(&["FW101"]);
    assert_eq!((witness(&found[0])["iif"].as_str(), witness(&found[0])["oif"].as_str()), (Some("eth0"), Some("eth1")));
    let found = Case::new(&old, &old).policy(WEB).found(&["FW102"]);
    let help = found[0].help.as_deref().unwrap();
    assert!(help.contains("`in = [\"eth0\"]` and `out = [\"eth1\"]`"), "{help}");
}

#[test]
fn replies_are_judged_on_exchanged_interfaces() {
    let back = "-A FORWARD -i eth1 -o eth0 -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";
    let forth = "-A FORWARD -i eth0 -o eth1 -j ACCEPT\n";
    let policy = format!("{WEB}in = [\"eth0\"]\nout = [\"eth1\"]\n");
    assert!(Case::new(&rules(&[back, forth]), &rules(&[back, forth])).policy(&policy).ids().is_empty());
    let found = Case::new(&rules(&[back, forth]), &rules(&[forth])).policy(&policy).found(&["FW101"]);
    assert_eq!(found.iter().map(brief).collect::<Vec<_>>(), ["FW101 reply"]);
    assert_eq!(witness(&found[0])["iif"], "eth1");
}

#[test]
fn loopback_is_no_way_of_a_flow() {
    let old = rules(&["-A FORWARD -i lo -j DROP\n-A FORWARD -o lo -j DROP\n", STATEFUL, ALLOW]);
    assert!(Case::new(&old, &old).policy(WEB).ids().is_empty());
}

#[test]
fn input_and_output_answer_each_other() {
    let policy = WEB.replace("forward", "input");
    let input = "-A INPUT -s 10.20.0.0/16 -p tcp -m tcp --dport 443 -j ACCEPT\n";
    let data = "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";
    let reply = "-A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";
    let text = |rules: &[&str]| filter(["DROP", "DROP", "DROP"], &rules.concat());
    assert!(Case::new(&text(&[data, input, reply]), &text(&[data, input, reply])).policy(&policy).ids().is_empty());
    let found = Case::new(&text(&[data, input, reply]), &text(&[data, input])).policy(&policy).found(&["FW101"]);
    assert_eq!(
        found.iter().map(|f| (brief(f), f.hook.unwrap().name())).collect::<Vec<_>>(),
        [("FW101 reply".to_owned(), "output")]
    );
    assert_eq!(found[0].filter.as_deref(), Some("filter/OUTPUT"));
}
