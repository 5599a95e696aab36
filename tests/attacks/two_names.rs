//! What stands beside the devices, zones and inventory, is judged wherever the devices are: at the states on the way, beside other
//! changes, and at the time that counts.

use crate::scene::RULES;
use crate::stage::{APPROVERS, CHANGE, EDGE, Facts, RULE, change_file, now, with_rules};
use crate::two_fleet::Fleet;
use crate::two_pairs::two_ways;
use fwgate::gate::{Instant, Record, Schedule};

const ZONE: &str = "zones/example.net.zone";
const DEVICES: &str = "inventory/devices.csv";
const BORDER: &str = "name,role\nedge1,border\n";

/// A zone in which the portal has this address; secondary servers and resolvers take three hours to forget another one.
fn zone(portal: &str) -> String {
    format!(
        "$ORIGIN example.net.\n$TTL 1h\n@ SOA ns1 hostmaster 1 2h 1h 2w 10m\n@ NS ns1\nns1 A 192.0.2.53\nportal A {portal}\n"
    )
}

fn to_portal(address: &str) -> String {
    format!("-A FORWARD -d {address}/32 -p tcp -m tcp --dport 443 -j ACCEPT\n")
}

/// A requirement of a host that only zones know.
const HOST: &str = "\n[[require]]\nid = \"portal\"\nreason = \"everybody works with it\"\nfrom = [\"10.0.0.0/8\"]\n\
                    to = [\"dns:portal.example.net\"]\nservice = [\"tcp/443\"]\nhook = \"forward\"\n";

/// A requirement of a role that only the inventory gives.
const ROLE: &str = "\n[inventory]\ndevices = \"inventory/devices.csv\"\n\n[[require]]\nid = \"web\"\nreason = \"the portal\"\n\
                    from = [\"10.1.0.0/24\"]\nto = [\"10.2.0.0/24\"]\nservice = [\"tcp/443\"]\nhook = \"forward\"\ndevices = [\"role:border\"]\n";

fn approved(fleet: &Fleet, head: &str) {
    let facts = fleet.announced_at(CHANGE, head);
    fleet.approved_by(&APPROVERS, &facts);
    fleet.settle();
}

#[test]
fn a34_state_that_only_its_zones_make_unsafe() {
    let rules = with_rules(RULES, &to_portal("192.0.2.10"));
    let on_the_way = |way: Option<&str>| {
        let fleet = Fleet::of(&["edge1"], HOST);
        fleet.scene.main(&[(EDGE, &rules), (ZONE, &zone("192.0.2.10"))]);
        // The devices stay as they were: a record sends everybody to where nothing passes, and is mended again.
        if let Some(address) = way {
            fleet.scene.commit_on(crate::stage::WORK, "alice", &[(ZONE, &zone(address))]);
        }
        let head = fleet.propose(&[(EDGE, &with_rules(&rules, RULE)), (ZONE, &zone("192.0.2.10"))]);
        approved(&fleet, &head);
        fleet.permit()
    };
    let verdict = on_the_way(Some("192.0.2.99"));
    assert!(verdict.to_string().contains("FW102 required-flow-missing `portal`"), "{verdict}");
    verdict.denied_only(&["COMMIT_GRAPH"]);
    on_the_way(None).granted();
}

#[test]
fn a34_state_that_only_its_inventory_makes_unsafe() {
    let rules = with_rules(RULES, "-A FORWARD -s 10.1.0.0/24 -d 10.2.0.0/24 -p tcp -m tcp --dport 443 -j ACCEPT\n");
    let on_the_way = |way: Option<&str>| {
        let fleet = Fleet::of(&["edge1"], ROLE);
        fleet.scene.main(&[(EDGE, &rules), (DEVICES, BORDER)]);
        if let Some(inventory) = way {
            fleet.scene.commit_on(crate::stage::WORK, "alice", &[(DEVICES, inventory)]);
        }
        // The same inventory in other letters, so that the file is one that the whole range changes.
        let head = fleet.propose(&[(EDGE, &with_rules(&rules, RULE)), (DEVICES, "name,role\nedge1,\"border\"\n")]);
        approved(&fleet, &head);
        fleet.permit()
    };
    // Without an inventory, or with one that cannot be read, nobody could say what the requirement of the role selects.
    let cases = [
        ("name,role\nedge1\n", "is not safe by itself, whatever the end is"),
        ("", "the policy names an inventory, and the proposal has none"),
    ];
    for (inventory, why) in cases {
        let verdict = on_the_way(Some(inventory));
        assert!(verdict.to_string().contains(why), "{verdict}");
        verdict.denied_only(&["COMMIT_GRAPH"]);
    }
    on_the_way(None).granted();
}

