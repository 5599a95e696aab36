//! FW204 to FW206: what nobody wrote down, a range that is shut out and a door that is opened to all.

use super::{Case, filter, forward, rule, ruleset, witness};
use fwgate::check::Device;
use fwgate::finding::Severity;

const STATEFUL: &str = "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n";

fn listed(prefixes: &[&str]) -> String {
    let rule = |p: &&str| format!("-A FORWARD -s {p} -j ACCEPT\n-A FORWARD -d {p} -j ACCEPT\n");
    forward(&format!("{STATEFUL}{}", prefixes.iter().map(rule).collect::<String>()))
}

fn messages(case: &Case, codes: &[&str]) -> Vec<String> {
    let short = |m: &str| m.split(':').next().unwrap().to_owned();
    case.found(codes).iter().map(|f| format!("{} {}", f.code.id, short(&f.message))).collect()
}

#[test]
fn the_omitted_range_is_found_without_any_policy() {
    let old = listed(&["10.2.0.0/16", "10.4.0.0/16", "10.6.0.0/16"]);
    let case = Case::new(&old, &listed(&["10.2.0.0/16", "10.6.0.0/16"]));
    assert_eq!(messages(&case, &["FW204"]), ["FW204 the range `10.4.0.0/16` can no longer talk with public space"]);
    let found = case.found(&["FW204"]);
    assert_eq!((found[0].severity, rule(&found[0])), (Severity::Error, ":FORWARD DROP"));
    assert!(
        found[0].help.as_deref().unwrap().contains("`-A FORWARD -s 10.4.0.0/16 -j ACCEPT` (rules.v4:8)"),
        "{:?}",
        found[0].help
    );
    assert!(witness(&found[0])["src"].as_str().unwrap().starts_with("10.4."));
}

#[test]
fn a_rule_for_icmp_errors_hides_no_lost_range() {
    let errors = "-A FORWARD -p icmp -m icmp --icmp-type 3 -j ACCEPT\n";
    let with = |rest: &str| forward(&format!("{STATEFUL}{errors}{rest}"));
    let case = Case::new(&with("-A FORWARD -s 10.4.0.0/16 -j ACCEPT\n"), &with(""));
    assert_eq!(messages(&case, &["FW204"]).iter().filter(|m| m.contains("`10.4.0.0/16`")).count(), 1);
}

#[test]
fn a_range_that_loses_everything_is_found_once_for_all_its_peers() {
    let old = forward("-A FORWARD -s 10.4.0.0/16 -j ACCEPT\n");
    let case = Case::new(&old, &forward("-A FORWARD -s 10.9.0.0/16 -d 192.0.2.0/24 -j ACCEPT\n"));
    let found = messages(&case, &["FW204"]);
    let own = "FW204 the range `10.4.0.0/16` can no longer talk with private space and public space";
    assert_eq!(found.iter().filter(|m| *m == own).count(), 1, "{found:?}");
    assert_eq!(found.iter().filter(|m| m.contains("10.4.")).count(), 1, "{found:?}");
}

#[test]
fn a_filter_that_shuts_out_everybody_is_an_error() {
    let case = Case::new(&filter(["ACCEPT"; 3], "-A FORWARD -s 192.0.2.1/32 -j DROP"), &forward(STATEFUL));
    let found = messages(&case, &["FW204"]);
    assert!(found.contains(&"FW204 the range `10.0.0.0/8` can no longer talk with anybody".to_owned()), "{found:?}");
    let one = forward(&format!("{STATEFUL}-A FORWARD -s 10.20.0.0/16 -d 192.168.0.0/16 -j ACCEPT\n"));
    let case = Case::new(&filter(["ACCEPT"; 3], "-A FORWARD -s 192.0.2.1/32 -j DROP"), &one);
    let found = messages(&case, &["FW204"]);
    assert!(
        found.contains(&"FW204 the range `10.21.0.0-10.255.255.255` can no longer talk with anybody".to_owned()),
        "{found:?}"
    );
    assert!(!found.iter().any(|m| m.contains("192.168.0.0")), "{found:?}");
}

