//! The production transports of policy as the way to devices: programs started, read-backs judged by meaning.

use super::super::gate::{DeviceFiles, difference_words};
use super::printed::files_of;
use crate::dialect::InputFile;
use crate::diff::Bounds;
use crate::fleet::transport::{Bounds as ChildBounds, ChildError, Finished, Folder, Invocation, complaint, run, shown};
use crate::fleet::{Readback, compare_readback};
use crate::gate::push::route::{ProductionTransport, Values, arguments};
use crate::gate::push::{Done, Seen, Task, Trouble};
use crate::gate::{Reason, ReasonCode};
use crate::policy::{Argument, Command, Placeholder, Policy, Transport};
use crate::routes::is_routing;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

/// One device with its way and both of its sides.
pub struct Way<'p> {
    /// Its transport.
    pub transport: ProductionTransport<'p>,
    /// Its roles, as the protected branch gives them: what other programs manage on it depends on them.
    pub roles: Vec<String>,
    /// What it should get.
    pub proposal: DeviceFiles,
    /// What it goes back to.
    pub baseline: DeviceFiles,
    /// What applies the proposal in place of the transport's `apply`.
    pub instead: Option<Command>,
}

/// All devices of a push.
pub struct Ways<'p> {
    /// The policy.
    pub policy: &'p Policy,
    /// By device.
    pub ways: BTreeMap<String, Way<'p>>,
}

/// What a call hands to a program beside its device.
#[derive(Clone, Copy, Default)]
struct With<'a> {
    nonce: &'a str,
    timer: Duration,
}

impl<'p> Ways<'p> {
    fn way(&self, device: &str) -> Result<&Way<'p>, Reason> {
        let unknown =
            || Reason::new(ReasonCode::TransportUnsafe, format!("no transport reaches `{device}`"), "write one");
        self.ways.get(device).ok_or_else(unknown)
    }

    fn line<'s>(&'s self, way: &Way<'p>, device: &'s str) -> Line<'s>
    where
        'p: 's,
    {
        Line { device, transport: way.transport.policy() }
    }
}

/// The way to one device by one transport, of production or of staging.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    /// The device.
    pub device: &'a str,
    /// The transport.
    pub transport: &'a Transport,
}

impl Line<'_> {
    /// Runs a command for a device with these files.
    fn call(&self, command: &Command, files: &DeviceFiles, with: With<'_>) -> Result<Finished, Failed> {
        let Line { device, transport, .. } = *self;
        let (folder, file) = spool(files).map_err(Failed::Trouble)?;
        let files_folder = folder.files();
        let mut values = Values {
            device,
            address: transport.addresses.get(device).map(|a| a.value.as_str()),
            file: file.as_deref(),
            folder: &files_folder.to_string_lossy(),
            nonce: with.nonce,
            timer: with.timer,
            variables: "",
        };
        let written = match command.arguments.contains(&Argument::Placeholder(Placeholder::Variables)) {
            true => told_in_file(&folder, &values).map_err(Failed::Trouble)?,
            false => String::new(),
        };
        values.variables = &written;
        let all = arguments(command, &values).map_err(Failed::Refused)?;
        let Some((program, rest)) = all.split_first() else {
            return Err(Failed::Trouble("the command is empty".to_owned()));
        };
        let named = transport.variables.iter().filter_map(|v| Some((v.value.clone(), std::env::var_os(&v.value)?)));
        let variables: Vec<(String, OsString)> = named.collect();
        let what = Invocation { program, arguments: rest, folder: &folder, variables: &variables };
        let time = transport.timeout.unwrap_or(ChildBounds::default().time);
        run(&what, ChildBounds { time, ..ChildBounds::default() }).map_err(Failed::Child)
    }

    /// The same for a step that only has to succeed.
    ///
    /// # Errors
    /// It could not be started, failed, or passed a bound.
    pub fn step(&self, command: Option<&Command>, files: &DeviceFiles, timer: Duration) -> Result<(), Trouble> {
        let Some(command) = command else { return Ok(()) };
        let with = With { timer, ..With::default() };
        match self.call(command, files, with) {
            Ok(finished) if finished.is_success => Ok(()),
            Ok(finished) => Err(Trouble(ended(&finished))),
            Err(failed) => Err(Trouble(failed.reason(self.device).message)),
        }
    }

    /// Who answers: the device's name, its address, or the host in it.
    ///
    /// # Errors
    /// READBACK_INVALID where another host answers.
    pub fn identity(&self, files: &DeviceFiles) -> Result<String, Reason> {
        let Line { device, transport, .. } = *self;
        let Some(command) = &transport.identity else { return Ok(device.to_owned()) };
        let finished = self.call(command, files, With::default()).map_err(|f| f.reason(device))?;
        if !finished.is_success {
            let message = format!("`{device}` could not be asked who it is: {}", ended(&finished));
            return Err(invalid(message, "see that the transport reaches it, and that it is the host that it was"));
        }
        let said = String::from_utf8_lossy(&finished.stdout).trim().to_owned();
        let address = transport.addresses.get(device).map(|a| a.value.as_str());
        let host = address.and_then(|a| a.rsplit('@').next());
        let is_known = [Some(device), address, host].contains(&Some(said.as_str()));
        match is_known {
            true => Ok(said),
            false => {
                let message = format!("another host answers for `{device}`: `{}`", shown(&finished.stdout));
                Err(invalid(message, "let `identity` print the device's name or its address, and look who answers"))
            }
        }
    }

    /// What a device printed, without the line that proves it fresh; `own` goes along, `pushed` would be an echo.
    ///
    /// # Errors
    /// READBACK_INVALID where it is empty, old or an echo; LIMIT_EXCEEDED beyond a bound.
    pub fn printed(
        &self,
        read: &Command,
        nonce: &str,
        (own, pushed): (&DeviceFiles, &DeviceFiles),
    ) -> Result<String, Reason> {
        let device = self.device;
        let finished = self.call(read, own, With { nonce, ..With::default() }).map_err(|f| f.reason(device))?;
        if !finished.is_success {
            let message = format!("`{device}` could not be read back: {}", ended(&finished));
            return Err(invalid(message, "see that the transport's `read` reaches the device"));
        }
        let text = clean(device, finished.stdout)?;
        let asks_nonce = read.arguments.contains(&Argument::Placeholder(Placeholder::Nonce));
        if asks_nonce {
            return fresh(device, &text, nonce);
        }
        if is_echo(&text, pushed) {
            let message = format!("the read-back of `{device}` is the pushed file itself, byte for byte");
            return Err(invalid(
                message,
                "let `read` print `{nonce}` in a comment, so that an echo can be told from a device",
            ));
        }
        Ok(text)
    }
}

