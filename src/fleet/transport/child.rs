//! One child process, bounded in everything.

use super::Folder;
use crate::vcs::crash_point;
use crate::vcs::is_unseen;
use std::ffi::OsString;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// What is started.
#[derive(Clone, Debug)]
pub struct Invocation<'a> {
    /// The program, looked up in `PATH` where it holds no separator.
    pub program: &'a str,
    /// Its arguments, each as it is.
    pub arguments: &'a [String],
    /// Its folder: working folder, home, files.
    pub folder: &'a Folder,
    /// Variables beside `PATH`, `HOME`, `TMPDIR` and `LANG`.
    pub variables: &'a [(String, OsString)],
}

/// How much a child may print, and how long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Most bytes of either stream.
    pub output: usize,
    /// Longest time.
    pub time: Duration,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { output: 64 << 20, time: Duration::from_secs(120) }
    }
}

/// A child that ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Whether it exited with 0.
    pub is_success: bool,
    /// How it ended, in words: `exit code 1`.
    pub end: String,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it complained about.
    pub stderr: Vec<u8>,
}

/// Why a child gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChildError {
    /// It could not be started.
    #[error("`{program}` cannot be started: {reason}")]
    NotStarted {
        /// The program.
        program: String,
        /// In the system's words.
        reason: String,
    },
    /// It printed more than the bound.
    #[error("`{program}` printed more than {bound} bytes")]
    TooMuch {
        /// The program.
        program: String,
        /// The bound.
        bound: usize,
    },
    /// It took longer than the bound.
    #[error("`{program}` took longer than {} s", bound.as_secs())]
    TooLong {
        /// The program.
        program: String,
        /// The bound.
        bound: Duration,
    },
}

/// The only places where programs are looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How often a child is looked after.
const PATIENCE: Duration = Duration::from_millis(4);

/// Where a program is that a child would be started as; `None` where there is none.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|facts| facts.is_file() && may_run(&facts));
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(is_program);
    }
    PATH.split(':').map(|folder| PathBuf::from(folder).join(name)).find(is_program)
}

#[cfg(unix)]
fn may_run(facts: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    facts.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn may_run(_: &std::fs::Metadata) -> bool {
    true
}

/// Runs a child to its end.
///
/// # Errors
/// It cannot be started, or passes a bound; then it and everything it started are killed.
pub fn run(what: &Invocation<'_>, bounds: Bounds) -> Result<Finished, ChildError> {
    crash_point("before a program of a transport");
    let mut child = start(what)?;
    let streams = (
        child.stdout.take().map(|s| collect(s, bounds.output)),
        child.stderr.take().map(|s| collect(s, bounds.output)),
    );
    let begun = Instant::now();
    let mut running = Running { child, program: what.program, ended: None };
    let (stdout, stderr) = (running.stream(streams.0, begun, bounds), running.stream(streams.1, begun, bounds));
    let status = running.status(begun, bounds);
    running.kill();
    let (status, stdout, stderr) = (status?, stdout?, stderr?);
    crash_point("after a program of a transport");
    Ok(Finished { is_success: status.success(), end: end_of(status), stdout, stderr })
}

fn start(what: &Invocation<'_>) -> Result<Child, ChildError> {
    let mut command = Command::new(what.program);
    command
        .args(what.arguments)
        .env_clear()
        .env("PATH", PATH)
        .env("HOME", what.folder.home())
        .env("TMPDIR", what.folder.home())
        .env("LANG", "C.UTF-8")
        .envs(what.variables.iter().map(|(name, value)| (name, value)))
        .current_dir(what.folder.home())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let not_started = |e: std::io::Error| ChildError::NotStarted {
        program: shown(what.program.as_bytes()),
        reason: e.kind().to_string(),
    };
    command.spawn().map_err(not_started)
}

/// A stream, read to its end or to one byte beyond the bound, by a thread of its own.
fn collect(mut stream: impl Read + Send + 'static, bound: usize) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.by_ref().take(bound as u64 + 1).read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

struct Running<'a> {
    child: Child,
    program: &'a str,
    ended: Option<ExitStatus>,
}

impl Running<'_> {
    /// What a stream gave. A stream that somebody else holds open is given up a moment after the child has ended.
    fn stream(
        &mut self,
        stream: Option<Receiver<Vec<u8>>>,
        begun: Instant,
        bounds: Bounds,
    ) -> Result<Vec<u8>, ChildError> {
        let Some(stream) = stream else { return Ok(Vec::new()) };
        loop {
            match stream.recv_timeout(PATIENCE) {
                Ok(bytes) if bytes.len() > bounds.output => {
                    self.kill();
                    return Err(ChildError::TooMuch { program: shown(self.program.as_bytes()), bound: bounds.output });
                }
                Ok(bytes) => return Ok(bytes),
                Err(_) if self.has_ended() => {
                    self.kill();
                    return Ok(stream.recv_timeout(Duration::from_secs(2)).unwrap_or_default());
                }
                Err(_) => self.in_time(begun, bounds)?,
            }
        }
    }

    fn status(&mut self, begun: Instant, bounds: Bounds) -> Result<ExitStatus, ChildError> {
        while !self.has_ended() {
            self.in_time(begun, bounds)?;
            thread::sleep(PATIENCE);
        }
        self.ended.ok_or_else(|| ChildError::NotStarted {
            program: shown(self.program.as_bytes()),
            reason: "its end cannot be seen".to_owned(),
        })
    }

    fn has_ended(&mut self) -> bool {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended.is_some()
    }

    fn in_time(&mut self, begun: Instant, bounds: Bounds) -> Result<(), ChildError> {
        if begun.elapsed() < bounds.time {
            return Ok(());
        }
        self.kill();
        Err(ChildError::TooLong { program: shown(self.program.as_bytes()), bound: bounds.time })
    }

    /// Kills the child's whole process group.
    fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn end_of(status: ExitStatus) -> String {
    status.code().map_or_else(|| "killed by a signal".to_owned(), |code| format!("exit code {code}"))
}

/// The first line that says something of what a program printed, cut, with everything unseen escaped.
pub fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes.get(..bytes.len().min(4096)).unwrap_or_default()).into_owned();
    let line = text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default();
    line.chars().take(200).map(escaped).collect()
}

