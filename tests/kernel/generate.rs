//! Random rulesets and the packets that are worth asking about: at and around every boundary of the rules.
//!
//! Everything follows from a seed. Rulesets are such that the kernel takes them (a match or target stands only in
//! chains from which it is allowed), and nothing in them has state, clock or chance.

use fwgate::packet::{Family, Field, IfaceSide, Interface, Packet, Shape, State};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A small generator of random numbers (xorshift64*), the same everywhere.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        let mut rng = Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d);
        for _ in 0..4 {
            rng.next();
        }
        rng
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, n: usize) -> usize {
        ((self.next() >> 33) % n.max(1) as u64) as usize
    }

    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn wide(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }
}

/// One thing to set in a packet.
#[derive(Clone, Debug)]
enum Put {
    Field(Field, u128),
    Iif(String),
    Oif(String),
}

/// A condition as written, with packets inside and just outside of it.
#[derive(Clone, Debug)]
struct Clause {
    text: String,
    inside: Vec<Vec<Put>>,
    outside: Vec<Vec<Put>>,
}

impl Clause {
    fn new(text: impl Into<String>) -> Clause {
        Clause { text: text.into(), inside: Vec::new(), outside: Vec::new() }
    }

    fn yes(mut self, field: Field, values: impl IntoIterator<Item = u128>) -> Clause {
        self.inside.extend(values.into_iter().map(|v| vec![Put::Field(field, v)]));
        self
    }

    fn no(mut self, field: Field, values: impl IntoIterator<Item = u128>) -> Clause {
        self.outside.extend(values.into_iter().map(|v| vec![Put::Field(field, v)]));
        self
    }

    /// The edges of a range, and their neighbours.
    fn range(self, field: Field, low: u128, high: u128, max: u128) -> Clause {
        let below = (low > 0).then(|| low - 1);
        let above = (high < max).then(|| high + 1);
        self.yes(field, [low, high, low + (high - low) / 2]).no(field, below.into_iter().chain(above))
    }
}

/// The netfilter hooks from which a chain can be reached.
const PRE: u8 = 1;
const IN: u8 = 2;
const FWD: u8 = 4;
const OUT: u8 = 8;
const POST: u8 = 16;

const TABLES: [(&str, &[(&str, u8)]); 5] = [
    ("raw", &[("PREROUTING", PRE), ("OUTPUT", OUT)]),
    ("mangle", &[("PREROUTING", PRE), ("INPUT", IN), ("FORWARD", FWD), ("OUTPUT", OUT), ("POSTROUTING", POST)]),
    ("nat", &[("PREROUTING", PRE), ("INPUT", IN), ("OUTPUT", OUT), ("POSTROUTING", POST)]),
    ("filter", &[("INPUT", IN), ("FORWARD", FWD), ("OUTPUT", OUT)]),
    ("security", &[("INPUT", IN), ("FORWARD", FWD), ("OUTPUT", OUT)]),
];

/// The interfaces of packets; `other` is one that no rule names.
const INTERFACES: [&str; 5] = ["eth0", "eth1", "eth10", "wan0", "lan-1"];
const PATTERNS: [&str; 9] = ["eth0", "eth1", "eth+", "eth1+", "wan0", "wan+", "lan-1", "+", "ppp0"];

/// A set, as far as rules and packets need it.
struct Set {
    name: String,
    dimensions: usize,
    /// What is at and around its members: for each dimension what it is and its value.
    samples: Vec<Sample>,
    /// Whether rules must look at the source in a dimension (MAC addresses).
    source_only: Option<usize>,
}

/// A possible element, and whether it was added (a `nomatch` entry and one beside another may be wrong).
type Sample = (bool, Vec<Part>);

/// One dimension of a sample element.
#[derive(Clone, Debug)]
enum Part {
    Address(u128),
    /// Protocol, and the port or the ICMP type and code.
    Port(u8, u16),
    BarePort(u16),
    Interface(String),
    Mac(u128),
}

/// A rule, as far as packets need it.
struct Known {
    chain: String,
    hooks: u8,
    calls: Option<String>,
    clauses: Vec<Clause>,
}

/// A ruleset with what packets can be made from.
pub struct Generated {
    pub seed: u64,
    pub family: Family,
    pub text: String,
    pub ipset: String,
    rules: Vec<Known>,
    translates: bool,
    tracks: bool,
}

struct Maker {
    rng: Rng,
    family: Family,
    prefixes: Vec<(u128, u32)>,
    ports: Vec<u16>,
    marks: Vec<u32>,
    macs: Vec<u128>,
    sets: Vec<Set>,
    ipset: String,
    rules: Vec<Known>,
    translates: bool,
    tracks: bool,
}

/// The ruleset of a seed.
pub fn ruleset(seed: u64, family: Family) -> Generated {
    let mut rng = Rng::new(seed * 2 + u64::from(family == Family::V6));
    let mut maker = Maker {
        prefixes: Vec::new(),
        ports: vec![22, 80, 443, 53, 0, 65535, 1024, 8080, 5000],
        marks: vec![1, 0x10, 0xff, 0x8000_0001, 0x0001_0000],
        macs: vec![0x02_00_00_00_00_01, 0x02_00_00_00_00_02, 0x00_16_3e_aa_bb_cc],
        sets: Vec::new(),
        ipset: String::new(),
        rules: Vec::new(),
        translates: false,
        tracks: true,
        family,
        rng: Rng::new(rng.next()),
    };
    maker.choose_prefixes();
    if maker.rng.chance(60) {
        for _ in 0..maker.rng.between(1, 4) {
            maker.make_set();
        }
        if maker.rng.chance(40) {
            maker.make_list();
        }
    }
    let text = maker.make_tables();
    Generated {
        seed,
        family,
        text,
        ipset: maker.ipset,
        rules: maker.rules,
        translates: maker.translates,
        tracks: maker.tracks,
    }
}

impl Maker {
    fn bits(&self) -> u32 {
        self.family.bits()
    }

    fn mask(&self, length: u32) -> u128 {
        let bits = self.bits();
        if length == 0 { 0 } else { (u128::MAX >> (128 - length)) << (bits - length) }
    }

    fn shown(&self, address: u128) -> String {
        match self.family {
            Family::V4 => Ipv4Addr::from(address as u32).to_string(),
            Family::V6 => Ipv6Addr::from(address).to_string(),
        }
    }

    fn choose_prefixes(&mut self) {
        let bases: &[(u128, u32)] = match self.family {
            Family::V4 => {
                &[(0x0a00_0000, 8), (0x0a14_0000, 16), (0xc0a8_0000, 16), (0xac10_0000, 12), (0xcb00_7100, 24)]
            }
            Family::V6 => &[
                (0x2001_0db8 << 96, 32),
                (0x2001_0db8_0020 << 80, 48),
                (0xfd00 << 112, 8),
                (0x2a00_1450_4001 << 80, 48),
                (0x2001_0db8_0020_0001 << 64, 64),
            ],
        };
        self.prefixes = bases.to_vec();
        for _ in 0..self.rng.between(3, 7) {
            let (base, length) = *self.rng.pick(&self.prefixes.clone());
            let bits = self.bits();
            let longer = self.rng.between(length as usize, bits as usize) as u32;
            let inner = base | self.rng.wide() & !self.mask(length) & self.family.max_address();
            self.prefixes.push((inner & self.mask(longer), longer));
        }
    }

