//! Vetting by the kernel: what is loaded, sent and read back in a namespace of its own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fwgate::dialect::InputFile;
use fwgate::diff::Bounds;
use fwgate::fleet::bundle::{Composed, PortMap, map_device};
use fwgate::fleet::namespace::{
    Answer, Demand, Header, Job, JobFile, Loader, Outcome, RouteJob, Talk, Vetted, Way, vet,
};
use fwgate::routes::{Routing, diff_routing, read_routing};
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};

const RULES: &str = "*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A INPUT -i eth0 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -i eth0 -o eth1 -p tcp -m tcp --dport 443 -j ACCEPT
-A FORWARD -i eth0 -o eth1 -p udp -m udp --dport 5000 -j ACCEPT
-A OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A OUTPUT -o eth1 -p udp -m udp --dport 53 -j ACCEPT
COMMIT
";

fn talk(way: Way, proto: u8, dport: u16, six: bool, demand: Demand) -> Talk {
    let (src, dst): (IpAddr, IpAddr) = match six {
        false => ([10, 1, 0, 5].into(), [10, 2, 0, 7].into()),
        true => ("2001:db8:1::5".parse().unwrap(), "2001:db8:2::7".parse().unwrap()),
    };
    let (icmp, reply) = if six { (128, 129) } else { (8, 0) };
    // Two talks of one connection would not both be new.
    static PORT: AtomicU16 = AtomicU16::new(40_000);
    let first = Header { src, dst, proto, sport: PORT.fetch_add(1, Ordering::Relaxed), dport, icmp: (icmp, 0) };
    Talk { rule: "r".into(), way, first, icmp_reply: Some(reply), has_reply: true, demand }
}

fn forward() -> Way {
    Way::Forward("eth0".into(), "eth1".into())
}

/// The answer, or `None` where this machine cannot.
fn answer(files: &[(Loader, &str)], talks: Vec<Talk>) -> Option<Answer> {
    routed(files, None, talks)
}

/// The same with the routes of a device.
fn routed(files: &[(Loader, &str)], routes: Option<RouteJob>, talks: Vec<Talk>) -> Option<Answer> {
    let folder = tempfile::tempdir().unwrap();
    let file = |(at, (loader, text)): (usize, &(Loader, &str))| {
        let path = folder.path().join(at.to_string());
        std::fs::write(&path, text).unwrap();
        JobFile { name: format!("file{at}"), path: path.to_str().unwrap().to_owned(), loader: *loader }
    };
    let interfaces = vec!["eth0".to_owned(), "eth1".to_owned()];
    let files = files.iter().enumerate().map(file).collect();
    let addresses = routes.iter().flat_map(|r| &r.addresses).map(|(address, _)| *address).collect();
    let job = Job { files, interfaces, addresses, talks, routes, ..Job::default() };
    let done = vet(&job, Path::new(env!("CARGO_BIN_EXE_fwgate")), folder.path()).unwrap();
    if let Answer::Unable(why) = &done {
        let must = std::env::var("FWGATE_REQUIRE_KERNEL").is_ok_and(|v| v == "1");
        assert!(!must, "the kernel must be asked: {why}");
        eprintln!("skipped: {why}");
        return None;
    }
    Some(done)
}

fn vetted(files: &[(Loader, &str)], talks: Vec<Talk>) -> Option<Vetted> {
    match answer(files, talks)? {
        Answer::Done(vetted) => Some(vetted),
        other => panic!("{other:?}"),
    }
}

#[test]
fn whole_conversations_pass_and_what_is_forbidden_does_not() {
    let talks = vec![
        talk(forward(), 6, 443, false, Demand::Pass),
        talk(forward(), 17, 5000, false, Demand::Pass),
        talk(forward(), 6, 23, false, Demand::Blocked),
        talk(Way::Input("eth0".into()), 6, 22, false, Demand::Pass),
        talk(Way::Input("eth1".into()), 6, 22, false, Demand::Blocked),
        talk(Way::Input("eth1".into()), 1, 0, false, Demand::Pass),
        talk(Way::Output("eth1".into()), 17, 53, false, Demand::Pass),
        talk(Way::Output("eth0".into()), 17, 53, false, Demand::Blocked),
    ];
    let count = talks.len();
    let Some(done) = vetted(&[(Loader::Iptables, RULES)], talks) else { return };
    assert_eq!(done.outcomes, vec![Outcome::AsDemanded; count]);
    let [(Loader::Iptables, text)] = done.readback.as_slice() else { panic!("{:?}", done.readback) };
    assert!(text.contains("-A FORWARD -i eth0 -o eth1 -p tcp -m tcp --dport 443 -j ACCEPT"), "{text}");
    assert!(done.on.starts_with("linux ") && done.on.contains("iptables"), "{}", done.on);
}

