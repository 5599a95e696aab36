//! `fwgate lint`.

use super::scene::{OLD, Scene};
use insta::assert_snapshot;

fn careless() -> Scene {
    let rules = OLD
        .replace(":FORWARD DROP", ":FORWARD ACCEPT")
        .replace(
            "-A FORWARD -d 10.1.0.0/24 -j WEB\n",
            "-A FORWARD -s 10.20.4.0/24 -d 10.30.4.0/24 -p tcp --dport 443 -j DROP\n-A FORWARD -d 10.1.0.0/24 -j WEB\n-A FORWARD -s 10.99.0.0/16 -j ACCEPT\n",
        )
        .replace(":WEB - [0:0]\n", ":WEB - [0:0]\n:UNUSED - [0:0]\n");
    Scene::new().file("rules.v4", &rules)
}

#[test]
fn for_people() {
    assert_snapshot!(careless().shown(&["lint", "rules.v4"]));
}

#[test]
fn for_machines() {
    assert_snapshot!(careless().shown(&["lint", "rules.v4", "--format", "json"]));
}

#[test]
fn the_failing_severity_is_the_users() {
    let code = |severity: &str| careless().run(&["lint", "rules.v4", "--fail-on", severity]).status.code();
    assert_eq!((code("error"), code("warning"), code("note")), (Some(0), Some(1), Some(1)));
}

#[test]
fn conditions_have_their_canonical_names() {
    assert_snapshot!(careless().shown(&["lint", "rules.v4", "--conditions"]));
}
