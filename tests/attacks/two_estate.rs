//! Staging, transports, the way back, and facts about devices.

use crate::scene::RULES;
use crate::stage::{APPROVERS, CHANGE, EDGE, Stage, change_file, vetting, with_rules};
use crate::two_fleet::Fleet;
use fwgate::gate::{Digest, Receipt, Record};

/// A staging transport with these lines beside or instead of what it needs.
fn staging(more: &str, read: &str) -> String {
    format!(
        "\n[[transport]]\nid = \"stage\"\nenvironment = \"staging\"\ndevices = [\"lab1\"]\nread = {read}\napply = [\"load\", \"{{file}}\"]\n{more}\n"
    )
}

#[test]
fn a62_staging_shares_something_with_production() {
    let plain = "[\"show\", \"{address}\"]";
    let cases = [
        ("credential = \"deploy\"", plain),
        ("variables = [\"DEPLOY_TOKEN\"]", plain),
        ("addresses = { lab1 = \"root@192.0.2.1\" }", plain),
        ("addresses = { edge1 = \"192.0.2.77\" }", plain),
        ("", "[\"show\", \"-i\", \"production.ini\"]"),
        ("", "[\"show\", \"--limit=edge1\"]"),
        ("", "[\"show\", \"ssh://192.0.2.1:22\"]"),
    ];
    for (more, read) in cases {
        let fleet = Fleet::with(&["edge1"], |text| {
            let shared = "credential = \"deploy\"\nvariables = [\"DEPLOY_TOKEN\"]\naddresses = { edge1 = \"admin@192.0.2.1\" }\n";
            *text = text.replace("confirm_timer", &format!("{shared}confirm_timer"));
            *text =
                text.replace("\"identity\", \"{device}\"]", "\"identity\", \"{device}\", \"-i\", \"production.ini\"]");
            text.push_str(&staging(more, read));
        });
        fleet.ready();
        fleet.permit().denied_only(&["STAGE_NOT_ISOLATED"]);
        let key = fleet.key("stager");
        fleet.fwgate("one", &["stage", CHANGE, "--key-staging", &key]).refused("STAGE_NOT_ISOLATED");
        assert_eq!(fleet.started(), [""; 0]);
    }
}

#[test]
fn a63_receipt_of_another_artefact() {
    let stage = Stage::new();
    let head = stage.propose(&[]);
    let mut facts = stage.facts(CHANGE, &head);
    stage.announce("alice", &facts);
    let other = Digest([9; 32]);
    let receipt =
        Receipt { content: other, devices: vec![("edge1".into(), other)], ..vetting(&facts, stage.scene.instant()) };
    stage.scene.receipt("stager", CHANGE, &receipt.text());
    facts.vetting = Some(fwgate::gate::sha256(receipt.text().as_bytes()));
    stage.scene.wait(600);
    stage.scene.witness();
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    let verdict = stage.permit().denied("RECEIPT_MISMATCH");
    assert!(verdict.codes().contains(&"NOT_VETTED"), "{verdict}");
}

#[test]
fn a63_receipt_of_another_device_than_the_one_that_stands_for_it() {
    for (on, is_granted) in [("lab1 iptables 1.8.9", true), ("lab2 iptables 1.8.9", false)] {
        let stage = Stage::of(
            |policy| {
                policy.rest = policy.rest.replace("staging = \"namespace\"", "staging = \"device\"");
                policy.rest.push_str("\n[[stands_for]]\nstaging = \"lab1\"\ndevice = \"edge1\"\n");
            },
            &[],
        );
        let head = stage.propose(&[]);
        let mut facts = stage.facts(CHANGE, &head);
        stage.announce("alice", &facts);
        let receipt = Receipt { on: on.into(), ..vetting(&facts, stage.scene.instant()) };
        stage.scene.receipt("stager", CHANGE, &receipt.text());
        facts.vetting = Some(fwgate::gate::sha256(receipt.text().as_bytes()));
        stage.scene.wait(600);
        stage.scene.witness();
        stage.approved_by(&APPROVERS, &facts);
        stage.settle();
        match is_granted {
            true => drop(stage.permit().granted()),
            false => drop(stage.permit().denied("RECEIPT_MISMATCH")),
        }
    }
}

#[test]
fn a64_a_device_with_nothing_to_go_back_to() {
    let fleet = Fleet::new();
    let head = fleet.propose(&[("devices/edge2/rules.v4", RULES)]);
    fleet.ready_at(CHANGE, &head);
    fleet.permit().denied("NO_ROLLBACK");
}

#[test]
fn a64_the_permit_names_another_way_back() {
    let fleet = Fleet::new();
    fleet.ready();
    let permit = fleet.permit().granted().permit.unwrap();
    let rollback = permit.lines().find_map(|l| l.strip_prefix("device: edge1 ")?.split_once(' ')).unwrap().1;
    let (message, _) = permit.split_once("\n\n").unwrap();
    let other = message.replace(rollback, &format!("sha256:{}", "cd".repeat(32)));
    let forged = fleet.signed_permit("deployer", "fwgate-permit@v1", &format!("{other}\n"));
    fleet.push_as("one", CHANGE, "runner", &forged).refused("NO_ROLLBACK");
    assert_eq!(fleet.started(), [""; 0]);
}

