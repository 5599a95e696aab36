//! `--quiet`: the exit code is the answer, and standard output has what was asked for by its name, or nothing.

use super::formats::POLICY;
use super::scene::{OLD, Scene, edited};
use std::process::Output;

fn scene() -> Scene {
    let scene = Scene::of_edge().file("policy.toml", POLICY).file("broken.v4", "*filter\n-A NOWHERE -j WHAT\n");
    let scene = scene.file("wanted/edge1.v4", OLD).file("wanted/edge2.v4", OLD).file("dumps/edge1.v4", OLD);
    let scene = scene.file("drifted/edge1.v4", OLD).file("drifted/edge2.v4", &edited());
    scene.file("packets.jsonl", r#"{"src":"10.20.0.1","dst":"10.30.0.1","proto":"tcp","dport":443}"#)
}

fn silent(output: &Output) -> bool {
    output.stdout.is_empty() && output.stderr.is_empty()
}

#[test]
fn the_exit_code_is_the_answer_and_nothing_is_said() {
    let scene = scene();
    let check = ["check", "--baseline", "old.v4", "--proposed", "new.v4", "--policy", "policy.toml"];
    let commands: &[&[&str]] = &[
        &check,
        &["diff", "old.v4", "new.v4"],
        &["diff", "old.v4", "new.v4", "--exit-code", "--format", "human"],
        &["lint", "old.v4"],
        &["lint", "old.v4", "--conditions"],
        &["query", "old.v4", "--hook", "forward", "--ask", "proto tcp"],
        &["matrix", "old.v4", "--hook", "forward", "--service", "tcp/443"],
        &["drift", "--from", "drifted", "--against", "wanted"],
        &["policy", "verify", "policy.toml"],
        &["doctor"],
    ];
    let mut codes = Vec::new();
    for command in commands {
        let loud = scene.run(command);
        assert!(!loud.stdout.is_empty(), "{command:?}");
        for quiet in [[command, &["--quiet"][..]].concat(), [&["-q"], *command].concat()] {
            let quietly = scene.run(&quiet);
            assert_eq!(quietly.status.code(), loud.status.code(), "{quiet:?}");
            assert!(quietly.stdout.is_empty(), "{quiet:?}: {quietly:?}");
            assert!(silent(&quietly) || quietly.status.code() == Some(2), "{quiet:?}: {quietly:?}");
        }
        codes.extend(loud.status.code());
    }
    assert!(codes.contains(&0) && codes.contains(&1), "{codes:?}");
}

#[test]
fn what_was_asked_for_by_its_name_is_given() {
    let scene = scene();
    let asked: &[&[&str]] = &[
        &["diff", "old.v4", "new.v4", "--format", "json"],
        &["lint", "old.v4", "--format", "markdown"],
        &["trace", "old.v4", "--hook", "forward", "--packets", "packets.jsonl"],
        &["convert", "old.v4", "--to", "native"],
        &["explain", "FW101"],
        &["schema", "diff"],
        &["completions", "bash"],
        &["man"],
    ];
    for command in asked {
        let (loud, quiet) = (scene.run(command), scene.run(&[command, &["-q"][..]].concat()));
        assert!(loud.stdout == quiet.stdout && !quiet.stdout.is_empty(), "{command:?}: {quiet:?}");
    }
    let report = ["diff", "old.v4", "new.v4", "-q", "--report", "html=page.html"];
    assert!(silent(&scene.run(&report)));
    assert!(std::fs::read_to_string(scene.path().join("page.html")).unwrap().contains("<html"));
}

#[test]
fn errors_are_told() {
    let scene = scene();
    let unreadable = scene.run(&["check", "--baseline", "old.v4", "--proposed", "broken.v4", "--quiet"]);
    assert!(unreadable.status.code() == Some(2) && unreadable.stdout.is_empty());
    assert!(String::from_utf8_lossy(&unreadable.stderr).contains("broken.v4"), "{unreadable:?}");
    // What is told to people as the answer where there is no verdict is an error where they want no words.
    let drift = ["drift", "--from", "dumps", "--against", "wanted"];
    let (loud, quiet) = (scene.run(&drift), scene.run(&[&drift[..], &["-q"]].concat()));
    assert!(loud.status.code() == Some(2) && quiet.status.code() == Some(2), "{loud:?}");
    assert!(quiet.stdout.is_empty() && quiet.stderr == [loud.stderr, loud.stdout].concat(), "{quiet:?}");
}
