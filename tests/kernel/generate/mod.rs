//! Random rulesets and the packets that are worth asking about: at and around every boundary of the rules.
//!
//! Everything follows from a seed. Rulesets are such that the kernel takes them (a match or target stands only in
//! chains from which it is allowed), and nothing in them has state, clock or chance.

mod clause;
mod dice;
mod fields;
mod matches;
pub mod nft;
mod packets;
mod sets;
mod tables;
mod targets;
mod world;

use clause::{Clause, Known, Put};
pub use dice::Rng;
use fwgate::packet::{Family, Field, Packet, State};
use fwgate::ruleset::Hook;
pub use packets::Packets;
use std::net::{Ipv4Addr, Ipv6Addr};
use world::mac_text;

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

/// A ruleset with what packets can be made from.
pub struct Generated {
    pub text: String,
    pub ipset: String,
    packets: Packets,
}

impl Generated {
    /// Packets at and around what the rules say, for one hook.
    pub fn packets(&self, hook: Hook, count: usize) -> Vec<Packet> {
        self.packets.make(hook, count)
    }
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
    let mut maker = Maker::new(Rng::new(rng.next()), family);
    if maker.rng.chance(60) {
        for _ in 0..maker.rng.between(1, 4) {
            maker.make_set();
        }
        if maker.rng.chance(40) {
            maker.make_list();
        }
    }
    let text = maker.make_tables();
    let Maker { rules, translates, tracks, ipset, .. } = maker;
    Generated { text, ipset, packets: Packets { seed, family, rules, translates, tracks } }
}

impl Maker {
    fn new(rng: Rng, family: Family) -> Maker {
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
            rng,
        };
        maker.choose_prefixes();
        maker
    }
}
