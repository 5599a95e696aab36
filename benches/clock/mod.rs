//! Wall and CPU time side by side, and the table of medians that a bench prints at its end.
#![allow(dead_code)]

use std::time::{Duration, Instant};

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What one run took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    pub wall: Duration,
    pub cpu: Duration,
}

/// CPU time of this thread and of the children that were waited for: what a busy machine does not change much.
fn cpu() -> Duration {
    let own = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = own.split(' ').next().and_then(|f| f.parse().ok()).unwrap_or(0);
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<u64>().ok()).unwrap_or(0);
    // `cutime` and `cstime` of proc(5), in ticks of 10 ms.
    Duration::from_nanos(nanos) + Duration::from_millis((ticks(13) + ticks(14)) * 10)
}

/// Runs and times.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Took) {
    let (before, start) = (cpu(), Instant::now());
    let out = work();
    (out, Took { wall: start.elapsed(), cpu: cpu().saturating_sub(before) })
}

/// The most memory this process ever had, in MiB.
pub fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
}

fn seconds(times: impl Iterator<Item = Duration>) -> Vec<f64> {
    let mut out: Vec<f64> = times.map(|t| t.as_secs_f64()).collect();
    out.sort_by(f64::total_cmp);
    out
}

/// The median, in seconds.
pub fn median(times: impl Iterator<Item = Duration>) -> f64 {
    let sorted = seconds(times);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// Prints a row: for each contender the medians, and the median of the CPU times of the first to its own, round by
/// round.
pub fn print(row: &str, names: &[&str], rounds: &[Vec<Took>]) {
    println!("\n{row}: {} rounds, contenders in turn", rounds.len());
    println!("  {:<60} {:>9} {:>10} {:>9} {:>11}", "", "wall s", "fastest s", "CPU s", "first / it");
    for (at, name) in names.iter().enumerate() {
        let mut ratios: Vec<f64> =
            rounds.iter().map(|r| r[0].cpu.as_secs_f64() / r[at].cpu.as_secs_f64().max(1e-9)).collect();
        ratios.sort_by(f64::total_cmp);
        let wall = median(rounds.iter().map(|r| r[at].wall));
        let fastest = seconds(rounds.iter().map(|r| r[at].wall))[0];
        let cpu = median(rounds.iter().map(|r| r[at].cpu));
        let ratio = ratios[ratios.len() / 2];
        println!("  {name:<60} {wall:>9.4} {fastest:>10.4} {cpu:>9.4} {ratio:>11.3}");
    }
}
