//! The process dies between two writes, at each of them in turn: what it leaves is the old state or the new one, and the same command
//! run again comes to the end that it would have had.
#![cfg(debug_assertions)]

use crate::scene::{RULES, has_program, stock_git};
use crate::stage::{APPROVERS, CHANGE, Facts, proposed};
use crate::two_fleet::Fleet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// More places than any command has.
const MANY: usize = 400;

/// Runs a command that dies at the place of this number; `None` where it came to its end.
fn dying(command: &mut Command, place: usize) -> Option<String> {
    dying_at(command, &place.to_string())
}

/// The same at a place by its name: `after the remote took it#3`.
fn dying_at(command: &mut Command, place: &str) -> Option<String> {
    let Output { status, stderr, .. } = command.env("FWGATE_CRASH_AT", place).output().unwrap();
    let told = String::from_utf8_lossy(&stderr).into_owned();
    let at = told.lines().find_map(|line| line.strip_prefix("crashed at: ")).map(str::to_owned);
    assert_eq!(at.is_some(), status.code().is_none(), "{told}");
    at
}

/// For each place of a command: a world, the command that dies there, what must hold then, and after the same command again.
fn at_every_place(
    least: usize,
    world: impl Fn() -> Fleet,
    arguments: impl Fn(&Fleet) -> Vec<String>,
    between: impl Fn(&Fleet, &str),
    end: impl Fn(&Fleet, &str),
) {
    for place in 1..MANY {
        let fleet = world();
        let arguments = arguments(&fleet);
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let Some(at) = dying(&mut fleet.command("one", &words), place) else {
            assert!(place > least, "only {} places", place - 1);
            end(&fleet, "without dying");
            return;
        };
        let what = format!("{words:?} at place {place}, {at}");
        sound(&fleet, &what);
        between(&fleet, &what);
        let again = fleet.fwgate("one", &words);
        let is_done = again.to_string().contains("has a ledger already");
        assert!(again.exit == 0 || is_done, "{what}: again: {again}");
        end(&fleet, &what);
    }
    panic!("the command never ends");
}

/// The evidence on the remote can be read, and so can the clone.
fn sound(fleet: &Fleet, what: &str) {
    let checked = stock_git(&fleet.scene.remote_path()).args(["rev-list", "--objects", "--all"]).output().unwrap();
    assert!(checked.status.success(), "{what}: {}", String::from_utf8_lossy(&checked.stderr));
    if fleet.scene.head_of(crate::scene::LEDGER).is_none() {
        return;
    }
    let shown = fleet.fwgate("one", &["change", "show", CHANGE, "--format", "json"]);
    let broken = ["LEDGER_FORK", "HISTORY_REWRITTEN", "COMMIT_MALFORMED", "HISTORY_UNVERIFIABLE", "EVIDENCE_STALE"];
    assert!(shown.out.contains("\"state\""), "{what}: {shown}");
    assert!(!broken.iter().any(|code| shown.out.contains(code)), "{what}: {shown}");
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn records(fleet: &Fleet) -> usize {
    let branch = crate::scene::changes(CHANGE);
    let Some(head) = fleet.scene.head_of(&branch) else { return 0 };
    let mut walk = fleet.scene.remote().revwalk().unwrap();
    walk.push(crate::stage::oid(&head)).unwrap();
    walk.count() - 1
}

/// Announced and vetted, an hour ago.
fn announced() -> (Fleet, Facts) {
    let fleet = Fleet::new();
    let facts = fleet.announced();
    fleet.present();
    (fleet, facts)
}

#[test]
fn a_record_is_on_the_branch_or_not() {
    let of = |kind: &'static str| {
        move |fleet: &Fleet| {
            let key = fleet.key("bob");
            let more: &[&str] = match kind {
                "approve" => &["--role", "network", "--yes"],
                _ => &["--reason", "too wide"],
            };
            words(&[&["change", kind, CHANGE, "--key", &key][..], more].concat())
        }
    };
    for kind in ["approve", "reject"] {
        let before = records(&announced().0);
        at_every_place(
            4,
            || announced().0,
            of(kind),
            |fleet, what| assert!([before, before + 1].contains(&records(fleet)), "{what}"),
            // Said once, or twice where nobody could know that it had arrived: persons are counted, not records.
            |fleet, what| assert!([before + 1, before + 2].contains(&records(fleet)), "{what}"),
        );
    }
}

#[test]
fn an_announcement_is_on_the_branch_or_not() {
    let world = || {
        let fleet = Fleet::new();
        fleet.propose(&[]);
        fleet.scene.witness();
        fleet.present();
        let clone = fleet.clone_path();
        for arguments in [["fetch", "-q", "origin"], ["checkout", "-q", "origin/work"]] {
            crate::scene::run(stock_git(&clone).args(arguments));
        }
        fleet
    };
    at_every_place(
        4,
        world,
        |fleet| words(&["change", "new", CHANGE, "--key", &fleet.key("alice")]),
        |fleet, what| assert!(records(fleet) <= 1, "{what}"),
        |fleet, what| assert!((1..=2).contains(&records(fleet)), "{what}"),
    );
}

