//! On a terminal: a line says what is being done where that takes longer than a moment, and is gone before the answer. Nowhere else is it
//! ever drawn. The input is a named pipe that the test fills once it has seen the line, so that nothing here hangs on speed.

use super::scene::{OLD, Scene, edited};
use std::path::Path;
use std::process::Command;

/// What a run showed.
struct Run {
    code: i64,
    early: String,
    shown: String,
    answer: String,
}

/// `fwgate diff` with a slow old side; `None` where there is no Python to make a terminal.
fn run(place: &str, old: &str, environment: &[(&str, &str)]) -> Option<Run> {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("SKIPPED: no terminal was made: no python3");
        assert!(std::env::var("FWGATE_REQUIRE_KERNEL").as_deref() != Ok("1"), "no python3");
        return None;
    }
    let scene = Scene::new().file("given", old).file("new.v4", &edited());
    assert!(Command::new("mkfifo").arg(scene.path().join("old.v4")).status().unwrap().success());
    // Patience is for runs that must show nothing: longer than a moment, and no test waits for more.
    let patience = if place != "none" && environment.iter().all(|(_, value)| *value != "dumb") { "60" } else { "1.5" };
    let mut command = Command::new("python3");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/terminal/pty.py");
    command.arg(script).args([
        place,
        "old.v4",
        "given",
        patience,
        env!("CARGO_BIN_EXE_fwgate"),
        "diff",
        "old.v4",
        "new.v4",
    ]);
    command.current_dir(scene.path()).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("TERM", "xterm-256color").envs(environment.iter().copied());
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {told}"));
    let text = |key: &str| said[key].as_str().unwrap().to_owned();
    Some(Run {
        code: said["code"].as_i64().unwrap(),
        early: text("early"),
        shown: text("shown"),
        answer: text("answer"),
    })
}

/// What is on the screen in the end: a terminal that knows line breaks, returns, and how to clear a line.
fn screen(shown: &str) -> Vec<String> {
    let (mut lines, mut column) = (vec![Vec::<char>::new()], 0);
    let mut letters = shown.chars();
    while let Some(letter) = letters.next() {
        let line = lines.last_mut().unwrap();
        match letter {
            '\n' => {
                lines.push(Vec::new());
                column = 0;
            }
            '\r' => column = 0,
            '\u{1b}' => {
                assert_eq!(letters.next(), Some('['), "{shown:?}");
                let rest = letters.as_str();
                let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                letters = rest[end + 1..].chars();
                let is_clear = &rest[..=end] == "2K";
                if is_clear {
                    line.clear();
                }
            }
            letter => {
                line.resize(line.len().max(column + 1), ' ');
                line[column] = letter;
                column += 1;
            }
        }
    }
    lines.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned()).collect()
}

#[test]
fn work_beyond_a_moment_is_told_and_the_line_is_taken_away_before_the_answer() {
    let Some(run) = run("both", OLD, &[]) else { return };
    assert!(run.early.contains("reading"), "{:?}", run.early);
    assert!(run.shown.contains("\u{1b}[2K"), "the line is cleared: {:?}", run.shown);
    let screen = screen(&run.shown);
    assert!(screen[0].contains(" change"), "the answer is the first line: {screen:#?}");
    assert!(!screen.iter().any(|line| line.contains("reading") || line.contains("comparing")), "{screen:#?}");
    assert_eq!(run.code, 0);
}

#[test]
fn the_answer_goes_through_a_pipe_untouched() {
    let Some(run) = run("errors", OLD, &[]) else { return };
    assert!(run.early.contains("reading"), "{:?}", run.early);
    assert_eq!(screen(&run.shown), [""], "nothing is left on the terminal");
    let plain = Scene::new().file("old.v4", OLD).file("new.v4", &edited()).run(&["diff", "old.v4", "new.v4"]);
    assert_eq!(run.answer.as_bytes(), plain.stdout);
}

#[test]
fn an_error_stands_alone() {
    let Some(run) = run("errors", "not a ruleset\n", &[]) else { return };
    assert!(run.early.contains("reading"), "{:?}", run.early);
    let screen = screen(&run.shown);
    assert!(screen[0].starts_with("error"), "{screen:#?}");
    assert!(!screen.iter().any(|line| line.contains("reading (")), "{screen:#?}");
    assert_eq!((run.code, run.answer.as_str()), (2, ""));
}

#[test]
fn no_colour_is_no_reason_for_silence() {
    let Some(run) = run("both", OLD, &[("NO_COLOR", "1")]) else { return };
    assert!(run.early.contains("reading"), "{:?}", run.early);
    let colours =
        run.shown.split("\u{1b}[").skip(1).filter(|rest| rest.chars().find(char::is_ascii_alphabetic) == Some('m'));
    assert_eq!(colours.count(), 0, "{:?}", run.shown);
}

#[test]
fn pipes_and_dumb_terminals_get_the_answer_alone() {
    for (place, environment) in [("none", &[][..]), ("errors", &[("TERM", "dumb")][..])] {
        let Some(run) = run(place, OLD, environment) else { return };
        assert_eq!((run.early.as_str(), run.shown.as_str()), ("", ""), "{place}");
        assert!(run.answer.contains(" change") && !run.answer.contains('\u{1b}'), "{place}: {}", run.answer);
    }
}
