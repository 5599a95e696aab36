//! Routes and policy rules in the namespace of the calling thread: loaded line by line, and read back.

use super::lan::{address_line, await_local, await_up, ip, ip_family, lower};
use super::routed::{RouteJob, RouteLine, with_names};
use crate::fleet::transport::shown;
use nix::sched::{CloneFlags, unshare};
use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::{fs, thread};

/// Most interfaces of a namespace that only routes need.
const MAX_INTERFACES: usize = 1_000;

/// What the kernel made of routes.
pub(super) enum Routed {
    /// It refused a line: its place, and why.
    Refused { place: String, said: String },
    /// It took all of them; what it holds now, as files.
    Done(Vec<(String, String)>),
}

/// Loads routes in a namespace that holds nothing else, and reads back what it then holds.
///
/// # Errors
/// No such namespace can be made.
pub(super) fn load_apart(job: &RouteJob) -> Result<Routed, String> {
    let job = job.clone();
    let thread = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).map_err(|e| format!("a namespace for routes: {}", e.desc()))?;
        links(&job)?;
        if let Some((place, said)) = bring_about(&job, None)? {
            return Ok(Routed::Refused { place, said });
        }
        readback(&job).map(Routed::Done)
    });
    thread.join().unwrap_or_else(|_| Err("the namespace for routes died".to_owned()))
}

/// The interfaces, each with an other end, so that its link is up.
fn links(job: &RouteJob) -> Result<(), String> {
    if job.interfaces.len() > MAX_INTERFACES {
        return Err(format!("the routes name {} interfaces; {MAX_INTERFACES} are the most", job.interfaces.len()));
    }
    for (name, value) in [("forwarding", "1"), ("accept_dad", "0"), ("addr_gen_mode", "1")] {
        let _ = fs::write(format!("/proc/sys/net/ipv6/conf/default/{name}"), value);
        let _ = fs::write(format!("/proc/sys/net/ipv6/conf/all/{name}"), value);
    }
    fs::write("/proc/sys/net/ipv4/ip_forward", "1").map_err(|e| format!("forwarding cannot be set: {}", lower(&e)))?;
    let mut out = "link set lo up\n".to_owned();
    for (at, name) in job.interfaces.iter().enumerate() {
        out += &format!(
            "link add {name} type veth peer name fwgend{at}\nlink set fwgend{at} up\nlink set {name} arp off up\n"
        );
    }
    ip(&out)?;
    await_up(|name| job.interfaces.iter().any(|i| i == name))
}

/// Loads routes and rules; the place of the line that the kernel refuses, and its words. With `shift`, the rules stand so much
/// further behind.
///
/// # Errors
/// What has to be there before cannot be made.
pub(super) fn bring_about(job: &RouteJob, shift: Option<u32>) -> Result<Option<(String, String)>, String> {
    let address = |(address, dev): &(std::net::IpAddr, String)| {
        address_line("replace", address).replace(" dev lo\n", &format!(" dev {dev}\n"))
    };
    ip(&job.addresses.iter().map(address).collect::<String>())?;
    await_local(&job.addresses.iter().map(|(address, _)| *address).collect::<Vec<_>>())?;
    for (family, table) in &job.emptied {
        ip_family(option(*family), &format!("route flush table {table}\n"))?;
    }
    for family in [4, 6] {
        let lines = job.lines.iter().filter(|l| l.family == family).map(|l| shifted(l, shift));
        let (rules, routes): (Vec<RouteLine>, Vec<RouteLine>) = lines.partition(|l| l.words.starts_with("rule "));
        // Whether a gateway is on a link is asked by the rules that are in force at that moment.
        if let Some(refused) = load(family, &routes)? {
            return Ok(Some(refused));
        }
        if !rules.is_empty() || shift.is_some() {
            default_rules(family, if rules.is_empty() { shift } else { None })?;
        }
        if let Some(refused) = load(family, &rules)? {
            return Ok(Some(refused));
        }
    }
    Ok(None)
}

