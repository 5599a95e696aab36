//! Vetting by the kernel itself: the exact bytes loaded in a network namespace of their own, the flows of policy sent as
//! packets, and the ruleset read back.
//!
//! The namespace belongs to one child process, this program again, started through `unshare`: it holds the device's
//! interfaces, whose other ends lie in a second namespace of the same process, and no way out. Nothing has a name, so
//! nothing stays behind, however the process ends. Where root is missing, a user namespace gives the right to all this.
//!
//! A flow is first sent through the namespace without filters: what does not arrive there would prove nothing afterwards.
//!
//! Routes are loaded twice: in a namespace that holds nothing else, from which they are read back, and in the one through which the
//! flows go. There the device's rules stand somewhat further behind, so that what the kernel says by itself (resets, errors) can be
//! kept from going out, and no neighbour is asked for: every address is at the other end of whatever link the routes choose.

#[cfg(target_os = "linux")]
mod lan;
mod load;
mod routed;
#[cfg(target_os = "linux")]
mod routes;
#[cfg(target_os = "linux")]
mod send;
mod talk;
mod wire;
#[cfg(target_os = "linux")]
mod worker;

pub use load::{JobFile, Loader, loader_of};
pub use routed::{RouteJob, RouteLine};
pub use talk::{Demand, Header, Outcome, Talk, Way};
#[cfg(target_os = "linux")]
pub use worker::work;

use crate::fleet::transport::shown;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::IpAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

/// The hidden command by which this program is started again inside of a namespace.
pub const WORKER: &str = "inside-namespace";

/// What a namespace is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// What is loaded, in order.
    pub files: Vec<JobFile>,
    /// What is loaded on top of it before anything is sent or read back.
    pub back: Option<Back>,
    /// The device's interfaces.
    pub interfaces: Vec<String>,
    /// Its own addresses.
    pub addresses: Vec<IpAddr>,
    /// What is sent.
    pub talks: Vec<Talk>,
    /// The device's routes and policy rules, where its files give any.
    pub routes: Option<RouteJob>,
}

/// A configuration that takes the place of the loaded one, as a device would take it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back {
    /// Its files, in order.
    pub files: Vec<JobFile>,
    /// Whether everything that runs is dropped first; else only what the tools drop by themselves.
    pub is_whole: bool,
}

impl Job {
    /// Every kind of file, of both configurations.
    pub fn loaders(&self) -> BTreeSet<Loader> {
        self.files.iter().chain(self.back.iter().flat_map(|back| &back.files)).map(|f| f.loader).collect()
    }
}

/// What a namespace found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// There is no namespace here that could do it, in one sentence.
    Unable(String),
    /// A loader refused the bytes.
    Refused {
        /// The file; with the line, where the loader names one.
        file: String,
        /// The loader.
        by: String,
        /// What it said, one line.
        said: String,
    },
    /// Loaded, read back, and sent.
    Done(Vetted),
}

/// What became of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vetted {
    /// What the kernel says that it holds, by the loader whose counterpart printed it.
    pub readback: Vec<(Loader, String)>,
    /// What it says of routes and rules, as files, where some were loaded.
    pub routes: Vec<(String, String)>,
    /// What became of each talk, in order.
    pub outcomes: Vec<Outcome>,
    /// Versions of kernel and tools, one line.
    pub on: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NamespaceError(pub String);

/// Longest time of one job.
const TIME: Duration = Duration::from_secs(300);
/// Most bytes of one answer.
const ANSWER: u64 = 256 << 20;

/// Does a job in a namespace of its own. `program` is this program; `home` a folder of ours that the child may write to.
///
/// # Errors
/// There is no `unshare`, the child died, or its answer cannot be read.
pub fn vet(job: &Job, program: &Path, home: &Path) -> Result<Answer, NamespaceError> {
    let plain = once(job, program, home, &["--net"])?;
    match plain {
        Answer::Unable(why) if why.contains("not permitted") => {
            match once(job, program, home, &["--user", "--map-root-user", "--net"])? {
                Answer::Unable(also) => Ok(Answer::Unable(format!("{why}; in a user namespace: {also}"))),
                done => Ok(done),
            }
        }
        done => Ok(done),
    }
}

fn once(job: &Job, program: &Path, home: &Path, spaces: &[&str]) -> Result<Answer, NamespaceError> {
    let error = |why: String| NamespaceError(why);
    let mut command = Command::new("unshare");
    command.args(spaces).arg("--").arg(program).arg(WORKER);
    command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    command.env("HOME", home).env("LANG", "C.UTF-8").env("XTABLES_LOCKFILE", home.join("xtables.lock"));
    command.current_dir(home).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|e| error(format!("`unshare` cannot be started: {}", e.kind())))?;
    let answer = talk_to(&mut child, job);
    end(&mut child);
    answer
}

/// The job goes in as one line; the pipe stays open, because the child ends when it closes.
fn talk_to(child: &mut Child, job: &Job) -> Result<Answer, NamespaceError> {
    let (Some(mut stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(NamespaceError("there is no pipe to the namespace".to_owned()));
    };
    let (sender, answer) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stdout.take(ANSWER).read_to_end(&mut bytes);
        let mut complaint = Vec::new();
        let _ = stderr.take(4096).read_to_end(&mut complaint);
        let _ = sender.send((bytes, complaint));
    });
    let line = serde_json::to_string(job).map_err(|e| NamespaceError(e.to_string()))?;
    // A child that could not be started does not listen; what it said comes below.
    let _ = writeln!(stdin, "{line}").and_then(|()| stdin.flush());
    let (bytes, complaint) = answer
        .recv_timeout(TIME)
        .map_err(|_| NamespaceError(format!("the namespace took longer than {} s", TIME.as_secs())))?;
    drop(stdin);
    if bytes.is_empty() {
        let said = shown(&complaint);
        return Ok(Answer::Unable(if said.is_empty() { "the namespace died".to_owned() } else { said.to_lowercase() }));
    }
    serde_json::from_slice(&bytes).map_err(|e| NamespaceError(format!("the namespace's answer cannot be read: {e}")))
}

fn end(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}
