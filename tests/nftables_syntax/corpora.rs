//! Real rulesets of the corpora: each is read. Those that are no complete script are no rulesets of their own.
//!
//! `FWGATE_CORPORA` names the directory; without it the test says that it was skipped.

use super::{read, rulesets, shown};
use fwgate::dialect::Dialect;
use fwgate::dialect::nftables::{json, text};
use std::path::{Path, PathBuf};

fn files_below(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Files of nftables, by their place in the corpora.
fn is_ours(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let is_golden = text.contains("/nftabler/testdata/") && text.ends_with(".golden");
    let is_script = text.ends_with(".nft") || text.contains("nftables") && text.ends_with(".nft.ref");
    is_golden || is_script
}

#[test]
fn every_ruleset_of_the_corpora_is_read() {
    let Some(root) = std::env::var_os("FWGATE_CORPORA").map(PathBuf::from) else {
        println!("skipped: FWGATE_CORPORA names no directory of corpora");
        return;
    };
    let mut count = 0;
    for path in files_below(&root).into_iter().filter(|path| is_ours(path)) {
        let source = std::fs::read_to_string(&path).unwrap();
        assert!(text::recognises(&source), "{} is not recognised", path.display());
        if let Err(problems) = read(&source) {
            panic!("{}: {}", path.display(), shown(&problems));
        }
        count += 1;
    }
    assert!(count >= 50, "rulesets were found: {count}");
}

/// What the tests of fw4 expect it to print, between their markers.
#[test]
fn what_fw4_prints_is_read() {
    let Some(root) = std::env::var_os("FWGATE_CORPORA").map(PathBuf::from) else {
        println!("skipped: FWGATE_CORPORA names no directory of corpora");
        return;
    };
    let mut count = 0;
    for path in files_below(&root.join("openwrt-fw4")) {
        let Ok(source) = std::fs::read_to_string(&path) else { continue };
        for section in source.split("-- Expect stdout --\n").skip(1) {
            let section = section.split("\n-- End --").next().unwrap();
            if !section.starts_with("table inet fw4") {
                continue;
            }
            // fw4 includes what people put beside it, by an absolute name; the rest must be read without it.
            let (includes, rest): (Vec<&str>, Vec<&str>) =
                section.lines().partition(|line| line.trim_start().starts_with("include \"/"));
            if let Err(problems) = read(&(rest.join("\n") + "\n")) {
                panic!("{}: {}", path.display(), shown(&problems));
            }
            let refused = read(&(section.to_owned() + "\n")).err().unwrap_or_default();
            assert_eq!(refused.len(), includes.len(), "{}: {}", path.display(), shown(&refused));
            assert!(refused.iter().all(|p| p.message.contains("lies outside")), "{}", shown(&refused));
            count += 1;
        }
    }
    assert!(count >= 20, "rulesets were found: {count}");
}

/// A dump of iptables begins with a table or a chain of its own.
fn is_dump(source: &str) -> bool {
    source.lines().any(|line| ["*filter", "*nat", "*mangle", "*raw"].contains(&line.trim()))
}

#[test]
fn no_dialect_takes_the_files_of_another_one() {
    let iptables = Dialect::by_name("iptables").unwrap();
    for (_, source) in rulesets() {
        assert!(text::recognises(&source) && !json::recognises(&source) && !(iptables.recognises)(&source));
    }
    for source in ["add table ip t\nadd chain ip t c\n", "create table ip t\n", "add element ip t s { 192.0.2.1 }\n"] {
        assert!(text::recognises(source) && !(iptables.recognises)(source), "{source}");
    }
    for source in [
        "create s hash:ip family inet\nadd s 192.0.2.1\n",
        "add s 192.0.2.1\n",
        "add set 192.0.2.1\n",
        "-P INPUT DROP\n",
    ] {
        assert!((iptables.recognises)(source), "{source}");
        assert!(!text::recognises(source) && !json::recognises(source), "{source}");
    }
    assert!(json::recognises(" {\n \"nftables\" : []}") && !json::recognises("{\"table\": {}}"));
    let Some(root) = std::env::var_os("FWGATE_CORPORA").map(PathBuf::from) else {
        println!("skipped: FWGATE_CORPORA names no directory of corpora");
        return;
    };
    let mut count = 0;
    for path in files_below(&root) {
        let Ok(source) = std::fs::read_to_string(&path) else { continue };
        if (iptables.recognises)(&source) && is_dump(&source) {
            assert!(!text::recognises(&source) && !json::recognises(&source), "{}", path.display());
            count += 1;
        }
        if is_ours(&path) {
            assert!(!(iptables.recognises)(&source), "{}", path.display());
        }
    }
    assert!(count >= 20, "dumps were found: {count}");
}
