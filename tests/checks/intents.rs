//! FW201 to FW203: what a change request declares, all of it and nothing else.

use super::{Case, forward, rule, ruleset, witness};
use fwgate::check::Device;

const STATEFUL: &str = "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n";
const WEB: &str = "-A FORWARD -d 10.1.0.0/24 -p tcp -m tcp --dport 443 -j ACCEPT\n";

fn intent(effect: &str, from: &str, to: &str, service: &str) -> String {
    format!(
        "[[intent]]\neffect = \"{effect}\"\nfrom = [\"{from}\"]\nto = [\"{to}\"]\nservice = [\"{service}\"]\nhook = \"forward\"\n"
    )
}

fn rules(parts: &[&str]) -> String {
    forward(&parts.concat())
}

fn found(old: &[&str], new: &[&str], intents: &str) -> Vec<String> {
    let found = Case::new(&rules(old), &rules(new)).change(intents).found(&["FW201", "FW202", "FW203"]);
    found.iter().map(|f| f.code.id.to_owned()).collect()
}

#[test]
fn an_intent_that_is_the_whole_effect_is_met() {
    let case = Case::new(&rules(&[STATEFUL]), &rules(&[STATEFUL, WEB]));
    let case = case.change(&intent("opened", "any", "10.1.0.0/24", "tcp/443"));
    assert!(case.ids().is_empty(), "{:?}", case.report().findings);
    assert_eq!(case.report().effects.len(), 1);
}

#[test]
fn an_effect_that_nobody_declared_is_found_with_both_rules() {
    let ssh = "-A FORWARD -d 10.1.0.0/24 -p tcp -m tcp --dport 22 -j ACCEPT\n";
    let case = Case::new(&rules(&[STATEFUL]), &rules(&[STATEFUL, WEB, ssh]));
    let case = case.change(&intent("opened", "any", "10.1.0.0/24", "tcp/443"));
    let found = case.found(&["FW201"]);
    assert_eq!(found.len(), 1);
    assert_eq!((rule(&found[0]), witness(&found[0])["dport"].as_u64()), (ssh.trim_end(), Some(22)));
    let help = found[0].help.as_deref().unwrap();
    assert!(help.contains("is dropped in the baseline by `:FORWARD DROP") && help.contains("--dport 22"), "{help}");
}

#[test]
fn an_intent_of_another_kind_or_hook_covers_nothing() {
    assert_eq!(
        found(&[STATEFUL], &[STATEFUL, WEB], &intent("closed", "any", "10.1.0.0/24", "tcp/22")),
        ["FW203", "FW201"]
    );
    let at_input = intent("opened", "any", "10.1.0.0/24", "tcp/443").replace("forward", "input");
    assert!(found(&[STATEFUL], &[STATEFUL, WEB], &at_input).contains(&"FW201".to_owned()));
}

#[test]
fn effects_on_replies_are_inside_the_intent() {
    let back = "-A FORWARD -s 10.1.0.0/24 -p tcp -m tcp --sport 443 -j ACCEPT\n";
    assert_eq!(found(&[], &[WEB, back], &intent("opened", "any", "10.1.0.0/24", "tcp/443")), [""; 0]);
    let wrong = back.replace("443", "444");
    let ids = found(&[], &[WEB, back, &wrong], &intent("opened", "any", "10.1.0.0/24", "tcp/443"));
    assert_eq!(ids, ["FW201"]);
}

#[test]
fn an_intent_that_is_only_partly_brought_about_is_not_met() {
    let half = WEB.replace("10.1.0.0/24", "10.1.0.0/25");
    let case = Case::new(&rules(&[STATEFUL]), &rules(&[STATEFUL, &half]));
    let case = case.change(&intent("opened", "any", "10.1.0.0/24", "tcp/443"));
    let found = case.found(&["FW201", "FW202"]);
    assert_eq!(found.iter().map(|f| f.code.id).collect::<Vec<_>>(), ["FW202"]);
    assert_eq!(witness(&found[0])["dst"], "10.1.0.129");
    let without_reply =
        Case::new(&rules(&[]), &rules(&[WEB])).change(&intent("opened", "any", "10.1.0.0/24", "tcp/443"));
    let found = without_reply.found(&["FW202"]);
    assert_eq!(witness(&found[0])["src"], "10.1.0.1");
}

#[test]
fn a_closed_intent_needs_every_new_packet_blocked() {
    let closed = intent("closed", "any", "10.1.0.0/24", "tcp/443");
    assert_eq!(found(&[STATEFUL, WEB], &[STATEFUL], &closed), [""; 0]);
    let some = "-A FORWARD -s 192.0.2.1/32 -d 10.1.0.0/24 -p tcp -m tcp --dport 443 -j ACCEPT\n";
    assert_eq!(found(&[STATEFUL, WEB], &[STATEFUL, some], &closed), ["FW202"]);
    let limited = WEB.replace("-j ACCEPT", "-m limit --limit 1/second -j ACCEPT");
    assert_eq!(found(&[STATEFUL, WEB], &[STATEFUL, &limited], &closed), ["FW202"]);
}

