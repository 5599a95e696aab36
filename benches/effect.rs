//! What reading and comparing cost for the iptables dialect, each beside its yardstick in the same run:
//! `cargo bench --bench effect`, or `cargo bench --bench effect -- NAME` for some of the rows;
//! `--quick` makes three rounds of each.
//!
//! Every round runs all contenders of a row in turn, so that a busy machine is busy for all of them. Criterion
//! keeps the numbers of the first contender; the tables show all of them, with CPU time.
#![allow(missing_docs, clippy::unwrap_used)]

mod clock;
mod families;

use clock::{Took, peak_mib, timed};
use criterion::{Criterion, SamplingMode};
use families::*;
use fwgate::check::{CheckInput, CheckReport, Device, run};
use fwgate::dialect::{InputFile, ReadOptions, read_device};
use fwgate::diff::{Bounds, FilterDiff, diff_filter};
use fwgate::packet::{Family, Ranges};
use fwgate::policy::{Date, Policy, PolicyFiles, read_policy};
use fwgate::query::{Selection, Service, matrix};
use fwgate::ruleset::{Hook, Ruleset};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const SEED: u64 = 3;
/// Rounds of a row with `--quick`: without criterion, for a machine that is busy with other things.
const QUICK_ROUNDS: usize = 3;

fn is_quick() -> bool {
    std::env::args().any(|a| a == "--quick")
}

fn read(name: &str, text: &str) -> Ruleset {
    read_all(&[(name, text)])
}

fn read_all(files: &[(&str, &str)]) -> Ruleset {
    let file = |(name, text): &(&str, &str)| InputFile { name: (*name).into(), bytes: text.as_bytes().into() };
    let files: Vec<InputFile> = files.iter().map(file).collect();
    let read = read_device(&files, &ReadOptions::default());
    read.map_err(|refused| refused.problems).unwrap()
}

fn policy_of(text: &str) -> Policy {
    read_policy(&PolicyFiles::single("bench.toml", text)).unwrap()
}

fn judge(old: Ruleset, new: Ruleset, policy: &Policy) -> CheckReport {
    check(&[Device::new("fw", Arc::new(old))], &[Device::new("fw", Arc::new(new))], policy)
}

fn check(baseline: &[Device], proposed: &[Device], policy: &Policy) -> CheckReport {
    let today = Date::of_unix_seconds(1_795_305_600);
    run(&CheckInput {
        baseline,
        proposed,
        policy,
        change: None,
        estate: fwgate::check::Estate::default(),
        bounds: Bounds::default(),
        today,
    })
    .unwrap()
}

fn effect(old: &Ruleset, new: &Ruleset) -> FilterDiff {
    diff_filter(old, new, Hook::Forward, Family::V4, &[], Bounds::default()).unwrap()
}

fn said(diff: &FilterDiff) -> String {
    let cells: usize = diff.changes.iter().map(|c| c.cells.len()).sum();
    let packets: num_bigint::BigUint = diff.changes.iter().map(|c| &c.packets).sum();
    let extent = if diff.complete { "complete" } else { "NOT COMPLETE" };
    format!("{extent}, {} rule pairs, {cells} cells, {packets} flows", diff.changes.len())
}

fn findings(report: &CheckReport) -> String {
    let pairs: usize = report.effects.iter().map(|e| e.diff.changes.len()).sum();
    let extent = if report.complete { "complete" } else { "NOT COMPLETE" };
    format!("{extent}, {pairs} rule pairs, {} findings, {:?}", report.findings.len(), report.requirements)
}

type Contender<'a> = (&'a str, Box<dyn FnMut() + 'a>);

/// One row: rounds of all contenders in turn; criterion sees the first.
fn row(c: &mut Criterion, name: &str, mut contenders: Vec<Contender<'_>>) {
    let names: Vec<&str> = contenders.iter().map(|(n, _)| *n).collect();
    let mut rounds: Vec<Vec<Took>> = Vec::new();
    let mut round = || contenders.iter_mut().map(|(_, work)| timed(work).1).collect::<Vec<Took>>();
    if is_quick() {
        rounds.extend((0..QUICK_ROUNDS).map(|_| round()));
        return clock::print(name, &names, &rounds);
    }
    let mut group = c.benchmark_group("effect");
    group.sampling_mode(SamplingMode::Flat);
    group.bench_function(name, |b| {
        b.iter_custom(|times| {
            let mut first = Duration::ZERO;
            for _ in 0..times {
                let took = round();
                first += took[0].wall;
                rounds.push(took);
            }
            first
        });
    });
    group.finish();
    if !rounds.is_empty() {
        clock::print(name, &names, &rounds);
    }
}

/// Opens the list for replies, as files of the field do.
fn with_replies(text: String) -> String {
    let rule = "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A FORWARD";
    text.replacen("-A FORWARD", rule, 1)
}

/// Whether the kernel's own reader can be run here: root, installed, and namespaces of the network allowed.
fn restore_works() -> bool {
    let probe = restore("*filter\nCOMMIT\n");
    if !probe {
        eprintln!("\n!!! SKIPPED: no `unshare -n iptables-legacy-restore --test` here: the yardstick is missing\n");
    }
    probe
}