    fn prefix(&mut self) -> (u128, u32) {
        *self.rng.pick(&self.prefixes.clone())
    }

    fn address(&mut self) -> u128 {
        let (base, length) = self.prefix();
        let host = !self.mask(length) & self.family.max_address();
        match self.rng.below(4) {
            0 => base,
            1 => base | host,
            2 => base | self.rng.wide() & host & 0xff,
            _ => base | self.rng.wide() & host,
        }
    }

    /// A host that hash types take: not the address 0, and one that a packet can have.
    fn host(&mut self) -> u128 {
        self.address().max(1)
    }

    fn port(&mut self) -> u16 {
        match self.rng.below(4) {
            0 => self.rng.next() as u16,
            _ => *self.rng.pick(&self.ports.clone()),
        }
    }

    fn port_range(&mut self) -> (u16, u16) {
        let (a, b) = (self.port(), self.port());
        (a.min(b), a.max(b))
    }

    fn around(&self, prefix: (u128, u32)) -> (Vec<u128>, Vec<u128>) {
        let (low, length) = prefix;
        let high = low | !self.mask(length) & self.family.max_address();
        let mut outside = Vec::new();
        if low > 0 {
            outside.push(low - 1);
        }
        if high < self.family.max_address() {
            outside.push(high + 1);
        }
        if length > 0 {
            outside.push(low ^ 1 << (self.bits() - length));
        }
        (vec![low, high, low + (high - low) / 3], outside)
    }

    // ---------------------------------------------------------------------------------------------- sets

    fn make_set(&mut self) {
        let name = format!("set{}", self.sets.len());
        let family = if self.family == Family::V4 { "inet" } else { "inet6" };
        let v4 = self.family == Family::V4;
        let kind = self.rng.below(if v4 { 10 } else { 7 });
        let hash = format!("family {family} hashsize 1024 maxelem 65536");
        let (kind, options, dimensions, source_only) = match kind {
            0 if self.rng.chance(30) => {
                ("hash:ip/mask", format!("{hash} netmask {}", if v4 { 24 } else { 64 }), 1, None)
            }
            0 => ("hash:ip", hash, 1, None),
            1 => ("hash:net", hash, 1, None),
            2 => ("hash:ip,port", hash, 2, None),
            3 => ("hash:net,port", hash, 2, None),
            4 => ("hash:ip,port,ip", hash, 3, None),
            5 => ("hash:ip,port,net", hash, 3, None),
            6 => ("hash:net,iface", hash, 2, None),
            7 => ("bitmap:ip", "range 10.20.0.0/16".to_owned(), 1, None),
            8 => ("bitmap:port", "range 0-65535".to_owned(), 1, None),
            _ => ("bitmap:ip,mac", "range 10.20.0.0/16".to_owned(), 2, Some(1)),
        };
        let mut out = format!("create {name} {} {options}\n", kind.trim_end_matches("/mask"));
        let mut known = BTreeSet::new();
        let mut samples = Vec::new();
        for _ in 0..self.rng.between(1, 8) {
            let Some((text, parts, nomatch)) = self.element(kind) else { continue };
            // Only one element may have the same address here.
            let key = if kind == "bitmap:ip,mac" {
                text.split(',').next().unwrap_or_default().to_owned()
            } else {
                text.clone()
            };
            if known.insert(key) {
                out.push_str(&format!("add {name} {text}{}\n", if nomatch { " nomatch" } else { "" }));
                // Members stand first: one of them, or the three of a prefix.
                let inside = if kind.contains("net") || kind.contains("mask") { 3 } else { 1 };
                samples.extend(parts.into_iter().enumerate().map(|(at, part)| (at < inside && !nomatch, part)));
            }
        }
        self.ipset.push_str(&out);
        self.sets.push(Set { name, dimensions, samples, source_only });
    }

    /// A set member as text, samples in and around it, and whether it is a `nomatch` entry.
    fn element(&mut self, kind: &str) -> Option<(String, Vec<Vec<Part>>, bool)> {
        let host = self.host();
        let mut net = self.prefix();
        if net.1 == 0 {
            net = (net.0, 8);
        }
        let (net_in, net_out) = self.around(net);
        let net_text = format!("{}/{}", self.shown(net.0), net.1);
        let (proto, port, port_text) = self.set_port();
        let other = self.host();
        let addresses = |inside: Vec<u128>, outside: Vec<u128>| {
            inside.into_iter().chain(outside).map(Part::Address).collect::<Vec<Part>>()
        };
        let next = host.wrapping_add(1).min(self.family.max_address());
        let nomatch = self.rng.chance(25);
        Some(match kind {
            "hash:ip" => {
                let near = [host, next];
                (self.shown(host), near.into_iter().map(|a| vec![Part::Address(a)]).collect(), false)
            }
            "hash:ip/mask" => {
                let host = host & self.mask(if self.family == Family::V4 { 24 } else { 64 });
                let (inside, outside) = self.around((host, if self.family == Family::V4 { 24 } else { 64 }));
                let near = addresses(inside, outside);
                (self.shown(host.max(1)), near.into_iter().map(|a| vec![a]).collect(), false)
            }
            "hash:net" => {
                let near = addresses(net_in, net_out);
                (net_text, near.into_iter().map(|a| vec![a]).collect(), nomatch)
            }
            "hash:ip,port" => {
                let near = vec![
                    vec![Part::Address(host), Part::Port(proto, port)],
                    vec![Part::Address(next), Part::Port(proto, port)],
                    vec![Part::Address(host), Part::Port(proto, port ^ 1)],
                    vec![Part::Address(host), Part::Port(if proto == 6 { 17 } else { 6 }, port)],
                ];
                (format!("{},{port_text}", self.shown(host)), near, false)
            }
            "hash:net,port" => {
                let near = addresses(net_in, net_out);
                let mut samples: Vec<Vec<Part>> =
                    near.iter().map(|a| vec![a.clone(), Part::Port(proto, port)]).collect();
                samples.push(vec![near[0].clone(), Part::Port(proto, port ^ 1)]);
                (format!("{net_text},{port_text}"), samples, nomatch)
            }
            "hash:ip,port,ip" => {
                let near = vec![
                    vec![Part::Address(host), Part::Port(proto, port), Part::Address(other)],
                    vec![Part::Address(host), Part::Port(proto, port), Part::Address(other ^ 1)],
                    vec![Part::Address(next), Part::Port(proto, port), Part::Address(other)],
                    vec![Part::Address(host), Part::Port(proto, port ^ 1), Part::Address(other)],
                ];
                (format!("{},{port_text},{}", self.shown(host), self.shown(other)), near, false)
            }
            "hash:ip,port,net" => {
                let near = addresses(net_in, net_out);
                let mut samples: Vec<Vec<Part>> =
                    near.iter().map(|a| vec![Part::Address(host), Part::Port(proto, port), a.clone()]).collect();
                samples.push(vec![Part::Address(next), Part::Port(proto, port), near[0].clone()]);
                (format!("{},{port_text},{net_text}", self.shown(host)), samples, nomatch)
            }
            "hash:net,iface" => {
                let name = *self.rng.pick(&INTERFACES);
                let wrong = *self.rng.pick(&INTERFACES);
                let near = addresses(net_in, net_out);
                let mut samples: Vec<Vec<Part>> =
                    near.iter().map(|a| vec![a.clone(), Part::Interface(name.into())]).collect();
                samples.push(vec![near[0].clone(), Part::Interface(wrong.into())]);
                (format!("{net_text},{name}"), samples, nomatch)
            }
            "bitmap:ip" => {
                let host = 0x0a14_0000 + u128::from(self.rng.next() as u16);
                let near = [host, host + 1];
                (self.shown(host), near.into_iter().map(|a| vec![Part::Address(a)]).collect(), false)
            }
            "bitmap:port" => {
                let port = self.port();
                let near = [port, port.wrapping_add(1)];
                (port.to_string(), near.into_iter().map(|p| vec![Part::BarePort(p)]).collect(), false)
            }
            "bitmap:ip,mac" => {
                let host = 0x0a14_0000 + u128::from(self.rng.next() as u8);
                let mac = *self.rng.pick(&self.macs.clone());
                let near = vec![
                    vec![Part::Address(host), Part::Mac(mac)],
                    vec![Part::Address(host), Part::Mac(mac ^ 1)],
                    vec![Part::Address(host + 1), Part::Mac(mac)],
                ];
                (format!("{},{}", self.shown(host), mac_text(mac)), near, false)
            }
            _ => return None,
        })
    }