#[test]
fn what_is_not_as_demanded_is_told_with_its_packet() {
    let stateless = RULES.replace("-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n", "");
    let talks = vec![
        talk(forward(), 6, 443, false, Demand::Pass),
        talk(forward(), 6, 80, false, Demand::Pass),
        talk(forward(), 17, 5000, false, Demand::Blocked),
    ];
    let Some(done) = vetted(&[(Loader::Iptables, &stateless)], talks) else { return };
    let against = |name: &str| Outcome::Against(name.to_owned());
    assert_eq!(done.outcomes, [against("SYN+ACK"), against("SYN"), against("first packet")]);
}

#[test]
fn translated_conversations_are_followed() {
    let nat = "*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.9.0.1:8443
-A POSTROUTING -o eth1 -j MASQUERADE
COMMIT
*filter
:FORWARD DROP [0:0]
-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A FORWARD -d 10.9.0.1/32 -p tcp -m tcp --dport 8443 -j ACCEPT
COMMIT
";
    let Some(done) = vetted(&[(Loader::Iptables, nat)], vec![talk(forward(), 6, 443, false, Demand::Pass)]) else {
        return;
    };
    assert_eq!(done.outcomes, [Outcome::AsDemanded]);
}

#[test]
fn the_other_family_and_the_other_loaders() {
    let six = RULES
        .replace("icmp-type 8", "icmpv6-type 128")
        .replace("-m icmp", "-m icmp6")
        .replace("-p icmp ", "-p ipv6-icmp ");
    let six = six.replace("--icmp-type 128", "--icmpv6-type 128");
    let talks = vec![
        talk(forward(), 6, 443, true, Demand::Pass),
        talk(forward(), 6, 23, true, Demand::Blocked),
        talk(Way::Input("eth0".into()), 6, 22, true, Demand::Pass),
        talk(Way::Input("eth0".into()), 58, 0, true, Demand::Pass),
        talk(Way::Output("eth1".into()), 17, 53, true, Demand::Pass),
    ];
    let Some(done) = vetted(&[(Loader::Ip6tables, &six)], talks) else { return };
    assert_eq!(done.outcomes, vec![Outcome::AsDemanded; 5]);
    let nft = "table inet filter {
  set servers { type ipv4_addr; elements = { 10.2.0.7 } }
  chain forward { type filter hook forward priority 0; policy drop; ct state established accept; ip daddr @servers tcp dport 443 accept; }
}
";
    let talks = vec![talk(forward(), 6, 443, false, Demand::Pass), talk(forward(), 6, 443, true, Demand::Blocked)];
    let Some(done) = vetted(&[(Loader::Nft, nft)], talks) else { return };
    assert_eq!(done.outcomes, vec![Outcome::AsDemanded; 2]);
    let sets = "create servers hash:net family inet\nadd servers 10.2.0.0/24\n";
    let uses = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n\
                -A FORWARD -m set --match-set servers dst -j ACCEPT\nCOMMIT\n";
    let files = [(Loader::Ipset, sets), (Loader::Iptables, uses)];
    let Some(done) = vetted(&files, vec![talk(forward(), 6, 443, false, Demand::Pass)]) else { return };
    assert_eq!(done.outcomes, [Outcome::AsDemanded]);
    assert_eq!(done.readback.iter().map(|(l, _)| *l).collect::<Vec<_>>(), [Loader::Ipset, Loader::Iptables]);
}

#[test]
fn what_the_kernel_refuses_is_refused_in_its_words() {
    let broken = RULES.replace("--dport 22", "--dport 99999");
    let Some(done) = answer(&[(Loader::Iptables, &broken)], Vec::new()) else { return };
    let Answer::Refused { file, by, said } = done else { panic!("{done:?}") };
    assert_eq!((file.as_str(), by.as_str()), ("file0", "iptables-restore"));
    assert!(!said.is_empty());
}

