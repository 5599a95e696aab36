//! `fwgate audit`: who decided what, by the log and the root alone.

use crate::desk::{Desk, NONCE};
use crate::scene::{LEDGER, changes};
use insta::assert_snapshot;

#[test]
fn a_change_is_told_from_announcement_to_receipt() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    desk.closed("CHG-1", 443, NONCE);
    let shown = desk.run(&["audit"]);
    assert_eq!(shown.code, 0, "{}{}", shown.stdout, shown.stderr);
    assert_snapshot!(desk.masked(&shown.stdout));
    assert_snapshot!(desk.masked(&desk.pass(&["audit", "--format", "csv"])));
}

#[test]
fn the_log_and_the_root_are_enough() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    desk.closed("CHG-1", 443, NONCE);
    let far = desk.scene.path().join("far");
    std::fs::create_dir(&far).unwrap();
    crate::scene::run(crate::scene::stock_git(&far).args(["init", "-q"]));
    let log = "refs/heads/fwgate/log";
    let only = format!("+{log}:refs/remotes/origin/fwgate/log");
    crate::scene::run(crate::scene::stock_git(&far).args(["fetch", "-q"]).arg(desk.scene.remote_path()).arg(only));
    let elsewhere = Desk { clone: crate::scene::Clone { path: far }, ..desk };
    let audit = elsewhere.audit(&["--offline"]);
    assert_eq!((&audit["verdict"], &audit["changes"][0]["is_right"]), (&"sound".into(), &true.into()), "{audit:#}");
    assert_eq!(audit["changes"][0]["permit"]["machine"], "deployer");
    assert_snapshot!(elsewhere.masked(&elsewhere.pass(&["audit", "--offline"])));
}

#[test]
fn what_was_wrong_then_is_said() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    let change = desk.approved("CHG-1", 443);
    let key = desk.scene.key("dave").path;
    desk.pass(&["change", "reject", "CHG-1", "--reason", "too wide", "--key", key.to_str().unwrap()]);
    let path = desk.scene.write("CHG-1.permit", &desk.pushed(&change, NONCE));
    desk.pass(&["change", "close", "CHG-1", "--permit", path.to_str().unwrap()]);
    let shown = desk.run(&["audit"]);
    assert_eq!((shown.code, shown.stderr.as_str()), (1, ""));
    assert_snapshot!(desk.masked(&shown.stdout));
}

#[test]
fn a_key_that_somebody_else_had_taints_what_it_signed_since_then() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    desk.closed("CHG-1", 443, NONCE);
    let bob = desk.scene.key("bob").fingerprint();
    let tainted = |since: &str| desk.audit(&["--compromised", &format!("{bob}={since}")])["tainted"].clone();
    let all = tainted("2020-01-01");
    assert_eq!(all.as_array().unwrap().len(), 1, "{all:#}");
    assert_eq!(
        (&all[0]["what"], &all[0]["owner"], &all[0]["decides"]),
        (&"approve".into(), &"bob".into(), &true.into())
    );
    // Nobody witnessed the approval before the push, so its own date is no alibi.
    assert_eq!(tainted("9000-01-01").as_array().unwrap().len(), 1);
    let shown = desk.run(&["audit", "--compromised", &format!("{bob}=2020-01-01")]);
    assert_snapshot!(desk.masked(&shown.stdout).replace(&bob, "KEY"));
    let ledger = desk.scene.key("ledger").fingerprint();
    let entries = desk.audit(&["--compromised", &format!("{ledger}=2020-01-01")]);
    assert!(entries["tainted"].as_array().unwrap().len() >= 5, "{entries:#}");
}

#[test]
fn a_sample_is_the_same_for_the_same_seed() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    for id in ["CHG-1", "CHG-2", "CHG-3"] {
        desk.scene.record("alice", id, &withdrawn(id));
        desk.scene.record("alice", id, &format!("fwgate-record/1 withdraw\nchange: {id}\nreason: x\n"));
        desk.pass(&["change", "close", id]);
    }
    let ids = |seed: &str| {
        let shown = desk.run(&["audit", "sample", "--n", "2", "--seed", seed, "--format", "json"]);
        let value: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
        assert_eq!(value["sample"]["of"], 3);
        value["changes"].as_array().unwrap().iter().map(|c| c["change"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids("a"), ids("a"));
    assert_eq!(ids("a").len(), 2);
    let seeds = ["a", "b", "c", "d", "e", "f"].map(ids);
    assert!(seeds.iter().any(|s| *s != seeds[0]), "the seed decides");
}

/// A `change` record of a commit that is there.
fn withdrawn(id: &str) -> String {
    let (digest, commit) = ("a".repeat(64), "b".repeat(40));
    format!(
        "fwgate-record/1 change\nchange: {id}\nfile: sha256:{digest}\nbase: {commit}\nhead: {commit}\ncontent: sha256:{digest}\n\
         meaning: sha256:{digest}\nsays: nothing\n"
    )
}

#[test]
fn open_changes_are_told_where_they_are_asked_for() {
    let desk = Desk::new();
    desk.pass(&["ledger", "init"]);
    desk.approved("CHG-1", 443);
    let ended = desk.audit(&[]);
    assert_eq!((&ended["verdict"], ended["changes"].as_array().unwrap().len()), (&"sound".into(), 0), "{ended:#}");
    let open = desk.audit(&["--open"]);
    assert_eq!(open["changes"][0]["outcome"], "open", "{open:#}");
    assert_snapshot!(desk.masked(&desk.run(&["audit", "--open"]).stdout));
    assert!(desk.scene.head_of(LEDGER).is_some() && desk.scene.head_of(&changes("CHG-1")).is_some());
}