    fn set_port(&mut self) -> (u8, u16, String) {
        let port = self.port().max(1);
        match self.rng.below(9) {
            0..=3 => (6, port, format!("tcp:{port}")),
            4 | 5 => (17, port, format!("udp:{port}")),
            6 => (132, port, format!("sctp:{port}")),
            7 => (136, port, format!("udplite:{port}")),
            _ => match self.family {
                Family::V4 => (1, 0x0800, "icmp:8/0".into()),
                Family::V6 => (58, 0x8000, "icmpv6:128/0".into()),
            },
        }
    }

    fn make_list(&mut self) {
        let dimensions = self.sets.iter().map(|s| s.dimensions).max().unwrap_or(1);
        let plain: Vec<usize> = (0..self.sets.len()).filter(|s| self.sets[*s].source_only.is_none()).collect();
        if plain.is_empty() {
            return;
        }
        let mut out = "create list0 list:set size 8\n".to_owned();
        let mut samples = Vec::new();
        for at in plain {
            if self.rng.chance(70) {
                out.push_str(&format!("add list0 {}\n", self.sets[at].name));
                samples.extend(self.sets[at].samples.clone());
            }
        }
        self.ipset.push_str(&out);
        self.sets.push(Set { name: "list0".into(), dimensions, samples, source_only: None });
    }

    fn set_clause(&mut self, hooks: u8) -> Option<Clause> {
        if self.sets.is_empty() {
            return None;
        }
        let at = self.rng.below(self.sets.len());
        let set = &self.sets[at];
        let (dimensions, source_only, name) = (set.dimensions, set.source_only, set.name.clone());
        let samples = set.samples.clone();
        if source_only.is_some() && hooks & (OUT | POST) != 0 {
            return None;
        }
        let mut flags: Vec<bool> = (0..dimensions).map(|_| self.rng.chance(50)).collect();
        if let Some(at) = source_only {
            flags[at] = true;
            flags[0] = true;
        }
        // Fewer flags than dimensions never match, extra ones are ignored.
        if self.rng.chance(6) && source_only.is_none() {
            if self.rng.chance(50) && dimensions > 1 {
                flags.pop();
            } else if dimensions < 3 {
                flags.push(true);
            }
        }
        let words: Vec<&str> = flags.iter().map(|s| if *s { "src" } else { "dst" }).collect();
        // What the option means for a list is pinned by a case of its own.
        let inverted = if self.rng.chance(8) && name != "list0" { " --return-nomatch" } else { "" };
        let mut clause = Clause::new(format!("-m set --match-set {name} {}{inverted}", words.join(",")));
        for (member, sample) in &samples {
            let mut puts = Vec::new();
            for (part, source) in sample.iter().zip(&flags) {
                puts.extend(self.put_part(part, *source));
            }
            if *member {
                clause.inside.push(puts);
            } else {
                clause.outside.push(puts);
            }
        }
        clause.outside.push(vec![Put::Field(Field::Src, self.host()), Put::Field(Field::Dst, self.host())]);
        Some(clause)
    }

    fn put_part(&mut self, part: &Part, source: bool) -> Vec<Put> {
        let side = |src, dst| if source { src } else { dst };
        match part {
            Part::Address(a) => vec![Put::Field(side(Field::Src, Field::Dst), *a)],
            Part::Port(proto, port) if matches!(proto, 1 | 58) => vec![
                Put::Field(Field::Proto, u128::from(*proto)),
                Put::Field(Field::IcmpType, u128::from(*port >> 8)),
                Put::Field(Field::IcmpCode, u128::from(*port & 0xff)),
            ],
            Part::Port(proto, port) => vec![
                Put::Field(Field::Proto, u128::from(*proto)),
                Put::Field(side(Field::Sport, Field::Dport), u128::from(*port)),
            ],
            Part::BarePort(port) => {
                let proto = *self.rng.pick(&[6, 17, 17, 132, 136, 33]);
                vec![Put::Field(Field::Proto, proto), Put::Field(side(Field::Sport, Field::Dport), u128::from(*port))]
            }
            Part::Interface(name) if source => vec![Put::Iif(name.clone())],
            Part::Interface(name) => vec![Put::Oif(name.clone())],
            Part::Mac(mac) => vec![Put::Field(Field::Mac, *mac)],
        }
    }

    // ---------------------------------------------------------------------------------------------- tables

    fn make_tables(&mut self) -> String {
        // Without anything that tracks connections fragments arrive as they are.
        self.tracks = self.rng.chance(80);
        let mut text = String::new();
        for (table, chains) in TABLES {
            let share = match table {
                "filter" => 100,
                "mangle" => 55,
                "raw" => 40,
                "nat" if self.tracks => 35,
                "nat" => 0,
                _ => 20,
            };
            if self.rng.chance(share) {
                self.make_table(table, chains, &mut text);
            }
        }
        text
    }

