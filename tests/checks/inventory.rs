//! The inventory beside policy, devices and rules; and its ranges when a change shuts them out.

use super::{forward, policy, ruleset};
use fwgate::check::{CheckInput, CheckReport, Device, Estate, Known, run};
use fwgate::diff::Bounds;
use fwgate::finding::Finding;
use fwgate::inventory::{Inventory, InventoryPaths, read_inventory};
use fwgate::policy::{Contradiction, read_device_file};

const NOW: i64 = 1_781_500_000;

fn inventory(prefixes: &str, taken: &str) -> Inventory {
    let paths = InventoryPaths { prefixes: Some("inventory/prefixes.csv".into()), ..InventoryPaths::default() };
    let files: Vec<(&str, &[u8])> =
        vec![("inventory/prefixes.csv", prefixes.as_bytes()), ("inventory/snapshot.toml", taken.as_bytes())];
    read_inventory(&paths, &files).unwrap().unwrap()
}

fn of(prefixes: &str) -> Inventory {
    inventory(prefixes, "taken = \"2026-06-14T06:00:00Z\"")
}

fn report(
    policy_text: &str,
    old: &str,
    new: &str,
    before: Option<&Inventory>,
    after: Option<&Inventory>,
) -> CheckReport {
    let device = |text: &str| vec![Device::new("edge1", ruleset(text))];
    let (baseline, proposed) = (device(old), device(new));
    let head = "[inventory]\nprefixes = \"inventory/prefixes.csv\"\nmax_age = \"7d\"\n";
    let estate = Estate {
        baseline: Known { inventory: before, ..Known::default() },
        proposed: Known { inventory: after, ..Known::default() },
        now: Some(NOW),
        ..Estate::default()
    };
    let input = CheckInput {
        baseline: &baseline,
        proposed: &proposed,
        policy: &policy(&format!("{head}{policy_text}")),
        change: None,
        estate,
        bounds: Bounds::default(),
        today: super::TODAY,
    };
    run(&input).unwrap()
}

fn found(report: &CheckReport, code: &str) -> Vec<String> {
    report.findings.iter().filter(|f| f.code.id == code).map(|f: &Finding| f.message.clone()).collect()
}

const REQUIRE: &str = "[[require]]\nid = \"west\"\nreason = \"r\"\nfrom = [\"10.32.0.0/14\"]\nto = [\"10.48.0.0/16\"]\n\
                       service = [\"tcp/443\"]\nhook = \"forward\"\n";
const OPEN: &str = "-A FORWARD -j ACCEPT";

#[test]
fn ranges_that_no_requirement_names_are_told_with_the_part_that_is_missing() {
    let list = of("prefix,status,site\n10.32.0.0/14,active,east\n10.48.0.0/14,active,west\n10.60.0.0/16,active,\n\
                   10.64.0.0/16,reserved,\n10.0.0.0/8,container,\n");
    let report = report(REQUIRE, &forward(OPEN), &forward(OPEN), None, Some(&list));
    assert_eq!(
        found(&report, "FW412"),
        [
            "no requirement names `10.49.0.0-10.51.255.255` of `10.48.0.0/14`",
            "no requirement names the range `10.60.0.0/16`"
        ]
    );
    assert_eq!(found(&report, "FW413"), Vec::<String>::new());
    assert_eq!(
        found(&report, "FW415"),
        ["no rule, no policy, no device and no record speaks of the range `10.60.0.0/16`"]
    );
}

#[test]
fn what_everybody_may_do_covers_nobody() {
    let anybody = REQUIRE.replace("\"10.32.0.0/14\"", "\"any\"");
    let list = of("prefix\n10.32.0.0/14\n10.48.0.0/16\n");
    let report = report(&anybody, &forward(OPEN), &forward(OPEN), None, Some(&list));
    assert_eq!(found(&report, "FW412"), ["no requirement names the range `10.32.0.0/14`"]);
}

