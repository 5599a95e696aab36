//! `nft` in a network namespace of its own, where it changes nothing that anybody uses.

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// What nft says to a script.
pub struct Answer {
    /// Whether it took it.
    pub taken: bool,
    /// What it printed for people.
    pub errors: String,
    /// What it printed.
    pub output: String,
}

/// Whether nft can be asked. Where somebody insists, it must.
pub fn is_there() -> bool {
    let there = run("nft list ruleset", "").is_some_and(|output| output.status.success());
    let required = std::env::var("FWGATE_REQUIRE_KERNEL").is_ok_and(|value| value == "1");
    assert!(there || !required, "nft cannot be run in a network namespace");
    if !there {
        eprintln!("SKIPPED: nft cannot be run in a network namespace");
    }
    there
}

/// What nft says to a script that it only checks.
pub fn check(script: &str) -> Answer {
    answer("nft -c -f -", script)
}

/// What nft lists after it has loaded a script: as text, or as JSON with `-j`.
pub fn listing(script: &str, option: &str) -> Answer {
    answer(&format!("nft -f - && nft {option} list ruleset"), script)
}

fn answer(command: &str, script: &str) -> Answer {
    let output = run(command, script).expect("nft can be run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Answer { taken: output.status.success(), errors: text(&output.stderr), output: text(&output.stdout) }
}

/// Runs a command of the shell in fresh namespaces.
fn run(command: &str, input: &str) -> Option<Output> {
    let mut child = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "sh", "-c", command])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(input.as_bytes()).ok();
    child.wait_with_output().ok()
}
