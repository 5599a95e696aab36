//! `fwgate diff`.

use super::scene::{OLD, Scene, edited};
use insta::assert_snapshot;

#[test]
fn for_people() {
    assert_snapshot!(Scene::of_edge().shown(&["diff", "old.v4", "new.v4"]));
}

#[test]
fn for_machines() {
    assert_snapshot!(Scene::of_edge().shown(&["diff", "old.v4", "new.v4", "--format", "json", "--exit-code"]));
}

#[test]
fn with_the_edited_lines() {
    let scene = Scene::new().file("old.v4", OLD).file("new.v4", &OLD.replace("--dport 53", "--dport 5353"));
    assert_snapshot!(scene.shown(&["diff", "old.v4", "new.v4", "--text"]));
}

#[test]
fn a_rewrite_that_means_the_same_is_equal() {
    let rewritten = OLD.replace(
        "-A FORWARD -s 10.20.0.0/16 -d 10.30.0.0/16 -p tcp --dport 443 -j ACCEPT\n",
        "-A FORWARD -s 10.20.0.0/17 -d 10.30.0.0/16 -p tcp --dport 443 -j ACCEPT\n\
         -A FORWARD -s 10.20.128.0/17 -d 10.30.0.0/16 -p tcp --dport 443 -j ACCEPT\n",
    );
    let scene = Scene::new().file("old.v4", OLD).file("new.v4", &rewritten);
    assert_snapshot!(scene.shown(&["diff", "old.v4", "new.v4", "--exit-code"]), @r"
    $ fwgate diff old.v4 new.v4 --exit-code
    --- stdout
    = equivalent: every packet is treated as before (1 device, 3 filters)
    --- exit 0
    ");
}

/// The words of each change between two dumps.
fn effects(old: &str, new: &str) -> Vec<String> {
    let document = Scene::new().file("a.v4", old).file("b.v4", new).json(&["diff", "a.v4", "b.v4", "--format", "json"]);
    let words = |c: &serde_json::Value| format!("{} {}", c["hook"].as_str().unwrap(), c["effect"].as_str().unwrap());
    document["changes"].as_array().unwrap().iter().map(words).collect()
}

/// A packet that a rule has just taken from conntrack is UNTRACKED to the next rule, not INVALID.
#[test]
fn a_rule_about_untracked_packets_behind_the_one_that_untracks() {
    let old = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p udp -j CT --notrack\nCOMMIT\n";
    let rule = "-A PREROUTING -m conntrack --ctstate UNTRACKED -j DROP\nCOMMIT";
    assert_eq!(effects(old, &old.replace("COMMIT", rule)), ["input closed", "forward closed"]);
}

/// The first rule that needs conntrack has fragments put together before any chain, so that `-f` matches no more.
#[test]
fn a_first_rule_about_states_changes_what_becomes_of_fragments() {
    let old = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n-A INPUT -f -j DROP\nCOMMIT\n";
    let new = old.replace("COMMIT", "-A FORWARD -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT");
    assert_eq!(effects(old, &new), ["input opened"]);
}

#[test]
fn trees_with_a_device_more_and_a_family_less() {
    let v6 = OLD.split("*nat").next().unwrap().replace("10.20.0.0/16", "2001:db8:20::/48");
    let v6 = v6.replace("10.30.0.0/16", "2001:db8:30::/48").replace("10.1.0.0/24", "2001:db8:1::/64");
    let scene = Scene::new()
        .file("a/edge1/rules.v4", OLD)
        .file("a/edge1/rules.v6", &v6)
        .file("a/edge2/rules.v4", OLD)
        .file("b/edge1/rules.v4", OLD)
        .file("b/edge2/rules.v4", OLD)
        .file("b/edge3/rules.v4", "*filter\n:FORWARD DROP [0:0]\nCOMMIT\n");
    assert_snapshot!(scene.shown(&["diff", "a", "b"]));
    let document = scene.json(&["diff", "a", "b", "--format", "json"]);
    let structure: Vec<&str> =
        document["structure"].as_array().unwrap().iter().map(|s| s["what"].as_str().unwrap()).collect();
    assert_eq!((document["equivalent"].as_bool(), structure), (Some(false), vec!["family", "device"]));
}

#[test]
fn a_bound_is_told() {
    let rules: String = (0..40).map(|n| format!("-A FORWARD -s 10.{n}.0.0/16 -d 10.0.{n}.0/24 -j ACCEPT\n")).collect();
    let new = OLD.replace("-A FORWARD -p tcp --dport 25", &format!("{rules}-A FORWARD -p tcp --dport 25"));
    let scene = Scene::new().file("old.v4", OLD).file("new.v4", &new);
    let document = scene.json(&["diff", "old.v4", "new.v4", "--format", "json", "--max-regions", "10"]);
    assert_eq!(document["complete"], false);
    let changes = document["changes"].as_array().unwrap();
    assert!(!changes.is_empty());
    assert!(changes.iter().all(|c| c["packets"].as_str().unwrap().starts_with(">=")));
    let shown = scene.shown(&["diff", "old.v4", "new.v4", "--max-regions", "10"]);
    assert!(shown.lines().nth(2).unwrap().contains("NOT COMPLETE"), "{shown}");
}

#[test]
fn hostile_text_cannot_reach_the_terminal() {
    let hostile = |n: u32| {
        OLD.replace("--dport 53 -j", &format!("--dport {n} -m comment --comment \"\u{1b}[2J\u{202e}evil\" -j"))
    };
    let scene = Scene::new().file("old.v4", &hostile(53)).file("new.v4", &hostile(54));
    let shown = scene.shown(&["diff", "old.v4", "new.v4", "--text"]);
    assert!(shown.contains("\\u{1b}[2J\\u{202e}evil"), "{shown}");
    assert!(!shown.contains(['\u{1b}', '\u{202e}']));
}

#[test]
fn colours_only_where_they_are_wanted() {
    let output = Scene::of_edge().run_with(&["diff", "old.v4", "new.v4"], "", |c| {
        c.env("TERM", "xterm-256color");
    });
    assert!(!output.stdout.contains(&0x1b), "piped output is plain");
    assert_eq!(output.stdout, Scene::of_edge().run(&["diff", "old.v4", "new.v4"]).stdout);
    assert!(!edited().is_empty());
}
