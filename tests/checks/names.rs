//! Names beside filters: what a change leaves behind, what nobody reaches, what contradicts itself.

use super::{filter, forward, policy, read, ruleset};
use fwgate::check::{CheckInput, CheckReport, Device, Estate, Goes, Known, run};
use fwgate::dialect::InputFile;
use fwgate::diff::Bounds;
use fwgate::inventory::{InventoryPaths, read_inventory};
use fwgate::names::{Zones, read_zones};
use fwgate::policy::read_change;
use fwgate::routes::read_routing;
use fwgate::ruleset::DeviceFacts;
use std::collections::BTreeMap;
use std::sync::Arc;

/// 2026-12-01T00:00:00Z.
const NOW: i64 = 1_796_083_200;

const HEAD: &str = "$TTL 1h\n@ SOA ns1 h 1 2h 1h 2w 10m\n@ NS ns1\n@ NS ns2\nns1 A 192.0.2.53\nns2 A 198.51.100.53\n";

fn zones(files: &[(&str, &str)]) -> Zones {
    let texts: Vec<(String, String)> =
        files.iter().map(|(name, body)| (format!("zones/{name}.zone"), format!("{HEAD}{body}"))).collect();
    let bytes: Vec<(&str, &[u8])> = texts.iter().map(|(p, t)| (p.as_str(), t.as_bytes())).collect();
    read_zones("zones", &BTreeMap::new(), &bytes).unwrap()
}

fn net(body: &str) -> Zones {
    zones(&[("example.net", body)])
}

/// A device with these routes.
fn routed(device: Device, routes: &str) -> Device {
    let file = InputFile { name: "routes".to_owned(), bytes: routes.as_bytes().into() };
    match routes {
        "" => device,
        _ => device.routed_by(Arc::new(read_routing(&[file]).unwrap())),
    }
}

/// One run over one device, or several with the same filter.
struct Case {
    old: String,
    new: String,
    before: Zones,
    after: Zones,
    policy: String,
    addresses: [Vec<&'static str>; 2],
    window: Option<&'static str>,
    goes: Goes,
    /// What `ip route` prints of each device; empty where nobody says.
    routes: Vec<&'static str>,
}

impl Case {
    fn new(old: &str, new: &str, zones: Zones) -> Case {
        Case {
            old: old.to_owned(),
            new: new.to_owned(),
            before: zones.clone(),
            after: zones,
            policy: String::new(),
            addresses: [Vec::new(), Vec::new()],
            window: None,
            goes: Goes::default(),
            routes: vec![""],
        }
    }

    fn report(&self) -> CheckReport {
        let device = |text: &str, addresses: &[&str]| {
            let nets = addresses.iter().map(|a| format!("{a}/32").parse().unwrap()).collect();
            let facts = DeviceFacts { addresses: (!addresses.is_empty()).then_some(nets), ..DeviceFacts::default() };
            let ruleset = read(&[("rules.v4", text)], facts);
            let named = self.routes.iter().enumerate();
            named
                .map(|(at, routes)| routed(Device::new(format!("edge{}", at + 1), ruleset.clone()), routes))
                .collect::<Vec<_>>()
        };
        let (baseline, proposed) = (device(&self.old, &self.addresses[0]), device(&self.new, &self.addresses[1]));
        let policy = policy(&self.policy);
        let change = self.window.map(|start| {
            let text = format!(
                "id = \"CHG-1\"\ntitle = \"t\"\nclass = \"normal\"\nreason = \"r\"\ndevices = [\"edge1\"]\n\
                 [window]\nstart = \"{start}\"\nend = \"2027-01-01T00:00:00Z\"\n"
            );
            read_change("changes/CHG-1.toml", &text, &policy.names).unwrap()
        });
        let known = |zones| Known { zones: Some(zones), ..Known::default() };
        let (baseline_known, proposed_known) = (known(&self.before), known(&self.after));
        let estate = Estate { baseline: baseline_known, proposed: proposed_known, now: Some(NOW), goes: self.goes };
        let input = CheckInput {
            baseline: &baseline,
            proposed: &proposed,
            policy: &policy,
            change: change.as_ref(),
            estate,
            bounds: Bounds::default(),
            today: super::TODAY,
        };
        run(&input).unwrap()
    }

