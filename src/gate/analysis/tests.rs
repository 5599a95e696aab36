//! What a change does, from bytes to digests and words.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::policy::{PolicyFiles, canonical_change, read_change, read_policy};

/// A device whose IPv4 filter drops what no rule passes on.
pub(in crate::gate) fn device(name: &str, rules: &str) -> DeviceBytes {
    let text = format!("*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n{rules}COMMIT\n");
    DeviceBytes { device: name.into(), files: vec![(format!("devices/{name}/rules.v4"), text.into_bytes().into())] }
}

pub(in crate::gate) fn policy(more: &str) -> Policy {
    let text = format!("version = 1\n[ranges]\npayment = [\"10.9.0.0/16\"]\nlab = [\"192.0.2.0/24\"]\n{more}");
    read_policy(&PolicyFiles::single("fwgate.toml", text)).unwrap()
}

pub(in crate::gate) fn request(intents: &str, policy: &Policy) -> (ChangeRequest, String) {
    let text = format!(
        "id = \"CHG-1\"\ntitle = \"t\"\nclass = \"normal\"\nreason = \"r\"\ndevices = [\"edge*\", \"lab-*\"]\n{intents}"
    );
    let canonical = canonical_change("changes/CHG-1.toml", &text).unwrap();
    (read_change("changes/CHG-1.toml", &text, &policy.names).unwrap(), canonical)
}

const INTENT: &str = "[[intent]]\neffect = \"opened\"\nfrom = [\"any\"]\nto = [\"10.1.0.0/24\"]\nservice = [\"tcp/443\"]\nhook = \"forward\"\n";

pub(in crate::gate) fn judge(
    old: &[DeviceBytes],
    new: &[DeviceBytes],
    policy: &Policy,
) -> Result<Analysis, Vec<Reason>> {
    let (request, canonical) = request(INTENT, policy);
    let case = Case {
        repository: "example/firewalls",
        baseline: old,
        proposal: new,
        base: old,
        policy,
        request: &request,
        canonical_request: &canonical,
        bounds: Bounds::default(),
        today: Date { year: 2026, month: 12, day: 1 },
    };
    analyse(&case, &mut Library::default())
}

fn one(old: &str, new: &str) -> Analysis {
    judge(&[device("edge1", old)], &[device("edge1", new)], &policy("")).unwrap()
}

fn codes(result: Result<Analysis, Vec<Reason>>) -> Vec<ReasonCode> {
    result.map_or_else(|reasons| reasons.iter().map(|r| r.code).collect(), |_| Vec::new())
}

const HTTPS: &str = "-A FORWARD -d 10.1.0.0/24 -p tcp -m tcp --dport 443 -j ACCEPT\n";
const SSH: &str = "-A FORWARD -s 10.2.0.0/16 -d 10.3.0.1/32 -p tcp -m tcp --dport 22 -j ACCEPT\n";

#[test]
fn the_line_says_what_changes() {
    assert_eq!(one(SSH, &format!("{SSH}{HTTPS}")).says, "edge1 opens tcp/443 from any to 10.1.0.0/24; closes nothing");
    let both = one(SSH, HTTPS).says;
    assert_eq!(both, "edge1 opens tcp/443 from any to 10.1.0.0/24; closes tcp/22 from 10.2.0.0/16 to 10.3.0.1");
    let input = one(SSH, &format!("{SSH}-A INPUT -i eth0 -p icmp -m icmp --icmp-type 8 -j ACCEPT\n")).says;
    assert_eq!(input, "edge1 opens icmp type 8 from any to any in by eth0 on input (IPv4); closes nothing");
    let logged = one(SSH, &format!("-A FORWARD -j LOG\n{SSH}")).says;
    assert_eq!(logged, "edge1 changes the outcome of no packet");
}

