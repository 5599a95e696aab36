//! Every format of a report: whole outputs, the schemas that they have, and several at once.

use super::scene::{OLD, Scene, edited};
use insta::assert_snapshot;
use serde_json::Value;
use std::process::Command;

/// A policy with something lost, something tolerated and something stale.
pub const POLICY: &str = r#"version = 1

[ranges]
toronto = ["10.20.0.0/16"]
dallas = ["10.30.0.0/16"]
web = ["10.1.0.0/24"]

[[require]]
id = "toronto-dallas"
reason = "client machines of the two sites talk to each other"
owner = "netops"
from = ["toronto"]
to = ["dallas"]
service = ["tcp/443"]
hook = "forward"

[[require]]
id = "names"
reason = "everybody resolves names"
owner = "netops"
from = ["toronto"]
to = ["dallas"]
service = ["udp/53"]
hook = "forward"

[[require]]
id = "mail"
reason = "nobody has got round to it"
from = ["toronto"]
to = ["web"]
service = ["tcp/25"]
hook = "forward"

[[forbid]]
id = "no-telnet"
reason = "clear-text logins"
from = ["any"]
to = ["toronto", "dallas"]
service = ["tcp/23"]
hook = "forward"

[[waive]]
code = "FW102"
requirement = "mail"
reason = "comes with the new relay"
owner = "netops"
expires = 2099-12-31

[[waive]]
code = "FW103"
reason = "was needed once"
owner = "netops"
expires = 2020-01-01
"#;

/// The two sides and the policy.
pub fn scene() -> Scene {
    Scene::new().file("old/edge1/rules.v4", OLD).file("new/edge1/rules.v4", &edited()).file("policy.toml", POLICY)
}

/// A ruleset with something to remark: a rule that cannot match, an open policy, a chain that nobody calls.
pub fn careless() -> Scene {
    let rules = edited()
        .replace(":FORWARD DROP", ":FORWARD ACCEPT")
        .replace(
            "-A FORWARD -d 10.1.0.0/24 -j WWW\n",
            "-A FORWARD -d 10.1.0.0/24 -j WWW\n-A FORWARD -s 10.20.0.0/24 -d 10.30.0.0/24 -p tcp --dport 443 -j DROP\n",
        )
        .replace(":WWW - [0:0]\n", ":WWW - [0:0]\n:UNUSED - [0:0]\n");
    Scene::new().file("new/edge1/rules.v4", &rules)
}

pub const CHECK: [&str; 7] = ["check", "--baseline", "old", "--proposed", "new", "--policy", "policy.toml"];
const DIFF: [&str; 3] = ["diff", "old", "new"];
const LINT: [&str; 3] = ["lint", "--tree", "new"];

fn with<'a>(command: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [command, more].concat()
}

#[test]
fn concise() {
    assert_snapshot!("concise check", scene().shown(&with(&CHECK, &["--format", "concise"])));
    assert_snapshot!("concise diff", scene().shown(&with(&DIFF, &["--format", "concise"])));
    assert_snapshot!("concise lint", careless().shown(&with(&LINT, &["--format", "concise"])));
}

#[test]
fn junit() {
    assert_snapshot!("junit check", scene().shown(&with(&CHECK, &["--format", "junit"])));
    assert_snapshot!("junit diff", scene().shown(&with(&DIFF, &["--format", "junit"])));
    let failing = ["--format", "junit", "--fail-on", "warning"];
    assert_snapshot!("junit lint", careless().shown(&with(&LINT, &failing)));
}

#[test]
fn markdown() {
    assert_snapshot!("markdown check", scene().shown(&with(&CHECK, &["--format", "markdown"])));
    assert_snapshot!("markdown diff", scene().shown(&with(&DIFF, &["--format", "markdown"])));
    assert_snapshot!("markdown lint", careless().shown(&with(&LINT, &["--format", "markdown"])));
}

