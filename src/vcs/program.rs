//! Programs that this floor starts: `git` for the remote, `ssh-keygen` and `gpg` for a person's signature. Nothing else, and
//! nothing that a repository names.
//!
//! A program is looked for in the absolute folders of `PATH` outside the repository, and runs in a folder of ours with an
//! environment of which only [`KEPT`] survives: where the user's own settings, keys and agents are, and how to reach the
//! network. No variable of git's own survives, so none can name a program or another configuration.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Variables that survive.
pub const KEPT: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "SSH_ASKPASS",
    "SSH_ASKPASS_REQUIRE",
    "SSH_SK_PROVIDER",
    "GNUPGHOME",
    "GPG_TTY",
    "GPG_AGENT_INFO",
    "TERM",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SYSTEMROOT",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "TEMP",
    "TMP",
];

/// More output than any of the programs has to give.
const MAX_OUTPUT: u64 = 64 << 20;

/// Why a program gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// It is not installed.
    #[error("there is no `{0}` in the folders of `PATH`")]
    Missing(String),
    /// It could not be started, or its streams broke.
    #[error("`{program}` cannot be run: {reason}")]
    Unrunnable {
        /// Its name.
        program: String,
        /// In the system's words.
        reason: String,
    },
    /// It did not end in time.
    #[error("`{program}` did not end within {seconds} seconds")]
    Endless {
        /// Its name.
        program: String,
        /// How long it had.
        seconds: u64,
    },
}

/// What a program gave.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

/// A program with its arguments.
pub(super) struct Program {
    name: String,
    command: Command,
}

impl Program {
    /// The program of this name, never one inside `repository`; a name with a separator must be absolute.
    pub(super) fn find(name: &str, repository: &Path) -> Result<Program, ProgramError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let given = Path::new(name);
        let found = match given.components().count() {
            1 => std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| is_ours(file, repository)),
            _ => Some(given.to_owned()).filter(|file| is_ours(file, repository)),
        };
        let mut command = Command::new(found.ok_or_else(|| ProgramError::Missing(name.to_owned()))?);
        command.env_clear().envs(KEPT.iter().filter_map(|key| Some((key, std::env::var_os(key)?))));
        command.env("LC_ALL", "C");
        Ok(Program { name: name.to_owned(), command })
    }

    pub(super) fn argument(mut self, argument: impl AsRef<OsStr>) -> Program {
        self.command.arg(argument);
        self
    }

    pub(super) fn arguments<T: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = T>) -> Program {
        self.command.args(arguments);
        self
    }

    pub(super) fn variable(mut self, key: &str, value: impl Into<OsString>) -> Program {
        self.command.env(key, value.into());
        self
    }

    /// Runs it in `folder` with `input`, for at most `time`.
    pub(super) fn run(mut self, folder: &Path, input: &[u8], time: Duration) -> Result<Told, ProgramError> {
        self.command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let unrunnable =
            |e: std::io::Error| ProgramError::Unrunnable { program: self.name.clone(), reason: e.to_string() };
        let mut child = self.command.spawn().map_err(unrunnable)?;
        let writer = child.stdin.take().map(|pipe| feed(pipe, input.to_vec()));
        let stdout = child.stdout.take().map(drain);
        let stderr = child.stderr.take().map(drain);
        let status = wait(&mut child, time).map_err(unrunnable)?;
        let Some(status) = status else {
            return Err(ProgramError::Endless { program: self.name, seconds: time.as_secs() });
        };
        drop(writer.map(JoinHandle::join));
        Ok(Told { status, stdout: joined(stdout), stderr: String::from_utf8_lossy(&joined(stderr)).into_owned() })
    }
}

/// Whether a file is there, by an absolute path that does not lead into the repository.
fn is_ours(file: &Path, repository: &Path) -> bool {
    let real: Option<PathBuf> = file.canonicalize().ok();
    file.is_absolute() && real.is_some_and(|real| real.is_file() && !real.starts_with(repository))
}

fn feed(mut pipe: impl Write + Send + 'static, input: Vec<u8>) -> JoinHandle<()> {
    std::thread::spawn(move || drop(pipe.write_all(&input)))
}

fn drain(pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut out = Vec::new();
        drop(pipe.take(MAX_OUTPUT).read_to_end(&mut out));
        out
    })
}

fn joined(thread: Option<JoinHandle<Vec<u8>>>) -> Vec<u8> {
    thread.and_then(|thread| thread.join().ok()).unwrap_or_default()
}

/// The end of a child, or `None` where it was killed because its time was over.
fn wait(child: &mut Child, time: Duration) -> std::io::Result<Option<ExitStatus>> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begin.elapsed() > time {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