#[test]
fn what_cannot_arrive_anyway_proves_nothing() {
    let mut lost = talk(forward(), 6, 443, false, Demand::Blocked);
    lost.first.src = [127, 0, 0, 1].into();
    let Some(done) = vetted(&[(Loader::Iptables, RULES)], vec![lost]) else { return };
    assert_eq!(done.outcomes, [Outcome::NotSendable]);
}

/// A router with three tables, rules, next hops of several kinds, and both families, as `ip` prints it.
const ROUTES: &str = "default via 192.0.2.254 dev eth0 proto static 
10.1.0.0/16 via 192.0.2.5 dev eth0 
10.2.0.0/16 via 198.51.100.5 dev eth1 
10.3.0.0/16 
\tnexthop via 192.0.2.6 dev eth0 weight 2 
\tnexthop via 198.51.100.6 dev eth1 weight 1 
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.1 
198.51.100.0/24 dev eth1 proto kernel scope link src 198.51.100.1 
blackhole 10.0.0.0/8 metric 1000 
10.2.9.0/24 via 192.0.2.9 dev eth0 table 100 
unreachable default table vpn metric 50 
local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1 
local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1 
broadcast 127.255.255.255 dev lo table local proto kernel scope link src 127.0.0.1 
local 192.0.2.1 dev eth0 table local proto kernel scope host src 192.0.2.1 
broadcast 192.0.2.255 dev eth0 table local proto kernel scope link src 192.0.2.1 
local 198.51.100.1 dev eth1 table local proto kernel scope host src 198.51.100.1 
broadcast 198.51.100.255 dev eth1 table local proto kernel scope link src 198.51.100.1 
2001:db8::/64 dev eth0 proto kernel metric 256 pref medium
2001:db8:1::/48 via 2001:db8::5 dev eth0 metric 1024 pref medium
2001:db8:2::/48 via fe80::5 dev eth1 src 2001:db8::1 metric 1024 pref medium
fe80::/64 dev eth1 proto kernel metric 256 pref medium
local ::1 dev lo table local proto kernel metric 0 pref medium
local 2001:db8::1 dev eth0 table local proto kernel metric 0 pref medium
multicast ff00::/8 dev eth0 table local proto kernel metric 256 pref medium
";
const POLICY_RULES: &str = "0:\tfrom all lookup local
50:\tfrom all fwmark 0x7 lookup vpn
60:\tfrom 10.1.0.99 lookup 100
32766:\tfrom all lookup main
32767:\tfrom all lookup default
";

fn routing(files: &[(&str, &str)]) -> Routing {
    let file = |(name, text): &(&str, &str)| InputFile { name: (*name).to_owned(), bytes: text.as_bytes().into() };
    read_routing(&files.iter().map(file).collect::<Vec<_>>()).unwrap()
}

fn read_back(vetted: &Vetted) -> Routing {
    let files: Vec<(&str, &str)> = vetted.routes.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    routing(&files)
}

#[test]
fn routes_of_every_kind_are_loaded_and_read_back_as_they_are_written() {
    let written = routing(&[("routes", ROUTES), ("rules.v4", POLICY_RULES)]);
    let job = RouteJob::of(&written, &[]);
    let Some(done) = routed(&[], Some(job), Vec::new()) else { return };
    let Answer::Done(done) = done else { panic!("{done:?}") };
    let held = read_back(&done);
    let diff = diff_routing(&written, &held).unwrap();
    assert!(diff.is_equivalent(), "{diff:#?}\n{:?}", done.routes);
    assert_eq!(held.rules_of(fwgate::packet::Family::V4).len(), 5);
    // The test is able to fail: one prefix longer is another routing.
    let other = routing(&[("routes", &ROUTES.replace("10.2.0.0/16", "10.2.0.0/17")), ("rules.v4", POLICY_RULES)]);
    assert!(!diff_routing(&other, &held).unwrap().is_equivalent());
    assert!(done.on.contains("iproute2"), "{}", done.on);
}

