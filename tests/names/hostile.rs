//! Broken master files, lists and documents: read or refused, never a panic, and every problem with a place inside the text.

use super::generate::Chance;
use fwgate::inventory::{InventoryPaths, read_inventory};
use fwgate::names::read_zones;
use fwgate::ruleset::Unreadable;
use std::collections::BTreeMap;

const ZONE: &str = "$ORIGIN example.net.\n$TTL 1h\n@ IN SOA ns1 h ( 1 7200 3600 ; c\n 1209600 300 )\n@ NS ns1\nns1 300 A 192.0.2.1\n\
    a\\.b AAAA 2001:db8::1\n$GENERATE 1-4/2 h${0,3,d} A 192.0.2.$\n$INCLUDE more.inc sub\nx TXT \"q;\\\"\" \\# 1\ny A \\# 4 c0000201\n\
    _s._tcp SRV 0 5 53 ns1\nm MX 10 ns1\nz TYPE65280 \\# 2 abcd\n";
const CSV: &str = "Prefix,Status,VRF,Site,Description\n10.0.0.0/8,Container,Global,,\"all, of it\"\n10.1.0.0/16,Active,,west,\"a \"\"b\"\"\"\n";
const JSON: &str = r#"{"count": 2, "next": null, "results": [{"prefix": "10.0.0.0/8", "status": {"value": "active"},
    "site": {"slug": "west"}, "tags": [{"slug": "a"}], "custom_fields": {"x": null}}, {"prefix": "2001:db8::/32"}]}"#;

/// One text with a few of its bytes changed, taken out, put in or doubled; still text.
fn mutated(text: &str, chance: &mut Chance) -> String {
    const PIECES: &[&str] = &[
        "(",
        ")",
        "\"",
        "\\",
        "\\2",
        ";",
        "\n",
        "\r",
        "$",
        "${",
        "}",
        ",",
        "\u{0}",
        "\u{202e}",
        "é",
        ".",
        "..",
        "\t",
        "@",
        "[",
        "{",
        ":",
        "99999999999999999999",
        "$INCLUDE more.inc\n",
        "$GENERATE 0-2147483647 a$ A 1.2.3.4\n",
        "null",
        "-",
        "/33",
        "",
    ];
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=chance.below(4) {
        if characters.is_empty() {
            break;
        }
        let at = chance.below(characters.len() as u64) as usize;
        let end = (at + chance.below(6) as usize).min(characters.len());
        let piece: Vec<char> = match chance.below(3) {
            0 => chance.of(PIECES).chars().collect(),
            1 => characters[at..end].iter().flat_map(|c| [*c, *c]).collect(),
            _ => Vec::new(),
        };
        characters.splice(at..end, piece);
    }
    characters.into_iter().collect()
}

fn places_are_sound(unreadable: &Unreadable, text: &str) {
    assert!(!unreadable.problems.is_empty(), "{text}");
    for problem in &unreadable.problems {
        let source = unreadable.sources.get(problem.span.source).expect("the file of a problem is known");
        let (start, end) = (problem.span.start as usize, problem.span.end as usize);
        assert!(source.text.get(start..end).is_some(), "{problem:?}\n{text}");
        assert!(!problem.message.is_empty());
    }
}

#[test]
fn mutated_master_files_are_read_or_refused() {
    let mut chance = Chance(7);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let zone = mutated(ZONE, &mut chance);
        let more = mutated("www A 192.0.2.7\n@ MX 5 www\n", &mut chance);
        let files: Vec<(&str, &[u8])> =
            vec![("zones/example.net.zone", zone.as_bytes()), ("zones/more.inc", more.as_bytes())];
        match read_zones("zones", &BTreeMap::new(), &files) {
            Ok(zones) => {
                read += 1;
                zones.zones.iter().for_each(|z| assert!(!z.canonical_text().is_empty()));
            }
            Err(unreadable) => {
                refused += 1;
                places_are_sound(&unreadable, &zone);
            }
        }
    }
    assert!(read > 200 && refused > 5_000, "{read} read, {refused} refused");
}

#[test]
fn mutated_lists_and_documents_are_read_or_refused() {
    let mut chance = Chance(11);
    for (name, text) in [("p.csv", CSV), ("p.json", JSON)] {
        let paths = InventoryPaths { prefixes: Some(name.into()), ..InventoryPaths::default() };
        let (mut read, mut refused) = (0, 0);
        for _ in 0..20_000 {
            let text = mutated(text, &mut chance);
            match read_inventory(&paths, &[(name, text.as_bytes())]) {
                Ok(inventory) => {
                    assert!(!inventory.unwrap().prefixes.is_empty(), "{text}");
                    read += 1;
                }
                Err(unreadable) => {
                    refused += 1;
                    places_are_sound(&unreadable, &text);
                }
            }
        }
        assert!(read > 1_000 && refused > 1_000, "{name}: {read} read, {refused} refused");
    }
}

#[test]
fn what_would_grow_without_bound_is_refused() {
    let head = "$TTL 60\n@ SOA a. b. 1 2 3 4 5\n@ NS a.\n";
    let endless = format!("{head}$GENERATE 0-2147483647 a$ A 192.0.2.1\n");
    let nested = format!("{head}{}", "(".repeat(100_000));
    let many = format!("{head}{}", "$GENERATE 0-400000 a$ A 192.0.2.1\n".repeat(4));
    for text in [endless, nested, many] {
        let files: Vec<(&str, &[u8])> = vec![("zones/example.net.zone", text.as_bytes())];
        assert!(read_zones("zones", &BTreeMap::new(), &files).is_err());
    }
}
