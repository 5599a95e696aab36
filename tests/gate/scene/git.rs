//! Stock git, in an environment that knows nothing of the machine.

use super::Scene;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A clone with a working tree.
pub struct Clone {
    /// The working tree.
    pub path: PathBuf,
}

impl Scene {
    /// `git clone` of the remote into a folder of this name.
    pub fn clone_as(&self, name: &str) -> Clone {
        let path = self.path().join(name);
        run(stock_git(&self.path()).args(["clone", "-q"]).arg(self.remote_path()).arg(&path));
        Clone { path }
    }
}

impl Clone {
    /// Runs git here and gives what it prints, without the last line feed.
    pub fn git(&self, arguments: &[&str]) -> String {
        run(stock_git(&self.path).args(arguments))
    }

    /// The repository as fwgate opens it.
    pub fn open(&self) -> fwgate::vcs::Repository {
        fwgate::vcs::Repository::discover(&self.path.canonicalize().unwrap()).unwrap().unwrap()
    }

    /// Writes a file of the working tree.
    pub fn write(&self, path: &str, text: &str) {
        super::write(&self.path.join(path), text.as_bytes());
    }
}

/// Git without any configuration but its own, as somebody of no name.
pub fn stock_git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.env_clear().current_dir(folder);
    for (key, value) in [
        ("PATH", std::env::var("PATH").unwrap_or_default().as_str()),
        ("HOME", folder.join("no-home").to_str().unwrap()),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_AUTHOR_NAME", "nobody"),
        ("GIT_AUTHOR_EMAIL", "nobody@example.net"),
        ("GIT_COMMITTER_NAME", "nobody"),
        ("GIT_COMMITTER_EMAIL", "nobody@example.net"),
    ] {
        command.env(key, value);
    }
    command
}

/// Runs a command that must succeed; what it prints, without the last line feed.
pub fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap().trim_end_matches('\n').to_owned()
}