#[test]
fn a_range_of_the_policy_counts_although_it_is_public() {
    let named = "[ranges]\noffice = [\"203.0.113.0/24\"]\n";
    let old = forward("-A FORWARD -s 203.0.113.0/24 -d 192.0.2.1/32 -j ACCEPT\n");
    let case = Case::new(&old, &forward("-A FORWARD -s 198.51.100.0/24 -j DROP\n")).policy(named);
    assert_eq!(messages(&case, &["FW204"]), ["FW204 the range `203.0.113.0/24` can no longer talk with public space"]);
    let case = Case::new(&old, &forward("-A FORWARD -s 198.51.100.0/24 -j DROP\n"));
    assert!(case.ids().is_empty());
}

#[test]
fn a_range_that_can_still_talk_is_narrowed() {
    let old = forward("-A FORWARD -s 10.4.0.0/16 -d 192.0.2.0/24 -j ACCEPT\n");
    let new = forward("-A FORWARD -s 10.4.0.0/16 -d 192.0.2.0/24 -p tcp -m tcp --dport 443 -j ACCEPT\n");
    let case = Case::new(&old, &new);
    assert_eq!(messages(&case, &["FW204", "FW205"]), ["FW205 the range `10.4.0.0/16` can talk less than before"]);
    assert_eq!(case.found(&["FW205"])[0].severity, Severity::Warning);
}

#[test]
fn half_of_a_range_that_loses_everything_is_found_inside_a_region_that_does_not() {
    let old = forward(
        "-A FORWARD -s 10.4.0.0/16 -d 192.0.2.1/32 -p tcp -m tcp --dport 22 -j ACCEPT\n-A FORWARD -s 10.5.0.0/16 -d 192.0.2.1/32 -j ACCEPT\n",
    );
    let new = forward("-A FORWARD -s 10.5.0.0/16 -d 192.0.2.1/32 -p tcp -m tcp --dport 80 -j ACCEPT\n");
    assert_eq!(
        messages(&Case::new(&old, &new), &["FW204", "FW205"]),
        [
            "FW204 the range `10.4.0.0/16` can no longer talk with public space",
            "FW205 the range `10.5.0.0/16` can talk less than before",
        ]
    );
}

#[test]
fn what_passes_only_on_loopback_or_in_old_connections_is_lost_too() {
    let old = filter(["DROP", "DROP", "ACCEPT"], "-A INPUT -s 10.4.0.0/16 -j ACCEPT");
    for rest in ["-A INPUT -i lo -j ACCEPT", "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT"] {
        let case = Case::new(&old, &filter(["DROP", "DROP", "ACCEPT"], rest));
        let found = messages(&case, &["FW204"]);
        assert!(found.iter().any(|m| m.starts_with("FW204 the range `10.4.0.0/16`")), "{rest} {found:?}");
    }
}

#[test]
fn losing_only_old_connections_narrows() {
    let allow = "-A FORWARD -s 10.4.0.0/16 -d 192.0.2.0/24 -j ACCEPT\n";
    let case = Case::new(&forward(&format!("{STATEFUL}{allow}")), &forward(allow));
    assert!(case.found(&["FW204"]).is_empty());
    assert!(!case.found(&["FW205"]).is_empty());
}

#[test]
fn a_range_is_not_lost_while_a_condition_lets_it_talk() {
    let old = forward("-A FORWARD -s 10.4.0.0/16 -d 192.0.2.0/24 -j ACCEPT\n");
    let new = forward("-A FORWARD -s 10.4.0.0/16 -d 192.0.2.0/24 -m limit --limit 1/second -j ACCEPT\n");
    assert_eq!(messages(&Case::new(&old, &new), &["FW204", "FW205"]).len(), 1);
}

