//! FW104: forbidden flows, whatever the conditions; and FW105 where a translation leads into one.

use super::{Case, forward, rule, witness};

const TELNET: &str = r#"
[[forbid]]
id = "no-telnet"
reason = "r"
from = ["any"]
to = ["10.0.0.0/8"]
service = ["tcp/23"]
hook = "forward"
"#;
const ALLOW: &str = "-A FORWARD -d 10.1.0.0/16 -p tcp -m tcp --dport 20:25 -j ACCEPT\n";
const DROP: &str = "-A FORWARD -p tcp -m tcp --dport 23 -j DROP\n";

fn found(rules: &[&str]) -> Vec<(String, Vec<String>)> {
    let text = forward(&rules.concat());
    let found = Case::new(&text, &text).policy(TELNET).found(&["FW104"]);
    found.iter().map(|f| (rule(f).to_owned(), f.conditions.clone())).collect()
}

#[test]
fn a_flow_that_passes_is_found_with_the_rule_that_lets_it_pass() {
    let text = forward(ALLOW);
    let found = Case::new(&forward(""), &text).policy(TELNET).found(&["FW104"]);
    assert_eq!(found.len(), 1);
    assert_eq!((witness(&found[0])["dport"].as_u64(), witness(&found[0])["state"].as_str()), (Some(23), Some("new")));
    assert_eq!(rule(&found[0]), ALLOW.trim_end());
    assert!(found[0].help.as_deref().unwrap().ends_with("the baseline blocks it"));
    assert_eq!(
        found[0].message,
        "the forbidden flow `no-telnet` is allowed: `10.0.0.1` to `10.1.0.1` on `tcp/23` passes"
    );
}

#[test]
fn a_flow_that_is_blocked_first_is_not_found() {
    assert_eq!(found(&[DROP, ALLOW]), []);
    assert_eq!(found(&[]), []);
    assert_eq!(found(&["-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n", DROP, ALLOW]), []);
}

#[test]
fn a_flow_that_passes_under_some_condition_is_found() {
    let limited = DROP.replace("-j DROP", "-m limit --limit 1/second -j DROP");
    let one = found(&[&limited, ALLOW]);
    assert_eq!(one, [(ALLOW.trim_end().to_owned(), vec!["!limit: 1/second burst 5 #1".to_owned()])]);
    let passes = DROP.replace("-j DROP", "-m limit --limit 1/second -j ACCEPT");
    assert_eq!(found(&[&passes]).len(), 1);
}

#[test]
fn assumptions_do_not_hide_what_is_forbidden() {
    let limited = DROP.replace("-j DROP", "-m limit --limit 1/second -j DROP");
    let text = forward(&[&limited, ALLOW].concat());
    let assume = "[[assume]]\ncondition = \"limit*\"\nholds = true\nreason = \"r\"\n";
    let case = Case::new(&text, &text).policy(&format!("{TELNET}{assume}"));
    assert_eq!(case.found(&["FW104"]).len(), 1);
}

#[test]
fn every_interface_counts_even_loopback() {
    let only = |iif: &str| ALLOW.replace("-A FORWARD", &format!("-A FORWARD -i {iif}"));
    assert_eq!(found(&[&only("wg0")]).len(), 1);
    assert_eq!(found(&[&only("lo")]).len(), 1);
    let text = forward(&only("wg0"));
    let case = Case::new(&text, &text).policy(&format!("{TELNET}in = [\"eth0\"]\n"));
    assert_eq!(case.found(&["FW104"]).len(), 0);
}

#[test]
fn a_translation_into_a_forbidden_flow_is_a_warning() {
    let nat = "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 203.0.113.1/32 -p tcp -m tcp --dport 23 -j DNAT --to-destination 10.1.0.5\nCOMMIT\n";
    let text = format!("{nat}{}", forward(DROP));
    let found = Case::new(&text, &text).policy(TELNET).found(&["FW104", "FW105"]);
    assert_eq!(found.iter().map(|f| f.code.id).collect::<Vec<_>>(), ["FW105"]);
    assert!(rule(&found[0]).contains("DNAT"));
    let elsewhere = text.replace("10.1.0.5", "192.0.2.5");
    assert!(Case::new(&elsewhere, &elsewhere).policy(TELNET).found(&["FW105"]).is_empty());
}
