//! Vetting by the kernel: what is loaded, sent and read back in a namespace of its own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fwgate::fleet::namespace::{Answer, Demand, Header, Job, JobFile, Loader, Outcome, Talk, Vetted, Way, vet};
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
    let folder = tempfile::tempdir().unwrap();
    let file = |(at, (loader, text)): (usize, &(Loader, &str))| {
        let path = folder.path().join(at.to_string());
        std::fs::write(&path, text).unwrap();
        JobFile { name: format!("file{at}"), path: path.to_str().unwrap().to_owned(), loader: *loader }
    };
    let interfaces = vec!["eth0".to_owned(), "eth1".to_owned()];
    let files = files.iter().enumerate().map(file).collect();
    let job = Job { files, interfaces, talks, ..Job::default() };
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
