//! The comparison against the plain lookup, packet by packet, with random tables and rules.

use super::routing;
use fwgate::packet::{Family, Ranges};
use fwgate::routes::{
    Flow, Routing, canonical_forwarding, canonical_routes, diff_routing, outcome_words, route_of, survey,
};
use proptest::prelude::*;

/// A small generator, so that a case is one number.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed | 1)
    }

    /// A number below `n`.
    pub fn roll(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n.max(1)
    }

    fn of<'t>(&mut self, all: &[&'t str]) -> &'t str {
        all[self.roll(all.len() as u64) as usize % all.len()]
    }
}

/// A prefix out of a small space, so that prefixes nest and meet.
fn prefix(dice: &mut Dice, family: Family) -> String {
    let length = [0, 9, 12, 16, 20, 24, 28, 31, 32][dice.roll(9) as usize % 9];
    match family {
        Family::V4 => {
            let mask = if length == 0 { 0 } else { u32::MAX << (32 - length) };
            let address =
                (10 << 24 | (dice.roll(4) as u32) << 20 | (dice.roll(4) as u32) << 12 | dice.roll(8) as u32) & mask;
            if length == 0 { "default".to_owned() } else { format!("{}/{length}", std::net::Ipv4Addr::from(address)) }
        }
        Family::V6 => {
            let length = length * 4;
            let mask = if length == 0 { 0 } else { u128::MAX << (128 - length) };
            let spread = u128::from(dice.roll(4)) << 80 | u128::from(dice.roll(4)) << 48 | u128::from(dice.roll(8));
            let address = (0x2001_0db8 << 96 | spread) & mask;
            if length == 0 { "default".to_owned() } else { format!("{}/{length}", std::net::Ipv6Addr::from(address)) }
        }
    }
}

fn route(dice: &mut Dice, family: Family, table: &str) -> String {
    let v6 = family == Family::V6;
    let to = prefix(dice, family);
    let (gateway, mark) = if v6 { ("2001:db8:ffff::", " pref medium") } else { ("10.255.0.", "") };
    let metric = format!(" metric {}", [1, 1, 5, 1024][dice.roll(4) as usize % 4]);
    let table = format!(" table {table}");
    let from = match v6 && dice.roll(6) == 0 {
        true => format!(" from 2001:db8:{}::/48", dice.roll(3)),
        false => String::new(),
    };
    let tos = if !v6 && dice.roll(8) == 0 { " tos 0x10" } else { "" };
    match dice.roll(9) {
        0 => format!("{} {to}{table}{metric}{mark}\n", dice.of(&["blackhole", "unreachable", "prohibit", "throw"])),
        1 => format!(
            "{to}{table}{metric}{mark}\n\tnexthop via {gateway}1 dev eth0 weight {}\n\tnexthop via {gateway}2 dev eth1 weight 1\n",
            1 + dice.roll(2)
        ),
        2 => format!(
            "{to}{from}{tos} dev eth{}{table}{}{metric}{mark}\n",
            dice.roll(3),
            if v6 { "" } else { " scope link" }
        ),
        _ => {
            format!("{to}{from}{tos} via {gateway}{} dev eth{}{table}{metric}{mark}\n", 1 + dice.roll(3), dice.roll(2))
        }
    }
}

fn routes(dice: &mut Dice, family: Family) -> Vec<String> {
    let tables = ["main", "main", "main", "100", "200", "local"];
    let mut out: Vec<String> = (0..2 + dice.roll(14))
        .map(|_| {
            let table = dice.of(&tables).to_owned();
            route(dice, family, &table)
        })
        .collect();
    // Another table shows that the output is one of all tables.
    let never = if family == Family::V6 {
        "2001:db8:fff0::/48 dev eth9 table 999 metric 1 pref medium\n"
    } else {
        "10.200.0.0/16 dev eth9 table 999 scope link\n"
    };
    out.push(never.to_owned());
    out
}

fn rules(dice: &mut Dice, family: Family) -> String {
    let v6 = family == Family::V6;
    let mut out = String::from("0:\tfrom all lookup local\n");
    let mut priority = 1;
    for _ in 0..dice.roll(5) {
        priority += 1 + dice.roll(3);
        let source = || if v6 { "2001:db8::/36".to_owned() } else { "10.0.0.0/12".to_owned() };
        let mut line = format!("{priority}:\t{}from ", if dice.roll(5) == 0 { "not " } else { "" });
        line += &if dice.roll(2) == 0 { source() } else { "all".to_owned() };
        if dice.roll(3) == 0 {
            let to = prefix(dice, family);
            line += &if to == "default" { String::new() } else { format!(" to {to}") };
        }
        if dice.roll(3) == 0 {
            line += &format!(" fwmark {:#x}/{:#x}", dice.roll(4), [1, 2, 3, 7][dice.roll(4) as usize % 4]);
        }
        if dice.roll(4) == 0 {
            line += &format!(" iif eth{}", dice.roll(2));
        }
        if dice.roll(4) == 0 {
            line += &format!(" dport {}-{}", 80 + dice.roll(2), 85 + dice.roll(2));
        }
        line += &match dice.roll(8) {
            0 => " blackhole".to_owned(),
            1 => format!(" goto {}", priority + 1 + dice.roll(6)),
            2 => " nop".to_owned(),
            3 => format!(" lookup main suppress_prefixlength {}", dice.roll(20)),
            4 => " lookup 200".to_owned(),
            _ => " lookup 100".to_owned(),
        };
        out += &(line + "\n");
    }
    out += "32766:\tfrom all lookup main\n";
    if !v6 {
        out += "32767:\tfrom all lookup default\n";
    }
    out
}