fn restore(text: &str) -> bool {
    let file = std::env::temp_dir().join(format!("fwgate-bench-{}.v4", std::process::id()));
    std::fs::write(&file, text).unwrap();
    let status = Command::new("unshare")
        .args(["-n", "iptables-legacy-restore", "--test"])
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let _ = std::fs::remove_file(&file);
    status.is_ok_and(|s| s.success())
}

fn few_in_many(c: &mut Criterion) {
    let old = acl(100_000, SEED);
    let new = few_changes(&old, 10, SEED);
    let policy = policy_of(&requirements(&old, 50, SEED));
    let (a, b) = (with_replies(iptables(&old)), with_replies(iptables(&new)));
    println!("ten changes in 100,000: {}", findings(&judge(read("a", &a), read("b", &b), &policy)));
    let mut contenders: Vec<Contender<'_>> = vec![
        (
            "read both, whole effect, 50 requirements",
            Box::new(|| drop(black_box(judge(read("a", &a), read("b", &b), &policy)))),
        ),
        (
            "read both, whole effect",
            Box::new(|| {
                let (old, new) = (read("a", &a), read("b", &b));
                drop(black_box(effect(&old, &new)));
            }),
        ),
        ("read both", Box::new(|| drop(black_box((read("a", &a), read("b", &b)))))),
    ];
    if restore_works() {
        let work = || assert!(restore(&a), "iptables-legacy-restore refuses the file");
        contenders.push(("iptables-legacy-restore --test of one", Box::new(work)));
    }
    row(c, "ten changes in 100,000", contenders);
}

/// A family of the cost table: its two sides.
fn family(name: &str) -> (Vec<Line>, Vec<Line>) {
    let n = if name.ends_with("100000") { 100_000 } else { 10_000 };
    let old = if name.starts_with("grp") { groups(n, SEED) } else { acl(n, SEED) };
    let new = if name.starts_with("eq") { equivalent(&old, SEED) } else { edited(&old, n / 100, SEED) };
    (old, new)
}

fn texts(name: &str) -> (String, String) {
    let (old, new) = family(name);
    (iptables(&old), iptables(&new))
}

fn compared(c: &mut Criterion, name: &str) {
    let (a, b) = texts(name);
    let (old, new) = (read("a", &a), read("b", &b));
    let contenders: Vec<Contender<'_>> = vec![
        ("the whole effect", Box::new(|| drop(black_box(effect(&old, &new))))),
        ("read both", Box::new(|| drop(black_box((read("a", &a), read("b", &b)))))),
    ];
    row(c, name, contenders);
}

/// One comparison in a process of its own, for its peak memory.
fn once(name: &str) {
    let (a, b) = texts(name);
    let (old, new) = (read("a", &a), read("b", &b));
    drop((a, b));
    let before = peak_mib();
    let (diff, took) = timed(|| effect(&old, &new));
    let (wall, cpu) = (took.wall.as_secs_f64(), took.cpu.as_secs_f64());
    println!(
        "{name}, once: {}; {wall:.2} s, CPU {cpu:.2} s; peak {} MiB, of which {before} MiB were there before",
        said(&diff),
        peak_mib()
    );
}

fn in_a_process(name: &str) {
    let program = std::env::current_exe().unwrap();
    assert!(Command::new(program).args(["--once", name]).status().unwrap().success());
}

fn dump_with_chains(c: &mut Criterion) {
    let (a, b) = (zones(5_000, 0, SEED), zones(5_000, 25, SEED));
    let policy = policy_of(&zone_requirements(50, SEED));
    println!("5,000 rules in chains: {}", findings(&judge(read("a", &a), read("b", &b), &policy)));
    let https = Service { name: "tcp/443".into(), proto: 6, ports: Some(Ranges::one(443)) };
    let draw =
        |r: &Ruleset| matrix(r, Hook::Forward, Family::V4, &https, &Selection::default(), &BTreeMap::new()).unwrap();
    println!("5,000 rules in chains: {} classes of addresses for tcp/443", draw(&read("b", &b)).classes.len());
    let new = read("b", &b);
    let contenders: Vec<Contender<'_>> = vec![
        (
            "read both, whole effect, 50 requirements, matrix of tcp/443",
            Box::new(|| {
                let after = read("b", &b);
                drop(black_box(draw(&after)));
                drop(black_box(judge(read("a", &a), after, &policy)));
            }),
        ),
        ("read both", Box::new(|| drop(black_box((read("a", &a), read("b", &b)))))),
        ("matrix of tcp/443", Box::new(|| drop(black_box(draw(&new))))),
    ];
    row(c, "5,000 rules in chains", contenders);
}

