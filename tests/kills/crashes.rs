//! Commands that write evidence die at each of their places.

use crate::points;
use crate::scene::{LEDGER, RULES, changes, run, stock_git};
use crate::stage::{APPROVERS, CHANGE, Facts, oid, proposed};
use crate::two_fleet::{Answer, Fleet};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

/// Of a place that is passed many times, so many are tried: the first, the last, and one between.
const TRIED: usize = 3;

/// Every place that a command passes, with how often, when it is not killed.
pub fn passed(command: &mut Command) -> BTreeMap<String, usize> {
    let Output { status, stdout, stderr } = command.env("FWGATE_CRASH_AT", "nowhere").output().unwrap();
    let told = String::from_utf8_lossy(&stderr).into_owned();
    assert!(status.code().is_some_and(|code| code < 2), "{told}{}", String::from_utf8_lossy(&stdout));
    let mut out = BTreeMap::new();
    for place in told.lines().filter_map(|line| line.strip_prefix("passed: ")) {
        *out.entry(place.to_owned()).or_default() += 1;
    }
    out
}

/// The places at which a command is killed, held against its row of the table: `after the remote took it#3`.
pub fn places(name: &str, command: &mut Command) -> Vec<String> {
    let passed = passed(command);
    let found: BTreeSet<&str> = passed.keys().map(String::as_str).collect();
    assert_eq!(found, points::of(name), "`{name}` passes other places than its row says");
    let of_one = |(place, count): (&String, &usize)| {
        let numbers: BTreeSet<usize> = (0..TRIED).map(|at| 1 + at * (count - 1) / (TRIED - 1)).collect();
        numbers.into_iter().map(|number| format!("{place}#{number}")).collect::<Vec<_>>()
    };
    passed.iter().flat_map(of_one).collect()
}

/// Runs a command that dies at a place.
pub fn die(command: &mut Command, place: &str) {
    let Output { status, stderr, .. } = command.env("FWGATE_CRASH_AT", place).output().unwrap();
    let told = String::from_utf8_lossy(&stderr);
    assert!(status.code().is_none() && told.contains("crashed at: "), "{place}: {told}");
}