/// Two changes of edge1, announced, vetted, approved and witnessed; by the policy with an inventory.
fn both(whole: &str, [one, two]: [(&str, &str); 2]) -> (Fleet, [Facts; 2]) {
    let fleet = Fleet::of(&["edge1"], ROLE);
    fleet.scene.main(&[(EDGE, whole), (DEVICES, BORDER)]);
    let announced = |id: &str, (rules, file): (&str, &str)| {
        let path = format!("changes/{id}.toml");
        let head = fleet.scene.commit_on(&format!("refs/heads/{id}"), "alice", &[(EDGE, rules), (&path, file)]);
        fleet.announced_at(id, &head)
    };
    let facts = [announced("CHG-1", one), announced("CHG-2", two)];
    facts.iter().for_each(|f| fleet.approved_by(&APPROVERS, f));
    fleet.settle();
    (fleet, facts)
}

/// Each takes away one of two rules that let the same through: together they break the requirement, and every command that looks at
/// what is on its way says so.
#[test]
fn a61_every_command_tells_what_two_scheduled_changes_break_together() {
    let [whole, one, two] = two_ways();
    let closing = |id: &str| {
        let head = change_file(id).split("\n[[intent]]").next().unwrap().to_owned();
        head + "\n[[intent]]\neffect = \"closed\"\nfrom = [\"any\"]\nto = [\"any\"]\nservice = [\"tcp/443\"]\nhook = \"forward\"\n"
    };
    let (fleet, _) = both(&whole, [(&one, &closing("CHG-1")), (&two, &closing("CHG-2"))]);
    let lost = "with `CHG-1` applied first, `CHG-2` fails: the required flow `web` is lost";
    let verdict = fleet.permit_of("CHG-2");
    assert!(verdict.to_string().contains(lost), "{verdict}");
    verdict.denied("PROOF_STALE");
    let (code, page) = fleet.asked(&["change", "show", "CHG-2"]);
    assert!(code == Some(1) && page.contains("PROOF_STALE") && page.contains(lost), "{page}");
    let (code, calendar) = fleet.asked(&["schedule"]);
    assert!(code == Some(1) && calendar.contains(lost), "{calendar}");
    for id in ["CHG-1 !", "CHG-2 !"] {
        assert!(calendar.contains(id), "{calendar}");
    }
}

/// Two changes at one time whose effects meet: CONFLICT, in the permit and on the page, for the one that was announced later.
#[test]
fn a60_every_command_tells_two_changes_of_the_same_packets() {
    let half = "-A FORWARD -s 10.2.0.0/17 -d 10.1.0.0/24 -p tcp -m tcp --dport 443 -j ACCEPT\n";
    let web = "-A FORWARD -s 10.1.0.0/24 -d 10.2.0.0/24 -p tcp -m tcp --dport 443 -j ACCEPT\n";
    let whole = with_rules(RULES, web);
    let first = with_rules(&whole, RULE);
    let other = whole.replace("-A FORWARD -m conntrack", &format!("{half}-A FORWARD -m conntrack"));
    let narrower = change_file("CHG-2").replace("10.2.0.0/16", "10.2.0.0/17");
    let (fleet, _) = both(&whole, [(&first, &change_file("CHG-1")), (&other, &narrower)]);
    let met = "change the outcome of the same packets on `edge1`";
    let verdict = fleet.permit_of("CHG-2");
    assert!(verdict.to_string().contains(met), "{verdict}");
    verdict.denied("CONFLICT");
    let (code, page) = fleet.asked(&["change", "show", "CHG-2"]);
    assert!(code == Some(1) && page.contains("CONFLICT") && page.contains(met), "{page}");
    let (code, calendar) = fleet.asked(&["schedule"]);
    assert!(code == Some(1) && calendar.contains(met) && calendar.contains("from 10.2.0.0/17"), "{calendar}");
}

