//! Random rulesets of nft: several tables and base chains, sets, maps, verdict maps, and what only nft can say.

mod keys;
mod matches;
mod statements;

use super::*;
use keys::{Key, Value, Width, element_text};
use matches::About;
use statements::of_header;

/// A ruleset of nft with what packets can be made from.
pub struct GeneratedNft {
    pub text: String,
    /// The families that some table is of.
    pub families: Vec<Family>,
    v4: Packets,
    v6: Packets,
}

impl GeneratedNft {
    /// Packets of a family at and around what the rules say, for one hook.
    pub fn packets(&self, family: Family, hook: Hook, count: usize) -> Vec<Packet> {
        if family == Family::V4 { self.v4.make(hook, count) } else { self.v6.make(hook, count) }
    }
}

/// A named set of a table.
struct Named {
    name: String,
    family: Option<Family>,
    keys: Vec<Key>,
    elements: Vec<Vec<Value>>,
}

impl Named {
    /// Whether a rule about packets of `family` can look into it.
    fn fits(&self, family: Option<Family>) -> bool {
        self.family.is_none() || self.family == family
    }
}

/// Where a rule stands.
struct Place {
    chain: String,
    kind: &'static str,
    hooks: u8,
    priority: i32,
    callees: Vec<String>,
}

impl Place {
    /// Whether conntrack has not seen the packet yet.
    fn is_early(&self) -> bool {
        self.priority < -200
    }
}

struct Nft {
    rng: Rng,
    makers: [Maker; 2],
    sets: Vec<Named>,
    known: [Vec<Known>; 2],
    is_inet: bool,
    tracks: bool,
    translates: bool,
}

/// Where base chains hang: type, hook, its bit, and the priorities to choose from.
type Hang = (&'static str, &'static str, u8, &'static [(&'static str, i32)]);

const HANGS: &[Hang] = &[
    ("filter", "prerouting", PRE, &[("raw", -300), ("-250", -250)]),
    ("filter", "prerouting", PRE, &[("mangle", -150), ("dstnat - 5", -105), ("filter", 0), ("-150", -150)]),
    ("filter", "input", IN, &[("filter", 0), ("0", 0), ("filter - 10", -10), ("security", 50)]),
    ("filter", "forward", FWD, &[("filter", 0), ("0", 0), ("filter + 5", 5), ("mangle", -150)]),
    ("filter", "output", OUT, &[("filter", 0), ("0", 0), ("raw", -300), ("security", 50)]),
    ("route", "output", OUT, &[("mangle", -150), ("filter", 0)]),
    ("filter", "postrouting", POST, &[("mangle", -150), ("filter", 0), ("srcnat + 50", 150)]),
    ("filter", "input", IN, &[("filter", 0), ("10", 10)]),
    ("filter", "forward", FWD, &[("filter", 0), ("10", 10)]),
    ("filter", "output", OUT, &[("filter", 0), ("10", 10)]),
    ("nat", "prerouting", PRE, &[("dstnat", -100)]),
    ("nat", "output", OUT, &[("-100", -100)]),
    ("nat", "postrouting", POST, &[("srcnat", 100)]),
    ("nat", "input", IN, &[("100", 100)]),
];

/// The ruleset of a seed.
pub fn ruleset(seed: u64) -> GeneratedNft {
    let mut rng = Rng::new(seed * 3 + 1);
    let makers = Family::ALL.map(|family| Maker::new(Rng::new(rng.next()), family));
    let tracks = rng.chance(80);
    let mut nft =
        Nft { rng, makers, sets: Vec::new(), known: Default::default(), is_inet: false, tracks, translates: false };
    let mut text = String::new();
    let mut families = [false; 2];
    for at in 0..nft.rng.between(1, 3) {
        let family = *nft.rng.pick(&["ip", "ip6", "inet", "inet", "inet"]);
        families[0] |= family != "ip6";
        families[1] |= family != "ip";
        text += &nft.table(family, at);
    }
    let families = Family::ALL.into_iter().zip(families).filter(|(_, there)| *there).map(|(f, _)| f).collect();
    let Nft { known: [v4, v6], translates, tracks, .. } = nft;
    let packets = |family, rules| Packets { seed, family, rules, translates, tracks };
    GeneratedNft { text, families, v4: packets(Family::V4, v4), v6: packets(Family::V6, v6) }
}

impl Nft {
    fn maker(&mut self, family: Family) -> &mut Maker {
        &mut self.makers[usize::from(family == Family::V6)]
    }

    fn table(&mut self, family: &'static str, number: usize) -> String {
        self.is_inet = family == "inet";
        self.sets.clear();
        let mut body = String::new();
        let of_table = match family {
            "ip" => Some(Family::V4),
            "ip6" => Some(Family::V6),
            _ => None,
        };
        for at in 0..self.rng.between(0, 3) {
            body += &self.named_set(at, of_table);
        }
        let hangs: Vec<(String, Hang, (&str, i32))> = self.hangs();
        self.translates |= hangs.iter().any(|(_, hang, _)| hang.0 == "nat");
        let all = hangs.iter().fold(0, |bits, (_, hang, _)| bits | hang.2);
        // Chains of a nat hook call chains of their own.
        let mut users: Vec<(String, u8)> = Vec::new();
        for at in 0..self.rng.between(0, 4) {
            let hooks = if self.rng.chance(40) { all } else { self.rng.next() as u8 & all };
            users.push((format!("user{at}"), if hooks == 0 { all } else { hooks }));
        }
        let mut chains = Vec::new();
        for (at, (name, hooks)) in users.iter().enumerate() {
            let callees = callable(&users[at + 1..], *hooks);
            let place = Place { chain: name.clone(), kind: "filter", hooks: *hooks, priority: 0, callees };
            chains.push(self.chain(number, &place, "", of_table));
        }
        for (name, (kind, hook, bit, _), (written, priority)) in hangs {
            let drops = kind == "filter" && priority >= 0 && bit & (PRE | POST) == 0 && self.rng.chance(40);
            let policy = if drops { "drop" } else { "accept" };
            let callees = if kind == "nat" { Vec::new() } else { callable(&users, bit) };
            let place = Place { chain: name, kind, hooks: bit, priority, callees };
            let head = format!("\t\ttype {kind} hook {hook} priority {written}; policy {policy};\n");
            chains.push(self.chain(number, &place, &head, of_table));
        }
        // Rules name chains only that are known: users stand in reverse order, before what hangs on hooks.
        chains[..users.len()].reverse();
        format!("table {family} t{number} {{\n{body}{}}}\n", chains.concat())
    }