#[test]
fn github() {
    assert_snapshot!("github check", scene().shown(&with(&CHECK, &["--format", "github"])));
    assert_snapshot!("github diff", scene().shown(&with(&DIFF, &["--format", "github"])));
    assert_snapshot!("github lint", careless().shown(&with(&LINT, &["--format", "github"])));
}

#[test]
fn sarif() {
    assert_snapshot!("sarif check", scene().shown(&with(&CHECK, &["--format", "sarif"])));
    assert_snapshot!("sarif lint", careless().shown(&with(&LINT, &["--format", "sarif"])));
}

#[test]
fn json_lines() {
    assert_snapshot!("jsonl check", scene().shown(&with(&CHECK, &["--format", "jsonl"])));
    assert_snapshot!("jsonl diff", scene().shown(&with(&DIFF, &["--format", "jsonl"])));
    assert_snapshot!("jsonl lint", careless().shown(&with(&LINT, &["--format", "jsonl"])));
}

/// A summary of GitHub's is added to, never replaced, and only where the answer is GitHub's.
#[test]
fn the_summary_of_a_job_is_added_to() {
    let scene = scene().file("summary.md", "before\n");
    let path = scene.path().join("summary.md");
    let run = |format: &str| {
        let arguments = with(&CHECK, &["--format", format]);
        scene.run_with(&arguments, "", |c| {
            c.env("GITHUB_STEP_SUMMARY", &path);
        })
    };
    let read = || std::fs::read_to_string(&path).unwrap();
    run("concise");
    assert_eq!(read(), "before\n");
    assert_eq!(run("github").status.code(), Some(1));
    assert!(read().starts_with("before\n<!-- fwgate:check -->\n## fwgate: refused\n"), "{}", read());
    let missing = |c: &mut Command| {
        c.env("GITHUB_STEP_SUMMARY", scene.path().join("no/such/summary.md"));
    };
    let output = scene.run_with(&with(&CHECK, &["--format", "github"]), "", missing);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
}

/// A policy of so many requirements, each of which is lost.
fn lost(count: usize) -> String {
    let one = |n: usize| {
        format!(
            "[[require]]\nid = \"flow-{n}\"\nreason = \"r\"\nfrom = [\"10.20.{}.{}\"]\nto = [\"10.30.0.0/16\"]\n\
             service = [\"tcp/443\"]\nhook = \"forward\"\n",
            128 + n / 200,
            n % 200
        )
    };
    format!("version = 1\n{}", (0..count).map(one).collect::<String>())
}

/// However much is found, the page stays one that a browser opens at once, and says what it leaves out.
#[test]
fn two_thousand_findings_make_a_page_that_opens() {
    let scene = scene().file("policy.toml", &lost(2_000));
    let html = String::from_utf8(scene.run(&with(&CHECK, &["--format", "html"])).stdout).unwrap();
    assert!(html.len() < 1 << 20, "{}", html.len());
    assert_eq!(html.matches("<details class=\"finding").count(), 300);
    let all = scene.json(&with(&CHECK, &["--format", "json"]))["findings"].as_array().unwrap().len();
    assert!(all >= 2_000 && html.contains(&format!("and {} more findings, which", all - 300)), "{all}");
}

/// Four hundred lost flows: every limit of GitHub's is kept, and what is left out is said.
#[test]
fn large_reports_keep_the_limits_of_those_who_show_them() {
    let scene = scene().file("policy.toml", &lost(400));
    let text = |format: &str| String::from_utf8(scene.run(&with(&CHECK, &["--format", format])).stdout).unwrap();
    let markdown = text("markdown");
    assert!(markdown.len() <= 65_536 && markdown.contains("**Cut short** to fit: "), "{}", markdown.len());
    assert!(markdown.contains("and 385 more") && markdown.ends_with("</sub>  \n"), "{markdown}");
    let github = text("github");
    assert_eq!(github.lines().filter(|l| l.starts_with("::error ")).count(), 10);
    assert!(github.contains("::error title=fwgate::and 391 more"), "{github}");
    let html = text("html");
    assert!(
        html.contains("more findings") && html.matches("<details class=\"finding").count() == 300,
        "{}",
        html.len()
    );
    let sarif: Value = serde_json::from_str(&text("sarif")).unwrap();
    assert!(sarif["runs"][0]["results"].as_array().unwrap().len() > 400);
}

