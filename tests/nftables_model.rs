//! What rulesets of nftables become in the model: places, order, names of conditions, and that text and JSON are one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fwgate::dialect::{InputFile, Problem, ReadOptions, read_device};
use fwgate::diff::{Bounds, diff_filter};
use fwgate::packet::Family;
use fwgate::ruleset::{BaseKind, Hook, Match, NfHook, OpaqueKind, Ruleset, Step, Verdict};
use std::path::Path;

fn file(name: &str, text: &str) -> InputFile {
    InputFile { name: name.into(), bytes: text.as_bytes().into() }
}

fn read_all(files: &[InputFile]) -> Ruleset {
    read_device(files, &ReadOptions::default()).unwrap_or_else(|error| panic!("{:#?}", error.problems))
}

fn read(text: &str) -> Ruleset {
    read_all(&[file("rules.nft", text)])
}

fn refused(text: &str) -> (Problem, String) {
    let error = read_device(&[file("rules.nft", text)], &ReadOptions::default()).expect_err(text);
    let problem = error.problems[0].clone();
    let quoted = error.sources.text(problem.span).to_owned();
    (problem, quoted)
}

/// The names and kinds of the conditions of one rule in a chain of `inet` at output.
fn conditions(rule: &str) -> Vec<(String, OpaqueKind)> {
    let ruleset = read(&format!(
        "table inet t {{\n\tset s {{\n\t\ttype ipv4_addr\n\t\tflags dynamic\n\t}}\n\tchain c {{\n\t\ttype filter hook output priority 0; policy drop;\n\t\t{rule}\n\t}}\n}}\n"
    ));
    let opaques = ruleset.chains[0].rules.iter().flat_map(|r| r.opaques());
    opaques.map(|o| (o.name.to_string(), o.kind)).collect()
}

fn condition(rule: &str) -> (String, OpaqueKind) {
    let found = conditions(rule);
    found.last().cloned().unwrap_or_else(|| panic!("{rule} has no condition"))
}

#[test]
fn base_chains_hang_where_they_say_in_order_of_registration() {
    let ruleset = read(
        "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}\n\
         table bridge b {\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n\t}\n}\n\
         table ip n {\n\tchain post {\n\t\ttype nat hook postrouting priority srcnat - 5; policy accept;\n\t}\n}\n",
    );
    let found: Vec<_> = ruleset.bases.iter().map(|b| (b.hook, b.priority, b.kind, b.principal)).collect();
    assert_eq!(
        found,
        [
            (NfHook::Input, 0, BaseKind::Filter, true),
            (NfHook::BridgeForward, -200, BaseKind::Filter, false),
            (NfHook::Postrouting, 95, BaseKind::Nat, false),
        ]
    );
    assert_eq!(ruleset.bases[0].policy, Verdict::Drop);
    assert_eq!(&*ruleset.chains[0].name, "filter/input");
}

#[test]
fn conditions_have_the_names_that_iptables_gives_them() {
    use OpaqueKind::{PerRule, Pure};
    for (rule, name, kind) in [
        ("limit rate 10/second accept", "limit: 10/second burst 5", PerRule),
        ("limit rate 600/minute burst 7 packets accept", "limit: 10/second burst 7", PerRule),
        ("meta skuid 1000 accept", "owner: uid-owner 1000", Pure),
        ("meta skgid 5 accept", "owner: gid-owner 5", Pure),
        ("ct original ip saddr 10.0.0.0/8 accept", "conntrack: ctorigsrc 10.0.0.0/8", Pure),
        ("ct helper \"ftp\" accept", "helper: ftp", Pure),
        ("meta oifgroup 5 accept", "devgroup: dst-group 0x5", Pure),
        ("tcp option sack-perm exists accept", "tcp: tcp-option 4", Pure),
        ("meta cpu 3 accept", "cpu: 3", Pure),
        ("ct status assured accept", "conntrack: ctstatus ASSURED", Pure),
        ("queue num 3", "nfqueue 3", Pure),
    ] {
        assert_eq!(condition(rule), (name.to_owned(), kind), "{rule}");
    }
}

#[test]
fn a_limit_that_is_over_is_the_negation() {
    let ruleset = read(
        "table ip t {\n\tchain c {\n\t\ttype filter hook input priority 0;\n\t\tlimit rate over 1/second drop\n\t}\n}\n",
    );
    assert!(
        matches!(&ruleset.chains[0].rules[0].steps[0], Step::If(Match::Not(inner)) if matches!(**inner, Match::Opaque(_)))
    );
}

#[test]
fn what_needs_connections_makes_the_kernel_track_them() {
    let tracks = |rule: &str| {
        let chain = "type filter hook forward priority 0; policy accept;";
        read(&format!("table ip t {{\n\tchain c {{\n\t\t{chain}\n\t\t{rule}\n\t}}\n}}\n")).conntrack
    };
    assert!(tracks("ct state new accept") && tracks("ct mark set 5 accept") && tracks("ct count over 5 drop"));
    assert!(!tracks("tcp dport 22 accept") && !tracks("notrack") && !tracks("meta mark set 5 accept"));
}