#[test]
fn addresses_that_the_inventory_does_not_know_are_told() {
    let list = of("prefix\n10.32.0.0/14\n10.84.0.0/14\n");
    let report = report(REQUIRE, &forward(OPEN), &forward(OPEN), None, Some(&list));
    assert_eq!(found(&report, "FW413"), ["`west` names `10.48.0.0/16`, which the inventory does not know"]);
}

#[test]
fn overlaps_are_told_and_divisions_are_not() {
    let list = of(
        "prefix,status,site,vrf\n10.20.0.0/16,active,toronto,\n10.20.4.0/24,active,dallas,\n10.20.5.0/24,active,toronto,\n\
                   10.20.0.0/16,active,toronto,\n10.20.0.0/16,active,toronto,lab\n10.30.0.0/16,container,east,\n10.30.1.0/24,active,west,\n",
    );
    let report = report("", &forward(OPEN), &forward(OPEN), None, Some(&list));
    assert_eq!(
        found(&report, "FW414"),
        [
            "the range `10.20.4.0/24` of `dallas` lies inside `10.20.0.0/16` of `toronto` (line 5), which is no container",
            "the range `10.20.0.0/16` is listed twice; line 2 has it as well"
        ]
    );
}

#[test]
fn a_snapshot_has_a_time_and_it_counts() {
    let judged = |taken: &str| {
        let list = inventory("prefix\n10.32.0.0/14\n", taken);
        found(&report("", &forward(OPEN), &forward(OPEN), None, Some(&list)), "FW410")
    };
    assert!(judged("taken = \"2026-06-14T06:00:00Z\"").is_empty());
    assert_eq!(
        judged("taken = 2026-03-01T06:00:00Z"),
        ["`inventory/prefixes.csv` is 105 days old, and the policy allows 7 days"]
    );
    assert_eq!(judged("taken = \"2027-03-01T06:00:00Z\""), ["`inventory/prefixes.csv` was taken in the future"]);
    let paths = InventoryPaths { prefixes: Some("p.csv".into()), ..InventoryPaths::default() };
    let list = read_inventory(&paths, &[("p.csv", b"prefix\n10.32.0.0/14\n")]).unwrap().unwrap();
    let report = report("", &forward(OPEN), &forward(OPEN), None, Some(&list));
    assert_eq!(found(&report, "FW410"), ["nothing says when `p.csv` was taken"]);
}

/// The guard of the first incident: nobody wrote a requirement, the range is public, and only the inventory knows that it is
/// one's own.
#[test]
fn a_range_of_the_inventory_that_is_shut_out_is_told_even_where_it_is_public() {
    let old = forward("-A FORWARD -s 203.0.113.0/24 -j ACCEPT\n-A FORWARD -s 192.0.2.0/24 -j ACCEPT");
    let new = forward("-A FORWARD -s 192.0.2.0/24 -j ACCEPT");
    let list = of("prefix,site\n203.0.113.0/24,west\n192.0.2.0/24,east\n");
    let without = report("", &old, &new, None, None);
    assert!(found(&without, "FW204").is_empty(), "nothing says that the range is one's own");
    for (before, after) in [(None, Some(&list)), (Some(&list), None)] {
        let told = found(&report("", &old, &new, before, after), "FW204");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].starts_with(
                "the range `203.0.113.0/24` (in the inventory as `203.0.113.0/24` of `west`, inventory/prefixes.csv:2) can no longer talk"
            ),
            "{told:?}"
        );
    }
}

