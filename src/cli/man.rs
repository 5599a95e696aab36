//! `fwgate man`: the manual pages, and the same as one page of Markdown, out of the declaration of the command line.

use super::exit::{Exit, PASSED};
use super::failure::Failure;
use super::output::write_atomically;
use super::screen::Screen;
use crate::cli::failure::system_words;
use clap::{Args, Command};
use clap_mangen::Man;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The arguments of `fwgate man`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  fwgate man | man -l -                  # the page of fwgate itself\n  \
                  fwgate man --out ~/.local/share/man/man1\n  fwgate man --markdown > commands.md")]
pub struct Arguments {
    /// Write one page for each command into this folder, which is made where it does not exist
    #[arg(long, value_name = "DIR", conflicts_with = "markdown")]
    pub out: Option<PathBuf>,
    /// Print the help of every command as one page of Markdown
    #[arg(long)]
    pub markdown: bool,
}

/// Prints or writes the pages.
///
/// # Errors
/// A folder that cannot be written to.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let whole = built();
    let text = match &arguments.out {
        Some(folder) => write_pages(&whole, folder)?,
        None if arguments.markdown => markdown(&whole),
        None => page(&whole)?,
    };
    screen.answer(&text)?;
    Ok(PASSED)
}

/// The whole command line, with the names of its parts filled in, and without what varies with the terminal.
fn built() -> Command {
    let mut whole = super::command().disable_help_subcommand(true).term_width(100);
    whole.build();
    whole
}

fn write_pages(whole: &Command, folder: &Path) -> Result<String, Failure> {
    let unmade =
        |e: std::io::Error| Failure::new(format!("`{}` cannot be made: {}", folder.display(), system_words(e.kind())));
    std::fs::create_dir_all(folder).map_err(unmade)?;
    let pages = visible_commands(whole);
    for command in &pages {
        write_atomically(&folder.join(format!("{}.1", dashed(command))), page(command)?.as_bytes())?;
    }
    Ok(format!("wrote {} pages to {}\n", pages.len(), folder.display()))
}

/// A command and everything below it that people see, in the order of help.
fn visible_commands(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().filter(|c| !c.is_hide_set());
    std::iter::once(command).chain(below.flat_map(visible_commands)).collect()
}

/// `fwgate-change-new`.
fn dashed(command: &Command) -> String {
    spaced(command).replace(' ', "-")
}

/// `fwgate change new`.
fn spaced(command: &Command) -> &str {
    command.get_bin_name().unwrap_or_else(|| command.get_name())
}

fn page(command: &Command) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let unwritten = |e: std::io::Error| Failure::new(format!("the page cannot be written: {}", system_words(e.kind())));
    let named = command.clone().name(dashed(command));
    Man::new(named).title(dashed(command)).render(&mut bytes).map_err(unwritten)?;
    Ok(with_notes(&String::from_utf8_lossy(&bytes)))
}

/// The page with what stands after the options under a name that says so, and its examples line by line: they would be filled into
/// paragraphs.
fn with_notes(page: &str) -> String {
    const EXTRA: &str = ".SH EXTRA";
    let (mut out, mut is_notes, mut is_open) = (String::new(), false, false);
    for line in page.lines() {
        is_notes = if line.starts_with(".SH ") { line == EXTRA } else { is_notes };
        let is_example = is_notes && line.starts_with("  ");
        out += match (is_open, is_example) {
            (false, true) => ".nf\n",
            (true, false) => ".fi\n",
            _ => "",
        };
        is_open = is_example;
        let _ = writeln!(out, "{}", if line == EXTRA { ".SH NOTES" } else { line });
    }
    out + if is_open { ".fi\n" } else { "" }
}

fn markdown(whole: &Command) -> String {
    let mut out = String::from(
        "# Commands\n\nWhat every command says about itself. Written by `fwgate man --markdown`; do not edit.\n\n",
    );
    for command in visible_commands(whole) {
        let _ = writeln!(out, "- [`{}`](#{})", spaced(command), dashed(command));
    }
    for command in visible_commands(whole) {
        let help = command.clone().render_long_help().to_string();
        let lines: String = help.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        let _ = write!(out, "\n## {}\n\n```text\n{lines}```\n", spaced(command));
    }
    out
}