#[test]
fn a64_a_transport_without_a_way_back() {
    let fleet = Fleet::with(&["edge1"], |text| {
        let without: Vec<&str> = text.lines().filter(|line| !line.starts_with("rollback = ")).collect();
        *text = without.join("\n") + "\n";
    });
    fleet.ready();
    let verdict = fleet.permit();
    assert!(verdict.codes().contains(&"NO_ROLLBACK"), "{verdict}");
    verdict.denied("UNSAFE_PUSH_MODE");
}

#[test]
fn a64_what_is_in_force_is_not_understood() {
    let fleet = Fleet::new();
    let broken = with_rules(RULES, "-A FORWARD --no-such-option 1 -j ACCEPT\n");
    let commit = fleet.scene.main(&[(EDGE, &broken)]);
    fleet.scene.witness();
    fleet.in_force("edge1", &commit);
    let head = fleet.propose(&[]);
    fleet.ready_at(CHANGE, &head);
    let verdict = fleet.permit();
    assert!(verdict.codes().contains(&"UNPARSED_INPUT"), "{verdict}");
    verdict.no_verdict("NO_ROLLBACK");
}

#[test]
fn a65_a_push_that_cannot_undo_itself() {
    let cases = [
        ("confirm_timer = \"30s\"\n", ""),
        ("confirm_timer = \"30s\"\n", "confirm_timer = \"0s\"\n"),
        ("id = \"direct\"\n", "id = \"direct\"\nmode = \"best-effort\"\n"),
        ("id = \"direct\"\n", "id = \"direct\"\nmode = \"eventual\"\n"),
    ];
    for (from, to) in cases {
        let fleet = Fleet::with(&["edge1"], |text| *text = text.replace(from, to));
        fleet.ready();
        fleet.permit().denied("UNSAFE_PUSH_MODE");
        fleet.fwgate("one", &["push", CHANGE, "--key-permit", &fleet.key("deployer")]).refused("UNSAFE_PUSH_MODE");
        assert_eq!(fleet.started(), [""; 0]);
    }
}

#[test]
fn a80_production_device_is_relabelled() {
    let facts = "environment = \"production\"\nrole = \"edge\"\n";
    let cases = [
        facts.replace("production", "staging"),
        facts.replace("production", "lab"),
        facts.replace("\"edge\"", "\"core\""),
        facts.replace("role = \"edge\"\n", ""),
    ];
    for changed in cases {
        let stage = Stage::of(|_| {}, &[("devices/edge1/device.toml", facts)]);
        let head = stage.propose(&[("devices/edge1/device.toml", &changed)]);
        let facts = stage.announced_at(CHANGE, &head);
        stage.approved_by(&APPROVERS, &facts);
        stage.settle();
        stage.permit().denied("POLICY_CHANGE_MIXED");
    }
}

/// A test change, staged for real: its rule opens the lab only, and its route is as given.
fn test_with_route(route: &str, lab: &str) -> crate::verdict::Verdict {
    let routes = "default via 203.0.113.1 dev eth0\n10.9.0.0/16 via 203.0.113.9 dev eth0\n";
    let stage = Stage::of(
        |policy| {
            policy.rest.push_str(
                "\n[class.test]\nquorum = [{ role = \"network\", count = 2 }, { role = \"security\", count = 1 }]\n\
                 staging = \"namespace\"\nlead_time = \"4h\"\n",
            );
            policy.rest.push_str(lab);
        },
        &[("devices/edge1/routes", routes)],
    );
    let request = crate::stage::change_file(CHANGE).replace("\"normal\"", "\"test\"")
        + "\n[[reroute]]\nto = [\"10.9.8.0/24\", \"10.2.8.0/24\"]\n";
    let proposed = format!("{routes}{route}");
    let head = stage.propose(&[("devices/edge1/routes", &proposed), ("changes/CHG-1.toml", &request)]);
    let facts = stage.announced_at(CHANGE, &head);
    stage.approved_by(&APPROVERS, &facts);
    stage.settle();
    stage.permit()
}

#[test]
fn a_test_leaves_the_lab_by_one_destination() {
    let lab = "\n[lab]\nranges = [\"10.1.0.0/16\", \"10.2.0.0/16\"]\ndevices = [\"edge1\"]\n";
    test_with_route("10.9.8.0/24 via 203.0.113.7 dev eth0\n", lab).denied("OUTSIDE_LAB");
    test_with_route("10.2.8.0/24 via 203.0.113.7 dev eth0\n", lab).granted();
    let narrow = lab.replace(", \"10.2.0.0/16\"", "");
    test_with_route("10.1.8.0/24 via 203.0.113.7 dev eth0\n", &narrow).denied("OUTSIDE_LAB");
}

