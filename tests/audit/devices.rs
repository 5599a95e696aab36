//! `fwgate adopt` and `fwgate quarantine`, and how far a change of the policy has come.

use crate::desk::Desk;
use crate::scene::RULES;
use insta::assert_snapshot;

fn adopt(desk: &Desk, who: &str, role: &str, file: &str) -> crate::desk::Shown {
    let key = desk.scene.key(who).path;
    let words = ["adopt", "edge1", "--change", "CHG-7", "--role", role, "--reason", "day one", "--file", file, "--key"];
    desk.run(&[&words[..], &[key.to_str().unwrap()]].concat())
}

#[test]
fn what_a_quorum_adopts_is_in_force() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    let running = RULES.replace("COMMIT", "-A FORWARD -p tcp --dport 22 -j ACCEPT\nCOMMIT");
    desk.clone.write("running.txt", &running);
    let drift = adopt(&desk, "alice", "network", "running.txt");
    assert_eq!(drift.code, 1);
    assert!(drift.stdout.contains("DRIFT"), "{}", drift.stdout);
    desk.clone.write("devices/edge1/rules.v4", &running);
    desk.clone.git(&["commit", "-q", "-a", "-m", "what runs"]);
    let told = |who, role| {
        let shown = adopt(&desk, who, role, "running.txt");
        assert_eq!(shown.code, 0, "{}{}", shown.stdout, shown.stderr);
        desk.masked(&shown.stdout)
    };
    assert_snapshot!(told("alice", "network"), @"adopt of `edge1` signed: DIGEST-1, not in force yet: others of the quorum of class normal sign the same");
    told("bob", "network");
    told("alice", "network");
    assert!(told("dave", "security").contains("not in force yet"), "nobody counts twice, and the first not at all");
    assert_snapshot!(told("carol", "network"), @"adopt of `edge1` signed: DIGEST-1, in force now");
}

/// Signs by a quorum that edge1 runs something else; in which change.
fn adopted(desk: &Desk, id: &str, port: u16) {
    let running = RULES.replace("COMMIT", &format!("-A FORWARD -p tcp --dport {port} -j ACCEPT\nCOMMIT"));
    desk.clone.write("running.txt", &running);
    desk.clone.write("devices/edge1/rules.v4", &running);
    desk.clone.git(&["commit", "-q", "-a", "-m", "what runs"]);
    for (who, role) in [("alice", "network"), ("bob", "network"), ("carol", "network"), ("dave", "security")] {
        let key = desk.scene.key(who).path;
        let words = ["adopt", "edge1", "--change", id, "--role", role, "--reason", "day one", "--file", "running.txt"];
        desk.pass(&[&words[..], &["--key", key.to_str().unwrap()]].concat());
    }
}

#[test]
fn an_audit_sees_what_was_adopted() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    let key = desk.scene.key("alice").path;
    let half = ["adopt", "edge1", "--change", "ADP-1", "--role", "network", "--reason", "day one", "--key"];
    desk.run(&[&half[..], &[key.to_str().unwrap()]].concat());
    assert_eq!(desk.run(&["change", "close", "ADP-1"]).code, 1, "one person alone adopts nothing");
    adopted(&desk, "ADP-1", 22);
    assert!(desk.pass(&["change", "close", "ADP-1"]).starts_with("ADP-1: adopted, in the log"));
    assert_eq!(desk.run(&["change", "close", "ADP-1"]).code, 1, "it is there");
    // The next change that is closed brings along what nobody closed.
    adopted(&desk, "ADP-2", 23);
    desk.clone.git(&["push", "-q", "origin", "HEAD:refs/heads/main"]);
    desk.closed("CHG-1", 443, crate::desk::NONCE);
    let audit = desk.audit(&[]);
    assert_eq!(audit["verdict"], "sound", "{audit:#}");
    let of = |at: usize| {
        let change = &audit["changes"][at];
        (
            change["change"].clone(),
            change["outcome"].clone(),
            change["devices"].clone(),
            change["records"].as_array().unwrap().len(),
        )
    };
    let edge1 = serde_json::json!(["edge1"]);
    assert_eq!(of(0), ("ADP-1".into(), "adopted".into(), edge1.clone(), 4), "{audit:#}");
    assert_eq!(of(1), ("ADP-2".into(), "adopted".into(), edge1, 4), "{audit:#}");
    // Its branch may go then, and what was adopted stays in force.
    desk.scene.reset(&crate::scene::changes("ADP-2"), None);
    assert!(!desk.pass(&["ledger", "witness"]).contains("REWRITTEN"));
    assert_eq!(desk.audit(&[])["verdict"], "sound");
}