    fn hangs(&mut self) -> Vec<(String, Hang, (&'static str, i32))> {
        let mut out = Vec::new();
        for (at, hang) in HANGS.iter().enumerate() {
            let share = match hang.0 {
                "nat" if !self.tracks => 0,
                "nat" => 12,
                _ if at >= 7 => 15,
                _ if hang.2 & (IN | FWD | OUT) != 0 => 60,
                _ => 25,
            };
            if self.rng.chance(share) {
                let priority = *self.rng.pick(hang.3);
                out.push((format!("{}{at}", hang.1), *hang, priority));
            }
        }
        if out.is_empty() {
            out.push(("input".into(), HANGS[2], ("filter", 0)));
        }
        out
    }

    fn named_set(&mut self, at: usize, of_table: Option<Family>) -> String {
        let family = of_table.unwrap_or(*self.rng.pick(&Family::ALL));
        let choices: [&[Key]; 9] = [
            &[Key::Src],
            &[Key::Src],
            &[Key::Dst],
            &[Key::Port("tcp", Field::Dport)],
            &[Key::Port("udp", Field::Dport)],
            &[Key::In],
            &[Key::Src, Key::Port("tcp", Field::Dport)],
            &[Key::Src, Key::Dst],
            &[Key::Mark],
        ];
        let keys = self.rng.pick(&choices).to_vec();
        let interval = !keys.contains(&Key::In) && self.rng.chance(65);
        let width = if interval { Width::Interval } else { Width::One };
        let elements = self.elements(&keys, family, width, 8);
        let kinds: Vec<&str> = keys.iter().filter_map(|k| k.kind(family)).collect();
        let texts: Vec<String> = elements.iter().map(|e| element_text(e)).collect();
        let flags = if interval { "\t\tflags interval;\n" } else { "" };
        let name = format!("set{at}");
        let typed = match self.rng.chance(30) {
            true => {
                let selectors: Vec<String> = keys.iter().map(|k| k.selector(family)).collect();
                format!("typeof {}", selectors.join(" . "))
            }
            false => format!("type {}", kinds.join(" . ")),
        };
        let text = format!("\tset {name} {{\n\t\t{typed};\n{flags}\t\telements = {{ {} }};\n\t}}\n", texts.join(", "));
        let family = keys.iter().any(|k| k.is_of_family()).then_some(family);
        self.sets.push(Named { name, family, keys, elements });
        text
    }

    fn chain(&mut self, table: usize, place: &Place, head: &str, of_table: Option<Family>) -> String {
        let rules = match (head.is_empty(), place.priority) {
            (false, 0..) => self.rng.between(2, 9),
            (false, _) => self.rng.between(0, 4),
            (true, _) => self.rng.between(1, 5),
        };
        let mut text = format!("\tchain {} {{\n{head}", place.chain);
        for _ in 0..rules {
            text += &format!("\t\t{}\n", self.rule(table, place, of_table));
        }
        text + "\t}\n"
    }

    fn rule(&mut self, table: usize, place: &Place, of_table: Option<Family>) -> String {
        let family = of_table.or_else(|| match self.rng.below(5) {
            0 | 1 => Some(Family::V4),
            2 | 3 => Some(Family::V6),
            _ => None,
        });
        let mut about = About { family, header: None, tested: false, negated: false, first_header: false };
        let mut clauses = self.conditions(&mut about);
        let ending = self.ending(place, &about);
        let comment = if self.rng.chance(8) { " comment \"drop all; accept # nothing\"" } else { "" };
        let mut words: Vec<String> = clauses.iter().map(|c| c.text.clone()).collect();
        words.push(ending.text.clone());
        clauses.extend(about.header.filter(|h| *h != "th").map(of_header));
        let chain = format!("t{table}/{}", place.chain);
        for (own, known) in Family::ALL.into_iter().zip(&mut self.known) {
            if family.is_some_and(|f| f != own) {
                continue;
            }
            let mut push = |calls: Option<String>, more: Option<&Clause>| {
                let clauses = clauses.iter().chain(more).cloned().collect();
                known.push(Known { chain: chain.clone(), hooks: place.hooks, calls, clauses });
            };
            if ending.calls.is_empty() {
                push(None, None);
            }
            for (to, clause) in &ending.calls {
                let to = (!to.is_empty()).then(|| format!("t{table}/{to}"));
                push(to, clause.as_ref());
            }
        }
        let text = words.join(" ");
        format!("{text}{comment}")
    }
}

fn callable(users: &[(String, u8)], hooks: u8) -> Vec<String> {
    users.iter().filter(|(_, own)| hooks & !own == 0).map(|(name, _)| name.clone()).collect()
}
