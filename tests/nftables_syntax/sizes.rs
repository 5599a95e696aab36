//! Large rulesets: time grows with size and not with its square.

use super::{read, shown};
use fwgate::dialect::nftables::syntax::Object;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// How many elements or commands are read, and the shortest time of some runs.
fn timed(source: &str) -> (usize, Duration) {
    (0..3).map(|_| timed_once(source)).min_by_key(|(_, time)| *time).unwrap()
}

fn timed_once(source: &str) -> (usize, Duration) {
    let started = Instant::now();
    let commands = read(source).unwrap_or_else(|problems| panic!("{}", shown(&problems)));
    let elements = commands.iter().map(|c| if let Object::Set(set) = &c.object { set.elements.len() } else { 1 });
    (elements.sum(), started.elapsed())
}

fn set_of(count: u32) -> String {
    let mut source = String::from("table ip t {\n\tset s {\n\t\ttype ipv4_addr\n\t\telements = { ");
    for at in 0..count {
        let end = if at + 1 == count { " }\n\t}\n}\n" } else { ",\n\t\t\t     " };
        write!(source, "10.{}.{}.{}{end}", at >> 16 & 255, at >> 8 & 255, at & 255).unwrap();
    }
    source
}

fn rules_of(count: u32) -> String {
    let mut source = String::from("table ip t {\n\tchain c {\n");
    for at in 0..count {
        let (a, b) = (at >> 8 & 255, at & 255);
        writeln!(
            source,
            "\t\tip saddr 10.1.{a}.{b} tcp dport {{ 22, {b} }} ct state new counter packets 0 bytes 0 accept"
        )
        .unwrap();
    }
    source + "\t}\n}\n"
}

#[test]
fn time_grows_with_size() {
    for make in [set_of, rules_of] {
        let (small, quick) = timed(&make(20_000));
        let (large, slow) = timed(&make(200_000));
        assert!(small >= 20_000 && large >= 200_000);
        // Ten times the size; a square would be a hundred times the time.
        assert!(slow < quick * 60 + Duration::from_millis(500), "{quick:?} became {slow:?}");
    }
}