#[test]
fn an_operator_quarantines_for_at_most_two_weeks() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    let run = |who: &str, time: &str| {
        let key = desk.scene.key(who).path;
        let words = ["quarantine", "edge1", "--change", "CHG-7", "--for", time, "--reason", "no power", "--key"];
        desk.run(&[&words[..], &[key.to_str().unwrap()]].concat())
    };
    assert_eq!(run("alice", "15d").code, 2);
    let refused = run("dave", "7d");
    assert_eq!(refused.code, 1);
    assert!(refused.stdout.contains("ROLE_MISSING"), "{}", refused.stdout);
    assert_snapshot!(desk.masked(&run("alice", "7d").stdout), @"`edge1` is in quarantine until TIME");
}

/// The next version of the policy, announced as CHG-9.
fn next_policy(desk: &Desk) {
    desk.scene.set_policy(|p| p.version = 2);
    let text = desk.scene.policy_text() + "\n# more\n";
    let request = "id = \"CHG-9\"\ntitle = \"t\"\nclass = \"policy\"\nreason = \"r\"\ndevices = []\n";
    desk.scene.commit_on("refs/heads/CHG-9", "alice", &[("fwgate.toml", &text), ("changes/CHG-9.toml", request)]);
    desk.clone.git(&["fetch", "-q", "origin"]);
    desk.clone.git(&["checkout", "-q", "--detach", "origin/CHG-9"]);
    let key = desk.scene.key("alice").path.display().to_string();
    desk.pass(&["change", "new", "CHG-9", "--key", &key, "--anyway"]);
}

#[test]
fn a_voice_for_a_policy_is_one_while_devices_run_what_nobody_merged() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    desk.closed("CHG-1", 443, crate::desk::NONCE);
    next_policy(&desk);
    for (who, role) in [("bob", "network"), ("carol", "network"), ("dave", "security")] {
        let key = desk.scene.key(who).path.display().to_string();
        desk.pass(&["change", "approve", "CHG-9", "--role", role, "--yes", "--key", &key]);
    }
    assert!(desk.messages("CHG-9").iter().skip(1).all(|text| text.starts_with("fwgate-record/1 policy\n")));
    assert!(desk.pass(&["policy", "change", "CHG-9"]).contains("next: merge it"));
}

#[test]
fn a_change_of_the_policy_tells_whose_voices_are_missing() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    next_policy(&desk);
    let key = |who: &str| desk.scene.key(who).path.display().to_string();
    assert_eq!(desk.run(&["policy", "change", "CHG-9"]).code, 1);
    for (who, role) in [("bob", "network"), ("carol", "network")] {
        desk.pass(&["change", "approve", "CHG-9", "--role", role, "--yes", "--key", &key(who)]);
    }
    assert_snapshot!(desk.masked(&desk.run(&["policy", "change", "CHG-9"]).stdout), @r"
    CHG-9: version 2 of the policy (DIGEST-1), not in force
      quorum of version 1: bob as network, carol as network; missing security
      quorum of version 2: bob as network, carol as network; missing security
    next: `fwgate change approve CHG-9 --role ROLE`
    ");
    desk.pass(&["change", "approve", "CHG-9", "--role", "security", "--yes", "--key", &key("dave")]);
    assert!(desk.pass(&["policy", "change", "CHG-9"]).contains("next: merge it"));
    desk.scene.reset("refs/heads/main", desk.scene.head_of("refs/heads/CHG-9").as_deref());
    assert!(desk.pass(&["policy", "change", "CHG-9"]).contains("in force"));
    // Folded into the log, it lets an audit follow the policy without the protected branch.
    desk.pass(&["change", "close", "CHG-9"]);
    let audit = desk.audit(&[]);
    assert_eq!(audit["verdict"], "sound", "{audit:#}");
    assert_eq!(audit["policies"][1]["voices"].as_array().unwrap().len(), 3);
    assert_eq!(audit["changes"][0]["outcome"], "in-force");
    // Its branch may go then: what was signed is in the log, for every command that asks for the policy.
    desk.scene.reset(&crate::scene::changes("CHG-9"), None);
    let fresh = desk.scene.clone_as("fresh");
    let root = desk.scene.path().join("root.toml");
    let verify = ["policy", "verify", "--root", root.to_str().unwrap()];
    let verified = Desk { clone: fresh, scene: desk.scene };
    let text = verified.pass(&verify);
    assert!(text.contains("version 2") && text.contains("in force"), "{text}");
    assert!(!verified.pass(&["ledger", "witness"]).contains("REWRITTEN"));
    let permit = verified.run(&["permit", "CHG-10"]).stdout;
    assert!(!permit.contains("POLICY_"), "{permit}");
}
