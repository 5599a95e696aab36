//! The specifications by example of `fixtures/dialects`: every ruleset reads, every refused one is refused.
//!
//! Verdicts are checked where packets are run through the interpreter; here they are only checked to be well formed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fwgate::dialect::{InputFile, ReadOptions, read_device};
use fwgate::packet::packet_from_json;
use fwgate::ruleset::{DeviceFacts, Hook};
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
    let mut facts = DeviceFacts::default();
    for block in blocks.iter().filter(|b| b.info.first().is_some_and(|w| w == "facts")) {
        let table: toml::Table = block.text.parse().unwrap();
        let texts = |key: &str| -> Option<Vec<String>> {
            let array = table.get(key)?.as_array()?;
            Some(array.iter().map(|v| v.as_str().unwrap().to_owned()).collect())
        };
        facts.addresses = texts("addresses").map(|all| all.iter().map(|a| a.parse().unwrap()).collect());
        facts.interfaces = texts("interfaces");
    }
    facts
}

fn input(block: &Block) -> InputFile {
    InputFile {
        name: block.info.get(1).expect("a ruleset block has a file name").clone(),
        bytes: block.text.clone().into(),
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
        let options = ReadOptions { dialect: None, facts: facts(&blocks) };
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

#[test]
fn every_packet_line_is_well_formed() {
    for path in specs() {
        for block in of_kind(&blocks(&std::fs::read_to_string(&path).unwrap()), "packets") {
            for line in block.text.lines() {
                let mut packet: serde_json::Value = serde_json::from_str(line).unwrap();
                assert!(Hook::by_name(packet["hook"].as_str().unwrap()).is_some(), "{}: {line}", path.display());
                let expect = packet["expect"].as_str().unwrap();
                assert!(["accept", "drop", "reject", "depends"].contains(&expect), "{}: {line}", path.display());
                for key in ["hook", "expect", "reject_with"] {
                    packet.as_object_mut().unwrap().remove(key);
                }
                if let Err(error) = packet_from_json(&packet) {
                    panic!("{}: {line}: {error:?}", path.display());
                }
            }
        }
    }
}
