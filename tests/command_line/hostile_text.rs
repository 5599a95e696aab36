//! Nothing that a ruleset, a policy or a file name says reaches a terminal or a page as anything but text: no format lets a
//! control or bidirectional character through, and none lets text become markup or a command.

use super::scene::Scene;
use std::collections::BTreeSet;

/// Bidirectional override, escape sequence, zero width, delete, next line, line separator, and the marks of every format.
const EVIL: &str = "\u{202e}\u{1b}[31m\u{200b}\u{7f}\u{85}\u{2028}]]></a><script>alert(1)</script>`|\"'&amp;@team ::error::x ##[error]y %0A";

fn comment(text: &str) -> String {
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("-m comment --comment \"{quoted}\"")
}

/// Every piece of input that reports quote, with the text in it.
pub fn scene() -> Scene {
    let evil = comment(EVIL);
    let ruleset = |rule: &str| {
        format!(
            "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:x::{HIDDEN}<q> - [0:0]\n{rule}\n\
             -A FORWARD -j x::{HIDDEN}<q>\n-A x::{HIDDEN}<q> -m string --string \"{HIDDEN}<u>\" --algo bm -j ACCEPT\nCOMMIT\n"
        )
    };
    let old = ruleset(&format!("-A FORWARD -s 10.20.0.0/16 -d 10.30.0.0/16 -p tcp --dport 443 {evil} -j ACCEPT"));
    // Twice, so that the second cannot match, and a lint quotes it.
    let old = old.replace(&format!("{evil} -j ACCEPT\n"), &format!("{evil} -j ACCEPT\n{}", repeated(&evil)));
    let new = ruleset(&format!("-A FORWARD -s 10.20.0.0/17 -d 10.30.0.0/16 -p tcp --dport 22 {evil} -j ACCEPT"));
    // Names of devices are refused where they hide something; markup may stand in them.
    let device = "::warning::<q>|&@team";
    Scene::new()
        .file(&format!("old/{device}/rules{HIDDEN}<q>.v4"), &old)
        .file(&format!("new/{device}/rules{HIDDEN}<q>.v4"), &new)
        .file("policy.toml", &policy())
}

fn repeated(evil: &str) -> String {
    format!("-A FORWARD -s 10.20.0.0/16 -d 10.30.0.0/16 -p tcp --dport 443 {evil} -j ACCEPT\n")
}

/// What may stand in names: no quotes and no spaces.
const HIDDEN: &str = "\u{202e}\u{200b}";

fn policy() -> String {
    let evil = EVIL.replace('"', "\\\"").replace('\u{1b}', "\\u001b").replace('\u{7f}', "\\u007f");
    let evil = evil.replace('\u{85}', "\\u0085");
    format!(
        "version = 1\n[ranges]\ntoronto = [\"10.20.0.0/16\"]\n[[require]]\nid = \"tor-dal\"\nreason = \"{evil}\"\nowner = \"{evil}\"\n\
         from = [\"toronto\"]\nto = [\"10.30.0.0/16\"]\nservice = [\"tcp/443\"]\nhook = \"forward\"\n\
         [[require]]\nid = \"gone\"\nreason = \"r\"\nfrom = [\"toronto\"]\nto = [\"10.40.0.0/16\"]\nservice = [\"tcp/443\"]\nhook = \"forward\"\n\
         [[waive]]\ncode = \"FW102\"\nrequirement = \"gone\"\nreason = \"{evil}\"\nowner = \"{evil}\"\nexpires = 2099-01-01\n"
    )
}

/// The characters that must never come through. Line breaks are the formats' own.
fn hidden(text: &str) -> BTreeSet<char> {
    text.chars().filter(|c| *c != '\n' && fwgate::report::visible(&c.to_string()) != c.to_string()).collect()
}

fn outputs() -> Vec<(String, String)> {
    let scene = scene();
    let commands: [&[&str]; 3] = [
        &["check", "--baseline", "old", "--proposed", "new", "--policy", "policy.toml"],
        &["diff", "old", "new"],
        &["lint", "--tree", "old"],
    ];
    let run = |command: &[&str], format: &str| {
        let output = scene.run(&[command, &["--format", format]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() != Some(2), "{format}: {told}");
        (format!("{} {format}", command[0]), text)
    };
    let formats = fwgate::report::FORMATS.iter();
    formats.flat_map(|f| commands.map(|c| run(c, f.name))).collect()
}

#[test]
fn no_format_lets_a_hidden_character_through() {
    let outputs = outputs();
    assert!(outputs.len() >= 24);
    for (name, text) in &outputs {
        assert!(text.contains("202e"), "{name} shows the text at all:\n{text}");
        assert_eq!(hidden(text), BTreeSet::new(), "{name}");
    }
}

/// The runner of GitHub reads a command wherever a line begins with `::`, after spaces.
#[test]
fn no_line_begins_with_a_command_that_is_not_ours() {
    for (name, text) in outputs() {
        for line in text.lines().map(str::trim_start) {
            let ours = name.ends_with(" github")
                && ["::error file=", "::warning file=", "::notice file="].iter().any(|start| line.starts_with(start));
            assert!(ours || !line.starts_with("::"), "{name}: {line}");
            assert!(!line.contains("##["), "{name}: {line}");
        }
    }
}

#[test]
fn no_markup_comes_from_the_input() {
    for (name, text) in outputs() {
        let is_markup = ["junit", "html", "markdown"].iter().any(|f| name.ends_with(f));
        // Inside of a block of code Markdown shows text as it is.
        let outside = if name.ends_with("markdown") { without_blocks(&text) } else { text };
        for tag in ["<script>alert", "<q>", "<u>", "]]>", "@team"] {
            let may =
                !is_markup || name.ends_with("junit") && tag == "@team" || name.ends_with("html") && tag == "@team";
            assert!(may || !outside.contains(tag), "{name}: {tag}\n{outside}");
        }
    }
}

fn without_blocks(markdown: &str) -> String {
    let (mut out, mut fence) = (String::new(), None::<String>);
    for line in markdown.lines() {
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => out += &format!("{line}\n"),
            Some(open) if line == open.as_str() => fence = None,
            Some(_) => {}
        }
    }
    assert!(fence.is_none(), "every block ends");
    out
}