fn errors(schema: &Value, document: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).unwrap();
    validator.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

#[test]
fn sarif_is_what_oasis_says_it_is() {
    let schema: Value = serde_json::from_str(include_str!("../sarif/sarif-schema-2.1.0.json")).unwrap();
    let scene = scene();
    for command in [&CHECK[..], &DIFF[..], &["diff", "old", "old"], &LINT[..]] {
        let document = scene.json(&with(command, &["--format", "sarif"]));
        assert_eq!(errors(&schema, &document), Vec::<String>::new(), "{command:?}");
    }
    let careless = careless().json(&with(&LINT, &["--format", "sarif"]));
    assert_eq!(errors(&schema, &careless), Vec::<String>::new());
    assert!(careless["runs"][0]["results"].as_array().unwrap().len() >= 3, "{careless}");
    let mut wrong = scene.json(&with(&CHECK, &["--format", "sarif"]));
    wrong["runs"][0]["results"][0]["level"] = "grave".into();
    assert!(!errors(&schema, &wrong).is_empty(), "the schema is in force");
}

/// What GitHub demands beyond the schema.
#[test]
fn sarif_is_what_github_takes() {
    let document = scene().json(&with(&CHECK, &["--format", "sarif"]));
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert!(results.len() >= 4);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(["edge1/rules.v4", "policy.toml"].contains(&uri), "{uri}");
        assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
        assert_eq!(result["partialFingerprints"]["fwgate/v1"].as_str().unwrap().len(), 32);
    }
    for rule in rules {
        assert!(rule["help"]["markdown"].as_str().unwrap().contains("### How to mend it"));
        assert!(rule["fullDescription"]["text"].as_str().unwrap().chars().count() <= 1024);
        assert!(rule["properties"]["security-severity"].as_str().unwrap().parse::<f64>().unwrap() > 0.0);
    }
    let waived = results.iter().find(|r| r["ruleId"] == "FW102").unwrap();
    assert_eq!(waived["suppressions"][0]["justification"], "comes with the new relay (netops, until 2099-12-31)");
}

#[test]
fn json_lines_have_the_shapes_that_are_published() {
    let (two, one) = (scene(), careless());
    let all = [(&two, &CHECK[..], "check-line"), (&two, &DIFF[..], "diff-line"), (&one, &LINT[..], "lint-line")];
    for (scene, command, name) in all {
        let schema: Value = serde_json::from_slice(&scene.run(&["schema", name]).stdout).unwrap();
        let output = scene.run(&with(command, &["--format", "jsonl"])).stdout;
        let lines: Vec<Value> =
            String::from_utf8(output).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert!(lines.len() > 3, "{name}");
        for line in &lines {
            assert_eq!(errors(&schema, line), Vec::<String>::new(), "{name}: {line}");
        }
        let mut kinds: Vec<&str> = lines.iter().map(|l| l["kind"].as_str().unwrap()).collect();
        kinds.dedup();
        let wanted: &[&str] = match name {
            "check-line" => &["verdict", "finding"],
            "diff-line" => &["summary", "structure", "change"],
            _ => &["summary", "finding"],
        };
        assert_eq!(kinds, wanted);
    }
}

#[test]
fn several_reports_are_written_in_one_run() {
    let scene = scene();
    let more = ["--report", "sarif=out.sarif", "--report", "json=out.json", "--report", "human=out.txt"];
    let shown = scene.shown(&with(&CHECK, &[&["--format", "concise"], &more[..]].concat()));
    assert_eq!(shown.lines().skip(1).collect::<Vec<_>>(), {
        let plain = scene.shown(&with(&CHECK, &["--format", "concise"]));
        plain.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    });
    for (format, file) in [("sarif", "out.sarif"), ("json", "out.json"), ("human", "out.txt")] {
        let written = std::fs::read(scene.path().join(file)).unwrap();
        assert_eq!(written, scene.run(&with(&CHECK, &["--format", format])).stdout, "{format}");
    }
    let left: Vec<_> = std::fs::read_dir(scene.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!left.iter().any(|n| n.to_string_lossy().ends_with(".part")), "{left:?}");
}

