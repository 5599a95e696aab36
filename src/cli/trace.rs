//! `fwgate trace`: what becomes of given packets.

use super::device::{DeviceArguments, HookName, check_hook};
use super::exit::{Exit, PASSED};
use super::failure::Failure;
use super::screen::Screen;
use crate::cli::failure::system_words;
use crate::packet::{Field, IfaceSide, Interface, Packet, packet_from_json};
use crate::query::Tracers;
use crate::report::{WrittenTrace, trace_human};
use crate::ruleset::Hook;
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::Path;

/// Largest input of packets, in bytes.
const MAX_PACKETS: u64 = 1 << 30;
/// Most problems that are shown.
const MAX_SHOWN: usize = 20;
/// How much of an answer is held before it is written, in bytes.
const PIECE: usize = 1 << 16;

/// The arguments of `fwgate trace`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  fwgate trace rules.v4 --hook forward --packets packets.jsonl\n  \
                  echo '{\"src\":\"10.1.2.3\",\"dst\":\"10.9.0.1\",\"proto\":\"tcp\",\"dport\":443}' | fwgate trace rules.v4 ipset --hook input --packets -\n\n\
                  `fwgate schema packet` describes a packet.")]
pub struct Arguments {
    /// The device
    #[command(flatten)]
    pub device: DeviceArguments,
    /// Where the packets are judged
    #[arg(long, value_enum)]
    pub hook: HookName,
    /// The packets, as JSON Lines; `-` is standard input
    #[arg(long, value_name = "FILE|-")]
    pub packets: OsString,
    /// How to write the answer: for people at a terminal, else JSON Lines
    #[arg(long, value_enum)]
    pub format: Option<Format>,
}

/// How traces are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// One JSON object a packet
    Jsonl,
}

/// One packet of the input.
struct Given {
    line: usize,
    id: Value,
    packet: Packet,
}

/// Traces every packet, in order.
///
/// # Errors
/// Input that cannot be read or is not understood; more opaque conditions than can be followed.
pub fn run(arguments: &Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let device = arguments.device.read()?;
    let hook = arguments.hook.hook();
    check_hook(&device.ruleset, hook)?;
    let name = arguments.packets.to_string_lossy().into_owned();
    let packets = parse_all(&read_text(&arguments.packets)?, &name, hook)?;
    let format = arguments.format.unwrap_or(if screen.is_terminal { Format::Human } else { Format::Jsonl });
    let mut tracers = Tracers::new(&device.ruleset, hook);
    let mut held = String::new();
    for given in packets {
        let trace = tracers.trace(&given.packet).map_err(|e| at_line(&name, given.line, &e.to_string()))?;
        let written = WrittenTrace::of(&device.ruleset, given.packet.family, given.id, &trace);
        match format {
            Format::Jsonl => held += &written.line()?,
            Format::Human => held += &trace_human(&given.packet, &written, screen.colour),
        }
        if held.len() >= PIECE {
            screen.piece(&held)?;
            held.clear();
        }
    }
    screen.piece(&held)?;
    screen.answer("")?;
    Ok(PASSED)
}

fn read_text(from: &OsStr) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = if from == "-" {
        std::io::stdin().lock().take(MAX_PACKETS + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(Path::new(from)).and_then(|file| file.take(MAX_PACKETS + 1).read_to_end(&mut bytes))
    };
    let name = from.to_string_lossy();
    read.map_err(|e| Failure::new(format!("`{name}` cannot be read: {}", system_words(e.kind()))))?;
    if bytes.len() as u64 > MAX_PACKETS {
        return Err(Failure::new(format!("`{name}` is larger than {} MiB", MAX_PACKETS >> 20)).help("split it"));
    }
    String::from_utf8(bytes).map_err(|e| {
        let line = 1 + e.as_bytes()[..e.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count();
        at_line(&name, line, "the text is not UTF-8")
    })
}

/// All packets, or every problem with its line: nothing is traced before all are understood.
fn parse_all(text: &str, name: &str, hook: Hook) -> Result<Vec<Given>, Failure> {
    let mut given = Vec::new();
    let mut failures = Vec::new();
    let lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate();
    for (at, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        match parse(line, hook) {
            Ok((id, packet)) => given.push(Given { line: at + 1, id, packet }),
            Err(message) => failures.push(at_line(name, at + 1, &message)),
        }
    }
    let more = failures.len().saturating_sub(MAX_SHOWN);
    if more > 0 {
        failures.truncate(MAX_SHOWN);
        failures.push(Failure::new(format!("{more} further lines are not understood")));
    }
    if failures.is_empty() { Ok(given) } else { Err(Failure::Several(failures)) }
}

/// The id, as given, and the packet. An interface that the hook does not have is `none`.
fn parse(line: &str, hook: Hook) -> Result<(Value, Packet), String> {
    let value: Value =
        serde_json::from_str(line).map_err(|e| format!("no JSON object, from column {} on", e.column()))?;
    let absent = hook.lacks();
    let key = match absent {
        Some(IfaceSide::In) => "iif",
        Some(_) => "oif",
        None => "",
    };
    if value.get(key).is_some_and(|v| !v.is_null()) {
        return Err(format!("a packet judged at {hook} has no `{key}`"));
    }
    let mut packet = packet_from_json(&value).map_err(|e| e.to_string())?;
    if let Some(ether_type) = hook.ether_type(packet.family) {
        packet.set(Field::EtherType, ether_type);
    }
    for (side, key) in [(IfaceSide::In, "iif"), (IfaceSide::Out, "oif")] {
        if absent == Some(side) {
            packet.set_interface(side, Interface::None);
        } else if *packet.interface(side) == Interface::None {
            return Err(format!("a packet judged at {hook} always has `{key}`: it is never `none`"));
        }
    }
    let id = value.get("id").cloned().unwrap_or(Value::Null);
    Ok((id, packet))
}

fn at_line(name: &str, line: usize, message: &str) -> Failure {
    let name = if name == "-" { "standard input" } else { name };
    Failure::new(format!("{name}, line {line}: {message}"))
}