/// Two routings of which one is an edit of the other.
fn pair(seed: u64, family: Family) -> (Routing, Routing) {
    let mut dice = Dice::new(seed);
    let before = routes(&mut dice, family);
    let mut after = before.clone();
    for _ in 0..1 + dice.roll(3) {
        let at = dice.roll(after.len() as u64 - 1) as usize % (after.len() - 1);
        match dice.roll(3) {
            0 => drop(after.remove(at)),
            1 => after.insert(at, routes(&mut dice, family).remove(0)),
            _ => after[at] = routes(&mut dice, family).remove(0),
        }
        if after.len() < 2 {
            break;
        }
    }
    let old_rules = rules(&mut dice, family);
    let new_rules = if dice.roll(2) == 0 { old_rules.clone() } else { rules(&mut dice, family) };
    let name = if family == Family::V6 { "rules.v6" } else { "rules.v4" };
    let side = |routes: &[String], rules: &str| match rules.lines().count() {
        2 | 3 => routing(&[("routes", &routes.concat())]),
        _ => routing(&[("routes", &routes.concat()), (name, rules)]),
    };
    (side(&before, &old_rules), side(&after, &new_rules))
}

/// Packets at and beside every border.
fn flows(old: &Routing, new: &Routing, family: Family, dice: &mut Dice) -> Vec<Flow> {
    let mut to: Vec<u128> = vec![0, family.max_address()];
    for route in old.routes.iter().chain(&new.routes) {
        let (first, last) = route.to.bounds();
        to.extend([
            first,
            last,
            first.saturating_sub(1),
            last.saturating_add(1).min(family.max_address()),
            first / 2 + last / 2,
        ]);
    }
    to.sort_unstable();
    to.dedup();
    let sources: &[u128] = match family {
        Family::V4 => &[0, 0x0a00_0001, 0x0a20_0001],
        Family::V6 => &[0, 0x2001_0db8 << 96 | 1, 0x2001_0db8_0001 << 80 | 1, 0x2001_0db8_0002 << 80 | 1],
    };
    let mut out = Vec::new();
    for to in to {
        for _ in 0..4 {
            let mut flow = Flow::to(family, to);
            flow.from = sources[dice.roll(sources.len() as u64) as usize % sources.len()];
            flow.fwmark = dice.roll(8) as u32;
            flow.iif = [None, Some("eth0".to_owned()), Some("eth1".to_owned())][dice.roll(3) as usize % 3].clone();
            flow.dport = [0, 80, 81, 83, 86][dice.roll(5) as usize % 5];
            flow.tos = if dice.roll(3) == 0 { 0x10 } else { 0 };
            out.push(flow);
        }
    }
    out
}

/// The number of changes whose regions hold a packet.
fn holding(diff: &fwgate::routes::RoutingDiff, flow: &Flow) -> Vec<usize> {
    let is_in = |c: &fwgate::routes::RouteChange| {
        let parts = c.regions.iter().filter(|r| r.to.contains(flow.to) && flow.is_in(&r.zone)).count();
        assert!(parts <= 1, "regions of one change meet");
        parts == 1
    };
    let all = diff.changes.iter().enumerate().filter(|(_, c)| c.table.is_none() && c.family == flow.family);
    all.filter(|(_, c)| is_in(c)).map(|(at, _)| at).collect()
}

fn check(seed: u64, family: Family) -> usize {
    let (old, new) = pair(seed, family);
    let diff = diff_routing(&old, &new).unwrap();
    let mut dice = Dice::new(seed.rotate_left(17) ^ 0x9e37_79b9);
    let mut changed = 0;
    for flow in flows(&old, &new, family, &mut dice) {
        let (was, is) = (route_of(&old, &flow), route_of(&new, &flow));
        let (was, is) = (canonical_forwarding(&old, &was), canonical_forwarding(&new, &is));
        let holding = holding(&diff, &flow);
        match was == is {
            true => assert!(
                holding.is_empty(),
                "seed {seed}: {flow:?} does not change, and {:?} says so",
                diff.changes[holding[0]]
            ),
            false => {
                assert_eq!(holding.len(), 1, "seed {seed}: {flow:?} changes from {was} to {is}");
                let change = &diff.changes[holding[0]];
                assert_eq!(canonical_forwarding(&old, &change.old), was, "seed {seed}: {flow:?}");
                assert_eq!(canonical_forwarding(&new, &change.new), is, "seed {seed}: {flow:?}");
                changed += 1;
            }
        }
    }
    changed
}

