//! A page that is walked.
//!
//! A fence ```` ```console NAME TIME ```` holds commands (`$ ...`, continued by a trailing `\`) that the person of that name runs at
//! that time, with what they print, and `[exit N]` where that is not 0. A fence ```` ```LANGUAGE write PATH ```` or `append PATH`
//! is a file that the person before it writes, or writes on. Everything else is prose.
//!
//! Digests, ids of commits, fingerprints and what a machine is like differ from run to run. They are shown as `sha256:<1>`,
//! `<commit 1>` and so on: the same number is the same value.

use crate::desk::Desk;
use std::collections::BTreeMap;
use std::path::Path;

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A command, and what it printed.
#[derive(Clone, Debug)]
pub struct Shown {
    pub command: String,
    pub output: String,
}

/// Runs a page; the page as it should be. `after` sees the time and the commands of every block.
pub fn run(desk: &Desk, document: &str, mut after: impl FnMut(&str, &[Shown])) -> String {
    let (mut out, mut person) = (String::new(), String::new());
    let mut names = Names::default();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        out += &format!("{line}\n");
        let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
        let words: Vec<&str> = info.split(' ').collect();
        match words.as_slice() {
            ["console", name, at] => {
                person = (*name).to_owned();
                let shown: Vec<Shown> =
                    commands(&block).iter().map(|(c, first)| ran(desk, (name, at), c, *first)).collect();
                for one in &shown {
                    out += &format!("$ {}\n{}", one.command, names.masked(&desk.shown(&one.output)));
                }
                after(at, &shown);
            }
            [_, how @ ("write" | "append"), path] => {
                let text = block.iter().map(|l| format!("{l}\n")).collect::<String>();
                desk.write(&person, path, &text, *how == "append");
                out += &text;
            }
            _ => out += &block.iter().map(|l| format!("{l}\n")).collect::<String>(),
        }
        out += "```\n";
    }
    out
}

/// The page must be what was run, unless it is rewritten.
pub fn compare(name: &str, document: &str, now: &str) {
    if document == now {
        return;
    }
    if std::env::var_os("FWGATE_BLESS").is_some() {
        std::fs::write(root().join(name), now).unwrap();
        return;
    }
    let differing = similar::TextDiff::from_lines(document, now).unified_diff().to_string();
    panic!("{name}: run with FWGATE_BLESS=1 after reading this:\n{differing}");
}

/// The commands of a block, each with how many lines of its output are shown where not all are.
fn commands(block: &[&str]) -> Vec<(String, Option<usize>)> {
    let mut out: Vec<(String, Option<usize>)> = Vec::new();
    let mut continues = false;
    for line in block {
        match line.strip_prefix("$ ") {
            _ if continues => out.last_mut().unwrap().0 += &format!("\n{line}"),
            Some(command) => out.push((command.to_owned(), None)),
            None => {
                if let Some(rest) = line.strip_prefix("[the first ") {
                    out.last_mut().unwrap().1 = Some(rest.split(' ').next().unwrap().parse().unwrap());
                }
                continue;
            }
        }
        continues = line.ends_with('\\');
    }
    assert!(!out.is_empty(), "a block without a command:\n{}", block.join("\n"));
    out
}

fn ran(desk: &Desk, (person, at): (&str, &str), command: &str, first: Option<usize>) -> Shown {
    let (code, text) = desk.sh(person, at, &desk.real(command));
    let total = text.lines().count();
    let kept = text.lines().take(first.unwrap_or(total));
    let mut output: String = kept.map(|l| format!("{}\n", l.trim_end())).collect();
    if let Some(first) = first.filter(|first| *first < total) {
        output += &format!("[the first {first} of {total} lines]\n");
    }
    if code != 0 {
        output += &format!("[exit {code}]\n");
    }
    Shown { command: command.to_owned(), output }
}

/// What differs from run to run, by the names that the page has for it.
#[derive(Default)]
struct Names(BTreeMap<(&'static str, String), usize>);

impl Names {
    fn masked(&mut self, text: &str) -> String {
        let text: String = text.lines().map(|line| format!("{}\n", without_machine(line))).collect();
        let (mut out, mut word) = (String::new(), String::new());
        for letter in text.chars() {
            match letter.is_ascii_alphanumeric() || ":+/".contains(letter) {
                true => word.push(letter),
                false => {
                    out += &self.name(&std::mem::take(&mut word));
                    out.push(letter);
                }
            }
        }
        out + &word
    }

    fn name(&mut self, word: &str) -> String {
        let stem = word.trim_end_matches(':');
        let hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let (kind, rest) = match stem.split_once(':') {
            Some(("sha256", rest)) if rest.len() == 64 && hex(rest) => ("sha256:", rest),
            Some(("SHA256", rest)) if rest.len() == 43 => ("SHA256:", rest),
            None if [12, 40].contains(&stem.len()) && hex(stem) => ("commit ", &stem[..12]),
            None if stem.len() == 32 && hex(stem) => ("nonce ", stem),
            _ => return word.to_owned(),
        };
        let count = 1 + self.0.keys().filter(|(k, _)| *k == kind).count();
        let number = *self.0.entry((kind, rest.to_owned())).or_insert(count);
        let name = match kind.ends_with(':') {
            true => format!("{kind}<{number}>"),
            false => format!("<{kind}{number}>"),
        };
        word.replace(stem, &name)
    }
}

/// A line without the versions of kernel and tools, and without how many conversations went through in time on a busy machine.
fn without_machine(line: &str) -> String {
    if let Some((before, rest)) = line.split_once(": loaded, ").filter(|(_, rest)| rest.contains(" as demanded")) {
        let end = rest.find(", read back").map_or("", |at| &rest[at..]);
        let first: String = rest.chars().take_while(char::is_ascii_digit).collect();
        assert_ne!(first, "0", "{line}");
        return format!("{before}: loaded, <some> conversations as demanded{end}");
    }
    // `reads back equal (linux 6.1, iptables-restore v1.8.9 (nf_tables), ...); what follows`.
    if let Some((before, rest)) = line.split_once(" (linux ") {
        let end = rest.rfind(");").map_or("", |at| &rest[at + 1..]);
        return format!("{before} (<kernel and tools>){end}");
    }
    match line.split_once("on linux ") {
        Some((before, rest)) => {
            let end = if rest.ends_with(" flows") { ", <some> flows" } else { "" };
            let bracket = if rest.ends_with("))") { ")" } else { "" };
            format!("{before}on <kernel and tools>{end}{bracket}")
        }
        None => line.to_owned(),
    }
}