    fn found(&self, code: &str) -> Vec<String> {
        let findings = self.report().findings;
        findings.iter().filter(|f| f.code.id == code).map(|f| format!("{}: {}", f.severity, f.message)).collect()
    }
}

const OPEN: &str = "-A FORWARD -d 192.0.2.10 -p tcp --dport 443 -j ACCEPT\n-A FORWARD -p icmp -j ACCEPT";
const MOVED: &str = "-A FORWARD -d 198.51.100.10 -p tcp --dport 443 -j ACCEPT\n-A FORWARD -p icmp -j ACCEPT";
const PORTAL: &str = "portal A 192.0.2.10\nwww 1d CNAME portal\n";

const REQUIRE: &str = "[[require]]\nid = \"portal\"\nreason = \"r\"\nfrom = [\"any\"]\nto = [\"dns:www.example.net\"]\n\
                       service = [\"tcp/443\"]\nhook = \"forward\"\n";

fn replies(rules: &str) -> String {
    forward(&format!("-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n{rules}"))
}

#[test]
fn a_name_that_is_blocked_is_told_with_how_long_it_would_live() {
    let case = Case::new(&forward(OPEN), &forward(MOVED), net(PORTAL));
    assert_eq!(
        case.found("FW702"),
        [
            "error: `portal.example.net` and 1 more name point at `192.0.2.10`, and nothing but ICMP passes to it any more: \
          `10.0.0.1` to `192.0.2.10` on `tcp/443` passed; after it is mended, resolvers may keep the records for 1 d and a failed \
          lookup for 10 min"
        ]
    );
    let still = format!("{MOVED}\n-A FORWARD -d 192.0.2.10 -p tcp --dport 80 -j ACCEPT");
    assert!(Case::new(&forward(OPEN), &forward(&still), net(PORTAL)).found("FW702").is_empty());
    assert!(Case::new(&forward(OPEN), &forward(MOVED), net("")).found("FW702").is_empty(), "no record, no finding");
}

#[test]
fn mail_and_services_are_judged_by_their_ports() {
    let rule = |port: u16| format!("-A FORWARD -d 192.0.2.25 -p tcp --dport {port} -j ACCEPT\n");
    let zone = net("@ MX 10 mx\n_ldap._tcp SRV 0 0 389 mx\nmx A 192.0.2.25\n");
    let old = forward(&(rule(25) + &rule(389) + &rule(443)));
    let found = |new: &str| Case::new(&old, &forward(new), zone.clone()).found("FW702");
    assert!(found(&(rule(389) + &rule(443)))[0].contains("nothing on tcp/25"));
    assert!(found(&(rule(25) + &rule(443)))[0].contains("nothing on tcp/389"));
    assert!(found(&(rule(25) + &rule(389))).is_empty());
    assert_eq!(found("").len(), 1, "one finding says all of it");
}

#[test]
fn an_address_that_is_given_up_is_told_while_a_record_points_at_it() {
    let reverse = "10 PTR portal.example.net.\n";
    let both = |forward: &str| zones(&[("example.net", forward), ("2.0.192.in-addr.arpa", reverse)]);
    let mut case = Case::new(&forward(OPEN), &forward(OPEN), both(PORTAL));
    case.addresses = [vec!["192.0.2.10"], vec!["198.51.100.10"]];
    let told = case.found("FW701");
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with(
        "error: `edge1` gives up `192.0.2.10`, and `portal.example.net` and 1 more name still point at it; after"
    ));
    case.after = both("portal A 198.51.100.10\nwww CNAME portal\n");
    assert_eq!(
        case.found("FW701"),
        ["error: `edge1` gives up `192.0.2.10`, and its reverse record `10.2.0.192.in-addr.arpa` is still there"]
    );
}

#[test]
fn a_range_that_leaves_the_inventory_is_given_up_as_well() {
    let paths = InventoryPaths { prefixes: Some("p.csv".into()), ..InventoryPaths::default() };
    let list = |text: &str| read_inventory(&paths, &[("p.csv", text.as_bytes())]).unwrap().unwrap();
    let (old, new) = (list("prefix\n192.0.2.0/24\n198.51.100.0/24\n"), list("prefix\n198.51.100.0/24\n"));
    let zones = net(PORTAL);
    let devices = vec![Device::new("edge1", ruleset(&forward(OPEN)))];
    let estate = Estate {
        baseline: Known { zones: Some(&zones), inventory: Some(&old), ..Known::default() },
        proposed: Known { zones: Some(&zones), inventory: Some(&new), ..Known::default() },
        now: Some(NOW),
        ..Estate::default()
    };
    let input = CheckInput {
        baseline: &devices,
        proposed: &devices,
        policy: &policy(""),
        change: None,
        estate,
        bounds: Bounds::default(),
        today: super::TODAY,
    };
    let findings = run(&input).unwrap().findings;
    let told: Vec<&str> = findings.iter().filter(|f| f.code.id == "FW701").map(|f| f.message.as_str()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.iter()
            .any(|m| m.starts_with("the inventory gives up the range of `192.0.2.10`, and `portal.example.net`"))
    );
}