/// Two changes beside each other that have nothing to do with each other go, whatever stands beside the devices.
#[test]
fn a60_changes_of_other_packets_go_beside_an_inventory() {
    let web = "-A FORWARD -s 10.1.0.0/24 -d 10.2.0.0/24 -p tcp -m tcp --dport 443 -j ACCEPT\n";
    let whole = with_rules(RULES, web);
    let other = whole.replace(
        "-A FORWARD -m conntrack",
        "-A FORWARD -s 10.7.0.0/16 -d 10.8.0.0/16 -p tcp -m tcp --dport 25 -j ACCEPT\n-A FORWARD -m conntrack",
    );
    let file = change_file("CHG-2")
        .replace("10.2.0.0/16", "10.7.0.0/16")
        .replace("10.1.0.0/24", "10.8.0.0/16")
        .replace("tcp/443", "tcp/25");
    let (fleet, _) = both(&whole, [(&with_rules(&whole, RULE), &change_file("CHG-1")), (&other, &file)]);
    fleet.permit_of("CHG-1").granted();
}

/// A renumbering that would be safe in the window that its file wishes, and another one at the time that is scheduled; hours from now.
fn renumbered(wish: [i64; 2], schedule: Option<[i64; 2]>) -> crate::stage::Verdict {
    let fleet = Fleet::new();
    fleet.scene.main(&[(EDGE, &with_rules(RULES, &to_portal("192.0.2.10"))), (ZONE, &zone("192.0.2.10"))]);
    let at = |hours: i64| Instant(now() + 3600 * hours);
    let intent = |effect: &str, to: &str| {
        format!(
            "\n[[intent]]\neffect = \"{effect}\"\nfrom = [\"any\"]\nto = [\"{to}\"]\nservice = [\"tcp/443\"]\nhook = \"forward\"\n"
        )
    };
    let [start, end] = wish.map(at);
    let file = change_file(CHANGE).split("\n[[intent]]").next().unwrap().to_owned()
        + &intent("opened", "198.51.100.10")
        + &intent("closed", "192.0.2.10")
        + &format!("\n[window]\nstart = \"{start}\"\nend = \"{end}\"\n");
    let rules = with_rules(RULES, &to_portal("198.51.100.10"));
    let head = fleet.propose(&[(EDGE, &rules), (ZONE, &zone("198.51.100.10")), ("changes/CHG-1.toml", &file)]);
    if let Some([start, end]) = schedule.map(|hours| hours.map(at)) {
        fleet.scene.wait(60);
        fleet.say("carol", CHANGE, &Record::Schedule(Schedule { change: CHANGE.into(), start, end }));
    }
    approved(&fleet, &head);
    fleet.permit()
}

#[test]
fn a_renumbering_is_too_early_by_the_window_that_counts() {
    renumbered([48, 50], None).denied_only(&["OUTSIDE_WINDOW"]);
    let verdict = renumbered([48, 50], Some([-1, 2]));
    assert!(verdict.to_string().contains("FW720"), "{verdict}");
    verdict.denied_only(&["CHECK_REFUSED"]);
    // And the other way round: the file wishes too early, and the scheduler moved it.
    let verdict = renumbered([-1, 2], None);
    assert!(verdict.to_string().contains("FW720"), "{verdict}");
    verdict.denied_only(&["CHECK_REFUSED"]);
    renumbered([-1, 2], Some([48, 50])).denied_only(&["OUTSIDE_WINDOW"]);
}
