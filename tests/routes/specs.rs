//! The specifications by example of `fixtures/routes`.

use super::{flow, inputs, routing};
use fwgate::routes::{diff_routing, outcome_words, read_routing, route_of};
use std::path::Path;

struct Block {
    kind: String,
    name: String,
    rest: String,
    text: String,
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut out: Vec<Block> = Vec::new();
    let mut open = false;
    for line in markdown.lines() {
        match (line.strip_prefix("```"), open) {
            (Some(info), false) => {
                let mut words = info.splitn(3, ' ').map(str::to_owned);
                let mut next = || words.next().unwrap_or_default();
                out.push(Block { kind: next(), name: next(), rest: next(), text: String::new() });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => {
                let block = out.last_mut().unwrap();
                block.text += &format!("{line}\n");
            }
            (None, false) => {}
        }
    }
    assert!(!open, "a block is never closed");
    out
}

fn pages() -> Vec<(String, Vec<Block>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/routes");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths.retain(|p| !p.ends_with("README.md"));
    let read = |p: &std::path::PathBuf| (p.display().to_string(), blocks(&std::fs::read_to_string(p).unwrap()));
    paths.iter().map(read).collect()
}

fn of_kind<'b>(blocks: &'b [Block], kind: &str) -> Vec<&'b Block> {
    blocks.iter().filter(|b| b.kind == kind).collect()
}

fn files(blocks: &[Block]) -> Vec<(&str, &str)> {
    of_kind(blocks, "file").into_iter().map(|b| (b.name.as_str(), b.text.as_str())).collect()
}

#[test]
fn every_packet_goes_as_the_page_says() {
    let (mut asked, mut wrong) = (0, Vec::new());
    for (path, blocks) in pages() {
        let routing = routing(&files(&blocks));
        for line in of_kind(&blocks, "lookup").iter().flat_map(|b| b.text.lines()) {
            let (packet, expected) = line.split_once(" = ").unwrap();
            let found = outcome_words(&routing, &route_of(&routing, &flow(packet)));
            asked += 1;
            if found != expected {
                wrong.push(format!("{path}: {line}\n  found {found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked >= 50, "only {asked} packets");
}

#[test]
fn other_forms_of_the_same_routes_mean_the_same() {
    let mut compared = 0;
    for (path, blocks) in pages() {
        let own = files(&blocks);
        for block in of_kind(&blocks, "same") {
            // `routes+rules.json`: the page's routes, and these rules.
            let mut other = vec![(block.name.trim_start_matches("routes+"), block.text.as_str())];
            if block.name.starts_with("routes+") {
                other.extend(own.iter().filter(|(name, _)| *name == "routes"));
            }
            let diff = diff_routing(&routing(&own), &routing(&other)).unwrap();
            assert!(diff.is_equivalent(), "{path} {}: {:#?}", block.name, diff.changes);
            compared += 1;
        }
    }
    assert!(compared >= 4);
}

#[test]
fn what_is_refused_says_why_and_where() {
    let mut refused = 0;
    for (path, blocks) in pages() {
        for block in of_kind(&blocks, "refused") {
            let problems = read_routing(&inputs(&[(&block.name, &block.text)]))
                .expect_err(&format!("{path}: {} must be refused", block.name))
                .problems;
            let said = problems.iter().any(|p| p.message.contains(&block.rest));
            assert!(said, "{path} {}: {problems:#?}", block.name);
            assert!(problems.iter().all(|p| p.span.line > 0 && p.help.is_some()), "{path} {}", block.name);
            refused += 1;
        }
    }
    assert!(refused >= 15);
}

#[test]
fn a_route_that_two_files_give_is_refused_and_one_file_may_repeat_it() {
    let both = [("a", "10.0.0.0/8 via 10.0.0.1 dev eth0\n"), ("b", "10.0.0.0/8 via 10.0.0.2 dev eth0\n")];
    let problems = read_routing(&inputs(&both)).unwrap_err().problems;
    assert_eq!(problems[0].message, "`a` gives the same route");
    let once = routing(&[("a", "10.0.0.0/8 via 10.0.0.1 dev eth0\n10.0.0.0/8 via 10.0.0.2 dev eth0\n")]);
    assert_eq!(outcome_words(&once, &route_of(&once, &flow("10.1.1.1"))), "via 10.0.0.1 dev eth0");
}
