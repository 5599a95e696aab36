//! Random scripts of nftables in the small world of `random`, and edits of them: what the reader makes of a text keeps
//! every promise that the engine makes of models.

use super::effect::compare;
use super::random::Dice;
use fwgate::dialect::{InputFile, ReadOptions, read_device};
use fwgate::packet::Family;
use fwgate::ruleset::{Hook, Ruleset};

/// A script: the rules of each chain.
#[derive(Clone)]
struct Script {
    chains: Vec<(&'static str, &'static str, Vec<String>)>,
}

const CHAINS: &[(&str, &str)] = &[
    ("u1", ""),
    ("u2", ""),
    ("early", "type filter hook prerouting priority -450; policy accept;"),
    ("raw", "type filter hook prerouting priority raw; policy accept;"),
    ("nat_in", "type nat hook prerouting priority dstnat; policy accept;"),
    ("input", "type filter hook input priority filter; policy drop;"),
    ("forward", "type filter hook forward priority filter; policy accept;"),
    ("output", "type filter hook output priority filter; policy drop;"),
    ("late", "type filter hook input priority filter; policy accept;"),
    ("nat_out", "type nat hook postrouting priority srcnat; policy accept;"),
];

fn v4(dice: &mut Dice) -> String {
    let at = dice.below(24);
    match dice.below(3) {
        0 => format!("10.0.0.{at}"),
        1 => format!("10.0.0.{}/{}", at & !3, 30),
        _ => format!("10.0.0.{at}-10.0.0.{}", at + dice.below(5) + 1),
    }
}

fn v6(dice: &mut Dice) -> String {
    let at = dice.below(24);
    if dice.chance(50) { format!("2001:db8::{at:x}") } else { format!("2001:db8::{:x}/126", at & !3) }
}

fn ports(dice: &mut Dice) -> String {
    let at = 19 + dice.below(6);
    match dice.below(3) {
        0 => at.to_string(),
        1 => format!("{at}-{}", at + 2),
        _ => format!("{{ {at}, 80-82 }}"),
    }
}

fn operator(dice: &mut Dice) -> &'static str {
    if dice.chance(25) { "!= " } else { "" }
}

/// Conditions on addresses, which say the family.
fn of_family(dice: &mut Dice, family: Family) -> String {
    let op = operator(dice);
    let side = dice.pick(&["saddr", "daddr"]);
    if family == Family::V6 {
        return match dice.below(3) {
            0 => format!("ip6 hoplimit {}{}", dice.pick(&["", "> ", "<= "]), dice.pick(&[1, 63, 64])),
            1 => format!("ip6 {side} {op}{{ {}, 2001:db8::30 }}", v6(dice)),
            _ => format!("ip6 {side} {op}{}", v6(dice)),
        };
    }
    match dice.below(8) {
        0 => format!("ip saddr {op}@nets"),
        1 => format!("ip ttl {}{}", dice.pick(&["", "> ", "<= "]), dice.pick(&[1, 63, 64])),
        2 => format!("iifname . ip {side} {op}{{ \"eth0\" . 10.0.0.1, \"lo\" . 10.0.0.{} }}", 2 + dice.below(9)),
        3 => format!("ip frag-off & 0x1fff {} 0", dice.pick(&["!=", "=="])),
        4 => format!("ip {side} & 0.0.0.5 == 0.0.0.{}", dice.pick(&[0, 1, 4, 5])),
        _ => format!("ip {side} {op}{}", v4(dice)),
    }
}

/// Conditions on the layer above.
fn of_protocol(dice: &mut Dice, protocol: &str) -> String {
    let op = operator(dice);
    match (protocol, dice.below(4)) {
        ("tcp", 0) => {
            let how = dice.pick(&["syn", "!= syn", "syn,rst", "{ syn, ack }", "& (syn|ack) == syn", "! fin,rst"]);
            format!("tcp flags {how}")
        }
        ("icmp" | "icmpv6", _) => format!("{protocol} type {op}{{ 1, {} }}", 2 + dice.below(3)),
        (_, 1) => format!("meta l4proto {{ tcp, udp }} th dport {op}{}", ports(dice)),
        (_, 2) => format!("{protocol} sport {op}{}", ports(dice)),
        _ => format!("{protocol} dport {op}{}", ports(dice)),
    }
}

fn of_nothing(dice: &mut Dice) -> String {
    dice.pick(&[
        "ct state established,related",
        "ct state new",
        "ct state != new",
        "ct state ! new,invalid",
        "iifname \"eth*\"",
        "iifname != \"eth0\"",
        "oifname { \"eth0\", \"lo\" }",
        "meta mark & 0x3 == 0x1",
        "meta mark != 0x2",
        "meta mark 0x1-0x3",
        "ct mark != 0x1",
        "ct status dnat",
        "limit rate 1/second",
        "limit rate over 1/second",
        "meta skuid 0",
        "meta nfproto ipv6",
        "meta l4proto { tcp, 50 }",
        "ct direction original",
        "ether saddr != 00:00:00:00:00:01",
    ])
    .to_owned()
}

fn effect(dice: &mut Dice) -> String {
    dice.pick(&[
        "meta mark set meta mark | 0x1 ",
        "meta mark set meta mark ^ 0x3 ",
        "ct mark set meta mark ",
        "meta mark set ct mark ",
        "notrack ",
        "counter ",
    ])
    .to_owned()
}