    fn make_table(&mut self, table: &str, built_in: &[(&str, u8)], text: &mut String) {
        self.translates |= table == "nat";
        let all = built_in.iter().fold(0, |bits, (_, hook)| bits | hook);
        let count = if table == "filter" { self.rng.between(0, 6) } else { self.rng.between(0, 2) };
        let mut users: Vec<(String, u8)> = Vec::new();
        for at in 0..count {
            let mut hooks = 0;
            for (_, hook) in built_in {
                if self.rng.chance(55) {
                    hooks |= hook;
                }
            }
            let hooks = if hooks == 0 || self.rng.chance(40) { all } else { hooks };
            let style = *self.rng.pick(&["chain", "LOG_and_drop-", "user.", "fw2b_"]);
            users.push((format!("{style}{at}"), hooks));
        }
        text.push_str(&format!("*{table}\n"));
        for (chain, _) in built_in {
            let drop = match table {
                "filter" => 45,
                "nat" => 0,
                _ => 4,
            };
            let policy = if self.rng.chance(drop) { "DROP" } else { "ACCEPT" };
            text.push_str(&format!(":{chain} {policy} [0:0]\n"));
        }
        for (chain, _) in &users {
            text.push_str(&format!(":{chain} - [0:0]\n"));
        }
        for (chain, hooks) in built_in {
            let rules = if table == "filter" { self.rng.between(2, 10) } else { self.rng.between(0, 4) };
            for _ in 0..rules {
                let rule = self.make_rule((table, chain), *hooks, true, &users);
                text.push_str(&format!("-A {chain} {rule}\n"));
            }
        }
        for at in 0..users.len() {
            let (chain, hooks) = users[at].clone();
            for _ in 0..self.rng.between(1, 5) {
                let rule = self.make_rule((table, &chain), hooks, false, &users[at + 1..]);
                text.push_str(&format!("-A {chain} {rule}\n"));
            }
        }
        text.push_str("COMMIT\n");
    }

    fn make_rule(&mut self, place: (&str, &str), hooks: u8, base: bool, users: &[(String, u8)]) -> String {
        let table = place.0;
        let mut clauses = Vec::new();
        let proto = self.protocol(&mut clauses);
        if self.family == Family::V4 && proto != 6 && self.rng.chance(4) {
            let clause = Clause::new("").yes(Field::Fragment, [2]).no(Field::Fragment, [0, 1]);
            clauses.extend(self.negation(clause, 40, |not| format!("{not}-f")));
        }
        if self.rng.chance(35) {
            clauses.extend(self.address_clause(Field::Src));
        }
        if self.rng.chance(35) {
            clauses.extend(self.address_clause(Field::Dst));
        }
        if self.rng.chance(25) {
            clauses.extend(self.interface_clause(hooks, base));
        }
        if self.rng.chance(75) {
            clauses.extend(self.layer4_clause(proto));
        }
        let more = [0, 0, 1, 1, 1, 2];
        for _ in 0..*self.rng.pick(&more) {
            clauses.extend(self.further_clause(hooks));
        }
        if table == "raw" || table == "security" || (table == "mangle" && self.rng.chance(50)) {
            // Fewer packets should end here.
            clauses.extend(self.address_clause(Field::Src));
        }
        let (mut seen, mut kept) = (BTreeSet::new(), Vec::new());
        for clause in clauses {
            // One use of a module per rule, as iptables-save would write it.
            let text = clause.text.trim_start_matches("! ").to_owned();
            let key = match text.strip_prefix("-m ") {
                Some(rest) if rest.starts_with("set ") => text.clone(),
                Some(rest) => rest.split(' ').next().unwrap_or_default().to_owned(),
                None => text.split(' ').next().unwrap_or_default().to_owned(),
            };
            if seen.insert(key) {
                kept.push(clause);
            }
        }
        let target = self.target(table, hooks, proto, users);
        let mut text: Vec<String> = kept.iter().map(|c| c.text.clone()).collect();
        let called = target.as_ref().and_then(|t| t.strip_prefix("-j ").or(t.strip_prefix("-g ")));
        let calls = called.filter(|t| users.iter().any(|(name, _)| name == t)).map(|t| format!("{table}/{t}"));
        text.extend(target);
        self.rules.push(Known { chain: format!("{table}/{}", place.1), hooks, calls, clauses: kept });
        text.join(" ")
    }

    /// The protocol of a rule, 0 for any; negated ones count as any.
    fn protocol(&mut self, clauses: &mut Vec<Clause>) -> u8 {
        let icmp = self.family.icmp();
        let proto = match self.rng.below(20) {
            0..=4 => return 0,
            5..=9 => 6,
            10..=12 => 17,
            13 | 14 => icmp,
            15 => 132,
            16 => 33,
            17 => 136,
            18 => *self.rng.pick(&[47, 50, 4, 99]),
            _ if self.family == Family::V4 => 51,
            _ => 135,
        };
        let name = match proto {
            6 => "tcp".to_owned(),
            17 => "udp".to_owned(),
            1 => "icmp".to_owned(),
            58 => "ipv6-icmp".to_owned(),
            n => n.to_string(),
        };
        if self.rng.chance(12) {
            let clause = Clause::new(format!("! -p {name}")).yes(Field::Proto, [6, 17, 99, 47]);
            clauses.push(clause.no(Field::Proto, [u128::from(proto)]));
            return 0;
        }
        let clause = Clause::new(format!("-p {name}")).yes(Field::Proto, [u128::from(proto)]);
        clauses.push(clause.no(Field::Proto, [6, 17, 132, 50]));
        proto
    }

    fn negation(&mut self, mut clause: Clause, percent: usize, write: impl Fn(&str) -> String) -> Option<Clause> {
        let negated = self.rng.chance(percent);
        clause.text = write(if negated { "! " } else { "" });
        if negated {
            std::mem::swap(&mut clause.inside, &mut clause.outside);
        }
        Some(clause)
    }

    fn address_clause(&mut self, field: Field) -> Option<Clause> {
        let flag = if field == Field::Src { "-s" } else { "-d" };
        match self.rng.below(8) {
            0 => {
                // A mask that is no prefix.
                let host = self.address();
                let mut mask = self.mask(self.bits());
                for _ in 0..self.rng.between(4, 12) {
                    mask &= !(1 << self.rng.below(self.bits() as usize));
                }
                let hole = mask.trailing_ones().min(self.bits() - 1);
                let base = host & mask;
                let clause = Clause::new("")
                    .yes(field, [base, base | 1 << hole, base | !mask & self.family.max_address()])
                    .no(field, [base ^ 1, base ^ 1 << (self.bits() - 1)]);
                let text = format!("{flag} {}/{}", self.shown(base), self.shown(mask));
                self.negation(clause, 25, |not| format!("{not}{text}"))
            }
            1 => {
                let (a, b) = (self.address(), self.address());
                let (low, high) = (a.min(b), a.max(b));
                let side = if field == Field::Src { "src" } else { "dst" };
                let clause = Clause::new("").range(field, low, high, self.family.max_address());
                let text = format!("--{side}-range {}-{}", self.shown(low), self.shown(high));
                self.negation(clause, 30, |not| format!("-m iprange {not}{text}"))
            }
            _ => {
                let prefix = self.prefix();
                let (inside, outside) = self.around(prefix);
                let clause = Clause::new("").yes(field, inside).no(field, outside);
                let text = format!("{flag} {}/{}", self.shown(prefix.0), prefix.1);
                let percent = if prefix.1 == 0 { 0 } else { 20 };
                self.negation(clause, percent, |not| format!("{not}{text}"))
            }
        }
    }