#[test]
fn an_intent_that_was_in_force_is_told() {
    let opened = intent("opened", "any", "10.1.0.0/24", "tcp/443");
    assert_eq!(found(&[STATEFUL, WEB], &[STATEFUL, WEB], &opened), ["FW203"]);
    assert_eq!(found(&[STATEFUL], &[STATEFUL], &intent("closed", "any", "10.1.0.0/24", "tcp/443")), ["FW203"]);
    let refusal = intent("refusal", "any", "10.1.0.0/24", "tcp/443");
    assert_eq!(found(&[STATEFUL], &[STATEFUL], &refusal), ["FW203"]);
}

#[test]
fn refusals_and_translations_are_as_the_proposal_does_them() {
    let reject = "-A FORWARD -d 10.1.0.0/24 -p tcp -m tcp --dport 443 -j REJECT --reject-with tcp-reset\n";
    assert_eq!(found(&[STATEFUL], &[STATEFUL, reject], &intent("refusal", "any", "10.1.0.0/24", "tcp/443")), [""; 0]);
    assert_eq!(
        found(&[STATEFUL], &[STATEFUL, reject], &intent("opened", "any", "10.1.0.0/24", "tcp/443")),
        ["FW201", "FW202"]
    );
    let nat = |to: &str| {
        let rule = format!("-A PREROUTING -d 203.0.113.1/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination {to}\n");
        format!("*nat\n:PREROUTING ACCEPT [0:0]\n{rule}COMMIT\n{}", forward("-A FORWARD -j ACCEPT\n"))
    };
    let case = Case::new(&nat("10.1.0.5"), &nat("10.1.0.6"));
    let forward = intent("translated", "any", "203.0.113.1", "tcp/443");
    let input = forward.replace("forward", "input");
    let case = case.change(&format!("{forward}{input}"));
    assert!(case.found(&["FW201", "FW202", "FW203"]).is_empty(), "{:?}", case.found(&["FW201"]));
}

#[test]
fn what_is_opened_and_translated_counts_as_opened() {
    let nat = "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 203.0.113.1/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.1.0.5\nCOMMIT\n";
    let none = "*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n";
    let inner = "-A FORWARD -d 10.1.0.5/32 -p tcp -m tcp --dport 443 -j ACCEPT\n";
    let old = format!("{none}{}", rules(&[STATEFUL, inner]));
    let new = format!("{nat}{}", rules(&[STATEFUL, inner]));
    // Related packets pass on both sides and are translated on one; so are packets that end at the device.
    let translated = intent("translated", "any", "203.0.113.1", "tcp/443");
    let beside = format!("{translated}{}", translated.replace("forward", "input"));
    let opened = intent("opened", "any", "203.0.113.1", "tcp/443");
    let case = Case::new(&old, &new).change(&format!("{opened}{beside}"));
    assert!(case.found(&["FW201", "FW202", "FW203"]).is_empty(), "{:?}", case.report().findings);
    let case = Case::new(&old, &new).change(&beside);
    let found = case.found(&["FW201"]);
    assert!(found.len() == 1 && found[0].message.ends_with("is opened"), "{found:?}");
}

#[test]
fn effects_under_conditions_are_inside_intents_that_cover_them() {
    let limited = WEB.replace("-j ACCEPT", "-m limit --limit 1/second -j ACCEPT");
    let slower = WEB.replace("-j ACCEPT", "-m limit --limit 1/minute -j ACCEPT");
    let closed = intent("closed", "any", "10.1.0.0/24", "tcp/443");
    let ids = found(&[STATEFUL, &limited], &[STATEFUL, &slower], &closed);
    assert!(!ids.contains(&"FW201".to_owned()), "{ids:?}");
    let elsewhere = intent("closed", "any", "10.2.0.0/24", "tcp/443");
    assert!(found(&[STATEFUL, &limited], &[STATEFUL, &slower], &elsewhere).contains(&"FW201".to_owned()));
}

#[test]
fn other_devices_must_stay_as_they_were() {
    let device = |name: &str, parts: &[&str]| Device::new(name, ruleset(&rules(parts)));
    let both = |edge: &[&str], core: &[&str]| vec![device("edge1", edge), device("core", core)];
    let opened = intent("opened", "any", "10.1.0.0/24", "tcp/443");
    let case =
        Case::of_devices(both(&[STATEFUL], &[STATEFUL]), both(&[STATEFUL, WEB], &[STATEFUL, WEB])).change(&opened);
    let found = case.found(&["FW201"]);
    assert_eq!(found.iter().map(|f| f.device.as_deref().unwrap()).collect::<Vec<_>>(), ["core"]);
    assert!(found[0].message.starts_with("`CHG-1` is not about this device"), "{}", found[0].message);
}

#[test]
fn an_intent_for_no_device_is_not_met() {
    let opened = intent("opened", "any", "10.1.0.0/24", "tcp/443");
    let case = Case::new(&rules(&[STATEFUL]), &rules(&[STATEFUL])).change_on("egde1", &opened);
    let found = case.found(&["FW202"]);
    assert!(found[0].message.contains("selects no packet of any filter"), "{}", found[0].message);
    let family = opened.replace("\"any\"", "\"10.0.0.0/8\"").replace("10.1.0.0/24", "2001:db8::/32");
    assert_eq!(Case::new(&rules(&[STATEFUL]), &rules(&[STATEFUL])).change(&family).ids(), ["FW202"]);
}