/// The rules that a host starts with go; where the device has no others, they come back further behind.
fn default_rules(family: u8, back_at: Option<u32>) -> Result<(), String> {
    let standing: &[(u32, &str)] = match family {
        4 => &[(0, "local"), (32766, "main"), (32767, "default")],
        _ => &[(0, "local"), (32766, "main")],
    };
    let gone: String = standing.iter().map(|(at, table)| format!("rule del pref {at} lookup {table}\n")).collect();
    let back = back_at.map(|by| {
        standing.iter().map(|(at, table)| format!("rule add pref {} lookup {table}\n", at + by)).collect::<String>()
    });
    ip_family(option(family), &(gone + &back.unwrap_or_default()))
}

/// A rule further behind, with the rules that it goes on with.
fn shifted(line: &RouteLine, shift: Option<u32>) -> RouteLine {
    let Some(by) = shift.filter(|_| line.words.starts_with("rule ")) else { return line.clone() };
    let mut is_priority = false;
    let word = |word: &str| {
        let out = match word.parse::<u32>() {
            Ok(number) if is_priority => number.saturating_add(by).to_string(),
            _ => word.to_owned(),
        };
        is_priority = matches!(word, "pref" | "goto");
        out
    };
    RouteLine { words: line.words.split(' ').map(word).collect::<Vec<_>>().join(" "), ..line.clone() }
}

fn option(family: u8) -> &'static str {
    if family == 4 { "-4" } else { "-6" }
}

/// Loads lines in order, up to the first that is refused.
fn load(family: u8, lines: &[RouteLine]) -> Result<Option<(String, String)>, String> {
    let all: String = lines.iter().map(|l| format!("{}\n", l.words)).collect();
    let done = batch(family, &all)?;
    if done.status.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    let number =
        said.lines().find_map(|l| l.strip_prefix("Command failed -:")).and_then(|n| n.trim().parse::<usize>().ok());
    let found = number.and_then(|number| lines.get(number.checked_sub(1)?));
    if let Some(line) = found {
        return Ok(Some((line.place.clone(), words_of(&said))));
    }
    // Words that `ip` itself does not know end it without a number.
    for line in lines {
        let done = batch(family, &format!("{}\n", line.words))?;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        if !done.status.success() && !said.contains("File exists") {
            return Ok(Some((line.place.clone(), words_of(&said))));
        }
    }
    Err(format!("`ip` failed: {}", words_of(&said)))
}

/// What was said, without the number of the line.
fn words_of(said: &str) -> String {
    let kept: Vec<&str> = said.lines().filter(|l| !l.starts_with("Command failed")).collect();
    let text = shown(kept.join("\n").as_bytes());
    text.strip_prefix("Error: ").unwrap_or(&text).trim_end_matches('.').to_owned()
}

fn batch(family: u8, lines: &str) -> Result<Output, String> {
    let mut command = Command::new("ip");
    command.args([option(family), "-batch", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| format!("`ip` cannot be started: {}", e.kind()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // `ip` may stop at a line that it does not take, and listen no more.
        let _ = stdin.write_all(lines.as_bytes());
    }
    child.wait_with_output().map_err(|e| e.to_string())
}

/// Every table, and the rules of the families of which some were given.
fn readback(job: &RouteJob) -> Result<Vec<(String, String)>, String> {
    let families: BTreeSet<u8> = job.lines.iter().map(|l| l.family).chain(job.ruled.iter().copied()).collect();
    // The JSON form does not keep an `encap` apart, and does not say what is locked.
    let needs_text = job.lines.iter().any(|l| l.words.contains(" encap ") || l.words.contains(" lock "));
    let mut out = Vec::new();
    for family in families {
        let form: &[&str] = if needs_text && job.tables.is_empty() { &[] } else { &["-j"] };
        let print = |what: &[&str]| -> Result<String, String> {
            let done = Command::new("ip").arg(option(family)).args(form).args(what).stdin(Stdio::null()).output();
            let done = done.map_err(|e| format!("`ip` cannot be started: {}", e.kind()))?;
            match done.status.success() {
                true => Ok(with_names(&String::from_utf8_lossy(&done.stdout), &job.tables)),
                false => Err(format!("`ip` failed: {}", shown(&done.stderr))),
            }
        };
        let routes = print(&["route", "show", "table", "all"])?;
        out.push((format!("routes.v{family}"), routes));
        if job.ruled.contains(&family) {
            out.push((format!("rule.v{family}"), print(&["rule", "show"])?));
        }
    }
    // An empty list is nothing that a reader could tell from anything else.
    out.retain(|(_, text)| text.contains(|c: char| c.is_alphanumeric()));
    Ok(out)
}
