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
    // Well under a second where nothing else runs; compiling for each requirement, or a walk that is quadratic in
    // the rules, takes many times as long as this bound.
    assert!(taken < Duration::from_secs(10), "{taken:?}");
}
