//! The synthetic rule families of the benches, seeded: `acl` (independent random rules), `grp` (expanded object
//! groups) and `eq` (an equivalent rewrite), with one percent of edits. The model of a line is a five-tuple.
#![allow(dead_code)]

/// xorshift64*: the same families on every machine.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 20) % n.max(1)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    fn weighted(&mut self, from: &[(u32, u64)]) -> u32 {
        let total = from.iter().map(|(_, w)| w).sum();
        let mut at = self.below(total);
        for &(value, weight) in from {
            if at < weight {
                return value;
            }
            at -= weight;
        }
        from[0].0
    }
}

/// An IPv4 prefix: address and length.
pub type Prefix = (u32, u32);

/// One line of a list: what it does with which packets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Line {
    pub permit: bool,
    /// 6, 17, 1, or 0 for any.
    pub proto: u8,
    pub src: Prefix,
    pub dst: Prefix,
    pub sport: (u16, u16),
    pub dport: (u16, u16),
}

const ANY_PORT: (u16, u16) = (0, 65_535);
const SERVICES: [u16; 29] = [
    22, 25, 53, 80, 110, 123, 143, 161, 389, 443, 443, 443, 445, 514, 636, 993, 1433, 1521, 1812, 2049, 3306, 3389,
    5060, 5432, 5985, 6379, 8080, 8443, 9200,
];
const PORT_RANGES: [(u16, u16); 8] = [
    (1024, 65_535),
    (20, 21),
    (137, 139),
    (6000, 6063),
    (8000, 8099),
    (30_000, 32_767),
    (49_152, 65_535),
    (5900, 5910),
];

fn masked(address: u32, length: u32) -> Prefix {
    let mask = if length == 0 { 0 } else { u32::MAX << (32 - length) };
    (address & mask, length)
}

fn site(dice: &mut Dice) -> Prefix {
    let length = dice.pick(&[16u32, 18, 20, 22, 24]);
    let address = match dice.below(100) {
        0..60 => 10 << 24 | dice.below(1 << 24) as u32,
        60..85 => 172 << 24 | 16 << 16 | dice.below(1 << 20) as u32,
        _ => (1 << 24) + dice.below(222 << 24) as u32,
    };
    masked(address, length)
}

fn address(dice: &mut Dice, sites: &[Prefix]) -> Prefix {
    match dice.below(100) {
        0..12 => (0, 0),
        12..70 => {
            let (base, length) = dice.pick(sites);
            let longer = dice.pick(&[length, length, 24, 24, 26, 27, 28, 30, 32, 32, 32, 32]).max(length);
            masked(base | (dice.next() as u32 & !(u32::MAX.checked_shl(32 - length).unwrap_or(0))), longer)
        }
        _ => {
            let base = match dice.below(100) {
                0..55 => 10 << 24 | dice.below(1 << 24) as u32,
                55..80 => 172 << 24 | 16 << 16 | dice.below(1 << 20) as u32,
                _ => (11 << 24) + dice.below(110 << 24) as u32,
            };
            let weights = [
                (16, 4),
                (20, 4),
                (22, 4),
                (23, 4),
                (24, 24),
                (25, 4),
                (26, 5),
                (27, 5),
                (28, 6),
                (29, 5),
                (30, 5),
                (32, 30),
            ];
            masked(base, dice.weighted(&weights))
        }
    }
}

fn random_line(dice: &mut Dice, sites: &[Prefix]) -> Line {
    let proto = match dice.below(100) {
        0..68 => 6,
        68..90 => 17,
        90..94 => 1,
        _ => 0,
    };
    let src = address(dice, sites);
    let mut dst = address(dice, sites);
    while src.1 == 0 && dst.1 == 0 {
        dst = address(dice, sites);
    }
    let (mut sport, mut dport) = (ANY_PORT, ANY_PORT);
    if proto == 6 || proto == 17 {
        match dice.below(100) {
            0..70 => {
                let port = if dice.chance(80) { dice.pick(&SERVICES) } else { 1 + dice.below(65_535) as u16 };
                dport = (port, port);
            }
            70..79 => dport = dice.pick(&PORT_RANGES),
            79..85 => {
                let lo = 1024 + dice.below(62_000) as u16;
                dport = (lo, lo.saturating_add(dice.pick(&[1, 3, 9, 15, 99, 255])));
            }
            _ => {}
        }
        if dice.chance(4) {
            sport = (1024, 65_535);
        }
    }
    Line { permit: dice.chance(78), proto, src, dst, sport, dport }
}

