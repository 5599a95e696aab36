//! What is tolerated and how that is told: `--fail-on`, severities of a policy, waivers that are over, known findings.

use super::formats::{CHECK, scene};
use super::scene::{OLD, Scene};
use insta::assert_snapshot;

fn check(more: &[&'static str]) -> Vec<&'static str> {
    [&CHECK[..], more].concat()
}

/// A change that is only missing something: nothing that may not be excused.
fn milder() -> Scene {
    let opened = OLD.replace(
        "-A FORWARD -p tcp --dport 25",
        "-A FORWARD -s 10.20.0.0/16 -d 10.1.0.0/24 -p tcp --dport 8443 -j ACCEPT\n-A FORWARD -p tcp --dport 25",
    );
    scene().file("new/edge1/rules.v4", &opened).file("policy.toml", &without_waivers())
}

fn without_waivers() -> String {
    super::formats::POLICY.split("[[waive]]").next().unwrap().to_owned()
}

#[test]
fn the_mildest_severity_that_fails_is_chosen() {
    let warned = super::formats::POLICY.replace("version = 1\n", "version = 1\n\n[severity]\nFW102 = \"warning\"\n");
    let scene = milder().file("policy.toml", warned.split("[[waive]]").next().unwrap());
    let code = |level: &'static str| scene.run(&check(&["--fail-on", level])).status.code();
    assert_eq!((code("error"), code("warning"), code("note"), code("never")), (Some(0), Some(1), Some(1), Some(0)));
    let all = super::formats::scene();
    assert_eq!(all.run(&check(&["--fail-on", "error"])).status.code(), Some(1));
    assert_snapshot!("nothing fails", all.shown(&check(&["--fail-on", "never", "--format", "concise"])));
}

#[test]
fn waivers_that_are_over_or_superfluous_are_findings() {
    let scene = milder();
    let waive = |code: &str, expires: &str| {
        let waiver =
            format!("\n[[waive]]\ncode = \"{code}\"\nreason = \"r\"\nowner = \"netops\"\nexpires = {expires}\n");
        let scene = milder().file("policy.toml", &(without_waivers() + &waiver));
        let document = scene.json(&check(&["--format", "json"]));
        let told =
            |f: &serde_json::Value| format!("{} {}", f["code"].as_str().unwrap(), f["severity"].as_str().unwrap());
        document["findings"].as_array().unwrap().iter().map(told).collect::<Vec<_>>()
    };
    assert_eq!(waive("FW102", "2099-01-01"), ["FW102 note"]);
    assert_eq!(waive("FW102", "2020-01-01"), ["FW108 warning", "FW102 error"]);
    assert_eq!(waive("FW103", "2099-01-01"), ["FW109 warning", "FW102 error"]);
    assert_eq!(waive("FW103", "2020-01-01"), ["FW108 warning", "FW102 error"]);
    assert_eq!(waive("FW206", "2099-01-01"), ["FW102 error"], "most changes have no finding of that kind");
    let own =
        without_waivers() + "\n[[waive]]\ncode = \"FW109\"\nreason = \"r\"\nowner = \"o\"\nexpires = 2099-01-01\n";
    assert_snapshot!("waivers of waivers", scene.file("policy.toml", &own).shown(&check(&[])));
}

#[test]
fn the_policy_can_make_stale_waivers_fail() {
    let strict =
        super::formats::POLICY.replace("version = 1\n", "version = 1\n\n[severity]\nwaiver-expired = \"error\"\n");
    let scene = milder().file("policy.toml", &strict);
    assert_eq!(scene.run(&check(&[])).status.code(), Some(1));
    assert_eq!(milder().file("policy.toml", super::formats::POLICY).run(&check(&[])).status.code(), Some(0));
}

#[test]
fn known_findings_are_told_and_do_not_fail() {
    let scene = milder();
    assert_eq!(scene.run(&check(&[])).status.code(), Some(1));
    assert_snapshot!("written", scene.shown(&check(&["--write-known", "known.json", "--format", "concise"])));
    let schema: serde_json::Value = serde_json::from_slice(&scene.run(&["schema", "known"]).stdout).unwrap();
    let file = std::fs::read(scene.path().join("known.json")).unwrap();
    assert!(jsonschema::is_valid(&schema, &serde_json::from_slice(&file).unwrap()));
    assert_snapshot!("the file", std::fs::read_to_string(scene.path().join("known.json")).unwrap());
    assert_snapshot!("excused", scene.shown(&check(&["--known", "known.json"])));
    let json = scene.json(&check(&["--known", "known.json", "--format", "json"]));
    assert_eq!((&json["verdict"], &json["findings"][0]["known"]), (&"passed".into(), &"error".into()));
    assert!(json["assumptions"][0]["reason"].as_str().unwrap().contains("known.json"), "{}", json["assumptions"]);
}

/// A repository with a past writes it down before the first change.
#[test]
fn what_is_wrong_already_is_written_down_without_a_change() {
    let scene = milder().file("new/edge1/rules.v4", OLD);
    assert_eq!(scene.run(&check(&[])).status.code(), Some(0), "no firewall change");
    assert_eq!(scene.run(&check(&["--write-known", "known.json"])).status.code(), Some(1));
    assert!(std::fs::read_to_string(scene.path().join("known.json")).unwrap().contains("\"requirement\": \"mail\""));
}

#[test]
fn a_moved_line_stays_known_and_a_new_sin_is_not() {
    let scene = milder();
    scene.run(&check(&["--write-known", "known.json"]));
    let moved = std::fs::read_to_string(scene.path().join("new/edge1/rules.v4")).unwrap();
    let scene = scene.file("new/edge1/rules.v4", &format!("# a line more\n{moved}"));
    assert_eq!(scene.run(&check(&["--known", "known.json"])).status.code(), Some(0));
    let more = without_waivers().replace("id = \"mail\"", "id = \"more-mail\"");
    let scene = scene.file("policy.toml", &more);
    assert_eq!(scene.run(&check(&["--known", "known.json"])).status.code(), Some(1));
}

#[test]
fn what_does_not_occur_any_more_is_said() {
    let scene = milder();
    scene.run(&check(&["--write-known", "known.json"]));
    let mended = OLD.replace(
        "-A FORWARD -p tcp --dport 25 -j REJECT --reject-with tcp-reset",
        "-A FORWARD -s 10.20.0.0/16 -d 10.1.0.0/24 -p tcp --dport 25 -j ACCEPT",
    );
    let scene = scene.file("new/edge1/rules.v4", &mended);
    let document = scene.json(&check(&["--known", "known.json", "--format", "json"]));
    let gone = document["findings"].as_array().unwrap().iter().find(|f| f["code"] == "FW110").unwrap();
    assert_eq!((&gone["severity"], &gone["location"]["file"]), (&"note".into(), &"known.json".into()));
    assert!(gone["message"].as_str().unwrap().contains("required-flow-missing"), "{gone}");
}

/// Nothing excuses what says that a promise is broken: neither when it is written down nor when somebody edits the file.
#[test]
fn what_nothing_excuses_is_not_excused() {
    let scene = super::formats::scene();
    scene.run(&check(&["--write-known", "known.json"]));
    let written = std::fs::read_to_string(scene.path().join("known.json")).unwrap();
    assert!(!written.contains("FW101"), "{written}");
    assert_eq!(scene.run(&check(&["--known", "known.json"])).status.code(), Some(1));
    let print = |code: &str| {
        let all = scene.json(&check(&["--format", "json"]));
        let found = all["findings"].as_array().unwrap().iter().find(|f| f["code"] == code).cloned().unwrap();
        found["fingerprint"].as_str().unwrap().to_owned()
    };
    let file = |code: &str| {
        let entry = format!("{{\"code\": \"{code}\", \"fingerprint\": \"{}\"}}", print("FW101"));
        format!("{{\"schema\": \"fwgate.known/1\", \"findings\": [\n  {entry}\n]}}\n")
    };
    let forged = super::formats::scene().file("known.json", &file("FW102"));
    assert_eq!(forged.run(&check(&["--known", "known.json"])).status.code(), Some(1), "the code is compared as well");
    assert_snapshot!(
        "no excuse",
        super::formats::scene().file("known.json", &file("FW101")).shown(&check(&["--known", "known.json"]))
    );
}