#[test]
fn json_of_ip_is_loaded_as_well() {
    let json = r#"[{"dst":"192.0.2.0/24","dev":"eth0","protocol":"kernel","scope":"link","prefsrc":"192.0.2.1","flags":[]},
        {"dst":"10.30.0.0/16","gateway":"192.0.2.9","dev":"eth0","flags":[]},{"type":"prohibit","dst":"10.31.0.0/16","flags":[]}]"#;
    let written = routing(&[("routes.json", json)]);
    let Some(done) = routed(&[], Some(RouteJob::of(&written, &[])), Vec::new()) else { return };
    let Answer::Done(done) = done else { panic!("{done:?}") };
    let mut held = read_back(&done);
    held.routes.retain(|r| r.table == fwgate::routes::Table::main());
    assert!(diff_routing(&written, &held).unwrap().is_equivalent(), "{:?}", done.routes);
}

#[test]
fn a_route_that_the_kernel_refuses_is_refused_with_its_line() {
    let refused = |text: &str, place: &str, words: &str| {
        let Some(done) = routed(&[], Some(RouteJob::of(&routing(&[("core1/routes", text)]), &[])), Vec::new()) else {
            return;
        };
        let Answer::Refused { file, by, said } = done else { panic!("{done:?}") };
        assert_eq!((file.as_str(), by.as_str()), (place, "ip"), "{said}");
        assert!(said.contains(words), "{said}");
    };
    let link = "192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.1 \n";
    refused(
        &format!("{link}10.0.0.0/8 via 192.0.2.9 dev eth0 \n10.9.0.0/16 via 203.0.113.9 dev eth0 \n"),
        "core1/routes:3",
        "gateway",
    );
    refused(&format!("{link}10.9.0.0/16 via 192.0.2.9 dev eth0 scope nowhereland \n"), "core1/routes:2", "scope");
}

/// The interface that policy has in mind is not the one to which the routes lead: what is sent there proves nothing. Where they lead
/// there, the filter decides.
#[test]
fn conversations_go_where_the_routes_lead() {
    let to = |first: [u8; 4], way: Way, demand| {
        let mut talk = talk(way, 6, 443, false, demand);
        talk.first.dst = first.into();
        talk
    };
    let back = Way::Forward("eth0".into(), "eth0".into());
    let talks = || {
        vec![
            to([10, 2, 0, 7], forward(), Demand::Pass),
            to([10, 3, 255, 7], forward(), Demand::Blocked),
            to([10, 44, 0, 7], forward(), Demand::Blocked),
            to([10, 1, 0, 7], back.clone(), Demand::Blocked),
            talk(Way::Input("eth0".into()), 6, 22, false, Demand::Pass),
            talk(Way::Output("eth1".into()), 17, 53, false, Demand::Pass),
            talk(Way::Output("eth0".into()), 17, 53, false, Demand::Blocked),
            talk(forward(), 6, 443, true, Demand::Pass),
        ]
    };
    let single = ROUTES.replace("\tnexthop via 192.0.2.6 dev eth0 weight 2 \n", "");
    let six = RULES.replace("-p icmp -m icmp --icmp-type 8", "-p ipv6-icmp -m icmp6 --icmpv6-type 128");
    let files = [(Loader::Iptables, RULES), (Loader::Ip6tables, six.as_str())];
    let job = |text: &str| Some(RouteJob::of(&routing(&[("routes", text), ("rules.v4", POLICY_RULES)]), &[]));
    let taken = |answer: Option<Answer>| match answer {
        Some(Answer::Done(done)) => Some(done),
        Some(other) => panic!("{other:?}"),
        None => None,
    };
    let Some(done) = taken(routed(&files, job(&single), talks())) else { return };
    use Outcome::{Against, AsDemanded, NotSendable};
    assert_eq!(
        done.outcomes,
        [
            AsDemanded,
            Against("SYN".to_owned()),
            NotSendable,
            AsDemanded,
            AsDemanded,
            AsDemanded,
            NotSendable,
            AsDemanded
        ]
    );
    // Another gateway, and the same packets go out by another interface.
    let moved = single.replace("10.2.0.0/16 via 198.51.100.5 dev eth1", "10.2.0.0/16 via 192.0.2.7 dev eth0");
    let Some(done) = taken(routed(&files, job(&moved), talks())) else { return };
    assert_eq!(done.outcomes.first(), Some(&NotSendable));
}

fn on_spare() -> PortMap {
    let ports = [("eth0", "ens1"), ("eth1", "ens2")].map(|(from, to)| (from.to_owned(), to.to_owned()));
    PortMap::new(&ports.into())
}

