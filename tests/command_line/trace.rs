//! `fwgate trace`.

use super::scene::Scene;
use insta::assert_snapshot;

const PACKETS: &str = r#"{"id":7,"src":"10.20.1.2","dst":"10.30.0.1","proto":"tcp","dport":443}
{"id":{"a":1.50},"src":"10.20.1.2","dst":"10.30.0.1","proto":"tcp","dport":25}

{"src":"10.20.1.2","dst":"10.1.0.9","proto":"tcp","dport":80}
{"id":"nat","src":"10.20.1.2","dst":"192.0.2.1","proto":"tcp","dport":80}
"#;

#[test]
fn for_machines() {
    let scene = Scene::of_edge().file("packets.jsonl", PACKETS);
    let arguments = ["trace", "old.v4", "--hook", "forward", "--packets", "packets.jsonl", "--format", "jsonl"];
    assert_snapshot!(scene.shown(&arguments));
    let piped = scene.shown_with(&["trace", "old.v4", "--hook", "forward", "--packets", "-"], PACKETS);
    let lines = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&piped), lines(&scene.shown(&arguments)), "JSON Lines is the default of a pipe");
}

#[test]
fn for_people() {
    let scene = Scene::of_edge().file("packets.jsonl", PACKETS);
    assert_snapshot!(scene.shown(&[
        "trace",
        "old.v4",
        "--hook",
        "forward",
        "--packets",
        "packets.jsonl",
        "--format",
        "human"
    ]));
}

#[test]
fn packets_that_are_not_understood_give_no_answer() {
    let bad = r#"{"src":"10.0.0.1","dst":"10.0.0.2","proto":"tcp","dport":1}
{"src":"10.0.0.1","dst":"10.0.0.2","proto":"tcp"}
{"src":"10.0.0.1","dst":"10.0.0.2","proto":"gre","colour":"red"}
{"src":"10.0.0.1","dst":"10.0.0.2","proto":"gre","oif":"eth1"}
not json
"#;
    assert_snapshot!(Scene::of_edge().shown_with(&["trace", "old.v4", "--hook", "input", "--packets", "-"], bad));
}

#[test]
fn interfaces_that_the_hook_lacks_are_errors() {
    let packet =
        |key: &str| format!("{{\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\",\"proto\":\"gre\",\"{key}\":\"eth1\"}}");
    for (hook, key, code) in [
        ("input", "oif", 2),
        ("input", "iif", 0),
        ("output", "iif", 2),
        ("output", "oif", 0),
        ("forward", "iif", 0),
        ("forward", "oif", 0),
    ] {
        let arguments = ["trace", "old.v4", "--hook", hook, "--packets", "-"];
        let output = Scene::of_edge().run_with(&arguments, &packet(key), |_| {});
        assert_eq!(output.status.code(), Some(code), "{hook} {key}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_noise() {
    let many: String = (0..3000)
        .map(|n| format!("{{\"id\":{n},\"src\":\"10.20.1.2\",\"dst\":\"10.30.0.1\",\"proto\":\"gre\"}}\n"))
        .collect();
    let scene = Scene::of_edge().file("packets.jsonl", &many);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_fwgate"))
        .args(["trace", "old.v4", "--hook", "forward", "--packets", "packets.jsonl"])
        .current_dir(scene.path())
        .env_clear()
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(2), 0));
}