    fn interface_clause(&mut self, hooks: u8, base: bool) -> Option<Clause> {
        let incoming = self.rng.chance(50);
        let allowed = if incoming { PRE | IN | FWD } else { FWD | OUT | POST };
        // iptables refuses the other interface in its own chains only; in user chains it is simply absent.
        if hooks & !allowed != 0 && (base || self.rng.chance(60)) {
            return None;
        }
        let pattern = *self.rng.pick(&PATTERNS);
        let flag = if incoming { "-i" } else { "-o" };
        let put = |name: &str| vec![if incoming { Put::Iif(name.into()) } else { Put::Oif(name.into()) }];
        let mut clause = Clause::new("");
        for name in INTERFACES.into_iter().chain(["other"]) {
            let matches = match pattern.strip_suffix('+') {
                Some(prefix) => name.starts_with(prefix) && (name != "other" || prefix.is_empty()),
                None => name == pattern,
            };
            if matches {
                clause.inside.push(put(name));
            } else {
                clause.outside.push(put(name));
            }
        }
        let percent = if pattern == "+" { 0 } else { 25 };
        self.negation(clause, percent, |not| format!("{not}{flag} {pattern}"))
    }

    fn layer4_clause(&mut self, proto: u8) -> Option<Clause> {
        match proto {
            6 if self.rng.chance(30) => self.flags_clause(),
            6 | 17 | 132 | 33 if self.rng.chance(60) => self.ports_clause(proto),
            6 | 17 | 132 | 33 | 136 => self.multiport_clause(),
            1 | 58 => self.icmp_clause(),
            50 | 51 => {
                let (low, high) = (self.rng.below(500) as u128, 500 + self.rng.below(500) as u128);
                let (field, name) = if proto == 50 { (Field::EspSpi, "esp") } else { (Field::AhSpi, "ah") };
                let clause = Clause::new("").range(field, low, high, u128::from(u32::MAX));
                self.negation(clause, 25, |not| format!("-m {name} {not}--{name}spi {low}:{high}"))
            }
            135 => {
                let (low, high) = (self.rng.below(4) as u128, 4 + self.rng.below(4) as u128);
                let clause = Clause::new("").range(Field::MobilityType, low, high, 255);
                self.negation(clause, 25, |not| format!("-m mh {not}--mh-type {low}:{high}"))
            }
            _ => None,
        }
    }

    fn ports_clause(&mut self, proto: u8) -> Option<Clause> {
        let module = match proto {
            6 => "tcp",
            17 => "udp",
            132 => "sctp",
            _ => "dccp",
        };
        let (mut text, mut clause) = (format!("-m {module}"), Clause::new(""));
        let both = self.rng.chance(20);
        let first = if self.rng.chance(30) { Field::Sport } else { Field::Dport };
        for field in [Field::Sport, Field::Dport] {
            if field != first && !both {
                continue;
            }
            let (low, high) = self.port_range();
            let high = if self.rng.chance(60) { low } else { high };
            let part = Clause::new("").range(field, low.into(), high.into(), 65_535);
            let flag = if field == Field::Sport { "--sport" } else { "--dport" };
            let range = if low == high { low.to_string() } else { format!("{low}:{high}") };
            // Negated, the range of all ports is a case of its own.
            let percent = if high - low == 65_535 { 0 } else { 20 };
            let part = self.negation(part, percent, |not| format!("{not}{flag} {range}"))?;
            text = format!("{text} {}", part.text);
            clause.inside.extend(part.inside);
            clause.outside.extend(part.outside);
        }
        clause.text = text;
        Some(clause)
    }

    fn multiport_clause(&mut self) -> Option<Clause> {
        let (mut words, mut clause) = (Vec::new(), Clause::new(""));
        let (flag, fields): (&str, &[Field]) = match self.rng.below(5) {
            0 => ("--sports", &[Field::Sport]),
            1 => ("--ports", &[Field::Sport, Field::Dport]),
            _ => ("--dports", &[Field::Dport]),
        };
        let mut room = 15;
        for _ in 0..self.rng.between(1, 6) {
            let (low, high) = self.port_range();
            let range = low != high && self.rng.chance(40);
            room -= if range { 2 } else { 1 };
            if room < 0 {
                break;
            }
            let high = if range { high } else { low };
            words.push(if range { format!("{low}:{high}") } else { low.to_string() });
            for field in fields {
                clause = clause.range(*field, low.into(), high.into(), 65_535);
            }
        }
        let text = format!("{flag} {}", words.join(","));
        self.negation(clause, 25, |not| format!("-m multiport {not}{text}"))
    }

    fn flags_clause(&mut self) -> Option<Clause> {
        if self.rng.chance(25) {
            let clause = Clause::new("").yes(Field::TcpFlags, [2, 0x42, 0xc2]).no(Field::TcpFlags, [0x12, 0x10, 6, 3]);
            return self.negation(clause, 35, |not| format!("-m tcp {not}--tcp-flags FIN,SYN,RST,ACK SYN"));
        }
        let mask = (self.rng.next() as u8 & 0x3f).max(1);
        let value = self.rng.next() as u8 & mask;
        let other = value ^ (mask & mask.wrapping_neg());
        let clause = Clause::new("")
            .yes(Field::TcpFlags, [value, value | !mask, value | !mask & 0x3f].map(u128::from))
            .no(Field::TcpFlags, [other, other | !mask & 0xc0].map(u128::from));
        let text = format!("--tcp-flags {} {}", flag_names(mask), flag_names(value));
        self.negation(clause, 25, |not| format!("-m tcp {not}{text}"))
    }

    fn icmp_clause(&mut self) -> Option<Clause> {
        let v4 = self.family == Family::V4;
        let kinds: &[u128] =
            if v4 { &[0, 3, 5, 8, 11, 12, 13, 40, 254] } else { &[1, 2, 3, 4, 128, 129, 133, 135, 200] };
        let kind = *self.rng.pick(kinds);
        let word = if v4 { "-m icmp {}--icmp-type" } else { "-m icmp6 {}--icmpv6-type" };
        let proto = u128::from(self.family.icmp());
        let at = |kind: u128, code: u128| {
            vec![Put::Field(Field::Proto, proto), Put::Field(Field::IcmpType, kind), Put::Field(Field::IcmpCode, code)]
        };
        let mut clause = Clause::new("");
        let text = if self.rng.chance(40) {
            let code = self.rng.below(5) as u128;
            clause.inside.push(at(kind, code));
            clause.outside.extend([at(kind, code + 1), at(kind ^ 1, code)]);
            format!("{kind}/{code}")
        } else {
            clause.inside.extend([at(kind, 0), at(kind, 1), at(kind, 255)]);
            clause.outside.extend([at(kind ^ 1, 0), at(255, 0)]);
            kind.to_string()
        };
        self.negation(clause, 20, |not| format!("{} {text}", word.replace("{}", not)))
    }

