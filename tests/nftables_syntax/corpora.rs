//! Real rulesets of the corpora: each is read. Those that are no complete script are no rulesets of their own.
//!
//! `FWGATE_CORPORA` names the directory; without it the test says that it was skipped.

use super::{read, shown};
use fwgate::dialect::nftables::text;
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