/// Why a program gave nothing.
enum Failed {
    Refused(Reason),
    Child(ChildError),
    Trouble(String),
}

impl Failed {
    fn reason(self, device: &str) -> Reason {
        match self {
            Failed::Refused(reason) => reason,
            Failed::Child(error @ (ChildError::TooMuch { .. } | ChildError::TooLong { .. })) => {
                Reason::new(ReasonCode::LimitExceeded, format!("`{device}`: {error}"), "find out what the device sends")
            }
            Failed::Child(error) => {
                invalid(format!("`{device}`: {error}"), "install the program that the transport names")
            }
            Failed::Trouble(why) => invalid(format!("`{device}`: {why}"), "try again"),
        }
    }
}

fn invalid(message: String, fix: &str) -> Reason {
    Reason::new(ReasonCode::ReadbackInvalid, message, fix)
}

/// How a program ended, and what it said about it.
fn ended(finished: &Finished) -> String {
    let said = said(finished);
    if said.is_empty() { finished.end.clone() } else { format!("{}: {said}", finished.end) }
}

fn said(finished: &Finished) -> String {
    complaint(if finished.stderr.is_empty() { &finished.stdout } else { &finished.stderr })
}

/// A folder with the files of a device, and the one file where there is exactly one.
fn spool(files: &DeviceFiles) -> Result<(Folder, Option<String>), String> {
    let folder = Folder::new().map_err(|e| format!("no folder for the files: {}", e.kind()))?;
    let mut only = None;
    let all = files.to_load().map_err(|reason| reason.message)?;
    for file in &all {
        let path = folder.put(&file.name, &file.bytes).map_err(|e| format!("`{}`: {}", file.name, e.kind()))?;
        only = Some(path.to_string_lossy().into_owned());
    }
    let has_one = all.len() == 1;
    Ok((folder, only.filter(|_| has_one)))
}

/// All values in one JSON file beside the others, as `@PATH`: what `ansible-playbook --extra-vars` takes.
fn told_in_file(folder: &Folder, values: &Values<'_>) -> Result<String, String> {
    let text = serde_json::json!({
        "fwgate_device": values.device,
        "fwgate_address": values.address,
        "fwgate_file": values.file,
        "fwgate_folder": values.folder,
        "fwgate_nonce": values.nonce,
        "fwgate_timer": values.timer.as_secs(),
        "fwgate_serial": 1,
    });
    let path = folder.beside("fwgate.json", text.to_string().as_bytes());
    path.map(|path| format!("@{}", path.to_string_lossy())).map_err(|e| format!("`fwgate.json`: {}", e.kind()))
}

/// Text without anything that a terminal would obey.
fn clean(device: &str, bytes: Vec<u8>) -> Result<String, Reason> {
    let refused = |what: &str| {
        let message = format!("the read-back of `{device}` {what}");
        Reason::new(ReasonCode::LimitExceeded, message, "find out what the device sends; it was not shown")
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(invalid(
            format!("the read-back of `{device}` is empty"),
            "see that the transport's `read` prints the ruleset",
        ));
    }
    let text = String::from_utf8(bytes).map_err(|_| refused("is not UTF-8"))?;
    let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.contains(is_control) { Err(refused("holds control characters")) } else { Ok(text) }
}