    fn further_clause(&mut self, hooks: u8) -> Option<Clause> {
        match self.rng.below(19) {
            0..=2 | 16 if self.tracks => self.state_clause(),
            3 | 4 => self.set_clause(hooks).and_then(|clause| {
                let (module, rest) = ("-m set ", clause.text.trim_start_matches("-m set ").to_owned());
                self.negation(clause, 25, |not| format!("{module}{not}{rest}"))
            }),
            5 | 6 => {
                let (value, mask) = self.mark_and_mask();
                let connection = self.rng.chance(40) && self.tracks;
                let (field, name) = if connection { (Field::ConnMark, "connmark") } else { (Field::Mark, "mark") };
                let (v, m) = (u128::from(value), u128::from(mask));
                let free = u128::from(!mask);
                let clause =
                    Clause::new("").yes(field, [v & m, v & m | free]).no(field, [v ^ 1, 0, v ^ (m & m.wrapping_neg())]);
                let text = if mask == u32::MAX { format!("{value:#x}") } else { format!("{value:#x}/{mask:#x}") };
                self.negation(clause, 30, |not| format!("-m {name} {not}--mark {text}"))
            }
            7 => {
                let (a, b) = (20 + self.rng.below(200) as u128, 20 + self.rng.below(1500) as u128);
                let (low, high) = (a.min(b), a.max(b));
                let clause = Clause::new("").range(Field::Length, low, high, 65_535);
                self.negation(clause, 25, |not| format!("-m length {not}--length {low}:{high}"))
            }
            8 => {
                let value = *self.rng.pick(&[1u128, 2, 31, 32, 63, 64, 65, 128, 254, 255]);
                let (module, word) = if self.family == Family::V4 { ("ttl", "ttl") } else { ("hl", "hl") };
                let near = [value.saturating_sub(1), value, (value + 1).min(255), (value + 2).min(255)];
                let clause = Clause::new("").yes(Field::Ttl, near).no(Field::Ttl, near);
                match self.rng.below(3) {
                    0 => self.negation(clause, 0, |_| format!("-m {module} --{word}-gt {value}")),
                    1 => self.negation(clause, 0, |_| format!("-m {module} --{word}-lt {value}")),
                    _ => self.negation(clause, 30, |not| format!("-m {module} {not}--{word}-eq {value}")),
                }
            }
            9 => {
                let value = *self.rng.pick(&[0u128, 10, 46, 48, 63]);
                let clause = Clause::new("").yes(Field::Dscp, [value]).no(Field::Dscp, [value ^ 1, value ^ 32]);
                self.negation(clause, 30, |not| format!("-m dscp {not}--dscp 0x{value:02x}"))
            }
            10 => {
                let mask = *self.rng.pick(&[0xffu8, 0x3f, 0xfc, 0x10, 0x03]);
                let value = self.rng.next() as u8 & mask;
                let put = |tos: u8| {
                    vec![Put::Field(Field::Dscp, u128::from(tos >> 2)), Put::Field(Field::Ecn, u128::from(tos & 3))]
                };
                let mut clause = Clause::new("");
                clause.inside.extend([put(value), put(value | !mask)]);
                clause.outside.extend([put(value ^ (mask & mask.wrapping_neg())), put(!value)]);
                self.negation(clause, 30, |not| format!("-m tos {not}--tos 0x{value:02x}/0x{mask:02x}"))
            }
            11 if hooks & (OUT | POST) == 0 => {
                let mac = *self.rng.pick(&self.macs.clone());
                let clause = Clause::new("").yes(Field::Mac, [mac]).no(Field::Mac, [mac ^ 1, 0]);
                self.negation(clause, 30, |not| format!("-m mac {not}--mac-source {}", mac_text(mac).to_uppercase()))
            }
            12 => {
                let kind = self.rng.below(3) as u128;
                let name = ["unicast", "broadcast", "multicast"][kind as usize];
                let clause = Clause::new("").yes(Field::PktType, [kind]).no(Field::PktType, [(kind + 1) % 3, 0]);
                self.negation(clause, 30, |not| format!("-m pkttype {not}--pkt-type {name}"))
            }
            13 => {
                let value = self.rng.below(4) as u128;
                let clause = Clause::new("").yes(Field::Ecn, [value]).no(Field::Ecn, [value ^ 1]);
                self.negation(clause, 30, |not| format!("-m ecn {not}--ecn-ip-ect {value}"))
            }
            14 | 17 if self.family == Family::V6 => self.extension_clause(),
            15 | 17 | 18 => self.set_clause(hooks),
            _ => Some(Clause::new("-m comment --comment \"a \\\"quoted\\\" remark -j DROP\"")),
        }
    }

    fn extension_clause(&mut self) -> Option<Clause> {
        match self.rng.below(4) {
            0 => Some(Clause::new("-m hbh").yes(Field::ExtHop, [1]).no(Field::ExtHop, [0])),
            1 => Some(Clause::new("-m dst").yes(Field::ExtDst, [1]).no(Field::ExtDst, [0])),
            2 => {
                let kind = self.rng.below(5) as u128;
                let at = |kind| vec![Put::Field(Field::ExtRouting, 1), Put::Field(Field::RoutingType, kind)];
                let mut clause = Clause::new("");
                clause.inside.push(at(kind));
                clause.outside.extend([at(kind + 1), vec![Put::Field(Field::ExtRouting, 0)]]);
                self.negation(clause, 30, |not| format!("-m rt {not}--rt-type {kind}"))
            }
            _ => {
                let (low, high) = (1u128, 3u128);
                let at = |left| vec![Put::Field(Field::ExtRouting, 1), Put::Field(Field::SegmentsLeft, left)];
                let mut clause = Clause::new("");
                clause.inside.extend([at(low), at(high)]);
                clause.outside.extend([at(0), at(4), vec![Put::Field(Field::ExtRouting, 0)]]);
                self.negation(clause, 30, |not| format!("-m rt {not}--rt-segsleft {low}:{high}"))
            }
        }
    }

    fn state_clause(&mut self) -> Option<Clause> {
        let mut names = Vec::new();
        let mut clause = Clause::new("");
        for (name, state) in [
            ("INVALID", State::Invalid),
            ("NEW", State::New),
            ("RELATED", State::Related),
            ("ESTABLISHED", State::Established),
            ("UNTRACKED", State::Untracked),
        ] {
            if self.rng.chance(40) {
                names.push(name);
                clause = clause.yes(Field::State, [state.value()]);
            } else {
                clause = clause.no(Field::State, [state.value()]);
            }
        }
        if names.is_empty() {
            return None;
        }
        let text = names.join(",");
        let (module, word) =
            *self.rng.pick(&[("conntrack", "--ctstate"), ("conntrack", "--ctstate"), ("state", "--state")]);
        self.negation(clause, 25, |not| format!("-m {module} {not}{word} {text}"))
    }