/// For each place of a command: a world, the command that dies there, what must hold then, and after the same command again.
fn at_every_place(
    name: &str,
    world: impl Fn() -> Fleet,
    arguments: impl Fn(&Fleet) -> Vec<String>,
    between: impl Fn(&Fleet, &str),
    end: impl Fn(&Fleet, &str),
) {
    let begun = |fleet: &Fleet| {
        let arguments = arguments(fleet);
        fleet.command("one", &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let whole = world();
    let places = places(name, &mut begun(&whole));
    end(&whole, "without dying");
    for place in places {
        let fleet = world();
        let what = format!("{name}, {place}");
        die(&mut begun(&fleet), &place);
        sound(&fleet, &what);
        between(&fleet, &what);
        let again = answer(&mut begun(&fleet));
        let is_done =
            ["has a ledger already", "in the log already"].iter().any(|words| again.to_string().contains(words));
        assert!(again.exit == 0 || is_done, "{what}: again: {again}");
        sound(&fleet, &what);
        end(&fleet, &what);
    }
}

/// What a command answers.
pub fn answer(command: &mut Command) -> Answer {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Answer { exit: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

/// The evidence on the remote can be read, and so can the clone.
pub fn sound(fleet: &Fleet, what: &str) {
    let checked = stock_git(&fleet.scene.remote_path()).args(["rev-list", "--objects", "--all"]).output().unwrap();
    assert!(checked.status.success(), "{what}: {}", String::from_utf8_lossy(&checked.stderr));
    if fleet.scene.head_of(LEDGER).is_none() {
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

/// How many commits of evidence a branch has.
pub fn commits(fleet: &Fleet, branch: &str) -> usize {
    let Some(head) = fleet.scene.head_of(branch) else { return 0 };
    let mut walk = fleet.scene.remote().revwalk().unwrap();
    walk.push(oid(&head)).unwrap();
    walk.count() - 1
}

fn records(fleet: &Fleet) -> usize {
    commits(fleet, &changes(CHANGE))
}

/// Announced and vetted, an hour ago.
pub fn announced() -> (Fleet, Facts) {
    let fleet = Fleet::new();
    let facts = fleet.announced();
    fleet.present();
    (fleet, facts)
}

/// A record is there, once or, where nobody could know that it had arrived, twice; and never half of one.
fn a_record(name: &str, world: impl Fn() -> Fleet, arguments: impl Fn(&Fleet) -> Vec<String>) {
    let before = records(&world());
    at_every_place(
        name,
        world,
        arguments,
        |fleet, what| assert!([before, before + 1].contains(&records(fleet)), "{what}"),
        |fleet, what| assert!([before + 1, before + 2].contains(&records(fleet)), "{what}"),
    );
}

#[test]
fn an_approval_is_on_the_branch_or_not() {
    a_record(
        "change approve",
        || announced().0,
        |fleet| words(&["change", "approve", CHANGE, "--role", "network", "--yes", "--key", &fleet.key("bob")]),
    );
}

/// Records that say one thing.
fn a_word(kind: &str, more: &[&str]) {
    let name = format!("change {kind}");
    a_record(
        &name,
        || announced().0,
        |fleet| words(&[&["change", kind, CHANGE, "--key", &fleet.key("carol")][..], more].concat()),
    );
}

#[test]
fn a_rejection_is_on_the_branch_or_not() {
    a_word("reject", &["--reason", "too wide"]);
    a_word("reissue", &["--reason", "again", "--becomes", "CHG-9"]);
}

#[test]
fn what_takes_back_or_lifts_is_on_the_branch_or_not() {
    let record = format!("sha256:{}", "ab".repeat(32));
    a_word("revoke", &["--reason", "a slip", "--record", &record]);
    a_word("override-reject", &["--reason", "mended", "--record", &record, "--role", "network"]);
}

#[test]
fn a_window_or_a_hold_is_on_the_branch_or_not() {
    a_word("schedule", &["--start", "2031-01-01T01:00:00Z", "--end", "2031-01-01T02:00:00Z"]);
    a_word("hold", &["--reason", "odd load"]);
    a_word("withdraw", &["--reason", "not needed"]);
}

#[test]
fn an_emergency_and_its_review_are_on_the_branch_or_not() {
    a_word("emergency", &["--reason", "a scan"]);
    a_word("review", &["--reason", "right", "--role", "network"]);
}

/// Proposed, and the clone stands there.
pub fn unannounced() -> Fleet {
    let fleet = Fleet::new();
    fleet.propose(&[]);
    fleet.scene.witness();
    fleet.present();
    let clone = fleet.clone_path();
    for arguments in [["fetch", "-q", "origin"], ["checkout", "-q", "origin/work"]] {
        run(stock_git(&clone).args(arguments));
    }
    fleet
}

#[test]
fn an_announcement_is_on_the_branch_or_not() {
    a_record("change new", unannounced, |fleet| words(&["change", "new", CHANGE, "--key", &fleet.key("alice")]));
}

#[test]
fn asking_about_a_policy_keeps_what_was_fetched_or_not() {
    let arguments = |_: &Fleet| words(&["policy", "change", CHANGE]);
    at_every_place("policy change", || announced().0, arguments, |_, _| {}, |_, _| {});
}

#[test]
fn a_witness_is_in_the_ledger_or_not() {
    let entries = |fleet: &Fleet| commits(fleet, LEDGER);
    let begun = || {
        let fleet = Fleet::new();
        fleet.present();
        fleet
    };
    at_every_place(
        "ledger init",
        begun,
        |fleet| words(&["ledger", "init", "--key-ledger", &fleet.key("ledger")]),
        |fleet, what| assert!(entries(fleet) <= 1, "{what}"),
        |fleet, what| assert!((1..=2).contains(&entries(fleet)), "{what}"),
    );
    let before = entries(&announced().0);
    at_every_place(
        "ledger witness",
        || announced().0,
        |fleet| words(&["ledger", "witness", "--key-ledger", &fleet.key("ledger")]),
        |fleet, what| assert!([before, before + 1].contains(&entries(fleet)), "{what}"),
        |fleet, what| assert!([before + 1, before + 2].contains(&entries(fleet)), "{what}"),
    );
}

/// Announced, and not vetted yet.
pub fn unvetted(fleet: Fleet) -> Fleet {
    let head = fleet.propose(&[]);
    let facts = fleet.facts(CHANGE, &head);
    fleet.announce("alice", &facts);
    fleet.scene.witness();
    fleet.present();
    fleet
}

#[test]
#[cfg(target_os = "linux")]
fn a_receipt_of_the_kernel_is_on_the_branch_or_not() {
    let world = || unvetted(Fleet::new());
    let arguments = |fleet: &Fleet| words(&["vet", CHANGE, "--key-staging", &fleet.key("stager")]);
    let fleet = world();
    let tried = fleet.fwgate("one", &["vet", CHANGE]);
    if tried.exit != 0 {
        assert_ne!(std::env::var("FWGATE_REQUIRE_KERNEL").as_deref(), Ok("1"), "the kernel must be asked: {tried}");
        eprintln!("SKIPPED: {tried}");
        return;
    }
    a_record("vet", world, arguments);
}

/// Announced, to be vetted on a staging device whose program and rules are in a folder.
pub fn rehearsed(here: &Path) -> Fleet {
    let program = here.join("rehearse");
    let script = format!(
        "case $1 in read) echo \"# read\"; cat {0} ;; apply) cat \"$2\" > {0} ;; esac\n",
        here.join("runs").display()
    );
    std::fs::write(&program, script).unwrap();
    let call = |verb: &str, more: &str| format!("{verb} = [\"dash\", {program:?}, \"{verb}\"{more}]\n");
    let staging = format!(
        "\n[[transport]]\nid = \"rehearsal\"\nenvironment = \"staging\"\ndevices = [\"stage1\"]\n{}{}\n[[stands_for]]\ndevice = \"edge1\"\n\
         staging = \"stage1\"\n",
        call("read", ""),
        call("apply", ", \"{file}\""),
    );
    let fleet = Fleet::with(&["edge1"], |text| {
        *text = text.replace("staging = \"namespace\"", "staging = \"device\"") + &staging;
    });
    let facts = ("devices/stage1/device.toml", "environment = \"staging\"\n");
    fleet.scene.main(&[("devices/stage1/rules.v4", RULES), facts]);
    unvetted(fleet)
}

#[test]
fn a_receipt_of_a_staging_device_is_on_the_branch_or_not() {
    let here = tempfile::tempdir().unwrap();
    a_record(
        "stage",
        || rehearsed(here.path()),
        |fleet| words(&["stage", CHANGE, "--key-staging", &fleet.key("stager")]),
    );
}

/// The end of a line that a person writes on the branch of a change of its own.
fn own_record(name: &str, id: &'static str, arguments: impl Fn(&Fleet) -> Vec<String>) {
    let count = |fleet: &Fleet| commits(fleet, &changes(id));
    at_every_place(
        name,
        || announced().0,
        arguments,
        |fleet, what| assert!(count(fleet) <= 1, "{what}"),
        |fleet, what| assert!((1..=2).contains(&count(fleet)), "{what}"),
    );
}

#[test]
fn an_adoption_is_on_the_branch_or_not() {
    own_record("adopt", "CHG-7", |fleet| {
        let key = fleet.key("carol");
        let tail = ["--role", "network", "--reason", "day one", "--key", &key];
        words(&[&["adopt", "edge1", "--change", "CHG-7", "--head", "origin/main"][..], &tail[..]].concat())
    });
    own_record("quarantine", "CHG-8", |fleet| {
        let key = fleet.key("alice");
        let tail = ["--for", "1d", "--reason", "no power", "--key", &key];
        words(&[&["quarantine", "edge1", "--change", "CHG-8"][..], &tail[..]].concat())
    });
}

#[test]
fn a_permit_is_a_whole_file_or_none() {
    let path = |fleet: &Fleet| fleet.permit_path(CHANGE);
    let whole = |fleet: &Fleet| {
        let text = std::fs::read_to_string(path(fleet)).unwrap_or_default();
        text.is_empty() && !path(fleet).exists() || text.trim_end().ends_with("-----END SSH SIGNATURE-----")
    };
    at_every_place(
        "permit",
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
        |fleet, what| assert!(whole(fleet), "{what}"),
        |fleet, what| assert!(path(fleet).exists() && whole(fleet), "{what}"),
    );
}

/// With a permit, and a push that nobody waits long for.
pub fn permitted() -> Fleet {
    let fleet =
        Fleet::with(&["edge1"], |text| *text = text.replace("\"30s\"", "\"4s\"") + "\n[push]\nlease = \"12s\"\n");
    fleet.ready();
    fleet.permit().granted();
    fleet
}

fn push_words(fleet: &Fleet) -> Vec<String> {
    let (ledger, receiver, permit) = (fleet.key("ledger"), fleet.key("receiver"), fleet.permit_path(CHANGE));
    let push = ["push", CHANGE, "--holder", "runner", "--permit", permit.to_str().unwrap()];
    words(&[&push[..], &["--key-ledger", &ledger, "--key-production", &receiver]].concat())
}

fn push_command(fleet: &Fleet) -> Command {
    fleet.command("one", &push_words(fleet).iter().map(String::as_str).collect::<Vec<_>>())
}

/// A push that dies anywhere leaves each device at the baseline or the proposal and the ledger whole. An operator takes it back at
/// once, or the same holder goes on with the same permit when the lease is over.
#[test]
fn a_push_that_dies_anywhere_can_be_taken_back_or_goes_on() {
    let mut ends = BTreeSet::new();
    for (number, place) in places("push", &mut push_command(&permitted())).iter().enumerate() {
        let fleet = permitted();
        die(&mut push_command(&fleet), place);
        ends.insert(fleet.running("edge1") == RULES);
        between_pushes(&fleet, place);
        if number % 7 == 6 { gone_on(&fleet, place) } else { taken_back(&fleet, place) }
    }
    assert_eq!(ends.len(), 2, "it died before the device was touched, and after");
}

/// What must hold when a push has died.
pub fn between_pushes(fleet: &Fleet, what: &str) {
    let runs = fleet.running("edge1");
    assert!(runs == RULES || runs == proposed(), "{what}: {runs}");
    sound(fleet, what);
    // Nobody goes on while the lease of the claim holds; where the claim never arrived, anybody with the permit may.
    let other = fleet.push_as("two", CHANGE, "runner", &fleet.permit_path(CHANGE));
    let codes = ["PERMIT_CLAIMED", "PERMIT_SPENT", "EMPTY_CHANGE"];
    assert!(other.exit == 0 || codes.iter().any(|code| other.to_string().contains(code)), "{what}: {other}");
}

/// An operator takes the change back.
pub fn taken_back(fleet: &Fleet, what: &str) {
    let keys = ["alice", "ledger", "receiver"].map(|name| fleet.key(name));
    let tail = ["--key", &keys[0], "--key-ledger", &keys[1], "--key-production", &keys[2]];
    let taken = fleet.fwgate("two", &[&["push", CHANGE, "--rollback"][..], &tail[..]].concat());
    assert!(taken.exit == 0 || taken.to_string().contains("knows of no push"), "{what}: {taken}");
    assert_eq!(fleet.running("edge1"), RULES, "{what}");
}

/// The same holder goes on with the same permit once the lease is over.
pub fn gone_on(fleet: &Fleet, what: &str) {
    std::thread::sleep(std::time::Duration::from_millis(13_100));
    let again = fleet.push();
    assert!(again.exit == 0 || again.to_string().contains("PERMIT_SPENT"), "{what}: {again}");
    assert_eq!(fleet.running("edge1"), proposed(), "{what}: {again}");
}

/// With a change that was pushed.
pub fn pushed() -> Fleet {
    let fleet = permitted();
    fleet.push().applied();
    fleet
}

/// The way back dies anywhere, and the same command brings the device back and tells the ledger.
#[test]
fn a_way_back_that_dies_anywhere_is_gone_again() {
    let keys = |fleet: &Fleet| ["alice", "ledger", "receiver"].map(|name| fleet.key(name));
    let tail = |keys: &[String; 3]| words(&["--key", &keys[0], "--key-ledger", &keys[1], "--key-production", &keys[2]]);
    let back = |fleet: &Fleet, what: &str| {
        let runs = fleet.running("edge1");
        assert!(runs == RULES || runs == proposed(), "{what}: {runs}");
    };
    at_every_place(
        "push --rollback",
        pushed,
        |fleet| [words(&["push", CHANGE, "--rollback"]), tail(&keys(fleet))].concat(),
        back,
        |fleet, what| {
            assert_eq!(fleet.running("edge1"), RULES, "{what}");
            let shown = fleet.fwgate("one", &["change", "show", CHANGE]);
            assert!(shown.out.contains("ROLLED-BACK") || shown.out.contains("CLOSED"), "{what}: {shown}");
        },
    );
    at_every_place(
        "rollback",
        || {
            let fleet = pushed();
            fleet.run("edge1", &RULES.replace("DROP", "ACCEPT"));
            fleet
        },
        |fleet| [words(&["rollback", "edge1"]), tail(&keys(fleet))].concat(),
        |_, _| {},
        |fleet, what| assert_eq!(fleet.running("edge1"), proposed(), "{what}"),
    );
}

/// The change is applied, and its log could not be written: the lock was somebody else's.
pub fn not_in_the_log() -> Fleet {
    let fleet = permitted();
    let log = fleet.scene.remote_path().join("refs/heads/fwgate/log.lock");
    std::fs::create_dir_all(log.parent().unwrap()).unwrap();
    std::fs::write(&log, b"").unwrap();
    let answer = answer(&mut push_command(&fleet));
    std::fs::remove_file(&log).unwrap();
    assert!(answer.exit == 0 && answer.err.contains("not in the log yet"), "{answer}");
    assert!(answer.err.contains("refs/heads/fwgate/log.lock"), "{answer}");
    fleet
}

#[test]
fn the_log_has_the_change_or_not() {
    let merges = |fleet: &Fleet| {
        let audit = fleet.fwgate("one", &["audit", "--format", "json"]);
        let document: serde_json::Value = serde_json::from_str(&audit.out).unwrap_or_default();
        document["merges"].as_u64().unwrap_or(0)
    };
    at_every_place(
        "change close",
        not_in_the_log,
        |fleet| {
            let (ledger, permit) = (fleet.key("ledger"), fleet.permit_path(CHANGE));
            words(&["change", "close", CHANGE, "--key-ledger", &ledger, "--permit", permit.to_str().unwrap()])
        },
        |fleet, what| assert!(merges(fleet) <= 1, "{what}"),
        |fleet, what| assert_eq!(merges(fleet), 1, "{what}"),
    );
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