#[test]
fn facts_come_together_and_contradictions_are_told() {
    let paths = InventoryPaths {
        devices: Some("d.json".into()),
        interfaces: Some("i.csv".into()),
        ..InventoryPaths::default()
    };
    let devices = r#"{"count": 2, "next": null, "results": [
        {"name": "edge1", "role": {"id": 1, "name": "Core Router", "slug": "core-router"}, "site": {"slug": "west"},
         "status": {"value": "active", "label": "Active"}, "primary_ip4": {"address": "192.0.2.1/24"},
         "tags": [{"slug": "wave-1"}], "custom_fields": {"environment": "staging"}},
        {"name": "edge2", "role": null}]}"#;
    let interfaces =
        "Device,Name,IP Addresses\nedge1,eth0,192.0.2.1/24\nedge1,eth1,\"198.51.100.1/24,2001:db8::1/64\"\npanel,1,\n";
    let list =
        read_inventory(&paths, &[("d.json", devices.as_bytes()), ("i.csv", interfaces.as_bytes())]).unwrap().unwrap();
    let edge1 = list.device("edge1").unwrap();
    let (facts, none) = read_device_file("device.toml", "").unwrap().completed_by(edge1);
    assert!(none.is_empty());
    assert_eq!((facts.role.as_deref(), facts.environment.name()), (Some("core-router"), "staging"));
    assert_eq!(facts.groups, ["wave-1", "west"]);
    let addresses: Vec<String> = facts.addresses.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["192.0.2.1/24", "198.51.100.1/24", "2001:db8::1/64"]);
    assert_eq!(facts.interfaces.unwrap().len(), 2);
    let own =
        "role = \"edge\"\nenvironment = \"lab\"\naddresses = [\"192.0.2.1/24\"]\ninterfaces = [\"eth0\", \"wan0\"]\n";
    let (facts, told) = read_device_file("device.toml", own).unwrap().completed_by(edge1);
    assert_eq!((facts.role.as_deref(), facts.environment.name()), (Some("edge"), "lab"));
    let said: Vec<(&str, &str, &str)> =
        told.iter().map(|c: &Contradiction| (c.key, c.own.as_str(), c.inventory.as_str())).collect();
    assert_eq!(
        said,
        [
            ("role", "edge", "core-router"),
            ("environment", "lab", "staging"),
            ("addresses", "192.0.2.1/24", "198.51.100.1/24"),
            ("addresses", "192.0.2.1/24", "2001:db8::1/64"),
            ("interfaces", "wan0", "eth0, eth1"),
        ]
    );
}

#[test]
fn what_would_be_read_wrongly_is_refused() {
    let paths = InventoryPaths { prefixes: Some("p".into()), devices: None, interfaces: None };
    let json = InventoryPaths { prefixes: Some("p.json".into()), ..InventoryPaths::default() };
    let message = |paths: &InventoryPaths, name: &str, text: &str| {
        read_inventory(paths, &[(name, text.as_bytes())]).unwrap_err().problems[0].message.clone()
    };
    for (text, expected) in [
        ("prefix\n10.0.0.1/8\n", "`10.0.0.1/8` is no prefix"),
        ("prefix,status\n10.0.0.0/8,activ\n", "`activ` is no status of a prefix"),
        ("prefix,status\n10.0.0.0/8\n", "this line has 1 fields, and the header 2"),
        ("prefx\n10.0.0.0/8\n", "there is no column `prefix`"),
        ("prefix\n", "`p` has no rows"),
        ("prefix\n\"10.0.0.0/8\n", "this quote is never closed"),
        ("prefix,Prefix\n10.0.0.0/8,10.0.0.0/8\n", "the column `prefix` is given twice"),
    ] {
        assert_eq!(message(&paths, "p", text), expected);
    }
    for (text, expected) in [
        (
            r#"{"next": "http://x/?offset=50", "results": [{"prefix": "10.0.0.0/8"}]}"#,
            "this is one page of a longer list",
        ),
        (r#"{"prefix": "10.0.0.0/8"}"#, "this is no list of objects"),
        (r#"[3]"#, "a row must be an object"),
        (r#"[{"prefix": null}, {"prefix": "10.0.0.0/8"}]"#, "this row has no prefix"),
    ] {
        assert_eq!(message(&json, "p.json", text), expected);
    }
}