    fn mark_and_mask(&mut self) -> (u32, u32) {
        let mask = match self.rng.below(4) {
            0 => 0xff,
            1 => 0xffff_0000,
            2 => self.rng.next() as u32 | 1,
            _ => u32::MAX,
        };
        (*self.rng.pick(&self.marks.clone()) & mask, mask)
    }

    // ---------------------------------------------------------------------------------------------- targets

    fn target(&mut self, table: &str, hooks: u8, proto: u8, users: &[(String, u8)]) -> Option<String> {
        let callable: Vec<&(String, u8)> = users.iter().filter(|(_, h)| hooks & !h == 0).collect();
        if !callable.is_empty() && self.rng.chance(if table == "filter" { 30 } else { 40 }) {
            let flag = if self.rng.chance(25) { "-g" } else { "-j" };
            return Some(format!("{flag} {}", self.rng.pick(&callable).0));
        }
        let plain = |word: &str| Some(format!("-j {word}"));
        match (table, self.rng.below(20)) {
            (_, 0) => None,
            (_, 1) => plain("NFLOG --nflog-prefix \"seen: \" --nflog-group 30"),
            (_, 2) => plain("LOG --log-prefix \"fw -j DROP \" --log-level 7"),
            (_, 3 | 4) => plain("RETURN"),
            ("raw", 5..=7) if self.tracks => plain("CT --notrack"),
            ("raw", 8..=10) if self.tracks => plain("NOTRACK"),
            ("raw", 11 | 12) => plain("DROP"),
            ("raw", 13..=15) => self.mark_target(),
            ("raw", _) => plain("ACCEPT"),
            ("nat", _) => self.nat_target(hooks, proto),
            ("mangle", roll) => match roll {
                18 if hooks & (PRE | IN) == 0 => plain("CLASSIFY --set-class 0001:0002"),
                5..=9 => self.mark_target(),
                10..=16 => self.header_target(proto),
                17 => plain("DROP"),
                _ => plain("ACCEPT"),
            },
            ("security", 5..=12) => plain("ACCEPT"),
            ("security", _) => plain("DROP"),
            (_, 5..=10) => plain("ACCEPT"),
            (_, 11..=15) => plain("DROP"),
            (_, 16) => self.mark_target(),
            _ => Some(self.reject_target(proto)),
        }
    }

    fn mark_target(&mut self) -> Option<String> {
        let (value, mask) = self.mark_and_mask();
        let name = if self.rng.chance(40) && self.tracks { "CONNMARK" } else { "MARK" };
        let text = match self.rng.below(if self.tracks { 8 } else { 6 }) {
            0 => format!("-j {name} --set-mark {value:#x}"),
            1 => format!("-j {name} --and-mark {mask:#x}"),
            2 => format!("-j {name} --or-mark {value:#x}"),
            3 => format!("-j {name} --xor-mark {value:#x}"),
            4 | 5 => format!("-j {name} --set-xmark {value:#x}/{mask:#x}"),
            6 => "-j CONNMARK --save-mark".to_owned(),
            _ => format!("-j CONNMARK --restore-mark --nfmask {:#x} --ctmask {mask:#x}", mask | 0xf0f0),
        };
        Some(text)
    }

    fn header_target(&mut self, proto: u8) -> Option<String> {
        let (name, word) = if self.family == Family::V4 { ("TTL", "ttl") } else { ("HL", "hl") };
        let step = self.rng.between(1, 3);
        let text = match self.rng.below(7) {
            0 => format!("-j {name} --{word}-set {}", self.rng.pick(&[2, 32, 64, 255])),
            1 => format!("-j {name} --{word}-inc {step}"),
            2 => format!("-j {name} --{word}-dec {step}"),
            3 | 4 => format!("-j DSCP --set-dscp 0x{:02x}", self.rng.pick(&[0, 10, 46, 63])),
            5 => format!(
                "-j TOS --set-tos 0x{:02x}/0x{:02x}",
                self.rng.pick(&[0, 0x10, 0xb8]),
                self.rng.pick(&[0xff, 0x3f, 0xfc])
            ),
            _ if proto == 6 && self.family == Family::V4 => "-j ECN --ecn-tcp-remove".to_owned(),
            _ => return self.mark_target(),
        };
        Some(text)
    }

    fn reject_target(&mut self, proto: u8) -> String {
        let kinds: &[&str] = match self.family {
            Family::V4 => &[
                "icmp-net-unreachable",
                "icmp-host-unreachable",
                "icmp-proto-unreachable",
                "icmp-port-unreachable",
                "icmp-net-prohibited",
                "icmp-host-prohibited",
                "icmp-admin-prohibited",
            ],
            Family::V6 => &[
                "icmp6-no-route",
                "icmp6-adm-prohibited",
                "icmp6-addr-unreachable",
                "icmp6-port-unreachable",
                "icmp6-policy-fail",
                "icmp6-reject-route",
            ],
        };
        match self.rng.below(4) {
            0 => "-j REJECT".to_owned(),
            1 | 2 if proto == 6 => "-j REJECT --reject-with tcp-reset".to_owned(),
            _ => format!("-j REJECT --reject-with {}", self.rng.pick(kinds)),
        }
    }

    fn nat_target(&mut self, hooks: u8, proto: u8) -> Option<String> {
        if self.rng.chance(20) {
            return Some("-j ACCEPT".into());
        }
        let address = self.shown(self.prefixes[0].0 | 0x0000_0505);
        let to = self.address();
        let to = if self.rng.chance(70) { self.shown(to) } else { address };
        let port = *self.rng.pick(&[80u16, 443, 8080, 22]);
        let with_port = matches!(proto, 6 | 17 | 132) && self.rng.chance(50);
        let end = match (with_port, self.family) {
            (false, _) => to.clone(),
            (true, Family::V4) => format!("{to}:{port}"),
            (true, Family::V6) => format!("[{to}]:{port}"),
        };
        let (base, length) = self.prefix();
        let net = format!("{}/{length}", self.shown(base));
        let destination = hooks & !(PRE | OUT) == 0;
        let source = hooks & !(IN | POST) == 0;
        match (destination, source) {
            (true, _) if self.rng.chance(20) => Some(format!("-j NETMAP --to {net}")),
            (true, _) => Some(format!("-j DNAT --to-destination {end}")),
            (_, true) if hooks == POST && self.rng.chance(25) => Some("-j MASQUERADE".into()),
            (_, true) => Some(format!("-j SNAT --to-source {end}")),
            _ => Some("-j RETURN".into()),
        }
    }
}

fn mac_text(mac: u128) -> String {
    let bytes: Vec<String> = (0..6).rev().map(|i| format!("{:02x}", mac >> (8 * i) & 0xff)).collect();
    bytes.join(":")
}

