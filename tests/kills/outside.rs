//! SIGKILL from outside, at any moment: the process alone, with the git that it started, or with everything down to the server's side of
//! the transfer, which a hook of the server makes long.
//!
//! `FWGATE_KILLS` says how many kills of each kind are tried, `FWGATE_KILLS_SEED` from which seed on.
#![cfg(target_os = "linux")]

use crate::crashes::{announced, answer, between_pushes, commits, gone_on, permitted, sound, taken_back};
use crate::scene::{LEDGER, changes};
use crate::stage::CHANGE;
use crate::two_fleet::Fleet;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Kills of each kind, where nobody says how many.
const KILLS: u64 = 6;

/// How long the server holds each push, and a device each call of its transport.
const SLOW: &str = "0.15";

/// Who dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// The process alone: what it started comes to its end.
    Alone,
    /// And the git that it started; the server sees the line break.
    WithGit,
    /// And everything below, the server's side included.
    All,
}

pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// A number below a bound, the same for one seed on every machine.
fn roll(seed: u64, bound: u64) -> u64 {
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (seed >> 7);
    (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9) % bound
}

/// Everything that a process started, and what that started, with their names.
fn below(parent: u32) -> Vec<(i32, String)> {
    let mut parents: BTreeMap<i32, (i32, String)> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        let Ok(text) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let (Some(open), Some(close)) = (text.find('('), text.rfind(')')) else { continue };
        let of = text[close + 1..].split_whitespace().nth(1).and_then(|p| p.parse().ok());
        parents.insert(id, (of.unwrap_or_default(), text[open + 1..close].to_owned()));
    }
    let mut found: Vec<(i32, String)> = Vec::new();
    let mut open = vec![i32::try_from(parent).unwrap()];
    while let Some(at) = open.pop() {
        for (id, (_, name)) in parents.iter().filter(|(_, (of, _))| *of == at) {
            found.push((*id, name.clone()));
            open.push(*id);
        }
    }
    found
}

fn kill(id: i32) {
    let _ = kill_process(Pid::from_raw(id).unwrap(), Signal::KILL);
}

fn lives(id: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

/// Runs a command and kills it when `wait` is over; whether it was still at work. Whatever is left alive comes to its end first, when it
/// is released.
pub fn killed(command: &mut Command, whom: Whom, wait: impl FnOnce(&mut Child), release: impl FnOnce()) -> bool {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait(&mut child);
    let was_at_work = child.try_wait().unwrap().is_none();
    let children = below(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    for (id, name) in &children {
        let is_server = name.contains("receive-pack") || name.contains("upload-pack") || name.contains("pre-receive");
        if whom == Whom::All || whom == Whom::WithGit && name.starts_with("git") && !is_server {
            kill(*id);
        }
    }
    release();
    let begun = Instant::now();
    while children.iter().any(|(id, _)| lives(*id)) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{children:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
    was_at_work
}

/// Every lock file below a folder.
pub fn locks(folder: &Path) -> Vec<PathBuf> {
    let (mut open, mut out) = (vec![folder.to_owned()], Vec::new());
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(at).unwrap().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => open.push(path),
                false if path.extension().is_some_and(|e| e == "lock") => out.push(path),
                false => {}
            }
        }
    }
    out
}