#[test]
fn a92_names_that_are_none() {
    let devices = [
        "-edge1",
        "edge1;reboot",
        "$(reboot)",
        "edge1\nedge2",
        "edge 1",
        "edge1.",
        "Edge2",
        "con",
        "nul.example",
        "aux",
    ];
    let files = devices.map(|name| (format!("devices/{name}/rules.v4"), RULES.to_owned()));
    let facts = [
        "role = \"-edge\"\n",
        "role = \"edge;reboot\"\n",
        "role = \"edge\\nrole\"\n",
        "interfaces = [\"-eth0\"]\n",
        "interfaces = [\"eth0;reboot\"]\n",
        "interfaces = [\"eth0\\n\"]\n",
    ];
    let facts = facts.map(|text| ("devices/edge1/device.toml".to_owned(), text.to_owned()));
    for (path, text) in files.iter().chain(&facts) {
        let stage = Stage::new();
        let head = stage.propose(&[(path, text)]);
        let mut facts = stage.facts(CHANGE, &head);
        facts.devices = vec![("edge1".to_owned(), Digest([0; 32]))];
        stage.announce("alice", &facts);
        stage.settle();
        let verdict = stage.permit();
        assert!(verdict.codes().contains(&"PATH_INVALID"), "{path:?} {text:?}: {verdict}");
        verdict.denied("PATH_INVALID");
    }
}

#[test]
fn a93_transport_that_is_a_shell_string() {
    let commands = [
        "\"ssh edge1 iptables-restore\"",
        "[\"sh\", \"-c\", \"iptables-restore < x\"]",
        "[\"env\", \"bash\", \"-c\", \"true\"]",
        "[\"{device}\"]",
        "[\"load\", \"--file={file}\"]",
        "[]",
    ];
    for command in commands {
        let fleet = Fleet::with(&["edge1"], |text| {
            let line = text.lines().find(|line| line.starts_with("apply = ")).unwrap().to_owned();
            *text = text.replace(&line, &format!("apply = {command}"));
        });
        fleet.ready();
        fleet.permit().denied("TRANSPORT_UNSAFE");
        fleet.fwgate("one", &["push", CHANGE, "--key-permit", &fleet.key("deployer")]).refused("TRANSPORT_UNSAFE");
        assert_eq!(fleet.started(), [""; 0]);
    }
}

const TEMPLATE: &str = r#"
[[template]]
id = "portal"
reason = "opening the portal for one more network was agreed on"
effects = ["opened"]
from = ["10.2.0.0/16"]
to = ["10.1.0.0/24"]
service = ["tcp/443"]
hook = "forward"
devices = ["edge1"]
most_sources = 65536
quorum = [{ role = "network", count = 1 }]

[class.standard]
staging = "namespace"
lead_time = "0s"
quorum = []
"#;

#[test]
fn a69_template_with_parameters_outside_its_bounds() {
    let standard = change_file(CHANGE).replace("class = \"normal\"", "class = \"standard\"\ntemplate = \"portal\"");
    let wide = standard.replace("from = [\"10.2.0.0/16\"]", "from = [\"10.2.0.0/15\"]");
    let wide_rules =
        with_rules(RULES, "-A FORWARD -s 10.2.0.0/15 -d 10.1.0.0/24 -p tcp -m tcp --dport 443 -j ACCEPT\n");
    let other_port = standard.replace("tcp/443", "tcp/22");
    let port_rules = with_rules(RULES, "-A FORWARD -s 10.2.0.0/16 -d 10.1.0.0/24 -p tcp -m tcp --dport 22 -j ACCEPT\n");
    let unknown = standard.replace("\"portal\"", "\"anything\"");
    let usual = crate::stage::proposed();
    let cases = [
        (&standard, &usual, None),
        (&wide, &wide_rules, Some("TEMPLATE_BOUNDS")),
        (&other_port, &port_rules, Some("TEMPLATE_BOUNDS")),
        (&unknown, &usual, Some("TEMPLATE_BOUNDS")),
    ];
    for (file, rules, code) in cases {
        let stage = Stage::of(|policy| policy.rest.push_str(TEMPLATE), &[]);
        let head = stage.propose(&[(EDGE, rules), ("changes/CHG-1.toml", file)]);
        let facts = stage.announced_at(CHANGE, &head);
        stage.approve("bob", "network", &facts);
        stage.settle();
        match code {
            None => drop(stage.permit().granted()),
            Some(code) => drop(stage.permit().denied(code)),
        }
    }
}

#[test]
fn a80_relabelling_alone_is_a_change_of_the_policy() {
    let facts = "environment = \"production\"\nrole = \"edge\"\n";
    let stage = Stage::of(|_| {}, &[("devices/edge1/device.toml", facts)]);
    let changed = facts.replace("production", "staging");
    let head = stage.propose(&[(EDGE, RULES), ("devices/edge1/device.toml", &changed)]);
    let facts = stage.announced_at(CHANGE, &head);
    stage.say("bob", CHANGE, &Record::Approve(crate::stage::approval("network", &facts)));
    stage.settle();
    stage.permit().denied("POLICY_CHANGE_MIXED");
}
