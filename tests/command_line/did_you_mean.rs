//! A slip has a neighbour: whatever somebody misspells on the command line or in a policy, the answer names what was meant.

use super::scene::{OLD, Scene, edited};
use std::process::Command;

/// Everything that a run says.
fn said(scene: &Scene, arguments: &[&str]) -> String {
    let output = scene.run_with(arguments, "", |command: &mut Command| {
        command.env("PATH", std::env::var_os("PATH").unwrap());
    });
    assert_ne!(output.status.code(), Some(0), "{arguments:?}");
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// The two sides and a policy.
fn scene(policy: &str) -> Scene {
    let policy = format!("version = 1\n{policy}");
    Scene::new().file("old/edge1/rules.v4", OLD).file("new/edge1/rules.v4", &edited()).file("policy.toml", &policy)
}

#[test]
fn words_of_the_command_line() {
    let scene = scene("");
    for (arguments, meant) in [
        (&["lnit", "old/edge1"][..], "'lint'"),
        (&["explian", "FW101"], "'explain'"),
        (&["change", "aprove", "CHG-1"], "'approve'"),
        (&["fleet", "stauts"], "'status'"),
        (&["bundle", "lst"], "'list'"),
        (&["check", "--basline", "old"], "'--baseline'"),
        (&["diff", "old", "new", "--format", "jsno"], "'json'"),
        (&["explain", "FW011"], "`FW101`"),
        (&["explain", "required-flow-lots"], "`required-flow-lost`"),
        (&["schema", "cheeck"], "`check`"),
        (&["lint", "--tree", "nwe"], "`new`"),
        (&["lint", "--tree", "new", "--dialect", "iptabels"], "`iptables`"),
        (&["lint", "--tree", "new", "--report", "htlm=x.html"], "`html`"),
    ] {
        let said = said(&scene, arguments);
        assert!(said.contains(meant), "{arguments:?}: {said}");
    }
}

#[test]
fn words_of_a_policy() {
    let check = ["check", "--baseline", "old", "--proposed", "new", "--policy", "policy.toml"];
    let rule = |line: &str| {
        format!(
            "[ranges]\ntoronto = [\"10.20.0.0/16\"]\n[[require]]\nid = \"a\"\nreason = \"r\"\nfrom = [\"toronto\"]\nto = [\"10.30.0.0/16\"]\n\
             service = [\"tcp/443\"]\nhook = \"forward\"\n{line}\n"
        )
    };
    for (policy, meant) in [
        ("reqire = []".to_owned(), "`require`"),
        ("include = [\"pack:dns-sever\"]".to_owned(), "`pack:dns-server`|`dns-server`"),
        (rule("onwer = \"netops\""), "`owner`"),
        (rule("devices = [\"egde1\"]"), "did you mean `edge1`?"),
        (rule("devices = [\"rloe:edge\"]"), "`role`"),
        (rule("").replace("\"forward\"", "\"forwad\""), "`forward`"),
        (rule("").replace("from = [\"toronto\"]", "from = [\"tornoto\"]"), "`toronto`"),
        (rule("").replace("tcp/443", "tpc/443"), "`tcp`"),
        ("[[waive]]\ncode = \"FW011\"\nreason = \"r\"\nowner = \"o\"\nexpires = 2099-01-01".to_owned(), "`FW101`"),
    ] {
        let said = said(&scene(&policy), &check);
        assert!(meant.split('|').any(|m| said.contains(m)), "{policy}: {said}");
    }
}

#[test]
fn devices_and_spares_of_bundles() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/incidents/03-dead-core-router");
    let scene = Scene::new();
    let make = |arguments: &[&str]| {
        let (tree, policy) = (format!("{folder}/devices"), format!("{folder}/policy.toml"));
        let common = ["--tree", &tree, "--policy", &policy];
        said(&scene, &[arguments, &common[..]].concat())
    };
    let create = ["bundle", "create", "--unsigned", "--out", "out.tar"];
    let device = make(&[&create[..], &["coer1"]].concat());
    assert!(device.contains("there is no device `coer1`") && device.contains("did you mean `core1`?"), "{device}");
    let spare = make(&[&create[..], &["--spare", "core-spair"]].concat());
    assert!(spare.contains("did you mean `core-spare`?"), "{spare}");
    let bundle = format!("{folder}/core-spare.tar");
    let recorded = said(
        &scene,
        &["bundle", "record", &bundle, "--spare", "core-spair", "--policy", &format!("{folder}/policy.toml")],
    );
    assert!(recorded.contains("did you mean `core-spare`?"), "{recorded}");
    assert!(!scene.path().join("out.tar").exists());
}