/// `n` independent random lines.
pub fn acl(n: usize, seed: u64) -> Vec<Line> {
    let mut dice = Dice::new(seed);
    let sites: Vec<Prefix> = (0..(n / 50).max(8)).map(|_| site(&mut dice)).collect();
    let mut out: Vec<Line> = Vec::with_capacity(n);
    while out.len() < n {
        let mut line = random_line(&mut dice, &sites);
        if !out.is_empty() && dice.chance(3) {
            let other = out[dice.below(out.len() as u64) as usize];
            line = Line { permit: line.permit, ..other };
        }
        out.push(line);
    }
    out
}

/// `n` lines as the expansion of object groups gives them: source group x destination group x services.
pub fn groups(n: usize, seed: u64) -> Vec<Line> {
    let mut dice = Dice::new(seed + 2000);
    let mut sites: Vec<Prefix> =
        (0..(n / 500).max(4)).map(|_| (10 << 24 | (dice.below(256) as u32) << 16, 16)).collect();
    sites.extend((0..2).map(|_| (172 << 24 | (16 + dice.below(16) as u32) << 16, 16)));
    let member = |dice: &mut Dice| {
        let (base, _) = dice.pick(&sites);
        let length = dice.weighted(&[(20, 5), (22, 10), (24, 30), (26, 10), (28, 10), (32, 35)]);
        masked(base | dice.below(1 << 16) as u32, length)
    };
    let groups: Vec<Vec<Prefix>> = (0..(n / 40).max(10))
        .map(|_| (0..dice.pick(&[1, 1, 2, 3, 4, 6, 8, 12, 20])).map(|_| member(&mut dice)).collect())
        .collect();
    let tcp = |p: u16| (6u8, (p, p));
    let mut services: Vec<Vec<(u8, (u16, u16))>> =
        (0..30).map(|_| (0..dice.pick(&[1, 1, 1, 2, 2, 3, 4])).map(|_| tcp(dice.pick(&SERVICES))).collect()).collect();
    services.extend([
        vec![(17, (53, 53)), tcp(53)],
        vec![(17, (161, 162))],
        vec![(17, (123, 123))],
        vec![(6, (49_152, 65_535)), tcp(135)],
        vec![(0, ANY_PORT)],
        vec![(1, ANY_PORT)],
    ]);
    let mut out = Vec::with_capacity(n);
    while out.len() < n {
        let at = dice.below(groups.len() as u64) as usize;
        let sources = if dice.chance(6) { vec![(0, 0)] } else { groups[at].clone() };
        let targets = groups[dice.below(groups.len() as u64) as usize].clone();
        let service = services[dice.below(services.len() as u64) as usize].clone();
        let permit = dice.chance(85);
        for src in &sources {
            for dst in &targets {
                for &(proto, dport) in &service {
                    if out.len() < n {
                        out.push(Line { permit, proto, src: *src, dst: *dst, sport: ANY_PORT, dport });
                    }
                }
            }
        }
    }
    out
}