#[test]
fn devices_of_one_effect_share_a_sentence_and_long_effects_are_counted() {
    let policy = policy("");
    let many: String =
        (0..9).map(|n| format!("-A FORWARD -d 10.{n}.0.0/24 -p tcp --dport {n}443 -j ACCEPT\n")).collect();
    let sides = |rules: &str| ["edge1", "edge2"].map(|name| device(name, rules));
    let says = judge(&sides(SSH), &sides(&many.replace("0443", "443")), &policy).unwrap().says;
    assert!(says.starts_with("edge1, edge2 open "), "{says}");
    assert!(says.contains(" and 6 more; close tcp/22"), "{says}");
    assert!(says.len() < 400 && says.is_ascii(), "{says}");
}

#[test]
fn names_out_of_rulesets_cannot_speak_for_the_gate() {
    let odd = "-A FORWARD -m string --string \"x; closes nothing \u{202e}\" --algo bm -j ACCEPT\n";
    let says = one(SSH, &format!("{SSH}{odd}")).says;
    assert!(says.is_ascii() && says.contains("u{202e}"), "{says}");
    assert!(says.ends_with("; closes nothing"), "{says}");
}

#[test]
fn content_is_of_bytes_and_meaning_is_of_packets() {
    let written = one(SSH, &format!("{SSH}{HTTPS}"));
    let otherwise = "-A FORWARD -d 10.1.0.0/25 -p tcp -m multiport --dports 443 -j ACCEPT\n-A FORWARD -j more\n\
                     -A more -d 10.1.0.128/25 -p tcp -m tcp --dport 443 -m comment --comment \"x\" -j ACCEPT\n";
    let text = |rules: &str| DeviceBytes {
        files: vec![(
            "devices/edge1/rules.v4".into(),
            format!(
                "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:more - [0:0]\n{rules}COMMIT\n"
            )
            .into_bytes()
            .into(),
        )],
        device: "edge1".into(),
    };
    let rewritten = judge(&[device("edge1", SSH)], &[text(&format!("{otherwise}{SSH}"))], &policy("")).unwrap();
    assert_eq!(rewritten.says, written.says);
    assert_eq!(rewritten.meaning, written.meaning);
    assert_ne!(rewritten.content, written.content);
    let wider = one(SSH, &format!("{SSH}{}", HTTPS.replace("/24", "/23")));
    assert_ne!(wider.meaning, written.meaning);
    let closing = one(&format!("{SSH}{HTTPS}"), SSH);
    assert_ne!(closing.meaning, written.meaning);
}

#[test]
fn a_base_that_moved_elsewhere_changes_no_meaning() {
    let moved = "-A FORWARD -s 10.7.0.0/16 -p udp -j ACCEPT\n";
    let now = one(SSH, &format!("{SSH}{HTTPS}"));
    let later = one(&format!("{moved}{SSH}"), &format!("{moved}{SSH}{HTTPS}"));
    assert_eq!(later.meaning, now.meaning);
    assert_ne!(later.content, now.content);
    let widened = "-A FORWARD -d 10.1.0.0/25 -p tcp -j ACCEPT\n";
    assert_ne!(one(&format!("{widened}{SSH}"), &format!("{widened}{SSH}{HTTPS}")).meaning, now.meaning);
}

#[test]
fn verdicts_and_targets_are_part_of_the_meaning() {
    let require = "[[require]]\nid = \"ssh\"\nreason = \"r\"\nfrom = [\"10.2.0.0/16\"]\nto = [\"10.3.0.1\"]\nservice = [\"tcp/22\"]\nhook = \"forward\"\n";
    let states = "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n";
    let sides = |name: &str| {
        let new = format!("{states}{SSH}{HTTPS}");
        ([device(name, &format!("{states}{SSH}"))], [device(name, &new)])
    };
    let (old, new) = sides("edge1");
    let plain = judge(&old, &new, &policy("")).unwrap();
    let held = judge(&old, &new, &policy(require)).unwrap();
    assert_eq!(held.meaning, plain.meaning, "what holds is not listed");
    let missing = judge(&old, &new, &policy(&require.replace("10.3.0.1", "10.3.0.2"))).unwrap();
    assert!(missing.is_refused && missing.meaning != held.meaning);
    let (old, new) = sides("edge2");
    assert_ne!(judge(&old, &new, &policy("")).unwrap().meaning, plain.meaning);
}

