//! What the machine format of a diff promises about regions: disjoint within a device, hook and family, the witness
//! in the first, the smallest first. The regions are parsed back from the text, as a reader of the contract would.

use super::scene::Scene;
use serde_json::Value;
use std::net::IpAddr;

/// A closed range of numbers.
type Range = (u128, u128);

fn ranges(values: &Value, max: u128, parse: impl Fn(&str) -> Range) -> Vec<Range> {
    match values.as_array() {
        None => vec![(0, max)],
        Some(list) => list.iter().map(|v| parse(v.as_str().unwrap())).collect(),
    }
}

fn number(text: &str) -> Range {
    let one = |t: &str| t.parse().unwrap_or_else(|_| panic!("{t}"));
    text.split_once('-').map_or_else(|| (one(text), one(text)), |(a, b)| (one(a), one(b)))
}

fn address(text: &str) -> Range {
    let value = |t: &str| match t.parse().unwrap_or_else(|_| panic!("{t}")) {
        IpAddr::V4(a) => u128::from(u32::from(a)),
        IpAddr::V6(a) => u128::from(a),
    };
    if let Some((first, last)) = text.split_once('-') {
        return (value(first), value(last));
    }
    let (start, length) = text.split_once('/').unwrap_or((text, if text.contains(':') { "128" } else { "32" }));
    let bits = if text.contains(':') { 128 } else { 32 } - length.parse::<u32>().unwrap();
    let size = 1u128.checked_shl(bits).map_or(u128::MAX, |s| s - 1);
    (value(start), value(start) + size)
}

fn named(values: &Value, names: &[&str]) -> Vec<Range> {
    let position = |t: &str| names.iter().position(|n| *n == t).unwrap() as u128;
    ranges(values, names.len() as u128 - 1, |t| (position(t), position(t)))
}

const STATES: [&str; 5] = ["new", "established", "related", "invalid", "untracked"];

/// The numeric dimensions of a region.
fn dimensions(region: &Value, family: u64) -> Vec<Vec<Range>> {
    let addresses = if family == 4 { u128::from(u32::MAX) } else { u128::MAX };
    vec![
        ranges(&region["src"], addresses, address),
        ranges(&region["dst"], addresses, address),
        ranges(&region["proto"], 255, number),
        ranges(&region["sport"], 65_535, number),
        ranges(&region["dport"], 65_535, number),
        ranges(&region["icmp_type"], 255, number),
        ranges(&region["icmp_code"], 255, number),
        named(&region["state"], &STATES),
    ]
}

fn meets(a: &[Range], b: &[Range]) -> bool {
    a.iter().any(|x| b.iter().any(|y| x.0 <= y.1 && y.0 <= x.1))
}

/// Whether an interface list holds a concrete name.
fn holds(list: &Value, name: &str) -> bool {
    let Some(list) = list.as_array() else { return true };
    let texts: Vec<&str> = list.iter().map(|v| v.as_str().unwrap()).collect();
    let sign = texts.iter().position(|t| *t == "!").unwrap_or(texts.len());
    let hit = |entry: &&str| entry.strip_suffix('+').map_or(*entry == name, |prefix| name.starts_with(prefix));
    (sign == 0 || texts[..sign].iter().any(hit)) && !texts[(sign + 1).min(texts.len())..].iter().any(hit)
}

const INTERFACES: [&str; 7] = ["lo", "eth", "eth0", "eth1", "eth9", "wg0", "something-else"];

fn interfaces_meet(a: &Value, b: &Value) -> bool {
    INTERFACES.iter().any(|name| holds(a, name) && holds(b, name))
}

fn conditions_meet(a: &Value, b: &Value) -> bool {
    let literals = |v: &Value| -> Vec<(String, bool)> {
        let texts = v["conditions"].as_array().unwrap().iter().map(|c| c.as_str().unwrap().to_owned());
        texts.map(|c| c.strip_prefix('!').map_or((c.clone(), true), |n| (n.to_owned(), false))).collect()
    };
    let (a, b) = (literals(a), literals(b));
    !a.iter().any(|(name, value)| b.iter().any(|(other, opposite)| name == other && value != opposite))
}

/// Flags as `value/mask` pairs.
fn flags_meet(a: &Value, b: &Value) -> bool {
    const NAMES: [&str; 8] = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"];
    let byte = |text: &str| {
        text.split('|')
            .filter(|n| !n.is_empty())
            .fold(0u8, |all, n| all | 1 << NAMES.iter().position(|k| *k == n).unwrap())
    };
    let has = |list: &Value, v: u8| {
        list.as_array().is_none_or(|all| {
            all.iter().any(|p| {
                let (value, mask) = p.as_str().unwrap().split_once('/').unwrap();
                v & byte(mask) == byte(value)
            })
        })
    };
    (0..=255u8).any(|v| has(a, v) && has(b, v))
}