/// `edits` independent edits: insert, delete, flip, another destination, another port, swap.
pub fn edited(lines: &[Line], edits: usize, seed: u64) -> Vec<Line> {
    let mut dice = Dice::new(seed + 77);
    let sites: Vec<Prefix> = lines.iter().step_by((lines.len() / 50).max(1)).map(|l| l.src).collect();
    let mut out = lines.to_vec();
    for _ in 0..edits {
        let at = dice.below(out.len() as u64 - 1) as usize;
        match dice.below(100) {
            0..25 => out.insert(at, random_line(&mut dice, &sites)),
            25..45 => {
                out.remove(at);
            }
            45..55 => out[at].permit = !out[at].permit,
            55..75 => {
                // As in a fresh line, never from anywhere to anywhere: such a rule would be the whole difference.
                let mut dst = random_line(&mut dice, &sites).dst;
                while out[at].src.1 == 0 && dst.1 == 0 {
                    dst = random_line(&mut dice, &sites).dst;
                }
                out[at].dst = dst;
            }
            75..90 if matches!(out[at].proto, 6 | 17) => {
                let port = 1 + dice.below(65_535) as u16;
                out[at].dport = (port, port);
            }
            _ => out.swap(at, at + 1),
        }
    }
    out
}

fn disjoint(a: &Line, b: &Line) -> bool {
    let apart = |x: Prefix, y: Prefix| {
        let length = x.1.min(y.1);
        length > 0 && x.0 >> (32 - length) != y.0 >> (32 - length)
    };
    let off = |x: (u16, u16), y: (u16, u16)| x.1 < y.0 || y.1 < x.0;
    (a.proto != b.proto && a.proto != 0 && b.proto != 0)
        || apart(a.src, b.src)
        || apart(a.dst, b.dst)
        || off(a.sport, b.sport)
        || off(a.dport, b.dport)
}

/// Another list with the same meaning: repeated matches dropped, prefixes halved, commuting lines moved.
pub fn equivalent(lines: &[Line], seed: u64) -> Vec<Line> {
    let mut dice = Dice::new(seed + 1000);
    let mut seen = std::collections::HashSet::new();
    let mut out: Vec<Line> = lines.iter().filter(|l| seen.insert(Line { permit: true, ..**l })).copied().collect();
    for _ in 0..out.len() / 50 {
        let at = dice.below(out.len() as u64 - 1) as usize;
        let line = out[at];
        if dice.chance(50) && (1..32).contains(&line.dst.1) {
            let length = line.dst.1 + 1;
            let upper = line.dst.0 | 1 << (32 - length);
            out[at] = Line { dst: (line.dst.0, length), ..line };
            out.insert(at, Line { dst: (upper, length), ..line });
        } else {
            let mut i = at;
            for _ in 0..50 {
                if i + 1 < out.len() && (out[i].permit == out[i + 1].permit || disjoint(&out[i], &out[i + 1])) {
                    out.swap(i, i + 1);
                    i += 1;
                } else {
                    break;
                }
            }
        }
    }
    out
}

fn dotted(p: Prefix) -> String {
    let [a, b, c, d] = p.0.to_be_bytes();
    format!("{a}.{b}.{c}.{d}/{}", p.1)
}

/// The list as `iptables-save` writes it.
pub fn iptables(lines: &[Line]) -> String {
    let mut out = String::from("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n");
    for line in lines {
        out.push_str("-A FORWARD");
        for (flag, prefix) in [("-s", line.src), ("-d", line.dst)] {
            if prefix.1 > 0 {
                out.push_str(&format!(" {flag} {}", dotted(prefix)));
            }
        }
        let name = match line.proto {
            6 => "tcp",
            17 => "udp",
            1 => "icmp",
            _ => "",
        };
        if !name.is_empty() {
            out.push_str(&format!(" -p {name}"));
        }
        if line.sport != ANY_PORT || line.dport != ANY_PORT {
            out.push_str(&format!(" -m {name}"));
        }
        for (flag, (lo, hi)) in [("--sport", line.sport), ("--dport", line.dport)] {
            if (lo, hi) != ANY_PORT {
                let range = if lo == hi { lo.to_string() } else { format!("{lo}:{hi}") };
                out.push_str(&format!(" {flag} {range}"));
            }
        }
        out.push_str(if line.permit { " -j ACCEPT\n" } else { " -j DROP\n" });
    }
    out.push_str("COMMIT\n");
    out
}