#[test]
fn a_witness_is_in_the_ledger_or_not() {
    let entries = |fleet: &Fleet| {
        let head = fleet.scene.head_of(crate::scene::LEDGER);
        head.map_or(0, |head| {
            let mut walk = fleet.scene.remote().revwalk().unwrap();
            walk.push(crate::stage::oid(&head)).unwrap();
            walk.count() - 1
        })
    };
    at_every_place(
        3,
        || {
            let fleet = Fleet::new();
            fleet.present();
            fleet
        },
        |fleet| words(&["ledger", "init", "--key-ledger", &fleet.key("ledger")]),
        |fleet, what| assert!(entries(fleet) <= 1, "{what}"),
        |fleet, what| assert!((1..=2).contains(&entries(fleet)), "{what}"),
    );
}

#[test]
fn a_permit_is_a_whole_file_or_none() {
    let path = |fleet: &Fleet| fleet.permit_path(CHANGE);
    let whole = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.is_empty() && !path.exists() || text.trim_end().ends_with("-----END SSH SIGNATURE-----")
    };
    at_every_place(
        3,
        || {
            let fleet = Fleet::new();
            fleet.ready();
            fleet.clone_path();
            fleet
        },
        |fleet| {
            let (out, key) = (path(fleet), fleet.key("deployer"));
            words(&["permit", CHANGE, "--holder", "runner", "--out", out.to_str().unwrap(), "--key-permit", &key])
        },
        |fleet, what| assert!(whole(&path(fleet)), "{what}"),
        |fleet, what| assert!(path(fleet).exists() && whole(&path(fleet)), "{what}"),
    );
}

/// Where a push dies: around everything that the remote and the devices get.
const STEPS: [(&str, usize); 4] = [
    ("before the remote takes it", 6),
    ("after the remote took it", 6),
    ("before a program of a transport", 6),
    ("after a program of a transport", 6),
];

/// A push that dies anywhere leaves each device at the baseline or the proposal and the ledger whole. Nobody else goes on while its
/// lease holds, and an operator takes it back at once.
#[test]
fn a_push_that_dies_anywhere_can_be_taken_back() {
    let mut ends = std::collections::BTreeSet::new();
    for (step, least) in STEPS {
        let deaths =
            (1..MANY).take_while(|number| died_and_was_taken_back(&format!("{step}#{number}"), &mut ends)).count();
        assert!(deaths >= least, "{step}: only {deaths} places");
    }
    assert_eq!(ends.len(), 2, "it died before the device was touched, and after");
}

/// Whether a push died at a place; then everything that must hold was asked.
fn died_and_was_taken_back(place: &str, ends: &mut std::collections::BTreeSet<bool>) -> bool {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.permit().granted();
    let (ledger, receiver, permit) = (fleet.key("ledger"), fleet.key("receiver"), fleet.permit_path(CHANGE));
    let keys = ["--key-ledger", &ledger, "--key-production", &receiver];
    let push = ["push", CHANGE, "--holder", "runner", "--permit", permit.to_str().unwrap()];
    if dying_at(&mut fleet.command("one", &[&push[..], &keys].concat()), place).is_none() {
        assert_eq!(fleet.running("edge1"), proposed());
        return false;
    }
    let runs = fleet.running("edge1");
    assert!(runs == RULES || runs == proposed(), "{place}: {runs}");
    ends.insert(runs == RULES);
    sound(&fleet, place);
    let again = fleet.push();
    let is_claimed =
        ["PERMIT_CLAIMED", "PERMIT_SPENT", "EMPTY_CHANGE"].iter().any(|code| again.to_string().contains(code));
    assert!(again.exit == 0 || is_claimed, "{place}: {again}");
    let alice = fleet.key("alice");
    let taken = fleet.fwgate("two", &[&["push", CHANGE, "--rollback", "--key", &alice][..], &keys].concat());
    assert!(taken.exit == 0 || taken.to_string().contains("knows of no push"), "{place}: {taken}");
    assert_eq!(fleet.running("edge1"), RULES, "{place}");
    true
}

