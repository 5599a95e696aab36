//! Changes of routes in the formats of machines: each at the line that decides, as a finding where it is one, as an effect otherwise.

use serde_json::Value;
use std::process::Command;

const FOLDER: &str = "fixtures/incidents/04-test-hit-production";

/// What a command prints about the incident, in a format.
fn printed(command: &str, side: &str, format: &str) -> String {
    let path = |name: &str| format!("{FOLDER}/{name}");
    let mut program = Command::new(env!("CARGO_BIN_EXE_fwgate"));
    program.current_dir(env!("CARGO_MANIFEST_DIR")).env_clear().arg(command);
    match command {
        "diff" => program.args([path("baseline"), path(side)]),
        _ => {
            program.args(["--baseline", &path("baseline"), "--proposed", &path(side), "--policy", &path("policy.toml")])
        }
    };
    let done = program.args(["--format", format]).output().unwrap();
    assert!(matches!(done.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Rule, file and line of every result; what stands beside them.
fn sarif(command: &str, side: &str) -> (Vec<String>, String) {
    let document: Value = serde_json::from_str(&printed(command, side, "sarif")).unwrap();
    let schema: Value = serde_json::from_str(include_str!("../sarif/sarif-schema-2.1.0.json")).unwrap();
    assert!(jsonschema::is_valid(&schema, &document));
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let result = |r: &Value| {
        let place = &r["locations"][0]["physicalLocation"];
        let rule = &rules[r["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], r["ruleId"]);
        let (file, line) = (place["artifactLocation"]["uri"].as_str().unwrap(), &place["region"]["startLine"]);
        format!("{} {file}:{line}", r["ruleId"].as_str().unwrap())
    };
    let results = run["results"].as_array().unwrap().iter().map(result).collect();
    (results, run["invocations"][0]["toolExecutionNotifications"].to_string())
}

#[test]
fn sarif_has_findings_and_effects_at_the_line_that_decides() {
    let (results, notices) = sarif("check", "proposed");
    assert_eq!(results, ["FW751 core1/routes:5", "FW754 core1/routes:5"]);
    assert!(notices.contains("core1: routes: captured 10.30.8.0/21"), "{notices}");
    let (results, notices) = sarif("diff", "proposed");
    assert_eq!((results, notices.as_str()), (vec!["route-captured core1/routes:5".to_owned()], "[]"));
    // What is meant is no finding that somebody has to mend, and is told beside the results.
    let (results, notices) = sarif("check", "meant");
    assert!(results.iter().all(|r| r == "FW759 core1/routes:5"), "{results:?}");
    assert!(notices.contains("captured 10.99.8.0/21"), "{notices}");
}

#[test]
fn junit_has_a_case_for_every_demand_and_for_what_changes() {
    let text = printed("check", "proposed", "junit");
    assert!(text.contains("<testsuite name=\"routes\" tests=\"2\" failures=\"1\""), "{text}");
    let lost = text.lines().find(|l| l.contains("name=\"customers-by-the-core\"")).unwrap();
    assert!(lost.contains("file=\"core1/routes\" line=\"5\""), "{lost}");
    assert!(text.contains("name=\"platform-stays\"/>"), "{text}");
    let changed = text.lines().find(|l| l.contains("fwgate.check.changed routes")).unwrap();
    assert!(changed.contains("name=\"core1 routes\" file=\"core1/routes\" line=\"5\""), "{changed}");
    assert!(printed("diff", "proposed", "junit").contains("name=\"core1 routes\" file=\"core1/routes\" line=\"5\""));
}

#[test]
fn markdown_and_github_name_the_line() {
    for command in ["check", "diff"] {
        let page = printed(command, "proposed", "markdown");
        let item =
            page.lines().find(|l| l.starts_with("- core1: captured 10.30.8.0/21")).unwrap_or_else(|| panic!("{page}"));
        assert!(item.ends_with("<code>core1/routes:5</code>"), "{item}");
    }
    let annotations = printed("check", "proposed", "github");
    for code in ["FW751", "FW754"] {
        let head = format!("::error file=core1/routes,line=5,title={code} ");
        assert!(annotations.contains(&head), "{annotations}");
    }
    assert!(!annotations.contains("::notice"), "the findings have said it: {annotations}");
    assert!(
        printed("diff", "proposed", "github")
            .contains("::notice file=core1/routes,line=5,title=core1 routes::captured")
    );
}