/// `n` changes as a change request brings them: specific lines added, removed, and given another port.
pub fn few_changes(lines: &[Line], n: usize, seed: u64) -> Vec<Line> {
    let mut dice = Dice::new(seed + 501);
    let sites: Vec<Prefix> = lines.iter().step_by((lines.len() / 50).max(1)).map(|l| l.src).collect();
    let specific = |l: &Line| l.src.1 >= 16 && l.dst.1 >= 16 && matches!(l.proto, 6 | 17) && l.dport.0 == l.dport.1;
    let mut out = lines.to_vec();
    for change in 0..n {
        let mut at = dice.below(out.len() as u64) as usize;
        while !specific(&out[at]) {
            at = dice.below(out.len() as u64) as usize;
        }
        match change % 3 {
            0 => {
                let mut line = random_line(&mut dice, &sites);
                while !specific(&line) {
                    line = random_line(&mut dice, &sites);
                }
                out.insert(at, line);
            }
            1 => {
                out.remove(at);
            }
            _ => {
                let port = 1024 + dice.below(30_000) as u16;
                out[at].dport = (port, port);
            }
        }
    }
    out
}

/// A dump with one user chain for each of 100 server networks, behind the usual opening for replies: about `n`
/// rules. `edits` of them are other ones.
pub fn zones(n: usize, edits: usize, seed: u64) -> String {
    let mut dice = Dice::new(seed + 900);
    let zone = |z: u64| (10 << 24 | 20 << 16 | (z as u32) << 8, 24);
    let offices: Vec<Prefix> = (0..60).map(|o| (10 << 24 | (100 + o) << 16, 16)).collect();
    let mut chains: Vec<Vec<String>> = Vec::new();
    for z in 0..100 {
        let rules = (0..n / 100 - 2).map(|_| {
            let src = if dice.chance(10) { (0, 0) } else { dice.pick(&offices) };
            let (base, _) = zone(z);
            let dst = (base | dice.below(256) as u32, 32);
            let port = dice.pick(&SERVICES);
            zone_rule(z, src, dst, port, dice.chance(85))
        });
        chains.push(rules.collect());
    }
    for _ in 0..edits {
        let z = dice.below(100);
        let (base, _) = zone(z);
        let dst = (base | dice.below(256) as u32, 32);
        let rule = zone_rule(z, dice.pick(&offices), dst, dice.pick(&SERVICES), true);
        let at = dice.below(chains[z as usize].len() as u64) as usize;
        chains[z as usize][at] = rule;
    }
    let mut out = String::from("*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n");
    for z in 0..100 {
        out.push_str(&format!(":zone{z} - [0:0]\n"));
    }
    out.push_str("-A INPUT -i lo -j ACCEPT\n");
    for chain in ["INPUT", "FORWARD"] {
        out.push_str(&format!("-A {chain} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"));
        out.push_str(&format!("-A {chain} -m conntrack --ctstate INVALID -j DROP\n"));
    }
    for z in 0..100 {
        out.push_str(&format!("-A FORWARD -d {} -j zone{z}\n", dotted(zone(z))));
    }
    for (z, rules) in chains.iter().enumerate() {
        rules.iter().for_each(|r| out.push_str(r));
        out.push_str(&format!("-A zone{z} -m limit --limit 5/min -j LOG --log-prefix \"zone{z} \"\n"));
    }
    out.push_str("COMMIT\n");
    out
}

fn zone_rule(zone: u64, src: Prefix, dst: Prefix, port: u16, permit: bool) -> String {
    let from = if src.1 == 0 { String::new() } else { format!(" -s {}", dotted(src)) };
    let verdict = if permit { "ACCEPT" } else { "DROP" };
    format!("-A zone{zone}{from} -d {} -p tcp -m tcp --dport {port} -j {verdict}\n", dotted(dst))
}

