//! Random zones in random spelling: BIND and fwgate read the same records.

use super::{Files, both, has_bind};

/// A small generator of numbers, the same for the same seed (Knuth's constants).
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }

    fn often(&mut self) -> bool {
        self.below(3) == 0
    }
}

fn label(chance: &mut Chance) -> String {
    const LABELS: &[&str] =
        &["www", "Mail", "a", "b-1", "x\\.y", "_srv", "0", "IN", "A", "deep.er", "\\097z", "host", "*.w"];
    (*chance.of(LABELS)).to_owned()
}

fn name(chance: &mut Chance) -> String {
    match chance.below(5) {
        0 => "@".to_owned(),
        1 => format!("{}.example.net.", label(chance)),
        2 => format!("{}.{}", label(chance), label(chance)).replace(".*", ".s"),
        3 => format!("{}.example.org.", chance.of(&["www", "mail"])),
        _ => label(chance),
    }
}

fn data(chance: &mut Chance) -> String {
    match chance.below(8) {
        0 | 1 => format!("A 192.0.2.{}", chance.below(256)),
        2 => format!("AAAA 2001:db8::{:x}", chance.below(65_536)),
        3 => format!("MX {} {}", chance.below(100), name(chance)),
        4 => format!("SRV {} {} {} {}", chance.below(10), chance.below(10), chance.below(65_536), name(chance)),
        5 => format!("PTR {}", name(chance)),
        6 => format!("TXT \"a;b\" {}", chance.below(9)),
        _ => format!("NS {}", name(chance)),
    }
}

fn separator(chance: &mut Chance, depth: &mut u32) -> String {
    match chance.below(8) {
        0 => {
            *depth += 1;
            " (\n ".to_owned()
        }
        1 if *depth > 0 => {
            *depth -= 1;
            " ) ".to_owned()
        }
        2 if *depth > 0 => " ; comment (\n\t".to_owned(),
        3 => "\t".to_owned(),
        _ => " ".to_owned(),
    }
}

fn record(chance: &mut Chance, at: u64) -> String {
    let owner = match chance.below(6) {
        0 => String::new(),
        1 => "@".to_owned(),
        2 => format!("h{at}"),
        _ => label(chance),
    };
    let (time, class) = (chance.often(), chance.often());
    let ttl = format!("{}{}", chance.below(9000), chance.of(&["", "", "s", "m"]));
    let mut words: Vec<String> = Vec::new();
    words.extend(time.then(|| ttl.clone()));
    words.extend(class.then(|| "IN".to_owned()));
    if chance.often() {
        words.reverse();
    }
    words.extend(data(chance).split(' ').map(str::to_owned));
    let mut depth = 0;
    let mut line = owner;
    for word in words {
        line += &separator(chance, &mut depth);
        line += &word;
    }
    for _ in 0..depth {
        line += " )";
    }
    line + *chance.of(&["\n", " ; end\n", "\r\n", "\n\n"])
}

fn zone(seed: u64) -> String {
    let mut chance = Chance(seed);
    let mut text = "$TTL 3600\n@ SOA ns1 h 1 7200 3600 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n".to_owned();
    for at in 0..chance.below(25) + 3 {
        match chance.below(14) {
            0 => text += &format!("$TTL {}\n", chance.below(5000)),
            1 => text += &format!("$ORIGIN {}\n", chance.of(&["sub", "example.net.", "x.example.net."])),
            2 => {
                text += &format!(
                    "$GENERATE {at}-{} g${{0,{},{}}} A 192.0.2.$\n",
                    at + 3,
                    chance.below(5),
                    chance.of(&["d", "x", "o", "X"])
                )
            }
            3 => text += &format!("c{at} CNAME {}\n", name(&mut chance)),
            _ => text += &record(&mut chance, at),
        }
    }
    text
}

#[test]
fn random_zones_are_read_as_the_server_reads_them() {
    if !has_bind() {
        return;
    }
    let (mut read, mut refused) = (0, 0);
    for seed in 0..300 {
        let text = zone(seed);
        let files: Files = vec![("zones/example.net.zone".to_owned(), text.clone())];
        match both(&files, "example.net", "zones/example.net.zone") {
            (Ok(own), Ok(bind)) => {
                assert_eq!(own, bind, "seed {seed}:\n{text}");
                read += 1;
            }
            (Err(_), Err(_)) => refused += 1,
            (Err(own), Ok(_)) if own.contains("outside of the zone") => refused += 1,
            // A server that has no address in its zone is a finding of the checks (FW704), which say more.
            (Ok(_), Err(bind)) if bind.contains("has no address records") || bind.contains("(illegal)") => refused += 1,
            (own, bind) => panic!("seed {seed}:\n{text}\nfwgate: {own:?}\nBIND: {bind:?}"),
        }
    }
    assert!(read > 200, "{read} read, {refused} refused");
}
