//! `fwgate change`: what an author and an approver type, and what they see, in real repositories with real keys.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../pages/browser.rs"]
mod browser;
#[allow(dead_code)]
#[path = "../attacks/evidence.rs"]
mod evidence;
#[allow(dead_code, unused_imports)]
#[path = "../gate/scene/mod.rs"]
mod scene;
#[allow(dead_code, unused_imports)]
#[path = "../attacks/stage.rs"]
mod stage;
#[allow(dead_code)]
#[path = "../attacks/verdict.rs"]
mod verdict;

use stage::{CHANGE, EDGE, Stage, change_file, proposed};

/// The stage's clone as a person's working tree on a branch of its own.
fn author(stage: &Stage, files: &[(&str, &str)]) {
    let path = stage.clone_path();
    let clone = |arguments: &[&str]| scene::run(scene::stock_git(&path).args(arguments));
    clone(&["checkout", "-q", "-b", "portal", "origin/main"]);
    for (name, text) in files {
        scene::write(&path.join(name), text.as_bytes());
    }
    clone(&["add", "-A"]);
    clone(&["-c", "user.name=alice", "-c", "user.email=alice@example.net", "commit", "-q", "-m", "Open the portal"]);
}

fn push(stage: &Stage) {
    scene::run(scene::stock_git(&stage.clone_path()).args(["push", "-q", "origin", "portal"]));
}

/// Runs a command signed by somebody.
fn signed(stage: &Stage, who: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let key = stage.scene.key(who).path;
    stage.run(&[arguments, &["--key", key.to_str().unwrap()]].concat())
}