/// The server holds every push for a while before it takes it.
fn slow_server(fleet: &Fleet) {
    let hook = fleet.scene.remote_path().join("hooks/pre-receive");
    crate::scene::write(&hook, format!("#!/bin/sh\ncat > /dev/null\nsleep {SLOW}\n").as_bytes());
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Kills a command at many moments; what must hold then, and after the same command again.
fn at_any_moment(
    world: impl Fn() -> Fleet,
    arguments: impl Fn(&Fleet) -> Vec<String>,
    between: impl Fn(&Fleet, &str),
    end: impl Fn(&Fleet, &str, u64),
) {
    let begun = |fleet: &Fleet| {
        let words = arguments(fleet);
        fleet.command("one", &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let ready = || {
        let fleet = world();
        fleet.clone_path();
        slow_server(&fleet);
        fleet
    };
    let fleet = ready();
    let start = Instant::now();
    let whole = answer(&mut begun(&fleet));
    assert_eq!(whole.exit, 0, "{whole}");
    let length = u64::try_from(start.elapsed().as_millis()).unwrap();
    let first = setting("FWGATE_KILLS_SEED", 1);
    for seed in first..first + setting("FWGATE_KILLS", KILLS) {
        let fleet = ready();
        let after = Duration::from_millis(roll(seed, length));
        let whom = [Whom::Alone, Whom::WithGit, Whom::All][usize::try_from(seed % 3).unwrap()];
        let was_at_work = killed(&mut begun(&fleet), whom, |_| std::thread::sleep(after), || {});
        let what = format!("FWGATE_KILLS_SEED={seed}: {whom:?} after {after:?} of {length} ms, at work: {was_at_work}");
        eprintln!("{what}");
        // A server that dies in the instant in which it moves a branch leaves git's own lock, for whoever keeps the server.
        let of_server = locks(&fleet.scene.remote_path());
        assert!(of_server.is_empty() || whom == Whom::All, "{what}: {of_server:?}");
        of_server.iter().for_each(|lock| std::fs::remove_file(lock).unwrap());
        sound(&fleet, &what);
        between(&fleet, &what);
        end(&fleet, &what, seed);
        sound(&fleet, &what);
    }
}

pub fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The same command again, which must come to its end, and how many commits of a branch there are then.
fn appends(branch: &str, world: impl Fn() -> Fleet, arguments: impl Fn(&Fleet) -> Vec<String>) {
    let before = commits(&world(), branch);
    at_any_moment(
        world,
        &arguments,
        |fleet, what| assert!([before, before + 1].contains(&commits(fleet, branch)), "{what}"),
        |fleet, what, _| {
            let words = arguments(fleet);
            let again = fleet.fwgate("one", &words.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(again.exit, 0, "{what}: {again}");
            assert!([before + 1, before + 2].contains(&commits(fleet, branch)), "{what}");
        },
    );
}

#[test]
fn an_approval_is_on_the_branch_or_not() {
    appends(
        &changes(CHANGE),
        || announced().0,
        |fleet| words(&["change", "approve", CHANGE, "--role", "network", "--yes", "--key", &fleet.key("bob")]),
    );
}

#[test]
fn a_witness_is_in_the_ledger_or_not() {
    appends(LEDGER, || announced().0, |fleet| words(&["ledger", "witness", "--key-ledger", &fleet.key("ledger")]));
}

#[test]
fn a_permit_is_a_whole_file_or_none() {
    let world = || {
        let fleet = Fleet::new();
        fleet.ready();
        fleet
    };
    let arguments = |fleet: &Fleet| {
        let (out, key) = (fleet.permit_path(CHANGE), fleet.key("deployer"));
        words(&["permit", CHANGE, "--holder", "runner", "--out", out.to_str().unwrap(), "--key-permit", &key])
    };
    let is_whole = |fleet: &Fleet| {
        let text = std::fs::read_to_string(fleet.permit_path(CHANGE)).ok();
        text.map(|text| text.trim_end().ends_with("-----END SSH SIGNATURE-----"))
    };
    at_any_moment(
        world,
        arguments,
        |fleet, what| assert_ne!(is_whole(fleet), Some(false), "{what}"),
        |fleet, what, _| {
            fleet.permit().granted();
            assert_eq!(is_whole(fleet), Some(true), "{what}");
        },
    );
}

/// A push whose devices and server take their time.
fn slow_push() -> Fleet {
    let fleet = permitted();
    for (verb, work) in [("apply", "cat \"$3\" > \"$here/$device/running\""), ("confirm", ":")] {
        fleet.behave("edge1", verb, &format!("sleep {SLOW}\n{work}"));
    }
    fleet
}

#[test]
fn a_push_is_taken_back_or_goes_on() {
    let arguments = |fleet: &Fleet| {
        let (ledger, receiver, permit) = (fleet.key("ledger"), fleet.key("receiver"), fleet.permit_path(CHANGE));
        let push = ["push", CHANGE, "--holder", "runner", "--permit", permit.to_str().unwrap()];
        words(&[&push[..], &["--key-ledger", &ledger, "--key-production", &receiver]].concat())
    };
    at_any_moment(slow_push, arguments, between_pushes, |fleet, what, seed| match seed % 3 {
        0 | 1 => taken_back(fleet, what),
        _ => gone_on(fleet, what),
    });
}

/// A lock of ours that a process left is taken away; one of somebody who is at work is waited for.
#[test]
fn a_lock_that_nobody_holds_blocks_nobody() {
    let (fleet, _) = announced();
    let folder = fleet.clone_path().join(".git/refs/fwgate");
    assert_eq!(fleet.fwgate("one", &["change", "show", CHANGE]).exit, 1);
    let names = ["remote/fwgate/ledger.lock", "seen/fwgate/ledger.lock"];
    for name in names {
        crate::scene::write(&folder.join(name), b"");
    }
    fleet.scene.witness();
    let written = fleet.fwgate("one", &["ledger", "witness", "--key-ledger", &fleet.key("ledger")]);
    assert_eq!(written.exit, 0, "{written}");
    assert!(locks(&fleet.clone_path().join(".git/refs/fwgate")).is_empty());
}
