//! Whatever bytes come in, reading ends with routes or with problems, and never with a panic.

use super::inputs;
use fwgate::dialect::InputFile;
use fwgate::routes::{diff_routing, read_routing, recognise};
use proptest::prelude::*;

const ROUTES: &str = "default via 10.0.0.1 dev eth0 \n192.0.2.0/24 tos 0x10 via 10.1.0.1 dev eth1 metric 5 mtu lock 1400 \n\
203.0.113.0/24 \n\tnexthop via 10.0.0.1 dev eth0 weight 3 \n\tnexthop via 10.1.0.1 dev eth1 weight 1 onlink \n\
100.68.0.0/16  encap ip id 5 src 0.0.0.0 dst 10.1.0.9 ttl 0 tos 0 dev eth0 scope link \nblackhole 10.9.0.0/16 \n\
2001:db8:a::/48 from 2001:db8:b::/64 via 2001:db8::1 dev eth0 metric 1024 expires 299sec pref medium\n\
throw 198.51.103.0/24 table 100 \n";

const RULES: &str = "0:\tfrom all lookup local\n98:\tnot from 10.0.0.0/8 ipproto tcp sport 1000 dport 80-90 lookup 100\n\
99:\tfrom all to 192.0.2.7 tos 0x10 fwmark 0x1/0xff iif eth0 [detached] goto 32766 [unresolved]\n\
5004:\tfrom all lookup main suppress_prefixlength 0\n5006:\tfrom all uidrange 1000-2000 lookup 100 realms 5\n\
5007:\tfrom 10.1.1.1 tun_id 7 lookup main\n5008:\tfrom all lookup [l3mdev-table]\n32766:\tfrom all lookup main\n\
32767:\tfrom all lookup default\n";

const JSON: &str = r#"[{"type":"throw","dst":"198.51.103.0/24","table":"100","flags":[]},{"dst":"192.0.2.0/24","tos":"0x10",
"gateway":"10.1.0.1","dev":"eth1","metric":5,"flags":["onlink"],"metrics":[{"mtu":1400,"ecn":null}],"flow":{"from":"3","to":"4"}},
{"dst":"203.0.113.0/24","flags":[],"nexthops":[{"gateway":"10.0.0.1","dev":"eth0","weight":3,"flags":[]}]},
{"dst":"203.0.114.0/24","via":{"family":"inet6","host":"fe80::1"},"dev":"eth0","flags":[]}]"#;

const RULES_JSON: &str = r#"[{"priority":98,"not":null,"src":"10.0.0.0","srclen":8,"ipproto":"tcp","sport":1000,"dport_start":80,
"dport_end":90,"table":"main"},{"priority":5006,"src":"all","uid_start":1000,"uid_end":2000,"table":"main","flow_to":"5"},
{"priority":32767,"src":"all","table":"default"}]"#;

fn read(files: &[InputFile]) {
    match read_routing(files) {
        Ok(routing) => {
            let _ = diff_routing(&routing, &routing).map(|d| assert!(d.is_equivalent()));
        }
        Err(unreadable) => {
            assert!(!unreadable.problems.is_empty());
            for problem in &unreadable.problems {
                let _ = unreadable.sources.text(problem.span);
                assert!(problem.span.start <= problem.span.end);
            }
        }
    }
}

/// One change of a text: a piece is cut out, doubled, or replaced by something hostile.
fn mutated(text: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let hostile = prop_oneof![
        Just("\"".to_owned()),
        Just("/".to_owned()),
        Just("\\".to_owned()),
        Just("\n".to_owned()),
        Just("\t".to_owned()),
        Just("-1".to_owned()),
        Just("99999999999999999999".to_owned()),
        Just("[".to_owned()),
        Just("nexthop".to_owned()),
        Just("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".to_owned()),
        Just("\u{202e}".to_owned()),
        "[a-z0-9:./ ]{0,8}",
    ];
    (0..text.len(), 0..40usize, hostile).prop_map(move |(at, length, hostile)| {
        let end = (at + length).min(text.len());
        let mut out = text.as_bytes()[..at].to_vec();
        out.extend_from_slice(hostile.as_bytes());
        out.extend_from_slice(&text.as_bytes()[end..]);
        out
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutations_of_valid_output_are_read_or_refused(
        routes in mutated(ROUTES), rules in mutated(RULES), json in mutated(JSON), rules_json in mutated(RULES_JSON),
    ) {
        for (name, bytes) in [("routes", &routes), ("rules.v4", &rules), ("routes.json", &json), ("rules.v4.json", &rules_json)] {
            read(&[InputFile { name: name.into(), bytes: bytes.clone().into() }]);
        }
        read(&[InputFile { name: "a".into(), bytes: routes.into() }, InputFile { name: "b.v4".into(), bytes: rules.into() }]);
    }

    #[test]
    fn bytes_of_any_kind_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = recognise(&String::from_utf8_lossy(&bytes));
        read(&[InputFile { name: "x".into(), bytes: bytes.into() }]);
    }
}

#[test]
fn what_the_mutations_start_from_is_understood() {
    for files in [vec![("routes", ROUTES), ("rules", RULES)], vec![("json", JSON), ("rules", RULES_JSON)]] {
        read_routing(&inputs(&files)).unwrap_or_else(|e| panic!("{:#?}", e.problems));
    }
}

/// Rules that each look at another bit of the mark cut packets into more zones than are compared.
#[test]
fn too_many_zones_are_a_bound_and_no_hang() {
    let mut rules = String::from("0:\tfrom all lookup local\n");
    for n in 0..20 {
        rules += &format!("{}:\tfrom all fwmark {:#x}/{:#x} lookup main\n", n + 1, 1 << n, 1 << n);
    }
    rules += "32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n";
    let old = super::routing(&[("r", "default via 10.0.0.1 dev eth0\n")]);
    let new = super::routing(&[("r", "default via 10.0.0.1 dev eth0\n"), ("rules", &rules)]);
    let error = diff_routing(&old, &new).unwrap_err();
    assert!(error.to_string().contains("too many kinds of packets"), "{error}");
}