fn fleet(c: &mut Criterion) {
    let common = common_flows(50);
    let sides: Vec<(String, String)> = estate(300, 1_000, &common)
        .iter()
        .enumerate()
        .map(|(seed, old)| (with_replies(iptables(old)), with_replies(iptables(&few_changes(old, 3, seed as u64)))))
        .collect();
    let policy = policy_of(&required(&common));
    let work = || {
        let both = |text: &String| Arc::new(read("rules", text));
        let rulesets: Vec<_> = sides.iter().map(|(a, b)| (both(a), both(b))).collect();
        let device = |at: usize, r: &Arc<Ruleset>| Device::new(format!("fw{at:05}"), r.clone());
        let old: Vec<Device> = (0..10_000).map(|at| device(at, &rulesets[at % 300].0)).collect();
        let new: Vec<Device> = (0..10_000).map(|at| device(at, &rulesets[at % 300].1)).collect();
        check(&old, &new, &policy)
    };
    let read_only = || {
        sides.iter().for_each(|(a, b)| drop(black_box((read("rules", a), read("rules", b)))));
    };
    println!("10,000 devices: {}", findings(&work()));
    let contenders: Vec<Contender<'_>> = vec![
        ("read 300 pairs, judge 10,000 devices, 50 requirements", Box::new(|| drop(black_box(work())))),
        ("read 300 pairs", Box::new(read_only)),
    ];
    row(c, "10,000 devices", contenders);
}

fn large_set(c: &mut Criterion) {
    let (set, filter) = address_set(1_000_000, SEED);
    let parse = || {
        let addresses = set.lines().filter_map(|l| l.rsplit(' ').next()?.parse::<std::net::Ipv4Addr>().ok());
        let mut all: Vec<u32> = addresses.map(u32::from).collect();
        all.sort_unstable();
        assert_eq!(black_box(all).len(), 1_000_000);
    };
    let contenders: Vec<Contender<'_>> = vec![
        (
            "read the set and a filter that names it",
            Box::new(|| drop(black_box(read_all(&[("set", &set), ("rules.v4", &filter)])))),
        ),
        ("parse and sort the addresses, and nothing else", Box::new(parse)),
    ];
    row(c, "a set of 1,000,000", contenders);
}

/// Ten thousand rules of a flat chain, no two alike.
fn nft_rules() -> String {
    let rule = |n: u32| {
        let (a, b, proto) =
            (n.wrapping_mul(40_503), n.wrapping_mul(12_289), if n.is_multiple_of(3) { "udp" } else { "tcp" });
        let octet = |v: u32, shift: u32| v >> shift & 255;
        let (source, destination) = (
            format!("10.{}.{}.0/24", octet(a, 8), octet(a, 0)),
            format!("10.{}.{}.{}", octet(b, 16), octet(b, 8), octet(b, 0)),
        );
        let verdict = if n.is_multiple_of(5) { "drop" } else { "accept" };
        format!("\t\tip saddr {source} ip daddr {destination} {proto} dport {} {verdict}\n", 1 + n % 60_000)
    };
    let head = "table inet filter {\n\tchain forward {\n\t\ttype filter hook forward priority 0; policy drop;\n";
    format!("{head}{}\t}}\n}}\n", (0..10_000).map(rule).collect::<String>())
}

/// Whether nft itself reads a script here: it needs a network namespace of its own.
fn nft_checks(text: &str) -> bool {
    let file = std::env::temp_dir().join(format!("fwgate-bench-{}.nft", std::process::id()));
    std::fs::write(&file, text).unwrap();
    let status = Command::new("unshare").args(["-n", "nft", "-c", "-f"]).arg(&file).stderr(Stdio::null()).status();
    let _ = std::fs::remove_file(&file);
    status.is_ok_and(|s| s.success())
}

fn nft_script(c: &mut Criterion) {
    let text = nft_rules();
    let mut contenders: Vec<Contender<'_>> =
        vec![("read 10,000 rules of nft", Box::new(|| drop(black_box(read("rules.nft", &text)))))];
    if nft_checks("table ip t {\n}\n") {
        contenders.push(("nft -c -f of the same", Box::new(|| assert!(nft_checks(&text)))));
    } else {
        eprintln!("\n!!! SKIPPED: no `unshare -n nft -c -f` here: the yardstick is missing\n");
    }
    row(c, "10,000 rules of nft", contenders);
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name] = args.as_slice()
        && flag == "--once"
    {
        return once(name);
    }
    let wanted: Vec<&String> = args.iter().filter(|a| !a.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|w| *w == name);
    let mut c = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_secs(2))
        .without_plots();
    type Row = (&'static str, fn(&mut Criterion));
    let rows: [Row; 8] = [
        ("few", few_in_many),
        ("acl10000", |c| compared(c, "acl10000")),
        ("eq10000", |c| compared(c, "eq10000")),
        ("grp100000", |c| compared(c, "grp100000")),
        ("chains", dump_with_chains),
        ("fleet", fleet),
        ("set", large_set),
        ("nft", nft_script),
    ];
    rows.iter().filter(|(name, _)| is_wanted(name)).for_each(|(_, work)| work(&mut c));
    println!();
    for name in ["acl10000", "eq10000", "grp100000", "acl100000"].into_iter().filter(|n| is_wanted(n)) {
        in_a_process(name);
    }
    c.final_summary();
}