#[test]
fn records_and_addresses_that_move_together_move_too_early() {
    let mut case = Case::new(&forward(OPEN), &forward(MOVED), net(PORTAL));
    case.after = net("portal A 198.51.100.10\nwww 1d CNAME portal\n");
    let told = case.found("FW720");
    assert_eq!(
        told,
        [
            "warning: the change takes `192.0.2.10` away together with its record `portal.example.net`: secondary servers and resolvers \
          may give the old address for 1 d 2 h more, not before 2026-12-02T02:00:00Z"
        ]
    );
    case.window = Some("2026-12-02T01:59:59Z");
    assert!(case.found("FW720")[0].starts_with("error: "));
    case.window = Some("2026-12-01T21:00:00[America/Toronto]");
    assert!(case.found("FW720").is_empty(), "the window opens when the world has forgotten");
    // What the gate computes counts, and not what the file wishes.
    case.goes = Goes::Unknown;
    assert!(case.found("FW720")[0].starts_with("warning: "), "nobody knows yet when it goes");
    case.goes = Goes::From(NOW);
    assert!(case.found("FW720")[0].starts_with("error: "));
    case.window = Some("2026-12-01T00:00:00Z");
    case.goes = Goes::From(NOW + 26 * 3600);
    assert!(case.found("FW720").is_empty(), "a scheduler moved it behind the time");
}

#[test]
fn a_host_means_its_addresses_before_and_after() {
    let moved = net("portal A 198.51.100.10\nwww CNAME portal\n");
    let case = |old: &str, new: &str, after: &Zones| Case {
        policy: REQUIRE.to_owned(),
        after: after.clone(),
        ..Case::new(&replies(old), &replies(new), net(PORTAL))
    };
    assert!(case(OPEN, OPEN, &net(PORTAL)).found("FW101").is_empty());
    assert!(case(OPEN, MOVED, &net(PORTAL)).found("FW101")[0].contains("`192.0.2.10` on `tcp/443`"));
    assert!(case(OPEN, MOVED, &moved).found("FW101")[0].contains("`192.0.2.10` on `tcp/443`"));
    assert!(case(OPEN, OPEN, &moved).found("FW102")[0].contains("`198.51.100.10` on `tcp/443`"));
    let both = format!("{OPEN}\n{MOVED}");
    assert_eq!(case(OPEN, &both, &moved).report().requirements.held, 1);
}

#[test]
fn hosts_that_are_not_there_refuse() {
    for (body, why) in [
        ("", "there is no name `www.example.net`"),
        ("www TXT x\n", "`www.example.net` has no address"),
        ("www CNAME gone\n", "there is no name `gone.example.net`"),
        ("www CNAME www.example.org.\n", "`www.example.org` lies in none of the zones"),
        (
            "www CNAME a\na CNAME www\n",
            "its aliases never end: they come to `www.example.net` again, or are more than 16",
        ),
    ] {
        let case = Case { policy: REQUIRE.to_owned(), ..Case::new(&forward(OPEN), &forward(OPEN), net(body)) };
        let expected =
            format!("error: `portal` names the host `www.example.net`, which has no address in the proposal: {why}");
        assert_eq!(case.found("FW706"), [expected]);
    }
    let mut none = Case { policy: REQUIRE.to_owned(), ..Case::new(&forward(OPEN), &forward(OPEN), net(PORTAL)) };
    none.after = Zones::default();
    assert!(none.found("FW706")[0].ends_with("there are no zones"));
}

#[test]
fn what_no_filter_lets_through_is_told() {
    let ranges = "[ranges]\nservers = [\"192.0.2.0/24\"]\n";
    let zone = net("portal A 192.0.2.10\nnew A 192.0.2.11\nfar A 203.0.113.9\nns1 A 192.0.2.53\n");
    let case = Case { policy: ranges.to_owned(), ..Case::new(&forward(OPEN), &forward(OPEN), zone) };
    let told = case.found("FW703");
    assert_eq!(
        told,
        [
            "warning: `ns1.example.net` and 1 more name point at `192.0.2.53`, to which no filter lets anything but ICMP pass",
            "warning: `new.example.net` points at `192.0.2.11`, to which no filter lets anything but ICMP pass",
        ]
    );
}