#[test]
fn a_family_that_one_side_lacks_is_part_of_the_meaning() {
    let with_v6 = |rule: &str| {
        let mut out = device("edge1", SSH);
        let text = format!("*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n{rule}COMMIT\n");
        out.files.push(("devices/edge1/rules.v6".into(), text.into_bytes().into()));
        out
    };
    let meaning = |new: DeviceBytes| judge(&[device("edge1", SSH)], &[new], &policy("")).unwrap();
    let (one, other) = (meaning(with_v6("")), meaning(with_v6("-A INPUT -p tcp --dport 22 -j ACCEPT\n")));
    assert_ne!(one.meaning, other.meaning);
    assert!(one.says.contains("has IPv6 rules for the first time"), "{}", one.says);
    assert!(!one.extent.closes_only);
}

#[test]
fn what_cannot_be_judged_is_a_reason_and_nothing_else() {
    let (same, other) = (device("edge1", SSH), device("edge1", HTTPS));
    let policy = policy("");
    let same = std::slice::from_ref(&same);
    assert_eq!(codes(judge(same, same, &policy)), [ReasonCode::EmptyChange]);
    assert_eq!(codes(judge(&[], same, &policy)), [ReasonCode::EmptyChange]);
    assert_eq!(codes(judge(same, &[], &policy)), [ReasonCode::EmptyChange]);
    assert_eq!(codes(judge(same, &[device("edge1", "-A FORWARD --nonsense\n")], &policy)), [ReasonCode::UnparsedInput]);
    let mut blank = other.clone();
    blank.files[0].1 = b"*filter\nCOMMIT\n".to_vec().into();
    assert_eq!(codes(judge(same, &[blank], &policy)), [ReasonCode::EmptyChange]);
    let mut binary = other.clone();
    binary.files[0].1 = vec![0xff, 0xfe].into();
    assert_eq!(codes(judge(same, &[binary], &policy)), [ReasonCode::UnparsedInput]);
    let (request, canonical) = request(INTENT, &policy);
    let case = Case {
        repository: "r",
        baseline: same,
        proposal: &[other],
        base: same,
        policy: &policy,
        request: &request,
        canonical_request: &canonical,
        bounds: Bounds { regions: 1, cells: 3 },
        today: Date { year: 2026, month: 12, day: 1 },
    };
    assert_eq!(codes(analyse(&case, &mut Library::default())), [ReasonCode::LimitExceeded]);
}

#[test]
fn the_extent_tells_what_kind_of_effect_it_is() {
    let opened = one(SSH, &format!("{SSH}{HTTPS}")).extent;
    assert!(opened.codes.contains("FW206"), "declared by the intent or not: {:?}", opened.codes);
    assert!(!opened.closes_only && opened.touches.contains("payment"), "any holds every range: {opened:?}");
    let closed = one(&format!("{SSH}{HTTPS}"), HTTPS).extent;
    assert!(closed.closes_only && closed.touches.is_empty(), "{closed:?}");
    let lab = policy("[lab]\nranges = [\"lab\"]\ndevices = [\"lab-*\"]\n");
    let inside = "-A FORWARD -s 192.0.2.0/25 -d 192.0.2.128/25 -p tcp --dport 80 -j ACCEPT\n";
    let outside = |name: &str, rule: &str| {
        let new = format!("{SSH}{rule}");
        judge(&[device(name, SSH)], &[device(name, &new)], &lab).unwrap().extent.outside_lab
    };
    assert_eq!(outside("lab-1", inside), None);
    assert!(outside("edge1", inside).unwrap().contains("`edge1` is none of the lab's"));
    let leak = outside("lab-1", &inside.replace("-d 192.0.2.128/25", "-d 192.0.2.128/25,192.0.3.1"));
    assert!(leak.unwrap().contains("192.0.3.1"));
    assert_eq!(opened.outside_lab.as_deref(), Some("the policy has no lab"));
}

/// A device with routes beside its rules.
fn routed(name: &str, routes: &str) -> DeviceBytes {
    let mut out = device(name, SSH);
    out.files.push((format!("devices/{name}/routes"), routes.as_bytes().to_vec().into()));
    out
}