/// What could not be written is refused before anything is read: the ruleset here is none.
#[test]
fn a_report_that_cannot_be_written_fails_before_work_starts() {
    let scene = scene().file("new/edge1/rules.v4", "not a ruleset\n").file("folder/x", "");
    for target in ["sarif=no/such/folder/out.sarif", "sarif=folder"] {
        let output = scene.run(&with(&CHECK, &["--report", target]));
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{target}");
        assert!(told.contains("cannot be written") && !told.contains("rules.v4"), "{told}");
    }
    let twice = scene.run(&with(&DIFF, &["--report", "json=out", "--report", "sarif=out"]));
    assert!(String::from_utf8(twice.stderr).unwrap().contains("two reports go to `out`"));
    assert!(!scene.path().join("out").exists());
}

#[test]
fn an_unknown_format_has_a_neighbour() {
    let output = scene().run(&with(&CHECK, &["--report", "sarfi=out.sarif"]));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("there is no such format as `sarfi`. did you mean `sarif`?"), "{told}");
    assert_eq!(scene().run(&with(&CHECK, &["--report", "sarif"])).status.code(), Some(2));
    assert_eq!(scene().run(&with(&CHECK, &["--format", "sarfi"])).status.code(), Some(2));
}

/// `--format` offers what the registry has.
#[test]
fn every_format_of_the_registry_is_offered() {
    let scene = scene();
    let helps = ["check", "diff", "lint"].map(|c| String::from_utf8(scene.run(&[c, "--help"]).stdout).unwrap());
    let careless = careless();
    for format in fwgate::report::FORMATS {
        let is_offered = |help: &String| help.contains(&format!("- {}:", format.name));
        assert!(helps.iter().all(is_offered), "{}", format.name);
        let looked = careless.run(&with(&LINT, &["--format", format.name, "--fail-on", "warning"]));
        assert_eq!(looked.status.code(), Some(1), "{}", format.name);
        let text = String::from_utf8(looked.stdout).unwrap();
        assert!(text.contains("FW30") && looked.stderr.is_empty(), "{}: {text}", format.name);
        let checked = scene.run(&with(&CHECK, &["--format", format.name]));
        assert_eq!(checked.status.code(), Some(1), "{}", format.name);
        assert!(!checked.stdout.is_empty() && checked.stderr.is_empty(), "{}", format.name);
        let compared = scene.run(&with(&DIFF, &["--format", format.name, "--exit-code"]));
        assert_eq!(compared.status.code(), Some(1), "{}", format.name);
    }
}

/// What `lint` writes to files, and what a list of conditions is not.
#[test]
fn a_lint_is_reported_to_files_and_to_the_summary_of_a_job() {
    let scene = careless();
    let path = scene.path().join("summary.md");
    let more = ["--format", "github", "--report", "html=out.html", "--report", "sarif=out.sarif"];
    let output = scene.run_with(&with(&LINT, &more), "", |c| {
        c.env("GITHUB_STEP_SUMMARY", &path);
    });
    assert_eq!(output.status.code(), Some(0));
    let read = |name: &str| std::fs::read_to_string(scene.path().join(name)).unwrap();
    assert!(read("summary.md").starts_with("<!-- fwgate:lint -->\n## fwgate: 6 findings"), "{}", read("summary.md"));
    assert!(read("out.html").starts_with("<!DOCTYPE html>") && read("out.sarif").contains("FW301"));
    let refused = scene.run(&with(&LINT, &["--report", "html=no/such/out.html"]));
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0));
    for more in [&["--format", "sarif"][..], &["--report", "json=conditions.json"]] {
        let refused = scene.run(&with(&LINT, &[&["--conditions"], more].concat()));
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0), "{more:?}");
    }
}