fn regions_meet(a: &Value, b: &Value, family: u64) -> bool {
    let (x, y) = (dimensions(a, family), dimensions(b, family));
    let more = a["more"] == b["more"]
        || a["more"].as_object().unwrap().is_empty()
        || b["more"].as_object().unwrap().is_empty();
    x.iter().zip(&y).all(|(a, b)| meets(a, b))
        && interfaces_meet(&a["iif"], &b["iif"])
        && interfaces_meet(&a["oif"], &b["oif"])
        && conditions_meet(a, b)
        && flags_meet(&a["tcp_flags"], &b["tcp_flags"])
        && more
}

fn witness_is_in(change: &Value, region: &Value) -> bool {
    let witness = &change["witness"];
    let inside = |list: &[Range], value: u128| list.iter().any(|r| r.0 <= value && value <= r.1);
    let d = dimensions(region, change["family"].as_u64().unwrap());
    let text = |key: &str| witness[key].as_str().unwrap_or("something-else");
    let state = STATES.iter().position(|s| *s == text("state")).unwrap() as u128;
    let port = |key: &str| witness[key].as_u64().map(u128::from);
    inside(&d[0], address(text("src")).0)
        && inside(&d[1], address(text("dst")).0)
        && port("sport").is_none_or(|p| inside(&d[3], p))
        && port("dport").is_none_or(|p| inside(&d[4], p))
        && inside(&d[7], state)
        && holds(&region["iif"], text("iif"))
        && holds(&region["oif"], text("oif"))
}

/// Checks everything that the contract says of regions; gives their number.
fn check(document: &Value) -> usize {
    let mut all: Vec<(String, u64, &Value)> = Vec::new();
    for change in document["changes"].as_array().unwrap() {
        let place = format!("{} {} {}", change["device"], change["hook"], change["family"]);
        let regions = change["regions"].as_array().unwrap();
        assert!(witness_is_in(change, &regions[0]), "{change:#}");
        all.extend(regions.iter().map(|r| (place.clone(), change["family"].as_u64().unwrap(), r)));
    }
    for (at, (place, family, one)) in all.iter().enumerate() {
        for (other_place, _, other) in &all[..at] {
            assert!(place != other_place || !regions_meet(one, other, *family), "{place}: {one} and {other}");
        }
    }
    all.len()
}

/// A small deterministic generator.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }

    fn rule(&mut self) -> String {
        let mut rule = String::from("-A FORWARD");
        let parts: [&[&str]; 7] = [
            &["", "", " -s 10.0.0.0/8", " ! -s 10.1.0.0/16", " -s 10.1.2.3"],
            &["", " -d 10.0.0.0/9", " -d 192.168.0.0/16", " ! -d 10.0.0.0/10"],
            &["", "", " -i eth+", " ! -i eth+", " -i eth0", " ! -i eth0", " -i eth"],
            &["", "", " -o wg0", " ! -o eth1"],
            &["", " -m conntrack --ctstate NEW", " -m conntrack ! --ctstate INVALID,NEW"],
            &[
                "",
                " -p tcp --dport 20:30",
                " -p tcp --tcp-flags SYN,ACK SYN",
                " -p udp -m multiport --ports 53,123",
                " -p icmp --icmp-type 8",
                " ! -p tcp",
                " -p gre",
            ],
            &["", "", "", " -m limit --limit 5/sec", " -m string --string x --algo bm"],
        ];
        for part in parts {
            rule += self.pick(part);
        }
        rule + self.pick(&[" -j ACCEPT", " -j DROP", " -j REJECT"]) + "\n"
    }
}

#[test]
fn regions_are_disjoint_and_carry_their_witness() {
    let (mut total, mut busy) = (0, 0);
    for seed in 0..60 {
        let mut dice = Dice(seed * 977 + 5);
        let mut rules: Vec<String> = (0..6).map(|_| dice.rule()).collect();
        let text = |rules: &[String]| format!("*filter\n:FORWARD DROP [0:0]\n{}COMMIT\n", rules.concat());
        let old = text(&rules);
        for _ in 0..2 {
            let at = dice.below(rules.len() as u64) as usize;
            rules[at] = dice.rule();
        }
        let scene = Scene::new().file("old.v4", &old).file("new.v4", &text(&rules));
        let found = check(&scene.json(&["diff", "old.v4", "new.v4", "--format", "json"]));
        total += found;
        busy += usize::from(found > 1);
    }
    assert!(total > 200 && busy > 30, "the generator must make differences: {total} in {busy}");
}

#[test]
fn the_usual_edit_keeps_the_promises() {
    assert!(check(&Scene::of_edge().json(&["diff", "old.v4", "new.v4", "--format", "json"])) > 3);
}
