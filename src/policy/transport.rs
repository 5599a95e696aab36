//! How devices are reached: the only programs that the gate ever starts for a device, as lists of arguments.
//!
//! A command is data: each argument is a literal or one whole placeholder, and nothing is handed to a shell. What
//! would be one is kept as a [`Fault`], so that the gate can refuse it under a code of its own.

use super::device::{ENVIRONMENTS, Environment};
use super::flow::check_id;
use super::instant::read_duration;
use super::selector::DeviceSelection;
use crate::document::{Fields, Node, Spanned, Value};
use crate::ruleset::Span;
use std::collections::BTreeMap;
use std::time::Duration;

/// What stands for a value that is known only when the command runs. Each is a whole argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Placeholder {
    /// `{device}`: the device's name.
    Device,
    /// `{address}`: its entry under `addresses`.
    Address,
    /// `{file}`: path of a read-only file with the bytes, in a folder of ours.
    File,
    /// `{folder}`: path of that folder.
    Folder,
    /// `{nonce}`: 32 hexadecimal digits, fresh for each call.
    Nonce,
    /// `{timer}`: seconds until the device undoes the change by itself.
    Timer,
    /// `{variables}`: `@` and the path of a JSON file that holds all the others.
    Variables,
}

const PLACEHOLDERS: [(&str, Placeholder); 7] = [
    ("{device}", Placeholder::Device),
    ("{address}", Placeholder::Address),
    ("{file}", Placeholder::File),
    ("{folder}", Placeholder::Folder),
    ("{nonce}", Placeholder::Nonce),
    ("{timer}", Placeholder::Timer),
    ("{variables}", Placeholder::Variables),
];

/// One argument of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Itself.
    Literal(String),
    /// What it stands for.
    Placeholder(Placeholder),
}

/// A program and its arguments; never empty, the first is a literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program, then its arguments.
    pub arguments: Vec<Argument>,
    /// Where it is written.
    pub span: Span,
}

impl Command {
    /// A command of these words, where a whole placeholder is one.
    pub fn of_words(words: &[String]) -> Command {
        let argument = |word: &String| match PLACEHOLDERS.iter().find(|(name, _)| name == word) {
            Some((_, placeholder)) => Argument::Placeholder(*placeholder),
            None => Argument::Literal(word.clone()),
        };
        Command { arguments: words.iter().map(argument).collect(), span: Span::default() }
    }
}

/// When a device does what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PushMode {
    /// Before the command ends; the device undoes it by itself unless it is confirmed.
    Immediate,
    /// Some time later (group policy, device management); a deadline and a canary stand in for the timer.
    Eventual,
    /// Whatever part of it the device likes. Readable, and refused by the gate.
    BestEffort,
}

const MODES: [(&str, PushMode); 3] =
    [("immediate", PushMode::Immediate), ("eventual", PushMode::Eventual), ("best-effort", PushMode::BestEffort)];

/// What a device drops when it takes the files of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Replaces {
    /// Tables and sets that the files name, as their tools restore them; others stay.
    Named,
    /// Everything that runs: the files are the whole configuration.
    Everything,
}

const REPLACES: [(&str, Replaces); 2] = [("named", Replaces::Named), ("everything", Replaces::Everything)];

/// A command that is no safe list of arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it is written.
    pub span: Span,
    /// What is wrong, in one lower-case sentence.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

