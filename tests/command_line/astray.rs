//! What somebody reads who has done something that cannot work yet: no root, a policy that is not merged, a name that is almost right.

use super::beginning::git;
use super::scene::{OLD, Scene, edited};
use serde_json::Value;

/// A repository with a device and no root, ledger or persons.
fn scene() -> Scene {
    let scene = Scene::new().file("devices/edge1/rules.v4", OLD).file("fwgate.toml", "version = 1\n");
    git(&scene, &["init", "-q", "-b", "main"]);
    git(&scene, &["add", "--all"]);
    git(&scene, &["commit", "-q", "-m", "As it is"]);
    scene
}

fn both(scene: &Scene, arguments: &[&str]) -> (i32, String) {
    let output = scene.run(arguments);
    let text = [output.stderr, output.stdout].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[test]
fn without_a_root_no_check_before_a_maintenance_passes() {
    let scene = scene();
    let output = scene.run(&["preflight", "CHG-1", "--format", "json"]);
    assert_eq!(output.status.code(), Some(2));
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = list["checks"].as_array().unwrap();
    let passed: Vec<&Value> = checks.iter().filter(|c| c.to_string().contains("\"passed\"")).collect();
    assert!(checks.len() == 15 && passed.is_empty(), "{passed:?}");
    let (_, text) = both(&scene, &["preflight", "CHG-1"]);
    assert!(!text.contains('✓') && text.lines().all(|line| line == line.trim_end()), "{text}");
}

#[test]
fn without_a_root_that_alone_is_said() {
    let scene = scene();
    for command in [&["schedule"][..], &["rollback", "edge1"], &["fleet", "status"], &["change", "approve", "CHG-1"]] {
        let (code, text) = both(&scene, command);
        assert!(code != 0 && text.matches("ROOT_MISSING").count() == 1, "{command:?}: {text}");
        let follows = ["POLICY_MISSING", "LEDGER_FORK", "every approval is there"];
        assert!(follows.iter().all(|word| !text.contains(word)), "{command:?}: {text}");
    }
}

#[test]
fn a_policy_that_is_edited_here_is_said_not_to_count_yet() {
    let scene = scene();
    let note = "note: the policy here is not that of refs/heads/main";
    assert!(!both(&scene, &["check"]).1.contains(note));
    let scene = scene.file("fwgate.toml", "version = 2\n");
    assert!(both(&scene, &["check"]).1.starts_with(note));
    assert!(!both(&scene, &["check", "--merged"]).1.contains(note), "what is judged there is committed");
    assert!(!both(&scene, &["check", "--quiet"]).1.contains(note));
    let (_, text) = both(&scene, &["policy", "verify"]);
    assert!(text.contains("names no person") && text.contains("fwgate init --two"), "{text}");
}

#[test]
fn a_change_that_was_committed_to_the_protected_branch_itself_does_not_look_like_none() {
    let scene = scene();
    let note = "note: HEAD is refs/heads/main itself";
    assert!(!both(&scene, &["check"]).1.contains(note), "there is no commit before");
    let scene = scene.file("devices/edge1/rules.v4", &edited());
    assert!(!both(&scene, &["check"]).1.contains(note), "the edit is judged");
    git(&scene, &["commit", "-q", "-a", "-m", "In a hurry"]);
    let (code, text) = both(&scene, &["check"]);
    assert!(code == 0 && text.starts_with(note), "{text}");
    assert!(text.contains("`fwgate check --baseline rev:HEAD~1`"), "{text}");
    let (_, text) = both(&scene, &["check", "--baseline", "rev:HEAD~1"]);
    assert!(text.contains("What the change does:") && !text.contains(note), "{text}");
}

#[test]
fn what_is_almost_right_is_told() {
    let scene = scene();
    let says = |arguments: &[&str], word: &str| {
        let (code, text) = both(&scene, arguments);
        assert!(code == 2 && text.contains(word), "{arguments:?}: {text}");
    };
    says(&["chek"], "subcommands exist: 'check', ");
    says(&["explain", "required-flow"], "did you mean one of required-flow-lost, ");
    says(&["explain", "FW999"], "`fwgate explain` lists all of them");
    says(&["push", "CHG-1", "--permit", "none"], "there is no such file or folder");
    says(&["diff", "rev:HEAD", "rev:HEAD", "--report", "html=none/page.html"], "there is no such file or folder");
    // No advice is in files that only the sources have.
    for arguments in [&["names", "plan", "--renumber", "192.0.2.1=192.0.2.2"][..], &["inventory"]] {
        let (code, text) = both(&scene, arguments);
        assert!(code == 2 && text.contains("help: ") && !text.contains("docs/"), "{arguments:?}: {text}");
    }
    let (code, list) = both(&scene, &["explain"]);
    assert!(code == 0 && list.contains("FW101  required-flow-lost\n") && list.lines().count() > 60, "{list}");
}
