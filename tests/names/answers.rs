//! A server on the loopback of a network namespace, asked about many names: fwgate gives the same addresses.

use super::{Files, has_bind, read};
use fwgate::names::{Name, Outcome, RecordType};
use std::collections::BTreeMap;
use std::process::Command;

const NET: &str = "$TTL 3600\n@ SOA ns1 h 1 7200 3600 1209600 300\n@ NS ns1\n@ A 192.0.2.80\nns1 A 192.0.2.1\n\
    www CNAME portal\nportal A 192.0.2.10\nportal AAAA 2001:db8::10\nchain1 CNAME chain2\nchain2 CNAME www\n\
    out CNAME www.example.org.\ngone CNAME nothing\naway CNAME elsewhere.test.\nloop1 CNAME loop2\nloop2 CNAME loop1\n\
    *.wild A 192.0.2.20\nhost.wild TXT here\ndeep.empty.wild A 192.0.2.21\n*.alias CNAME portal\n\
    sub NS ns.sub\nns.sub A 192.0.2.30\nold DNAME new\nhost.new A 192.0.2.40\nsix AAAA 2001:db8::6\n* MX 10 portal\n";
const ORG: &str = "$TTL 60\n@ SOA ns1.example.net. h 1 7200 3600 1209600 300\n@ NS ns1.example.net.\nwww A 198.51.100.1\n\
    www A 198.51.100.2\nback CNAME portal.example.net.\n";

const ASKED: &[&str] = &[
    "example.net",
    "www.example.net",
    "WWW.EXAMPLE.net",
    "portal.example.net",
    "chain1.example.net",
    "out.example.net",
    "gone.example.net",
    "away.example.net",
    "loop1.example.net",
    "x.wild.example.net",
    "a.b.wild.example.net",
    "host.wild.example.net",
    "empty.wild.example.net",
    "x.empty.wild.example.net",
    "deep.empty.wild.example.net",
    "wild.example.net",
    "q.alias.example.net",
    "host.sub.example.net",
    "ns.sub.example.net",
    "host.old.example.net",
    "no.old.example.net",
    "old.example.net",
    "six.example.net",
    "missing.example.net",
    "a.missing.example.net",
    "www.example.org",
    "back.example.org",
    "no.example.org",
];

#[test]
fn the_server_gives_the_same_addresses() {
    if !has_bind() {
        return;
    }
    let files: Files =
        vec![("zones/example.net.zone".into(), NET.into()), ("zones/example.org.zone".into(), ORG.into())];
    let zones = read(&files).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in &files {
        std::fs::write(folder.path().join(path.rsplit('/').next().unwrap()), text).unwrap();
    }
    let answers = ask(folder.path());
    let mut compared = 0;
    for name in ASKED {
        for (kind, number) in [("A", RecordType::A), ("AAAA", RecordType::AAAA)] {
            let asked = Name::parse(&format!("{name}."), None).unwrap();
            let own = zones.answer("", &asked, number);
            let mut addresses: Vec<String> = own.addresses().iter().map(ToString::to_string).collect();
            addresses.sort();
            let (status, given) = &answers[&((*name).to_owned(), kind.to_owned())];
            // BIND stops where an alias leaves the zone that was asked; resolvers go on, and so does fwgate.
            let (first, last) = (zones.authority("", &asked).map(|z| &z.apex), own.zone.map(|z| &z.apex));
            if first != last {
                assert!(given.is_empty(), "{name} {kind}");
                compared += 1;
                continue;
            }
            assert_eq!(&addresses, given, "{name} {kind}: {:?}", own.outcome);
            let is_missing = matches!(own.outcome, Outcome::NoName(_));
            // What lies elsewhere a server refuses or refers; a ring it gives as far as it goes.
            if matches!(own.outcome, Outcome::Found | Outcome::NoName(_) | Outcome::NoData(_)) {
                assert_eq!(is_missing, status == "NXDOMAIN", "{name} {kind}: {:?} {status}", own.outcome);
            }
            compared += 1;
        }
    }
    assert_eq!(compared, ASKED.len() * 2);
}

/// Status and sorted addresses by name and type, of a server that runs in a namespace of its own.
fn ask(folder: &std::path::Path) -> BTreeMap<(String, String), (String, Vec<String>)> {
    let zone = |apex: &str| format!("zone \"{apex}\" {{ type primary; file \"{apex}.zone\"; check-names ignore; }};\n");
    let options = "options { directory \".\"; listen-on port 53 { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; \
                   pid-file none; session-keyfile none; dnssec-validation no; minimal-responses yes; };\ncontrols { };\n";
    let config = format!("{options}{}{}", zone("example.net"), zone("example.org"));
    std::fs::write(folder.join("named.conf"), config).unwrap();
    let queries: String = ASKED.iter().flat_map(|n| [format!("{n} A\n"), format!("{n} AAAA\n")]).collect();
    std::fs::write(folder.join("queries"), queries).unwrap();
    let script = "ip link set lo up && named -c named.conf -g 2>named.log & server=$!; \
                  for i in $(seq 50); do dig @127.0.0.1 example.net SOA +short +time=1 +tries=1 2>/dev/null | grep -q ns1 && break; sleep 0.1; done; \
                  dig @127.0.0.1 -f queries +noall +comments +question +answer; kill $server; wait $server 2>/dev/null; true";
    let output = Command::new("unshare").args(["-n", "sh", "-c", script]).current_dir(folder).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let log = || std::fs::read_to_string(folder.join("named.log")).unwrap_or_default();
    assert!(text.contains("status:"), "no answers: {text}\n{}\n{}", String::from_utf8_lossy(&output.stderr), log());
    let mut out = BTreeMap::new();
    for answer in text.split(";; Got answer:").skip(1) {
        let status = answer.split("status: ").nth(1).unwrap().split(',').next().unwrap().to_owned();
        let question = answer.lines().find(|l| l.starts_with(';') && l.contains("IN") && !l.starts_with(";;")).unwrap();
        let words: Vec<&str> = question.trim_start_matches(';').split_whitespace().collect();
        let kind = words[2].to_owned();
        let records = answer.lines().filter(|l| !l.starts_with(';'));
        let mut addresses: Vec<String> = records
            .map(|l| l.split_whitespace().collect::<Vec<_>>())
            .filter(|w| w.len() == 5 && w[3] == kind)
            .map(|w| w[4].to_owned())
            .collect();
        addresses.sort();
        out.insert((words[0].trim_end_matches('.').to_owned(), kind), (status, addresses));
    }
    out
}
