//! Whatever bytes come in, reading ends soon, with a ruleset or with problems whose places are in the text.

use crate::{policy_file, registry_text};
use fwgate::dialect::{InputFile, ReadOptions, read_device};
use proptest::prelude::*;
use std::time::{Duration, Instant};

const EXPORT: &str = "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy\\FirewallRules]\r\n\"a\"=\"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=443|LPort2_10=1-9|RA4=10.0.0.0/8|RA6=LocalSubnet|App=C:\\\\x.exe|Svc=y|Security=Authenticate|RMAuth=O:LSD:|Platform=2:6:2|Platform2=GTEQ|Name=n|\"\r\n\"b\"=hex(2):76,00,\\\r\n  32,00\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\WindowsFirewall\\DomainProfile]\r\n\"EnableFirewall\"=dword:00000001\r\n";

const OBJECTS: &str = "{\"rules\": [{\"InstanceID\": \"r\", \"DisplayName\": \"r\", \"Enabled\": 1, \"Direction\": \"Inbound\", \"Action\": 2, \"Profile\": \"Domain, Public\", \"Protocol\": \"TCP\", \"LocalPort\": [\"443\", \"1-9\"], \"RemoteAddress\": [\"10.0.0.0/8\", \"LocalSubnet6\"], \"Program\": null, \"Service\": \"Any\", \"InterfaceAlias\": \"Any\", \"InterfaceType\": 0, \"Authentication\": \"Required\"}], \"profiles\": [{\"Name\": \"Public\", \"DefaultInboundAction\": 4}]}";

const LISTING: &str = "\nRule Name:                            r\n----------------------------------------------------------------------\nEnabled:                              Yes\nDirection:                            In\nProfiles:                             Domain,Public\nRemoteIP:                             10.0.0.0/8,LocalSubnet\nProtocol:                             ICMPv4\n                                      Type    Code\n                                      8       Any\nSecurity:                             AuthEnc\nRule source:                          Local Setting\nAction:                               Allow\n\nPublic Profile Settings:\n----------------------------------------------------------------------\nState                                 ON\nFirewall Policy                       BlockInbound,AllowOutbound\nOk.\n";

fn policy() -> Vec<u8> {
    let key = r"SOFTWARE\Policies\Microsoft\WindowsFirewall";
    let rule = registry_text("v2.26|Action=Block|Active=TRUE|Dir=Out|Protocol=17|RPort=53|");
    policy_file(&[(key, "PolicyVersion", 4, vec![26, 2, 0, 0]), (&format!("{key}\\FirewallRules"), "r", 1, rule)])
}

fn read(bytes: Vec<u8>) {
    let started = Instant::now();
    let files = [InputFile { name: "firewall".into(), bytes: bytes.into() }];
    let options = ReadOptions { dialect: Some("windows".into()), ..ReadOptions::default() };
    if let Err(unreadable) = read_device(&files, &options) {
        assert!(!unreadable.problems.is_empty());
        for problem in &unreadable.problems {
            let length = unreadable.sources.get(problem.span.source).map_or(0, |s| s.text.len());
            assert!(problem.span.start <= problem.span.end && problem.span.end as usize <= length, "{problem:?}");
        }
    }
    assert!(started.elapsed() < Duration::from_secs(5));
}

/// Cuts out, doubles or replaces pieces.
fn mutated(seed: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let hostile = prop_oneof![
        Just(b"|".to_vec()),
        Just(b"\"".to_vec()),
        Just(b"\\".to_vec()),
        Just(b"=".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"4294967296".to_vec()),
        Just(b"::/999".to_vec()),
        Just("\u{e9}".as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..6),
    ];
    let edit = (0..seed.len(), 0..24usize, hostile, 0..3u8);
    proptest::collection::vec(edit, 1..4).prop_map(move |edits| {
        let mut bytes = seed.clone();
        for (at, length, hostile, kind) in edits {
            let at = at.min(bytes.len());
            let end = (at + length).min(bytes.len());
            let piece = match kind {
                0 => Vec::new(),
                1 => bytes[at..end].repeat(2),
                _ => hostile,
            };
            bytes.splice(at..end, piece);
        }
        bytes
    })
}

#[test]
fn the_seeds_read() {
    let valid = EXPORT.replace("\"b\"=hex(2):76,00,\\\r\n  32,00\r\n", "");
    for bytes in [valid.into_bytes(), OBJECTS.into(), LISTING.into(), policy()] {
        let files = [InputFile { name: "firewall".into(), bytes: bytes.into() }];
        let read = read_device(&files, &ReadOptions::default());
        assert!(read.is_ok(), "{:#?}", read.unwrap_err().problems);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_exports_are_read_or_refused(bytes in mutated(EXPORT.into())) {
        read(bytes);
    }

    #[test]
    fn mutated_policy_files_are_read_or_refused(bytes in mutated(policy())) {
        read(bytes);
    }

    #[test]
    fn mutated_hives_are_read_or_refused(bytes in mutated(crate::hive::exported([1, 1])[4096..].to_vec())) {
        read([&crate::hive::exported([1, 1])[..4096], &bytes].concat());
    }

    #[test]
    fn mutated_objects_are_read_or_refused(bytes in mutated(OBJECTS.into())) {
        read(bytes);
    }

    #[test]
    fn mutated_listings_are_read_or_refused(bytes in mutated(LISTING.into())) {
        read(bytes);
    }

    #[test]
    fn random_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for head in [&b""[..], b"\xff\xfe", b"PReg\x01\0\0\0", b"regf"] {
            read([head, &bytes].concat());
        }
    }
}
