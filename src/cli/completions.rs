//! `fwgate completions`: what a shell needs to complete fwgate's commands and options.

use super::exit::{Exit, PASSED};
use super::failure::Failure;
use super::screen::Screen;
use clap::{Args, Command};
use clap_complete::{Shell, generate};

/// The arguments of `fwgate completions`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  fwgate completions bash > ~/.local/share/bash-completion/completions/fwgate\n  \
                  fwgate completions zsh > ~/.zfunc/_fwgate            # with `fpath+=~/.zfunc` before `compinit`\n  \
                  fwgate completions fish > ~/.config/fish/completions/fwgate.fish\n  \
                  fwgate completions powershell >> $PROFILE\n  fwgate completions elvish >> ~/.config/elvish/rc.elv")]
pub struct Arguments {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// Standard output that cannot be written.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    screen.answer(&script(arguments.shell))?;
    Ok(PASSED)
}

fn script(shell: Shell) -> String {
    let mut bytes = Vec::new();
    generate(shell, &mut visible(&super::command()), "fwgate", &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The command line without the commands that only fwgate calls; shells would offer them.
fn visible(whole: &Command) -> Command {
    let shown = whole.get_subcommands().filter(|c| !c.is_hide_set());
    Command::new("fwgate").version("").args(whole.get_arguments()).subcommands(shown)
}
