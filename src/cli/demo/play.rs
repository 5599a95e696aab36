//! A play: the files of an incident in a scratch folder, and the commands of its script in it.

use super::script::{Script, Step};
use crate::cli::failure::system_words;
use crate::cli::failure::{Failure, REPORT};
use crate::cli::screen::Screen;
use crate::report::Colour;
use include_dir::Dir;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Plays a script. What it shows is written as it comes.
///
/// # Errors
/// A scratch folder that cannot be made, a program that is not there, a command that ends otherwise than the script says.
pub(super) fn play(number: u8, folder: &Dir<'_>, script: &Script, screen: &Screen) -> Result<(), Failure> {
    let scratch = tempfile::tempdir().map_err(|e| unmade(&e))?;
    let stage = scratch.path().join("incident");
    std::fs::create_dir(&stage).and_then(|()| folder.extract(&stage)).map_err(|e| unmade(&e))?;
    let title = format!("Incident {number}: {}", script.title);
    screen.piece(&format!("{}\n{}\n\n{}\n", bold(&title, screen), "=".repeat(title.len()), script.story.trim()))?;
    for step in &script.prepare {
        perform(step, &stage)?;
    }
    for (heading, steps) in [("Without the guard", &script.without), ("With the guard", &script.with)] {
        screen.piece(&format!("\n{}\n{}\n", bold(heading, screen), "-".repeat(heading.len())))?;
        for step in steps {
            show(step, &stage, screen)?;
        }
    }
    screen.piece(&format!("\n{}\n\n", script.moral.trim()))
}

fn show(step: &Step, stage: &Path, screen: &Screen) -> Result<(), Failure> {
    if step.says.is_empty() {
        return perform(step, stage).map(drop);
    }
    let command = format!("$ {}", step.run.iter().map(|w| quoted(w)).collect::<Vec<_>>().join(" "));
    screen.piece(&format!("\n{}\n{}\n", step.says.trim(), bold(&command, screen)))?;
    screen.piece(&shortened(&perform(step, stage)?, step.lines))?;
    match step.exit {
        0 => Ok(()),
        code => screen.piece(&format!("[exit {code}]\n")),
    }
}

/// Does a step; what its command wrote, both streams, the answer first.
fn perform(step: &Step, stage: &Path) -> Result<String, Failure> {
    match &step.copy {
        Some((from, to)) => copy(&stage.join(from), &stage.join(to)).map(|()| String::new()).map_err(|e| unmade(&e)),
        None => checked(step, stage).map(|output| text(&output)),
    }
}

/// Copies a file or a folder; the folders around the target are made.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        to.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        return std::fs::copy(from, to).map(drop);
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        copy(&path, &to.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

/// Runs a command; it must end as the script says.
fn checked(step: &Step, stage: &Path) -> Result<Output, Failure> {
    let output = command(step, stage)?.output().map_err(|e| {
        let program = step.run.first().map(String::as_str).unwrap_or_default();
        Failure::new(format!("`{program}` cannot be run: {}", system_words(e.kind())))
            .help("`fwgate doctor` says what is missing here")
    })?;
    if output.status.code() == Some(step.exit) {
        return Ok(output);
    }
    let end = output.status.code().map_or_else(|| "by a signal".to_owned(), |code| format!("with {code}"));
    let shown = text(&output);
    Err(Failure::new(format!(
        "`{}` ended {end}, and the script says {}:\n{}",
        step.run.join(" "),
        step.exit,
        shown.trim_end()
    ))
    .help(REPORT))
}

/// The command in the scratch folder, with an environment of its own: nobody's configuration of git takes part.
fn command(step: &Step, stage: &Path) -> Result<Command, Failure> {
    let (program, arguments) = step.run.split_first().ok_or_else(|| Failure::new("a step without a command"))?;
    let mut command = match program.as_str() {
        "fwgate" => Command::new(std::env::current_exe().map_err(|e| unmade(&e))?),
        "git" | "ssh-keygen" => Command::new(program),
        other => return Err(Failure::new(format!("a script runs fwgate, git and ssh-keygen, not `{other}`"))),
    };
    let home = stage.parent().unwrap_or(stage);
    let scratch = home.to_string_lossy();
    command.args(arguments.iter().map(|word| word.replace("{scratch}", &scratch)));
    command.current_dir(stage.join(&step.within)).stdin(Stdio::null()).env_clear();
    let kept = ["PATH", "SystemRoot", "TMPDIR", "TEMP"];
    command.envs(kept.into_iter().filter_map(|name| std::env::var_os(name).map(|value| (name, value))));
    command.env("HOME", home).env("GIT_CONFIG_NOSYSTEM", "1").env("NO_COLOR", "1");
    Ok(command)
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn shortened(text: &str, most: usize) -> String {
    let total = text.lines().count();
    let shown: String = text.lines().take(most).map(|line| format!("{line}\n")).collect();
    match total.saturating_sub(most) {
        0 => shown,
        left => format!("{shown}[{left} more lines]\n"),
    }
}

fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_./:=@,*".contains(c));
    if plain { word.to_owned() } else { format!("'{word}'") }
}

fn bold(text: &str, screen: &Screen) -> String {
    match screen.colour {
        Colour::Always => format!("\u{1b}[1m{text}\u{1b}[0m"),
        Colour::Never => text.to_owned(),
    }
}

fn unmade(error: &std::io::Error) -> Failure {
    Failure::new(format!("no scratch folder can be used: {}", error.kind()))
        .help("set TMPDIR to a folder that you may write to")
}
