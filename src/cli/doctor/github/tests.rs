//! Every demand holds with the rulesets of the example, and falls with each thing that is taken from them.

use super::*;
use crate::report::Health;
use serde_json::{Value, json};

const FILES: [&str; 4] = [
    include_str!("../../../../examples/firewall-repo/.github/rulesets/protected-branch.json"),
    include_str!("../../../../examples/firewall-repo/.github/rulesets/evidence.json"),
    include_str!("../../../../examples/firewall-repo/.github/rulesets/ledger.json"),
    include_str!("../../../../examples/firewall-repo/.github/rulesets/names.json"),
];

fn rulesets() -> Vec<Value> {
    FILES.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

fn file(value: &Value) -> TreeFile {
    TreeFile { path: "export.json".to_owned(), bytes: value.to_string().into_bytes().into() }
}

/// The ids of what lacks.
fn lacking(rulesets: Vec<Value>) -> Vec<&'static str> {
    let repository = json!({ "name": "firewalls", "delete_branch_on_merge": false });
    let found = judge(&[file(&Value::Array(rulesets)), file(&repository)], "main").unwrap();
    found.into_iter().filter(|d| d.state == Health::Lacks).map(|d| d.id).collect()
}

/// What lacks once the ruleset at `at` was changed.
fn changed(at: usize, change: impl Fn(&mut Value)) -> Vec<&'static str> {
    let mut all = rulesets();
    change(&mut all[at]);
    lacking(all)
}

fn without(at: usize, rule: &str) -> Vec<&'static str> {
    changed(at, |r| r["rules"].as_array_mut().unwrap().retain(|own| own["type"] != rule))
}

#[test]
fn the_rulesets_of_the_example_are_what_the_gate_demands() {
    assert_eq!(lacking(rulesets()), Vec::<&str>::new());
    let found = judge(&[file(&Value::Array(rulesets()))], "main").unwrap();
    assert!(found.iter().any(|d| d.id == "no-auto-delete" && d.state == Health::Note), "nobody said it");
    assert_eq!(found.iter().filter(|d| d.state == Health::Well).count(), DEMANDS.len() + 2);
}

#[test]
fn every_demand_falls_with_its_rule() {
    assert_eq!(without(0, "deletion"), ["protected-no-deletion"]);
    assert_eq!(without(0, "non_fast_forward"), ["protected-no-force-push"]);
    assert_eq!(without(1, "deletion"), ["evidence-no-deletion"]);
    assert_eq!(without(1, "non_fast_forward"), ["evidence-no-force-push"]);
    assert_eq!(without(2, "update"), ["ledger-only-by-deployer"]);
    assert_eq!(without(2, "creation"), ["ledger-made-once"]);
    assert_eq!(without(3, "creation"), ["names-not-made"]);
    assert_eq!(lacking(Vec::new()).len(), DEMANDS.len());
}

#[test]
fn a_ruleset_that_is_not_active_protects_nothing() {
    for (at, count) in [(0, 2), (1, 2), (2, 2), (3, 1)] {
        for state in ["disabled", "evaluate"] {
            assert_eq!(changed(at, |r| r["enforcement"] = json!(state)).len(), count, "{at} {state}");
        }
    }
}

#[test]
fn only_the_deploy_identity_passes_and_only_over_the_ledger() {
    let admin = json!([{ "actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always" }]);
    assert_eq!(changed(1, |r| r["bypass_actors"] = admin.clone()).len(), 2);
    assert_eq!(changed(2, |r| r["bypass_actors"] = admin.clone()).len(), 2);
    assert_eq!(changed(2, |r| r["bypass_actors"] = json!([])).len(), 2, "then nobody writes the ledger");
    assert_eq!(changed(3, |r| r["bypass_actors"] = admin.clone()), ["names-not-made"]);
    let both = json!([{ "actor_type": "DeployKey" }, { "actor_type": "Team" }]);
    assert_eq!(changed(2, |r| r["bypass_actors"] = both.clone()).len(), 2);
    assert!(changed(2, |r| r["bypass_actors"] = json!([{ "actor_type": "Integration" }])).is_empty());
}

#[test]
fn an_export_that_hides_who_passes_proves_nothing() {
    let hidden = |at| changed(at, |r| drop(r.as_object_mut().unwrap().remove("bypass_actors")));
    assert_eq!((hidden(0).len(), hidden(1).len(), hidden(2).len(), hidden(3).len()), (2, 2, 2, 1));
}

#[test]
fn a_pattern_that_does_not_reach_changes_is_seen() {
    let include = |pattern: &str| {
        let pattern = json!([pattern]);
        changed(1, |r| r["conditions"]["ref_name"]["include"] = pattern.clone())
    };
    assert_eq!(include("refs/heads/fwgate/*").len(), 2);
    assert_eq!(include("refs/heads/fwgate/**").len(), 2);
    assert!(include("refs/heads/fwgate/**/*").is_empty());
    assert!(include("~ALL").is_empty());
    assert_eq!(changed(1, |r| r["conditions"]["ref_name"]["exclude"] = json!(["refs/heads/fwgate/log"])).len(), 2);
    assert_eq!(changed(0, |r| r["conditions"]["ref_name"]["include"] = json!(["refs/heads/master"])).len(), 2);
}

#[test]
fn branches_that_vanish_after_a_merge_are_seen() {
    let repository = json!({ "delete_branch_on_merge": true });
    let found = judge(&[file(&Value::Array(rulesets())), file(&repository)], "main").unwrap();
    assert!(found.iter().any(|d| d.id == "no-auto-delete" && d.state == Health::Lacks));
}

#[test]
fn a_list_without_rules_is_no_export() {
    let list = json!([{ "id": 1, "name": "evidence", "target": "branch", "enforcement": "active" }]);
    assert!(judge(&[file(&list)], "main").is_err());
    assert!(judge(&[file(&json!({ "message": "Not Found" }))], "main").is_err());
    assert!(judge(&[TreeFile { path: "x".into(), bytes: b"{".to_vec().into() }], "main").is_err());
}

#[test]
fn patterns_are_those_of_the_forge() {
    for (pattern, name, expected) in [
        ("refs/heads/main", "refs/heads/main", true),
        ("refs/heads/*", "refs/heads/main", true),
        ("refs/heads/*", "refs/heads/a/b", false),
        ("refs/heads/**/*", "refs/heads/a", true),
        ("refs/heads/**/*", "refs/heads/a/b/c", true),
        ("refs/heads/**", "refs/heads/a/b", false),
        ("**/*", "refs/heads/a/b", true),
        ("refs/heads/rel-[0-9]", "refs/heads/rel-7", true),
        ("refs/heads/rel-[^0-9]", "refs/heads/rel-7", false),
        ("refs/heads/?ain", "refs/heads/main", true),
        ("refs/heads/mai", "refs/heads/main", false),
    ] {
        assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
    }
    assert!(!matches(&"*a".repeat(200), &"a".repeat(400).replace('a', "b")));
}