const ROUTES: &str = "default via 203.0.113.1 dev eth0\n10.9.0.0/16 via 203.0.113.9 dev eth0\n";

#[test]
fn tests_stay_in_the_lab_with_their_routes() {
    let outside = |lab: &str, more: &str| {
        let policy = policy(lab);
        let new = routed("lab-1", &format!("{ROUTES}{more}"));
        judge(&[routed("lab-1", ROUTES)], &[new], &policy).unwrap().extent
    };
    let lab = "[lab]\nranges = [\"lab\"]\ndevices = [\"lab-*\"]\n";
    assert_eq!(outside(lab, "192.0.2.128/25 via 203.0.113.7 dev eth1\n").outside_lab, None);
    let leak = outside(lab, "10.9.8.0/24 via 203.0.113.7 dev eth1\n");
    let expected = "lab-1: destination 10.9.8.1 goes via 203.0.113.7 dev eth1, and went via 203.0.113.9 dev eth0";
    assert_eq!(leak.outside_lab.as_deref(), Some(expected));
    assert!(!leak.closes_only && leak.touches.contains("payment"), "{leak:?}");
    let wider = lab.replace("devices", "routes = [\"lab\", \"10.9.8.0/24\"]\ndevices");
    assert_eq!(outside(&wider, "10.9.8.0/24 via 203.0.113.7 dev eth1\n").outside_lab, None);
    let one_sided = judge(&[device("lab-1", SSH)], &[routed("lab-1", ROUTES)], &policy(lab)).unwrap();
    assert!(one_sided.extent.outside_lab.unwrap().contains("only one side"));
    assert!(one_sided.says.contains("has routes for IPv4 for the first time"), "{}", one_sided.says);
    let discarded = outside(lab, "blackhole 10.9.8.0/24\n");
    assert!(discarded.closes_only, "{discarded:?}");
}

#[test]
fn routes_are_bytes_and_meaning_and_words() {
    let change = |old: &str, new: &str| judge(&[routed("edge1", old)], &[routed("edge1", new)], &policy("")).unwrap();
    let moved = ROUTES.replace("203.0.113.9", "203.0.113.8");
    let plain = change(ROUTES, &moved);
    assert_eq!(
        plain.says,
        "edge1 routes 10.9.0.0/16 as unicast via 203.0.113.8 dev eth0, and no longer as unicast via 203.0.113.9 dev eth0; \
         changes the outcome of no packet"
    );
    let cut =
        moved.replace("10.9.0.0/16", "10.9.128.0/17") + "10.9.0.0/17 via 203.0.113.8 dev eth0 proto static metric 9\n";
    let otherwise = change(ROUTES, &cut);
    assert_eq!((&otherwise.meaning, &otherwise.says), (&plain.meaning, &plain.says));
    assert_ne!(otherwise.content, plain.content);
    assert_ne!(change(ROUTES, &moved.replace("203.0.113.8", "203.0.113.7")).meaning, plain.meaning);
    // Beside routes that stay, a change of rules means what it always meant.
    let mut with = [routed("edge1", ROUTES), routed("edge1", ROUTES)];
    let opened = format!("{SSH}{HTTPS}");
    with[1].files[0] = device("edge1", &opened).files.remove(0);
    let [old, new] = with;
    assert_eq!(judge(&[old], &[new], &policy("")).unwrap().meaning, one(SSH, &opened).meaning);
}

#[test]
fn labels_are_compared_with_the_beginning_of_the_range() {
    let labelled = |environment: &str| {
        let mut out = device("edge1", SSH);
        let facts = format!("environment = \"{environment}\"\n");
        out.files.insert(0, ("devices/edge1/device.toml".into(), facts.into_bytes().into()));
        out
    };
    let extent = |old, new| judge(&[labelled(old)], &[labelled(new)], &policy("")).unwrap().extent;
    assert_eq!(extent("production", "staging").relabelled.len(), 1);
    assert_eq!(codes(judge(&[labelled("lab")], &[labelled("lab")], &policy(""))), [ReasonCode::EmptyChange]);
}