/// `n` different addresses as `ipset save` writes them, and a filter that names the set.
pub fn address_set(n: usize, seed: u64) -> (String, String) {
    let mut dice = Dice::new(seed + 31);
    let mut addresses: Vec<u32> = Vec::with_capacity(n);
    while addresses.len() < n {
        addresses.extend((0..n - addresses.len()).map(|_| (1 << 24) + dice.below(222 << 24) as u32));
        addresses.sort_unstable();
        addresses.dedup();
    }
    for at in (1..n).rev() {
        addresses.swap(at, dice.below(at as u64 + 1) as usize);
    }
    let mut set = String::from("create blocked hash:ip family inet hashsize 524288 maxelem 2000000\n");
    for address in addresses {
        let [a, b, c, d] = address.to_be_bytes();
        set.push_str(&format!("add blocked {a}.{b}.{c}.{d}\n"));
    }
    let filter = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n\
                  -A FORWARD -m set --match-set blocked src -j DROP\n-A FORWARD -j ACCEPT\nCOMMIT\n";
    (set, filter.into())
}

/// A policy of `n` requirements that lines of the list seem to grant.
pub fn requirements(lines: &[Line], n: usize, seed: u64) -> String {
    let mut dice = Dice::new(seed + 12);
    let flows = std::iter::from_fn(|| {
        loop {
            let line = lines[dice.below(lines.len() as u64) as usize];
            if line.permit && line.proto == 6 && line.src.1 >= 16 && line.dst.1 >= 24 && line.dport.0 == line.dport.1 {
                return Some((line.src, line.dst, line.dport.0));
            }
        }
    });
    policy(flows.take(n))
}

/// `n` flows that every device of a fleet lets pass: from offices to servers of their own.
pub fn common_flows(n: usize) -> Vec<Line> {
    let ports = [22, 443, 514, 161, 8443];
    let flow = |at: usize| {
        let (office, port) = (at as u32, ports[at % ports.len()]);
        let (src, dst) = ((10 << 24 | (100 + office) << 16, 16), (10 << 24 | 200 << 16 | office << 8 | 5, 32));
        Line { permit: true, proto: 6, src, dst, sport: ANY_PORT, dport: (port, port) }
    };
    (0..n).map(flow).collect()
}

/// The rulesets of a fleet: as many lines each, of which some are the same on every device; every hundredth lacks one of those.
pub fn estate(rulesets: usize, lines: usize, common: &[Line]) -> Vec<Vec<Line>> {
    let one = |seed: usize| {
        let mut out = common.to_vec();
        if seed % 100 == 7 {
            out.remove(seed % common.len());
        }
        out.extend(acl(lines - out.len(), seed as u64));
        out
    };
    (0..rulesets).map(one).collect()
}

/// A policy that requires flows which lines let pass.
pub fn required(lines: &[Line]) -> String {
    policy(lines.iter().map(|line| (line.src, line.dst, line.dport.0)))
}

/// A policy of `n` requirements of offices towards the servers of `zones`.
pub fn zone_requirements(n: usize, seed: u64) -> String {
    let mut dice = Dice::new(seed + 13);
    let flows = std::iter::from_fn(|| {
        let src = (10 << 24 | (100 + dice.below(60) as u32) << 16, 16);
        let dst = (10 << 24 | 20 << 16 | dice.below(100 << 8) as u32, 32);
        Some((src, dst, dice.pick(&SERVICES)))
    });
    policy(flows.take(n))
}

fn policy(flows: impl Iterator<Item = (Prefix, Prefix, u16)>) -> String {
    let mut out = String::from("version = 1\n");
    for (at, (src, dst, port)) in flows.enumerate() {
        let (from, to) = (dotted(src), dotted(dst));
        out.push_str(&format!(
            "[[require]]\nid = \"flow-{at}\"\nreason = \"bench\"\nfrom = [\"{from}\"]\nto = [\"{to}\"]\n\
             service = [\"tcp/{port}\"]\nhook = \"forward\"\n"
        ));
    }
    out
}