#[test]
fn closing_that_a_change_request_declares_is_no_finding_about_ranges() {
    let old = forward("-A FORWARD -s 10.4.0.0/16 -d 192.0.2.0/24 -j ACCEPT\n-A FORWARD -s 10.5.0.0/16 -j ACCEPT\n");
    let intent = |from: &str| {
        format!(
            "[[intent]]\neffect = \"closed\"\nfrom = [\"{from}\"]\nto = [\"any\"]\nservice = [\"any\"]\nhook = \"forward\"\n"
        )
    };
    let new = forward("-A FORWARD -s 10.5.0.0/16 -j ACCEPT\n");
    assert!(Case::new(&old, &new).change(&intent("10.4.0.0/16")).ids().is_empty());
    let nothing = forward("-A FORWARD -s 192.0.2.77/32 -j DROP\n");
    let found = messages(&Case::new(&old, &nothing).change(&intent("10.4.0.0/16")), &["FW204"]);
    assert!(found.iter().any(|m| m.contains("`10.5.0.0/16` can no longer talk with public space")), "{found:?}");
    assert!(!found.iter().any(|m| m.contains("`10.4.")), "{found:?}");
}

#[test]
fn an_opening_to_every_source_is_a_warning() {
    let old = forward(STATEFUL);
    let open = |from: &str| {
        forward(&format!("{STATEFUL}-A FORWARD {from} -d 10.1.0.5/32 -p tcp -m tcp --dport 22 -j ACCEPT\n"))
    };
    for wide in ["", "! -s 10.0.0.0/8"] {
        let found = Case::new(&old, &open(wide)).found(&["FW206"]);
        assert_eq!(found.len(), 1, "{wide}");
        assert_eq!((found[0].severity, witness(&found[0])["dport"].as_u64()), (Severity::Warning, Some(22)));
        assert!(rule(&found[0]).contains("--dport 22"));
    }
    for narrow in ["-s 10.20.0.0/16", "-s 198.0.0.0/8", "! -s 8.0.0.0/8"] {
        assert!(Case::new(&old, &open(narrow)).ids().is_empty(), "{narrow}");
    }
}

#[test]
fn an_opening_is_found_however_the_baseline_refused_it() {
    let drop = "-A FORWARD -s 198.51.100.0/24 -d 10.1.0.5/32 -j DROP\n";
    let old = forward(&format!("{STATEFUL}{drop}"));
    let new = forward(&format!("{STATEFUL}-A FORWARD -d 10.1.0.5/32 -p tcp -m tcp --dport 22 -j ACCEPT\n{drop}"));
    assert_eq!(Case::new(&old, &new).found(&["FW206"]).len(), 1);
}

#[test]
fn openings_that_begin_nothing_are_not_meant() {
    let case = Case::new(
        &forward("-A FORWARD -s 192.0.2.1/32 -j ACCEPT\n"),
        &forward(&format!("{STATEFUL}-A FORWARD -s 192.0.2.1/32 -j ACCEPT\n")),
    );
    assert!(case.ids().is_empty());
    let lo = filter(["DROP", "DROP", "ACCEPT"], "-A INPUT -i lo -j ACCEPT");
    let case = Case::new(&filter(["DROP", "DROP", "ACCEPT"], ""), &lo);
    assert!(case.ids().is_empty());
}

#[test]
fn a_declared_opening_is_no_finding() {
    let intent = "[[intent]]\neffect = \"opened\"\nfrom = [\"any\"]\nto = [\"10.1.0.5\"]\nservice = [\"tcp/22\"]\nhook = \"forward\"\n";
    let new = forward(&format!("{STATEFUL}-A FORWARD -d 10.1.0.5/32 -p tcp -m tcp --dport 22 -j ACCEPT\n"));
    assert!(Case::new(&forward(STATEFUL), &new).change(intent).ids().is_empty());
}

#[test]
fn equal_devices_are_each_told() {
    let devices = |text: &str| {
        let shared = ruleset(text);
        vec![Device::new("edge1", shared.clone()), Device::new("edge2", shared)]
    };
    let old = devices(&listed(&["10.2.0.0/16", "10.4.0.0/16"]));
    let case = Case::of_devices(old, devices(&listed(&["10.2.0.0/16"])));
    let found = case.found(&["FW204"]);
    assert_eq!(found.iter().map(|f| f.device.as_deref().unwrap()).collect::<Vec<_>>(), ["edge1", "edge2"]);
    assert_eq!(case.report().effects.len(), 2);
}