/// How some devices are reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    /// Its id.
    pub id: Spanned<String>,
    /// The environment of its devices; others it does not reach, whatever `devices` says.
    pub environment: Environment,
    /// The devices. The first transport of a device's environment that selects it counts.
    pub devices: DeviceSelection,
    /// What `{address}` is, by device.
    pub addresses: BTreeMap<String, Spanned<String>>,
    /// A name of what it logs in with. Staging and production never share one.
    pub credential: Option<Spanned<String>>,
    /// Names of environment variables that its commands get; they get no others but `PATH`, `HOME`, `TMPDIR` and `LANG`.
    pub variables: Vec<Spanned<String>>,
    /// Prints what the device runs.
    pub read: Option<Command>,
    /// Makes it run the bytes, to be undone by itself unless confirmed in time.
    pub apply: Option<Command>,
    /// Stops the device's timer.
    pub confirm: Option<Command>,
    /// Exits 0 if and only if the device is reached as it should be, seen from elsewhere.
    pub probe: Option<Command>,
    /// Makes it run the bytes of the baseline again.
    pub rollback: Option<Command>,
    /// Prints who the device is (a host key, a serial number).
    pub identity: Option<Command>,
    /// What `apply` and `rollback` drop on the device.
    pub replaces: Replaces,
    /// When the device does what it was told.
    pub mode: PushMode,
    /// How long the device waits for the confirmation (immediate).
    pub confirm_timer: Option<Duration>,
    /// How long the devices have (eventual).
    pub deadline: Option<Duration>,
    /// How long one program may take; two minutes where it is not said.
    pub timeout: Option<Duration>,
    /// The devices that get it first (eventual).
    pub canary: Option<Vec<Spanned<String>>>,
    /// What cannot be undone, in words, for every report.
    pub irreversible: Option<String>,
    /// Commands that are refused.
    pub faults: Vec<Fault>,
    /// Where it is written.
    pub span: Span,
}

/// Reads one `[[transport]]`.
pub(super) fn read_transport(mut fields: Fields<'_>) -> Option<Transport> {
    let span = fields.span;
    let id = fields.need_text("id").filter(|id| check_id(id, &fields));
    fields.need("devices");
    let mut faults = Vec::new();
    let duration = |fields: &mut Fields<'_>, key| fields.parsed(key, read_duration).map(|d| d.value);
    let mut command = |fields: &mut Fields<'_>, key| read_command(fields, key, &mut faults);
    let (read, apply) = (command(&mut fields, "read"), command(&mut fields, "apply"));
    let (confirm, probe) = (command(&mut fields, "confirm"), command(&mut fields, "probe"));
    let (rollback, identity) = (command(&mut fields, "rollback"), command(&mut fields, "identity"));
    let transport = Transport {
        id: id.unwrap_or_else(|| Spanned::new(String::new(), span)),
        environment: fields.one_of("environment", &ENVIRONMENTS).map_or(Environment::Production, |e| e.value),
        devices: DeviceSelection::read(&mut fields),
        addresses: read_addresses(&mut fields, &mut faults),
        credential: fields.text("credential"),
        variables: fields.texts("variables").unwrap_or_default(),
        read,
        apply,
        confirm,
        probe,
        rollback,
        identity,
        replaces: fields.one_of("replaces", &REPLACES).map_or(Replaces::Named, |r| r.value),
        mode: fields.one_of("mode", &MODES).map_or(PushMode::Immediate, |m| m.value),
        confirm_timer: duration(&mut fields, "confirm_timer"),
        deadline: duration(&mut fields, "deadline"),
        timeout: duration(&mut fields, "timeout"),
        canary: fields.texts("canary"),
        irreversible: fields.text("irreversible").map(|t| t.value),
        faults,
        span,
    };
    fields.finish();
    (!transport.id.value.is_empty()).then_some(transport)
}

fn read_addresses(fields: &mut Fields<'_>, faults: &mut Vec<Fault>) -> BTreeMap<String, Spanned<String>> {
    let Some(table) = fields.table("addresses", "`addresses` of a transport") else { return BTreeMap::new() };
    let mut out = BTreeMap::new();
    for (device, node) in table.entries() {
        match &node.value {
            Value::Text(text) => {
                faults.extend(address_fault(text, node.span));
                out.insert(device.value.clone(), Spanned::new(text.clone(), node.span));
            }
            other => {
                let message = format!("the address of `{}` is {} instead of a text", device.value, other.kind());
                table.problems().note(node.span, message, None);
            }
        }
    }
    out
}