fn flag_names(bits: u8) -> String {
    let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"];
    let named: Vec<&str> = (0..6).filter(|i| bits >> i & 1 == 1).map(|i| names[i]).collect();
    if named.is_empty() { "NONE".into() } else { named.join(",") }
}

impl Generated {
    /// Packets at and around what the rules say, for one hook.
    pub fn packets(&self, hook: fwgate::ruleset::Hook, count: usize) -> Vec<Packet> {
        let mut rng = Rng::new(self.seed * 31 + hook as u64 * 7 + u64::from(self.family.number()));
        (0..count).map(|_| self.packet(hook, &mut rng)).collect()
    }

    fn packet(&self, hook: fwgate::ruleset::Hook, rng: &mut Rng) -> Packet {
        use fwgate::ruleset::Hook;
        let mut packet = Packet::new(self.family);
        let base: u128 = match self.family {
            Family::V4 => 0x0a14_0000,
            Family::V6 => 0x2001_0db8_0020 << 80,
        };
        packet.set(Field::Src, base + 0x0100 + rng.below(250) as u128);
        packet.set(Field::Dst, base + 0x2200 + rng.below(250) as u128);
        let icmp = u128::from(self.family.icmp());
        packet.set(Field::Proto, *rng.pick(&[6, 6, 6, 17, 17, icmp, 132, 33, 136, 47, 50, 99]));
        packet.set(Field::Sport, 1024 + rng.below(60_000) as u128);
        packet.set(Field::Dport, *rng.pick(&[22, 80, 443, 53, 8080, 5000]));
        packet.set(Field::TcpFlags, *rng.pick(&[2, 2, 2, 0x10, 0x18, 0x12, 0x11, 4, 0x14, 0, 0x29, 0xc2, 3]));
        packet.set(
            Field::IcmpType,
            *rng.pick(if self.family == Family::V4 { &[8, 0, 3, 13] } else { &[128, 129, 1, 135] }),
        );
        packet.set(Field::Ttl, *rng.pick(&[64, 64, 64, 63, 2, 3, 32, 128, 255]));
        let mut iif = (*rng.pick(&INTERFACES)).to_owned();
        let mut oif = (*rng.pick(&INTERFACES)).to_owned();
        if rng.chance(15) {
            iif = "other".into();
        }
        if rng.chance(15) {
            oif = "other".into();
        }
        let seen = match hook {
            Hook::Input => PRE | IN,
            Hook::Forward => PRE | FWD | POST,
            Hook::Output => OUT | POST,
        };
        let here: Vec<usize> = (0..self.rules.len()).filter(|r| self.rules[*r].hooks & seen != 0).collect();
        // Some rules have their say, each after those through which it is called; the last one wins where they
        // want the same field.
        for _ in 0..rng.between(0, 3) {
            if here.is_empty() {
                break;
            }
            let mut way = vec![*rng.pick(&here)];
            while way.len() < 5 {
                let chain = &self.rules[way[way.len() - 1]].chain;
                let callers: Vec<usize> =
                    here.iter().copied().filter(|r| self.rules[*r].calls.as_ref() == Some(chain)).collect();
                if callers.is_empty() {
                    break;
                }
                way.push(*rng.pick(&callers));
            }
            for (depth, rule) in way.into_iter().enumerate().rev() {
                for clause in &self.rules[rule].clauses {
                    let inside = depth > 0 || rng.chance(85);
                    let from = if inside { &clause.inside } else { &clause.outside };
                    if from.is_empty() {
                        continue;
                    }
                    for put in rng.pick(from) {
                        match put {
                            Put::Field(field, value) => packet.set(*field, *value),
                            Put::Iif(name) => iif = name.clone(),
                            Put::Oif(name) => oif = name.clone(),
                        }
                    }
                }
            }
        }
        if packet.get(Field::State) == 0 {
            packet.set(Field::State, *rng.pick(&[0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 3, 4]));
        }
        // An announced connection would be translated at its beginning, which the kernel no longer does with those
        // that are known to it.
        let error = match self.family {
            Family::V4 => matches!(packet.get(Field::IcmpType), 3 | 4 | 5 | 11 | 12),
            Family::V6 => packet.get(Field::IcmpType) < 5,
        } && packet.shape() == Shape::Icmp;
        let known = packet.state() == State::Established && error;
        if self.translates && (packet.state() == State::Related || known) {
            packet.set(Field::State, State::New.value());
        }
        if rng.chance(10) {
            packet.set(Field::Mark, *rng.pick(&[1, 0x10, 0xff, 0x8000_0001, 0x0001_0000]));
        }
        if !self.tracks && packet.get(Field::Fragment) == 0 && rng.chance(20) {
            packet.set(Field::Fragment, rng.between(1, 2) as u128);
        }
        self.tidy(&mut packet);
        let interface = |name: String| if name == "other" { Interface::Other } else { Interface::Named(name) };
        packet.set_interface(IfaceSide::In, if hook == Hook::Output { Interface::None } else { interface(iif) });
        packet.set_interface(IfaceSide::Out, if hook == Hook::Input { Interface::None } else { interface(oif) });
        if hook == Hook::Output {
            packet.set(Field::Mac, 0);
        }
        if hook != Hook::Input {
            packet.set(Field::PktType, 0);
        }
        packet
    }

    /// Clears what the packet's protocol cannot have.
    fn tidy(&self, packet: &mut Packet) {
        if self.family == Family::V6 && matches!(packet.proto(), 0 | 1 | 43 | 44 | 51 | 59 | 60) {
            packet.set(Field::Proto, 17);
        }
        if self.family == Family::V4 && packet.proto() == 58 {
            packet.set(Field::Proto, 1);
        }
        let keep: &[Field] = match packet.shape() {
            Shape::Tcp => &[Field::Sport, Field::Dport, Field::TcpFlags],
            Shape::Ports => &[Field::Sport, Field::Dport],
            Shape::Icmp => &[Field::IcmpType, Field::IcmpCode],
            Shape::Opaque => &[],
        };
        for field in [Field::Sport, Field::Dport, Field::TcpFlags, Field::IcmpType, Field::IcmpCode] {
            if !keep.contains(&field) {
                packet.set(field, 0);
            }
        }
        for (field, proto) in [(Field::EspSpi, 50), (Field::AhSpi, 51), (Field::MobilityType, 135)] {
            if packet.proto() != proto {
                packet.set(field, 0);
            }
        }
        let chain = [(Field::ExtHop, 0u128), (Field::ExtDst, 60), (Field::ExtRouting, 43), (Field::ExtFragment, 44)];
        if self.tracks {
            packet.set(Field::Fragment, 0);
        }
        if self.family == Family::V6 {
            packet.set(Field::ExtFragment, u128::from(packet.get(Field::Fragment) != 0));
            let first = chain.iter().find(|(field, _)| packet.get(*field) == 1).map_or(256, |(_, number)| *number);
            packet.set(Field::NextHeader, first);
        }
        if packet.get(Field::ExtRouting) == 0 {
            packet.set(Field::RoutingType, 0);
            packet.set(Field::SegmentsLeft, 0);
        }
    }
}