fn state(stage: &Stage) -> serde_json::Value {
    let (_, text) = stage.run(&["change", "show", CHANGE, "--format", "json"]);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

#[test]
fn a_change_is_begun_with_a_file_that_names_the_devices() {
    let stage = Stage::new();
    author(&stage, &[(EDGE, &proposed())]);
    let (exit, text) = signed(&stage, "alice", &["change", "new", CHANGE, "--title", "Open the portal"]);
    assert_eq!(exit, Some(0), "{text}");
    let file = std::fs::read_to_string(stage.clone_path().join("changes/CHG-1.toml")).unwrap();
    assert!(file.contains("devices = [\"edge1\"]") && file.contains("title = \"Open the portal\""), "{file}");
    assert_eq!(state(&stage)["records"].as_array().unwrap().len(), 0, "nothing is signed by beginning");
}

/// An announcement is of commits: who edits and does not commit is told so first, and not that nothing was changed.
#[test]
fn edits_that_are_not_committed_are_told_first() {
    let stage = Stage::new();
    let path = stage.clone_path();
    let clone = |arguments: &[&str]| scene::run(scene::stock_git(&path).args(arguments));
    clone(&["checkout", "-q", "-b", "portal", "origin/main"]);
    // A second device, which nobody touches, is not in the file to begin with.
    scene::write(&path.join("devices/web9/rules.v4"), proposed().as_bytes());
    clone(&["add", "-A"]);
    clone(&["-c", "user.name=alice", "-c", "user.email=alice@example.net", "commit", "-q", "-m", "A device more"]);
    clone(&["push", "-q", "origin", "HEAD:main"]);
    clone(&["fetch", "-q", "origin"]);
    scene::write(&path.join(EDGE), proposed().as_bytes());
    let new = || signed(&stage, "alice", &["change", "new", CHANGE]);
    let (exit, text) = new();
    assert_eq!(exit, Some(0), "{text}");
    assert!(text.starts_with(&format!("1 file is changed and not committed ({EDGE})\n")), "{text}");
    let file = std::fs::read_to_string(path.join("changes/CHG-1.toml")).unwrap();
    assert!(file.contains("devices = [\"edge1\"]"), "{file}");
    // The file alone is committed.
    scene::write(&path.join("changes/CHG-1.toml"), change_file(CHANGE).as_bytes());
    clone(&["add", "changes"]);
    clone(&["-c", "user.name=alice", "-c", "user.email=alice@example.net", "commit", "-q", "-m", "Open the portal"]);
    let (exit, text) = new();
    assert_eq!(exit, Some(2), "{text}");
    let first = "error: 1 file is changed and not committed (devices/edge1/";
    assert!(text.starts_with(first) && !text.contains("EMPTY_CHANGE"), "{text}");
    assert!(text.contains("commit them, push your branch, and `fwgate change new CHG-1` again"), "{text}");
    // What is committed is announced, and what is edited beside it is told.
    clone(&["add", "devices"]);
    clone(&["-c", "user.name=alice", "-c", "user.email=alice@example.net", "commit", "-q", "-m", "And the rules"]);
    let unpushed = "push your branch, or nobody else can look at it";
    let (exit, text) = new();
    assert!(exit == Some(0) && text.contains(unpushed), "{text}");
    push(&stage);
    scene::write(&path.join("devices/web9/rules.v4"), format!("{}\n", proposed()).as_bytes());
    let (exit, text) = new();
    assert!(exit == Some(0) && text.contains("note: 1 file is changed and not committed (devices/web9/"), "{text}");
    assert!(!text.contains(unpushed), "{text}");
}

/// The page for somebody who would rather look than read: who has signed, what is missing, and what it does.
#[test]
fn the_page_of_a_change_shows_who_has_signed_and_what_is_missing() {
    let stage = Stage::new();
    author(&stage, &[(EDGE, &proposed()), ("changes/CHG-1.toml", &change_file(CHANGE))]);
    push(&stage);
    let (exit, text) = signed(&stage, "alice", &["change", "new", CHANGE]);
    assert_eq!(exit, Some(0), "{text}");
    let (exit, page) = stage.run(&["change", "show", CHANGE, "--format", "html"]);
    assert_eq!(exit, Some(1), "{page}");
    for part in [
        "CHG-1 may not go: ",
        "<h2 id=\"signatures-title\">Who has signed</h2>",
        "alice: change",
        "0 of 2 network",
        "<code>fwgate change approve CHG-1 --role network</code>",
        "<h2 id=\"against-title\">What stands against it</h2>",
        "<h2 id=\"effect-title\">What changes</h2>",
        "aria-label=\"to 10.1.0.0/24",
        "<dt>Meaning</dt>",
    ] {
        assert!(page.contains(part), "no `{part}` in\n{page}");
    }
    browser::look(&[("change.html", page)]);
    let path = stage.clone_path().join("page.html");
    let target = format!("html={}", path.display());
    let (_, text) = stage.run(&["change", "show", CHANGE, "--report", &target]);
    assert!(text.contains("Signed") && std::fs::read_to_string(path).unwrap().starts_with("<!DOCTYPE html>"), "{text}");
    let (exit, text) = stage.run(&["change", "show", CHANGE, "--format", "sarif"]);
    assert_eq!(exit, Some(2), "{text}");
}

#[test]
fn announced_shown_and_approved_by_one_command_each() {
    let stage = Stage::new();
    author(&stage, &[(EDGE, &proposed()), ("changes/CHG-1.toml", &change_file(CHANGE))]);
    push(&stage);
    let (exit, text) = signed(&stage, "alice", &["change", "new", CHANGE]);
    assert_eq!(exit, Some(0), "{text}");
    assert!(
        text.starts_with("announced CHG-1: edge1 opens tcp/443 from 10.2.0.0/16 to 10.1.0.0/24; closes nothing\n"),
        "{text}"
    );
    let (exit, page) = stage.run(&["change", "show", CHANGE]);
    assert_eq!(exit, Some(1), "{page}");
    for part in [
        "What it does",
        "Declared",
        "Checked",
        "Signed",
        "alice: change",
        "Missing",
        "fwgate change approve CHG-1 --role network",
    ] {
        assert!(page.contains(part), "no `{part}` in\n{page}");
    }
    let (exit, text) = signed(&stage, "bob", &["change", "approve", CHANGE, "--role", "network", "--yes"]);
    assert_eq!(exit, Some(0), "{text}");
    assert!(
        text.contains("You would sign, as `network`") && text.contains("signed and pushed: approve of CHG-1"),
        "{text}"
    );
    let document = state(&stage);
    let approval = document["records"].as_array().unwrap().iter().find(|r| r["kind"] == "approve").unwrap();
    assert_eq!((&approval["by"], &approval["role"]), (&"bob".into(), &"network".into()), "{document:#}");
    let (_, list) = stage.run(&["change", "list"]);
    assert!(list.starts_with("CHG-1 ") && list.contains("edge1 opens tcp/443"), "{list}");
}

#[test]
fn the_state_has_the_shape_that_is_published() {
    let stage = Stage::new();
    stage.ready();
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../schemas/change-state.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let document = state(&stage);
    let flaws: Vec<String> = validator.iter_errors(&document).map(|e| e.to_string()).collect();
    assert!(flaws.is_empty(), "{flaws:?}\n{document:#}");
    assert_eq!((&document["granted"], &document["reasons"]), (&true.into(), &serde_json::json!([])), "{document:#}");
}

#[test]
fn what_the_checks_refuse_is_not_announced_unless_somebody_insists() {
    let stage = Stage::new();
    let wider = proposed().replace("--dport 443", "--dport 1:65535");
    author(&stage, &[(EDGE, &wider), ("changes/CHG-1.toml", &change_file(CHANGE))]);
    push(&stage);
    let (exit, text) = signed(&stage, "alice", &["change", "new", CHANGE]);
    assert_eq!(exit, Some(1), "{text}");
    assert!(text.contains("not announced") && text.contains("FW201"), "{text}");
    assert_eq!(state(&stage)["records"], serde_json::json!([]));
    let (exit, text) = signed(&stage, "alice", &["change", "new", CHANGE, "--anyway"]);
    assert_eq!(exit, Some(0), "{text}");
    assert_eq!(state(&stage)["records"][0]["kind"], "change");
}

#[test]
fn a_pinned_commit_that_is_not_here_is_fetched_by_its_id() {
    let stage = Stage::new();
    author(&stage, &[(EDGE, &proposed()), ("changes/CHG-1.toml", &change_file(CHANGE))]);
    push(&stage);
    let (exit, text) = signed(&stage, "alice", &["change", "new", CHANGE]);
    assert_eq!(exit, Some(0), "{text}");
    let other = stage.scene.path().join("approver");
    let url = stage.scene.remote_url();
    scene::run(scene::stock_git(&stage.scene.path()).args([
        "clone",
        "-q",
        "--single-branch",
        "-b",
        "main",
        &url,
        other.to_str().unwrap(),
    ]));
    let verdict = stage.permit_in(&other, CHANGE, &[]);
    assert!(!verdict.codes().contains(&"HISTORY_UNVERIFIABLE"), "{verdict}");
    assert!(verdict.codes().contains(&"APPROVAL_MISSING"), "{verdict}");
}

#[test]
fn a_rejection_stops_and_its_own_signer_takes_it_back() {
    let stage = Stage::new();
    stage.ready();
    let (exit, text) = signed(&stage, "carol", &["change", "reject", CHANGE, "--reason", "not before the audit"]);
    assert_eq!(exit, Some(0), "{text}");
    let digest = text.rsplit_once('(').unwrap().1.trim_end().trim_end_matches(')').to_owned();
    stage.permit().denied("REJECTED");
    let (exit, text) =
        signed(&stage, "carol", &["change", "revoke", CHANGE, "--record", &digest, "--reason", "the audit is over"]);
    assert_eq!(exit, Some(0), "{text}");
    assert!(!stage.permit().codes().contains(&"REJECTED"));
}

#[test]
fn a_signature_that_could_not_count_goes_nowhere() {
    let stage = Stage::new();
    author(&stage, &[(EDGE, &proposed()), ("changes/CHG-1.toml", &change_file(CHANGE))]);
    push(&stage);
    let (exit, text) = signed(&stage, "mallory", &["change", "new", CHANGE]);
    assert!(exit == Some(2) && text.contains("SIGNER_UNKNOWN"), "{text}");
    let (exit, text) = signed(&stage, "deployer", &["change", "new", CHANGE]);
    assert!(exit == Some(2) && text.contains("the machine `deployer`"), "{text}");
    assert_eq!(state(&stage)["records"], serde_json::json!([]));
    signed(&stage, "alice", &["change", "new", CHANGE]);
    let approve = |who: &str, role: &str| signed(&stage, who, &["change", "approve", CHANGE, "--role", role, "--yes"]);
    for (who, role, code) in [
        ("alice", "network", "SELF_APPROVAL"),
        ("dave", "network", "ROLE_MISSING"),
        ("mallory", "network", "SIGNER_UNKNOWN"),
    ] {
        let (exit, text) = approve(who, role);
        assert!(exit == Some(2) && text.contains("nothing was pushed") && text.contains(code), "{text}");
    }
    assert_eq!(state(&stage)["records"].as_array().unwrap().len(), 1, "only the announcement");
}

/// Two persons sign the same words: each counts for themselves.
#[test]
fn an_approval_of_the_same_words_counts_for_its_own_signer() {
    let stage = Stage::new();
    let facts = stage.announced();
    stage.approved_by(&[("alice", "network"), ("bob", "network")], &facts);
    let document = state(&stage);
    let counts = |who: &str| {
        let records = document["records"].as_array().unwrap().iter();
        let own = records.filter(|r| r["kind"] == "approve" && r["by"] == who);
        own.map(|r| (r["digest"].clone(), r["counts"].as_bool().unwrap())).next().unwrap()
    };
    assert_eq!(counts("alice").0, counts("bob").0, "the same words");
    assert_eq!((counts("alice").1, counts("bob").1), (false, true), "{document:#}");
    let (_, page) = stage.run(&["change", "show", CHANGE]);
    let line = |who: &str| page.lines().find(|l| l.contains(&format!("{who}: approve"))).unwrap().to_owned();
    assert!(line("alice").contains("does not count") && line("bob").contains(", counts"), "{page}");
}

#[test]
fn without_a_root_nothing_else_is_said_to_be_missing() {
    let stage = Stage::new();
    stage.announced();
    stage.set_root(stage.scene.path().join("nowhere.toml"));
    let (exit, page) = stage.run(&["change", "show", CHANGE]);
    assert!(exit == Some(1) && page.contains("ROOT_MISSING"), "{page}");
    assert!(!page.contains("LEDGER_FORK") && !page.contains("POLICY_MISSING"), "{page}");
}

/// Git's default is a format that nobody could believe here.
#[test]
fn openpgp_by_default_is_refused_with_the_setting_that_helps() {
    let stage = Stage::new();
    author(&stage, &[(EDGE, &proposed()), ("changes/CHG-1.toml", &change_file(CHANGE))]);
    push(&stage);
    let home = stage.scene.path().join("home-of-alice");
    let new = |config: &str| {
        scene::write(&home.join(".gitconfig"), config.as_bytes());
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_fwgate"));
        command.args(["change", "new", CHANGE, "--root"]).arg(stage.root()).current_dir(stage.clone_path());
        command.env_clear().env("PATH", std::env::var("PATH").unwrap()).env("HOME", &home);
        let output = command.env("GIT_CONFIG_NOSYSTEM", "1").output().unwrap();
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let key = stage.scene.key("alice").path;
    for format in ["", "[gpg]\nformat = openpgp\n"] {
        let (exit, text) = new(&format!("[user]\nsigningkey = {}\nemail = alice@example.net\n{format}", key.display()));
        assert!(exit == Some(2) && text.contains("gpg.format ssh") && text.contains("OpenPGP"), "{text}");
        assert!(!home.join(".gnupg").exists(), "gpg was started");
    }
    let (exit, text) = new(&format!("[user]\nsigningkey = {}\n[gpg]\nformat = ssh\n", key.display()));
    assert_eq!(exit, Some(0), "{text}");
}

/// Whoever mistypes the id of a change, or a device, hears which one there is.
#[test]
fn a_misspelt_change_or_device_has_a_neighbour() {
    let stage = Stage::new();
    author(&stage, &[(EDGE, &proposed()), ("changes/CHG-1.toml", &change_file(CHANGE))]);
    push(&stage);
    let (exit, text) = signed(&stage, "alice", &["change", "new", CHANGE]);
    assert_eq!(exit, Some(0), "{text}");
    for command in [&["change", "show"][..], &["permit"], &["push"]] {
        let (exit, text) = stage.run(&[command, &["CHG-11"]].concat());
        assert!(exit != Some(0) && text.contains("did you mean `CHG-1`?"), "{command:?}: {text}");
        let (_, text) = stage.run(&[command, &["UNLIKE-77"]].concat());
        assert!(!text.contains("did you mean"), "{command:?}: {text}");
    }
    let (exit, text) = signed(&stage, "bob", &["change", "approve", "CHG-11", "--role", "network", "--yes"]);
    assert!(exit != Some(0) && text.contains("did you mean `CHG-1`?"), "{text}");
    let (exit, text) =
        signed(&stage, "alice", &["adopt", "egde1", "--change", CHANGE, "--role", "network", "--reason", "it runs"]);
    assert!(exit != Some(0) && text.contains("did you mean `edge1`?"), "{text}");
}

/// What `check --format json` says of the merge that brings a change: whether it may be pushed next, and what it lacks.
#[test]
fn the_check_of_a_merge_says_what_may_be_next() {
    let stage = Stage::new();
    author(&stage, &[(EDGE, &proposed()), ("changes/CHG-1.toml", &change_file(CHANGE))]);
    push(&stage);
    let next = || {
        let (exit, text) = stage.run(&["check", "--merged", "--change", "changes/CHG-1.toml", "--format", "json"]);
        let document = text.split("\n}\n").next().unwrap().to_owned() + "\n}";
        let document: serde_json::Value = serde_json::from_str(&document).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(exit, Some(0), "advice changes no verdict: {text}");
        let next = document["next"].as_array().unwrap().clone();
        assert_eq!(next.len(), 1, "{text}");
        assert_eq!(next[0]["change"], CHANGE);
        next[0].clone()
    };
    let codes = |step: &serde_json::Value| -> Vec<String> {
        step["reasons"].as_array().unwrap().iter().map(|r| r["code"].as_str().unwrap().to_owned()).collect()
    };
    let step = next();
    assert_eq!((step["state"].as_str(), step["may_push"].as_bool()), (Some("DRAFT"), Some(false)), "{step}");
    assert!(step["reasons"][0]["fix"].as_str().is_some_and(|fix| !fix.is_empty()), "{step}");
    let head = scene::run(scene::stock_git(&stage.clone_path()).args(["rev-parse", "HEAD"]));
    let facts = stage.announced_at(CHANGE, &head);
    stage.approved_by(&[("bob", "network"), ("carol", "network")], &facts);
    stage.settle();
    let step = next();
    assert_eq!((step["state"].as_str(), step["may_push"].as_bool()), (Some("VETTED"), Some(false)), "{step}");
    assert!(codes(&step).contains(&"APPROVAL_MISSING".to_owned()), "{step}");
    stage.approved_by(&[("dave", "security")], &facts);
    stage.settle();
    let step = next();
    assert_eq!((step["may_push"].as_bool(), step["unasked"].as_str()), (Some(true), None), "{step}");
    assert_eq!((codes(&step).len(), step["other_than_announced"].as_bool()), (0, Some(false)), "{step}");
    // The branch goes on, and what was announced is not what this merge brings.
    let path = stage.clone_path();
    let rules =
        stage::with_rules(&proposed(), "-A FORWARD -s 10.2.0.0/16 -d 10.1.0.0/24 -p tcp -m tcp --dport 443 -j LOG\n");
    scene::write(&path.join(EDGE), rules.as_bytes());
    scene::run(scene::stock_git(&path).args([
        "-c",
        "user.name=alice",
        "-c",
        "user.email=a@b",
        "commit",
        "-q",
        "-am",
        "more",
    ]));
    let step = next();
    assert_eq!(
        (step["may_push"].as_bool(), step["other_than_announced"].as_bool()),
        (Some(false), Some(true)),
        "{step}"
    );
}