#[test]
fn the_log_has_the_change_or_not() {
    let world = || {
        let fleet = Fleet::new();
        fleet.ready();
        fleet.permit().granted();
        let (receiver, permit) = (fleet.key("receiver"), fleet.permit_path(CHANGE));
        // The change is applied, and its log cannot be written yet: the ledger's key comes later.
        let ledger = fleet.key("ledger");
        let keys = ["--key-ledger", &ledger, "--key-production", &receiver];
        let push = ["push", CHANGE, "--holder", "runner", "--permit", permit.to_str().unwrap()];
        let log = fleet.scene.remote_path().join("refs/heads/fwgate/log.lock");
        std::fs::create_dir_all(log.parent().unwrap()).unwrap();
        std::fs::write(&log, b"").unwrap();
        let answer = fleet.fwgate("one", &[&push[..], &keys].concat());
        std::fs::remove_file(&log).unwrap();
        assert!(answer.exit == 0 && answer.err.contains("not in the log yet"), "{answer}");
        fleet
    };
    let merges = |fleet: &Fleet| {
        let audit = fleet.fwgate("one", &["audit", "--format", "json"]);
        let document: serde_json::Value = serde_json::from_str(&audit.out).unwrap_or_default();
        document["merges"].as_u64().unwrap_or(0)
    };
    for place in 1..MANY {
        let fleet = world();
        let (ledger, permit) = (fleet.key("ledger"), fleet.permit_path(CHANGE));
        let close = ["change", "close", CHANGE, "--key-ledger", &ledger, "--permit", permit.to_str().unwrap()];
        let Some(at) = dying(&mut fleet.command("one", &close), place) else {
            assert!(place > 3, "only {} places", place - 1);
            return assert_eq!(merges(&fleet), 1);
        };
        let what = format!("place {place}, {at}");
        sound(&fleet, &what);
        let again = fleet.fwgate("one", &close);
        let is_there = again.to_string().contains("in the log already");
        assert!(again.exit == 0 || is_there, "{what}: {again}");
        assert_eq!(merges(&fleet), 1, "{what}");
    }
    panic!("it never ends");
}

#[test]
fn an_export_is_a_whole_file_or_the_old_one() {
    let fleet = Fleet::new();
    fleet.ready();
    fleet.permit().granted();
    fleet.push().applied();
    let out = fleet.here().join("audit.json");
    let arguments = ["audit", "--format", "json", "--out", out.to_str().unwrap()];
    let mut passed = 0;
    for old in [None, Some("old\n")] {
        for place in 1..MANY {
            let _ = std::fs::remove_file(&out);
            old.iter().for_each(|text| std::fs::write(&out, text).unwrap());
            let died = dying(&mut fleet.command("one", &arguments), place);
            let text = std::fs::read_to_string(&out).ok();
            let is_whole = text.as_deref().is_some_and(|t| serde_json::from_str::<serde_json::Value>(t).is_ok());
            assert!(text.as_deref() == old && died.is_some() || is_whole, "place {place}: {text:?}");
            if died.is_none() {
                break;
            }
            passed += 1;
        }
    }
    assert!(passed >= 6, "{passed} places");
}

#[test]
fn a_beginning_is_whole_or_repeated() {
    if !has_program("git") {
        return;
    }
    let keys = Fleet::new();
    let public = |name: &str| format!("{name}={}.pub", keys.key(name));
    let (alice, bob) = (public("alice"), public("bob"));
    let machines = ["permit=deployer", "ledger=ledger", "receipt-staging=stager", "receipt-production=receiver"];
    let machines = machines.map(|given| {
        let (purpose, name) = given.split_once('=').unwrap();
        format!("{purpose}={}.pub", keys.key(name))
    });
    for place in 1..MANY {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().canonicalize().unwrap();
        let repository = here.join("repository");
        std::fs::create_dir(&repository).unwrap();
        crate::scene::run(stock_git(&repository).args(["init", "-q", "-b", "main"]));
        let (root, policy): (PathBuf, PathBuf) = (here.join("root.toml"), repository.join("fwgate.toml"));
        let init = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_fwgate"));
            command.args(["init", "--two", "--root"]).arg(&root).args(["--repository", "example/firewalls"]);
            command.args(["--remote", "ssh://git@example.net/firewalls", "--person", &alice, "--person", &bob]);
            for machine in &machines {
                command.args(["--machine", machine]);
            }
            command.current_dir(&repository);
            command
        };
        let died = dying(&mut init(), place);
        let whole = |path: &Path, last: &str| std::fs::read_to_string(path).map_or(true, |text| text.contains(last));
        assert!(whole(&policy, "receipt-production") && whole(&root, "]\n"), "place {place}");
        let output = init().output().unwrap();
        assert!(output.status.success(), "place {place}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(root.exists() && policy.exists());
        if died.is_none() {
            assert!(place > 6, "only {} places", place - 1);
            return;
        }
    }
    panic!("it never ends");
}

/// Approvals that were pushed twice by a run that died count once.
#[test]
fn what_was_said_twice_counts_once() {
    let (fleet, facts) = announced();
    for (who, role) in APPROVERS {
        fleet.approve(who, role, &facts);
    }
    fleet.approve("bob", "network", &facts);
    fleet.scene.witness();
    fleet.permit().granted();
    let (fleet, facts) = announced();
    fleet.approve("bob", "network", &facts);
    fleet.approve("bob", "network", &facts);
    fleet.approve("dave", "security", &facts);
    fleet.scene.witness();
    fleet.permit().denied("APPROVAL_MISSING");
}