fn mapped(files: &[(&str, &str)]) -> Vec<InputFile> {
    let file = |(name, text): &(&str, &str)| InputFile { name: (*name).to_owned(), bytes: text.as_bytes().into() };
    let device = Composed { rulesets: files.iter().map(file).collect(), includes: Vec::new(), facts: None };
    map_device(&device, &on_spare(), Bounds::default()).unwrap_or_else(|e| panic!("{e}")).composed.rulesets
}

/// What is written for a spare with other ports, judged by the kernel: the same conversation goes the same way by the ports that
/// stand for the old ones, and by no others.
#[test]
fn the_files_for_a_spare_do_on_its_ports_what_they_did_on_the_devices() {
    let single = ROUTES.replace("\tnexthop via 192.0.2.6 dev eth0 weight 2 \n", "");
    let written = mapped(&[("routes", &single), ("rules.v4.policy", POLICY_RULES), ("rules.v4", RULES)]);
    let rules = String::from_utf8(written[2].bytes.to_vec()).unwrap();
    let there = read_routing(&written[..2]).unwrap();
    let way = |from: &str, to: &str| Way::Forward(from.into(), to.into());
    let talks = vec![
        talk(way("ens1", "ens2"), 6, 443, false, Demand::Pass),
        talk(way("ens1", "ens2"), 6, 23, false, Demand::Blocked),
        talk(way("ens2", "ens1"), 6, 443, false, Demand::Blocked),
        talk(forward(), 6, 443, false, Demand::Pass),
    ];
    let Some(done) = routed(&[(Loader::Iptables, &rules)], Some(RouteJob::of(&there, &[])), talks) else { return };
    let Answer::Done(done) = done else { panic!("{done:?}") };
    use Outcome::{AsDemanded, NotSendable};
    assert_eq!(done.outcomes, [AsDemanded, AsDemanded, NotSendable, NotSendable]);
    assert!(diff_routing(&there, &read_back(&done)).unwrap().is_equivalent());
}

/// The JSON of nft for a spare, loaded by nft itself: its listing is that of the device, but for the ports.
#[test]
fn json_for_a_spare_is_what_nft_makes_of_the_text_for_it() {
    let script = "table inet f {\n\tset s {\n\t\ttype ifname . ipv4_addr\n\t\telements = { \"eth1\" . 10.0.0.1 }\n\t}\n\n\tchain eth0 {\n\t\tiifname \"eth0\" tcp dport 22 accept comment \"eth0\"\n\t}\n\n\
                  \tchain c {\n\t\ttype filter hook forward priority filter; policy drop;\n\t\tiifname . ip saddr @s accept\n\t\tiifname \"eth0\" oifname { \"lo\", \"eth1\" } jump eth0\n\t\toifname vmap { \"eth0\" : drop, \"eth1\" : accept }\n\t}\n}\n";
    let nft = |input: &str, arguments: &str, list: &str| -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("in"), input).unwrap();
        let shell = format!("nft {arguments} -f in && nft {list} list ruleset");
        let done = std::process::Command::new("unshare")
            .args(["--net", "sh", "-c", &shell])
            .current_dir(folder.path())
            .output();
        let done = done.ok().filter(|d| d.status.success());
        if done.is_none() {
            let must = std::env::var("FWGATE_REQUIRE_KERNEL").is_ok_and(|v| v == "1");
            assert!(!must, "nft must be asked");
            eprintln!("skipped: no namespace, or no nft with JSON");
        }
        done.map(|d| String::from_utf8(d.stdout).unwrap())
    };
    let Some(json) = nft(script, "", "-j") else { return };
    let written = mapped(&[("rules.json", &json)]);
    let Some(listed) = nft(std::str::from_utf8(&written[0].bytes).unwrap(), "-j", "") else { return };
    let Some(wanted) = nft(
        &script
            .replace("\"eth0\" tcp", "\"ens1\" tcp")
            .replace("\"eth1\"", "\"ens2\"")
            .replace("iifname \"eth0\" oif", "iifname \"ens1\" oif")
            .replace("\"eth0\" : drop", "\"ens1\" : drop"),
        "",
        "",
    ) else {
        return;
    };
    assert_eq!(listed, wanted);
    assert!(
        listed.contains("comment \"eth0\"") && listed.contains("chain eth0") && !listed.contains("\"eth1\""),
        "{listed}"
    );
}