#[test]
fn the_changes_are_exactly_what_the_plain_lookup_sees() {
    let mut changed = 0;
    for seed in 1..300u64 {
        changed += check(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), Family::V4);
        changed += check(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), Family::V6);
    }
    assert!(changed > 2000, "only {changed} packets changed their way");
}

#[test]
fn a_survey_says_of_every_packet_what_the_lookup_says() {
    let mut asked = 0;
    for seed in 1..150u64 {
        for family in Family::ALL {
            let (routing, other) = pair(seed.wrapping_mul(0xd134_2543_de82_ef95), family);
            let whole = Ranges::range(0, family.max_address());
            let ways = survey(&routing, family, &whole).unwrap();
            for flow in flows(&routing, &other, family, &mut Dice::new(seed)) {
                let own: Vec<_> = ways.iter().filter(|w| w.to.contains(flow.to) && flow.is_in(&w.zone)).collect();
                assert_eq!(own.len(), 1, "seed {seed}: {flow:?}");
                let found = route_of(&routing, &flow);
                assert_eq!(
                    outcome_words(&routing, &own[0].outcome),
                    outcome_words(&routing, &found),
                    "seed {seed}: {flow:?}"
                );
                asked += 1;
            }
        }
    }
    assert!(asked > 10_000);
}

/// Texts of changes are equal for other orders and cuts of the same rules and routes, and differ where some packet does.
#[test]
fn the_meaning_is_one_text_for_one_change() {
    let before =
        "default via 10.0.0.1 dev eth0\n10.0.0.0/8 via 10.0.0.2 dev eth0\n10.7.0.0/16 dev eth9 table 100 scope link\n";
    let after =
        "default via 10.0.0.1 dev eth0\n10.0.0.0/8 via 10.0.0.3 dev eth0\n10.7.0.0/16 dev eth9 table 100 scope link\n";
    let cut = "default via 10.0.0.1 dev eth0 metric 7\n10.128.0.0/9 via 10.0.0.3 dev eth0 proto static\n10.0.0.0/9 via 10.0.0.3 dev eth0\n10.7.0.0/16 dev eth9 table 100 scope link\n";
    let rules = |middle: &str| {
        format!("0:\tfrom all lookup local\n{middle}32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n")
    };
    let one = rules("9:\tfrom 10.2.0.0/15 fwmark 0x1/0x1 lookup 100\n");
    let two = rules(
        "5:\tfrom 10.3.0.0/16 fwmark 0x1/0x3 lookup 100\n6:\tfrom 10.3.0.0/16 fwmark 0x3/0x3 lookup 100\n7:\tfrom 10.2.0.0/16 fwmark 0x1/0x1 iif eth0 lookup 100\n8:\tnot from 0.0.0.0/1 nop\n9:\tfrom 10.2.0.0/16 fwmark 0x1/0x1 lookup 100\n",
    );
    let text = |old: &[(&str, &str)], new: &[(&str, &str)]| {
        let (old, new) = (routing(old), routing(new));
        canonical_routes(&old, &new, &diff_routing(&old, &new).unwrap()).unwrap()
    };
    let plain = text(&[("r", before)], &[("r", after)]);
    assert_eq!(plain, text(&[("r", before)], &[("r", cut)]));
    assert_eq!(
        plain,
        "routes 4 by rules to 10.0.0.0/8 : unicast via 10.0.0.2 dev eth0 > unicast via 10.0.0.3 dev eth0\n"
    );
    let by_rules = text(&[("r", before), ("u", &one)], &[("r", after), ("u", &one)]);
    assert_eq!(by_rules, text(&[("r", before), ("u", &two)], &[("r", cut), ("u", &one)]));
    assert_eq!(by_rules, text(&[("r", before), ("u", &one)], &[("r", after), ("u", &two)]));
    assert_ne!(by_rules, plain);
    assert!(text(&[("r", before), ("u", &one)], &[("r", before), ("u", &two)]).is_empty());
    insta::assert_snapshot!(by_rules);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equal_texts_and_no_changes_go_together(seed in any::<u64>()) {
        for family in Family::ALL {
            let (old, new) = pair(seed, family);
            let diff = diff_routing(&old, &new).unwrap();
            prop_assert_eq!(canonical_routes(&old, &new, &diff).unwrap().is_empty(), diff.is_equivalent());
            prop_assert!(diff_routing(&new, &new).unwrap().is_equivalent());
        }
    }
}