/// An address becomes a whole argument, and some programs hand it on: letters, digits and `.:_-@[]%` only, and no
/// hyphen in front.
fn address_fault(text: &str, span: Span) -> Option<Fault> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b".:_-@[]%".contains(&b);
    let safe = !text.is_empty() && !text.starts_with('-') && text.len() <= 255 && text.bytes().all(allowed);
    let fault = || Fault {
        span,
        message: format!("`{}` is no safe address", text.escape_debug()),
        help: "write a name or an address, such as `edge1.example.net` or `admin@192.0.2.1`".to_owned(),
    };
    (!safe).then(fault)
}

fn read_command(fields: &mut Fields<'_>, key: &'static str, faults: &mut Vec<Fault>) -> Option<Command> {
    let node = fields.get(key)?;
    let fault = match &node.value {
        Value::Text(text) => Some(Fault {
            span: node.span,
            message: format!("`{key}` of a transport is a shell string"),
            help: format!("write the program and each argument by itself: {}", as_list(text)),
        }),
        _ => None,
    };
    if let Some(fault) = fault {
        faults.push(fault);
        return None;
    }
    let texts = fields.texts(key).unwrap_or_default();
    let before = faults.len();
    faults.extend(command_fault(key, &texts, node));
    let arguments = texts.iter().map(|t| read_argument(t, faults)).collect();
    (faults.len() == before).then_some(Command { arguments, span: node.span })
}

fn as_list(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(|w| format!("\"{}\"", w.escape_debug())).collect();
    format!("[{}]", words.join(", "))
}

/// Programs that run a text of theirs as commands.
const SHELLS: [&str; 14] = [
    "sh",
    "bash",
    "dash",
    "ash",
    "zsh",
    "ksh",
    "fish",
    "csh",
    "tcsh",
    "busybox",
    "cmd",
    "cmd.exe",
    "powershell",
    "pwsh",
];
/// Options by which they are told to.
const SHELL_OPTIONS: [&str; 6] = ["-c", "-lc", "-ec", "/c", "-command", "-encodedcommand"];

fn command_fault(key: &str, texts: &[Spanned<String>], node: &Node) -> Option<Fault> {
    let fault = |span, message, help: &str| Some(Fault { span, message, help: help.to_owned() });
    let Some(program) = texts.first() else {
        return fault(node.span, format!("`{key}` of a transport names no program"), "write the program first");
    };
    if program.value.is_empty() || program.value.starts_with(['{', '-']) {
        let message = format!("`{}` is no program", program.value.escape_debug());
        return fault(program.span, message, "the program is written out, never a placeholder");
    }
    let base = |text: &str| text.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    let shell = texts.iter().position(|t| SHELLS.contains(&base(&t.value).trim_end_matches(".exe")))?;
    let runs = |t: &Spanned<String>| SHELL_OPTIONS.contains(&t.value.to_ascii_lowercase().as_str());
    let option = texts.iter().skip(shell + 1).find(|t| runs(t))?;
    let message = format!("`{} {}` runs a shell string", texts[shell].value, option.value);
    fault(option.span, message, "name the program itself, or a script that takes its arguments one by one")
}

fn read_argument(text: &Spanned<String>, faults: &mut Vec<Fault>) -> Argument {
    if let Some((_, placeholder)) = PLACEHOLDERS.iter().find(|(name, _)| *name == text.value) {
        return Argument::Placeholder(*placeholder);
    }
    let embedded = PLACEHOLDERS.iter().find(|(name, _)| text.value.contains(name));
    let problem = match embedded {
        Some((name, _)) => Some(format!("`{name}` is part of an argument")),
        None if is_placeholder(&text.value) => Some(format!("unknown placeholder `{}`", text.value)),
        None if text.value.contains(['\0', '\n', '\r']) => Some("an argument holds a line break".to_owned()),
        None => None,
    };
    let names: Vec<&str> = PLACEHOLDERS.iter().map(|(name, _)| *name).collect();
    let help = format!("a placeholder is a whole argument, one of {}", names.join(", "));
    faults.extend(problem.map(|message| Fault { span: text.span, message, help }));
    Argument::Literal(text.value.clone())
}

fn is_placeholder(text: &str) -> bool {
    let inner = text.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
    inner.is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase()))
}
