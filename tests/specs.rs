//! The specifications by example of `fixtures/dialects`: every ruleset reads, every refused one is refused.
//! Every packet meets what is written behind it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fwgate::dialect::{InputFile, ReadOptions, read_device};
use fwgate::packet::packet_from_json;
use fwgate::policy::read_device_file;
use fwgate::query::{TraceVerdict, trace};
use fwgate::ruleset::{Decision, DeviceFacts, Hook, Ruleset};
use std::path::{Path, PathBuf};

/// One fenced block: the words behind the fence, and the lines inside.
struct Block {
    info: Vec<String>,
    text: String,
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut out: Vec<Block> = Vec::new();
    let mut open = false;
    for line in markdown.lines() {
        match (line.strip_prefix("```"), open) {
            (Some(info), false) => {
                out.push(Block { info: info.split_whitespace().map(str::to_owned).collect(), text: String::new() });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => {
                let block = out.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, false) => {}
        }
    }
    assert!(!open, "a block is never closed");
    out
}

fn specs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dialects");
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "md") && !path.ends_with("README.md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn facts(blocks: &[Block]) -> DeviceFacts {
    let text: String = of_kind(blocks, "facts").iter().map(|b| b.text.as_str()).collect();
    read_device_file("device.toml", &text).unwrap_or_else(|e| panic!("{:#?}", e.problems)).facts()
}

fn input(block: &Block) -> InputFile {
    InputFile {
        name: block.info.get(1).expect("a ruleset block has a file name").clone(),
        bytes: block.text.as_bytes().into(),
    }
}

fn of_kind<'b>(blocks: &'b [Block], kind: &str) -> Vec<&'b Block> {
    blocks.iter().filter(|b| b.info.first().is_some_and(|w| w == kind)).collect()
}

#[test]
fn every_specification_reads_and_what_it_refuses_is_refused() {
    let all = specs();
    assert!(all.len() >= 25, "only {} specifications", all.len());
    for path in all {
        let blocks = blocks(&std::fs::read_to_string(&path).unwrap());
        let options = ReadOptions { facts: facts(&blocks), ..ReadOptions::default() };
        let files: Vec<InputFile> = of_kind(&blocks, "ruleset").into_iter().map(input).collect();
        if !files.is_empty()
            && let Err(error) = read_device(&files, &options)
        {
            panic!("{}: {:#?}", path.display(), error.problems);
        }
        for block in of_kind(&blocks, "refused") {
            let refused = read_device(&[input(block)], &options);
            let problems =
                refused.expect_err(&format!("{}: {:?} must be refused", path.display(), block.info)).problems;
            assert!(!problems.is_empty() && problems.iter().all(|p| !p.message.is_empty()));
        }
    }
}

/// Everything that facts can say.
fn all_facts() -> DeviceFacts {
    let text = "addresses = [\"10.0.0.1/24\", \"192.0.2.1/25\", \"2001:db8::1/64\"]\ninterfaces = [\"eth0\", \"wan7\"]\n[keywords]\nDNS = [\"10.9.0.53\"]\nWINS = []\nIntranet = [\"10.0.0.0/8\", \"2001:db8::/32\"]\n\
                RPC = [\"5000-5010\"]\n";
    read_device_file("device.toml", text).unwrap_or_else(|e| panic!("{:#?}", e.problems)).facts()
}

/// Rules that say that they wait for no facts are the same with all of them.
#[test]
fn facts_change_only_rules_that_wait_for_them() {
    let (mut waiting, mut all) = (0, 0);
    for path in specs() {
        let blocks = blocks(&std::fs::read_to_string(&path).unwrap());
        let files: Vec<InputFile> = of_kind(&blocks, "ruleset").into_iter().map(input).collect();
        let Ok(without) = read_device(&files, &ReadOptions::default()) else { continue };
        for facts in [all_facts(), facts(&blocks)] {
            let Ok(with) = read_device(&files, &ReadOptions { facts, ..ReadOptions::default() }) else { continue };
            let is_same = format!("{:?}", with.chains) == format!("{:?}", without.chains);
            assert!(is_same || without.waits_for_facts(), "{}", path.display());
        }
        (waiting, all) = (waiting + usize::from(without.waits_for_facts()), all + 1);
    }
    assert!(waiting >= 3 && waiting < all, "{waiting} of {all}");
}

/// What becomes of the packet of one line, and what the line expects, in the same words.
fn judged(ruleset: &Ruleset, line: &str) -> (String, String) {
    let mut packet: serde_json::Value = serde_json::from_str(line).unwrap();
    let mut take = |key: &str| {
        let value = packet.as_object_mut().unwrap().remove(key);
        value.map(|v| v.as_str().unwrap().to_owned())
    };
    let hook = take("hook").and_then(|name| Hook::by_name(&name)).unwrap();
    let (expect, kind) = (take("expect").unwrap(), take("reject_with"));
    let packet = packet_from_json(&packet).unwrap_or_else(|e| panic!("{line}: {e:?}"));
    let found = match trace(ruleset, hook, &packet).unwrap_or_else(|e| panic!("{line}: {e}")).verdict {
        TraceVerdict::Decided(Decision::Reject(with)) if kind.is_some() => format!("reject {with}"),
        other => other.name().to_owned(),
    };
    (found, kind.map_or(expect.clone(), |kind| format!("{expect} {kind}")))
}

#[test]
fn every_packet_meets_what_is_expected() {
    let (mut asked, mut wrong) = (0, Vec::new());
    for path in specs() {
        let blocks = blocks(&std::fs::read_to_string(&path).unwrap());
        let packets = of_kind(&blocks, "packets");
        if packets.is_empty() {
            continue;
        }
        let options = ReadOptions { facts: facts(&blocks), ..ReadOptions::default() };
        let files: Vec<InputFile> = of_kind(&blocks, "ruleset").into_iter().map(input).collect();
        let ruleset = read_device(&files, &options).unwrap_or_else(|e| panic!("{}: {:?}", path.display(), e.problems));
        for line in packets.iter().flat_map(|b| b.text.lines()) {
            let (found, expected) = judged(&ruleset, line);
            asked += 1;
            if found != expected {
                wrong.push(format!("{}: {line}: {found}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked >= 100, "only {asked} packets");
}
