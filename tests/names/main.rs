//! Zones beside a real server: BIND loads the same master files and answers the same questions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod generate;
mod hostile;
mod written;

use fwgate::names::{Zones, read_zones};
use fwgate::report::{Colour, render_problems};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Files of a tree, by path.
type Files = Vec<(String, String)>;

fn read(files: &Files) -> Result<Zones, String> {
    let bytes: Vec<(&str, &[u8])> = files.iter().map(|(p, t)| (p.as_str(), t.as_bytes())).collect();
    read_zones("zones", &BTreeMap::new(), &bytes).map_err(|e| render_problems(&e.problems, &e.sources, Colour::Never))
}

/// Whether BIND's programs are here. Without them a test says so and proves nothing, unless the kernel tests are required.
fn has_bind() -> bool {
    let found = Command::new("named-compilezone").arg("-v").output().is_ok_and(|o| o.status.success());
    if !found {
        let is_required = std::env::var_os("FWGATE_REQUIRE_KERNEL").is_some_and(|v| v == "1");
        assert!(!is_required, "named-compilezone is missing (Debian: bind9-utils)");
        eprintln!("SKIPPED: named-compilezone is missing");
    }
    found
}

/// The records that BIND loads, in the canonical form of `Zone::canonical_text`; what it says where it loads none.
fn compiled(folder: &Path, apex: &str, file: &str) -> Result<String, String> {
    let checks = ["-i", "none", "-k", "ignore", "-n", "ignore", "-m", "ignore", "-M", "ignore", "-S", "ignore"];
    let more = ["-T", "ignore", "-r", "ignore", "-W", "ignore", "-s", "full", "-o", "-"];
    let mut command = Command::new("named-compilezone");
    let output = command.current_dir(folder).args(checks).args(more).args([apex, file]).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr));
    }
    Ok(canonical(&String::from_utf8(output.stdout).unwrap()))
}

/// Lines of a dump whose types are understood, with single blanks, in lower case but for class and type, sorted.
fn canonical(dump: &str) -> String {
    const TYPES: [&str; 9] = ["A", "AAAA", "NS", "CNAME", "DNAME", "SOA", "PTR", "MX", "SRV"];
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(owner), Some(ttl), Some(kind)) = (words.first(), words.get(1), words.get(3)) else { return None };
        let data = words[4..].join(" ").to_lowercase();
        TYPES.contains(kind).then(|| format!("{} {ttl} IN {kind} {data}", owner.to_lowercase()))
    };
    let mut lines: Vec<String> = dump.lines().filter_map(line).collect();
    lines.sort();
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Both readings of one zone: fwgate's and BIND's.
fn both(files: &Files, apex: &str, path: &str) -> (Result<String, String>, Result<String, String>) {
    let own = read(files).map(|zones| {
        let text = |z: &fwgate::names::Zone| z.canonical_text();
        zones.zones.iter().filter(|z| z.path == path).map(text).collect::<String>()
    });
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let file = path.strip_prefix("zones/").unwrap();
    (own, compiled(&folder.path().join("zones"), apex, file))
}
