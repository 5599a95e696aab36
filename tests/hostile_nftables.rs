//! Whatever bytes come in as nftables, reading ends soon and with commands or with problems; it never panics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fwgate::dialect::nftables::includes::Includes;
use fwgate::dialect::nftables::{json, text};
use fwgate::dialect::{Draft, InputFile};
use fwgate::ruleset::DeviceFacts;
use proptest::prelude::*;
use std::time::{Duration, Instant};

const SCRIPT: &str = r#"#!/usr/sbin/nft -f
include "./x.nft"
define web = { 80, 443 }
define dev = "eth0"
flush ruleset
table inet t {
	comment "a table"
	set s { type ipv4_addr . inet_service; flags interval, timeout; timeout 1h
		elements = { 192.0.2.0/24 . 1-5 timeout 5m expires 3m counter packets 1 bytes 2 comment "x",
			     198.51.100.1 . 7 }
	}
	map m { typeof ip saddr : meta mark; elements = { 192.0.2.1 : 0x5, * : 010 }; }
	map v { type ifname : verdict; elements = { "eth*" : jump d, lo : accept }; }
	ct helper h { type "ftp" protocol tcp; l3proto ip; }
	ct timeout o { protocol tcp; policy = { established : 5, close : 1h }; }
	limit l { rate over 5 mbytes/second burst 3 kbytes }
	quota q { until 5 mbytes used 1 bytes }
	flowtable f { hook ingress priority 0; devices = { eth0, $dev }; }
	chain d { }
	chain c {
		type filter hook input priority filter + 10; policy drop;
		iifname $dev tcp dport $web ct state established,related \
			accept comment "in" # handle 5
		tcp flags & (fin | syn) == syn tcp flags syn / fin,syn,rst counter packets 5 bytes 6
		ip saddr . tcp dport vmap { 192.0.2.1 . 22 : accept, fe80::1 . 5 : goto d }
		meta mark set ip saddr map @m meta mark set ct mark | 0x10 & 0xff << 3
		add @s { ip saddr . tcp dport timeout 3s limit rate 3/minute } drop
		dnat ip to 192.0.2.1-192.0.2.9:80-90 random,persistent
		jump { log prefix "x" level info flags tcp options; reject with icmpx type 5; }
		@nh,96,32 0xff tcp option maxseg size set 1400 queue flags bypass to 1-3
		fib saddr . iif oif missing jhash ip saddr mod 4 seed 0xbeef offset 1 3 xt match "string"
	}
}
add element inet t s { 192.0.2.9 . 9 }
delete rule inet t c handle 5
"#;

const LISTING: &str = r#"{"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}},
{"table": {"family": "inet", "name": "t", "handle": 1}},
{"chain": {"family": "inet", "table": "t", "name": "c", "handle": 2, "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}},
{"set": {"family": "inet", "name": "s", "table": "t", "type": ["ipv4_addr", "inet_service"], "handle": 3, "flags": ["interval"],
 "elem": [{"concat": [{"prefix": {"addr": "192.0.2.0", "len": 24}}, {"range": [1, 5]}]}, {"elem": {"val": "x", "timeout": 5, "counter": {"packets": 1, "bytes": 2}}}]}},
{"map": {"family": "inet", "name": "m", "table": "t", "type": {"typeof": {"payload": {"protocol": "ip", "field": "saddr"}}}, "map": "verdict",
 "elem": [["192.0.2.1", {"jump": {"target": "c"}}], ["*", {"drop": null}]]}},
{"rule": {"family": "inet", "table": "t", "chain": "c", "handle": 4, "comment": "x", "expr": [
 {"match": {"op": "==", "left": {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, {"|": ["fin", "syn"]}]}, "right": "syn"}},
 {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}},
 {"mangle": {"key": {"meta": {"key": "mark"}}, "value": {"|": [{"ct": {"key": "mark", "dir": "original"}}, 5]}}},
 {"vmap": {"key": {"meta": {"key": "iif"}}, "data": {"set": [["lo", {"accept": null}]]}}},
 {"limit": {"rate": 5, "burst": 3, "per": "minute", "inv": true}}, {"counter": {"packets": 0, "bytes": 0}}, {"log": {"prefix": "x", "flags": "all"}},
 {"set": {"op": "add", "elem": {"elem": {"val": {"payload": {"base": "nh", "offset": 96, "len": 32}}, "timeout": 3}}, "set": "@s", "stmt": [{"counter": null}]}},
 {"dnat": {"family": "ip", "addr": {"range": ["192.0.2.1", "192.0.2.9"]}, "port": 80, "flags": ["random"]}},
 {"queue": {"num": {"range": [1, 3]}, "flags": "bypass"}}, {"reject": {"type": "icmpx", "expr": "admin-prohibited"}}, {"accept": null}]}},
{"add": {"element": {"family": "inet", "table": "t", "name": "s", "elem": ["a", {"prefix": {"addr": "b", "len": 3}}]}}},
{"delete": {"rule": {"family": "inet", "table": "t", "chain": "c", "handle": 4}}}, {"flush": {"ruleset": null}}]}"#;