#[test]
fn several_files_are_read_in_the_order_of_their_names() {
    let one = |name: &str, table: &str| {
        let chain = "type filter hook input priority 0; policy drop;";
        file(name, &format!("table ip {table} {{\n\tchain c {{\n\t\t{chain}\n\t}}\n}}\n"))
    };
    let ruleset = read_all(&[one("b.nft", "b"), one("a.nft", "a")]);
    assert_eq!(&*ruleset.chain(ruleset.bases[0].chain).name, "a/c", "in order of names");
}

#[test]
fn problems_quote_what_is_wrong() {
    let wrong = |rule: &str| refused(&format!("table ip t {{\n\tchain c {{\n\t\t{rule}\n\t}}\n}}\n"));
    assert_eq!(wrong("ip saddr @nets accept").1, "nets");
    assert_eq!(wrong("jump nowhere").1, "nowhere");
    assert_eq!(wrong("tcp dport htp accept").1, "htp");
    let (problem, _) = wrong("ct state nw accept");
    assert_eq!(problem.help.as_deref(), Some("did you mean `new`?"));
}

/// Listings of the same ruleset as `nft list ruleset` and `nft -j list ruleset` printed them.
#[test]
fn text_and_json_of_a_ruleset_are_the_same_model() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dialects/nftables/listings");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "nft") {
            continue;
        }
        let of = |path: &Path| {
            let text = std::fs::read_to_string(path).unwrap();
            read_all(&[file(&path.file_name().unwrap().to_string_lossy(), &text)])
        };
        let (text, json) = (of(&path), of(&path.with_extension("json")));
        let bases = |r: &Ruleset| {
            let one = |b: &fwgate::ruleset::Base| {
                let chain = r.chain(b.chain).name.clone();
                (chain, b.hook, b.priority, b.kind, b.policy.clone(), b.families)
            };
            r.bases.iter().map(one).collect::<Vec<_>>()
        };
        assert_eq!(bases(&text), bases(&json), "{}", path.display());
        assert_eq!(text.conntrack, json.conntrack, "{}", path.display());
        let named = |r: &Ruleset| r.chains.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
        assert_eq!(named(&text), named(&json), "{}", path.display());
        for (a, b) in text.chains.iter().zip(&json.chains) {
            let steps = |c: &fwgate::ruleset::Chain| c.rules.iter().map(|r| r.steps.clone()).collect::<Vec<_>>();
            assert_eq!(steps(a), steps(b), "{} {}", path.display(), a.name);
        }
        count += 1;
    }
    assert!(count >= 15, "listings were found: {count}");
}

/// The same filter in both dialects is no change.
#[test]
fn a_ruleset_and_its_translation_are_equal() {
    let old = read_all(&[file(
        "rules.v4",
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n\
         -A INPUT -i lo -j ACCEPT\n\
         -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
         -A INPUT -p tcp -m multiport --dports 22,80,443 -m conntrack --ctstate NEW -j ACCEPT\n\
         -A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m limit --limit 10/sec -j ACCEPT\n\
         -A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT\n\
         -A INPUT -s 10.0.0.0/8 ! -d 10.9.0.0/16 -p udp -m udp --dport 53 -j REJECT --reject-with icmp-host-prohibited\n\
         -A FORWARD -i eth+ -o wan0 -m mark --mark 0x1/0xff -j ACCEPT\n\
         COMMIT\n",
    )]);
    let new = read(
        "table ip filter {\n\
         chain INPUT {\n type filter hook input priority filter; policy drop;\n\
         iifname \"lo\" accept\n\
         ct state related,established accept\n\
         tcp dport { 22, 80, 443 } ct state new accept\n\
         tcp flags & (fin|syn|rst|ack) == syn limit rate 10/second burst 5 packets accept\n\
         icmp type echo-request accept\n\
         ip saddr 10.0.0.0/8 ip daddr != 10.9.0.0/16 udp dport 53 reject with icmp host-prohibited\n\
         }\n\
         chain FORWARD {\n type filter hook forward priority filter; policy drop;\n\
         iifname \"eth*\" oifname \"wan0\" meta mark & 0xff == 0x1 accept\n\
         }\n\
         chain OUTPUT {\n type filter hook output priority filter; policy accept;\n }\n\
         }\n",
    );
    for hook in Hook::ALL {
        let diff = diff_filter(&old, &new, hook, Family::V4, &[], Bounds { regions: 1_000, cells: 100_000 }).unwrap();
        assert!(diff.complete);
        // A condition of each rule is another one on the other side.
        let without_limit = |c: &&fwgate::diff::Change| !format!("{:?}", c.cells).contains("true");
        let plain: Vec<_> = diff.changes.iter().filter(without_limit).filter(|_| hook != Hook::Input).collect();
        assert!(plain.is_empty(), "{hook}: {plain:#?}");
    }
}