/// A filter lets something pass to an address from the devices that carry anything there: of a device whose routes are known and
/// lead elsewhere, it says nothing.
#[test]
fn a_filter_counts_where_its_device_has_a_route() {
    let ranges = "[ranges]\nservers = [\"192.0.2.0/24\"]\n";
    let zone = || net("portal A 192.0.2.10\nns1 A 192.0.2.10\n");
    let told = |routes: &[&'static str]| {
        let case = Case::new(&forward(OPEN), &forward(OPEN), zone());
        Case { policy: ranges.to_owned(), routes: routes.to_vec(), ..case }.found("FW703")
    };
    let (elsewhere, there) = ("10.0.0.0/8 dev eth0 scope link", "192.0.2.0/24 dev eth1 scope link");
    let lost = |found: Vec<String>| found.iter().filter(|f| f.contains("`192.0.2.10`")).cloned().collect::<Vec<_>>();
    assert_eq!(lost(told(&[""])), Vec::<String>::new(), "nobody says where it leads");
    assert_eq!(lost(told(&[there])), Vec::<String>::new());
    assert_eq!(lost(told(&[elsewhere, there])), Vec::<String>::new(), "one of them leads there");
    let why = "to which no device has a route that lets anything but ICMP pass";
    for routes in [elsewhere, "blackhole 192.0.2.0/24\n10.0.0.0/8 dev eth0 scope link"] {
        let found = lost(told(&[routes]));
        assert!(found.len() == 1 && found[0].ends_with(why), "{routes}: {found:?}");
    }
}

#[test]
fn records_that_send_to_nothing_are_told() {
    let body = "a CNAME gone\nb CNAME c\nc CNAME b\n@ MX 10 gone\n@ MX 20 a2\na2 CNAME portal\nportal A 192.0.2.10\n\
                _s._tcp SRV 0 0 5 text\ntext TXT x\nout CNAME www.example.org.\nnone MX 0 .\nsub NS ns.sub\nns.sub A 192.0.2.9\nlost NS gone\n";
    let mut case = Case::new(&forward(OPEN), &forward(OPEN), net(""));
    case.after = net(body);
    let mut told = case.found("FW704");
    told.sort();
    assert_eq!(
        told,
        [
            "error: the CNAME record of `a.example.net` sends to `gone.example.net`, and there is no name `gone.example.net`",
            "error: the CNAME record of `b.example.net` sends to `c.example.net`, and the aliases come back to `c.example.net`",
            "error: the CNAME record of `c.example.net` sends to `b.example.net`, and the aliases come back to `b.example.net`",
            "error: the MX record of `example.net` sends to `gone.example.net`, and there is no name `gone.example.net`",
            "error: the NS record of `lost.example.net` sends to `gone.example.net`, and there is no name `gone.example.net`",
            "error: the SRV record of `_s._tcp.example.net` sends to `text.example.net`, and `text.example.net` has no address",
            "warning: the MX record of `example.net` sends to `a2.example.net`, which is an alias",
        ]
    );
    case.before = net(body);
    assert!(
        case.found("FW704").iter().all(|m| m.starts_with("warning: ")),
        "what was there before is no fault of the change"
    );
}

#[test]
fn forward_and_reverse_must_say_the_same() {
    let reverse =
        "10 PTR portal.example.net.\n11 PTR old.example.net.\n12 PTR host.example.org.\n53 PTR ns1.example.net.\n";
    let body = "portal A 192.0.2.10\nnew A 192.0.2.13\nold A 192.0.2.10\n";
    let head = "$TTL 1h\n@ SOA ns1.example.net. h 1 2h 1h 2w 10m\n@ NS ns1.example.net.\n";
    let texts = [
        ("zones/example.net.zone".to_owned(), format!("{HEAD}{body}")),
        ("zones/2.0.192.in-addr.arpa.zone".to_owned(), format!("{head}{reverse}")),
    ];
    let bytes: Vec<(&str, &[u8])> = texts.iter().map(|(p, t)| (p.as_str(), t.as_bytes())).collect();
    let mut case = Case::new(&forward(OPEN), &forward(OPEN), net(""));
    case.after = read_zones("zones", &BTreeMap::new(), &bytes).unwrap();
    let mut told = case.found("FW705");
    told.sort();
    assert_eq!(
        told,
        [
            "warning: `192.0.2.11` is called `old.example.net`, which does not point back at it",
            "warning: `new.example.net` points at `192.0.2.13`, which has no reverse record `13.2.0.192.in-addr.arpa`",
        ]
    );
}