fn read(bytes: &[u8]) -> bool {
    let started = Instant::now();
    let mut draft = Draft::new(DeviceFacts::default());
    let included = InputFile { name: "x.nft".into(), bytes: b"define x = 1\n".to_vec().into() };
    let files = [InputFile { name: "rules".into(), bytes: bytes.to_vec().into() }];
    let text = draft.decode(&files).remove(0);
    let _ = (text::recognises(&text.text), text::included(&text.text));
    let commands = match json::recognises(&text.text) {
        true => json::parse(&text, &mut draft),
        false => text::parse(&text, &Includes::new(vec![included]), &mut draft),
    };
    let length = text.text.len() as u32;
    assert!(commands.iter().all(|c| c.span.start <= c.span.end && (c.span.source != text.id || c.span.end <= length)));
    let is_clean = match draft.finish() {
        Ok(_) => true,
        Err(unreadable) => {
            for problem in &unreadable.problems {
                let _ = unreadable.sources.text(problem.span);
                assert!(problem.span.start <= problem.span.end);
                assert!(problem.message.len() < 2000, "{}", problem.message);
            }
            false
        }
    };
    assert!(started.elapsed() < Duration::from_secs(5));
    is_clean
}

/// Some changes of a text: a piece is cut out, doubled, moved, or replaced by something hostile.
fn mutated(text: &'static str) -> impl Strategy<Value = Vec<u8>> {
    const HOSTILE: &[&str] = &[
        "\"",
        "!",
        "\\",
        "\r",
        "\n",
        ",",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "$",
        "@",
        "*",
        "/",
        "-",
        ":",
        "::",
        "#",
        "# xt_x",
        ";",
        "18446744073709551616",
        "0x",
        "08",
        "::ffff:0:0/999",
        "null",
        "{}",
        "[]",
        "-1",
        "1e400",
        "\u{0}",
        "ä",
        "map",
        "include",
        "jump {",
        "$web",
        "set",
        "type",
    ];
    let hostile = prop_oneof![proptest::sample::select(HOSTILE).prop_map(str::to_owned), "\\PC{0,8}"];
    let edit = (0..text.len(), 0..40usize, hostile, 0..4u8);
    proptest::collection::vec(edit, 1..5).prop_map(move |edits| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, length, hostile, kind) in edits {
            let at = at.min(bytes.len());
            let end = (at + length).min(bytes.len());
            let piece = match kind {
                0 => Vec::new(),
                1 => bytes[at..end].repeat(2),
                2 => [bytes[at..end].to_vec(), hostile.into_bytes()].concat(),
                _ => hostile.into_bytes(),
            };
            bytes.splice(at..end, piece);
        }
        bytes
    })
}

#[test]
fn the_seeds_are_read() {
    assert!(read(SCRIPT.as_bytes()) && read(LISTING.as_bytes()));
}

#[test]
fn nesting_ends() {
    for piece in
        ["(", "{", "table t {", "chain c {", "jump {", "a . ", "1 | ", "ip saddr & ", "$x", "{\"a\":", "[", "- ", "/ "]
    {
        let deep = piece.repeat(50_000);
        for start in [
            "",
            "add rule t c ",
            "define x = ",
            "table t {\nchain c {\n",
            "add rule t c ip saddr ",
            "{\"nftables\": [{\"x\": ",
        ] {
            read(format!("{start}{deep}").as_bytes());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutations_of_scripts_are_read_or_refused(script in mutated(SCRIPT)) {
        read(&script);
    }

    #[test]
    fn mutations_of_json_are_read_or_refused(listing in mutated(LISTING)) {
        read(&listing);
    }

    #[test]
    fn random_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read(&bytes);
        read(&[b"table ip t {\nchain c {\n", bytes.as_slice()].concat());
        read(&[b"{\"nftables\": [{\"rule\": ", bytes.as_slice()].concat());
    }
}