/// The text without the comment that holds the nonce.
fn fresh(device: &str, text: &str, nonce: &str) -> Result<String, Reason> {
    let holds = |line: &&str| line.trim_start().starts_with('#') && line.contains(nonce);
    if nonce.is_empty() || !text.lines().any(|line| holds(&line)) {
        let message =
            format!("the read-back of `{device}` does not hold the nonce that was asked for, so it may be an old one");
        return Err(invalid(message, "let `read` print `{nonce}` in a line that begins with `#`"));
    }
    let rest: Vec<&str> = text.lines().filter(|line| !holds(line)).collect();
    match rest.iter().all(|line| line.trim().is_empty()) {
        true => Err(invalid(format!("the read-back of `{device}` is empty"), "see that `read` prints the ruleset")),
        false => Ok(format!("{}\n", rest.join("\n"))),
    }
}

/// Refuses a read-back without routes where the device's files give some: nobody could say whether they are in force.
fn refuse_unread_routes(device: &str, way: &Way, seen: &[InputFile]) -> Result<(), Reason> {
    let mut files = way.baseline.files.iter().chain(&way.proposal.files);
    if !files.any(is_routing) || seen.iter().any(is_routing) {
        return Ok(());
    }
    let fix =
        "let `read` print `# ip route show table all` and behind it what that command prints, and so for `ip rule`";
    Err(invalid(format!("the files of `{device}` give routes, and the read-back holds none"), fix))
}

/// Whether a text is one of the files, or all of them, byte for byte.
fn is_echo(text: &str, files: &DeviceFiles) -> bool {
    let all = [files.to_load().unwrap_or_default(), files.files.clone()];
    all.iter().any(|files| {
        let whole: Vec<u8> = files.iter().flat_map(|f| f.bytes.iter().copied()).collect();
        files.iter().map(|f| &*f.bytes).chain([whole.as_slice()]).any(|bytes| bytes == text.as_bytes())
    })
}

impl Ways<'_> {
    /// Does one thing with a device, from its beginning to its end.
    pub fn perform(&self, device: &str, task: &Task) -> Done {
        match task {
            Task::Read { nonce } => Done::Seen(self.read(device, nonce)),
            Task::Apply { timer } => Done::Step(self.apply(device, *timer)),
            Task::Probe => Done::Step(self.probe(device)),
            Task::Confirm => Done::Step(self.confirm(device)),
            Task::RollBack => Done::Step(self.roll_back(device)),
        }
    }

    /// What the device runs now, read with a nonce that was never used before.
    ///
    /// # Errors
    /// READBACK_INVALID where it is empty, not understood, another host's, or an echo; LIMIT_EXCEEDED beyond a bound.
    pub fn read(&self, device: &str, nonce: &str) -> Result<Seen, Reason> {
        let way = self.way(device)?;
        let line = self.line(way, device);
        let identity = line.identity(&way.baseline)?;
        let text = line.printed(way.transport.read, nonce, (&way.baseline, &way.proposal))?;
        let seen = files_of(&text, &way.proposal);
        refuse_unread_routes(device, way, &seen)?;
        let compared = |side: &DeviceFiles| {
            let options = crate::dialect::ReadOptions { dialect: None, ..side.options() };
            compare_readback(&Readback {
                device,
                roles: &way.roles,
                expected: &side.files,
                seen: &seen,
                options: &options,
                unmanaged: &self.policy.unmanaged,
                bounds: Bounds::default(),
            })
        };
        let unread = |e: crate::fleet::ReadbackError| {
            invalid(format!("the read-back of `{device}` is not understood: {e}"), "look at what `read` prints")
        };
        let baseline = compared(&way.baseline).map_err(unread)?;
        let proposal = compared(&way.proposal).map_err(unread)?;
        let (is_baseline, is_proposal) = (baseline.is_equal(), proposal.is_equal());
        Ok(Seen { is_baseline, is_proposal, differs: difference_words(&baseline), identity })
    }

    fn apply(&self, device: &str, timer: Duration) -> Result<(), Trouble> {
        let way = self.way(device).map_err(|r| Trouble(r.message))?;
        self.line(way, device).step(Some(way.instead.as_ref().unwrap_or(way.transport.apply)), &way.proposal, timer)
    }

    fn probe(&self, device: &str) -> Result<(), Trouble> {
        let way = self.way(device).map_err(|r| Trouble(r.message))?;
        self.line(way, device).step(way.transport.policy().probe.as_ref(), &way.proposal, Duration::ZERO)
    }

    fn confirm(&self, device: &str) -> Result<(), Trouble> {
        let way = self.way(device).map_err(|r| Trouble(r.message))?;
        self.line(way, device).step(way.transport.policy().confirm.as_ref(), &way.proposal, Duration::ZERO)
    }

    /// Hands the bytes of the baseline to the device.
    ///
    /// # Errors
    /// The program failed; the device may run either.
    pub fn roll_back(&self, device: &str) -> Result<(), Trouble> {
        let way = self.way(device).map_err(|r| Trouble(r.message))?;
        self.line(way, device).step(Some(way.transport.rollback), &way.baseline, Duration::ZERO)
    }
}