/// A letter, escaped where a terminal would obey it or nobody would see it.
pub(super) fn escaped(c: char) -> String {
    if is_unseen(c) || c.is_control() { c.escape_unicode().to_string() } else { c.to_string() }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const QUICK: Bounds = Bounds { output: 10_000, time: Duration::from_secs(10) };

    fn shell(script: &str, bounds: Bounds) -> Result<Finished, ChildError> {
        let folder = Folder::new().unwrap();
        let arguments = ["-c".to_owned(), script.to_owned()];
        run(&Invocation { program: "sh", arguments: &arguments, folder: &folder, variables: &[] }, bounds)
    }

    #[test]
    fn nothing_of_ours_is_handed_on() {
        let finished = shell("env; pwd; cat", QUICK).unwrap();
        let text = String::from_utf8(finished.stdout).unwrap();
        let names: Vec<&str> = text.lines().filter_map(|l| l.split_once('=')).map(|(name, _)| name).collect();
        for name in names {
            assert!(["PATH", "HOME", "TMPDIR", "LANG", "PWD", "SHLVL", "_", "OLDPWD"].contains(&name), "{name}");
        }
        assert!(text.lines().last().unwrap().ends_with("home"), "{text}");
    }

    #[test]
    fn how_it_ended_is_told() {
        assert_eq!(shell("exit 3", QUICK).unwrap().end, "exit code 3");
        assert!(!shell("exit 3", QUICK).unwrap().is_success);
        assert_eq!(shell("echo out; echo err >&2", QUICK).unwrap().stderr, b"err\n");
    }

    #[test]
    fn endless_output_is_cut_off() {
        assert!(matches!(shell("yes", QUICK), Err(ChildError::TooMuch { bound: 10_000, .. })));
        assert!(matches!(shell("yes >&2", QUICK), Err(ChildError::TooMuch { .. })));
    }

    #[test]
    fn a_child_that_does_not_end_is_ended_with_its_children() {
        let hasty = Bounds { time: Duration::from_millis(200), ..QUICK };
        assert!(matches!(shell("sleep 1000 & sleep 1000", hasty), Err(ChildError::TooLong { .. })));
    }

    #[test]
    fn what_a_child_leaves_behind_is_killed() {
        let begun = Instant::now();
        let marker = tempfile::tempdir().unwrap();
        let file = marker.path().join("alive");
        let script = format!("(sleep 1; touch {}) & echo done", file.display());
        assert_eq!(shell(&script, QUICK).unwrap().stdout, b"done\n");
        assert!(begun.elapsed() < Duration::from_secs(1));
        thread::sleep(Duration::from_millis(1300));
        assert!(!file.exists());
    }

    #[test]
    fn a_program_that_is_not_there() {
        let folder = Folder::new().unwrap();
        let what = Invocation { program: "no-such-program", arguments: &[], folder: &folder, variables: &[] };
        assert!(matches!(run(&what, QUICK), Err(ChildError::NotStarted { .. })));
    }

    #[test]
    fn controls_are_never_shown_raw() {
        assert_eq!(shown(b"\n  \x1b[31mred\xff \xe2\x80\xaeback\nmore"), "\\u{1b}[31mred\u{fffd} \\u{202e}back");
        assert!(shown(&[b'a'; 100_000]).len() <= 200);
    }
}
