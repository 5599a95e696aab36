//! SIGKILL from outside at a known place: while the server looks at what it was sent, when it has taken it and the client does not
//! know yet, and while a device does what it was told. Each hangs there until the kill has come.
//!
//! `FWGATE_KILLS_SEED` says who dies first: the process alone, with its git, or with everything below it.
#![cfg(target_os = "linux")]

use crate::crashes::{announced, answer, commits, not_in_the_log, pushed, rehearsed, sound, unannounced, unvetted};
use crate::outside::{Whom, killed, locks, setting, words};
use crate::points::{COMMANDS, of};
use crate::scene::{LEDGER, RULES, changes};
use crate::stage::{CHANGE, proposed};
use crate::two_fleet::Fleet;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A place at which something hangs.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// A hook of the server, at the how manieth push.
    Server(&'static str, usize),
    /// A verb of a device's transport.
    Device(&'static str),
}

/// A command, and what it writes.
struct Row {
    name: &'static str,
    world: Box<dyn Fn() -> Fleet>,
    arguments: Box<dyn Fn(&Fleet) -> Vec<String>>,
    /// The branch that gets longer by it.
    branch: String,
    /// What devices are told on the way.
    verbs: &'static [&'static str],
    /// What must hold when it has come to its end.
    end: fn(&Fleet, &str),
}

/// A hang that has been prepared in a world.
struct Hang {
    reached: PathBuf,
    go: PathBuf,
    hook: Option<PathBuf>,
}

impl Hang {
    fn at(fleet: &Fleet, place: Place) -> Hang {
        let here = fleet.here();
        let (reached, go) = (here.join("reached"), here.join("go"));
        let wait = |number: usize| {
            format!(
                "echo x >> {0}.count\nif [ $(wc -l < {0}.count) = {number} ]; then\ntouch {0}\ntries=0\n\
                 while [ ! -e {1} ] && [ $tries -lt 400 ]; do sleep 0.05; tries=$((tries+1)); done\nfi\n",
                reached.display(),
                go.display()
            )
        };
        let hook = match place {
            Place::Server(hook, number) => {
                let hook = fleet.scene.remote_path().join("hooks").join(hook);
                executable(&hook, &format!("cat > /dev/null\n{}exit 0", wait(number)));
                Some(hook)
            }
            Place::Device(verb) => {
                let work = match verb {
                    "read" => "echo \"# $3\"; cat \"$here/$device/running\"",
                    "identity" => "echo \"$device\"",
                    "apply" | "rollback" => "cat \"$3\" > \"$here/$device/running\"",
                    _ => ":",
                };
                fleet.behave("edge1", verb, &format!("{}{work}\n", wait(1)));
                None
            }
        };
        Hang { reached, go, hook }
    }