const CLIENTS: &str = "[ranges]\ninternal = [\"10.0.0.0/8\"]\n[names]\nclients = [\"internal\"]\n";

#[test]
fn clients_must_reach_every_name_server_over_both_transports() {
    let dns = |address: &str, protocol: &str| format!("-A FORWARD -d {address} -p {protocol} --dport 53 -j ACCEPT\n");
    let all =
        [dns("192.0.2.53", "udp"), dns("192.0.2.53", "tcp"), dns("198.51.100.53", "udp"), dns("198.51.100.53", "tcp")]
            .concat();
    let case = |new: &str| Case { policy: CLIENTS.to_owned(), ..Case::new(&replies(&all), &replies(new), net("")) };
    assert!(case(&all).found("FW710").is_empty());
    let told = case(&all.replace(&dns("198.51.100.53", "tcp"), "")).found("FW710");
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with(
        "error: clients do not reach the name server `ns2.example.net` of `example.net` at `198.51.100.53` any more: the SYN of the request"
    ));
    let no_replies = Case { policy: CLIENTS.to_owned(), ..Case::new(&replies(&all), &forward(&all), net("")) };
    assert!(no_replies.found("FW710").iter().any(|m| m.contains("of the reply")));
    let elsewhere = CLIENTS.to_owned() + "devices = [\"core*\"]\n";
    let nothing = Case { policy: elsewhere, ..Case::new(&replies(&all), &replies(&all), net("")) };
    assert_eq!(nothing.found("FW710").len(), 2, "what nobody judged is not reached");
}

#[test]
fn a_server_of_ones_own_is_judged_at_its_input() {
    let dns = "-A INPUT -p udp --dport 53 -j ACCEPT\n-A INPUT -p tcp --dport 53 -j ACCEPT\n-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";
    let mut case = Case {
        policy: CLIENTS.to_owned() + "devices = [\"core*\"]\n",
        ..Case::new(&filter(["DROP", "ACCEPT", "ACCEPT"], dns), &filter(["DROP", "ACCEPT", "ACCEPT"], ""), net(""))
    };
    case.addresses = [vec!["192.0.2.53", "198.51.100.53"], vec!["192.0.2.53", "198.51.100.53"]];
    assert_eq!(case.found("FW710").iter().filter(|m| m.contains("any more")).count(), 2);
    case.new = case.old.clone();
    assert!(case.found("FW710").is_empty(), "{:?}", case.found("FW710"));
}

#[test]
fn servers_stand_in_two_networks() {
    let open = forward("-A FORWARD -j ACCEPT");
    let one = |policy: &str, zone: Zones| Case { policy: policy.to_owned(), ..Case::new(&open, &open, zone) };
    assert!(one(CLIENTS, net("")).found("FW711").is_empty());
    let together = zones(&[("example.net", "")]);
    let text = HEAD.replace("198.51.100.53", "192.0.2.54");
    let near = read_zones("zones", &BTreeMap::new(), &[("zones/example.net.zone", text.as_bytes())]).unwrap();
    assert_eq!(
        one(CLIENTS, near).found("FW711"),
        ["error: all name servers of `example.net` stand in the network `192.0.2.0/24`"]
    );
    let outside = HEAD.replace("@ NS ns2\n", "@ NS ns.example.org.\n").replace("ns2 A 198.51.100.53\n", "");
    let outside = read_zones("zones", &BTreeMap::new(), &[("zones/example.net.zone", outside.as_bytes())]).unwrap();
    assert!(one(CLIENTS, outside).found("FW711").is_empty(), "a server elsewhere is another network");
    let resolvers = CLIENTS.to_owned() + "resolvers = [\"10.0.0.53\", \"10.0.0.54\"]\n";
    let case = one(&resolvers, together);
    assert_eq!(case.found("FW713"), ["error: all resolvers of the clients stand in the network `10.0.0.0/24`"]);
    assert!(case.found("FW712").is_empty());
    let shut = Case { new: forward(""), ..case };
    assert_eq!(shut.found("FW712").len(), 2);
}
