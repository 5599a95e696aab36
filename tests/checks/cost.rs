//! What checking costs on a large ruleset: filters are compiled once, walks start in trimmed cells.

use super::{Case, forward};
use std::fmt::Write;
use std::time::{Duration, Instant};

fn large(rules: usize, without: usize) -> String {
    let mut text = String::from("-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n");
    for n in (0..rules).filter(|n| *n != without) {
        let (a, b, port) = (n / 250, n % 250, 1000 + n % 5000);
        let _ = writeln!(
            text,
            "-A FORWARD -s 10.{}.{b}.0/24 -d 172.16.{}.0/24 -p tcp -m tcp --dport {port} -j ACCEPT",
            a % 250,
            a / 250
        );
    }
    forward(&text)
}

fn requirements(count: usize) -> String {
    let one = |n: usize| {
        let (a, b, port) = (n / 250, n % 250, 1000 + n % 5000);
        format!(
            "[[require]]\nid = \"r{n}\"\nreason = \"r\"\nfrom = [\"10.{a}.{b}.0/24\"]\nto = [\"172.16.0.0/24\"]\nservice = [\"tcp/{port}\"]\nhook = \"forward\"\n"
        )
    };
    (0..count).map(one).collect()
}

#[test]
fn fifty_requirements_cost_little_beside_the_rules() {
    let case = Case::new(&large(20_000, usize::MAX), &large(20_000, 7)).policy(&requirements(50));
    let start = Instant::now();
    let report = case.report();
    let taken = start.elapsed();
    assert_eq!((report.requirements.held, report.requirements.lost), (49, 1));
    // About 0.3 s unoptimised on one slow core; compiling per requirement would take a hundred times as long.
    assert!(taken < Duration::from_secs(10), "{taken:?}");
    println!("{taken:?}");
}

#[test]
#[ignore = "measures"]
fn phases() {
    let (old, new) = (large(20_000, usize::MAX), large(20_000, 7));
    let t = Instant::now();
    let (a, b) = (super::ruleset(&old), super::ruleset(&new));
    println!("read {:?}", t.elapsed());
    let t = Instant::now();
    let d = fwgate::diff::diff_filter(
        &a,
        &b,
        fwgate::ruleset::Hook::Forward,
        fwgate::packet::Family::V4,
        &[],
        Default::default(),
    )
    .unwrap();
    println!("diff {:?} {}", t.elapsed(), d.changes.len());
    for n in [0, 1, 10] {
        let case = Case::new(&old, &new).policy(&format!("{} ", requirements(n)));
        let t = Instant::now();
        case.report();
        println!("report {n}: {:?}", t.elapsed());
    }
    let case = Case::new(&old, &old).policy(&requirements(10));
    let t = Instant::now();
    case.report();
    println!("same {:?}", t.elapsed());
}
