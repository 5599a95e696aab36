//! What the gate costs on a repository that has seen years: 10,000 commits, 1,000 closed changes, 10 open ones, 50 devices of 200
//! rules. The built program, with the programs that it starts, by the clock and by the CPU.
//!
//!     cargo bench --bench show                  # five times each
//!     cargo bench --bench show -- --once        # once each
//!     cargo bench --bench show -- --once kept   # the branches of closed changes are still there
//!     cargo bench --bench show -- --keep DIR    # builds the repository there, and measures nothing
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod archive;
mod families;

use archive::{Archive, Extent};
use std::process::{Command, Stdio};
use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|a| a == word);
    let begun = Instant::now();
    let extent = Extent { keeps_branches: has("kept"), ..Extent::LARGE };
    let archive = Archive::build(extent);
    println!(
        "{extent:?}: {} commits of evidence, {} entries of the ledger; built in {:.1} s",
        archive.evidence,
        archive.entries,
        begun.elapsed().as_secs_f64()
    );
    if let Some(at) = arguments.iter().position(|a| a == "--keep") {
        let target = &arguments[at + 1];
        assert!(Command::new("cp").arg("-a").arg(archive.path()).arg(target).status().unwrap().success());
        return;
    }
    let rounds = if has("--once") { 1 } else { 5 };
    let id = archive.open[0].as_str();
    measure(&archive, "the first fetch", &["change", "show", id], 1);
    for (name, arguments) in [
        ("change show", &["change", "show", id][..]),
        ("change show, JSON", &["change", "show", id, "--format", "json"]),
        ("change show, offline", &["change", "show", id, "--offline"]),
        ("permit", &["permit", id]),
        ("push, what it evaluates before it begins", &["push", id, "--plan"]),
        ("fleet status", &["fleet", "status"]),
        ("change list", &["change", "list"]),
    ] {
        measure(&archive, name, arguments, rounds);
    }
}

/// Runs the program in the clone; the median of its times.
fn measure(archive: &Archive, name: &str, arguments: &[&str], rounds: usize) {
    let mut taken: Vec<(f64, f64)> = (0..rounds).map(|_| run(archive, arguments)).collect();
    taken.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (wall, cpu) = taken[rounds / 2];
    println!("{name}: {wall:.2} s, CPU {cpu:.2} s");
}

fn run(archive: &Archive, arguments: &[&str]) -> (f64, f64) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fwgate"));
    command.args(arguments).arg("--root").arg(archive.root()).current_dir(archive.work());
    command.env("HOME", archive.path()).env("GIT_CONFIG_NOSYSTEM", "1").stdin(Stdio::null());
    let (begun, before) = (Instant::now(), of_children());
    let output = command.output().unwrap();
    let taken = (begun.elapsed().as_secs_f64(), of_children() - before);
    assert_ne!(output.status.code(), None, "{}", String::from_utf8_lossy(&output.stderr));
    if std::env::var_os("FWGATE_SHOW").is_some() {
        print!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    taken
}

/// CPU seconds of the processes that have ended: `cutime` and `cstime` of `proc(5)`, in hundredths.
fn of_children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or_default();
    (ticks(13) + ticks(14)) / 100.0
}