    /// Waits until a process has come here.
    fn wait(&self, child: &mut Child) {
        let begun = Instant::now();
        while !self.reached.exists() {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it came here");
            assert!(begun.elapsed() < Duration::from_secs(60), "it never came here");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whoever still hangs goes on.
    fn release(&self) {
        std::fs::write(&self.go, b"").unwrap();
    }
}

impl Row {
    fn command(&self, fleet: &Fleet) -> Command {
        let words = (self.arguments)(fleet);
        fleet.command("one", &words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// What it comes to when it is not killed: by how much the branch is longer then, and how often something is sent.
    fn whole(&self) -> (usize, usize) {
        let fleet = (self.world)();
        let before = commits(&fleet, &self.branch);
        let sent = fleet.here().join("sent");
        let hook = fleet.scene.remote_path().join("hooks/pre-receive");
        executable(&hook, &format!("cat > /dev/null; echo x >> {}", sent.display()));
        let whole = answer(&mut self.command(&fleet));
        assert_eq!(whole.exit, 0, "{}: {whole}", self.name);
        (self.end)(&fleet, self.name);
        let sent = std::fs::read_to_string(sent).unwrap_or_default().lines().count();
        (commits(&fleet, &self.branch) - before, sent)
    }

    fn dies_at_every_place(&self) {
        let (more, sent) = self.whole();
        assert!(more > 0 && sent > 0, "{}", self.name);
        let of_server = (1..=sent).flat_map(|n| ["pre-receive", "post-receive"].map(|hook| Place::Server(hook, n)));
        let places = of_server.chain(self.verbs.iter().map(|verb| Place::Device(verb)));
        let first = setting("FWGATE_KILLS_SEED", 1) + u64::try_from(self.name.len()).unwrap();
        for (number, place) in (first..).zip(places) {
            let whom = [Whom::Alone, Whom::WithGit, Whom::All][usize::try_from(number % 3).unwrap()];
            self.dies(place, whom, more);
        }
    }

    fn dies(&self, place: Place, whom: Whom, more: usize) {
        let what = format!("{}: {place:?}, {whom:?}", self.name);
        eprintln!("{what}");
        let fleet = (self.world)();
        fleet.clone_path();
        let before = commits(&fleet, &self.branch);
        let hang = Hang::at(&fleet, place);
        killed(&mut self.command(&fleet), whom, |child| hang.wait(child), || hang.release());
        hang.hook.iter().for_each(|hook| std::fs::remove_file(hook).unwrap());
        assert!(locks(&fleet.scene.remote_path()).is_empty(), "{what}");
        sound(&fleet, &what);
        let then = commits(&fleet, &self.branch);
        assert!((before..=before + more).contains(&then), "{what}: {before}, then {then}");
        let again = answer(&mut self.command(&fleet));
        let is_done =
            ["has a ledger already", "in the log already"].iter().any(|words| again.to_string().contains(words));
        assert!(again.exit == 0 || is_done, "{what}: again: {again}");
        sound(&fleet, &what);
        assert!(commits(&fleet, &self.branch) >= before + more, "{what}");
        (self.end)(&fleet, &what);
    }
}

fn executable(path: &Path, script: &str) {
    crate::scene::write(path, format!("#!/bin/sh\n{script}\n").as_bytes());
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn nothing(_: &Fleet, _: &str) {}

/// A record of a person, on a change that was announced.
fn record(name: &'static str, who: &'static str, more: &'static [&'static str]) -> Row {
    let arguments = move |fleet: &Fleet| {
        let verb = name.strip_prefix("change ").unwrap();
        words(&[&["change", verb, CHANGE, "--key", &fleet.key(who)][..], more].concat())
    };
    Row {
        name,
        world: Box::new(|| announced().0),
        arguments: Box::new(arguments),
        branch: changes(CHANGE),
        verbs: &[],
        end: nothing,
    }
}

const RECORD: &str = "sha256:abababababababababababababababababababababababababababababababab";

fn persons() -> Vec<Row> {
    let mut rows = vec![
        record("change approve", "bob", &["--role", "network", "--yes"]),
        record("change reject", "carol", &["--reason", "too wide"]),
        record("change revoke", "carol", &["--reason", "a slip", "--record", RECORD]),
        record("change override-reject", "carol", &["--reason", "mended", "--record", RECORD, "--role", "network"]),
        record("change schedule", "carol", &["--start", "2031-01-01T01:00:00Z", "--end", "2031-01-01T02:00:00Z"]),
        record("change hold", "carol", &["--reason", "odd load"]),
        record("change withdraw", "carol", &["--reason", "not needed"]),
        record("change emergency", "carol", &["--reason", "a scan"]),
        record("change review", "carol", &["--reason", "right", "--role", "network"]),
        record("change reissue", "carol", &["--reason", "again", "--becomes", "CHG-9"]),
    ];
    rows.push(Row {
        world: Box::new(unannounced),
        arguments: Box::new(|fleet| words(&["change", "new", CHANGE, "--key", &fleet.key("alice")])),
        ..record("change new", "alice", &[])
    });
    let quarantine = |fleet: &Fleet| {
        let key = fleet.key("alice");
        let tail = ["--for", "1d", "--reason", "no power", "--key", &key];
        words(&[&["quarantine", "edge1", "--change", "CHG-8"][..], &tail[..]].concat())
    };
    let mut row = record("change hold", "alice", &[]);
    (row.name, row.arguments, row.branch) = ("quarantine", Box::new(quarantine), changes("CHG-8"));
    rows.push(row);
    rows
}

fn machines() -> Vec<Row> {
    let begun = || {
        let fleet = Fleet::new();
        fleet.present();
        fleet
    };
    let row = |name, branch: &str, world: Box<dyn Fn() -> Fleet>, arguments: Box<dyn Fn(&Fleet) -> Vec<String>>| Row {
        name,
        world,
        arguments,
        branch: branch.to_owned(),
        verbs: &[],
        end: nothing,
    };
    let init = |fleet: &Fleet| words(&["ledger", "init", "--key-ledger", &fleet.key("ledger")]);
    let close = |fleet: &Fleet| {
        let (ledger, permit) = (fleet.key("ledger"), fleet.permit_path(CHANGE));
        words(&["change", "close", CHANGE, "--key-ledger", &ledger, "--permit", permit.to_str().unwrap()])
    };
    let mut rows = vec![
        row("ledger init", LEDGER, Box::new(begun), Box::new(init)),
        row(
            "ledger witness",
            LEDGER,
            Box::new(|| announced().0),
            Box::new(|fleet| words(&["ledger", "witness", "--key-ledger", &fleet.key("ledger")])),
        ),
        row("change close", "refs/heads/fwgate/log", Box::new(not_in_the_log), Box::new(close)),
    ];
    let vet = |fleet: &Fleet| words(&["vet", CHANGE, "--key-staging", &fleet.key("stager")]);
    if unvetted(Fleet::new()).fwgate("one", &["vet", CHANGE]).exit == 0 {
        rows.push(row("vet", &changes(CHANGE), Box::new(|| unvetted(Fleet::new())), Box::new(vet)));
    } else {
        assert_ne!(std::env::var("FWGATE_REQUIRE_KERNEL").as_deref(), Ok("1"), "the kernel must be asked");
    }
    rows
}

fn devices(rehearsal: &Path) -> Vec<Row> {
    let keys = |fleet: &Fleet| {
        let keys = ["alice", "ledger", "receiver"].map(|name| fleet.key(name));
        words(&["--key", &keys[0], "--key-ledger", &keys[1], "--key-production", &keys[2]])
    };
    let adopt = |fleet: &Fleet| {
        let key = fleet.key("carol");
        let tail = ["--role", "network", "--reason", "day one", "--key", &key];
        words(&[&["adopt", "edge1", "--change", "CHG-7", "--head", "origin/main"][..], &tail[..]].concat())
    };
    let back = move |fleet: &Fleet| [words(&["push", CHANGE, "--rollback"]), keys(fleet)].concat();
    let edited = || {
        let fleet = pushed();
        fleet.run("edge1", &RULES.replace("DROP", "ACCEPT"));
        fleet
    };
    let program = rehearsal.to_owned();
    vec![
        Row {
            name: "adopt",
            world: Box::new(|| announced().0),
            arguments: Box::new(adopt),
            branch: changes("CHG-7"),
            verbs: &["read"],
            end: nothing,
        },
        Row {
            name: "stage",
            world: Box::new(move || rehearsed(&program)),
            arguments: Box::new(|fleet| words(&["stage", CHANGE, "--key-staging", &fleet.key("stager")])),
            branch: changes(CHANGE),
            verbs: &[],
            end: nothing,
        },
        Row {
            name: "push --rollback",
            world: Box::new(pushed),
            arguments: Box::new(back),
            branch: LEDGER.to_owned(),
            verbs: &["read", "rollback"],
            end: |fleet, what| assert_eq!(fleet.running("edge1"), RULES, "{what}"),
        },
        Row {
            name: "rollback",
            world: Box::new(edited),
            arguments: Box::new(move |fleet| [words(&["rollback", "edge1"]), keys(fleet)].concat()),
            branch: LEDGER.to_owned(),
            verbs: &["read", "rollback"],
            end: |fleet, what| assert_eq!(fleet.running("edge1"), proposed(), "{what}"),
        },
    ]
}

#[test]
fn what_is_said_of_a_change_is_there_or_not() {
    persons().iter().step_by(2).for_each(Row::dies_at_every_place);
}

#[test]
fn what_is_said_besides_is_there_or_not() {
    persons().iter().skip(1).step_by(2).for_each(Row::dies_at_every_place);
}

#[test]
fn what_machines_write_is_there_or_not() {
    machines().iter().for_each(Row::dies_at_every_place);
}

#[test]
fn what_devices_do_is_written_or_not() {
    let here = tempfile::tempdir().unwrap();
    devices(here.path()).iter().for_each(Row::dies_at_every_place);
}

/// What writes to the remote dies while it does; a push at any moment, in `outside.rs`.
#[test]
fn every_command_that_writes_to_the_remote_has_a_row() {
    let here = tempfile::tempdir().unwrap();
    let rows = persons().into_iter().chain(machines()).chain(devices(here.path()));
    let named: BTreeSet<&str> = rows.map(|row| row.name).chain(["push", "vet"]).collect();
    let written = COMMANDS.iter().map(|(name, _)| *name).filter(|name| of(name).contains("after the remote took it"));
    assert_eq!(named, written.collect());
}
