//! Every transcript in the documentation is what the command prints.
//!
//! A transcript is a ```` ```console ```` block: a line `$ fwgate ...`, then both streams of it as they come, then
//! `[exit N]` where it does not end with 0. Several commands may follow each other. A trailing `\` continues a
//! command. `[the first 20 of 90 lines]` stands where the rest of a long output is left out.
//!
//! They run in the repository's root, with nothing in the environment. `FWGATE_BLESS=1` rewrites them.
//!
//! A page with the line `<!-- transcripts: scratch -->` is run by a shell instead, with git beside fwgate, one block after the
//! other in one empty folder; `../dumps` there has the rulesets of the example repository.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

const FENCE: &str = "```console";
const SCRATCH: &str = "<!-- transcripts: scratch -->";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `README.md`, `docs/**/*.md` and every retelling of an incident.
fn documents() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md")];
    let mut open = vec![root().join("docs"), root().join("fixtures/incidents")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The document as it should be, and how many commands it shows.
fn rerun(document: &str) -> (String, usize) {
    let (mut out, mut commands) = (String::new(), 0);
    let scratch = document.contains(SCRATCH).then(Scratch::new);
    if scratch.is_some() && !cfg!(unix) {
        return (document.to_owned(), 1);
    }
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        if line.trim_end() != FENCE {
            continue;
        }
        let block: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
        for command in commands_of(&block) {
            commands += 1;
            out.push_str(&transcript(&command, scratch.as_ref()));
        }
        out.push_str("```\n");
    }
    (out, commands)
}

/// A command of a transcript.
#[derive(Debug, PartialEq)]
struct Shown {
    /// The line, with its continuations.
    command: String,
    /// How many lines of its output are shown, where not all are.
    first: Option<usize>,
}

fn commands_of(block: &[&str]) -> Vec<Shown> {
    let mut out: Vec<Shown> = Vec::new();
    let mut continues = false;
    for line in block {
        let begins = line.starts_with("$ ");
        if continues {
            let shown = out.last_mut().unwrap();
            shown.command = format!("{}\n{line}", shown.command);
        } else if begins {
            out.push(Shown { command: (*line).to_owned(), first: None });
        } else if let Some(rest) = line.strip_prefix("[the first ") {
            let number = rest.split(' ').next().unwrap().parse().expect("a number of lines");
            out.last_mut().unwrap().first = Some(number);
        }
        continues = line.ends_with('\\') && (continues || begins);
    }
    assert!(!out.is_empty(), "a transcript without a command:\n{}", block.join("\n"));
    out
}

/// Where a page that is a story takes place.
struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Scratch {
        let scratch = Scratch(tempfile::tempdir().unwrap());
        std::fs::create_dir(scratch.0.path().join("firewalls")).unwrap();
        copy(&root().join("examples/firewall-repo/devices"), &scratch.0.path().join("dumps"));
        scratch
    }

    /// The command by a shell, with everybody's configuration of git left out and commits that are the same every time.
    fn command(&self, text: &str) -> Command {
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-o", "pipefail", "-c", text]);
        let own = Path::new(env!("CARGO_BIN_EXE_fwgate")).parent().unwrap();
        command.current_dir(self.0.path().join("firewalls")).env_clear();
        command.env("PATH", format!("{}:{}", own.display(), std::env::var("PATH").unwrap()));
        command.env("HOME", self.0.path()).env("LC_ALL", "C").env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{role}_NAME"), "somebody")
                .env(format!("GIT_{role}_EMAIL"), "somebody@example.net");
            command.env(format!("GIT_{role}_DATE"), "2026-01-05T12:00:00Z");
        }
        command
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => assert!(std::fs::copy(&path, &target).is_ok()),
        }
    }
}

/// A command of fwgate in the repository's root, with nothing in the environment.
fn plain(command: &str) -> Command {
    let words = words(command);
    let (program, arguments) = words.split_first().expect("a command");
    assert_eq!(program, "fwgate", "transcripts run fwgate only: {command}");
    let mut out = Command::new(env!("CARGO_BIN_EXE_fwgate"));
    out.args(arguments).current_dir(root()).env_clear();
    out.envs(std::env::var_os("SystemRoot").map(|v| ("SystemRoot", v)));
    out
}

fn transcript(shown: &Shown, scratch: Option<&Scratch>) -> String {
    let Shown { command, first } = shown;
    let text = command.strip_prefix("$ ").unwrap().replace("\\\n", " ");
    let mut run = scratch.map_or_else(|| plain(&text), |scratch| scratch.command(&text));
    let output = run.output().unwrap();
    let streams = [&output.stdout, &output.stderr].map(|s| trimmed(std::str::from_utf8(s).expect("UTF-8")));
    let code = match output.status.code().expect("not ended by a signal") {
        0 => String::new(),
        code => format!("[exit {code}]\n"),
    };
    format!("{command}\n{}{code}", beginning(&streams.concat(), *first))
}

/// The first lines of an output, and how many there are.
fn beginning(output: &str, first: Option<usize>) -> String {
    let total = output.lines().count();
    match first {
        Some(first) if first < total => {
            let kept: String = output.lines().take(first).map(|line| format!("{line}\n")).collect();
            format!("{kept}[the first {first} of {total} lines]\n")
        }
        _ => output.to_owned(),
    }
}

/// Without white space at the ends of lines, which editors take away.
fn trimmed(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Words as a shell parts them, with single and double quotes and nothing else.
fn words(command: &str) -> Vec<String> {
    let (mut out, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in command.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => out.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    assert!(quote.is_none(), "a quote is never closed: {command}");
    out.extend(word);
    out
}

#[test]
fn transcripts_are_what_the_command_prints() {
    let mut wrong = Vec::new();
    let mut commands = 0;
    for path in documents() {
        let document = std::fs::read_to_string(&path).unwrap();
        let (now, count) = rerun(&document);
        commands += count;
        if count == 0 || now == document {
            continue;
        }
        if std::env::var_os("FWGATE_BLESS").is_some() {
            std::fs::write(&path, now).unwrap();
        } else {
            let differing = similar::TextDiff::from_lines(&document, &now).unified_diff().to_string();
            wrong.push(format!("{}\n{differing}", path.strip_prefix(root()).unwrap().display()));
        }
    }
    assert!(commands > 0, "no transcript was found");
    assert!(wrong.is_empty(), "run with FWGATE_BLESS=1 after reading this:\n{}", wrong.join("\n"));
}

#[test]
fn commands_are_read_as_a_shell_would() {
    assert_eq!(words("a 'b c' \"d\" '' e"), ["a", "b c", "d", "", "e"]);
    let shown = |command: &str, first| Shown { command: command.to_owned(), first };
    let block = ["$ a \\", "  b", "out", "[the first 1 of 2 lines]", "$ c"];
    assert_eq!(commands_of(&block), [shown("$ a \\\n  b", Some(1)), shown("$ c", None)]);
    assert_eq!(beginning("a\nb\n", Some(1)), "a\n[the first 1 of 2 lines]\n");
}

/// Both halves of a refusal are in the README: the command and its exit code.
#[test]
fn the_readme_opens_with_the_incident() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let first = readme.lines().find(|l| l.starts_with("cargo run --release -- ")).expect("the main command");
    let shown = first.replace("cargo run --release -- ", "$ fwgate ");
    assert!(readme.contains(&shown), "the README shows what its first command prints");
    assert!(readme.contains("[exit 1]"));
}
