//! nftables from bytes to the syntax tree: written rulesets, both spellings of each, what nft refuses, and the corpora.
//!
//! Where nft can be asked (root, or unprivileged user namespaces), it is the judge; without it the tests say so loudly and
//! pass, unless `FWGATE_REQUIRE_KERNEL=1`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod corpora;
mod examples;
mod including;
mod normal;
mod places;
mod sizes;
mod tool;
mod twins;

use fwgate::dialect::nftables::includes::Includes;
use fwgate::dialect::nftables::syntax::Command;
use fwgate::dialect::nftables::{json, text};
use fwgate::dialect::{Draft, InputFile};
use fwgate::ruleset::{DeviceFacts, Problem, Unreadable};
use std::path::{Path, PathBuf};

/// Reads a text in the language of `nft`, or JSON, by its content.
fn read(source: &str) -> Result<Vec<Command>, Vec<Problem>> {
    read_with("script.nft", source, &Includes::default()).map_err(|unreadable| unreadable.problems)
}

fn read_with(name: &str, source: &str, includes: &Includes) -> Result<Vec<Command>, Unreadable> {
    let mut draft = Draft::new(DeviceFacts::default());
    let files = [InputFile { name: name.to_owned(), bytes: source.as_bytes().into() }];
    let text = draft.decode(&files).remove(0);
    let commands = match json::recognises(source) {
        true => json::parse(&text, &mut draft),
        false => text::parse(&text, includes, &mut draft),
    };
    draft.finish().map(|_| commands)
}

/// Problems as lines.
fn shown(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(|p| format!("line {}: {}", p.span.line, p.message)).collect();
    lines.join("\n")
}

/// The written rulesets.
fn rulesets() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nftables_syntax/rulesets");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 5, "rulesets were found");
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}
