//! `fwgate hook`: what git calls. On a server, before a push is taken; on a desk, before a commit is made. Each says every reason
//! with what mends it.

mod commit;
mod server;

use super::exit::Exit;
use super::failure::Failure;
use super::gate::RootArguments;
use super::screen::Screen;
use clap::{Args, Subcommand};

/// The arguments of `fwgate hook`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples.\n\nOn a server, `hooks/pre-receive` of the bare repository:\n  #!/bin/sh\n  exec fwgate hook pre-receive --root /etc/fwgate/root.toml\n\n\
                  On a desk, `.git/hooks/pre-commit`:\n  #!/bin/sh\n  exec fwgate hook pre-commit"
)]
pub struct Arguments {
    /// Which hook.
    #[command(subcommand)]
    pub command: Command,
}

/// The hooks.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Judge a whole push; standard input has `OLD NEW REF` lines
    #[command(
        after_help = "Example:\n  fwgate hook pre-receive --root /etc/fwgate/root.toml --deploy-ref refs/heads/deploy"
    )]
    PreReceive(ServerArguments),
    /// Judge one reference of a push
    Update(UpdateArguments),
    /// Read the staged devices and check them against what must hold
    PreCommit(CommitArguments),
}

/// What a server's hook needs.
#[derive(Debug, Args)]
pub struct ServerArguments {
    /// Where trust comes from
    #[command(flatten)]
    pub root: RootArguments,
    /// A branch from which devices take their configuration; only permitted bytes may come there
    #[arg(long = "deploy-ref", value_name = "REF")]
    pub deploy: Vec<String>,
}

/// The arguments that git gives to `update`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fwgate hook update --root /etc/fwgate/root.toml \"$@\"")]
pub struct UpdateArguments {
    /// Where trust comes from, and what is deployed.
    #[command(flatten)]
    pub server: ServerArguments,
    /// The reference
    #[arg(value_name = "REF")]
    pub name: String,
    /// What it pointed to
    #[arg(value_name = "OLD")]
    pub old: String,
    /// What it would point to
    #[arg(value_name = "NEW")]
    pub new: String,
}

/// The arguments of `pre-commit`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  fwgate hook pre-commit\n  fwgate hook pre-commit --devices firewalls")]
pub struct CommitArguments {
    /// The folder of the devices in the repository
    #[arg(long, value_name = "PATH", default_value = "devices")]
    pub devices: String,
    /// The protected branch
    #[arg(long, value_name = "REF")]
    pub policy_ref: Option<String>,
}

/// Runs a hook.
///
/// # Errors
/// No repository, input that is not git's, objects that cannot be read.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    match &arguments.command {
        Command::PreReceive(arguments) => server::pre_receive(arguments, screen),
        Command::Update(arguments) => server::update(arguments, screen),
        Command::PreCommit(arguments) => commit::pre_commit(arguments, screen),
    }
}
