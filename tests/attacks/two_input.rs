//! Input that is not understood, and input without an end.

use crate::scene::{RULES, stock_git};
use crate::stage::{APPROVERS, CHANGE, EDGE, Stage, change_file, with_rules};
use fwgate::gate::{Record, Reissue};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

/// A proposal with these files instead of the usual ones, announced and approved as far as that is possible.
fn proposed(files: &[(&str, &str)]) -> Stage {
    let stage = Stage::new();
    let head = stage.propose(files);
    let facts = stage.announced_at(CHANGE, &head);
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    stage
}

#[test]
fn a51_a_line_that_is_not_understood() {
    let rules = with_rules(RULES, "-A FORWARD --no-such-option 1 -j ACCEPT\n");
    proposed(&[(EDGE, &rules)]).permit().no_verdict("UNPARSED_INPUT");
}

#[test]
fn a51_a_change_file_that_is_not_understood() {
    let file = format!("{}urgent = true\n", change_file(CHANGE).replace("[[intent]]", "hurry = 1\n[[intent]]"));
    proposed(&[("changes/CHG-1.toml", &file)]).permit().no_verdict("UNPARSED_INPUT");
}

#[test]
fn a51_facts_that_are_not_understood() {
    proposed(&[("devices/edge1/device.toml", "dialekt = \"iptables\"\n")]).permit().no_verdict("UNPARSED_INPUT");
}

#[test]
fn a51_a_file_of_no_dialect() {
    proposed(&[("devices/edge1/rules.pf", "block in all\n")]).permit().no_verdict("UNPARSED_INPUT");
}

#[test]
fn a52_a_ruleset_without_an_end() {
    let rules = with_rules(RULES, &"-A FORWARD -j DROP\n".repeat((256 << 20) / 19 + 1));
    proposed(&[(EDGE, &rules)]).permit().no_verdict("LIMIT_EXCEEDED");
}

#[test]
fn a52_folders_without_a_bottom() {
    let path = format!("devices/edge1/{}rules.v4", "deeper/".repeat(100));
    proposed(&[(&path, RULES)]).permit().no_verdict("LIMIT_EXCEEDED");
}

#[test]
fn a52_files_without_number() {
    let paths: Vec<String> = (0..200_001).map(|at| format!("devices/edge1/{at}.md")).collect();
    let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "x\n")).collect();
    proposed(&files).permit().no_verdict("LIMIT_EXCEEDED");
}

#[test]
fn a52_a_change_file_without_a_bottom() {
    let deep = format!("{}\ndeep = {}{}\n", change_file(CHANGE), "[".repeat(100_000), "]".repeat(100_000));
    let verdict = proposed(&[("changes/CHG-1.toml", &deep)]).permit();
    assert!(verdict.codes().contains(&"LIMIT_EXCEEDED") || verdict.codes().contains(&"UNPARSED_INPUT"), "{verdict}");
    assert_eq!((verdict.exit, verdict.permit), (Some(2), None));
}

#[test]
fn a52_approvals_without_an_end() {
    let stage = Stage::new();
    stage.ready();
    let message = format!("fwgate-record/1 approve\nchange: {CHANGE}\n");
    flood(&stage, CHANGE, 5_000, &message);
    stage.permit().no_verdict("LIMIT_EXCEEDED");
    // Cured under another id.
    let becomes = "CHG-2".to_owned();
    stage.say("alice", CHANGE, &Record::Reissue(Reissue { change: CHANGE.into(), becomes, reason: "flooded".into() }));
    let again = [(EDGE, crate::stage::proposed()), ("changes/CHG-2.toml", change_file("CHG-2"))];
    let again = again.each_ref().map(|(path, text)| (*path, text.as_str()));
    let head = stage.scene.commit_on("refs/heads/again", "alice", &again);
    let facts = stage.announced_at("CHG-2", &head);
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    stage.permit_of("CHG-2").granted();
}

#[test]
fn a85_junk_on_the_branch_of_another_change() {
    let stage = Stage::new();
    let other = stage.scene.commit_on(
        "refs/heads/other",
        "bob",
        &[
            ("devices/edge1/rules.v4", &with_rules(RULES, "-A INPUT -j DROP\n")),
            ("changes/CHG-2.toml", &change_file("CHG-2")),
        ],
    );
    let facts = stage.facts("CHG-2", &other);
    stage.announce("bob", &facts);
    stage.ready();
    flood(&stage, "CHG-2", 10_000, "junk\n");
    stage.permit().granted();
    stage.permit_of("CHG-2").no_verdict("LIMIT_EXCEEDED");
}

/// Appends commits without any signature to a change's branch.
fn flood(stage: &Stage, change: &str, count: usize, message: &str) {
    let branch = crate::scene::changes(change);
    let tip = stage.scene.tip(&branch);
    let mut text = String::new();
    for at in 0..count {
        let (who, when) = ("mallory <mallory@example.net>", stage.scene.now());
        let from = if at == 0 { format!("from {tip}\n") } else { String::new() };
        let length = message.len();
        let _ = write!(text, "commit {branch}\ncommitter {who} {when} +0000\ndata {length}\n{message}{from}\n");
    }
    let mut command = stock_git(&stage.scene.remote_path());
    let mut git = command.args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    git.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(git.wait().unwrap().success());
}