/// The end of a rule in a chain of this name.
fn verdict(dice: &mut Dice, chain: &str, family: Family) -> String {
    let user = chain.starts_with('u');
    let v = |text: &str| text.to_owned();
    match (chain, dice.below(9)) {
        ("nat_in", 0..=3) if family == Family::V4 => format!("dnat ip to 10.0.0.{}", dice.below(30)),
        ("nat_in", 0..=3) => format!("dnat ip6 to 2001:db8::{:x}", dice.below(30)),
        ("nat_out", 0..=3) => v("masquerade"),
        ("nat_in" | "nat_out", 4) => v("drop"),
        ("nat_in" | "nat_out", _) => v("accept"),
        (_, 0 | 1) => v("accept"),
        (_, 2) => v("drop"),
        (_, 3) => v("reject with icmpx admin-prohibited"),
        (_, 4) if !user => v("jump u1"),
        (_, 5) if !user => v("goto u2"),
        (_, 6) => v("return"),
        (_, 7) if !user && family == Family::V4 => {
            v("ip saddr vmap { 10.0.0.0/30 : jump u1, 10.0.0.8 : drop, 10.0.0.9-10.0.0.12 : continue } accept")
        }
        (_, 7) => v("tcp dport vmap { 20 : accept, 21-22 : drop }"),
        _ => v("counter"),
    }
}

fn rule(dice: &mut Dice, chain: &str) -> String {
    let family = dice.pick(&Family::ALL);
    let protocol = match (dice.below(3), family) {
        (0, _) => "udp",
        (1, Family::V4) => "icmp",
        (1, Family::V6) => "icmpv6",
        _ => "tcp",
    };
    let mut out = String::new();
    for _ in 0..dice.below(3) {
        out += &match dice.below(3) {
            0 => of_family(dice, family),
            1 => of_protocol(dice, protocol),
            _ => of_nothing(dice),
        };
        out += " ";
    }
    if dice.chance(15) {
        out += &effect(dice);
    }
    out + &verdict(dice, chain, family)
}

impl Script {
    fn new(dice: &mut Dice) -> Script {
        let mut chains = Vec::new();
        for (name, base) in CHAINS {
            let wanted = if name.starts_with('u') || dice.chance(50) { 1 + dice.below(5) } else { 0 };
            let rules: Vec<String> = (0..wanted).map(|_| rule(dice, name)).collect();
            if !rules.is_empty() {
                chains.push((*name, *base, rules));
            }
        }
        Script { chains }
    }

    fn edited(&self, dice: &mut Dice) -> Script {
        let mut out = self.clone();
        for _ in 0..1 + dice.below(2) {
            let at = dice.below(out.chains.len() as u64) as usize;
            let (name, _, rules) = &mut out.chains[at];
            let place = dice.below(rules.len() as u64) as usize;
            match dice.below(3) {
                0 if rules.len() > 1 => drop(rules.remove(place)),
                1 => rules.insert(place, rule(dice, name)),
                _ => rules[place] = rule(dice, name),
            }
        }
        out
    }

    fn text(&self) -> String {
        let mut out = String::from(
            "table inet t {\n\tset nets {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = { 10.0.0.4/30, 10.0.0.17 }\n\t}\n",
        );
        for (name, base, rules) in &self.chains {
            out += &format!("\tchain {name} {{\n\t\t{base}\n\t\t{}\n\t}}\n", rules.join("\n\t\t"));
        }
        out + "}\n"
    }

    /// The model; `None` where the rule contradicts itself, as random rules do.
    fn read(&self) -> Option<Ruleset> {
        let file = InputFile { name: "rules.nft".into(), bytes: self.text().into_bytes().into() };
        match read_device(&[file], &ReadOptions::default()) {
            Ok(ruleset) => Some(ruleset),
            Err(error) => {
                let allowed = |m: &str| m.starts_with("conflicting protocols");
                let strange = error.problems.iter().find(|p| !allowed(&p.message));
                assert!(strange.is_none(), "{strange:?}\n{}", self.text());
                None
            }
        }
    }
}

#[test]
fn what_is_read_of_random_scripts_is_compared_as_the_interpreter_judges() {
    let runs: u64 = std::env::var("FWGATE_PROPERTY_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(600);
    let (mut differing, mut bounded, mut read) = (0, 0, 0);
    for seed in 0..runs {
        let mut dice = Dice::new(seed ^ 0x6e66_7400);
        let script = Script::new(&mut dice);
        let edited = script.edited(&mut dice);
        let (Some(old), Some(new)) = (script.read(), edited.read()) else { continue };
        let (hook, family) = (dice.pick(&Hook::ALL), dice.pick(&Family::ALL));
        let label = format!("seed {seed}\n{}\n{}", script.text(), edited.text());
        let checked = compare(&mut dice, hook, family, (&old, &new), 40, &label);
        differing += checked.differing;
        bounded += checked.bounded;
        read += 1;
    }
    assert!(read * 2 > runs, "the generator must make scripts that nft would take: {read} of {runs}");
    assert!(bounded as u64 * 50 <= runs, "{bounded} of {runs} rulesets were not compared to the end");
    assert!(differing as u64 > runs / 2, "the generator must make differences: {differing}");
}
